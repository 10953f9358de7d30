//! Where nodes and edges are kept: slots by index, identities by hash, edges linked from both ends.

use std::hash::{BuildHasher, Hash};
use std::sync::Arc;

use jiff::Timestamp;

use crate::{
    Edge, Effect, Kind, Marks, Measurement, Message, NodeId, Origin, Reason, Role, Rule,
    ServiceInfo, State, Sums,
};

use super::{Graph, NodeKey};

/// No node, and no source.
pub(super) const NONE: u32 = u32::MAX;

#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) generation: u32,
    pub(super) node: Option<Stored>,
}

/// One node. Most nodes are sensors that pass, so everything else is behind a box.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) id: NodeId,
    pub(super) title: Arc<str>,
    pub(super) owner: Option<Arc<str>>,
    pub(super) part: Part,
    pub(super) parents: Vec<ParentLink>,
    pub(super) reason: Reason,
    pub(super) observed_at: Option<Timestamp>,
    pub(super) since: Option<Timestamp>,
    /// Greater than the rank of every counted member. Never falls, so that removals cost nothing.
    pub(super) rank: u32,
    /// Index in [`Graph::sources`] of the source that wants the node; [`NONE`] for one that is only named.
    pub(super) source: u32,
    /// Where it stands in the list of its source.
    pub(super) place: u32,
    /// The blueprint that wanted it last.
    pub(super) seen: u32,
    /// The member list that it was found in last.
    pub(super) listed: u32,
    pub(super) state: State,
    pub(super) confirmed: State,
    pub(super) marks: Marks,
    pub(super) queued: bool,
    pub(super) service: Option<ServiceInfo>,
}

/// What a node is, with what only that needs.
#[derive(Clone, Debug)]
pub(super) enum Part {
    /// Named by others only.
    Missing,
    Sensor(Option<Box<Evidence>>),
    System(Box<System>),
}

#[derive(Clone, Debug)]
pub(super) struct Evidence {
    pub(super) messages: Vec<Message>,
    pub(super) measurements: Vec<Measurement>,
    pub(super) origins: Box<[Origin]>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct System {
    pub(super) rule: Rule,
    pub(super) degraded_below: Option<u32>,
    pub(super) sums: Sums,
    /// In the order to show them, with holes where members left.
    pub(super) children: Vec<ChildLink>,
    pub(super) holes: u32,
    /// The sentence about the cycle that an edge of this system would have closed.
    pub(super) cycle: Option<Box<str>>,
}

/// An edge, at the parent's end.
#[derive(Clone, Copy, Debug)]
pub(super) struct ChildLink {
    /// The member; [`NONE`] in a hole.
    pub(super) child: u32,
    /// Where the edge stands in the member's list of parents.
    pub(super) back: u32,
    pub(super) weight: u32,
    pub(super) effect: Effect,
    pub(super) standing: Standing,
}

/// An edge, at the child's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct ParentLink {
    pub(super) parent: u32,
    /// Where the edge stands in the parent's list of members.
    pub(super) at: u32,
}

/// Whether an edge is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Linked in this batch; whether it closes a cycle is not known yet.
    Fresh,
    /// In force, and in the parent's sums.
    Counted,
    /// It would close a cycle.
    Refused,
}

/// The nodes that one source wants.
#[derive(Clone, Debug)]
pub(super) struct SourceNodes {
    pub(super) name: Arc<str>,
    pub(super) nodes: Vec<u32>,
}

impl ChildLink {
    pub(super) fn edge(&self) -> Edge {
        Edge {
            effect: self.effect,
            weight: self.weight,
        }
    }
}

impl System {
    /// How much a link weighs in the sums: its own weight where the rule asks for weights, else 1.
    pub(super) fn weight_of(&self, link: &ChildLink) -> u32 {
        match self.rule {
            Rule::Weight(_) => link.weight,
            _ => 1,
        }
    }

    /// The members, without holes.
    pub(super) fn links(&self) -> impl Iterator<Item = &ChildLink> {
        self.children.iter().filter(|link| link.child != NONE)
    }
}

impl Stored {
    pub(super) fn system(&self) -> Option<&System> {
        match &self.part {
            Part::System(system) => Some(system),
            _ => None,
        }
    }

    pub(super) fn role(&self) -> Option<Role> {
        match &self.part {
            Part::Missing => None,
            Part::Sensor(_) => Some(Role::Sensor),
            Part::System(system) => Some(Role::System {
                rule: system.rule,
                degraded_below: system.degraded_below,
            }),
        }
    }
}

impl Graph {
    pub(super) fn at(&self, index: u32) -> &Stored {
        self.slots[index as usize]
            .node
            .as_ref()
            .expect("live index")
    }

    pub(super) fn at_mut(&mut self, index: u32) -> &mut Stored {
        self.slots[index as usize]
            .node
            .as_mut()
            .expect("live index")
    }

    /// The system at an index that is known to be one.
    pub(super) fn system(&self, index: u32) -> &System {
        self.at(index).system().expect("a system")
    }

    pub(super) fn system_mut(&mut self, index: u32) -> &mut System {
        match &mut self.at_mut(index).part {
            Part::System(system) => system,
            _ => unreachable!("a system"),
        }
    }

    pub(super) fn key_of(&self, index: u32) -> NodeKey {
        NodeKey {
            index,
            generation: self.slots[index as usize].generation,
        }
    }

    /// The edge as its parent has it.
    pub(super) fn link(&self, edge: ParentLink) -> &ChildLink {
        &self.system(edge.parent).children[edge.at as usize]
    }

    pub(super) fn lookup(&self, id: &NodeId) -> Option<u32> {
        self.find(self.hasher.hash_one(id), id)
    }

    fn find(&self, hash: u64, id: &NodeId) -> Option<u32> {
        let same = |index: &u32| self.at(*index).id == *id;
        self.by_id.find(hash, same).copied()
    }

    /// Makes room for the first nodes at once, where there are none yet.
    pub(super) fn reserve(&mut self, nodes: usize) {
        if self.slots.is_empty() {
            self.slots.reserve_exact(nodes);
            self.by_id
                .reserve(nodes, |_| unreachable!("the table is empty"));
        }
    }

    /// The node of an identity: as it is, or a new one that is missing.
    pub(super) fn ensure(&mut self, id: &NodeId, now: Timestamp) -> u32 {
        let hash = self.hasher.hash_one(id);
        if let Some(index) = self.find(hash, id) {
            return index;
        }
        let index = self.free.pop().unwrap_or_else(|| {
            let index = u32::try_from(self.slots.len()).ok().filter(|i| *i != NONE);
            self.slots.push(Slot {
                generation: 0,
                node: None,
            });
            index.expect("fewer than 2^32 nodes")
        });
        let id = self.shared_id(id);
        self.slots[index as usize].node = Some(Stored {
            title: id.reference().clone(),
            id,
            owner: None,
            part: Part::Missing,
            parents: Vec::new(),
            reason: Reason::MISSING,
            observed_at: Some(now),
            since: Some(now),
            rank: 0,
            source: NONE,
            place: 0,
            seen: 0,
            listed: 0,
            state: State::Unknown,
            confirmed: State::Unknown,
            marks: Marks::default(),
            queued: false,
            service: None,
        });
        let slots = &self.slots;
        let hasher = &self.hasher;
        self.by_id.insert_unique(hash, index, |index| {
            let node = slots[*index as usize].node.as_ref().expect("live index");
            hasher.hash_one(&node.id)
        });
        index
    }

    /// Gives a slot back. Its node must have neither parents nor members.
    pub(super) fn release(&mut self, index: u32) {
        let hash = self.hasher.hash_one(&self.at(index).id);
        if let Ok(entry) = self.by_id.find_entry(hash, |other| *other == index) {
            entry.remove();
        }
        self.maintained.remove(&index);
        let slot = &mut self.slots[index as usize];
        slot.node = None;
        // A slot whose generations are used up is never used again: no handle ever means two nodes.
        if let Some(next) = slot.generation.checked_add(1) {
            slot.generation = next;
            self.free.push(index);
        }
    }

    /// Links a member at the end of a system's list; it counts when it is known to close no cycle.
    pub(super) fn connect(&mut self, parent: u32, child: u32, edge: Edge) -> u32 {
        let back = self.at(child).parents.len() as u32;
        let children = &mut self.system_mut(parent).children;
        let at = children.len() as u32;
        children.push(ChildLink {
            child,
            back,
            weight: edge.weight.max(1),
            effect: edge.effect,
            standing: Standing::Fresh,
        });
        let parents = &mut self.at_mut(child).parents;
        if parents.is_empty() {
            // Nearly every node has one parent; the default first capacity is four.
            parents.reserve_exact(1);
        }
        parents.push(ParentLink { parent, at });
        at
    }

    /// Takes an edge out of both lists, leaving a hole in the parent's, and tells whether it was in force.
    pub(super) fn disconnect(&mut self, parent: u32, at: u32) -> bool {
        let counted = self.set_counted(parent, at, false);
        let system = self.system_mut(parent);
        system.holes += 1;
        let link = &mut system.children[at as usize];
        let ChildLink { child, back, .. } = *link;
        link.child = NONE;
        let parents = &mut self.at_mut(child).parents;
        parents.swap_remove(back as usize);
        if let Some(moved) = parents.get(back as usize).copied() {
            self.system_mut(moved.parent).children[moved.at as usize].back = back;
        }
        counted
    }

    /// Puts an edge in force or out of it; tells whether it was before.
    pub(super) fn set_counted(&mut self, parent: u32, at: u32, counted: bool) -> bool {
        let link = self.system(parent).children[at as usize];
        let state = self.at(link.child).confirmed;
        let system = self.system_mut(parent);
        let weight = system.weight_of(&link);
        let before = link.standing == Standing::Counted;
        let twisted = link.effect == Effect::Inverted || matches!(system.rule, Rule::Exactly(_));
        match (before, counted) {
            (false, true) => system.sums.add(link.effect.contribution(state), weight),
            (true, false) => system.sums.remove(link.effect.contribution(state), weight),
            _ => {}
        }
        system.children[at as usize].standing = match counted {
            true => Standing::Counted,
            false => Standing::Refused,
        };
        match (before, counted) {
            (false, true) => self.twists += u64::from(twisted),
            (true, false) => self.twists -= u64::from(twisted),
            _ => {}
        }
        before
    }

    /// Closes the holes in a list of members when they are more than the members.
    pub(super) fn compact(&mut self, parent: u32) {
        let Part::System(system) = &mut self.at_mut(parent).part else {
            return;
        };
        if system.holes < 8 || (system.holes as usize) * 2 < system.children.len() {
            return;
        }
        system.children.retain(|link| link.child != NONE);
        system.holes = 0;
        for at in 0..system.children.len() {
            let ChildLink { child, back, .. } = self.system(parent).children[at];
            self.at_mut(child).parents[back as usize].at = at as u32;
        }
    }

    /// The index of a source, known or new.
    pub(super) fn source(&mut self, name: &str) -> u32 {
        let known = self.sources.iter().position(|source| &*source.name == name);
        known.unwrap_or_else(|| {
            self.sources.push(SourceNodes {
                name: Arc::from(name),
                nodes: Vec::new(),
            });
            self.sources.len() - 1
        }) as u32
    }

    /// One copy of a text that many nodes share: a source, an owner.
    pub(super) fn word(&mut self, word: &Arc<str>) -> Arc<str> {
        intern(&mut self.words, word, |word| Arc::strong_count(word) > 1)
    }

    /// The same identity with one copy of its source and of its kind in the whole graph.
    fn shared_id(&mut self, id: &NodeId) -> NodeId {
        let reference = id.reference().clone();
        // Neighbours in a blueprint mostly have the same source and kind.
        if let Some((source, kind)) = &self.recent
            && source == id.source()
            && kind == id.kind()
        {
            return NodeId::new(source.clone(), kind.clone(), reference);
        }
        let source = self.word(id.source());
        let kind = intern(&mut self.kinds, id.kind(), Kind::is_shared);
        self.recent = Some((source.clone(), kind.clone()));
        NodeId::new(source, kind, reference)
    }
}

/// The copy in the set that equals the value, put there if it is new. Before the set grows, what nobody else holds goes.
fn intern<T: Clone + Eq + Hash>(
    set: &mut std::collections::HashSet<T>,
    value: &T,
    is_shared: impl Fn(&T) -> bool,
) -> T {
    if let Some(known) = set.get(value) {
        return known.clone();
    }
    if set.len() == set.capacity() {
        set.retain(is_shared);
    }
    set.insert(value.clone());
    value.clone()
}
