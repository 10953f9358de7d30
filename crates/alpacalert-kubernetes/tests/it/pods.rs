//! Pods, containers, and what they name.

use crate::support::*;

/// A pod with one container in a state.
fn with_container(container: &str) -> String {
    pod(
        "p",
        "",
        APP,
        &format!(
            "phase: Running, conditions: [{{type: PodScheduled, status: 'True', lastTransitionTime: '{{ago 3600}}'}}], containerStatuses: [{{name: app, {container}}}]"
        ),
    )
}

/// A pod made so many seconds ago, with one container in a state.
fn young(age: i64, spec: &str, container: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: p, namespace: shop, uid: u, creationTimestamp: '{{ago {age}}}'}}\nspec: {{nodeName: n1, {spec}}}\nstatus: {{phase: Pending, conditions: [{{type: PodScheduled, status: 'True', lastTransitionTime: '{{ago {age}}}'}}], containerStatuses: [{container}]}}\n"
    )
}

const ONE: &str = "containers: [{name: app}]";
const POD: &str = "Pod/shop/p";
const CONTAINER: &str = "Pod#container/shop/p/app";

#[test]
fn phases() {
    case("POD-1", &ready_pod("p", ""), POD, P, "ok");
    case(
        "POD-1",
        &pod("p", "", APP, "phase: Succeeded"),
        POD,
        P,
        "completed",
    );
    case(
        "POD-1",
        &pod("p", "", APP, "phase: Unknown"),
        POD,
        U,
        "phase-unknown",
    );
    case("POD-1", &pod("p", "", APP, ""), POD, U, "not-reported");
    case("POD-1", &young(10, ONE, ""), POD, U, "progressing");
    case(
        "POD-9",
        &pod(
            "p",
            "",
            APP,
            "phase: Failed, reason: Evicted, message: The node was low on memory",
        ),
        POD,
        F,
        "evicted",
    );
    case(
        "POD-2",
        &pod("p", "", APP, "phase: Failed, reason: OutOfcpu"),
        POD,
        F,
        "out-ofcpu",
    );
}

#[test]
fn scheduling() {
    let unscheduled = |since: i64, reason: &str| {
        pod(
            "p",
            "",
            ONE,
            &format!(
                "phase: Pending, conditions: [{{type: PodScheduled, status: 'False', reason: {reason}, message: '0/3 nodes are available', lastTransitionTime: '{{ago {since}}}'}}]"
            ),
        )
    };
    case("POD-2", &ready_pod("p", ""), POD, P, "ok");
    case(
        "POD-2",
        &unscheduled(119, "Unschedulable"),
        POD,
        U,
        "unschedulable",
    );
    case(
        "POD-2",
        &unscheduled(120, "Unschedulable"),
        POD,
        F,
        "unschedulable",
    );
    // Held back on purpose, for however long.
    case(
        "POD-2",
        &unscheduled(9999, "SchedulingGated"),
        POD,
        U,
        "suspended",
    );
    case(
        "POD-2",
        &pod("p", "", ONE, "phase: Pending"),
        POD,
        F,
        "not-scheduled",
    );
    let patient = unscheduled(500, "Unschedulable").replace(
        "uid: pod-p",
        "uid: u, annotations: {alpacalert.io/unschedulable-grace: 10m}",
    );
    case("POD-2", &patient, POD, U, "unschedulable");
}

#[test]
fn readiness() {
    let unready = |since: i64, spec: &str| {
        pod(
            "p",
            "",
            spec,
            &format!(
                "phase: Running, conditions: [{{type: PodScheduled, status: 'True'}}, {{type: Ready, status: 'False', message: 'containers with unready status: [app]', lastTransitionTime: '{{ago {since}}}'}}], containerStatuses: [{{name: app, started: true, state: {{running: {{startedAt: '{{ago {since}}}'}}}}}}]"
            ),
        )
    };
    case("POD-3", &ready_pod("p", ""), POD, P, "ok");
    case("POD-3", &unready(59, APP), POD, U, "not-ready");
    case("POD-3", &unready(60, APP), POD, F, "not-ready");
    // Probes extend the time: 30 + 10 × 12 seconds.
    let probed = "nodeName: n1, containers: [{name: app, startupProbe: {initialDelaySeconds: 30, periodSeconds: 10, failureThreshold: 12}}]";
    case("POD-3", &unready(149, probed), POD, U, "not-ready");
    case("POD-3", &unready(150, probed), POD, F, "not-ready");
    // And never beyond ten minutes.
    let endless = "nodeName: n1, containers: [{name: app, readinessProbe: {periodSeconds: 60, failureThreshold: 1000}}]";
    case("POD-3", &unready(600, endless), POD, F, "not-ready");
    let gated = "nodeName: n1, containers: [{name: app}], readinessGates: [{conditionType: example.com/lb}]";
    case("POD-3", &unready(100, gated), POD, F, "readiness-gate");
    // A pod that has completed is not ready, and well.
    quiet(
        "POD-3",
        &pod(
            "p",
            "",
            APP,
            "phase: Succeeded, conditions: [{type: Ready, status: 'False', reason: PodCompleted}]",
        ),
        POD,
    );
    let lost = pod(
        "p",
        "",
        APP,
        "phase: Running, conditions: [{type: Ready, status: Unknown, reason: NodeStatusUnknown}]",
    );
    case("POD-3", &lost, POD, U, "node-lost");
}

#[test]
fn disruption_and_resizing() {
    let with = |condition: &str| {
        ready_pod("p", "").replace("conditions: [", &format!("conditions: [{condition}, "))
    };
    case(
        "POD-4",
        &with("{type: DisruptionTarget, status: 'True', reason: PreemptionByScheduler}"),
        POD,
        U,
        "disrupted",
    );
    quiet(
        "POD-4",
        &with("{type: DisruptionTarget, status: 'False'}"),
        POD,
    );
    case(
        "POD-5",
        &with("{type: PodResizePending, status: 'True', reason: Infeasible}"),
        POD,
        F,
        "resize-infeasible",
    );
    case(
        "POD-5",
        &with("{type: PodResizePending, status: 'True', reason: Deferred}"),
        POD,
        D,
        "resize-deferred",
    );
    case(
        "POD-5",
        &with("{type: PodResizeInProgress, status: 'True', reason: Error}"),
        POD,
        D,
        "resize-error",
    );
}

/// "POD-6": a pod that is ready on a node that is not is Degraded; one that is not ready takes the node's state.
#[test]
fn a_pod_counts_its_node() {
    let node = "apiVersion: v1\nkind: Node\nmetadata: {name: n1, uid: n1}\nstatus: {conditions: [{type: Ready, status: 'False', message: kubelet stopped}]}\n";
    let ready = world(&docs(&[&ready_pod("p", ""), node]));
    ready.expect(POD, D);
    ready.expect("Node/n1", F);
    let not_ready = READY.replace(
        "{type: Ready, status: 'True'",
        "{type: Ready, status: Unknown",
    );
    world(&docs(&[&pod("p", "", APP, &not_ready), node])).expect(POD, F);
}

/// "POD-7": a missing account keeps a pod from being made, and a running one from being made again.
#[test]
fn a_pod_needs_its_account() {
    let other =
        "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: other, namespace: shop, uid: sa}\n";
    let running = world(&docs(&[&ready_pod("p", ""), other]));
    running.expect("ServiceAccount/shop/default", F);
    running.expect(POD, D);
    let waiting = pod(
        "p",
        "",
        ONE,
        "phase: Pending, conditions: [{type: PodScheduled, status: 'False', lastTransitionTime: '{ago 10}'}]",
    );
    world(&docs(&[&waiting, other])).expect(POD, F);
    // Nothing is known of accounts: that is no fault of the pod.
    world(&ready_pod("p", "")).expect(POD, P);
}

/// "POD-8"
#[test]
fn image_pull_secrets() {
    let spec = "nodeName: n1, imagePullSecrets: [{name: registry}], containers: [{name: app}]";
    let other = "apiVersion: v1\nkind: Secret\nmetadata: {name: other, namespace: shop}\n";
    world(&docs(&[&pod("p", "", spec, READY), other])).expect(POD, D);
    let pulling = "phase: Pending, conditions: [{type: PodScheduled, status: 'True'}], containerStatuses: [{name: app, state: {waiting: {reason: ImagePullBackOff}}}]";
    let stuck = world(&docs(&[&pod("p", "", spec, pulling), other]));
    stuck.expect("Secret/shop/registry", F);
    stuck.expect(POD, F);
    let wrong =
        "apiVersion: v1\nkind: Secret\nmetadata: {name: registry, namespace: shop}\ntype: Opaque\n";
    case(
        "POD-8",
        &docs(&[&pod("p", "", spec, READY), wrong]),
        POD,
        D,
        "wrong-secret-type",
    );
    case(
        "POD-8",
        &docs(&[&pod("p", "", spec, pulling), wrong]),
        POD,
        F,
        "wrong-secret-type",
    );
}

/// "POD-10"
#[test]
fn a_mirror_pod_needs_no_account() {
    let mirror = ready_pod(
        "p",
        ", annotations: {kubernetes.io/config.mirror: abc}, ownerReferences: [{apiVersion: v1, kind: Node, name: n1, uid: node, controller: true}]",
    );
    let node = "apiVersion: v1\nkind: Node\nmetadata: {name: n1, uid: node}\nstatus: {conditions: [{type: Ready, status: 'True'}]}\n";
    let other = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: other, namespace: shop}\n";
    let world = world(&docs(&[&mirror, node, other]));
    world.expect(POD, P);
    assert!(
        !world.has("ServiceAccount/shop/default"),
        "{}",
        world.tree()
    );
}

#[test]
fn containers_that_wait() {
    case("CT-1", &young(59, ONE, ""), CONTAINER, U, "not-reported");
    case("CT-1", &young(60, ONE, ""), CONTAINER, F, "not-reported");
    let creating = "{name: app, state: {waiting: {reason: ContainerCreating}}}";
    case(
        "CT-2",
        &young(299, ONE, creating),
        CONTAINER,
        U,
        "progressing",
    );
    case(
        "CT-2",
        &young(300, ONE, creating),
        CONTAINER,
        F,
        "start-timeout",
    );
    for (reason, expected) in [
        ("CrashLoopBackOff", "crash-loop-back-off"),
        ("ImagePullBackOff", "image-pull-back-off"),
        // The same family, so that nothing flaps between the two.
        ("ErrImagePull", "image-pull-back-off"),
        ("InvalidImageName", "invalid-image-name"),
        (
            "CreateContainerConfigError",
            "create-container-config-error",
        ),
        ("CreatePodSandboxError", "create-pod-sandbox-error"),
        ("ErrSomethingNew", "err-something-new"),
    ] {
        case(
            "CT-3",
            &young(
                5,
                ONE,
                &format!("{{name: app, state: {{waiting: {{reason: {reason}}}}}}}"),
            ),
            CONTAINER,
            F,
            expected,
        );
    }
}

#[test]
fn containers_that_run() {
    let running = |ready: bool, restarts: u32, started: i64, last: &str| {
        with_container(&format!(
            "ready: {ready}, started: true, restartCount: {restarts}, state: {{running: {{startedAt: '{{ago {started}}}'}}}}, lastState: {{{last}}}"
        ))
    };
    let crash = |finished: i64| {
        format!("terminated: {{exitCode: 1, reason: Error, finishedAt: '{{ago {finished}}}'}}")
    };
    case("CT-4", &running(true, 0, 3000, ""), CONTAINER, P, "ok");
    // Between two crashes a container looks well.
    case(
        "CT-4",
        &running(true, 1, 59, &crash(70)),
        CONTAINER,
        D,
        "flapping",
    );
    case(
        "CT-4",
        &running(true, 1, 60, &crash(70)),
        CONTAINER,
        P,
        "ok",
    );
    case(
        "CT-4",
        &running(true, 9, 30, &crash(600)),
        CONTAINER,
        P,
        "ok",
    );
    case(
        "CT-5",
        &running(false, 2, 20, &crash(30)),
        CONTAINER,
        F,
        "crash-loop-back-off",
    );
    case(
        "CT-5",
        &running(false, 0, 59, ""),
        CONTAINER,
        U,
        "not-ready",
    );
    case(
        "CT-5",
        &running(false, 0, 60, ""),
        CONTAINER,
        F,
        "not-ready",
    );
    let starting = with_container(
        "ready: false, started: false, restartCount: 0, state: {running: {startedAt: '{ago 100}'}}",
    )
    .replace(
        "containers: [{name: app}]",
        "containers: [{name: app, startupProbe: {periodSeconds: 10, failureThreshold: 30}}]",
    );
    case("CT-5", &starting, CONTAINER, U, "starting");
}

#[test]
fn containers_that_ended() {
    let ended = |policy: &str, phase: &str, exit: u32, restarts: u32, finished: i64| {
        pod(
            "p",
            "",
            &APP.replace("Always", policy),
            &format!(
                "phase: {phase}, containerStatuses: [{{name: app, restartCount: {restarts}, state: {{terminated: {{exitCode: {exit}, finishedAt: '{{ago {finished}}}'}}}}}}]"
            ),
        )
    };
    case(
        "CT-6",
        &ended("Always", "Running", 0, 0, 5),
        CONTAINER,
        U,
        "completed",
    );
    case(
        "CT-6",
        &ended("Always", "Running", 0, 2, 5),
        CONTAINER,
        F,
        "completed",
    );
    case(
        "CT-6",
        &ended("Always", "Running", 1, 0, 5),
        CONTAINER,
        F,
        "error",
    );
    case(
        "CT-7",
        &ended("Never", "Running", 0, 0, 5),
        CONTAINER,
        P,
        "completed",
    );
    case(
        "CT-7",
        &ended("Never", "Running", 3, 0, 5),
        CONTAINER,
        F,
        "error",
    );
    case(
        "CT-7",
        &ended("OnFailure", "Running", 3, 1, 5),
        CONTAINER,
        U,
        "error",
    );
    case(
        "CT-7",
        &ended("OnFailure", "Running", 3, 2, 5),
        CONTAINER,
        F,
        "error",
    );
    // A helper that was killed when its pod had done its work.
    case(
        "CT-7",
        &ended("Never", "Succeeded", 143, 0, 5),
        CONTAINER,
        P,
        "completed",
    );
}

#[test]
fn containers_out_of_memory() {
    let killed = |ready: bool, restarts: u32, finished: i64| {
        with_container(&format!(
            "ready: {ready}, started: true, restartCount: {restarts}, state: {{running: {{startedAt: '{{ago 200}}'}}}}, lastState: {{terminated: {{exitCode: 137, reason: OOMKilled, finishedAt: '{{ago {finished}}}'}}}}"
        ))
    };
    case("CT-8", &killed(true, 1, 210), CONTAINER, D, "oom-killed");
    case("CT-8", &killed(true, 2, 210), CONTAINER, F, "oom-killed");
    case("CT-8", &killed(false, 1, 210), CONTAINER, F, "oom-killed");
    quiet("CT-8", &killed(true, 1, 600), CONTAINER);
}

#[test]
fn init_containers_and_sidecars() {
    let with = |first: &str, second: &str| {
        pod(
            "p",
            "",
            "nodeName: n1, initContainers: [{name: one}, {name: two}], containers: [{name: app}]",
            &format!(
                "phase: Pending, conditions: [{{type: PodScheduled, status: 'True', lastTransitionTime: '{{ago 3000}}'}}], initContainerStatuses: [{{name: one, {first}}}, {{name: two, {second}}}], containerStatuses: [{{name: app, state: {{waiting: {{reason: PodInitializing}}}}}}]"
            ),
        )
    };
    let done = "state: {terminated: {exitCode: 0}}";
    let waits = "state: {waiting: {reason: PodInitializing}}";
    let loops = "restartCount: 4, state: {waiting: {reason: CrashLoopBackOff}}";
    case(
        "CT-9",
        &with(done, "state: {running: {}}"),
        "Pod#container/shop/p/one",
        P,
        "completed",
    );
    case(
        "CT-9",
        &with(done, "state: {running: {}}"),
        "Pod#container/shop/p/two",
        U,
        "progressing",
    );
    case(
        "CT-3",
        &with(loops, waits),
        "Pod#container/shop/p/one",
        F,
        "crash-loop-back-off",
    );
    // What comes after the one that fails has not started, and is not to blame.
    case(
        "CT-9",
        &with(loops, waits),
        "Pod#container/shop/p/two",
        U,
        "not-started",
    );
    case("CT-9", &with(loops, waits), CONTAINER, U, "not-started");
    world(&with(loops, waits)).expect(POD, F);
    let sidecar = |status: &str, phase: &str| {
        pod(
            "p",
            "",
            "nodeName: n1, restartPolicy: Never, initContainers: [{name: proxy, restartPolicy: Always}], containers: [{name: app}]",
            &format!("phase: {phase}, initContainerStatuses: [{{name: proxy, {status}}}]"),
        )
    };
    let proxy = "Pod#container/shop/p/proxy";
    case(
        "CT-10",
        &sidecar(
            "ready: true, started: true, state: {running: {}}",
            "Running",
        ),
        proxy,
        P,
        "ok",
    );
    case(
        "CT-10",
        &sidecar("state: {terminated: {exitCode: 137}}", "Succeeded"),
        proxy,
        P,
        "completed",
    );
    case(
        "CT-6",
        &sidecar("state: {terminated: {exitCode: 137}}", "Running"),
        proxy,
        F,
        "error",
    );
    let debugged = pod(
        "p",
        "",
        "nodeName: n1, containers: [{name: app}], ephemeralContainers: [{name: debug}]",
        READY,
    );
    case(
        "CT-11",
        &debugged,
        "Pod#container/shop/p/debug",
        P,
        "ephemeral",
    );
}

const CONFIG: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: config, namespace: shop}\ndata: {known: x}\n";

fn with_env(env: &str, status: &str) -> String {
    docs(&[
        &pod(
            "p",
            "",
            &format!("nodeName: n1, containers: [{{name: app, {env}}}]"),
            status,
        ),
        CONFIG,
    ])
}

#[test]
fn environment() {
    let creating = "phase: Pending, containerStatuses: [{name: app, state: {waiting: {reason: ContainerCreating}}}]";
    let key = |key: &str| {
        format!("env: [{{name: X, valueFrom: {{configMapKeyRef: {{name: config, key: {key}}}}}}}]")
    };
    quiet("ENV-2", &with_env(&key("known"), creating), CONTAINER);
    case(
        "ENV-2",
        &with_env(&key("gone"), creating),
        CONTAINER,
        F,
        "missing-key",
    );
    // The value was read at the start: the next start will fail.
    case(
        "ENV-2",
        &with_env(&key("gone"), READY),
        CONTAINER,
        D,
        "missing-key",
    );
    let optional =
        "env: [{name: X, valueFrom: {configMapKeyRef: {name: config, key: gone, optional: true}}}]";
    case(
        "ENV-2",
        &with_env(optional, creating),
        CONTAINER,
        P,
        "optional",
    );
    let from = |name: &str, optional: bool| {
        format!("envFrom: [{{configMapRef: {{name: {name}, optional: {optional}}}}}]")
    };
    case(
        "ENV-1",
        &with_env(&from("gone", true), creating),
        CONTAINER,
        P,
        "optional",
    );
    let missing = world(&with_env(&from("gone", false), creating));
    missing.expect("ConfigMap/shop/gone", F);
    missing.expect(CONTAINER, F);
    world(&with_env(&from("gone", false), READY)).expect(CONTAINER, D);
    // "ENV-3": what the pod knows of itself is always there.
    let own = "env: [{name: X, valueFrom: {fieldRef: {fieldPath: status.podIP}}}]";
    world(&with_env(own, READY)).expect(CONTAINER, P);
}

/// A dump without Secrets knows nothing of them: no failure, and nothing less for a container that runs.
#[test]
fn what_cannot_be_seen_is_not_missing() {
    let env = "envFrom: [{secretRef: {name: hidden}}]";
    let running = world(&with_env(env, READY));
    running.expect("Secret/shop/hidden", U);
    running.expect(CONTAINER, P);
    let creating = "phase: Pending, conditions: [{type: PodScheduled, status: 'True', lastTransitionTime: '{ago 5}'}], containerStatuses: [{name: app, state: {waiting: {reason: ContainerCreating}}}]";
    let waiting = world(&with_env(env, creating).replace("{ago 3600}", "{ago 5}"));
    waiting.expect(CONTAINER, U);
}

fn with_volume(volume: &str, status: &str) -> String {
    docs(&[
        &pod(
            "p",
            "",
            &format!("nodeName: n1, containers: [{{name: app}}], volumes: [{{name: v, {volume}}}]"),
            status,
        ),
        CONFIG,
    ])
}

const CREATING: &str = "phase: Pending, conditions: [{type: PodScheduled, status: 'True', lastTransitionTime: '{ago 5}'}], containerStatuses: [{name: app, state: {waiting: {reason: ContainerCreating}}}]";
const VOLUME: &str = "Pod#volume/shop/p/v";

#[test]
fn volumes() {
    case(
        "VOL-1",
        &with_volume(
            "configMap: {name: config, items: [{key: gone, path: a}]}",
            CREATING,
        ),
        VOLUME,
        F,
        "missing-key",
    );
    case(
        "VOL-1",
        &with_volume(
            "configMap: {name: config, items: [{key: gone, path: a}]}",
            READY,
        ),
        VOLUME,
        D,
        "missing-key",
    );
    quiet(
        "VOL-1",
        &with_volume(
            "configMap: {name: config, items: [{key: known, path: a}]}, emptyDir: {}, name: v",
            CREATING,
        )
        .replace("name: v, configMap", "configMap"),
        POD,
    );
    case(
        "VOL-1",
        &with_volume("configMap: {name: gone, optional: true}", CREATING),
        VOLUME,
        P,
        "optional",
    );
    world(&with_volume("configMap: {name: gone}", CREATING)).expect(VOLUME, F);
    world(&with_volume(
        "projected: {sources: [{configMap: {name: gone}}]}",
        CREATING,
    ))
    .expect(VOLUME, F);
    case(
        "VOL-2",
        &with_volume(
            "projected: {sources: [{serviceAccountToken: {path: token}}, {downwardAPI: {}}]}",
            READY,
        ),
        VOLUME,
        P,
        "ok",
    );
    case(
        "VOL-6",
        &with_volume("emptyDir: {}", READY),
        VOLUME,
        P,
        "not-inspectable",
    );
    case(
        "VOL-6",
        &with_volume("hostPath: {path: /var}", READY),
        VOLUME,
        P,
        "not-inspectable",
    );
}

#[test]
fn volumes_from_claims_and_drivers() {
    let other = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: other, namespace: shop}\nstatus: {phase: Bound}\n";
    let claim = with_volume("persistentVolumeClaim: {claimName: data}", READY);
    // "VOL-3"
    let missing = world(&docs(&[&claim, other]));
    missing.expect("PersistentVolumeClaim/shop/data", F);
    missing.expect(POD, F);
    let ephemeral = with_volume("ephemeral: {volumeClaimTemplate: {}}", CREATING);
    case(
        "VOL-4",
        &docs(&[&ephemeral, other]),
        VOLUME,
        U,
        "progressing",
    );
    let of = |uid: &str| {
        format!(
            "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {{name: p-v, namespace: shop, ownerReferences: [{{kind: Pod, name: p, uid: {uid}}}]}}\nstatus: {{phase: Bound}}\n"
        )
    };
    case(
        "VOL-4",
        &docs(&[&ephemeral, &of("somebody")]),
        VOLUME,
        F,
        "claim-of-another",
    );
    world(&docs(&[&ephemeral, &of("pod-p")])).expect(VOLUME, P);
    let csi = with_volume("csi: {driver: secrets.example.com}", CREATING);
    let driver = |name: &str| {
        format!("apiVersion: storage.k8s.io/v1\nkind: CSIDriver\nmetadata: {{name: {name}}}\n")
    };
    case(
        "VOL-5",
        &docs(&[&csi, &driver("other.example.com")]),
        VOLUME,
        F,
        "missing",
    );
    case(
        "VOL-5",
        &docs(&[&csi, &driver("secrets.example.com")]),
        VOLUME,
        P,
        "exists",
    );
    let node = "apiVersion: storage.k8s.io/v1\nkind: CSINode\nmetadata: {name: n1}\nspec: {drivers: [{name: other.example.com}]}\n";
    case(
        "VOL-5",
        &docs(&[&csi, &driver("secrets.example.com"), node]),
        VOLUME,
        F,
        "driver-not-on-node",
    );
    case("VOL-5", &csi, VOLUME, U, "not-in-dump");
}

#[test]
fn mounts() {
    let with = |volumes: &str, mount: &str, status: &str| {
        docs(&[
            &pod(
                "p",
                "",
                &format!(
                    "nodeName: n1, containers: [{{name: app, volumeMounts: [{{{mount}}}]}}], volumes: [{volumes}]"
                ),
                status,
            ),
            CONFIG,
        ])
    };
    let mount = "Pod#volumemount/shop/p/app/v";
    let sub = "Pod#volumesubpath/shop/p/app/v";
    let config = "{name: v, configMap: {name: config}}";
    let renamed = "{name: v, configMap: {name: config, items: [{key: known, path: etc/app.conf}]}}";
    case(
        "MNT-1",
        &with(config, "name: v, mountPath: /etc", READY),
        mount,
        P,
        "ok",
    );
    case(
        "MNT-1",
        &with("{name: other}", "name: v, mountPath: /etc", READY),
        mount,
        F,
        "unknown-volume",
    );
    case(
        "MNT-2",
        &with(config, "name: v, subPath: known", CREATING),
        sub,
        P,
        "ok",
    );
    case(
        "MNT-2",
        &with(config, "name: v, subPath: gone", CREATING),
        sub,
        F,
        "missing-path",
    );
    case(
        "MNT-2",
        &with(config, "name: v, subPath: gone", READY),
        sub,
        D,
        "missing-path",
    );
    case(
        "MNT-2",
        &with(renamed, "name: v, subPath: etc/app.conf", CREATING),
        sub,
        P,
        "ok",
    );
    case(
        "MNT-2",
        &with(renamed, "name: v, subPath: etc", CREATING),
        sub,
        P,
        "ok",
    );
    case(
        "MNT-2",
        &with(renamed, "name: v, subPath: known", CREATING),
        sub,
        F,
        "missing-path",
    );
    case(
        "MNT-2",
        &with(config, "name: v, subPathExpr: $(POD)", CREATING),
        sub,
        P,
        "not-inspectable",
    );
    case(
        "MNT-2",
        &with(
            "{name: v, secret: {secretName: hidden}}",
            "name: v, subPath: a",
            CREATING,
        ),
        sub,
        U,
        "keys-not-visible",
    );
    case(
        "MNT-3",
        &with(
            "{name: v, persistentVolumeClaim: {claimName: data}}",
            "name: v, subPath: a/b",
            CREATING,
        ),
        sub,
        P,
        "not-inspectable",
    );
}
