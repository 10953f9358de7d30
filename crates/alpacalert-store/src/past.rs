//! What is told of the past.

use std::sync::Arc;

use alpacalert_model::{Graph, Limits, NodeId, Reason, State, Timestamp, Unit};

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

impl Default for Wanted {
    /// The newest hundred.
    fn default() -> Self {
        Wanted {
            node: None,
            services: false,
            from: Timestamp::MIN,
            to: Timestamp::MAX,
            limit: 100,
        }
    }
}

/// A change of state as it was remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastTransition {
    /// Its number. Numbers grow by one with each change that is told to the store, over restarts too; one that is missing was
    /// not remembered.
    pub seq: u64,
    /// Which node.
    pub node: NodeId,
    /// What people called it.
    pub title: String,
    /// Whose it was.
    pub owner: Option<String>,
    /// Whether it was a service.
    pub service: bool,
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

/// How a part of a time was spent, in seconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Uptime {
    /// In the states Passing, Degraded, Unknown and Failing, in the order of [`State::ALL`].
    pub seconds: [f64; 4],
    /// Nobody was looking, or nothing was known yet.
    pub unobserved: f64,
    /// There was no such node yet, or not any more. Counts neither for it nor against it.
    pub absent: f64,
    /// Why it was Unknown or unobserved: these add up to both, the longest first.
    pub unsure: Vec<(Reason, f64)>,
}

impl Uptime {
    /// The share of the time that it was surely up (Passing or Degraded), and that it may have been, 0 to 1; `None` when there
    /// was no such node.
    pub fn share(&self) -> Option<(f64, f64)> {
        let up = self.seconds[State::Passing.index()] + self.seconds[State::Degraded.index()];
        let unsure = self.seconds[State::Unknown.index()] + self.unobserved;
        let all = up + unsure + self.seconds[State::Failing.index()];
        (all > 0.0).then(|| (up / all, (up + unsure) / all))
    }

    /// The worst state that it was in at all; `None` when it was in none.
    pub fn worst(&self) -> Option<State> {
        let seen = |state: &State| self.seconds[state.index()] > 0.0;
        State::ALL.into_iter().rev().find(seen)
    }

    /// Adds another part.
    pub fn add(&mut self, other: &Uptime) {
        for (mine, theirs) in self.seconds.iter_mut().zip(other.seconds) {
            *mine += theirs;
        }
        self.unobserved += other.unobserved;
        self.absent += other.absent;
        for (reason, seconds) in &other.unsure {
            self.blame(reason, *seconds);
        }
        self.order();
    }

    pub(crate) fn blame(&mut self, why: &Reason, seconds: f64) {
        match self.unsure.iter_mut().find(|(reason, _)| reason == why) {
            Some((_, sum)) => *sum += seconds,
            None => self.unsure.push((why.clone(), seconds)),
        }
    }

    pub(crate) fn order(&mut self) {
        self.unsure
            .sort_by(|(a, x), (b, y)| y.total_cmp(x).then_with(|| a.as_str().cmp(b.as_str())));
    }
}

/// What was measured of one quantity over a time.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// What was measured, in a few words.
    pub name: String,
    /// Its unit.
    pub unit: Unit,
    /// What it was held against, as last known.
    pub limits: Limits,
    /// The points in order of time. A time in which nothing was measured has none.
    pub points: Vec<Point>,
}

/// The values of a part of a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// When: the first of the values.
    pub at: Timestamp,
    /// The least.
    pub min: f64,
    /// The mean.
    pub mean: f64,
    /// The greatest.
    pub max: f64,
}

/// Everything as it was at a moment.
#[derive(Clone, Debug)]
pub struct Past {
    /// Nodes, edges and states as they were. Where nobody was looking, every sensor is Unknown for that reason.
    pub graph: Graph,
    /// The nodes to show first, as they were.
    pub roots: Vec<NodeId>,
    /// The moment.
    pub at: Timestamp,
    /// Whether the program ran at that moment.
    pub observed: bool,
    /// The first and the last moment that can be told of.
    pub known: (Timestamp, Timestamp),
}

/// A time in which a service was not Passing.
#[derive(Clone, Debug, PartialEq)]
pub struct Incident {
    /// The service.
    pub node: NodeId,
    /// What people called it.
    pub title: String,
    /// Whose it was.
    pub owner: Option<Arc<str>>,
    /// Whether everybody might see it.
    pub public: bool,
    /// The worst state of the time.
    pub worst: State,
    /// When it began.
    pub from: Timestamp,
    /// When it was over; `None` while it lasts.
    pub to: Option<Timestamp>,
    /// Why, as it was said when it became that bad; empty when nothing was said.
    pub cause: String,
    /// How long within it nobody was looking, in seconds.
    pub unobserved: f64,
}
