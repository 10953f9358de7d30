//! How the instance is doing, and what it remembers.

use alpacalert::config::Anonymous;
use alpacalert::{Policy, TaskState, TaskStatus};
use alpacalert_api::{
    ConfigReport, Counts, InstanceReport, Rejection, SourceReport, TaskReport, TransitionList,
    TransitionRecord, VERSION,
};
use alpacalert_model::{NodeId, NodeRef, State as Health, Timestamp};
use alpacalert_store::Wanted;
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use serde::Deserialize;

use super::convert::{clean, find, health};
use super::nodes::asked;
use super::{Api, Problem, problem};
use crate::{Caller, Live, Viewer};

pub(super) async fn instance(State(api): State<Api>) -> Result<Json<InstanceReport>, Problem> {
    let live = &api.live;
    let services = live
        .query(|graph| {
            let mut counts = [0; 4];
            for node in graph.services() {
                counts[node.state().index()] += 1;
            }
            counts
        })
        .await
        .ok_or_else(Problem::ended)?;
    let stats = live.stats().await;
    let config = live.config();
    let sources = live.sources().await.into_iter().map(|source| SourceReport {
        name: clean(&source.name),
        state: health(source.state),
        message: clean(&source.message),
        fetched_at: source.fetched_at,
    });
    let of = |state: Health| services[state.index()];
    Ok(Json(InstanceReport {
        version: VERSION,
        instance: config.instance.to_string(),
        program: env!("CARGO_PKG_VERSION").to_owned(),
        started_at: live.started_at(),
        nodes: stats.nodes,
        sensors: stats.sensors,
        services: Counts {
            passing: of(Health::Passing),
            degraded: of(Health::Degraded),
            unknown: of(Health::Unknown),
            failing: of(Health::Failing),
        },
        lateness_p99: stats.lateness_p99.as_secs_f64(),
        waiting: stats.waiting,
        config: ConfigReport {
            loaded_at: config.loaded_at,
            reloads: config.reloads,
            rejected: config.rejected.map(|rejected| Rejection {
                at: rejected.at,
                problem: rejected.problem,
            }),
        },
        sources: sources.collect(),
        tasks: tasks(live),
    }))
}

fn tasks(live: &Live) -> Vec<TaskReport> {
    let statuses = live.tasks().statuses().into_iter();
    let report = |task: TaskStatus| TaskReport {
        name: task.name.to_string(),
        policy: match task.policy {
            Policy::Restart => "restart",
            Policy::Essential => "essential",
        }
        .to_owned(),
        state: task_state(task.state).to_owned(),
        deaths: task.deaths,
        since: task.since,
        problem: clean(&task.problem),
    };
    statuses.map(report).collect()
}

/// The word for what a task does.
pub(super) fn task_state(state: TaskState) -> &'static str {
    match state {
        TaskState::Running => "running",
        TaskState::Waiting => "waiting",
        TaskState::Dead => "dead",
        TaskState::Ended => "ended",
    }
}

/// The query of what is remembered.
#[derive(Debug, Deserialize)]
pub(super) struct Past {
    pub(super) node: Option<String>,
    pub(super) services: Option<bool>,
    pub(super) from: Option<Timestamp>,
    pub(super) to: Option<Timestamp>,
    pub(super) limit: Option<usize>,
}

/// The most that one answer holds.
const LIMIT_MAX: usize = 1000;

/// The most services of which the past is told at once to somebody who may not see all of them: each is asked for by itself.
const SERVICES_MAX: usize = 200;

/// The nodes whose past is wanted and may be seen, and whether with what was said about it; `None` for all there are.
async fn visible(
    api: &Api,
    viewer: &Viewer,
    wanted: Option<String>,
) -> Result<Option<Vec<(NodeId, bool)>>, Problem> {
    if wanted.is_none() && viewer.is_operator() {
        return Ok(None);
    }
    let viewer = viewer.clone();
    let found = api.live.query(move |graph| {
        let look = |node: NodeRef<'_>| {
            let inside = viewer.sees(node);
            let may = inside || node.service().is_some() && viewer.lists(node);
            may.then(|| (node.id().clone(), inside))
        };
        match wanted {
            Some(name) => {
                let node = find(graph, &name).and_then(look);
                let text = "there is no such node";
                let node = node.ok_or_else(|| problem(StatusCode::NOT_FOUND, text));
                node.map(|node| vec![node])
            }
            None => Ok(graph.services().filter_map(look).collect::<Vec<_>>()),
        }
    });
    let nodes = found.await.ok_or_else(Problem::ended)??;
    if nodes.len() > SERVICES_MAX {
        let text =
            format!("there are more than {SERVICES_MAX} services to see; ask for one with `node=`");
        return Err(problem(StatusCode::BAD_REQUEST, text));
    }
    Ok(Some(nodes))
}

pub(super) async fn transitions(
    State(api): State<Api>,
    caller: Caller,
    query: Result<Query<Past>, QueryRejection>,
) -> Result<Json<TransitionList>, Problem> {
    let transitions = remembered(&api, &caller, asked(query)?).await?;
    Ok(Json(TransitionList {
        version: VERSION,
        instance: api.live.instance().to_string(),
        transitions,
    }))
}

/// What is remembered, as the caller may see it: the newest first.
pub(super) async fn remembered(
    api: &Api,
    caller: &Caller,
    past: Past,
) -> Result<Vec<TransitionRecord>, Problem> {
    let limit = past.limit.unwrap_or(100);
    if !(1..=LIMIT_MAX).contains(&limit) {
        let text = format!("`limit` takes 1 to {LIMIT_MAX}");
        return Err(problem(StatusCode::BAD_REQUEST, text));
    }
    let history = super::history::store(api)?;
    let wanted = Wanted {
        node: None,
        services: past.services.unwrap_or(false),
        from: past.from.unwrap_or(Timestamp::UNIX_EPOCH),
        to: past.to.unwrap_or(Timestamp::MAX),
        limit,
    };
    let failed = super::history::failed(&caller.viewer);
    let mut found = Vec::new();
    match visible(api, &caller.viewer, past.node).await? {
        None => found = history.transitions(wanted).await.map_err(&failed)?,
        Some(nodes) => {
            for (node, inside) in nodes {
                let wanted = Wanted {
                    node: Some(node),
                    ..wanted.clone()
                };
                let mut told = history.transitions(wanted).await.map_err(&failed)?;
                if !inside && caller.anonymous != Anonymous::Causes {
                    for past in &mut told {
                        past.reason.clear();
                        past.message.clear();
                    }
                }
                found.extend(told);
            }
            // Not by their times: the clock may have been set back between them.
            found.sort_by_key(|past| std::cmp::Reverse(past.seq));
            found.truncate(limit);
        }
    }
    let transitions = found.into_iter().map(|past| TransitionRecord {
        node: clean(&past.node.to_string()),
        title: clean(&past.title),
        owner: past.owner.as_deref().map(clean),
        from: past.from.map(health),
        to: health(past.to),
        reason: clean(&past.reason),
        message: clean(&past.message),
        at: past.at,
    });
    Ok(transitions.collect())
}
