//! Claims that no other tool makes good: C-01 to C-11. C-02 and C-03 stand in `storage` and `services`, C-04 in `control`,
//! C-07 in `mistakes`.

use crate::support::*;
use crate::workloads::{DONE, conditions, counts, deployment, replica_set};

/// C-01: the result of the last run stays while the next one is under way, and only success takes it back.
#[test]
fn c01_a_failed_run_stays_failing_until_a_run_completes() {
    let cron = "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: c, namespace: shop, uid: cron, creationTimestamp: '2026-11-22T00:00:00Z'}\nspec: {schedule: '0 * * * *'}\nstatus: {lastScheduleTime: 'LAST'}\n";
    let run = |name: &str, hour: u32, status: &str| {
        format!(
            "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: {name}, namespace: shop, uid: {name}, annotations: {{batch.kubernetes.io/cronjob-scheduled-timestamp: '2026-11-22T{hour:02}:00:00Z'}}{}}}\nstatus: {{startTime: '2026-11-22T{hour:02}:00:00Z', {status}}}\n",
            owned_by("CronJob", "c", "cron")
        )
    };
    let failed = "conditions: [{type: Failed, status: 'True', reason: BackoffLimitExceeded}]";
    let complete = "conditions: [{type: Complete, status: 'True'}]";
    let timeline = [
        // Hour of the last schedule, the Jobs, the moment, and what the CronJob is.
        (9, vec![run("r9", 9, complete)], "2026-11-22T09:30:00Z", P),
        (
            10,
            vec![run("r9", 9, complete), run("r10", 10, "active: 1")],
            "2026-11-22T10:00:20Z",
            P,
        ),
        (
            10,
            vec![run("r9", 9, complete), run("r10", 10, failed)],
            "2026-11-22T10:01:00Z",
            F,
        ),
        (
            11,
            vec![run("r10", 10, failed), run("r11", 11, "active: 1")],
            "2026-11-22T11:00:20Z",
            F,
        ),
        (
            11,
            vec![run("r10", 10, failed), run("r11", 11, complete)],
            "2026-11-22T11:01:00Z",
            P,
        ),
    ];
    for (hour, jobs, at, expected) in timeline {
        let cron = cron.replace("LAST", &format!("2026-11-22T{hour:02}:00:00Z"));
        let mut parts = vec![cron.as_str()];
        parts.extend(jobs.iter().map(String::as_str));
        let world = world_at(cluster(&docs(&parts)), at);
        assert_eq!(
            world.state("CronJob/shop/c"),
            expected,
            "{at}\n{}",
            world.tree()
        );
    }
}

/// C-05: half an hour of crashes with a growing back-off is one failure, not one per restart.
#[test]
fn c05_a_crash_loop_is_one_failure() {
    let start = time("2026-11-22T11:00:00Z").as_second();
    let stamp = |second: i64| {
        alpacalert_model::Timestamp::from_second(second)
            .expect("a time")
            .to_string()
    };
    let mut states = Vec::new();
    let (mut now, mut restarts, mut back_off) = (start, 0_i64, 10);
    let mut last: Option<i64> = None;
    while now < start + 1800 {
        // It runs for five seconds, ready, and ends; then it waits.
        let phases = [
            (now + 1, true),
            (now + 4, true),
            (now + 5, false),
            (now + 5 + back_off - 1, false),
        ];
        for (moment, runs) in phases {
            let state = match runs {
                true => format!(
                    "ready: true, started: true, state: {{running: {{startedAt: '{}'}}}}",
                    stamp(now)
                ),
                false => "ready: false, state: {waiting: {reason: CrashLoopBackOff}}".to_owned(),
            };
            let ended = if runs { last } else { Some(now + 5) };
            let ended = ended
                .map(|at| {
                    format!(
                        ", lastState: {{terminated: {{exitCode: 1, startedAt: '{}', finishedAt: '{}'}}}}",
                        stamp(at - 5),
                        stamp(at)
                    )
                })
                .unwrap_or_default();
            let yaml = pod(
                "p",
                "",
                APP,
                &format!(
                    "phase: Running, conditions: [{{type: PodScheduled, status: 'True'}}, {{type: Ready, status: '{}', lastTransitionTime: '{}'}}], containerStatuses: [{{name: app, restartCount: {restarts}, {state}{ended}}}]",
                    if runs { "True" } else { "False" },
                    stamp(now)
                ),
            );
            states.push(world_at(cluster(&yaml), &stamp(moment)).state("Pod/shop/p"));
        }
        last = Some(now + 5);
        restarts += 1;
        now += 5 + back_off;
        back_off = (back_off * 2).min(300);
    }
    // It fails once, and from the second crash on without a break.
    let mut changes = states.clone();
    changes.dedup();
    assert_eq!(changes, [P, F, D, F], "{states:?}");
    assert!(restarts >= 8, "the time line has {restarts} restarts");
}

/// C-05, of what owns it: the numbers of a controller are a moment behind, and still count a container that has just crashed.
#[test]
fn c05_a_deployment_that_still_counts_a_crashed_pod_fails() {
    let owned = |kind: &str, name: &str| {
        format!(
            "ownerReferences: [{{apiVersion: apps/v1, kind: {kind}, name: {name}, uid: {kind}-{name}, controller: true}}]"
        )
    };
    let numbers = "replicas: 1, readyReplicas: 1, availableReplicas: 1";
    let yaml = format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: d, namespace: shop, uid: Deployment-d, generation: 1, creationTimestamp: '2026-11-22T10:00:00Z'}}\n\
         spec: {{replicas: 1}}\n\
         status: {{observedGeneration: 1, {numbers}, updatedReplicas: 1, conditions: [{{type: Available, status: 'True'}}, {{type: Progressing, status: 'True', reason: NewReplicaSetAvailable}}]}}\n---\n\
         apiVersion: apps/v1\nkind: ReplicaSet\nmetadata: {{name: r, namespace: shop, uid: ReplicaSet-r, generation: 1, creationTimestamp: '2026-11-22T10:00:00Z', {}}}\n\
         spec: {{replicas: 1}}\nstatus: {{observedGeneration: 1, {numbers}, fullyLabeledReplicas: 1}}\n---\n\
         apiVersion: v1\nkind: Pod\nmetadata: {{name: p, namespace: shop, uid: Pod-p, creationTimestamp: '2026-11-22T10:00:00Z', {}}}\n\
         spec: {{nodeName: n, containers: [{{name: app}}]}}\n\
         status: {{phase: Running, conditions: [{{type: PodScheduled, status: 'True'}}, {{type: Ready, status: 'False', lastTransitionTime: '2026-11-22T11:59:59Z'}}], \
         containerStatuses: [{{name: app, restartCount: 7, ready: false, state: {{waiting: {{reason: CrashLoopBackOff}}}}, lastState: {{terminated: {{exitCode: 1, startedAt: '2026-11-22T11:59:50Z', finishedAt: '2026-11-22T11:59:59Z'}}}}}}]}}\n",
        owned("Deployment", "d"),
        owned("ReplicaSet", "r"),
    );
    let world = world_at(cluster(&yaml), "2026-11-22T12:00:00Z");
    assert_eq!(world.state("Pod/shop/p"), F);
    assert_eq!(world.state("Deployment/shop/d"), F);
}

/// C-06: one broken pod of a hundred.
#[test]
fn c06_one_broken_pod_of_a_hundred() {
    let broken = |count: i64| {
        let available = 100 - count;
        let said = if available >= 75 {
            conditions("True", 3000, DONE)
        } else {
            conditions("False", 3000, DONE)
        };
        let mut parts = vec![
            deployment(100, "", &format!("{}, {said}", counts(100, 100, available))),
            replica_set("cart-1", 2, 100, &format!("replicas: 100, fullyLabeledReplicas: 100, availableReplicas: {available}")),
            "apiVersion: v1\nkind: Service\nmetadata: {name: cart, namespace: shop, creationTimestamp: '{ago 9000}'}\nspec: {selector: {app: cart}}\n".to_owned(),
        ];
        let owner = format!(
            ", labels: {{app: cart}}{}",
            owned_by("ReplicaSet", "cart-1", "cart-1")
        );
        let mut endpoints = Vec::new();
        for n in 0..100 {
            let name = format!("cart-{n}");
            let ready = n >= count;
            parts.push(if ready {
                ready_pod(&name, &owner)
            } else {
                crashing_pod(&name, &owner)
            });
            endpoints.push(format!("{{conditions: {{ready: {ready}}}, targetRef: {{kind: Pod, name: {name}, namespace: shop, uid: pod-{name}}}}}"));
        }
        parts.push(format!("apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {{name: s, namespace: shop, labels: {{kubernetes.io/service-name: cart}}}}\nendpoints: [{}]\n", endpoints.join(", ")));
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        world(&docs(&parts))
    };
    let one = broken(1);
    one.expect("Deployment/shop/cart", D);
    one.expect("Service/shop/cart", P);
    assert_eq!(one.root(), D);
    // A quarter may be missing, and no more.
    broken(25).expect("Deployment/shop/cart", D);
    let many = broken(26);
    many.expect("Deployment/shop/cart", F);
    many.expect("Service/shop/cart", P);
}

/// C-11: pods of an owner that was deleted and made again under the same name are not the new one's.
#[test]
fn c11_a_recreated_owner_does_not_adopt_old_pods() {
    let set = "apiVersion: apps/v1\nkind: ReplicaSet\nmetadata: {name: rs, namespace: shop, uid: new, generation: 1}\nspec: {replicas: 1}\nstatus: {observedGeneration: 1, replicas: 1, fullyLabeledReplicas: 1, availableReplicas: 1}\n";
    let old = crashing_pod("old", &owned_by("ReplicaSet", "rs", "gone"));
    let world = world(&docs(&[
        set,
        &old,
        &ready_pod("new", &owned_by("ReplicaSet", "rs", "new")),
    ]));
    world.expect("ReplicaSet/shop/rs", P);
    world.expect("Pod/shop/old", F);
    let above: Vec<String> = world
        .node("Pod/shop/old")
        .parents()
        .map(|node| node.id().to_string())
        .collect();
    assert_eq!(above, ["test/kubernetes.io/Namespace/shop"]);
}
