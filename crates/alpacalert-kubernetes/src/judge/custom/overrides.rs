//! Kinds that speak in a way of their own.

use alpacalert_model::State;
use alpacalert_model::State::{Degraded, Failing, Passing, Unknown};

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
