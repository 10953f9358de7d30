//! What was built for whom, and what it looked at: so that a change costs what it changes.
//!
//! An assembly consists of *units*: a thing that somebody asked for, with its parts. A unit is built by asking the
//! instrumentors of its kind, which ask for other units; it is built again when a fact that it looked at has changed, or
//! when its time has come, and goes when nobody asks for it any more.

mod nodes;
mod readers;

use std::collections::{BTreeSet, HashSet};

use alpacalert_model::{NodeId, Timestamp};

use nodes::Nodes;
use readers::Readers;

use super::{Describe, Request, TellFields};
use crate::reads::{self, Fact, Reads};

/// No unit, no node, or the end of a chain.
const NONE: u32 = u32::MAX;
/// From this level on, how deep a thing stands decides whether it is built at all, and depends on who asks first.
const DEEP: usize = super::Builder::MAX_DEPTH / 2;

/// The unit of what the source, or the configuration, asks for first.
pub(super) const TOP: u32 = 0;

/// How a unit is built again.
pub(super) enum Recipe {
    /// By asking the source.
    Top,
    /// By a request that says nothing beyond what its identity tells.
    Plain(Option<TellFields>, Option<Describe>),
    /// By the request.
    Asked(Box<Request>, Option<Describe>),
    /// Not at all: whoever described it is not to be had again.
    Once,
}

/// A thing that somebody asked for, with its parts.
struct Unit {
    /// Its own node among all nodes; none of the topmost unit.
    own: u32,
    recipe: Recipe,
    /// The first of its nodes.
    nodes: u32,
    /// The first of its reads.
    reads: u32,
    /// The units that it asks for, each once, in order.
    children: Box<[u32]>,
    /// How many other units ask for it.
    asked: u32,
    /// Whether the topmost unit does.
    top: bool,
    due: Option<Timestamp>,
    depth: u8,
    /// Whether it is there: places of units are used again.
    live: bool,
}

/// A unit that is being built.
struct Frame {
    unit: u32,
    children: Vec<u32>,
    begun: usize,
    /// Whether it was built before.
    again: bool,
}

/// Which nodes were built and, if it is to be known, for whom and from what.
pub struct Memo {
    /// Whether units are remembered; otherwise only nodes are.
    remembers: bool,
    /// Why the next assembly must be a whole one, if so.
    irregular: Option<&'static str>,
    units: Vec<Unit>,
    free_units: Vec<u32>,
    nodes: Nodes,
    readers: Readers,
    due: BTreeSet<(Timestamp, u32)>,
    frames: Vec<Frame>,
}

impl std::fmt::Debug for Memo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Memo")
            .field("nodes", &self.nodes.len())
            .field("irregular", &self.irregular)
            .finish_non_exhaustive()
    }
}

impl Memo {
    pub(super) fn new(remembers: bool) -> Self {
        let mut memo = Memo {
            remembers,
            irregular: None,
            units: Vec::new(),
            free_units: Vec::new(),
            nodes: Nodes::default(),
            readers: Readers::default(),
            due: BTreeSet::new(),
            frames: Vec::new(),
        };
        if remembers {
            memo.units.push(Unit {
                own: NONE,
                recipe: Recipe::Top,
                nodes: NONE,
                reads: NONE,
                children: Box::default(),
                asked: 0,
                top: true,
                due: None,
                depth: 0,
                live: true,
            });
        }
        memo
    }

    /// Why the next assembly must be a whole one: something in this one depends on the order in which things were asked for.
    pub fn irregular(&self) -> Option<&'static str> {
        self.irregular
    }

    /// The next assembly must be a whole one, and why.
    pub fn spoil(&mut self, why: &'static str) {
        self.irregular.get_or_insert(why);
    }

    /// When the first unit turns out otherwise by the passing of time alone.
    pub fn due(&self) -> Option<Timestamp> {
        self.due.first().map(|(at, _)| *at)
    }

    /// How many things were asked for.
    pub fn len(&self) -> usize {
        self.units.len() - self.free_units.len()
    }

    /// Whether nothing was asked for.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn contains(&self, id: &NodeId) -> bool {
        self.nodes.find(id).is_some()
    }

    /// The unit that is being built.
    fn current(&self) -> u32 {
        self.frames.last().map_or(TOP, |frame| frame.unit)
    }

    /// Whose unit is being built; none for the topmost one, and where that is not remembered.
    pub(super) fn asker(&self) -> Option<&NodeId> {
        match self.remembers {
            true => self.id(self.current()),
            false => None,
        }
    }

    /// Adds a node to the unit that is being built; false when there is one of that identity.
    pub(super) fn add(&mut self, id: &NodeId) -> bool {
        if self.contains(id) {
            // Who comes first describes it.
            self.spoil("two things describe one node");
            return false;
        }
        self.insert(id, self.current());
        true
    }

    fn insert(&mut self, id: &NodeId, unit: u32) -> u32 {
        if !self.remembers {
            return self.nodes.insert(id, unit, NONE);
        }
        let at = self.nodes.insert(id, unit, self.units[unit as usize].nodes);
        self.units[unit as usize].nodes = at;
        at
    }

    /// A thing is asked for. Whether it is there already, or being built.
    pub(super) fn asks(&mut self, id: &NodeId, part: bool) -> bool {
        let Some(at) = self.nodes.find(id) else {
            return false;
        };
        if !self.remembers {
            return true;
        }
        let (unit, current) = (self.nodes.unit(at), self.current());
        if unit == current {
            return true;
        }
        if part || self.units[unit as usize].own != at {
            self.spoil("a part of one thing is asked for by another");
        }
        if self.frames.iter().any(|frame| frame.unit == unit) {
            self.spoil("things require each other");
        }
        if let Some(frame) = self.frames.last_mut() {
            frame.children.push(unit);
        }
        true
    }

    /// A name that is taken gets a number; by whom it was taken depends on the order if that is somebody else.
    pub(super) fn is_taken(&mut self, id: &NodeId) -> bool {
        let Some(at) = self.nodes.find(id) else {
            return false;
        };
        if self.nodes.unit(at) != self.current() {
            self.spoil("parts of two things have one name");
        }
        true
    }

    /// A thing that is not there yet is built from here on. Gives its unit, if it is one of its own.
    pub(super) fn open(
        &mut self,
        id: &NodeId,
        part: bool,
        depth: usize,
        recipe: impl FnOnce() -> Recipe,
    ) -> Option<u32> {
        if !self.remembers {
            self.insert(id, NONE);
            return None;
        }
        if depth >= DEEP {
            self.spoil("things require each other very deep");
        }
        if part && self.current() != TOP {
            self.insert(id, self.current());
            return None;
        }
        let unit = Unit {
            own: NONE,
            recipe: recipe(),
            nodes: NONE,
            reads: NONE,
            children: Box::default(),
            asked: 0,
            top: false,
            due: None,
            depth: u8::try_from(depth).unwrap_or(u8::MAX),
            live: true,
        };
        let at = match self.free_units.pop() {
            Some(at) => {
                self.units[at as usize] = unit;
                at
            }
            None => {
                self.units.push(unit);
                (self.units.len() - 1) as u32
            }
        };
        let own = self.insert(id, at);
        self.units[at as usize].own = own;
        if let Some(frame) = self.frames.last_mut() {
            frame.children.push(at);
        }
        self.begin(at, false);
        Some(at)
    }

    pub(super) fn begin(&mut self, unit: u32, again: bool) {
        if self.remembers {
            let begun = reads::begin();
            self.frames.push(Frame {
                unit,
                children: Vec::new(),
                begun,
                again,
            });
        }
    }

    /// The unit is built. What nobody asks for any more is added to `left`, and what stands on top now and did not, or the
    /// other way round, to `flipped`.
    pub(super) fn close(&mut self, left: &mut Vec<u32>, flipped: &mut Vec<u32>) {
        let Some(frame) = self.frames.pop() else {
            return;
        };
        let Reads { mut facts, due } = reads::end(frame.begun);
        let unit = frame.unit;
        let mut children = frame.children;
        children.sort_unstable();
        children.dedup();
        let before = std::mem::take(&mut self.units[unit as usize].children);
        for &child in &children {
            let child_unit = &mut self.units[child as usize];
            if unit == TOP {
                child_unit.top = true;
            } else {
                child_unit.asked += 1;
                if child_unit.asked == 1 && child_unit.top {
                    flipped.push(child);
                }
            }
        }
        for &child in &*before {
            if unit != TOP {
                self.leave(child, left, flipped);
            } else if children.binary_search(&child).is_err() {
                self.units[child as usize].top = false;
                left.push(child);
            }
        }
        let added = children
            .iter()
            .filter(|child| before.binary_search(child).is_err());
        // In a first building, what requires each other is met while it is being built.
        if frame.again && added.copied().any(|child| self.reaches(child, unit)) {
            self.spoil("things require each other");
        }
        self.units[unit as usize].children = children.into();
        facts.sort_unstable();
        facts.dedup();
        for fact in facts {
            let reads = self.units[unit as usize].reads;
            self.units[unit as usize].reads = self.readers.link(unit, fact, reads);
        }
        if let Some(at) = due {
            self.units[unit as usize].due = due;
            self.due.insert((at, unit));
        }
    }

    /// Whether a unit asks for another one, at whatever remove.
    fn reaches(&self, from: u32, to: u32) -> bool {
        let mut seen = HashSet::from([from]);
        let mut next = vec![from];
        while let Some(unit) = next.pop() {
            if unit == to {
                return true;
            }
            let children = self.units[unit as usize].children.iter();
            next.extend(children.filter(|child| seen.insert(**child)));
        }
        false
    }

    /// One fewer asks for a unit.
    fn leave(&mut self, unit: u32, left: &mut Vec<u32>, flipped: &mut Vec<u32>) {
        let asked = &mut self.units[unit as usize];
        asked.asked = asked.asked.saturating_sub(1);
        if asked.asked == 0 {
            match asked.top {
                true => flipped.push(unit),
                false => left.push(unit),
            }
        }
    }

    /// Forgets what a unit looked at.
    fn unlink(&mut self, unit: u32) {
        let reads = std::mem::replace(&mut self.units[unit as usize].reads, NONE);
        self.readers.unlink(reads);
        if let Some(due) = self.units[unit as usize].due.take() {
            self.due.remove(&(due, unit));
        }
    }

    /// The units that looked at one of these facts, or whose time has come.
    pub(super) fn dirty(&self, facts: &[Fact], now: Timestamp) -> Vec<u32> {
        let readers = facts.iter().flat_map(|fact| self.readers.of(*fact));
        let mut dirty: Vec<u32> = readers.collect();
        let due = self.due.iter().take_while(|(at, _)| *at <= now);
        dirty.extend(due.map(|(_, unit)| *unit));
        dirty.sort_unstable();
        dirty.dedup();
        dirty
    }

    /// Whether a node stands for a unit that the topmost one alone asks for.
    pub(super) fn is_top(&self, id: &NodeId) -> bool {
        let Some(at) = self.nodes.find(id) else {
            return false;
        };
        let unit = &self.units[self.nodes.unit(at) as usize];
        unit.own == at && unit.top && unit.asked == 0
    }

    pub(super) fn is_live(&self, unit: u32) -> bool {
        self.units[unit as usize].live
    }

    pub(super) fn is_wanted(&self, unit: u32) -> bool {
        let unit = &self.units[unit as usize];
        unit.top || unit.asked > 0
    }

    pub(super) fn depth(&self, unit: u32) -> usize {
        self.units[unit as usize].depth.into()
    }

    /// A unit's identity; none of the topmost one.
    pub(super) fn id(&self, unit: u32) -> Option<&NodeId> {
        match self.units[unit as usize].own {
            NONE => None,
            own => self.nodes.id(own),
        }
    }

    pub(super) fn recipe(&self, unit: u32) -> &Recipe {
        &self.units[unit as usize].recipe
    }

    /// Makes room for a unit's being built again: its parts are not known any more, and it looked at nothing. Their
    /// identities are added to `retired`, and its own.
    pub(super) fn retire(&mut self, unit: u32, retired: &mut Vec<NodeId>) {
        self.unlink(unit);
        let own = self.units[unit as usize].own;
        let mut at = std::mem::replace(&mut self.units[unit as usize].nodes, NONE);
        while at != NONE {
            let next = self.nodes.next(at);
            if at == own {
                retired.extend(self.nodes.id(at).cloned());
            } else {
                retired.extend(self.nodes.remove(at));
            }
            at = next;
        }
        if own != NONE {
            self.nodes.end_chain(own);
            self.units[unit as usize].nodes = own;
        }
    }

    /// Removes a unit that nobody asks for.
    pub(super) fn drop_unit(
        &mut self,
        unit: u32,
        retired: &mut Vec<NodeId>,
        left: &mut Vec<u32>,
        flipped: &mut Vec<u32>,
    ) {
        self.retire(unit, retired);
        let own = self.units[unit as usize].own;
        self.nodes.remove(own);
        for &child in &*std::mem::take(&mut self.units[unit as usize].children) {
            self.leave(child, left, flipped);
        }
        let gone = &mut self.units[unit as usize];
        (gone.own, gone.nodes, gone.live) = (NONE, NONE, false);
        gone.recipe = Recipe::Once;
        self.free_units.push(unit);
    }
}
