//! Containers: CT-1 to CT-11.

use alpacalert_model::State;

use super::{Judge, pod, references, words};
use crate::object::pod::{Container, ContainerStatus, IDENTITY_VOLUME, Pod, Terminated};
use crate::options::{CONTAINER_START, CRASH_WINDOW, RECOVER_HOLD};

/// Reasons of waiting that mean that the container cannot start as it is.
const STUCK: &[&str] = &[
    "ErrImageNeverPull",
    "InvalidImageName",
    "RegistryUnavailable",
    "SignatureValidationFailed",
];

/// What a container is in its pod.
#[derive(Clone, Copy, PartialEq)]
enum Role {
    Init,
    Sidecar,
    Main,
}

/// A container and how it stands.
struct Case<'p> {
    pod: &'p Pod,
    container: &'p Container,
    status: &'p ContainerStatus,
    role: Role,
}

/// Whether a container has run at least once.
pub(super) fn has_started(status: &ContainerStatus) -> bool {
    status.state.running.is_some()
        || status.state.terminated.is_some()
        || status.last_state.terminated.is_some()
        || status.restart_count > 0
}

/// Judges the container of a name; `None` when the pod has no such container.
pub(crate) fn container(judge: &mut Judge<'_>, pod: &Pod, name: &str) -> Option<()> {
    if pod
        .spec
        .ephemeral_containers
        .iter()
        .any(|container| &*container.name == name)
    {
        judge.passing(
            "CT-11",
            "ephemeral",
            "an ephemeral container does not count",
        );
        return Some(());
    }
    let container = pod
        .spec
        .all_containers()
        .find(|container| &*container.name == name)?;
    let is_init = pod
        .spec
        .init_containers
        .iter()
        .any(|init| std::ptr::eq(init, container));
    let role = match (is_init, container.is_sidecar()) {
        (true, true) => Role::Sidecar,
        (true, false) => Role::Init,
        (false, _) => Role::Main,
    };
    let status = pod.container_status(name);
    let started = status.is_some_and(has_started);
    match status {
        Some(status) => state(
            judge,
            &Case {
                pod,
                container,
                status,
                role,
            },
        ),
        None => not_reported(judge, pod),
    }
    references::environment(judge, container, started);
    for mount in container
        .volume_mounts
        .iter()
        .chain(&container.volume_devices)
    {
        if started && &*mount.name == IDENTITY_VOLUME {
            continue;
        }
        let path = format!("{name}/{}", mount.name);
        judge.link_pod_part("volumemount", &path);
        if !mount.sub_path.is_empty() || !mount.sub_path_expr.is_empty() {
            judge.link_pod_part("volumesubpath", &path);
        }
    }
    Some(())
}

impl Judge<'_> {
    /// A part of the pod that its container needs.
    fn link_pod_part(&mut self, fragment: &str, name: &str) {
        if self.looks_around() {
            self.link_part(fragment, name, alpacalert_model::Effect::Required);
        }
    }
}

fn not_reported(judge: &mut Judge<'_>, pod: &Pod) {
    if pod.finished() {
        return judge.passing("CT-1", "Finished", "its pod has ended");
    }
    // Nothing can be said of containers before there is a node to run them; POD-2 says how long that may take.
    if !pod::is_scheduled(pod) {
        return judge.unknown("CT-1", "NotScheduled", "its pod has no node yet");
    }
    let start = pod::scheduled_at(judge.object, pod);
    if judge.within_since(start, judge.limit(CONTAINER_START)) {
        judge.unknown("CT-1", "NotReported", "its node has not reported on it yet");
    } else {
        judge.failing("CT-1", "NotReported", "its node does not report on it");
    }
}

fn state(judge: &mut Judge<'_>, case: &Case<'_>) {
    if let Some(waiting) = &case.status.state.waiting {
        waiting_for(judge, case, &waiting.reason, &waiting.message);
    } else if let Some(end) = &case.status.state.terminated {
        ended(judge, case, end);
    } else if case.status.state.running.is_some() {
        running(judge, case);
    } else {
        // The API's word for an empty state: waiting.
        waiting_for(judge, case, "", "");
    }
    out_of_memory(judge, case);
}

/// CT-2 and CT-3.
fn waiting_for(judge: &mut Judge<'_>, case: &Case<'_>, reason: &str, message: &str) {
    let said = match message {
        "" => reason.to_owned(),
        message => format!("{reason}: {message}"),
    };
    if matches!(reason, "" | "ContainerCreating" | "PodInitializing") {
        if case.pod.finished() {
            return judge.passing("CT-2", "NeverStarted", "its pod ended before it started");
        }
        if reason == "PodInitializing" || blocked_by_init(case) {
            return judge.unknown("CT-9", "NotStarted", "waits for the init containers");
        }
        let start = pod::scheduled_at(judge.object, case.pod);
        let since = start
            .map(|start| format!(" for {}", words(judge.age(start))))
            .unwrap_or_default();
        let text = format!("is being created{since}");
        if judge.within_since(start, pod::create_grace(judge)) {
            judge.unknown("CT-2", "Progressing", text);
        } else {
            judge.failing("CT-2", "StartTimeout", text);
        }
        return;
    }
    let stuck = STUCK.contains(&reason)
        || reason.starts_with("Err")
        || reason.ends_with("Error")
        || reason.ends_with("BackOff");
    if !stuck {
        return judge.unknown("CT-3", reason, format!("waits: {said}"));
    }
    // The two alternate for as long as an image cannot be pulled: one reason, so that nothing flaps.
    let family = match reason {
        "ErrImagePull" | "ImagePullBackOff" => "ImagePullBackOff",
        "CrashLoopBackOff" | "RunContainerError" => "CrashLoopBackOff",
        other => other,
    };
    let mut text = said;
    if let Some(end) = &case.status.last_state.terminated {
        text = format!(
            "{text} ({}, {} restarts)",
            end_words(end),
            case.status.restart_count
        );
    }
    judge.failing("CT-3", family, text);
}

/// Whether an init container before this one has not ended well.
fn blocked_by_init(case: &Case<'_>) -> bool {
    for init in &case.pod.spec.init_containers {
        if std::ptr::eq(init, case.container) {
            return false;
        }
        let done =
            case.pod
                .container_status(&init.name)
                .is_some_and(|status| match init.is_sidecar() {
                    true => status.started == Some(true) || status.ready,
                    false => status
                        .state
                        .terminated
                        .as_ref()
                        .is_some_and(|end| end.exit_code == 0),
                });
        if !done {
            return true;
        }
    }
    false
}

/// CT-4, CT-5 and what of CT-9 and CT-10 runs.
fn running(judge: &mut Judge<'_>, case: &Case<'_>) {
    let status = case.status;
    if case.role == Role::Init {
        let all = case.pod.spec.init_containers.len();
        let done = case.pod.status.init_container_statuses.iter();
        let done = done
            .filter(|s| {
                s.state
                    .terminated
                    .as_ref()
                    .is_some_and(|end| end.exit_code == 0)
            })
            .count();
        return judge.unknown(
            "CT-9",
            "Progressing",
            format!("init container {} of {all} runs", (done + 1).min(all)),
        );
    }
    let recent = recent_crash(judge, case);
    let started_at = status
        .state
        .running
        .as_ref()
        .and_then(|running| running.started_at);
    let rule = if case.role == Role::Sidecar {
        "CT-10"
    } else {
        "CT-4"
    };
    if status.ready
        || (case.role == Role::Sidecar
            && status.started == Some(true)
            && case.container.readiness_probe.is_none())
    {
        let hold = judge.limit(RECOVER_HOLD);
        return match (recent, started_at) {
            // Between two crashes of a loop a container looks well for some seconds.
            (Some(end), Some(start))
                if status.restart_count >= 1 && judge.within(start.0, hold) =>
            {
                let text = format!(
                    "runs again since {}, after it {end}",
                    words(judge.age(start.0))
                );
                if is_loop(judge, status) {
                    let text = format!("{text}, {} restarts", status.restart_count);
                    judge.failing(rule, "CrashLoopBackOff", text);
                } else {
                    judge.degraded(rule, "Flapping", text);
                }
            }
            _ => judge.passing(rule, "ok", "running"),
        };
    }
    if let Some(end) = recent
        && status.restart_count >= 2
    {
        let text = format!(
            "crashes again and again: it {end}, {} restarts",
            status.restart_count
        );
        return judge.failing("CT-5", "CrashLoopBackOff", text);
    }
    let starting = status.started == Some(false) && case.container.startup_probe.is_some();
    let text = if starting {
        "has not passed its startup probe yet"
    } else {
        "runs and is not ready"
    };
    // For a container that was ready once, the pod's own condition tells since when it is not; POD-3 uses it.
    let since = crate::object::condition(&case.pod.status.conditions, "ContainersReady")
        .filter(|condition| condition.is_false())
        .and_then(|condition| condition.since())
        .max(started_at.map(|time| time.0));
    if judge.within_since(since, pod::start_grace(judge, case.container)) {
        judge.unknown("CT-5", if starting { "Starting" } else { "NotReady" }, text);
    } else {
        judge.failing(
            "CT-5",
            if starting { "StartTimeout" } else { "NotReady" },
            text,
        );
    }
}

/// Whether the last crash was one of a loop: the run before it was too short for the kubelet to forget its back-off. One
/// crash after a week is none, however often the container was started in the years before.
fn is_loop(judge: &Judge<'_>, status: &ContainerStatus) -> bool {
    let Some(end) = &status.last_state.terminated else {
        return false;
    };
    let (Some(start), Some(end)) = (end.started_at, end.finished_at) else {
        return false;
    };
    status.restart_count >= 2 && end.0.duration_since(start.0) < judge.limit(CRASH_WINDOW)
}

/// How the last run ended, if it was a crash within the crash window.
fn recent_crash(judge: &Judge<'_>, case: &Case<'_>) -> Option<String> {
    let end = case.status.last_state.terminated.as_ref()?;
    let clean = end.exit_code == 0 && &*end.reason != "OOMKilled";
    let at = end.finished_at?.0;
    (!clean && judge.within(at, judge.limit(CRASH_WINDOW)))
        .then(|| format!("ended {} ago: {}", words(judge.age(at)), end_words(end)))
}

/// CT-6, CT-7 and what of CT-9 and CT-10 has ended.
fn ended(judge: &mut Judge<'_>, case: &Case<'_>, end: &Terminated) {
    let words = end_words(end);
    let pod = case.pod;
    if case.role == Role::Sidecar && pod.finished() {
        return judge.passing("CT-10", "Completed", "ended with its pod");
    }
    let policy = match case.role {
        Role::Sidecar => "Always",
        // An init container that fails is run again unless the pod says Never.
        Role::Init if &*pod.spec.restart_policy != "Never" => "OnFailure",
        Role::Init => "Never",
        Role::Main if case.container.restart_policy.is_empty() => &pod.spec.restart_policy,
        Role::Main => &case.container.restart_policy,
    };
    let rule = if case.role == Role::Init {
        "CT-9"
    } else {
        "CT-7"
    };
    if &*pod.status.phase == "Succeeded" {
        return judge.passing(rule, "Completed", format!("its pod completed; it {words}"));
    }
    match policy {
        "OnFailure" | "Never" if end.exit_code == 0 => {
            judge.passing(rule, "Completed", "completed")
        }
        "Never" => judge.failing(rule, reason_of(end), words),
        "OnFailure" => retried(judge, case, end, rule),
        // A main container that should run for ever has ended, be it well or not.
        _ if end.exit_code == 0 && case.status.restart_count < 2 => {
            judge.unknown(
                "CT-6",
                "Completed",
                format!("{words}, and is to be started again"),
            );
        }
        _ => judge.failing(
            "CT-6",
            reason_of(end),
            format!("{words}, {} restarts", case.status.restart_count),
        ),
    }
}

/// A container that failed and will be run again: CT-5's rule.
fn retried(judge: &mut Judge<'_>, case: &Case<'_>, end: &Terminated, rule: &'static str) {
    let text = format!("{}, {} restarts", end_words(end), case.status.restart_count);
    let start = end.finished_at.map(|time| time.0);
    let state = if case.status.restart_count >= 2
        || !judge.within_since(start, judge.limit(CONTAINER_START))
    {
        State::Failing
    } else {
        State::Unknown
    };
    judge.find(rule, state, reason_of(end), text);
}

/// CT-8.
fn out_of_memory(judge: &mut Judge<'_>, case: &Case<'_>) {
    let ends = [
        &case.status.state.terminated,
        &case.status.last_state.terminated,
    ];
    for end in ends
        .into_iter()
        .flatten()
        .filter(|end| &*end.reason == "OOMKilled")
    {
        if case.pod.finished() {
            return;
        }
        let Some(at) = end.finished_at.map(|time| time.0) else {
            continue;
        };
        if !judge.within(at, judge.limit(CRASH_WINDOW)) {
            continue;
        }
        let text = format!(
            "ran out of memory {} ago, {} restarts",
            words(judge.age(at)),
            case.status.restart_count
        );
        if case.status.restart_count >= 2 || !case.status.ready {
            judge.failing("CT-8", "OOMKilled", text);
        } else {
            judge.degraded("CT-8", "OOMKilled", text);
        }
        return;
    }
}

fn reason_of(end: &Terminated) -> &str {
    match &*end.reason {
        "" if end.exit_code == 0 => "Completed",
        "" => "Error",
        reason => reason,
    }
}

/// `exit code 137 (OOMKilled): …`.
fn end_words(end: &Terminated) -> String {
    let mut text = format!("exit code {}", end.exit_code);
    if end.signal != 0 {
        text = format!("signal {}", end.signal);
    }
    if !end.reason.is_empty() && &*end.reason != "Error" && &*end.reason != "Completed" {
        text.push_str(&format!(" ({})", end.reason));
    }
    let message = end.message.trim();
    if !message.is_empty() {
        // The last lines of a log may stand here; the first one names the fault.
        let line = message.lines().next().unwrap_or_default();
        text.push_str(": ");
        text.extend(line.chars().take(200));
    }
    text
}
