//! Work that is planned: which windows there are, which of them are open, and when that is to be asked again.

use std::collections::HashMap;

use alpacalert_instrument::{Window, next_edge, open_window};
use alpacalert_model::{Maintenance, NodeId, NodeKey, Timestamp};

use super::World;
use crate::build::Slot;

/// The windows that the plan asks for.
#[derive(Default)]
pub(super) struct Planned {
    /// Those that each blueprint brings, by node.
    windows: HashMap<Slot, HashMap<NodeId, Windows>>,
    /// Something was applied since it was last looked which nodes are in maintenance.
    stale: bool,
    /// When it was last looked, and when it is to be looked again.
    looked: Option<(Timestamp, Timestamp)>,
}

/// The windows of one node.
#[derive(Default)]
struct Windows {
    all: Vec<Window>,
    /// What is open, and until when that is known.
    open: Option<Maintenance>,
    known: Option<(Timestamp, Timestamp)>,
}

impl Planned {
    /// Takes the windows of a blueprint in place of those that it had.
    pub(super) fn plan(&mut self, blueprint: Slot, windows: Vec<(NodeId, Window)>) {
        // What stands where in the graph may have changed, too.
        self.stale = true;
        let mut before = self.windows.remove(&blueprint).unwrap_or_default();
        if windows.is_empty() {
            // Who has none any more may be marked still.
            if !before.is_empty() {
                self.looked = None;
            }
            return;
        }
        let mut planned = by_node(windows);
        for (node, windows) in &mut planned {
            // Most of the time they are those that they were.
            if let Some(old) = before.remove(node).filter(|old| old.all == windows.all) {
                *windows = old;
            }
        }
        self.windows.insert(blueprint, planned);
    }

    /// Takes the windows of things of a blueprint that were built again, and forgets those of what is gone.
    pub(super) fn change(
        &mut self,
        blueprint: Slot,
        windows: Vec<(NodeId, Window)>,
        removed: &[NodeId],
    ) {
        self.stale = true;
        let planned = self.windows.entry(blueprint).or_default();
        for node in removed {
            // Who has none any more may be marked still.
            if planned.remove(node).is_some() {
                self.looked = None;
            }
        }
        for (node, window) in windows {
            planned.entry(node).or_default().add(window);
        }
        if planned.is_empty() {
            self.windows.remove(&blueprint);
        }
    }
}

fn by_node(windows: Vec<(NodeId, Window)>) -> HashMap<NodeId, Windows> {
    let mut planned: HashMap<NodeId, Windows> = HashMap::new();
    for (node, window) in windows {
        planned.entry(node).or_default().add(window);
    }
    planned
}

impl Windows {
    fn add(&mut self, window: Window) {
        // Said by several who ask for the same thing.
        if !self.all.contains(&window) {
            self.all.push(window);
            self.known = None;
        }
    }

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
        for (node, windows) in planned.windows.values_mut().flatten() {
            windows.look(now);
            next = next.min(windows.known.map_or(Timestamp::MAX, |(_, until)| until));
            let key = self.graph.key(node);
            open.extend(key.zip(windows.open.clone()));
        }
        planned.looked = Some((now, next));
        self.graph.maintain(open)
    }
}
