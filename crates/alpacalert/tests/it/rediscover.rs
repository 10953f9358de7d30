//! Things that appear and disappear on this machine while everything runs.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use alpacalert::config::MemberTarget;
use alpacalert::instrument::{Class, InstrumentError, Request, ScheduleOverrides, Scope, Target};
use alpacalert::model::{Effect, Kind, NodeId, State};
use alpacalert::{Monitor, Running};
use tokio::time::Instant;

use crate::world::{
    Does, KIND, Listing, World, every, member, probe, service, state, status, wait,
};

const SECOND: Duration = Duration::from_secs(1);

/// What a machine has just now, or why nobody can tell.
type Parts = Arc<Mutex<Result<Vec<&'static str>, &'static str>>>;

/// A world with a machine in its service, whose parts are looked up anew at each assembly.
struct Machine {
    world: World,
    parts: Parts,
}

impl Machine {
    fn new(parts: &[&'static str]) -> Self {
        let mut world = World::new();
        let request = Request::local(Kind::of("example.org/Machine"), "here");
        let target = MemberTarget::Request(Box::new(request));
        world.plan.groups[0].members.push(member(target));
        Machine {
            world,
            parts: Arc::new(Mutex::new(Ok(parts.to_vec()))),
        }
    }

    fn has(&self, parts: Result<&[&'static str], &'static str>) {
        *self.parts.lock().unwrap() = parts.map(<[_]>::to_vec);
    }

    fn monitor(&self) -> Monitor {
        let mut registry = self.world.registry();
        let parts = self.parts.clone();
        registry.register(
            Kind::of("example.org/Machine"),
            move |_: &Target, scope: &mut Scope<'_, '_>| {
                let parts = parts
                    .lock()
                    .unwrap()
                    .clone()
                    .map_err(InstrumentError::new)?;
                for part in parts {
                    let mut request = Request::local(Kind::of(KIND), part);
                    request.schedule = every(5 * SECOND);
                    scope.require(request, Effect::Required);
                }
                Ok(())
            },
        );
        Monitor::build(&self.world.plan, registry, self.world.settings.clone()).unwrap()
    }
}

/// Fails when it is measured for the first time, so that a sensor that is made anew shows.
fn fails_first(n: usize) -> Does {
    Does::Says(match n {
        0 => State::Failing,
        _ => State::Passing,
    })
}

async fn has(running: &Running, id: NodeId) -> bool {
    status(running, &id).await.is_some()
}

#[tokio::test(start_paused = true)]
async fn what_appears_is_measured_a_minute_later_and_everything_else_goes_on_as_it_was() {
    let mut machine = Machine::new(&["old"]);
    let world = &mut machine.world;
    world.script("old", Class::Network, fails_first);
    world.script("new", Class::Network, |_| Does::Says(State::Degraded));
    // And a thing of a source that says nothing new.
    let (source, _) = Listing::new("cluster", Ok(Vec::new()));
    world.source("cluster", source);
    world.plan.sources[0].schedule.interval = Some(3600 * SECOND);
    world.script("pod", Class::Network, fails_first);
    let mut pod = Request::from_source("cluster", Kind::of(KIND), "pod");
    pod.schedule = ScheduleOverrides {
        interval: Some(5 * SECOND),
        ..ScheduleOverrides::default()
    };
    let target = MemberTarget::Request(Box::new(pod));
    world.plan.groups[0].members.push(member(target));

    let begun = Instant::now();
    let running = machine.monitor().start();
    wait(30.0).await;
    machine.has(Ok(&["new", "old"]));
    assert_eq!(state(&running, &service()).await, State::Passing);
    let since = status(&running, &probe("old")).await.unwrap().since;
    let mut changes = running.changes();
    wait(29.0).await;
    assert!(!has(&running, probe("new")).await);
    wait(7.0).await;
    assert_eq!(state(&running, &probe("new")).await, State::Degraded);
    assert_eq!(state(&running, &service()).await, State::Degraded);

    wait(300.0).await;
    assert_eq!(status(&running, &probe("old")).await.unwrap().since, since);
    for name in ["old", "pod"] {
        let times = machine.world.log.seconds(name, begun);
        assert!(times.len() >= 70, "{name} at {times:?}");
        for pair in times.windows(2) {
            assert!(
                (pair[1] - pair[0] - 5.0).abs() < 0.01,
                "{name} at {times:?}"
            );
        }
    }
    while let Ok(batch) = changes.try_recv() {
        for change in batch.iter() {
            let name = change.id.reference().as_ref();
            assert!(!["old", "pod"].contains(&name), "{change:?}");
        }
    }
    running.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn what_disappears_is_measured_on_until_another_plan() {
    let mut machine = Machine::new(&["disk", "other"]);
    let world = &mut machine.world;
    world.script("other", Class::Network, |_| Does::Says(State::Passing));
    world.script("disk", Class::Network, |n| match n {
        0..4 => Does::Says(State::Passing),
        _ => Does::Says(State::Failing),
    });
    let begun = Instant::now();
    let running = machine.monitor().start();
    wait(30.0).await;
    assert_eq!(state(&running, &service()).await, State::Failing);

    // A broken disk is not among the working ones: that is no recovery.
    machine.has(Ok(&["other"]));
    wait(200.0).await;
    assert_eq!(state(&running, &probe("disk")).await, State::Failing);
    assert_eq!(state(&running, &service()).await, State::Failing);
    assert!(machine.world.log.starts("disk").len() >= 40);

    // And when nobody can tell what there is, that is said beside it.
    machine.has(Err("cannot read the table"));
    wait(100.0).await;
    let here = NodeId::new("local", Kind::of("example.org/Machine"), "here");
    let problem = NodeId::new(
        "local",
        Kind::of("example.org/Machine#instrumentor"),
        "here",
    );
    assert_eq!(state(&running, &problem).await, State::Unknown);
    assert_eq!(state(&running, &here).await, State::Failing);
    assert_eq!(state(&running, &probe("other")).await, State::Passing);

    machine.has(Ok(&["disk", "other"]));
    wait(100.0).await;
    assert!(!has(&running, problem).await);
    for name in ["disk", "other"] {
        let times = machine.world.log.seconds(name, begun);
        for pair in times.windows(2) {
            assert!(
                (pair[1] - pair[0] - 5.0).abs() < 0.01,
                "{name} at {times:?}"
            );
        }
    }

    machine.has(Ok(&["other"]));
    assert!(running.reload(machine.monitor()).await);
    wait(1.0).await;
    assert!(!has(&running, probe("disk")).await);
    assert_eq!(state(&running, &service()).await, State::Passing);
    running.shutdown().await;
}
