//! How a cluster is judged: time limits, ownership, and what to leave out.

use alpacalert_model::State;
use jiff::SignedDuration;

/// How a cluster is judged.
#[derive(Clone, Debug)]
pub struct Options {
    /// Judge each object by its own status alone, without looking at what it refers to.
    pub own: bool,
    /// The labels or annotations that name an object's owner, the first that is there; see [`Options::DEFAULT_OWNER_KEY`].
    pub owner_keys: Vec<String>,
    /// Whether an object that names no owner belongs to its namespace.
    pub owner_from_namespace: bool,
    /// The least share of schedulable nodes that must pass for the cluster to work, in percent.
    pub nodes_needed: u8,
    /// Whether a Service with some endpoints that are not ready is Degraded.
    pub partial_service_is_degraded: bool,
    /// What an object is that somebody paused or suspended on purpose.
    pub suspended_as: State,
}

impl Options {
    /// The label or annotation that names an object's owner unless the configuration says otherwise.
    pub const DEFAULT_OWNER_KEY: &'static str = "alpacalert.io/owner";
}

impl Default for Options {
    fn default() -> Self {
        Options {
            own: false,
            owner_keys: vec![Self::DEFAULT_OWNER_KEY.to_owned()],
            owner_from_namespace: true,
            nodes_needed: 50,
            partial_service_is_degraded: false,
            suspended_as: State::Passing,
        }
    }
}

/// A length of time after which a verdict changes, with the annotation that sets it for one object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit {
    /// The annotation without its domain: `start-grace` of `alpacalert.io/start-grace`.
    pub(crate) name: &'static str,
    /// The time unless the object says otherwise.
    pub(crate) default: SignedDuration,
    /// What it means, for the reference.
    pub(crate) doc: &'static str,
}

macro_rules! limits {
    ($($name:ident = $text:literal $seconds:literal $doc:literal;)*) => {
        $(pub(crate) const $name: Limit = Limit {
            name: $text,
            default: SignedDuration::from_secs($seconds),
            doc: $doc,
        };)*
        /// Every limit, for the reference.
        pub(crate) const LIMITS: &[Limit] = &[$($name),*];
    };
}

limits! {
    UNSCHEDULABLE = "unschedulable-grace" 120 "how long a pod may wait for a node; autoscalers need a minute or two to bring one";
    CONTAINER_START = "start-grace" 60 "the least time a container, a workload or a Service may take to become ready; a container's own probes extend it, up to ten minutes";
    CONTAINER_CREATE = "create-grace" 300 "how long a container may be created (images pulled, volumes attached) before it has started";
    CRASH_WINDOW = "crash-window" 600 "how long a crash counts; the kubelet forgets its back-off after the same time";
    RECOVER_HOLD = "recover-hold" 60 "how long a container must run after a crash before it passes again";
    ROLLOUT_STALLED = "rollout-grace" 900 "how long a StatefulSet or a DaemonSet may take over a rollout, and any controller to look at a change";
    TERMINATING = "terminating-grace" 600 "how long an object may take to go once it is being deleted";
    POD_OVERDUE = "pod-terminating-grace" 60 "how long a pod may stay after its own grace period before that is worth a word";
    PDB = "disruption-grace" 900 "how long a PodDisruptionBudget may have fewer healthy pods than it wants";
    HPA_METRIC = "metric-grace" 300 "how long an autoscaler may be without its metrics; every rollout causes a short gap";
    HPA_MAXED = "maxed-grace" 900 "how long an autoscaler may stand at its maximum";
    API_SERVICE = "api-service-grace" 60 "how long an aggregated API may be unavailable";
    LB_ADDRESS = "load-balancer-grace" 600 "how long a load balancer may take to get an address";
    INGRESS_ADDRESS = "address-grace" 300 "how long an Ingress or a Gateway may take to get an address";
    VOLUME = "volume-grace" 300 "how long a claim or a volume may be pending";
    ATTACH = "attach-grace" 120 "how long a volume may take to attach";
    JOB_OVERDUE = "job-deadline" 43200 "how long a Job without a deadline of its own may run";
    JOB_POD = "job-pod-grace" 300 "how long the pod of a Job's current attempt may fail to start";
    MISSED_TICK = "missed-schedule-grace" 120 "how late a CronJob's run may start when it has no deadline of its own";
    DAEMON_SCHEDULE = "daemon-schedule-grace" 600 "how long a DaemonSet may have fewer pods than nodes";
    NODE_REPORT = "node-report-grace" 60 "how long a new node may not have said whether it is ready";
    NODE_LEASE = "lease-grace" 40 "how old the lease of a node may be";
    CUSTOM_SETTLE = "settle-grace" 900 "how long a custom resource may say that it is not ready for a reason that does not sound broken";
    SETTLE = "reference-grace" 3 "how long something that is referred to may be missing after the referrer appeared, since watches of different kinds are not ordered";
    STALE = "stale-grace" 60 "how long a kind may be without its watch before nothing of it passes any more";
    CERTIFICATE_WARNING = "certificate-warning" 604800 "how long before its end a certificate is worth a word";
}
