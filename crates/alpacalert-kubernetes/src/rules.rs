//! The rules by which objects are judged, as the reference shows them.

use crate::options::LIMITS;

/// A rule: what it looks at, and what it makes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name, by which findings and tests speak of it.
    pub id: &'static str,
    /// The kinds that it judges.
    pub kinds: &'static str,
    /// What makes an object Passing, Degraded, Unknown or Failing by it.
    pub text: &'static str,
}

macro_rules! rules {
    ($($kinds:literal { $($id:literal $text:literal;)* })*) => {
        /// Every rule, by the kind that it judges.
        pub const RULES: &[Rule] = &[$($(Rule { id: $id, kinds: $kinds, text: $text },)*)*];
    };
}

rules! {
    "every kind" {
        "BAD-1" "Unknown `malformed` for an object that cannot be read; everything else goes on";
        "EXISTS" "Passing when it is there: these kinds say nothing about themselves";
        "G3" "Unknown `terminating` while it is being deleted, Failing `stuck-terminating` when it does not go within `terminating-grace`; a pod has its own grace period first. It no longer counts for its owner";
        "G4" "Unknown `stale-status` while its controller has not seen its newest generation, Failing `controller-not-reconciling` after `rollout-grace`; what the old status says does not count";
        "G8" "Unknown `settling` while something it names is not there, for `reference-grace` after it appeared; then what it names is Failing `missing`";
        "G11" "Unknown `stale` when the watch of its kind has been broken for longer than `stale-grace`";
        "G13" "Unknown `cycle` when its owners own each other";
    }
    "Pod" {
        "POD-1" "Passing when it runs or has completed; Unknown while it is pending, and when its node does not answer";
        "POD-2" "Passing when a node is found; Unknown `suspended` behind scheduling gates; Unknown and after `unschedulable-grace` Failing `unschedulable` when no node can take it; Failing when its node refused it";
        "POD-3" "Passing when ready; Unknown while its containers may still become ready, then Failing `not-ready` or `readiness-gate`. Pods that have ended are not asked";
        "POD-4" "Unknown `disrupted` when it is about to be preempted or evicted";
        "POD-5" "Degraded `resize-deferred` or `resize-error`, Failing `resize-infeasible`";
        "POD-6" "Its node's state: at worst Degraded while the pod is ready";
        "POD-7" "Its ServiceAccount must exist; a running pod without it is Degraded, since it cannot be made again";
        "POD-8" "Its image pull secrets must exist and be of a type that holds credentials; Degraded once its images are there, Failing while it waits for one";
        "POD-9" "Failing, with the reason, when it failed and nobody replaces it; shown and not counted when its controller has its replicas";
        "POD-10" "A pod that a node runs from a file needs no account, and stands below nobody";
    }
    "Pod#container" {
        "CT-1" "Unknown until its node reports on it, then Failing `not-reported`";
        "CT-2" "Unknown while it is being created, Failing `start-timeout` after `create-grace`";
        "CT-3" "Failing at once when it cannot start: back-offs and errors of images, configuration and hooks. ErrImagePull and ImagePullBackOff are one reason";
        "CT-4" "Passing when it runs and is ready; for `recover-hold` after a crash within `crash-window` Degraded `flapping`, or Failing `crash-loop-back-off` when it crashes again and again after runs shorter than that";
        "CT-5" "When it runs and is not ready: Failing `crash-loop-back-off` after two restarts and a crash within `crash-window`; Unknown while its probes may still pass, then Failing";
        "CT-6" "A container that should run for ever and has ended: Unknown after a first clean end, Failing otherwise";
        "CT-7" "A container that may end: Passing `completed` after a clean end or when its pod succeeded, else Failing; Unknown while it will be tried again";
        "CT-8" "Degraded `oom-killed` when it ran out of memory within `crash-window`, Failing when that happened twice or it is not ready";
        "CT-9" "An init container: Passing when it has ended well, Unknown while it runs or waits for those before it, Failing as CT-3 and CT-5 say";
        "CT-10" "A sidecar must run like a main container, and may end with its pod";
        "CT-11" "An ephemeral container is shown and not counted";
        "ENV-1" "What `envFrom` names must exist unless it is optional; what cannot be seen is Unknown, and not counted once the container runs";
        "ENV-2" "The key that `valueFrom` names must exist: Failing `missing-key`, or Degraded once the container runs, since the next start will fail";
        "ENV-3" "Fields and resources of the pod itself always exist";
    }
    "Pod#volume" {
        "VOL-1" "The ConfigMaps and Secrets of a volume, projected ones included, and the keys it takes, must exist as ENV-1 and ENV-2 say";
        "VOL-2" "Tokens, certificates and downward fields are made by the node; a named ClusterTrustBundle must exist";
        "VOL-3" "The claim must exist, and counts with its own state";
        "VOL-4" "The claim of an ephemeral volume must be the pod's own";
        "VOL-5" "The CSI driver must exist, and run on the pod's node";
        "VOL-6" "Passing `not-inspectable` for any other volume";
    }
    "Pod#volumemount" {
        "MNT-1" "The volume that is mounted must be one of the pod's";
    }
    "Pod#volumesubpath" {
        "MNT-2" "A sub-path of a ConfigMap, Secret or projected volume must be among its files; those that `items` rename count by their new names";
        "MNT-3" "Passing `not-inspectable` for a sub-path of any other volume";
    }
    "ReplicaSet" {
        "RS-1" "An empty one of an older revision is history, and not shown";
        "RS-2" "Passing with all replicas available, Degraded with some, Failing with none once they could have started; one of a Deployment needs as many as that";
        "RS-3" "Failing when its pods cannot be made: a quota, a webhook, a missing account";
        "RS-4" "Degraded while some pods lack labels of the template";
    }
    "Deployment" {
        "DEP-1" "Failing `unavailable` when it is not available once its pods could have started, whatever its rollout says";
        "DEP-2" "Degraded while a rollout is under way and enough replicas work, Unknown when not enough do; Failing when the rollout is past its deadline";
        "DEP-3" "Degraded with fewer replicas than wanted while enough are available: all but `maxUnavailable`, and one at least; one that crashes again and again is not available";
        "DEP-4" "Failing when its pods cannot be made";
        "DEP-5" "Passing `suspended` when paused; Degraded in the middle of a rollout, Unknown when not enough replicas work then";
        "DEP-6" "Passing `scaled-to-zero` with no replicas wanted; Degraded `scaling-down` until they are gone";
    }
    "StatefulSet" {
        "STS-1" "Passing with all replicas ready, Degraded with one missing, Failing with more missing once they could have started; with the strategy OnDelete too";
        "STS-2" "Degraded while a rollout is under way; Failing when it does not move for `rollout-grace`, or the pod that is next is Failing. With OnDelete old pods are a warning";
        "STS-3" "`currentReplicas` counts pods of the old revision and decides nothing";
        "STS-4" "Collisions of revision names do no harm";
        "STS-5" "Its headless Service, when it names one, must exist";
    }
    "DaemonSet" {
        "DS-1" "Unknown when nodes lack its pod, Failing after `daemon-schedule-grace`";
        "DS-2" "Degraded with pods missing, Failing with more than `maxUnavailable` missing. Nodes that are not ready or cordoned are listed and not counted";
        "DS-3" "Degraded while a rollout is under way, Failing when it does not move for `rollout-grace`. With OnDelete old pods are a warning";
        "DS-4" "A warning when pods run where they should not, Degraded after `rollout-grace`";
    }
    "Job" {
        "JOB-1" "Passing when complete, Failing with the reason when failed; conditions count only when they are True";
        "JOB-2" "Passing `suspended`";
        "JOB-3" "Passing while it runs, Degraded `retrying` after failed attempts, Unknown when it neither runs nor has ended, Failing `overdue` after its deadline or `job-deadline`";
        "JOB-4" "Its pods are shown and not counted; Degraded when the pod of the current attempt cannot start for `job-pod-grace`";
        "JOB-5" "Its conditions decide, whether or not its pods are still there";
    }
    "CronJob" {
        "CJ-1" "Failing when the newest run that ended failed, even while another one is under way; Passing when it completed";
        "CJ-1b" "Runs started by hand count like scheduled ones";
        "CJ-2" "Without any Job left: by the last result seen, or by the times of the last run and the last success. Passing `never-ran` before the first one";
        "CJ-3" "Unknown `missed-schedule` after one missed time, Failing after two; Unknown while a run that may not overlap holds the next one up";
        "CJ-4" "Passing `suspended`; a failed last run is a warning";
        "CJ-5" "The newest run that is under way counts with its own state";
        "CJ-6" "Failing when its schedule cannot be read; Unknown when this machine does not know its time zone";
    }
    "Node" {
        "NODE-1" "Passing when ready; Failing when not, or when it does not say so; Unknown `maintenance` while it is cordoned";
        "NODE-2" "Degraded under memory, disk or process pressure";
        "NODE-3" "Failing without network";
        "NODE-4" "Passing `suspended` when cordoned";
        "NODE-5" "Unknown `uninitialized` until its cloud has set it up; taints that follow from NODE-1 are a warning";
        "NODE-6" "Unknown `lease-stale` when it has stopped to renew its lease and is still shown as ready";
        "NODE-7" "Degraded `flapping` after more than two changes between ready and not in a quarter of an hour";
        "NODE-8" "Degraded by any other condition that reports a problem; never Failing";
    }
    "PersistentVolumeClaim" {
        "PVC-1" "Passing when bound, and `waiting-for-consumer` when its class waits for a first pod and there is none; Unknown while pending, Failing after `volume-grace`, and when lost";
        "PVC-2" "Degraded while it is being resized, Failing when that failed";
        "PVC-3" "Its class must exist while it is pending; without a name the newest default class counts";
        "PVC-4" "Its volume must exist, and be bound to this claim and no other of the same name";
    }
    "PersistentVolume" {
        "PV-1" "Passing when bound, available or released; Unknown while pending, Failing after `volume-grace`, and when it cannot be reclaimed";
    }
    "VolumeAttachment" {
        "VA-1" "Passing when attached; Unknown for `attach-grace`, then Failing with the error";
    }
    "StorageClass" {
        "SC-1" "Passing; whether its provisioner has a CSIDriver is said";
    }
    "ConfigMap" {
        "CM-1" "Passing when it exists; Failing `missing` when something names it and it does not";
    }
    "Secret" {
        "SEC-1" "As CM-1. One of the type `kubernetes.io/tls` needs both keys; Degraded `expires-soon` within `certificate-warning` of its certificate's end, Failing `expired` after it";
    }
    "ServiceAccount" {
        "SA-1" "Passing when it exists; its image pull secrets must exist";
    }
    "Service" {
        "SVC-1" "Passing `external-name`: what it stands for is not asked";
        "SVC-2" "Passing with one ready endpoint; Degraded `scaled-to-zero` when its workload has no replicas on purpose, and when only leaving endpoints answer; Unknown while its pods may still start; else Failing `no-endpoints`";
        "SVC-3" "Some endpoints that are not ready are said, and Degraded if so configured";
        "SVC-4" "Without selector and endpoints: Passing `unmanaged` when it is headless or has a load balancer, else Unknown";
        "SVC-5" "Every port must be served by a ready pod";
        "SVC-6" "A load balancer must have an address within `load-balancer-grace`, unless it has external addresses, or its class gives nobody one; errors of ports are Failing";
        "SVC-7" "With `publishNotReadyAddresses` readiness does not count: one endpoint is enough";
    }
    "Ingress" {
        "ING-1" "The class that it names must exist; without one the default class counts, and without that it is Unknown";
        "ING-2" "Unknown without an address for `address-grace`; then Failing if another Ingress of its class has one, and Passing `class-publishes-nothing` if none has";
    }
    "Ingress#path" {
        "ING-3" "The Service of each path, and of the default backend, must exist with the port, and counts with its own state; a resource must exist";
    }
    "Ingress, TLS" {
        "ING-4" "The Secret of each TLS entry must exist, as SEC-1 says";
    }
    "GatewayClass" {
        "GWC-1" "Passing when accepted; conditions of an older generation do not count";
    }
    "Gateway" {
        "GW-1" "Passing when accepted; Failing when not, or when references are not resolved";
        "GW-2" "Passing when programmed; Unknown while that is pending, and without an address for `address-grace`";
    }
    "Gateway#listener" {
        "GWL-1" "Accepted, programmed, references resolved and not in conflict, Unknown `progressing` while that is pending; the Secrets of its certificates must exist. The Gateway is Degraded while some listeners work";
    }
    "HTTPRoute, GRPCRoute" {
        "RT-1" "Passing when one parent has accepted it with all references resolved, Degraded when others refused it, Unknown while none has spoken, Failing when all refused";
        "RT-2" "Its Services must exist, and in other namespaces be granted; other backends must exist";
    }
    "HorizontalPodAutoscaler" {
        "HPA-1" "Failing when it cannot scale; waiting to scale down is Passing";
        "HPA-2" "Passing when it scales, and `suspended` at zero; without metrics Unknown during a rollout and for `metric-grace`, then Failing; Failing at once with a wrong selector";
        "HPA-3" "Degraded `maxed` at its maximum for longer than `maxed-grace`";
        "HPA-4" "Its target must exist, of whatever kind";
    }
    "PodDisruptionBudget" {
        "PDB-1" "Degraded with fewer healthy pods than it wants, Failing after `disruption-grace`, and when it cannot be worked out";
        "PDB-2" "That nothing may be disrupted now is said, and Passing";
        "PDB-3" "Passing `no-pods` when nothing matches";
    }
    "ResourceQuota" {
        "QUOTA-1" "Said from nine tenths on, Degraded `full` when used up, Failing `exceeded` when a workload cannot make pods because of it";
    }
    "Namespace" {
        "NS-1" "Passing when active; Unknown while it is being deleted, Failing when that cannot end, and after `terminating-grace`";
    }
    "APIService" {
        "API-1" "Passing when available or local; Unknown for `api-service-grace`, then Failing; its Service counts";
    }
    "CustomResourceDefinition" {
        "CRD-1" "Passing when established; Unknown while it is installed or deleted; Failing when its names are taken, or objects are stored in a version that it no longer has; the Service of its conversion counts";
    }
    "ValidatingWebhookConfiguration, MutatingWebhookConfiguration" {
        "WH-1" "The Service must exist with the port and have endpoints: Failing, or Degraded where failures are ignored; Failing with an expired authority, Unknown with none";
    }
    "ValidatingAdmissionPolicy" {
        "VAP-1" "Unknown when its expressions do not check out";
    }
    "RoleBinding, ClusterRoleBinding" {
        "RB-1" "Failing when its role does not exist, Unknown when an account that it names does not";
    }
    "NetworkPolicy" {
        "NP-1" "Passing; that it selects no pod is said";
    }
    "Lease" {
        "LEASE-1" "Unknown when it has not been renewed for three times its duration; shown and not counted";
    }
    "Certificate (cert-manager)" {
        "CERT-1" "Passing while it is good, also while it is being renewed; Degraded an hour after it should have been renewed; Failing when it ended, when a first issue failed, and within `certificate-warning` of its end after failed renewals; its Secret must exist";
    }
    "Issuer, ClusterIssuer (cert-manager)" {
        "ISS-1" "Passing when ready, Failing when not; counts for a Certificate until that is issued";
    }
    "any other kind" {
        "CR-1" "Unknown `not-observed` when its definition says that it has conditions and it has none yet";
        "CR-2" "Passing `suspended` when its specification, a condition or an annotation pauses it";
        "CR-3" "Failing when a condition that should not be is True, or its status names a failure; Degraded when only a part has failed";
        "CR-4" "Unknown `progressing` while a condition says that it is being reconciled";
        "CR-5" "A condition that should be True and is not: Failing with a reason that sounds broken, else Unknown and Failing after `settle-grace`. Degraded with a reason that sounds broken where nobody knows whether it should be";
        "CR-6" "By the words of its phase, state or health, and of fields so named, such as `currentState`; Passing `suspended` when such a word says that it rests";
        "CR-7" "Passing when a condition that should be True is, or when its status does not speak of health; Unknown `not-understood` when it does in words that are not known, and `stale-status` when its conditions are of an older generation";
        "CR-8" "Degraded `part-failing` when a part says that it has failed, and with fewer replicas ready than wanted; with none Unknown, then Failing after `settle-grace`";
    }
}

/// The reference of the rules, in Markdown.
pub fn reference() -> String {
    let mut text = String::from(
        "# Rules for Kubernetes\n\n\
         Made from the program by `cargo xtask reference`; do not edit.\n\n\
         Every object is judged by the rules of its kind; the worst result is its state. What it depends on stands below it \
         and counts as the tree shows. Words in `code` are the reason codes of results, and the limits below.\n",
    );
    let mut kinds = "";
    for rule in RULES {
        if rule.kinds != kinds {
            kinds = rule.kinds;
            text.push_str(&format!("\n## {kinds}\n\n| rule | result |\n|---|---|\n"));
        }
        text.push_str(&format!("| {} | {} |\n", rule.id, rule.text));
    }
    text.push_str("\n## Limits\n\nAn annotation `alpacalert.io/LIMIT: 90s` (`s`, `m`, `h`, `d`) sets a limit for one object.\n\n| limit | default | meaning |\n|---|---|---|\n");
    for limit in LIMITS {
        text.push_str(&format!(
            "| `{}` | {} | {} |\n",
            limit.name,
            crate::judge::words(limit.default),
            limit.doc
        ));
    }
    text
}
