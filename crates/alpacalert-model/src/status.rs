//! What a sensor saw, and what is known about a node.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use crate::{Measurement, State};

/// How serious a message is, with OpenTelemetry's severity numbers (the lowest number of each range).
///
/// Source: OpenTelemetry logs data model, "Displaying Severity".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Severity {
    /// Fine-grained detail.
    Trace = 1,
    /// Detail for debugging.
    Debug = 5,
    /// Something worth knowing.
    Info = 9,
    /// Something that may become a problem.
    Warn = 13,
    /// Something that does not work.
    Error = 17,
    /// Something that stopped altogether.
    Fatal = 21,
}

impl Severity {
    /// OpenTelemetry's `SeverityNumber`.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// OpenTelemetry's `SeverityText`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Severity::Trace => "TRACE",
            Severity::Debug => "DEBUG",
            Severity::Info => "INFO",
            Severity::Warn => "WARN",
            Severity::Error => "ERROR",
            Severity::Fatal => "FATAL",
        }
    }
}

impl From<State> for Severity {
    /// The severity of a message that explains a state.
    fn from(state: State) -> Self {
        match state {
            State::Passing => Severity::Info,
            State::Degraded | State::Unknown => Severity::Warn,
            State::Failing => Severity::Error,
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One sentence for people, with its severity.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Message {
    /// How serious it is.
    pub severity: Severity,
    /// The sentence: lower case, no full stop, no secrets.
    pub text: Cow<'static, str>,
}

impl Message {
    /// A message.
    pub fn new(severity: Severity, text: impl Into<Cow<'static, str>>) -> Self {
        Message {
            severity,
            text: text.into(),
        }
    }
}

/// Why a node is in its state, for machines: a short code in kebab case such as `connection-refused`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reason(Cow<'static, str>);

impl Reason {
    /// Everything is as it should be.
    pub const OK: Reason = Reason::fixed("ok");
    /// No observation has arrived yet.
    pub const NOT_MEASURED: Reason = Reason::fixed("not-measured");
    /// The newest observation is older than its time to live.
    pub const STALE: Reason = Reason::fixed("stale");
    /// The sensor did not answer within its time-out.
    pub const TIMEOUT: Reason = Reason::fixed("timeout");
    /// The sensor itself broke: a panic or an error of its own.
    pub const SENSOR_BROKEN: Reason = Reason::fixed("sensor-broken");
    /// The source that should know about this node cannot be reached.
    pub const SOURCE_LOST: Reason = Reason::fixed("source-lost");
    /// A measured value crossed a limit.
    pub const LIMIT: Reason = Reason::fixed("limit");
    /// The node is named by another one and does not exist.
    pub const MISSING: Reason = Reason::fixed("missing");
    /// A system without members has nothing to judge.
    pub const NOTHING_TO_OBSERVE: Reason = Reason::fixed("nothing-to-observe");
    /// A system whose members are all optional requires nothing.
    pub const NOTHING_REQUIRED: Reason = Reason::fixed("nothing-required");
    /// The members decide.
    pub const MEMBERS: Reason = Reason::fixed("members");
    /// Fewer members pass than the margin asks for.
    pub const LOW_MARGIN: Reason = Reason::fixed("low-margin");
    /// The rule asks for more than the members can ever give.
    pub const TOO_FEW_MEMBERS: Reason = Reason::fixed("too-few-members");
    /// An edge of this node would have closed a cycle and was refused.
    pub const CYCLE: Reason = Reason::fixed("cycle");

    /// A code known when the program is compiled.
    pub const fn fixed(code: &'static str) -> Self {
        Reason(Cow::Borrowed(code))
    }

    /// A code from elsewhere.
    pub fn new(code: impl Into<Cow<'static, str>>) -> Self {
        Reason(code.into())
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// What a sensor saw at one moment: the fact, with its evidence.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// The state that the facts amount to.
    pub state: State,
    /// Why, for machines.
    pub reason: Reason,
    /// Why, for people; the most important message first.
    pub messages: Vec<Message>,
    /// The measured values, with the limits they were held against.
    pub measurements: Vec<Measurement>,
    /// When the facts were true.
    pub at: Timestamp,
    /// The faults elsewhere that it tells of, all of them; empty when that is not known. What several tell of is one fault.
    pub origins: Vec<Origin>,
}

/// A fault where it is, of which somebody else told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Which: the same for all who tell of it.
    pub id: Arc<str>,
    /// Over how many others it came.
    pub hops: u32,
}

impl Observation {
    /// An observation without evidence yet.
    pub fn new(state: State, reason: Reason, at: Timestamp) -> Self {
        Observation {
            state,
            reason,
            messages: Vec::new(),
            measurements: Vec::new(),
            at,
            origins: Vec::new(),
        }
    }

    /// All is well.
    pub fn passing(at: Timestamp) -> Self {
        Observation::new(State::Passing, Reason::OK, at)
    }

    /// We cannot tell, and `text` says why.
    pub fn unknown(reason: Reason, text: impl Into<Cow<'static, str>>, at: Timestamp) -> Self {
        Observation::new(State::Unknown, reason, at).message(Severity::Warn, text)
    }

    /// It does not do what it should, and `text` says why.
    pub fn failing(reason: Reason, text: impl Into<Cow<'static, str>>, at: Timestamp) -> Self {
        Observation::new(State::Failing, reason, at).message(Severity::Error, text)
    }

    /// Adds a message.
    #[must_use]
    pub fn message(mut self, severity: Severity, text: impl Into<Cow<'static, str>>) -> Self {
        self.messages.push(Message::new(severity, text));
        self
    }

    /// Adds a measurement, and lets it worsen the state if it crosses one of its limits.
    ///
    /// The reason and a message are added when the state worsens, so that a sensor only reports numbers and limits.
    #[must_use]
    pub fn measured(mut self, measurement: Measurement) -> Self {
        let verdict = measurement.state();
        if verdict != State::Passing {
            let message = Message::new(verdict.into(), measurement.sentence());
            if verdict > self.state {
                self.state = verdict;
                self.reason = Reason::LIMIT;
                self.messages.insert(0, message);
            } else {
                self.messages.push(message);
            }
        }
        self.measurements.push(measurement);
        self
    }

    /// Worsens the state to `state` for a reason, unless it is as bad already; the message is kept in any case.
    #[must_use]
    pub fn worsened(
        mut self,
        state: State,
        reason: Reason,
        text: impl Into<Cow<'static, str>>,
    ) -> Self {
        let message = Message::new(state.into(), text);
        if state > self.state {
            self.state = state;
            self.reason = reason;
            self.messages.insert(0, message);
        } else {
            self.messages.push(message);
        }
        self
    }
}

/// What is known about a node now.
#[derive(Clone, Debug, PartialEq)]
pub struct Status {
    /// The state to show: for a sensor the newest observation, for a system what its rule makes of its members.
    pub state: State,
    /// The state that parents see. It differs from `state` while retries are under way.
    pub confirmed: State,
    /// Why, for machines.
    pub reason: Reason,
    /// Why, for people; the most important message first.
    pub messages: Vec<Message>,
    /// The measured values, with the limits they were held against.
    pub measurements: Vec<Measurement>,
    /// When the facts were true; for a system, when it was last judged. `None` before the first observation.
    pub observed_at: Option<Timestamp>,
    /// When `state` was entered. `None` before the first observation.
    pub since: Option<Timestamp>,
}

/// Something that is true about a node beside its health. A mark never changes a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Mark {
    /// Not being measured, on somebody's request.
    Paused = 1,
    /// Somebody knows and is on it.
    Acknowledged = 2,
    /// Work on it is planned for now.
    Maintenance = 4,
    /// Changes its state too often to be worth a message each time.
    Flapping = 8,
}

impl Mark {
    /// Every mark.
    pub const ALL: [Mark; 4] = [
        Mark::Paused,
        Mark::Acknowledged,
        Mark::Maintenance,
        Mark::Flapping,
    ];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Mark::Paused => "paused",
            Mark::Acknowledged => "acknowledged",
            Mark::Maintenance => "in maintenance",
            Mark::Flapping => "flapping",
        }
    }
}

/// Until when work on a node is planned, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Maintenance {
    /// The moment after the last.
    pub until: Timestamp,
    /// Why, for people.
    pub reason: Arc<str>,
}

/// A set of marks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Marks(u8);

impl Marks {
    /// Whether the mark is set.
    pub const fn has(self, mark: Mark) -> bool {
        self.0 & mark as u8 != 0
    }

    /// Sets or clears a mark; tells whether that changed anything.
    pub fn set(&mut self, mark: Mark, on: bool) -> bool {
        let before = self.0;
        if on {
            self.0 |= mark as u8;
        } else {
            self.0 &= !(mark as u8);
        }
        before != self.0
    }

    /// The marks that are set.
    pub fn iter(self) -> impl Iterator<Item = Mark> {
        Mark::ALL.into_iter().filter(move |mark| self.has(*mark))
    }
}
