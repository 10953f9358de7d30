//! Jobs: JOB-1 to JOB-5.

use alpacalert_model::{Effect, State, Timestamp};

use super::{Judge, pod, references, words};
use crate::kinds;
use crate::object::workload::Job;
use crate::object::{Condition, Object, condition};
use crate::options::{JOB_OVERDUE, JOB_POD};

/// How a Job ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum End<'j> {
    /// It did its work.
    Complete,
    /// It did not, and this condition says why.
    Failed(&'j Condition),
}

/// How a Job ended, if it has. A condition that is there and not True says nothing.
pub(crate) fn end(job: &Job) -> Option<End<'_>> {
    let holds = |kind: &str| condition(&job.status.conditions, kind).filter(|said| said.is_true());
    if holds("Complete")
        .or_else(|| holds("SuccessCriteriaMet"))
        .is_some()
    {
        return Some(End::Complete);
    }
    holds("Failed")
        .or_else(|| holds("FailureTarget"))
        .map(End::Failed)
}

pub(super) fn job(judge: &mut Judge<'_>, job: &Job) {
    match end(job) {
        Some(End::Complete) => judge.passing("JOB-1", "Complete", "complete"),
        Some(End::Failed(said)) => {
            let reason = if said.reason.is_empty() {
                "Failed"
            } else {
                &said.reason
            };
            let why = last_words(judge, judge.object);
            judge.failing(
                "JOB-1",
                reason,
                format!("it failed: {reason}: {}{why}", said.message),
            );
        }
        None => under_way(judge, job),
    }
    if !judge.looks_around() {
        return;
    }
    // Pods that failed and were tried again are normal, and those of an ended Job may be gone: they are shown, never counted.
    for object in judge
        .cluster
        .controlled_by(kinds::POD, &judge.object.meta.uid)
    {
        judge.link_object(object, Effect::Optional);
    }
    if end(job).is_none() {
        references::template(judge, &job.spec.template.spec, job.status.active > 0);
    }
}

fn under_way(judge: &mut Judge<'_>, job: &Job) {
    let suspended = condition(&job.status.conditions, "Suspended").is_some_and(Condition::is_true);
    if job.spec.suspend {
        let rule = "JOB-2";
        return match suspended || job.status.active == 0 {
            true => judge.warn(rule, "Suspended", "suspended"),
            false => judge.unknown(rule, "Suspending", "is being suspended"),
        };
    }
    if let Some(start) = job.status.start_time {
        let deadline = job
            .spec
            .active_deadline_seconds
            .map(jiff::SignedDuration::from_secs);
        let deadline = deadline.unwrap_or(judge.limit(JOB_OVERDUE));
        if !judge.within(start.0, deadline) {
            let text = format!(
                "runs for {}, longer than {}",
                words(judge.age(start.0)),
                words(deadline)
            );
            return judge.failing("JOB-3", "Overdue", text);
        }
    }
    let failed = job.status.failed;
    if failed > 0 {
        // The API's default for the number of retries is 6.
        let limit = job.spec.backoff_limit.unwrap_or(6);
        let why = last_words(judge, judge.object);
        judge.degraded(
            "JOB-3",
            "Retrying",
            format!("{failed} attempts failed, of {limit} that may{why}"),
        );
    } else if job.status.active > 0 {
        judge.passing("JOB-3", "Running", "running");
    } else {
        judge.unknown("JOB-3", "NotReported", "neither runs nor has it ended");
    }
    stuck_pod(judge);
}

/// JOB-4: a pod of the current attempt that cannot start.
fn stuck_pod(judge: &mut Judge<'_>) {
    if !judge.looks_around() {
        return;
    }
    let pods = judge
        .cluster
        .controlled_by(kinds::POD, &judge.object.meta.uid);
    let mut stuck = None;
    for object in pods
        .filter(|object| !object.terminating() && object.pod().is_some_and(|pod| !pod.finished()))
    {
        let Some((State::Failing, text)) = pod::trouble(judge.cluster, object, judge.now) else {
            continue;
        };
        if !judge.within_since(object.created(), judge.limit(JOB_POD)) {
            stuck = Some(format!("pod {} does not work: {text}", object.name()));
        }
    }
    if let Some(text) = stuck {
        judge.degraded("JOB-4", "PodStuck", text);
    }
}

/// How the newest pod of a Job that failed ended: `; pod backup-x: container dump: …`.
pub(super) fn last_words(judge: &Judge<'_>, job: &Object) -> String {
    if !judge.looks_around() {
        return String::new();
    }
    let pods = judge.cluster.controlled_by(kinds::POD, &job.meta.uid);
    let newest = pods
        .filter_map(|object| {
            pod::trouble(judge.cluster, object, judge.now).map(|(_, text)| (object, text))
        })
        .max_by_key(|(object, _)| object.meta.creation_timestamp);
    newest
        .map(|(object, text)| format!("; pod {}: {text}", object.name()))
        .unwrap_or_default()
}

/// When a Job belongs in the order of its CronJob's runs.
pub(crate) fn scheduled_at(object: &Object, job: &Job) -> Option<Timestamp> {
    let written = object.annotation("batch.kubernetes.io/cronjob-scheduled-timestamp");
    let written = written.and_then(|text| text.parse().ok());
    written
        .or_else(|| job.status.start_time.map(|time| time.0))
        .or_else(|| object.created())
}
