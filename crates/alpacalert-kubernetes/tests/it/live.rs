//! A watched cluster: what is asked of the API server, and what becomes of its faults.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use alpacalert_instrument::{Builder, Context, ScheduleOverrides, Source};
use alpacalert_kubernetes::{Cluster, Connection, KubernetesSource, Options};
use alpacalert_model::{Graph, NodeId, Timestamp, Update};
use alpacalert_testkit::FakeApiServer;
use serde_json::{Value, json};

use crate::follow::{Live, graph, source, state};
use crate::support::{D, F, P, U};

async fn follow(fake: &FakeApiServer) -> Live {
    let kubeconfig = fake.kubeconfig();
    let mut live = Live::follow(kubeconfig.path());
    live.kubeconfig = Some(kubeconfig);
    live
}

pub(crate) fn pod(name: &str, extra: Value) -> Value {
    let mut pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "shop", "uid": format!("pod-{name}"), "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {"containers": [{"name": "app"}]},
        "status": {"phase": "Running", "conditions": [{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": "True"}],
            "containerStatuses": [{"name": "app", "ready": true, "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}}}]},
    });
    if let (Value::Object(spec), Value::Object(more)) = (&mut pod["spec"], extra) {
        spec.extend(more);
    }
    pod
}

pub(crate) fn account() -> Value {
    json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": "shop"}})
}

fn node(ready: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1", "uid": "n1"}, "status": {"conditions": [{"type": "Ready", "status": ready}]}})
}

const POD: &str = "kubernetes.io/Pod";
const KINDS: usize = 45;

/// C-09: what is asked of the API server depends on the number of kinds, and on nothing else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c09_one_list_and_one_watch_per_kind_and_nothing_per_evaluation() {
    let fake = FakeApiServer::start().await;
    fake.put("serviceaccounts", account());
    for n in 0..50 {
        fake.put("pods", pod(&format!("p{n}"), json!({})));
    }
    let mut live = follow(&fake).await;
    live.until(POD, "shop/p7", P).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let before = fake.requests();
    let lists = before
        .iter()
        .filter(|request| !request.contains("watch=true"))
        .count();
    let watches = before
        .iter()
        .filter(|request| request.contains("watch=true") && !request.contains("sendInitialEvents"))
        .count();
    let tries = before
        .iter()
        .filter(|request| request.contains("sendInitialEvents"))
        .count();
    // Leases are listed and not watched. Each kind asks once whether lists can be streamed.
    assert_eq!(
        (lists, watches, tries),
        (KINDS, KINDS - 1, KINDS - 1),
        "{before:#?}"
    );
    let snapshot = live.last.clone().expect("a snapshot");
    for _ in 0..100 {
        graph(&live.source, &snapshot, Timestamp::now());
    }
    fake.put("pods", pod("new", json!({})));
    live.until(POD, "shop/new", P).await;
    assert_eq!(fake.requests().len(), before.len());
}

/// A server that streams lists is asked once per kind.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streamed_lists_need_one_request_per_kind() {
    let fake = FakeApiServer::start().await;
    fake.stream_lists();
    fake.put("serviceaccounts", account());
    fake.put("pods", pod("a", json!({})));
    let mut live = follow(&fake).await;
    live.until(POD, "shop/a", P).await;
    fake.put("pods", pod("b", json!({})));
    live.until(POD, "shop/b", P).await;
    assert_eq!(fake.requests().len(), KINDS, "{:#?}", fake.requests());
}

/// C-10: what may not be seen is Unknown with the reason, and never Failing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c10_refused_kinds_are_unknown() {
    let fake = FakeApiServer::start().await;
    fake.refuse("secrets", 403);
    fake.refuse("gateways", 404);
    fake.refuse("configmaps", 404);
    fake.put("serviceaccounts", account());
    fake.put(
        "pods",
        pod(
            "a",
            json!({"volumes": [{"name": "v", "secret": {"secretName": "hidden"}}]}),
        ),
    );
    let mut live = follow(&fake).await;
    live.until("kubernetes.io/Secret", "shop/hidden", U).await;
    // It runs, so it cannot have been missing.
    live.until(POD, "shop/a", P).await;
    let snapshot = live.last.clone().expect("a snapshot");
    let graph = graph(&live.source, &snapshot, Timestamp::now());
    let access = |kind: &str| {
        state(
            &graph,
            "kubernetes.io/Cluster#access",
            &format!("cluster/{kind}"),
        )
    };
    assert_eq!(
        access("kubernetes.io/Secret"),
        Some((U, "not-permitted".to_owned()))
    );
    assert_eq!(
        access("kubernetes.io/ConfigMap"),
        Some((U, "not-served".to_owned()))
    );
    // A cluster may well do without the Gateway API.
    assert_eq!(access("kubernetes.io/Gateway"), None);
    assert!(graph.nodes().all(|node| node.state() != F));
}

/// C-10: broken and expired watches are taken up again, with nothing lost and nothing made up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c10_watches_are_taken_up_again() {
    let fake = FakeApiServer::start().await;
    fake.put("serviceaccounts", account());
    fake.put("pods", pod("a", json!({})));
    let mut live = follow(&fake).await;
    live.until(POD, "shop/a", P).await;
    fake.cut();
    fake.put("pods", pod("during", json!({})));
    fake.put("pods", pod("b", json!({})));
    live.until(POD, "shop/during", P).await;
    live.until(POD, "shop/b", P).await;
    // Nothing was listed again for that.
    let lists = fake
        .requests()
        .into_iter()
        .filter(|request| request.contains("/pods?resourceVersion=0"))
        .count();
    assert_eq!(lists, 1, "{:#?}", fake.requests());
    fake.delete("pods", "shop", "a");
    fake.expire("pods");
    fake.put("pods", pod("c", json!({})));
    live.until(POD, "shop/c", P).await;
    let snapshot = live.last.clone().expect("a snapshot");
    let cluster: &Cluster = snapshot.get().expect("a cluster");
    assert!(
        !cluster.contains(POD, "shop", "a"),
        "a pod that is gone is still shown"
    );
    assert!(cluster.contains(POD, "shop", "b"));
}

/// What arrives and is no object is counted, and stops nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_malformed_stops_nothing() {
    let fake = FakeApiServer::start().await;
    fake.put("serviceaccounts", account());
    fake.put("pods", pod("a", json!({})));
    fake.put("pods", json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "odd", "namespace": "shop"}, "spec": {"containers": "many"}}));
    let mut live = follow(&fake).await;
    live.until(POD, "shop/odd", U).await;
    fake.line(
        "pods",
        &json!({"type": "ADDED", "object": {"kind": "Pod", "metadata": {}}}).to_string(),
    );
    live.until("kubernetes.io/Cluster#unreadable", "cluster", U)
        .await;
    fake.line("pods", "this is no JSON");
    fake.put("pods", pod("b", json!({})));
    live.until(POD, "shop/b", P).await;
}

/// "G8": a ConfigMap that comes a moment after the pod that names it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_named_may_come_a_moment_later() {
    let fake = FakeApiServer::start().await;
    fake.put("serviceaccounts", account());
    fake.put("configmaps", json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "other", "namespace": "shop"}}));
    let mut live = follow(&fake).await;
    live.until("kubernetes.io/ServiceAccount", "shop/default", P)
        .await;
    let mut creating = pod(
        "a",
        json!({"volumes": [{"name": "v", "configMap": {"name": "late"}}]}),
    );
    creating["status"] = json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "True", "lastTransitionTime": Timestamp::now().to_string()}]});
    fake.put("pods", creating);
    let reason = live.until("kubernetes.io/Pod#volume", "shop/a/v", U).await;
    assert_eq!(reason, "settling");
    // Nobody brings it.
    live.until_at(
        "kubernetes.io/Pod#volume",
        "shop/a/v",
        F,
        Duration::from_secs(4),
    )
    .await;
    fake.put("configmaps", json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "late", "namespace": "shop"}}));
    live.until("kubernetes.io/Pod#volume", "shop/a/v", P).await;
}

/// "G11": a kind whose watch stays broken is Unknown after a minute, and what it knew stays.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_watch_is_stale() {
    let fake = FakeApiServer::start().await;
    fake.put("serviceaccounts", account());
    fake.put("pods", pod("a", json!({})));
    let mut live = follow(&fake).await;
    live.until(POD, "shop/a", P).await;
    fake.refuse("pods", 500);
    fake.cut();
    let reason = live
        .until_at(POD, "shop/a", U, Duration::from_secs(61))
        .await;
    assert_eq!(reason, "stale");
    live.until(POD, "shop/a", P).await;
    fake.refuse("pods", 0);
    fake.put("pods", pod("b", json!({})));
    live.until_at(POD, "shop/b", P, Duration::from_secs(61))
        .await;
    live.until_at(POD, "shop/a", P, Duration::from_secs(61))
        .await;
}

/// "NODE-7": a node that goes and comes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_goes_and_comes_flaps() {
    let fake = FakeApiServer::start().await;
    fake.put("nodes", node("True"));
    let mut live = follow(&fake).await;
    live.until("kubernetes.io/Node", "n1", P).await;
    for ready in ["False", "True", "False", "True"] {
        fake.put("nodes", node(ready));
    }
    let reason = live.until("kubernetes.io/Node", "n1", D).await;
    assert_eq!(reason, "flapping");
}

/// C-01: the result of a run whose Job is collected at once is remembered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c01_the_result_of_a_collected_job_is_remembered() {
    let fake = FakeApiServer::start().await;
    fake.put("serviceaccounts", account());
    let due = Timestamp::now().to_string();
    fake.put("cronjobs", json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "c", "namespace": "shop", "uid": "cron", "creationTimestamp": due},
        "spec": {"schedule": "0 0 1 1 *", "failedJobsHistoryLimit": 0}, "status": {"lastScheduleTime": due}}));
    let mut live = follow(&fake).await;
    live.until("kubernetes.io/CronJob", "shop/c", F).await;
    let job = |status: Value| {
        json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "run", "namespace": "shop", "uid": "run",
        "annotations": {"batch.kubernetes.io/cronjob-scheduled-timestamp": due},
        "ownerReferences": [{"apiVersion": "batch/v1", "kind": "CronJob", "name": "c", "uid": "cron", "controller": true}]}, "status": status})
    };
    fake.put("jobs", job(json!({"active": 1})));
    live.until("kubernetes.io/CronJob", "shop/c", U).await;
    fake.put(
        "jobs",
        job(json!({"conditions": [{"type": "Complete", "status": "True"}]})),
    );
    live.until("kubernetes.io/CronJob", "shop/c", P).await;
    fake.delete("jobs", "shop", "run");
    tokio::time::sleep(Duration::from_millis(300)).await;
    live.until("kubernetes.io/CronJob", "shop/c", P).await;
}

/// An API server whose clock is an hour ahead: ages are counted by its clock.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ages_are_counted_by_the_clock_of_the_api_server() {
    let fake = FakeApiServer::start().await;
    let ahead = Timestamp::now()
        .checked_add(jiff::SignedDuration::from_hours(1))
        .expect("a time");
    fake.date(
        &jiff::fmt::rfc2822::to_string(&ahead.to_zoned(jiff::tz::TimeZone::UTC))
            .expect("a date")
            .replace("+0000", "GMT"),
    );
    fake.put("serviceaccounts", account());
    let mut waiting = pod("a", json!({}));
    let since = ahead
        .checked_sub(jiff::SignedDuration::from_mins(10))
        .expect("a time")
        .to_string();
    waiting["status"] = json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "lastTransitionTime": since}]});
    fake.put("pods", waiting);
    let mut live = follow(&fake).await;
    live.until(POD, "shop/a", F).await;
}

/// Custom resources are followed as their definitions come.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn custom_resources_follow_their_definitions() {
    let fake = FakeApiServer::start().await;
    fake.put("foos", json!({"apiVersion": "example.com/v1", "kind": "Foo", "metadata": {"name": "f", "namespace": "shop"}, "status": {"phase": "Failed"}}));
    let mut live = follow(&fake).await;
    fake.put("customresourcedefinitions", json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "foos.example.com"},
        "spec": {"group": "example.com", "names": {"kind": "Foo", "plural": "foos"}, "scope": "Namespaced", "versions": [{"name": "v1", "served": true, "storage": true}]},
        "status": {"conditions": [{"type": "Established", "status": "True"}]}}));
    live.until("example.com/Foo", "shop/f", F).await;
}

/// One look, and nothing left behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_single_look_lists_each_kind_once() {
    let fake = FakeApiServer::start().await;
    fake.put("serviceaccounts", account());
    fake.put("pods", pod("a", json!({})));
    let kubeconfig = fake.kubeconfig();
    let source = source(kubeconfig.path());
    let snapshot = source.fetch(&Context::default()).await.expect("a snapshot");
    let graph = graph(&source, &snapshot, Timestamp::now());
    assert_eq!(
        state(&graph, POD, "shop/a").map(|(state, _)| state),
        Some(P)
    );
    assert_eq!(fake.requests().len(), KINDS);
}

/// A list that comes in pieces is one list.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_that_comes_in_pieces_is_read_to_its_end() {
    let fake = FakeApiServer::start().await;
    fake.put("serviceaccounts", account());
    for n in 0..7 {
        fake.put("pods", pod(&format!("p{n}"), json!({})));
    }
    fake.lists_in_pieces_of(3);
    let kubeconfig = fake.kubeconfig();
    let source = source(kubeconfig.path());
    let snapshot = source.fetch(&Context::default()).await.expect("a snapshot");
    let graph = graph(&source, &snapshot, Timestamp::now());
    for n in 0..7 {
        let pod = state(&graph, POD, &format!("shop/p{n}"));
        assert_eq!(pod.map(|(state, _)| state), Some(P), "p{n}");
    }
    let asked = fake.requests();
    let pods = asked.iter().filter(|path| path.contains("/pods?continue="));
    assert_eq!(pods.count(), 2, "{asked:?}");
}

/// Two clusters in one graph: objects named alike are two nodes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_clusters_do_not_meet() {
    let (one, two) = (FakeApiServer::start().await, FakeApiServer::start().await);
    for fake in [&one, &two] {
        fake.put("serviceaccounts", account());
        fake.put("pods", pod("a", json!({})));
    }
    let mut broken = pod("a", json!({}));
    broken["status"] = json!({"phase": "Failed", "reason": "Evicted"});
    two.put("pods", broken);
    let registry = alpacalert_kubernetes::registry();
    let now = Timestamp::now();
    let mut states = Vec::new();
    let mut graph = Graph::new();
    for (name, fake) in [("one", &one), ("two", &two)] {
        let kubeconfig = fake.kubeconfig();
        let connection = Connection {
            kubeconfig: Some(kubeconfig.path().to_owned()),
            ..Connection::default()
        };
        let source = KubernetesSource::new(name, connection, Options::default());
        let snapshot = source.fetch(&Context::default()).await.expect("a snapshot");
        let snapshots = HashMap::from([(Arc::from(name), snapshot.clone())]);
        let mut builder = Builder::new(&registry, &snapshots, ScheduleOverrides::default(), now);
        source.assemble(&snapshot, &mut builder).expect("a graph");
        let assembly = builder.finish();
        let applied = graph.apply(name, assembly.blueprint, now);
        let updates: Vec<Update> = assembly
            .observations
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
        drop(applied);
    }
    for name in ["one", "two"] {
        let id = NodeId::new(name, POD.parse().expect("a kind"), "shop/a");
        states.push(
            graph
                .key(&id)
                .and_then(|key| graph.get(key))
                .expect("a node")
                .state(),
        );
    }
    assert_eq!(states, [P, F]);
}

/// Nobody answers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_that_does_not_answer_is_an_error_with_its_cause() {
    let fake = FakeApiServer::start().await;
    let kubeconfig = fake.kubeconfig();
    let source = source(kubeconfig.path());
    drop(fake);
    tokio::time::sleep(Duration::from_millis(50)).await;
    let error = source
        .fetch(&Context::default())
        .await
        .expect_err("no cluster");
    let text = error.chain();
    assert!(
        text.starts_with("cannot list anything of the cluster test: ") && text.contains("refused"),
        "{text}"
    );
}
