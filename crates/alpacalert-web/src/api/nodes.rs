//! Any node: lists, evidence, explanations.

use std::collections::BTreeMap;

use alpacalert_api::{NodeBrief, NodeList, VERSION};
use alpacalert_model::{ExplainLimits, Graph, NodeKey, NodeRef, State as Health, Timestamp};
use alpacalert_visualise::{ExplanationRecord, ImpactRecord, NodeRecord, View};
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::convert::{clean, find, health, message};
use super::{Api, Problem, problem};
use crate::Viewer;

/// What a page holds unless somebody says otherwise, and at most.
const PAGE: usize = 100;
const PAGE_MAX: usize = 1000;

/// The query of a list.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Filter {
    state: Option<String>,
    owner: Option<String>,
    kind: Option<String>,
    source: Option<String>,
    q: Option<String>,
    after: Option<String>,
    limit: Option<usize>,
    at: Option<Timestamp>,
}

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

pub(super) async fn list(
    State(api): State<Api>,
    viewer: Viewer,
    query: Asked<Filter>,
) -> Result<Json<NodeList>, Problem> {
    let wanted = Wanted::new(asked(query)?)?;
    let instance = api.live.instance().to_string();
    let at = wanted.filter.at;
    look(&api, at, move |graph, now| {
        wanted.list(graph, &viewer, instance, now)
    })
    .await
    .map(Json)
}

/// Looks at the graph as it is, or as it was.
async fn look<R: Send + 'static>(
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

/// A filter that was understood.
struct Wanted {
    filter: Filter,
    states: Vec<Health>,
    /// In lower case.
    text: Option<String>,
    limit: usize,
}

impl Wanted {
    fn new(filter: Filter) -> Result<Self, Problem> {
        let words = filter.state.iter().flat_map(|words| words.split(','));
        let states: Option<Vec<Health>> = words.map(|word| Health::parse(word.trim())).collect();
        let states = states.ok_or_else(|| {
            problem(
                StatusCode::BAD_REQUEST,
                "`state` takes passing, degraded, unknown and failing, with commas between",
            )
        })?;
        let limit = filter.limit.unwrap_or(PAGE);
        if !(1..=PAGE_MAX).contains(&limit) {
            let text = format!("`limit` takes 1 to {PAGE_MAX}");
            return Err(problem(StatusCode::BAD_REQUEST, text));
        }
        Ok(Wanted {
            text: filter.q.as_ref().map(|text| text.to_lowercase()),
            filter,
            states,
            limit,
        })
    }

    fn list(&self, graph: &Graph, viewer: &Viewer, instance: String, now: Timestamp) -> NodeList {
        let mut total = 0;
        // Only one page is kept, whatever fits.
        let mut page: BTreeMap<String, NodeKey> = BTreeMap::new();
        let mut rest = false;
        let visible = viewer.visible(graph);
        let is_visible = |node: &NodeRef<'_>| {
            let visible = visible.as_ref();
            visible.is_none_or(|visible| visible.contains(&node.key()))
        };
        let seen = graph.nodes().filter(is_visible);
        for node in seen.filter(|node| self.fits(*node)) {
            total += 1;
            let id = node.id().to_string();
            if self.filter.after.as_ref().is_some_and(|after| id <= *after) {
                continue;
            }
            page.insert(id, node.key());
            if page.len() > self.limit {
                page.pop_last();
                rest = true;
            }
        }
        let next = page.last_key_value().map(|(id, _)| id.clone());
        NodeList {
            version: VERSION,
            instance,
            generated_at: now,
            total,
            next: next.filter(|_| rest),
            nodes: page
                .into_values()
                .filter_map(|key| graph.get(key))
                .map(brief)
                .collect(),
        }
    }

    fn fits(&self, node: NodeRef<'_>) -> bool {
        let filter = &self.filter;
        let is =
            |wanted: &Option<String>, has: &str| wanted.as_ref().is_none_or(|wanted| wanted == has);
        (self.states.is_empty() || self.states.contains(&node.state()))
            && is(&filter.kind, node.id().kind().as_str())
            && is(&filter.source, node.id().source())
            && filter
                .owner
                .as_ref()
                .is_none_or(|wanted| node.owner().is_some_and(|owner| **owner == **wanted))
            && self.text.as_ref().is_none_or(|text| holds(node, text))
    }
}

fn holds(node: NodeRef<'_>, text: &str) -> bool {
    let has = |place: &str| place.to_lowercase().contains(text);
    has(node.title())
        || has(&node.id().to_string())
        || node.owner().is_some_and(|owner| has(owner))
        || node.messages().iter().any(|message| has(&message.text))
}

fn brief(node: NodeRef<'_>) -> NodeBrief {
    NodeBrief {
        id: clean(&node.id().to_string()),
        title: clean(node.title()),
        kind: node.id().kind().to_string(),
        source: clean(node.id().source()),
        owner: node.owner().map(|owner| clean(owner)),
        service: node.service().is_some(),
        state: health(node.state()),
        reason: clean(node.reason().as_str()),
        message: message(node),
        since: node.since(),
    }
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
