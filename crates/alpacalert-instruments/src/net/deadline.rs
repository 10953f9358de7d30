//! The end of a measurement, a little before the scheduler would end it.

use std::future::Future;
use std::time::Duration;

use alpacalert_instrument::{Context, Reason};
use alpacalert_model::Unit;
use futures_util::FutureExt;
use tokio::time::Instant;

use super::Trouble;

/// When a measurement must be done.
///
/// A twentieth of the time-out earlier, at most 100 ms, than the scheduler drops it: a target that stays silent is the target's
/// failure, and the sensor must live long enough to say so, and to say what it was waiting for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    at: Instant,
    whole: Duration,
}

impl Deadline {
    pub(crate) fn of(cx: &Context) -> Self {
        let margin = (cx.timeout / 20).min(Duration::from_millis(100));
        Deadline {
            at: Instant::now() + cx.timeout.saturating_sub(margin),
            whole: cx.timeout,
        }
    }

    /// How much time is left.
    pub(crate) fn left(&self) -> Duration {
        self.at.saturating_duration_since(Instant::now())
    }

    /// A part of the work: when the time is up before it is done, the target did not answer while `doing`.
    ///
    /// Not an `async fn`: that would hold the work twice, as what it was given and as what it waits for.
    pub(crate) fn phase<T>(
        self,
        doing: &str,
        work: impl Future<Output = Result<T, Trouble>>,
    ) -> impl Future<Output = Result<T, Trouble>> {
        tokio::time::timeout_at(self.at, work).map(move |done| match done {
            Ok(result) => result,
            Err(_) => Err(self.silence(doing)),
        })
    }

    /// The target did not answer in time.
    pub(crate) fn silence(&self, doing: &str) -> Trouble {
        let whole = Unit::Seconds.write(self.whole.as_secs_f64());
        Trouble::target(
            Reason::TIMEOUT,
            format!("no answer within {whole} while {doing}"),
        )
    }
}
