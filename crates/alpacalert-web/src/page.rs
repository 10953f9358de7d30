//! The pages.

use axum::Router;

use crate::Live;

/// The pages of an instance.
pub fn router(live: Live) -> Router {
    let _ = live;
    Router::new()
}
