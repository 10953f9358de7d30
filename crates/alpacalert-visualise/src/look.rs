//! How text is put on a terminal: colours, shapes and widths.

use alpacalert_model::State;
use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthChar;

use crate::text::{shown_width, to_ascii};

/// What the terminal can show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// Whether colours are wanted. Word and shape say the same without them.
    pub color: bool,
    /// Whether only characters of ASCII may be used.
    pub ascii: bool,
    /// How many columns there are; lines are not broken when absent.
    pub width: Option<usize>,
}

/// The sign of a state: `●`, `▲`, `?`, `✕`; in ASCII `o`, `^`, `?`, `x`. It always stands beside the word or a sentence.
pub const fn shape(state: State, ascii: bool) -> &'static str {
    match (state, ascii) {
        (State::Passing, false) => "●",
        (State::Degraded, false) => "▲",
        (State::Failing, false) => "✕",
        (State::Passing, true) => "o",
        (State::Degraded, true) => "^",
        (State::Failing, true) => "x",
        (State::Unknown, _) => "?",
    }
}

/// What a piece of text is, and so how it is painted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Ordinary text.
    Plain,
    /// What the eye should meet first.
    Strong,
    /// What may be passed over.
    Quiet,
    /// Something that is in this state.
    State(State),
}

/// A piece of text in one tone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) tone: Tone,
    pub(crate) text: String,
}

pub(crate) fn span(tone: Tone, text: impl Into<String>) -> Span {
    Span {
        tone,
        text: text.into(),
    }
}

/// The least columns that text is broken into, however deep it stands: less cannot be read.
const NARROWEST: usize = 24;

impl Look {
    pub(crate) fn shape(&self, state: State) -> Span {
        span(Tone::State(state), shape(state, self.ascii))
    }

    /// Appends the spans as one line, broken between words where it is too long: the first line begins with `first`, the
    /// others with `rest`.
    pub(crate) fn line(&self, out: &mut String, first: &str, rest: &str, spans: &[Span]) {
        let room = self.width.map_or(usize::MAX, |width| {
            width.saturating_sub(shown_width(rest)).max(NARROWEST)
        });
        for (row, spans) in self.rows(spans, room).into_iter().enumerate() {
            self.paint(out, Tone::Quiet, if row == 0 { first } else { rest });
            for piece in &spans {
                self.paint(out, piece.tone, &piece.text);
            }
            out.truncate(out.trim_end_matches(' ').len());
            out.push('\n');
        }
    }

    /// The spans as rows of at most `room` columns, broken between words, and within those that are too long.
    fn rows(&self, spans: &[Span], room: usize) -> Vec<Vec<Span>> {
        let mut rows: Vec<Vec<Span>> = vec![Vec::new()];
        let mut used = 0;
        for word in self.words(spans) {
            if used > 0 && used + shown_width(word.text.trim_end()) > room {
                rows.push(Vec::new());
                used = 0;
            }
            for (nth, part) in broken(&word.text, room).into_iter().enumerate() {
                if nth > 0 {
                    rows.push(Vec::new());
                    used = 0;
                }
                used += shown_width(part);
                let row = rows.last_mut().expect("there is always a row");
                match row.last_mut() {
                    Some(last) if last.tone == word.tone => last.text.push_str(part),
                    _ => row.push(span(word.tone, part)),
                }
            }
        }
        rows
    }

    /// The spans cut into words, each with the space that follows it. A number and its unit are one word.
    fn words(&self, spans: &[Span]) -> Vec<Span> {
        let mut words: Vec<Span> = Vec::new();
        for piece in spans {
            for word in self.written(&piece.text).split_inclusive(' ') {
                match words.last_mut() {
                    Some(last) if last.tone == piece.tone && is_unit_of(word, &last.text) => {
                        last.text.push_str(word);
                    }
                    _ => words.push(span(piece.tone, word)),
                }
            }
        }
        words
    }

    pub(crate) fn written(&self, text: &str) -> String {
        if self.ascii {
            to_ascii(text)
        } else {
            text.to_owned()
        }
    }

    fn paint(&self, out: &mut String, tone: Tone, text: &str) {
        let style = style(tone);
        let body = text.trim_end_matches(' ');
        if !self.color || style == Style::new() || body.is_empty() {
            out.push_str(text);
            return;
        }
        out.push_str(&format!("{style}{body}{style:#}"));
        out.push_str(&text[body.len()..]);
    }
}

/// Whether a word is the unit of the number that ends the one before: `90 %` is not to be torn apart.
fn is_unit_of(word: &str, before: &str) -> bool {
    const UNITS: [&str; 14] = [
        "%", "B", "KiB", "MiB", "GiB", "TiB", "PiB", "s", "ms", "µs", "min", "h", "d", "°C",
    ];
    let number = before
        .strip_suffix(' ')
        .is_some_and(|text| text.ends_with(|c: char| c.is_ascii_digit()));
    number && UNITS.contains(&word.trim_end_matches([' ', ',', ')', ':', ';']))
}

/// The text in parts of at most `room` columns.
fn broken(text: &str, room: usize) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut from, mut used) = (0, 0);
    for (at, c) in text.char_indices() {
        let size = c.width().unwrap_or(0);
        if used + size > room && at > from && c != ' ' {
            parts.push(&text[from..at]);
            (from, used) = (at, 0);
        }
        used += size;
    }
    parts.push(&text[from..]);
    parts
}

/// The 16 colours of every terminal, so that the reader's own palette decides. Unknown is magenta: the grey of the page
/// is the background of some common palettes.
fn style(tone: Tone) -> Style {
    let color = |color: AnsiColor| Style::new().fg_color(Some(color.into()));
    match tone {
        Tone::Plain => Style::new(),
        Tone::Strong => Style::new().bold(),
        Tone::Quiet => Style::new().dimmed(),
        Tone::State(State::Passing) => color(AnsiColor::Green),
        Tone::State(State::Degraded) => color(AnsiColor::Yellow),
        Tone::State(State::Unknown) => color(AnsiColor::Magenta),
        Tone::State(State::Failing) => color(AnsiColor::Red).bold(),
    }
}

#[cfg(test)]
mod tests;
