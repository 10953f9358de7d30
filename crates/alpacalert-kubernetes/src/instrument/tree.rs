//! The whole cluster as a tree: its nodes, its namespaces, and what belongs to none.

use alpacalert_instrument::{InstrumentError, Kind, Registry, Scope, Target};
use alpacalert_model::{Effect, Observation, Reason, Rule, Threshold};

use super::{blind, cluster, emit, owner, require};
use crate::cluster::{Access, Cluster};
use crate::judge::{self, Link, Verdict, is_ignored};
use crate::kinds::{self, CLUSTER};
use crate::object::{Body, Object, age};
use crate::options::STALE;

pub(super) fn register(registry: &mut Registry) {
    registry.register(Kind::of(CLUSTER), instrument_cluster);
    registry.register(Kind::of("kubernetes.io/Cluster#nodes"), instrument_nodes);
    registry.register(Kind::of("kubernetes.io/Cluster#kind"), instrument_kind);
    match crate::select::spec(kinds::NAMESPACE) {
        Some(spec) => registry.register_kind(spec, instrument_namespace),
        None => registry.register(Kind::of(kinds::NAMESPACE), instrument_namespace),
    }
}

fn instrument_cluster(_: &Target, scope: &mut Scope<'_, '_>) -> Result<(), InstrumentError> {
    let cluster = cluster(scope)?;
    scope.title(format!("cluster {}", cluster.name));
    access(scope, cluster);
    let selection = &cluster.selection;
    let whole = selection.namespaces.is_empty();
    if whole && cluster.table(kinds::NODE).any(|node| selection.fits(node)) {
        require(
            scope,
            cluster,
            "kubernetes.io/Cluster#nodes",
            "nodes",
            Effect::Required,
        );
    }
    for namespace in namespaces(cluster) {
        let labels = cluster.get(kinds::NAMESPACE, "", &namespace);
        if labels.is_some_and(is_ignored) {
            continue;
        }
        let effect = if labels.is_some_and(judge::is_optional) {
            Effect::Optional
        } else {
            Effect::Required
        };
        require(scope, cluster, kinds::NAMESPACE, &namespace, effect);
    }
    if whole {
        for kind in cluster_wide_kinds(cluster) {
            require(
                scope,
                cluster,
                "kubernetes.io/Cluster#kind",
                &kind,
                Effect::Required,
            );
        }
    }
    Ok(())
}

/// The namespaces to show: those that exist, and those that something is in.
fn namespaces(cluster: &Cluster) -> Vec<String> {
    let known = cluster
        .table(kinds::NAMESPACE)
        .map(|namespace| namespace.name().to_owned());
    let held = cluster.held_namespaces().map(str::to_owned);
    let mut all: Vec<String> = known.chain(held).collect();
    all.sort();
    all.dedup();
    all.retain(|name| cluster.selection.has_namespace(name));
    if !cluster.selection.labels.is_empty() {
        all.retain(|name| cluster.roots(name).next().is_some());
    }
    all
}

/// Kinds of which there are objects in no namespace, nodes and namespaces aside.
fn cluster_wide_kinds(cluster: &Cluster) -> Vec<String> {
    let mut kinds: Vec<String> = cluster
        .roots("")
        .map(|(kind, ..)| kind)
        .filter(|kind| !matches!(&***kind, kinds::NODE | kinds::NAMESPACE))
        .map(ToString::to_string)
        .collect();
    kinds.sort();
    kinds.dedup();
    kinds
}

/// What may not be seen, and whether the API server answers at all.
fn access(scope: &mut Scope<'_, '_>, cluster: &Cluster) {
    let now = scope.now();
    let mut kinds: Vec<_> = cluster.accesses().collect();
    kinds.sort_by_key(|(kind, _)| (*kind).clone());
    for (kind, access) in kinds {
        let optional = kinds::resource(kind).is_none_or(|resource| resource.optional);
        let namespaced = kinds::resource(kind).is_some_and(|resource| resource.namespaced);
        let short = kinds::short_name(kind);
        let observation = match access {
            Access::Ok => continue,
            Access::NotServed if optional => continue,
            // Somebody who looks at some namespaces may well be allowed to see those alone.
            Access::Forbidden(_) if !namespaced && !cluster.selection.namespaces.is_empty() => {
                continue;
            }
            Access::Stale(since, why) => {
                let start = *since;
                let limit = STALE.default;
                if age(now, start) < limit {
                    cluster.note_due(start.checked_add(limit).unwrap_or(start));
                    continue;
                }
                blind(
                    "stale",
                    format!("the watch of {short} objects broke: {why}"),
                    now,
                )
            }
            _ => match cluster.unseen(kind, "") {
                Some((reason, text)) => blind(reason, text, now),
                None => continue,
            },
        };
        scope.observed_part(
            "access",
            Some(kind),
            format!("{short} objects"),
            Effect::Required,
            observation,
        );
    }
    if let Some((since, why)) = &cluster.unreachable {
        let text = format!("the API server does not answer: {why}");
        let observation = if age(now, *since) < STALE.default {
            cluster.note_due(since.checked_add(STALE.default).unwrap_or(*since));
            blind("unreachable", text, now)
        } else {
            Observation::failing(Reason::fixed("unreachable"), text, now)
        };
        scope.observed_part(
            "connection",
            None,
            "connection",
            Effect::Required,
            observation,
        );
    }
    if !cluster.unreadable.is_empty() {
        let count = cluster.unreadable.len();
        let mut observation = blind(
            "malformed",
            format!("{count} things could not be read at all"),
            now,
        );
        for text in cluster.unreadable.iter().take(10) {
            observation = observation.message(alpacalert_model::Severity::Warn, text.clone());
        }
        scope.observed_part(
            "unreadable",
            None,
            "unreadable objects",
            Effect::Required,
            observation,
        );
    }
}

/// The nodes: so many of those that take pods must pass.
fn instrument_nodes(_: &Target, scope: &mut Scope<'_, '_>) -> Result<(), InstrumentError> {
    let cluster = cluster(scope)?;
    scope.title("nodes");
    let mut counted = 0_u32;
    for object in cluster
        .table(kinds::NODE)
        .filter(|node| cluster.selection.fits(node) && !is_ignored(node))
    {
        let cordoned = matches!(&object.body, Body::Node(node) if node.spec.unschedulable);
        let counts = !(cordoned || object.terminating() || judge::is_optional(object));
        counted += u32::from(counts);
        let effect = if counts {
            Effect::Required
        } else {
            Effect::Optional
        };
        require(scope, cluster, kinds::NODE, object.name(), effect);
    }
    let needed = Threshold::Percent(cluster.options.nodes_needed.min(100));
    scope.rule(Rule::AtLeast(needed), Some(counted));
    Ok(())
}

/// The objects of one kind that are in no namespace.
fn instrument_kind(target: &Target, scope: &mut Scope<'_, '_>) -> Result<(), InstrumentError> {
    let cluster = cluster(scope)?;
    let kind: &str = target.id.reference();
    scope.title(format!("{} objects", kinds::short_name(kind)));
    for (_, reference, effect) in cluster.roots("").filter(|(of, ..)| ***of == *kind) {
        require(scope, cluster, kind, reference, effect);
    }
    Ok(())
}

fn instrument_namespace(target: &Target, scope: &mut Scope<'_, '_>) -> Result<(), InstrumentError> {
    let cluster = cluster(scope)?;
    if crate::select::is_query(target) {
        return crate::select::instrument_query(target, scope, cluster);
    }
    let name: &str = target.id.reference();
    scope.title(format!("Namespace {name}"));
    let mut verdict = Verdict::default();
    match cluster.get(kinds::NAMESPACE, "", name) {
        Some(object) => {
            if let Some(owner) = owner(cluster, object) {
                scope.owner(owner);
            }
            verdict = judge::judge(cluster, object, cluster.server_time(scope.now()));
        }
        None if cluster.options.owner_from_namespace => scope.owner(name),
        None => {}
    }
    for (kind, reference, effect) in cluster.roots(name) {
        verdict.links.push(Link::Thing {
            kind: kind.clone(),
            reference: reference.clone(),
            effect,
        });
    }
    if verdict.findings.is_empty() && verdict.links.is_empty() {
        let text = format!("Namespace {name} does not exist");
        scope.observed(Observation::failing(Reason::MISSING, text, scope.now()));
        return Ok(());
    }
    emit(scope, cluster, &verdict);
    Ok(())
}

/// Whether an object stands below no other one.
pub(crate) fn is_root(cluster: &Cluster, object: &Object) -> bool {
    if is_ignored(object)
        || (&*object.kind == kinds::LEASE && object.namespace() == "kube-node-lease")
    {
        return false;
    }
    if cluster.options.own {
        return true;
    }
    if &*object.kind == kinds::ENDPOINT_SLICE
        && let Some(service) = object.meta.labels.get("kubernetes.io/service-name")
        && cluster.contains(kinds::SERVICE, object.namespace(), service)
    {
        return false;
    }
    let Some(owner) = cluster.owner_of(object) else {
        return true;
    };
    // Nodes stand below the pods that run on them; a cycle has no top.
    matches!(owner.body, Body::Node(_))
        || !owner_shows(cluster, owner, object)
        || in_cycle(cluster, object)
}

/// Whether an owner shows what it owns: an ignored one does not.
fn owner_shows(cluster: &Cluster, owner: &Object, object: &Object) -> bool {
    // What is in another namespace than its owner is a mistake of somebody's; it is shown where it is.
    let apart = !owner.namespace().is_empty() && owner.namespace() != object.namespace();
    !(is_ignored(owner)
        || apart
        || matches!(owner.body, Body::Malformed(_))
        || (owner.terminating() && !shown_while_going(owner)))
        && cluster.by_uid(&owner.meta.uid).is_some()
}

/// Whether an object that is being deleted still shows what is below it.
fn shown_while_going(owner: &Object) -> bool {
    matches!(owner.body, Body::Namespace(_) | Body::Crd(_))
}

fn in_cycle(cluster: &Cluster, object: &Object) -> bool {
    let mut seen = Vec::new();
    let mut current = object;
    while let Some(owner) = cluster.owner_of(current) {
        if std::ptr::eq(owner, object) || seen.len() > 32 {
            return true;
        }
        if seen.contains(&&*owner.meta.uid) {
            return true;
        }
        seen.push(&owner.meta.uid);
        current = owner;
    }
    false
}

/// What an object owns and its rules did not speak of.
pub(super) fn owned(cluster: &Cluster, object: &Object, verdict: &mut Verdict) {
    // Its own rules were not asked when it is going or cannot be read; and a node stands below what it owns.
    let silent = object.terminating() || matches!(object.body, Body::Malformed(_) | Body::Node(_));
    if silent || verdict.findings.iter().any(|finding| finding.rule == "G13") {
        return;
    }
    for child in cluster.owned_by(&object.meta.uid) {
        let first = cluster
            .owner_of(child)
            .is_some_and(|owner| std::ptr::eq(owner, object));
        let linked = verdict.links.iter().any(
            |Link::Thing {
                 kind, reference, ..
             }| *kind == child.kind && *reference == child.reference,
        );
        if !first || linked || is_ignored(child) || is_handled(cluster, object, child) {
            continue;
        }
        let counts = !(child.terminating() || judge::is_optional(child));
        let effect = if counts {
            Effect::Required
        } else {
            Effect::Optional
        };
        verdict.links.push(Link::Thing {
            kind: child.kind.clone(),
            reference: child.reference.clone(),
            effect,
        });
    }
}

/// Whether the rules of an object's kind have decided about a child: by a group, or by leaving it out.
fn is_handled(cluster: &Cluster, object: &Object, child: &Object) -> bool {
    match (&object.body, &child.body) {
        (Body::Deployment(_), Body::ReplicaSet(set)) => {
            crate::judge::is_history(cluster, child, set)
        }
        (Body::ReplicaSet(_) | Body::StatefulSet(_) | Body::DaemonSet(_), _) => {
            &*child.kind == kinds::POD
        }
        // What ends: its children are judged by its own conditions.
        (Body::Pod(_), Body::Pvc(_)) => true,
        _ => false,
    }
}
