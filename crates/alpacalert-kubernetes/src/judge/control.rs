//! Namespaces and what extends the API: NS-1, API-1, CRD-1, LEASE-1.

use alpacalert_model::Effect;

use super::{Judge, words};
use crate::kinds;
use crate::object::condition;
use crate::object::control::{ApiService, Crd, Lease, Namespace, ServiceReference};
use crate::options::{API_SERVICE, CONTAINER_START, TERMINATING};

pub(super) fn namespace(judge: &mut Judge<'_>, namespace: &Namespace) {
    let deletion = judge.object.meta.deletion_timestamp.map(|time| time.0);
    if &*namespace.status.phase != "Terminating" && deletion.is_none() {
        return judge.passing("NS-1", "ok", "active");
    }
    let mut stuck = false;
    for said in namespace
        .status
        .conditions
        .iter()
        .filter(|said| said.is_true())
    {
        match &*said.kind {
            "NamespaceDeletionDiscoveryFailure"
            | "NamespaceDeletionContentFailure"
            | "NamespaceDeletionGroupVersionParsingFailure" => {
                stuck = true;
                judge.failing("NS-1", &said.kind, format!("cannot go: {}", said.message));
            }
            "NamespaceContentRemaining" | "NamespaceFinalizersRemaining" => {
                judge.unknown(
                    "NS-1",
                    &said.kind,
                    format!("still holds something: {}", said.message),
                );
            }
            _ => {}
        }
    }
    let since = deletion
        .map(|at| format!(" since {}", words(judge.age(at))))
        .unwrap_or_default();
    if judge.within_since(deletion, judge.limit(TERMINATING)) {
        judge.unknown("NS-1", "Terminating", format!("is being deleted{since}"));
    } else if !stuck {
        judge.failing(
            "NS-1",
            "StuckTerminating",
            format!("is being deleted{since} and does not go"),
        );
    }
}

pub(super) fn api_service(judge: &mut Judge<'_>, api: &ApiService) {
    let Some(service) = &api.spec.service else {
        return judge.passing("API-1", "Local", "served by the API server itself");
    };
    match condition(&api.status.conditions, "Available") {
        Some(said) if said.is_true() => judge.passing("API-1", "ok", "available"),
        said => {
            let text = said.map_or("has not said whether it is available".to_owned(), |said| {
                said.sentence()
            });
            let since = said.and_then(|said| said.since());
            if judge.within_since(since, judge.limit(API_SERVICE)) {
                judge.unknown("API-1", "Unavailable", text);
            } else {
                judge.failing("API-1", "Unavailable", text);
            }
        }
    }
    service_edge(judge, service, Effect::Required);
}

/// The Service that answers for an extension of the API.
pub(super) fn service_edge(judge: &mut Judge<'_>, service: &ServiceReference, effect: Effect) {
    if judge.looks_around() {
        judge.depend(kinds::SERVICE, &service.namespace, &service.name, effect);
    }
}

pub(super) fn crd(judge: &mut Judge<'_>, crd: &Crd) {
    let conditions = &crd.status.conditions;
    let said = |kind: &str| condition(conditions, kind);
    if let Some(said) = said("Terminating").filter(|said| said.is_true()) {
        return judge.unknown("CRD-1", "Terminating", said.sentence());
    }
    // Before its controller has noticed.
    if judge.object.meta.deletion_timestamp.is_some() {
        return judge.unknown("CRD-1", "Terminating", "is being deleted");
    }
    if let Some(said) = said("NamesAccepted").filter(|said| said.is_false()) {
        judge.failing("CRD-1", "NamesNotAccepted", said.sentence());
    }
    match said("Established") {
        Some(said) if said.is_true() => judge.passing("CRD-1", "ok", "established"),
        Some(said) if said.is_false() && &*said.reason == "Installing" => {
            judge.unknown("CRD-1", "Installing", said.sentence())
        }
        Some(said) if said.is_false() => judge.failing("CRD-1", "NotEstablished", said.sentence()),
        Some(said) => judge.unknown("CRD-1", "ConditionUnknown", said.sentence()),
        None if judge.within_since(None, judge.limit(CONTAINER_START)) => {
            judge.unknown("CRD-1", "NotReported", "is being installed")
        }
        None => judge.failing(
            "CRD-1",
            "NotReported",
            "is not established, and nobody says why",
        ),
    }
    if let Some(said) = said("NonStructuralSchema").filter(|said| said.is_true()) {
        judge.unknown("CRD-1", "NonStructuralSchema", said.sentence());
    }
    for version in &crd.status.stored_versions {
        if !crd.spec.versions.iter().any(|known| known.name == *version) {
            let text =
                format!("objects are stored in the version {version}, which it no longer has");
            judge.failing("CRD-1", "StoredVersionGone", text);
        }
    }
    let webhook = crd
        .spec
        .conversion
        .as_ref()
        .filter(|conversion| &*conversion.strategy == "Webhook");
    let config = webhook
        .and_then(|conversion| conversion.webhook.as_ref())
        .and_then(|webhook| webhook.client_config.as_ref());
    if let Some(service) = config.and_then(|config| config.service.as_ref()) {
        service_edge(judge, service, Effect::Required);
    }
}

pub(super) fn lease(judge: &mut Judge<'_>, lease: &Lease) {
    let (Some(renewed), Some(seconds)) = (lease.spec.renew_time, lease.spec.lease_duration_seconds)
    else {
        return judge.passing("LEASE-1", "exists", "exists");
    };
    let limit = jiff::SignedDuration::from_secs(seconds.clamp(1, 86_400) * 3);
    // A lease is read now and then, so its age is that of the reading.
    let read = judge.cluster.leases_read().unwrap_or(judge.now);
    let old = crate::object::age(read, renewed.0);
    if old < limit {
        judge.passing("LEASE-1", "ok", "renewed in time");
    } else {
        judge.unknown(
            "LEASE-1",
            "LeaseStale",
            format!("was last renewed {} ago", words(old)),
        );
    }
}
