//! Watches sources, and starts a watch again that ends.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use alpacalert_instrument::{
    BoxFuture, Builder, Context, InstrumentError, SensorError, Snapshot, Source, fetch_guarded,
};
use alpacalert_model::Reason;
use futures_util::FutureExt;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::build::{Slot, SourceEntry};

/// What a source delivered, with its slot.
pub(crate) type Delivery = (Slot, Result<Snapshot, SensorError>);

/// A watch that ended is started again after this long, then after twice as long, and so on.
const BACKOFF_FIRST: Duration = Duration::from_secs(1);
/// The longest wait before a watch is started again.
const BACKOFF_MAX: Duration = Duration::from_secs(60);

/// What is needed to watch one source.
pub(crate) struct Watch {
    slot: Slot,
    name: Arc<str>,
    source: Arc<dyn Source>,
    /// A source that says nothing for this long is lost.
    time_to_live: Duration,
    context: Context,
}

impl Watch {
    pub(crate) fn new(entry: &SourceEntry, context: Context) -> Self {
        let source: Arc<dyn Source> = match entry.interval {
            Some(interval) => Arc::new(Polled {
                inner: entry.source.clone(),
                interval,
            }),
            None => entry.source.clone(),
        };
        Watch {
            slot: entry.slot,
            name: entry.name.clone(),
            time_to_live: source
                .interval()
                .saturating_mul(3)
                .saturating_add(entry.timeout),
            source,
            context: context.with_timeout(entry.timeout),
        }
    }

    /// Watches until the context is cancelled or nobody listens.
    pub(crate) async fn run(self, deliveries: mpsc::Sender<Delivery>) {
        let mut backoff = BACKOFF_FIRST;
        loop {
            let started = Instant::now();
            let ended = self.watch(&deliveries).await;
            let Some(error) = ended.filter(|_| !self.context.cancel().is_cancelled()) else {
                return;
            };
            tracing::warn!("the watch of the source `{}` ended: {error}", self.name);
            if deliveries.send((self.slot, Err(error))).await.is_err() {
                return;
            }
            if started.elapsed() > BACKOFF_MAX {
                backoff = BACKOFF_FIRST;
            }
            tokio::select! {
                () = self.context.cancel().cancelled() => return,
                () = tokio::time::sleep(backoff) => {}
            }
            backoff = (backoff * 2).min(BACKOFF_MAX);
        }
    }

    /// Passes on what one watch delivers, and says why it ended; `None` when nobody wants it any more.
    async fn watch(&self, deliveries: &mpsc::Sender<Delivery>) -> Option<SensorError> {
        // One: a source does not fetch ahead of what the graph has taken.
        let (sender, mut receiver) = mpsc::channel(1);
        let watching = async { self.source.watch(&self.context, sender).await };
        let mut watching = std::pin::pin!(AssertUnwindSafe(watching).catch_unwind());
        let mut ended = None;
        loop {
            tokio::select! {
                delivered = receiver.recv() => match delivered {
                    Some(delivered) => {
                        deliveries.send((self.slot, delivered)).await.ok()?;
                    }
                    None => {
                        return Some(ended.unwrap_or_else(|| self.broken("ended")));
                    }
                },
                result = &mut watching, if ended.is_none() => {
                    // What it delivered last is still in the channel.
                    ended = Some(self.broken(if result.is_ok() { "ended" } else { "panicked" }));
                }
                () = tokio::time::sleep(self.time_to_live), if ended.is_none() => {
                    let silence = SensorError::new(
                        Reason::STALE,
                        format!("no news for {} s", self.time_to_live.as_secs_f64()),
                    );
                    deliveries.send((self.slot, Err(silence))).await.ok()?;
                }
            }
        }
    }

    fn broken(&self, what: &str) -> SensorError {
        SensorError::new(
            Reason::SENSOR_BROKEN,
            format!("the watch of the source `{}` {what}", self.name),
        )
    }
}

/// A source that is fetched at an interval that the configuration asks for.
struct Polled {
    inner: Arc<dyn Source>,
    interval: Duration,
}

impl Source for Polled {
    fn fetch<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Snapshot, SensorError>> {
        self.inner.fetch(cx)
    }

    fn assemble(
        &self,
        snapshot: &Snapshot,
        builder: &mut Builder<'_>,
    ) -> Result<(), InstrumentError> {
        self.inner.assemble(snapshot, builder)
    }

    fn interval(&self) -> Duration {
        self.interval
    }
}

/// Fetches a source once.
pub(crate) async fn fetch(entry: &SourceEntry, context: Context) -> Delivery {
    let context = context.with_timeout(entry.timeout);
    (entry.slot, fetch_guarded(&*entry.source, &context).await)
}
