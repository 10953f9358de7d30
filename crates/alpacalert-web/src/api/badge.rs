//! A small picture of a service's state.

use std::fmt::Write as _;

use alpacalert_api::Health;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::services::no_service;
use super::{Api, Problem};
use crate::Caller;

pub(super) async fn badge(
    State(api): State<Api>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let name = name.strip_suffix(".svg").unwrap_or(&name);
    let published = api
        .summaries
        .newest(&api.live, &caller)
        .await
        .ok_or_else(Problem::ended)?;
    let summary = published.one(name).ok_or_else(|| no_service(name))?;
    let headers = [
        (header::CONTENT_TYPE, "image/svg+xml"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    Ok((headers, svg(&summary.title, summary.state)).into_response())
}

/// The most characters of a title that are drawn.
const TITLE_MAX: usize = 60;

/// How wide a character is at 11 px, on average.
const WIDTH: usize = 7;

fn svg(title: &str, state: Health) -> String {
    let title: String = title.chars().take(TITLE_MAX).collect();
    let left = title.chars().count() * WIDTH + 12;
    let right = state.as_str().len() * WIDTH + 12;
    let title = escaped(&title);
    let (colour, word) = (colour(state), state.as_str());
    let (width, middle) = (left + right, left + right / 2);
    let half = left / 2;
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img" aria-label="{title}: {word}"><title>{title}: {word}</title><rect width="{left}" height="20" fill="#424a53"/><rect x="{left}" width="{right}" height="20" fill="{colour}"/><g fill="#fff" text-anchor="middle" font-family="sans-serif" font-size="11"><text x="{half}" y="14">{title}</text><text x="{middle}" y="14">{word}</text></g></svg>"##
    )
}

/// The colours of the page on light ground: white text on them can be read.
fn colour(state: Health) -> &'static str {
    match state {
        Health::Passing => "#1a7f37",
        Health::Degraded => "#9a6700",
        Health::Unknown => "#57606a",
        Health::Failing => "#cf222e",
    }
}

/// Text as XML may hold it.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() => {
                // Most of these are not allowed in XML at all.
                let _ = write!(out, " ");
            }
            c => out.push(c),
        }
    }
    out
}
