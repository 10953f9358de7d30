//! A running instance over HTTP: the API, its events, and the pages.
//!
//! [`Live`] is all that a handler knows of the instance. [`router`] puts the API and the pages together; [`serve`] listens.

pub mod access;
mod api;
mod guard;
mod itself;
mod live;
pub mod page;
mod remember;
mod server;
mod serving;
mod settings;
mod viewer;

pub use access::{Access, Caller, Guarded, Policy};
pub use api::api_document;
pub use itself::Itself;
pub use live::{ConfigStatus, Live, Parts, Rejected};
pub use remember::Remember;
pub use server::{raise_handles, serve};
pub use serving::Serving;
pub use settings::WebSettings;
pub use viewer::Viewer;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};

/// Every route of an instance with its policy. Must be called inside a runtime: it begins to keep the events that it tells.
pub fn routes(live: Live, access: Access) -> Guarded {
    api::router(live.clone())
        .merge(page::router(live))
        .merge(access::router(access))
}

/// Everything that an instance serves. Must be called inside a runtime.
pub fn router(live: Live, settings: WebSettings) -> Router {
    // The last one that is added is the first one that a request meets.
    routes(live, settings.access.clone())
        .into_router()
        .fallback(page::no_such_page)
        .layer(from_fn(page::dressed))
        .layer(from_fn_with_state(settings.access.clone(), access::gate))
        .layer(from_fn(guard::body))
        .layer(from_fn_with_state(settings.clone(), guard::origin))
        .layer(from_fn_with_state(settings.clone(), access::limit))
        .layer(from_fn_with_state(settings.clone(), guard::host))
        .layer(from_fn_with_state(settings, guard::headers))
}
