//! Nodes, for reading.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use jiff::Timestamp;

use crate::{
    Edge, Maintenance, Marks, Measurement, Message, NodeId, Origin, Reason, Role, Rule,
    ServiceInfo, Severity, State, Status, Sums,
};

use super::store::{Part, Standing, Stored};
use super::{Graph, NodeKey};

/// A node, for reading.
#[derive(Clone, Copy, Debug)]
pub struct NodeRef<'a> {
    pub(super) graph: &'a Graph,
    pub(super) key: NodeKey,
}

impl<'a> NodeRef<'a> {
    fn stored(self) -> &'a Stored {
        self.graph.at(self.key.index)
    }

    /// Its handle.
    pub fn key(self) -> NodeKey {
        self.key
    }

    /// Which thing it is.
    pub fn id(self) -> &'a NodeId {
        &self.stored().id
    }

    /// What people call it; the reference for a node that is only named by others.
    pub fn title(self) -> &'a str {
        &self.stored().title
    }

    /// Whether it is observed.
    pub fn is_sensor(self) -> bool {
        matches!(self.stored().part, Part::Sensor(_))
    }

    /// What it does to get its state; `None` for a node that is only named by others.
    pub fn role(self) -> Option<Role> {
        self.stored().role()
    }

    /// Present when others may rely on it.
    pub fn service(self) -> Option<&'a ServiceInfo> {
        self.stored().service.as_ref()
    }

    /// The name of the source whose blueprint it is in; `None` for a node that is only named by others.
    pub fn provider(self) -> Option<&'a Arc<str>> {
        let source = self.graph.sources.get(self.stored().source as usize);
        source.map(|source| &source.name)
    }

    /// The owner it names itself.
    pub fn own_owner(self) -> Option<&'a Arc<str>> {
        self.stored().owner.as_ref()
    }

    /// Whose it is: its own owner, or that of the nearest ancestor that names one. Of several equally near, the first
    /// by name.
    pub fn owner(self) -> Option<&'a Arc<str>> {
        let mut seen = HashSet::new();
        let mut level = vec![self];
        while !level.is_empty() {
            if let Some(owner) = level.iter().filter_map(|node| node.own_owner()).min() {
                return Some(owner);
            }
            let above = level.iter().flat_map(|node| node.parents());
            level = above.filter(|node| seen.insert(node.key)).collect();
        }
        None
    }

    /// What is known about it, as one value. [`NodeRef::state`] and its like cost less where one part is enough.
    pub fn status(self) -> Status {
        let stored = self.stored();
        Status {
            state: stored.state,
            confirmed: stored.confirmed,
            reason: stored.reason.clone(),
            messages: self.messages().into_owned(),
            measurements: self.measurements().to_vec(),
            observed_at: stored.observed_at,
            since: stored.since,
        }
    }

    /// The state to show.
    pub fn state(self) -> State {
        self.stored().state
    }

    /// The state that parents see.
    pub fn confirmed(self) -> State {
        self.stored().confirmed
    }

    /// Why, for machines.
    pub fn reason(self) -> &'a Reason {
        &self.stored().reason
    }

    /// Why, for people: what a sensor saw, or the sentence that says what a system made of its members.
    pub fn messages(self) -> Cow<'a, [Message]> {
        let stored = self.stored();
        let text: Cow<'static, str> = match &stored.part {
            Part::Missing => "named by others, but nobody provides it".into(),
            Part::Sensor(Some(evidence)) => return Cow::Borrowed(&evidence.messages),
            Part::Sensor(None) if stored.observed_at.is_none() => "not measured yet".into(),
            Part::Sensor(None) => return Cow::Borrowed(&[]),
            Part::System(system) => match &system.cycle {
                Some(sentence) => sentence.to_string().into(),
                None => {
                    let judgement = system.rule.judge(&system.sums, system.degraded_below);
                    match judgement.sentence(system.rule, &system.sums, system.degraded_below) {
                        Some(sentence) => sentence,
                        None => return Cow::Borrowed(&[]),
                    }
                }
            },
        };
        let severity = Severity::from(stored.state);
        Cow::Owned(vec![Message::new(severity, text)])
    }

    /// The measured values of a sensor, with the limits they were held against.
    pub fn measurements(self) -> &'a [Measurement] {
        match &self.stored().part {
            Part::Sensor(Some(evidence)) => &evidence.measurements,
            _ => &[],
        }
    }

    /// The faults elsewhere that a sensor tells of; see [`Observation::origins`](crate::Observation::origins).
    pub fn origins(self) -> &'a [Origin] {
        match &self.stored().part {
            Part::Sensor(Some(evidence)) => &evidence.origins,
            _ => &[],
        }
    }

    /// When the facts were true; for a system, when it was last judged. `None` before the first observation.
    pub fn observed_at(self) -> Option<Timestamp> {
        self.stored().observed_at
    }

    /// When the state was entered. `None` before the first observation.
    pub fn since(self) -> Option<Timestamp> {
        self.stored().since
    }

    /// Its marks.
    pub fn marks(self) -> Marks {
        self.stored().marks
    }

    /// Until when work on it is planned, and why, if it is [`Mark::Maintenance`](crate::Mark::Maintenance) and that is known.
    pub fn maintenance(self) -> Option<&'a Maintenance> {
        self.graph.maintained.get(&self.key.index)
    }

    /// Its members in the order to show them, with how they count. A member whose edge was refused, since it would
    /// close a cycle, is not among them.
    pub fn children(self) -> impl Iterator<Item = (NodeRef<'a>, Edge)> {
        let graph = self.graph;
        let system = self.stored().system();
        let links = system.into_iter().flat_map(|system| system.links());
        links
            .filter(|link| link.standing == Standing::Counted)
            .map(move |link| (graph.node(link.child), link.edge()))
    }

    /// The nodes that it is a member of.
    pub fn parents(self) -> impl Iterator<Item = NodeRef<'a>> {
        let graph = self.graph;
        let edges = self.stored().parents.iter();
        edges
            .filter(|edge| graph.link(**edge).standing == Standing::Counted)
            .map(move |edge| graph.node(edge.parent))
    }

    /// The weights and numbers of its counted members.
    pub fn sums(self) -> Sums {
        let system = self.stored().system();
        system.map_or_else(Sums::default, |system| system.sums)
    }

    /// The edges to the nodes that it is a member of: the parent, how it counts there, and what it weighs in the sums.
    pub(crate) fn edges_up(self) -> impl Iterator<Item = (NodeRef<'a>, Edge, u32)> {
        let graph = self.graph;
        let edges = self.stored().parents.iter();
        edges.filter_map(move |edge| {
            let link = graph.link(*edge);
            let weight = graph.system(edge.parent).weight_of(link);
            let counted = link.standing == Standing::Counted;
            counted.then(|| (graph.node(edge.parent), link.edge(), weight))
        })
    }

    /// A number that is greater than that of every member.
    pub(crate) fn rank(self) -> u32 {
        self.stored().rank
    }

    /// Whether the state follows from the members: not for a sensor, a missing node, or one with a refused edge.
    pub(crate) fn judged(self) -> Option<(Rule, Option<u32>)> {
        let system = self.stored().system()?;
        let free = system.cycle.is_none();
        free.then_some((system.rule, system.degraded_below))
    }
}

impl Graph {
    fn node(&self, index: u32) -> NodeRef<'_> {
        NodeRef {
            graph: self,
            key: self.key_of(index),
        }
    }
}
