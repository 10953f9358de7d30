//! Measuring everything once.

use std::sync::Mutex;
use std::time::Duration;

use alpacalert::config::Concurrency;
use alpacalert::instrument::{
    BoxFuture, Builder, Class, Context, InstrumentError, ScheduleOverrides, SensorError, Snapshot,
    Source,
};
use alpacalert::model::State;
use tokio::time::Instant;

use crate::world::{Does, Listing, World, every, probe, read, service};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn everything_is_measured_once_and_at_the_same_time() {
    let mut world = World::new();
    for n in 0..100 {
        world.sensor(&n.to_string(), Class::Network, every(SECOND), |_| {
            Does::Takes(2 * SECOND)
        });
    }
    let begun = Instant::now();
    let checked = world.monitor().check(|_| {}).await;
    assert_eq!((checked.measured, checked.total), (100, 100));
    assert!(!checked.cancelled);
    assert_eq!(world.log.total(), 100);
    assert_eq!(begun.elapsed().as_secs(), 2);
    assert_eq!(checked.roots, [service()]);
    assert_eq!(
        read(&checked.graph, &service()).unwrap().state,
        State::Passing
    );
}

#[tokio::test(start_paused = true)]
async fn the_bounds_of_the_plan_hold() {
    let mut world = World::new();
    world.plan.concurrency = Concurrency {
        processes: 4,
        ..Concurrency::default()
    };
    for n in 0..20 {
        world.sensor(&n.to_string(), Class::Process, every(SECOND), |_| {
            Does::Takes(SECOND)
        });
    }
    let begun = Instant::now();
    let checked = world.monitor().check(|_| {}).await;
    assert_eq!(checked.measured, 20);
    assert_eq!(world.gauge.most(), 4);
    assert_eq!(begun.elapsed().as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn cancelled_it_tells_what_it_has() {
    let mut world = World::new();
    world.sensor("fast", Class::Network, every(SECOND), |_| {
        Does::Says(State::Passing)
    });
    world.sensor("slow", Class::Network, every(SECOND), |_| Does::Hangs);
    let cancel = world.settings.cancel.clone();
    let waiting_for = Mutex::new(None);
    let told = |progress: alpacalert::Progress| {
        *waiting_for.lock().unwrap() = progress.waiting_for;
        if progress.done == 1 {
            cancel.cancel();
        }
    };
    let checked = world.monitor().check(told).await;
    assert!(checked.cancelled);
    assert_eq!((checked.measured, checked.total), (1, 2));
    assert_eq!(waiting_for.lock().unwrap().as_deref(), Some("slow"));
    assert_eq!(
        read(&checked.graph, &probe("fast")).unwrap().state,
        State::Passing
    );
    let slow = read(&checked.graph, &probe("slow")).unwrap();
    assert_eq!(slow.state, State::Unknown);
    assert_eq!(slow.reason.as_str(), "not-measured");
    assert_eq!(
        read(&checked.graph, &service()).unwrap().state,
        State::Unknown
    );
}

#[tokio::test(start_paused = true)]
async fn cancelled_while_sources_are_asked_it_does_not_wait_for_them() {
    let mut world = World::new();
    world.source("cluster", Silent);
    world.found("cluster", &["web"]);
    world.settings.cancel.cancel();
    let begun = Instant::now();
    let checked = world.monitor().check(|_| {}).await;
    assert!(checked.cancelled);
    assert!(begun.elapsed() < SECOND);
    assert_eq!(
        read(&checked.graph, &service()).unwrap().state,
        State::Unknown
    );
}

/// A source that never answers.
struct Silent;

impl Source for Silent {
    fn fetch<'a>(&'a self, _: &'a Context) -> BoxFuture<'a, Result<Snapshot, SensorError>> {
        Box::pin(std::future::pending())
    }

    fn assemble(&self, _: &Snapshot, _: &mut Builder<'_>) -> Result<(), InstrumentError> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn retries_are_made_at_once_so_that_the_answer_is_confirmed() {
    let mut world = World::new();
    let schedule = ScheduleOverrides {
        retries: Some(2),
        retry_interval: Some(60 * SECOND),
        ..ScheduleOverrides::default()
    };
    world.sensor("down", Class::Network, schedule, |_| {
        Does::Says(State::Failing)
    });
    world.sensor("blip", Class::Network, schedule, |n| {
        Does::Says(if n == 0 {
            State::Failing
        } else {
            State::Passing
        })
    });
    let begun = Instant::now();
    let checked = world.monitor().check(|_| {}).await;
    let down = read(&checked.graph, &probe("down")).unwrap();
    assert_eq!(
        (down.state, down.confirmed),
        (State::Failing, State::Failing)
    );
    let blip = read(&checked.graph, &probe("blip")).unwrap();
    assert_eq!(
        (blip.state, blip.confirmed),
        (State::Passing, State::Passing)
    );
    assert_eq!(world.log.starts("down").len(), 3);
    assert_eq!(world.log.starts("blip").len(), 2);
    assert_eq!(begun.elapsed().as_secs(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_hangs_ends_at_its_time_out_and_what_panics_ends_alone() {
    let mut world = World::new();
    world.sensor("hangs", Class::Network, every(SECOND), |_| Does::Hangs);
    world.sensor("panics", Class::Local, every(SECOND), |_| Does::Panics);
    world.sensor("passes", Class::Local, every(SECOND), |_| {
        Does::Says(State::Passing)
    });
    let checked = world.monitor().check(|_| {}).await;
    let reason = |name| {
        read(&checked.graph, &probe(name))
            .unwrap()
            .reason
            .as_str()
            .to_owned()
    };
    assert_eq!(reason("hangs"), "timeout");
    assert_eq!(reason("panics"), "sensor-broken");
    assert_eq!(reason("passes"), "scripted");
}

#[tokio::test(start_paused = true)]
async fn a_source_that_cannot_be_reached_makes_its_members_unknown_with_the_reason() {
    let mut world = World::new();
    let (source, _) = Listing::new("cluster", Err("connection refused by 10.0.0.1"));
    world.source("cluster", source);
    world.found("cluster", &["web"]);
    let checked = world.monitor().check(|_| {}).await;
    let shop = read(&checked.graph, &service()).unwrap();
    assert_eq!(shop.state, State::Unknown);
    let key = checked.graph.key(&service()).unwrap();
    let (member, _) = checked.graph.get(key).unwrap().children().next().unwrap();
    let member = read(&checked.graph, member.id()).unwrap();
    assert_eq!(member.reason.as_str(), "source-lost");
    assert!(
        member.messages[0]
            .text
            .contains("connection refused by 10.0.0.1")
    );
}
