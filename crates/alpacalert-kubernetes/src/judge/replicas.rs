//! Replicas: how many of a controller's pods must work, and ReplicaSets: RS-1 to RS-4.

use alpacalert_model::{Effect, Rule, State, Threshold, Timestamp};
use jiff::SignedDuration;

use super::{Judge, general, is_ignored, is_optional, pod, references, words};
use crate::cluster::Cluster;
use crate::kinds;
use crate::object::pod::{Pod, PodTemplate};
use crate::object::workload::{Deployment, ReplicaSet};
use crate::object::{Body, Condition, Object, condition};
use crate::options::{CONTAINER_CREATE, CONTAINER_START};

/// How many replicas there should be, and how few are enough.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Quorum {
    pub(crate) want: i64,
    pub(crate) min: i64,
}

/// The pods of a controller.
pub(crate) struct Pods<'a> {
    /// Those that count: neither going nor failed.
    pub(crate) live: Vec<(&'a Object, &'a Pod)>,
    /// Those that failed for good and are kept for their logs.
    pub(crate) failed: Vec<&'a Object>,
    /// Those that are being deleted.
    pub(crate) going: Vec<&'a Object>,
}

/// The pods whose controller an object is.
pub(crate) fn pods_of<'a>(cluster: &'a Cluster, owner: &'a Object) -> Pods<'a> {
    let mut pods = Pods {
        live: Vec::new(),
        failed: Vec::new(),
        going: Vec::new(),
    };
    for object in cluster.controlled_by(kinds::POD, &owner.meta.uid) {
        if is_ignored(object) {
            continue;
        }
        match object.pod() {
            _ if object.terminating() => pods.going.push(object),
            Some(pod) if &*pod.status.phase == "Failed" => pods.failed.push(object),
            Some(pod) => pods.live.push((object, pod)),
            // A malformed pod: nobody can tell whether it counts.
            None => pods.failed.push(object),
        }
    }
    pods
}

/// How many of a controller's pods are seen not to work: those that are not ready, and those that look well in this moment
/// and crash again and again. The controller's own numbers are a moment behind.
pub(super) fn unwell(cluster: &Cluster, owner: &Object, now: Timestamp) -> usize {
    let pods = pods_of(cluster, owner).live.into_iter();
    pods.filter(|(object, pod)| {
        !pod.ready() || pod::looks_well_and_crashes(cluster, object, pod, now)
    })
    .count()
}

/// RS-1: whether a ReplicaSet is only history of its Deployment.
pub(crate) fn is_history(cluster: &Cluster, object: &Object, set: &ReplicaSet) -> bool {
    let empty = set.spec.replicas == Some(0) && set.status.replicas == 0;
    empty
        && object
            .controller()
            .and_then(|owner| cluster.by_uid(&owner.uid))
            .is_some_and(|owner| {
                super::deployment::newest_set(cluster, owner)
                    .is_none_or(|newest| newest.reference != object.reference)
            })
}

pub(super) fn replica_set(judge: &mut Judge<'_>, set: &ReplicaSet) {
    if general::observed(judge, set.status.observed_generation, true) {
        replica_failure(judge, &set.status.conditions, "RS-3");
        let quorum = set_quorum(judge, set);
        count(
            judge,
            "RS-2",
            quorum,
            set.status.available_replicas,
            set.status.replicas,
            None,
            &set.spec.template,
        );
        if set.status.fully_labeled_replicas < set.status.replicas {
            let text = format!(
                "{} of {} pods carry all labels",
                set.status.fully_labeled_replicas, set.status.replicas
            );
            judge.degraded("RS-4", "NotFullyLabeled", text);
        }
    }
    pods_link(judge);
    if judge.object.controller().is_none() {
        let works = set.status.available_replicas > 0;
        references::template(judge, &set.spec.template.spec, works);
    }
}

/// What a ReplicaSet wants: as its Deployment allows, or one of all if it stands alone.
fn set_quorum(judge: &Judge<'_>, set: &ReplicaSet) -> Quorum {
    let want = set.spec.replicas.unwrap_or(1);
    let owner = judge
        .cluster
        .owner_of(judge.object)
        .map(|owner| &owner.body);
    let min = match owner {
        Some(Body::Deployment(deployment)) => (want - max_unavailable(deployment, want)).max(1),
        _ => 1,
    };
    Quorum {
        want,
        min: min.min(want),
    }
}

/// How many replicas of a Deployment may be missing, as its controller computes it.
pub(super) fn max_unavailable(deployment: &Deployment, replicas: i64) -> i64 {
    let strategy = &deployment.spec.strategy;
    if &*strategy.kind == "Recreate" {
        return 0;
    }
    let written = strategy
        .rolling_update
        .as_ref()
        .and_then(|update| update.max_unavailable.as_ref());
    let allowed = match written {
        Some(written) => written.of(replicas).unwrap_or(0),
        // The API's default.
        None => replicas.saturating_mul(25) / 100,
    };
    allowed.clamp(0, replicas.max(0))
}

/// Whether the controller cannot make pods.
pub(super) fn replica_failure(judge: &mut Judge<'_>, conditions: &[Condition], rule: &'static str) {
    if let Some(said) = condition(conditions, "ReplicaFailure")
        && said.is_true()
    {
        let reason = if said.reason.is_empty() {
            "ReplicaFailure"
        } else {
            &said.reason
        };
        judge.failing(
            rule,
            reason,
            format!("its pods cannot be made: {}", said.message),
        );
    }
}

/// G6: the number of healthy replicas against what is wanted and what is enough.
pub(super) fn count(
    judge: &mut Judge<'_>,
    rule: &'static str,
    quorum: Quorum,
    healthy: i64,
    current: i64,
    since: Option<Timestamp>,
    template: &PodTemplate,
) {
    let Quorum { want, min } = override_quorum(judge, quorum);
    if want == 0 {
        if current > 0 {
            judge.degraded(
                rule,
                "ScalingDown",
                format!("{current} replicas still to go"),
            );
        } else {
            judge.passing(rule, "ScaledToZero", "scaled to zero");
        }
        return;
    }
    let text = format!("{healthy} of {want} replicas are available");
    if healthy >= want {
        return judge.passing(rule, "ok", text);
    }
    let why = trouble_words(judge);
    let needed = if min < want {
        format!(", {min} are enough")
    } else {
        String::new()
    };
    let text = format!("{text}{needed}{why}");
    if healthy >= min {
        judge.degraded(rule, "Degraded", text);
    } else if starting(judge, since, template) {
        judge.unknown(rule, "Progressing", text);
    } else {
        judge.failing(rule, "Unavailable", text);
    }
}

/// The least number of replicas that the object asks for itself: `alpacalert.io/min-available: 2` or `50%`.
fn override_quorum(judge: &Judge<'_>, quorum: Quorum) -> Quorum {
    let written = judge.object.annotation("alpacalert.io/min-available");
    let written = written.and_then(|text| match text.parse() {
        Ok(count) => Some(count),
        Err(_) => crate::object::IntOrText::Text(text.into()).of(quorum.want),
    });
    match written {
        Some(min) => Quorum {
            min: min.clamp(0, quorum.want),
            ..quorum
        },
        None => quorum,
    }
}

/// What is wrong with the pods: `; pod cart-0: container app: …`.
pub(super) fn trouble_words(judge: &Judge<'_>) -> String {
    if !judge.looks_around() {
        return String::new();
    }
    let mut worst: Option<(State, String)> = None;
    for set in pod_owners(judge) {
        for (object, _) in pods_of(judge.cluster, set).live {
            if let Some((state, text)) = pod::trouble(judge.cluster, object, judge.now)
                && worst.as_ref().is_none_or(|(known, _)| state > *known)
            {
                worst = Some((state, format!("; pod {}: {text}", object.name())));
                if state == State::Failing {
                    break;
                }
            }
        }
    }
    worst.map(|(_, text)| text).unwrap_or_default()
}

/// The controllers whose pods are those of the object: itself, or the ReplicaSets of a Deployment, the newest first.
pub(super) fn pod_owners<'a>(judge: &Judge<'a>) -> Vec<&'a Object> {
    let object = judge.object;
    if !matches!(object.body, Body::Deployment(_)) {
        return vec![object];
    }
    let newest = super::deployment::newest_set(judge.cluster, object);
    let mut sets: Vec<&Object> = newest.into_iter().collect();
    for set in judge
        .cluster
        .controlled_by(kinds::REPLICA_SET, &object.meta.uid)
    {
        if newest.is_none_or(|newest| !std::ptr::eq(newest, set)) {
            sets.push(set);
        }
    }
    sets
}

/// Whether too few replicas may still be due to their start.
///
/// `since`: since when too few are available, where the object tells. While no pod is worse than Unknown, containers have
/// the time that their creation may take beside.
pub(super) fn starting(
    judge: &Judge<'_>,
    since: Option<Timestamp>,
    template: &PodTemplate,
) -> bool {
    let grace = template_grace(judge, template);
    let start = since.or_else(|| unready_since(judge));
    if judge.within_since(start, grace) {
        return true;
    }
    let pods: Vec<_> = pod_owners(judge)
        .into_iter()
        .flat_map(|owner| pods_of(judge.cluster, owner).live)
        .collect();
    let hopeful = pods.iter().any(|(_, pod)| !pod.ready())
        && pods.iter().all(|(object, _)| {
            pod::trouble(judge.cluster, object, judge.now)
                .is_none_or(|(state, _)| state < State::Failing)
        });
    hopeful && judge.within_since(start, grace + judge.limit(CONTAINER_CREATE))
}

/// How long the containers of a template may take to become ready.
pub(super) fn template_grace(judge: &Judge<'_>, template: &PodTemplate) -> SignedDuration {
    let containers = template.spec.all_containers();
    let longest = containers
        .map(|container| pod::start_grace(judge, container))
        .max();
    longest.unwrap_or(judge.limit(CONTAINER_START))
}

/// Since when a pod of the object is not ready: of those that are not, the one that has been so the longest.
pub(super) fn unready_since(judge: &Judge<'_>) -> Option<Timestamp> {
    let owners = pod_owners(judge).into_iter();
    let live = owners.flat_map(|owner| pods_of(judge.cluster, owner).live);
    live.filter(|(_, pod)| !pod.ready())
        .filter_map(|(object, pod)| {
            let said = condition(&pod.status.conditions, "Ready");
            said.and_then(Condition::since).or_else(|| object.created())
        })
        .min()
}

/// When the newest pod was made: the last thing that a rollout did.
pub(super) fn newest_pod(judge: &Judge<'_>) -> Option<Timestamp> {
    let owners = pod_owners(judge).into_iter();
    owners
        .flat_map(|owner| pods_of(judge.cluster, owner).live)
        .filter_map(|(object, _)| object.created())
        .max()
}

/// A rollout that is under way: Degraded while enough replicas work, Unknown below, Failing when nothing moves any more.
pub(super) fn rolling(
    judge: &mut Judge<'_>,
    rule: &'static str,
    text: String,
    works: bool,
    last: Option<Timestamp>,
) {
    let limit = judge.limit(crate::options::ROLLOUT_STALLED);
    let start = last.or_else(|| judge.object.created());
    if let Some(start) = start
        && !judge.within(start, limit)
    {
        let why = trouble_words(judge);
        let text = format!(
            "the rollout does not move for {}: {text}{why}",
            words(judge.age(start))
        );
        judge.failing(rule, "RolloutStalled", text);
    } else if works {
        judge.degraded(rule, "Progressing", format!("rolling out: {text}"));
    } else {
        judge.unknown(rule, "Progressing", format!("rolling out: {text}"));
    }
}

/// The group of an object's pods, if there are any.
pub(super) fn pods_link(judge: &mut Judge<'_>) {
    if !judge.looks_around() {
        return;
    }
    let pods = pods_of(judge.cluster, judge.object);
    if !(pods.live.is_empty() && pods.failed.is_empty() && pods.going.is_empty()) {
        judge.link_part("pods", "", Effect::Required);
    }
}

/// The pods of a controller, by quorum: never is one of a hundred as bad as all.
pub(super) fn pods(judge: &mut Judge<'_>) -> Option<()> {
    let quorum = match &judge.object.body {
        Body::ReplicaSet(set) => set_quorum(judge, set),
        Body::StatefulSet(set) => super::statefulset::quorum(set),
        Body::DaemonSet(set) => super::daemonset::quorum(judge, set).0,
        _ => return None,
    };
    let quorum = override_quorum(judge, quorum);
    let pods = pods_of(judge.cluster, judge.object);
    // Failed pods are history once others have taken their place.
    let working = pods.live.iter().filter(|(_, pod)| pod.ready()).count();
    let met = i64::try_from(working).unwrap_or(i64::MAX) >= quorum.min;
    let failed = if met {
        Effect::Optional
    } else {
        Effect::Required
    };
    for (object, _) in &pods.live {
        judge.link_object(object, Effect::Required);
    }
    for object in &pods.failed {
        judge.link_object(object, failed);
    }
    for object in &pods.going {
        judge.link_object(object, Effect::Optional);
    }
    let failed = if met { 0 } else { pods.failed.len() };
    let optional = pods
        .live
        .iter()
        .filter(|(object, _)| is_optional(object))
        .count();
    let counted = i64::try_from(pods.live.len() + failed - optional).unwrap_or(i64::MAX);
    // Pods that are not there are told of by the numbers of the controller itself, which know how long that may last.
    let clip = |n: i64| u32::try_from(n.clamp(0, counted)).unwrap_or(u32::MAX);
    judge.verdict.rule = Some((
        Rule::AtLeast(Threshold::Count(clip(quorum.min))),
        Some(clip(quorum.want)),
    ));
    Some(())
}
