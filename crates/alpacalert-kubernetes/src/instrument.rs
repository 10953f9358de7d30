//! From verdicts to the graph: every object and every part that matters is a node, built through the registry.

mod tree;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock};

use alpacalert_instrument::{InstrumentError, Kind, NodeId, Registry, Request, Scope, Target};
use alpacalert_model::{Effect, Observation, Reason, Severity};

use crate::cluster::{Cluster, Lookup};
use crate::judge::{self, Link, Verdict};
use crate::kinds::{self, CERTIFICATE, CLUSTER, CLUSTER_ISSUER, ISSUER, RESOURCES};
use crate::object::{Body, Object};

pub(crate) use tree::is_root;

/// The parts of objects that have nodes of their own, by the kind of the object.
const PARTS: &[(&str, &[&str])] = &[
    (
        kinds::POD,
        &["container", "volume", "volumemount", "volumesubpath"],
    ),
    (kinds::REPLICA_SET, &["pods"]),
    (kinds::STATEFUL_SET, &["pods"]),
    (kinds::DAEMON_SET, &["pods"]),
    (kinds::SERVICE, &["endpoints"]),
    (kinds::INGRESS, &["path"]),
    (kinds::GATEWAY, &["listener"]),
    (kinds::VALIDATING_WEBHOOK, &["webhook"]),
    (kinds::MUTATING_WEBHOOK, &["webhook"]),
];

/// Kinds of other domains that have rules of their own.
pub(crate) const OTHERS: &[&str] = &[CERTIFICATE, ISSUER, CLUSTER_ISSUER];

/// The kinds that every cluster has, read once and for all: each thing names several.
static KINDS: LazyLock<HashMap<String, Kind>> = LazyLock::new(|| {
    let whole = RESOURCES.iter().map(|resource| resource.kind.to_owned());
    let parts = PARTS.iter().flat_map(|(kind, fragments)| {
        let fragments = fragments.iter();
        fragments.map(move |fragment| format!("{kind}#{fragment}"))
    });
    let kinds = whole.chain(parts);
    kinds
        .filter_map(|text| Some((text.clone(), text.parse().ok()?)))
        .collect()
});

/// Adds every kind that an object of a cluster, or a part of one, can be of.
pub(crate) fn register(registry: &mut Registry) {
    let known = RESOURCES
        .iter()
        .map(|resource| resource.kind)
        .chain(OTHERS.iter().copied());
    for kind in known.filter(|kind| *kind != kinds::NAMESPACE) {
        match crate::select::spec(kind) {
            Some(spec) => registry.register_kind(spec, instrument_object),
            None => registry.register(Kind::of(kind), instrument_object),
        }
    }
    for (kind, fragments) in PARTS {
        for fragment in *fragments {
            if let Ok(kind) = format!("{kind}#{fragment}").parse() {
                registry.register(kind, instrument_part);
            }
        }
    }
    tree::register(registry);
}

/// Whether objects of a kind are built through the registry, or by whoever meets them.
fn is_registered(kind: &str) -> bool {
    let whole = kind.split('#').next().unwrap_or(kind);
    whole == CLUSTER || OTHERS.contains(&whole) || kinds::resource(whole).is_some()
}

/// What is known about the cluster that a target comes from.
fn cluster<'a>(scope: &Scope<'_, 'a>) -> Result<&'a Cluster, InstrumentError> {
    scope.snapshot().ok_or_else(|| {
        InstrumentError::new(format!(
            "nothing is known about the cluster `{}` yet",
            scope.id().source()
        ))
    })
}

fn instrument_object(target: &Target, scope: &mut Scope<'_, '_>) -> Result<(), InstrumentError> {
    let cluster = cluster(scope)?;
    if crate::select::is_query(target) {
        return crate::select::instrument_query(target, scope, cluster);
    }
    describe_object(target, scope, cluster);
    Ok(())
}

/// An object of a kind that nobody registered.
fn describe(target: &Target, scope: &mut Scope<'_, '_>) -> Result<(), InstrumentError> {
    let cluster = cluster(scope)?;
    describe_object(target, scope, cluster);
    Ok(())
}

fn describe_object(target: &Target, scope: &mut Scope<'_, '_>, cluster: &Cluster) {
    let kind = target.id.kind().as_str().to_owned();
    let reference = target.id.reference().clone();
    match cluster.by_reference(&kind, &reference) {
        Some(object) => present(scope, cluster, object),
        None => absent(scope, cluster, &kind, &reference),
    }
}

fn present(scope: &mut Scope<'_, '_>, cluster: &Cluster, object: &Object) {
    scope.title(object.title());
    if let Some(owner) = owner(cluster, object) {
        scope.owner(owner);
    }
    let mut verdict = judge::judge(cluster, object, cluster.server_time(scope.now()));
    if !cluster.options.own {
        tree::owned(cluster, object, &mut verdict);
    }
    emit(scope, cluster, &verdict);
}

/// Whose an object is, by its own words. What belongs to no namespace belongs to whoever runs the cluster.
fn owner(cluster: &Cluster, object: &Object) -> Option<Arc<str>> {
    let keys = cluster.options.owner_keys.iter();
    let mut named = keys.filter_map(|key| {
        let label = object.meta.labels.get(key);
        label
            .or_else(|| object.annotation(key))
            .filter(|owner| !owner.is_empty())
    });
    if let Some(owner) = named.next() {
        return Some(owner.into());
    }
    match &object.body {
        Body::Namespace(_) if cluster.options.owner_from_namespace => Some(object.name().into()),
        _ if object.namespace().is_empty() && cluster.options.owner_from_namespace => {
            Some(cluster.name.clone())
        }
        _ => None,
    }
}

/// What an object names and is not there, or cannot be seen.
fn absent(scope: &mut Scope<'_, '_>, cluster: &Cluster, kind: &str, reference: &str) {
    let (namespace, name) = reference.split_once('/').unwrap_or(("", reference));
    let short = kinds::short_name(kind);
    scope.title(format!("{short} {name}"));
    let now = scope.now();
    scope.observed(match cluster.look(kind, namespace, name) {
        Lookup::Unseen(reason, text) => Observation::unknown(Reason::fixed(reason), text, now),
        _ => {
            let place = if namespace.is_empty() {
                String::new()
            } else {
                format!(" in the namespace {namespace}")
            };
            Observation::failing(
                Reason::MISSING,
                format!("{short} {name} does not exist{place}"),
                now,
            )
        }
    });
}

fn instrument_part(target: &Target, scope: &mut Scope<'_, '_>) -> Result<(), InstrumentError> {
    let cluster = cluster(scope)?;
    let kind = target.id.kind();
    let whole = format!("{}/{}", kind.namespace(), kind.name());
    let fragment = kind.fragment().unwrap_or_default();
    let reference: &str = target.id.reference();
    let (object, name) = split_part(&whole, reference);
    scope.title(match (fragment, name) {
        (fragment, "") => fragment.to_owned(),
        ("volumemount", name) => format!("mount {}", name.rsplit('/').next().unwrap_or(name)),
        ("volumesubpath", name) => {
            format!("sub-path of {}", name.rsplit('/').next().unwrap_or(name))
        }
        (fragment, name) => format!("{fragment} {name}"),
    });
    let found = cluster.by_reference(&whole, object);
    let verdict = found.and_then(|object| {
        judge::judge_part(
            cluster,
            object,
            fragment,
            name,
            cluster.server_time(scope.now()),
        )
    });
    match verdict {
        Some(verdict) => emit(scope, cluster, &verdict),
        None => {
            let text = format!("{} {object} has no {fragment} {name}", kind.name());
            scope.observed(Observation::failing(Reason::MISSING, text, scope.now()));
        }
    }
    Ok(())
}

/// The object's reference, and the name of the part.
fn split_part<'r>(kind: &str, reference: &'r str) -> (&'r str, &'r str) {
    let namespaced = kinds::resource(kind).is_some_and(|resource| resource.namespaced);
    let slashes = if namespaced { 1 } else { 0 };
    match reference.match_indices('/').nth(slashes) {
        Some((at, _)) => (&reference[..at], &reference[at + 1..]),
        None => (reference, ""),
    }
}

/// Puts a verdict into the graph: what was found as one sensor, and what stands below as members.
fn emit(scope: &mut Scope<'_, '_>, cluster: &Cluster, verdict: &Verdict) {
    if let Some((rule, degraded_below)) = verdict.rule {
        scope.rule(rule, degraded_below);
    }
    if !verdict.findings.is_empty() || verdict.links.is_empty() {
        let observation = verdict.observation(scope.now());
        if verdict.links.is_empty() && verdict.rule.is_none() {
            scope.observed(observation);
        } else if !verdict.findings.is_empty() {
            scope.observed_part("status", None, "status", Effect::Required, observation);
        }
    }
    for Link::Thing {
        kind,
        reference,
        effect,
    } in &verdict.links
    {
        require_shared(scope, cluster, kind, reference.clone(), *effect);
    }
}

/// Another thing of the cluster below the target.
pub(crate) fn require(
    scope: &mut Scope<'_, '_>,
    cluster: &Cluster,
    kind: &str,
    reference: &str,
    effect: Effect,
) {
    require_shared(scope, cluster, kind, reference.into(), effect);
}

/// The same, of a reference that is stored somewhere already.
fn require_shared(
    scope: &mut Scope<'_, '_>,
    cluster: &Cluster,
    kind: &str,
    reference: Arc<str>,
    effect: Effect,
) {
    let known = KINDS.get(kind);
    let Some(parsed) = known.cloned().or_else(|| kind.parse().ok()) else {
        // Only a kind that a cluster calls in a way that no API server allows.
        return;
    };
    let id = NodeId::new(cluster.name.clone(), parsed, reference);
    // A node or a service account is named by very many.
    // What is inside of an object is asked for by that object alone.
    let part = id.kind().fragment().is_some() && !kind.starts_with(CLUSTER);
    if scope.require_known(&id, part, effect) {
        return;
    }
    let mut request = request(cluster, id.kind().clone(), id.reference().clone());
    request.part = part;
    if known.is_some() || is_registered(kind) {
        scope.require(request, effect);
    } else {
        scope.described(request, effect, describe);
    }
}

/// Asks for a thing of a cluster, with what placeholders stand for.
pub(crate) fn request(cluster: &Cluster, kind: Kind, reference: impl Into<Arc<str>>) -> Request {
    let mut request = Request::from_source(cluster.name.clone(), kind, reference);
    request.told_by_id = Some(fields);
    request
}

/// What placeholders stand for beside the usual ones.
fn fields(id: &NodeId) -> BTreeMap<String, String> {
    let (kind, reference): (&Kind, &str) = (id.kind(), id.reference());
    let whole = format!("{}/{}", kind.namespace(), kind.name());
    let (object, part) = match kind.fragment() {
        Some(_) => split_part(&whole, reference),
        None => (reference, ""),
    };
    let (namespace, name) = object.split_once('/').unwrap_or(("", object));
    let mut fields = BTreeMap::new();
    let mut field = |key: &str, value: &str| {
        fields.insert(key.to_owned(), value.to_owned());
    };
    field("namespace", namespace);
    field("name", if part.is_empty() { name } else { part });
    field(&kind.name().to_lowercase(), name);
    if let Some(fragment) = kind.fragment() {
        field(fragment, part.rsplit('/').next().unwrap_or(part));
    }
    fields
}

/// One sentence about something that could not be seen.
fn blind(reason: &str, text: impl Into<String>, now: alpacalert_model::Timestamp) -> Observation {
    Observation::new(
        alpacalert_model::State::Unknown,
        Reason::new(judge::code(reason)),
        now,
    )
    .message(Severity::Warn, text.into())
}

/// An object as the top of a tree.
pub(crate) fn instrument_root(
    builder: &mut alpacalert_instrument::Builder<'_>,
    cluster: &Cluster,
    object: &Object,
) -> Result<alpacalert_instrument::NodeId, InstrumentError> {
    let kind: Kind = object
        .kind
        .parse()
        .map_err(|error| InstrumentError::new(format!("{error}")))?;
    let request = request(cluster, kind, object.reference.clone());
    if is_registered(&object.kind) {
        return builder.instrument(request);
    }
    builder.described(request, describe)
}
