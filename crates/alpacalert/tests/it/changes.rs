//! A source that tells what has changed shows the same as one that tells everything each time.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use alpacalert::config::MemberTarget;
use alpacalert::instrument::{
    BoxFuture, Builder, Context, Fact, InstrumentError, News, Request, Scope, Sensor, SensorError,
    Snapshot, Source, Target, When, Window,
};
use alpacalert::model::{Effect, Graph, Kind, Mark, NodeId, Observation, Reason, State, Timestamp};
use alpacalert::{Monitor, Running};
use tokio::sync::mpsc;

use crate::world::{World, group, member, wait};

const TOY: &str = "example.org/Toy";

/// What is known of a thing.
#[derive(Clone, Debug, PartialEq)]
struct Toy {
    state: State,
    requires: Vec<String>,
    /// Whether the source shows it although nothing requires it.
    shown: bool,
    /// Whether it has a sensor of its own.
    measured: bool,
    /// From when on it is Failing.
    ends: Option<Timestamp>,
}

type Toys = BTreeMap<String, Toy>;

/// What is delivered: things that are otherwise, or gone.
struct Changes(Mutex<Vec<(String, Option<Toy>)>>);

type Delivered = Result<Vec<(String, Option<Toy>)>, &'static str>;

type Sender = mpsc::UnboundedSender<Delivered>;

struct Told {
    tells_changes: bool,
    receiver: Mutex<Option<mpsc::UnboundedReceiver<Delivered>>>,
}

fn id(name: &str) -> NodeId {
    NodeId::new("toys", Kind::of(TOY), name)
}

fn request(name: &str) -> Request {
    Request::from_source("toys", Kind::of(TOY), name)
}

struct Always;

impl Sensor for Always {
    fn measure<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Observation, SensorError>> {
        Box::pin(async { Ok(Observation::passing(cx.now())) })
    }
}

/// A time that lasts, in which somebody works.
fn always(who: &str) -> Window {
    Window {
        when: When::Once {
            from: Timestamp::UNIX_EPOCH,
            until: Timestamp::from_second(1_000_000_000).unwrap(),
        },
        reason: who.into(),
    }
}

/// What the rules look up, which notes it.
fn look<'a>(toys: &'a Toys, name: &str) -> Option<&'a Toy> {
    Fact::of(name).note();
    toys.get(name)
}

fn instrument(target: &Target, scope: &mut Scope<'_, '_>) -> Result<(), InstrumentError> {
    let Some(toys) = scope.snapshot::<Toys>() else {
        return Err(InstrumentError::new("nothing is known"));
    };
    let name: &str = target.id.reference();
    let now = scope.now();
    let Some(toy) = look(toys, name) else {
        scope.observed(Observation::failing(Reason::MISSING, "is not there", now));
        return Ok(());
    };
    let mut state = toy.state;
    if let Some(ends) = toy.ends {
        match now < ends {
            true => Fact::note_due(ends),
            false => state = State::Failing,
        }
    }
    scope.observed_part(
        "status",
        None,
        "status",
        Effect::Required,
        Observation::new(state, Reason::fixed("told"), now),
    );
    if toy.measured {
        scope.sensor_part(
            "probe",
            None,
            "probe",
            // When it is measured first is left to chance.
            Effect::Optional,
            Always,
        );
    }
    for required in &toy.requires {
        let mut request = request(required);
        // Work on these is planned by whoever requires them, and by no one else.
        if ["e", "f", "h"].contains(&required.as_str()) {
            request.maintenance = vec![always(name)];
        }
        scope.require(request, Effect::Required);
    }
    Ok(())
}

impl Source for Told {
    fn fetch<'a>(&'a self, _: &'a Context) -> BoxFuture<'a, Result<Snapshot, SensorError>> {
        Box::pin(async { Ok(Snapshot::new(Toys::new())) })
    }

    fn assemble(
        &self,
        snapshot: &Snapshot,
        builder: &mut Builder<'_>,
    ) -> Result<(), InstrumentError> {
        Fact::of("shown").note();
        let toys = snapshot.get::<Toys>().unwrap();
        for (name, _) in toys.iter().filter(|(_, toy)| toy.shown) {
            builder.instrument(request(name))?;
        }
        Ok(())
    }

    fn merge(&self, known: Option<Snapshot>, delivered: Snapshot) -> News {
        let mut known = known.unwrap_or_else(|| Snapshot::new(Toys::new()));
        let Some(Changes(changes)) = delivered.get() else {
            return News {
                snapshot: delivered,
                changed: None,
            };
        };
        let changes = std::mem::take(&mut *changes.lock().unwrap());
        let toys = known.get_mut::<Toys>().unwrap();
        let mut facts = vec![Fact::of("shown")];
        for (name, toy) in changes {
            facts.push(Fact::of(name.as_str()));
            match toy {
                Some(toy) => toys.insert(name, toy),
                None => toys.remove(&name),
            };
        }
        News {
            snapshot: known,
            changed: self.tells_changes.then_some(facts),
        }
    }

    fn notes_facts(&self) -> bool {
        self.tells_changes
    }

    fn interval(&self) -> Duration {
        Duration::from_secs(1_000_000)
    }

    fn watch<'a>(
        &'a self,
        cx: &'a Context,
        deliver: mpsc::Sender<Result<Snapshot, SensorError>>,
    ) -> BoxFuture<'a, ()> {
        let receiver = self.receiver.lock().unwrap().take();
        Box::pin(async move {
            let Some(mut receiver) = receiver else {
                return cx.cancel().cancelled().await;
            };
            while let Some(said) = receiver.recv().await {
                let said = match said {
                    Ok(changes) => Ok(Snapshot::new(Changes(Mutex::new(changes)))),
                    Err(why) => Err(SensorError::new(Reason::SOURCE_LOST, why)),
                };
                if deliver.send(said).await.is_err() {
                    return;
                }
            }
        })
    }
}

/// An instance whose configuration asks for two of the things beside, and for what a path leads to.
fn start(tells_changes: bool) -> (Running, Sender) {
    let mut world = World::new();
    let (sender, receiver) = mpsc::unbounded_channel();
    world.source(
        "toys",
        Told {
            tells_changes,
            receiver: Mutex::new(Some(receiver)),
        },
    );
    world.plan.sources[0].owner = Some("team".into());
    world.found("toys", &["b"]);
    let other = NodeId::new("local", Kind::of("alpacalert.io/Service"), "other");
    world.plan.groups.push(group(other));
    for name in ["a", "g"] {
        let mut request = request(name);
        if name == "g" {
            request.maintenance = vec![always("the configuration")];
        }
        let target = MemberTarget::Request(Box::new(request));
        world.plan.groups[1].members.push(member(target));
    }
    let mut registry = world.registry();
    registry.register(Kind::of(TOY), instrument);
    let monitor = Monitor::build(&world.plan, registry, world.settings.clone()).unwrap();
    (monitor.start(), sender)
}

fn told(graph: &Graph) -> BTreeMap<String, String> {
    let tell = |node: alpacalert::model::NodeRef<'_>| {
        let members: Vec<String> = node
            .children()
            .map(|(child, edge)| format!("{} {edge:?}", child.id()))
            .collect();
        if node.id().kind().as_str().ends_with("#probe") {
            return format!("of {:?}", node.provider());
        }
        // Of several who say so at once, any may be named.
        let maintenance = node.maintenance().is_some();
        assert_eq!(maintenance, node.marks().has(Mark::Maintenance));
        format!(
            "{maintenance} {} {:?} {:?} {:?} {} {:?} {members:?} of {:?}",
            node.title(),
            node.own_owner(),
            node.role(),
            node.state(),
            node.reason(),
            node.messages(),
            node.provider(),
        )
    };
    graph
        .nodes()
        .map(|node| (node.id().to_string(), tell(node)))
        .collect()
}

async fn seen(running: &Running) -> (BTreeMap<String, String>, usize) {
    let graph = running.query(told).await.expect("the engine runs");
    (graph, running.stats().await.sensors)
}

const NAMES: [&str; 9] = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];

fn toy(random: &mut fastrand::Rng, place: usize, seconds: i64) -> Toy {
    // Only later names, or now and then any: things that require each other.
    let from = match random.u32(..25) {
        0 => 0,
        _ => place + 1,
    };
    let mut requires: Vec<String> = NAMES[from..]
        .iter()
        .map(|name| (*name).to_owned())
        .collect();
    requires.retain(|_| random.u32(..3) == 0);
    Toy {
        state: [
            State::Passing,
            State::Degraded,
            State::Unknown,
            State::Failing,
        ][random.usize(..4)],
        requires,
        shown: random.u32(..3) == 0,
        measured: random.u32(..4) == 0,
        ends: (random.u32(..4) == 0).then(|| {
            Timestamp::from_millisecond((seconds + random.i64(1..40)) * 1000 + 250).unwrap()
        }),
    }
}

#[tokio::test(start_paused = true)]
async fn whether_all_or_what_has_changed_is_told_the_graph_is_the_same() {
    for seed in 0..30 {
        let mut random = fastrand::Rng::with_seed(seed);
        let (all, tell_all) = start(false);
        let (changes, tell_changes) = start(true);
        for step in 0..40 {
            let said = match random.u32(..12) {
                0 => Err("cut"),
                _ => Ok((0..random.usize(1..4))
                    .map(|_| {
                        let place = random.usize(..NAMES.len());
                        let there = random.u32(..4) > 0;
                        let toy = there.then(|| toy(&mut random, place, step * 10));
                        (NAMES[place].to_owned(), toy)
                    })
                    .collect::<Vec<_>>()),
            };
            tell_all.send(said.clone()).unwrap();
            tell_changes.send(said.clone()).unwrap();
            wait(10.0).await;
            // The source that tells all does not know that something has its time until it is told again.
            tell_all
                .send(
                    Ok(Vec::new())
                        .and_then(|none: Vec<_>| said.as_ref().map(|_| none).map_err(|why| *why)),
                )
                .unwrap();
            wait(0.1).await;
            let (one, other) = (seen(&all).await, seen(&changes).await);
            wait(0.9).await;
            // Which edge of a cycle is left out depends on which came first.
            let is_round = one
                .0
                .values()
                .chain(other.0.values())
                .any(|told| told.contains("would form a cycle"));
            if is_round {
                assert!(
                    one.0.keys().eq(other.0.keys()),
                    "seed {seed}, step {step}: {said:?}"
                );
                continue;
            }
            assert_eq!(
                one.0.keys().collect::<Vec<_>>(),
                other.0.keys().collect::<Vec<_>>(),
                "seed {seed}, step {step}: {said:?}"
            );
            for (id, told) in &one.0 {
                assert_eq!(
                    other.0.get(id),
                    Some(told),
                    "seed {seed}, step {step}, {id}: {said:?}"
                );
            }
            assert_eq!(
                one.0.len(),
                other.0.len(),
                "seed {seed}, step {step}: {said:?}"
            );
            assert_eq!(one.1, other.1, "seed {seed}, step {step}: {said:?}");
        }
        all.shutdown().await;
        changes.shutdown().await;
    }
}

/// A thing that changes its state all the time flaps, and stops to, although nobody says again that it is as it was.
#[tokio::test(start_paused = true)]
async fn what_flapped_and_is_steady_flaps_no_more() {
    let (running, tell) = start(true);
    let say = |state| {
        let toy = Toy {
            state,
            requires: Vec::new(),
            shown: true,
            measured: false,
            ends: None,
        };
        tell.send(Ok(vec![("c".to_owned(), Some(toy))])).unwrap();
    };
    let flaps = async || {
        let status = NodeId::new("toys", Kind::of("example.org/Toy#status"), "c");
        let marks = move |graph: &Graph| {
            graph
                .get(graph.key(&status).unwrap())
                .unwrap()
                .marks()
                .has(Mark::Flapping)
        };
        running.query(marks).await.unwrap()
    };
    for _ in 0..10 {
        say(State::Failing);
        wait(1.0).await;
        say(State::Passing);
        wait(1.0).await;
    }
    assert!(flaps().await);
    wait(30.0 * 60.0).await;
    assert!(!flaps().await);
    running.shutdown().await;
}

/// One thing's change asks about it and what looked at it, and about nothing else.
#[tokio::test(start_paused = true)]
async fn a_change_costs_what_it_changes() {
    let (running, tell) = start(true);
    let toy = |state, requires: &[&str]| Toy {
        state,
        requires: requires.iter().map(|name| (*name).to_owned()).collect(),
        shown: true,
        measured: false,
        ends: None,
    };
    let many = (0..2_000).map(|n| (format!("toy-{n:04}"), Some(toy(State::Passing, &[]))));
    tell.send(Ok(many.collect())).unwrap();
    wait(1.0).await;
    let counted = running.stats().await;
    assert!(counted.nodes > 4_000, "{counted:?}");
    let before = counted.evaluations;
    tell.send(Ok(vec![(
        "toy-0007".to_owned(),
        Some(toy(State::Failing, &[])),
    )]))
    .unwrap();
    wait(1.0).await;
    let failing = running.query(|graph| {
        graph
            .get(graph.key(&id("toy-0007")).unwrap())
            .unwrap()
            .state()
    });
    assert_eq!(failing.await.unwrap(), State::Failing);
    let judged = running.stats().await.evaluations - before;
    assert!(judged < 10, "{judged} systems were judged");
    running.shutdown().await;
}
