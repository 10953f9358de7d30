//! CronJobs: CJ-1 to CJ-6. Their own status does not tell whether the last run failed; their Jobs do.

use alpacalert_model::{Effect, Timestamp};
use jiff::SignedDuration;

use super::job::{self, End};
use super::{Judge, is_ignored, references, words};
use crate::kinds;
use crate::object::workload::{CronJob, Job};
use crate::object::{Body, Object};
use crate::options::MISSED_TICK;
use crate::schedule::{Schedule, ScheduleError};

/// A run of a CronJob.
struct Run<'a> {
    at: Option<Timestamp>,
    object: &'a Object,
    job: &'a Job,
}

pub(super) fn cron_job(judge: &mut Judge<'_>, cron: &CronJob) {
    let mut runs = runs(judge);
    runs.sort_by_key(|run| std::cmp::Reverse(run.at));
    let newest_finished = runs.iter().position(|run| job::end(run.job).is_some());
    let active: Vec<usize> = (0..runs.len())
        .filter(|i| job::end(runs[*i].job).is_none())
        .collect();
    let schedule = Schedule::parse(&cron.spec.schedule, cron.spec.time_zone.as_deref());
    if cron.spec.suspend {
        suspended(judge, newest_finished.map(|index| &runs[index]));
    } else {
        match newest_finished {
            Some(index) => last_result(judge, &runs[index], !active.is_empty()),
            None => no_run_left(judge, cron, !active.is_empty()),
        }
        match &schedule {
            Ok(schedule) => missed(judge, cron, schedule, !active.is_empty()),
            Err(ScheduleError::Invalid(text)) => {
                judge.failing("CJ-6", "InvalidSchedule", text.clone())
            }
            Err(ScheduleError::UnknownZone(text)) => {
                judge.unknown("CJ-6", "UnknownTimeZone", text.clone())
            }
        }
    }
    if !judge.looks_around() {
        return;
    }
    for (index, run) in runs.iter().enumerate() {
        // What is not the newest result and does not run any more is history.
        let counts = !cron.spec.suspend
            && (newest_finished == Some(index) || active.first() == Some(&index));
        judge.link_object(
            run.object,
            if counts {
                Effect::Required
            } else {
                Effect::Optional
            },
        );
    }
    if !cron.spec.suspend {
        references::template(
            judge,
            &cron.spec.job_template.spec.template.spec,
            !active.is_empty(),
        );
    }
}

/// The Jobs that it owns, those that somebody made from it by hand included.
fn runs<'a>(judge: &Judge<'a>) -> Vec<Run<'a>> {
    if !judge.looks_around() {
        return Vec::new();
    }
    judge
        .cluster
        .controlled_by(kinds::JOB, &judge.object.meta.uid)
        .filter(|object| !object.terminating() && !is_ignored(object))
        .filter_map(|object| match &object.body {
            Body::Job(job) => Some(Run {
                at: job::scheduled_at(object, job),
                object,
                job,
            }),
            _ => None,
        })
        .collect()
}

/// CJ-4.
fn suspended(judge: &mut Judge<'_>, newest: Option<&Run<'_>>) {
    judge.passing("CJ-4", "Suspended", "suspended");
    if let Some(Run { object, job, .. }) = newest
        && let Some(End::Failed(said)) = job::end(job)
    {
        judge.warn(
            "CJ-1",
            "LastRunFailed",
            format!("its last run {} failed: {}", object.name(), said.reason),
        );
    }
}

/// CJ-1 and CJ-1b: the newest finished run decides, whether or not another one is under way.
fn last_result(judge: &mut Judge<'_>, run: &Run<'_>, active: bool) {
    let when = run
        .at
        .map(|at| format!(", {} ago", words(judge.age(at))))
        .unwrap_or_default();
    let by_hand = run.object.annotation("cronjob.kubernetes.io/instantiate") == Some("manual");
    let rule = if by_hand { "CJ-1b" } else { "CJ-1" };
    match job::end(run.job) {
        Some(End::Failed(said)) => {
            let now = if active {
                "; another run is under way"
            } else {
                ""
            };
            let why = job::last_words(judge, run.object);
            let text = format!(
                "its last run {} failed{when}: {}: {}{why}{now}",
                run.object.name(),
                said.reason,
                said.message
            );
            judge.failing(rule, "LastRunFailed", text);
        }
        _ => judge.passing(
            rule,
            "ok",
            format!("its last run {} completed{when}", run.object.name()),
        ),
    }
}

/// CJ-2: no finished run is left to look at.
fn no_run_left(judge: &mut Judge<'_>, cron: &CronJob, active: bool) {
    let active = active || !cron.status.active.is_empty();
    let last = cron.status.last_schedule_time;
    if let Some(run) = judge.cluster.last_run(&judge.object.meta.uid)
        && last.is_none_or(|last| run.at >= last.0)
    {
        return match run.failed {
            true => judge.failing(
                "CJ-2",
                "LastRunFailed",
                format!("its last run {} failed; its Job is gone", run.name),
            ),
            false => judge.passing(
                "CJ-2",
                "ok",
                format!("its last run {} completed; its Job is gone", run.name),
            ),
        };
    }
    match (last, cron.status.last_successful_time) {
        (None, _) => judge.passing("CJ-2", "NeverRan", "has not been due yet"),
        (Some(last), Some(success)) if success >= last => {
            judge.passing("CJ-2", "ok", "its last run completed")
        }
        (Some(_), Some(_)) if active => {
            judge.passing("CJ-2", "Running", "runs; the run before it completed");
        }
        (Some(last), Some(_)) => {
            let text = format!(
                "its run of {} ago did not complete, and its Job is gone",
                words(judge.age(last.0))
            );
            judge.failing("CJ-2", "LastRunFailed", text);
        }
        (Some(_), None) if active => judge.unknown("CJ-2", "FirstRun", "runs for the first time"),
        (Some(_), None) => judge.failing("CJ-2", "NeverSucceeded", "has run and never completed"),
    }
}

/// CJ-3.
fn missed(judge: &mut Judge<'_>, cron: &CronJob, schedule: &Schedule, active: bool) {
    let created = judge.object.meta.creation_timestamp;
    let Some(last) = cron.status.last_schedule_time.max(created) else {
        return;
    };
    let late = cron
        .spec
        .starting_deadline_seconds
        .map(SignedDuration::from_secs);
    let late = late.unwrap_or_default().max(judge.limit(MISSED_TICK));
    let Some(first) = schedule.next(last.0) else {
        return;
    };
    if judge.within(first, late) {
        return judge.passing("CJ-3", "ok", format!("due next {first}"));
    }
    let text = format!("was due {} ago and did not run", words(judge.age(first)));
    if &*cron.spec.concurrency_policy == "Forbid" && active {
        return judge.unknown(
            "CJ-3",
            "MissedSchedule",
            format!("{text}: the run before it is still under way"),
        );
    }
    match schedule.next(first) {
        Some(second) if !judge.within(second, late) => {
            judge.failing(
                "CJ-3",
                "MissedSchedule",
                format!("{text}, and missed the time after that too"),
            );
        }
        _ => judge.unknown("CJ-3", "MissedSchedule", text),
    }
}
