//! StatefulSets: STS-1 to STS-5.

use alpacalert_model::{Effect, State};

use super::replicas::{self, Quorum};
use super::{Judge, general, pod, references};
use crate::cluster::Lookup;
use crate::kinds;
use crate::object::workload::StatefulSet;

/// How many replicas it wants, and how few are enough: all but one.
pub(super) fn quorum(set: &StatefulSet) -> Quorum {
    let want = set.spec.replicas.unwrap_or(1);
    Quorum {
        want,
        min: (want - 1).max(1).min(want),
    }
}

pub(super) fn stateful_set(judge: &mut Judge<'_>, set: &StatefulSet) {
    let quorum = quorum(set);
    let status = &set.status;
    let healthy = if set.spec.min_ready_seconds > 0 {
        status.available_replicas
    } else {
        status.ready_replicas
    };
    let works = healthy >= quorum.min;
    if general::observed(judge, status.observed_generation, true) {
        replicas::count(
            judge,
            "STS-1",
            quorum,
            healthy,
            status.replicas,
            None,
            &set.spec.template,
        );
        if quorum.want > 0 {
            rollout(judge, set, quorum.want, works);
        }
    }
    if status.collision_count > 0 {
        judge.passing(
            "STS-4",
            "HashCollision",
            format!(
                "{} collisions of revision names, which do no harm",
                status.collision_count
            ),
        );
    }
    if !judge.looks_around() {
        return;
    }
    if !set.spec.service_name.is_empty() {
        judge.must_exist(
            "STS-5",
            kinds::SERVICE,
            judge.object.namespace(),
            &set.spec.service_name,
        );
    }
    replicas::pods_link(judge);
    claims(judge, set, quorum.want);
    references::template(judge, &set.spec.template.spec, works);
}

/// STS-2. `currentReplicas` counts the pods of the old revision and says nothing of health (STS-3).
fn rollout(judge: &mut Judge<'_>, set: &StatefulSet, want: i64, works: bool) {
    let status = &set.status;
    let strategy = &set.spec.update_strategy;
    let updated = status.updated_replicas;
    let same = status.current_revision == status.update_revision;
    if &*strategy.kind == "OnDelete" {
        if updated < want && !same {
            let text = format!(
                "{} pods are still of the old revision, until somebody deletes them",
                want - updated
            );
            judge.warn("STS-2", "OnDelete", text);
        }
        return;
    }
    let partition = strategy
        .rolling_update
        .as_ref()
        .map_or(0, |update| update.partition);
    let target = (want - partition).max(0);
    if same || (updated >= target && partition > 0) {
        return judge.passing(
            "STS-2",
            "ok",
            format!("{target} of {target} replicas are updated"),
        );
    }
    let text = format!("{updated} of {target} replicas are updated");
    if let Some(blocked) = blocked(judge, set) {
        return judge.failing(
            "STS-2",
            "RolloutBlocked",
            format!("the rollout is stuck: {text}; {blocked}"),
        );
    }
    let last = replicas::newest_pod(judge);
    replicas::rolling(judge, "STS-2", text, works, last);
}

/// The pod that holds up all that come after it.
fn blocked(judge: &Judge<'_>, set: &StatefulSet) -> Option<String> {
    if &*set.spec.pod_management_policy == "Parallel" || !judge.looks_around() {
        return None;
    }
    let pods = replicas::pods_of(judge.cluster, judge.object);
    let ordinal = |name: &str| {
        name.rsplit_once('-')
            .and_then(|(_, n)| n.parse::<i64>().ok())
    };
    let lowest = pods
        .live
        .iter()
        .filter(|(_, pod)| !pod.ready())
        .min_by_key(|(object, _)| ordinal(object.name()))?;
    let (state, text) = pod::trouble(judge.cluster, lowest.0, judge.now)?;
    (state == State::Failing).then(|| format!("pod {}: {text}", lowest.0.name()))
}

/// The claims that its pods are made with, and those that smaller numbers of replicas have left behind.
fn claims(judge: &mut Judge<'_>, set: &StatefulSet, want: i64) {
    let namespace = judge.object.namespace();
    let name = judge.object.name();
    // More replicas than this are no StatefulSet; the bound keeps a hostile number from costing more than its bytes.
    let count = want.clamp(0, 10_000);
    let start = set.spec.ordinals.start;
    for template in &set.spec.volume_claim_templates {
        for ordinal in start..start + count {
            let claim = format!("{}-{name}-{ordinal}", template.metadata.name);
            // A claim that is not there is made together with its pod: its pod tells.
            if let Lookup::Found(claim) = judge.cluster.look(kinds::PVC, namespace, &claim) {
                judge.link_object(claim, Effect::Degrades);
            }
        }
        let mut ordinal = start + count;
        while let Lookup::Found(claim) = judge.cluster.look(
            kinds::PVC,
            namespace,
            &format!("{}-{name}-{ordinal}", template.metadata.name),
        ) {
            judge.link_object(claim, Effect::Optional);
            ordinal += 1;
        }
    }
}
