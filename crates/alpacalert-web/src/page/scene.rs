//! What a page is a picture of: a graph as of a moment, the present one or a past one, drawn by the same code.

use std::collections::HashSet;
use std::sync::Arc;

use alpacalert_model::{
    ExplainLimits, Explanation, Graph, NodeId, NodeKey, NodeRef, State, Timestamp,
};
use alpacalert_visualise::View;
use jiff::tz::TimeZone;

use super::parts::{TITLE, short};

/// What an explanation in a list may cost: repair sets are not shown there, and a list holds many.
const BRIEF: ExplainLimits = ExplainLimits {
    causes: 20,
    repair_sets: 0,
    repair_size: 1,
    edges: 20_000,
    work: 2_000,
};

/// How many edges the explanations of one page look at together. At some 50 ns each that is 5 ms, in which the engine waits.
const LOOKED_AT: usize = 100_000;

/// What may still be looked at for explanations. The first may take what they need; those that come when little is left are
/// cut short, and tell how many of their members are how where they find no cause.
pub(crate) struct Purse(usize);

impl Purse {
    pub(crate) fn new() -> Self {
        Purse(LOOKED_AT)
    }

    /// Explains a node at the cost of no more than a quarter of what is left, so that there is something left for the next.
    pub(crate) fn explain(&mut self, graph: &Graph, node: NodeKey) -> Option<Explanation> {
        let limits = ExplainLimits {
            edges: BRIEF.edges.min(self.0 / 4),
            ..BRIEF
        };
        let explanation = graph.explain(node, &limits)?;
        self.0 = self.0.saturating_sub(explanation.edges);
        Some(explanation)
    }
}

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

#[cfg(test)]
mod tests {
    use alpacalert_model::{Blueprint, Effect, Kind, Node, Observation, Reason, Rule, Update};

    use super::*;

    /// So many systems of 1,000 sensors each, of which the last one fails.
    fn failing(systems: usize) -> (Graph, Vec<NodeKey>) {
        let id = |name: String| NodeId::new("local", Kind::of("example.org/Thing"), name);
        let now = Timestamp::UNIX_EPOCH;
        let mut nodes = Vec::new();
        for system in 0..systems {
            let name = format!("system {system}");
            let mut whole = Node::system(id(name.clone()), name, Rule::All);
            for n in 0..1_000 {
                let name = format!("{system}/{n}");
                nodes.push(Node::sensor(id(name.clone()), name.clone()));
                whole = whole.member(id(name), Effect::Required);
            }
            nodes.push(whole);
        }
        let mut graph = Graph::new();
        graph.apply("local", Blueprint { nodes }, now);
        let updates = graph.nodes().filter(|node| node.is_sensor()).map(|node| {
            let state = match node.title().ends_with("/999") {
                true => State::Failing,
                false => State::Passing,
            };
            Update {
                node: node.key(),
                observation: Observation::new(state, Reason::OK, now),
                confirmed: state,
            }
        });
        let updates: Vec<Update> = updates.collect();
        graph.observe(updates, now);
        let systems = (0..systems).map(|n| graph.key(&id(format!("system {n}"))).unwrap());
        let systems = systems.collect();
        (graph, systems)
    }

    #[test]
    fn explanations_look_at_no_more_than_they_may_together() {
        let (graph, systems) = failing(200);
        let mut purse = Purse::new();
        let explained = systems.iter().map(|system| {
            let explanation = purse.explain(&graph, *system).unwrap();
            (
                explanation.causes.len(),
                explanation.causes_cut,
                explanation.edges,
            )
        });
        let explained: Vec<_> = explained.collect();
        let whole = explained
            .iter()
            .take_while(|found| **found == (1, false, 1_000));
        assert_eq!(
            whole.count(),
            97,
            "the first are explained as if they were alone"
        );
        assert!(
            explained[97..]
                .iter()
                .all(|(causes, cut, _)| *causes == 0 && *cut),
            "the others say that there may be more: {explained:?}"
        );
        let edges: usize = explained.iter().map(|(_, _, edges)| edges).sum();
        assert!(edges <= LOOKED_AT, "{edges}");
    }
}
