//! The API, version 1.

use axum::Router;

use crate::Live;

/// Everything under `/api/v1`, and what machines ask outside of it.
pub(crate) fn router(live: Live) -> Router {
    let _ = live;
    Router::new()
}
