//! Which part of which graph is shown, as of when.

use std::collections::HashSet;

use alpacalert_model::{Graph, NodeKey, NodeRef, State, Timestamp};
use jiff::tz::TimeZone;

/// Which part of which graph is shown, as of when.
#[derive(Clone, Debug)]
pub struct View<'a> {
    /// The graph.
    pub graph: &'a Graph,
    /// The nodes to begin at, in the order to show them. Those that are gone are left out.
    pub roots: Vec<NodeKey>,
    /// This instance's name.
    pub instance: String,
    /// The time of day.
    pub now: Timestamp,
    /// The zone that clock times are shown in.
    pub zone: TimeZone,
    /// States entered at or after this are not shown with a "since": the program had just begun to look, and cannot tell
    /// how long things had been so. `None` when every `since` is known.
    pub began: Option<Timestamp>,
}

/// How many nodes are in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts([usize; 4]);

impl Counts {
    /// The number in a state.
    pub fn of(&self, state: State) -> usize {
        self.0[state.index()]
    }

    /// The number in any state.
    pub fn total(&self) -> usize {
        self.0.iter().sum()
    }

    /// Counts one more.
    pub fn add(&mut self, state: State) {
        self.0[state.index()] += 1;
    }
}

impl<'a> View<'a> {
    /// The whole graph, from the nodes without parents, sorted by title, with times in UTC.
    pub fn whole(graph: &'a Graph, now: Timestamp) -> Self {
        let mut roots: Vec<_> = graph.roots().collect();
        roots.sort_by_key(|node| (node.title(), node.id()));
        View {
            graph,
            roots: roots.into_iter().map(|node| node.key()).collect(),
            instance: "local".to_owned(),
            now,
            zone: TimeZone::UTC,
            began: None,
        }
    }

    /// The roots that are there.
    pub fn roots(&self) -> impl Iterator<Item = NodeRef<'a>> {
        let graph = self.graph;
        self.roots.iter().filter_map(move |key| graph.get(*key))
    }

    /// The state of it all: the worst of the roots; Unknown when there are none, since then nothing is observed.
    pub fn state(&self) -> State {
        self.roots()
            .map(|node| node.state())
            .max()
            .unwrap_or(State::Unknown)
    }

    /// Every node that is shown, each once, parents before their members.
    pub fn nodes(&self) -> Vec<NodeRef<'a>> {
        let mut seen = HashSet::new();
        let mut order = Vec::new();
        // A stack of our own: how deep a graph goes is for others to decide.
        let mut stack: Vec<_> = self.roots().collect();
        stack.reverse();
        while let Some(node) = stack.pop() {
            if seen.insert(node.key()) {
                order.push(node);
                let from = stack.len();
                stack.extend(node.children().map(|(child, _)| child));
                stack[from..].reverse();
            }
        }
        order
    }

    /// How many leaves, the things that are observed, are in each state.
    pub fn checks(&self) -> Counts {
        let mut counts = Counts::default();
        for node in self.nodes() {
            if is_leaf(node) {
                counts.add(node.state());
            }
        }
        counts
    }

    /// When the node entered its state, if that is known.
    pub(crate) fn since(&self, node: NodeRef<'_>) -> Option<Timestamp> {
        node.status()
            .since
            .filter(|since| self.began.is_none_or(|began| *since < began))
    }

    /// The nodes at which, or below which, something is not Passing.
    pub(crate) fn troubled(&self) -> HashSet<NodeKey> {
        let nodes = self.nodes();
        let mut troubled: HashSet<NodeKey> = HashSet::new();
        let mut stack: Vec<NodeKey> = nodes
            .iter()
            .filter(|node| node.state() != State::Passing)
            .map(|node| node.key())
            .collect();
        while let Some(key) = stack.pop() {
            if troubled.insert(key)
                && let Some(node) = self.graph.get(key)
            {
                stack.extend(node.parents().map(|parent| parent.key()));
            }
        }
        troubled
    }
}

/// Whether the node is the end of a chain: a sensor, a thing that nobody provides, or a system without members.
pub(crate) fn is_leaf(node: NodeRef<'_>) -> bool {
    node.children().next().is_none()
}
