//! Pods: POD-1 to POD-10.

mod trouble;

use alpacalert_model::{Effect, State, Timestamp};
use jiff::SignedDuration;

use super::{Judge, references, words};
use crate::cluster::Lookup;
use crate::kinds;
use crate::object::pod::{Container, IDENTITY_VOLUME, Pod, Probe};
use crate::object::{Condition, Object, condition};
use crate::options::{CONTAINER_CREATE, CONTAINER_START, UNSCHEDULABLE};

pub(super) use trouble::looks_well_and_crashes;
pub(crate) use trouble::trouble;
use trouble::{container_trouble, lost_node};

/// Reasons of a pod that its node refused: it will never run there.
const REFUSED: &[&str] = &[
    "NodeAffinity",
    "OutOfcpu",
    "OutOfmemory",
    "OutOfpods",
    "UnexpectedAdmissionError",
    "TopologyAffinityError",
];

/// Marks a pod that a node runs from a file: the API server only shows it.
pub(crate) const MIRROR: &str = "kubernetes.io/config.mirror";

pub(super) fn pod(judge: &mut Judge<'_>, pod: &Pod) {
    phase(judge, pod);
    if !pod.finished() {
        scheduled(judge, pod);
        ready(judge, pod);
        resize(judge, pod);
    }
    disruption(judge, pod);
    // Once a pod has ended, what it needed does not matter any more.
    let counts = if pod.finished() {
        Effect::Optional
    } else {
        Effect::Required
    };
    for container in pod.spec.all_containers() {
        judge.link_part("container", &container.name, counts);
    }
    for container in &pod.spec.ephemeral_containers {
        judge.link_part("container", &container.name, Effect::Optional);
    }
    if pod.finished() {
        return;
    }
    let started = all_started(pod);
    for volume in &pod.spec.volumes {
        // Every pod has one, and what runs has got it.
        if !(started && &*volume.name == IDENTITY_VOLUME) {
            judge.link_part("volume", &volume.name, Effect::Required);
        }
    }
    node_edge(judge, pod);
    if judge.object.annotation(MIRROR).is_none() {
        accounts(judge, pod);
    }
}

fn phase(judge: &mut Judge<'_>, pod: &Pod) {
    let status = &pod.status;
    let said = match (&*status.reason, &*status.message) {
        ("", "") => String::new(),
        (reason, "") => format!(": {reason}"),
        ("", message) => format!(": {message}"),
        (reason, message) => format!(": {reason}: {message}"),
    };
    match &*status.phase {
        "Running" => judge.passing("POD-1", "ok", "running"),
        "Succeeded" => judge.passing("POD-1", "Completed", "completed"),
        "Failed" if REFUSED.contains(&&*status.reason) => {
            judge.failing(
                "POD-2",
                &status.reason,
                format!("its node refused it{said}"),
            );
        }
        "Failed" => {
            let reason = if status.reason.is_empty() {
                "Failed"
            } else {
                &status.reason
            };
            let why = if said.is_empty() {
                exit_words(pod)
            } else {
                said
            };
            judge.failing("POD-9", reason, format!("it failed{why}"));
        }
        "Pending" => pending(judge, pod),
        "Unknown" => judge.unknown(
            "POD-1",
            "PhaseUnknown",
            format!("its node does not answer{said}"),
        ),
        _ => judge.unknown("POD-1", "NotReported", "its phase is not reported yet"),
    }
}

/// A pod that does not run yet: what holds it up is said by scheduling and by its containers, in their own time.
fn pending(judge: &mut Judge<'_>, pod: &Pod) {
    let waits_for_node = !is_scheduled(pod);
    let start = scheduled_at(judge.object, pod);
    // With what the containers may take there is always an end: CT-1 and CT-2 fail then.
    let text = if waits_for_node {
        "waits for a node"
    } else {
        "is being started"
    };
    let since = start
        .map(|start| format!(" since {}", words(judge.age(start))))
        .unwrap_or_default();
    judge.unknown("POD-1", "Progressing", format!("{text}{since}"));
}

/// How the containers of a failed pod ended.
fn exit_words(pod: &Pod) -> String {
    let ends = pod
        .status
        .init_container_statuses
        .iter()
        .chain(&pod.status.container_statuses);
    for status in ends {
        if let Some(end) = &status.state.terminated
            && end.exit_code != 0
        {
            let reason = if end.reason.is_empty() {
                "Error"
            } else {
                &end.reason
            };
            return format!(
                ": container {} ended with exit code {} ({reason})",
                status.name, end.exit_code
            );
        }
    }
    String::new()
}

/// Whether a node has been found for it.
pub(super) fn is_scheduled(pod: &Pod) -> bool {
    // What runs was given a node, even where nobody says so any more.
    matches!(&*pod.status.phase, "Running" | "Succeeded")
        || !pod.node_name.is_empty()
        || condition(&pod.status.conditions, "PodScheduled").is_some_and(Condition::is_true)
}

/// When a node was found for it, or when it was created.
pub(super) fn scheduled_at(object: &Object, pod: &Pod) -> Option<Timestamp> {
    let scheduled = condition(&pod.status.conditions, "PodScheduled").filter(|c| c.is_true());
    scheduled
        .and_then(Condition::since)
        .or_else(|| object.created())
}

fn scheduled(judge: &mut Judge<'_>, pod: &Pod) {
    if is_scheduled(pod) {
        return judge.passing("POD-2", "ok", "a node is found");
    }
    let said = condition(&pod.status.conditions, "PodScheduled");
    match said {
        Some(said) if &*said.reason == "SchedulingGated" => {
            judge.unknown("POD-2", "Suspended", "held back by its scheduling gates");
        }
        Some(said) if said.is_false() => {
            let text = format!("no node can take it: {}", said.message);
            if judge.within_since(said.since(), judge.limit(UNSCHEDULABLE)) {
                judge.unknown("POD-2", "Unschedulable", text);
            } else {
                judge.failing("POD-2", "Unschedulable", text);
            }
        }
        // The scheduler has not looked at it yet; one that never does is missing.
        _ if judge.within_since(None, judge.limit(UNSCHEDULABLE)) => {
            judge.unknown(
                "POD-2",
                "NotReported",
                "the scheduler has not looked at it yet",
            );
        }
        _ => judge.failing("POD-2", "NotScheduled", "no scheduler looks at it"),
    }
}

fn ready(judge: &mut Judge<'_>, pod: &Pod) {
    let Some(said) = condition(&pod.status.conditions, "Ready") else {
        if &*pod.status.phase == "Running" {
            verdict_in_time(
                judge,
                pod,
                None,
                "NotReported",
                "it does not say whether it is ready".to_owned(),
            );
        }
        return;
    };
    if said.is_true() {
        return judge.passing("POD-3", "ok", "ready");
    }
    if &*pod.status.phase != "Running" {
        return;
    }
    if &*said.status == "Unknown" {
        return judge.unknown("POD-3", "NodeLost", said.sentence());
    }
    let gates: Vec<&str> = pod
        .spec
        .readiness_gates
        .iter()
        .map(|gate| &*gate.condition_type)
        .filter(|gate| !condition(&pod.status.conditions, gate).is_some_and(Condition::is_true))
        .collect();
    let text = match gates.is_empty() {
        true if said.message.is_empty() => "not ready".to_owned(),
        true => format!("not ready: {}", said.message),
        false => format!(
            "not ready: the readiness gate {} is not met",
            gates.join(", ")
        ),
    };
    let reason = if gates.is_empty() {
        "NotReady"
    } else {
        "ReadinessGate"
    };
    // What keeps it from being ready says more than that it is not.
    if gates.is_empty()
        && let Some((State::Failing, reason, text)) =
            container_trouble(judge.cluster, judge.object, pod, judge.now)
    {
        return judge.failing("POD-3", reason.as_str(), format!("not ready: {text}"));
    }
    let text = match lost_node(judge, pod) {
        Some(node) if gates.is_empty() => format!("{text}: {node}"),
        _ => text,
    };
    verdict_in_time(judge, pod, said.since(), reason, text);
}

/// Unknown within the time that the containers may take to start, Failing after it.
fn verdict_in_time(
    judge: &mut Judge<'_>,
    pod: &Pod,
    since: Option<Timestamp>,
    reason: &str,
    text: String,
) {
    let grace = pod
        .spec
        .all_containers()
        .map(|container| start_grace(judge, container))
        .max()
        .unwrap_or(judge.limit(CONTAINER_START));
    let start = since.or_else(|| scheduled_at(judge.object, pod));
    if judge.within_since(start, grace) {
        judge.unknown("POD-3", reason, text);
    } else {
        judge.failing("POD-3", reason, text);
    }
}

/// How long a container may take to become ready: what its probes allow, and a minute at least.
pub(super) fn start_grace(judge: &Judge<'_>, container: &Container) -> SignedDuration {
    // Ten minutes: what takes longer than that to start is broken, or says so with its own annotation.
    const CEILING: SignedDuration = SignedDuration::from_mins(10);
    let allowed = |probe: &Probe| {
        let period = probe.period_seconds.unwrap_or(10).clamp(1, 3600);
        let failures = probe.failure_threshold.unwrap_or(3).clamp(1, 3600);
        SignedDuration::from_secs(probe.initial_delay_seconds.clamp(0, 3600) + period * failures)
    };
    let probes = [&container.startup_probe, &container.readiness_probe];
    let probes = probes
        .into_iter()
        .flatten()
        .map(allowed)
        .max()
        .unwrap_or_default();
    let least = judge.limit(CONTAINER_START);
    least.max(probes.min(CEILING))
}

fn disruption(judge: &mut Judge<'_>, pod: &Pod) {
    if let Some(said) = condition(&pod.status.conditions, "DisruptionTarget")
        && said.is_true()
        && !pod.finished()
    {
        judge.unknown(
            "POD-4",
            "Disrupted",
            format!("about to be removed: {}", said.sentence()),
        );
    }
}

fn resize(judge: &mut Judge<'_>, pod: &Pod) {
    if let Some(said) = condition(&pod.status.conditions, "PodResizePending")
        && said.is_true()
    {
        match &*said.reason {
            "Infeasible" => judge.failing("POD-5", "ResizeInfeasible", said.sentence()),
            _ => judge.degraded("POD-5", "ResizeDeferred", said.sentence()),
        }
    }
    if let Some(said) = condition(&pod.status.conditions, "PodResizeInProgress")
        && said.is_true()
        && &*said.reason == "Error"
    {
        judge.degraded("POD-5", "ResizeError", said.sentence());
    }
}

fn node_edge(judge: &mut Judge<'_>, pod: &Pod) {
    if pod.node_name.is_empty() {
        return;
    }
    if !judge.cluster.sees(kinds::NODE, "") {
        // That it has a node is known; that we may not look at it is no fault of the pod's.
        return judge.refer(kinds::NODE, "", &pod.node_name, true);
    }
    judge.refer(kinds::NODE, "", &pod.node_name, pod.ready());
}

fn accounts(judge: &mut Judge<'_>, pod: &Pod) {
    let namespace = judge.object.namespace();
    let bound = !pod.node_name.is_empty();
    judge.refer(
        kinds::SERVICE_ACCOUNT,
        namespace,
        pod.spec.service_account(),
        bound,
    );
    pull_secrets(judge, pod, namespace);
    references::classes(judge, &pod.spec, bound);
}

fn pull_secrets(judge: &mut Judge<'_>, pod: &Pod, namespace: &str) {
    let started = all_started(pod);
    let pulling = pod
        .status
        .container_statuses
        .iter()
        .chain(&pod.status.init_container_statuses);
    let waits_for_image = pulling
        .filter_map(|status| status.state.waiting.as_ref())
        .any(|waiting| {
            matches!(
                &*waiting.reason,
                "ImagePullBackOff" | "ErrImagePull" | "ImageInspectError" | "RegistryUnavailable"
            )
        });
    for secret in pod
        .spec
        .image_pull_secrets
        .iter()
        .filter(|secret| !secret.name.is_empty())
    {
        judge.refer(
            kinds::SECRET,
            namespace,
            &secret.name,
            started || !waits_for_image,
        );
        if !judge.looks_around() {
            continue;
        }
        if let Lookup::Found(object) = judge.cluster.look(kinds::SECRET, namespace, &secret.name)
            && let crate::object::Body::Keys(keys) = &object.body
            && !matches!(
                &*keys.kind,
                "kubernetes.io/dockerconfigjson" | "kubernetes.io/dockercfg" | ""
            )
        {
            let state = if waits_for_image {
                State::Failing
            } else {
                State::Degraded
            };
            let text = format!(
                "Secret {} is of the type {}, which holds no image credentials",
                secret.name, keys.kind
            );
            judge.find("POD-8", state, "WrongSecretType", text);
        }
    }
}

/// Whether every container has run at least once.
pub(super) fn all_started(pod: &Pod) -> bool {
    let statuses = &pod.status.container_statuses;
    !statuses.is_empty() && statuses.iter().all(super::container::has_started)
}

/// How long containers may be created.
pub(super) fn create_grace(judge: &Judge<'_>) -> SignedDuration {
    judge.limit(CONTAINER_CREATE)
}
