//! What makes pods.

use super::pod::PodTemplate;
use super::{Condition, IntOrText, Labels, Time, pruned};

pruned! {
    LabelSelector {
        match_labels: Labels,
        match_expressions: Vec<Requirement>,
    }

    Requirement {
        key: Box<str>,
        operator: Box<str>,
        values: Vec<Box<str>>,
    }

    ReplicaSet {
        spec: ReplicaSetSpec,
        status: ReplicaSetStatus,
    }

    ReplicaSetSpec {
        replicas: Option<i64>,
        min_ready_seconds: i64,
        template: PodTemplate,
    }

    ReplicaSetStatus {
        observed_generation: Option<i64>,
        replicas: i64,
        ready_replicas: i64,
        available_replicas: i64,
        fully_labeled_replicas: i64,
        conditions: Vec<Condition>,
    }

    Deployment {
        spec: DeploymentSpec,
        status: DeploymentStatus,
    }

    DeploymentSpec {
        replicas: Option<i64>,
        paused: bool,
        strategy: Strategy,
        min_ready_seconds: i64,
        progress_deadline_seconds: Option<i64>,
        template: PodTemplate,
    }

    Strategy {
        #[serde(rename = "type")]
        kind: Box<str>,
        rolling_update: Option<RollingUpdate>,
    }

    RollingUpdate {
        max_unavailable: Option<IntOrText>,
        partition: i64,
    }

    DeploymentStatus {
        observed_generation: Option<i64>,
        replicas: i64,
        updated_replicas: i64,
        ready_replicas: i64,
        available_replicas: i64,
        conditions: Vec<Condition>,
    }

    StatefulSet {
        spec: StatefulSetSpec,
        status: StatefulSetStatus,
    }

    StatefulSetSpec {
        replicas: Option<i64>,
        service_name: Box<str>,
        pod_management_policy: Box<str>,
        min_ready_seconds: i64,
        update_strategy: Strategy,
        ordinals: Ordinals,
        volume_claim_templates: Vec<ClaimTemplate>,
        template: PodTemplate,
    }

    Ordinals { start: i64 }

    ClaimTemplate { metadata: super::pod::LocalReference }

    StatefulSetStatus {
        observed_generation: Option<i64>,
        replicas: i64,
        ready_replicas: i64,
        available_replicas: i64,
        updated_replicas: i64,
        current_revision: Box<str>,
        update_revision: Box<str>,
        collision_count: i64,
    }

    DaemonSet {
        spec: DaemonSetSpec,
        status: DaemonSetStatus,
    }

    DaemonSetSpec {
        update_strategy: Strategy,
        min_ready_seconds: i64,
        template: PodTemplate,
    }

    DaemonSetStatus {
        observed_generation: Option<i64>,
        current_number_scheduled: i64,
        desired_number_scheduled: i64,
        updated_number_scheduled: i64,
        number_available: i64,
        number_ready: i64,
        number_misscheduled: i64,
    }

    Job {
        spec: JobSpec,
        status: JobStatus,
    }

    JobSpec {
        suspend: bool,
        backoff_limit: Option<i64>,
        active_deadline_seconds: Option<i64>,
        template: PodTemplate,
    }

    JobStatus {
        active: i64,
        failed: i64,
        succeeded: i64,
        start_time: Option<Time>,
        completion_time: Option<Time>,
        conditions: Vec<Condition>,
    }

    CronJob {
        spec: CronJobSpec,
        status: CronJobStatus,
    }

    CronJobSpec {
        schedule: Box<str>,
        time_zone: Option<Box<str>>,
        suspend: bool,
        concurrency_policy: Box<str>,
        starting_deadline_seconds: Option<i64>,
        job_template: JobTemplate,
    }

    JobTemplate { spec: JobSpec }

    CronJobStatus {
        active: Vec<super::pod::LocalReference>,
        last_schedule_time: Option<Time>,
        last_successful_time: Option<Time>,
    }
}
