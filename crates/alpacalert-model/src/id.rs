//! Which thing a node is.

use std::fmt;
use std::sync::Arc;

use crate::Kind;

/// The identity of a node: where it was found, what kind of thing it is, and which one.
///
/// Written `source/kind/reference`: `prod/kubernetes.io/Pod/shop/cart-0`. Two things named alike in two clusters are
/// two nodes; one thing reached by two paths is one node. The title shown to people is no part of it. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId {
    source: Arc<str>,
    kind: Kind,
    reference: Arc<str>,
}

impl NodeId {
    /// The identity of one thing.
    pub fn new(source: impl Into<Arc<str>>, kind: Kind, reference: impl Into<Arc<str>>) -> Self {
        NodeId {
            source: source.into(),
            kind,
            reference: reference.into(),
        }
    }

    /// The name of the source that knows it, or `local` for what this instance measures itself.
    pub fn source(&self) -> &Arc<str> {
        &self.source
    }

    /// What kind of thing it is.
    pub fn kind(&self) -> &Kind {
        &self.kind
    }

    /// Which one of its kind.
    pub fn reference(&self) -> &Arc<str> {
        &self.reference
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.source, self.kind, self.reference)
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeId({self})")
    }
}
