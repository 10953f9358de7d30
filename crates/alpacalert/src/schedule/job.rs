//! One sensor's place in time.

use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::time::Duration;

use alpacalert_instrument::{Class, Schedule, Sensor};
use alpacalert_model::{Confirmation, NodeKey, Patience, State};

use super::timer::{Moment, nanos};
use super::{Run, Verdict};
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
    pub(super) schedule: Arc<Schedule>,
    pub(super) confirmation: Confirmation,
    pub(super) phase: Phase,
    /// When it was to be measured last, or is to be next.
    pub(super) due: Moment,
    /// A moment at which it would be measured if there were no retries: the others are whole intervals away.
    pub(super) anchor: Moment,
    pub(super) last_result: Moment,
    /// When somebody looks whether it is stale; never, once it was found to be.
    pub(super) stale_due: Moment,
    /// Its last measurement hung.
    pub(super) suspect: bool,
    /// What it looks at has changed while it was measured.
    pub(super) again: bool,
}

impl Job {
    pub(super) fn new(
        listed: Listed,
        blueprint: u32,
        source: u32,
        now: Moment,
        first: Moment,
        anchor: Moment,
    ) -> Self {
        let sensor = listed.measured.sensor;
        Job {
            key: Some(listed.key),
            class: class_of(&*sensor),
            sensor: Some(sensor),
            generation: 0,
            blueprint,
            source,
            schedule: listed.measured.schedule,
            confirmation: Confirmation::default(),
            phase: Phase::Idle,
            due: first,
            anchor,
            last_result: now,
            stale_due: Moment::NEVER,
            suspect: false,
            again: false,
        }
    }

    /// Takes a vacant place.
    pub(super) fn occupy(&mut self, job: Job) {
        let generation = self.generation;
        *self = Job { generation, ..job };
    }

    /// Leaves its place to another sensor. What timers and slots still know of it is of a former generation from here on.
    pub(super) fn vacate(&mut self) {
        self.generation = self.generation.wrapping_add(1);
        self.key = None;
        self.sensor = None;
    }

    /// Whether an entry of the queue is the one that counts: a later one may have replaced it.
    pub(super) fn awaits(&self, generation: u32, at: Moment) -> bool {
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

    /// The sensor to measure from now on; `None` in a vacant place.
    pub(super) fn start(&mut self) -> Option<Arc<dyn Sensor>> {
        let sensor = self.sensor.clone()?;
        self.phase = Phase::Running;
        Some(sensor)
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

    pub(super) fn fresh_until(&self) -> Moment {
        self.last_result.after(self.schedule.time_to_live)
    }

    /// The next moment after `now`: a retry while a change is not yet believed, otherwise the next of its own phase. Moments
    /// that have passed meanwhile are left out.
    pub(super) fn next_due(&self, now: Moment) -> Moment {
        if self.confirmation.is_pending() {
            return self.due.after(self.schedule.retry_interval).max(now);
        }
        if self.anchor > now {
            return self.anchor;
        }
        let interval = nanos(self.schedule.interval).max(1);
        let passed = nanos(now.since(self.anchor));
        now.after(Duration::from_nanos(interval - passed % interval))
    }
}

/// What a sensor uses up. Somebody else's code: a panic must not end the loop that owns everything.
pub(super) fn class_of(sensor: &dyn Sensor) -> Class {
    panic::catch_unwind(AssertUnwindSafe(|| sensor.class())).unwrap_or(Class::Network)
}
