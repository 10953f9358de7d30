//! Services, as other instances consume them.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::{Api, Problem, problem};
use crate::Caller;

pub(super) async fn list(
    State(api): State<Api>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let published = api
        .summaries
        .newest(&api.live, &caller)
        .await
        .ok_or_else(Problem::ended)?;
    Ok(conditional(
        &headers,
        &published.etag,
        published.body.clone(),
    ))
}

pub(super) async fn one(
    State(api): State<Api>,
    caller: Caller,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let published = api
        .summaries
        .newest(&api.live, &caller)
        .await
        .ok_or_else(Problem::ended)?;
    let summary = published.one(&name).ok_or_else(|| no_service(&name))?;
    let body = serde_json::to_vec(summary).map_err(|_| Problem::ended())?;
    Ok(conditional(&headers, &published.etag, body.into()))
}

pub(super) fn no_service(name: &str) -> Problem {
    let name: String = name.chars().take(100).collect();
    problem(
        StatusCode::NOT_FOUND,
        format!("there is no service `{name}`; all are listed in /api/v1/services"),
    )
}

/// The body, or that the asker has it already.
pub(super) fn conditional(headers: &HeaderMap, etag: &str, body: Bytes) -> Response {
    let known = headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|known| known.trim().trim_start_matches("W/") == etag || known.trim() == "*");
    let mut response = match known {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
    };
    let headers = response.headers_mut();
    if let Ok(etag) = HeaderValue::from_str(etag) {
        headers.insert(header::ETAG, etag);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}
