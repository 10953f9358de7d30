//! Lists of nodes: filtered, searched, in pages.

use std::collections::BTreeMap;

use alpacalert_api::{NodeBrief, NodeList, VERSION};
use alpacalert_model::{Graph, NodeKey, NodeRef, State as Health, Timestamp};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;

use super::convert::{clean, health, message};
use super::nodes::{Asked, asked, look};
use super::services::conditional;
use super::{Api, Problem, problem};
use crate::Viewer;

/// What a page holds unless somebody says otherwise, and at most.
const PAGE: usize = 100;
const PAGE_MAX: usize = 1000;

/// The query of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
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

pub(super) async fn list(
    State(api): State<Api>,
    viewer: Viewer,
    query: Asked<Filter>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let wanted = Wanted::new(asked(query)?)?;
    if let Some(at) = wanted.filter.at {
        let instance = api.live.instance().to_string();
        let then = look(&api, Some(at), move |graph, at| {
            wanted.list(graph, &viewer, instance, at)
        });
        return Ok(Json(then.await?).into_response());
    }
    let told = api.lists.newest(&api.live, viewer, wanted).await;
    let told = told.ok_or_else(Problem::ended)?;
    Ok(conditional(&headers, &told.etag, told.body.clone()))
}

/// A filter that was understood.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Wanted {
    filter: Filter,
    states: Vec<Health>,
    /// In lower case.
    text: Option<String>,
    limit: usize,
}

impl Wanted {
    pub(super) fn new(filter: Filter) -> Result<Self, Problem> {
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

    /// The bytes of the texts in it.
    pub(super) fn weight(&self) -> usize {
        let Filter {
            state,
            owner,
            kind,
            source,
            q,
            after,
            limit: _,
            at: _,
        } = &self.filter;
        let texts = [state, owner, kind, source, q, after, &self.text];
        texts.into_iter().flatten().map(String::len).sum()
    }

    pub(super) fn list(
        &self,
        graph: &Graph,
        viewer: &Viewer,
        instance: String,
        now: Timestamp,
    ) -> NodeList {
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
