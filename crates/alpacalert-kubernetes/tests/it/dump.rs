//! Dumps: every form that people save, and everything that can be wrong with one.

use alpacalert_instrument::{Kind, Registry, Scope, Target};
use alpacalert_kubernetes::{Cluster, Dump, Options, Selection, records};

use crate::support::*;

fn names(cluster: &Cluster) -> usize {
    cluster.len()
}

#[test]
fn lists_documents_and_json_are_the_same() {
    let one = ready_pod("a", "");
    let two = ready_pod("b", "");
    let documents = docs(&["---", &one, &two, ""]);
    let indented = |text: &str| {
        text.lines()
            .enumerate()
            .map(|(n, line)| format!("{}{line}\n", if n == 0 { "- " } else { "  " }))
            .collect::<String>()
    };
    let list = format!(
        "apiVersion: v1\nkind: List\nitems:\n{}{}",
        indented(&one),
        indented(&two)
    );
    let json = r#"{"apiVersion": "v1", "kind": "PodList", "items": [{"metadata": {"name": "a", "namespace": "shop"}}, {"metadata": {"name": "b", "namespace": "shop"}}]}"#;
    for text in [documents.as_str(), &list, json] {
        let cluster = cluster(text);
        assert_eq!(names(&cluster), 2, "{text}");
        assert!(cluster.contains("kubernetes.io/Pod", "shop", "b"));
    }
}

#[test]
fn a_must_gather_folder_is_read_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let inner = folder.path().join("namespaces/shop/core");
    std::fs::create_dir_all(&inner).expect("folders");
    std::fs::write(inner.join("pods.yaml"), stamped(&ready_pod("a", ""))).expect("a file");
    std::fs::write(inner.join("app.log"), "kind: Pod").expect("a file");
    std::fs::write(
        folder.path().join("nodes.json"),
        r#"{"apiVersion":"v1","kind":"NodeList","items":[{"metadata":{"name":"n1"}}]}"#,
    )
    .expect("a file");
    std::os::unix::fs::symlink(folder.path(), inner.join("loop")).expect("a link");
    let cluster = Dump::open(folder.path())
        .expect("a dump")
        .cluster("test", Options::default());
    assert_eq!(cluster.len(), 2);
    assert_eq!(cluster.malformed(), 0);
}

#[test]
fn a_dump_is_judged_as_of_its_newest_time() {
    let mut dump = Dump::default();
    dump.add(&stamped(&docs(&[
        &ready_pod("a", ", deletionTimestamp: '{ago -500}'"),
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: shop, creationTimestamp: '{ago 99}'}\ndata: {lastTime: '2030-01-01T00:00:00Z'}\n",
        "apiVersion: coordination.k8s.io/v1\nkind: Lease\nmetadata: {name: l, namespace: shop}\nspec: {renewTime: '{ago 7}'}\n",
    ])), "test");
    assert_eq!(dump.newest().map(|at| at.to_string()), Some(ago(7)));
}

#[test]
fn what_is_malformed_is_unknown_and_stops_nothing() {
    let broken = "apiVersion: v1\nkind: Pod\nmetadata: {name: broken, namespace: shop}\nspec: {containers: 5}\n";
    case(
        "BAD-1",
        &docs(&[broken, &ready_pod("a", "")]),
        "Pod/shop/broken",
        U,
        "malformed",
    );
    let when = "apiVersion: v1\nkind: Pod\nmetadata: {name: when, namespace: shop, creationTimestamp: yesterday}\n";
    case("BAD-1", when, "Pod/shop/when", U, "malformed");
    let world = world(&docs(&[
        broken,
        &ready_pod("a", ""),
        "just text",
        "apiVersion: v1\nkind: Pod\nmetadata: {}\n",
        "{ bad: yaml: here",
    ]));
    world.expect("Pod/shop/a", P);
    world.expect("Pod/shop/broken", U);
    world.expect("Cluster#unreadable/cluster", U);
    let cluster: &Cluster = world.snapshot.get().expect("a cluster");
    assert_eq!(cluster.malformed(), 4);
}

#[test]
fn nulls_and_unknown_fields_are_no_mistakes() {
    let yaml = "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: shop, creationTimestamp: null, labels: null, ownerReferences: null, news: {a: 1}}\nspec: {containers: null, volumes: null, future: [1]}\nstatus: {phase: Running, conditions: null, containerStatuses: null}\n";
    assert_eq!(cluster(yaml).malformed(), 0);
}

#[test]
fn owners_in_a_circle_are_unknown() {
    let foo = |name: &str, owner: &str| {
        format!(
            "apiVersion: example.com/v1\nkind: Foo\nmetadata: {{name: {name}, namespace: shop, uid: {name}, ownerReferences: [{{apiVersion: example.com/v1, kind: Foo, name: {owner}, uid: {owner}}}]}}\n"
        )
    };
    let yaml = docs(&[
        &foo("a", "b"),
        &foo("b", "c"),
        &foo("c", "a"),
        &foo("own", "own"),
    ]);
    case("G13", &yaml, "example.com/Foo/shop/a", U, "cycle");
    let world = world(&yaml);
    for name in ["a", "b", "c", "own"] {
        world.expect(&format!("example.com/Foo/shop/{name}"), U);
    }
}

#[test]
fn kinds_of_two_groups_are_two_kinds() {
    let knative = "apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: web, namespace: shop}\nstatus: {conditions: [{type: Ready, status: 'False', reason: RevisionFailed}]}\n";
    let core = "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop}\nspec: {type: ExternalName}\n";
    let world = world(&docs(&[knative, core]));
    world.expect("Service/shop/web", P);
    world.expect("serving.knative.dev/Service/shop/web", F);
}

#[test]
fn objects_say_whose_they_are_and_how_they_count() {
    let owned = crashing_pod("owned", ", labels: {alpacalert.io/owner: payments}");
    let optional = crashing_pod(
        "optional",
        ", annotations: {alpacalert.io/optional: 'true'}",
    );
    let ignored = crashing_pod("ignored", ", annotations: {alpacalert.io/ignore: 'true'}");
    let world = world(&docs(&[&owned, &optional, &ignored]));
    assert_eq!(
        world.node("Pod/shop/owned").owner().map(|o| &**o),
        Some("payments")
    );
    assert_eq!(
        world.node("Pod/shop/optional").owner().map(|o| &**o),
        Some("shop")
    );
    assert!(!world.has("Pod/shop/ignored"), "{}", world.tree());
    let well = crate::support::world(&docs(&[&optional, &ignored, &ready_pod("a", "")]));
    well.expect("Namespace/shop", P);
    let deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d, namespace: shop, generation: 1, annotations: {alpacalert.io/min-available: '1'}}\nspec: {replicas: 3}\nstatus: {observedGeneration: 1, replicas: 3, updatedReplicas: 3, availableReplicas: 3, conditions: [{type: Available, status: 'True'}]}\n";
    crate::support::world(deployment).expect("Deployment/shop/d", P);
}

/// With `own` an object is judged by its own status, whatever it names.
#[test]
fn own_looks_at_nothing_else() {
    let spec = "nodeName: n1, containers: [{name: app, envFrom: [{configMapRef: {name: gone}}]}]";
    let yaml = docs(&[
        &pod("p", "", spec, READY),
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other, namespace: shop}\n",
    ]);
    world(&yaml).expect("Pod/shop/p", D);
    let own = Options {
        own: true,
        ..Options::default()
    };
    world_at(cluster_with(&yaml, own), NOON).expect("Pod/shop/p", P);
}

#[test]
fn a_selection_shows_what_it_names() {
    let yaml = docs(&[
        &ready_pod("a", ", labels: {app: web}"),
        &crashing_pod("b", ", labels: {app: db}"),
        &ready_pod("c", "").replace("namespace: shop", "namespace: other"),
    ]);
    let select = |selection: Selection| world_at(cluster(&yaml).select(selection), NOON);
    let one = select(Selection::default().with_target("po/a"));
    assert_eq!(one.roots.len(), 1);
    assert_eq!(one.root(), P);
    assert_eq!(
        select(Selection::default().with_target("pods")).roots.len(),
        3
    );
    assert_eq!(
        select(Selection::default().with_target("kubernetes.io/Pod/b")).root(),
        F
    );
    let elsewhere = select(Selection::default().in_namespaces(["other".to_owned()]));
    assert_eq!(elsewhere.root(), P);
    assert!(!elsewhere.has("Pod/shop/b"));
    let web = select(
        Selection::default()
            .with_labels("app=web")
            .expect("a selector"),
    );
    assert_eq!(web.root(), P);
    assert!(!web.has("Pod/shop/b"), "{}", web.tree());
}

#[test]
fn a_selection_of_nothing_says_what_is_near() {
    let fails = |selection: Selection| {
        let mut registry = Registry::new();
        alpacalert_kubernetes::register(&mut registry);
        let cluster = cluster(&ready_pod("cart-0", "")).select(selection);
        let snapshots = Default::default();
        let mut builder = alpacalert_instrument::Builder::new(
            &registry,
            &snapshots,
            Default::default(),
            time(NOON),
        );
        alpacalert_kubernetes::assemble(&cluster, &mut builder)
            .expect_err("an error")
            .to_string()
    };
    assert_eq!(
        fails(Selection::default().with_target("pod/cart-1")),
        "there is no Pod `cart-1`; did you mean `cart-0`?"
    );
    assert_eq!(
        fails(Selection::default().with_target("deplyment")),
        "there is no kind `deplyment`; did you mean `deployment`?"
    );
    assert_eq!(
        fails(Selection::default().in_namespaces(["shp".to_owned()])),
        "there is no namespace `shp`; did you mean `shop`?"
    );
    assert!(Selection::default().with_labels("a in b").is_err());
}

/// What somebody adds to a kind appears wherever an object of that kind does.
#[test]
fn extensions_appear_everywhere() {
    let mut registry = Registry::new();
    alpacalert_kubernetes::register(&mut registry);
    let failing = |_: &Target, scope: &mut Scope<'_, '_>| {
        let now = scope.now();
        scope.observed_part(
            "usage",
            None,
            "usage",
            alpacalert_model::Effect::Required,
            alpacalert_instrument::Observation::failing(
                alpacalert_instrument::Reason::LIMIT,
                "full",
                now,
            ),
        );
        Ok(())
    };
    registry.register(Kind::of("kubernetes.io/PersistentVolumeClaim"), failing);
    registry.register(Kind::of("kubernetes.io/Pod#container"), failing);
    let claim = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data, namespace: shop}\nstatus: {phase: Bound}\n";
    let spec = "nodeName: n1, containers: [{name: app}], volumes: [{name: v, persistentVolumeClaim: {claimName: data}}]";
    let world = world_with(
        &registry,
        cluster(&docs(&[claim, &pod("p", "", spec, READY)])),
        NOON,
    );
    world.expect("PersistentVolumeClaim/shop/data", F);
    world.expect("Pod#volume/shop/p/v", F);
    world.expect("Pod#container/shop/p/app", F);
}

#[test]
fn one_record_for_every_object() {
    let world = world(&docs(&[
        &crashing_pod("b", ", labels: {alpacalert.io/owner: payments}"),
        &ready_pod("a", ""),
    ]));
    let cluster: &Cluster = world.snapshot.get().expect("a cluster");
    let records = records(cluster, &world.graph);
    assert_eq!(records.len(), 2);
    let first = serde_json::to_value(&records[0]).expect("JSON");
    assert_eq!(
        first,
        serde_json::json!({
            "apiVersion": "v1", "kind": "Pod", "namespace": "shop", "name": "b", "state": "failing", "reason": "crash-loop-back-off",
            "message": "not ready: container app: CrashLoopBackOff: back-off 5m0s restarting failed container (exit code 1, 5 restarts)",
            "owner": "payments", "children": ["Node/n1", "ServiceAccount/shop/default"], "root": true,
        })
    );
}

/// "G8" and "G11" need a watch and have their tests beside it; a dump is one moment, and knows no such thing.
#[test]
fn in_a_dump_nothing_settles() {
    let spec = "nodeName: n1, containers: [{name: app, envFrom: [{configMapRef: {name: gone}}]}]";
    let other = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other, namespace: shop}\n";
    let world = world(&docs(&[&pod("p", "", spec, "phase: Pending"), other]));
    world.expect("ConfigMap/shop/gone", F);
}

/// "NODE-7" needs a watch: a dump tells the state and not its changes.
#[test]
fn selectors_of_a_million_labels_are_read() {
    let labels: serde_json::Map<String, serde_json::Value> = (0..1_000_000)
        .map(|n| (format!("l{n}"), "v".into()))
        .collect();
    let service = serde_json::json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "shop", "creationTimestamp": ago(9000)}, "spec": {"selector": labels}});
    let mut dump = Dump::default();
    dump.add(&service.to_string(), "service");
    dump.add(&stamped(&ready_pod("p", "")), "pod");
    let world = world_at(dump.cluster("test", Options::default()), NOON);
    world.expect("Service/shop/web", F);
}
