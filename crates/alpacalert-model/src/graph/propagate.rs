//! New facts, and what they make of everything above them.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::{Mark, Reason, State};

use super::store::{Evidence, Part, Standing};
use super::{Graph, NodeKey, Transition, Update};

/// Nodes to judge, by rank. A batch of many changes has many nodes of few ranks.
pub(super) type Queue = BTreeMap<u32, Vec<u32>>;

/// A sensor before a batch.
struct Before {
    index: u32,
    state: State,
    confirmed: State,
    since: Option<Timestamp>,
}

impl Graph {
    /// Takes new facts about sensors and brings every ancestor up to date.
    ///
    /// Updates of nodes that are gone or are no sensors are ignored. Of several for one node the last counts.
    /// Returns at most one transition for each node, members before the systems that hold them.
    pub fn observe(
        &mut self,
        updates: impl IntoIterator<Item = Update>,
        now: Timestamp,
    ) -> Vec<Transition> {
        let mut out = Vec::new();
        let mut touched: Vec<Before> = Vec::new();
        let updates = updates.into_iter();
        touched.reserve(updates.size_hint().0);
        for update in updates {
            let Some(slot) = self.slots.get_mut(update.node.index as usize) else {
                continue;
            };
            let Some(node) = &mut slot.node else { continue };
            if slot.generation != update.node.generation || !matches!(node.part, Part::Sensor(_)) {
                continue;
            }
            let index = update.node.index;
            // Until the batch is through, `listed` tells where a sensor stands in `touched`.
            if !std::mem::replace(&mut node.queued, true) {
                node.listed = touched.len() as u32;
                touched.push(Before {
                    index,
                    state: node.state,
                    confirmed: node.confirmed,
                    since: node.since,
                });
            }
            let before = &touched[node.listed as usize];
            let seen = update.observation;
            let since = before
                .since
                .filter(|_| seen.state == before.state)
                .or(Some(seen.at));
            let (says, origins) = match &node.part {
                Part::Sensor(Some(evidence)) => (&evidence.messages[..], &evidence.origins[..]),
                _ => Default::default(),
            };
            let same = (node.state, node.confirmed, node.since, &node.reason)
                == (seen.state, update.confirmed, since, &seen.reason)
                && (says, origins) == (&seen.messages[..], &seen.origins[..]);
            self.revision += u64::from(!same);
            node.since = since;
            node.state = seen.state;
            node.confirmed = update.confirmed;
            node.reason = seen.reason;
            node.observed_at = Some(seen.at);
            let bare =
                seen.messages.is_empty() && seen.measurements.is_empty() && seen.origins.is_empty();
            node.part = Part::Sensor((!bare).then(|| {
                Box::new(Evidence {
                    messages: seen.messages,
                    measurements: seen.measurements,
                    origins: seen.origins.into(),
                })
            }));
        }
        out.reserve(touched.len());
        for before in touched {
            let node = self.at_mut(before.index);
            node.queued = false;
            node.listed = 0;
            self.report(before.index, before.state, before.confirmed, now, &mut out);
        }
        self.propagate(now, &mut out);
        out
    }

    /// Sets or clears a mark. Never changes a state.
    pub fn mark(&mut self, key: NodeKey, mark: Mark, on: bool) -> bool {
        let changed = self.get(key).is_some() && self.at_mut(key.index).marks.set(mark, on);
        self.revision += u64::from(changed);
        changed
    }

    /// Sets when a node entered the state that it is in, where somebody remembers that better than the graph: over a restart,
    /// or for a graph that shows the past. Nothing happens to a node that is gone or was not observed yet.
    pub fn set_since(&mut self, key: NodeKey, since: Timestamp) {
        if self.get(key).is_some_and(|node| node.since().is_some()) {
            self.at_mut(key.index).since = Some(since);
            self.revision += 1;
        }
    }

    /// Has a node judged when the batch is propagated.
    pub(super) fn enqueue(&mut self, index: u32) {
        let node = self.at_mut(index);
        if !std::mem::replace(&mut node.queued, true) {
            let rank = node.rank;
            self.queue.entry(rank).or_default().push(index);
        }
    }

    /// Judges the queued nodes and what follows from them, each once.
    pub(super) fn propagate(&mut self, now: Timestamp, out: &mut Vec<Transition>) {
        while let Some((_, mut level)) = self.queue.pop_first() {
            // In the order in which they lie in memory. Judging one only queues nodes of greater ranks.
            level.sort_unstable();
            for index in level {
                if let Some(node) = &mut self.slots[index as usize].node
                    && std::mem::replace(&mut node.queued, false)
                {
                    self.judge(index, now, out);
                }
            }
        }
    }

    /// Ranks may have been raised after nodes were queued by them.
    pub(super) fn refresh_ranks(&mut self) {
        for index in std::mem::take(&mut self.queue).into_values().flatten() {
            if let Some(node) = &self.slots[index as usize].node {
                self.queue.entry(node.rank).or_default().push(index);
            }
        }
    }

    fn judge(&mut self, index: u32, now: Timestamp, out: &mut Vec<Transition>) {
        let node = self.at(index);
        let (state, reason) = match &node.part {
            Part::Missing => (State::Unknown, Reason::MISSING),
            Part::Sensor(_) if node.observed_at.is_some() => return,
            Part::Sensor(_) => (State::Unknown, Reason::NOT_MEASURED),
            Part::System(system) => {
                let cycle = system.cycle.is_some();
                let judgement = system.rule.judge(&system.sums, system.degraded_below);
                self.evaluations += 1;
                match cycle {
                    true => (State::Unknown, Reason::CYCLE),
                    false => (judgement.state, judgement.reason),
                }
            }
        };
        let node = self.at_mut(index);
        let (shown, confirmed) = (node.state, node.confirmed);
        if matches!(node.part, Part::Sensor(_)) {
            node.since = None;
        } else {
            node.since = node.since.filter(|_| shown == state).or(Some(now));
            node.observed_at = Some(now);
        }
        node.state = state;
        node.confirmed = state;
        node.reason = reason;
        self.report(index, shown, confirmed, now, out);
    }

    /// Tells of a change since the given states, and passes it on to the parents' sums.
    fn report(
        &mut self,
        index: u32,
        shown: State,
        confirmed: State,
        now: Timestamp,
        out: &mut Vec<Transition>,
    ) {
        let node = self.at(index);
        if (shown, confirmed) == (node.state, node.confirmed) {
            return;
        }
        out.push(Transition {
            node: self.key_of(index),
            shown: (shown, node.state),
            confirmed: (confirmed, node.confirmed),
            reason: node.reason.clone(),
            at: now,
        });
        if confirmed != node.confirmed {
            self.pass_on(index, confirmed);
        }
    }

    fn pass_on(&mut self, index: u32, before: State) {
        let after = self.at(index).confirmed;
        let parents = std::mem::take(&mut self.at_mut(index).parents);
        for edge in &parents {
            let system = self.system_mut(edge.parent);
            let link = system.children[edge.at as usize];
            if link.standing != Standing::Counted {
                continue;
            }
            let (from, to) = (
                link.effect.contribution(before),
                link.effect.contribution(after),
            );
            if from != to {
                let weight = system.weight_of(&link);
                system.sums.remove(from, weight);
                system.sums.add(to, weight);
                self.enqueue(edge.parent);
            }
        }
        self.at_mut(index).parents = parents;
    }
}
