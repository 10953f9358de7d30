//! Where and for how long things are remembered.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use alpacalert_model::Timestamp;

/// Where and how things are remembered.
#[derive(Clone, Debug)]
pub struct StoreSettings {
    /// The folder, which is made when it is not there. Nobody else may use it meanwhile.
    pub folder: PathBuf,
    /// For how long.
    pub retention: Retention,
    /// The most bytes of what is not written yet. What exceeds it is counted and not remembered; 24 MiB hold some 60,000
    /// changes, a minute of a storm.
    pub queue_bytes: usize,
    /// How long a process that is about to end may hold the folder until this one gives up.
    pub patience: Duration,
    /// A pause longer than this, in which nothing at all was done, is time in which nobody looked: the machine slept, or the
    /// process was stopped.
    pub stood_still: Duration,
    /// Tells the time of day.
    pub clock: Clock,
}

/// Tells the time of day.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// A clock of one's own.
    pub fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Clock(Arc::new(now))
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl Default for Clock {
    /// The system's.
    fn default() -> Self {
        Clock::new(Timestamp::now)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({})", self.now())
    }
}

impl StoreSettings {
    /// Remembers in a folder.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        StoreSettings {
            folder: folder.into(),
            retention: Retention::default(),
            queue_bytes: 24 * 1024 * 1024,
            patience: Duration::from_secs(5),
            stood_still: Duration::from_secs(30),
            clock: Clock::default(),
        }
    }
}

/// For how long things are remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Each change of state with its reason, and the graph as it was.
    pub transitions: Duration,
    /// Measurements as they were sampled.
    pub measurements: Duration,
    /// What is left of them after that: least, mean and greatest of each hour.
    pub hours: Duration,
    /// What is left after that, and of states: of each day.
    pub days: Duration,
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Default for Retention {
    /// Transitions for 400 days, measurements for 2, hours for 90, and days for five years.
    fn default() -> Self {
        Retention {
            transitions: 400 * DAY,
            measurements: 2 * DAY,
            hours: 90 * DAY,
            days: 5 * 365 * DAY,
        }
    }
}
