//! What the network sensors share: names to addresses, connections, deadlines, and telling whose fault it was.

mod address;
mod connect;
mod deadline;
mod pattern;
pub(crate) mod reason;
mod resolve;
pub(crate) mod tls;
mod trouble;

use std::sync::Arc;

pub(crate) use address::{Endpoint, Host};
pub(crate) use connect::{Connected, broken};
pub(crate) use deadline::Deadline;
pub(crate) use pattern::{Pattern, excerpt};
pub(crate) use resolve::Resolver;
pub(crate) use trouble::{Blame, Trouble, blame};

/// What the network sensors of one registry share.
#[derive(Default)]
pub(crate) struct Net {
    pub(crate) resolver: Resolver,
    pub(crate) tls: tls::Tls,
    pub(crate) bodies: crate::http::BodyBudget,
}

impl Net {
    /// Nothing is opened until a sensor measures.
    pub(crate) fn shared() -> Arc<Net> {
        Arc::default()
    }
}
