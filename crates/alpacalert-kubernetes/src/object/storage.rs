//! Volumes, and the configuration that is mounted like one.

use std::collections::BTreeMap;

use alpacalert_model::Timestamp;
use serde::Deserialize;

use super::{Condition, Present, pruned};

pruned! {
    Pvc {
        spec: PvcSpec,
        status: PvcStatus,
    }

    PvcSpec {
        storage_class_name: Option<Box<str>>,
        volume_name: Box<str>,
        access_modes: Vec<Box<str>>,
    }

    PvcStatus {
        phase: Box<str>,
        conditions: Vec<Condition>,
        allocated_resource_statuses: BTreeMap<Box<str>, Box<str>>,
    }

    Pv {
        spec: PvSpec,
        status: PvStatus,
    }

    PvSpec {
        storage_class_name: Box<str>,
        claim_ref: Option<ClaimRef>,
        csi: Option<Driver>,
    }

    ClaimRef {
        namespace: Box<str>,
        name: Box<str>,
        uid: Box<str>,
    }

    Driver { driver: Box<str> }

    PvStatus {
        phase: Box<str>,
        reason: Box<str>,
        message: Box<str>,
        last_phase_transition_time: Option<super::Time>,
    }

    StorageClass {
        provisioner: Box<str>,
        volume_binding_mode: Box<str>,
    }

    VolumeAttachment {
        spec: AttachmentSpec,
        status: AttachmentStatus,
    }

    AttachmentSpec {
        attacher: Box<str>,
        node_name: Box<str>,
        source: AttachmentSource,
    }

    AttachmentSource { persistent_volume_name: Box<str> }

    AttachmentStatus {
        attached: bool,
        attach_error: Option<AttachmentError>,
        detach_error: Option<AttachmentError>,
    }

    AttachmentError {
        message: Box<str>,
        time: Option<super::Time>,
    }

    CsiNode { spec: CsiNodeSpec }

    CsiNodeSpec { drivers: Vec<super::pod::LocalReference> }

    RawConfigMap {
        data: BTreeMap<Box<str>, Present>,
        binary_data: BTreeMap<Box<str>, Present>,
    }

    RawSecret {
        #[serde(rename = "type")]
        kind: Box<str>,
        data: Option<BTreeMap<Box<str>, Certificate>>,
    }
}

/// A ConfigMap or a Secret: the names of its keys, never what they hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Keys {
    /// The type of a Secret.
    pub(crate) kind: Box<str>,
    /// The keys; `None` when only the metadata may be read.
    pub(crate) keys: Option<Box<[Box<str>]>>,
    /// When the certificate of a TLS Secret ends.
    pub(crate) not_after: Option<Timestamp>,
    /// Whether the certificate of a TLS Secret could not be read.
    pub(crate) unreadable: bool,
}

impl Keys {
    /// Whether a key is there; `None` when the keys cannot be seen.
    pub(crate) fn has(&self, key: &str) -> Option<bool> {
        let keys = self.keys.as_ref()?;
        Some(keys.iter().any(|k| &**k == key))
    }
}

impl From<RawConfigMap> for Keys {
    fn from(raw: RawConfigMap) -> Self {
        let keys = raw.data.into_keys().chain(raw.binary_data.into_keys());
        Keys {
            keys: Some(keys.collect()),
            ..Keys::default()
        }
    }
}

impl From<RawSecret> for Keys {
    fn from(raw: RawSecret) -> Self {
        let mut secret = Keys {
            kind: raw.kind,
            ..Keys::default()
        };
        if &*secret.kind == "kubernetes.io/tls"
            && let Some(value) = raw.data.as_ref().and_then(|data| data.get("tls.crt"))
        {
            match value {
                Certificate::Until(end) => secret.not_after = Some(*end),
                Certificate::Other => secret.unreadable = true,
            }
        }
        // A Secret without data has no `data`: its keys are known, and there are none.
        secret.keys = Some(raw.data.unwrap_or_default().into_keys().collect());
        secret
    }
}

/// The value of a Secret's key, of which nothing is kept but the end of a certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum Certificate {
    Until(Timestamp),
    #[default]
    Other,
}

impl<'de> Deserialize<'de> for Certificate {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Ok(certificate_end(&text).map_or(Certificate::Other, Certificate::Until))
    }
}

/// When the first certificate ends of a PEM text that is written in base64.
pub(crate) fn certificate_end(base64: &str) -> Option<Timestamp> {
    use base64::Engine;
    // `LS0tLS1CRUdJTi` is `-----BEGIN ` in base64: nothing else can be a certificate, and most values are not.
    if !base64.starts_with("LS0tLS1CRUdJTi") {
        return None;
    }
    let text = base64.split_ascii_whitespace().collect::<String>();
    let pem = base64::engine::general_purpose::STANDARD
        .decode(text)
        .ok()?;
    let (_, pem) = x509_parser::pem::parse_x509_pem(&pem).ok()?;
    let certificate = pem.parse_x509().ok()?;
    Timestamp::from_second(certificate.validity().not_after.timestamp()).ok()
}
