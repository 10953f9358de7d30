use std::sync::atomic::{AtomicU32, Ordering};

use tokio_util::sync::CancellationToken;

use super::*;

/// Counts its fetches; hangs in the one numbered so.
struct Counts {
    fetches: AtomicU32,
    hangs_at: u32,
}

impl Counts {
    fn hanging_at(hangs_at: u32) -> Self {
        Counts {
            fetches: AtomicU32::new(0),
            hangs_at,
        }
    }
}

impl Source for Counts {
    fn fetch<'a>(&'a self, _: &'a Context) -> BoxFuture<'a, Result<Snapshot, SensorError>> {
        Box::pin(async {
            let n = self.fetches.fetch_add(1, Ordering::Relaxed) + 1;
            if n == self.hangs_at {
                std::future::pending::<()>().await;
            }
            Ok(Snapshot::new(n))
        })
    }

    fn assemble(&self, _: &Snapshot, _: &mut Builder<'_>) -> Result<(), InstrumentError> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_is_fetched_once_per_interval_until_it_is_cancelled() {
    let source = Arc::new(Counts::hanging_at(0));
    let cancel = CancellationToken::new();
    let cx = Context::default().with_cancel(cancel.clone());
    let (send, mut receive) = mpsc::channel(1);
    let watched = source.clone();
    let watching = tokio::spawn(async move { watched.watch(&cx, send).await });
    let started = tokio::time::Instant::now();
    for n in 1..=3_u32 {
        let snapshot = receive.recv().await.expect("it watches").expect("it works");
        assert_eq!(snapshot.get::<u32>(), Some(&n));
        assert_eq!(started.elapsed().as_secs(), u64::from(n - 1) * 30);
    }
    cancel.cancel();
    watching.await.expect("it ends");
    assert_eq!(source.fetches.load(Ordering::Relaxed), 3);
}

#[tokio::test(start_paused = true)]
async fn cancelling_ends_a_fetch_that_hangs_at_once() {
    let cancel = CancellationToken::new();
    let cx = Context::default().with_cancel(cancel.clone());
    let (send, _receive) = mpsc::channel(1);
    let watching = tokio::spawn(async move { Counts::hanging_at(1).watch(&cx, send).await });
    tokio::task::yield_now().await;
    let started = tokio::time::Instant::now();
    cancel.cancel();
    watching.await.expect("it ends");
    assert_eq!(started.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_fetch_that_hangs_is_an_error_and_the_next_one_is_tried() {
    let cx = Context::default();
    let (send, mut receive) = mpsc::channel(1);
    let _watching = tokio::spawn(async move { Counts::hanging_at(1).watch(&cx, send).await });
    let first = receive.recv().await.expect("it watches");
    let error = first.expect_err("it hangs");
    assert_eq!(error.chain(), "the source gave no answer within 10 s");
    assert!(receive.recv().await.expect("it goes on").is_ok());
}
