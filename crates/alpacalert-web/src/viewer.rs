//! Who asks, and so what may be shown.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::Response;

/// Who asks. Every handler that shows anything asks this first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Viewer {
    /// Anybody: sees public services, without what is inside of them.
    #[default]
    Public,
    /// Somebody who runs this instance: sees everything.
    Operator,
}

impl Viewer {
    /// Whether nodes, messages and the instance itself may be shown.
    pub fn is_operator(&self) -> bool {
        *self == Viewer::Operator
    }
}

/// A request that nobody looked at comes from anybody.
impl<S: Sync> FromRequestParts<S> for Viewer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().cloned().unwrap_or_default())
    }
}

/// On loopback without access rules, everybody is who started it.
pub(crate) async fn everybody_is_operator(mut request: Request, next: Next) -> Response {
    request.extensions_mut().insert(Viewer::Operator);
    next.run(request).await
}
