//! Whether an answer is what it should be. Pure.

use alpacalert_instrument::{InstrumentError, Observation, Params, Reason, State, Value};
use alpacalert_model::{Bound, Limits, Measurement, Unit};
use http::{HeaderMap, HeaderName, StatusCode};
use jsonpath_rust::parser::model::JpQuery;
use jsonpath_rust::parser::parse_json_path;
use jsonpath_rust::query::js_path_process;
use serde_json::Value as Json;

use super::settings::Status;
use crate::net::{Pattern, excerpt};

const STATUS: Reason = Reason::fixed("status");
const HEADER: Reason = Reason::fixed("header");
const BODY: Reason = Reason::fixed("body");
pub(super) const BODY_ENCODING: Reason = Reason::fixed("body-encoding");

/// How many numbers that a path finds are shown as measurements.
const MEASURED_VALUES: usize = 10;

/// A header that the answer must have.
pub(super) struct HeaderCheck {
    pub(super) name: HeaderName,
    pub(super) pattern: Pattern,
}

/// Something that must be true of the body, or of values in it.
pub(super) struct BodyCheck {
    json: Option<JsonPath>,
    equals: Option<Json>,
    contains: Option<Box<str>>,
    matches: Option<Pattern>,
    not_matches: Option<Pattern>,
    at_least: Option<f64>,
    at_most: Option<f64>,
}

struct JsonPath {
    /// As the user wrote it.
    text: Box<str>,
    query: Box<JpQuery>,
}

impl JsonPath {
    fn parse(text: &str) -> Result<JsonPath, InstrumentError> {
        let whole = match text.strip_prefix('.') {
            Some(_) => format!("${text}"),
            None => text.to_owned(),
        };
        let query = parse_json_path(&whole).map_err(|error| {
            InstrumentError::new(format!("cannot read the JSON path `{text}`: {error}"))
        })?;
        Ok(JsonPath {
            text: text.into(),
            query: Box::new(query),
        })
    }
}

impl BodyCheck {
    pub(super) fn parse(value: &Value) -> Result<BodyCheck, InstrumentError> {
        let params = match value {
            Value::Map(entries) => Params::from(entries.clone()),
            _ => Params::new(),
        };
        let pattern = |key| params.text(key).map(Pattern::parse).transpose();
        Ok(BodyCheck {
            json: params.text("json").map(JsonPath::parse).transpose()?,
            equals: params.get("equals").map(scalar),
            contains: params.text("contains").map(Into::into),
            matches: pattern("matches")?,
            not_matches: pattern("not_matches")?,
            at_least: params.number("at_least"),
            at_most: params.number("at_most"),
        })
    }

    fn judge(&self, body: &Body<'_>, observation: Observation) -> Observation {
        match &self.json {
            Some(path) => self.judge_json(path, body, observation),
            None => self.judge_text(body.bytes, "the body", observation),
        }
    }

    fn judge_json(
        &self,
        path: &JsonPath,
        body: &Body<'_>,
        mut observation: Observation,
    ) -> Observation {
        let json = match &body.json {
            Some(Ok(json)) => json,
            Some(Err(error)) => return failed(observation, error.clone()),
            None => return observation,
        };
        let found = js_path_process(&path.query, json).unwrap_or_default();
        if found.is_empty() {
            let text = format!(
                "`{}` finds nothing in the body `{}`",
                path.text,
                excerpt(body.bytes)
            );
            return failed(observation, text);
        }
        for (position, value) in found.into_iter().map(|found| found.val()).enumerate() {
            observation = self.judge_value(path, value, position, observation);
        }
        observation
    }

    fn judge_value(
        &self,
        path: &JsonPath,
        value: &Json,
        position: usize,
        mut observation: Observation,
    ) -> Observation {
        let name = &path.text;
        let shown = || excerpt(value.to_string().as_bytes());
        if let Some(wanted) = &self.equals
            && !same(wanted, value)
        {
            let text = format!("`{name}` is {}, not {wanted}", shown());
            observation = failed(observation, text);
        }
        let limits = Limits {
            degraded: None,
            failing: match (self.at_least, self.at_most) {
                (Some(low), Some(high)) => Some(Bound::Outside(low, high)),
                (Some(low), None) => Some(Bound::Below(low)),
                (None, Some(high)) => Some(Bound::Above(high)),
                (None, None) => None,
            },
        };
        match value.as_f64() {
            Some(number) => {
                let measurement =
                    Measurement::new(name.to_string(), number, Unit::None).against(limits);
                if position < MEASURED_VALUES || measurement.state() != State::Passing {
                    observation = observation.measured(measurement);
                }
            }
            None if limits.failing.is_some() => {
                observation = failed(
                    observation,
                    format!("`{name}` is {}, not a number", shown()),
                );
            }
            None => {}
        }
        let text = match value {
            Json::String(text) => text.clone(),
            other => other.to_string(),
        };
        self.judge_text(text.as_bytes(), &format!("`{name}`"), observation)
    }

    fn judge_text(&self, text: &[u8], what: &str, mut observation: Observation) -> Observation {
        if let Some(wanted) = &self.contains
            && !contains(text, wanted.as_bytes())
        {
            let said = format!("{what} does not contain `{wanted}`: `{}`", excerpt(text));
            observation = failed(observation, said);
        }
        if let Some(wanted) = &self.matches
            && !wanted.is_match(text)
        {
            let said = format!(
                "{what} does not match `{}`: `{}`",
                wanted.as_str(),
                excerpt(text)
            );
            observation = failed(observation, said);
        }
        if let Some(unwanted) = &self.not_matches
            && unwanted.is_match(text)
        {
            let said = format!(
                "{what} matches `{}`: `{}`",
                unwanted.as_str(),
                excerpt(text)
            );
            observation = failed(observation, said);
        }
        observation
    }
}

/// A body that was read.
struct Body<'a> {
    bytes: &'a [u8],
    /// Parsed if any check needs it.
    json: Option<Result<Json, String>>,
}

fn failed(observation: Observation, text: String) -> Observation {
    observation.worsened(State::Failing, BODY, text)
}

fn scalar(value: &Value) -> Json {
    match value {
        Value::Bool(value) => Json::from(*value),
        Value::Int(value) => Json::from(*value),
        Value::Number(value) => Json::from(*value),
        other => Json::from(other.as_text().unwrap_or_default()),
    }
}

/// The same value of the same type; `1` and `1.0` are the same number.
fn same(wanted: &Json, value: &Json) -> bool {
    match (wanted.as_f64(), value.as_f64()) {
        (Some(wanted), Some(value)) => wanted == value,
        _ => wanted == value,
    }
}

/// Whether the bytes are found; linear time.
fn contains(text: &[u8], wanted: &[u8]) -> bool {
    match (std::str::from_utf8(text), std::str::from_utf8(wanted)) {
        (Ok(text), Ok(wanted)) => text.contains(wanted),
        // A body in another encoding: compared byte by byte.
        _ => String::from_utf8_lossy(text).contains(&*String::from_utf8_lossy(wanted)),
    }
}

/// Holds the status against those that are right.
pub(super) fn judge_status(
    status: StatusCode,
    wanted: &[Status],
    body: &[u8],
    observation: Observation,
) -> Observation {
    if wanted.iter().any(|wanted| wanted.fits(status)) {
        return observation;
    }
    let wanted: Vec<String> = wanted.iter().map(Status::to_string).collect();
    let mut text = format!("the status is {status}, not {}", wanted.join(" or "));
    let said = excerpt(body);
    if !said.is_empty() {
        text.push_str(&format!("; the body begins `{said}`"));
    }
    observation.worsened(State::Failing, STATUS, text)
}

/// Holds the headers against those that must be there.
pub(super) fn judge_headers(
    headers: &HeaderMap,
    wanted: &[HeaderCheck],
    mut observation: Observation,
) -> Observation {
    for HeaderCheck { name, pattern } in wanted {
        let mut values = headers.get_all(name).iter().peekable();
        let text = match values.peek() {
            None => format!("the answer has no header `{name}`"),
            Some(first) => {
                let shown = excerpt(first.as_bytes());
                if values.any(|value| pattern.is_match(value.as_bytes())) {
                    continue;
                }
                format!(
                    "the header `{name}` is `{shown}`, which does not match `{}`",
                    pattern.as_str()
                )
            }
        };
        observation = observation.worsened(State::Failing, HEADER, text);
    }
    observation
}

/// Holds the body against every check.
pub(super) fn judge_body(
    bytes: &[u8],
    is_whole: bool,
    checks: &[BodyCheck],
    mut observation: Observation,
) -> Observation {
    let needs_json = checks.iter().any(|check| check.json.is_some());
    let body = Body {
        bytes,
        json: needs_json.then(|| parse(bytes, is_whole)),
    };
    for check in checks {
        observation = check.judge(&body, observation);
    }
    observation
}

fn parse(bytes: &[u8], is_whole: bool) -> Result<Json, String> {
    if !is_whole {
        return Err("the body is longer than `body_limit` and cannot be read as JSON".to_owned());
    }
    serde_json::from_slice(bytes)
        .map_err(|error| format!("the body is not JSON: {error}: `{}`", excerpt(bytes)))
}
