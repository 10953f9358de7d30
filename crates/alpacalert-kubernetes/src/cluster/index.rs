//! What points to what, by identity and by name, so that no rule walks over all objects.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::Table;
use crate::kinds;
use crate::object::pod::Pod;
use crate::object::{Body, Object};

/// A kind and a reference.
pub(crate) type Key = (Arc<str>, Arc<str>);

/// A namespace, and a label as `key=value`.
type Label = (Box<str>, Box<str>);

/// Lookups beside those by name.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// The object of a uid.
    pub(crate) uids: HashMap<Box<str>, Key>,
    /// Whom an object owns, by its uid and never by its name: an owner that was made again owns nothing old.
    pub(crate) owned: HashMap<Box<str>, Vec<Key>>,
    /// The slices of a Service, by its reference.
    pub(crate) slices: HashMap<Box<str>, Vec<Arc<str>>>,
    /// The pods of a node.
    pub(crate) pods_of_node: HashMap<Box<str>, Vec<Arc<str>>>,
    /// The pods that use a claim and have not ended, by the claim's reference.
    pub(crate) pods_of_claim: HashMap<Box<str>, Vec<Arc<str>>>,
    /// The attachments of a volume, by the volume's name.
    pub(crate) attachments: HashMap<Box<str>, Vec<Arc<str>>>,
    /// Pods by namespace and a label as `key=value`.
    pods_by_label: HashMap<Label, Vec<Arc<str>>>,
    /// What each namespace holds, whether or not the Namespace itself can be seen.
    pub(crate) namespaces: BTreeMap<Box<str>, Vec<Key>>,
    /// The definition of a custom kind, by the kind as it is written here.
    pub(crate) definitions: HashMap<String, Arc<str>>,
}

impl Index {
    pub(crate) fn build(objects: &HashMap<Arc<str>, Table>) -> Index {
        let mut index = Index::default();
        // In the order of kinds, so that the same objects give the same answer whatever order they came in.
        let mut kinds: Vec<_> = objects.iter().collect();
        kinds.sort_by_key(|(kind, _)| (*kind).clone());
        for (_, table) in kinds {
            for object in table.values() {
                index.add(object);
            }
        }
        index
    }

    fn add(&mut self, object: &Object) {
        let key: Key = (object.kind.clone(), object.reference.clone());
        if !object.meta.uid.is_empty() {
            self.uids.insert(object.meta.uid.clone(), key.clone());
        }
        for owner in object.meta.owner_references.iter() {
            let owned = self.owned.entry(owner.uid.clone()).or_default();
            owned.push(key.clone());
        }
        if !object.namespace().is_empty() {
            let held = self.namespaces.entry(object.namespace().into());
            held.or_default().push(key);
        }
        match &object.body {
            Body::Pod(pod) => self.add_pod(object, pod),
            Body::EndpointSlice(_) => {
                if let Some(service) = object.meta.labels.get("kubernetes.io/service-name") {
                    let service = kinds::reference(object.namespace(), service);
                    let slices = self.slices.entry(service.into()).or_default();
                    slices.push(object.reference.clone());
                }
            }
            Body::VolumeAttachment(attachment) => {
                let volume = attachment.spec.source.persistent_volume_name.clone();
                let attachments = self.attachments.entry(volume).or_default();
                attachments.push(object.reference.clone());
            }
            Body::Crd(crd) => {
                let kind = kinds::kind_text(&crd.spec.group, &crd.spec.names.kind);
                self.definitions.insert(kind, object.reference.clone());
            }
            _ => {}
        }
    }

    fn add_pod(&mut self, object: &Object, pod: &Pod) {
        let reference = &object.reference;
        let namespace = object.namespace();
        if !pod.node_name.is_empty() {
            let pods = self.pods_of_node.entry(pod.node_name.clone());
            pods.or_default().push(reference.clone());
        }
        for (key, value) in object.meta.labels.iter() {
            let label = (namespace.into(), format!("{key}={value}").into());
            let pods = self.pods_by_label.entry(label).or_default();
            pods.push(reference.clone());
        }
        if pod.finished() {
            return;
        }
        for volume in &pod.spec.volumes {
            let claim = match (&volume.persistent_volume_claim, &volume.ephemeral) {
                (Some(claim), _) => claim.claim_name.to_string(),
                (None, Some(_)) => format!("{}-{}", object.name(), volume.name),
                (None, None) => continue,
            };
            let claim = kinds::reference(namespace, &claim);
            let pods = self.pods_of_claim.entry(claim.into()).or_default();
            pods.push(reference.clone());
        }
    }

    /// The pods of a namespace that carry a label: few of all, where a selector names one.
    pub(crate) fn pods_with_label(&self, namespace: &str, key: &str, value: &str) -> &[Arc<str>] {
        let label = (namespace.into(), format!("{key}={value}").into());
        self.pods_by_label.get(&label).map_or(&[], Vec::as_slice)
    }
}
