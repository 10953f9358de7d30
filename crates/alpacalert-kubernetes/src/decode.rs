//! From the text of the API to objects. A malformed object becomes one that says so, and never stops the others.

use std::collections::HashSet;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::kinds::{self, kind_text};
use crate::object::pod::{PodSpec, RawPod};
use crate::object::{Body, Meta, Object, custom::Custom, pruned, storage};

/// The most bytes of one object that are read; etcd holds 1.5 MiB, and what is larger came from elsewhere.
pub(crate) const MAX_OBJECT_BYTES: usize = 8 * 1024 * 1024;
/// The longest annotation that is kept.
const MAX_ANNOTATION_BYTES: usize = 512;

pruned! {
    TypeMeta {
        api_version: Box<str>,
        kind: Box<str>,
    }

    MetaOnly { metadata: Meta }
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
    specs: Specs,
}

/// Specifications that many pods share, kept once.
#[derive(Debug, Default)]
struct Specs {
    known: HashSet<Arc<PodSpec>>,
    /// How many there may be before those that nobody uses any more are let go.
    limit: usize,
}

impl Specs {
    fn share(&mut self, spec: PodSpec) -> Arc<PodSpec> {
        if let Some(known) = self.known.get(&spec) {
            return known.clone();
        }
        if self.known.len() >= self.limit {
            self.known.retain(|spec| Arc::strong_count(spec) > 1);
            self.limit = (self.known.len() * 2).max(64);
        }
        let spec = Arc::new(spec);
        self.known.insert(spec.clone());
        spec
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
        let text = raw.get();
        let types: TypeMeta = serde_json::from_str(text)
            .map_err(|error| NotAnObject(format!("it is not an object: {error}")))?;
        let input = Input::Text(text);
        self.object(&input, &types, expected)
    }

    /// Reads an object from a value.
    pub(crate) fn value(
        &mut self,
        value: Value,
        expected: Option<(&str, &str)>,
    ) -> Result<Object, NotAnObject> {
        let types = TypeMeta::deserialize(&value)
            .map_err(|error| NotAnObject(format!("it is not an object: {error}")))?;
        self.object(&Input::Value(value), &types, expected)
    }

    fn object(
        &mut self,
        input: &Input<'_>,
        types: &TypeMeta,
        expected: Option<(&str, &str)>,
    ) -> Result<Object, NotAnObject> {
        let (api_version, kind) = match expected {
            Some(expected) if types.kind.is_empty() => expected,
            _ => (&*types.api_version, &*types.kind),
        };
        if kind.is_empty() || !is_type_name(kind) {
            return Err(NotAnObject("it names no kind".to_owned()));
        }
        let (mut meta, fault) = match input.read::<MetaOnly>() {
            Ok(read) => (read.metadata, None),
            // Its name may still be legible: then the object is Unknown instead of lost.
            Err(error) => (input.salvage_meta(), Some(error)),
        };
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
        Ok(Object {
            reference: kinds::reference(&meta.namespace, &meta.name).into(),
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

fn body(kind: &str, input: &Input<'_>, specs: &mut Specs) -> Result<Body, serde_json::Error> {
    macro_rules! boxed {
        ($variant:ident) => {
            Body::$variant(Box::new(input.read()?))
        };
    }
    Ok(match kind {
        kinds::POD => {
            let raw: RawPod = input.read()?;
            Body::Pod(Box::new(raw.shared(|spec| specs.share(spec))))
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
