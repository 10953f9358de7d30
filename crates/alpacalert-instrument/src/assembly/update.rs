//! An assembly kept up to date: what changed is built again, and the rest is left alone.

use std::collections::HashSet;

use alpacalert_model::NodeId;

use super::memo::{Recipe, TOP};
use super::{Assembly, Builder, Describe, Memo, PlannedWork, Request};
use crate::reads::Fact;
use crate::{InstrumentError, Params, ScheduleOverrides};

/// What became of an assembly when some of what it was made of changed.
#[derive(Debug)]
pub struct Update {
    /// What was built again, whole: its nodes take the place of those of their identities.
    pub built: Assembly,
    /// Nodes that are not wanted any more.
    pub removed: Vec<NodeId>,
    /// Every node of what was built again or is gone, as it was before, wanted or not.
    pub before: Vec<NodeId>,
    /// Nodes of what was built again that stand below nothing else.
    pub tops: Vec<NodeId>,
}

impl<'a> Builder<'a> {
    /// The same, remembering what each thing was made of: for [`Builder::build_remembering`].
    #[must_use]
    pub fn remembering(mut self) -> Self {
        self.memo = Memo::new(true);
        self
    }

    /// What was built by `build`, and what it was made of. The builder must have been told to remember.
    pub fn build_remembering(
        mut self,
        build: impl FnOnce(&mut Self) -> Result<(), InstrumentError>,
    ) -> Result<(Assembly, Memo), InstrumentError> {
        self.memo.begin(TOP, false);
        let built = build(&mut self);
        self.memo.close(&mut self.left, &mut self.flipped);
        built?;
        Ok((self.assembly, self.memo))
    }

    /// Builds again what looked at one of these facts, or is due, in an assembly that was built before by the same `build`.
    ///
    /// The memo is that of the assembly, and must not be [irregular](Memo::irregular); after an error it is of no use.
    pub fn update(
        mut self,
        memo: Memo,
        facts: &[Fact],
        build: impl FnOnce(&mut Self) -> Result<(), InstrumentError>,
    ) -> Result<(Update, Memo), InstrumentError> {
        self.memo = memo;
        let mut before = Vec::new();
        let mut dirty = self.memo.dirty(facts, self.now);
        if dirty.first() == Some(&TOP) {
            dirty.remove(0);
            self.memo.retire(TOP, &mut before);
            self.memo.begin(TOP, true);
            let built = build(&mut self);
            self.memo.close(&mut self.left, &mut self.flipped);
            built?;
        }
        loop {
            // What is not asked for now may be asked for by what is built again after it.
            let mut aside = Vec::new();
            while !dirty.is_empty() {
                for unit in std::mem::take(&mut dirty) {
                    match self.memo.is_wanted(unit) {
                        true if self.memo.is_live(unit) => self.build_again(unit, &mut before),
                        true => {}
                        false => aside.push(unit),
                    }
                }
                let memo = &self.memo;
                dirty.extend(aside.extract_if(.., |unit| memo.is_wanted(*unit)));
            }
            while let Some(unit) = self.left.pop() {
                if self.memo.is_live(unit) && !self.memo.is_wanted(unit) {
                    let (left, flipped) = (&mut self.left, &mut self.flipped);
                    self.memo.drop_unit(unit, &mut before, left, flipped);
                }
            }
            dirty.append(&mut self.flipped);
            if dirty.is_empty() {
                break;
            }
            dirty.sort_unstable();
            dirty.dedup();
        }
        Ok(self.updated(before))
    }

    fn updated(self, before: Vec<NodeId>) -> (Update, Memo) {
        let (memo, mut built) = (self.memo, self.assembly);
        // Of what was built twice the later one counts, and what was built and is not wanted does not count.
        let mut seen = HashSet::new();
        built.blueprint.nodes.reverse();
        built
            .blueprint
            .nodes
            .retain(|node| memo.contains(&node.id) && seen.insert(node.id.clone()));
        built.blueprint.nodes.reverse();
        built.sensors.retain(|id, _| seen.contains(id));
        built.observations.reverse();
        let mut observed = HashSet::new();
        built
            .observations
            .retain(|(id, _)| seen.contains(id) && observed.insert(id.clone()));
        built.observations.reverse();
        built.maintenance.retain(|work| {
            let asker = work.asked_by.as_ref();
            asker.is_none_or(|asker| memo.contains(asker))
        });
        let nodes = built.blueprint.nodes.iter();
        let tops = nodes
            .filter(|node| memo.is_top(&node.id))
            .map(|node| node.id.clone())
            .collect();
        let removed = before
            .iter()
            .filter(|id| !memo.contains(id))
            .cloned()
            .collect();
        let update = Update {
            built,
            removed,
            before,
            tops,
        };
        (update, memo)
    }

    fn build_again(&mut self, unit: u32, before: &mut Vec<NodeId>) {
        let Some(id) = self.memo.id(unit).cloned() else {
            return;
        };
        let (request, describe) = match self.memo.recipe(unit) {
            Recipe::Plain(told_by_id, describe) => {
                let mut request = Request::from_source(
                    id.source().clone(),
                    id.kind().clone(),
                    id.reference().clone(),
                );
                request.told_by_id = *told_by_id;
                (request, *describe)
            }
            Recipe::Asked(request, describe) => ((**request).clone(), *describe),
            Recipe::Top | Recipe::Once => {
                return self
                    .memo
                    .spoil("somebody described a thing who cannot be asked again");
            }
        };
        self.memo.retire(unit, before);
        // It may have been built in this very update.
        let asked = |work: &PlannedWork| work.asked_by.as_ref() == Some(&id);
        self.assembly.maintenance.retain(|work| !asked(work));
        self.depth = self.memo.depth(unit);
        self.memo.begin(unit, true);
        self.fill(id, request, describe);
        self.memo.close(&mut self.left, &mut self.flipped);
        self.depth = 0;
    }
}

impl Recipe {
    /// How a request is made again, in as few bytes as it can be: there are very many.
    pub(super) fn of(request: &Request, describe: Option<Describe>) -> Recipe {
        let plain = request.params == Params::new()
            && request.title.is_none()
            && request.owner.is_none()
            && request.schedule == ScheduleOverrides::default()
            && request.maintenance.is_empty()
            && request.fields.is_empty();
        match plain {
            true => Recipe::Plain(request.told_by_id, describe),
            false => Recipe::Asked(Box::new(request.clone()), describe),
        }
    }
}
