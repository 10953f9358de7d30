//! Workloads and the quorum of their pods.

use crate::support::*;

/// A Deployment of the namespace `shop` with its ReplicaSet of revision 2.
pub(crate) fn deployment(replicas: i64, spec: &str, status: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: cart, namespace: shop, uid: dep, generation: 2, creationTimestamp: '{{ago 86400}}'}}\nspec: {{replicas: {replicas}, template: {{metadata: {{labels: {{app: cart}}}}, spec: {{containers: [{{name: app}}]}}}}{spec}}}\nstatus: {{observedGeneration: 2, {status}}}\n"
    )
}

pub(crate) fn replica_set(name: &str, revision: i64, replicas: i64, status: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: ReplicaSet\nmetadata: {{name: {name}, namespace: shop, uid: {name}, generation: 1, creationTimestamp: '{{ago 3600}}', annotations: {{deployment.kubernetes.io/revision: '{revision}'}}{}}}\nspec: {{replicas: {replicas}}}\nstatus: {{observedGeneration: 1, {status}}}\n",
        owned_by("Deployment", "cart", "dep")
    )
}

/// The status of a Deployment all of whose replicas are well.
pub(crate) fn counts(replicas: i64, updated: i64, available: i64) -> String {
    format!(
        "replicas: {replicas}, updatedReplicas: {updated}, readyReplicas: {available}, availableReplicas: {available}"
    )
}

pub(crate) fn conditions(available: &str, since: i64, progressing: &str) -> String {
    format!(
        "conditions: [{{type: Available, status: '{available}', reason: X, lastTransitionTime: '{{ago {since}}}'}}, {{type: Progressing, {progressing}}}]"
    )
}

pub(crate) const DONE: &str = "status: 'True', reason: NewReplicaSetAvailable";
pub(crate) const ROLLING: &str = "status: 'True', reason: ReplicaSetUpdated";
const DEPLOYMENT: &str = "Deployment/shop/cart";

#[test]
fn deployments() {
    let make = |replicas: i64, spec: &str, counted: &str, said: &str| {
        deployment(replicas, spec, &format!("{counted}, {said}"))
    };
    let good = make(3, "", &counts(3, 3, 3), &conditions("True", 3000, DONE));
    case("DEP-1", &good, DEPLOYMENT, P, "ok");
    case("DEP-2", &good, DEPLOYMENT, P, "ok");
    case("DEP-3", &good, DEPLOYMENT, P, "ok");
    // Its pods died after a rollout that had ended well: only Available tells.
    let dead = make(3, "", &counts(3, 3, 0), &conditions("False", 61, DONE));
    case("DEP-1", &dead, DEPLOYMENT, F, "unavailable");
    let starts = make(3, "", &counts(3, 3, 0), &conditions("False", 59, ROLLING));
    case("DEP-1", &starts, DEPLOYMENT, U, "progressing");
    let silent = deployment(3, "", "replicas: 3").replace("{ago 86400}", "{ago 30}");
    case("DEP-1", &silent, DEPLOYMENT, U, "not-reported");
    let odd = make(3, "", &counts(3, 3, 3), &conditions("Unknown", 3000, DONE));
    case("DEP-1", &odd, DEPLOYMENT, U, "condition-unknown");
    // One of four may be missing.
    let thin = make(4, "", &counts(4, 4, 3), &conditions("True", 3000, DONE));
    case("DEP-3", &thin, DEPLOYMENT, D, "degraded");
    let rolling = make(4, "", &counts(5, 2, 4), &conditions("True", 3000, ROLLING));
    case("DEP-2", &rolling, DEPLOYMENT, D, "progressing");
    let bare = make(4, "", &counts(4, 2, 1), &conditions("False", 30, ROLLING));
    case("DEP-2", &bare, DEPLOYMENT, U, "progressing");
    let stuck = make(
        4,
        "",
        &counts(5, 2, 4),
        &conditions(
            "True",
            3000,
            "status: 'False', reason: ProgressDeadlineExceeded",
        ),
    );
    case("DEP-2", &stuck, DEPLOYMENT, F, "progress-deadline-exceeded");
    let refused = make(
        3,
        "",
        &counts(0, 0, 0),
        "conditions: [{type: Available, status: 'False', lastTransitionTime: '{ago 10}'}, {type: ReplicaFailure, status: 'True', reason: FailedCreate, message: exceeded quota}]",
    );
    case("DEP-4", &refused, DEPLOYMENT, F, "failed-create");
    let paused = make(
        3,
        ", paused: true",
        &counts(3, 3, 3),
        &conditions("True", 3000, "status: Unknown, reason: DeploymentPaused"),
    );
    case("DEP-5", &paused, DEPLOYMENT, P, "suspended");
    let midway = make(
        3,
        ", paused: true",
        &counts(4, 1, 3),
        &conditions("True", 3000, "status: Unknown, reason: DeploymentPaused"),
    );
    case("DEP-5", &midway, DEPLOYMENT, D, "suspended");
    case(
        "DEP-6",
        &make(0, "", "conditions: []", "collisionCount: 0"),
        DEPLOYMENT,
        P,
        "scaled-to-zero",
    );
    case(
        "DEP-6",
        &make(0, "", "replicas: 2", "collisionCount: 0"),
        DEPLOYMENT,
        D,
        "scaling-down",
    );
}

#[test]
fn statuses_that_lag_behind() {
    let lagging = deployment(
        3,
        "",
        &format!("{}, {}", counts(3, 3, 3), conditions("True", 3000, DONE)),
    )
    .replace("observedGeneration: 2", "observedGeneration: 1");
    case("G4", &lagging, DEPLOYMENT, U, "stale-status");
    let newer = deployment(
        3,
        "",
        &format!("{}, {}", counts(3, 3, 3), conditions("True", 3000, DONE)),
    )
    .replace("observedGeneration: 2", "observedGeneration: 3");
    quiet("G4", &newer, DEPLOYMENT);
    let ignored = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: cart, namespace: shop, generation: 1, creationTimestamp: '{ago 900}'}\nspec: {}\n";
    case("G4", ignored, DEPLOYMENT, F, "controller-not-reconciling");
    case(
        "G4",
        &ignored.replace("{ago 900}", "{ago 899}"),
        DEPLOYMENT,
        U,
        "stale-status",
    );
}

#[test]
fn replica_sets() {
    let alone = |spec: i64, status: &str| {
        format!(
            "apiVersion: apps/v1\nkind: ReplicaSet\nmetadata: {{name: rs, namespace: shop, uid: rs, generation: 1, creationTimestamp: '{{ago 3600}}'}}\nspec: {{replicas: {spec}}}\nstatus: {{observedGeneration: 1, {status}}}\n"
        )
    };
    let rs = "ReplicaSet/shop/rs";
    case(
        "RS-2",
        &alone(
            3,
            "replicas: 3, fullyLabeledReplicas: 3, availableReplicas: 3",
        ),
        rs,
        P,
        "ok",
    );
    case(
        "RS-2",
        &alone(
            3,
            "replicas: 3, fullyLabeledReplicas: 3, availableReplicas: 1",
        ),
        rs,
        D,
        "degraded",
    );
    case(
        "RS-2",
        &alone(3, "replicas: 3, fullyLabeledReplicas: 3"),
        rs,
        F,
        "unavailable",
    );
    case(
        "RS-2",
        &alone(3, "replicas: 3").replace("{ago 3600}", "{ago 30}"),
        rs,
        U,
        "progressing",
    );
    // Zero counts are left out by the API.
    case("RS-2", &alone(0, "replicas: 0"), rs, P, "scaled-to-zero");
    case(
        "RS-3",
        &alone(
            3,
            "conditions: [{type: ReplicaFailure, status: 'True', reason: FailedCreate}]",
        ),
        rs,
        F,
        "failed-create",
    );
    quiet(
        "RS-3",
        &alone(
            3,
            "conditions: [{type: ReplicaFailure, status: 'False', reason: FailedCreate}]",
        ),
        rs,
    );
    case(
        "RS-4",
        &alone(
            3,
            "replicas: 3, availableReplicas: 3, fullyLabeledReplicas: 2",
        ),
        rs,
        D,
        "not-fully-labeled",
    );
}

/// "RS-1": empty ReplicaSets of older revisions are history.
#[test]
fn history_is_not_shown() {
    let good = deployment(
        1,
        "",
        &format!("{}, {}", counts(1, 1, 1), conditions("True", 3000, DONE)),
    );
    let new = replica_set(
        "cart-2",
        2,
        1,
        "replicas: 1, availableReplicas: 1, fullyLabeledReplicas: 1",
    );
    let old = replica_set("cart-1", 1, 0, "replicas: 0");
    let world = world(&docs(&[&good, &new, &old]));
    assert!(world.has("ReplicaSet/shop/cart-2"), "{}", world.tree());
    assert!(!world.has("ReplicaSet/shop/cart-1"), "{}", world.tree());
}

/// What a person sees of a rollout to an image that does not exist: the cause within the first lines.
#[test]
fn a_stalled_rollout_names_its_cause() {
    let status = format!(
        "{}, {}",
        counts(4, 1, 3),
        conditions(
            "True",
            3000,
            "status: 'False', reason: ProgressDeadlineExceeded, message: ReplicaSet has timed out progressing"
        )
    );
    let bad = pod(
        "cart-2-x",
        &owned_by("ReplicaSet", "cart-2", "cart-2"),
        APP,
        "phase: Pending, conditions: [{type: PodScheduled, status: 'True'}], containerStatuses: [{name: app, state: {waiting: {reason: ImagePullBackOff, message: Back-off pulling image cart:typo}}}]",
    );
    let mut parts = vec![
        deployment(3, "", &status),
        replica_set(
            "cart-1",
            1,
            3,
            "replicas: 3, availableReplicas: 3, fullyLabeledReplicas: 3",
        ),
        replica_set("cart-2", 2, 1, "replicas: 1, fullyLabeledReplicas: 1"),
        bad,
    ];
    for name in ["a", "b", "c"] {
        parts.push(ready_pod(name, &owned_by("ReplicaSet", "cart-1", "cart-1")));
    }
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let world = world(&docs(&parts));
    world.expect(DEPLOYMENT, F);
    assert_eq!(
        world.says(DEPLOYMENT),
        "progress-deadline-exceeded: the rollout is stuck: 1 of 3 replicas are updated; pod cart-2-x: container app: ImagePullBackOff: Back-off pulling image cart:typo"
    );
    // The old pods still do the work.
    world.expect("ReplicaSet/shop/cart-1", P);
    world.expect("Pod#container/shop/cart-2-x/app", F);
}

#[test]
fn stateful_sets() {
    let make = |spec: &str, status: &str| {
        format!(
            "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {{name: db, namespace: shop, uid: sts, generation: 1, creationTimestamp: '{{ago 86400}}'}}\nspec: {{replicas: 3{spec}}}\nstatus: {{observedGeneration: 1, {status}}}\n"
        )
    };
    let sts = "StatefulSet/shop/db";
    let same = "currentRevision: a, updateRevision: a";
    let both = "currentRevision: a, updateRevision: b";
    case(
        "STS-1",
        &make(
            "",
            &format!("replicas: 3, readyReplicas: 3, updatedReplicas: 3, {same}"),
        ),
        sts,
        P,
        "ok",
    );
    case(
        "STS-1",
        &make(
            "",
            &format!("replicas: 3, readyReplicas: 2, updatedReplicas: 3, {same}"),
        ),
        sts,
        D,
        "degraded",
    );
    case(
        "STS-1",
        &make(
            "",
            &format!("replicas: 3, readyReplicas: 1, updatedReplicas: 3, {same}"),
        ),
        sts,
        F,
        "unavailable",
    );
    let on_delete = ", updateStrategy: {type: OnDelete}";
    case(
        "STS-1",
        &make(
            on_delete,
            &format!("replicas: 3, readyReplicas: 0, updatedReplicas: 0, {both}"),
        ),
        sts,
        F,
        "unavailable",
    );
    case(
        "STS-2",
        &make(
            on_delete,
            &format!("replicas: 3, readyReplicas: 3, updatedReplicas: 1, {both}"),
        ),
        sts,
        P,
        "on-delete",
    );
    // "STS-3": after a rollout to a partition current and updated replicas differ for good.
    let partition = ", updateStrategy: {type: RollingUpdate, rollingUpdate: {partition: 2}}";
    let partitioned = make(
        partition,
        &format!("replicas: 3, readyReplicas: 3, currentReplicas: 2, updatedReplicas: 1, {both}"),
    );
    case("STS-2", &partitioned, sts, P, "ok");
    world(&partitioned).expect(sts, P);
    let rolling = make(
        "",
        &format!("replicas: 3, readyReplicas: 3, updatedReplicas: 1, {both}"),
    );
    let fresh = ready_pod("db-2", &owned_by("StatefulSet", "db", "sts")).replace(
        "creationTimestamp: '{ago 3600}'",
        "creationTimestamp: '{ago 30}'",
    );
    case("STS-2", &docs(&[&rolling, &fresh]), sts, D, "progressing");
    let stalled = ready_pod("db-2", &owned_by("StatefulSet", "db", "sts"));
    case(
        "STS-2",
        &docs(&[&rolling, &stalled]),
        sts,
        F,
        "rollout-stalled",
    );
    let blocked = crashing_pod("db-2", &owned_by("StatefulSet", "db", "sts"));
    case(
        "STS-2",
        &docs(&[&rolling, &blocked]),
        sts,
        F,
        "rollout-blocked",
    );
    case(
        "STS-4",
        &make(
            "",
            &format!(
                "replicas: 3, readyReplicas: 3, updatedReplicas: 3, collisionCount: 7, {same}"
            ),
        ),
        sts,
        P,
        "hash-collision",
    );
    let other = "apiVersion: v1\nkind: Service\nmetadata: {name: other, namespace: shop}\nspec: {type: ExternalName}\n";
    let headless = make(
        ", serviceName: db",
        &format!("replicas: 3, readyReplicas: 3, updatedReplicas: 3, {same}"),
    );
    case("STS-5", &docs(&[&headless, other]), sts, F, "missing");
    quiet("STS-5", &docs(&[&make("", same), other]), sts);
}

#[test]
fn daemon_sets() {
    let make = |spec: &str, status: &str| {
        format!(
            "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {{name: log, namespace: shop, uid: ds, generation: 1, creationTimestamp: '{{ago 86400}}'}}\nspec: {{{spec}}}\nstatus: {{observedGeneration: 1, {status}}}\n"
        )
    };
    let ds = "DaemonSet/shop/log";
    let full = "desiredNumberScheduled: 3, currentNumberScheduled: 3, updatedNumberScheduled: 3, numberAvailable: 3";
    case("DS-1", &make("", full), ds, P, "ok");
    case("DS-2", &make("", full), ds, P, "ok");
    case("DS-2", &make("", ""), ds, P, "scaled-to-zero");
    case(
        "DS-2",
        &make(
            "",
            &full.replace("numberAvailable: 3", "numberAvailable: 2"),
        ),
        ds,
        D,
        "degraded",
    );
    case(
        "DS-2",
        &make(
            "",
            &full.replace("numberAvailable: 3", "numberAvailable: 1"),
        ),
        ds,
        F,
        "unavailable",
    );
    case(
        "DS-1",
        &make(
            "",
            &full.replace("currentNumberScheduled: 3", "currentNumberScheduled: 2"),
        ),
        ds,
        F,
        "not-scheduled",
    );
    let young_node = "apiVersion: v1\nkind: Node\nmetadata: {name: n3, creationTimestamp: '{ago 60}'}\nstatus: {conditions: [{type: Ready, status: 'True'}]}\n";
    case(
        "DS-1",
        &docs(&[
            &make(
                "",
                &full.replace("currentNumberScheduled: 3", "currentNumberScheduled: 2"),
            ),
            young_node,
        ]),
        ds,
        U,
        "progressing",
    );
    case(
        "DS-3",
        &make(
            "updateStrategy: {type: OnDelete}",
            &full.replace("updatedNumberScheduled: 3", "updatedNumberScheduled: 1"),
        ),
        ds,
        P,
        "on-delete",
    );
    let fresh = ready_pod("log-x", &owned_by("DaemonSet", "log", "ds")).replace(
        "creationTimestamp: '{ago 3600}'",
        "creationTimestamp: '{ago 30}'",
    );
    case(
        "DS-3",
        &docs(&[
            &make(
                "",
                &full.replace("updatedNumberScheduled: 3", "updatedNumberScheduled: 1"),
            ),
            &fresh,
        ]),
        ds,
        D,
        "progressing",
    );
    case(
        "DS-3",
        &make(
            "",
            &full.replace("updatedNumberScheduled: 3", "updatedNumberScheduled: 1"),
        ),
        ds,
        F,
        "rollout-stalled",
    );
    case(
        "DS-4",
        &make("", &format!("{full}, numberMisscheduled: 1")),
        ds,
        D,
        "misscheduled",
    );
    case(
        "DS-4",
        &make("", &format!("{full}, numberMisscheduled: 1")).replace("{ago 86400}", "{ago 60}"),
        ds,
        P,
        "misscheduled",
    );
}

/// A dead node must not turn every DaemonSet red: the node itself already is.
#[test]
fn a_lost_node_is_not_counted_against_a_daemon_set() {
    let set = "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: log, namespace: shop, uid: ds, generation: 1, creationTimestamp: '{ago 86400}'}\nstatus: {observedGeneration: 1, desiredNumberScheduled: 3, currentNumberScheduled: 3, updatedNumberScheduled: 3, numberAvailable: 1}\n";
    let node = |name: &str, ready: &str| {
        format!(
            "apiVersion: v1\nkind: Node\nmetadata: {{name: {name}, uid: {name}}}\nstatus: {{conditions: [{{type: Ready, status: '{ready}'}}]}}\n"
        )
    };
    let lost = |name: &str, node: &str| {
        crashing_pod(name, &owned_by("DaemonSet", "log", "ds"))
            .replace("nodeName: n1", &format!("nodeName: {node}"))
    };
    let yaml = docs(&[
        set,
        &node("n1", "True"),
        &node("n2", "Unknown"),
        &node("n3", "Unknown"),
        &ready_pod("a", &owned_by("DaemonSet", "log", "ds")),
        &lost("b", "n2"),
        &lost("c", "n3"),
    ]);
    case("DS-2", &yaml, "DaemonSet/shop/log", P, "nodes-lost");
    case("DS-2", &yaml, "DaemonSet/shop/log", P, "ok");
    world(&yaml).expect("DaemonSet/shop/log", P);
}

const JOB: &str = "Job/shop/backup";

fn job(spec: &str, status: &str) -> String {
    format!(
        "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: backup, namespace: shop, uid: job, creationTimestamp: '{{ago 3600}}'}}\nspec: {{{spec}}}\nstatus: {{startTime: '{{ago 3600}}', {status}}}\n"
    )
}

#[test]
fn jobs() {
    case(
        "JOB-1",
        &job("", "conditions: [{type: Complete, status: 'True'}]"),
        JOB,
        P,
        "complete",
    );
    case(
        "JOB-1",
        &job(
            "",
            "conditions: [{type: SuccessCriteriaMet, status: 'True'}]",
        ),
        JOB,
        P,
        "complete",
    );
    case(
        "JOB-1",
        &job(
            "",
            "conditions: [{type: Failed, status: 'True', reason: BackoffLimitExceeded}]",
        ),
        JOB,
        F,
        "backoff-limit-exceeded",
    );
    case(
        "JOB-1",
        &job(
            "",
            "conditions: [{type: FailureTarget, status: 'True', reason: PodFailurePolicy}]",
        ),
        JOB,
        F,
        "pod-failure-policy",
    );
    // A condition that is not True says nothing: this one runs.
    case(
        "JOB-3",
        &job(
            "",
            "active: 1, conditions: [{type: Failed, status: 'False'}, {type: Suspended, status: 'False'}]",
        ),
        JOB,
        P,
        "running",
    );
    case(
        "JOB-2",
        &job(
            "suspend: true",
            "conditions: [{type: Suspended, status: 'True'}]",
        ),
        JOB,
        P,
        "suspended",
    );
    case("JOB-3", &job("", "active: 1"), JOB, P, "running");
    case(
        "JOB-3",
        &job("", "active: 1, failed: 2"),
        JOB,
        D,
        "retrying",
    );
    case("JOB-3", &job("", "active: 0"), JOB, U, "not-reported");
    case(
        "JOB-3",
        &job("activeDeadlineSeconds: 3600", "active: 1"),
        JOB,
        F,
        "overdue",
    );
    case(
        "JOB-3",
        &job("", "active: 1").replace("startTime: '{ago 3600}'", "startTime: '{ago 43200}'"),
        JOB,
        F,
        "overdue",
    );
    let stuck = pod(
        "backup-x",
        &owned_by("Job", "backup", "job"),
        APP,
        "phase: Pending, conditions: [{type: PodScheduled, status: 'True'}], containerStatuses: [{name: app, state: {waiting: {reason: ImagePullBackOff}}}]",
    );
    case(
        "JOB-4",
        &docs(&[&job("", "active: 1"), &stuck]),
        JOB,
        D,
        "pod-stuck",
    );
    quiet(
        "JOB-4",
        &docs(&[
            &job("", "active: 1"),
            &stuck.replace(
                "creationTimestamp: '{ago 3600}'",
                "creationTimestamp: '{ago 299}'",
            ),
        ]),
        JOB,
    );
    // "JOB-5": its pods are gone, and it failed all the same.
    world(&job(
        "",
        "failed: 7, conditions: [{type: Failed, status: 'True', reason: BackoffLimitExceeded}]",
    ))
    .expect(JOB, F);
}

const CRON: &str = "CronJob/shop/nightly";

fn cron(spec: &str, status: &str) -> String {
    format!(
        "apiVersion: batch/v1\nkind: CronJob\nmetadata: {{name: nightly, namespace: shop, uid: cron, creationTimestamp: '{{ago 864000}}'}}\nspec: {{schedule: '0 3 * * *'{spec}}}\nstatus: {{{status}}}\n"
    )
}

/// A run that was due so many seconds before noon.
fn run(name: &str, due: i64, status: &str) -> String {
    format!(
        "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: {name}, namespace: shop, uid: {name}, annotations: {{batch.kubernetes.io/cronjob-scheduled-timestamp: '{{ago {due}}}'}}{}}}\nstatus: {{startTime: '{{ago {due}}}', {status}}}\n",
        owned_by("CronJob", "nightly", "cron")
    )
}

const FAILED: &str = "conditions: [{type: Failed, status: 'True', reason: BackoffLimitExceeded}]";
const COMPLETE: &str = "conditions: [{type: Complete, status: 'True'}]";
/// Three o'clock of the same day.
const LAST: &str = "lastScheduleTime: '{ago 32400}'";

#[test]
fn cron_jobs() {
    let base = cron("", LAST);
    case(
        "CJ-1",
        &docs(&[&base, &run("a", 32400, COMPLETE)]),
        CRON,
        P,
        "ok",
    );
    case(
        "CJ-1",
        &docs(&[
            &base,
            &run("a", 32400, FAILED),
            &run("b", 118_800, COMPLETE),
        ]),
        CRON,
        F,
        "last-run-failed",
    );
    // An older failure is history once a newer run completed.
    case(
        "CJ-1",
        &docs(&[
            &base,
            &run("a", 32400, COMPLETE),
            &run("b", 118_800, FAILED),
        ]),
        CRON,
        P,
        "ok",
    );
    world(&docs(&[
        &base,
        &run("a", 32400, COMPLETE),
        &run("b", 118_800, FAILED),
    ]))
    .expect(CRON, P);
    let manual = run("m", 600, COMPLETE).replace(
        "annotations: {",
        "annotations: {cronjob.kubernetes.io/instantiate: manual, ",
    );
    case(
        "CJ-1b",
        &docs(&[&base, &run("a", 32400, FAILED), &manual]),
        CRON,
        P,
        "ok",
    );
    case(
        "CJ-4",
        &docs(&[&cron(", suspend: true", LAST), &run("a", 32400, FAILED)]),
        CRON,
        P,
        "suspended",
    );
    world(&docs(&[
        &cron(", suspend: true", LAST),
        &run("a", 32400, FAILED),
    ]))
    .expect(CRON, P);
    // "CJ-5": the run under way counts by its own state.
    world(&docs(&[
        &base,
        &run("b", 118_800, COMPLETE),
        &run("a", 32400, "active: 1, failed: 1"),
    ]))
    .expect(CRON, D);
    case(
        "CJ-6",
        &cron("", "").replace("0 3 * * *", "0 3 * *"),
        CRON,
        F,
        "invalid-schedule",
    );
    case(
        "CJ-6",
        &cron(", timeZone: Moon/Sea", ""),
        CRON,
        U,
        "unknown-time-zone",
    );
}

#[test]
fn cron_jobs_without_jobs() {
    case(
        "CJ-2",
        &cron("", "").replace("{ago 864000}", "{ago 600}"),
        CRON,
        P,
        "never-ran",
    );
    case(
        "CJ-2",
        &cron("", &format!("{LAST}, lastSuccessfulTime: '{{ago 32000}}'")),
        CRON,
        P,
        "ok",
    );
    case(
        "CJ-2",
        &cron("", &format!("{LAST}, lastSuccessfulTime: '{{ago 99999}}'")),
        CRON,
        F,
        "last-run-failed",
    );
    case("CJ-2", &cron("", LAST), CRON, F, "never-succeeded");
    case(
        "CJ-2",
        &docs(&[&cron("", LAST), &run("a", 32400, "active: 1")]),
        CRON,
        U,
        "first-run",
    );
}

#[test]
fn cron_jobs_that_miss_their_time() {
    let with = |spec: &str, last: i64| {
        cron(
            spec,
            &format!(
                "lastScheduleTime: '{{ago {last}}}', lastSuccessfulTime: '{{ago {}}}'",
                last - 10
            ),
        )
        .replace("0 3 * * *", "*/10 * * * *")
    };
    case("CJ-3", &with("", 600), CRON, P, "ok");
    case("CJ-3", &with("", 1200), CRON, U, "missed-schedule");
    case("CJ-3", &with("", 1800), CRON, F, "missed-schedule");
    let forbid = docs(&[
        &with(", concurrencyPolicy: Forbid", 1800),
        &run("a", 1800, "active: 1"),
    ]);
    case("CJ-3", &forbid, CRON, U, "missed-schedule");
    quiet("CJ-3", &with(", suspend: true", 1800), CRON);
    quiet("CJ-3", &with(", startingDeadlineSeconds: 3600", 1800), CRON);
}
