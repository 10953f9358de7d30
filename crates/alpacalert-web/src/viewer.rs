//! Who asks, and so what may be shown.

use std::collections::HashSet;
use std::convert::Infallible;

use alpacalert_model::{Graph, NodeKey, NodeRef};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::access::{Caller, Scope};
use crate::api::service_name;

/// Who asks. Every handler that shows anything asks this first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Viewer {
    /// Anybody: sees public services, without what is inside of them.
    #[default]
    Public,
    /// Somebody who sees these services with all that they depend on, and of others what is public.
    Scoped(Scope),
    /// Somebody who runs this instance: sees everything.
    Operator,
}

impl Viewer {
    /// Whether everything may be shown, the instance itself included.
    pub fn is_operator(&self) -> bool {
        *self == Viewer::Operator
    }

    /// Whether a node may be shown with its evidence, messages and members: it is one of the viewer's services, or one of
    /// these depends on it. Costs the node's ancestors.
    pub fn sees(&self, node: NodeRef<'_>) -> bool {
        let scope = match self {
            Viewer::Operator => return true,
            Viewer::Public => return false,
            Viewer::Scoped(scope) => scope,
        };
        let mut seen = HashSet::new();
        let mut above = vec![node];
        while let Some(node) = above.pop() {
            if !seen.insert(node.key()) {
                continue;
            }
            if is_in(scope, node) {
                return true;
            }
            above.extend(node.parents());
        }
        false
    }

    /// Whether it may be shown that a service exists, with its title, state and since: it is public, or the viewer sees all
    /// of it.
    pub fn lists(&self, service: NodeRef<'_>) -> bool {
        let is_public = || service.service().is_some_and(|info| info.public);
        match self {
            Viewer::Operator => true,
            Viewer::Public => is_public(),
            Viewer::Scoped(_) => is_public() || self.sees(service),
        }
    }

    /// Every node that may be shown with what it says; `None` means all of them. For lists: costs what is seen, not what
    /// there is.
    pub fn visible(&self, graph: &Graph) -> Option<HashSet<NodeKey>> {
        let scope = match self {
            Viewer::Operator => return None,
            Viewer::Public => return Some(HashSet::new()),
            Viewer::Scoped(scope) => scope,
        };
        let mut seen = HashSet::new();
        let mut below: Vec<_> = graph
            .services()
            .filter(|service| is_in(scope, *service))
            .collect();
        while let Some(node) = below.pop() {
            if seen.insert(node.key()) {
                below.extend(node.children().map(|(child, _)| child));
            }
        }
        Some(seen)
    }
}

fn is_in(scope: &Scope, node: NodeRef<'_>) -> bool {
    node.service().is_some() && scope.holds(&service_name(node.id()))
}

/// A request that nobody looked at comes from anybody.
impl<S: Sync> FromRequestParts<S> for Viewer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let caller = parts.extensions.get::<Caller>();
        Ok(caller
            .map(|caller| caller.viewer.clone())
            .unwrap_or_default())
    }
}
