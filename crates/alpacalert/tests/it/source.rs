//! Sources that change, go and come back while everything runs.

use alpacalert::instrument::{
    BoxFuture, Builder, Class, Context, InstrumentError, SensorError, Snapshot, Source,
};
use alpacalert::model::State;
use tokio::sync::mpsc;

use crate::world::{Does, KIND, Listing, World, read, service, state, status, wait};
use alpacalert::model::{Kind, NodeId};

fn polled(name: &str) -> NodeId {
    NodeId::new("cluster", Kind::of(KIND), name)
}

#[tokio::test(start_paused = true)]
async fn a_changed_snapshot_starts_and_stops_sensors_and_leaves_the_others_alone() {
    let mut world = World::new();
    for name in ["a", "b", "c"] {
        world.script(name, Class::Network, |_| Does::Says(State::Passing));
    }
    let (source, knows) = Listing::new("cluster", Ok(vec![("a", None), ("b", None)]));
    world.source("cluster", source);
    world.found("cluster", &["*"]);
    let begun = tokio::time::Instant::now();
    let running = world.start();
    wait(32.0).await;
    assert_eq!(state(&running, &service()).await, State::Passing);
    let since = status(&running, &polled("a")).await.unwrap().since;
    *knows.lock().unwrap() = Ok(vec![("a", None), ("c", None)]);
    wait(40.0).await;
    assert!(status(&running, &polled("b")).await.is_none());
    let stopped = world.log.starts("b").len();
    assert_eq!(state(&running, &polled("c")).await, State::Passing);
    assert_eq!(status(&running, &polled("a")).await.unwrap().since, since);
    let times = world.log.seconds("a", begun);
    for pair in times.windows(2) {
        assert!((pair[1] - pair[0] - 5.0).abs() < 0.01, "{times:?}");
    }
    wait(20.0).await;
    assert_eq!(world.log.starts("b").len(), stopped);
    assert_eq!(state(&running, &service()).await, State::Passing);
    running.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_source_makes_what_it_feeds_unknown_until_it_is_back() {
    let mut world = World::new();
    let fed = vec![("a", Some(State::Passing)), ("b", Some(State::Degraded))];
    let (source, knows) = Listing::new("cluster", Ok(fed.clone()));
    world.source("cluster", source);
    world.found("cluster", &["a"]);
    let running = world.start();
    assert_eq!(state(&running, &service()).await, State::Unknown);
    wait(1.0).await;
    assert_eq!(state(&running, &service()).await, State::Passing);
    *knows.lock().unwrap() = Err("no route to host");
    wait(15.0).await;
    for name in ["a", "b"] {
        let seen = status(&running, &Listing::id("cluster", name))
            .await
            .unwrap();
        assert_eq!(seen.reason.as_str(), "source-lost");
        assert!(seen.messages[0].text.contains("no route to host"));
    }
    assert_eq!(state(&running, &service()).await, State::Unknown);
    *knows.lock().unwrap() = Ok(fed);
    wait(15.0).await;
    assert_eq!(state(&running, &service()).await, State::Passing);
    assert_eq!(
        state(&running, &Listing::id("cluster", "b")).await,
        State::Degraded
    );
    running.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn another_source_s_news_does_not_revive_what_a_lost_one_said() {
    let mut world = World::new();
    let (lost, knows) = Listing::new("one", Ok(vec![("a", Some(State::Passing))]));
    let (other, other_knows) = Listing::new("two", Ok(vec![("b", Some(State::Passing))]));
    world.source("one", lost);
    world.source("two", other);
    world.found("one", &["a"]);
    world.found("two", &["*"]);
    let running = world.start();
    wait(1.0).await;
    assert_eq!(state(&running, &service()).await, State::Passing);
    *knows.lock().unwrap() = Err("gone");
    wait(15.0).await;
    *other_knows.lock().unwrap() = Ok(vec![
        ("b", Some(State::Passing)),
        ("c", Some(State::Passing)),
    ]);
    wait(15.0).await;
    assert_eq!(
        state(&running, &Listing::id("two", "c")).await,
        State::Passing
    );
    assert_eq!(
        state(&running, &Listing::id("one", "a")).await,
        State::Unknown
    );
    assert_eq!(state(&running, &service()).await, State::Unknown);
    running.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_path_that_leads_nowhere_is_a_member_that_says_so_until_it_leads_somewhere() {
    let mut world = World::new();
    let (source, knows) = Listing::new("cluster", Ok(vec![("carts", Some(State::Passing))]));
    world.source("cluster", source);
    world.found("cluster", &["cart"]);
    let running = world.start();
    wait(1.0).await;
    let id = NodeId::new(
        "local",
        Kind::of("alpacalert.io/Source#member"),
        "cluster/cart",
    );
    let seen = status(&running, &id).await.unwrap();
    assert_eq!(seen.reason.as_str(), "missing");
    assert!(
        seen.messages[0].text.contains("did you mean `carts`?"),
        "{}",
        seen.messages[0].text
    );
    assert_eq!(state(&running, &service()).await, State::Unknown);
    *knows.lock().unwrap() = Ok(vec![("cart", Some(State::Passing))]);
    wait(15.0).await;
    assert!(status(&running, &id).await.is_none());
    assert_eq!(state(&running, &service()).await, State::Passing);
    running.shutdown().await;
}

/// Delivers once, and then does what a broken watch does.
struct Broken {
    listing: Listing,
    panics: bool,
}

impl Source for Broken {
    fn fetch<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Snapshot, SensorError>> {
        self.listing.fetch(cx)
    }

    fn assemble(
        &self,
        snapshot: &Snapshot,
        builder: &mut Builder<'_>,
    ) -> Result<(), InstrumentError> {
        self.listing.assemble(snapshot, builder)
    }

    fn watch<'a>(
        &'a self,
        cx: &'a Context,
        deliver: mpsc::Sender<Result<Snapshot, SensorError>>,
    ) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            deliver.send(self.fetch(cx).await).await.unwrap();
            wait(20.0).await;
            assert!(!self.panics, "this watch panics");
            std::future::pending().await
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_dies_or_falls_silent_loses_its_source() {
    for panics in [true, false] {
        let mut world = World::new();
        let (listing, _) = Listing::new("cluster", Ok(vec![("a", Some(State::Passing))]));
        world.source("cluster", Broken { listing, panics });
        world.found("cluster", &["a"]);
        let running = world.start();
        let mut changes = running.changes();
        wait(1.0).await;
        assert_eq!(state(&running, &service()).await, State::Passing);
        // Three intervals of 30 s and a time-out of 10 s.
        wait(if panics { 19.5 } else { 101.0 }).await;
        let seen = status(&running, &Listing::id("cluster", "a"))
            .await
            .unwrap();
        assert_eq!(seen.reason.as_str(), "source-lost");
        let said = if panics {
            "panicked"
        } else {
            "no news for 100 s"
        };
        assert!(
            seen.messages[0].text.contains(said),
            "{}",
            seen.messages[0].text
        );
        if panics {
            // Started again.
            wait(2.0).await;
            assert_eq!(state(&running, &service()).await, State::Passing);
        }
        while changes.try_recv().is_ok() {}
        running.shutdown().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_check_of_a_reachable_source_finds_its_things() {
    let mut world = World::new();
    world.script("b", Class::Network, |_| Does::Says(State::Passing));
    let fed = vec![("a", Some(State::Degraded)), ("b", None)];
    let (source, _) = Listing::new("cluster", Ok(fed));
    world.source("cluster", source);
    world.found("cluster", &["*"]);
    let checked = world.monitor().check(|_| {}).await;
    assert_eq!((checked.measured, checked.total), (1, 1));
    assert_eq!(
        read(&checked.graph, &service()).unwrap().state,
        State::Degraded
    );
}
