//! Which objects somebody asks about: on a command line, or in a configuration.

use alpacalert_instrument::{Field, InstrumentError, Kind, KindSpec, Params, Scope, Shape, Target};
use alpacalert_model::{Effect, Observation, Reason, Rule, Threshold};

use crate::cluster::{Cluster, Origin};
use crate::instrument::require;
use crate::kinds::{self, RESOURCES};
use crate::object::Object;
use crate::object::workload::LabelSelector;

/// Which objects of a cluster to show. The default is all of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selection {
    /// Only these namespaces; all, and what is in none, when empty.
    pub(crate) namespaces: Vec<String>,
    /// Only objects whose labels match every one of these.
    pub(crate) labels: Vec<LabelSelector>,
    /// Only these objects, with what they depend on.
    pub(crate) targets: Vec<Pattern>,
}

/// A kind, or one object of it, as somebody wrote it: `deploy`, `deploy/cart`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pattern {
    written: String,
    kind: String,
    name: Option<String>,
}

/// Why there is nothing to show for what somebody asked for.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0}")]
pub struct SelectError(String);

impl SelectError {
    pub(crate) fn new(text: String) -> Self {
        SelectError(text)
    }
}

impl Selection {
    /// Only these namespaces.
    #[must_use]
    pub fn in_namespaces(mut self, namespaces: impl IntoIterator<Item = String>) -> Self {
        self.namespaces.extend(namespaces);
        self
    }

    /// Only objects with labels that match a selector such as `app=cart,tier in (web, api)`.
    pub fn with_labels(mut self, selector: &str) -> Result<Self, SelectError> {
        self.labels
            .push(LabelSelector::parse(selector).map_err(SelectError)?);
        Ok(self)
    }

    /// Only objects of a kind, or one of them: `deploy`, `deployments/cart`, `StatefulSet/db`, `argoproj.io/Rollout/web`.
    #[must_use]
    pub fn with_target(mut self, written: &str) -> Self {
        let (kind, name) = match written.rsplit_once('/') {
            // A kind with its domain has a slash of its own.
            Some((kind, name)) if !kind.contains('.') || kind.contains('/') => {
                (kind, Some(name.to_owned()))
            }
            _ => (written, None),
        };
        self.targets.push(Pattern {
            written: written.to_owned(),
            kind: kind.to_owned(),
            name,
        });
        self
    }

    /// Whether a namespace is among them.
    pub(crate) fn has_namespace(&self, name: &str) -> bool {
        self.namespaces.is_empty() || self.namespaces.iter().any(|known| known == name)
    }

    /// Whether the labels of an object match.
    pub(crate) fn fits(&self, object: &Object) -> bool {
        self.labels
            .iter()
            .all(|selector| selector.matches(&object.meta.labels))
    }

    /// The objects that the targets mean, as kinds and references.
    pub(crate) fn find<'a>(&self, cluster: &'a Cluster) -> Result<Vec<&'a Object>, SelectError> {
        let mut found: Vec<&Object> = Vec::new();
        let known = || {
            let listed = cluster
                .table(kinds::NAMESPACE)
                .map(|object| object.name().to_owned());
            let held = cluster.held_namespaces().map(str::to_owned);
            listed.chain(held)
        };
        for namespace in &self.namespaces {
            // Somebody who may not list namespaces knows what they ask for.
            let blind = cluster.origin == Origin::Live && !cluster.sees(kinds::NAMESPACE, "");
            if !blind && !known().any(|name| name == *namespace) {
                let names: Vec<String> = known().collect();
                let what = format!("namespace `{namespace}`");
                return Err(SelectError(not_there(&what, namespace, &names)));
            }
        }
        for pattern in &self.targets {
            found.extend(self.matching(cluster, pattern)?);
        }
        Ok(found)
    }

    fn matching<'a>(
        &self,
        cluster: &'a Cluster,
        pattern: &Pattern,
    ) -> Result<Vec<&'a Object>, SelectError> {
        let kind = resolve(cluster, &pattern.kind)?;
        let candidates: Vec<&Object> = cluster
            .table(&kind)
            .filter(|object| {
                object.namespace().is_empty() || self.has_namespace(object.namespace())
            })
            .filter(|object| self.fits(object))
            .collect();
        let Some(name) = &pattern.name else {
            if candidates.is_empty() {
                return Err(SelectError(format!(
                    "there are no {} objects here",
                    kinds::short_name(&kind)
                )));
            }
            return Ok(candidates);
        };
        let named: Vec<&Object> = candidates
            .iter()
            .copied()
            .filter(|object| object.name() == name)
            .collect();
        if named.is_empty() {
            let namespace = self.namespaces.first().map_or("", String::as_str);
            if candidates.is_empty()
                && let Some((_, text)) = cluster.unseen(&kind, namespace)
            {
                return Err(SelectError(format!(
                    "cannot find {}: {text}",
                    pattern.written
                )));
            }
            let names: Vec<String> = candidates
                .iter()
                .map(|object| object.name().to_owned())
                .collect();
            return Err(SelectError(not_there(
                &format!("{} `{name}`", kinds::short_name(&kind)),
                name,
                &names,
            )));
        }
        Ok(named)
    }
}

fn not_there(what: &str, name: &str, names: &[String]) -> String {
    match alpacalert_instrument::nearest(name, names, String::as_str) {
        Some(near) => format!("there is no {what}; did you mean `{near}`?"),
        None => format!("there is no {what}"),
    }
}

/// The kind that a word stands for: its name, plural or short name, with or without its domain.
fn resolve(cluster: &Cluster, word: &str) -> Result<String, SelectError> {
    if cluster.kinds().any(|kind| **kind == *word) || kinds::resource(word).is_some() {
        return Ok(word.to_owned());
    }
    let lower = word.to_lowercase();
    let table = RESOURCES.iter().find(|resource| {
        let name = kinds::short_name(resource.kind).to_lowercase();
        name == lower || resource.plural == lower || resource.short.contains(&&*lower)
    });
    if let Some(resource) = table {
        return Ok(resource.kind.to_owned());
    }
    let mut custom: Vec<String> = cluster.kinds().map(ToString::to_string).collect();
    custom.sort();
    let fits = |kind: &&String| {
        let name = kinds::short_name(kind).to_lowercase();
        name == lower || format!("{name}s") == lower || kind.to_lowercase() == lower
    };
    if let Some(kind) = custom.iter().find(fits) {
        return Ok(kind.clone());
    }
    let mut words: Vec<String> = RESOURCES
        .iter()
        .map(|resource| kinds::short_name(resource.kind).to_lowercase())
        .collect();
    words.extend(
        custom
            .iter()
            .map(|kind| kinds::short_name(kind).to_lowercase()),
    );
    Err(SelectError(not_there(
        &format!("kind `{word}`"),
        word,
        &words,
    )))
}

/// Kinds that can be written in a configuration, with their short words.
const WRITABLE: &[(&str, &str)] = &[
    (kinds::POD, "a pod, or the pods that a selector selects"),
    (
        kinds::DEPLOYMENT,
        "a Deployment with its ReplicaSets, pods and what they use",
    ),
    (
        kinds::STATEFUL_SET,
        "a StatefulSet with its pods and claims",
    ),
    (kinds::DAEMON_SET, "a DaemonSet with its pods"),
    (kinds::REPLICA_SET, "a ReplicaSet with its pods"),
    (kinds::JOB, "a Job"),
    (kinds::CRON_JOB, "a CronJob with its runs"),
    (kinds::SERVICE, "a Service with the pods behind it"),
    (
        kinds::INGRESS,
        "an Ingress with its paths and the Services behind them",
    ),
    (kinds::GATEWAY, "a Gateway with its listeners"),
    (kinds::HTTP_ROUTE, "an HTTPRoute with its Services"),
    (kinds::PVC, "a PersistentVolumeClaim with its volume"),
    (kinds::NODE, "a node"),
    (kinds::NAMESPACE, "a namespace with everything in it"),
    (kinds::HPA, "a HorizontalPodAutoscaler"),
    (kinds::PDB, "a PodDisruptionBudget"),
    (kinds::QUOTA, "a ResourceQuota"),
    (kinds::SECRET, "a Secret and the certificate in it"),
    (kinds::CONFIG_MAP, "a ConfigMap"),
    (kinds::CERTIFICATE, "a Certificate of cert-manager"),
];

/// How a kind is written in a configuration, if it can be.
pub(crate) fn spec(kind: &str) -> Option<KindSpec> {
    let (kind, summary) = WRITABLE.iter().find(|(known, _)| *known == kind)?;
    let mut spec = KindSpec::new(Kind::of(kind), summary);
    spec.doc = "Judged by the rules of the reference *Rules for Kubernetes*, from the newest state that the source knows. \
        With a `selector`, the objects whose labels match are its members, as they come and go; \
        none at all is Failing with the reason `missing`.";
    spec.fields = vec![
        Field::required(
            "source",
            Shape::Text,
            "The `kubernetes` source that knows it.",
        ),
        Field::optional(
            "namespace",
            Shape::Text,
            "Its namespace. Objects of every namespace when it is left out.",
        ),
        Field::optional("name", Shape::Text, "Its name."),
        Field::optional(
            "selector",
            Shape::Text,
            "A label selector, such as `app=cart,tier in (web, api)`.",
        ),
        Field::optional(
            "at_least",
            Shape::count(),
            "How many of the selected objects must pass.",
        )
        .default("all"),
    ];
    spec.constraints = vec![alpacalert_instrument::Constraint::ExactlyOne(&[
        "name", "selector",
    ])];
    spec.reference = &["namespace", "name", "selector"];
    spec.example = "{ source: cluster, namespace: shop, name: cart }";
    Some(spec)
}

/// Whether a target is asked for in a configuration, by keys instead of by its reference.
pub(crate) fn is_query(target: &Target) -> bool {
    target.params.has("name") || target.params.has("selector")
}

/// A system of the objects that a configuration asks for.
pub(crate) fn instrument_query(
    target: &Target,
    scope: &mut Scope<'_, '_>,
    cluster: &Cluster,
) -> Result<(), InstrumentError> {
    scope.only_asks();
    let kind = target.id.kind().as_str().to_owned();
    let short = kinds::short_name(&kind);
    let params = &target.params;
    let namespace = params.text("namespace").unwrap_or_default();
    if let Some(name) = params.text("name") {
        scope.title(format!("{short} {name}"));
        require(
            scope,
            cluster,
            &kind,
            &kinds::reference(namespace, name),
            Effect::Required,
        );
        return Ok(());
    }
    let written = params.text("selector").unwrap_or_default();
    scope.title(format!("{short} {written}"));
    let selector = LabelSelector::parse(written).map_err(InstrumentError::new)?;
    let found = matching(cluster, &kind, params, &selector);
    if found.is_empty() {
        let now = scope.now();
        let text = format!("no {short} matches `{written}`");
        scope.observed(match cluster.unseen(&kind, namespace) {
            Some((reason, text)) => Observation::unknown(Reason::fixed(reason), text, now),
            None => Observation::failing(Reason::MISSING, text, now),
        });
        return Ok(());
    }
    if let Some(least) = params.int("at_least") {
        scope.rule(
            Rule::AtLeast(Threshold::Count(u32::try_from(least).unwrap_or(u32::MAX))),
            None,
        );
    }
    for object in found {
        let effect = if object.terminating() {
            Effect::Optional
        } else {
            Effect::Required
        };
        require(scope, cluster, &kind, &object.reference, effect);
    }
    Ok(())
}

fn matching<'a>(
    cluster: &'a Cluster,
    kind: &str,
    params: &Params,
    selector: &LabelSelector,
) -> Vec<&'a Object> {
    let namespace = params.text("namespace");
    cluster
        .table(kind)
        .filter(|object| namespace.is_none_or(|namespace| object.namespace() == namespace))
        .filter(|object| selector.matches(&object.meta.labels) && !crate::judge::is_ignored(object))
        .collect()
}
