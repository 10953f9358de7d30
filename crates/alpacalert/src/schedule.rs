//! When each sensor is measured, how many at a time, and what its results amount to over time.
//!
//! Synchronous and without tasks: it is told the time, and says what to start. One entry of a queue and one record per
//! sensor is all that a sensor costs while nothing is measured.

mod job;
mod queue;
mod slots;
mod timer;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use alpacalert_instrument::{Class, Sensor};
use alpacalert_model::{NodeKey, Observation, Patience, Reason, State, Timestamp};
use tokio::time::Instant;

use crate::world::{Listed, Roster};
use job::{Job, Phase};
pub(crate) use queue::Queue;
pub(crate) use slots::{Capacity, Slots};
use timer::{Beginning, Due, Moment, Timers};

/// First measurements are spread over the interval, and over no more than this, so that nobody waits for an hour to see
/// the first result of an hourly check.
const FIRST_SPREAD: Duration = Duration::from_secs(30);

/// A pause of the whole loop that is longer than this was no load: the process was stopped, or the machine slept.
const FREEZE: Duration = Duration::from_secs(1);

/// Which measurement of which sensor, with the slots that it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    job: u32,
    generation: u32,
    pub(crate) class: Class,
    pub(crate) source: u32,
    pub(crate) suspect: bool,
}

/// A measurement to start now.
pub(crate) struct Start {
    pub(crate) run: Run,
    pub(crate) sensor: Arc<dyn Sensor>,
    pub(crate) timeout: Duration,
    /// When it should have started.
    pub(crate) due: Instant,
}

/// What the passing of time asks for.
#[derive(Default)]
pub(crate) struct Tick {
    pub(crate) start: Vec<Start>,
    /// Sensors without a new result within their time to live, with how long that is.
    pub(crate) stale: Vec<(Verdict, Duration)>,
}

/// What a result amounts to.
pub(crate) struct Verdict {
    pub(crate) key: NodeKey,
    pub(crate) confirmed: State,
    /// Present when the flapping mark changes.
    pub(crate) flapping: Option<bool>,
}

/// Every sensor with its place in time.
pub(crate) struct Schedule {
    began: Beginning,
    random: fastrand::Rng,
    jobs: Vec<Job>,
    free: Vec<u32>,
    by_key: HashMap<NodeKey, u32>,
    sources: Vec<Arc<str>>,
    timers: Timers,
    slots: Slots,
    /// When the loop was to look next, when it last looked.
    expected: Option<Moment>,
}

impl Schedule {
    pub(crate) fn new(capacity: Capacity, seed: Option<u64>) -> Self {
        Schedule {
            began: Beginning::now(),
            random: seed.map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed),
            jobs: Vec::new(),
            free: Vec::new(),
            by_key: HashMap::new(),
            sources: vec!["local".into()],
            timers: Timers::default(),
            slots: Slots::new(capacity),
            expected: None,
        }
    }

    /// How many sensors there are.
    pub(crate) fn len(&self) -> usize {
        self.by_key.len()
    }

    /// How many measurements are under way, and how many wait for a slot.
    pub(crate) fn load(&self) -> (usize, usize) {
        self.slots.load()
    }

    /// Makes the sensors of one blueprint those of the roster. Sensors that stay keep their place in time and what is
    /// known of them.
    pub(crate) fn enlist(&mut self, roster: Roster, now: Instant) {
        let now = self.began.moment(now);
        let blueprint = roster.blueprint;
        self.reserve(roster.sensors.len());
        let of_it = |job: &u32| self.jobs[*job as usize].blueprint == blueprint;
        let gone: Vec<NodeKey> = match roster.gone {
            Some(gone) => {
                let known = |key: &NodeKey| self.by_key.get(key).is_some_and(of_it);
                gone.into_iter().filter(known).collect()
            }
            None => {
                let mut wanted = roster.kept;
                wanted.extend(roster.sensors.iter().map(|listed| listed.key));
                let jobs = self.by_key.iter();
                jobs.filter(|(key, job)| of_it(job) && !wanted.contains(key))
                    .map(|(key, _)| *key)
                    .collect()
            }
        };
        for key in gone {
            self.remove(key);
        }
        for listed in roster.sensors {
            match self.by_key.get(&listed.key) {
                Some(&index) => self.change(index, listed, blueprint, roster.news, now),
                None => self.add(listed, blueprint, now),
            }
        }
    }

    /// Makes room for the first sensors at once, where there are none yet.
    fn reserve(&mut self, sensors: usize) {
        if self.jobs.is_empty() {
            self.jobs.reserve_exact(sensors);
            self.by_key.reserve(sensors);
        }
        self.timers.reserve(sensors);
    }

    fn add(&mut self, listed: Listed, blueprint: u32, now: Moment) {
        let interval = listed.measured.schedule.interval;
        let first = now.after(self.random_up_to(interval.min(FIRST_SPREAD)));
        let anchor = match interval > FIRST_SPREAD {
            true => now.after(self.random_up_to(interval)),
            false => first,
        };
        let source = self.source_index(&listed.source);
        let key = listed.key;
        let job = Job::new(listed, blueprint, source, now, first, anchor);
        let index = match self.free.pop() {
            Some(index) => {
                self.jobs[index as usize].occupy(job);
                index
            }
            None => {
                self.jobs.push(job);
                (self.jobs.len() - 1) as u32
            }
        };
        self.by_key.insert(key, index);
        self.arm(index, first);
        self.arm_stale(index);
    }

    fn change(&mut self, index: u32, listed: Listed, blueprint: u32, news: bool, now: Moment) {
        let job = &mut self.jobs[index as usize];
        job.blueprint = blueprint;
        // What this instance measures itself is described by its identity alone, and its sensor may remember things:
        // it stays. A sensor of something found in a source may know an address that has changed.
        if news && *listed.source != *"local" {
            job.sensor = Some(listed.measured.sensor);
        }
        if job.schedule == listed.measured.schedule {
            return;
        }
        job.schedule = listed.measured.schedule;
        let due = now.after(self.random.u64_duration(job.schedule.interval));
        job.anchor = due;
        if job.phase == Phase::Idle && due < job.due {
            self.arm(index, due);
        }
        self.arm_stale(index);
    }

    fn remove(&mut self, key: NodeKey) {
        if let Some(index) = self.by_key.remove(&key) {
            self.jobs[index as usize].vacate();
            self.free.push(index);
        }
    }

    /// Measures a sensor now, beside its usual times: what it looks at has changed.
    pub(crate) fn hasten(&mut self, key: NodeKey, now: Instant) {
        let now = self.began.moment(now);
        let Some(&index) = self.by_key.get(&key) else {
            return;
        };
        let job = &mut self.jobs[index as usize];
        match job.phase {
            Phase::Idle if job.due > now => self.arm(index, now),
            Phase::Idle | Phase::Waiting => {}
            // It may have looked before the change.
            Phase::Running => job.again = true,
        }
    }

    /// When [`Schedule::tick`] has something to do next.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.timers.next().map(|due| self.began.instant(due))
    }

    /// Starts what is due, as far as slots allow, and finds what is stale.
    pub(crate) fn tick(&mut self, now: Instant) -> Tick {
        let now = self.began.moment(now);
        let mut tick = Tick::default();
        let frozen = self
            .expected
            .map(|expected| now.since(expected))
            .filter(|pause| *pause > FREEZE);
        while let Some((at, due)) = self.timers.pop(now) {
            match due {
                Due::Run { job, generation } => {
                    if !self.jobs[job as usize].awaits(generation, at) {
                        continue;
                    }
                    // Everything that a freeze held up goes on in the order, and with the spacing, that it had.
                    let due = at.after(frozen.unwrap_or_default());
                    if frozen.is_some() {
                        self.jobs[job as usize].anchor = due;
                    }
                    if due > now {
                        self.arm(job, due);
                    } else {
                        self.request(job, &mut tick);
                    }
                }
                Due::Stale { job, generation } => self.check_stale(job, generation, at, &mut tick),
            }
        }
        self.expected = self.timers.next();
        tick
    }

    fn request(&mut self, index: u32, tick: &mut Tick) {
        let job = &mut self.jobs[index as usize];
        let run = job.run(index);
        if self.slots.take(run) {
            tick.start.extend(start(job, run, self.began));
        } else {
            job.phase = Phase::Waiting;
        }
    }

    fn check_stale(&mut self, index: u32, generation: u32, at: Moment, tick: &mut Tick) {
        let job = &mut self.jobs[index as usize];
        if job.generation != generation || job.stale_due != at {
            return;
        }
        job.stale_due = Moment::NEVER;
        if job.fresh_until() > at {
            return self.arm_stale(index);
        }
        // Believed at once: parents must not see an older, better state again while a later bad result is not yet confirmed.
        if let Some(verdict) = job.judge(State::Unknown, &Patience::default()) {
            tick.stale.push((verdict, job.schedule.time_to_live));
        }
    }

    /// Takes the result of a measurement, and frees its slots for others. `None` when the sensor is gone.
    pub(crate) fn complete(
        &mut self,
        run: Run,
        observation: &Observation,
        now: Instant,
        tick: &mut Tick,
    ) -> Option<Verdict> {
        self.release(run, tick);
        let now = self.began.moment(now);
        let job = self.jobs.get_mut(run.job as usize)?;
        if job.generation != run.generation {
            return None;
        }
        let patience = Patience {
            retries: job.schedule.retries,
            recoveries: job.schedule.recoveries,
        };
        let verdict = job.judge(observation.state, &patience)?;
        job.suspect = observation.reason == Reason::TIMEOUT;
        job.last_result = now;
        job.phase = Phase::Idle;
        let next = match std::mem::take(&mut job.again) {
            true => now,
            false => job.next_due(now),
        };
        self.arm(run.job, next);
        self.arm_stale(run.job);
        Some(verdict)
    }

    /// Frees slots, and starts who waited for them.
    fn release(&mut self, run: Run, tick: &mut Tick) {
        let (jobs, began) = (&mut self.jobs, self.began);
        self.slots.release(run, |next| {
            let job = &mut jobs[next.job as usize];
            if job.generation != next.generation {
                return false;
            }
            tick.start.extend(start(job, next, began));
            true
        });
    }

    /// The observation of a sensor without a new result within its time to live.
    pub(crate) fn stale(time_to_live: Duration, at: Timestamp) -> Observation {
        let age = alpacalert_model::Unit::Seconds.write(time_to_live.as_secs_f64());
        Observation::unknown(Reason::STALE, format!("no result for {age}"), at)
    }

    fn arm(&mut self, index: u32, due: Moment) {
        let job = &mut self.jobs[index as usize];
        job.due = due;
        let generation = job.generation;
        let job = index;
        self.timers.push(due, Due::Run { job, generation });
    }

    /// Sees to it that somebody looks when the newest result has grown too old. The entry is left where it is when newer
    /// results arrive, so that a result costs no second one.
    fn arm_stale(&mut self, index: u32) {
        let job = &mut self.jobs[index as usize];
        let due = job.fresh_until();
        if due < job.stale_due {
            job.stale_due = due;
            let (job, generation) = (index, job.generation);
            self.timers.push(due, Due::Stale { job, generation });
        }
    }

    fn random_up_to(&mut self, longest: Duration) -> Duration {
        self.random.u64_duration(longest)
    }

    fn source_index(&mut self, source: &Arc<str>) -> u32 {
        let known = self.sources.iter().position(|name| name == source);
        known.unwrap_or_else(|| {
            self.sources.push(source.clone());
            self.sources.len() - 1
        }) as u32
    }
}

/// Begins a measurement that has its slots; `None` in a vacant place.
fn start(job: &mut Job, run: Run, began: Beginning) -> Option<Start> {
    Some(Start {
        run,
        sensor: job.start()?,
        timeout: job.schedule.timeout,
        due: began.instant(job.due),
    })
}

/// A random length of time.
trait RandomDuration {
    /// From nothing to just below `longest`.
    fn u64_duration(&mut self, longest: Duration) -> Duration;
}

impl RandomDuration for fastrand::Rng {
    fn u64_duration(&mut self, longest: Duration) -> Duration {
        Duration::from_nanos(self.u64(0..timer::nanos(longest).max(1)))
    }
}
