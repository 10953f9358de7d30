//! Everything else that the API tells.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Health, ServiceSummary};

/// `GET /api/v1/services`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceList {
    /// The version of this document's form.
    pub version: u32,
    /// The instance that tells it.
    pub instance: String,
    /// When it was made, by the publisher's clock.
    pub generated_at: Timestamp,
    /// The services, by name.
    pub services: Vec<ServiceSummary>,
}

/// The data of an event `changed` of `GET /api/v1/stream`: what is different from before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceChanges {
    /// When it was made, by the publisher's clock.
    pub generated_at: Timestamp,
    /// The services that are new or different, whole.
    pub services: Vec<ServiceSummary>,
    /// The names of those that are gone.
    pub removed: Vec<String>,
}

/// The data of an event `alive` of `GET /api/v1/stream`: nothing is different.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StillAlive {
    /// When it was made, by the publisher's clock.
    pub generated_at: Timestamp,
}

/// `GET /api/v1/nodes`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeList {
    /// The version of this document's form.
    pub version: u32,
    /// The instance that tells it.
    pub instance: String,
    /// When it was made.
    pub generated_at: Timestamp,
    /// How many nodes fit the filter.
    pub total: usize,
    /// What `after` must be to get the next page; `null` on the last one.
    pub next: Option<String>,
    /// One page of them, by identity.
    pub nodes: Vec<NodeBrief>,
}

/// A node in a list.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct NodeBrief {
    /// Its identity.
    pub id: String,
    /// What people call it.
    pub title: String,
    /// Its kind.
    pub kind: String,
    /// Where it was found.
    pub source: String,
    /// Whose it is.
    pub owner: Option<String>,
    /// Whether others may rely on it.
    pub service: bool,
    /// How it is.
    pub state: Health,
    /// Why, as a code.
    pub reason: String,
    /// Why, in words; empty when nothing was said.
    pub message: String,
    /// When it entered its state.
    pub since: Option<Timestamp>,
}

/// The data of an event `change`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeEvent {
    /// The identity of the node.
    pub node: String,
    /// What people call it.
    pub title: String,
    /// Whose it is.
    pub owner: Option<String>,
    /// Whether it is a service.
    pub service: bool,
    /// The state before.
    pub from: Health,
    /// The state now.
    pub to: Health,
    /// Why, as a code.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// `GET /api/v1/transitions`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransitionList {
    /// The version of this document's form.
    pub version: u32,
    /// The instance that tells it.
    pub instance: String,
    /// The newest first.
    pub transitions: Vec<TransitionRecord>,
}

/// One change of state as it was remembered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransitionRecord {
    /// The identity of the node.
    pub node: String,
    /// What people called it.
    pub title: String,
    /// Whose it was.
    pub owner: Option<String>,
    /// The state before; `null` where nothing is known of before.
    pub from: Option<Health>,
    /// The state after.
    pub to: Health,
    /// Why, as a code.
    pub reason: String,
    /// Why, in words.
    pub message: String,
    /// When.
    pub at: Timestamp,
}

/// `GET /api/v1/instance`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InstanceReport {
    /// The version of this document's form.
    pub version: u32,
    /// The name of the instance.
    pub instance: String,
    /// The version of the program.
    pub program: String,
    /// When it was started.
    pub started_at: Timestamp,
    /// How many nodes there are.
    pub nodes: usize,
    /// How many sensors are measured.
    pub sensors: usize,
    /// How many services are in each state.
    pub services: Counts,
    /// How late 99 of 100 measurements were at most, of late, in seconds.
    pub lateness_p99: f64,
    /// How many measurements wait for a slot.
    pub waiting: usize,
    /// The configuration.
    pub config: ConfigReport,
    /// The sources.
    pub sources: Vec<SourceReport>,
    /// The tasks that live as long as the program.
    #[serde(default)]
    pub tasks: Vec<TaskReport>,
}

/// A task that lives as long as the program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskReport {
    /// Its name.
    pub name: String,
    /// What becomes of it when it dies: `restart` or `essential`.
    pub policy: String,
    /// What it does now: `running`, `waiting` to be started again, `dead`, or `ended` as it was asked to.
    pub state: String,
    /// How many times it died.
    pub deaths: u64,
    /// Since when it is in this state.
    pub since: Timestamp,
    /// Why it died last; empty when it never did.
    pub problem: String,
}

/// How many things are in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Passing.
    pub passing: usize,
    /// Degraded.
    pub degraded: usize,
    /// Unknown.
    pub unknown: usize,
    /// Failing.
    pub failing: usize,
}

/// The configuration in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigReport {
    /// When it came into force.
    pub loaded_at: Timestamp,
    /// How many times another one came into force since the start.
    pub reloads: u64,
    /// Present when what is in the file now is wrong, so that the former one is still in force.
    pub rejected: Option<Rejection>,
}

/// A configuration that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    /// When.
    pub at: Timestamp,
    /// Every problem with its place.
    pub problem: String,
}

/// Whether a source answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceReport {
    /// Its name.
    pub name: String,
    /// Passing, or Unknown when it does not answer.
    pub state: Health,
    /// Why it does not answer; empty when it does.
    pub message: String,
    /// When it answered last.
    pub fetched_at: Option<Timestamp>,
}

/// What is said when something cannot be answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// What is wrong, and what to do about it.
    pub error: String,
}
