//! Small worlds to look at.

use std::collections::HashMap;

use alpacalert_model::{
    Blueprint, Edge, Graph, Kind, Limits, Maintenance, Mark, Measurement, Node, NodeId, NodeKey,
    Observation, Reason, Role, Rule, ServiceInfo, Severity, State, Timestamp, Unit, Update,
};
use alpacalert_visualise::View;

/// The time of day in every world.
pub(crate) fn now() -> Timestamp {
    "2026-11-22T10:06:00Z".parse().unwrap()
}

/// When things broke.
pub(crate) fn broke() -> Timestamp {
    "2026-11-22T10:02:00Z".parse().unwrap()
}

pub(crate) fn id(name: &str) -> NodeId {
    NodeId::new("local", Kind::of("example.com/Thing"), name)
}

/// Builds a graph from what is said about it, in any order.
#[derive(Default)]
pub(crate) struct World {
    nodes: Vec<Node>,
    seen: Vec<(String, Observation, State)>,
    marks: Vec<(String, Mark)>,
    planned: Vec<(String, Maintenance)>,
}

impl World {
    /// A sensor whose title is its name.
    pub(crate) fn sensor(&mut self, name: &str, observation: Observation) -> &mut Node {
        let state = observation.state;
        self.seen.push((name.to_owned(), observation, state));
        self.nodes.push(Node::sensor(id(name), name));
        self.nodes.last_mut().unwrap()
    }

    /// Sensors that pass.
    pub(crate) fn passing(&mut self, names: &[&str]) {
        for name in names {
            self.sensor(name, Observation::passing(broke()));
        }
    }

    /// A sensor that fails.
    pub(crate) fn failing(&mut self, name: &str, text: &'static str) -> &mut Node {
        self.sensor(
            name,
            Observation::new(State::Failing, Reason::fixed("connection-refused"), broke())
                .message(Severity::Error, text),
        )
    }

    /// A sensor that has never been measured.
    pub(crate) fn unmeasured(&mut self, name: &str) {
        self.nodes.push(Node::sensor(id(name), name));
    }

    /// What parents see of a sensor whose change is not confirmed.
    pub(crate) fn confirmed(&mut self, name: &str, state: State) {
        self.seen.iter_mut().find(|(n, ..)| n == name).unwrap().2 = state;
    }

    pub(crate) fn mark(&mut self, name: &str, mark: Mark) {
        self.marks.push((name.to_owned(), mark));
    }

    pub(crate) fn planned(&mut self, name: &str, until: &str, reason: &str) {
        let planned = Maintenance {
            until: until.parse().unwrap(),
            reason: reason.into(),
        };
        self.planned.push((name.to_owned(), planned));
    }

    /// A system of members that are named.
    pub(crate) fn system(&mut self, name: &str, rule: Rule, members: &[&str]) -> &mut Node {
        let mut node = Node::system(id(name), name, rule);
        for member in members {
            node = node.member(id(member), Edge::default());
        }
        self.nodes.push(node);
        self.nodes.last_mut().unwrap()
    }

    /// A service of members that are named.
    pub(crate) fn service(&mut self, name: &str, members: &[&str]) -> &mut Node {
        let node = self.system(name, Rule::All, members);
        node.service = Some(ServiceInfo { public: true });
        node
    }

    pub(crate) fn graph(&mut self) -> Graph {
        let mut graph = Graph::new();
        let nodes = std::mem::take(&mut self.nodes);
        // One moment for every change of state, as when a scheduler has just seen it.
        graph.apply("local", Blueprint { nodes }, broke());
        let updates: Vec<Update> = self
            .seen
            .drain(..)
            .map(|(name, observation, confirmed)| Update {
                node: graph.key(&id(&name)).unwrap(),
                observation,
                confirmed,
            })
            .collect();
        graph.observe(updates, broke());
        for (name, mark) in self.marks.drain(..) {
            let key = graph.key(&id(&name)).unwrap();
            graph.mark(key, mark, true);
        }
        let planned = self.planned.drain(..);
        let planned = planned.map(|(name, planned)| (graph.key(&id(&name)).unwrap(), planned));
        let planned: Vec<_> = planned.collect();
        graph.maintain(planned);
        graph
    }
}

pub(crate) fn view(graph: &Graph) -> View<'_> {
    View::whole(graph, now())
}

pub(crate) fn key(graph: &Graph, name: &str) -> NodeKey {
    graph.key(&id(name)).unwrap()
}

/// A value beside its limit.
pub(crate) fn disk(free: f64) -> Observation {
    let limits = Limits::below(15.0, 5.0);
    let measurement = Measurement::new("free space", free, Unit::Percent).against(limits);
    let state = measurement.state();
    let reason = if state == State::Passing {
        Reason::OK
    } else {
        Reason::LIMIT
    };
    Observation {
        measurements: vec![measurement],
        ..Observation::new(state, reason, broke())
    }
}

/// The world of the mission: reports are viewed and generated; the queue is another team's.
pub(crate) fn reports() -> World {
    let mut world = World::default();
    world
        .service("Viewing reports", &["frontend", "viewing", "filestore"])
        .owner = Some("reports-team".into());
    let generating = world.service(
        "Generating reports",
        &["tasks", "Message queue", "workers", "filestore"],
    );
    generating.owner = Some("reports-team".into());
    let queue = world.service("Message queue", &["queue reports", "broker 1", "broker 2"]);
    queue.owner = Some("infrastructure team".into());
    queue.service = Some(ServiceInfo { public: false });
    world.system("frontend", Rule::All, &["nginx", "certificate"]);
    let workers = world.system(
        "workers",
        Rule::AtLeast(alpacalert_model::Threshold::Count(2)),
        &["worker 1", "worker 2", "worker 3"],
    );
    workers.role = Role::System {
        rule: Rule::AtLeast(alpacalert_model::Threshold::Count(2)),
        degraded_below: Some(3),
    };
    world.system("filestore", Rule::All, &["disk /srv/reports"]);
    world.passing(&[
        "nginx",
        "certificate",
        "viewing",
        "tasks",
        "broker 1",
        "broker 2",
        "worker 1",
        "worker 2",
    ]);
    world.failing("queue reports", "queue `reports` is missing");
    world.failing("worker 3", "connection refused");
    world.sensor("disk /srv/reports", disk(42.0));
    world
}

/// Everything that a title or a message should not be able to do.
pub(crate) const HOSTILE: &str =
    "\u{1b}[2J\u{9b}31m<b>\"'&`|#;\\\r\n\t]]> %\u{202e}{}\u{0}\u{ffff} 監視 n0[\"x\"] end";

/// A world whose every text is hostile.
pub(crate) fn hostile() -> Graph {
    let mut world = World::default();
    let root = world.service("root", &["leaf", "other"]);
    root.title = HOSTILE.into();
    root.owner = Some(HOSTILE.into());
    let leaf = world.failing("leaf", HOSTILE);
    leaf.title = HOSTILE.into();
    world.sensor(
        "other",
        Observation {
            measurements: vec![
                Measurement::new(HOSTILE, f64::NAN, Unit::Bytes)
                    .against(Limits::above(f64::INFINITY, None)),
                Measurement::new(HOSTILE, 1.0, Unit::Bytes),
            ],
            ..Observation::new(State::Failing, Reason::new(HOSTILE), broke())
        },
    );
    world.graph()
}

/// How often each line occurs.
pub(crate) fn occurrences(text: &str) -> HashMap<&str, usize> {
    let mut all = HashMap::new();
    for line in text.lines() {
        *all.entry(line).or_default() += 1;
    }
    all
}
