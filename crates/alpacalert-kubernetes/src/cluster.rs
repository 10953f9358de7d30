//! What is known about a cluster at one moment, with the indexes that the rules look things up in.

mod index;

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use alpacalert_model::Timestamp;
use jiff::SignedDuration;

pub(crate) use index::Index;

use crate::judge::{self, Finding};
use crate::kinds;
use crate::object::Object;
use crate::options::Options;
use crate::select::Selection;

/// The objects of one kind by their references.
pub(crate) type Table = BTreeMap<Arc<str>, Arc<Object>>;

/// What is known about a cluster at one moment: its objects, and which kinds could not be seen.
///
/// The snapshot of a source: [`Snapshot::get`](alpacalert_instrument::Snapshot::get) gives it to instrumentors.
#[derive(Debug)]
pub struct Cluster {
    pub(crate) name: Arc<str>,
    pub(crate) options: Options,
    pub(crate) selection: Selection,
    pub(crate) objects: HashMap<Arc<str>, Table>,
    pub(crate) access: HashMap<Arc<str>, Access>,
    /// How a kind is treated whose access is not told.
    pub(crate) origin: Origin,
    pub(crate) index: Index,
    /// Since when, and why, the API server does not answer.
    pub(crate) unreachable: Option<(Timestamp, String)>,
    /// Things that were no objects at all, one sentence each.
    pub(crate) unreadable: Vec<String>,
    /// How the last run of each CronJob ended that was seen, by the CronJob's uid: its Job may be gone.
    pub(crate) last_runs: HashMap<Box<str>, LastRun>,
    /// When each node changed between ready and not, by its uid, as far as that was seen.
    pub(crate) node_changes: HashMap<Box<str>, Vec<Timestamp>>,
    /// By how much the API server's clock is ahead of ours.
    pub(crate) skew: SignedDuration,
    /// When the leases were read, if they are read now and then instead of watched.
    pub(crate) leases_read: Option<Timestamp>,
    /// When the next verdict changes by the passing of time alone, in seconds; `i64::MAX` when none does.
    due: AtomicI64,
}

/// Where the objects come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// An API server: a kind that nobody asked about is not known.
    Live,
    /// A saved dump: a kind of which there is no object may not have been saved.
    Dump,
}

/// How a run of a CronJob ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LastRun {
    pub(crate) at: Timestamp,
    pub(crate) name: Box<str>,
    pub(crate) failed: bool,
}

/// What may be known about a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Everything.
    Ok,
    /// The first list is not there yet.
    Syncing,
    /// The API server refuses to tell, in its words.
    Forbidden(String),
    /// The API server does not have the kind.
    NotServed,
    /// The watch broke, and when.
    Stale(Timestamp, String),
}

/// What a reference points to.
pub(crate) enum Lookup<'a> {
    /// It is there.
    Found(&'a Object),
    /// It is not there, and we would see it.
    Missing,
    /// We cannot tell: a reason code and a sentence.
    Unseen(&'static str, String),
}

impl Cluster {
    pub(crate) fn new(
        name: Arc<str>,
        origin: Origin,
        options: Options,
        objects: HashMap<Arc<str>, Table>,
        access: HashMap<Arc<str>, Access>,
    ) -> Cluster {
        let index = Index::build(&objects);
        Cluster {
            name,
            options,
            selection: Selection::default(),
            unreachable: None,
            objects,
            access,
            origin,
            index,
            unreadable: Vec::new(),
            last_runs: HashMap::new(),
            node_changes: HashMap::new(),
            leases_read: None,
            skew: SignedDuration::ZERO,
            due: AtomicI64::new(i64::MAX),
        }
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.objects.values().map(BTreeMap::len).sum()
    }

    /// Whether there are no objects.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many objects could not be read, those without a name included.
    pub fn malformed(&self) -> usize {
        let is_malformed =
            |object: &&Arc<Object>| matches!(object.body, crate::object::Body::Malformed(_));
        let named = self
            .objects
            .values()
            .flat_map(BTreeMap::values)
            .filter(is_malformed)
            .count();
        named + self.unreadable.len()
    }

    /// Whether there is an object of a kind such as `kubernetes.io/Pod`; `namespace` is empty for kinds without one.
    pub fn contains(&self, kind: &str, namespace: &str, name: &str) -> bool {
        self.get(kind, namespace, name).is_some()
    }

    /// What the rules find about an object itself at a time: not what is below it. Nothing when there is no such object.
    pub fn findings(
        &self,
        kind: &str,
        namespace: &str,
        name: &str,
        now: Timestamp,
    ) -> Vec<Finding> {
        let object = self.get(kind, namespace, name);
        object
            .map(|object| judge::judge(self, object, now).findings)
            .unwrap_or_default()
    }

    /// What the rules find about a part of an object: the `container` `app` of a pod, the `path` `shop.example.com/` of an
    /// Ingress. Nothing when there is no such part.
    pub fn part_findings(
        &self,
        kind: &str,
        reference: &str,
        part: &str,
        name: &str,
        now: Timestamp,
    ) -> Vec<Finding> {
        let verdict = self
            .by_reference(kind, reference)
            .and_then(|object| judge::judge_part(self, object, part, name, now));
        verdict.map(|verdict| verdict.findings).unwrap_or_default()
    }

    /// The same cluster, of which only a part is asked about.
    #[must_use]
    pub fn select(mut self, selection: Selection) -> Self {
        self.selection = selection;
        self
    }

    /// Its name: that of the source, and the first part of the identity of everything in it.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The labels of an object.
    pub fn labels(
        &self,
        kind: &str,
        namespace: &str,
        name: &str,
    ) -> impl Iterator<Item = (&str, &str)> {
        let object = self.get(kind, namespace, name);
        object
            .into_iter()
            .flat_map(|object| object.meta.labels.iter())
    }

    /// When the next verdict changes by the passing of time alone, as far as the verdicts asked for since the snapshot was
    /// made tell; `None` when none does.
    pub fn due(&self) -> Option<Timestamp> {
        match self.due.load(Ordering::Relaxed) {
            i64::MAX => None,
            seconds => Timestamp::from_second(seconds.saturating_sub(self.skew.as_secs())).ok(),
        }
    }

    /// The time by the API server's clock, by which everything in the cluster is stamped.
    pub(crate) fn server_time(&self, ours: Timestamp) -> Timestamp {
        ours.checked_add(self.skew).unwrap_or(ours)
    }

    /// Forgets when the next verdict changes: everything is judged anew.
    pub(crate) fn forget_due(&self) {
        self.due.store(i64::MAX, Ordering::Relaxed);
    }

    /// Notes that a verdict changes at a time.
    pub(crate) fn note_due(&self, at: Timestamp) {
        // Whole seconds, rounded up: a verdict looked at earlier would be the old one again.
        self.due
            .fetch_min(at.as_second().saturating_add(1), Ordering::Relaxed);
    }

    pub(crate) fn table(&self, kind: &str) -> impl Iterator<Item = &Object> {
        self.objects
            .get(kind)
            .into_iter()
            .flat_map(|table| table.values())
            .map(|object| &**object)
    }

    /// The objects of a kind in one namespace.
    pub(crate) fn in_namespace<'a>(
        &'a self,
        kind: &str,
        namespace: &str,
    ) -> impl Iterator<Item = &'a Object> + use<'a> {
        // `0` follows `/`: between the two stands everything of the namespace.
        let (from, to) = (format!("{namespace}/"), format!("{namespace}0"));
        let table = self.objects.get(kind);
        table
            .into_iter()
            .flat_map(move |table| {
                let (from, to) = (from.as_str(), to.as_str());
                table.range::<str, _>((Bound::Included(from), Bound::Excluded(to)))
            })
            .map(|(_, object)| &**object)
    }

    pub(crate) fn get(&self, kind: &str, namespace: &str, name: &str) -> Option<&Object> {
        self.by_reference(kind, &kinds::reference(namespace, name))
    }

    pub(crate) fn by_reference(&self, kind: &str, reference: &str) -> Option<&Object> {
        self.objects
            .get(kind)?
            .get(reference)
            .map(|object| &**object)
    }

    pub(crate) fn by_uid(&self, uid: &str) -> Option<&Object> {
        let (kind, reference) = self.index.uids.get(uid)?;
        self.by_reference(kind, reference)
    }

    /// Those that name the object as an owner.
    pub(crate) fn owned_by<'a>(&'a self, uid: &str) -> impl Iterator<Item = &'a Object> + use<'a> {
        let owned = self.index.owned.get(uid);
        owned
            .into_iter()
            .flatten()
            .filter_map(|(kind, reference)| self.by_reference(kind, reference))
    }

    /// Those whose controller the object is.
    pub(crate) fn controlled_by<'a>(
        &'a self,
        kind: &'static str,
        uid: &'a str,
    ) -> impl Iterator<Item = &'a Object> {
        self.owned_by(uid).filter(move |object| {
            &*object.kind == kind && object.controller().is_some_and(|owner| &*owner.uid == uid)
        })
    }

    /// The owner that is in the cluster, if there is one: the controller first.
    pub(crate) fn owner_of(&self, object: &Object) -> Option<&Object> {
        let owners = &object.meta.owner_references;
        let controller = owners.iter().filter(|owner| owner.controller);
        let others = owners.iter().filter(|owner| !owner.controller);
        controller
            .chain(others)
            .find_map(|owner| self.by_uid(&owner.uid))
    }

    /// What a reference points to.
    pub(crate) fn look(&self, kind: &str, namespace: &str, name: &str) -> Lookup<'_> {
        match self.get(kind, namespace, name) {
            Some(object) => Lookup::Found(object),
            None => match self.unseen(kind, namespace) {
                Some((reason, text)) => Lookup::Unseen(reason, text),
                None => Lookup::Missing,
            },
        }
    }

    /// Why objects of a kind cannot be seen, if they cannot: a reason code and a sentence.
    pub(crate) fn unseen(&self, kind: &str, namespace: &str) -> Option<(&'static str, String)> {
        let name = kinds::short_name(kind);
        match self.access.get(kind) {
            Some(Access::Ok) => None,
            Some(Access::Syncing) => Some((
                "not-synced",
                format!("the first list of {name} objects is not there yet"),
            )),
            Some(Access::Forbidden(text)) => Some((
                "not-permitted",
                format!("we may not see {name} objects: {text}"),
            )),
            Some(Access::NotServed) => Some((
                "not-served",
                format!("the API server does not serve {name} objects"),
            )),
            // What was known stays known; the sources of a stale kind are judged as such on their own.
            Some(Access::Stale(..)) => None,
            None if self.origin == Origin::Live => {
                Some(("not-observed", format!("{name} objects are not watched")))
            }
            None => {
                let saved = match kinds::resource(kind).is_some_and(|resource| resource.namespaced)
                {
                    true => self.in_namespace(kind, namespace).next().is_some(),
                    false => self
                        .objects
                        .get(kind)
                        .is_some_and(|table| !table.is_empty()),
                };
                (!saved).then(|| {
                    (
                        "not-in-dump",
                        format!(
                            "the dump has no {name} objects{}",
                            match namespace {
                                "" => String::new(),
                                namespace => format!(" of the namespace {namespace}"),
                            }
                        ),
                    )
                })
            }
        }
    }

    /// Whether objects of a kind can be seen.
    pub(crate) fn sees(&self, kind: &str, namespace: &str) -> bool {
        self.unseen(kind, namespace).is_none()
    }
}
