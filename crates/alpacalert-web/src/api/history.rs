//! What is remembered, in numbers: uptime, measurements, incidents.

use std::time::Duration;

use alpacalert::config::Anonymous;
use alpacalert_api::{
    IncidentList, IncidentRecord, MeasurementHistory, SeriesRecord, UnsureRecord, UptimePart,
    UptimeReport, VERSION,
};
use alpacalert_model::{Limits, NodeId, Timestamp};
use alpacalert_store::{Store, StoreError, Uptime};
use alpacalert_visualise::LimitsRecord;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;

use super::convert::{clean, find, health};
use super::nodes::{Asked, asked, no_node};
use super::{Api, Problem, problem};
use crate::{Caller, Viewer};

/// What is remembered, if anything is.
pub(super) fn store(api: &Api) -> Result<&Store, Problem> {
    let nothing = || problem(StatusCode::NOT_FOUND, "this instance remembers nothing");
    api.live.history().ok_or_else(nothing)
}

/// A question to the history that has no answer, as whoever asks may know it.
pub(super) fn failed(viewer: &Viewer) -> impl Fn(StoreError) -> Problem + use<> {
    let is_operator = viewer.is_operator();
    move |error| match error {
        StoreError::Question(_) => problem(StatusCode::BAD_REQUEST, error.chain()),
        _ => {
            let text = match is_operator {
                true => error.chain(),
                // Where the database is, is for those who run the instance.
                false => "what this instance remembers cannot be read now".to_owned(),
            };
            problem(StatusCode::SERVICE_UNAVAILABLE, text)
        }
    }
}

/// The query of a node's past.
#[derive(Debug, Deserialize)]
pub(super) struct Span {
    node: String,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    parts: Option<usize>,
}

/// How far it is looked back unless somebody says otherwise.
const BACK: Duration = Duration::from_secs(24 * 60 * 60);

impl Span {
    fn times(&self) -> (Timestamp, Timestamp) {
        times(self.from, self.to)
    }
}

fn times(from: Option<Timestamp>, to: Option<Timestamp>) -> (Timestamp, Timestamp) {
    let to = to.unwrap_or_else(Timestamp::now);
    let back = || to.saturating_sub(BACK).unwrap_or(Timestamp::MIN);
    (from.unwrap_or_else(back), to)
}

/// The node of a name, if it may be seen; with `inside`, if what is inside of it may be.
async fn node(api: &Api, viewer: Viewer, name: String, inside: bool) -> Result<NodeId, Problem> {
    let found = api.live.query(move |graph| {
        let may = |node: &alpacalert_model::NodeRef<'_>| {
            let listed = !inside && node.service().is_some() && viewer.lists(*node);
            listed || viewer.sees(*node)
        };
        let node = find(graph, &name).filter(may);
        node.map(|node| node.id().clone())
            .ok_or_else(|| no_node(&name))
    });
    found.await.ok_or_else(Problem::ended)?
}

pub(super) async fn uptime(
    State(api): State<Api>,
    viewer: Viewer,
    query: Asked<Span>,
) -> Result<Json<UptimeReport>, Problem> {
    let span = asked(query)?;
    let (from, to) = span.times();
    let failed = failed(&viewer);
    let node = node(&api, viewer, span.node, false).await?;
    let parts = span.parts.unwrap_or(1);
    let told = store(&api)?
        .uptime(node.clone(), from, to, parts)
        .await
        .map_err(failed)?;
    let mut whole = Uptime::default();
    told.iter().for_each(|part| whole.add(part));
    let length = to.duration_since(from) / i32::try_from(told.len().max(1)).unwrap_or(i32::MAX);
    let edges = (0..).map(|n| from.saturating_add(length * n).unwrap_or(to));
    Ok(Json(UptimeReport {
        version: VERSION,
        instance: api.live.instance().to_string(),
        node: clean(&node.to_string()),
        from,
        to,
        whole: part(from, &whole),
        parts: edges
            .zip(&told)
            .map(|(from, uptime)| part(from, uptime))
            .collect(),
    }))
}

fn part(from: Timestamp, uptime: &Uptime) -> UptimePart {
    let [passing, degraded, unknown, failing] = uptime.seconds;
    let share = uptime.share();
    UptimePart {
        from,
        passing,
        degraded,
        unknown,
        failing,
        unobserved: uptime.unobserved,
        absent: uptime.absent,
        lower: share.map(|(lower, _)| lower),
        upper: share.map(|(_, upper)| upper),
        unsure: uptime
            .unsure
            .iter()
            .map(|(reason, seconds)| UnsureRecord {
                reason: clean(reason.as_str()),
                seconds: *seconds,
            })
            .collect(),
    }
}

/// Points of a chart, unless somebody says otherwise.
const POINTS: usize = 200;

pub(super) async fn measurements(
    State(api): State<Api>,
    viewer: Viewer,
    query: Asked<Span>,
) -> Result<Json<MeasurementHistory<LimitsRecord>>, Problem> {
    let span = asked(query)?;
    let (from, to) = span.times();
    let failed = failed(&viewer);
    let node = node(&api, viewer, span.node, true).await?;
    let series = store(&api)?
        .measurements(node.clone(), from, to, span.parts.unwrap_or(POINTS))
        .await
        .map_err(failed)?;
    // JSON has no numbers that are none.
    let finite = |value: f64| value.is_finite().then_some(value);
    let series = series.into_iter().map(|series| SeriesRecord {
        name: clean(&series.name),
        unit: series.unit.symbol().to_owned(),
        limits: LimitsRecord::from(Limits { ..series.limits }),
        points: series
            .points
            .iter()
            .map(|point| {
                let values = (finite(point.min), finite(point.mean), finite(point.max));
                (point.at, values.0, values.1, values.2)
            })
            .collect(),
    });
    Ok(Json(MeasurementHistory {
        version: VERSION,
        instance: api.live.instance().to_string(),
        node: clean(&node.to_string()),
        from,
        to,
        series: series.collect(),
    }))
}

/// The query of incidents.
#[derive(Debug, Deserialize)]
pub(super) struct Incidents {
    node: Option<String>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    limit: Option<usize>,
}

/// The most that one answer holds.
const LIMIT_MAX: usize = 1000;

pub(super) async fn incidents(
    State(api): State<Api>,
    caller: Caller,
    query: Asked<Incidents>,
) -> Result<Json<IncidentList>, Problem> {
    let (viewer, anonymous) = (caller.viewer, caller.anonymous);
    let failed = failed(&viewer);
    let wanted = asked(query)?;
    let limit = wanted.limit.unwrap_or(100);
    if !(1..=LIMIT_MAX).contains(&limit) {
        let text = format!("`limit` takes 1 to {LIMIT_MAX}");
        return Err(problem(StatusCode::BAD_REQUEST, text));
    }
    let (from, to) = times(wanted.from, wanted.to);
    if from >= to {
        let text = "the end must be later than the beginning";
        return Err(problem(StatusCode::BAD_REQUEST, text));
    }
    let node = match wanted.node {
        Some(name) => Some(node(&api, viewer.clone(), name, false).await?),
        None => None,
    };
    let found = store(&api)?
        .incidents(from, to, node, LIMIT_MAX)
        .await
        .map_err(failed)?;
    // What may be seen is decided by how things are now.
    let visible = api.live.query(move |graph| {
        let told = found.into_iter().filter_map(|incident| {
            let node = graph
                .key(&incident.node)
                .and_then(|key| graph.get(key))
                .filter(|node| node.service().is_some());
            let (listed, inside) = match node {
                Some(node) => (viewer.lists(node), viewer.sees(node)),
                None => (viewer.is_operator(), viewer.is_operator()),
            };
            listed.then(|| IncidentRecord {
                node: clean(&incident.node.to_string()),
                title: clean(&incident.title),
                owner: incident.owner.as_deref().map(clean),
                worst: health(incident.worst),
                from: incident.from,
                to: incident.to,
                cause: match inside || anonymous == Anonymous::Causes {
                    true => clean(&incident.cause),
                    false => String::new(),
                },
                unobserved: incident.unobserved,
            })
        });
        told.take(limit).collect()
    });
    Ok(Json(IncidentList {
        version: VERSION,
        instance: api.live.instance().to_string(),
        incidents: visible.await.ok_or_else(Problem::ended)?,
    }))
}
