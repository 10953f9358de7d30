//! `alpacalert k8s` on a saved cluster.

use alpacalert_testkit::{Authority, Lifetime, TempDir, TlsServer};

use crate::program::{Said, alpacalert, run, run_in, said};

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

/// A kubeconfig for a server, in a folder, with a certificate authority that is trusted.
fn kubeconfig(folder: &std::path::Path, server: &str, authority: &std::path::Path) -> String {
    let path = folder.join("kubeconfig");
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: here\nclusters: [{{name: c, cluster: {{server: 'https://{server}', certificate-authority: '{}'}}}}]\ncontexts: [{{name: here, context: {{cluster: c, user: u}}}}]\nusers: [{{name: u, user: {{token: secret-of-ours}}}}]\n",
        authority.display()
    );
    std::fs::write(&path, text).expect("the file can be written");
    path.display().to_string()
}

#[test]
fn what_keeps_us_from_the_api_server_is_said_in_words() {
    let folder = alpacalert_testkit::temp_dir();
    let authority = Authority::new("test");
    let closed = format!("127.0.0.1:{}", alpacalert_testkit::free_port());
    let path = kubeconfig(folder.path(), &closed, &authority.root());
    let refused = run(&["k8s", "--kubeconfig", &path]);
    assert_eq!(refused.code, 74, "{refused:?}");
    let expected = format!("https://{closed} does not answer: Connection refused");
    assert!(refused.err.contains(&expected), "{}", refused.err);
    assert!(!refused.err.contains("secret-of-ours"), "{}", refused.err);

    let wrong = run(&["k8s", "--kubeconfig", &path, "--context", "her"]);
    assert_eq!(wrong.code, 74, "{wrong:?}");
    assert!(
        wrong.err.contains("no context `her`; did you mean `here`?"),
        "{}",
        wrong.err
    );

    std::fs::write(folder.path().join("empty"), "a: 1\n").expect("the file can be written");
    let empty = folder.path().join("empty").display().to_string();
    let empty = run(&["k8s", "--kubeconfig", &empty]);
    assert!(
        empty.err.contains("no contexts; is it the right file?"),
        "{}",
        empty.err
    );
    let none = said(
        alpacalert(&["k8s"])
            .env("HOME", folder.path())
            .env_remove("KUBECONFIG"),
    );
    assert_eq!(none.code, 74, "{none:?}");
    assert!(none.err.contains("there is no kubeconfig"), "{}", none.err);
}

#[test]
fn a_certificate_that_has_expired_or_is_of_somebody_else_is_told_from_a_dead_server() {
    let folder = alpacalert_testkit::temp_dir();
    let authority = Authority::new("test");
    for (lifetime, trusted, expected) in [
        (Lifetime::Expired, authority.root(), "certificate expired"),
        (
            Lifetime::LONG,
            Authority::new("other").root(),
            "another certificate authority",
        ),
    ] {
        let issued = authority.issue(&["127.0.0.1"], lifetime);
        let Some(server) = TlsServer::start(&issued, &["-www"]) else {
            return;
        };
        let path = kubeconfig(folder.path(), &server.address().to_string(), &trusted);
        let said = run(&["k8s", "--kubeconfig", &path]);
        assert_eq!(said.code, 74, "{said:?}");
        assert!(said.err.contains(expected), "{}", said.err);
    }
}

/// Of many pods that cannot start for one reason some are shown, and the others counted.
#[test]
fn pods_that_are_in_trouble_alike_are_counted() {
    let mut text = STALLED.to_owned();
    for n in 0..30 {
        let pod = STALLED
            .split("- apiVersion: v1\n  kind: Pod")
            .nth(1)
            .expect("a pod");
        let pod = pod
            .replace("cart-2-x", &format!("cart-2-y{n}"))
            .replace("uid: p,", &format!("uid: p{n},"));
        text += &format!("- apiVersion: v1\n  kind: Pod{pod}");
    }
    let folder = alpacalert_testkit::temp_dir();
    std::fs::write(folder.path().join("dump.yaml"), text).expect("the file can be written");
    let said = run_in(folder.path(), &["k8s", "--from", "dump.yaml"]);
    assert!(said.out.contains("… 28 more failing"), "{}", said.out);
    let all = run_in(folder.path(), &["k8s", "--from", "dump.yaml", "--all"]);
    assert!(all.out.contains("cart-2-y29"), "{}", all.out);
}
