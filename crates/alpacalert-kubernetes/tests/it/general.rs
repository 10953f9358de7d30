//! The rules that hold for every kind: G1 to G14. G3, G4, G8, G11 and G13 are in the reference, and have their tests where
//! `rules` finds them.

use alpacalert_kubernetes::Options;
use alpacalert_model::State;

use crate::support::*;
use crate::workloads::{DONE, conditions, counts, deployment};

/// G1: what there is nothing of is not made up, and the worst of what counts is the state of the whole.
#[test]
fn g01_nothing_is_no_member_and_the_worst_counts() {
    let empty =
        world("apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\nstatus: {phase: Active}\n");
    empty.expect("Namespace/shop", P);
    assert!(!empty.tree().contains("Deployment"), "{}", empty.tree());
    let world = world(&docs(&[&ready_pod("a", ""), &crashing_pod("b", "")]));
    world.expect("Namespace/shop", F);
    // A pod without volumes has no part for them.
    assert!(!world.tree().contains("volume"), "{}", world.tree());
}

/// G2: what is absent is the API's default: no counts are zero, one replica, and an endpoint that says nothing is ready.
#[test]
fn g02_what_is_absent_is_the_default_of_the_api() {
    let world_of = |yaml: &str| world(yaml);
    world_of("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: cart, namespace: shop, generation: 1}\nspec: {replicas: 0}\nstatus: {observedGeneration: 1}\n")
        .expect("Deployment/shop/cart", P);
    let one = "apiVersion: apps/v1\nkind: ReplicaSet\nmetadata: {name: rs, namespace: shop, generation: 1, creationTimestamp: '{ago 9000}'}\nspec: {}\nstatus: {observedGeneration: 1, replicas: 1, fullyLabeledReplicas: 1, availableReplicas: 1}\n";
    world_of(one).expect("ReplicaSet/shop/rs", P);
    world_of(&one.replace("availableReplicas: 1", "")).expect("ReplicaSet/shop/rs", F);
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop, creationTimestamp: '{ago 9000}'}\nspec: {selector: {app: web}}\n";
    let slice = "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: s, namespace: shop, labels: {kubernetes.io/service-name: web}}\nendpoints: [{addresses: [10.0.0.1]}]\n";
    world_of(&docs(&[service, slice])).expect("Service/shop/web", P);
}

/// G5: a condition that is Unknown is neither True nor False.
#[test]
fn g05_unknown_conditions_are_unknown() {
    let crd = "apiVersion: apiregistration.k8s.io/v1\nkind: APIService\nmetadata: {name: v1.a.b, creationTimestamp: '{ago 10}'}\nspec: {service: {name: a, namespace: shop}}\nstatus: {conditions: [{type: Available, status: Unknown}]}\n";
    assert_ne!(world(crd).state("APIService/v1.a.b"), F);
    let status = format!("{}, {}", counts(2, 2, 2), conditions("Unknown", 3000, DONE));
    world(&deployment(2, "", &status)).expect("Deployment/shop/cart", U);
    let foo = |status: &str| {
        format!(
            "apiVersion: example.com/v1\nkind: Foo\nmetadata: {{name: f, namespace: shop}}\nstatus: {{conditions: [{{type: Ready, status: '{status}', reason: Broken}}]}}\n"
        )
    };
    world(&foo("Unknown")).expect("example.com/Foo/shop/f", U);
    world(&foo("True")).expect("example.com/Foo/shop/f", P);
}

/// G6: as many as are wanted, enough, too few, and none wanted.
#[test]
fn g06_replicas_are_a_quorum() {
    let set = |want: u32, available: u32| {
        world(&format!("apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {{name: s, namespace: shop, generation: 1, creationTimestamp: '{{ago 9000}}'}}\nspec: {{replicas: {want}}}\nstatus: {{observedGeneration: 1, replicas: {want}, readyReplicas: {available}, availableReplicas: {available}, updatedReplicas: {want}, currentRevision: a, updateRevision: a}}\n"))
            .state("StatefulSet/shop/s")
    };
    assert_eq!(
        [set(3, 3), set(3, 2), set(3, 1), set(3, 0), set(0, 0)],
        [P, D, F, F, P]
    );
}

/// G7: what is paused on purpose is well, or what the configuration says; what is above it does not suffer.
#[test]
fn g07_suspended_is_as_configured() {
    let job = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: j, namespace: shop}\nspec: {suspend: true}\nstatus: {conditions: [{type: Suspended, status: 'True'}]}\n";
    let foo = "apiVersion: example.com/v1\nkind: Foo\nmetadata: {name: f, namespace: shop}\nspec: {suspend: true}\nstatus: {conditions: [{type: Ready, status: 'False', reason: Failed}]}\n";
    let node = "apiVersion: v1\nkind: Node\nmetadata: {name: n1}\nspec: {unschedulable: true}\nstatus: {conditions: [{type: Ready, status: 'True'}]}\n";
    let yaml = docs(&[job, foo, node]);
    let well = world(&yaml);
    for path in [
        "Job/shop/j",
        "example.com/Foo/shop/f",
        "Node/n1",
        "Namespace/shop",
    ] {
        well.expect(path, P);
    }
    assert!(
        well.says("Job/shop/j").starts_with("suspended"),
        "{}",
        well.says("Job/shop/j")
    );
    let options = Options {
        suspended_as: State::Degraded,
        ..Options::default()
    };
    let strict = world_at(cluster_with(&yaml, options), NOON);
    strict.expect("Job/shop/j", D);
    strict.expect("example.com/Foo/shop/f", D);
    strict.expect("Node/n1", P);
}

/// G9: times of grace run on the object's own times, and what has none is never Failing for want of time.
#[test]
fn g09_grace_runs_on_the_times_of_the_object() {
    let claim = |created: &str| {
        format!(
            "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {{name: c, namespace: shop{created}}}\nspec: {{storageClassName: ''}}\nstatus: {{phase: Pending}}\n"
        )
    };
    world(&claim(", creationTimestamp: '{ago 299}'")).expect("PersistentVolumeClaim/shop/c", U);
    world(&claim(", creationTimestamp: '{ago 301}'")).expect("PersistentVolumeClaim/shop/c", F);
    world(&claim("")).expect("PersistentVolumeClaim/shop/c", U);
    // By one annotation for one object.
    world(&claim(
        ", creationTimestamp: '{ago 301}', annotations: {alpacalert.io/volume-grace: 10m}",
    ))
    .expect("PersistentVolumeClaim/shop/c", U);
}

/// G10: see `live` for what is refused; in a dump, a kind that was not saved is not missing either.
#[test]
fn g10_what_was_not_saved_is_not_missing() {
    let spec = "nodeName: n1, containers: [{name: app, envFrom: [{secretRef: {name: hidden}}]}]";
    let world = world(&pod("p", "", spec, READY));
    world.expect("Secret/shop/hidden", U);
    world.expect("Pod/shop/p", P);
}

/// G12: events come and go, and decide nothing.
#[test]
fn g12_events_decide_nothing() {
    let event = "apiVersion: v1\nkind: Event\nmetadata: {name: p.1, namespace: shop}\ninvolvedObject: {kind: Pod, name: p, namespace: shop}\ntype: Warning\nreason: FailedMount\nmessage: no\nlastTimestamp: '{ago 1}'\n";
    let world = world(&docs(&[&ready_pod("p", ""), event]));
    world.expect("Pod/shop/p", P);
    assert!(!world.tree().contains("FailedMount"), "{}", world.tree());
}

/// G14: advice is not health: nobody uses the ConfigMap, there is one replica, no probe and a node port.
#[test]
fn g14_advice_is_not_health() {
    let config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: unused, namespace: shop}\n";
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop}\nspec: {type: NodePort, selector: {app: web}, ports: [{port: 80, nodePort: 30080}]}\n";
    let pod = ready_pod("p", ", labels: {app: web}");
    let status = format!("{}, {}", counts(1, 1, 1), conditions("True", 3000, DONE));
    let world = world(&docs(&[config, service, &pod, &deployment(1, "", &status)]));
    world.expect("Namespace/shop", P);
}
