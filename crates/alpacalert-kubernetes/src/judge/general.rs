//! What holds for objects of every kind: malformed ones, deletion, and statuses that lag behind.

use alpacalert_model::State;

use super::{Judge, words};
use crate::cluster::Access;
use crate::kinds;
use crate::object::{Body, Condition};
use crate::options::{POD_OVERDUE, ROLLOUT_STALLED, STALE, TERMINATING};

/// Rules that decide an object alone, before its kind's own; tells whether they did.
pub(super) fn decided(judge: &mut Judge<'_>) -> bool {
    if let Body::Malformed(why) = &judge.object.body {
        judge.unknown("BAD-1", "malformed", why.clone());
        return true;
    }
    if in_cycle(judge) {
        let text = "its owners own each other: the chain of ownerReferences comes back to it";
        judge.unknown("G13", "cycle", text);
        return true;
    }
    deletion(judge)
}

/// Rules that add to what the kind's own found.
pub(super) fn afterwards(judge: &mut Judge<'_>) {
    let Some(Access::Stale(since, why)) = judge.cluster.access(&judge.object.kind) else {
        return;
    };
    let (since, why) = (*since, why.clone());
    let worst = judge.verdict.state();
    if worst < State::Unknown && !judge.within(since, judge.limit(STALE)) {
        let text = format!("the watch broke {} ago: {why}", words(judge.age(since)));
        judge.unknown("G11", "stale", text);
    }
}

/// Whether following the owners leads back to the object.
fn in_cycle(judge: &Judge<'_>) -> bool {
    let mut seen: Vec<&str> = Vec::new();
    let mut object = judge.object;
    while let Some(owner) = judge.cluster.owner_of(object) {
        if std::ptr::eq(owner, judge.object) {
            return true;
        }
        // A chain longer than this is no ownership that any controller makes; a cycle further up is theirs, not ours.
        if seen.contains(&&*owner.meta.uid) || seen.len() > 32 {
            return false;
        }
        seen.push(&owner.meta.uid);
        object = owner;
    }
    false
}

/// An object that is being deleted is Unknown, and Failing when it cannot go.
fn deletion(judge: &mut Judge<'_>) -> bool {
    let Some(deletion) = judge.object.meta.deletion_timestamp else {
        return false;
    };
    // Their own conditions tell more about these two.
    if matches!(judge.object.body, Body::Namespace(_) | Body::Crd(_)) {
        return false;
    }
    let since = deletion.0;
    let is_pod = matches!(judge.object.body, Body::Pod(_));
    let mut text = String::new();
    if !judge.object.meta.finalizers.is_empty() {
        text = format!("; held by {}", judge.object.meta.finalizers.join(", "));
    }
    if let Some(node) = lost_node(judge) {
        text.push_str(&format!("; its node {node} is lost"));
    }
    // A pod's time stamp already includes its grace period.
    if judge.within(since, jiff::SignedDuration::ZERO)
        || (is_pod && judge.within(since, judge.limit(POD_OVERDUE)))
    {
        judge.unknown("G3", "Terminating", format!("it is being deleted{text}"));
    } else if judge.within(since, judge.limit(TERMINATING)) {
        let reason = if is_pod {
            "TerminatingOverdue"
        } else {
            "Terminating"
        };
        let text = format!(
            "it is being deleted since {}{text}",
            words(judge.age(since))
        );
        judge.unknown("G3", reason, text);
    } else {
        let text = format!(
            "it has been going for {} and does not go{text}",
            words(judge.age(since))
        );
        judge.failing("G3", "StuckTerminating", text);
    }
    true
}

/// The node of a pod, when it is gone or not ready.
fn lost_node(judge: &Judge<'_>) -> Option<String> {
    let name = &judge.object.pod()?.node_name;
    if name.is_empty() || !judge.cluster.sees(kinds::NODE, "") {
        return None;
    }
    let ready = judge
        .cluster
        .get(kinds::NODE, "", name)
        .is_some_and(|node| match &node.body {
            Body::Node(node) => super::node::is_ready(node),
            _ => true,
        });
    (!ready).then(|| name.to_string())
}

/// Whether the controller has looked at the newest change; a finding says so if not. `always`: its controller always says
/// which generation it saw, so that silence means that it has not looked yet.
pub(super) fn observed(judge: &mut Judge<'_>, observed: Option<i64>, always: bool) -> bool {
    let generation = judge.object.meta.generation;
    let stale = match observed {
        Some(observed) => observed < generation,
        None => always && generation >= 1,
    };
    if !stale {
        return true;
    }
    // When the change was made is told by nobody: for a new object, when it was created; for an old one, when we saw it.
    let start = match observed {
        None => judge.object.created(),
        Some(_) => judge.object.first_seen.or_else(|| judge.object.created()),
    };
    let seen = observed.unwrap_or(0);
    let text = format!("its controller has seen generation {seen} of {generation}");
    if observed.is_some() && judge.object.first_seen.is_none() {
        // A dump does not tell since when, and the status may be a second old.
        judge.unknown("G4", "StaleStatus", text);
    } else if judge.within_since(start, judge.limit(ROLLOUT_STALLED)) {
        judge.unknown("G4", "StaleStatus", text);
    } else {
        let text = format!("{text}: the controller does not work");
        judge.failing("G4", "ControllerNotReconciling", text);
    }
    false
}

/// The conditions that speak of the object's newest generation.
pub(super) fn fresh(conditions: &[Condition], generation: i64) -> impl Iterator<Item = &Condition> {
    conditions.iter().filter(move |condition| {
        condition
            .observed_generation
            .is_none_or(|seen| seen >= generation)
    })
}
