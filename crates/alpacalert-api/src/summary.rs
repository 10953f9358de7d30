//! What one instance tells others about a service: the contract of federation.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How a thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// Does what it should.
    Passing,
    /// Does what it should, with less margin or not for long.
    Degraded,
    /// Nobody can tell.
    Unknown,
    /// Does not do what it should.
    Failing,
}

impl Health {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Health::Passing => "passing",
            Health::Degraded => "degraded",
            Health::Unknown => "unknown",
            Health::Failing => "failing",
        }
    }
}

/// What one instance tells others about a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceSummary {
    /// The version of this document's form: [`VERSION`](crate::VERSION).
    pub version: u32,
    /// The instance that publishes it.
    pub instance: String,
    /// Its name at that instance.
    pub service: String,
    /// What people call it.
    pub title: String,
    /// How it is.
    pub state: Health,
    /// When it entered that state; `null` before the first observation.
    pub since: Option<Timestamp>,
    /// Whose it is.
    pub owner: Option<String>,
    /// Whether everybody may see it.
    #[serde(default)]
    pub public: bool,
    /// How it is and why, in one sentence for people.
    pub sentence: String,
    /// What holds it in that state, the worst first; empty when it is passing.
    pub causes: Vec<CauseSummary>,
    /// When this was made, by the publisher's clock.
    pub generated_at: Timestamp,
    /// For how many seconds it may be believed. Older than that, nothing is known.
    pub ttl: u32,
    /// The instances that it depends on, so that those who consume each other find out.
    pub via: Vec<String>,
}

/// One thing that holds a service in its state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CauseSummary {
    /// Whose it is.
    pub owner: Option<String>,
    /// What people call it.
    pub name: String,
    /// What is wrong with it, in words; empty when nothing more is known.
    #[serde(default)]
    pub message: String,
    /// Since when.
    pub since: Option<Timestamp>,
    /// Which faults it is, where they are, by names that say nothing else: whoever hears of one from several publishers knows that it is
    /// one. Empty when that is not known; of a cause of the publisher's own there is one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub origins: Vec<String>,
}
