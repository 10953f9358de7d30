//! What stands below nothing else, by namespace, kept up object by object.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use alpacalert_instrument::Fact;
use alpacalert_model::Effect;

use super::index::Key;
use super::{Cluster, fact};
use crate::instrument::is_root;
use crate::judge::{is_ignored, is_optional};
use crate::kinds::{self, RESOURCES};
use crate::object::{Body, Object};

/// Where a root stands among those of its namespace: workloads first.
type Place = (usize, Arc<str>, Arc<str>);

/// What stands below nothing else, and what each namespace holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Roots {
    /// By namespace; what is in none has an empty one.
    roots: BTreeMap<Box<str>, BTreeMap<Place, Effect>>,
    /// How many objects each namespace holds, whether or not the Namespace itself can be seen.
    held: BTreeMap<Box<str>, usize>,
}

impl Roots {
    /// The roots of a namespace: kind, reference, and how each counts.
    pub(super) fn of<'a>(
        &'a self,
        namespace: &str,
    ) -> impl Iterator<Item = (&'a Arc<str>, &'a Arc<str>, Effect)> + use<'a> {
        let roots = self.roots.get(namespace).into_iter().flatten();
        roots.map(|((_, kind, reference), effect)| (kind, reference, *effect))
    }

    /// The namespaces that something is in.
    pub(super) fn namespaces(&self) -> impl Iterator<Item = &str> {
        self.held.keys().map(|name| &**name)
    }

    /// One more object is in a namespace; tells whether it is the first.
    pub(super) fn hold(&mut self, namespace: &str) -> bool {
        if namespace.is_empty() {
            return false;
        }
        match self.held.get_mut(namespace) {
            Some(count) => *count += 1,
            None => {
                self.held.insert(namespace.into(), 1);
                return true;
            }
        }
        false
    }

    /// One fewer object is in a namespace; tells whether it was the last.
    pub(super) fn release(&mut self, namespace: &str) -> bool {
        let Some(count) = self.held.get_mut(namespace) else {
            return false;
        };
        *count -= 1;
        let last = *count == 0;
        if last {
            self.held.remove(namespace);
        }
        last
    }

    fn set(&mut self, object: &Object, effect: Option<Effect>) -> bool {
        let namespace = object.namespace();
        let place = (
            rank(&object.kind),
            object.kind.clone(),
            object.reference.clone(),
        );
        let roots = match self.roots.get_mut(namespace) {
            Some(roots) => roots,
            None if effect.is_none() => return false,
            None => self.roots.entry(namespace.into()).or_default(),
        };
        let before = match effect {
            Some(effect) => roots.insert(place, effect),
            None => roots.remove(&place),
        };
        if roots.is_empty() {
            self.roots.remove(namespace);
        }
        before != effect
    }
}

fn rank(kind: &str) -> usize {
    RESOURCES
        .iter()
        .position(|resource| resource.kind == kind)
        .unwrap_or(RESOURCES.len())
}

/// How a root counts for its namespace.
fn effect(object: &Object) -> Effect {
    // A lease tells of an election that a program holds for itself; what the program does is judged by its own objects.
    if is_optional(object) || &*object.kind == kinds::LEASE {
        Effect::Optional
    } else {
        Effect::Required
    }
}

/// Whether it makes a difference for what stands where that an object is another than before.
fn stands_alike(before: Option<&Object>, after: Option<&Object>) -> bool {
    let (Some(before), Some(after)) = (before, after) else {
        return false;
    };
    let malformed = |object: &Object| matches!(object.body, Body::Malformed(_));
    let service = |object: &Object| {
        let label = object.meta.labels.get("kubernetes.io/service-name");
        label.map(str::to_owned)
    };
    before.meta.uid == after.meta.uid
        && before.meta.owner_references == after.meta.owner_references
        && is_ignored(before) == is_ignored(after)
        && is_optional(before) == is_optional(after)
        && before.terminating() == after.terminating()
        && malformed(before) == malformed(after)
        && (&*after.kind != kinds::ENDPOINT_SLICE || service(before) == service(after))
}

impl Cluster {
    /// Looks again at what stands where, once an object has changed in tables and index.
    pub(super) fn change_roots(
        &mut self,
        before: Option<&Object>,
        after: Option<&Object>,
        changed: &mut Vec<Fact>,
    ) {
        if stands_alike(before, after) {
            return;
        }
        if let (Some(gone), None) = (before, after)
            && self.roots.set(gone, None)
        {
            changed.push(fact::roots(gone.namespace()));
        }
        // It and everything below it: what a cycle is, is told by all of it.
        let mut seen: HashSet<Key> = HashSet::new();
        let mut next: Vec<Key> = Vec::new();
        for object in [before, after].into_iter().flatten() {
            next.push((object.kind.clone(), object.reference.clone()));
            // A uid may have come to another one.
            next.extend(self.index.owned(&object.meta.uid).iter().cloned());
            if &*object.kind == kinds::SERVICE {
                let slices = self.index.slices(&object.reference).iter();
                next.extend(slices.map(|slice| (kinds::ENDPOINT_SLICE.into(), slice.clone())));
            }
        }
        while let Some(key) = next.pop() {
            let Some(object) = self.stored(&key.0, &key.1).cloned() else {
                continue;
            };
            if !seen.insert(key) {
                continue;
            }
            next.extend(self.index.owned(&object.meta.uid).iter().cloned());
            let effect = is_root(self, &object).then(|| effect(&object));
            if self.roots.set(&object, effect) {
                changed.push(fact::roots(object.namespace()));
            }
        }
    }
}
