//! Rates need two looks: the one before is kept, and the first time there are two at once.

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use alpacalert_instrument::SensorError;

/// Keeps the look before.
#[derive(Debug)]
pub(crate) struct Sampler<T> {
    last: Mutex<Option<(Instant, T)>>,
}

/// Two looks and the time between them.
#[derive(Debug)]
pub(crate) struct Pair<T> {
    pub(crate) before: T,
    pub(crate) now: T,
    pub(crate) passed: Duration,
}

impl<T> Default for Sampler<T> {
    fn default() -> Self {
        Sampler {
            last: Mutex::new(None),
        }
    }
}

impl<T: Clone> Sampler<T> {
    /// The least time between two looks: counters of processor time advance by 10 ms, so that a quarter of a second tells
    /// shares to a few percent.
    pub(crate) const LEAST: Duration = Duration::from_millis(250);

    /// Looks now, and gives it with the look before. Waits where that would be too short ago, or has not been.
    pub(crate) async fn pair(
        &self,
        look: impl Fn() -> Result<T, SensorError>,
    ) -> Result<Pair<T>, SensorError> {
        let kept = self.take();
        let (at, before) = match kept {
            Some(kept) => kept,
            None => (Instant::now(), look()?),
        };
        let passed = at.elapsed();
        if passed < Self::LEAST {
            sleep(Self::LEAST - passed).await;
        }
        let now = look()?;
        let seen = Instant::now();
        *self.lock() = Some((seen, now.clone()));
        Ok(Pair {
            before,
            now,
            passed: seen - at,
        })
    }

    fn take(&self) -> Option<(Instant, T)> {
        self.lock().take()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<(Instant, T)>> {
        // The lock is held for an assignment only, which cannot panic.
        self.last
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl<T> Pair<T> {
    /// How much a counter grew; none when it was reset in between.
    pub(crate) fn grown(&self, counter: impl Fn(&T) -> u64) -> u64 {
        counter(&self.now).saturating_sub(counter(&self.before))
    }

    /// How fast a counter grew, per second.
    pub(crate) fn rate(&self, counter: impl Fn(&T) -> u64) -> f64 {
        self.grown(counter) as f64 / self.passed.as_secs_f64().max(1e-3)
    }
}
