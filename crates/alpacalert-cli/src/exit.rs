//! How the program ends: its exit codes, and what it says when something is wrong.

use std::process::ExitCode;

use alpacalert_model::State;

use crate::terminal::Terminal;

/// Everything that was asked for is Passing, or was done.
pub(crate) const PASSING: u8 = 0;
/// Something is Degraded, nothing worse: Nagios' WARNING.
pub(crate) const DEGRADED: u8 = 1;
/// Something is Failing: Nagios' CRITICAL.
pub(crate) const FAILING: u8 = 2;
/// Something is Unknown, nothing is Failing.
pub(crate) const UNKNOWN: u8 = 3;
/// The command line is wrong (`EX_USAGE` of `sysexits.h`).
pub(crate) const USAGE: u8 = 64;
/// The configuration is wrong (`EX_DATAERR`).
pub(crate) const CONFIGURATION: u8 = 65;
/// The program itself is at fault (`EX_SOFTWARE`).
pub(crate) const SOFTWARE: u8 = 70;
/// Something could not be read or written (`EX_IOERR`).
pub(crate) const IO: u8 = 74;
/// Ended at once by a second Ctrl-C, as shells write it: 128 and the number of the signal.
pub(crate) const INTERRUPTED: u8 = 130;

/// The exit codes as the help shows them.
pub(crate) const HELP: &str = "\
Exit codes:
   0  everything is passing, or was done
   1  something is degraded
   2  something is failing
   3  something is unknown
  64  wrong usage
  65  wrong configuration
  70  a fault of the program
  74  something could not be read or written
 130  ended at once by a second Ctrl-C";

/// The exit code of a state.
pub(crate) fn of(state: State) -> u8 {
    match state {
        State::Passing => PASSING,
        State::Degraded => DEGRADED,
        State::Failing => FAILING,
        State::Unknown => UNKNOWN,
    }
}

/// Why a command could not do what it was asked to.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    text: String,
    /// Whether the text says by itself that it is an error, as diagnostics do.
    whole: bool,
}

impl Failure {
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Failure {
            code: USAGE,
            text: text.into(),
            whole: false,
        }
    }

    pub(crate) fn configuration(text: impl Into<String>) -> Self {
        Failure {
            code: CONFIGURATION,
            ..Failure::usage(text)
        }
    }

    /// Something could not be read or written.
    pub(crate) fn io(text: impl Into<String>) -> Self {
        Failure {
            code: IO,
            ..Failure::usage(text)
        }
    }

    /// Diagnostics that are shown as they are.
    pub(crate) fn diagnostics(text: impl Into<String>) -> Self {
        Failure {
            whole: true,
            ..Failure::configuration(text)
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<anyhow::Error> for Failure {
    /// The whole chain of an error; something that could not be read or written has a code of its own.
    fn from(error: anyhow::Error) -> Self {
        let io = error.chain().any(|cause| cause.is::<std::io::Error>());
        Failure {
            code: if io { IO } else { SOFTWARE },
            text: format!("{error:#}"),
            whole: false,
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Failure::from(anyhow::Error::from(error))
    }
}

/// How a command ended: with an exit code, or with a reason why not.
pub(crate) type Outcome = Result<u8, Failure>;

/// Says what is wrong, if anything is, and gives the exit code.
pub(crate) fn code(outcome: Outcome, terminal: &Terminal) -> ExitCode {
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            if failure.whole {
                terminal.complain(&failure.text);
            } else {
                terminal.error(&failure.text);
            }
            ExitCode::from(failure.code)
        }
    }
}

/// What clap says, with our exit code: help and version are no errors.
pub(crate) fn wrong_usage(error: &clap::Error) -> ExitCode {
    // Where even this cannot be written there is nobody to tell.
    let _ = error.print();
    ExitCode::from(if error.use_stderr() { USAGE } else { PASSING })
}
