//! How often, and how patiently, a sensor is measured.

use std::time::Duration;

/// How often and how patiently a sensor is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Schedule {
    /// From the start of one measurement to the start of the next.
    pub interval: Duration,
    /// How long a measurement may take in all.
    pub timeout: Duration,
    /// How many more times to look before a worse state is believed.
    pub retries: u32,
    /// The interval while a worse state is not yet believed.
    pub retry_interval: Duration,
    /// How many better results in a row make a recovery.
    pub recoveries: u32,
    /// How old an observation may be before the sensor is Unknown.
    pub time_to_live: Duration,
}

impl Default for Schedule {
    /// Every 30 seconds, 10 seconds each, no retries; stale after three intervals and a time-out.
    fn default() -> Self {
        ScheduleOverrides::default().over(&ScheduleOverrides::default())
    }
}

/// A schedule of which not everything is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScheduleOverrides {
    /// See [`Schedule::interval`].
    pub interval: Option<Duration>,
    /// See [`Schedule::timeout`].
    pub timeout: Option<Duration>,
    /// See [`Schedule::retries`].
    pub retries: Option<u32>,
    /// See [`Schedule::retry_interval`].
    pub retry_interval: Option<Duration>,
    /// See [`Schedule::recoveries`].
    pub recoveries: Option<u32>,
    /// See [`Schedule::time_to_live`].
    pub time_to_live: Option<Duration>,
}

impl ScheduleOverrides {
    /// These, and `below` where these say nothing.
    #[must_use]
    pub fn or(&self, below: &ScheduleOverrides) -> ScheduleOverrides {
        ScheduleOverrides {
            interval: self.interval.or(below.interval),
            timeout: self.timeout.or(below.timeout),
            retries: self.retries.or(below.retries),
            retry_interval: self.retry_interval.or(below.retry_interval),
            recoveries: self.recoveries.or(below.recoveries),
            time_to_live: self.time_to_live.or(below.time_to_live),
        }
    }

    /// The schedule that results: these over `below` over the program's defaults.
    pub fn over(&self, below: &ScheduleOverrides) -> Schedule {
        let said = self.or(below);
        let interval = said.interval.unwrap_or(Duration::from_secs(30));
        let timeout = said.timeout.unwrap_or(Duration::from_secs(10));
        Schedule {
            interval,
            timeout,
            retries: said.retries.unwrap_or(0),
            retry_interval: said
                .retry_interval
                .unwrap_or(interval.min(Duration::from_secs(10))),
            recoveries: said.recoveries.unwrap_or(1).max(1),
            time_to_live: said
                .time_to_live
                .unwrap_or(interval.saturating_mul(3).saturating_add(timeout)),
        }
    }
}

#[cfg(test)]
mod tests;
