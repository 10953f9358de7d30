//! What is remembered, for those who show it.

use std::fmt;

use alpacalert_model::{NodeId, State, Timestamp};
use futures_util::future::BoxFuture;

/// What an instance remembers. Everything that shows the past asks it, and does without it where there is none.
pub trait History: Send + Sync + 'static {
    /// Changes of state, the newest first.
    fn transitions(
        &self,
        wanted: Wanted,
    ) -> BoxFuture<'_, Result<Vec<PastTransition>, HistoryError>>;

    /// How much of each of `parts` equal parts of a time a node was well, the oldest part first.
    fn uptime(
        &self,
        node: NodeId,
        from: Timestamp,
        to: Timestamp,
        parts: usize,
    ) -> BoxFuture<'_, Result<Vec<Uptime>, HistoryError>>;
}

/// Which changes of state are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Of this node only.
    pub node: Option<NodeId>,
    /// Of services only.
    pub services: bool,
    /// At this time or later.
    pub from: Timestamp,
    /// Before this time.
    pub to: Timestamp,
    /// No more than this many.
    pub limit: usize,
}

/// A change of state as it was remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastTransition {
    /// Which node.
    pub node: NodeId,
    /// What people called it.
    pub title: String,
    /// Whose it was.
    pub owner: Option<String>,
    /// The state before; `None` where nothing is known of before.
    pub from: Option<State>,
    /// The state after.
    pub to: State,
    /// Why, for machines.
    pub reason: String,
    /// Why, for people; empty when nothing was said.
    pub message: String,
    /// When.
    pub at: Timestamp,
}

/// How a part of a time was spent, in seconds. What is missing to its length was not observed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Uptime {
    /// In the states Passing, Degraded, Unknown and Failing, in the order of [`State::ALL`].
    pub seconds: [f64; 4],
    /// Nobody was looking.
    pub unobserved: f64,
}

impl Uptime {
    /// The share of the time that it was surely up (Passing or Degraded), and that it may have been, 0 to 1; `None` for a time
    /// without length.
    pub fn share(&self) -> Option<(f64, f64)> {
        let up = self.seconds[State::Passing.index()] + self.seconds[State::Degraded.index()];
        let unsure = self.seconds[State::Unknown.index()] + self.unobserved;
        let all = up + unsure + self.seconds[State::Failing.index()];
        (all > 0.0).then(|| (up / all, (up + unsure) / all))
    }
}

/// Why the past cannot be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryError(pub String);

impl fmt::Display for HistoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for HistoryError {}
