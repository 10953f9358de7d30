//! Another plan while everything runs.

use std::time::Duration;

use alpacalert::instrument::Class;
use alpacalert::model::State;

use crate::world::{Does, Listing, World, every, probe, service, state, status, wait};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn what_a_new_plan_leaves_alone_keeps_its_state_and_its_place_in_time() {
    let mut world = World::new();
    world.sensor("stays", Class::Network, every(5 * SECOND), |_| {
        Does::Says(State::Passing)
    });
    world.sensor("goes", Class::Network, every(5 * SECOND), |_| {
        Does::Says(State::Failing)
    });
    let begun = tokio::time::Instant::now();
    let running = world.start();
    wait(12.0).await;
    assert_eq!(state(&running, &service()).await, State::Failing);
    let since = status(&running, &probe("stays")).await.unwrap().since;
    let stopped = world.log.starts("goes").len();

    world.plan.groups[0].members.pop();
    world.sensor("comes", Class::Network, every(SECOND), |_| {
        Does::Says(State::Degraded)
    });
    assert!(running.reload(world.monitor()).await);
    wait(12.0).await;

    assert!(status(&running, &probe("goes")).await.is_none());
    assert_eq!(world.log.starts("goes").len(), stopped);
    assert_eq!(state(&running, &probe("comes")).await, State::Degraded);
    assert_eq!(state(&running, &service()).await, State::Degraded);
    assert_eq!(
        status(&running, &probe("stays")).await.unwrap().since,
        since
    );
    let times = world.log.seconds("stays", begun);
    for pair in times.windows(2) {
        assert!((pair[1] - pair[0] - 5.0).abs() < 0.01, "{times:?}");
    }
    running.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_source_that_goes_takes_its_nodes_with_it_and_one_that_stays_is_not_asked_anew() {
    let mut world = World::new();
    let (one, _) = Listing::new("one", Ok(vec![("a", Some(State::Passing))]));
    let (two, knows) = Listing::new("two", Ok(vec![("b", Some(State::Passing))]));
    world.source("one", one);
    world.source("two", two);
    world.found("two", &["*"]);
    let running = world.start();
    wait(1.0).await;
    assert_eq!(state(&running, &service()).await, State::Passing);

    // The next fetch would tell something else; it is not due yet.
    *knows.lock().unwrap() = Err("gone");
    world.plan.sources.remove(0);
    assert!(running.reload(world.monitor()).await);
    assert!(status(&running, &Listing::id("one", "a")).await.is_none());
    wait(1.0).await;
    let names: Vec<String> = running
        .sources()
        .await
        .iter()
        .map(|source| source.name.to_string())
        .collect();
    assert_eq!(names, ["two"]);
    assert_eq!(state(&running, &service()).await, State::Passing);
    wait(15.0).await;
    assert_eq!(state(&running, &service()).await, State::Unknown);
    running.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_source_that_is_new_begins_to_be_watched() {
    let mut world = World::new();
    world.sensor("a", Class::Network, every(SECOND), |_| {
        Does::Says(State::Passing)
    });
    let running = world.start();
    wait(2.0).await;
    let (source, _) = Listing::new("cluster", Ok(vec![("b", Some(State::Failing))]));
    world.source("cluster", source);
    world.found("cluster", &["*"]);
    assert!(running.reload(world.monitor()).await);
    wait(1.0).await;
    assert_eq!(state(&running, &service()).await, State::Failing);
    let sources = running.sources().await;
    assert_eq!(sources[0].state, State::Passing, "{sources:?}");
    running.shutdown().await;
}
