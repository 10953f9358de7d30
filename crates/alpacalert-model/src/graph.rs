//! The graph of health.
//!
//! A directed graph without cycles, kept so that a change costs what it changes: every system holds the sums of what
//! its members contribute, and every node a rank greater than those of its members. A batch of changes goes up by rank,
//! so that each node is judged at most once, after all of its members.

mod apply;
mod maintain;
mod order;
mod path;
mod propagate;
mod read;
mod store;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;

use crate::{Kind, Maintenance, Member, Node, NodeId, Observation, Reason, State};

pub use path::PathError;
pub use read::NodeRef;
use store::{Slot, SourceNodes};

/// A handle to a node in one [`Graph`], valid until the node is removed; a later node never gets the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeKey {
    index: u32,
    generation: u32,
}

/// A new fact about a sensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Update {
    /// Which sensor.
    pub node: NodeKey,
    /// What was seen; shown at once.
    pub observation: Observation,
    /// What parents see: the same state, or the former one while retries are under way.
    pub confirmed: State,
}

/// A node changed its state, as parents see it or as it is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Transition {
    /// Which node.
    pub node: NodeKey,
    /// The state it shows: before and after.
    pub shown: (State, State),
    /// The state that parents see: before and after.
    pub confirmed: (State, State),
    /// Why, for machines.
    pub reason: Reason,
    /// When.
    pub at: Timestamp,
}

/// An edge that a blueprint asked for and did not get, since it would have closed a cycle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The node that wanted the member. It is Unknown until its blueprint changes, or the rest of the cycle goes away.
    pub node: NodeId,
    /// The cycle: from `node` to the refused member and on to `node` again. Only those two where a blueprint holds so
    /// many cycles that writing each out would cost too much.
    pub path: Vec<NodeId>,
}

/// One change of what a source wants in the graph; see [`Graph::change`].
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Adds a node, or replaces what was wanted of it.
    Set(Node),
    /// Removes a node.
    Remove(NodeId),
    /// Adds a member at the end of a system's list, or changes how it counts where it is. Costs the same for a system
    /// of ten members and one of a million.
    Join {
        /// The system, which must belong to the same source.
        system: NodeId,
        /// Its new member.
        member: Member,
    },
    /// Takes a member off a system's list, at a cost that does not grow with the list.
    Leave {
        /// The system, which must belong to the same source.
        system: NodeId,
        /// The member to take off.
        member: NodeId,
    },
}

/// What applying a blueprint did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Applied {
    /// Nodes that are new, or were only named by others until now.
    pub added: Vec<NodeKey>,
    /// Nodes that are gone. Those that others still name stay in the graph as missing.
    pub removed: Vec<NodeId>,
    /// Nodes that changed their rule, title, owner or members, and kept their state and history.
    pub changed: Vec<NodeKey>,
    /// Nodes that were left as they are: another source owns them, or the blueprint describes them twice and
    /// differently (the first description counts), or a [`Change`] is about a system that the source does not have.
    pub conflicts: Vec<NodeId>,
    /// Edges that would have closed a cycle.
    pub refused: Vec<Refused>,
    /// The changes of state that followed: of each node at most one, members before the systems that hold them.
    pub transitions: Vec<Transition>,
}

/// Sensors, systems and services with their states: a directed graph without cycles, in which a node may have several
/// parents and is judged once.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    slots: Vec<Slot>,
    free: Vec<u32>,
    /// Indexes of slots by the identity in them: 4 bytes an entry, where a map would hold every identity twice.
    by_id: hashbrown::HashTable<u32>,
    hasher: std::hash::RandomState,
    sources: Vec<SourceNodes>,
    /// Nodes that others may rely on: few among many, and asked for often.
    services: BTreeSet<u32>,
    kinds: HashSet<Kind>,
    words: HashSet<Arc<str>>,
    /// The source and the kind of the newest node.
    recent: Option<(Arc<str>, Kind)>,
    /// Systems with refused edges.
    cyclic: Vec<u32>,
    queue: propagate::Queue,
    /// The nodes on which work is planned for now: few, so that the others need no room for it.
    maintained: HashMap<u32, Maintenance>,
    /// Counts blueprints, to tell which nodes the newest one wants.
    epoch: u32,
    /// Counts member lists, to find duplicates in one.
    list: u32,
    evaluations: u64,
    revision: u64,
    /// How many edges in force may make a system worse when its member gets better: inverted ones, and those below
    /// systems that ask for an exact number.
    twists: u64,
}

impl Graph {
    /// A graph without nodes.
    pub fn new() -> Self {
        Graph::default()
    }

    /// How many nodes there are, missing ones that others name included.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there are no nodes.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// How often a system was judged, since the graph was made. Each is judged at most once per call of
    /// [`Graph::apply`], [`Graph::change`] and [`Graph::observe`].
    pub fn evaluations(&self) -> u64 {
        self.evaluations
    }

    /// Another number whenever nodes say something else: after any change of which nodes there are, of their names, owners,
    /// members, states, reasons, messages, marks and since when they are so. While it stays, whatever was made of the graph
    /// is as it would be made now, but for measurements and when they were taken.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Whether a member that gets better never makes a system worse, in the whole graph.
    pub(crate) fn is_monotone(&self) -> bool {
        self.twists == 0
    }

    /// The handle of a node.
    pub fn key(&self, id: &NodeId) -> Option<NodeKey> {
        self.lookup(id).map(|index| self.key_of(index))
    }

    /// A node; `None` when it is gone.
    pub fn get(&self, key: NodeKey) -> Option<NodeRef<'_>> {
        let slot = self.slots.get(key.index as usize)?;
        (slot.generation == key.generation && slot.node.is_some())
            .then_some(NodeRef { graph: self, key })
    }

    /// Every node, in no particular order.
    pub fn nodes(&self) -> impl Iterator<Item = NodeRef<'_>> {
        self.slots.iter().enumerate().filter_map(|(index, slot)| {
            slot.node.as_ref().map(|_| NodeRef {
                graph: self,
                key: NodeKey {
                    index: index as u32,
                    generation: slot.generation,
                },
            })
        })
    }

    /// The nodes without parents.
    pub fn roots(&self) -> impl Iterator<Item = NodeRef<'_>> {
        self.nodes().filter(|node| node.parents().next().is_none())
    }

    /// The nodes that others may rely on. Costs as many as there are, however many other nodes there are.
    pub fn services(&self) -> impl Iterator<Item = NodeRef<'_>> {
        self.services.iter().map(|index| NodeRef {
            graph: self,
            key: self.key_of(*index),
        })
    }
}
