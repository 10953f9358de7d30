//! Whether the program works, for those who start it again if not.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;

use super::Api;
use crate::Viewer;

/// An engine that does not answer for this long is stuck: it answers between two batches, each of milliseconds.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) async fn live(State(api): State<Api>) -> (StatusCode, String) {
    let answered = tokio::time::timeout(PATIENCE, api.live.query(|_| ())).await;
    match answered {
        Ok(Some(())) => (StatusCode::OK, "ok\n".to_owned()),
        Ok(None) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "the engine has ended\n".to_owned(),
        ),
        Err(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            format!("the engine has not answered for {} s\n", PATIENCE.as_secs()),
        ),
    }
}

/// A source that was asked and did not answer is known to be lost: that is an answer, and no reason to wait.
pub(super) async fn ready(State(api): State<Api>, viewer: Viewer) -> (StatusCode, String) {
    let (status, text) = live(State(api.clone())).await;
    if status != StatusCode::OK {
        return (status, text);
    }
    let waiting: Vec<String> = api
        .live
        .sources()
        .await
        .into_iter()
        .filter(|source| !source.asked)
        .map(|source| source.name.to_string())
        .collect();
    match waiting.as_slice() {
        [] => (StatusCode::OK, text),
        // Their names are for those who run the instance.
        _ if !viewer.is_operator() => (
            StatusCode::SERVICE_UNAVAILABLE,
            "not every source has answered yet\n".to_owned(),
        ),
        waiting => (
            StatusCode::SERVICE_UNAVAILABLE,
            format!(
                "these sources have not answered yet: {}\n",
                waiting.join(", ")
            ),
        ),
    }
}
