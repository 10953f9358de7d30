//! Ingresses: ING-1 to ING-4.

use alpacalert_model::Effect;

use super::Judge;
use crate::cluster::Lookup;
use crate::kinds::{self, kind_text};
use crate::object::network::{Ingress, IngressBackend, IngressPort, Service};
use crate::object::{Body, Object};
use crate::options::INGRESS_ADDRESS;

const CLASS: &str = "kubernetes.io/ingress.class";
const DEFAULT_CLASS: &str = "ingressclass.kubernetes.io/is-default-class";
/// Names that controllers know without an IngressClass object.
const KNOWN_CLASSES: &[&str] = &[
    "gce",
    "gce-internal",
    "alb",
    "nginx",
    "traefik",
    "haproxy",
    "kong",
    "contour",
];
/// The name of the path that stands for `spec.defaultBackend`.
const DEFAULT_BACKEND: &str = "default backend";

pub(super) fn ingress(judge: &mut Judge<'_>, ingress: &Ingress) {
    if judge.looks_around() {
        class(judge, ingress);
    }
    address(judge, ingress);
    if !judge.looks_around() {
        return;
    }
    for (name, _) in backends(ingress) {
        judge.link_part("path", &name, Effect::Required);
    }
    for tls in ingress
        .spec
        .tls
        .iter()
        .filter(|tls| !tls.secret_name.is_empty())
    {
        judge.refer(
            kinds::SECRET,
            judge.object.namespace(),
            &tls.secret_name,
            false,
        );
    }
    if judge.object.annotation("alpacalert.io/paths") == Some("any") {
        // The Ingress's own findings are one member, so with `any` they would hide every path: each path only degrades.
        for link in &mut judge.verdict.links {
            let super::Link::Thing { kind, effect, .. } = link;
            if kind.ends_with("#path") {
                *effect = Effect::Degrades;
            }
        }
        any_path(judge, ingress);
    }
}

/// With `alpacalert.io/paths: any` one path that works is enough.
fn any_path(judge: &mut Judge<'_>, ingress: &Ingress) {
    let all = backends(ingress);
    let broken = all
        .iter()
        .filter(|(_, backend)| !backend_works(judge, backend))
        .count();
    if broken == all.len() && broken > 0 {
        judge.failing("ING-3", "NoPath", "none of its paths works");
    }
}

fn backend_works(judge: &Judge<'_>, backend: &IngressBackend) -> bool {
    let Some(service) = &backend.service else {
        return true;
    };
    match judge
        .cluster
        .look(kinds::SERVICE, judge.object.namespace(), &service.name)
    {
        Lookup::Found(object) => judge.state_of(object) < alpacalert_model::State::Failing,
        Lookup::Unseen(..) => true,
        Lookup::Missing => false,
    }
}

/// Every backend with the name of its path: `shop.example.com/cart`.
fn backends(ingress: &Ingress) -> Vec<(String, &IngressBackend)> {
    let mut all = Vec::new();
    if let Some(backend) = &ingress.spec.default_backend {
        all.push((DEFAULT_BACKEND.to_owned(), backend));
    }
    for rule in &ingress.spec.rules {
        let host = if rule.host.is_empty() {
            "*"
        } else {
            &rule.host
        };
        for path in rule.http.iter().flat_map(|http| &http.paths) {
            let path_text = if path.path.is_empty() {
                "/"
            } else {
                &path.path
            };
            all.push((format!("{host}{path_text}"), &path.backend));
        }
    }
    all
}

/// The class that an Ingress names, or the default one.
fn class_name<'a>(judge: &Judge<'a>, ingress: &'a Ingress) -> Option<&'a str> {
    let named = match &*ingress.spec.ingress_class_name {
        "" => judge.object.annotation(CLASS),
        name => Some(name),
    };
    named.or_else(|| {
        let mut classes = judge.cluster.table(kinds::INGRESS_CLASS);
        classes
            .find(|class| class.annotation(DEFAULT_CLASS) == Some("true"))
            .map(Object::name)
    })
}

fn class(judge: &mut Judge<'_>, ingress: &Ingress) {
    let named = &*ingress.spec.ingress_class_name;
    if !named.is_empty() {
        return judge.must_exist("ING-1", kinds::INGRESS_CLASS, "", named);
    }
    match judge.object.annotation(CLASS).map(str::to_owned) {
        Some(name) if KNOWN_CLASSES.contains(&&*name) => {
            judge.passing("ING-1", "ok", format!("of the class {name}"))
        }
        Some(name) => judge.must_exist("ING-1", kinds::INGRESS_CLASS, "", &name),
        None => match class_name(judge, ingress).map(str::to_owned) {
            Some(name) => judge.passing("ING-1", "ok", format!("of the default class {name}")),
            None => match judge.cluster.unseen(kinds::INGRESS_CLASS, "") {
                Some((reason, text)) => judge.unknown("ING-1", reason, text),
                None => judge.unknown(
                    "ING-1",
                    "NoClass",
                    "names no class, and none is the default",
                ),
            },
        },
    }
}

/// ING-2: not every controller writes an address; whether this one does is told by the other Ingresses of its class.
fn address(judge: &mut Judge<'_>, ingress: &Ingress) {
    if let Some(address) = ingress.status.load_balancer.ingress.first() {
        let name = if address.ip.is_empty() {
            &address.hostname
        } else {
            &address.ip
        };
        return judge.passing("ING-2", "ok", format!("has the address {name}"));
    }
    if judge.within_since(None, judge.limit(INGRESS_ADDRESS)) {
        return judge.unknown("ING-2", "Progressing", "has no address yet");
    }
    if !judge.looks_around() {
        return judge.passing(
            "ING-2",
            "NoSignal",
            "has no address, which not every controller gives",
        );
    }
    let class = class_name(judge, ingress);
    let peer = judge
        .cluster
        .table(kinds::INGRESS)
        .find(|object| match &object.body {
            Body::Ingress(peer) => {
                let other = Judge::new(judge.cluster, object, judge.now);
                class_name(&other, peer) == class && !peer.status.load_balancer.ingress.is_empty()
            }
            _ => false,
        });
    let class = class.unwrap_or("none");
    match peer {
        Some(peer) => {
            let text = format!(
                "has no address, though {} of the same class {class} has one",
                peer.title()
            );
            judge.failing("ING-2", "NoAddress", text);
        }
        None => judge.passing(
            "ING-2",
            "ClassPublishesNothing",
            format!("has no address: the class {class} gives nobody one"),
        ),
    }
}

/// ING-3, for the path of a name; `None` when there is no such path.
pub(super) fn path(judge: &mut Judge<'_>, ingress: &Ingress, name: &str) -> Option<()> {
    for (_, backend) in backends(ingress)
        .into_iter()
        .filter(|(path, _)| path == name)
    {
        if let Some(service) = &backend.service {
            service_backend(judge, &service.name, &service.port);
        } else if let Some(resource) = &backend.resource {
            let kind = kind_text(&resource.api_group, &resource.kind);
            judge.must_exist("ING-3", &kind, judge.object.namespace(), &resource.name);
        } else {
            judge.failing("ING-3", "NoBackend", "names no backend");
        }
    }
    (!judge.verdict.findings.is_empty() || !judge.verdict.links.is_empty()).then_some(())
}

fn service_backend(judge: &mut Judge<'_>, name: &str, port: &IngressPort) {
    let namespace = judge.object.namespace();
    judge.depend(kinds::SERVICE, namespace, name, Effect::Required);
    if let Lookup::Found(Object {
        body: Body::Service(service),
        ..
    }) = judge.cluster.look(kinds::SERVICE, namespace, name)
    {
        let wanted = if port.name.is_empty() {
            port.number.to_string()
        } else {
            port.name.to_string()
        };
        if has_port(service, port) {
            judge.passing(
                "ING-3",
                "ok",
                format!("to the port {wanted} of Service {name}"),
            );
        } else {
            judge.failing(
                "ING-3",
                "missing-port",
                format!("Service {name} has no port {wanted}"),
            );
        }
    }
}

fn has_port(service: &Service, port: &IngressPort) -> bool {
    // An ExternalName Service may leave its ports out.
    if &*service.spec.kind == "ExternalName" && service.spec.ports.is_empty() {
        return true;
    }
    service.spec.ports.iter().any(|known| match &*port.name {
        // Two ports without a name are not the same port.
        "" => known.port == port.number,
        name => &*known.name == name,
    })
}
