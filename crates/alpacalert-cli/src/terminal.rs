//! Where output goes, and what can be shown there.

use std::io::{self, IsTerminal as _, Write as _};

use alpacalert_visualise::Look;
use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use anyhow::Context as _;
use terminal_size::{Width, terminal_size_of};

use crate::cli::{Appearance, Color};

/// Where output goes, and what can be shown there.
#[derive(Debug)]
pub(crate) struct Terminal {
    color_out: bool,
    color_err: bool,
    ascii: bool,
}

impl Terminal {
    /// What standard output and standard error can show, as far as the user leaves that open.
    pub(crate) fn new(appearance: &Appearance) -> Self {
        let wanted = |detected: anstream::ColorChoice| match appearance.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => detected != anstream::ColorChoice::Never,
        };
        Terminal {
            color_out: wanted(AutoStream::choice(&io::stdout())),
            color_err: wanted(AutoStream::choice(&io::stderr())),
            ascii: appearance.ascii,
        }
    }

    /// How text on standard output looks now: its width changes with the window's.
    pub(crate) fn look(&self) -> Look {
        Look {
            color: self.color_out,
            ascii: self.ascii,
            width: terminal_size_of(io::stdout()).map(|(Width(width), _)| usize::from(width)),
        }
    }

    /// Whether somebody looks at standard output as it is written.
    pub(crate) fn is_watched(&self) -> bool {
        io::stdout().is_terminal()
    }

    /// Columns and lines of the window, if there is one.
    pub(crate) fn size(&self) -> Option<(usize, usize)> {
        terminal_size_of(io::stdout())
            .map(|(Width(width), height)| (usize::from(width), usize::from(height.0)))
    }

    /// Writes to standard output. A reader that has gone away has read what it wanted: no error.
    ///
    /// # Errors
    ///
    /// When it cannot be written for another reason, such as a full disk.
    pub(crate) fn print(&self, text: &str) -> anyhow::Result<()> {
        self.print_live(text).map(|_| ())
    }

    /// Writes to standard output, and tells whether somebody still reads it.
    ///
    /// # Errors
    ///
    /// When it cannot be written for another reason, such as a full disk.
    pub(crate) fn print_live(&self, text: &str) -> anyhow::Result<bool> {
        let mut out = io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
            Err(error) => Err(error).context("failed to write to standard output"),
        }
    }

    /// Says something about what the program is doing, on standard error.
    pub(crate) fn note(&self, text: &str) {
        self.complain(&format!(
            "{}: {text}",
            self.painted("note", AnsiColor::Cyan)
        ));
    }

    /// Says what might be wrong, on standard error.
    pub(crate) fn warn(&self, text: &str) {
        self.complain(&format!(
            "{}: {text}",
            self.painted("warning", AnsiColor::Yellow)
        ));
    }

    /// Says what went wrong, on standard error.
    pub(crate) fn error(&self, text: &str) {
        self.complain(&format!(
            "{}: {text}",
            self.painted("error", AnsiColor::Red)
        ));
    }

    /// Writes to standard error as it is.
    pub(crate) fn complain(&self, text: &str) {
        // Where nobody listens there is nobody to tell that nobody listens.
        let _ = writeln!(io::stderr().lock(), "{}", text.trim_end());
    }

    /// Whether diagnostics may be coloured.
    pub(crate) fn colors_errors(&self) -> bool {
        self.color_err
    }

    fn painted(&self, word: &str, color: AnsiColor) -> String {
        if !self.color_err {
            return word.to_owned();
        }
        let style = Style::new().bold().fg_color(Some(color.into()));
        format!("{style}{word}{style:#}")
    }
}
