//! Every node that was built, by its identity, in chains of those of one unit.

use std::hash::{BuildHasher, RandomState};

use alpacalert_model::NodeId;
use hashbrown::HashTable;

use super::NONE;

/// A node that was built, in a chain of those of its unit.
struct Known {
    id: Option<NodeId>,
    unit: u32,
    next: u32,
}

/// The nodes. Each identity is held once, and found by 4 bytes: there are very many.
#[derive(Default)]
pub(super) struct Nodes {
    nodes: Vec<Known>,
    free: Vec<u32>,
    by_id: HashTable<u32>,
    hasher: RandomState,
}

impl Nodes {
    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Where a node stands.
    pub(super) fn find(&self, id: &NodeId) -> Option<u32> {
        let same = |at: &u32| self.id(*at) == Some(id);
        self.by_id.find(self.hasher.hash_one(id), same).copied()
    }

    pub(super) fn id(&self, at: u32) -> Option<&NodeId> {
        self.nodes.get(at as usize)?.id.as_ref()
    }

    /// For whom a node was built.
    pub(super) fn unit(&self, at: u32) -> u32 {
        self.nodes[at as usize].unit
    }

    /// The node after it in the chain of its unit.
    pub(super) fn next(&self, at: u32) -> u32 {
        self.nodes[at as usize].next
    }

    /// Makes a node the last of its chain.
    pub(super) fn end_chain(&mut self, at: u32) {
        self.nodes[at as usize].next = NONE;
    }

    /// Adds a node before the first of a chain.
    pub(super) fn insert(&mut self, id: &NodeId, unit: u32, next: u32) -> u32 {
        let known = Known {
            id: Some(id.clone()),
            unit,
            next,
        };
        let at = match self.free.pop() {
            Some(at) => {
                self.nodes[at as usize] = known;
                at
            }
            None => {
                self.nodes.push(known);
                (self.nodes.len() - 1) as u32
            }
        };
        let (nodes, hasher) = (&self.nodes, &self.hasher);
        let hash = |at: &u32| match &nodes[*at as usize].id {
            Some(id) => hasher.hash_one(id),
            // Not reached: what is removed is taken out of the table first.
            None => 0,
        };
        self.by_id.insert_unique(hasher.hash_one(id), at, hash);
        at
    }

    pub(super) fn remove(&mut self, at: u32) -> Option<NodeId> {
        let hash = self.hasher.hash_one(self.id(at)?);
        if let Ok(entry) = self.by_id.find_entry(hash, |other| *other == at) {
            entry.remove();
        }
        self.free.push(at);
        self.nodes[at as usize].id.take()
    }
}
