//! How long changes of a graph take, and what a node weighs. Run with `cargo bench -p alpacalert-model`.
//!
//! Not criterion: most of what is measured changes a large graph, so that a run cannot be repeated at will, and the
//! middle and the tail of single changes matter more than their mean.
//!
//! `-- one-change NODES` measures one change in a tree of constants and prints the seconds, for
//! `scripts/compare-python.sh`.
#![allow(clippy::print_stdout)]

use std::alloc::System as Allocator;
use std::time::{Duration, Instant};

use alpacalert_model::{
    Blueprint, Change, Edge, ExplainLimits, Graph, Kind, Member, Node, NodeId, NodeKey,
    Observation, Reason, Rule, State, Timestamp, Update,
};

#[global_allocator]
static ALLOCATED: cap::Cap<Allocator> = cap::Cap::new(Allocator, usize::MAX);

const FAN_OUT: usize = 10;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [mode, nodes, ..] = &arguments[..]
        && mode == "one-change"
    {
        one_change_of(nodes.parse().expect("a number of nodes"));
        return;
    }
    for nodes in [10_000, 100_000, 1_000_000] {
        whole_life(nodes);
    }
    wide();
}

fn now() -> Timestamp {
    Timestamp::UNIX_EPOCH
}

fn name(n: usize) -> String {
    format!("node-{n}")
}

/// A tree of systems whose members all are required. With `shared`, every tenth node gets a second parent.
fn tree(nodes: usize, shared: bool) -> Blueprint {
    let kind = Kind::of("example.com/Thing");
    let ids: Vec<NodeId> = (0..nodes)
        .map(|n| NodeId::new("bench", kind.clone(), name(n)))
        .collect();
    let member = |n: usize| Member {
        id: ids[n].clone(),
        edge: Edge::default(),
    };
    let systems = (nodes - 2) / FAN_OUT + 1;
    let mut random = fastrand::Rng::with_seed(7);
    let mut all: Vec<Node> = (0..nodes)
        .map(|n| {
            let children = FAN_OUT * n + 1..(FAN_OUT * n + FAN_OUT + 1).min(nodes);
            if children.is_empty() {
                return Node::sensor(ids[n].clone(), name(n));
            }
            let mut node = Node::system(ids[n].clone(), name(n), Rule::All);
            node.members.reserve_exact(FAN_OUT);
            node.members.extend(children.map(member));
            node
        })
        .collect();
    if shared {
        for n in (FAN_OUT + 1..nodes).step_by(10) {
            // A parent with a smaller number: below it there are greater ones only, so there is no cycle.
            let parent = random.usize(1..systems.min(n));
            all[parent].members.push(member(n));
        }
    }
    Blueprint { nodes: all }
}

fn sensors(graph: &Graph) -> Vec<NodeKey> {
    let sensors = graph.nodes().filter(|node| node.is_sensor());
    sensors.map(|node| node.key()).collect()
}

fn update(node: NodeKey, state: State) -> Update {
    Update {
        node,
        observation: Observation::new(state, Reason::OK, now()),
        confirmed: state,
    }
}

fn set_all(graph: &mut Graph, sensors: &[NodeKey], state: State) -> String {
    let updates: Vec<Update> = sensors.iter().map(|key| update(*key, state)).collect();
    let timer = Timer::start();
    graph.observe(updates, now());
    timer.stop()
}

/// Bytes of the names alone: text, and the two counters of each shared text.
fn names(blueprint: &Blueprint) -> usize {
    let nodes = blueprint.nodes.iter();
    nodes
        .map(|node| node.id.reference().len() + node.title.len() + 2 * 16)
        .sum()
}

/// How long something takes: by the clock, and of a processor. On a machine with other work the first says little.
struct Timer(Instant, Duration);

impl Timer {
    fn start() -> Self {
        Timer(Instant::now(), processor_time())
    }

    fn stop(self) -> String {
        let clock = self.0.elapsed().as_secs_f64() * 1e3;
        let processor = (processor_time() - self.1).as_secs_f64() * 1e3;
        format!("{clock:.1} ms ({processor:.1} ms of a processor)")
    }
}

/// The time that this thread has been running: the first number in Linux's `schedstat`, in nanoseconds.
fn processor_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let first = text.split(' ').next().and_then(|text| text.parse().ok());
    Duration::from_nanos(first.unwrap_or_default())
}

fn show(what: &str, nodes: usize, value: impl std::fmt::Display) {
    println!("{nodes:>9} nodes  {what:<58} {value}");
}

fn whole_life(nodes: usize) {
    let before = ALLOCATED.allocated();
    let blueprint = tree(nodes, true);
    let named = names(&blueprint);
    let mut graph = Graph::new();
    let timer = Timer::start();
    graph.apply("bench", blueprint, now());
    show("applied to an empty graph", nodes, timer.stop());
    let sensors = sensors(&graph);
    set_all(&mut graph, &sensors, State::Passing);
    drop(sensors);
    // The titles equal the references here, and one copy is kept of both.
    let kept = ALLOCATED.allocated() - before;
    let names = named / 2;
    show(
        "bytes a node, without its name",
        nodes,
        (kept - names) / nodes,
    );
    show("bytes a node, with its name", nodes, kept / nodes);
    reloads(&mut graph, nodes);
    single_changes(&mut graph, nodes);
    batches(&mut graph, nodes);
    explanations(&mut graph, nodes);
}

fn reloads(graph: &mut Graph, nodes: usize) {
    let same = tree(nodes, true);
    let timer = Timer::start();
    let applied = graph.apply("bench", same, now());
    assert!(applied.changed.is_empty() && applied.added.is_empty());
    show("the same applied again", nodes, timer.stop());
    let mut other = tree(nodes, true);
    for node in other.nodes.iter_mut().step_by(100) {
        node.title = format!("{} renamed", node.title).into();
    }
    let timer = Timer::start();
    let applied = graph.apply("bench", other, now());
    assert_eq!(applied.changed.len(), nodes.div_ceil(100));
    show("applied again with 1 % changed", nodes, timer.stop());
}

/// Each change takes a random sensor from Passing to Failing or back, and every ancestor with it.
fn single_changes(graph: &mut Graph, nodes: usize) {
    let sensors = sensors(graph);
    set_all(graph, &sensors, State::Passing);
    let mut random = fastrand::Rng::with_seed(1);
    let mut times = Vec::new();
    let mut told = 0;
    for _ in 0..50_000 {
        let key = sensors[random.usize(..sensors.len())];
        for state in [State::Failing, State::Passing] {
            let update = update(key, state);
            let start = Instant::now();
            told += graph.observe([update], now()).len();
            times.push(start.elapsed());
        }
    }
    times.sort_unstable();
    let at = |share: f64| times[(times.len() as f64 * share) as usize];
    show(
        "one sensor changing, with all ancestors: median",
        nodes,
        format_args!("{:?}", at(0.5)),
    );
    show(
        "one sensor changing: 99th percentile",
        nodes,
        format_args!("{:?}", at(0.99)),
    );
    show(
        "one sensor changing: nodes that change with it",
        nodes,
        told / times.len(),
    );
    let total: Duration = times.iter().sum();
    let rate = times.len() as f64 / total.as_secs_f64();
    show(
        "changes one at a time, per second",
        nodes,
        format_args!("{rate:.0}"),
    );
}

fn batches(graph: &mut Graph, nodes: usize) {
    let mut sensors = sensors(graph);
    fastrand::Rng::with_seed(2).shuffle(&mut sensors);
    for size in [50_000, 100_000] {
        let some = &sensors[..size.min(sensors.len())];
        let before = graph.evaluations();
        let time = set_all(graph, some, State::Failing);
        let judged = graph.evaluations() - before;
        let what = format!("a batch of {} changes", some.len());
        show(
            &what,
            nodes,
            format_args!("{time}, {judged} systems judged"),
        );
        set_all(graph, some, State::Passing);
    }
}

fn explanations(graph: &mut Graph, nodes: usize) {
    let sensors = sensors(graph);
    let root = graph.roots().next().expect("a root").key();
    let limits = ExplainLimits::default();
    for failing in [1, 20, 1_000] {
        set_all(graph, &sensors[..failing], State::Failing);
        let timer = Timer::start();
        let why = graph.explain(root, &limits).expect("live");
        let what = format!("the root explained with {failing} failing");
        let found = format!("{}, {} causes", timer.stop(), why.causes.len());
        show(&what, nodes, found);
        set_all(graph, &sensors[..failing], State::Passing);
    }
    let start = Instant::now();
    graph.impact(sensors[0]);
    show(
        "the impact of a sensor",
        nodes,
        format_args!("{:?}", start.elapsed()),
    );
}

/// The same changes in a system of ten members and in one of a million.
fn wide() {
    let kind = Kind::of("example.com/Thing");
    for width in [10, 1_000_000] {
        let id = |n: usize| NodeId::new("bench", kind.clone(), name(n));
        let mut top = Node::system(NodeId::new("bench", kind.clone(), "top"), "top", Rule::All);
        let mut nodes = Vec::new();
        for n in 0..width {
            top.members.push(Member {
                id: id(n),
                edge: Edge::default(),
            });
            nodes.push(Node::sensor(id(n), name(n)));
        }
        let system = top.id.clone();
        nodes.push(top);
        let mut graph = Graph::new();
        graph.apply("bench", Blueprint { nodes }, now());
        let sensors = sensors(&graph);
        set_all(&mut graph, &sensors, State::Passing);
        let median = |mut step: Box<dyn FnMut(usize) + '_>| {
            let mut times: Vec<Duration> = (0..10_000)
                .map(|n| {
                    let start = Instant::now();
                    step(n);
                    start.elapsed()
                })
                .collect();
            times.sort_unstable();
            times[times.len() / 2]
        };
        let mut random = fastrand::Rng::with_seed(3);
        let flip = median(Box::new(|n| {
            let key = sensors[random.usize(..sensors.len())];
            let state = if n % 2 == 0 {
                State::Failing
            } else {
                State::Passing
            };
            graph.observe([update(key, state)], now());
        }));
        show(
            "one system above all: one member changing",
            width,
            format_args!("{flip:?}"),
        );
        let change = |n: usize| match n % 2 {
            0 => Change::Leave {
                system: system.clone(),
                member: id(n / 2 % width),
            },
            _ => Change::Join {
                system: system.clone(),
                member: Member {
                    id: id(n / 2 % width),
                    edge: Edge::default(),
                },
            },
        };
        let turn = median(Box::new(|n| {
            graph.change("bench", [change(n)], now());
        }));
        show(
            "one system above all: one member leaving or joining",
            width,
            format_args!("{turn:?}"),
        );
    }
}

/// The median of one change that goes up to the root, in seconds.
fn one_change_of(nodes: usize) {
    let mut graph = Graph::new();
    graph.apply("bench", tree(nodes, false), now());
    let sensors = sensors(&graph);
    set_all(&mut graph, &sensors, State::Passing);
    let root = graph.roots().next().expect("a root").key();
    let mut times: Vec<Duration> = (0..10_000)
        .map(|n| {
            let state = if n % 2 == 0 {
                State::Failing
            } else {
                State::Passing
            };
            let update = update(sensors[0], state);
            let start = Instant::now();
            graph.observe([update], now());
            let time = start.elapsed();
            assert_eq!(graph.get(root).map(|root| root.state()), Some(state));
            time
        })
        .collect();
    times.sort_unstable();
    println!("{:.9}", times[times.len() / 2].as_secs_f64());
}
