//! Work that is planned: which windows there are, which of them are open, and when that is to be asked again.

use std::collections::HashMap;

use alpacalert_instrument::{PlannedWork, Window, next_edge, open_window};
use alpacalert_model::{Maintenance, NodeId, NodeKey, Timestamp};

use super::World;
use crate::build::Slot;

/// The windows that the plan asks for.
#[derive(Default)]
pub(super) struct Planned {
    /// What each blueprint says, by who asked for it.
    said: HashMap<Slot, Said>,
    /// All windows of each node.
    windows: HashMap<NodeId, Windows>,
    /// Something was applied since it was last looked which nodes are in maintenance.
    stale: bool,
    /// When it was last looked, and when it is to be looked again.
    looked: Option<(Timestamp, Timestamp)>,
}

type Said = HashMap<Option<NodeId>, Vec<(NodeId, Window)>>;

/// The windows of one node.
#[derive(Default)]
struct Windows {
    all: Vec<Window>,
    /// What is open, and from when until when that is known.
    open: Option<Maintenance>,
    known: Option<(Timestamp, Timestamp)>,
}

impl Planned {
    /// Takes the windows of a blueprint in place of those that it had.
    pub(super) fn plan(&mut self, blueprint: Slot, work: Vec<PlannedWork>) {
        // What stands where in the graph may have changed, too.
        self.stale = true;
        let before = self.said.remove(&blueprint);
        let said = by_asker(work);
        if before.as_ref().is_none_or(Said::is_empty) && said.is_empty() {
            return;
        }
        let same = before.as_ref() == Some(&said);
        if !said.is_empty() {
            self.said.insert(blueprint, said);
        }
        if !same {
            self.gather();
        }
    }

    /// Takes what is said in an update of a blueprint. What a thing asked for that was not built again stays as it was.
    pub(super) fn update(
        &mut self,
        blueprint: Slot,
        work: Vec<PlannedWork>,
        built_again: &[NodeId],
    ) {
        self.stale = true;
        if work.is_empty() && !self.said.contains_key(&blueprint) {
            return;
        }
        let said = self.said.entry(blueprint).or_default();
        let mut changed = false;
        for asker in built_again {
            changed |= said.remove(&Some(asker.clone())).is_some();
        }
        for (asker, work) in by_asker(work) {
            changed |= said.get(&asker) != Some(&work);
            said.insert(asker, work);
        }
        if changed {
            self.gather();
        }
    }

    /// Puts together what is said of each node.
    fn gather(&mut self) {
        let mut before = std::mem::take(&mut self.windows);
        for (node, window) in self.said.values().flat_map(HashMap::values).flatten() {
            let windows = self.windows.entry(node.clone()).or_default();
            // Said by several who ask for the same thing.
            if !windows.all.contains(window) {
                windows.all.push(window.clone());
            }
        }
        for (node, windows) in &mut self.windows {
            // Most of them are those that they were.
            if let Some(old) = before.remove(node).filter(|old| old.all == windows.all) {
                *windows = old;
            }
        }
        // Who has none any more may be marked still.
        self.looked = None;
    }
}

fn by_asker(work: Vec<PlannedWork>) -> Said {
    let mut said = Said::new();
    for work in work {
        let of = said.entry(work.asked_by).or_default();
        of.push((work.node, work.window));
    }
    said
}

impl Windows {
    fn look(&mut self, now: Timestamp) {
        if self
            .known
            .is_some_and(|(from, until)| from <= now && now < until)
        {
            return;
        }
        self.open = open_window(&self.all, now).map(|(until, reason)| Maintenance {
            until,
            reason: reason.clone(),
        });
        let next = next_edge(&self.all, now).unwrap_or(Timestamp::MAX);
        self.known = Some((now, next));
    }
}

impl World {
    /// Whether anything is planned, or was.
    pub(crate) fn asks_for_maintenance(&self) -> bool {
        !self.maintenance.windows.is_empty() || self.maintenance.looked.is_none()
    }

    /// When a window opens or closes next.
    pub(crate) fn next_maintenance(&self) -> Option<Timestamp> {
        let (_, next) = self.maintenance.looked?;
        Some(next).filter(|next| *next < Timestamp::MAX)
    }

    /// Looks which nodes are in maintenance, unless nothing can have changed since that was last done; tells which came to be and
    /// which are not any more.
    pub(crate) fn maintain(&mut self, now: Timestamp) -> Vec<NodeKey> {
        let planned = &mut self.maintenance;
        // The time of day may have been set back.
        let known = planned.looked;
        if !planned.stale && known.is_some_and(|(from, until)| from <= now && now < until) {
            return Vec::new();
        }
        planned.stale = false;
        let mut next = Timestamp::MAX;
        let mut open = Vec::new();
        for (node, windows) in &mut planned.windows {
            windows.look(now);
            next = next.min(windows.known.map_or(Timestamp::MAX, |(_, until)| until));
            let key = self.graph.key(node);
            open.extend(key.zip(windows.open.clone()));
        }
        planned.looked = Some((now, next));
        self.graph.maintain(open)
    }
}
