//! Services, Ingresses and the Gateway API.

use super::{Condition, IntOrText, Labels, pruned};

pruned! {
    Service {
        spec: ServiceSpec,
        status: ServiceStatus,
    }

    ServiceSpec {
        #[serde(rename = "type")]
        kind: Box<str>,
        #[serde(rename = "clusterIP")]
        cluster_ip: Box<str>,
        selector: Labels,
        ports: Vec<ServicePort>,
        #[serde(rename = "externalIPs")]
        external_ips: Vec<Box<str>>,
        load_balancer_class: Box<str>,
        publish_not_ready_addresses: bool,
        external_name: Box<str>,
    }

    ServicePort {
        name: Box<str>,
        port: i64,
        target_port: Option<IntOrText>,
        protocol: Box<str>,
    }

    ServiceStatus {
        load_balancer: LoadBalancer,
        conditions: Vec<Condition>,
    }

    LoadBalancer { ingress: Vec<LoadBalancerAddress> }

    LoadBalancerAddress {
        ip: Box<str>,
        hostname: Box<str>,
        ports: Vec<PortStatus>,
    }

    PortStatus {
        port: i64,
        error: Box<str>,
    }

    EndpointSlice {
        endpoints: Vec<Endpoint>,
        ports: Option<Vec<EndpointPort>>,
    }

    Endpoint {
        conditions: EndpointConditions,
        target_ref: Option<TargetRef>,
        node_name: Box<str>,
    }

    EndpointConditions {
        ready: Option<bool>,
        serving: Option<bool>,
        terminating: Option<bool>,
    }

    TargetRef {
        kind: Box<str>,
        name: Box<str>,
        namespace: Box<str>,
        uid: Box<str>,
    }

    EndpointPort {
        name: Box<str>,
        port: Option<i64>,
    }

    Ingress {
        spec: IngressSpec,
        status: IngressStatus,
    }

    IngressSpec {
        ingress_class_name: Box<str>,
        default_backend: Option<IngressBackend>,
        rules: Vec<IngressRule>,
        tls: Vec<IngressTls>,
    }

    IngressTls {
        secret_name: Box<str>,
        hosts: Vec<Box<str>>,
    }

    IngressRule {
        host: Box<str>,
        http: Option<IngressHttp>,
    }

    IngressHttp { paths: Vec<IngressPath> }

    IngressPath {
        path: Box<str>,
        backend: IngressBackend,
    }

    IngressBackend {
        service: Option<IngressService>,
        resource: Option<TypedReference>,
    }

    IngressService {
        name: Box<str>,
        port: IngressPort,
    }

    IngressPort {
        name: Box<str>,
        number: i64,
    }

    TypedReference {
        api_group: Box<str>,
        kind: Box<str>,
        name: Box<str>,
    }

    IngressStatus { load_balancer: LoadBalancer }

    GatewayClass { status: ConditionsOnly }

    ConditionsOnly { conditions: Vec<Condition> }

    Gateway {
        spec: GatewaySpec,
        status: GatewayStatus,
    }

    GatewaySpec {
        gateway_class_name: Box<str>,
        listeners: Vec<Listener>,
    }

    Listener {
        name: Box<str>,
        tls: Option<ListenerTls>,
    }

    ListenerTls { certificate_refs: Vec<ObjectReference> }

    /// A reference of the Gateway API.
    ObjectReference {
        group: Option<Box<str>>,
        kind: Option<Box<str>>,
        name: Box<str>,
        namespace: Box<str>,
        section_name: Box<str>,
        port: Option<i64>,
    }

    GatewayStatus {
        conditions: Vec<Condition>,
        listeners: Vec<ListenerStatus>,
    }

    ListenerStatus {
        name: Box<str>,
        conditions: Vec<Condition>,
    }

    Route {
        spec: RouteSpec,
        status: RouteStatus,
    }

    RouteSpec {
        parent_refs: Vec<ObjectReference>,
        rules: Vec<RouteRule>,
    }

    RouteRule { backend_refs: Vec<ObjectReference> }

    RouteStatus { parents: Vec<RouteParent> }

    RouteParent {
        parent_ref: ObjectReference,
        conditions: Vec<Condition>,
    }

    ReferenceGrant { spec: GrantSpec }

    GrantSpec {
        from: Vec<GrantFrom>,
        to: Vec<GrantTo>,
    }

    GrantFrom {
        group: Box<str>,
        kind: Box<str>,
        namespace: Box<str>,
    }

    GrantTo {
        group: Box<str>,
        kind: Box<str>,
        name: Option<Box<str>>,
    }
}
