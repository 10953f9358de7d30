//! The graph of health.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::{
    Blueprint, Edge, Mark, Marks, Member, Message, Node, NodeId, Observation, Reason, Role,
    ServiceInfo, Severity, State, Status, Sums,
};

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
    /// The node that wanted the member. It is Unknown until its blueprint changes.
    pub node: NodeId,
    /// The cycle: from `node` to the refused member and on to `node` again.
    pub path: Vec<NodeId>,
}

/// What applying a blueprint did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Applied {
    /// Nodes that are new.
    pub added: Vec<NodeKey>,
    /// Nodes that are gone.
    pub removed: Vec<NodeId>,
    /// Nodes that changed their rule, title, owner or members, and kept their state and history.
    pub changed: Vec<NodeKey>,
    /// Nodes that another source owns already, and which were left as they are.
    pub conflicts: Vec<NodeId>,
    /// Edges that would have closed a cycle.
    pub refused: Vec<Refused>,
    /// The changes of state that followed.
    pub transitions: Vec<Transition>,
}

#[derive(Debug)]
struct Slot {
    generation: u32,
    node: Option<Stored>,
}

#[derive(Debug)]
struct Stored {
    id: NodeId,
    /// The blueprint's wish; absent for a node that is only named by others.
    wish: Option<(Arc<str>, Node)>,
    children: Vec<(NodeKey, Edge)>,
    parents: Vec<NodeKey>,
    cycle: bool,
    status: Status,
    marks: Marks,
}

/// Sensors, systems and services with their states: a directed graph without cycles, in which a node may have several
/// parents and is judged once.
#[derive(Debug, Default)]
pub struct Graph {
    slots: Vec<Slot>,
    by_id: HashMap<NodeId, NodeKey>,
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

    /// The handle of a node.
    pub fn key(&self, id: &NodeId) -> Option<NodeKey> {
        self.by_id.get(id).copied()
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

    /// The nodes that others may rely on.
    pub fn services(&self) -> impl Iterator<Item = NodeRef<'_>> {
        self.nodes().filter(|node| node.service().is_some())
    }

    fn stored(&self, key: NodeKey) -> &Stored {
        self.slots[key.index as usize]
            .node
            .as_ref()
            .expect("live key")
    }
    fn stored_mut(&mut self, key: NodeKey) -> &mut Stored {
        self.slots[key.index as usize]
            .node
            .as_mut()
            .expect("live key")
    }

    fn ensure(&mut self, id: &NodeId) -> (NodeKey, bool) {
        if let Some(key) = self.key(id) {
            return (key, false);
        }
        let key = NodeKey {
            index: self.slots.len() as u32,
            generation: 0,
        };
        self.slots.push(Slot {
            generation: 0,
            node: Some(Stored {
                id: id.clone(),
                wish: None,
                children: vec![],
                parents: vec![],
                cycle: false,
                status: Status {
                    state: State::Unknown,
                    confirmed: State::Unknown,
                    reason: Reason::NOT_MEASURED,
                    messages: vec![],
                    measurements: vec![],
                    observed_at: None,
                    since: None,
                },
                marks: Marks::default(),
            }),
        });
        self.by_id.insert(id.clone(), key);
        (key, true)
    }

    /// Makes the graph hold what a source wants: adds, changes and removes nodes of that source, and leaves the rest alone.
    ///
    /// What a node keeps when it stays: its state, since when, its marks.
    pub fn apply(&mut self, source: &str, blueprint: Blueprint, now: Timestamp) -> Applied {
        let source: Arc<str> = Arc::from(source);
        let mut applied = Applied::default();
        let mut wanted = std::collections::HashSet::new();
        for node in blueprint.nodes {
            let (key, new) = self.ensure(&node.id);
            wanted.insert(key);
            let before = self.stored(key).wish.clone();
            match before {
                Some((owner, _)) if owner != source => {
                    applied.conflicts.push(node.id);
                    continue;
                }
                Some((_, old)) if old == node => continue,
                Some(_) => applied.changed.push(key),
                None => applied.added.push(key),
            }
            let _ = new;
            for (child, _) in std::mem::take(&mut self.stored_mut(key).children) {
                self.stored_mut(child).parents.retain(|p| *p != key);
            }
            self.stored_mut(key).cycle = false;
            for Member { id, edge } in &node.members {
                let (child, _) = self.ensure(id);
                if child == key || self.reaches(child, key) {
                    self.stored_mut(key).cycle = true;
                    applied.refused.push(Refused {
                        node: node.id.clone(),
                        path: vec![node.id.clone(), id.clone(), node.id.clone()],
                    });
                    continue;
                }
                self.stored_mut(key).children.push((child, *edge));
                self.stored_mut(child).parents.push(key);
            }
            self.stored_mut(key).wish = Some((source.clone(), node));
        }
        let gone: Vec<NodeKey> = self
            .by_id
            .values()
            .copied()
            .filter(|k| {
                !wanted.contains(k)
                    && self
                        .stored(*k)
                        .wish
                        .as_ref()
                        .is_some_and(|(s, _)| *s == source)
            })
            .collect();
        for key in gone {
            for (child, _) in std::mem::take(&mut self.stored_mut(key).children) {
                self.stored_mut(child).parents.retain(|p| *p != key);
            }
            self.stored_mut(key).wish = None;
            applied.removed.push(self.stored(key).id.clone());
        }
        let orphans: Vec<NodeKey> = self
            .by_id
            .values()
            .copied()
            .filter(|k| self.stored(*k).wish.is_none() && self.stored(*k).parents.is_empty())
            .collect();
        for key in orphans {
            let id = self.stored(key).id.clone();
            self.by_id.remove(&id);
            let slot = &mut self.slots[key.index as usize];
            slot.node = None;
            slot.generation += 1;
        }
        applied.transitions = self.recompute(now);
        applied
    }

    fn reaches(&self, from: NodeKey, to: NodeKey) -> bool {
        self.stored(from)
            .children
            .iter()
            .any(|(c, _)| *c == to || self.reaches(*c, to))
    }

    /// Takes new facts about sensors and brings every ancestor up to date.
    ///
    /// Updates of nodes that are gone or are no sensors are ignored. Of several for one node the last counts.
    pub fn observe(
        &mut self,
        updates: impl IntoIterator<Item = Update>,
        now: Timestamp,
    ) -> Vec<Transition> {
        let mut out = vec![];
        for update in updates {
            if self.get(update.node).is_none_or(|n| !n.is_sensor()) {
                continue;
            }
            let stored = self.stored_mut(update.node);
            let before = (stored.status.state, stored.status.confirmed);
            let o = update.observation;
            let since = if before.0 == o.state {
                stored.status.since.or(Some(o.at))
            } else {
                Some(o.at)
            };
            stored.status = Status {
                state: o.state,
                confirmed: update.confirmed,
                reason: o.reason.clone(),
                messages: o.messages,
                measurements: o.measurements,
                observed_at: Some(o.at),
                since,
            };
            if before != (o.state, update.confirmed) {
                out.push(Transition {
                    node: update.node,
                    shown: (before.0, o.state),
                    confirmed: (before.1, update.confirmed),
                    reason: o.reason,
                    at: now,
                });
            }
        }
        out.extend(self.recompute(now));
        out
    }

    /// Sets or clears a mark. Never changes a state.
    pub fn mark(&mut self, key: NodeKey, mark: Mark, on: bool) -> bool {
        self.get(key).is_some() && self.stored_mut(key).marks.set(mark, on)
    }

    fn recompute(&mut self, now: Timestamp) -> Vec<Transition> {
        let mut out = vec![];
        let mut done = HashMap::new();
        let keys: Vec<NodeKey> = self.by_id.values().copied().collect();
        for key in keys {
            self.eval(key, now, &mut done, &mut out);
        }
        out
    }

    fn eval(
        &mut self,
        key: NodeKey,
        now: Timestamp,
        done: &mut HashMap<NodeKey, State>,
        out: &mut Vec<Transition>,
    ) -> State {
        if let Some(state) = done.get(&key) {
            return *state;
        }
        let children = self.stored(key).children.clone();
        for (child, _) in &children {
            self.eval(*child, now, done, out);
        }
        let judged = match self.stored(key).wish.as_ref().map(|(_, n)| n.role) {
            None => Some((State::Unknown, Reason::MISSING)),
            Some(Role::Sensor) => None,
            Some(Role::System { .. }) if self.stored(key).cycle => {
                Some((State::Unknown, Reason::CYCLE))
            }
            Some(Role::System {
                rule,
                degraded_below,
            }) => {
                let sums = self.get(key).expect("live").sums();
                let j = rule.judge(&sums, degraded_below);
                Some((j.state, j.reason))
            }
        };
        let stored = self.stored_mut(key);
        if let Some((state, reason)) = judged {
            let before = stored.status.state;
            if before != state || stored.status.observed_at.is_none() {
                stored.status.since = Some(now);
            }
            if before != state {
                out.push(Transition {
                    node: key,
                    shown: (before, state),
                    confirmed: (before, state),
                    reason: reason.clone(),
                    at: now,
                });
            }
            stored.status.state = state;
            stored.status.confirmed = state;
            stored.status.observed_at = Some(now);
            stored.status.messages = if reason == Reason::MISSING {
                vec![Message::new(
                    Severity::Warn,
                    "named by others, but nobody provides it",
                )]
            } else {
                vec![]
            };
            stored.status.reason = reason;
        }
        let state = stored.status.confirmed;
        done.insert(key, state);
        state
    }
}

/// A node, for reading.
#[derive(Clone, Copy, Debug)]
pub struct NodeRef<'a> {
    graph: &'a Graph,
    key: NodeKey,
}

impl<'a> NodeRef<'a> {
    fn stored(self) -> &'a Stored {
        self.graph.stored(self.key)
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
        self.stored()
            .wish
            .as_ref()
            .map_or(self.stored().id.reference(), |(_, n)| &n.title)
    }
    /// Whether it is observed.
    pub fn is_sensor(self) -> bool {
        matches!(self.role(), Some(Role::Sensor))
    }
    /// What it does to get its state; `None` for a node that is only named by others.
    pub fn role(self) -> Option<Role> {
        self.stored().wish.as_ref().map(|(_, n)| n.role)
    }
    /// Present when others may rely on it.
    pub fn service(self) -> Option<&'a ServiceInfo> {
        self.stored()
            .wish
            .as_ref()
            .and_then(|(_, n)| n.service.as_ref())
    }
    /// The owner it names itself.
    pub fn own_owner(self) -> Option<&'a Arc<str>> {
        self.stored()
            .wish
            .as_ref()
            .and_then(|(_, n)| n.owner.as_ref())
    }
    /// Whose it is: its own owner, or that of the nearest ancestor that names one.
    pub fn owner(self) -> Option<&'a Arc<str>> {
        let mut level = vec![self];
        while !level.is_empty() {
            if let Some(owner) = level.iter().filter_map(|n| n.own_owner()).min() {
                return Some(owner);
            }
            level = level
                .iter()
                .flat_map(|n| n.parents().collect::<Vec<_>>())
                .collect();
        }
        None
    }
    /// What is known about it.
    pub fn status(self) -> &'a Status {
        &self.stored().status
    }
    /// The state to show.
    pub fn state(self) -> State {
        self.status().state
    }
    /// The state that parents see.
    pub fn confirmed(self) -> State {
        self.status().confirmed
    }
    /// Its marks.
    pub fn marks(self) -> Marks {
        self.stored().marks
    }
    /// Its members in the order to show them, with how they count.
    pub fn children(self) -> impl Iterator<Item = (NodeRef<'a>, Edge)> {
        let graph = self.graph;
        self.stored()
            .children
            .iter()
            .map(move |(k, e)| (NodeRef { graph, key: *k }, *e))
    }
    /// The nodes that it is a member of.
    pub fn parents(self) -> impl Iterator<Item = NodeRef<'a>> {
        let graph = self.graph;
        self.stored()
            .parents
            .iter()
            .map(move |k| NodeRef { graph, key: *k })
    }
    /// The weights and numbers of its counted members.
    pub fn sums(self) -> Sums {
        let mut sums = Sums::default();
        for (child, edge) in self.children() {
            sums.members += 1;
            if let Some(state) = edge.effect.contribution(child.confirmed()) {
                sums.counted += 1;
                sums.weight[state.index()] += u64::from(edge.weight);
                if state == State::Passing {
                    sums.passing += 1;
                }
            }
        }
        sums
    }
}
