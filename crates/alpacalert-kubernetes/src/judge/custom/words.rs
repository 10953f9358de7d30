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

/// A kind that speaks in a way of its own.
#[derive(Debug)]
pub(crate) struct Override {
    /// The kind.
    pub(crate) kind: &'static str,
    /// Conditions that say nothing of its health.
    pub(crate) ignored: &'static [&'static str],
    /// What its phases mean.
    pub(crate) phases: &'static [(&'static str, State)],
    /// Lists of its status that say that it does nothing when they are empty.
    pub(crate) filled: &'static [&'static str],
}

impl Override {
    pub(super) fn ignores(&self, condition: &str) -> bool {
        self.ignored.contains(&condition)
    }

    pub(super) fn state(&self, word: &str) -> Option<State> {
        self.phases
            .iter()
            .find(|(known, _)| *known == word)
            .map(|(_, state)| *state)
    }
}

use State::{Degraded, Failing, Passing, Unknown};

/// Kinds of common operators of which the general rule would say something wrong.
pub(crate) const OVERRIDES: &[Override] = &[
    Override {
        kind: "argoproj.io/Application",
        ignored: &[
            "OrphanedResourceWarning",
            "SharedResourceWarning",
            "RepeatedResourceWarning",
        ],
        phases: &[
            ("Synced", Passing),
            ("OutOfSync", Degraded),
            ("Suspended", Passing),
            ("Progressing", Unknown),
            ("Missing", Failing),
        ],
        filled: &[],
    },
    Override {
        kind: "argoproj.io/Rollout",
        ignored: &["Completed"],
        phases: &[
            ("Paused", Passing),
            ("Progressing", Unknown),
            ("Degraded", Failing),
        ],
        filled: &[],
    },
    Override {
        kind: "argoproj.io/Workflow",
        ignored: &[],
        phases: &[("Pending", Unknown), ("Running", Passing)],
        filled: &[],
    },
    // Ready without anything to promote, or to look at.
    Override {
        kind: "promoter.argoproj.io/PromotionStrategy",
        ignored: &[],
        phases: &[],
        filled: &["status.environments"],
    },
    Override {
        kind: "promoter.argoproj.io/ArgoCDCommitStatus",
        ignored: &[],
        phases: &[],
        filled: &["status.applicationsSelected"],
    },
    // Only one of these three runs it.
    Override {
        kind: "camel.apache.org/Integration",
        ignored: &[
            "CronJobAvailable",
            "KnativeServiceAvailable",
            "DeploymentAvailable",
        ],
        phases: &[],
        filled: &[],
    },
    // Nothing runs once the data is there.
    Override {
        kind: "cdi.kubevirt.io/DataVolume",
        ignored: &["Running"],
        phases: &[],
        filled: &[],
    },
    // A job that is suspended has no deployment.
    Override {
        kind: "flink.apache.org/FlinkDeployment",
        ignored: &[],
        phases: &[("MISSING", Unknown)],
        filled: &[],
    },
    Override {
        kind: "operators.coreos.com/Subscription",
        ignored: &[],
        phases: &[("AtLatestKnown", Passing)],
        filled: &[],
    },
    // The last condition of a HelmRelease's tests says nothing of the release that runs.
    Override {
        kind: "helm.toolkit.fluxcd.io/HelmRelease",
        ignored: &["TestSuccess", "Remediated"],
        phases: &[],
        filled: &[],
    },
    Override {
        kind: "source.toolkit.fluxcd.io/GitRepository",
        ignored: &["ArtifactInStorage", "FetchFailed"],
        phases: &[],
        filled: &[],
    },
    Override {
        kind: "keda.sh/ScaledObject",
        ignored: &["Active"],
        phases: &[],
        filled: &[],
    },
    Override {
        kind: "keda.sh/ScaledJob",
        ignored: &["Active"],
        phases: &[],
        filled: &[],
    },
    Override {
        kind: "postgresql.cnpg.io/Cluster",
        ignored: &[],
        phases: &[
            ("Cluster in healthy state", Passing),
            ("Setting up primary", Unknown),
            ("Creating a new replica", Degraded),
            ("Upgrading cluster", Degraded),
            ("Failing over", Degraded),
            ("Switchover in progress", Degraded),
            ("Waiting for the instances to become active", Unknown),
        ],
        filled: &[],
    },
    Override {
        kind: "kafka.strimzi.io/Kafka",
        ignored: &["Warning"],
        phases: &[],
        filled: &[],
    },
    Override {
        kind: "kafka.strimzi.io/KafkaTopic",
        ignored: &["Warning"],
        phases: &[],
        filled: &[],
    },
    Override {
        kind: "cluster.x-k8s.io/Machine",
        ignored: &["Updating"],
        phases: &[
            ("Provisioning", Unknown),
            ("Provisioned", Unknown),
            ("Deleting", Unknown),
        ],
        filled: &[],
    },
    Override {
        kind: "cluster.x-k8s.io/Cluster",
        ignored: &[
            "Deleting",
            "ScalingUp",
            "ScalingDown",
            "Remediating",
            "RollingOut",
        ],
        phases: &[
            ("Pending", Unknown),
            ("Provisioning", Unknown),
            ("Provisioned", Passing),
            ("Deleting", Unknown),
        ],
        filled: &[],
    },
    // Conditions of the claim's composite: `Responsive` is about how it is watched.
    Override {
        kind: "apiextensions.crossplane.io/Composition",
        ignored: &["Responsive"],
        phases: &[],
        filled: &[],
    },
    Override {
        kind: "external-secrets.io/ExternalSecret",
        ignored: &["Deleted"],
        phases: &[],
        filled: &[],
    },
    // A Knative Revision without traffic is not active, on purpose.
    Override {
        kind: "serving.knative.dev/Revision",
        ignored: &["Active"],
        phases: &[],
        filled: &[],
    },
    Override {
        kind: "elasticsearch.k8s.elastic.co/Elasticsearch",
        ignored: &[
            "ReconciliationComplete",
            "RunningDesiredVersion",
            "ResourcesAwareManagement",
        ],
        phases: &[
            ("green", Passing),
            ("yellow", Degraded),
            ("red", Failing),
            ("ApplyingChanges", Degraded),
            ("MigratingData", Degraded),
        ],
        filled: &[],
    },
    Override {
        kind: "acme.cert-manager.io/Order",
        ignored: &[],
        phases: &[
            ("pending", Unknown),
            ("valid", Passing),
            ("invalid", Failing),
            ("ready", Unknown),
            ("processing", Unknown),
        ],
        filled: &[],
    },
    Override {
        kind: "acme.cert-manager.io/Challenge",
        ignored: &[],
        phases: &[
            ("pending", Unknown),
            ("valid", Passing),
            ("invalid", Failing),
            ("processing", Unknown),
        ],
        filled: &[],
    },
];
