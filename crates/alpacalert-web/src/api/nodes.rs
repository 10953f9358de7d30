//! Any node: evidence, explanations, impact.

use alpacalert_api::VERSION;
use alpacalert_model::{ExplainLimits, Graph, NodeRef, Timestamp};
use alpacalert_visualise::{ExplanationRecord, ImpactRecord, NodeRecord, View};
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::convert::{clean, find};
use super::{Api, Problem, problem};
use crate::Viewer;

/// The query that names one node.
#[derive(Debug, Deserialize)]
pub(super) struct Named {
    node: String,
    at: Option<Timestamp>,
}

/// The query that names a moment.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Moment {
    at: Option<Timestamp>,
}

pub(super) type Asked<T> = Result<Query<T>, QueryRejection>;

pub(super) fn asked<T>(query: Asked<T>) -> Result<T, Problem> {
    match query {
        Ok(Query(query)) => Ok(query),
        Err(error) => Err(problem(StatusCode::BAD_REQUEST, error.body_text())),
    }
}

/// Looks at the graph as it is, or as it was.
pub(super) async fn look<R: Send + 'static>(
    api: &Api,
    at: Option<Timestamp>,
    look: impl FnOnce(&Graph, Timestamp) -> R + Send + 'static,
) -> Result<R, Problem> {
    let Some(at) = at else {
        let looked = api.live.query(|graph| look(graph, Timestamp::now()));
        return looked.await.ok_or_else(Problem::ended);
    };
    let history = super::history::store(api)?;
    // Details are for those who run the instance, whose health tells them.
    let failed = super::history::failed(&Viewer::Public);
    let past = history.graph_at(at).await.map_err(failed)?;
    let past = past.ok_or_else(|| {
        problem(
            StatusCode::NOT_FOUND,
            "nothing is remembered of that moment: it is before everything that is",
        )
    })?;
    // A large graph is looked through for a while, and nobody else waits for it.
    let looked = tokio::task::spawn_blocking(move || look(&past.graph, past.at));
    looked.await.map_err(|_| Problem::ended())
}

/// A document about one node.
#[derive(Serialize)]
pub(super) struct NodeDocument {
    version: u32,
    instance: String,
    generated_at: String,
    node: NodeRecord,
    /// The identities of the nodes that it is a member of.
    parents: Vec<String>,
}

pub(super) async fn one(
    State(api): State<Api>,
    viewer: Viewer,
    Path(id): Path<String>,
    query: Asked<Moment>,
) -> Result<Json<NodeDocument>, Problem> {
    let asks = viewer.clone();
    let node = Named {
        node: id,
        at: asked(query)?.at,
    };
    let document = about(&api, viewer, node, move |view, node| NodeDocument {
        version: VERSION,
        instance: view.instance.clone(),
        generated_at: view.now.to_string(),
        node: NodeRecord::of(node, None),
        parents: node
            .parents()
            .filter(|parent| asks.sees(*parent))
            .map(|parent| clean(&parent.id().to_string()))
            .collect(),
    });
    document.await.map(Json)
}

pub(super) async fn explain(
    State(api): State<Api>,
    viewer: Viewer,
    query: Asked<Named>,
) -> Result<Json<ExplanationRecord>, Problem> {
    let node = asked(query)?;
    let record = about(&api, viewer, node, |view, node| {
        let explanation = view.graph.explain(node.key(), &ExplainLimits::default())?;
        Some(ExplanationRecord::of(view, node, &explanation))
    });
    record.await?.map(Json).ok_or_else(Problem::ended)
}

/// What a node takes down.
#[derive(Serialize)]
pub(super) struct ImpactList {
    version: u32,
    instance: String,
    node: String,
    services: Vec<ImpactRecord>,
}

pub(super) async fn impact(
    State(api): State<Api>,
    viewer: Viewer,
    query: Asked<Named>,
) -> Result<Json<ImpactList>, Problem> {
    let node = asked(query)?;
    let asks = viewer.clone();
    let list = about(&api, viewer, node, move |view, node| {
        let mut impact = view.graph.impact(node.key());
        impact.retain(|hit| {
            view.graph
                .get(hit.service)
                .is_some_and(|hit| asks.sees(hit))
        });
        ImpactList {
            version: VERSION,
            instance: view.instance.clone(),
            node: clean(&node.id().to_string()),
            services: ImpactRecord::all(view, &impact),
        }
    });
    list.await.map(Json)
}

/// Looks at one node. One that may not be seen is as one that does not exist.
async fn about<R: Send + 'static>(
    api: &Api,
    viewer: Viewer,
    named: Named,
    tell: impl FnOnce(&View<'_>, NodeRef<'_>) -> R + Send + 'static,
) -> Result<R, Problem> {
    let instance = api.live.instance().to_string();
    let name = named.node;
    let looked = look(api, named.at, move |graph, now| {
        // Without roots: only the one node is looked at.
        let view = View {
            graph,
            roots: Vec::new(),
            instance,
            now,
            zone: TimeZone::UTC,
            began: None,
        };
        match find(graph, &name).filter(|node| viewer.sees(*node)) {
            Some(node) => Ok(tell(&view, node)),
            None => Err(no_node(&name)),
        }
    });
    looked.await?
}

pub(super) fn no_node(name: &str) -> Problem {
    let name: String = name.chars().take(200).collect();
    problem(
        StatusCode::NOT_FOUND,
        format!("there is no node `{name}`; search with /api/v1/nodes?q="),
    )
}
