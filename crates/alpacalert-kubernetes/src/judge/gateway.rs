//! The Gateway API. Conditions that speak of an older generation are dropped first.

use alpacalert_model::{Effect, State};

use super::Judge;
use super::general::fresh;
use crate::kinds::{self, kind_text};
use crate::object::network::{Gateway, GatewayClass, ObjectReference, Route, RouteParent};
use crate::object::{Body, Condition, Object};
use crate::options::INGRESS_ADDRESS;

/// The API group of the Gateway API.
const GROUP: &str = "gateway.networking.k8s.io";

/// The fresh condition of a type.
fn said<'c>(judge: &Judge<'_>, conditions: &'c [Condition], kind: &str) -> Option<&'c Condition> {
    fresh(conditions, judge.object.meta.generation).find(|said| &*said.kind == kind)
}

/// A condition that must be True: a finding for every other case.
fn must_hold(judge: &mut Judge<'_>, rule: &'static str, conditions: &[Condition], kind: &str) {
    match said(judge, conditions, kind) {
        None => judge.unknown(
            rule,
            "NotReported",
            format!("its controller has not said whether it is {kind}"),
        ),
        Some(said) if said.is_true() => judge.passing(rule, "ok", kind),
        Some(said) if said.is_false() => judge.failing(rule, &said.reason, said.sentence()),
        Some(said) => judge.unknown(rule, "ConditionUnknown", said.sentence()),
    }
}

/// A condition that may be absent and must not be False.
fn must_not_fail(judge: &mut Judge<'_>, rule: &'static str, conditions: &[Condition], kind: &str) {
    if let Some(said) = said(judge, conditions, kind)
        && said.is_false()
    {
        judge.failing(rule, &said.reason, said.sentence());
    }
}

pub(super) fn class(judge: &mut Judge<'_>, class: &GatewayClass) {
    must_hold(judge, "GWC-1", &class.status.conditions, "Accepted");
}

pub(super) fn gateway(judge: &mut Judge<'_>, gateway: &Gateway) {
    let conditions = &gateway.status.conditions;
    must_hold(judge, "GW-1", conditions, "Accepted");
    programmed(judge, conditions);
    must_not_fail(judge, "GW-1", conditions, "ResolvedRefs");
    if !judge.looks_around() {
        return own_listeners(judge, gateway);
    }
    judge.refer(
        kinds::GATEWAY_CLASS,
        "",
        &gateway.spec.gateway_class_name,
        false,
    );
    // A Gateway still serves with the listeners that work.
    let broken = gateway.spec.listeners.iter().filter(|listener| {
        let part = super::judge_part(
            judge.cluster,
            judge.object,
            "listener",
            &listener.name,
            judge.now,
        );
        part.is_none_or(|verdict| verdict.state() > State::Degraded)
    });
    let effect = if broken.count() < gateway.spec.listeners.len() {
        Effect::Degrades
    } else {
        Effect::Required
    };
    for listener in &gateway.spec.listeners {
        judge.link_part("listener", &listener.name, effect);
    }
}

/// Where nothing stands below it, what its own status says of its listeners counts for it.
fn own_listeners(judge: &mut Judge<'_>, gateway: &Gateway) {
    let mut broken = Vec::new();
    for listener in &gateway.spec.listeners {
        let (cluster, object, now) = (judge.cluster, judge.object, judge.now);
        let part = super::judge_part(cluster, object, "listener", &listener.name, now);
        let worst = part.and_then(|part| {
            let mut findings = part.findings.into_iter();
            findings.find(|finding| finding.state == State::Failing)
        });
        if let Some(finding) = worst {
            broken.push(format!("listener {}: {}", listener.name, finding.text));
        }
    }
    let all = broken.len() == gateway.spec.listeners.len();
    let state = match all {
        true => State::Failing,
        false => State::Degraded,
    };
    for text in broken {
        judge.find("GWL-1", state, "ListenerFailing", text);
    }
}

fn programmed(judge: &mut Judge<'_>, conditions: &[Condition]) {
    match said(judge, conditions, "Programmed") {
        Some(said) if said.is_false() && &*said.reason == "AddressNotAssigned" => {
            let since = said.since();
            if judge.within_since(since, judge.limit(INGRESS_ADDRESS)) {
                judge.unknown("GW-2", "AddressNotAssigned", said.sentence());
            } else {
                judge.failing("GW-2", "AddressNotAssigned", said.sentence());
            }
        }
        Some(said) if said.is_false() && is_under_way(said) => {
            judge.unknown("GW-2", "Progressing", said.sentence());
        }
        _ => must_hold(judge, "GW-2", conditions, "Programmed"),
    }
}

/// `Pending` is the standard's word for it; implementations have their own.
fn is_under_way(said: &Condition) -> bool {
    &*said.reason == "Pending" || said.reason.contains("Progress")
}

pub(super) fn listener(judge: &mut Judge<'_>, gateway: &Gateway, name: &str) -> Option<()> {
    let listener = gateway
        .spec
        .listeners
        .iter()
        .find(|listener| &*listener.name == name)?;
    match gateway
        .status
        .listeners
        .iter()
        .find(|status| &*status.name == name)
    {
        None => judge.unknown(
            "GWL-1",
            "NotReported",
            "its controller has not spoken of it yet",
        ),
        Some(status) => {
            for kind in ["Accepted", "Programmed", "ResolvedRefs"] {
                match said(judge, &status.conditions, kind) {
                    Some(said) if said.is_false() && is_under_way(said) => {
                        judge.unknown("GWL-1", "Progressing", said.sentence());
                    }
                    _ => must_hold(judge, "GWL-1", &status.conditions, kind),
                }
            }
            if let Some(said) = said(judge, &status.conditions, "Conflicted")
                && said.is_true()
            {
                judge.failing("GWL-1", "Conflicted", said.sentence());
            }
        }
    }
    if !judge.looks_around() {
        return Some(());
    }
    for reference in listener.tls.iter().flat_map(|tls| &tls.certificate_refs) {
        let is_secret = reference.kind.as_deref().unwrap_or("Secret") == "Secret";
        if is_secret {
            let namespace = namespace_of(judge, reference).to_owned();
            judge.refer(kinds::SECRET, &namespace, &reference.name, false);
        }
    }
    Some(())
}

/// The namespace that a reference means: its own, or that of the object.
fn namespace_of<'a>(judge: &Judge<'a>, reference: &'a ObjectReference) -> &'a str {
    if reference.namespace.is_empty() {
        judge.object.namespace()
    } else {
        &reference.namespace
    }
}

/// HTTPRoute and GRPCRoute: one parent that takes it is enough.
pub(super) fn route(judge: &mut Judge<'_>, route: &Route) {
    let mut verdicts: Vec<(State, &'static str, String)> = Vec::new();
    for parent in &route.spec.parent_refs {
        verdicts.push(parent_verdict(judge, route, parent));
    }
    verdicts.sort_by_key(|(state, ..)| *state);
    match verdicts.first() {
        None => judge.unknown("RT-1", "NoParent", "names no Gateway"),
        Some((state, reason, text)) => judge.find("RT-1", *state, reason, text.clone()),
    }
    let refused = verdicts
        .iter()
        .filter(|(state, ..)| *state == State::Failing)
        .count();
    if refused > 0 && refused < verdicts.len() {
        judge.degraded(
            "RT-1",
            "PartlyRefused",
            format!("{refused} of {} parents do not take it", verdicts.len()),
        );
    }
    if !judge.looks_around() {
        return;
    }
    for parent in &route.spec.parent_refs {
        let kind = parent.kind.as_deref().unwrap_or("Gateway");
        let group = parent.group.as_deref().unwrap_or(GROUP);
        if kind == "Gateway" && group == GROUP {
            let namespace = namespace_of(judge, parent).to_owned();
            let effect = if route.spec.parent_refs.len() > 1 {
                Effect::Degrades
            } else {
                Effect::Required
            };
            judge.depend(kinds::GATEWAY, &namespace, &parent.name, effect);
        }
    }
    for backend in route.spec.rules.iter().flat_map(|rule| &rule.backend_refs) {
        backend_edge(judge, backend);
    }
}

fn parent_verdict(
    judge: &Judge<'_>,
    route: &Route,
    parent: &ObjectReference,
) -> (State, &'static str, String) {
    let name = &parent.name;
    let Some(status) = route
        .status
        .parents
        .iter()
        .find(|status| is_same(judge, status, parent))
    else {
        return (
            State::Unknown,
            "NotReported",
            format!("the Gateway {name} has not spoken of it yet"),
        );
    };
    let said = |kind| said(judge, &status.conditions, kind);
    for kind in ["Accepted", "ResolvedRefs"] {
        match said(kind) {
            None => {
                return (
                    State::Unknown,
                    "NotReported",
                    format!("the Gateway {name} has not said whether it is {kind}"),
                );
            }
            Some(said) if said.is_false() => {
                return (
                    State::Failing,
                    "NotAccepted",
                    format!("the Gateway {name}: {}", said.sentence()),
                );
            }
            Some(said) if !said.is_true() => {
                return (
                    State::Unknown,
                    "ConditionUnknown",
                    format!("the Gateway {name}: {}", said.sentence()),
                );
            }
            Some(_) => {}
        }
    }
    match said("PartiallyInvalid") {
        Some(said) if said.is_true() => (
            State::Degraded,
            "PartiallyInvalid",
            format!("the Gateway {name}: {}", said.sentence()),
        ),
        _ => (State::Passing, "ok", format!("taken by the Gateway {name}")),
    }
}

fn is_same(judge: &Judge<'_>, status: &RouteParent, parent: &ObjectReference) -> bool {
    let known = &status.parent_ref;
    known.name == parent.name
        && known.section_name == parent.section_name
        && namespace_of(judge, known) == namespace_of(judge, parent)
}

fn backend_edge(judge: &mut Judge<'_>, backend: &ObjectReference) {
    let kind = backend.kind.as_deref().unwrap_or("Service");
    let group = backend.group.as_deref().unwrap_or("");
    let namespace = namespace_of(judge, backend).to_owned();
    if (kind, group) != ("Service", "") {
        return judge.must_exist("RT-2", &kind_text(group, kind), &namespace, &backend.name);
    }
    if namespace != judge.object.namespace() && !granted(judge, &namespace, &backend.name) {
        let text = format!(
            "no ReferenceGrant lets it use Service {} of the namespace {namespace}",
            backend.name
        );
        return match judge.cluster.unseen(kinds::REFERENCE_GRANT, &namespace) {
            Some((reason, text)) => judge.unknown("RT-2", reason, text),
            None => judge.failing("RT-2", "RefNotPermitted", text),
        };
    }
    judge.depend(kinds::SERVICE, &namespace, &backend.name, Effect::Required);
}

/// Whether a grant lets the route use a Service of another namespace.
fn granted(judge: &Judge<'_>, namespace: &str, service: &str) -> bool {
    judge
        .cluster
        .in_namespace(kinds::REFERENCE_GRANT, namespace)
        .any(|Object { body, .. }| {
            let Body::ReferenceGrant(grant) = body else {
                return false;
            };
            let from = grant.spec.from.iter().any(|from| {
                &*from.group == GROUP
                    && &*from.kind == judge.object.kind_name()
                    && &*from.namespace == judge.object.namespace()
            });
            let to = grant.spec.to.iter().any(|to| {
                to.group.is_empty()
                    && &*to.kind == "Service"
                    && to.name.as_deref().is_none_or(|name| name == service)
            });
            from && to
        })
}
