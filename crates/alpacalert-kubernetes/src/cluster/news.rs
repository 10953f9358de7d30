//! What a watch says, taken in event by event.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use alpacalert_instrument::Fact;
use alpacalert_model::Timestamp;
use jiff::SignedDuration;

use super::{Access, Cluster, LastRun, fact};
use crate::judge::{JobEnd, job_end};
use crate::kinds;
use crate::object::{Body, Condition, Object, condition};

/// How many changes of a node are remembered: enough to tell that it flaps.
const MAX_CHANGES: usize = 16;
/// How many things that are no objects are told of one by one.
const MAX_UNREADABLE: usize = 1000;

/// What a watch says.
#[derive(Debug)]
pub(crate) enum Event {
    /// Everything there is of a kind, and nothing else.
    Listed(Arc<str>, Vec<Object>),
    /// An object is new, or has changed.
    Applied(Box<Object>),
    /// An object is gone.
    Deleted(Arc<str>, Arc<str>),
    /// The kind, or a part of it, can be seen, or not any more.
    Access(Arc<str>, Access),
    /// The kind cannot be kept up with for now, and whether that is because nobody answers.
    Broken(Arc<str>, String, bool),
    /// It can again.
    Works(Arc<str>),
    /// Something arrived that is no object.
    Unreadable(Arc<str>, String),
    /// The kind is not looked at any more.
    Forgotten(Arc<str>),
}

impl Event {
    pub(crate) fn kind(&self) -> &Arc<str> {
        match self {
            Event::Applied(object) => &object.kind,
            Event::Listed(kind, _)
            | Event::Deleted(kind, _)
            | Event::Access(kind, _)
            | Event::Broken(kind, ..)
            | Event::Works(kind)
            | Event::Unreadable(kind, _)
            | Event::Forgotten(kind) => kind,
        }
    }
}

/// What is known beside the objects of a cluster that is watched.
#[derive(Clone, Debug, Default)]
pub(super) struct Watching {
    /// When watching began; a single look knows no time before itself.
    since: Option<Timestamp>,
    /// What may be known of each kind, whether or not it can be kept up with.
    access: HashMap<Arc<str>, Access>,
    /// Kinds that cannot be kept up with: since when, why, and whether nobody answers.
    broken: HashMap<Arc<str>, (Timestamp, String, bool)>,
    unreadable: BTreeMap<Arc<str>, Vec<String>>,
}

impl Cluster {
    /// Notes that the cluster is watched, and since when.
    pub(crate) fn watched_since(&mut self, since: Timestamp) {
        self.watching.since = Some(since);
    }

    /// Takes in by how much the API server's clock is ahead of ours; tells whether that is news.
    pub(crate) fn set_skew(&mut self, skew: SignedDuration) -> bool {
        std::mem::replace(&mut self.skew, skew) != skew
    }

    /// Takes in what a watch said, and notes what is otherwise. Tells whether everything may be.
    pub(crate) fn take(&mut self, event: Event, now: Timestamp, changed: &mut Vec<Fact>) -> bool {
        match event {
            Event::Listed(kind, objects) => return self.list(kind, objects, now, changed),
            Event::Applied(object) => self.apply(*object, now, changed),
            Event::Deleted(kind, reference) => self.take_away(&kind, &reference, changed),
            Event::Access(kind, access) => {
                // Somebody answers, whatever the answer is.
                let mended = self.watching.broken.remove(&kind).is_some();
                if access != Access::Ok {
                    self.clear(&kind, changed);
                }
                let before = self.watching.access.insert(kind, access.clone());
                if before == Some(access) && !mended {
                    return false;
                }
                self.settle_access();
                return true;
            }
            Event::Broken(kind, why, transport) => {
                let access = self.watching.access.entry(kind.clone());
                access.or_insert(Access::Syncing);
                let before = self.watching.broken.get(&kind);
                let since = before.map_or(now, |(since, ..)| *since);
                let first = before.is_none();
                self.watching.broken.insert(kind, (since, why, transport));
                self.settle_access();
                return first;
            }
            Event::Works(kind) => {
                let mended = self.watching.broken.remove(&kind).is_some();
                self.settle_access();
                return mended;
            }
            Event::Unreadable(kind, text) => {
                let texts = self.watching.unreadable.entry(kind).or_default();
                if texts.len() < MAX_UNREADABLE {
                    texts.push(text);
                }
                self.settle_unreadable();
                return true;
            }
            Event::Forgotten(kind) => {
                self.clear(&kind, changed);
                self.watching.access.remove(&kind);
                self.watching.broken.remove(&kind);
                self.watching.unreadable.remove(&kind);
                self.settle_unreadable();
                self.settle_access();
                return true;
            }
        }
        false
    }

    fn list(
        &mut self,
        kind: Arc<str>,
        objects: Vec<Object>,
        now: Timestamp,
        changed: &mut Vec<Fact>,
    ) -> bool {
        if &*kind == kinds::LEASE {
            self.leases_read = Some(now);
            changed.push(fact::leases_read());
        }
        let listed: HashSet<Arc<str>> = objects.iter().map(|o| o.reference.clone()).collect();
        if !self.objects.contains_key(&kind) {
            self.objects.insert(kind.clone(), BTreeMap::new());
            changed.push(fact::kinds());
        }
        let table = self.objects.get(&kind).into_iter().flatten();
        let gone: Vec<Arc<str>> = table
            .map(|(reference, _)| reference.clone())
            .filter(|reference| !listed.contains(reference))
            .collect();
        for reference in gone {
            self.take_away(&kind, &reference, changed);
        }
        for object in objects {
            self.apply(object, now, changed);
        }
        let unreadable = self.watching.unreadable.remove(&kind).is_some();
        if unreadable {
            self.settle_unreadable();
        }
        unreadable
    }

    fn apply(&mut self, object: Object, now: Timestamp, changed: &mut Vec<Fact>) {
        let before = self.stored(&object.kind, &object.reference).cloned();
        let object = self.admit(object, before.as_deref(), now, changed);
        self.put(Arc::new(object), changed);
    }

    /// Notes what an object tells beyond its present state.
    fn admit(
        &mut self,
        mut object: Object,
        before: Option<&Object>,
        now: Timestamp,
        changed: &mut Vec<Fact>,
    ) -> Object {
        let before = before.filter(|before| before.meta.uid == object.meta.uid);
        object.first_seen = self.watching.since.map(|_| now);
        if let Some(before) = before {
            object.first_seen = before.first_seen;
            self.note_node(before, &object, now);
        }
        self.note_run(&object, changed);
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
    fn note_run(&mut self, object: &Object, changed: &mut Vec<Fact>) {
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
            if self.last_runs.insert(owner.uid.clone(), run.clone()) != Some(run) {
                changed.push(fact::run(&owner.uid));
            }
        }
    }

    /// Takes everything of a kind away.
    fn clear(&mut self, kind: &str, changed: &mut Vec<Fact>) {
        let table = self.objects.get(kind).into_iter().flatten();
        let all: Vec<Arc<str>> = table.map(|(reference, _)| reference.clone()).collect();
        for reference in all {
            self.take_away(kind, &reference, changed);
        }
        if self.objects.remove(kind).is_some() {
            changed.push(fact::kinds());
        }
    }

    fn settle_unreadable(&mut self) {
        self.unreadable = self
            .watching
            .unreadable
            .values()
            .flatten()
            .cloned()
            .collect();
    }

    /// What may be known of each kind, in view of those that cannot be kept up with.
    fn settle_access(&mut self) {
        let Watching { access, broken, .. } = &self.watching;
        self.access = access.clone();
        for (kind, (since, why, _)) in broken {
            if access.get(kind) == Some(&Access::Ok) {
                let stale = Access::Stale(*since, why.clone());
                self.access.insert(kind.clone(), stale);
            }
        }
        // When every kind is cut off, it is not the kinds.
        let cut_off = |kind: &Arc<str>| broken.get(kind).is_some_and(|(.., transport)| *transport);
        let all = !broken.is_empty()
            && access
                .iter()
                .all(|(kind, access)| *access != Access::Ok || cut_off(kind));
        self.unreachable = match all {
            true => {
                let first = broken.values().min_by_key(|(since, ..)| *since);
                first.map(|(since, why, _)| (*since, why.clone()))
            }
            false => None,
        };
    }
}
