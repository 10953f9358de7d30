//! What is kept up change by change is what a fresh look would show.

use alpacalert_instrument::{Builder, Fact, Memo, Registry, ScheduleOverrides, Snapshots};
use alpacalert_model::{Change, Graph, NodeRef, Update};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::*;
use crate::cluster::Access;
use crate::decode::Decoder;

mod world;

/// A graph that takes in what changed alone, beside one that is made anew each time.
struct Kept {
    source: KubernetesSource,
    registry: Registry,
    snapshot: Option<Snapshot>,
    memo: Option<Memo>,
    graph: Graph,
    /// How often what changed was enough.
    updates: usize,
    built: usize,
}

impl Kept {
    fn new(selection: Selection) -> Kept {
        let connection = Connection {
            custom: true,
            ..Connection::default()
        };
        Kept {
            source: KubernetesSource::new("test", connection, Options::default()).select(selection),
            registry: crate::registry(),
            snapshot: None,
            memo: None,
            graph: Graph::new(),
            updates: 0,
            built: 0,
        }
    }

    fn take(&mut self, events: Vec<Event>, now: Timestamp) {
        let said = Said {
            first: self.snapshot.is_none().then_some(now),
            events: Mutex::new(events.into_iter().map(|event| (now, event)).collect()),
            skew: SignedDuration::ZERO,
        };
        let news = self.source.merge(self.snapshot.take(), Snapshot::new(said));
        self.snapshot = Some(news.snapshot.clone());
        drop(news.snapshot);
        self.bring_up(news.changed, now);
    }

    fn bring_up(&mut self, changed: Option<Vec<Fact>>, now: Timestamp) {
        let snapshot = self.snapshot.clone().expect("a snapshot");
        let snapshots = Snapshots::from([("test".into(), snapshot.clone())]);
        let builder = Builder::new(
            &self.registry,
            &snapshots,
            ScheduleOverrides::default(),
            now,
        );
        let source = &self.source;
        let memo = self.memo.take().filter(|memo| memo.irregular().is_none());
        if let (Some(memo), Some(facts)) = (memo, changed) {
            let (update, memo) = builder
                .update(memo, &facts, |builder| source.assemble(&snapshot, builder))
                .expect("an update");
            if memo.irregular().is_none() {
                self.memo = Some(memo);
                self.updates += 1;
                self.built += update.built.blueprint.nodes.len();
                let set = update.built.blueprint.nodes.into_iter().map(Change::Set);
                let removed = update.removed.into_iter().map(Change::Remove);
                let applied = self.graph.change("test", set.chain(removed), now);
                if !applied.refused.is_empty() {
                    self.memo = None;
                }
                observe(&mut self.graph, update.built.observations, now);
                return;
            }
        }
        let builder = Builder::new(
            &self.registry,
            &snapshots,
            ScheduleOverrides::default(),
            now,
        );
        let (assembly, memo) = builder
            .remembering()
            .build_remembering(|builder| source.assemble(&snapshot, builder))
            .expect("an assembly");
        let applied = self.graph.apply("test", assembly.blueprint, now);
        self.memo = applied.refused.is_empty().then_some(memo);
        observe(&mut self.graph, assembly.observations, now);
    }

    /// The graph of a fresh look at the same cluster.
    fn fresh(&self, now: Timestamp) -> Graph {
        let snapshot = self.snapshot.clone().expect("a snapshot");
        let snapshots = Snapshots::from([("test".into(), snapshot.clone())]);
        let mut builder = Builder::new(
            &self.registry,
            &snapshots,
            ScheduleOverrides::default(),
            now,
        );
        self.source
            .assemble(&snapshot, &mut builder)
            .expect("an assembly");
        let assembly = builder.finish();
        let mut graph = Graph::new();
        graph.apply("test", assembly.blueprint, now);
        observe(&mut graph, assembly.observations, now);
        graph
    }

    fn cluster(&self) -> &Cluster {
        self.snapshot
            .as_ref()
            .and_then(Snapshot::get)
            .expect("a cluster")
    }
}

fn observe(
    graph: &mut Graph,
    observations: Vec<(alpacalert_model::NodeId, alpacalert_model::Observation)>,
    now: Timestamp,
) {
    let updates: Vec<Update> = observations
        .into_iter()
        .filter_map(|(id, observation)| {
            Some(Update {
                node: graph.key(&id)?,
                confirmed: observation.state,
                observation,
            })
        })
        .collect();
    graph.observe(updates, now);
}

/// What people see of each node; lengths of time aside, which are said again now and then.
fn seen(graph: &Graph) -> BTreeMap<String, String> {
    let lengths = |text: &str| {
        let words = text.split_whitespace();
        let is_length = |word: &str| {
            let word = word.trim_matches(|c: char| ";:,.()".contains(c));
            word.parse::<f64>().is_ok()
                || matches!(word, "s" | "ms" | "min" | "h" | "d" | "w")
                || word.chars().next().is_some_and(|c| c.is_ascii_digit())
        };
        words
            .filter(|word| !is_length(word))
            .collect::<Vec<_>>()
            .join(" ")
    };
    let tell = |node: NodeRef<'_>| {
        let children: Vec<String> = node
            .children()
            .map(|(child, edge)| format!("{} {edge:?}", child.id()))
            .collect();
        let messages: Vec<String> = node
            .messages()
            .iter()
            .map(|message| lengths(&message.text))
            .collect();
        format!(
            "{} {:?} {:?} {:?} {} {messages:?} {children:?}",
            node.title(),
            node.own_owner(),
            node.role(),
            node.state(),
            node.reason(),
        )
    };
    graph
        .nodes()
        .map(|node| (node.id().to_string(), tell(node)))
        .collect()
}

/// The first nodes that differ.
fn differences(fresh: &Graph, kept: &Graph) -> Vec<String> {
    // Which edge of a cycle is left out depends on which came first, in any graph: then only what nodes there are counts.
    let round = |graph: &Graph| {
        let refused = |node: NodeRef<'_>| *node.reason() == Reason::CYCLE && !node.is_sensor();
        graph.nodes().any(refused)
    };
    let blur = round(fresh) || round(kept);
    let seen = |graph: &Graph| {
        let mut seen = seen(graph);
        if blur {
            seen.values_mut().for_each(String::clear);
        }
        seen
    };
    let (fresh, kept) = (seen(fresh), seen(kept));
    let mut differences = Vec::new();
    for (id, told) in &fresh {
        if kept.get(id) != Some(told) {
            differences.push(format!(
                "{id}\n   fresh {told}\n   kept  {:?}",
                kept.get(id)
            ));
        }
    }
    for (id, told) in &kept {
        if !fresh.contains_key(id) {
            differences.push(format!("{id}\n   fresh: nothing\n   kept  {told}"));
        }
    }
    differences.truncate(6);
    differences
}

/// Random changes of a small and hostile cluster: after each, the graph that took in the change alone is that of a fresh look.
///
/// `ALPACALERT_SEEDS` sets how many clusters; each takes 60 batches of changes.
#[test]
fn what_is_kept_up_change_by_change_is_what_a_fresh_look_shows() {
    let seeds = std::env::var("ALPACALERT_SEEDS").ok();
    let seeds: u64 = seeds.and_then(|text| text.parse().ok()).unwrap_or(40);
    let first = std::env::var("ALPACALERT_SEED").ok();
    let first: u64 = first.and_then(|text| text.parse().ok()).unwrap_or(0);
    let (mut updates, mut built, mut batches, mut nodes) = (0, 0, 0, 0);
    for seed in first..first + seeds {
        let mut world = world::World::new(seed);
        let selection = match seed % 4 {
            0 => Selection::default()
                .with_labels("app=a")
                .expect("a selector"),
            1 => Selection::default().in_namespaces(["one".to_owned()]),
            _ => Selection::default(),
        };
        let mut kept = Kept::new(selection);
        for batch in 0..60 {
            let (events, now) = world.step(batch);
            let told = format!("{events:?}");
            let before = kept.updates;
            kept.take(events, now);
            let fresh = kept.fresh(now);
            let differences = differences(&fresh, &kept.graph);
            assert!(
                differences.is_empty(),
                "seed {seed}, batch {batch}, {}: {told}\n{}",
                match kept.updates > before {
                    true => "updated",
                    false => "whole",
                },
                differences.join("\n")
            );
            batches += 1;
            nodes += fresh.len();
        }
        assert!(!kept.cluster().is_empty());
        updates += kept.updates;
        built += kept.built;
    }
    // Were everything assembled as a whole, the test would show nothing.
    assert!(
        updates * 2 > batches,
        "{updates} of {batches} batches were updates"
    );
    assert!(built * 2 < nodes, "{built} of {nodes} nodes were built");
}

/// What is kept after some objects and then some more, which is what a fresh look shows.
fn after(steps: &[Vec<Event>]) -> Kept {
    let mut kept = Kept::new(Selection::default());
    let mut now: Timestamp = "2026-11-22T12:00:00Z".parse().expect("a time");
    for (step, events) in steps.iter().enumerate() {
        let updates = kept.updates;
        kept.take(events.iter().map(copy).collect(), now);
        let differences = differences(&kept.fresh(now), &kept.graph);
        assert!(differences.is_empty(), "step {step}: {differences:#?}");
        assert_eq!(kept.updates - updates, usize::from(step > 0), "step {step}");
        now = now
            .checked_add(SignedDuration::from_secs(1))
            .expect("a time");
    }
    kept
}

/// The same event once more.
fn copy(event: &Event) -> Event {
    match event {
        Event::Applied(object) => Event::Applied(Box::new(object.as_ref().clone())),
        Event::Listed(kind, objects) => Event::Listed(kind.clone(), objects.clone()),
        Event::Deleted(kind, reference) => Event::Deleted(kind.clone(), reference.clone()),
        Event::Access(kind, access) => Event::Access(kind.clone(), access.clone()),
        _ => unreachable!("not among the steps"),
    }
}

fn object(value: Value) -> crate::object::Object {
    Decoder::default().value(value, None).expect("an object")
}

fn applied(value: Value) -> Event {
    Event::Applied(Box::new(object(value)))
}

fn seen_kinds(kinds: &[&str]) -> Vec<Event> {
    let kinds = kinds.iter().map(|kind| Arc::<str>::from(*kind));
    let events = kinds.flat_map(|kind| {
        [
            Event::Listed(kind.clone(), Vec::new()),
            Event::Access(kind, Access::Ok),
        ]
    });
    events.collect()
}

fn says(kept: &Kept, kind: &str, reference: &str) -> String {
    let id = alpacalert_model::NodeId::new("test", kind.parse().expect("a kind"), reference);
    let node = kept
        .graph
        .key(&id)
        .and_then(|key| kept.graph.get(key))
        .expect("a node");
    let own = node
        .children()
        .map(|(child, _)| child)
        .find(|child| child.id().kind().as_str().ends_with("status"));
    own.unwrap_or(node).status().reason.to_string()
}

fn named(version: &str, kind: &str, name: &str, rest: Value) -> Value {
    let mut object = json!({"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": "one", "uid": format!("{kind}-{name}"), "creationTimestamp": "2026-11-22T10:00:00Z"}});
    if let (Some(object), Value::Object(rest)) = (object.as_object_mut(), rest) {
        object.extend(rest);
    }
    object
}

#[test]
fn a_claim_hears_of_the_first_pod_that_uses_it() {
    let class = json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "late", "uid": "late"}, "provisioner": "example.com/csi", "volumeBindingMode": "WaitForFirstConsumer"});
    let claim = named(
        "v1",
        "PersistentVolumeClaim",
        "data",
        json!({"spec": {"storageClassName": "late"}, "status": {"phase": "Pending"}}),
    );
    let pod = named(
        "v1",
        "Pod",
        "db",
        json!({"spec": {"containers": [{"name": "db"}], "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]}, "status": {"phase": "Pending"}}),
    );
    let mut first = seen_kinds(&[kinds::POD, kinds::PVC, kinds::STORAGE_CLASS]);
    first.extend([applied(class), applied(claim)]);
    let idle = after(&[first.iter().map(copy).collect()]);
    assert_eq!(says(&idle, kinds::PVC, "one/data"), "waiting-for-consumer");
    let used = after(&[first, vec![applied(pod)]]);
    assert_ne!(says(&used, kinds::PVC, "one/data"), "waiting-for-consumer");
}

#[test]
fn a_custom_resource_hears_of_its_definition() {
    let widget = named("example.com/v1", "Widget", "a", json!({"spec": {}}));
    let definition = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "widgets.example.com", "uid": "crd"},
        "spec": {"group": "example.com", "scope": "Namespaced", "names": {"kind": "Widget", "plural": "widgets"},
            "versions": [{"name": "v1", "served": true, "storage": true, "subresources": {"status": {}}, "schema": {"openAPIV3Schema": {"properties": {"status": {"properties": {"conditions": {"type": "array"}}}}}}}]},
        "status": {"conditions": [{"type": "Established", "status": "True"}]}});
    let mut first = seen_kinds(&[kinds::CRD, "example.com/Widget"]);
    first.push(applied(widget));
    let alone = after(&[first.iter().map(copy).collect()]);
    let defined = after(&[first, vec![applied(definition)]]);
    let says = |kept: &Kept| says(kept, "example.com/Widget", "one/a");
    assert_ne!(says(&alone), says(&defined));
}

#[test]
fn a_cron_job_hears_how_a_run_ended_that_is_gone() {
    let cron = named(
        "batch/v1",
        "CronJob",
        "report",
        json!({"spec": {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": {"template": {"spec": {}}}}}, "status": {"lastScheduleTime": "2026-11-22T11:00:00Z", "lastSuccessfulTime": "2026-11-22T11:00:05Z"}}),
    );
    let mut run = named(
        "batch/v1",
        "Job",
        "report-1",
        json!({"spec": {"template": {"spec": {}}}, "status": {"failed": 1, "startTime": "2026-11-22T11:30:00Z", "conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]}}),
    );
    run["metadata"]["ownerReferences"] = json!([{"apiVersion": "batch/v1", "kind": "CronJob", "name": "report", "uid": "CronJob-report", "controller": true}]);
    run["metadata"]["creationTimestamp"] = json!("2026-11-22T11:30:00Z");
    let gone = Event::Deleted(kinds::JOB.into(), "one/report-1".into());
    let mut first = seen_kinds(&[kinds::JOB, kinds::CRON_JOB]);
    first.push(applied(cron));
    let well = after(&[first.iter().map(copy).collect()]);
    assert_eq!(says(&well, kinds::CRON_JOB, "one/report"), "ok");
    // It comes and goes between two deliveries: nothing but how it ended is otherwise.
    let failed = after(&[first, vec![applied(run), gone]]);
    assert_eq!(
        says(&failed, kinds::CRON_JOB, "one/report"),
        "last-run-failed"
    );
}

#[test]
fn a_node_hears_that_the_leases_were_read_again() {
    let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1", "uid": "n1"}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}});
    let lease = |renewed: &str| {
        object(
            json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "n1", "namespace": "kube-node-lease", "uid": "l1"}, "spec": {"renewTime": renewed, "leaseDurationSeconds": 40}}),
        )
    };
    let listed = |renewed: &str| Event::Listed(kinds::LEASE.into(), vec![lease(renewed)]);
    let mut first = seen_kinds(&[kinds::NODE, kinds::LEASE]);
    first.extend([applied(node), listed("2026-11-22T11:59:58.000000Z")]);
    let renews = after(&[first.iter().map(copy).collect()]);
    assert_eq!(says(&renews, kinds::NODE, "n1"), "ok");
    let stale = after(&[first, vec![listed("2026-11-22T11:50:00.000000Z")]]);
    assert_ne!(says(&stale, kinds::NODE, "n1"), "ok");
}
