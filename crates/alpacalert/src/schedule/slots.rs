//! How many measurements run at a time.

use std::collections::{HashMap, VecDeque};

use alpacalert_config::Concurrency;
use alpacalert_instrument::Class;

use super::Run;

/// The most measurements at a time: by what they use up, and by source.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Capacity {
    local: usize,
    network: usize,
    process: usize,
    per_source: usize,
}

impl From<Concurrency> for Capacity {
    fn from(plan: Concurrency) -> Self {
        Capacity {
            // They end at once, or wait for another task of this machine: the bound is for the odd one that does not end.
            local: 4096,
            network: plan.network.max(1),
            process: plan.processes.max(1),
            per_source: plan.per_source.max(1),
        }
    }
}

/// Slots of one class. Measurements that hung the last time have three quarters of them at most, so that however many
/// hang, a quarter is left for the others; and a quarter at least, so that a recovery is seen under load, too.
struct Pool {
    limit: usize,
    used: usize,
    used_by_suspects: usize,
    waiting: VecDeque<Run>,
    suspects: VecDeque<Run>,
}

impl Pool {
    fn new(limit: usize) -> Self {
        Pool {
            limit,
            used: 0,
            used_by_suspects: 0,
            waiting: VecDeque::new(),
            suspects: VecDeque::new(),
        }
    }

    fn allows(&self, suspect: bool) -> bool {
        self.used < self.limit && (!suspect || self.used_by_suspects < (self.limit * 3 / 4).max(1))
    }

    fn take(&mut self, run: Run) -> bool {
        let queue = if run.suspect {
            &self.suspects
        } else {
            &self.waiting
        };
        if !queue.is_empty() || !self.allows(run.suspect) {
            match run.suspect {
                true => self.suspects.push_back(run),
                false => self.waiting.push_back(run),
            }
            return false;
        }
        self.hold(run);
        true
    }

    fn hold(&mut self, run: Run) {
        self.used += 1;
        self.used_by_suspects += usize::from(run.suspect);
    }

    fn release(&mut self, run: Run) {
        self.used -= 1;
        self.used_by_suspects -= usize::from(run.suspect);
    }

    /// Who may go next, with the slot taken.
    fn next(&mut self) -> Option<Run> {
        let suspects_first = self.used_by_suspects < self.limit / 4;
        let order = if suspects_first {
            [true, false]
        } else {
            [false, true]
        };
        for suspect in order {
            if !self.allows(suspect) {
                continue;
            }
            let queue = if suspect {
                &mut self.suspects
            } else {
                &mut self.waiting
            };
            if let Some(run) = queue.pop_front() {
                self.hold(run);
                return Some(run);
            }
        }
        None
    }
}

#[derive(Default)]
struct SourceSlots {
    used: usize,
    waiting: VecDeque<Run>,
}

/// Bounded slots with queues. A measurement takes one of its source, if it has one, and one of its class. The queues are as
/// long as there are sensors at most, since none is measured twice at a time.
pub(crate) struct Slots {
    per_source: usize,
    pools: [Pool; 3],
    sources: HashMap<u32, SourceSlots>,
}

impl Slots {
    pub(crate) fn new(capacity: Capacity) -> Self {
        Slots {
            per_source: capacity.per_source,
            pools: [
                Pool::new(capacity.local),
                Pool::new(capacity.network),
                Pool::new(capacity.process),
            ],
            sources: HashMap::new(),
        }
    }

    fn pool(&mut self, class: Class) -> &mut Pool {
        &mut self.pools[match class {
            Class::Local => 0,
            Class::Network => 1,
            Class::Process => 2,
        }]
    }

    /// How many slots of classes are taken, and how many runs wait for any slot.
    pub(crate) fn load(&self) -> (usize, usize) {
        let used = self.pools.iter().map(|pool| pool.used).sum();
        let for_class: usize = self
            .pools
            .iter()
            .map(|pool| pool.waiting.len() + pool.suspects.len())
            .sum();
        let for_source: usize = self.sources.values().map(|s| s.waiting.len()).sum();
        (used, for_class + for_source)
    }

    /// Takes the slots that a run needs; `false` when it has to wait, and is in a queue now.
    pub(crate) fn take(&mut self, run: Run) -> bool {
        // Index 0 is this instance itself, which is no source.
        if run.source != 0 {
            let source = self.sources.entry(run.source).or_default();
            if source.used >= self.per_source {
                source.waiting.push_back(run);
                return false;
            }
            source.used += 1;
        }
        self.pool(run.class).take(run)
    }

    /// Frees the slots of a run, and offers them to those who wait. `start` tells whether the run is still wanted; if not,
    /// its slots go to the next one.
    pub(crate) fn release(&mut self, run: Run, mut start: impl FnMut(Run) -> bool) {
        let mut ended = vec![run];
        while let Some(run) = ended.pop() {
            self.pool(run.class).release(run);
            if let Some(next) = self.release_source(run.source)
                && self.pool(next.class).take(next)
                && !start(next)
            {
                ended.push(next);
            }
            if let Some(next) = self.pool(run.class).next()
                && !start(next)
            {
                ended.push(next);
            }
        }
    }

    /// The run that waited for this source, with the source's slot passed on to it.
    fn release_source(&mut self, source: u32) -> Option<Run> {
        let slots = self.sources.get_mut(&source)?;
        let next = slots.waiting.pop_front();
        if next.is_none() {
            slots.used -= 1;
        }
        next
    }
}
