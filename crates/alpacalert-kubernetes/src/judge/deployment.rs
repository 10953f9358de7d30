//! Deployments: DEP-1 to DEP-6.

use alpacalert_model::{Effect, State};

use super::replicas::{self, Quorum, max_unavailable};
use super::{Judge, general, references};
use crate::cluster::Cluster;
use crate::kinds;
use crate::object::workload::Deployment;
use crate::object::{Body, Condition, Object, condition};

/// Numbers the rollouts of a Deployment.
const REVISION: &str = "deployment.kubernetes.io/revision";

pub(super) fn deployment(judge: &mut Judge<'_>, deployment: &Deployment) {
    let want = deployment.spec.replicas.unwrap_or(1);
    let works = works(judge, deployment);
    if general::observed(judge, deployment.status.observed_generation, true) {
        replicas::replica_failure(judge, &deployment.status.conditions, "DEP-4");
        if want == 0 {
            scaled_to_zero(judge, deployment);
        } else {
            availability(judge, deployment, want);
            rollout(judge, deployment, want, works);
        }
    }
    if judge.looks_around() {
        replica_sets(judge, works);
        references::template(judge, &deployment.spec.template.spec, works);
    }
}

/// How many replicas are enough: as many as a rollout leaves, and one at least, since without any nothing works.
fn enough(deployment: &Deployment, want: i64) -> i64 {
    (want - max_unavailable(deployment, want)).max(1).min(want)
}

/// Whether as many replicas are available as it cannot do without. One that crashes again and again is not, though it is
/// counted as available for the seconds in between; nor is one that has just crashed, though it is counted for a moment yet.
fn works(judge: &Judge<'_>, deployment: &Deployment) -> bool {
    let want = deployment.spec.replicas.unwrap_or(1);
    let needed = enough(deployment, want);
    let said = condition(&deployment.status.conditions, "Available");
    let available = deployment.status.available_replicas;
    if said.is_some_and(Condition::is_false) || available < needed {
        return false;
    }
    let sets = judge
        .cluster
        .controlled_by(kinds::REPLICA_SET, &judge.object.meta.uid);
    let unwell: usize = sets
        .map(|set| replicas::unwell(judge.cluster, set, judge.now))
        .sum();
    let unwell = i64::try_from(unwell).unwrap_or(i64::MAX);
    available.min(deployment.status.replicas.saturating_sub(unwell)) >= needed
}

/// DEP-6.
fn scaled_to_zero(judge: &mut Judge<'_>, deployment: &Deployment) {
    match deployment.status.replicas {
        0 => judge.passing("DEP-6", "ScaledToZero", "scaled to zero"),
        left => judge.degraded(
            "DEP-6",
            "ScalingDown",
            format!("{left} replicas still to go"),
        ),
    }
}

/// DEP-1 and DEP-3.
fn availability(judge: &mut Judge<'_>, deployment: &Deployment, want: i64) {
    let status = &deployment.status;
    let template = &deployment.spec.template;
    let said = condition(&status.conditions, "Available");
    let min = enough(deployment, want);
    let since = said
        .filter(|said| said.is_false())
        .and_then(Condition::since);
    match said {
        None if replicas::starting(judge, judge.object.created(), template) => {
            judge.unknown(
                "DEP-1",
                "NotReported",
                "its controller has not said whether it is available",
            );
        }
        None => judge.failing(
            "DEP-1",
            "NotReported",
            "its controller does not say whether it is available",
        ),
        Some(said) if said.is_true() => {
            judge.passing("DEP-1", "ok", "available");
            replicas::count(
                judge,
                "DEP-3",
                Quorum { want, min },
                status.available_replicas,
                status.replicas,
                None,
                template,
            );
        }
        Some(said) if said.is_false() => {
            let text = format!(
                "{} of {want} replicas are available",
                status.available_replicas
            );
            let needed = if min < want {
                format!(", {min} are needed")
            } else {
                String::new()
            };
            let why = replicas::trouble_words(judge);
            let text = format!("{text}{needed}{why}");
            if replicas::starting(judge, since, template) {
                judge.unknown("DEP-1", "Progressing", text);
            } else {
                judge.failing("DEP-1", "Unavailable", text);
            }
        }
        Some(said) => judge.unknown("DEP-1", "ConditionUnknown", said.sentence()),
    }
}

/// DEP-2 and DEP-5.
fn rollout(judge: &mut Judge<'_>, deployment: &Deployment, want: i64, works: bool) {
    let status = &deployment.status;
    let unmet = if status.updated_replicas < want {
        Some(format!(
            "{} of {want} replicas are updated",
            status.updated_replicas
        ))
    } else if status.replicas > status.updated_replicas {
        Some(format!(
            "{} old replicas are still to go",
            status.replicas - status.updated_replicas
        ))
    } else if status.available_replicas < status.updated_replicas {
        Some(format!(
            "{} of {} updated replicas are available",
            status.available_replicas, status.updated_replicas
        ))
    } else {
        None
    };
    if deployment.spec.paused {
        return match unmet {
            Some(unmet) if status.updated_replicas < want && works => {
                judge.degraded(
                    "DEP-5",
                    "Suspended",
                    format!("paused in the middle of a rollout: {unmet}"),
                );
            }
            Some(unmet) if status.updated_replicas < want => {
                judge.unknown(
                    "DEP-5",
                    "Suspended",
                    format!("paused in the middle of a rollout: {unmet}"),
                );
            }
            _ => judge.warn("DEP-5", "Suspended", "paused"),
        };
    }
    let progress = condition(&status.conditions, "Progressing");
    if let Some(said) = progress.filter(|said| said.is_false()) {
        let reason = if said.reason.is_empty() {
            "RolloutStalled"
        } else {
            &said.reason
        };
        let why = replicas::trouble_words(judge);
        let unmet = unmet.unwrap_or_else(|| said.message.to_string());
        return judge.failing(
            "DEP-2",
            reason,
            format!("the rollout is stuck: {unmet}{why}"),
        );
    }
    let finished = progress.is_some_and(|said| &*said.reason == "NewReplicaSetAvailable");
    match unmet {
        None => judge.passing(
            "DEP-2",
            "ok",
            format!("{want} of {want} replicas are updated and available"),
        ),
        // After a rollout only the number of available replicas changes, and DEP-1 and DEP-3 tell it.
        Some(_)
            if finished
                && status.updated_replicas >= want
                && status.replicas <= status.updated_replicas => {}
        Some(unmet) if works => {
            judge.degraded("DEP-2", "Progressing", format!("rolling out: {unmet}"))
        }
        Some(unmet) => judge.unknown("DEP-2", "Progressing", format!("rolling out: {unmet}")),
    }
}

/// The ReplicaSets below: the newest one counts, others with replicas are shown.
fn replica_sets(judge: &mut Judge<'_>, works: bool) {
    let newest = newest_set(judge.cluster, judge.object);
    // While enough replicas work, trouble with a new ReplicaSet is trouble with the rollout, not with the service.
    let stuck = judge.verdict.state() == State::Failing;
    let effect = if works && !stuck {
        Effect::Degrades
    } else {
        Effect::Required
    };
    if let Some(newest) = newest {
        judge.link_object(newest, effect);
    }
    for set in judge
        .cluster
        .controlled_by(kinds::REPLICA_SET, &judge.object.meta.uid)
    {
        let is_newest = newest.is_some_and(|newest| std::ptr::eq(newest, set));
        let history = matches!(&set.body, Body::ReplicaSet(body) if body.spec.replicas == Some(0) && body.status.replicas == 0);
        if !is_newest && !history {
            judge.link_object(set, Effect::Optional);
        }
    }
}

/// The ReplicaSet of a Deployment's newest revision.
pub(crate) fn newest_set<'a>(cluster: &'a Cluster, deployment: &'a Object) -> Option<&'a Object> {
    let revision = |object: &Object| {
        object
            .annotation(REVISION)
            .and_then(|text| text.parse::<i64>().ok())
    };
    cluster
        .controlled_by(kinds::REPLICA_SET, &deployment.meta.uid)
        .max_by_key(|set| (revision(set), set.meta.creation_timestamp))
}
