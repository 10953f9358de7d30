//! Pods and what they are made of.

use std::sync::Arc;

use super::{Condition, Labels, Time, pruned};

pruned! {
    RawPod {
        spec: PodSpec,
        status: PodStatus,
    }

    #[derive(Eq, Hash)]
    PodSpec {
        node_name: Box<str>,
        service_account_name: Box<str>,
        image_pull_secrets: Vec<LocalReference>,
        priority_class_name: Box<str>,
        runtime_class_name: Box<str>,
        restart_policy: Box<str>,
        volumes: Vec<Volume>,
        containers: Vec<Container>,
        init_containers: Vec<Container>,
        ephemeral_containers: Vec<Container>,
        scheduling_gates: Vec<LocalReference>,
        readiness_gates: Vec<ReadinessGate>,
    }

    #[derive(Eq, Hash)]
    LocalReference { name: Box<str> }

    #[derive(Eq, Hash)]
    ReadinessGate { condition_type: Box<str> }

    /// What a workload makes its pods from.
    PodTemplate {
        metadata: TemplateMeta,
        spec: PodSpec,
    }

    TemplateMeta { labels: Labels }

    #[derive(Eq, Hash)]
    Container {
        name: Box<str>,
        restart_policy: Box<str>,
        env: Vec<Env>,
        env_from: Vec<EnvFrom>,
        volume_mounts: Vec<VolumeMount>,
        volume_devices: Vec<VolumeMount>,
        startup_probe: Option<Probe>,
        readiness_probe: Option<Probe>,
        ports: Vec<ContainerPort>,
    }

    #[derive(Eq, Hash)]
    ContainerPort { name: Box<str> }

    #[derive(Eq, Hash)]
    Probe {
        initial_delay_seconds: i64,
        period_seconds: Option<i64>,
        failure_threshold: Option<i64>,
    }

    #[derive(Eq, Hash)]
    Env {
        name: Box<str>,
        value_from: Option<EnvSource>,
    }

    #[derive(Eq, Hash)]
    EnvSource {
        config_map_key_ref: Option<KeyReference>,
        secret_key_ref: Option<KeyReference>,
    }

    #[derive(Eq, Hash)]
    KeyReference {
        name: Box<str>,
        key: Box<str>,
        optional: bool,
    }

    #[derive(Eq, Hash)]
    EnvFrom {
        config_map_ref: Option<OptionalReference>,
        secret_ref: Option<OptionalReference>,
    }

    #[derive(Eq, Hash)]
    OptionalReference {
        name: Box<str>,
        optional: bool,
    }

    #[derive(Eq, Hash)]
    VolumeMount {
        name: Box<str>,
        mount_path: Box<str>,
        sub_path: Box<str>,
        sub_path_expr: Box<str>,
    }

    #[derive(Eq, Hash)]
    Volume {
        name: Box<str>,
        config_map: Option<FilesFrom>,
        secret: Option<FilesFrom>,
        projected: Option<Projected>,
        persistent_volume_claim: Option<ClaimReference>,
        ephemeral: Option<super::Present>,
        csi: Option<CsiVolume>,
    }

    #[derive(Eq, Hash)]
    ClaimReference { claim_name: Box<str> }

    #[derive(Eq, Hash)]
    CsiVolume {
        driver: Box<str>,
        node_publish_secret_ref: Option<LocalReference>,
    }

    /// Files made of the keys of a ConfigMap or a Secret.
    #[derive(Eq, Hash)]
    FilesFrom {
        name: Box<str>,
        secret_name: Box<str>,
        items: Option<Vec<Item>>,
        optional: bool,
    }

    #[derive(Eq, Hash)]
    Item {
        key: Box<str>,
        path: Box<str>,
    }

    #[derive(Eq, Hash)]
    Projected { sources: Vec<ProjectedSource> }

    #[derive(Eq, Hash)]
    ProjectedSource {
        config_map: Option<FilesFrom>,
        secret: Option<FilesFrom>,
        cluster_trust_bundle: Option<TrustBundle>,
        service_account_token: Option<PathOnly>,
        #[serde(rename = "downwardAPI")]
        downward_api: Option<DownwardApi>,
    }

    #[derive(Eq, Hash)]
    TrustBundle {
        name: Box<str>,
        optional: bool,
        path: Box<str>,
    }

    #[derive(Eq, Hash)]
    PathOnly { path: Box<str> }

    #[derive(Eq, Hash)]
    DownwardApi { items: Vec<PathOnly> }

    PodStatus {
        phase: Box<str>,
        reason: Box<str>,
        message: Box<str>,
        start_time: Option<Time>,
        conditions: Vec<Condition>,
        container_statuses: Vec<ContainerStatus>,
        init_container_statuses: Vec<ContainerStatus>,
    }

    ContainerStatus {
        name: Box<str>,
        ready: bool,
        started: Option<bool>,
        restart_count: i64,
        state: ContainerState,
        last_state: ContainerState,
    }

    ContainerState {
        waiting: Option<Waiting>,
        running: Option<Running>,
        terminated: Option<Box<Terminated>>,
    }

    Waiting {
        reason: Box<str>,
        message: Box<str>,
    }

    Running { started_at: Option<Time> }

    Terminated {
        exit_code: i64,
        signal: i64,
        reason: Box<str>,
        message: Box<str>,
        started_at: Option<Time>,
        finished_at: Option<Time>,
    }
}

/// The volume with which a pod proves who it is; the API server puts it into every pod, with a name of its own.
pub(crate) const IDENTITY_VOLUME: &str = "kube-api-access";
/// The conditions that are read, readiness gates aside.
const CONDITIONS: &[&str] = &[
    "Ready",
    "ContainersReady",
    "PodScheduled",
    "DisruptionTarget",
    "PodResizePending",
    "PodResizeInProgress",
];

/// A pod. Those of one template share their specification, which is most of what there is to know.
#[derive(Clone, Debug)]
pub(crate) struct Pod {
    pub(crate) node_name: Box<str>,
    pub(crate) spec: Arc<PodSpec>,
    pub(crate) status: PodStatus,
}

impl RawPod {
    /// The pod, with its specification as `share` gives it.
    pub(crate) fn shared(mut self, share: impl FnOnce(PodSpec) -> Arc<PodSpec>) -> Pod {
        let node_name = std::mem::take(&mut self.spec.node_name);
        let plain = |name: &mut Box<str>| {
            if name.starts_with("kube-api-access-") {
                *name = IDENTITY_VOLUME.into();
            }
        };
        let spec = &mut self.spec;
        spec.volumes
            .iter_mut()
            .for_each(|volume| plain(&mut volume.name));
        let containers = spec.containers.iter_mut().chain(&mut spec.init_containers);
        for mount in containers.flat_map(|container| &mut container.volume_mounts) {
            plain(&mut mount.name);
        }
        let gates = &self.spec.readiness_gates;
        self.status.conditions.retain(|said| {
            CONDITIONS.contains(&&*said.kind)
                || gates.iter().any(|gate| gate.condition_type == said.kind)
        });
        self.status.conditions.shrink_to_fit();
        Pod {
            node_name,
            spec: share(self.spec),
            status: self.status,
        }
    }
}

impl Pod {
    /// Whether all of its containers have ended for good.
    pub(crate) fn finished(&self) -> bool {
        matches!(&*self.status.phase, "Succeeded" | "Failed")
    }

    /// Whether the API says that it is ready.
    pub(crate) fn ready(&self) -> bool {
        super::condition(&self.status.conditions, "Ready").is_some_and(Condition::is_true)
    }

    /// The status of a container by its name, init containers included.
    pub(crate) fn container_status(&self, name: &str) -> Option<&ContainerStatus> {
        let status = &self.status;
        status
            .container_statuses
            .iter()
            .chain(&status.init_container_statuses)
            .find(|status| &*status.name == name)
    }
}

impl PodSpec {
    /// Its service account; pods that name none have `default`.
    pub(crate) fn service_account(&self) -> &str {
        match &*self.service_account_name {
            "" => "default",
            name => name,
        }
    }

    /// Containers of every sort that count.
    pub(crate) fn all_containers(&self) -> impl Iterator<Item = &Container> {
        self.init_containers.iter().chain(&self.containers)
    }

    /// The volume of a name.
    pub(crate) fn volume(&self, name: &str) -> Option<&Volume> {
        self.volumes.iter().find(|volume| &*volume.name == name)
    }
}

impl Container {
    /// An init container that keeps running beside the others.
    pub(crate) fn is_sidecar(&self) -> bool {
        &*self.restart_policy == "Always"
    }
}

impl FilesFrom {
    /// The name of the ConfigMap or Secret; a Secret's stands under another key in volumes than in projections.
    pub(crate) fn source(&self) -> &str {
        if self.secret_name.is_empty() {
            &self.name
        } else {
            &self.secret_name
        }
    }
}
