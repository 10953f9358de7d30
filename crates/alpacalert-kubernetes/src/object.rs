//! Objects of the API, pruned to what the rules read.

pub(crate) mod control;
pub(crate) mod custom;
mod labels;
pub(crate) mod network;
pub(crate) mod pod;
pub(crate) mod policy;
pub(crate) mod serde_util;
pub(crate) mod storage;
pub(crate) mod workload;

use std::sync::Arc;

use alpacalert_instrument::Fact;
use alpacalert_model::Timestamp;
use jiff::SignedDuration;

pub(crate) use labels::Labels;
pub(crate) use serde_util::{IntOrText, Present, Time, pruned};

/// One object.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    /// How its kind is written here: `kubernetes.io/Pod`.
    pub(crate) kind: Arc<str>,
    /// The API's version of it: `apps/v1`.
    pub(crate) api_version: Arc<str>,
    /// `namespace/name`, or `name`.
    pub(crate) reference: Arc<str>,
    /// What every object has.
    pub(crate) meta: Meta,
    /// What its kind has.
    pub(crate) body: Body,
    /// That it is as it is: what whoever looked at it is told of when it changes.
    pub(crate) fact: Fact,
    /// When it was first seen, for watches; a dump does not tell.
    pub(crate) first_seen: Option<Timestamp>,
}

pruned! {
    /// What every object has.
    Meta {
        name: Box<str>,
        namespace: Box<str>,
        uid: Box<str>,
        creation_timestamp: Option<Time>,
        deletion_timestamp: Option<Time>,
        generation: i64,
        labels: Labels,
        annotations: Labels,
        owner_references: Owners,
        finalizers: Vec<Box<str>>,
    }

    /// Who owns an object.
    #[derive(Eq, Hash)]
    OwnerReference {
        api_version: Box<str>,
        kind: Box<str>,
        name: Box<str>,
        uid: Box<str>,
        controller: bool,
    }

    /// What a controller says about an object.
    Condition {
        #[serde(rename = "type")]
        kind: Box<str>,
        status: Box<str>,
        reason: Box<str>,
        message: Box<str>,
        last_transition_time: Option<Time>,
        last_update_time: Option<Time>,
        observed_generation: Option<i64>,
    }
}

/// Who owns an object: cheap to clone, since the pods of one workload share theirs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Owners(Arc<[OwnerReference]>);

impl Owners {
    /// How many objects have these very ones.
    pub(crate) fn users(&self) -> usize {
        Arc::strong_count(&self.0)
    }
}

impl std::ops::Deref for Owners {
    type Target = [OwnerReference];

    fn deref(&self) -> &[OwnerReference] {
        &self.0
    }
}

impl<'de> serde::Deserialize<'de> for Owners {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(|owners| Owners(owners.into()))
    }
}

/// What an object's kind has.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    Pod(Box<pod::Pod>),
    ReplicaSet(Box<workload::ReplicaSet>),
    Deployment(Box<workload::Deployment>),
    StatefulSet(Box<workload::StatefulSet>),
    DaemonSet(Box<workload::DaemonSet>),
    Job(Box<workload::Job>),
    CronJob(Box<workload::CronJob>),
    Node(Box<control::Node>),
    Namespace(Box<control::Namespace>),
    Pvc(Box<storage::Pvc>),
    Pv(Box<storage::Pv>),
    StorageClass(Box<storage::StorageClass>),
    VolumeAttachment(Box<storage::VolumeAttachment>),
    CsiNode(Box<storage::CsiNode>),
    Keys(Box<storage::Keys>),
    ServiceAccount(Box<policy::ServiceAccount>),
    Service(Box<network::Service>),
    EndpointSlice(Box<network::EndpointSlice>),
    Ingress(Box<network::Ingress>),
    IngressClass,
    NetworkPolicy(Box<policy::NetworkPolicy>),
    GatewayClass(Box<network::GatewayClass>),
    Gateway(Box<network::Gateway>),
    Route(Box<network::Route>),
    ReferenceGrant(Box<network::ReferenceGrant>),
    Hpa(Box<policy::Hpa>),
    Pdb(Box<policy::Pdb>),
    Quota(Box<policy::Quota>),
    Binding(Box<policy::Binding>),
    Crd(Box<control::Crd>),
    ApiService(Box<control::ApiService>),
    Webhooks(Box<control::Webhooks>),
    AdmissionPolicy(Box<control::AdmissionPolicy>),
    Lease(Box<control::Lease>),
    Certificate(Box<control::Certificate>),
    Issuer(Box<control::Issuer>),
    /// Exists, and that is all that there is to say.
    Plain,
    /// Anything else, by the generic rule.
    Custom(Box<custom::Custom>),
    /// It could not be read, and why.
    Malformed(String),
}

impl Object {
    /// Its name.
    pub(crate) fn name(&self) -> &str {
        &self.meta.name
    }

    /// Its namespace; empty when it is in none.
    pub(crate) fn namespace(&self) -> &str {
        &self.meta.namespace
    }

    /// How the API calls its kind: `Pod`.
    pub(crate) fn kind_name(&self) -> &str {
        crate::kinds::short_name(&self.kind)
    }

    /// `Pod cart-0`.
    pub(crate) fn title(&self) -> String {
        format!("{} {}", self.kind_name(), self.meta.name)
    }

    /// The owner that manages it, if it has one.
    pub(crate) fn controller(&self) -> Option<&OwnerReference> {
        self.meta.owner_references.iter().find(|o| o.controller)
    }

    /// Whether it is being deleted.
    pub(crate) fn terminating(&self) -> bool {
        self.meta.deletion_timestamp.is_some()
    }

    /// An annotation.
    pub(crate) fn annotation(&self, key: &str) -> Option<&str> {
        self.meta.annotations.get(key)
    }

    /// When it was created, as far as anybody knows.
    pub(crate) fn created(&self) -> Option<Timestamp> {
        self.meta
            .creation_timestamp
            .map(|t| t.0)
            .or(self.first_seen)
    }

    /// The pod, if it is one.
    pub(crate) fn pod(&self) -> Option<&pod::Pod> {
        match &self.body {
            Body::Pod(pod) => Some(pod),
            _ => None,
        }
    }
}

impl Condition {
    /// Whether it says yes.
    pub(crate) fn is_true(&self) -> bool {
        &*self.status == "True"
    }

    /// Whether it says no.
    pub(crate) fn is_false(&self) -> bool {
        &*self.status == "False"
    }

    /// When it last changed.
    pub(crate) fn since(&self) -> Option<Timestamp> {
        self.last_transition_time.map(|t| t.0)
    }

    /// `Ready is False: ContainersNotReady: containers with unready status: [app]`.
    pub(crate) fn sentence(&self) -> String {
        let mut text = format!(
            "{} is {}",
            self.kind,
            if self.status.is_empty() {
                "not set"
            } else {
                &self.status
            }
        );
        for part in [&self.reason, &self.message] {
            if !part.is_empty() {
                text.push_str(": ");
                text.push_str(part);
            }
        }
        text
    }
}

/// The condition of a type.
pub(crate) fn condition<'a>(conditions: &'a [Condition], kind: &str) -> Option<&'a Condition> {
    conditions.iter().find(|condition| &*condition.kind == kind)
}

/// How long ago something was; nothing for what is in the future, since clocks differ.
pub(crate) fn age(now: Timestamp, then: Timestamp) -> SignedDuration {
    now.duration_since(then).max(SignedDuration::ZERO)
}
