//! A running instance over HTTP: the API, its events, and the pages.
//!
//! [`Live`] is all that a handler knows of the instance. [`router`] puts the API and the pages together.

mod api;
pub mod history;
mod live;
pub mod page;
mod settings;

pub use history::History;
pub use live::{ConfigStatus, Live, Parts, Rejected};
pub use settings::WebSettings;

use axum::Router;

/// Everything that an instance serves.
pub fn router(live: Live, settings: WebSettings) -> Router {
    let _ = &settings;
    Router::new()
        .merge(api::router(live.clone()))
        .merge(page::router(live))
}
