//! From the text of the API to objects. A malformed object becomes one that says so, and never stops the others.

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::kinds::{self, kind_text};
use crate::object::pod::{PodSpec, RawPod};
use crate::object::{Body, Labels, Meta, Object, Owners, custom::Custom, pruned, storage};

/// The most bytes of one object that are read; etcd holds 1.5 MiB, and what is larger came from elsewhere.
pub(crate) const MAX_OBJECT_BYTES: usize = 8 * 1024 * 1024;
/// The longest annotation that is kept.
const MAX_ANNOTATION_BYTES: usize = 512;

pruned! {
    TypeMeta {
        api_version: Box<str>,
        kind: Box<str>,
    }

    /// What every object has, in one look.
    Head {
        api_version: Box<str>,
        kind: Box<str>,
        metadata: Meta,
    }
}

/// Names that many objects share, kept once.
#[derive(Debug, Default)]
pub(crate) struct Names(HashSet<Arc<str>>);

impl Names {
    /// The one copy of a text.
    pub(crate) fn get(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.0.get(text) {
            return known.clone();
        }
        let text: Arc<str> = text.into();
        self.0.insert(text.clone());
        text
    }
}

/// Reads objects, one at a time.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    names: Names,
    specs: Pool<Arc<PodSpec>>,
    labels: Pool<Labels>,
    owners: Pool<Owners>,
}

/// What is cheap to clone, and knows whether anybody has a clone.
trait Shared: Clone + Eq + Hash {
    /// How many there are of this very one.
    fn users(&self) -> usize;
}

impl Shared for Arc<PodSpec> {
    fn users(&self) -> usize {
        Arc::strong_count(self)
    }
}

impl Shared for Labels {
    fn users(&self) -> usize {
        Labels::users(self)
    }
}

impl Shared for Owners {
    fn users(&self) -> usize {
        Owners::users(self)
    }
}

/// What many objects have alike, kept once.
#[derive(Debug)]
struct Pool<T> {
    known: HashSet<T>,
    /// How many there may be before those that nobody uses any more are let go.
    limit: usize,
}

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Pool {
            known: HashSet::new(),
            limit: 0,
        }
    }
}

impl<T: Shared> Pool<T> {
    fn share(&mut self, new: T) -> T {
        if let Some(known) = self.known.get(&new) {
            return known.clone();
        }
        if self.known.len() >= self.limit {
            self.known.retain(|known| known.users() > 1);
            self.limit = (self.known.len() * 2).max(64);
        }
        self.known.insert(new.clone());
        new
    }
}

/// Why a text is no object at all: it does not even say which one it is.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NotAnObject(String);

impl Decoder {
    /// Reads an object from JSON. `expected` is its `apiVersion` and `kind` where lists leave them out.
    pub(crate) fn json(
        &mut self,
        raw: &RawValue,
        expected: Option<(&str, &str)>,
    ) -> Result<Object, NotAnObject> {
        let input = Input::Text(raw.get());
        self.read(&input, expected)
    }

    /// Reads an object from a value.
    pub(crate) fn value(
        &mut self,
        value: Value,
        expected: Option<(&str, &str)>,
    ) -> Result<Object, NotAnObject> {
        self.read(&Input::Value(value), expected)
    }

    fn read(
        &mut self,
        input: &Input<'_>,
        expected: Option<(&str, &str)>,
    ) -> Result<Object, NotAnObject> {
        let (types, meta, fault) = match input.read::<Head>() {
            Ok(head) => {
                let types = TypeMeta {
                    api_version: head.api_version,
                    kind: head.kind,
                };
                (types, head.metadata, None)
            }
            Err(error) => {
                let types = input
                    .read::<TypeMeta>()
                    .map_err(|error| NotAnObject(format!("it is not an object: {error}")))?;
                // Its name may still be legible: then the object is Unknown instead of lost.
                (types, input.salvage_meta(), Some(error))
            }
        };
        self.object(input, &types, meta, fault, expected)
    }

    fn object(
        &mut self,
        input: &Input<'_>,
        types: &TypeMeta,
        mut meta: Meta,
        fault: Option<serde_json::Error>,
        expected: Option<(&str, &str)>,
    ) -> Result<Object, NotAnObject> {
        let (api_version, kind) = match expected {
            Some(expected) if types.kind.is_empty() => expected,
            _ => (&*types.api_version, &*types.kind),
        };
        if kind.is_empty() || !is_type_name(kind) {
            return Err(NotAnObject("it names no kind".to_owned()));
        }
        if meta.name.is_empty() {
            return Err(NotAnObject(match fault {
                Some(error) => format!("its metadata cannot be read: {error}"),
                None => format!("a {kind} without a name"),
            }));
        }
        meta.annotations.retain(|key, value| {
            value.len() <= MAX_ANNOTATION_BYTES
                && key != "kubectl.kubernetes.io/last-applied-configuration"
        });
        meta.labels = self.labels.share(std::mem::take(&mut meta.labels));
        meta.annotations = self.labels.share(std::mem::take(&mut meta.annotations));
        meta.owner_references = self
            .owners
            .share(std::mem::take(&mut meta.owner_references));
        let kind = self
            .names
            .get(&kind_text(kinds::group_of(api_version), kind));
        let body = match fault {
            Some(error) => Body::Malformed(format!("its metadata cannot be read: {error}")),
            None if input.len() > MAX_OBJECT_BYTES => Body::Malformed(format!(
                "it has {} bytes, more than the {MAX_OBJECT_BYTES} that are read",
                input.len()
            )),
            None => body(&kind, input, &mut self.specs)
                .unwrap_or_else(|error| Body::Malformed(format!("it cannot be read: {error}"))),
        };
        let reference = kinds::reference(&meta.namespace, &meta.name);
        Ok(Object {
            fact: crate::cluster::fact::object(&kind, &reference),
            reference: reference.into(),
            api_version: self.names.get(api_version),
            kind,
            meta,
            body,
            first_seen: None,
        })
    }
}

/// Whether a text can be the name of a kind, so that a hostile object cannot make up identities.
fn is_type_name(kind: &str) -> bool {
    kind.len() <= 253
        && kind
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
}

/// An object, as text or as a value.
enum Input<'a> {
    Text(&'a str),
    Value(Value),
}

impl Input<'_> {
    fn read<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        match self {
            Input::Text(text) => serde_json::from_str(text),
            Input::Value(value) => T::deserialize(value),
        }
    }

    fn len(&self) -> usize {
        match self {
            Input::Text(text) => text.len(),
            // Whoever made the value had its text in memory already.
            Input::Value(_) => 0,
        }
    }

    /// Name, namespace and uid of an object whose other metadata are broken.
    fn salvage_meta(&self) -> Meta {
        let value: Value = self.read().unwrap_or_default();
        let text = |key: &str| value["metadata"][key].as_str().unwrap_or_default().into();
        Meta {
            name: text("name"),
            namespace: text("namespace"),
            uid: text("uid"),
            ..Meta::default()
        }
    }
}

fn body(
    kind: &str,
    input: &Input<'_>,
    specs: &mut Pool<Arc<PodSpec>>,
) -> Result<Body, serde_json::Error> {
    macro_rules! boxed {
        ($variant:ident) => {
            Body::$variant(Box::new(input.read()?))
        };
    }
    Ok(match kind {
        kinds::POD => {
            let raw: RawPod = input.read()?;
            Body::Pod(Box::new(raw.shared(|spec| specs.share(Arc::new(spec)))))
        }
        kinds::REPLICA_SET | "kubernetes.io/ReplicationController" => boxed!(ReplicaSet),
        kinds::DEPLOYMENT => boxed!(Deployment),
        kinds::STATEFUL_SET => boxed!(StatefulSet),
        kinds::DAEMON_SET => boxed!(DaemonSet),
        kinds::JOB => boxed!(Job),
        kinds::CRON_JOB => boxed!(CronJob),
        kinds::NODE => boxed!(Node),
        kinds::NAMESPACE => boxed!(Namespace),
        kinds::PVC => boxed!(Pvc),
        kinds::PV => boxed!(Pv),
        kinds::STORAGE_CLASS => boxed!(StorageClass),
        kinds::VOLUME_ATTACHMENT => boxed!(VolumeAttachment),
        kinds::CSI_NODE => boxed!(CsiNode),
        kinds::CONFIG_MAP => Body::Keys(Box::new(input.read::<storage::RawConfigMap>()?.into())),
        kinds::SECRET => Body::Keys(Box::new(input.read::<storage::RawSecret>()?.into())),
        kinds::SERVICE_ACCOUNT => boxed!(ServiceAccount),
        kinds::SERVICE => boxed!(Service),
        kinds::ENDPOINT_SLICE => boxed!(EndpointSlice),
        kinds::INGRESS => boxed!(Ingress),
        kinds::INGRESS_CLASS => Body::IngressClass,
        kinds::NETWORK_POLICY => boxed!(NetworkPolicy),
        kinds::GATEWAY_CLASS => boxed!(GatewayClass),
        kinds::GATEWAY => boxed!(Gateway),
        kinds::HTTP_ROUTE | kinds::GRPC_ROUTE => boxed!(Route),
        kinds::REFERENCE_GRANT => boxed!(ReferenceGrant),
        kinds::HPA => boxed!(Hpa),
        kinds::PDB => boxed!(Pdb),
        kinds::QUOTA => boxed!(Quota),
        kinds::ROLE_BINDING | kinds::CLUSTER_ROLE_BINDING => boxed!(Binding),
        kinds::CRD => boxed!(Crd),
        kinds::API_SERVICE => boxed!(ApiService),
        kinds::VALIDATING_WEBHOOK | kinds::MUTATING_WEBHOOK => boxed!(Webhooks),
        kinds::ADMISSION_POLICY => boxed!(AdmissionPolicy),
        kinds::LEASE => boxed!(Lease),
        kinds::CERTIFICATE => boxed!(Certificate),
        kinds::ISSUER | kinds::CLUSTER_ISSUER => boxed!(Issuer),
        kinds::CSI_DRIVER
        | kinds::LIMIT_RANGE
        | kinds::PRIORITY_CLASS
        | kinds::RUNTIME_CLASS
        | kinds::CLUSTER_TRUST_BUNDLE
        | kinds::ROLE
        | kinds::CLUSTER_ROLE => Body::Plain,
        _ => Body::Custom(Box::new(Custom::read(&input.read::<Value>()?))),
    })
}
