//! A cluster from YAML, judged at a time, and looked up by `Kind/namespace/name`.

use alpacalert_instrument::{Registry, Snapshot};
use alpacalert_kubernetes::{Cluster, Dump, Finding, Judged, Options};
use alpacalert_model::{Graph, Kind, NodeId, NodeRef, State, Timestamp};

/// Noon of the day on which every example happens.
pub(crate) const NOON: &str = "2026-11-22T12:00:00Z";

pub(crate) fn time(text: &str) -> Timestamp {
    text.parse()
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Noon, so many seconds earlier, as the API writes it: what happened `ago(60)` happened a minute ago.
pub(crate) fn ago(seconds: i64) -> String {
    let then = time(NOON).as_second() - seconds;
    Timestamp::from_second(then).expect("a time").to_string()
}

/// Replaces `{ago N}` by the time N seconds before noon.
pub(crate) fn stamped(yaml: &str) -> String {
    let mut out = String::new();
    let mut rest = yaml;
    while let Some((before, after)) = rest.split_once("{ago ") {
        let (seconds, after) = after.split_once('}').expect("a closing brace");
        out.push_str(before);
        out.push_str(&ago(seconds.parse().expect("seconds")));
        rest = after;
    }
    out + rest
}

pub(crate) fn cluster(yaml: &str) -> Cluster {
    cluster_with(yaml, Options::default())
}

pub(crate) fn cluster_with(yaml: &str, options: Options) -> Cluster {
    let mut dump = Dump::default();
    dump.add(&stamped(yaml), "test");
    dump.cluster("test", options)
}

/// A graph of a whole cluster.
pub(crate) struct World {
    pub(crate) graph: Graph,
    pub(crate) roots: Vec<NodeId>,
    pub(crate) snapshot: Snapshot,
}

pub(crate) fn world(yaml: &str) -> World {
    world_at(cluster(yaml), NOON)
}

pub(crate) fn world_at(cluster: Cluster, at: &str) -> World {
    world_with(&alpacalert_kubernetes::registry(), cluster, at)
}

pub(crate) fn world_with(registry: &Registry, cluster: Cluster, at: &str) -> World {
    let judged = Judged::new(cluster, registry, time(at)).expect("a selection that fits");
    World {
        graph: judged.graph,
        roots: judged.roots,
        snapshot: judged.cluster,
    }
}

impl World {
    pub(crate) fn node(&self, path: &str) -> NodeRef<'_> {
        let (kind, reference) = path.split_once('/').expect("Kind/reference");
        let kind: Kind = if kind.contains('.') {
            let (domain, rest) = (kind, reference);
            let (name, reference) = rest.split_once('/').expect("domain/Kind/reference");
            return self.by_id(&format!("{domain}/{name}"), reference, path);
        } else {
            format!("kubernetes.io/{kind}").parse().expect("a kind")
        };
        self.by_id(kind.as_str(), reference, path)
    }

    fn by_id(&self, kind: &str, reference: &str, path: &str) -> NodeRef<'_> {
        let id = NodeId::new("test", kind.parse().expect("a kind"), reference);
        let key = self.graph.key(&id).unwrap_or_else(|| {
            let all: Vec<String> = self
                .graph
                .nodes()
                .map(|node| node.id().to_string())
                .collect();
            panic!("no node {path} among {all:#?}")
        });
        self.graph.get(key).expect("a node")
    }

    pub(crate) fn has(&self, path: &str) -> bool {
        let (kind, reference) = path.split_once('/').expect("Kind/reference");
        let kind = format!("kubernetes.io/{kind}").parse().expect("a kind");
        self.graph
            .key(&NodeId::new("test", kind, reference))
            .is_some_and(|key| {
                self.graph
                    .get(key)
                    .is_some_and(|node| node.role().is_some())
            })
    }

    pub(crate) fn state(&self, path: &str) -> State {
        self.node(path).state()
    }

    /// The reasons and messages of an object's own sensor.
    pub(crate) fn says(&self, path: &str) -> String {
        let node = self.node(path);
        let own = node
            .children()
            .map(|(child, _)| child)
            .find(|child| child.id().kind().fragment() == Some("status"));
        let status = own.unwrap_or(node).status();
        let messages: Vec<String> = status
            .messages
            .iter()
            .map(|message| message.text.to_string())
            .collect();
        format!("{}: {}", status.reason, messages.join(" | "))
    }

    #[track_caller]
    pub(crate) fn expect(&self, path: &str, state: State) {
        let node = self.node(path);
        assert_eq!(node.state(), state, "{path}\n{}", self.tree());
    }

    pub(crate) fn tree(&self) -> String {
        let mut out = String::new();
        for root in &self.roots {
            if let Some(node) = self.graph.key(root).and_then(|key| self.graph.get(key)) {
                write(node, 0, &mut out);
            }
        }
        out
    }

    pub(crate) fn root(&self) -> State {
        let key = self.graph.key(&self.roots[0]).expect("a root");
        self.graph.get(key).expect("a root").state()
    }
}

fn write(node: NodeRef<'_>, depth: usize, out: &mut String) {
    let message = node
        .status()
        .messages
        .first()
        .map(|m| m.text.to_string())
        .unwrap_or_default();
    out.push_str(&format!(
        "{}{} {} {} {message}\n",
        "  ".repeat(depth),
        node.state(),
        node.title(),
        node.status().reason
    ));
    for (child, edge) in node.children() {
        if edge.effect != alpacalert_model::Effect::Required {
            out.push_str(&format!(
                "{}({})\n",
                "  ".repeat(depth + 1),
                edge.effect.as_str()
            ));
        }
        write(child, depth + 1, out);
    }
}

/// What the rules find about one object at noon.
pub(crate) fn findings(cluster: &Cluster, path: &str, at: &str) -> Vec<Finding> {
    let now = time(at);
    let (kind, reference) = path.split_once('/').expect("Kind/reference");
    let (kind, reference) = match kind.contains('.') {
        true => {
            let (name, reference) = reference.split_once('/').expect("domain/Kind/reference");
            (format!("{kind}/{name}"), reference)
        }
        false => (format!("kubernetes.io/{kind}"), reference),
    };
    match kind.split_once('#') {
        Some((whole, part)) => {
            let slashes = usize::from(!whole.ends_with("WebhookConfiguration"));
            let at = reference
                .match_indices('/')
                .nth(slashes)
                .map(|(at, _)| at)
                .unwrap_or(reference.len());
            let name = reference.get(at + 1..).unwrap_or_default();
            cluster.part_findings(whole, &reference[..at], part, name, now)
        }
        None => {
            let (namespace, name) = reference.split_once('/').unwrap_or(("", reference));
            cluster.findings(&kind, namespace, name, now)
        }
    }
}

/// A rule, and what it must make of an object of a cluster at noon.
#[track_caller]
pub(crate) fn case(rule: &str, yaml: &str, path: &str, state: State, reason: &str) {
    let cluster = cluster(yaml);
    let found = findings(&cluster, path, NOON);
    let known = alpacalert_kubernetes::rules::RULES;
    for finding in &found {
        assert!(
            known.iter().any(|rule| rule.id == finding.rule),
            "{} is not in the reference",
            finding.rule
        );
    }
    let fits = found
        .iter()
        .any(|f| f.rule == rule && f.state == state && f.reason.as_str() == reason);
    assert!(
        fits,
        "{rule}: wanted {state} {reason} of {path}, found {found:#?}"
    );
}

/// The rule must find nothing that is worse than Passing.
#[track_caller]
pub(crate) fn quiet(rule: &str, yaml: &str, path: &str) {
    let cluster = cluster(yaml);
    let found = findings(&cluster, path, NOON);
    assert!(!found.is_empty(), "no such object: {path}");
    let bad: Vec<&Finding> = found
        .iter()
        .filter(|f| f.rule == rule && f.state != State::Passing)
        .collect();
    assert!(
        bad.is_empty(),
        "{rule}: wanted nothing of {path}, found {bad:#?}"
    );
}

pub(crate) const P: State = State::Passing;
pub(crate) const D: State = State::Degraded;
pub(crate) const U: State = State::Unknown;
pub(crate) const F: State = State::Failing;

/// Documents in one text.
pub(crate) fn docs(parts: &[&str]) -> String {
    parts.join("\n---\n")
}

/// A pod of the namespace `shop`: its `spec` and `status` in YAML's flow style.
pub(crate) fn pod(name: &str, extra: &str, spec: &str, status: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, namespace: shop, uid: pod-{name}, creationTimestamp: '{{ago 3600}}'{extra}}}\nspec: {{{spec}}}\nstatus: {{{status}}}\n"
    )
}

/// The spec of a pod with one container on a node.
pub(crate) const APP: &str = "nodeName: n1, restartPolicy: Always, containers: [{name: app}]";

/// The status of a pod with one container, ready for an hour.
pub(crate) const READY: &str = "phase: Running, conditions: [{type: PodScheduled, status: 'True', lastTransitionTime: '{ago 3600}'}, {type: Ready, status: 'True', lastTransitionTime: '{ago 3500}'}], containerStatuses: [{name: app, ready: true, started: true, restartCount: 0, state: {running: {startedAt: '{ago 3500}'}}}]";

/// A pod that works.
pub(crate) fn ready_pod(name: &str, extra: &str) -> String {
    pod(name, extra, APP, READY)
}

/// A pod whose container crashes again and again.
pub(crate) fn crashing_pod(name: &str, extra: &str) -> String {
    pod(
        name,
        extra,
        APP,
        "phase: Running, conditions: [{type: PodScheduled, status: 'True', lastTransitionTime: '{ago 3600}'}, {type: Ready, status: 'False', reason: ContainersNotReady, lastTransitionTime: '{ago 3000}'}], containerStatuses: [{name: app, ready: false, started: false, restartCount: 5, state: {waiting: {reason: CrashLoopBackOff, message: back-off 5m0s restarting failed container}}, lastState: {terminated: {exitCode: 1, reason: Error, finishedAt: '{ago 100}'}}}]",
    )
}

/// `, ownerReferences: …` for the metadata of something that a controller owns.
pub(crate) fn owned_by(kind: &str, name: &str, uid: &str) -> String {
    format!(
        ", ownerReferences: [{{apiVersion: apps/v1, kind: {kind}, name: {name}, uid: {uid}, controller: true}}]"
    )
}
