//! DaemonSets: DS-1 to DS-4.

use super::replicas::{self, Quorum};
use super::{Judge, general, node, references};
use crate::kinds;
use crate::object::Body;
use crate::object::workload::DaemonSet;
use crate::options::{DAEMON_SCHEDULE, ROLLOUT_STALLED};

/// How many pods it wants and how few are enough, without the nodes that cannot run any; and those nodes.
pub(super) fn quorum(judge: &Judge<'_>, set: &DaemonSet) -> (Quorum, Vec<String>) {
    let desired = set.status.desired_number_scheduled;
    let excused = if judge.looks_around() {
        excused(judge)
    } else {
        Vec::new()
    };
    let want = (desired - i64::try_from(excused.len()).unwrap_or(0)).max(0);
    let update = set.spec.update_strategy.rolling_update.as_ref();
    let allowed = update.and_then(|update| update.max_unavailable.as_ref());
    // The API's default is 1.
    let allowed = allowed.map_or(1, |written| written.of(desired).unwrap_or(1));
    (
        Quorum {
            want,
            min: (want - allowed).max(1).min(want),
        },
        excused,
    )
}

/// The nodes that are not ready or cordoned, and on which its pod does not run.
fn excused(judge: &Judge<'_>) -> Vec<String> {
    let pods = replicas::pods_of(judge.cluster, judge.object);
    let running = |name: &str| {
        pods.live
            .iter()
            .any(|(_, pod)| &*pod.node_name == name && pod.ready())
    };
    let has_pod = |name: &str| pods.live.iter().any(|(_, pod)| &*pod.node_name == name);
    judge
        .cluster
        .table(kinds::NODE)
        .filter(|object| match &object.body {
            Body::Node(node) => {
                let lost = !node::is_ready(node) || node.spec.unschedulable;
                lost && has_pod(object.name()) && !running(object.name())
            }
            _ => false,
        })
        .map(|object| object.name().to_owned())
        .collect()
}

pub(super) fn daemon_set(judge: &mut Judge<'_>, set: &DaemonSet) {
    let status = &set.status;
    let (quorum, excused) = quorum(judge, set);
    let works = status.number_available >= quorum.min;
    if general::observed(judge, status.observed_generation, true) {
        scheduled(judge, set);
        if !excused.is_empty() {
            let text = format!(
                "not counted: nodes that are not ready or cordoned: {}",
                excused.join(", ")
            );
            judge.warn("DS-2", "NodesLost", text);
        }
        replicas::count(
            judge,
            "DS-2",
            quorum,
            status.number_available,
            status.current_number_scheduled,
            None,
            &set.spec.template,
        );
        rollout(judge, set, works);
        misscheduled(judge, set);
    }
    if judge.looks_around() {
        replicas::pods_link(judge);
        references::template(judge, &set.spec.template.spec, works);
    }
}

fn scheduled(judge: &mut Judge<'_>, set: &DaemonSet) {
    let (current, desired) = (
        set.status.current_number_scheduled,
        set.status.desired_number_scheduled,
    );
    if current >= desired {
        return judge.passing(
            "DS-1",
            "ok",
            format!("{current} of {desired} nodes have its pod"),
        );
    }
    let text = format!("{current} of {desired} nodes have its pod");
    // A node that has just joined gets its pod in a moment.
    let newest_node = judge
        .cluster
        .table(kinds::NODE)
        .filter_map(|node| node.created())
        .max();
    let start = newest_node.max(judge.object.created());
    if judge.within_since(start, judge.limit(DAEMON_SCHEDULE)) {
        judge.unknown("DS-1", "Progressing", text);
    } else {
        judge.failing("DS-1", "NotScheduled", text);
    }
}

fn rollout(judge: &mut Judge<'_>, set: &DaemonSet, works: bool) {
    let (updated, desired) = (
        set.status.updated_number_scheduled,
        set.status.desired_number_scheduled,
    );
    if updated >= desired {
        return judge.passing("DS-3", "ok", "every pod is up to date");
    }
    if &*set.spec.update_strategy.kind == "OnDelete" {
        let text = format!(
            "{} pods are still of the old revision, until somebody deletes them",
            desired - updated
        );
        return judge.warn("DS-3", "OnDelete", text);
    }
    let last = replicas::newest_pod(judge);
    replicas::rolling(
        judge,
        "DS-3",
        format!("{updated} of {desired} pods are updated"),
        works,
        last,
    );
}

fn misscheduled(judge: &mut Judge<'_>, set: &DaemonSet) {
    let count = set.status.number_misscheduled;
    if count == 0 {
        return;
    }
    let text = format!("{count} of its pods run on nodes where they should not");
    if judge.within_since(judge.object.first_seen, judge.limit(ROLLOUT_STALLED)) {
        judge.warn("DS-4", "Misscheduled", text);
    } else {
        judge.degraded("DS-4", "Misscheduled", text);
    }
}
