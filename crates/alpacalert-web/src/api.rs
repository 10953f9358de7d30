//! The API, version 1.
//!
//! Every route stands in [`routes::all`], from which both the router and the OpenAPI document are made.

mod badge;
mod convert;
mod document;
mod events;
mod feed;
mod history;
mod inbox;
mod kept;
mod lists;
mod log;
mod metrics;
mod nodes;
mod probes;
mod reports;
mod routes;
mod services;
mod stream;
mod summaries;

use std::sync::Arc;

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use alpacalert_api::ErrorBody;

use crate::{Guarded, Live, Policy};

pub(crate) use convert::find;
pub(crate) use convert::service_name;
pub use document::api_document;
use kept::Lists;
pub(crate) use log::EventLog;
use summaries::Summaries;

/// What the handlers of the API share.
#[derive(Clone)]
pub(crate) struct Api {
    live: Live,
    summaries: Arc<Summaries>,
    lists: Lists,
    log: Arc<EventLog>,
    /// What anybody may see of it.
    public_log: Arc<EventLog>,
}

/// Everything under `/api/v1`, and what machines ask outside of it.
pub(crate) fn router(live: Live) -> Guarded {
    let log = EventLog::keep(&live);
    let api = Api {
        summaries: Arc::default(),
        lists: Lists::default(),
        public_log: EventLog::keep_public(&live),
        log,
        live,
    };
    let mut router = Guarded::new();
    for route in routes::all() {
        router = router.route(route.path, route.policy, route.handler);
    }
    let rest = axum::routing::any(no_such_path);
    router
        .route("/api/{*rest}", Policy::Everybody, rest)
        .with_state(api)
}

async fn no_such_path() -> Problem {
    problem(
        StatusCode::NOT_FOUND,
        "there is no such path; every one is listed in /api/v1/openapi.json",
    )
}

/// An answer that says what is wrong.
#[derive(Debug)]
pub(crate) struct Problem(StatusCode, String);

/// An answer that says what is wrong. It may quote the question, which comes from anybody.
pub(crate) fn problem(status: StatusCode, text: impl Into<String>) -> Problem {
    Problem(status, convert::clean(&text.into()))
}

impl Problem {
    /// The engine has ended, or is about to.
    fn ended() -> Self {
        problem(
            StatusCode::SERVICE_UNAVAILABLE,
            "the instance is shutting down",
        )
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = ErrorBody { error: self.1 };
        // What is wrong now may be right a moment later.
        let fresh = [(header::CACHE_CONTROL, "no-store")];
        (self.0, fresh, Json(body)).into_response()
    }
}
