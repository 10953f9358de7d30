//! Two that want the same node.

use std::time::Duration;

use alpacalert::config::MemberTarget;
use alpacalert::instrument::{Class, Request};
use alpacalert::model::{Kind, NodeId, Reason, State};

use crate::world::{
    Does, KIND, Knows, Listing, Names, World, member, service, state, status, wait,
};

/// A source that tells of things under another source's name, and has news at an interval.
fn tells_of_shared(world: &mut World, name: &str, seconds: u64, has: Names) -> Knows {
    let (source, knows) = Listing::new("shared", Ok(has));
    world.source(name, source);
    world.plan.sources.last_mut().unwrap().schedule.interval = Some(Duration::from_secs(seconds));
    knows
}

fn measured(name: &str) -> NodeId {
    NodeId::new("shared", Kind::of(KIND), name)
}

#[tokio::test(start_paused = true)]
async fn a_node_goes_to_the_next_who_wants_it_without_waiting_for_that_one_s_news() {
    let mut world = World::new();
    world.script("p", Class::Network, |_| Does::Says(State::Passing));
    let both = |state| vec![("x", Some(state)), ("p", None)];
    let first = tells_of_shared(&mut world, "first", 10, both(State::Passing));
    let second = tells_of_shared(&mut world, "second", 1000, Vec::new());
    let third = tells_of_shared(&mut world, "third", 1000, Vec::new());
    let running = world.start();
    wait(5.0).await;
    *second.lock().unwrap() = Ok(both(State::Failing));
    *third.lock().unwrap() = Ok(both(State::Degraded));
    wait(1000.0).await;
    let x = Listing::id("shared", "x");
    assert_eq!(state(&running, &x).await, State::Passing);
    // Three want it measured, and it is measured once per interval: every five seconds.
    let measured_by_now = world.log.starts("p").len();
    assert!((200..=202).contains(&measured_by_now), "{measured_by_now}");

    // The others have told theirs already, and will not tell it again for a long time.
    *first.lock().unwrap() = Ok(Vec::new());
    wait(20.0).await;
    let now = state(&running, &x).await;
    assert!([State::Failing, State::Degraded].contains(&now), "{now:?}");
    let before = world.log.starts("p").len();
    wait(20.0).await;
    assert_eq!(world.log.starts("p").len() - before, 4);
    assert_eq!(state(&running, &measured("p")).await, State::Passing);

    // The first wants it again, and has to wait: nothing goes back and forth.
    *first.lock().unwrap() = Ok(both(State::Passing));
    wait(60.0).await;
    assert_eq!(state(&running, &x).await, now);
    running.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn the_configuration_gets_a_node_that_its_source_no_longer_builds() {
    let mut world = World::new();
    world.script("p", Class::Network, |_| Does::Says(State::Passing));
    let source = tells_of_shared(&mut world, "first", 10, vec![("p", None)]);
    tells_of_shared(&mut world, "shared", 1000, Vec::new());
    let running = world.start();
    wait(15.0).await;
    let request = Request::from_source("shared", Kind::of(KIND), "p");
    let target = MemberTarget::Request(Box::new(request));
    world.plan.groups[0].members.push(member(target));
    assert!(running.reload(world.monitor()).await);

    *source.lock().unwrap() = Ok(Vec::new());
    wait(11.0).await;
    // At once: it is there, and waits for its first measurement at the plan's usual interval.
    let seen = status(&running, &measured("p")).await.expect("it stays");
    assert_ne!(seen.reason, Reason::MISSING);
    wait(30.0).await;
    assert_eq!(state(&running, &service()).await, State::Passing);
    running.shutdown().await;
}
