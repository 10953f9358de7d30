//! Which kinds a watch has heard of, and what their definitions say: what it needs to know itself of what it passes on.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::Watched;
use crate::cluster::{Access, Event};
use crate::kinds;
use crate::object::{Body, Condition, condition, control::Crd};

/// How the words of a server begin that does not know who we are.
pub(super) const UNAUTHORIZED: &str = "401";

/// What has been heard of each kind.
#[derive(Debug, Default)]
pub(super) struct Heard {
    access: HashMap<Arc<str>, Access>,
    /// Why a kind cannot be kept up with.
    broken: BTreeMap<Arc<str>, String>,
    /// What the definitions of custom kinds bring, by their names.
    definitions: BTreeMap<Arc<str>, Watched>,
    /// How many objects there are of each kind.
    counts: HashMap<Arc<str>, usize>,
}

impl Heard {
    /// Hears what is passed on; tells whether it may mean anything new.
    pub(super) fn hear(&mut self, event: &Event) -> bool {
        let kind = event.kind();
        match event {
            Event::Listed(_, objects) => {
                self.counts.insert(kind.clone(), objects.len());
                if &**kind == kinds::CRD {
                    let crds = objects.iter().filter_map(|object| {
                        let Body::Crd(crd) = &object.body else {
                            return None;
                        };
                        Some((object.reference.clone(), custom_kind(crd)?))
                    });
                    self.definitions = crds.collect();
                }
            }
            Event::Applied(object) => {
                if let Body::Crd(crd) = &object.body {
                    match custom_kind(crd) {
                        Some(watched) => self.definitions.insert(object.reference.clone(), watched),
                        None => self.definitions.remove(&object.reference),
                    };
                }
            }
            Event::Deleted(_, reference) => {
                if &**kind == kinds::CRD {
                    self.definitions.remove(reference);
                }
            }
            Event::Access(_, access) => {
                let mended = self.broken.remove(kind).is_some();
                if *access != Access::Ok {
                    self.counts.remove(kind);
                    if &**kind == kinds::CRD {
                        self.definitions.clear();
                    }
                }
                let before = self.access.insert(kind.clone(), access.clone());
                return mended || before.as_ref() != Some(access);
            }
            Event::Broken(_, why, _) => {
                self.access.entry(kind.clone()).or_insert(Access::Syncing);
                return self.broken.insert(kind.clone(), why.clone()).is_none();
            }
            Event::Works(_) => return self.broken.remove(kind).is_some(),
            Event::Unreadable(..) => {}
            Event::Forgotten(_) => {
                self.access.remove(kind);
                self.broken.remove(kind);
                self.counts.remove(kind);
            }
        }
        true
    }

    /// Whether every kind has been listed once, or has said why not.
    pub(super) fn is_synced<'w>(&self, mut kinds: impl Iterator<Item = &'w Watched>) -> bool {
        kinds.all(|watched| self.access.contains_key(&watched.kind))
    }

    /// Whether the kind has been listed.
    pub(super) fn knows(&self, kind: &str) -> bool {
        self.access.contains_key(kind)
    }

    /// How many objects were listed.
    pub(super) fn listed(&self) -> usize {
        self.counts.values().sum()
    }

    /// The kinds that definitions bring, in the version in which their objects are stored.
    pub(super) fn definitions(&self) -> impl Iterator<Item = &Watched> {
        self.definitions.values()
    }

    /// Why nothing at all is known, if so.
    pub(super) fn nothing_answers(&self) -> Option<String> {
        // Kinds that a cluster does not have say nothing about it.
        let known = self.access.values();
        let mut known: Vec<&Access> = known
            .filter(|access| **access != Access::NotServed)
            .collect();
        if known.is_empty() {
            return None;
        }
        if known.iter().all(|access| **access == Access::Syncing) {
            return self.broken.values().next().cloned();
        }
        known.sort_by_key(|access| matches!(access, Access::Forbidden(_)));
        match known.first()? {
            Access::Forbidden(text) if text.starts_with(UNAUTHORIZED) => Some(format!(
                "it does not know us ({text}); log in again, or mend the user of the kubeconfig's context"
            )),
            Access::Forbidden(text) => Some(format!(
                "we may see nothing of it: {text}; `kubectl auth can-i --list` tells what we may, and -n, or the key `namespaces`, looks at single namespaces"
            )),
            _ => None,
        }
    }
}

/// The kind of a definition, if it is served: not before its names are accepted.
fn custom_kind(crd: &Crd) -> Option<Watched> {
    condition(&crd.status.conditions, "Established").filter(|said| Condition::is_true(said))?;
    let served = crd.spec.versions.iter().filter(|version| version.served);
    let version = served
        .clone()
        .find(|version| version.storage)
        .or_else(|| served.clone().next())?;
    Some(Watched {
        kind: kinds::kind_text(&crd.spec.group, &crd.spec.names.kind).into(),
        group: (&*crd.spec.group).into(),
        version: (&*version.name).into(),
        plural: (&*crd.spec.names.plural).into(),
        name: (&*crd.spec.names.kind).into(),
        namespaced: &*crd.spec.scope == "Namespaced",
    })
}
