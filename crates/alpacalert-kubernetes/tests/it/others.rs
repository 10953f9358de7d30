//! More mistakes that other tools shipped; the first ones stand in `mistakes`.

use crate::support::*;

/// kubectl, kstatus, helm and Argo CD: with OnDelete a workload was well whatever its pods did.
#[test]
fn kubectl_on_delete_does_not_hide_broken_pods() {
    let set = |kind: &str, status: &str| {
        format!(
            "apiVersion: apps/v1\nkind: {kind}\nmetadata: {{name: s, namespace: shop, generation: 1, creationTimestamp: '{{ago 9000}}'}}\nspec: {{replicas: 3, updateStrategy: {{type: OnDelete}}}}\nstatus: {{observedGeneration: 1, {status}}}\n"
        )
    };
    world(&set(
        "StatefulSet",
        "replicas: 3, updatedReplicas: 1, currentRevision: a, updateRevision: b",
    ))
    .expect("StatefulSet/shop/s", F);
    world(&set("StatefulSet", "replicas: 3, readyReplicas: 3, availableReplicas: 3, updatedReplicas: 1, currentRevision: a, updateRevision: b")).expect("StatefulSet/shop/s", P);
    world(&set(
        "DaemonSet",
        "desiredNumberScheduled: 3, currentNumberScheduled: 3, numberAvailable: 0",
    ))
    .expect("DaemonSet/shop/s", F);
}

/// is-healthy and popeye: a CronJob in its very first run, between runs, and one that never succeeded.
#[test]
fn is_healthy_the_first_run_of_a_cron_job_is_no_failure() {
    let cron = |status: &str| {
        format!(
            "apiVersion: batch/v1\nkind: CronJob\nmetadata: {{name: c, namespace: shop, uid: c, creationTimestamp: '{{ago 90000}}'}}\nspec: {{schedule: '0 * * * *'}}\nstatus: {{{status}}}\n"
        )
    };
    assert_ne!(
        world(&cron("lastScheduleTime: '{ago 5}', active: [{name: one}]")).state("CronJob/shop/c"),
        F
    );
    world(&cron(
        "lastScheduleTime: '{ago 1800}', lastSuccessfulTime: '{ago 1700}'",
    ))
    .expect("CronJob/shop/c", P);
    world(&cron("lastScheduleTime: '{ago 1800}'")).expect("CronJob/shop/c", F);
}

/// is-healthy: a Service that is no load balancer was never known.
#[test]
fn is_healthy_a_plain_service_is_judged() {
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop, creationTimestamp: '{ago 9000}'}\nspec: {selector: {app: web}}\n";
    let slice = |ready: bool| {
        format!(
            "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {{name: s, namespace: shop, labels: {{kubernetes.io/service-name: web}}}}\nendpoints: [{{addresses: [10.0.0.1], conditions: {{ready: {ready}}}}}]\n"
        )
    };
    world(&docs(&[service, &slice(true)])).expect("Service/shop/web", P);
    world(&docs(&[service, &slice(false)])).expect("Service/shop/web", F);
}

/// popeye: a budget of another namespace with the same labels.
#[test]
fn popeye_a_budget_counts_the_pods_of_its_namespace() {
    let budget = "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: b, namespace: other, generation: 1}\nspec: {selector: {matchLabels: {app: web}}}\nstatus: {observedGeneration: 1}\n";
    let world = world(&docs(&[budget, &ready_pod("p", ", labels: {app: web}")]));
    assert!(
        world
            .says("PodDisruptionBudget/other/b")
            .starts_with("no-pods"),
        "{}",
        world.says("PodDisruptionBudget/other/b")
    );
}

/// k8sgpt: only the first condition of a budget was looked at, and any endpoint that is not ready was a failure.
#[test]
fn k8sgpt_conditions_in_any_order_and_one_unready_endpoint() {
    let budget = |conditions: &str| {
        world(&format!("apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {{name: b, namespace: shop, generation: 1}}\nspec: {{}}\nstatus: {{observedGeneration: 1, expectedPods: 2, desiredHealthy: 1, currentHealthy: 2, conditions: [{conditions}]}}\n"))
            .state("PodDisruptionBudget/shop/b")
    };
    let (other, failed) = (
        "{type: Other, status: 'True'}",
        "{type: DisruptionAllowed, status: 'False', reason: SyncFailed}",
    );
    assert_eq!(budget(&format!("{other}, {failed}")), F);
    assert_eq!(budget(&format!("{failed}, {other}")), F);
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop}\nspec: {selector: {app: web}}\n";
    let slice = "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: s, namespace: shop, labels: {kubernetes.io/service-name: web}}\nendpoints: [{conditions: {ready: true}}, {conditions: {ready: false}}]\n";
    world(&docs(&[service, slice])).expect("Service/shop/web", P);
}

/// k8sgpt: a condition of a node that nobody knows is no failure.
#[test]
fn k8sgpt_unknown_conditions_of_nodes_do_not_fail() {
    let node = "apiVersion: v1\nkind: Node\nmetadata: {name: n1}\nstatus: {conditions: [{type: Ready, status: 'True'}, {type: EtcdIsVoter, status: 'True'}, {type: Odd, status: 'True', message: odd}]}\n";
    world(node).expect("Node/n1", D);
}

/// Argo CD: an autoscaler flapped with every rollout, and a violated budget was well or broken whatever happened.
#[test]
fn argo_a_gap_in_the_metrics_is_no_failure() {
    let scaler = |since: u32| {
        world(&format!("apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {{name: h, namespace: shop}}\nspec: {{maxReplicas: 3}}\nstatus: {{conditions: [{{type: AbleToScale, status: 'True'}}, {{type: ScalingActive, status: 'False', reason: FailedGetResourceMetric, lastTransitionTime: '{{ago {since}}}'}}]}}\n"))
            .state("HorizontalPodAutoscaler/shop/h")
    };
    assert_eq!([scaler(30), scaler(400)], [U, F]);
}

/// Argo CD: sidecars were taken for init containers, and a pod that may not restart for one that progresses.
#[test]
fn argo_a_sidecar_that_runs_is_no_init_container_that_does_not_end() {
    let yaml = pod(
        "p",
        "",
        "nodeName: n1, restartPolicy: Never, initContainers: [{name: proxy, restartPolicy: Always}], containers: [{name: app}]",
        "phase: Running, conditions: [{type: Ready, status: 'True'}], initContainerStatuses: [{name: proxy, ready: true, started: true, state: {running: {startedAt: '{ago 900}'}}}], containerStatuses: [{name: app, ready: true, started: true, state: {running: {startedAt: '{ago 900}'}}}]",
    );
    world(&yaml).expect("Pod/shop/p", P);
}

/// kubernetes-mixin: completed and evicted pods were alerts.
#[test]
fn mixin_completed_and_replaced_pods_are_no_alerts() {
    let done = pod(
        "done",
        "",
        APP,
        "phase: Succeeded, conditions: [{type: Ready, status: 'False', reason: PodCompleted}], containerStatuses: [{name: app, state: {terminated: {exitCode: 0}}}]",
    );
    world(&done).expect("Namespace/shop", P);
    let set = "apiVersion: apps/v1\nkind: ReplicaSet\nmetadata: {name: rs, namespace: shop, uid: rs, generation: 1}\nspec: {replicas: 1}\nstatus: {observedGeneration: 1, replicas: 1, fullyLabeledReplicas: 1, availableReplicas: 1}\n";
    let owner = owned_by("ReplicaSet", "rs", "rs");
    let evicted = pod("old", &owner, APP, "phase: Failed, reason: Evicted");
    world(&docs(&[set, &ready_pod("new", &owner), &evicted])).expect("ReplicaSet/shop/rs", P);
}

/// Claims that several pods share are judged once, and count for each of them.
#[test]
fn a_claim_that_pods_share_is_one_node() {
    let claim = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data, namespace: shop}\nstatus: {phase: Lost}\n";
    let spec = "nodeName: n1, containers: [{name: app}], volumes: [{name: v, persistentVolumeClaim: {claimName: data}}]";
    let world = world(&docs(&[
        claim,
        &pod("a", "", spec, READY),
        &pod("b", "", spec, READY),
    ]));
    world.expect("Pod/shop/a", F);
    world.expect("Pod/shop/b", F);
    let above = world.node("PersistentVolumeClaim/shop/data").parents();
    let volumes = above.filter(|node| node.id().kind().fragment() == Some("volume"));
    assert_eq!(volumes.count(), 2);
}

/// Classes that a pod names must be there while it has no node.
#[test]
fn classes_that_a_pod_names_must_exist() {
    let priority =
        "apiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {name: high}\nvalue: 1\n";
    let runtime =
        "apiVersion: node.k8s.io/v1\nkind: RuntimeClass\nmetadata: {name: other}\nhandler: x\n";
    let spec = "priorityClassName: high, runtimeClassName: gone, containers: [{name: app}]";
    let pending = pod("p", "", spec, "phase: Pending");
    let world = world(&docs(&[priority, runtime, &pending]));
    assert!(world.tree().contains("gone"), "{}", world.tree());
    world.expect("Pod/shop/p", F);
}
