//! A picture on the terminal that is drawn over itself.
//!
//! It needs neither the alternate screen nor any mode of the terminal, so there is nothing to restore however the
//! program ends: what stands there is the last picture.

use crate::terminal::Terminal;

/// To the beginning of the line, `n` lines further up.
fn up(n: usize) -> String {
    if n == 0 {
        "\r".to_owned()
    } else {
        format!("\r\x1b[{n}A")
    }
}

/// Clears from here to the end of the line, and of the screen.
const CLEAR_LINE: &str = "\x1b[K";
const CLEAR_REST: &str = "\x1b[J";
/// To the upper left, and clears everything that is shown.
const CLEAR_ALL: &str = "\x1b[H\x1b[2J";

/// A picture on the terminal that is drawn over itself.
#[derive(Debug, Default)]
pub(crate) struct Screen {
    /// How many lines the last picture has.
    lines: usize,
    /// Whether the terminal may have moved the last picture about.
    moved: bool,
}

impl Screen {
    pub(crate) fn new() -> Self {
        Screen::default()
    }

    /// The window has another size: the terminal may have broken lines anew, and nobody can tell where they are.
    pub(crate) fn resized(&mut self) {
        self.moved = true;
    }

    /// Draws over the last picture, as much as fits the window.
    pub(crate) fn show(&mut self, text: &str, terminal: &Terminal) -> anyhow::Result<()> {
        // The cursor stands below the last line.
        let height = terminal
            .size()
            .map_or(usize::MAX, |(_, height)| height.saturating_sub(1).max(1));
        let picture = self.picture(&fitting(text, height));
        terminal.print(&picture)
    }

    /// Draws the last picture whole, however long it is.
    pub(crate) fn leave(&mut self, text: &str, terminal: &Terminal) -> anyhow::Result<()> {
        let lines: Vec<&str> = text.lines().collect();
        let picture = self.picture(&lines);
        terminal.print(&picture)
    }

    /// What to write to have these lines in place of the last ones. One piece, so that nothing flickers.
    fn picture(&mut self, lines: &[&str]) -> String {
        let mut out = if std::mem::take(&mut self.moved) {
            CLEAR_ALL.to_owned()
        } else {
            up(self.lines)
        };
        for line in lines {
            out.push_str(line);
            out.push_str(CLEAR_LINE);
            out.push('\n');
        }
        out.push_str(CLEAR_REST);
        self.lines = lines.len();
        out
    }
}

/// The first lines, and as the last one the counts, which always stay in sight.
fn fitting(text: &str, height: usize) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    if lines.len() > height
        && let Some(last) = lines.pop()
    {
        lines.truncate(height.saturating_sub(2));
        lines.push("…");
        lines.push(last);
        lines.truncate(height);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_drawn_over_the_one_before() {
        let mut screen = Screen::new();
        assert_eq!(screen.picture(&["a", "b"]), "\ra\x1b[K\nb\x1b[K\n\x1b[J");
        assert_eq!(screen.picture(&["c"]), "\r\x1b[2Ac\x1b[K\n\x1b[J");
        assert_eq!(screen.picture(&[]), "\r\x1b[1A\x1b[J");
    }

    #[test]
    fn after_a_resize_everything_is_cleared() {
        let mut screen = Screen::new();
        screen.picture(&["a"]);
        screen.resized();
        assert!(screen.picture(&["a"]).starts_with("\x1b[H\x1b[2Ja"));
        assert!(screen.picture(&["a"]).starts_with("\r\x1b[1A"));
    }

    #[test]
    fn what_does_not_fit_is_cut_above_the_counts() {
        let text = "1\n2\n3\n4\ncounts\n";
        assert_eq!(fitting(text, 10), ["1", "2", "3", "4", "counts"]);
        assert_eq!(fitting(text, 4), ["1", "2", "…", "counts"]);
        assert_eq!(fitting(text, 1).len(), 1);
    }
}
