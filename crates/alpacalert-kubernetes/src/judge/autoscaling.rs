//! Autoscalers, disruption budgets and quotas: HPA-1 to HPA-4, PDB-1 to PDB-3, QUOTA-1.

use alpacalert_model::Effect;

use super::{Judge, general};
use crate::cluster::Lookup;
use crate::kinds::{self, group_of, kind_text};
use crate::object::policy::{Hpa, Pdb, Quota};
use crate::object::{Body, Object, condition};
use crate::options::{HPA_MAXED, HPA_METRIC, PDB};

pub(super) fn hpa(judge: &mut Judge<'_>, hpa: &Hpa) {
    let conditions = &hpa.status.conditions;
    match condition(conditions, "AbleToScale") {
        None => judge.unknown("HPA-1", "NotReported", "has not said whether it can scale"),
        Some(said) if said.is_true() => judge.passing("HPA-1", "ok", "can scale"),
        Some(said) if &*said.reason == "BackoffDownscale" => {
            judge.passing("HPA-1", "BackoffDownscale", said.sentence())
        }
        Some(said) if said.is_false() => judge.failing("HPA-1", &said.reason, said.sentence()),
        Some(said) => judge.unknown("HPA-1", "ConditionUnknown", said.sentence()),
    }
    active(judge, hpa);
    maxed(judge, hpa);
    target(judge, hpa);
}

/// HPA-2: a gap in the metrics follows every rollout, so it has its time.
fn active(judge: &mut Judge<'_>, hpa: &Hpa) {
    let Some(said) = condition(&hpa.status.conditions, "ScalingActive") else {
        return;
    };
    if said.is_true() {
        return judge.passing("HPA-2", "ok", "scales");
    }
    if !said.is_false() {
        return judge.unknown("HPA-2", "ConditionUnknown", said.sentence());
    }
    match &*said.reason {
        "ScalingDisabled" => judge.passing("HPA-2", "Suspended", "its target is scaled to zero"),
        "InvalidSelector" | "AmbiguousSelector" => {
            judge.failing("HPA-2", &said.reason, said.sentence())
        }
        reason => {
            let rolling = target_rolls(judge, hpa);
            if rolling || judge.within_since(said.since(), judge.limit(HPA_METRIC)) {
                judge.unknown("HPA-2", reason, said.sentence());
            } else {
                judge.failing("HPA-2", reason, said.sentence());
            }
        }
    }
}

fn find_target<'a>(judge: &Judge<'a>, hpa: &Hpa) -> Lookup<'a> {
    let target = &hpa.spec.scale_target_ref;
    let kind = kind_text(group_of(&target.api_version), &target.kind);
    judge
        .cluster
        .look(&kind, judge.object.namespace(), &target.name)
}

fn target_rolls(judge: &Judge<'_>, hpa: &Hpa) -> bool {
    if !judge.looks_around() {
        return false;
    }
    match find_target(judge, hpa) {
        Lookup::Found(Object {
            body: Body::Deployment(target),
            ..
        }) => {
            let want = target.spec.replicas.unwrap_or(1);
            let stuck = condition(&target.status.conditions, "Progressing")
                .is_some_and(|said| said.is_false());
            !stuck
                && (target.status.updated_replicas < want
                    || target.status.replicas > target.status.updated_replicas)
        }
        _ => false,
    }
}

fn maxed(judge: &mut Judge<'_>, hpa: &Hpa) {
    let max = hpa.spec.max_replicas;
    // The API's default for the least number is 1.
    if hpa.status.current_replicas < max || max == hpa.spec.min_replicas.unwrap_or(1) {
        return;
    }
    let Some(said) = condition(&hpa.status.conditions, "ScalingLimited") else {
        return;
    };
    if !said.is_true() || &*said.reason != "TooManyReplicas" {
        return;
    }
    let text = format!("wants more than its maximum of {max} replicas");
    if judge.within_since(said.since(), judge.limit(HPA_MAXED)) {
        judge.passing("HPA-3", "Maxed", text);
    } else {
        judge.degraded("HPA-3", "Maxed", text);
    }
}

fn target(judge: &mut Judge<'_>, hpa: &Hpa) {
    if !judge.looks_around() {
        return;
    }
    let target = &hpa.spec.scale_target_ref;
    match find_target(judge, hpa) {
        // The autoscaler does its work whatever its target is like.
        Lookup::Found(object) => judge.link_object(object, Effect::Optional),
        Lookup::Unseen(reason, text) => judge.unknown("HPA-4", reason, text),
        Lookup::Missing if judge.settling() => {
            judge.unknown("HPA-4", "settling", "its target is not there yet")
        }
        Lookup::Missing => {
            judge.failing(
                "HPA-4",
                "missing",
                format!("its target {} {} does not exist", target.kind, target.name),
            );
        }
    }
}

pub(super) fn pdb(judge: &mut Judge<'_>, pdb: &Pdb) {
    if !general::observed(judge, pdb.status.observed_generation, true) {
        return;
    }
    let status = &pdb.status;
    let allowed = condition(&status.conditions, "DisruptionAllowed");
    if let Some(said) = allowed.filter(|said| said.is_false() && &*said.reason == "SyncFailed") {
        return judge.failing("PDB-1", "SyncFailed", said.sentence());
    }
    if status.expected_pods == 0 {
        return judge.passing("PDB-3", "NoPods", "no pod matches its selector");
    }
    let text = format!(
        "{} of {} pods that must be healthy are",
        status.current_healthy, status.desired_healthy
    );
    if status.current_healthy >= status.desired_healthy {
        judge.passing("PDB-1", "ok", text);
        if status.disruptions_allowed == 0 {
            judge.passing(
                "PDB-2",
                "Blocked",
                "a drain will wait: no pod may be disrupted",
            );
        }
        return;
    }
    let since = allowed
        .filter(|said| said.is_false())
        .and_then(|said| said.since());
    if judge.within_since(since.or(judge.object.first_seen), judge.limit(PDB)) {
        judge.degraded("PDB-1", "Violated", text);
    } else {
        judge.failing("PDB-1", "Violated", text);
    }
}

pub(super) fn quota(judge: &mut Judge<'_>, quota: &Quota) {
    let mut worst = 0.0_f64;
    let mut full: Vec<String> = Vec::new();
    for (resource, hard) in &quota.status.hard {
        let Some(used) = quota.status.used.get(resource) else {
            continue;
        };
        let (Some(hard_value), Some(used_value)) = (hard.value, used.value) else {
            judge.unknown(
                "QUOTA-1",
                "UnreadableQuantity",
                format!(
                    "{resource}: `{}` of `{}` is no quantity",
                    used.text, hard.text
                ),
            );
            continue;
        };
        // A quota of nothing forbids, and is full by design.
        if hard_value <= 0.0 {
            if used_value > 0.0 {
                full.push(format!("{resource} {} of {}", used.text, hard.text));
                worst = worst.max(2.0);
            }
            continue;
        }
        let share = used_value / hard_value;
        worst = worst.max(share);
        if share >= 0.9 {
            full.push(format!("{resource} {} of {}", used.text, hard.text));
        }
    }
    let text = full.join(", ");
    let refused = judge.looks_around().then(|| refused(judge)).flatten();
    match refused {
        Some(who) => judge.failing(
            "QUOTA-1",
            "Exceeded",
            format!("exceeded: {who} cannot make pods"),
        ),
        None if worst > 1.0 => judge.degraded(
            "QUOTA-1",
            "Overrun",
            format!("more is used than allowed: {text}"),
        ),
        None if worst >= 1.0 => judge.degraded("QUOTA-1", "Full", format!("used up: {text}")),
        None if worst >= 0.9 => {
            judge.passing("QUOTA-1", "NearlyFull", format!("nearly used up: {text}"))
        }
        None => judge.passing("QUOTA-1", "ok", "below nine tenths"),
    }
}

/// A workload of the namespace whose pods this quota refuses.
fn refused(judge: &Judge<'_>) -> Option<String> {
    let name = judge.object.name();
    let mut sets = judge
        .cluster
        .in_namespace(kinds::REPLICA_SET, judge.object.namespace());
    let set = sets.find(|object| match &object.body {
        Body::ReplicaSet(set) => {
            condition(&set.status.conditions, "ReplicaFailure").is_some_and(|said| {
                said.is_true()
                    && said.message.contains("exceeded quota")
                    && said.message.contains(name)
            })
        }
        _ => false,
    });
    set.map(Object::title)
}
