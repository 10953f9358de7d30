//! `alpacalert k8s` on a saved cluster.

use alpacalert_testkit::TempDir;

use crate::program::{Said, run, run_in};

/// A rollout to an image that does not exist.
const STALLED: &str = "
apiVersion: v1
kind: List
items:
- apiVersion: apps/v1
  kind: Deployment
  metadata: {name: cart, namespace: shop, uid: d, generation: 1, creationTimestamp: '2026-11-22T00:00:00Z', labels: {alpacalert.io/owner: cart-team}}
  spec: {replicas: 1}
  status:
    observedGeneration: 1
    replicas: 2
    updatedReplicas: 1
    availableReplicas: 1
    conditions:
    - {type: Available, status: 'True', lastTransitionTime: '2026-11-22T00:00:10Z'}
    - {type: Progressing, status: 'False', reason: ProgressDeadlineExceeded}
- apiVersion: apps/v1
  kind: ReplicaSet
  metadata: {name: cart-2, namespace: shop, uid: r, generation: 1, creationTimestamp: '2026-11-22T01:00:00Z', ownerReferences: [{kind: Deployment, name: cart, uid: d, controller: true}]}
  spec: {replicas: 1}
  status: {observedGeneration: 1, replicas: 1, fullyLabeledReplicas: 1}
- apiVersion: v1
  kind: Pod
  metadata: {name: cart-2-x, namespace: shop, uid: p, creationTimestamp: '2026-11-22T01:00:00Z', ownerReferences: [{kind: ReplicaSet, name: cart-2, uid: r, controller: true}]}
  spec: {nodeName: n1, containers: [{name: app}]}
  status:
    phase: Pending
    conditions: [{type: PodScheduled, status: 'True'}]
    containerStatuses: [{name: app, state: {waiting: {reason: ImagePullBackOff, message: 'Back-off pulling image cart:typo'}}}]
";

fn dump() -> TempDir {
    let folder = alpacalert_testkit::temp_dir();
    std::fs::write(folder.path().join("dump.yaml"), STALLED).expect("the file can be written");
    folder
}

fn k8s(more: &[&str]) -> Said {
    let folder = dump();
    let mut arguments = vec!["k8s", "--from", "dump.yaml"];
    arguments.extend(more);
    run_in(folder.path(), &arguments)
}

#[test]
fn the_cause_of_a_stalled_rollout_stands_in_the_first_lines() {
    let said = k8s(&[]);
    assert_eq!(said.code, 2, "{said:?}");
    let first: Vec<&str> = said.out.lines().take(3).collect();
    let text = first.join("\n");
    assert!(text.contains("Back-off pulling image cart:typo"), "{text}");
    let one = k8s(&["-n", "shop", "deploy/cart"]);
    assert_eq!(one.code, 2, "{one:?}");
    assert!(one.out.contains("Deployment cart"), "{}", one.out);
}

#[test]
fn there_is_one_record_for_each_object() {
    let said = k8s(&["-o", "json"]);
    let records: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
    let kinds: Vec<&str> = records
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|r| r["kind"].as_str())
        .collect();
    assert_eq!(kinds.len(), 3, "{kinds:?}");
    assert_eq!(records[0]["owner"], "cart-team");
    let table = k8s(&["-o", "table", "--only", "failing"]);
    assert!(
        table.out.lines().count() > 1 && table.out.starts_with("STATE"),
        "{}",
        table.out
    );
}

#[test]
fn what_is_not_there_is_said_with_what_is_near() {
    let said = k8s(&["deploy/card"]);
    assert_eq!(said.code, 64, "{said:?}");
    assert_eq!(
        said.err,
        "error: there is no Deployment `card`; did you mean `cart`?\n"
    );
    let none = run(&["k8s", "--from", "/nowhere.yaml"]);
    assert_eq!(none.code, 74, "{none:?}");
    assert!(none.err.contains("/nowhere.yaml"), "{}", none.err);
    let unreachable = run(&["k8s", "--kubeconfig", "/nowhere"]);
    assert_eq!(unreachable.code, 74, "{unreachable:?}");
}

#[test]
fn a_dump_is_judged_as_of_its_own_time() {
    // A minute after it was made the container may still be created; an hour later it may not.
    let text = "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: shop, creationTimestamp: '2026-11-22T01:00:00Z'}\nspec: {nodeName: n1, containers: [{name: app}]}\nstatus: {phase: Pending, conditions: [{type: PodScheduled, status: 'True', lastTransitionTime: '2026-11-22T01:00:05Z'}], containerStatuses: [{name: app, state: {waiting: {reason: ContainerCreating}}}]}\n";
    let folder = alpacalert_testkit::temp_dir();
    std::fs::write(folder.path().join("pod.yaml"), text).expect("the file can be written");
    assert_eq!(
        run_in(folder.path(), &["k8s", "--from", "pod.yaml", "pod/p"]).code,
        3
    );
    let later = [
        "k8s",
        "--from",
        "pod.yaml",
        "--at",
        "2026-11-22T02:00:00Z",
        "pod/p",
    ];
    assert_eq!(run_in(folder.path(), &later).code, 2);
}
