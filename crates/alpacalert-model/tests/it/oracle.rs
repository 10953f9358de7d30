//! What a graph should look like, worked out from scratch, slowly and without any of the graph's own code.

use std::collections::{BTreeMap, BTreeSet};

use alpacalert_model::{
    Edge, Effect, Graph, Node, NodeId, Role, Rule, State, Threshold, Timestamp,
};

/// What sources want and what sensors saw.
#[derive(Clone, Debug, Default)]
pub(crate) struct World {
    pub(crate) wanted: BTreeMap<NodeId, (String, Node)>,
    pub(crate) seen: BTreeMap<NodeId, (State, State)>,
    pub(crate) nodes: BTreeMap<NodeId, Expected>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Expected {
    pub(crate) state: State,
    pub(crate) confirmed: State,
    pub(crate) since: Option<Timestamp>,
}

impl World {
    /// A sensor that stops being one forgets what it saw.
    pub(crate) fn want(&mut self, source: &str, node: &Node) {
        let other = self.wanted.get(&node.id).is_some_and(|(s, _)| s != source);
        if !other {
            if node.role != Role::Sensor {
                self.seen.remove(&node.id);
            }
            self.wanted
                .insert(node.id.clone(), (source.to_owned(), node.clone()));
        }
    }

    pub(crate) fn forget(&mut self, source: &str, id: &NodeId) {
        if self.wanted.get(id).is_some_and(|(s, _)| s == source) {
            self.wanted.remove(id);
            self.seen.remove(id);
        }
    }

    pub(crate) fn is_sensor(&self, id: &NodeId) -> bool {
        matches!(self.wanted.get(id), Some((_, node)) if node.role == Role::Sensor)
    }

    /// The members of a node, each once as it is named first.
    pub(crate) fn members(&self, id: &NodeId) -> Vec<(NodeId, Edge)> {
        let mut members: Vec<(NodeId, Edge)> = Vec::new();
        if let Some((_, node)) = self.wanted.get(id)
            && node.role != Role::Sensor
        {
            for member in &node.members {
                if members.iter().all(|(other, _)| *other != member.id) {
                    members.push((member.id.clone(), member.edge));
                }
            }
        }
        members
    }

    fn judge(&self, id: &NodeId) -> (State, State) {
        match self.wanted.get(id) {
            None => (State::Unknown, State::Unknown),
            Some((_, node)) => match node.role {
                Role::Sensor => *self
                    .seen
                    .get(id)
                    .unwrap_or(&(State::Unknown, State::Unknown)),
                Role::System {
                    rule,
                    degraded_below,
                } => {
                    let members = self.members(id);
                    let members: Vec<(State, Edge)> = members
                        .iter()
                        .map(|(id, edge)| (self.judge(id).1, *edge))
                        .collect();
                    let state = judge(rule, degraded_below, &members);
                    (state, state)
                }
            },
        }
    }

    /// Works out every node again.
    pub(crate) fn step(&mut self, now: Timestamp) {
        let mut ids: BTreeSet<NodeId> = self.wanted.keys().cloned().collect();
        let named: Vec<NodeId> = ids
            .iter()
            .flat_map(|id| self.members(id))
            .map(|(id, _)| id)
            .collect();
        ids.extend(named);
        let before = std::mem::take(&mut self.nodes);
        for id in ids {
            let (state, confirmed) = self.judge(&id);
            let unseen = self.is_sensor(&id) && !self.seen.contains_key(&id);
            let since = match before.get(&id) {
                _ if unseen => None,
                Some(before) if before.state == state => before.since.or(Some(now)),
                _ => Some(now),
            };
            self.nodes.insert(
                id,
                Expected {
                    state,
                    confirmed,
                    since,
                },
            );
        }
    }

    /// Fails the test when the graph is not as it should be.
    pub(crate) fn check(&self, graph: &Graph) {
        let ids: BTreeSet<&NodeId> = graph.nodes().map(|node| node.id()).collect();
        assert_eq!(ids, self.nodes.keys().collect(), "the nodes in the graph");
        for (id, expected) in &self.nodes {
            let node = graph.get(graph.key(id).expect("known")).expect("live");
            let found = Expected {
                state: node.state(),
                confirmed: node.confirmed(),
                since: node.since(),
            };
            assert_eq!(found, *expected, "{id}");
            let children: Vec<(NodeId, Edge)> = node
                .children()
                .map(|(child, edge)| (child.id().clone(), edge))
                .collect();
            assert_eq!(children, self.members(id), "the members of {id}");
            for (child, _) in node.children() {
                let parents = child.parents().filter(|p| p.key() == node.key()).count();
                assert_eq!(parents, 1, "{} knows its parent {id}", child.id());
            }
        }
    }
}

/// The text of the algebra, word by word: sort the contributions from best to worst and take one.
pub(crate) fn judge(rule: Rule, degraded_below: Option<u32>, members: &[(State, Edge)]) -> State {
    use State::*;
    if members.is_empty() {
        return Unknown;
    }
    let mut counted: Vec<(State, u32)> = vec![];
    for (state, edge) in members {
        let contributed = match edge.effect {
            Effect::Required => *state,
            Effect::Degrades if *state == Passing => Passing,
            Effect::Degrades => Degraded,
            Effect::Optional => continue,
            Effect::Inverted => match state {
                Passing => Failing,
                Failing => Passing,
                other => *other,
            },
        };
        counted.push((contributed, edge.weight));
    }
    if counted.is_empty() {
        return Passing;
    }
    counted.sort();
    let m = counted.len();
    let nth = |n: usize| match n {
        0 => Passing,
        n => counted.get(n - 1).map_or(Failing, |(state, _)| *state),
    };
    let number = |wanted: State| counted.iter().filter(|(state, _)| *state == wanted).count();
    let state = match rule {
        Rule::All => nth(m),
        Rule::Any => nth(1),
        Rule::AtLeast(Threshold::Count(n)) => nth(n as usize),
        Rule::AtLeast(Threshold::Percent(p)) => {
            nth((f64::from(p) * m as f64 / 100.0).ceil() as usize)
        }
        Rule::Weight(w) => {
            let mut units: Vec<State> = vec![];
            for (state, weight) in &counted {
                units.extend(std::iter::repeat_n(*state, *weight as usize));
            }
            match w {
                0 => Passing,
                w => units.get(w as usize - 1).copied().unwrap_or(Failing),
            }
        }
        Rule::Exactly(n) => {
            let good = number(Passing) + number(Degraded);
            // Try every way in which the unknown ones could turn out.
            let outcomes: BTreeSet<bool> = (0..=number(Unknown))
                .map(|more| good + more == n as usize)
                .collect();
            match (outcomes.contains(&true), outcomes.contains(&false)) {
                (true, false) => Passing,
                (true, true) => Unknown,
                _ => Failing,
            }
        }
    };
    match degraded_below {
        Some(n) if state == Passing && number(Passing) < n as usize => Degraded,
        _ => state,
    }
}
