//! Blueprints applied as differences.

use jiff::Timestamp;

use crate::{Blueprint, Edge, Member, Node, NodeId, Reason, Role, Rule};

use super::store::{NONE, ParentLink, Part, Standing, System};
use super::{Applied, Change, Graph};

/// What is collected while changes are applied, before states are brought up to date.
pub(super) struct Batch {
    source: u32,
    now: Timestamp,
    pub(super) applied: Applied,
    /// Edges to decide about, in the order in which they were asked for.
    pub(super) fresh: Vec<ParentLink>,
    /// Whether an edge went out of force, so that a refused one might now close no cycle.
    freed: bool,
    /// Nodes that may be missing and named by nobody.
    orphans: Vec<u32>,
    /// Systems whose lists got holes.
    holed: Vec<u32>,
}

impl Batch {
    /// Whether anything is different from before.
    fn is_something(&self) -> bool {
        let Applied {
            added,
            removed,
            changed,
            ..
        } = &self.applied;
        !(added.is_empty() && removed.is_empty() && changed.is_empty() && self.fresh.is_empty())
    }
}

impl Graph {
    /// Makes the graph hold what a source wants: adds, changes and removes nodes of that source, and leaves the rest alone.
    ///
    /// What a node keeps when it stays: its state, since when, its marks. A node that another one names and nobody
    /// provides is in the graph as missing, and Unknown. A member that a list names twice counts once, where and how
    /// it is named first; a node that is its own member is a cycle of one. A sensor's members are ignored.
    pub fn apply(&mut self, source: &str, blueprint: Blueprint, now: Timestamp) -> Applied {
        let mut batch = self.batch(source, now);
        self.epoch = self.epoch.wrapping_add(1);
        let epoch = self.epoch;
        self.reserve(blueprint.nodes.len());
        let mut wanted = 0;
        for node in blueprint.nodes {
            let index = self.ensure(&node.id, now);
            let stored = self.at_mut(index);
            let again = stored.source == batch.source && stored.seen == epoch;
            if again {
                if !self.matches(index, &node) {
                    batch.applied.conflicts.push(node.id);
                }
            } else if self.set(index, node, &mut batch) {
                self.at_mut(index).seen = epoch;
                wanted += 1;
            }
        }
        if self.sources[batch.source as usize].nodes.len() > wanted {
            let gone: Vec<u32> = self.sources[batch.source as usize]
                .nodes
                .iter()
                .copied()
                .filter(|index| self.at(*index).seen != epoch)
                .collect();
            for index in gone {
                self.unset(index, &mut batch);
            }
        }
        self.finish(batch)
    }

    /// Applies single changes of what a source wants, one after the other, where [`Graph::apply`] would compare all of it.
    ///
    /// The cost follows the changes: neither the other nodes of the source nor the other members of a system that gets
    /// or loses one are looked at. Removing what the source does not have does nothing.
    pub fn change(
        &mut self,
        source: &str,
        changes: impl IntoIterator<Item = Change>,
        now: Timestamp,
    ) -> Applied {
        let mut batch = self.batch(source, now);
        for change in changes {
            match change {
                Change::Set(node) => {
                    let index = self.ensure(&node.id, now);
                    let epoch = self.epoch;
                    if self.set(index, node, &mut batch) {
                        self.at_mut(index).seen = epoch;
                    }
                }
                Change::Remove(id) => {
                    if let Some(index) = self.lookup(&id)
                        && self.at(index).source == batch.source
                    {
                        self.unset(index, &mut batch);
                    }
                }
                Change::Join { system, member } => self.join(system, &member, &mut batch),
                Change::Leave { system, member } => self.leave(system, &member, &mut batch),
            }
        }
        self.finish(batch)
    }

    fn batch(&mut self, source: &str, now: Timestamp) -> Batch {
        Batch {
            source: self.source(source),
            now,
            applied: Applied::default(),
            fresh: Vec::new(),
            freed: false,
            orphans: Vec::new(),
            holed: Vec::new(),
        }
    }

    /// Decides about new edges, drops what nobody names, and brings states up to date.
    fn finish(&mut self, mut batch: Batch) -> Applied {
        if batch.is_something() {
            self.revision += 1;
        }
        self.settle(&mut batch);
        for index in std::mem::take(&mut batch.holed) {
            if self.slots[index as usize].node.is_some() {
                self.compact(index);
            }
        }
        for index in std::mem::take(&mut batch.orphans) {
            if let Some(node) = &self.slots[index as usize].node
                && node.source == NONE
                && node.parents.is_empty()
            {
                self.release(index);
            }
        }
        let mut applied = batch.applied;
        let live = |key: &super::NodeKey| self.get(*key).is_some();
        applied.added.retain(live);
        applied.changed.retain(live);
        self.refresh_ranks();
        self.propagate(batch.now, &mut applied.transitions);
        applied
    }

    /// Whether a node is wanted exactly as it is already.
    fn matches(&self, index: u32, node: &Node) -> bool {
        let stored = self.at(index);
        stored.title == node.title
            && stored.owner == node.owner
            && stored.service == node.service
            && stored.role() == Some(node.role)
            && self.lists(index, &node.members)
    }

    /// Whether a system lists exactly these members. A list with duplicates never matches; replacing it by the same
    /// is right too, and only slower.
    fn lists(&self, index: u32, members: &[Member]) -> bool {
        let Some(system) = self.at(index).system() else {
            return true;
        };
        system.children.len() - system.holes as usize == members.len()
            && system.links().zip(members).all(|(link, member)| {
                link.edge() == normal(member.edge) && self.at(link.child).id == member.id
            })
    }

    /// Makes a node what it should be; false when another source owns it.
    fn set(&mut self, index: u32, node: Node, batch: &mut Batch) -> bool {
        let owned_by = self.at(index).source;
        if owned_by == NONE {
            let nodes = &mut self.sources[batch.source as usize].nodes;
            nodes.push(index);
            let place = nodes.len() as u32 - 1;
            let stored = self.at_mut(index);
            stored.source = batch.source;
            stored.place = place;
            batch.applied.added.push(self.key_of(index));
        } else if owned_by != batch.source {
            batch.applied.conflicts.push(node.id);
            return false;
        } else if self.matches(index, &node) {
            return true;
        }
        let changed = self.describe(index, &node) | self.assume(index, &node, batch);
        if changed && owned_by != NONE {
            batch.applied.changed.push(self.key_of(index));
        }
        true
    }

    /// Sets what people read about a node; tells whether that is new.
    fn describe(&mut self, index: u32, node: &Node) -> bool {
        let owner = node.owner.as_ref().map(|owner| self.word(owner));
        let stored = self.at_mut(index);
        let same = stored.title == node.title
            && stored.owner == node.owner
            && stored.service == node.service;
        if stored.title != node.title {
            stored.title = match *node.title == **stored.id.reference() {
                true => stored.id.reference().clone(),
                false => node.title.clone(),
            };
        }
        stored.owner = owner;
        stored.service = node.service.clone();
        match node.service {
            Some(_) => self.services.insert(index),
            None => self.services.remove(&index),
        };
        !same
    }

    /// Makes a node the sensor or the system that it should be; tells whether that is new.
    fn assume(&mut self, index: u32, node: &Node, batch: &mut Batch) -> bool {
        let role = self.at(index).role();
        match node.role {
            Role::Sensor if role == Some(Role::Sensor) => return false,
            Role::Sensor => {
                self.strip(index, batch);
                let stored = self.at_mut(index);
                stored.part = Part::Sensor(None);
                stored.reason = Reason::NOT_MEASURED;
                stored.observed_at = None;
            }
            Role::System {
                rule,
                degraded_below,
            } => {
                let before = self.at(index).system();
                // What edges count for depends on these two.
                let sort = |rule| {
                    (
                        matches!(rule, Rule::Weight(_)),
                        matches!(rule, Rule::Exactly(_)),
                    )
                };
                let relist = before.is_none_or(|before| sort(before.rule) != sort(rule));
                if relist || !self.lists(index, &node.members) {
                    let before = self.roster(index);
                    self.strip(index, batch);
                    self.at_mut(index).part = Part::System(Box::new(System {
                        rule,
                        degraded_below,
                        ..System::default()
                    }));
                    self.list(index, &node.members, batch);
                    if role == Some(node.role) && before == self.roster(index) {
                        self.enqueue(index);
                        return false;
                    }
                } else {
                    let system = self.system_mut(index);
                    system.rule = rule;
                    system.degraded_below = degraded_below;
                }
            }
        }
        self.enqueue(index);
        true
    }

    /// The members of a system and how they count, to tell whether a new list is the old one.
    fn roster(&self, index: u32) -> Vec<(u32, Edge)> {
        let system = self.at(index).system();
        let links = system.into_iter().flat_map(System::links);
        links.map(|link| (link.child, link.edge())).collect()
    }

    /// Links a system's members, each once.
    fn list(&mut self, index: u32, members: &[Member], batch: &mut Batch) {
        self.list = self.list.wrapping_add(1).max(1);
        let list = self.list;
        self.system_mut(index).children.reserve_exact(members.len());
        for member in members {
            let child = self.ensure(&member.id, batch.now);
            if std::mem::replace(&mut self.at_mut(child).listed, list) != list {
                let at = self.connect(index, child, member.edge);
                batch.fresh.push(ParentLink { parent: index, at });
            }
        }
    }

    /// Unlinks all members of a node.
    fn strip(&mut self, index: u32, batch: &mut Batch) {
        let len = self.at(index).system().map_or(0, |s| s.children.len());
        for at in 0..len as u32 {
            let child = self.system(index).children[at as usize].child;
            if child != NONE {
                batch.freed |= self.disconnect(index, at);
                if self.at(child).source == NONE {
                    batch.orphans.push(child);
                }
            }
        }
    }

    /// Makes a node missing; it goes altogether when nobody names it.
    fn unset(&mut self, index: u32, batch: &mut Batch) {
        self.strip(index, batch);
        let stored = self.at_mut(index);
        stored.part = Part::Missing;
        stored.title = stored.id.reference().clone();
        stored.owner = None;
        stored.service = None;
        stored.source = NONE;
        let id = stored.id.clone();
        let place = stored.place;
        self.services.remove(&index);
        let nodes = &mut self.sources[batch.source as usize].nodes;
        nodes.swap_remove(place as usize);
        if let Some(moved) = nodes.get(place as usize).copied() {
            self.at_mut(moved).place = place;
        }
        self.enqueue(index);
        batch.orphans.push(index);
        batch.applied.removed.push(id);
    }

    /// The system of the batch's source with an identity; a conflict when there is none.
    fn own_system(&self, id: NodeId, batch: &mut Batch) -> Option<u32> {
        let index = self.lookup(&id).filter(|index| {
            self.at(*index).source == batch.source && self.at(*index).system().is_some()
        });
        if index.is_none() {
            batch.applied.conflicts.push(id);
        }
        index
    }

    /// Where a member stands in a system's list. Looks through the shorter of the two ends' lists.
    fn position(&self, parent: u32, child: u32) -> Option<u32> {
        let children = &self.system(parent).children;
        let parents = &self.at(child).parents;
        if children.len() < parents.len() {
            let at = children.iter().position(|link| link.child == child);
            return at.map(|at| at as u32);
        }
        let link = parents.iter().find(|link| link.parent == parent);
        link.map(|link| link.at)
    }

    fn join(&mut self, system: NodeId, member: &Member, batch: &mut Batch) {
        let Some(parent) = self.own_system(system, batch) else {
            return;
        };
        let child = self.ensure(&member.id, batch.now);
        let edge = normal(member.edge);
        if let Some(at) = self.position(parent, child) {
            let link = self.system(parent).children[at as usize];
            if link.edge() == edge {
                return;
            }
            let counted = link.standing == Standing::Counted;
            if counted {
                self.set_counted(parent, at, false);
            }
            let link = &mut self.system_mut(parent).children[at as usize];
            link.effect = edge.effect;
            link.weight = edge.weight;
            if counted {
                self.set_counted(parent, at, true);
            }
        } else {
            let at = self.connect(parent, child, edge);
            batch.fresh.push(ParentLink { parent, at });
        }
        self.enqueue(parent);
        self.note_changed(parent, batch);
    }

    fn leave(&mut self, system: NodeId, member: &NodeId, batch: &mut Batch) {
        let Some(parent) = self.own_system(system, batch) else {
            return;
        };
        let Some(child) = self.lookup(member) else {
            return;
        };
        if let Some(at) = self.position(parent, child) {
            batch.freed |= self.disconnect(parent, at);
            batch.orphans.push(child);
            batch.holed.push(parent);
            self.enqueue(parent);
            self.note_changed(parent, batch);
        }
    }

    /// Lists a system as changed, once for a run of changes of the same one.
    fn note_changed(&self, index: u32, batch: &mut Batch) {
        let key = self.key_of(index);
        if batch.applied.changed.last() != Some(&key) && batch.applied.added.last() != Some(&key) {
            batch.applied.changed.push(key);
        }
    }

    /// Whether the refused edges should be looked at again.
    pub(super) fn has_retries(&self, batch: &Batch) -> bool {
        batch.freed && !self.cyclic.is_empty()
    }
}

/// The edge as it is kept: no member weighs nothing.
fn normal(edge: Edge) -> Edge {
    Edge {
        weight: edge.weight.max(1),
        ..edge
    }
}
