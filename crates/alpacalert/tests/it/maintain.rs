//! Work that is planned: marks that come and go by the clock.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use alpacalert::config::MemberTarget;
use alpacalert::instrument::{Class, Day, Request, TokioClock, When, Window};
use alpacalert::model::{Graph, Kind, Mark, NodeId, NodeKey, State, Timestamp, Transition};
use alpacalert::{Observer, Running};

use crate::clock::Wall;
use crate::world::{Does, Listing, World, every, probe, service, state, wait};

const SECOND: Duration = Duration::from_secs(1);

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn once(from: i64, until: i64) -> Window {
    Window {
        when: When::Once {
            from: at(from),
            until: at(until),
        },
        reason: "upgrade".into(),
    }
}

/// Until when a node is in maintenance, and why.
async fn planned(running: &Running, id: &NodeId) -> Option<(i64, String)> {
    let id = id.clone();
    let read = move |graph: &Graph| {
        let node = graph.get(graph.key(&id)?)?;
        let planned = node.maintenance();
        assert_eq!(planned.is_some(), node.marks().has(Mark::Maintenance));
        planned.map(|planned| (planned.until.as_second(), planned.reason.to_string()))
    };
    running.query(read).await.expect("the engine runs")
}

/// What an observer is told, with the second.
#[derive(Default)]
struct Heard(Mutex<Vec<(i64, String)>>);

impl Observer for Heard {
    fn changed(&self, graph: &Graph, transitions: &[Transition], _: &[NodeId], now: Timestamp) {
        for transition in transitions {
            let node = graph.get(transition.node).unwrap();
            let marked = node.marks().has(Mark::Maintenance);
            let text = format!("{} {} {marked}", node.title(), node.state());
            self.0.lock().unwrap().push((now.as_second(), text));
        }
    }

    fn maintained(&self, graph: &Graph, nodes: &[NodeKey], now: Timestamp) {
        for key in nodes {
            let node = graph.get(*key).unwrap();
            let marked = node.marks().has(Mark::Maintenance);
            let text = format!("{} maintained {marked}", node.title());
            self.0.lock().unwrap().push((now.as_second(), text));
        }
    }
}

fn passes(_: usize) -> Does {
    Does::Says(State::Passing)
}

#[tokio::test(start_paused = true)]
async fn a_window_opens_and_closes_by_the_clock_and_nothing_else_changes() {
    let mut world = World::new();
    // Nothing is measured between: the clock alone makes it happen.
    world.sensor("a", Class::Network, every(3600 * SECOND), passes);
    world.plan.groups[0].maintenance = vec![once(100, 200), once(150, 250), once(400, 500)];
    let heard = Arc::new(Heard::default());
    world.settings.observer = Some(heard.clone());
    let running = world.start();
    let mut changes = running.changes();
    wait(99.9).await;
    assert_eq!(planned(&running, &service()).await, None);
    let before = state(&running, &service()).await;
    while changes.try_recv().is_ok() {}
    wait(0.2).await;
    let until = Some((250, "upgrade".to_owned()));
    assert_eq!(planned(&running, &service()).await, until);
    assert_eq!(planned(&running, &probe("a")).await, until);
    assert_eq!(state(&running, &service()).await, before);
    let nudge = changes.try_recv().expect("who shows it is told");
    assert!(nudge.is_empty(), "nothing changed its state: {nudge:?}");
    wait(149.8).await;
    assert_eq!(planned(&running, &service()).await, until);
    wait(0.2).await;
    assert_eq!(planned(&running, &service()).await, None);
    wait(200.0).await;
    assert_eq!(
        planned(&running, &service()).await,
        Some((500, "upgrade".to_owned()))
    );
    running.shutdown().await;
    let mut heard = heard.0.lock().unwrap().clone();
    heard.retain(|(_, text)| text.contains("maintained"));
    heard.sort();
    let told =
        |second, marked| ["a", "shop"].map(|name| (second, format!("{name} maintained {marked}")));
    assert_eq!(
        heard,
        [told(100, true), told(250, false), told(400, true)].concat()
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_seen_first_while_work_is_planned_is_told_as_such() {
    let mut world = World::new();
    world.sensor("a", Class::Network, every(SECOND), passes);
    world.plan.groups[0].maintenance = vec![once(0, 60)];
    let heard = Arc::new(Heard::default());
    world.settings.observer = Some(heard.clone());
    let running = world.start();
    wait(10.0).await;
    running.shutdown().await;
    let heard = heard.0.lock().unwrap().clone();
    let states: Vec<&String> = heard
        .iter()
        .map(|(_, text)| text)
        .filter(|text| text.contains("passing"))
        .collect();
    assert_eq!(states, ["a passing true", "shop passing true"], "{heard:?}");
}

#[tokio::test(start_paused = true)]
async fn a_reload_brings_and_takes_windows_at_once() {
    let mut world = World::new();
    world.sensor("a", Class::Network, every(SECOND), passes);
    let running = world.start();
    wait(5.0).await;
    assert_eq!(planned(&running, &service()).await, None);
    world.plan.groups[0].maintenance = vec![once(0, 60)];
    assert!(running.reload(world.monitor()).await);
    assert!(planned(&running, &service()).await.is_some());
    world.plan.groups[0].maintenance.clear();
    assert!(running.reload(world.monitor()).await);
    assert_eq!(planned(&running, &service()).await, None);
    assert_eq!(planned(&running, &probe("a")).await, None);
    running.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_wall_clock_that_jumps_over_an_edge_is_noticed_within_a_minute() {
    let mut world = World::new();
    let wall = Wall::starting(at(0));
    world.settings.clock = Arc::new(wall.clone());
    world.sensor("a", Class::Network, every(3600 * SECOND), passes);
    world.plan.groups[0].maintenance = vec![once(100_000, 200_000)];
    let running = world.start();
    wait(70.0).await;
    for (jump, open) in [
        (150_000, true),
        (100_000, false),
        (-100_000, true),
        (-100_000, false),
    ] {
        wall.jump(jump);
        wait(61.0).await;
        assert_eq!(
            planned(&running, &service()).await.is_some(),
            open,
            "{jump}"
        );
    }
    running.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn sensors_and_things_of_sources_have_windows_of_their_own() {
    let mut world = World::new();
    world.sensor("a", Class::Network, every(SECOND), passes);
    world.sensor("b", Class::Network, every(SECOND), passes);
    let MemberTarget::Request(request) = &mut world.plan.groups[0].members[0].target else {
        unreachable!("a sensor");
    };
    request.maintenance = vec![once(100, 200)];
    let (source, _) = Listing::new("cluster", Ok(vec![("x", None)]));
    world.source("cluster", source);
    let mut request = Request::from_source("cluster", Kind::of(crate::world::KIND), "x");
    request.maintenance = vec![once(150, 250)];
    let target = MemberTarget::Request(Box::new(request));
    world.plan.groups[0]
        .members
        .push(crate::world::member(target));
    world.script("x", Class::Network, passes);
    let running = world.start();
    let x = NodeId::new("cluster", Kind::of(crate::world::KIND), "x");
    let all = || async {
        let mut open = Vec::new();
        for id in [probe("a"), probe("b"), x.clone(), service()] {
            open.push(planned(&running, &id).await.is_some());
        }
        open
    };
    for (second, open) in [
        (50.0, [false, false, false, false]),
        (120.0, [true, false, false, false]),
        (170.0, [true, false, true, false]),
        (220.0, [false, false, true, false]),
        (260.0, [false, false, false, false]),
    ] {
        let now = world.settings.clock.now().as_second() as f64;
        wait(second - now).await;
        assert_eq!(all().await, open, "at {second}");
    }
    running.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_check_shows_what_is_in_maintenance() {
    let mut world = World::new();
    world.sensor("a", Class::Network, every(SECOND), passes);
    let start: Timestamp = "2026-11-29T02:30:00Z".parse().unwrap();
    world.settings.clock = Arc::new(TokioClock::starting(start));
    world.plan.groups[0].maintenance = vec![Window {
        when: When::Again {
            days: vec![Day::Every],
            from: "02:00".parse().unwrap(),
            until: "04:00".parse().unwrap(),
            zone: jiff::tz::TimeZone::UTC,
        },
        reason: "nightly".into(),
    }];
    let checked = world.monitor().check(|_| {}).await;
    let node = checked
        .graph
        .get(checked.graph.key(&service()).unwrap())
        .unwrap();
    let until = node.maintenance().map(|planned| planned.until.to_string());
    assert_eq!(until.as_deref(), Some("2026-11-29T04:00:00Z"));
}
