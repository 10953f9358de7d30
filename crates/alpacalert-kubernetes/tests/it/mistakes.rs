//! Mistakes that other tools shipped, each with a test of its own. What is tested more widely elsewhere is named there.

use crate::support::*;
use crate::workloads::{DONE, conditions, counts, deployment, replica_set};

// The Python Alpacalert: false Passing.

/// 5: a Service whose only pod is that of a finished job.
#[test]
fn p05_a_service_before_a_finished_job_is_not_well() {
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop, creationTimestamp: '{ago 9000}'}\nspec: {selector: {app: web}}\n";
    let done = pod("job", ", labels: {app: web}", APP, "phase: Succeeded");
    case(
        "SVC-2",
        &docs(&[service, &done]),
        "Service/shop/web",
        F,
        "no-endpoints",
    );
}

/// 6: a Job that failed and whose pods were collected.
#[test]
fn p06_a_failed_job_without_pods_is_failing() {
    let job = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: j, namespace: shop}\nstatus: {conditions: [{type: Failed, status: 'True', reason: DeadlineExceeded}]}\n";
    world(job).expect("Job/shop/j", F);
}

/// 7: a clean end of a container that should run for ever, and the calm between two crashes.
#[test]
fn p07_crash_loops_do_not_pass_in_between() {
    let between = pod(
        "p",
        "",
        APP,
        "phase: Running, containerStatuses: [{name: app, ready: true, restartCount: 4, state: {running: {startedAt: '{ago 5}'}}, lastState: {terminated: {exitCode: 0, reason: OOMKilled, finishedAt: '{ago 40}'}}}]",
    );
    case("CT-4", &between, "Pod#container/shop/p/app", D, "flapping");
    let again = pod(
        "p",
        "",
        APP,
        "phase: Running, containerStatuses: [{name: app, restartCount: 4, state: {terminated: {exitCode: 0}}}]",
    );
    case("CT-6", &again, "Pod#container/shop/p/app", F, "completed");
}

/// 8: an expected condition that is not there.
#[test]
fn p08_a_node_that_does_not_say_that_it_is_ready_is_not() {
    let node = "apiVersion: v1\nkind: Node\nmetadata: {name: n1, creationTimestamp: '{ago 9000}'}\nstatus: {conditions: [{type: MemoryPressure, status: 'False'}]}\n";
    world(node).expect("Node/n1", F);
}

/// 9: keys, accounts and nodes are looked at, see also `pods`.
#[test]
fn p09_keys_of_volumes_are_looked_at() {
    let config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: shop}\n";
    let spec = "nodeName: n1, containers: [{name: app}], volumes: [{name: v, configMap: {name: c, items: [{key: gone, path: a}]}}]";
    let yaml = docs(&[&pod("p", "", spec, "phase: Pending"), config]);
    case("VOL-1", &yaml, "Pod#volume/shop/p/v", F, "missing-key");
}

/// 10: default backends, ports, certificates and classes of an Ingress count, see `services`.
#[test]
fn p10_the_default_backend_of_an_ingress_counts() {
    let ingress = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: i, namespace: shop}\nspec: {defaultBackend: {service: {name: gone, port: {number: 80}}}}\n";
    let other = "apiVersion: v1\nkind: Service\nmetadata: {name: other, namespace: shop}\nspec: {type: ExternalName}\n";
    world(&docs(&[ingress, other])).expect("Ingress/shop/i", F);
}

// The Python Alpacalert: false Failing.

/// 12: counts of zero are left out by the API.
#[test]
fn p12_nothing_is_wrong_with_workloads_scaled_to_zero() {
    world(&deployment(
        0,
        "",
        "conditions: [{type: Available, status: 'True'}]",
    ))
    .expect("Deployment/shop/cart", P);
    let daemons = "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: d, namespace: shop, generation: 1}\nstatus: {observedGeneration: 1}\n";
    world(daemons).expect("DaemonSet/shop/d", P);
}

/// 13: a paused Deployment.
#[test]
fn p13_a_paused_deployment_passes() {
    let status = format!(
        "{}, {}",
        counts(3, 3, 3),
        conditions("True", 99, "status: Unknown, reason: DeploymentPaused")
    );
    world(&deployment(3, ", paused: true", &status)).expect("Deployment/shop/cart", P);
}

/// 14: pods that have only just begun.
#[test]
fn p14_a_pod_that_is_being_created_is_unknown() {
    let pending = pod("p", "", APP, "phase: Pending, conditions: [{type: PodScheduled, status: 'True', lastTransitionTime: '{ago 3}'}]").replace("{ago 3600}", "{ago 3}");
    world(&pending).expect("Pod/shop/p", U);
    let creating = pending.replace("phase: Pending,", "phase: Pending, containerStatuses: [{name: app, state: {waiting: {reason: ContainerCreating}}}],");
    world(&creating).expect("Pod/shop/p", U);
}

/// 15: pods without volumes.
#[test]
fn p15_a_pod_needs_no_volumes() {
    for volumes in ["", ", volumes: []", ", volumes: null"] {
        world(&pod("p", "", &format!("{APP}{volumes}"), READY)).expect("Pod/shop/p", P);
    }
}

/// 16: a bound claim with its class, and one without a class.
#[test]
fn p16_a_bound_claim_passes_with_and_without_its_class() {
    let claim = |class: &str| {
        format!(
            "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {{name: data, namespace: shop}}\nspec: {{{class}}}\nstatus: {{phase: Bound}}\n"
        )
    };
    let class = "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: fast}\nprovisioner: x\n";
    world(&docs(&[&claim("storageClassName: fast"), class]))
        .expect("PersistentVolumeClaim/shop/data", P);
    world(&docs(&[&claim(""), class])).expect("PersistentVolumeClaim/shop/data", P);
}

/// 17: sub-paths of volumes whose content nobody can know.
#[test]
fn p17_a_sub_path_of_a_claim_passes() {
    let spec = "nodeName: n1, containers: [{name: app, volumeMounts: [{name: v, subPath: data/db}]}], volumes: [{name: v, emptyDir: {}}]";
    world(&pod("p", "", spec, READY)).expect("Pod/shop/p", P);
}

/// 18: a Job that runs, and one that completed at the second try.
#[test]
fn p18_jobs_that_run_or_were_tried_again_are_not_failing() {
    let job = |status: &str| {
        format!(
            "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: j, namespace: shop, uid: j}}\nstatus: {{{status}}}\n"
        )
    };
    world(&job("active: 1")).expect("Job/shop/j", P);
    let retried = job("succeeded: 1, failed: 1, conditions: [{type: Complete, status: 'True'}]");
    let failed = pod("first", &owned_by("Job", "j", "j"), APP, "phase: Failed");
    let world = world(&docs(&[&retried, &failed]));
    world.expect("Job/shop/j", P);
    world.expect("Pod/shop/first", F);
}

/// 19: a CronJob without Jobs, and with an old failure.
#[test]
fn p19_a_cron_job_is_judged_by_its_newest_run() {
    let cron = "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: c, namespace: shop, uid: c, creationTimestamp: '{ago 60}'}\nspec: {schedule: '0 3 * * *'}\n";
    world(cron).expect("CronJob/shop/c", P);
}

/// 20: a StatefulSet after a rollout to a partition, and one with a collision: see `workloads`.
#[test]
fn p20_a_partition_and_a_collision_are_no_failures() {
    let set = "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: s, namespace: shop, generation: 1}\nspec: {replicas: 2, updateStrategy: {type: RollingUpdate, rollingUpdate: {partition: 1}}}\nstatus: {observedGeneration: 1, replicas: 2, readyReplicas: 2, currentReplicas: 1, updatedReplicas: 1, currentRevision: a, updateRevision: b, collisionCount: 1}\n";
    world(set).expect("StatefulSet/shop/s", P);
}

/// 21: a pod of a DaemonSet where it should not be.
#[test]
fn p21_a_misscheduled_daemon_is_not_failing() {
    let set = "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: d, namespace: shop, generation: 1, creationTimestamp: '{ago 9000}'}\nstatus: {observedGeneration: 1, numberMisscheduled: 1}\n";
    world(set).expect("DaemonSet/shop/d", D);
}

/// 22: rules without paths.
#[test]
fn p22_an_ingress_rule_may_have_no_paths() {
    let ingress = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: i, namespace: shop}\nspec: {ingressClassName: c, rules: [{host: a}]}\nstatus: {loadBalancer: {ingress: [{ip: 192.0.2.1}]}}\n";
    let class = "apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: c}\n";
    world(&docs(&[ingress, class])).expect("Ingress/shop/i", P);
}

/// 23: conditions that are Unknown, pressure, cordons, and evicted pods that were replaced.
#[test]
fn p23_what_is_not_known_or_only_tight_is_not_failing() {
    let node = "apiVersion: v1\nkind: Node\nmetadata: {name: n1}\nspec: {unschedulable: true}\nstatus: {conditions: [{type: Ready, status: 'True'}, {type: DiskPressure, status: 'True'}, {type: Frob, status: Unknown}]}\n";
    let world_of_node = world(node);
    assert_ne!(world_of_node.state("Node/n1"), F);
    let status = format!("{}, {}", counts(1, 1, 1), conditions("True", 99, DONE));
    let owner = owned_by("ReplicaSet", "cart-1", "cart-1");
    let evicted = pod("old", &owner, APP, "phase: Failed, reason: Evicted");
    let world = world(&docs(&[
        &deployment(1, "", &status),
        &replica_set(
            "cart-1",
            2,
            1,
            "replicas: 1, availableReplicas: 1, fullyLabeledReplicas: 1",
        ),
        &ready_pod("new", &owner),
        &evicted,
    ]));
    world.expect("Pod/shop/old", F);
    world.expect("Deployment/shop/cart", P);
}

/// 24: see also C-06 in `claims`.
#[test]
fn p24_one_broken_pod_is_not_a_broken_cluster() {
    let set = "apiVersion: apps/v1\nkind: ReplicaSet\nmetadata: {name: rs, namespace: shop, uid: rs, generation: 1}\nspec: {replicas: 3}\nstatus: {observedGeneration: 1, replicas: 3, fullyLabeledReplicas: 3, availableReplicas: 2}\n";
    let owner = owned_by("ReplicaSet", "rs", "rs");
    let world = world(&docs(&[
        set,
        &ready_pod("a", &owner),
        &ready_pod("b", &owner),
        &crashing_pod("c", &owner),
    ]));
    world.expect("ReplicaSet/shop/rs", D);
    assert_eq!(world.root(), D);
}

/// 26: a cluster with nothing in it.
#[test]
fn p26_nothing_at_all_is_no_crash() {
    let world = world("");
    assert_eq!(world.root(), U);
}

/// 28: children by the uid of their owner; selectors of expressions alone.
#[test]
fn p28_pods_belong_to_whom_they_name_not_to_whom_they_look_like() {
    let set = |uid: &str| {
        format!(
            "apiVersion: apps/v1\nkind: ReplicaSet\nmetadata: {{name: {uid}, namespace: shop, uid: {uid}, generation: 1}}\nspec: {{replicas: 1, selector: {{matchExpressions: [{{key: app, operator: Exists}}]}}}}\nstatus: {{observedGeneration: 1, replicas: 1, fullyLabeledReplicas: 1, availableReplicas: 1}}\n"
        )
    };
    let label = ", labels: {app: x}";
    let world = world(&docs(&[
        &set("one"),
        &set("two"),
        &ready_pod(
            "a",
            &format!("{label}{}", owned_by("ReplicaSet", "one", "one")),
        ),
        &crashing_pod(
            "b",
            &format!("{label}{}", owned_by("ReplicaSet", "two", "two")),
        ),
    ]));
    world.expect("ReplicaSet/shop/one", P);
    world.expect("ReplicaSet/shop/two", F);
}

/// 32: deletion.
#[test]
fn p32_what_is_being_deleted_is_told_and_does_not_count() {
    let going = |age: i64| {
        ready_pod(
            "p",
            &format!(", finalizers: [example.com/hold], deletionTimestamp: '{{ago {age}}}'"),
        )
    };
    case("G3", &going(-20), "Pod/shop/p", U, "terminating");
    case("G3", &going(60), "Pod/shop/p", U, "terminating-overdue");
    case("G3", &going(600), "Pod/shop/p", F, "stuck-terminating");
    assert!(
        world(&going(600))
            .says("Pod/shop/p")
            .contains("example.com/hold")
    );
    let set = "apiVersion: apps/v1\nkind: ReplicaSet\nmetadata: {name: rs, namespace: shop, uid: rs, generation: 1}\nspec: {replicas: 1}\nstatus: {observedGeneration: 1, replicas: 1, fullyLabeledReplicas: 1, availableReplicas: 1}\n";
    let owner = owned_by("ReplicaSet", "rs", "rs");
    let old = crashing_pod("old", &format!("{owner}, deletionTimestamp: '{{ago 5}}'"));
    world(&docs(&[set, &ready_pod("new", &owner), &old])).expect("ReplicaSet/shop/rs", P);
}

// Argo CD.

/// A Job that was suspended and runs again.
#[test]
fn argo_a_resumed_job_is_not_complete() {
    let job = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: j, namespace: shop}\nstatus: {failed: 1, active: 1, conditions: [{type: Suspended, status: 'False'}, {type: Complete, status: 'False'}]}\n";
    world(job).expect("Job/shop/j", D);
}

/// A Deployment whose pods died after its rollout.
#[test]
fn argo_a_deployment_that_breaks_after_its_rollout_is_failing() {
    let status = format!("{}, {}", counts(3, 3, 0), conditions("False", 700, DONE));
    world(&deployment(3, "", &status)).expect("Deployment/shop/cart", F);
}

/// A crash loop of an init container.
#[test]
fn argo_an_init_crash_loop_is_failing() {
    let yaml = pod(
        "p",
        "",
        "nodeName: n1, initContainers: [{name: migrate}], containers: [{name: app}]",
        "phase: Pending, initContainerStatuses: [{name: migrate, restartCount: 3, state: {waiting: {reason: CrashLoopBackOff}}}], containerStatuses: [{name: app, state: {waiting: {reason: PodInitializing}}}]",
    );
    world(&yaml).expect("Pod/shop/p", F);
}

/// Something suspended does not spoil what it is part of.
#[test]
fn argo_suspension_does_not_spoil_the_whole() {
    let cron = "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: c, namespace: shop}\nspec: {schedule: '0 3 * * *', suspend: true}\n";
    world(cron).expect("Namespace/shop", P);
}

/// Children count for their parents.
#[test]
fn argo_a_pod_that_fails_makes_its_owner_fail() {
    let owner = "apiVersion: example.com/v1\nkind: Foo\nmetadata: {name: f, namespace: shop, uid: foo}\nstatus: {conditions: [{type: Ready, status: 'True'}]}\n";
    let child = crashing_pod(
        "p",
        ", ownerReferences: [{apiVersion: example.com/v1, kind: Foo, name: f, uid: foo, controller: true}]",
    );
    world(&docs(&[owner, &child])).expect("example.com/Foo/shop/f", F);
}

// Others.

/// kstatus: a failed pod, a violated budget, and what refuses to be ready.
#[test]
fn kstatus_what_has_failed_is_not_current() {
    world(&pod("p", "", APP, "phase: Failed")).expect("Pod/shop/p", F);
    let pdb = "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: p, namespace: shop, generation: 1, creationTimestamp: '{ago 9000}'}\nstatus: {observedGeneration: 1, expectedPods: 2, desiredHealthy: 2}\n";
    world(pdb).expect("PodDisruptionBudget/shop/p", F);
}

/// helm: a definition whose names are taken.
#[test]
fn helm_a_definition_whose_names_are_taken_is_failing() {
    let crd = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: foos.example.com}\nspec: {group: example.com, names: {kind: Foo}}\nstatus: {conditions: [{type: NamesAccepted, status: 'False', reason: Conflict}, {type: Established, status: 'False', reason: NotAccepted}]}\n";
    world(crd).expect("CustomResourceDefinition/foos.example.com", F);
}

/// popeye: ports without names, and budgets of other namespaces.
#[test]
fn popeye_a_port_without_a_name_is_not_any_port() {
    let ingress = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: i, namespace: shop}\nspec: {defaultBackend: {service: {name: web, port: {number: 81}}}}\n";
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop}\nspec: {type: ClusterIP, ports: [{port: 80}]}\n";
    case(
        "ING-3",
        &docs(&[ingress, service]),
        "Ingress#path/shop/i/default backend",
        F,
        "missing-port",
    );
}

/// k8sgpt: nothing is wrong with completed pods, retries, and StatefulSets without a Service.
#[test]
fn k8sgpt_what_is_done_or_tried_again_is_not_failing() {
    world(&pod("p", "", APP, "phase: Succeeded, conditions: [{type: Ready, status: 'False', reason: PodCompleted}], containerStatuses: [{name: app, state: {terminated: {exitCode: 0}}}]")).expect("Pod/shop/p", P);
    let set = "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: s, namespace: shop, generation: 1}\nspec: {replicas: 1, serviceName: ''}\nstatus: {observedGeneration: 1, replicas: 1, readyReplicas: 1, updatedReplicas: 1, currentRevision: a, updateRevision: a}\n";
    world(set).expect("StatefulSet/shop/s", P);
}
