//! `kubernetes` sources of the configuration.

use std::sync::Arc;

use alpacalert_instrument::{
    Field, InstrumentError, Params, Shape, Source, SourceProvider, SourceSpec,
};

use alpacalert_model::State;

use super::{Connection, KubernetesSource};
use crate::options::Options;
use crate::select::Selection;

/// Makes sources of the sort `kubernetes`.
pub(crate) struct Provider;

impl SourceProvider for Provider {
    fn spec(&self) -> SourceSpec {
        SourceSpec {
            name: "kubernetes",
            summary: "a Kubernetes cluster, watched",
            doc: "Lists every kind of object once and watches it from then on, so that a change is seen in a moment and costs no request. \
                Without keys it is the cluster that `kubectl` would talk to; inside a cluster, that one. What we may not see is Unknown, \
                with the reason; a watch that breaks is taken up again, and what it knew is Unknown `stale` after a minute.",
            fields: vec![
                Field::optional("kubeconfig", Shape::Path, "The file that says how to reach the cluster.").default("$KUBECONFIG, ~/.kube/config, or the service account"),
                Field::optional("context", Shape::Text, "The context of that file.").default("the current one"),
                Field::optional("namespaces", Shape::OneOrMany(Box::new(Shape::Text)), "Only objects of these namespaces.").default("all"),
                Field::optional("selector", Shape::Text, "Only objects whose labels match, such as `app=cart`, with what they depend on."),
                Field::optional("without", Shape::OneOrMany(Box::new(Shape::Text)), "Kinds that are not looked at, as Kubernetes spells them: `Secret`."),
                Field::optional("custom_resources", Shape::Bool, "Whether objects of custom kinds are looked at.").default("true"),
                Field::optional("owner_label", Shape::OneOrMany(Box::new(Shape::Text)), "The labels or annotations that name an object's owner, the first that is there.").default("alpacalert.io/owner"),
                Field::optional("owner_from_namespace", Shape::Bool, "Whether what names no owner belongs to its namespace.").default("true"),
                Field::optional("nodes_needed", Shape::Int { min: 0, max: 100 }, "The share of schedulable nodes that must pass, in percent.").default("50"),
                Field::optional("partial_services", Shape::OneOf(vec!["passing", "degraded"]), "What a Service is with some endpoints that are not ready.").default("passing"),
                Field::optional("suspended", Shape::OneOf(vec!["passing", "degraded", "unknown"]), "What an object is that somebody paused or suspended on purpose.").default("passing"),
            ],
            constraints: Vec::new(),
            example: "{ context: prod, namespaces: [shop] }",
        }
    }

    fn source(&self, name: &Arc<str>, params: &Params) -> Result<Arc<dyn Source>, InstrumentError> {
        let texts = |key: &str| -> Vec<String> {
            params.texts(key).into_iter().map(str::to_owned).collect()
        };
        let connection = Connection {
            kubeconfig: params.text("kubeconfig").map(Into::into),
            context: params.text("context").map(str::to_owned),
            namespaces: texts("namespaces"),
            without: texts("without"),
            custom: params.bool("custom_resources").unwrap_or(true),
        };
        let mut options = Options::default();
        if params.has("owner_label") {
            options.owner_keys = texts("owner_label");
        }
        options.owner_from_namespace = params.bool("owner_from_namespace").unwrap_or(true);
        if let Some(needed) = params.int("nodes_needed") {
            options.nodes_needed = u8::try_from(needed).unwrap_or(100);
        }
        options.partial_service_is_degraded = params.text("partial_services") == Some("degraded");
        if let Some(state) = params.text("suspended").and_then(State::parse) {
            options.suspended_as = state;
        }
        let mut selection = Selection::default().in_namespaces(connection.namespaces.clone());
        if let Some(selector) = params.text("selector") {
            selection = selection
                .with_labels(selector)
                .map_err(|error| InstrumentError::new(error.to_string()))?;
        }
        Ok(Arc::new(
            KubernetesSource::new(name.clone(), connection, options).select(selection),
        ))
    }
}
