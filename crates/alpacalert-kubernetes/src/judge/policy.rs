//! Accounts, bindings and policies: SA-1, RB-1, NP-1, VAP-1.

use alpacalert_model::Effect;

use super::Judge;
use crate::cluster::Lookup;
use crate::kinds;
use crate::object::control::AdmissionPolicy;
use crate::object::policy::{Binding, NetworkPolicy, ServiceAccount};

pub(super) fn service_account(judge: &mut Judge<'_>, account: &ServiceAccount) {
    judge.passing("SA-1", "exists", "exists");
    if !judge.looks_around() {
        return;
    }
    let namespace = judge.object.namespace();
    for secret in account
        .image_pull_secrets
        .iter()
        .filter(|secret| !secret.name.is_empty())
    {
        let effect = match judge.cluster.look(kinds::SECRET, namespace, &secret.name) {
            Lookup::Unseen(..) => Effect::Optional,
            _ => Effect::Required,
        };
        judge.depend(kinds::SECRET, namespace, &secret.name, effect);
    }
}

pub(super) fn binding(judge: &mut Judge<'_>, binding: &Binding) {
    if !judge.looks_around() {
        return judge.passing("RB-1", "exists", "exists");
    }
    let role = &binding.role_ref;
    let (kind, namespace) = match &*role.kind {
        "ClusterRole" => (kinds::CLUSTER_ROLE, ""),
        _ => (kinds::ROLE, judge.object.namespace()),
    };
    judge.must_exist("RB-1", kind, namespace, &role.name);
    for subject in binding
        .subjects
        .iter()
        .filter(|subject| &*subject.kind == "ServiceAccount")
    {
        let namespace = if subject.namespace.is_empty() {
            judge.object.namespace()
        } else {
            &subject.namespace
        };
        if let Lookup::Missing =
            judge
                .cluster
                .look(kinds::SERVICE_ACCOUNT, namespace, &subject.name)
        {
            // Clusters bind accounts of controllers that they do not run, and it does no harm.
            if judge.object.name().starts_with("system:") {
                continue;
            }
            let text = format!(
                "ServiceAccount {} of the namespace {namespace} does not exist",
                subject.name
            );
            judge.unknown("RB-1", "missing-subject", text);
        }
    }
}

pub(super) fn network_policy(judge: &mut Judge<'_>, policy: &NetworkPolicy) {
    if !judge.looks_around() {
        return judge.passing("NP-1", "exists", "exists");
    }
    let mut pods = judge
        .cluster
        .in_namespace(kinds::POD, judge.object.namespace());
    let selects = pods.any(|pod| policy.spec.pod_selector.matches(&pod.meta.labels));
    match selects {
        true => judge.passing("NP-1", "ok", "selects pods"),
        false => judge.passing("NP-1", "NoPods", "selects no pod"),
    }
}

pub(super) fn admission_policy(judge: &mut Judge<'_>, policy: &AdmissionPolicy) {
    let warnings = policy
        .status
        .type_checking
        .iter()
        .flat_map(|checking| &checking.expression_warnings);
    let mut found = false;
    for warning in warnings {
        found = true;
        judge.unknown(
            "VAP-1",
            "TypeCheckWarning",
            format!("{}: {}", warning.field_ref, warning.warning),
        );
    }
    if !found {
        judge.passing("VAP-1", "ok", "its expressions check out");
    }
}
