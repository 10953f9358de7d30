//! Runs measurements, whatever the sensors do.

use std::sync::Arc;
use std::time::Duration;

use alpacalert_instrument::{BoxFuture, Context, Sensor, measure_guarded};
use alpacalert_model::Observation;
use futures_util::FutureExt;

use crate::schedule::{Run, Start};

/// A measurement that has ended.
pub(crate) struct Done {
    pub(crate) run: Run,
    pub(crate) observation: Observation,
    /// From when it should have started to when it did.
    pub(crate) lateness: Duration,
}

/// Measurements that have ended, and those that have to wait for something.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) done: Vec<Done>,
    pub(crate) pending: Vec<(Run, BoxFuture<'static, Done>)>,
}

/// A measurement, bounded in time and in what it says.
pub(crate) fn measure(
    sensor: Arc<dyn Sensor>,
    mut cx: Context,
    timeout: Duration,
) -> impl Future<Output = Observation> + Send + 'static {
    cx.timeout = timeout;
    async move { measure_guarded(&*sensor, &cx).await }
}

/// One measurement.
pub(crate) async fn one(start: Start, cx: Context) -> Done {
    let lateness = start.due.elapsed();
    Done {
        run: start.run,
        observation: measure(start.sensor, cx, start.timeout).await,
        lateness,
    }
}

/// Measurements of this machine's own tables: most are over as soon as they are looked at, and need no task of their own.
pub(crate) fn many(starts: Vec<Start>, cx: &Context) -> Batch {
    let mut batch = Batch::default();
    for start in starts {
        let run = start.run;
        let mut measuring = one(start, cx.clone()).boxed();
        match (&mut measuring).now_or_never() {
            Some(done) => batch.done.push(done),
            None => batch.pending.push((run, measuring)),
        }
    }
    batch
}
