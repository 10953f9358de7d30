//! One sensor's place in time.

use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::time::Duration;

use alpacalert_instrument::{Class, Schedule, Sensor};
use alpacalert_model::{Confirmation, NodeKey, Patience, State};
use tokio::time::Instant;

use super::{Run, Start, Verdict, after};
use crate::world::Listed;

/// What a sensor is doing. Never measured twice at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Waits for its time.
    Idle,
    /// Waits for a slot.
    Waiting,
    /// Is being measured.
    Running,
}

pub(super) struct Job {
    /// Absent in a vacant place, and so is the sensor.
    pub(super) key: Option<NodeKey>,
    pub(super) sensor: Option<Arc<dyn Sensor>>,
    pub(super) generation: u32,
    pub(super) blueprint: u32,
    source: u32,
    class: Class,
    pub(super) schedule: Schedule,
    pub(super) confirmation: Confirmation,
    pub(super) phase: Phase,
    /// When it was to be measured last, or is to be next.
    pub(super) due: Instant,
    /// A moment at which it would be measured if there were no retries: the others are whole intervals away.
    pub(super) anchor: Instant,
    pub(super) last_result: Instant,
    /// When somebody looks whether it is stale; `None` once it was found to be.
    pub(super) stale_due: Option<Instant>,
    /// Its last measurement hung.
    pub(super) suspect: bool,
}

impl Job {
    pub(super) fn vacant() -> Self {
        let now = Instant::now();
        Job {
            key: None,
            sensor: None,
            generation: 0,
            blueprint: 0,
            source: 0,
            class: Class::Local,
            schedule: Schedule::default(),
            confirmation: Confirmation::default(),
            phase: Phase::Idle,
            due: now,
            anchor: now,
            last_result: now,
            stale_due: None,
            suspect: false,
        }
    }

    pub(super) fn occupy(
        &mut self,
        listed: Listed,
        blueprint: u32,
        source: u32,
        now: Instant,
        first: Instant,
        anchor: Instant,
    ) {
        let sensor = listed.measured.sensor;
        let class = class_of(&*sensor);
        *self = Job {
            key: Some(listed.key),
            sensor: Some(sensor),
            generation: self.generation,
            blueprint,
            source,
            class,
            schedule: listed.measured.schedule,
            due: first,
            anchor,
            last_result: now,
            ..Job::vacant()
        };
    }

    pub(super) fn vacate(&mut self) {
        let generation = self.generation.wrapping_add(1);
        *self = Job {
            generation,
            ..Job::vacant()
        };
    }

    /// Whether an entry of the queue is the one that counts: a later one may have replaced it.
    pub(super) fn awaits(&self, generation: u32, at: Instant) -> bool {
        self.generation == generation
            && self.key.is_some()
            && self.phase == Phase::Idle
            && self.due == at
    }

    pub(super) fn run(&self, index: u32) -> Run {
        Run {
            job: index,
            generation: self.generation,
            class: self.class,
            source: self.source,
            suspect: self.suspect,
        }
    }

    pub(super) fn start(&mut self, run: Run) -> Option<Start> {
        let sensor = self.sensor.clone()?;
        self.phase = Phase::Running;
        Some(Start {
            run,
            sensor,
            timeout: self.schedule.timeout,
            due: self.due,
        })
    }

    /// Takes a result into account; `None` in a vacant place.
    pub(super) fn judge(&mut self, observed: State, patience: &Patience) -> Option<Verdict> {
        let key = self.key?;
        let flapped = self.confirmation.is_flapping();
        let confirmed = self.confirmation.next(observed, patience);
        let flapping = self.confirmation.is_flapping();
        Some(Verdict {
            key,
            confirmed,
            flapping: (flapping != flapped).then_some(flapping),
        })
    }

    pub(super) fn fresh_until(&self) -> Instant {
        after(self.last_result, self.schedule.time_to_live)
    }

    /// The next moment after `now`: a retry while a change is not yet believed, otherwise the next of its own phase. Moments
    /// that have passed meanwhile are left out.
    pub(super) fn next_due(&self, now: Instant) -> Instant {
        if self.confirmation.is_pending() {
            return after(self.due, self.schedule.retry_interval).max(now);
        }
        if self.anchor > now {
            return self.anchor;
        }
        let interval = self.schedule.interval.as_nanos().max(1);
        let passed = (now - self.anchor).as_nanos();
        let rest = interval - passed % interval;
        let rest = Duration::from_nanos(u64::try_from(rest).unwrap_or(u64::MAX));
        after(now, rest)
    }
}

/// What a sensor uses up. Somebody else's code: a panic must not end the loop that owns everything.
pub(super) fn class_of(sensor: &dyn Sensor) -> Class {
    panic::catch_unwind(AssertUnwindSafe(|| sensor.class())).unwrap_or(Class::Network)
}
