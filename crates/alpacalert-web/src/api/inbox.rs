//! What things say that can only report: signs of life, and states.

use std::time::Duration;

use alpacalert::instrument::{Pass, Word};
use alpacalert_api::{PushedLimit, PushedMeasurement, PushedState};
use alpacalert_model::{
    Bound, Kind, Limits, Measurement, Observation, Reason, Severity, State as Health, Timestamp,
    Unit,
};
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::convert::state;
use super::nodes::asked;
use super::{Api, Problem, problem};
use crate::Caller;

const HEARTBEAT: &str = "alpacalert.io/Heartbeat";
const PUSH: &str = "alpacalert.io/Push";

/// The most bytes of a report: hundreds of measured values have room.
const BODY_MAX: usize = 64 * 1024;

/// A report must be here after this long, so that slow reporters do not hold connections for ever.
const PATIENCE: Duration = Duration::from_secs(10);

/// For how long a report may ask to be believed: a year and a day.
pub(super) const TTL_MAX: u32 = 366 * 24 * 3600;

/// The query of a sign of life.
#[derive(Debug, Deserialize)]
pub(super) struct Beat {
    exit: Option<i32>,
}

/// The query of a state whose message is the body.
#[derive(Debug, Deserialize)]
pub(super) struct Plain {
    state: Option<String>,
    ttl: Option<u32>,
}

pub(super) async fn heartbeat(
    State(api): State<Api>,
    caller: Caller,
    Path(name): Path<String>,
    query: Result<Query<Beat>, QueryRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, Refusal> {
    let door = Door::new(&api, HEARTBEAT, &name, &caller, &headers)?;
    let beat = asked(query)?;
    let said = text(body).await?;
    let now = Timestamp::now();
    let seen = match beat.exit {
        None | Some(0) => Observation::passing(now),
        Some(code) => {
            let text = format!("the job ended with the exit code {code}");
            Observation::failing(Reason::fixed("exit"), text, now)
        }
    };
    let seen = match said.trim() {
        "" => seen,
        said => seen.message(Severity::Info, said.to_owned()),
    };
    door.post(Word::new(seen, None)).await
}

pub(super) async fn push(
    State(api): State<Api>,
    caller: Caller,
    Path(name): Path<String>,
    query: Result<Query<Plain>, QueryRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, Refusal> {
    let door = Door::new(&api, PUSH, &name, &caller, &headers)?;
    let plain = asked(query)?;
    let said = text(body).await?;
    // Of a report that says its state twice, one would be passed over without a word.
    if plain.state.is_some() && is_json(&headers) {
        return Err(wrong(
            "`state` stands in the query of a message in plain text; a report in JSON holds its own",
        ));
    }
    let pushed = match plain.state {
        Some(word) => PushedState {
            state: health(&word)?,
            message: Some(said.trim().to_owned()).filter(|text| !text.is_empty()),
            reason: None,
            measurements: Vec::new(),
            ttl: plain.ttl,
        },
        None if plain.ttl.is_some() => {
            return Err(wrong(
                "`ttl` stands in the query with `state` only; without it, in the body",
            ));
        }
        None => serde_json::from_str(&said).map_err(|error| wrong(error.to_string()))?,
    };
    door.post(word(pushed)?).await
}

fn is_json(headers: &HeaderMap) -> bool {
    let media = headers.get(header::CONTENT_TYPE);
    let media = media.and_then(|media| media.to_str().ok()).unwrap_or("");
    let media = media.split(';').next().unwrap_or("").trim();
    media.eq_ignore_ascii_case("application/json")
}

/// Where a report goes, for somebody who may report.
struct Door<'a> {
    api: &'a Api,
    kind: Kind,
    name: &'a str,
    pass: Pass<'a>,
}

impl<'a> Door<'a> {
    /// Refuses before anything is read, so that a stranger learns nothing from what is said about a body.
    ///
    /// Where nobody has to say who they are, everybody may look, and nobody may report: any web page could make a browser do that.
    fn new(
        api: &'a Api,
        kind: &'static str,
        name: &'a str,
        caller: &Caller,
        headers: &'a HeaderMap,
    ) -> Result<Self, Refusal> {
        let token = bearer(headers).ok_or(Refusal::NoToken)?;
        let pass = match caller.name.is_some() && caller.may_push(name) {
            true => Pass::Trusted,
            false => Pass::Token(token),
        };
        let door = Door {
            api,
            kind: Kind::of(kind),
            name,
            pass,
        };
        match api.live.inbox().admits(&door.kind, name, pass) {
            true => Ok(door),
            false => Err(refused()),
        }
    }

    async fn post(self, word: Word) -> Result<StatusCode, Refusal> {
        let posted = self.api.live.post(&self.kind, self.name, self.pass, word);
        match posted.await {
            Ok(()) => Ok(StatusCode::NO_CONTENT),
            // It was taken away just now.
            Err(_) => Err(refused()),
        }
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// Why a report is not taken.
pub(super) enum Refusal {
    NoToken,
    Problem(Problem),
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Refusal::Problem(problem)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Refusal::Problem(problem) => problem.into_response(),
            Refusal::NoToken => {
                let text = "a report needs the token of its sensor: `Authorization: Bearer …`";
                let how = [(header::WWW_AUTHENTICATE, "Bearer")];
                (how, problem(StatusCode::UNAUTHORIZED, text)).into_response()
            }
        }
    }
}

/// The same for a wrong name and a wrong token.
fn refused() -> Refusal {
    let text = "nothing is expected under this name with this token";
    problem(StatusCode::FORBIDDEN, text).into()
}

fn wrong(why: impl std::fmt::Display) -> Refusal {
    let text = format!(
        "the report cannot be read: {why}; it looks like {{\"state\": \"degraded\", \"message\": \"…\"}}, or comes as plain text \
with `?state=degraded`"
    );
    problem(StatusCode::BAD_REQUEST, text).into()
}

/// All of a body, as text.
async fn text(body: Body) -> Result<String, Refusal> {
    let reading = axum::body::to_bytes(body, BODY_MAX);
    let read = tokio::time::timeout(PATIENCE, reading).await;
    let read = read.map_err(|_| {
        let text = format!("the report did not come within {} s", PATIENCE.as_secs());
        problem(StatusCode::REQUEST_TIMEOUT, text)
    })?;
    let bytes = read.map_err(|_| {
        let text = format!("a report holds {} KiB at most", BODY_MAX / 1024);
        problem(StatusCode::PAYLOAD_TOO_LARGE, text)
    })?;
    String::from_utf8(bytes.into()).map_err(|_| wrong("it is not UTF-8"))
}

fn health(word: &str) -> Result<alpacalert_api::Health, Refusal> {
    serde_json::from_value(word.into())
        .map_err(|_| wrong("`state` is passing, degraded, unknown or failing"))
}

/// What a report says.
fn word(pushed: PushedState) -> Result<Word, Refusal> {
    if pushed.ttl.is_some_and(|ttl| !(1..=TTL_MAX).contains(&ttl)) {
        return Err(wrong(format!("`ttl` is 1 to {TTL_MAX} seconds")));
    }
    let state = state(pushed.state);
    let reason = match pushed.reason {
        Some(code) if is_code(&code) => Reason::new(code),
        Some(_) => {
            return Err(wrong(
                "`reason` is up to 64 small letters, digits and hyphens",
            ));
        }
        None if state == Health::Passing => Reason::OK,
        None => Reason::fixed("pushed"),
    };
    let mut seen = Observation::new(state, reason, Timestamp::now());
    if let Some(message) = pushed.message {
        seen = seen.message(state.into(), message);
    }
    for pushed in pushed.measurements {
        seen = seen.measured(measurement(pushed)?);
    }
    let ttl = pushed.ttl.map(|s| Duration::from_secs(s.into()));
    Ok(Word::new(seen, ttl))
}

fn is_code(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=64).contains(&text.len()) && text.chars().all(plain)
}

fn measurement(pushed: PushedMeasurement) -> Result<Measurement, Refusal> {
    let unit = match pushed.unit.as_deref().unwrap_or_default() {
        "" => Unit::None,
        "count" => Unit::Count,
        "s" => Unit::Seconds,
        "B" => Unit::Bytes,
        "%" => Unit::Percent,
        "/s" => Unit::PerSecond,
        "B/s" => Unit::BytesPerSecond,
        "°C" => Unit::Celsius,
        _ => return Err(wrong("`unit` is count, s, B, %, /s, B/s or °C")),
    };
    let bound = |limit: Option<PushedLimit>| {
        limit.map(|limit| match limit {
            PushedLimit::Above(value) => Bound::Above(value),
            PushedLimit::Below(value) => Bound::Below(value),
        })
    };
    let limits = Limits {
        degraded: bound(pushed.degraded),
        failing: bound(pushed.failing),
    };
    Ok(Measurement::new(pushed.name, pushed.value, unit).against(limits))
}
