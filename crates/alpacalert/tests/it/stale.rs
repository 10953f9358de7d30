//! Whatever stops telling is Unknown once what it told is too old, and never Passing after that.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use alpacalert::instrument::{
    BoxFuture, Builder, Class, Context, InstrumentError, Request, ScheduleOverrides, SensorError,
    Snapshot, Source,
};
use alpacalert::model::{Observation, State};
use tokio::time::Instant;

use crate::world::{Does, Listing, World, probe, service, state, status, wait};

const SECOND: Duration = Duration::from_secs(1);

/// Answers so many times, and then never again.
struct Dies {
    after: usize,
    asked: Arc<AtomicUsize>,
}

impl Source for Dies {
    fn fetch<'a>(&'a self, _: &'a Context) -> BoxFuture<'a, Result<Snapshot, SensorError>> {
        let nth = self.asked.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            if nth >= self.after {
                std::future::pending::<()>().await;
            }
            Ok(Snapshot::new(()))
        })
    }

    fn assemble(&self, _: &Snapshot, builder: &mut Builder<'_>) -> Result<(), InstrumentError> {
        let kind = alpacalert::model::Kind::of("example.org/Thing");
        let now = builder.now();
        builder.object(Request::from_source("cluster", kind, "a"), |_, scope| {
            scope.observed(Observation::passing(now));
            Ok(())
        })?;
        Ok(())
    }

    fn interval(&self) -> Duration {
        10 * SECOND
    }
}

#[tokio::test(start_paused = true)]
async fn what_stops_telling_is_never_passing_after_its_time() {
    for seed in 0..60 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let interval = rng.u32(1..20) * SECOND;
        let lives = interval * rng.u32(1..5) + rng.u32(1..10) * SECOND;
        let until = rng.usize(1..6);
        let hangs = rng.bool();
        let retries = rng.u32(0..4);
        let mut world = World::new();
        let schedule = ScheduleOverrides {
            interval: Some(interval),
            // Longer than it may be believed, so that only that can end it; or it says each time that it cannot see.
            timeout: Some(10_000 * SECOND),
            time_to_live: Some(lives),
            retries: Some(retries),
            retry_interval: Some(interval),
            ..ScheduleOverrides::default()
        };
        world.sensor("a", Class::Network, schedule, move |nth| {
            match nth < until {
                true => Does::Says(State::Passing),
                false if hangs => Does::Hangs,
                false => Does::Errs,
            }
        });
        let asked = Arc::new(AtomicUsize::new(0));
        let dies = Dies {
            after: until,
            asked: asked.clone(),
        };
        world.source("cluster", dies);
        world.found("cluster", &["*"]);
        let begun = Instant::now();
        let running = world.start();
        let thing = Listing::id("cluster", "a");
        let (mut passed, mut lost) = ([false; 2], None);
        for _ in 0..300 {
            wait(1.0).await;
            let told = world.log.starts("a");
            let newest = told
                .iter()
                .take(until)
                .next_back()
                .copied()
                .unwrap_or(begun);
            let sensor = state(&running, &probe("a")).await;
            if newest.elapsed() > lives + SECOND {
                assert_eq!(sensor, State::Unknown, "seed {seed}, {newest:?}");
            }
            passed[0] |= sensor == State::Passing;
            let fed = state(&running, &thing).await;
            passed[1] |= fed == State::Passing;
            if asked.load(Ordering::SeqCst) > until && lost.is_none() {
                lost = Some(Instant::now());
            }
            // Three intervals of the source.
            if lost.is_some_and(|lost| lost.elapsed() > 30 * SECOND) {
                assert_eq!(fed, State::Unknown, "seed {seed}");
            }
            // What says itself that it cannot see is believed after its retries, as any other state.
            let believed = status(&running, &probe("a")).await.unwrap().confirmed;
            if newest.elapsed() > lives.max(interval * (retries + 2)) + SECOND {
                assert_eq!(believed, State::Unknown, "seed {seed}");
            }
            if believed == State::Unknown || fed == State::Unknown {
                assert_eq!(
                    state(&running, &service()).await,
                    State::Unknown,
                    "seed {seed}"
                );
            }
        }
        assert_eq!((passed, lost.is_some()), ([true; 2], true), "seed {seed}");
        running.shutdown().await;
    }
}
