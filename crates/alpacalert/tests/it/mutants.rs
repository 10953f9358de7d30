//! Configurations that somebody changed, rightly or wrongly, while everything runs.
//!
//! A generator changes a good configuration here and there. Whatever becomes of it is either refused whole, or taken over:
//! then what it leaves alone has no change of state and keeps its place in time, and everything is soon as in an engine that
//! began with it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use alpacalert::config::{MemberTarget, Plan, parse};
use alpacalert::instrument::{
    BoxFuture, Class, Context, Field, KindSpec, Registry, Scope, Sensor, SensorError, Shape, Target,
};
use alpacalert::model::{Graph, Kind, NodeId, Observation, Reason, State, Timestamp};
use alpacalert::{Monitor, Running, Settings};
use tokio::time::Instant;

use crate::world::{Does, KIND, World, every, group, member, probe, state, wait};

/// Overrides how many there are, and which.
const MUTANTS: &str = "ALPACALERT_MUTANTS";
const SEED: &str = "ALPACALERT_SEED";

const USUAL: u64 = 300;

/// Longer than the first measurement of anything takes to come.
const SETTLED: f64 = 31.0;

fn number(variable: &str, usual: u64) -> u64 {
    let given = std::env::var(variable).ok();
    given.and_then(|given| given.parse().ok()).unwrap_or(usual)
}

/// When each was measured.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<HashMap<String, Vec<Instant>>>>);

/// Always in the same state, which its name tells: whatever else it is shown in is a fault.
struct Steady {
    name: String,
    log: Log,
}

impl Sensor for Steady {
    fn measure<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Observation, SensorError>> {
        let mut log = self.log.0.lock().unwrap();
        log.entry(self.name.clone())
            .or_default()
            .push(Instant::now());
        let state = match self.name.bytes().map(u32::from).sum::<u32>() % 7 {
            0 => State::Failing,
            1 => State::Degraded,
            _ => State::Passing,
        };
        let seen = Observation::new(state, Reason::fixed("steady"), cx.now());
        Box::pin(async move { Ok(seen) })
    }

    fn class(&self) -> Class {
        Class::Network
    }
}

fn registry(log: &Log) -> Registry {
    let mut spec = KindSpec::new(Kind::of(KIND), "a thing that stays as it is");
    spec.alias = Some("probe");
    spec.fields = vec![Field::required("name", Shape::Text, "which")];
    spec.reference = &["name"];
    let log = log.clone();
    let mut registry = Registry::new();
    registry.register_kind(spec, move |target: &Target, scope: &mut Scope<'_, '_>| {
        scope.sensor(Steady {
            name: target.id.reference().to_string(),
            log: log.clone(),
        });
        Ok(())
    });
    registry
}

/// Three layers: what others rely on, what relies on it, and services. Every list has a line for each of its members.
fn good() -> Vec<String> {
    let mut text = vec!["instance: here".to_owned(), "owner: us".to_owned()];
    text.push("defaults: { interval: 5s }".to_owned());
    text.push("systems:".to_owned());
    let rules = ["all:", "any:", "at_least: 2", "at_least: 50%"];
    for n in 0..8 {
        text.push(format!("  y{n}:"));
        text.push(format!("    title: system {n}"));
        text.push(format!("    {}", rules[n % rules.len()]));
        if n % rules.len() > 1 {
            text.push("    of:".to_owned());
        }
        for m in 0..3 {
            text.push(format!(
                "      - probe: {{ name: p{}, interval: {}s }}",
                3 * n + m,
                2 + m
            ));
        }
        if n > 3 {
            text.push(format!("      - y{}", n - 4));
        }
    }
    text.push("services:".to_owned());
    for n in 0..4 {
        text.push(format!("  s{n}:"));
        text.push(format!("    public: {}", n % 2 == 0));
        text.push("    requires:".to_owned());
        text.push(format!("      - y{}", n + 4));
        text.push(format!("      - probe: {{ name: q{n} }}"));
        text.push("    optional:".to_owned());
        text.push(format!("      - probe: {{ name: r{n}, retries: {n} }}"));
    }
    text
}

/// One change: half of them what people do, half of them slips.
fn mutate(lines: &mut Vec<String>, rng: &mut fastrand::Rng) {
    if lines.is_empty() {
        return;
    }
    let at = rng.usize(..lines.len());
    let digit = |line: &str, rng: &mut fastrand::Rng| {
        let digits: Vec<usize> = line
            .bytes()
            .enumerate()
            .filter_map(|(at, byte)| byte.is_ascii_digit().then_some(at))
            .collect();
        let mut line = line.to_owned();
        if let Some(at) = rng.choice(digits) {
            line.replace_range(at..=at, &rng.u8(0..10).to_string());
        }
        line
    };
    match rng.u8(0..12) {
        0 => drop(lines.remove(at)),
        1 => lines.insert(at, lines[at].clone()),
        2 => lines.insert(at, format!("      - probe: {{ name: n{} }}", rng.u8(..))),
        3 => lines.insert(at, format!("      - y{}", rng.u8(0..9))),
        4..=6 => lines[at] = digit(&lines[at], rng),
        7 => {
            let words = [
                "all:",
                "any:",
                "degrades:",
                "optional:",
                "inverted:",
                "requires:",
            ];
            if let Some(word) = words.iter().find(|word| lines[at].contains(**word)) {
                lines[at] = lines[at].replace(word, words[rng.usize(..words.len())]);
            }
        }
        8 => lines[at].insert_str(0, "  "),
        9 => lines[at] = lines[at].replacen("  ", "", 1),
        10 => {
            let mut line: Vec<char> = lines[at].chars().collect();
            let strange = [
                ':', '-', '[', '{', '}', '"', '#', '&', '*', '\t', '\0', 'é', '%', ' ',
            ];
            let place = rng.usize(..line.len().max(1));
            line.insert(place.min(line.len()), strange[rng.usize(..strange.len())]);
            lines[at] = line.into_iter().collect();
        }
        _ => lines.truncate(at.max(lines.len() / 2)),
    }
}

/// All that a node's state follows from, for each node of a plan.
fn made_of(plan: &Plan) -> BTreeMap<NodeId, String> {
    let common = format!("{:?} {:?}", plan.defaults, plan.extensions);
    let mut of: BTreeMap<NodeId, String> = BTreeMap::new();
    for group in &plan.groups {
        for member in &group.members {
            if let MemberTarget::Request(request) = &member.target {
                let id = NodeId::new(
                    request.source.clone(),
                    request.kind.clone(),
                    request.reference.clone(),
                );
                let of = of.entry(id).or_insert_with(|| common.clone());
                *of += &format!("{request:?}");
            }
        }
    }
    // As many rounds as there can be layers.
    for _ in 0..=plan.groups.len() {
        for group in &plan.groups {
            let mut text = format!("{group:?}");
            for member in &group.members {
                let id = match &member.target {
                    MemberTarget::Node(id) => id.clone(),
                    MemberTarget::Request(request) => NodeId::new(
                        request.source.clone(),
                        request.kind.clone(),
                        request.reference.clone(),
                    ),
                    MemberTarget::Found { .. } => continue,
                };
                text += of.get(&id).map_or("", String::as_str);
            }
            let mut hasher = std::hash::DefaultHasher::new();
            std::hash::Hash::hash(&text, &mut hasher);
            of.insert(
                group.id.clone(),
                std::hash::Hasher::finish(&hasher).to_string(),
            );
        }
    }
    of
}

type Seen = BTreeMap<NodeId, (State, State, String, Option<Timestamp>)>;

async fn seen(running: &Running) -> Seen {
    let read = |graph: &Graph| {
        let nodes = graph.nodes().map(|node| {
            let status = node.status();
            let reason = status.reason.as_str().to_owned();
            (
                node.id().clone(),
                (status.state, status.confirmed, reason, status.since),
            )
        });
        nodes.collect()
    };
    running.query(read).await.expect("the engine runs")
}

/// What a configuration asks for, if it is right.
fn built(
    text: &str,
    registry: impl Fn() -> Registry,
    settings: &Settings,
) -> Result<(Plan, Monitor), String> {
    let texts = [("alpacalert.yaml".to_owned(), text.to_owned())];
    let loaded = parse(&texts, &registry()).map_err(|problems| problems.render(false))?;
    let (plan, _) = loaded
        .resolve(&|_| None)
        .map_err(|problems| problems.render(false))?;
    let monitor = Monitor::build(&plan, registry(), settings.clone());
    let monitor = monitor.map_err(|problems| problems.to_string())?;
    Ok((plan, monitor))
}

#[tokio::test(start_paused = true)]
#[allow(
    clippy::print_stdout,
    reason = "the long form tells how many there were of each"
)]
async fn a_changed_configuration_is_refused_whole_or_changes_only_what_it_says() {
    let (count, first) = (number(MUTANTS, USUAL), number(SEED, 1));
    let (log, settings) = (Log::default(), World::new().settings);
    let known = || registry(&log);
    let text = good().join("\n");
    let (plan, monitor) = built(&text, known, &settings).unwrap_or_else(|why| panic!("{why}"));
    let mut of = made_of(&plan);
    let running = monitor.start();
    wait(SETTLED).await;
    // Since when each has been made of what it is made of.
    let begun = Instant::now() - Duration::from_secs_f64(SETTLED);
    let mut unchanged: HashMap<NodeId, Instant> = of.keys().map(|id| (id.clone(), begun)).collect();
    let (mut taken, mut refused, mut kept) = (0, 0, 0);
    for seed in first..first + count {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut lines = good();
        for _ in 0..rng.u8(1..4) {
            mutate(&mut lines, &mut rng);
        }
        let text = lines.join("\n");
        let before = seen(&running).await;
        let (plan, monitor) = match built(&text, known, &settings) {
            Ok(built) => built,
            Err(why) => {
                assert!(
                    !why.trim().is_empty(),
                    "seed {seed}: refused without a word"
                );
                refused += 1;
                continue;
            }
        };
        taken += 1;
        let mut changes = running.changes();
        let at = Instant::now();
        assert!(running.reload(monitor).await);
        let after = seen(&running).await;
        let now_of = made_of(&plan);
        let same = |id: &NodeId| of.get(id).is_some_and(|made| now_of.get(id) == Some(made));
        for (id, was) in before.iter().filter(|(id, _)| same(id)) {
            assert_eq!(
                after.get(id),
                Some(was),
                "seed {seed}: {id:?} was left alone by\n{text}"
            );
        }
        let others = Log::default();
        let fresh = built(&text, || registry(&others), &settings)
            .unwrap()
            .1
            .start();
        wait(SETTLED).await;
        while let Ok(batch) = changes.try_recv() {
            let told = batch.iter().find(|change| same(&change.id));
            assert!(
                told.is_none(),
                "seed {seed}: {told:?} of what was left alone by\n{text}"
            );
        }
        let without_time = |seen: Seen| -> Vec<_> {
            seen.into_iter()
                .map(|(id, (state, confirmed, reason, _))| (id, state, confirmed, reason))
                .collect()
        };
        let (have, want) = (seen(&running).await, seen(&fresh).await);
        assert_eq!(
            without_time(have),
            without_time(want),
            "seed {seed}: not as if begun with\n{text}"
        );
        fresh.shutdown().await;

        unchanged.retain(|id, _| same(id));
        for id in now_of.keys() {
            unchanged.entry(id.clone()).or_insert(at);
        }
        for (id, since) in unchanged.iter().filter(|(_, since)| **since < at) {
            let log = log.0.lock().unwrap();
            let times = log
                .get(id.reference().as_ref())
                .map_or(&[][..], Vec::as_slice);
            let times: Vec<Instant> = times.iter().copied().filter(|time| time >= since).collect();
            let gaps: Vec<f64> = times
                .windows(2)
                .map(|pair| (pair[1] - pair[0]).as_secs_f64())
                .collect();
            // The first may be the last one of what it was before.
            for pair in gaps.windows(2).skip(1) {
                kept += 1;
                assert!(
                    (pair[0] - pair[1]).abs() < 0.01,
                    "seed {seed}: {id:?} lost its place: {gaps:?}"
                );
            }
        }
        of = now_of;
    }
    running.shutdown().await;
    let told = format!(
        "{count} mutants: {taken} taken over, {refused} refused; {kept} gaps between measurements kept"
    );
    println!("{told}");
    assert!(
        taken >= count / 5 && refused >= count / 5 && kept > 0,
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
#[allow(clippy::print_stdout, reason = "a figure for whoever asks")]
async fn one_of_a_hundred_of_a_hundred_thousand_nodes_changes_while_the_others_stay() {
    const GROUPS: usize = 1_000;
    const EACH: usize = 100;
    let mut world = World::new();
    let hour = every(Duration::from_secs(3600));
    world.plan.groups.clear();
    for n in 0..GROUPS {
        let id = NodeId::new("local", Kind::of("alpacalert.io/System"), n.to_string());
        let mut group = group(id);
        group.service = None;
        world.plan.groups.push(group);
    }
    for n in 0..GROUPS * EACH {
        world.script(&n.to_string(), Class::Network, |_| {
            Does::Says(State::Passing)
        });
        let mut request = alpacalert::instrument::Request::local(Kind::of(KIND), n.to_string());
        request.schedule = hour;
        let target = MemberTarget::Request(Box::new(request));
        world.plan.groups[n / EACH].members.push(member(target));
    }
    let running = world.start();
    let first = running.query(|graph: &Graph| graph.len()).await;
    assert_eq!(first, Some(GROUPS * (EACH + 1)));
    // Another one in place of one of a hundred.
    for n in 0..GROUPS {
        let name = format!("new {n}");
        world.script(&name, Class::Network, |_| Does::Says(State::Failing));
        let mut request = alpacalert::instrument::Request::local(Kind::of(KIND), name);
        request.schedule = hour;
        world.plan.groups[n].members[n % EACH].target = MemberTarget::Request(Box::new(request));
    }
    let next = world.monitor();
    let asked = std::time::Instant::now();
    assert!(running.reload(next).await);
    let took = asked.elapsed();
    println!(
        "1 % of {} nodes changed: {:.0} ms",
        GROUPS * EACH,
        took.as_secs_f64() * 1e3
    );
    assert_eq!(state(&running, &probe("new 7")).await, State::Unknown);
    assert!(
        crate::world::status(&running, &probe("707"))
            .await
            .is_none()
    );
    // Half a second is for a release build on a machine of its own.
    assert!(took < Duration::from_secs(15), "{took:?}");
    running.shutdown().await;
}
