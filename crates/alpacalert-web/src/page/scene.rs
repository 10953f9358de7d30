//! What a page is a picture of: a graph as of a moment, the present one or a past one, drawn by the same code.

use std::collections::HashSet;
use std::sync::Arc;

use alpacalert_model::{ExplainLimits, Graph, NodeId, NodeKey, NodeRef, State, Timestamp};
use alpacalert_visualise::View;
use jiff::tz::TimeZone;

use super::parts::{TITLE, short};

/// What an explanation in a list may cost: repair sets are not shown there, and a list holds many.
pub(crate) const BRIEF: ExplainLimits = ExplainLimits {
    causes: 20,
    repair_sets: 0,
    repair_size: 1,
    edges: 20_000,
    work: 2_000,
};

/// What the explanation on the page of one node may cost: some milliseconds, in which the engine waits.
pub(crate) const FULL: ExplainLimits = ExplainLimits {
    causes: 30,
    repair_sets: 4,
    repair_size: 4,
    edges: 50_000,
    work: 10_000,
};

/// A graph as of a moment.
pub(crate) struct Scene<'g> {
    pub(crate) graph: &'g Graph,
    pub(crate) now: Timestamp,
    pub(crate) zone: TimeZone,
    pub(crate) instance: Arc<str>,
    /// What to show first: every service, then the systems that are members of nothing.
    pub(crate) roots: Vec<NodeKey>,
}

impl<'g> Scene<'g> {
    /// A graph as of a moment.
    pub(crate) fn new(
        graph: &'g Graph,
        roots: &[NodeId],
        now: Timestamp,
        instance: Arc<str>,
        zone: TimeZone,
    ) -> Self {
        Scene {
            graph,
            now,
            zone,
            instance,
            roots: roots.iter().filter_map(|id| graph.key(id)).collect(),
        }
    }

    /// Adds services that are not among the roots: those that sources found.
    pub(crate) fn add_services(&mut self, services: &[NodeKey]) {
        let known: HashSet<NodeKey> = self.roots.iter().copied().collect();
        let more = services.iter().filter(|key| !known.contains(key));
        self.roots.extend(more);
    }

    /// What the sentences of other presentations need.
    pub(crate) fn view(&self) -> View<'g> {
        View {
            graph: self.graph,
            // Without roots: one node at a time is looked at.
            roots: Vec::new(),
            instance: self.instance.to_string(),
            now: self.now,
            zone: self.zone.clone(),
            began: None,
        }
    }

    /// The roots that are there.
    pub(crate) fn roots(&self) -> impl Iterator<Item = NodeRef<'g>> {
        let graph = self.graph;
        self.roots.iter().filter_map(move |key| graph.get(*key))
    }
}

/// What it takes to name a node and to lead to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) state: State,
}

impl Name {
    pub(crate) fn of(node: NodeRef<'_>) -> Self {
        Name {
            id: node.id().to_string(),
            title: short(node.title(), TITLE),
            state: node.state(),
        }
    }
}

/// The members in the order in which to look at them: the worst first, then as they were written down. Only from the
/// `from`th on, and no more than `most`.
pub(crate) fn worst_first<'g, M: Iterator<Item = NodeRef<'g>>>(
    members: impl Fn() -> M,
    from: usize,
    most: usize,
) -> Vec<NodeRef<'g>> {
    // In four passes rather than sorted: there may be a hundred thousand, of which fifty are shown.
    let states = State::ALL.into_iter().rev();
    let ordered = states.flat_map(|state| members().filter(move |node| node.state() == state));
    ordered.skip(from).take(most).collect()
}
