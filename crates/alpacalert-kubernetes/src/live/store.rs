//! What the reflectors have said, put together.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use alpacalert_model::Timestamp;

use super::Watched;
use super::reflector::Event;
use crate::cluster::{Access, Cluster, LastRun, Origin, Table};
use crate::judge::{JobEnd, job_end};
use crate::kinds;
use crate::object::{Body, Condition, Object, condition};
use crate::options::Options;

/// How the words of a server begin that does not know who we are.
pub(super) const UNAUTHORIZED: &str = "401";
/// How many changes of a node are remembered: enough to tell that it flaps.
const MAX_CHANGES: usize = 16;
/// How many things that are no objects are told of one by one.
const MAX_UNREADABLE: usize = 1000;

/// What the reflectors have said.
#[derive(Debug, Default)]
pub(super) struct Store {
    objects: HashMap<Arc<str>, Table>,
    access: HashMap<Arc<str>, Access>,
    /// Kinds that cannot be kept up with: since when, why, and whether nobody answers.
    broken: HashMap<Arc<str>, (Timestamp, String, bool)>,
    unreadable: BTreeMap<Arc<str>, Vec<String>>,
    last_runs: HashMap<Box<str>, LastRun>,
    node_changes: HashMap<Box<str>, Vec<Timestamp>>,
    leases_read: Option<Timestamp>,
    /// When watching began; a single look knows no time before itself.
    watching: Option<Timestamp>,
}

impl Store {
    pub(super) fn new(watching: Option<Timestamp>) -> Self {
        Store {
            watching,
            ..Store::default()
        }
    }

    /// Takes in what a reflector said; tells whether that changes anything.
    pub(super) fn apply(&mut self, event: Event, now: Timestamp) -> bool {
        match event {
            Event::Listed(kind, objects) => {
                let old = self.objects.remove(&kind).unwrap_or_default();
                self.unreadable.remove(&kind);
                if &*kind == kinds::LEASE {
                    self.leases_read = Some(now);
                }
                let mut table = Table::new();
                for object in objects {
                    let before = old.get(&object.reference).cloned();
                    let object = self.admit(object, before.as_deref(), now);
                    table.insert(object.reference.clone(), Arc::new(object));
                }
                self.objects.insert(kind, table);
                true
            }
            Event::Applied(object) => {
                let before = self
                    .objects
                    .get(&object.kind)
                    .and_then(|table| table.get(&object.reference))
                    .cloned();
                let object = self.admit(*object, before.as_deref(), now);
                let table = self.objects.entry(object.kind.clone()).or_default();
                table.insert(object.reference.clone(), Arc::new(object));
                true
            }
            Event::Deleted(kind, reference) => self
                .objects
                .get_mut(&kind)
                .is_some_and(|table| table.remove(&reference).is_some()),
            Event::Access(kind, access) => {
                // Somebody answers, whatever the answer is.
                let mended = self.broken.remove(&kind).is_some();
                if access != Access::Ok {
                    self.objects.remove(&kind);
                }
                let same = self.access.get(&kind) == Some(&access);
                self.access.insert(kind, access);
                !same || mended
            }
            Event::Broken(kind, why, transport) => {
                let known = self.access.contains_key(&kind);
                if !known {
                    self.access.insert(kind.clone(), Access::Syncing);
                }
                let first = !self.broken.contains_key(&kind);
                let since = self.broken.get(&kind).map_or(now, |(since, ..)| *since);
                self.broken.insert(kind, (since, why, transport));
                first
            }
            Event::Works(kind) => self.broken.remove(&kind).is_some(),
            Event::Unreadable(kind, text) => {
                let texts = self.unreadable.entry(kind).or_default();
                if texts.len() < MAX_UNREADABLE {
                    texts.push(text);
                }
                true
            }
        }
    }

    /// Notes what an object tells beyond its present state.
    fn admit(&mut self, mut object: Object, before: Option<&Object>, now: Timestamp) -> Object {
        let before = before.filter(|before| before.meta.uid == object.meta.uid);
        object.first_seen = self.watching.map(|_| now);
        if let Some(before) = before {
            object.first_seen = before.first_seen;
            self.note_node(before, &object, now);
        }
        self.note_run(&object);
        object
    }

    fn note_node(&mut self, before: &Object, after: &Object, now: Timestamp) {
        let ready = |object: &Object| match &object.body {
            Body::Node(node) => {
                Some(condition(&node.status.conditions, "Ready").is_some_and(Condition::is_true))
            }
            _ => None,
        };
        let (Some(was), Some(is)) = (ready(before), ready(after)) else {
            return;
        };
        if was != is {
            let changes = self.node_changes.entry(after.meta.uid.clone()).or_default();
            changes.push(now);
            if changes.len() > MAX_CHANGES {
                changes.remove(0);
            }
        }
    }

    /// Remembers how the runs of CronJobs ended: their Jobs may be collected at once.
    fn note_run(&mut self, object: &Object) {
        let Body::Job(job) = &object.body else { return };
        let owner = object
            .controller()
            .filter(|owner| &*owner.kind == "CronJob");
        let (Some(owner), Some(end)) = (owner, job_end(job)) else {
            return;
        };
        let Some(at) = crate::judge::job_scheduled_at(object, job) else {
            return;
        };
        if self
            .last_runs
            .get(&owner.uid)
            .is_none_or(|last| last.at <= at)
        {
            let run = LastRun {
                at,
                name: object.meta.name.clone(),
                failed: end != JobEnd::Complete,
            };
            self.last_runs.insert(owner.uid.clone(), run);
        }
    }

    /// Whether every kind has been listed once, or has said why not.
    pub(super) fn is_synced<'w>(&self, mut kinds: impl Iterator<Item = &'w Watched>) -> bool {
        kinds.all(|watched| self.access.contains_key(&watched.kind))
    }

    /// Whether the kind has been listed.
    pub(super) fn knows(&self, kind: &str) -> bool {
        self.access.contains_key(kind)
    }

    pub(super) fn len(&self) -> usize {
        self.objects.values().map(BTreeMap::len).sum()
    }

    pub(super) fn table(&self, kind: &str) -> impl Iterator<Item = &Object> {
        self.objects
            .get(kind)
            .into_iter()
            .flat_map(|table| table.values())
            .map(|object| &**object)
    }

    /// A kind that is not looked at any more.
    pub(super) fn forget(&mut self, kind: &str) {
        self.objects.remove(kind);
        self.access.remove(kind);
        self.broken.remove(kind);
        self.unreadable.remove(kind);
    }

    /// Why nothing at all is known, if so.
    pub(super) fn nothing_answers(&self) -> Option<String> {
        // Kinds that a cluster does not have say nothing about it.
        let mut known = self
            .access
            .values()
            .filter(|access| **access != Access::NotServed)
            .peekable();
        known.peek()?;
        let mut known = known.collect::<Vec<_>>();
        if known.iter().all(|access| **access == Access::Syncing) {
            let (_, why, _) = self.broken.values().next()?;
            return Some(why.clone());
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

    /// What is known now.
    pub(super) fn cluster(&mut self, name: Arc<str>, options: Options) -> Cluster {
        let mut access = self.access.clone();
        for (kind, (since, why, _)) in &self.broken {
            if access.get(kind) == Some(&Access::Ok) {
                access.insert(kind.clone(), Access::Stale(*since, why.clone()));
            }
        }
        // When every kind is cut off, it is not the kinds.
        let all = !self.broken.is_empty()
            && self.access.iter().all(|(kind, access)| {
                *access != Access::Ok
                    || self
                        .broken
                        .get(kind)
                        .is_some_and(|(.., transport)| *transport)
            });
        let mut cluster = Cluster::new(name, Origin::Live, options, self.objects.clone(), access);
        if all {
            let first = self.broken.values().min_by_key(|(since, ..)| *since);
            cluster.unreachable = first.map(|(since, why, _)| (*since, why.clone()));
        }
        cluster.unreadable = self.unreadable.values().flatten().cloned().collect();
        cluster.last_runs = self.last_runs.clone();
        cluster.node_changes = self.node_changes.clone();
        cluster.leases_read = self.leases_read;
        cluster
    }
}
