//! What points to what, by identity and by name, so that no rule walks over all objects.
//!
//! Kept up object by object; every list is in the order of kinds and references, so that the same objects give the same
//! answers whatever order they came in.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use alpacalert_instrument::Fact;

use super::fact;
use crate::kinds;
use crate::object::{Body, Object};

/// A kind and a reference.
pub(crate) type Key = (Arc<str>, Arc<str>);

/// A namespace, and a label as `key=value`.
type Label = (Box<str>, Box<str>);

/// Lookups beside those by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    /// The object of a uid.
    uids: HashMap<Box<str>, Key>,
    /// All that claim one uid, where there are several: the last of them has it.
    twins: HashMap<Box<str>, Vec<Key>>,
    /// Whom an object owns, by its uid and never by its name: an owner that was made again owns nothing old.
    owned: HashMap<Box<str>, Vec<Key>>,
    /// The slices of a Service, by its reference.
    slices: HashMap<Box<str>, Vec<Arc<str>>>,
    /// The pods that use a claim and have not ended, by the claim's reference.
    pods_of_claim: HashMap<Box<str>, Vec<Arc<str>>>,
    /// The attachments of a volume, by the volume's name.
    attachments: HashMap<Box<str>, Vec<Arc<str>>>,
    /// Pods by namespace and a label as `key=value`.
    pods_by_label: HashMap<Label, Vec<Arc<str>>>,
    /// The definitions of a custom kind, by the kind as it is written here: the last of them counts.
    definitions: HashMap<Box<str>, Vec<Arc<str>>>,
}

/// A list that an object is in, or what it can be found by.
#[derive(PartialEq, Eq)]
enum Entry {
    Uid(Box<str>),
    Owned(Box<str>),
    Slice(Box<str>),
    Claim(Box<str>),
    Attachment(Box<str>),
    Label(Label),
    Definition(Box<str>),
}

impl Index {
    /// Takes in that an object is there, was there, or is another than before. Both are of one kind and reference.
    pub(super) fn change(
        &mut self,
        before: Option<&Object>,
        after: Option<&Object>,
        changed: &mut Vec<Fact>,
    ) {
        let (old, new) = (
            before.map(entries).unwrap_or_default(),
            after.map(entries).unwrap_or_default(),
        );
        let Some(object) = after.or(before) else {
            return;
        };
        for entry in old.iter().filter(|entry| !new.contains(entry)) {
            self.remove(entry, object, changed);
        }
        for entry in new {
            if !old.contains(&entry) {
                self.add(entry, object, changed);
            }
        }
    }

    fn add(&mut self, entry: Entry, object: &Object, changed: &mut Vec<Fact>) {
        changed.push(entry.fact());
        let reference = object.reference.clone();
        match entry {
            Entry::Uid(uid) => self.add_uid(uid, object, changed),
            Entry::Owned(uid) => {
                insert(self.owned.entry(uid).or_default(), key(object));
            }
            Entry::Slice(service) => insert(self.slices.entry(service).or_default(), reference),
            Entry::Claim(claim) => insert(self.pods_of_claim.entry(claim).or_default(), reference),
            Entry::Attachment(volume) => {
                insert(self.attachments.entry(volume).or_default(), reference);
            }
            Entry::Label(label) => insert(self.pods_by_label.entry(label).or_default(), reference),
            Entry::Definition(kind) => {
                insert(self.definitions.entry(kind).or_default(), reference);
            }
        }
    }

    fn remove(&mut self, entry: &Entry, object: &Object, changed: &mut Vec<Fact>) {
        changed.push(entry.fact());
        let reference = &object.reference;
        match entry {
            Entry::Uid(uid) => self.remove_uid(uid, object, changed),
            Entry::Owned(uid) => remove(&mut self.owned, uid, &key(object)),
            Entry::Slice(service) => remove(&mut self.slices, service, reference),
            Entry::Claim(claim) => remove(&mut self.pods_of_claim, claim, reference),
            Entry::Attachment(volume) => remove(&mut self.attachments, volume, reference),
            Entry::Label(label) => remove(&mut self.pods_by_label, label, reference),
            Entry::Definition(kind) => remove(&mut self.definitions, kind, reference),
        }
    }

    fn add_uid(&mut self, uid: Box<str>, object: &Object, changed: &mut Vec<Fact>) {
        let Some(holder) = self.uids.get(&uid).cloned() else {
            self.uids.insert(uid, key(object));
            return;
        };
        // No API server gives a uid twice; a dump that was edited may.
        let twins = self.twins.entry(uid.clone()).or_default();
        if twins.is_empty() {
            twins.push(holder);
        }
        insert(twins, key(object));
        self.settle_twins(uid, changed);
    }

    fn remove_uid(&mut self, uid: &str, object: &Object, changed: &mut Vec<Fact>) {
        if self.twins.contains_key(uid) {
            remove(&mut self.twins, uid, &key(object));
            self.settle_twins(uid.into(), changed);
        } else {
            self.uids.remove(uid);
        }
    }

    fn settle_twins(&mut self, uid: Box<str>, changed: &mut Vec<Fact>) {
        let twins = self.twins.get(&uid).map_or(&[][..], Vec::as_slice);
        // Who found one by its uid looked at the object, and not at who else claims it.
        changed.extend(
            twins
                .iter()
                .map(|(kind, reference)| fact::object(kind, reference)),
        );
        let alone = twins.len() <= 1;
        match twins.last().cloned() {
            Some(last) => self.uids.insert(uid.clone(), last),
            None => self.uids.remove(&uid),
        };
        if alone {
            self.twins.remove(&uid);
        }
    }

    /// The object of a uid.
    pub(super) fn uid(&self, uid: &str) -> Option<&Key> {
        self.uids.get(uid)
    }

    /// Whom a uid owns.
    pub(super) fn owned(&self, uid: &str) -> &[Key] {
        list(&self.owned, uid)
    }

    pub(super) fn slices(&self, service: &str) -> &[Arc<str>] {
        list(&self.slices, service)
    }

    pub(super) fn pods_of_claim(&self, claim: &str) -> &[Arc<str>] {
        list(&self.pods_of_claim, claim)
    }

    pub(super) fn attachments(&self, volume: &str) -> &[Arc<str>] {
        list(&self.attachments, volume)
    }

    pub(super) fn definition(&self, kind: &str) -> Option<&Arc<str>> {
        list(&self.definitions, kind).last()
    }

    /// The pods of a namespace that carry a label: few of all, where a selector names one.
    pub(super) fn pods_with_label(&self, namespace: &str, label: &str) -> &[Arc<str>] {
        let label = (namespace.into(), label.into());
        self.pods_by_label.get(&label).map_or(&[], Vec::as_slice)
    }
}

impl Entry {
    /// What changes when an object comes to a list, or leaves it.
    fn fact(&self) -> Fact {
        match self {
            Entry::Uid(uid) | Entry::Owned(uid) => fact::uid(uid),
            Entry::Slice(service) => fact::slices(service),
            Entry::Claim(claim) => fact::claim(claim),
            Entry::Attachment(volume) => fact::volume(volume),
            Entry::Label((namespace, label)) => fact::label(namespace, label),
            Entry::Definition(kind) => fact::definition(kind),
        }
    }
}

/// What an object can be found by.
fn entries(object: &Object) -> Vec<Entry> {
    let mut entries = Vec::new();
    if !object.meta.uid.is_empty() {
        entries.push(Entry::Uid(object.meta.uid.clone()));
    }
    for owner in object.meta.owner_references.iter() {
        add(&mut entries, Entry::Owned(owner.uid.clone()));
    }
    match &object.body {
        Body::Pod(pod) => {
            for (key, value) in object.meta.labels.iter() {
                let label = format!("{key}={value}").into();
                entries.push(Entry::Label((object.namespace().into(), label)));
            }
            let volumes = pod.spec.volumes.iter().filter(|_| !pod.finished());
            for volume in volumes {
                let claim = match (&volume.persistent_volume_claim, &volume.ephemeral) {
                    (Some(claim), _) => claim.claim_name.to_string(),
                    (None, Some(_)) => format!("{}-{}", object.name(), volume.name),
                    (None, None) => continue,
                };
                let claim = kinds::reference(object.namespace(), &claim);
                add(&mut entries, Entry::Claim(claim.into()));
            }
        }
        Body::EndpointSlice(_) => {
            if let Some(service) = object.meta.labels.get("kubernetes.io/service-name") {
                let service = kinds::reference(object.namespace(), service);
                entries.push(Entry::Slice(service.into()));
            }
        }
        Body::VolumeAttachment(attachment) => {
            let volume = attachment.spec.source.persistent_volume_name.clone();
            entries.push(Entry::Attachment(volume));
        }
        Body::Crd(crd) => {
            let kind = kinds::kind_text(&crd.spec.group, &crd.spec.names.kind);
            entries.push(Entry::Definition(kind.into()));
        }
        _ => {}
    }
    entries
}

/// Adds what an object may name twice.
fn add(entries: &mut Vec<Entry>, entry: Entry) {
    if !entries.contains(&entry) {
        entries.push(entry);
    }
}

fn key(object: &Object) -> Key {
    (object.kind.clone(), object.reference.clone())
}

fn list<'l, T>(lists: &'l HashMap<Box<str>, Vec<T>>, name: &str) -> &'l [T] {
    lists.get(name).map_or(&[], Vec::as_slice)
}

/// Puts something in its place in a list.
fn insert<T: Ord>(list: &mut Vec<T>, item: T) {
    // Lists arrive in order, nearly always.
    if list.last().is_none_or(|last| *last < item) {
        list.push(item);
    } else if let Err(place) = list.binary_search(&item) {
        list.insert(place, item);
    }
}

/// Takes something out of a list; the list goes with the last.
fn remove<Q: Eq + Hash + ?Sized, K: std::borrow::Borrow<Q> + Eq + Hash, T: Ord>(
    lists: &mut HashMap<K, Vec<T>>,
    name: &Q,
    item: &T,
) {
    let Some(list) = lists.get_mut(name) else {
        return;
    };
    if let Ok(place) = list.binary_search(item) {
        list.remove(place);
    }
    if list.is_empty() {
        lists.remove(name);
    }
}
