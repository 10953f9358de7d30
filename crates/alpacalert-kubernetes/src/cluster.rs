//! What is known about a cluster at one moment, with the indexes that the rules look things up in.

pub(crate) mod fact;
mod index;
mod news;
mod roots;

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use alpacalert_instrument::Fact;
use alpacalert_model::{Effect, Timestamp};
use jiff::SignedDuration;

use index::Index;
pub(crate) use news::Event;
use news::Watching;
use roots::Roots;

use crate::judge::{self, Finding};
use crate::kinds;
use crate::object::Object;
use crate::options::Options;
use crate::select::Selection;

/// The objects of one kind by their references.
pub(crate) type Table = BTreeMap<Arc<str>, Arc<Object>>;

/// What is known about a cluster at one moment: its objects, and which kinds could not be seen.
///
/// The snapshot of a source: [`Snapshot::get`](alpacalert_instrument::Snapshot::get) gives it to instrumentors. Its lookups
/// note what they are asked, so that what was built of them is built again when the answer changes.
#[derive(Clone, Debug)]
pub struct Cluster {
    pub(crate) name: Arc<str>,
    pub(crate) options: Options,
    pub(crate) selection: Selection,
    objects: HashMap<Arc<str>, Table>,
    access: HashMap<Arc<str>, Access>,
    /// How a kind is treated whose access is not told.
    pub(crate) origin: Origin,
    index: Index,
    roots: Roots,
    /// Since when, and why, the API server does not answer.
    pub(crate) unreachable: Option<(Timestamp, String)>,
    /// Things that were no objects at all, one sentence each.
    pub(crate) unreadable: Vec<String>,
    /// How the last run of each CronJob ended that was seen, by the CronJob's uid: its Job may be gone.
    last_runs: HashMap<Box<str>, LastRun>,
    /// When each node changed between ready and not, by its uid, as far as that was seen.
    node_changes: HashMap<Box<str>, Vec<Timestamp>>,
    /// By how much the API server's clock is ahead of ours.
    skew: SignedDuration,
    /// When the leases were read, if they are read now and then instead of watched.
    leases_read: Option<Timestamp>,
    /// What is known beside of a cluster that is watched.
    watching: Watching,
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
    pub(crate) fn new(name: Arc<str>, origin: Origin, options: Options) -> Cluster {
        Cluster {
            name,
            options,
            selection: Selection::default(),
            unreachable: None,
            objects: HashMap::new(),
            access: HashMap::new(),
            origin,
            index: Index::default(),
            roots: Roots::default(),
            unreadable: Vec::new(),
            last_runs: HashMap::new(),
            node_changes: HashMap::new(),
            leases_read: None,
            skew: SignedDuration::ZERO,
            watching: Watching::default(),
        }
    }

    /// A cluster of saved objects.
    pub(crate) fn of(
        name: Arc<str>,
        origin: Origin,
        options: Options,
        objects: HashMap<Arc<str>, Table>,
        access: HashMap<Arc<str>, Access>,
    ) -> Cluster {
        let mut cluster = Cluster::new(name, origin, options);
        cluster.access = access;
        let all: Vec<Arc<Object>> = objects
            .values()
            .flat_map(BTreeMap::values)
            .cloned()
            .collect();
        cluster.objects = objects;
        let mut changed = Vec::new();
        for object in all {
            cluster.change(None, Some(&object), &mut changed);
            // Nobody has looked at anything yet.
            changed.clear();
        }
        cluster
    }

    /// Puts an object in its place, and notes what is otherwise with it.
    fn put(&mut self, object: Arc<Object>, changed: &mut Vec<Fact>) {
        let table = match self.objects.get_mut(&object.kind) {
            Some(table) => table,
            None => {
                changed.push(fact::kinds());
                self.objects.entry(object.kind.clone()).or_default()
            }
        };
        let before = table.insert(object.reference.clone(), object.clone());
        changed.push(object.fact);
        self.change(before.as_deref(), Some(&object), changed);
    }

    /// Takes an object away, if it is there.
    fn take_away(&mut self, kind: &str, reference: &str, changed: &mut Vec<Fact>) {
        let Some(table) = self.objects.get_mut(kind) else {
            return;
        };
        let Some(object) = table.remove(reference) else {
            return;
        };
        changed.push(object.fact);
        self.change(Some(&object), None, changed);
    }

    /// Takes in what follows from an object's being there, being gone, or being another than before.
    fn change(&mut self, before: Option<&Object>, after: Option<&Object>, changed: &mut Vec<Fact>) {
        match (before, after) {
            (None, Some(object)) => {
                Self::note_list(object, changed);
                if self.roots.hold(object.namespace()) {
                    changed.push(fact::namespaces());
                }
            }
            (Some(object), None) => {
                Self::note_list(object, changed);
                if self.roots.release(object.namespace()) {
                    changed.push(fact::namespaces());
                }
            }
            _ => {}
        }
        self.index.change(before, after, changed);
        self.change_roots(before, after, changed);
    }

    fn note_list(object: &Object, changed: &mut Vec<Fact>) {
        changed.push(fact::table(&object.kind));
        if !object.namespace().is_empty() {
            changed.push(fact::in_namespace(&object.kind, object.namespace()));
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

    /// The time by the API server's clock, by which everything in the cluster is stamped.
    pub(crate) fn server_time(&self, ours: Timestamp) -> Timestamp {
        ours.checked_add(self.skew).unwrap_or(ours)
    }

    /// Notes that a verdict changes at a time by the API server's clock.
    pub(crate) fn note_due(&self, at: Timestamp) {
        if let Ok(ours) = at.checked_sub(self.skew) {
            Fact::note_due(ours);
        }
    }

    /// An object as it is stored; nobody notes that it was looked at.
    fn stored(&self, kind: &str, reference: &str) -> Option<&Arc<Object>> {
        self.objects.get(kind)?.get(reference)
    }

    pub(crate) fn table(&self, kind: &str) -> impl Iterator<Item = &Object> {
        note(|| fact::table(kind));
        self.objects
            .get(kind)
            .into_iter()
            .flat_map(|table| table.values())
            .map(seen)
    }

    /// The objects of a kind in one namespace.
    pub(crate) fn in_namespace<'a>(
        &'a self,
        kind: &str,
        namespace: &str,
    ) -> impl Iterator<Item = &'a Object> + use<'a> {
        note(|| fact::in_namespace(kind, namespace));
        // `0` follows `/`: between the two stands everything of the namespace.
        let (from, to) = (format!("{namespace}/"), format!("{namespace}0"));
        let table = self.objects.get(kind);
        table
            .into_iter()
            .flat_map(move |table| {
                let (from, to) = (from.as_str(), to.as_str());
                table.range::<str, _>((Bound::Included(from), Bound::Excluded(to)))
            })
            .map(|(_, object)| seen(object))
    }

    pub(crate) fn get(&self, kind: &str, namespace: &str, name: &str) -> Option<&Object> {
        self.by_reference(kind, &kinds::reference(namespace, name))
    }

    pub(crate) fn by_reference(&self, kind: &str, reference: &str) -> Option<&Object> {
        let found = self.stored(kind, reference).map(seen);
        if found.is_none() {
            note(|| fact::object(kind, reference));
        }
        found
    }

    pub(crate) fn by_uid(&self, uid: &str) -> Option<&Object> {
        let Some((kind, reference)) = self.index.uid(uid) else {
            note(|| fact::uid(uid));
            return None;
        };
        self.by_reference(kind, reference)
    }

    /// Those that name the object as an owner.
    pub(crate) fn owned_by<'a>(&'a self, uid: &str) -> impl Iterator<Item = &'a Object> + use<'a> {
        note(|| fact::uid(uid));
        let owned = self.index.owned(uid).iter();
        owned.filter_map(|(kind, reference)| self.by_reference(kind, reference))
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

    /// The slices of a Service, by its reference.
    pub(crate) fn slices<'a>(
        &'a self,
        service: &str,
    ) -> impl Iterator<Item = &'a Object> + use<'a> {
        note(|| fact::slices(service));
        let slices = self.index.slices(service).iter();
        slices.filter_map(|slice| self.by_reference(kinds::ENDPOINT_SLICE, slice))
    }

    /// The pods that use a claim and have not ended, by the claim's reference.
    pub(crate) fn pods_of_claim(&self, claim: &str) -> impl Iterator<Item = &Object> {
        note(|| fact::claim(claim));
        let pods = self.index.pods_of_claim(claim).iter();
        pods.filter_map(|pod| self.by_reference(kinds::POD, pod))
    }

    /// The attachments of a volume.
    pub(crate) fn attachments(&self, volume: &str) -> impl Iterator<Item = &Object> {
        note(|| fact::volume(volume));
        let attachments = self.index.attachments(volume).iter();
        attachments.filter_map(|reference| self.by_reference(kinds::VOLUME_ATTACHMENT, reference))
    }

    /// The references of the pods of a namespace that carry a label: few of all, where a selector names one.
    pub(crate) fn pods_with_label(&self, namespace: &str, key: &str, value: &str) -> &[Arc<str>] {
        let label = format!("{key}={value}");
        note(|| fact::label(namespace, &label));
        self.index.pods_with_label(namespace, &label)
    }

    /// The definition of a custom kind.
    pub(crate) fn definition(&self, kind: &str) -> Option<&Object> {
        note(|| fact::definition(kind));
        let name = self.index.definition(kind)?;
        self.by_reference(kinds::CRD, name)
    }

    /// How the last run of a CronJob ended that was seen, by the CronJob's uid.
    pub(crate) fn last_run(&self, uid: &str) -> Option<&LastRun> {
        note(|| fact::run(uid));
        self.last_runs.get(uid)
    }

    /// When a node changed between ready and not, by its uid. Changes with the node alone.
    pub(crate) fn node_changes(&self, uid: &str) -> &[Timestamp] {
        self.node_changes.get(uid).map_or(&[], Vec::as_slice)
    }

    /// When the leases were read, if they are read now and then instead of watched.
    pub(crate) fn leases_read(&self) -> Option<Timestamp> {
        note(fact::leases_read);
        self.leases_read
    }

    /// The namespaces that something is in, whether or not the Namespace itself can be seen.
    pub(crate) fn held_namespaces(&self) -> impl Iterator<Item = &str> {
        note(fact::namespaces);
        self.roots.namespaces()
    }

    /// The kinds that there are, or were, objects of.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = &Arc<str>> {
        note(fact::kinds);
        self.objects.keys()
    }

    /// The objects of a namespace that stand below nothing else and are selected, workloads first; those that are in no
    /// namespace when it is empty. Kind, reference, and how each counts.
    pub(crate) fn roots<'a>(
        &'a self,
        namespace: &str,
    ) -> impl Iterator<Item = (&'a Arc<str>, &'a Arc<str>, Effect)> + use<'a> {
        note(|| fact::roots(namespace));
        self.roots.of(namespace).filter(|(kind, reference, _)| {
            self.selection.labels.is_empty()
                || self
                    .by_reference(kind, reference)
                    .is_some_and(|object| self.selection.fits(object))
        })
    }

    /// What may be known about each kind that is told of.
    pub(crate) fn accesses(&self) -> impl Iterator<Item = (&Arc<str>, &Access)> {
        self.access.iter()
    }

    /// What may be known about a kind, if that is told. When it changes, everything is looked at again.
    pub(crate) fn access(&self, kind: &str) -> Option<&Access> {
        self.access.get(kind)
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

fn note(fact: impl FnOnce() -> Fact) {
    if Fact::are_noted() {
        fact().note();
    }
}

/// An object that somebody looks at.
fn seen(object: &Arc<Object>) -> &Object {
    object.fact.note();
    object
}
