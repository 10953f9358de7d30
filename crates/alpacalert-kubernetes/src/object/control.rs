//! Nodes, namespaces, and what extends the API itself.

use super::{Condition, Present, Time, pruned};

pruned! {
    Node {
        spec: NodeSpec,
        status: NodeStatus,
    }

    NodeSpec {
        unschedulable: bool,
        taints: Vec<Taint>,
    }

    Taint {
        key: Box<str>,
        value: Box<str>,
        effect: Box<str>,
    }

    NodeStatus { conditions: Vec<Condition> }

    Namespace { status: NamespaceStatus }

    NamespaceStatus {
        phase: Box<str>,
        conditions: Vec<Condition>,
    }

    Lease { spec: LeaseSpec }

    LeaseSpec {
        renew_time: Option<Time>,
        lease_duration_seconds: Option<i64>,
    }

    /// A Service that a webhook, an aggregated API or a conversion calls.
    ServiceReference {
        namespace: Box<str>,
        name: Box<str>,
        port: Option<i64>,
    }

    ApiService {
        spec: ApiServiceSpec,
        status: super::network::ConditionsOnly,
    }

    ApiServiceSpec { service: Option<ServiceReference> }

    Crd {
        spec: CrdSpec,
        status: CrdStatus,
    }

    CrdSpec {
        group: Box<str>,
        names: CrdNames,
        scope: Box<str>,
        versions: Vec<CrdVersion>,
        conversion: Option<Conversion>,
    }

    CrdNames {
        kind: Box<str>,
        plural: Box<str>,
        short_names: Vec<Box<str>>,
    }

    CrdVersion {
        name: Box<str>,
        served: bool,
        storage: bool,
        subresources: Option<Subresources>,
        schema: Option<Schema>,
    }

    Subresources { status: Option<Present> }

    Schema {
        #[serde(rename = "openAPIV3Schema")]
        open_api: Option<RootSchema>,
    }

    RootSchema { properties: RootProperties }

    RootProperties { status: Option<StatusSchema> }

    StatusSchema { properties: StatusProperties }

    StatusProperties { conditions: Option<Present> }

    Conversion {
        strategy: Box<str>,
        webhook: Option<ConversionWebhook>,
    }

    ConversionWebhook { client_config: Option<ClientConfig> }

    ClientConfig {
        url: Option<Box<str>>,
        service: Option<ServiceReference>,
        ca_bundle: Option<CaBundle>,
    }

    CrdStatus {
        conditions: Vec<Condition>,
        stored_versions: Vec<Box<str>>,
    }

    Webhooks { webhooks: Vec<Webhook> }

    Webhook {
        name: Box<str>,
        failure_policy: Box<str>,
        client_config: ClientConfig,
    }

    AdmissionPolicy { status: AdmissionPolicyStatus }

    AdmissionPolicyStatus { type_checking: Option<TypeChecking> }

    TypeChecking { expression_warnings: Vec<ExpressionWarning> }

    ExpressionWarning {
        field_ref: Box<str>,
        warning: Box<str>,
    }

    Certificate {
        spec: CertificateSpec,
        status: CertificateStatus,
    }

    CertificateSpec {
        secret_name: Box<str>,
        issuer_ref: IssuerReference,
    }

    IssuerReference {
        name: Box<str>,
        kind: Box<str>,
        group: Box<str>,
    }

    CertificateStatus {
        conditions: Vec<Condition>,
        not_after: Option<Time>,
        renewal_time: Option<Time>,
        failed_issuance_attempts: i64,
        last_failure_time: Option<Time>,
    }

    Issuer { status: super::network::ConditionsOnly }
}

/// The authorities that a webhook's certificate is held against: how many bytes, and when the first one ends.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct CaBundle {
    /// Whether there is one at all.
    pub(crate) present: bool,
    /// When the first certificate ends.
    pub(crate) not_after: Option<alpacalert_model::Timestamp>,
}

impl<'de> serde::Deserialize<'de> for CaBundle {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Ok(CaBundle {
            present: !text.is_empty(),
            not_after: super::storage::certificate_end(&text),
        })
    }
}
