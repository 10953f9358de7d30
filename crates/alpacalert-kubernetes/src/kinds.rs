//! The kinds of Kubernetes by name: how they are written here, in the API, and on a command line.

use std::collections::HashMap;
use std::sync::LazyLock;

/// The domain of the kinds that every cluster has, and of the Gateway API.
pub(crate) const DOMAIN: &str = "kubernetes.io";

/// A kind of object that is listed and watched.
#[derive(Debug)]
pub(crate) struct Resource {
    /// How it is written here: `kubernetes.io/Pod`.
    pub(crate) kind: &'static str,
    /// The API group; empty for the core group.
    pub(crate) group: &'static str,
    /// The version that is asked for.
    pub(crate) version: &'static str,
    /// The plural of the API: `pods`.
    pub(crate) plural: &'static str,
    /// Whether its objects live in namespaces.
    pub(crate) namespaced: bool,
    /// Short words for it on a command line.
    pub(crate) short: &'static [&'static str],
    /// Whether a cluster may do without it: then its absence says nothing.
    pub(crate) optional: bool,
}

macro_rules! resources {
    ($($name:ident = $kind:literal $group:literal $version:literal $plural:literal $scope:ident [$($short:literal),*] $($optional:ident)?;)*) => {
        $(pub(crate) const $name: &str = concat!("kubernetes.io/", $kind);)*
        /// The kinds that every cluster has, those of the Gateway API, in the order of the documentation.
        pub(crate) static RESOURCES: &[Resource] = &[
            $(Resource {
                kind: $name,
                group: $group,
                version: $version,
                plural: $plural,
                namespaced: resources!(@scope $scope),
                short: &[$($short),*],
                optional: resources!(@optional $($optional)?),
            },)*
        ];
    };
    (@scope namespaced) => { true };
    (@scope cluster) => { false };
    (@optional optional) => { true };
    (@optional) => { false };
}

resources! {
    POD = "Pod" "" "v1" "pods" namespaced ["po"];
    REPLICA_SET = "ReplicaSet" "apps" "v1" "replicasets" namespaced ["rs"];
    DEPLOYMENT = "Deployment" "apps" "v1" "deployments" namespaced ["deploy"];
    STATEFUL_SET = "StatefulSet" "apps" "v1" "statefulsets" namespaced ["sts"];
    DAEMON_SET = "DaemonSet" "apps" "v1" "daemonsets" namespaced ["ds"];
    JOB = "Job" "batch" "v1" "jobs" namespaced [];
    CRON_JOB = "CronJob" "batch" "v1" "cronjobs" namespaced ["cj"];
    NODE = "Node" "" "v1" "nodes" cluster ["no"];
    NAMESPACE = "Namespace" "" "v1" "namespaces" cluster ["ns"];
    PVC = "PersistentVolumeClaim" "" "v1" "persistentvolumeclaims" namespaced ["pvc"];
    PV = "PersistentVolume" "" "v1" "persistentvolumes" cluster ["pv"];
    STORAGE_CLASS = "StorageClass" "storage.k8s.io" "v1" "storageclasses" cluster ["sc"];
    VOLUME_ATTACHMENT = "VolumeAttachment" "storage.k8s.io" "v1" "volumeattachments" cluster [];
    CSI_DRIVER = "CSIDriver" "storage.k8s.io" "v1" "csidrivers" cluster [];
    CSI_NODE = "CSINode" "storage.k8s.io" "v1" "csinodes" cluster [];
    CONFIG_MAP = "ConfigMap" "" "v1" "configmaps" namespaced ["cm"];
    SECRET = "Secret" "" "v1" "secrets" namespaced [];
    SERVICE_ACCOUNT = "ServiceAccount" "" "v1" "serviceaccounts" namespaced ["sa"];
    SERVICE = "Service" "" "v1" "services" namespaced ["svc"];
    ENDPOINT_SLICE = "EndpointSlice" "discovery.k8s.io" "v1" "endpointslices" namespaced [];
    INGRESS = "Ingress" "networking.k8s.io" "v1" "ingresses" namespaced ["ing"];
    INGRESS_CLASS = "IngressClass" "networking.k8s.io" "v1" "ingressclasses" cluster [];
    NETWORK_POLICY = "NetworkPolicy" "networking.k8s.io" "v1" "networkpolicies" namespaced ["netpol"];
    HPA = "HorizontalPodAutoscaler" "autoscaling" "v2" "horizontalpodautoscalers" namespaced ["hpa"];
    PDB = "PodDisruptionBudget" "policy" "v1" "poddisruptionbudgets" namespaced ["pdb"];
    QUOTA = "ResourceQuota" "" "v1" "resourcequotas" namespaced ["quota"];
    LIMIT_RANGE = "LimitRange" "" "v1" "limitranges" namespaced ["limits"];
    PRIORITY_CLASS = "PriorityClass" "scheduling.k8s.io" "v1" "priorityclasses" cluster ["pc"];
    RUNTIME_CLASS = "RuntimeClass" "node.k8s.io" "v1" "runtimeclasses" cluster [];
    CLUSTER_TRUST_BUNDLE = "ClusterTrustBundle" "certificates.k8s.io" "v1beta1" "clustertrustbundles" cluster [] optional;
    ROLE = "Role" "rbac.authorization.k8s.io" "v1" "roles" namespaced [];
    CLUSTER_ROLE = "ClusterRole" "rbac.authorization.k8s.io" "v1" "clusterroles" cluster [];
    ROLE_BINDING = "RoleBinding" "rbac.authorization.k8s.io" "v1" "rolebindings" namespaced [];
    CLUSTER_ROLE_BINDING = "ClusterRoleBinding" "rbac.authorization.k8s.io" "v1" "clusterrolebindings" cluster [];
    CRD = "CustomResourceDefinition" "apiextensions.k8s.io" "v1" "customresourcedefinitions" cluster ["crd"];
    API_SERVICE = "APIService" "apiregistration.k8s.io" "v1" "apiservices" cluster [];
    VALIDATING_WEBHOOK = "ValidatingWebhookConfiguration" "admissionregistration.k8s.io" "v1" "validatingwebhookconfigurations" cluster [];
    MUTATING_WEBHOOK = "MutatingWebhookConfiguration" "admissionregistration.k8s.io" "v1" "mutatingwebhookconfigurations" cluster [];
    ADMISSION_POLICY = "ValidatingAdmissionPolicy" "admissionregistration.k8s.io" "v1" "validatingadmissionpolicies" cluster [] optional;
    LEASE = "Lease" "coordination.k8s.io" "v1" "leases" namespaced [];
    GATEWAY_CLASS = "GatewayClass" "gateway.networking.k8s.io" "v1" "gatewayclasses" cluster ["gc"] optional;
    GATEWAY = "Gateway" "gateway.networking.k8s.io" "v1" "gateways" namespaced ["gtw"] optional;
    HTTP_ROUTE = "HTTPRoute" "gateway.networking.k8s.io" "v1" "httproutes" namespaced [] optional;
    GRPC_ROUTE = "GRPCRoute" "gateway.networking.k8s.io" "v1" "grpcroutes" namespaced [] optional;
    REFERENCE_GRANT = "ReferenceGrant" "gateway.networking.k8s.io" "v1beta1" "referencegrants" namespaced ["refgrant"] optional;
}

/// The whole cluster, which is no object of the API.
pub(crate) const CLUSTER: &str = "kubernetes.io/Cluster";
/// cert-manager's certificate.
pub(crate) const CERTIFICATE: &str = "cert-manager.io/Certificate";
/// cert-manager's issuer of one namespace.
pub(crate) const ISSUER: &str = "cert-manager.io/Issuer";
/// cert-manager's issuer of all namespaces.
pub(crate) const CLUSTER_ISSUER: &str = "cert-manager.io/ClusterIssuer";

/// Groups without a table entry of their own whose kinds belong to every cluster all the same.
const OTHER_GROUPS: &[&str] = &[
    "events.k8s.io",
    "flowcontrol.apiserver.k8s.io",
    "resource.k8s.io",
];

/// The group of an `apiVersion`: `apps` of `apps/v1`, nothing of `v1`.
pub(crate) fn group_of(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}

/// How a kind of the API is written here. Kinds of a cluster's own groups stand in `kubernetes.io`; every other group is a
/// namespace of its own, since two groups may name their kinds alike.
pub(crate) fn kind_text(group: &str, kind: &str) -> String {
    let domain = if group.is_empty()
        || RESOURCES.iter().any(|resource| resource.group == group)
        || OTHER_GROUPS.contains(&group)
    {
        DOMAIN
    } else {
        group
    };
    format!("{domain}/{kind}")
}

/// The table entry of a kind, if it has one.
pub(crate) fn resource(kind: &str) -> Option<&'static Resource> {
    static BY_KIND: LazyLock<HashMap<&str, &Resource>> = LazyLock::new(|| {
        let known = RESOURCES.iter();
        known.map(|resource| (resource.kind, resource)).collect()
    });
    BY_KIND.get(kind).copied()
}

/// The name of a kind without its domain: `Pod`.
pub(crate) fn short_name(kind: &str) -> &str {
    kind.rsplit_once('/').map_or(kind, |(_, name)| name)
}

/// What stands for an object beside its kind: `namespace/name`, or `name` when it is in no namespace.
pub(crate) fn reference(namespace: &str, name: &str) -> String {
    if namespace.is_empty() {
        name.to_owned()
    } else {
        format!("{namespace}/{name}")
    }
}
