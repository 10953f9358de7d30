//! Whose fault it was that a measurement did not get its answer.

use std::io;

use alpacalert_instrument::{Observation, Reason, SensorError, Timestamp};

use super::reason;

/// What kept a measurement from its answer.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The target does not do what it should: Failing.
    Target {
        /// Why, for machines.
        reason: Reason,
        /// Why, for people.
        text: String,
    },
    /// We could not do our work: Unknown.
    Ours(SensorError),
}

impl Trouble {
    pub(crate) fn target(reason: Reason, text: impl Into<String>) -> Self {
        let text = text.into();
        Trouble::Target { reason, text }
    }

    pub(crate) fn ours(reason: Reason, text: impl Into<String>) -> Self {
        Trouble::Ours(SensorError::new(reason, text.into()))
    }

    /// An error of a connection that is being made or was made; `doing` says what we were at.
    pub(crate) fn of_io(error: io::Error, doing: &str) -> Self {
        let (blame, reason) = blame(&error);
        match blame {
            Blame::Target => Trouble::target(reason, format!("{doing}: {}", plain(&error))),
            Blame::Us => {
                let text = format!("cannot go on {doing}{}", advice(&reason));
                Trouble::Ours(SensorError::new(reason, text).because(error))
            }
        }
    }

    /// What a sensor says about it.
    pub(crate) fn observe(self, at: Timestamp) -> Result<Observation, SensorError> {
        match self {
            Trouble::Target { reason, text } => Ok(Observation::failing(reason, text, at)),
            Trouble::Ours(error) => Err(error),
        }
    }
}

/// On whose side a fault is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blame {
    Target,
    Us,
}

/// Whose fault an error of the operating system is, and its reason code.
///
/// What the target's machine or the way to it answers is the target's; what our own machine refuses before anything was
/// sent is ours.
pub(crate) fn blame(error: &io::Error) -> (Blame, Reason) {
    use io::ErrorKind as Kind;
    match error.kind() {
        Kind::ConnectionRefused => (Blame::Target, reason::CONNECTION_REFUSED),
        Kind::ConnectionReset
        | Kind::ConnectionAborted
        | Kind::BrokenPipe
        | Kind::UnexpectedEof
        | Kind::NotConnected
        | Kind::WriteZero => (Blame::Target, reason::CONNECTION_CLOSED),
        Kind::TimedOut => (Blame::Target, Reason::TIMEOUT),
        Kind::HostUnreachable => (Blame::Target, reason::HOST_UNREACHABLE),
        Kind::NetworkUnreachable | Kind::NetworkDown => (Blame::Us, reason::NETWORK_UNREACHABLE),
        Kind::PermissionDenied => (Blame::Us, reason::NOT_PERMITTED),
        Kind::AddrNotAvailable | Kind::AddrInUse | Kind::OutOfMemory => {
            (Blame::Us, reason::OUT_OF_RESOURCES)
        }
        _ => match error.raw_os_error() {
            Some(code) if is_out_of_resources(code) => (Blame::Us, reason::OUT_OF_RESOURCES),
            // Anything else our system says before a connection stands is about our side of it.
            Some(_) => (Blame::Us, Reason::SENSOR_BROKEN),
            None => (Blame::Target, reason::CONNECTION_FAILED),
        },
    }
}

fn is_out_of_resources(code: i32) -> bool {
    use rustix::io::Errno;
    [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM]
        .iter()
        .any(|errno| errno.raw_os_error() == code)
}

fn advice(reason: &Reason) -> &'static str {
    match reason.as_str() {
        "network-unreachable" => ": this machine has no route to it",
        "out-of-resources" => {
            ": this machine has no file handle, local port or memory left for it (see `ulimit -n`)"
        }
        "not-permitted" => ": this machine does not allow it (a local firewall, or a capability)",
        _ => "",
    }
}

/// The error without the number that Rust adds: `Connection refused (os error 111)` becomes `connection refused`.
pub(crate) fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => "unknown error".to_owned(),
    }
}
