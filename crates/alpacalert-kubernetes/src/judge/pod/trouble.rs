//! The worst about a pod in one sentence, for those above it.

use alpacalert_model::{Reason, State, Timestamp};

use crate::cluster::Cluster;
use crate::judge::{self, Judge};
use crate::kinds;
use crate::object::pod::{ContainerStatus, Pod};
use crate::object::{Body, Object, condition};

/// What is wrong with the node of a pod, in a few words: then the pod is not to blame.
pub(super) fn lost_node(judge: &Judge<'_>, pod: &Pod) -> Option<String> {
    let name = &*pod.node_name;
    if name.is_empty() || !judge.looks_around() {
        return None;
    }
    let node = judge.cluster.get(kinds::NODE, "", name)?;
    let Body::Node(body) = &node.body else {
        return None;
    };
    let said = condition(&body.status.conditions, "Ready").filter(|said| !said.is_true())?;
    let why = match (&*said.reason, &*said.message) {
        ("", "") => String::new(),
        (reason, "") => format!(" ({reason})"),
        (_, message) => format!(" ({message})"),
    };
    Some(format!("its node {name} is not ready{why}"))
}

/// Whether a pod looks well for the seconds between two crashes of a loop.
pub(in crate::judge) fn looks_well_and_crashes(
    cluster: &Cluster,
    object: &Object,
    pod: &Pod,
    now: Timestamp,
) -> bool {
    // Few pods ever were started three times: only those are looked at closely.
    let again = |status: &ContainerStatus| {
        status.restart_count >= 2 && status.ready && status.last_state.terminated.is_some()
    };
    let statuses = pod.status.container_statuses.iter();
    statuses.filter(|status| again(status)).any(|status| {
        let verdict = judge::judge_part(cluster, object, "container", &status.name, now);
        verdict.is_some_and(|verdict| verdict.state() == State::Failing)
    })
}

/// The worst thing about the containers of a pod, with the reason: `container app: CrashLoopBackOff: …`.
pub(super) fn container_trouble(
    cluster: &Cluster,
    object: &Object,
    pod: &Pod,
    now: Timestamp,
) -> Option<(State, Reason, String)> {
    let mut worst: Option<(State, Reason, String)> = None;
    for container in pod.spec.all_containers() {
        let verdict = judge::judge_part(cluster, object, "container", &container.name, now);
        let Some(finding) = verdict.as_ref().and_then(|verdict| verdict.worst()) else {
            continue;
        };
        if finding.state > worst.as_ref().map_or(State::Passing, |(state, ..)| *state) {
            let text = format!("container {}: {}", container.name, finding.text);
            worst = Some((finding.state, finding.reason.clone(), text));
        }
    }
    worst
}

/// The worst thing about a pod, its containers included, in one sentence: `container app: CrashLoopBackOff: …`.
pub(crate) fn trouble(
    cluster: &Cluster,
    object: &Object,
    now: Timestamp,
) -> Option<(State, String)> {
    let pod = object.pod()?;
    // A container's words tell more than the pod's own, so they come first.
    let inside = container_trouble(cluster, object, pod, now);
    let verdict = judge::judge(cluster, object, now);
    let own = verdict
        .worst()
        .filter(|finding| finding.state > State::Passing);
    match (inside, own) {
        (Some((state, _, text)), Some(own)) if state >= own.state => Some((state, text)),
        (_, Some(own)) => Some((own.state, own.text.clone())),
        (Some((state, _, text)), None) => Some((state, text)),
        (None, None) => None,
    }
}
