//! From one plan to another, while everything runs.

use std::collections::HashSet;

use alpacalert_instrument::Context;
use alpacalert_model::{Blueprint, Observation, Reason, Timestamp};

use super::{Assembler, Roster, Step, World};
use crate::build::{Slot, SourceEntry};

/// What a reload means for those who watch sources and measure.
pub(crate) struct Reloaded {
    pub(crate) step: Step,
    /// Sources that nobody wants any more.
    pub(crate) ended: Vec<Slot>,
    /// Sources that are to be watched from now on.
    pub(crate) begun: Vec<SourceEntry>,
    /// What was in force before. Letting go of a large plan takes a while, for which nobody should wait.
    pub(crate) before: Assembler,
}

impl World {
    /// Takes another plan in place of the one in force. Sources that stay the same keep what they know, and nodes that stay
    /// the same keep their state.
    pub(crate) fn reload(
        &mut self,
        mut next: Assembler,
        context: Context,
        now: Timestamp,
    ) -> Reloaded {
        let mut begun = Vec::new();
        for entry in &mut next.sources {
            let before = &self.assembler.sources;
            match before.iter().find(|old| old.is_like(entry)) {
                Some(old) => *entry = old.clone(),
                None => {
                    entry.slot = self.next_slot;
                    self.next_slot += 1;
                    begun.push(entry.clone());
                }
            }
        }
        let mut before = std::mem::replace(&mut self.assembler, next);
        self.context = context;
        let mut step = Step::default();
        let mut ended = Vec::new();
        for entry in std::mem::take(&mut before.sources) {
            if self.assembler.index(entry.slot).is_none() {
                self.forget(&entry, now, &mut step);
                ended.push(entry.slot);
            }
        }
        for index in 0..self.assembler.sources.len() {
            let name = self.assembler.sources[index].name.clone();
            if self.snapshots.contains_key(&name) {
                self.reassemble(index, now, &mut step);
            } else {
                let unseen = || Observation::unknown(Reason::NOT_MEASURED, "not fetched yet", now);
                let known = self.lost.get(&name).cloned().unwrap_or_else(unseen);
                let assembly = self.assembler.placeholder(index, known);
                self.apply(index, assembly, now, &mut step);
            }
        }
        self.apply_configuration(now, &mut step);
        Reloaded {
            step,
            ended,
            begun,
            before,
        }
    }

    /// Forgets a source. Where another one takes its name, that one's nodes take the place of its own.
    fn forget(&mut self, entry: &SourceEntry, now: Timestamp, step: &mut Step) {
        self.snapshots.remove(&entry.name);
        self.lost.remove(&entry.name);
        self.fetched.remove(&entry.name);
        self.fed.retain(|_, fed| fed.blueprint != entry.slot);
        self.conflicted.remove(&entry.slot);
        self.owed.remove(&entry.slot);
        self.memos.remove(&entry.slot);
        self.rests.remove(&entry.slot);
        self.maintenance.plan(entry.slot, Vec::new());
        step.rosters.push(Roster {
            blueprint: entry.slot,
            sensors: Vec::new(),
            kept: HashSet::new(),
            news: true,
            gone: None,
        });
        let mut names = self.assembler.sources.iter().map(|source| &source.name);
        if names.all(|name| *name != entry.name) {
            let applied = self.graph.apply(&entry.name, Blueprint::default(), now);
            step.note(&self.graph, &applied);
            step.transitions.extend(applied.transitions);
        }
    }
}
