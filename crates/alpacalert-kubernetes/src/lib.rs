//! The kinds of `kubernetes.io`: the health of a whole cluster.
//!
//! Two ways in, one set of rules. [`Cluster`] is what is known at one moment: a [`Dump`] of `kubectl get -o yaml` or a
//! must-gather gives one offline, and a watched API server gives one after another, live. What the objects amount to is
//! said by pure functions of the cluster and the time; [`register`] teaches them to a registry, so that every object, and
//! every part of one that matters, is a node to which others may add.
//!
//! The rules, with their reason codes, stand in the reference *Rules for Kubernetes*.

mod assemble;
mod cluster;
mod decode;
mod dump;
mod instrument;
mod judge;
mod kinds;
mod live;
mod object;
mod options;
mod records;
pub mod rules;
mod schedule;
mod select;
mod selector;

pub use assemble::{Judged, assemble};
pub use cluster::Cluster;
pub use dump::{Dump, DumpError};
pub use judge::Finding;
pub use live::{Connection, KubernetesSource, Listing};
pub use options::Options;
pub use records::{Record, records};
pub use select::{SelectError, Selection};

use alpacalert_instrument::Registry;

/// Adds the kinds of Kubernetes, and the sort of source `kubernetes`, to a registry.
pub fn register(registry: &mut Registry) {
    instrument::register(registry);
    registry.register_source(live::Provider);
}

/// A registry of everything here.
pub fn registry() -> Registry {
    let mut registry = Registry::new();
    register(&mut registry);
    registry
}
