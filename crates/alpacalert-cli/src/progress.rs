//! The line that shows how far a measurement has come, for whoever waits at a terminal.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use alpacalert::Progress;
use alpacalert_visualise::{one_line, shown_width};
use terminal_size::{Width, terminal_size_of};

/// What is done sooner needs no line.
const SILENT: Duration = Duration::from_secs(1);
/// Faster changes cannot be read.
const PAUSE: Duration = Duration::from_millis(100);

/// Writes the line to standard error, if that is a terminal, and takes it away again.
pub(crate) struct ProgressLine {
    started: Instant,
    /// When the line was written last; present while it stands there.
    written: Mutex<Option<Instant>>,
    watched: bool,
}

impl ProgressLine {
    pub(crate) fn new() -> Self {
        ProgressLine {
            started: Instant::now(),
            written: Mutex::new(None),
            watched: io::stderr().is_terminal(),
        }
    }

    /// Takes how far it has come.
    pub(crate) fn show(&self, progress: &Progress) {
        if !self.watched || self.started.elapsed() < SILENT {
            return;
        }
        let mut written = self
            .written
            .lock()
            .unwrap_or_else(|broken| broken.into_inner());
        if written.is_some_and(|last| last.elapsed() < PAUSE) {
            return;
        }
        *written = Some(Instant::now());
        let width =
            terminal_size_of(io::stderr()).map_or(80, |(Width(width), _)| usize::from(width));
        let line = cut(&words(progress), width.saturating_sub(1));
        let _ = write!(io::stderr().lock(), "\r{line}\x1b[K");
    }

    /// Takes the line away.
    pub(crate) fn clear(&self) {
        let mut written = self
            .written
            .lock()
            .unwrap_or_else(|broken| broken.into_inner());
        if written.take().is_some() {
            let _ = write!(io::stderr().lock(), "\r\x1b[K");
        }
    }
}

impl Drop for ProgressLine {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Says what is waited for on standard error, if that is a terminal, when it takes long.
pub(crate) struct Waiting(String);

impl Waiting {
    pub(crate) fn new(text: String) -> Self {
        Waiting(text)
    }

    /// Waits for something.
    pub(crate) async fn until<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        if let Ok(done) = tokio::time::timeout(SILENT, work.as_mut()).await {
            return done;
        }
        let watched = io::stderr().is_terminal();
        if watched {
            let _ = write!(io::stderr().lock(), "\r{}\x1b[K", one_line(&self.0));
        }
        let done = work.await;
        if watched {
            let _ = write!(io::stderr().lock(), "\r\x1b[K");
        }
        done
    }
}

fn words(progress: &Progress) -> String {
    let waiting = progress
        .waiting_for
        .as_ref()
        .map_or_else(String::new, |title| {
            format!(", waiting for {}", one_line(title))
        });
    if progress.total == 0 {
        format!("asking sources{waiting}")
    } else {
        format!("measured {} of {}{waiting}", progress.done, progress.total)
    }
}

/// The text in at most `width` columns.
fn cut(text: &str, width: usize) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if shown_width(&out) + shown_width(c.encode_utf8(&mut [0; 4])) > width {
            break;
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_what_is_waited_for() {
        let progress = |done, total, title: Option<&str>| Progress {
            done,
            total,
            waiting_for: title.map(str::to_owned),
        };
        assert_eq!(
            words(&progress(3, 10, Some("http\nx"))),
            "measured 3 of 10, waiting for http x"
        );
        assert_eq!(words(&progress(3, 10, None)), "measured 3 of 10");
        assert_eq!(
            words(&progress(0, 0, Some("source a"))),
            "asking sources, waiting for source a"
        );
    }

    #[test]
    fn the_line_never_wraps() {
        assert_eq!(cut("監視監視", 5), "監視");
        assert_eq!(cut("abc", 5), "abc");
    }
}
