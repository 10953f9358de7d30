//! What is taken out of the graph to be written: copies that share their texts with it.

use std::borrow::Cow;
use std::mem::size_of;
use std::sync::Arc;

use alpacalert_model::{
    Edge, Graph, Mark, Measurement, NodeId, NodeRef, Reason, Role, State, Timestamp, Transition,
};

/// Something to write.
#[derive(Debug)]
pub(crate) enum Entry {
    Change(Box<Change>),
    Described(Box<Description>),
    Gone(NodeId, Timestamp),
    /// Every node that there is, with its state: what is not among them is gone.
    Everything(Timestamp, Vec<(Description, Option<Change>)>),
    Samples(Timestamp, Vec<Sampled>),
    /// So many changes were not remembered between these times.
    Lost(u64, Timestamp, Timestamp),
}

/// A change of state.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) node: NodeId,
    pub(crate) at: Timestamp,
    pub(crate) shown: (State, State),
    pub(crate) confirmed: (State, State),
    pub(crate) reason: Reason,
    /// Of a system that is Unknown: why a member is.
    pub(crate) because: Option<Reason>,
    pub(crate) owner: Option<Arc<str>>,
    /// When the state that is shown was entered, if that was before.
    pub(crate) since: Option<Timestamp>,
    pub(crate) message: Cow<'static, str>,
    /// Whether it is a service, and a public one.
    pub(crate) service: Option<bool>,
    pub(crate) maintenance: bool,
    /// Whether nothing but that changed. Of a state that was not seen since the start it does not tell.
    pub(crate) same: bool,
    pub(crate) measurements: Vec<Measurement>,
}

/// A node's place in the graph.
#[derive(Clone, Debug)]
pub(crate) struct Description {
    pub(crate) node: NodeId,
    pub(crate) at: Timestamp,
    pub(crate) title: String,
    pub(crate) owner: Option<Arc<str>>,
    pub(crate) provider: Arc<str>,
    pub(crate) role: Role,
    pub(crate) service: Option<bool>,
    pub(crate) members: Vec<(NodeId, Edge)>,
}

/// What a sensor measured.
#[derive(Clone, Debug)]
pub(crate) struct Sampled {
    pub(crate) node: NodeId,
    pub(crate) at: Timestamp,
    pub(crate) measurements: Vec<Measurement>,
}

impl Entry {
    /// About how much memory it takes.
    pub(crate) fn weight(&self) -> usize {
        let own = size_of::<Entry>();
        own + match self {
            Entry::Change(change) => change.weight(),
            Entry::Described(description) => description.weight(),
            Entry::Gone(..) | Entry::Lost(..) => 0,
            Entry::Everything(_, all) => all
                .iter()
                .map(|(description, change)| {
                    description.weight() + change.as_ref().map_or(0, Change::weight)
                })
                .sum(),
            Entry::Samples(_, all) => all
                .iter()
                .map(|sampled| size_of::<Sampled>() + measured(&sampled.measurements))
                .sum(),
        }
    }

    /// When it happened.
    pub(crate) fn at(&self) -> Timestamp {
        match self {
            Entry::Change(change) => change.at,
            Entry::Described(description) => description.at,
            Entry::Gone(_, at) | Entry::Everything(at, _) | Entry::Samples(at, _) => *at,
            Entry::Lost(_, _, to) => *to,
        }
    }

    /// Says that it did not happen before a moment.
    pub(crate) fn not_before(&mut self, moment: Timestamp) {
        let at = match self {
            Entry::Change(change) => &mut change.at,
            Entry::Described(description) => &mut description.at,
            Entry::Gone(_, at) => at,
            Entry::Everything(..) | Entry::Samples(..) | Entry::Lost(..) => return,
        };
        *at = (*at).max(moment);
    }

    pub(crate) fn changes(&self) -> u64 {
        match self {
            Entry::Change(_) => 1,
            _ => 0,
        }
    }
}

fn measured(measurements: &[Measurement]) -> usize {
    size_of_val(measurements)
}

impl Change {
    fn weight(&self) -> usize {
        size_of::<Change>() + self.message.len() + measured(&self.measurements)
    }

    /// What a transition did to a node that is as the graph has it now.
    pub(crate) fn of(node: NodeRef<'_>, transition: &Transition) -> Self {
        Change {
            shown: transition.shown,
            confirmed: transition.confirmed,
            reason: transition.reason.clone(),
            at: transition.at,
            ..Change::now(node, transition.at)
        }
    }

    /// How a node is.
    pub(crate) fn now(node: NodeRef<'_>, at: Timestamp) -> Self {
        let unknown = node.confirmed() == State::Unknown && !node.is_sensor();
        Change {
            node: node.id().clone(),
            at,
            shown: (node.state(), node.state()),
            confirmed: (node.confirmed(), node.confirmed()),
            reason: node.reason().clone(),
            because: unknown.then(|| root_reason(node)),
            owner: node.owner().cloned(),
            since: node.since().filter(|since| *since < at),
            message: first_message(node),
            service: node.service().map(|info| info.public),
            maintenance: node.marks().has(Mark::Maintenance),
            same: false,
            measurements: node.measurements().to_vec(),
        }
    }
}

impl Description {
    fn weight(&self) -> usize {
        size_of::<Description>()
            + self.title.len()
            + self.members.len() * size_of::<(NodeId, Edge)>()
    }

    /// How a node stands in the graph; `None` for one that is only named by others.
    pub(crate) fn of(node: NodeRef<'_>, at: Timestamp) -> Option<Self> {
        Some(Description {
            node: node.id().clone(),
            at,
            title: node.title().to_owned(),
            owner: node.own_owner().cloned(),
            provider: node.provider()?.clone(),
            role: node.role()?,
            service: node.service().map(|info| info.public),
            members: node
                .children()
                .map(|(child, edge)| (child.id().clone(), edge))
                .collect(),
        })
    }
}

/// Every node of a graph.
pub(crate) fn everything(graph: &Graph, at: Timestamp) -> Entry {
    let all = graph.nodes().filter_map(|node| {
        let description = Description::of(node, at)?;
        let known = node.since().map(|_| Change::now(node, at));
        Some((description, known))
    });
    Entry::Everything(at, all.collect())
}

/// What sensors measured, from the given place in the graph on; `None` when there are no more nodes.
pub(crate) fn samples(graph: &Graph, skip: usize, take: usize, at: Timestamp) -> Option<Entry> {
    let mut looked = 0;
    let mut samples = Vec::new();
    for node in graph.nodes().skip(skip).take(take) {
        looked += 1;
        let measurements = node.measurements();
        if let (false, Some(at)) = (measurements.is_empty(), node.observed_at()) {
            samples.push(Sampled {
                node: node.id().clone(),
                at,
                measurements: measurements.to_vec(),
            });
        }
    }
    (looked > 0).then_some(Entry::Samples(at, samples))
}

fn first_message(node: NodeRef<'_>) -> Cow<'static, str> {
    let messages = node.messages();
    messages
        .first()
        .map_or(Cow::Borrowed(""), |message| message.text.clone())
}

/// How far down, and over how many members of each system, the reason is looked for: a change must not cost more because its
/// system is large.
const DEPTH: usize = 32;
const BREADTH: usize = 64;

/// Why a system is Unknown: the reason of a leaf that is.
fn root_reason(node: NodeRef<'_>) -> Reason {
    let mut at = node;
    for _ in 0..DEPTH {
        let unknown = |(child, _): &(NodeRef<'_>, Edge)| child.confirmed() == State::Unknown;
        match at.children().take(BREADTH).find(unknown) {
            Some((child, _)) => at = child,
            None => break,
        }
    }
    at.reason().clone()
}
