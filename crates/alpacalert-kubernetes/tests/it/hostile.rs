//! Bad input: the object concerned is Unknown with the reason and is counted, and nothing stops.

use std::time::Duration;

use alpacalert_kubernetes::{Cluster, Dump, Options};
use alpacalert_testkit::FakeApiServer;
use serde_json::{Value, json};

use crate::follow::Live;
use crate::live::{account, pod};
use crate::support::*;

const POD: &str = "kubernetes.io/Pod";

async fn following(fake: &FakeApiServer) -> (Live, tempfile::NamedTempFile) {
    fake.put("serviceaccounts", account());
    let kubeconfig = fake.kubeconfig();
    let live = Live::follow(kubeconfig.path());
    (live, kubeconfig)
}

/// An object of ten megabytes, in the list and in the watch.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_enormous_object_is_unknown_and_the_others_go_on() {
    let fake = FakeApiServer::start().await;
    let enormous = |name: &str| {
        let mut object = pod(name, json!({}));
        object["metadata"]["annotations"] = json!({"blob": "x".repeat(8_500_000)});
        object
    };
    fake.put("pods", enormous("listed"));
    fake.put("pods", pod("a", json!({})));
    let (mut live, _kept) = following(&fake).await;
    assert_eq!(live.until(POD, "shop/listed", U).await, "malformed");
    live.until(POD, "shop/a", P).await;
    fake.put("pods", enormous("watched"));
    assert_eq!(live.until(POD, "shop/watched", U).await, "malformed");
    // It shrinks, and is one like any other.
    fake.put("pods", pod("watched", json!({})));
    live.until(POD, "shop/watched", P).await;
    // A line that no object may have: the watch is begun anew, and the kind goes on.
    fake.line("pods", &"y".repeat(12 * 1024 * 1024));
    fake.put("pods", pod("b", json!({})));
    live.until(POD, "shop/b", P).await;
}

/// A version of a known kind that nobody here has heard of, and kinds of nobody.
#[test]
fn unknown_versions_are_read_as_far_as_they_can_be() {
    let old = "apiVersion: apps/v1beta1\nkind: Deployment\nmetadata: {name: old, namespace: shop, generation: 1}\nspec: {replicas: 1}\nstatus: {observedGeneration: 1, replicas: 1, updatedReplicas: 1, availableReplicas: 1, conditions: [{type: Available, status: 'True'}]}\n";
    let future = "apiVersion: apps/v9\nkind: Deployment\nmetadata: {name: future, namespace: shop}\nspec: {replicas: many}\n";
    let none = "apiVersion: ''\nkind: Pod\nmetadata: {name: none, namespace: shop}\nspec: {containers: []}\n";
    let nonsense = "apiVersion: [1, 2]\nkind: Pod\nmetadata: {name: nonsense, namespace: shop}\n";
    let foreign =
        "apiVersion: example.com/v1\nkind: 'Bad Kind/../x'\nmetadata: {name: x, namespace: shop}\n";
    let world = world(&docs(&[
        old,
        future,
        none,
        nonsense,
        foreign,
        &ready_pod("a", ""),
    ]));
    world.expect("Deployment/shop/old", P);
    world.expect("Deployment/shop/future", U);
    world.expect("Pod/shop/a", P);
    let cluster: &Cluster = world.snapshot.get().expect("a cluster");
    assert_eq!(cluster.malformed(), 3, "{}", world.tree());
}

/// A pod that turns into a ConfigMap in the middle of the watch of pods, and one whose uid is another's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn objects_that_change_their_kind_do_no_harm() {
    let fake = FakeApiServer::start().await;
    fake.put("pods", pod("a", json!({})));
    fake.put("pods", pod("b", json!({})));
    let (mut live, _kept) = following(&fake).await;
    live.until(POD, "shop/a", P).await;
    let changed = json!({"type": "MODIFIED", "object": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "shop", "uid": "pod-a"}}});
    fake.line("pods", &changed.to_string());
    live.until("kubernetes.io/Cluster#unreadable", "cluster", U)
        .await;
    // What it was stays until the API server says otherwise.
    live.until(POD, "shop/a", P).await;
    assert!(live.nodes("kubernetes.io/ConfigMap").is_empty());
    let mut twin = pod("b", json!({}));
    twin["metadata"]["uid"] = json!("pod-a");
    fake.put("pods", twin);
    fake.put("pods", pod("c", json!({})));
    live.until(POD, "shop/c", P).await;
    live.until(POD, "shop/b", P).await;
}

/// Objects vanish while others name them, and come again under their names.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn objects_that_vanish_are_missed_and_come_again() {
    let fake = FakeApiServer::start().await;
    let claim = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data", "namespace": "shop"}, "status": {"phase": "Bound"}});
    fake.put("persistentvolumeclaims", claim.clone());
    let volume = json!({"nodeName": "n1", "volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}]});
    fake.put("pods", pod("a", volume));
    let (mut live, _kept) = following(&fake).await;
    const PVC: &str = "kubernetes.io/PersistentVolumeClaim";
    live.until(PVC, "shop/data", P).await;
    for _ in 0..3 {
        fake.delete("persistentvolumeclaims", "shop", "data");
        live.until_at(PVC, "shop/data", F, Duration::from_secs(60))
            .await;
        fake.put("persistentvolumeclaims", claim.clone());
        live.until(PVC, "shop/data", P).await;
    }
    // A deletion of something that nobody knew.
    let gone = json!({"type": "DELETED", "object": pod("never", json!({}))});
    fake.line("pods", &gone.to_string());
    fake.delete("pods", "shop", "a");
    live.until_gone(POD, "shop/a").await;
}

/// 410 at any moment: at the first watch, after each event, and in the place of an answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_old_is_listed_again() {
    let fake = FakeApiServer::start().await;
    fake.put("pods", pod("p0", json!({})));
    fake.expire("pods");
    let (mut live, _kept) = following(&fake).await;
    for n in 1..4 {
        fake.put("pods", pod(&format!("p{n}"), json!({})));
        fake.delete("pods", "shop", &format!("p{}", n - 1));
        fake.expire("pods");
        live.until(POD, &format!("shop/p{n}"), P).await;
        live.until_gone(POD, &format!("shop/p{}", n - 1)).await;
    }
    fake.refuse("pods", 410);
    fake.cut_one("pods");
    tokio::time::sleep(Duration::from_millis(700)).await;
    fake.refuse("pods", 0);
    fake.put("pods", pod("last", json!({})));
    live.until(POD, "shop/last", P).await;
}

/// Our clock is a day behind or ahead, and the API server does not say what time it is.
#[test]
fn times_from_the_future_and_from_long_ago_are_no_failures_of_their_own() {
    let claim = |created: &str| {
        format!(
            "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {{name: c, namespace: shop, creationTimestamp: '{created}'}}\nspec: {{storageClassName: ''}}\nstatus: {{phase: Pending}}\n"
        )
    };
    for created in ["2026-11-23T12:00:00Z", "2999-01-01T00:00:00Z"] {
        world(&claim(created)).expect("PersistentVolumeClaim/shop/c", U);
    }
    for created in ["0001-01-01T00:00:00Z", "1969-12-31T23:59:59Z"] {
        world(&claim(created)).expect("PersistentVolumeClaim/shop/c", F);
    }
    // No time at all: that one object cannot be read.
    world(&claim("9999999-01-01T00:00:00Z")).expect("PersistentVolumeClaim/shop/c", U);
}

/// Owners in a circle through kinds with rules of their own, and an owner in another namespace.
#[test]
fn owners_in_a_circle_are_unknown_whatever_their_kind() {
    let object = |kind: &str, name: &str, owner: &str, owner_kind: &str| {
        format!(
            "apiVersion: apps/v1\nkind: {kind}\nmetadata: {{name: {name}, namespace: shop, uid: {name}, generation: 1, ownerReferences: [{{apiVersion: apps/v1, kind: {owner_kind}, name: {owner}, uid: {owner}, controller: true}}]}}\nspec: {{replicas: 0}}\nstatus: {{observedGeneration: 1}}\n"
        )
    };
    let world = world(&docs(&[
        &object("Deployment", "a", "b", "ReplicaSet"),
        &object("ReplicaSet", "b", "a", "Deployment"),
        &ready_pod("p", ""),
    ]));
    world.expect("Deployment/shop/a", U);
    world.expect("ReplicaSet/shop/b", U);
    world.expect("Pod/shop/p", P);
}

/// A hundred thousand objects that name one that is not there, and one that names a hundred thousand.
#[test]
fn many_references_cost_what_they_are() {
    let start = std::time::Instant::now();
    let sources: Vec<Value> = (0..20_000)
        .map(|n| json!({"configMapRef": {"name": format!("c{n}")}}))
        .collect();
    let mut one = pod("one", json!({}));
    one["spec"]["containers"][0]["envFrom"] = json!(sources);
    let mut items = vec![one];
    for n in 0..5_000 {
        items.push(pod(
            &format!("p{n}"),
            json!({"volumes": [{"name": "v", "configMap": {"name": "gone"}}]}),
        ));
    }
    let list = json!({"apiVersion": "v1", "kind": "List", "items": items});
    let mut dump = Dump::default();
    dump.add(&list.to_string(), "many");
    let world = world_at(dump.cluster("test", Options::default()), NOON);
    // Nobody saved ConfigMaps.
    world.expect("ConfigMap/shop/gone", U);
    world.expect("ConfigMap/shop/c19999", U);
    assert!(
        start.elapsed() < Duration::from_secs(60),
        "{:?}",
        start.elapsed()
    );
}

/// Names, messages and labels that want to be something else on a terminal.
#[test]
fn control_characters_do_not_reach_the_reader() {
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p\u{1b}[2J", "namespace": "shop", "uid": "x"}, "spec": {"containers": [{"name": "app"}]},
        "status": {"phase": "Failed", "reason": "Ev\u{7}icted", "message": "line\u{1b}]0;title\u{7}\nnext\u{202e}"}});
    let mut dump = Dump::default();
    dump.add(&pod.to_string(), "hostile");
    let world = world_at(dump.cluster("test", Options::default()), NOON);
    let tree = world.tree();
    assert!(
        !tree.contains('\u{1b}') && !tree.contains('\u{7}'),
        "{tree:?}"
    );
}
