//! Who makes a request.

use std::convert::Infallible;
use std::sync::Arc;

use alpacalert::config::Anonymous;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::scope::Extent;
use crate::Viewer;

/// Who makes a request, and what they may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// What they are called, where that is known.
    pub name: Option<Arc<str>>,
    /// What they may see.
    pub viewer: Viewer,
    /// Whether they have signed in here, so that they can sign out here.
    pub(crate) session: bool,
    /// What everybody may see.
    pub(crate) anonymous: Anonymous,
    pub(super) push: Extent,
}

impl Caller {
    /// Whether they may report to a heartbeat or a pushed sensor of this name.
    pub fn may_push(&self, name: &str) -> bool {
        self.push.holds(name)
    }

    /// Somebody who did not say who they are.
    pub(super) fn anybody(anonymous: Anonymous) -> Self {
        Caller {
            name: None,
            viewer: Viewer::Public,
            session: false,
            anonymous,
            push: Extent::Some(super::Scope::default()),
        }
    }

    /// Somebody who may do everything, since there are no rules.
    pub(super) fn owner() -> Self {
        Caller {
            name: None,
            viewer: Viewer::Operator,
            session: false,
            anonymous: Anonymous::Services,
            push: Extent::Everything,
        }
    }
}

/// A request that nobody looked at comes from anybody.
impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let found = parts.extensions.get::<Caller>().cloned();
        Ok(found.unwrap_or_else(|| Caller::anybody(Anonymous::Nothing)))
    }
}
