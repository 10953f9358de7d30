//! The words of operators.

use alpacalert_model::State;

/// Parts of the names of conditions that should not be True.
const ABNORMAL: &[&str] = &[
    "Fail",
    "Error",
    "Invalid",
    "Degraded",
    "Stalled",
    "Conflict",
    "Orphan",
    "NotReady",
    "Unhealthy",
    "PartiallyReady",
    "PartiallyInvalid",
    "NonStructural",
    "Fallback",
    "Dangling",
    "Denied",
];

/// Ends of the names of conditions that should be True.
const NORMAL: &[&str] = &[
    "Ready",
    "Available",
    "Healthy",
    "Synced",
    "Deployed",
    "Accepted",
    "Admitted",
    "Programmed",
    "Established",
    "ResolvedRefs",
    "Applied",
    "Valid",
    "Reachable",
    "Bound",
    "Initialized",
    "Created",
    "UpToDate",
    "Provisioned",
    "Installed",
    "Configured",
    "Scheduled",
    "Reconciled",
    "Released",
    "Active",
    "Succeeded",
    "Running",
    "Connected",
    "Synchronized",
    "Success",
    "Adopted",
    "Advertised",
    "Approved",
    "VersionsEqual",
];

/// Parts of the names of conditions that should not be True, with which the object still works in part.
const PARTLY: &[&str] = &["Fallback", "Partially"];

/// Conditions of what goes on beside the work: without it the object works, with less margin.
const BESIDE: &[&str] = &["LastBackupSucceeded", "ContinuousArchiving"];

/// Conditions that say that something is under way.
pub(super) const PROGRESS_TYPES: &[&str] = &["Reconciling", "Issuing", "Updating", "RollingUpdate"];

/// Conditions that become True at the end, and mean nothing before.
pub(super) const TERMINAL_TYPES: &[&str] = &["Complete", "Completed", "Succeeded", "Finished"];

/// Parts of reasons that mean that something is broken.
const BAD_REASONS: &[&str] = &[
    "fail",
    "error",
    "invalid",
    "notfound",
    "denied",
    "forbidden",
    "timeout",
    "exceeded",
    "abort",
    "reject",
    "unauthor",
    "conflict",
    "missing",
    "crash",
    "expired",
    "unhealthy",
    "unreachable",
];

/// Words of a phase that mean that something is broken.
const BAD_PHASES: &[&str] = &[
    "failed",
    "failure",
    "error",
    "errored",
    "degraded",
    "unhealthy",
    "invalid",
    "crashloopbackoff",
    "lost",
    "rejected",
    "aborted",
    "stalled",
    "notready",
    "unavailable",
    "broken",
    "offline",
    "expired",
    "missing",
    "timedout",
    "invalidspec",
    "red",
    "canceled",
    "cancelled",
];

/// Parts of a word that mean that something is broken, however it is spelled.
const BAD_PARTS: &[&str] = &[
    "fail",
    "error",
    "invalid",
    "reject",
    "unhealthy",
    "degraded",
    "denied",
    "not allowed",
    "notallowed",
    "noncompliant",
    "crash",
    "limitreached",
    "exceeded",
];

/// Words of a phase that mean that somebody wants it to rest.
const RESTING: &[&str] = &["paused", "suspended", "hibernated"];

/// Words of a phase that mean that all is well.
const GOOD_PHASES: &[&str] = &[
    "ready",
    "running",
    "active",
    "healthy",
    "available",
    "bound",
    "succeeded",
    "success",
    "completed",
    "complete",
    "deployed",
    "online",
    "ok",
    "synced",
    "provisioned",
    "established",
    "valid",
    "up",
    "issued",
    "installed",
    "cluster in healthy state",
    "green",
    "finished",
    "enabled",
    "successful",
    "accepted",
    "exists",
    "initialized",
    "compliant",
    "uptodate",
    "up-to-date",
    "in-sync",
];

/// Whether a condition of this name should not be True.
pub(super) fn is_abnormal(kind: &str) -> bool {
    ABNORMAL.iter().any(|part| kind.contains(part))
}

/// Whether a condition of this name is about what goes on beside the work.
pub(super) fn is_beside(kind: &str) -> bool {
    BESIDE.contains(&kind)
}

/// Whether an object with such a condition still works in part.
pub(super) fn is_partly(kind: &str) -> bool {
    PARTLY.iter().any(|part| kind.contains(part))
}

/// Whether a word means that somebody wants the object to rest.
pub(super) fn is_resting(word: &str) -> bool {
    RESTING.contains(&&*word.to_ascii_lowercase())
}

/// Whether a condition of this name should be True.
pub(super) fn is_normal(kind: &str) -> bool {
    NORMAL.iter().any(|end| kind.ends_with(end))
}

/// Whether a reason means that something is broken.
pub(super) fn is_bad_reason(reason: &str) -> bool {
    let reason = reason.to_ascii_lowercase();
    // `ErrInitIssuer`, and not `Deferred`.
    reason.starts_with("err") || BAD_REASONS.iter().any(|word| reason.contains(word))
}

/// What a word of a phase means; `None` when nobody knows.
pub(super) fn phase_state(word: &str) -> Option<State> {
    let word = word.to_ascii_lowercase();
    if BAD_PHASES.contains(&&*word) {
        Some(State::Failing)
    } else if GOOD_PHASES.contains(&&*word) {
        Some(State::Passing)
    } else if word == "yellow" || word == "warning" {
        Some(State::Degraded)
    } else if is_bad_word(&word) {
        Some(State::Failing)
    } else {
        None
    }
}

/// `NoErrors` is not bad, and neither is that one takes over from another.
fn is_bad_word(lower: &str) -> bool {
    let spared = ["failover", "failing over", "noerror", "nofail"];
    !spared.iter().any(|good| lower.contains(good))
        && BAD_PARTS.iter().any(|part| lower.contains(part))
}
