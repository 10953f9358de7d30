//! What if: a graph with some nodes in other states, without touching the graph.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use crate::{Graph, NodeKey, NodeRef, State, Sums};

/// Suppositions about a graph, and what follows from them. Each is worked out at the cost of the ancestors it changes.
pub(super) struct Overlay<'a> {
    graph: &'a Graph,
    /// Only this node and those that may be below it are followed; all without it.
    top: Option<NodeRef<'a>>,
    supposed: HashMap<NodeKey, State>,
    systems: HashMap<NodeKey, Shadow>,
    queue: BinaryHeap<Reverse<(u32, NodeKey)>>,
    /// How many nodes were judged or supposed so far.
    pub(super) work: usize,
}

struct Shadow {
    sums: Sums,
    state: State,
    queued: bool,
}

impl<'a> Overlay<'a> {
    pub(super) fn new(graph: &'a Graph, top: Option<NodeKey>) -> Self {
        Overlay {
            graph,
            top: top.and_then(|key| graph.get(key)),
            supposed: HashMap::new(),
            systems: HashMap::new(),
            queue: BinaryHeap::new(),
            work: 0,
        }
    }

    /// The state of a node as parents would see it.
    pub(super) fn state(&self, key: NodeKey) -> State {
        if let Some(state) = self.supposed.get(&key) {
            return *state;
        }
        match self.systems.get(&key) {
            Some(shadow) => shadow.state,
            None => self.real(key),
        }
    }

    fn real(&self, key: NodeKey) -> State {
        let node = self.graph.get(key);
        node.map_or(State::Unknown, NodeRef::confirmed)
    }

    /// Supposes that a node is in a state, or takes that back.
    pub(super) fn suppose(&mut self, key: NodeKey, state: Option<State>) {
        self.work += 1;
        let before = self.state(key);
        match state {
            Some(state) => self.supposed.insert(key, state),
            None => self.supposed.remove(&key),
        };
        self.pass_on(key, before);
        while let Some(Reverse((_, key))) = self.queue.pop() {
            self.judge(key);
        }
    }

    fn judge(&mut self, key: NodeKey) {
        self.work += 1;
        let before = self.state(key);
        let Some((rule, degraded_below)) = self.graph.get(key).and_then(NodeRef::judged) else {
            return;
        };
        let shadow = self.systems.get_mut(&key).expect("queued by a change");
        shadow.queued = false;
        shadow.state = rule.judge(&shadow.sums, degraded_below).state;
        self.pass_on(key, before);
    }

    fn pass_on(&mut self, key: NodeKey, before: State) {
        let after = self.state(key);
        let Some(node) = self.graph.get(key).filter(|_| before != after) else {
            return;
        };
        for (parent, edge, weight) in node.edges_up() {
            if !self.follows(parent) {
                continue;
            }
            let (from, to) = (
                edge.effect.contribution(before),
                edge.effect.contribution(after),
            );
            if from == to {
                continue;
            }
            let shadow = self.systems.entry(parent.key()).or_insert_with(|| Shadow {
                sums: parent.sums(),
                state: parent.confirmed(),
                queued: false,
            });
            shadow.sums.remove(from, weight);
            shadow.sums.add(to, weight);
            if !std::mem::replace(&mut shadow.queued, true) {
                self.queue.push(Reverse((parent.rank(), parent.key())));
            }
        }
    }

    fn follows(&self, node: NodeRef<'_>) -> bool {
        node.judged().is_some()
            && self
                .top
                .is_none_or(|top| node.key() == top.key() || node.rank() < top.rank())
    }

    /// The systems that were looked at, with the states that they would have.
    pub(super) fn changed(&self) -> impl Iterator<Item = (NodeKey, State)> {
        let systems = self.systems.keys().chain(self.supposed.keys());
        systems
            .map(|key| (*key, self.state(*key)))
            .filter(|(key, state)| *state != self.real(*key))
    }
}
