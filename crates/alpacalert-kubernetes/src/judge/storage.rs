//! Claims, volumes, classes, attachments, and configuration: PVC-1 to PVC-4, PV-1, VA-1, SC-1, CM-1 and SEC-1.

use alpacalert_model::Effect;

use super::{Judge, pod, words};
use crate::cluster::{Cluster, Lookup};
use crate::kinds;
use crate::object::storage::{Keys, Pv, Pvc, StorageClass, VolumeAttachment};
use crate::object::{Body, Object};
use crate::options::{ATTACH, CERTIFICATE_WARNING, VOLUME};

const DEFAULT_CLASS: &str = "storageclass.kubernetes.io/is-default-class";

pub(super) fn claim(judge: &mut Judge<'_>, claim: &Pvc) {
    match &*claim.status.phase {
        "Bound" => judge.passing("PVC-1", "ok", "bound"),
        "Lost" => judge.failing(
            "PVC-1",
            "Lost",
            format!("its volume {} is lost", claim.spec.volume_name),
        ),
        "Pending" | "" => pending(judge, claim),
        other => judge.unknown("PVC-1", "NotReported", format!("its phase is {other}")),
    }
    resizing(judge, claim);
    volume_edge(judge, claim);
}

/// The class of a claim: the one it names, or the newest default.
fn class_of<'a>(cluster: &'a Cluster, claim: &Pvc) -> Option<&'a Object> {
    match claim.spec.storage_class_name.as_deref() {
        Some("") => None,
        Some(name) => cluster.get(kinds::STORAGE_CLASS, "", name),
        None => cluster
            .table(kinds::STORAGE_CLASS)
            .filter(|class| class.annotation(DEFAULT_CLASS) == Some("true"))
            .max_by_key(|class| class.meta.creation_timestamp),
    }
}

fn pending(judge: &mut Judge<'_>, claim: &Pvc) {
    let since = judge
        .object
        .created()
        .map(|at| format!(" for {}", words(judge.age(at))))
        .unwrap_or_default();
    let text = format!("is not bound{since}");
    if !judge.looks_around() {
        return waiting(judge, text);
    }
    let class = class_of(judge.cluster, claim);
    match (class, claim.spec.storage_class_name.as_deref()) {
        (None, Some(name)) if !name.is_empty() => {
            judge.must_exist("PVC-3", kinds::STORAGE_CLASS, "", name);
        }
        (None, None) if judge.cluster.sees(kinds::STORAGE_CLASS, "") => {
            judge.unknown(
                "PVC-3",
                "NoClass",
                "names no class, and none is the default",
            );
        }
        _ => {}
    }
    if let Some(class) = class {
        judge.link_object(class, Effect::Required);
    }
    let late = matches!(class.map(|class| &class.body), Some(Body::StorageClass(class)) if &*class.volume_binding_mode == "WaitForFirstConsumer");
    if !late {
        return waiting(judge, text);
    }
    let pods = judge.cluster.pods_of_claim(&judge.object.reference);
    let mut consumers = pods.filter(|pod| !pod.terminating());
    let Some(consumer) = consumers.next() else {
        if let Some((reason, text)) = judge.cluster.unseen(kinds::POD, judge.object.namespace()) {
            return judge.unknown(
                "PVC-1",
                reason,
                format!("waits for a pod that uses it; {text}"),
            );
        }
        return judge.passing(
            "PVC-1",
            "WaitingForConsumer",
            "waits for the first pod that uses it",
        );
    };
    let unscheduled = consumer.pod().is_some_and(|pod| !pod::is_scheduled(pod));
    // The time runs from when there was somebody to bind it for.
    let start = consumer.created().max(judge.object.created());
    if judge.within_since(start, judge.limit(VOLUME)) {
        let who = if unscheduled {
            "waits until a node is found for"
        } else {
            "is being bound for"
        };
        judge.unknown(
            "PVC-1",
            "Pending",
            format!("{who} the pod {}", consumer.name()),
        );
    } else {
        judge.failing(
            "PVC-1",
            "Pending",
            format!("{text}; the pod {} needs it", consumer.name()),
        );
    }
}

/// A claim that should be bound by now, or soon.
fn waiting(judge: &mut Judge<'_>, text: String) {
    if judge.within_since(None, judge.limit(VOLUME)) {
        judge.unknown("PVC-1", "Pending", text);
    } else {
        judge.failing("PVC-1", "Pending", text);
    }
}

fn resizing(judge: &mut Judge<'_>, claim: &Pvc) {
    for said in claim.status.conditions.iter().filter(|said| said.is_true()) {
        match &*said.kind {
            "ControllerResizeError" | "NodeResizeError" | "ModifyVolumeError" => {
                judge.failing("PVC-2", &said.kind, said.sentence());
            }
            "FileSystemResizePending" | "Resizing" | "ModifyingVolume" => {
                judge.degraded("PVC-2", &said.kind, said.sentence());
            }
            _ => {}
        }
    }
    for (resource, status) in &claim.status.allocated_resource_statuses {
        if status.ends_with("Infeasible") || status.ends_with("Failed") {
            judge.failing(
                "PVC-2",
                status,
                format!("{resource} cannot be changed: {status}"),
            );
        }
    }
}

/// PVC-4.
fn volume_edge(judge: &mut Judge<'_>, claim: &Pvc) {
    let name = &claim.spec.volume_name;
    if name.is_empty() || !judge.looks_around() {
        return;
    }
    let found = judge.cluster.look(kinds::PV, "", name);
    if let Lookup::Found(Object {
        body: Body::Pv(volume),
        ..
    }) = &found
        && let Some(bound) = &volume.spec.claim_ref
        && !bound.uid.is_empty()
        && bound.uid != judge.object.meta.uid
    {
        let text = format!(
            "its volume {name} belongs to another claim: {}/{}",
            bound.namespace, bound.name
        );
        return judge.failing("PVC-4", "VolumeOfAnother", text);
    }
    // A bound claim works with a volume that we may not see.
    let bound = &*claim.status.phase == "Bound";
    match found {
        Lookup::Unseen(..) if bound => judge.depend(kinds::PV, "", name, Effect::Optional),
        _ => judge.depend(kinds::PV, "", name, Effect::Required),
    }
}

pub(super) fn volume(judge: &mut Judge<'_>, volume: &Pv) {
    let said = [&*volume.status.reason, &*volume.status.message].join(" ");
    let said = said.trim();
    match &*volume.status.phase {
        "Bound" => judge.passing("PV-1", "ok", "bound"),
        "Available" => judge.passing("PV-1", "Available", "available"),
        "Released" => judge.passing(
            "PV-1",
            "Released",
            "released by its claim, and not yet reclaimed",
        ),
        "Failed" => judge.failing("PV-1", "Failed", format!("cannot be reclaimed: {said}")),
        _ => {
            let since = volume.status.last_phase_transition_time.map(|time| time.0);
            if judge.within_since(since, judge.limit(VOLUME)) {
                judge.unknown("PV-1", "Pending", "is being made");
            } else {
                judge.failing(
                    "PV-1",
                    "Pending",
                    format!("is still being made {said}").trim().to_owned(),
                );
            }
        }
    }
    if !judge.looks_around() {
        return;
    }
    let cluster = judge.cluster;
    for attachment in cluster.attachments(judge.object.name()) {
        judge.link_object(attachment, Effect::Required);
    }
}

pub(super) fn attachment(judge: &mut Judge<'_>, attachment: &VolumeAttachment) {
    let node = &attachment.spec.node_name;
    let errors = [
        ("attach", &attachment.status.attach_error),
        ("detach", &attachment.status.detach_error),
    ];
    for (verb, error) in errors {
        let Some(error) = error else { continue };
        let text = format!("cannot {verb} at {node}: {}", error.message);
        // The time in the error is that of the newest try.
        if judge.within_since(None, judge.limit(ATTACH)) {
            judge.unknown("VA-1", "AttachError", text);
        } else {
            judge.failing("VA-1", "AttachError", text);
        }
        return;
    }
    if attachment.status.attached {
        judge.passing("VA-1", "ok", format!("attached at {node}"));
    } else if judge.within_since(None, judge.limit(ATTACH)) {
        judge.unknown("VA-1", "Attaching", format!("is being attached at {node}"));
    } else {
        judge.failing(
            "VA-1",
            "Attaching",
            format!("is still not attached at {node}"),
        );
    }
}

pub(super) fn class(judge: &mut Judge<'_>, class: &StorageClass) {
    let provisioner = &class.provisioner;
    if &**provisioner == "kubernetes.io/no-provisioner" || !judge.looks_around() {
        return judge.passing("SC-1", "ok", format!("provisioner {provisioner}"));
    }
    match judge.cluster.look(kinds::CSI_DRIVER, "", provisioner) {
        Lookup::Found(_) => judge.passing("SC-1", "ok", format!("provisioner {provisioner}")),
        // Provisioners that are no CSI drivers have no object: that none is there proves nothing.
        Lookup::Missing => judge.passing(
            "SC-1",
            "NoDriverObject",
            format!("provisioner {provisioner}, of which there is no CSIDriver"),
        ),
        Lookup::Unseen(..) => judge.passing("SC-1", "ok", format!("provisioner {provisioner}")),
    }
}

/// CM-1 and SEC-1: that it is there is all, but for certificates.
pub(super) fn keys(judge: &mut Judge<'_>, keys: &Keys) {
    let is_secret = &*judge.object.kind == kinds::SECRET;
    if !is_secret {
        return judge.passing("CM-1", "exists", "exists");
    }
    if &*keys.kind != "kubernetes.io/tls" {
        return judge.passing("SEC-1", "exists", "exists");
    }
    for key in ["tls.crt", "tls.key"] {
        if keys.has(key) == Some(false) {
            judge.failing("SEC-1", "missing-key", format!("has no {key}"));
        }
    }
    if keys.unreadable {
        judge.unknown(
            "SEC-1",
            "UnreadableCertificate",
            "its certificate cannot be read",
        );
    }
    let Some(end) = keys.not_after else {
        return judge.passing("SEC-1", "exists", "exists");
    };
    if !judge.within(end, jiff::SignedDuration::ZERO) {
        judge.failing(
            "SEC-1",
            "Expired",
            format!("its certificate ended {} ago", words(judge.age(end))),
        );
    } else {
        let warning = judge.limit(CERTIFICATE_WARNING);
        let left = judge.left(end);
        if left < warning {
            judge.degraded(
                "SEC-1",
                "ExpiresSoon",
                format!("its certificate ends in {}", words(left)),
            );
        } else {
            judge
                .cluster
                .note_due(end.checked_sub(warning).unwrap_or(end));
            judge.passing(
                "SEC-1",
                "ok",
                format!("its certificate is good for {}", words(left)),
            );
        }
    }
}
