//! cert-manager: CERT-1 and ISS-1.

use alpacalert_model::Effect;
use jiff::SignedDuration;

use super::{Judge, words};
use crate::kinds;
use crate::object::condition;
use crate::object::control::{Certificate, Issuer};
use crate::options::{CERTIFICATE_WARNING, ROLLOUT_STALLED};

pub(super) fn certificate(judge: &mut Judge<'_>, certificate: &Certificate) {
    let status = &certificate.status;
    let ready = condition(&status.conditions, "Ready");
    let issuing = condition(&status.conditions, "Issuing").filter(|said| said.is_true());
    let end = status.not_after.map(|time| time.0);
    let valid = end.is_some_and(|end| judge.within(end, SignedDuration::ZERO));
    let attempts = status.failed_issuance_attempts;
    if valid && ready.is_some_and(|said| said.is_true()) {
        in_force(judge, certificate, issuing.is_some());
    } else if valid && issuing.is_some() {
        judge.passing("CERT-1", "Renewing", "is being renewed, and still good");
    } else if let Some(said) = issuing {
        let text = format!("is being issued: {}", said.message);
        if attempts >= 1 || !judge.within_since(said.since(), judge.limit(ROLLOUT_STALLED)) {
            judge.failing(
                "CERT-1",
                "IssuanceFailed",
                format!("{text}; {attempts} attempts failed"),
            );
        } else {
            judge.unknown("CERT-1", "Progressing", text);
        }
    } else if let Some(end) = end.filter(|_| !valid) {
        judge.failing(
            "CERT-1",
            "Expired",
            format!("ended {} ago", words(judge.age(end))),
        );
    } else {
        match ready {
            Some(said) if said.is_false() => judge.failing("CERT-1", &said.reason, said.sentence()),
            Some(said) if said.is_true() => judge.unknown(
                "CERT-1",
                "NotReported",
                "does not say until when it is good",
            ),
            Some(said) => judge.unknown("CERT-1", "ConditionUnknown", said.sentence()),
            None => judge.unknown("CERT-1", "NotReported", "has not said whether it is ready"),
        }
    }
    if !judge.looks_around() {
        return;
    }
    // The Secret is looked at and not linked: a Secret may name its Certificate, and the graph has no cycles.
    if !certificate.spec.secret_name.is_empty() && ready.is_some_and(|said| said.is_true()) {
        judge.must_exist(
            "CERT-1",
            kinds::SECRET,
            judge.object.namespace(),
            &certificate.spec.secret_name,
        );
    }
    issuer_edge(judge, certificate, valid);
}

fn in_force(judge: &mut Judge<'_>, certificate: &Certificate, issuing: bool) {
    let status = &certificate.status;
    let Some(end) = status.not_after.map(|time| time.0) else {
        return;
    };
    let left = judge.left(end);
    let warning = judge.limit(CERTIFICATE_WARNING);
    if left < warning && issuing && status.failed_issuance_attempts >= 1 {
        let text = format!(
            "ends in {}, and {} renewals failed",
            words(left),
            status.failed_issuance_attempts
        );
        return judge.failing("CERT-1", "RenewalFailed", text);
    }
    let late = SignedDuration::from_hours(1);
    if let Some(renewal) = status.renewal_time.map(|time| time.0)
        && !judge.within(renewal, late)
    {
        let text = format!(
            "should have been renewed {} ago; it ends in {}",
            words(judge.age(renewal)),
            words(left)
        );
        return judge.degraded("CERT-1", "RenewalLate", text);
    }
    judge
        .cluster
        .note_due(end.checked_sub(warning).unwrap_or(end).max(judge.now));
    judge.passing("CERT-1", "ok", format!("good for {}", words(left)));
}

fn issuer_edge(judge: &mut Judge<'_>, certificate: &Certificate, valid: bool) {
    let issuer = &certificate.spec.issuer_ref;
    let ours = issuer.group.is_empty() || &*issuer.group == "cert-manager.io";
    if issuer.name.is_empty() || !ours {
        return;
    }
    let (kind, namespace) = match &*issuer.kind {
        "ClusterIssuer" => (kinds::CLUSTER_ISSUER, ""),
        _ => (kinds::ISSUER, judge.object.namespace()),
    };
    let effect = if valid {
        Effect::Optional
    } else {
        Effect::Required
    };
    judge.depend(kind, namespace, &issuer.name, effect);
}

pub(super) fn issuer(judge: &mut Judge<'_>, issuer: &Issuer) {
    match condition(&issuer.status.conditions, "Ready") {
        None => judge.unknown("ISS-1", "NotReported", "has not said whether it is ready"),
        Some(said) if said.is_true() => judge.passing("ISS-1", "ok", "ready"),
        Some(said) if said.is_false() => judge.failing("ISS-1", &said.reason, said.sentence()),
        Some(said) => judge.unknown("ISS-1", "ConditionUnknown", said.sentence()),
    }
}
