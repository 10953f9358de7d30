//! What is due when.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use tokio::time::Instant;

/// A moment in nanoseconds since the schedule began: half the size of the runtime's own, and each sensor has six.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment(u64);

impl Moment {
    /// Later than any other.
    pub(super) const NEVER: Moment = Moment(u64::MAX);

    /// A moment after this one. Intervals may be as long as anybody writes; a century is as good as never.
    pub(super) fn after(self, duration: Duration) -> Moment {
        const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 3600);
        Moment(self.0.saturating_add(nanos(duration.min(CENTURY))))
    }

    /// How long it is since an earlier moment; nothing when that is a later one.
    pub(super) fn since(self, earlier: Moment) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// The beginning of a schedule, from which its moments are counted.
#[derive(Clone, Copy)]
pub(super) struct Beginning(Instant);

impl Beginning {
    pub(super) fn now() -> Self {
        Beginning(Instant::now())
    }

    pub(super) fn moment(self, instant: Instant) -> Moment {
        Moment(nanos(instant.saturating_duration_since(self.0)))
    }

    pub(super) fn instant(self, moment: Moment) -> Instant {
        self.0 + Duration::from_nanos(moment.0)
    }
}

/// As many nanoseconds as fit: 584 years.
pub(super) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// What a time was set for. An entry whose generation has passed is of a sensor that is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    /// To measure.
    Run { job: u32, generation: u32 },
    /// To see whether there was a result in time.
    Stale { job: u32, generation: u32 },
}

/// A queue of times: one or two entries per sensor, ordered by time.
#[derive(Default)]
pub(super) struct Timers(BinaryHeap<Reverse<(Moment, Due)>>);

impl Timers {
    /// Makes room for the entries of this many sensors, where there are none yet.
    pub(super) fn reserve(&mut self, sensors: usize) {
        if self.0.is_empty() {
            self.0.reserve_exact(2 * sensors);
        }
    }

    pub(super) fn push(&mut self, at: Moment, due: Due) {
        self.0.push(Reverse((at, due)));
    }

    pub(super) fn next(&self) -> Option<Moment> {
        self.0.peek().map(|Reverse((at, _))| *at)
    }

    /// The earliest entry that is due at `now`.
    pub(super) fn pop(&mut self, now: Moment) -> Option<(Moment, Due)> {
        self.next().filter(|at| *at <= now)?;
        self.0.pop().map(|Reverse(entry)| entry)
    }
}
