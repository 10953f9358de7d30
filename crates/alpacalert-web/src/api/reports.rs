//! How the instance is doing, and what it remembers.

use alpacalert::{Policy, TaskState, TaskStatus};
use alpacalert_api::{
    ConfigReport, Counts, InstanceReport, Rejection, SourceReport, TaskReport, TransitionList,
    TransitionRecord, VERSION,
};
use alpacalert_model::{State as Health, Timestamp};
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use serde::Deserialize;

use super::convert::{clean, find, health};
use super::nodes::asked;
use super::{Api, Problem, problem};
use crate::Live;
use crate::history::Wanted;

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
    node: Option<String>,
    services: Option<bool>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    limit: Option<usize>,
}

/// The most that one answer holds.
const LIMIT_MAX: usize = 1000;

pub(super) async fn transitions(
    State(api): State<Api>,
    query: Result<Query<Past>, QueryRejection>,
) -> Result<Json<TransitionList>, Problem> {
    let past = asked(query)?;
    let limit = past.limit.unwrap_or(100);
    if !(1..=LIMIT_MAX).contains(&limit) {
        let text = format!("`limit` takes 1 to {LIMIT_MAX}");
        return Err(problem(StatusCode::BAD_REQUEST, text));
    }
    let history = api
        .live
        .history()
        .ok_or_else(|| problem(StatusCode::NOT_FOUND, "this instance remembers nothing"))?;
    let node = match past.node {
        None => None,
        Some(name) => {
            let found = api
                .live
                .query(move |graph| find(graph, &name).map(|node| node.id().clone()));
            let id = found.await.ok_or_else(Problem::ended)?;
            Some(id.ok_or_else(|| problem(StatusCode::NOT_FOUND, "there is no such node"))?)
        }
    };
    let found = history
        .transitions(Wanted {
            node,
            services: past.services.unwrap_or(false),
            from: past.from.unwrap_or(Timestamp::UNIX_EPOCH),
            to: past.to.unwrap_or(Timestamp::MAX),
            limit,
        })
        .await
        .map_err(|error| problem(StatusCode::SERVICE_UNAVAILABLE, error.to_string()))?;
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
    Ok(Json(TransitionList {
        version: VERSION,
        instance: api.live.instance().to_string(),
        transitions: transitions.collect(),
    }))
}
