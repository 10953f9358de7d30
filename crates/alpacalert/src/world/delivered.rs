//! What sources deliver, brought into the graph at the cost of what changed.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use alpacalert_instrument::{Fact, Memo, Snapshot, Update};
use alpacalert_model::{Change, Mark, NodeKey, Patience, Timestamp};
use tokio::time::Instant;

use super::{Roster, Step, World, caught};
use crate::build::Slot;
use crate::sources::Delivery;

/// No more than one part of so many of the time goes into assembling a blueprint as a whole, when it is a large one.
const WHOLE_SHARE: u32 = 5;
/// How often it is looked again where paths lead to, when what they led to brought other things.
const FIND_ROUNDS: usize = 3;
/// A blueprint that is assembled as a whole in less than this is not a large one.
const SMALL: Duration = Duration::from_millis(20);

/// What is otherwise in a source than in the graph.
#[derive(Debug)]
pub(super) enum Owed {
    /// These facts.
    Facts(Vec<Fact>),
    /// Anything may be.
    All,
}

impl Owed {
    fn add(&mut self, changed: Option<Vec<Fact>>) {
        match (&mut *self, changed) {
            (Owed::Facts(facts), Some(more)) => facts.extend(more),
            (_, None) => *self = Owed::All,
            (Owed::All, Some(_)) => {}
        }
    }
}

impl World {
    /// Takes what sources delivered, in order.
    pub(crate) fn delivered(&mut self, deliveries: Vec<Delivery>, now: Timestamp) -> Step {
        let mut step = Step::default();
        let mut touched = HashSet::new();
        for (slot, delivery) in deliveries {
            // What a source delivers that is gone meanwhile is nobody's.
            let Some(index) = self.assembler.index(slot) else {
                continue;
            };
            match delivery {
                Ok(snapshot) => self.merge(index, snapshot, now),
                Err(error) => {
                    self.bring_up(index, now, &mut step);
                    self.lose(index, &error, now, &mut step);
                }
            }
            touched.insert(self.assembler.sources[index].name.clone());
        }
        self.settle(&touched, now, &mut step);
        step
    }

    /// Whether something has its time, and brings it into the graph.
    pub(crate) fn refresh(&mut self, now: Timestamp) -> Option<Step> {
        let is_due = |memo: &Memo| memo.due().is_some_and(|due| due <= now);
        let due: Vec<Slot> = self
            .memos
            .iter()
            .filter(|(_, memo)| is_due(memo))
            .map(|(slot, _)| *slot)
            .collect();
        for slot in &due {
            self.owe(*slot, Some(Vec::new()));
        }
        if self.owed.keys().all(|slot| self.rests(*slot)) {
            return None;
        }
        let mut step = Step::default();
        let owed = self.owed.keys();
        let indexes: Vec<usize> = owed
            .filter_map(|slot| self.assembler.index(*slot))
            .collect();
        let sources = indexes.into_iter();
        let touched = sources
            .map(|index| self.assembler.sources[index].name.clone())
            .collect();
        self.settle(&touched, now, &mut step);
        Some(step)
    }

    /// How long until something has its time, if anything ever has.
    pub(crate) fn next_due(&self, now: Timestamp) -> Option<Duration> {
        let due = self.memos.values().filter_map(Memo::due).min();
        let due = due.map(|due| Duration::try_from(due.duration_since(now)).unwrap_or_default());
        let owed = self.owed.keys().map(|slot| {
            let rest = self.rests.get(slot);
            rest.map_or(Duration::ZERO, |until| until.duration_since(Instant::now()))
        });
        due.into_iter().chain(owed).min()
    }

    /// Brings what is owed into the graph, and what depends on the touched sources.
    fn settle(&mut self, touched: &HashSet<Arc<str>>, now: Timestamp, step: &mut Step) {
        let configuration = self.assembler.slot(self.assembler.sources.len());
        self.owed.remove(&configuration);
        let mut news = Owed::Facts(Vec::new());
        let mut settled = HashSet::new();
        for index in 0..self.assembler.sources.len() {
            let slot = self.assembler.slot(index);
            let own = self.assembler.sources[index].name.clone();
            let others = touched.iter().filter(|name| **name != own);
            if self.assembler.extensions_ask(&others.cloned().collect()) {
                self.owe(slot, None);
            }
            let facts = match self.owed.get(&slot) {
                Some(Owed::Facts(facts)) => Some(facts.clone()),
                Some(Owed::All) | None => None,
            };
            self.bring_up(index, now, step);
            if touched.contains(&own) && !self.owed.contains_key(&slot) {
                news.add(facts);
                settled.insert(own);
            }
        }
        let memo = self.memos.get(&configuration);
        let is_due = memo.and_then(Memo::due).is_some_and(|due| due <= now);
        if is_due || self.assembler.configuration_asks(&settled) {
            let finds = self.assembler.configuration_finds(&settled);
            let before = step.touched.len();
            match news {
                Owed::Facts(facts) if !(finds && before > 0) => {
                    self.update_configuration(&facts, now, step);
                }
                _ => self.apply_configuration_again(now, step),
            }
            // What a path leads to may be what the configuration itself has just brought.
            let mut looked = before;
            for _ in 0..FIND_ROUNDS {
                if !finds || step.touched.len() == looked {
                    break;
                }
                looked = step.touched.len();
                self.apply_configuration_again(now, step);
            }
        }
        self.settle_freed(now, step);
    }

    /// Counts for what flaps that it is still as it was. A source that tells of changes alone does not say so again, and what
    /// has been steady for twenty looks flaps no more.
    pub(super) fn look_at_flapping(&mut self) {
        for node in self.flapping.clone() {
            let state = self.graph.get(node).map(|node| node.state());
            let (Some(state), Some(fed)) = (state, self.fed.get_mut(&node)) else {
                self.flapping.remove(&node);
                continue;
            };
            if !self.memos.contains_key(&fed.blueprint) {
                continue;
            }
            fed.confirmation.next(state, &Patience::default());
            if !fed.confirmation.is_flapping() {
                self.graph.mark(node, Mark::Flapping, false);
                self.flapping.remove(&node);
            }
        }
    }

    fn merge(&mut self, index: usize, delivered: Snapshot, now: Timestamp) {
        let entry = &self.assembler.sources[index];
        let (slot, name) = (entry.slot, entry.name.clone());
        let news = entry.source.merge(self.snapshots.remove(&name), delivered);
        self.snapshots.insert(name.clone(), news.snapshot);
        self.fetched.insert(name.clone(), now);
        // What was fed of a lost source says so, and is to be fed again.
        let mended = self.lost.remove(&name).is_some();
        self.owe(slot, news.changed.filter(|_| !mended));
    }

    fn owe(&mut self, slot: Slot, changed: Option<Vec<Fact>>) {
        self.owed
            .entry(slot)
            .or_insert_with(|| Owed::Facts(Vec::new()))
            .add(changed);
    }

    /// Whether a blueprint that would have to be assembled as a whole was so a moment ago.
    fn rests(&self, slot: Slot) -> bool {
        let until = self.rests.get(&slot);
        !self.is_quick(slot) && until.is_some_and(|until| *until > Instant::now())
    }

    fn is_quick(&self, slot: Slot) -> bool {
        matches!(self.owed.get(&slot), Some(Owed::Facts(_)))
            && self
                .memos
                .get(&slot)
                .is_some_and(|memo| memo.irregular().is_none())
    }

    pub(super) fn rest(&mut self, slot: Slot, began: Instant) {
        let took = began.elapsed();
        if took > SMALL {
            let until = Instant::now() + took.saturating_mul(WHOLE_SHARE - 1);
            self.rests.insert(slot, until);
        } else {
            self.rests.remove(&slot);
        }
    }

    pub(super) fn keep_memo(&mut self, slot: Slot, memo: Option<Memo>) {
        if let Some(why) = memo.as_ref().and_then(Memo::irregular) {
            tracing::debug!("the next assembly is one of the whole again: {why}");
        }
        match memo {
            Some(memo) => self.memos.insert(slot, memo),
            None => self.memos.remove(&slot),
        };
    }

    /// Brings what is owed of a source into the graph, by an update if that can be.
    fn bring_up(&mut self, index: usize, now: Timestamp, step: &mut Step) {
        let slot = self.assembler.slot(index);
        if !self.owed.contains_key(&slot) || self.rests(slot) {
            return;
        }
        let quick = self.is_quick(slot);
        if let (true, Some(Owed::Facts(facts)), Some(memo)) =
            (quick, self.owed.remove(&slot), self.memos.remove(&slot))
        {
            let updated = caught(|| {
                self.assembler
                    .source_update(index, &self.snapshots, memo, &facts, now)
            });
            match updated {
                Ok((update, memo)) if memo.irregular().is_none() => {
                    self.memos.insert(slot, memo);
                    self.apply_update(index, update, now, step);
                    return;
                }
                // What it depends on is beyond an update: as a whole, then.
                Ok((_, memo)) => tracing::debug!(
                    "`{}` is assembled as a whole: {}",
                    self.assembler.blueprint_name(index),
                    memo.irregular().unwrap_or_default()
                ),
                Err(error) => return self.fail_to_assemble(index, &error, now, step),
            }
        }
        self.reassemble(index, now, step);
    }

    fn update_configuration(&mut self, facts: &[Fact], now: Timestamp, step: &mut Step) {
        let index = self.assembler.sources.len();
        let slot = self.assembler.slot(index);
        let regular = |memo: &Memo| memo.irregular().is_none();
        if let Some(memo) = self.memos.remove(&slot).filter(regular) {
            let updated = caught(|| {
                self.assembler.configuration_update(
                    &self.snapshots,
                    &self.graph,
                    &self.lost,
                    memo,
                    facts,
                    now,
                )
            });
            if let Ok((update, memo)) = updated
                && regular(&memo)
            {
                self.memos.insert(slot, memo);
                return self.apply_update(index, update, now, step);
            }
        }
        self.apply_configuration_again(now, step);
    }

    /// Applies what became of a blueprint.
    fn apply_update(&mut self, index: usize, update: Update, now: Timestamp, step: &mut Step) {
        let blueprint = self.assembler.slot(index);
        let name = self.assembler.blueprint_name(index);
        let before = update.before.iter();
        let before: Vec<NodeKey> = before.filter_map(|id| self.graph.key(id)).collect();
        if let Some(wanted) = self.conflicted.get_mut(&blueprint) {
            for id in &update.removed {
                wanted.remove(id);
            }
        }
        self.maintenance
            .update(blueprint, update.built.maintenance, &update.before);
        let nodes = update.built.blueprint.nodes.into_iter().map(Change::Set);
        let removed = update.removed.into_iter().map(Change::Remove);
        let applied = self.graph.change(&name, nodes.chain(removed), now);
        let conflicts = self.take_applied(blueprint, applied, step);
        if !conflicts.is_empty() {
            let wanted = self.conflicted.entry(blueprint).or_default();
            wanted.extend(conflicts.iter().cloned());
        }
        let sensors = self.listed(update.built.sensors, &conflicts);
        let measured: HashSet<NodeKey> = sensors.iter().map(|listed| listed.key).collect();
        let gone = before.iter().filter(|key| !measured.contains(key));
        step.rosters.push(Roster {
            blueprint,
            kept: HashSet::new(),
            news: true,
            gone: Some(gone.copied().collect()),
            sensors,
        });
        let fed: HashMap<NodeKey, _> = before
            .iter()
            .filter(|key| {
                self.fed
                    .get(key)
                    .is_some_and(|fed| fed.blueprint == blueprint)
            })
            .copied()
            .collect::<Vec<_>>()
            .into_iter()
            .filter_map(|key| Some((key, self.fed.remove(&key)?)))
            .collect();
        self.take_observed(index, update.built.observations, fed, &conflicts, now, step);
    }
}
