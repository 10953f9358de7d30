//! Services, Ingresses and the Gateway API.

use crate::support::*;

const SVC: &str = "Service/shop/web";

fn service(spec: &str, rest: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: web, namespace: shop, uid: svc, creationTimestamp: '{{ago 9000}}'}}\nspec: {{{spec}}}\n{rest}"
    )
}

fn slice(endpoints: &str, ports: &str) -> String {
    format!(
        "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {{name: web-1, namespace: shop, uid: slice, labels: {{kubernetes.io/service-name: web}}}}\nendpoints: [{endpoints}]\nports: [{ports}]\n"
    )
}

fn endpoint(pod: &str, conditions: &str) -> String {
    format!(
        "{{conditions: {{{conditions}}}, targetRef: {{kind: Pod, name: {pod}, namespace: shop, uid: pod-{pod}}}}}"
    )
}

const SELECTS: &str = "selector: {app: web}, ports: [{port: 80}]";
const PORT: &str = "{name: '', port: 8080}";
const LABEL: &str = ", labels: {app: web}";

#[test]
fn endpoints() {
    let ready = slice(&endpoint("a", "ready: true"), PORT);
    case(
        "SVC-1",
        &service("type: ExternalName, externalName: example.com", ""),
        SVC,
        P,
        "external-name",
    );
    case(
        "SVC-2",
        &docs(&[&service(SELECTS, ""), &ready]),
        SVC,
        P,
        "ok",
    );
    // An absent condition is the API's default, true.
    case(
        "SVC-2",
        &docs(&[&service(SELECTS, ""), &slice(&endpoint("a", ""), PORT)]),
        SVC,
        P,
        "ok",
    );
    let none = slice(&endpoint("a", "ready: false"), PORT);
    case(
        "SVC-2",
        &docs(&[&service(SELECTS, ""), &none]),
        SVC,
        F,
        "no-endpoints",
    );
    case(
        "SVC-2",
        &docs(&[
            &service(SELECTS, ""),
            &slice(
                &endpoint("a", "ready: false, serving: true, terminating: true"),
                PORT,
            ),
        ]),
        SVC,
        D,
        "only-terminating",
    );
    let mixed = slice(
        &format!(
            "{}, {}",
            endpoint("a", "ready: true"),
            endpoint("b", "ready: false")
        ),
        PORT,
    );
    case(
        "SVC-3",
        &docs(&[&service(SELECTS, ""), &mixed]),
        SVC,
        P,
        "some-not-ready",
    );
    let always = docs(&[
        &service("selector: {app: web}, publishNotReadyAddresses: true", ""),
        &none,
    ]);
    // "SVC-7"
    case("SVC-2", &always, SVC, P, "ok");
    let other = slice("", PORT).replace("service-name: web", "service-name: other");
    case(
        "SVC-4",
        &docs(&[&service("clusterIP: None", ""), &other]),
        SVC,
        P,
        "unmanaged",
    );
    case(
        "SVC-4",
        &docs(&[&service("clusterIP: 10.0.0.1", ""), &other]),
        SVC,
        U,
        "unmanaged",
    );
    let fresh = service(SELECTS, "").replace("{ago 9000}", "{ago 9}");
    case("SVC-2", &docs(&[&fresh, &other]), SVC, U, "progressing");
    case(
        "SVC-2",
        &docs(&[&service(SELECTS, ""), &other]),
        SVC,
        F,
        "no-endpoints",
    );
    case("SVC-2", &service(SELECTS, ""), SVC, U, "not-in-dump");
}

#[test]
fn a_service_of_a_workload_without_replicas() {
    let zero = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop, generation: 1}\nspec: {replicas: 0, template: {metadata: {labels: {app: web}}}}\nstatus: {observedGeneration: 1}\n";
    case(
        "SVC-2",
        &docs(&[&service(SELECTS, ""), &slice("", PORT), zero]),
        SVC,
        D,
        "scaled-to-zero",
    );
}

/// `kubectl get all -o yaml` has no EndpointSlices: then the selector tells, with pods that are ready.
#[test]
fn without_slices_the_selector_tells() {
    case(
        "SVC-2",
        &docs(&[&service(SELECTS, ""), &ready_pod("a", LABEL)]),
        SVC,
        P,
        "ok",
    );
    case(
        "SVC-2",
        &docs(&[&service(SELECTS, ""), &crashing_pod("a", LABEL)]),
        SVC,
        F,
        "no-endpoints",
    );
}

#[test]
fn ports() {
    let named = "selector: {app: web}, ports: [{name: http, port: 80, targetPort: http}]";
    let with = |ports: &str| {
        docs(&[
            &service(named, ""),
            &slice(&endpoint("a", "ready: true"), ports),
        ])
    };
    quiet("SVC-5", &with("{name: http, port: 8080}"), SVC);
    case(
        "SVC-5",
        &with("{name: other, port: 8080}"),
        SVC,
        F,
        "port-not-served",
    );
    case("SVC-5", &with(""), SVC, F, "port-not-served");
}

#[test]
fn load_balancers() {
    let lb = |age: i64, extra: &str, status: &str| {
        let yaml = service(
            &format!("type: LoadBalancer, {SELECTS}{extra}"),
            &format!("status: {{{status}}}\n"),
        );
        docs(&[
            &yaml.replace("{ago 9000}", &format!("{{ago {age}}}")),
            &slice(&endpoint("a", "ready: true"), PORT),
        ])
    };
    case(
        "SVC-6",
        &lb(9000, "", "loadBalancer: {ingress: [{ip: 192.0.2.1}]}"),
        SVC,
        P,
        "ok",
    );
    case("SVC-6", &lb(599, "", ""), SVC, U, "progressing");
    case("SVC-6", &lb(600, "", ""), SVC, F, "no-address");
    case(
        "SVC-6",
        &lb(9000, ", externalIPs: [192.0.2.9]", ""),
        SVC,
        P,
        "external-addresses",
    );
    case(
        "SVC-6",
        &lb(9000, ", loadBalancerClass: example.com/none", ""),
        SVC,
        P,
        "class-publishes-nothing",
    );
    case(
        "SVC-6",
        &lb(
            9000,
            "",
            "loadBalancer: {ingress: [{ip: 192.0.2.1, ports: [{port: 80, error: NoHealthCheck}]}]}",
        ),
        SVC,
        F,
        "load-balancer-port-error",
    );
    case(
        "SVC-6",
        &lb(
            9000,
            "",
            "loadBalancer: {ingress: [{ip: 192.0.2.1}]}, conditions: [{type: LoadBalancerPortsError, status: 'True'}]",
        ),
        SVC,
        F,
        "load-balancer-ports-error",
    );
}

const ING: &str = "Ingress/shop/web";

fn ingress(name: &str, age: i64, spec: &str, status: &str) -> String {
    format!(
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: {name}, namespace: shop, uid: ing-{name}, creationTimestamp: '{{ago {age}}}'}}\nspec: {{{spec}}}\nstatus: {{{status}}}\n"
    )
}

const CLASS: &str =
    "apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: nginx}\n";
const ADDRESS: &str = "loadBalancer: {ingress: [{ip: 192.0.2.1}]}";

#[test]
fn ingress_classes() {
    case(
        "ING-1",
        &docs(&[&ingress("web", 9, "ingressClassName: nginx", ""), CLASS]),
        ING,
        P,
        "exists",
    );
    case(
        "ING-1",
        &docs(&[&ingress("web", 9, "ingressClassName: gone", ""), CLASS]),
        ING,
        F,
        "missing",
    );
    case(
        "ING-1",
        &docs(&[&ingress("web", 9, "", ""), CLASS]),
        ING,
        U,
        "no-class",
    );
    let default = CLASS.replace(
        "name: nginx",
        "name: nginx, annotations: {ingressclass.kubernetes.io/is-default-class: 'true'}",
    );
    case(
        "ING-1",
        &docs(&[&ingress("web", 9, "", ""), &default]),
        ING,
        P,
        "ok",
    );
    let annotated = ingress("web", 9, "", "").replace(
        "uid: ing-web",
        "uid: i, annotations: {kubernetes.io/ingress.class: gce}",
    );
    case("ING-1", &docs(&[&annotated, CLASS]), ING, P, "ok");
}

/// C-03: whether a controller writes addresses at all is told by the other Ingresses of its class.
#[test]
fn c03_an_ingress_without_address_is_judged_by_its_peers() {
    let mine = |age: i64| ingress("web", age, "ingressClassName: nginx", "");
    let peer = |class: &str, status: &str| {
        ingress("peer", 9000, &format!("ingressClassName: {class}"), status)
    };
    case(
        "ING-2",
        &docs(&[
            &ingress("web", 9, "ingressClassName: nginx", ADDRESS),
            CLASS,
        ]),
        ING,
        P,
        "ok",
    );
    case(
        "ING-2",
        &docs(&[&mine(299), CLASS, &peer("nginx", ADDRESS)]),
        ING,
        U,
        "progressing",
    );
    case(
        "ING-2",
        &docs(&[&mine(300), CLASS, &peer("nginx", ADDRESS)]),
        ING,
        F,
        "no-address",
    );
    case(
        "ING-2",
        &docs(&[&mine(300), CLASS, &peer("nginx", "")]),
        ING,
        P,
        "class-publishes-nothing",
    );
    case(
        "ING-2",
        &docs(&[&mine(300), CLASS, &peer("other", ADDRESS)]),
        ING,
        P,
        "class-publishes-nothing",
    );
}

fn web_service() -> String {
    service(
        "type: ClusterIP, selector: {app: web}, ports: [{name: http, port: 80}]",
        "",
    )
}

#[test]
fn ingress_paths() {
    let to = |backend: &str| {
        ingress(
            "web",
            9000,
            &format!(
                "ingressClassName: nginx, rules: [{{host: shop.example.com, http: {{paths: [{{path: /cart, backend: {{{backend}}}}}]}}}}]"
            ),
            ADDRESS,
        )
    };
    let path = "Ingress#path/shop/web/shop.example.com/cart";
    let good = slice(&endpoint("a", "ready: true"), "{name: http, port: 8080}");
    let with = |backend: &str| docs(&[&to(backend), CLASS, &web_service(), &good]);
    case(
        "ING-3",
        &with("service: {name: web, port: {number: 80}}"),
        path,
        P,
        "ok",
    );
    case(
        "ING-3",
        &with("service: {name: web, port: {name: http}}"),
        path,
        P,
        "ok",
    );
    case(
        "ING-3",
        &with("service: {name: web, port: {number: 81}}"),
        path,
        F,
        "missing-port",
    );
    case(
        "ING-3",
        &with("service: {name: web, port: {name: other}}"),
        path,
        F,
        "missing-port",
    );
    // A port without a name is not the port of every Service whose port has none.
    let nameless = docs(&[
        &to("service: {name: web, port: {number: 81}}"),
        CLASS,
        &service(SELECTS, ""),
        &good,
    ]);
    case("ING-3", &nameless, path, F, "missing-port");
    let gone = world(&with("service: {name: gone, port: {number: 80}}"));
    gone.expect("Service/shop/gone", F);
    gone.expect(ING, F);
    case(
        "ING-3",
        &with("resource: {apiGroup: example.com, kind: Bucket, name: static}"),
        path,
        U,
        "not-in-dump",
    );
    case("ING-3", &with(""), path, F, "no-backend");
    // The Service's own trouble is the path's.
    let down = docs(&[
        &to("service: {name: web, port: {number: 80}}"),
        CLASS,
        &web_service(),
        &slice(&endpoint("a", "ready: false"), "{name: http, port: 8080}"),
    ]);
    world(&down).expect(ING, F);
}

#[test]
fn ingresses_with_a_default_backend_alone_and_rules_without_paths() {
    let default = ingress(
        "web",
        9000,
        "ingressClassName: nginx, defaultBackend: {service: {name: gone, port: {number: 80}}}, rules: [{host: a}]",
        ADDRESS,
    );
    let world = world(&docs(&[&default, CLASS, &web_service()]));
    world.expect("Service/shop/gone", F);
    world.expect(ING, F);
}

/// "ING-4"
#[test]
fn ingress_certificates() {
    let tls = |name: &str| {
        ingress(
            "web",
            9000,
            &format!("ingressClassName: nginx, tls: [{{hosts: [a], secretName: {name}}}]"),
            ADDRESS,
        )
    };
    let other = "apiVersion: v1\nkind: Secret\nmetadata: {name: other, namespace: shop}\n";
    world(&docs(&[&tls("gone"), CLASS, other])).expect(ING, F);
    world(&docs(&[&tls("other"), CLASS, other])).expect(ING, P);
    world(&docs(&[&tls("''"), CLASS, other])).expect(ING, P);
}

const GATEWAY: &str = "Gateway/shop/gw";

fn gateway(status: &str) -> String {
    format!(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {{name: gw, namespace: shop, uid: gw, generation: 2, creationTimestamp: '{{ago 9000}}'}}\nspec: {{gatewayClassName: g, listeners: [{{name: https, tls: {{certificateRefs: [{{name: tls}}]}}}}, {{name: http}}]}}\nstatus: {{{status}}}\n"
    )
}

const GOOD: &str =
    "conditions: [{type: Accepted, status: 'True'}, {type: Programmed, status: 'True'}]";
const LISTENER: &str = "conditions: [{type: Accepted, status: 'True'}, {type: Programmed, status: 'True'}, {type: ResolvedRefs, status: 'True'}]";

#[test]
fn gateways() {
    let class = |status: &str| {
        format!(
            "apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: {{name: g, generation: 1}}\nstatus: {{{status}}}\n"
        )
    };
    case(
        "GWC-1",
        &class("conditions: [{type: Accepted, status: 'True'}]"),
        "GatewayClass/g",
        P,
        "ok",
    );
    case(
        "GWC-1",
        &class("conditions: [{type: Accepted, status: 'False', reason: InvalidParameters}]"),
        "GatewayClass/g",
        F,
        "invalid-parameters",
    );
    case(
        "GWC-1",
        &class("conditions: [{type: Accepted, status: 'True', observedGeneration: 0}]"),
        "GatewayClass/g",
        U,
        "not-reported",
    );
    case("GW-1", &gateway(GOOD), GATEWAY, P, "ok");
    case(
        "GW-1",
        &gateway(&GOOD.replace(
            "Accepted, status: 'True'",
            "Accepted, status: 'False', reason: Invalid",
        )),
        GATEWAY,
        F,
        "invalid",
    );
    case(
        "GW-1",
        &gateway(&GOOD.replace("type: Accepted", "observedGeneration: 1, type: Accepted")),
        GATEWAY,
        U,
        "not-reported",
    );
    case("GW-2", &gateway(GOOD), GATEWAY, P, "ok");
    let no_address = |since: i64| {
        gateway(&GOOD.replace("Programmed, status: 'True'", &format!("Programmed, status: 'False', reason: AddressNotAssigned, lastTransitionTime: '{{ago {since}}}'")))
    };
    case("GW-2", &no_address(299), GATEWAY, U, "address-not-assigned");
    case("GW-2", &no_address(300), GATEWAY, F, "address-not-assigned");
    let listeners = |https: &str| {
        gateway(&format!(
            "{GOOD}, listeners: [{{name: https, {https}}}, {{name: http, {LISTENER}}}]"
        ))
    };
    let https = "Gateway#listener/shop/gw/https";
    case("GWL-1", &listeners(LISTENER), https, P, "ok");
    case(
        "GWL-1",
        &listeners(&LISTENER.replace(
            "conditions: [",
            "conditions: [{type: Conflicted, status: 'True', reason: HostnameConflict}, ",
        )),
        https,
        F,
        "conflicted",
    );
    case("GWL-1", &gateway(GOOD), https, U, "not-reported");
    let classes = class("conditions: [{type: Accepted, status: 'True'}]");
    let tls = "apiVersion: v1\nkind: Secret\nmetadata: {name: tls, namespace: shop}\n";
    world(&docs(&[&listeners(LISTENER), &classes, tls])).expect(GATEWAY, P);
    // One of two listeners works.
    let half = world(&docs(&[
        &listeners(&LISTENER.replace(
            "ResolvedRefs, status: 'True'",
            "ResolvedRefs, status: 'False', reason: X",
        )),
        &classes,
        tls,
    ]));
    half.expect(https, F);
    half.expect(GATEWAY, D);
}

#[test]
fn routes() {
    let route = |spec: &str, status: &str| {
        format!(
            "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {{name: r, namespace: shop, generation: 1}}\nspec: {{parentRefs: [{{name: gw}}]{spec}}}\nstatus: {{parents: [{status}]}}\n"
        )
    };
    let path = "HTTPRoute/shop/r";
    let taken = "{parentRef: {name: gw}, conditions: [{type: Accepted, status: 'True'}, {type: ResolvedRefs, status: 'True'}]}";
    case("RT-1", &route("", taken), path, P, "ok");
    case("RT-1", &route("", ""), path, U, "not-reported");
    case(
        "RT-1",
        &route(
            "",
            &taken.replace(
                "Accepted, status: 'True'",
                "Accepted, status: 'False', reason: NotAllowedByListeners",
            ),
        ),
        path,
        F,
        "not-accepted",
    );
    case(
        "RT-1",
        &route(
            "",
            &taken.replace(
                "conditions: [",
                "conditions: [{type: PartiallyInvalid, status: 'True'}, ",
            ),
        ),
        path,
        D,
        "partially-invalid",
    );
    let two = route(
        "",
        &format!(
            "{taken}, {}",
            taken
                .replace("name: gw", "name: other")
                .replace("Accepted, status: 'True'", "Accepted, status: 'False'")
        ),
    )
    .replace("[{name: gw}]", "[{name: gw}, {name: other}]");
    case("RT-1", &two, path, D, "partly-refused");
    let backends = route(
        ", rules: [{backendRefs: [{name: web, namespace: infra}]}]",
        taken,
    );
    let grant = |to: &str| {
        format!(
            "apiVersion: gateway.networking.k8s.io/v1beta1\nkind: ReferenceGrant\nmetadata: {{name: g, namespace: infra}}\nspec: {{from: [{{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: shop}}], to: [{{group: '', kind: Service, name: {to}}}]}}\n"
        )
    };
    case(
        "RT-2",
        &docs(&[&backends, &grant("other")]),
        path,
        F,
        "ref-not-permitted",
    );
    quiet("RT-2", &docs(&[&backends, &grant("web")]), path);
    case("RT-2", &backends, path, U, "not-in-dump");
}
