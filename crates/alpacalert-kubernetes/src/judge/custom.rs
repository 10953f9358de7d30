//! Any other resource, by the customs of the ecosystem: CR-1 to CR-7. All word lists are data.

mod words;

use alpacalert_model::State;

use super::Judge;
use super::general::{fresh, observed};
use crate::object::custom::Custom;
use crate::object::{Body, Condition};
use crate::options::CUSTOM_SETTLE;
pub(crate) use words::{OVERRIDES, Override};

/// Annotations by which the common operators are told to pause.
const PAUSE_ANNOTATIONS: &[(&str, &str)] = &[
    ("cluster.x-k8s.io/paused", "*"),
    ("autoscaling.keda.sh/paused", "true"),
    ("crossplane.io/paused", "true"),
    ("strimzi.io/pause-reconciliation", "true"),
    ("reconcile.external-secrets.io/paused", "true"),
    ("kustomize.toolkit.fluxcd.io/reconcile", "disabled"),
];

pub(super) fn custom(judge: &mut Judge<'_>, custom: &Custom) {
    if !observed(judge, custom.observed_generation, false) {
        return;
    }
    let special = OVERRIDES
        .iter()
        .find(|special| special.kind == &*judge.object.kind);
    if let Some(why) = suspended(judge, custom) {
        return judge.warn("CR-2", "Suspended", format!("suspended: {why}"));
    }
    let generation = judge.object.meta.generation;
    let all: Vec<Condition> = custom
        .conditions
        .iter()
        .map(|(_, condition)| condition.clone())
        .collect();
    let conditions: Vec<&Condition> = fresh(&all, generation)
        .filter(|said| !special.is_some_and(|s| s.ignores(&said.kind)))
        .collect();
    abnormal(judge, custom, &conditions);
    progressing(judge, &conditions);
    let good = normal(judge, &conditions);
    let word = phase(judge, custom, special);
    if good {
        judge.passing("CR-7", "ok", "ready");
    } else if !word {
        nothing_said(judge, custom);
    }
}

fn suspended(judge: &Judge<'_>, custom: &Custom) -> Option<String> {
    if let Some(field) = custom.suspended {
        return Some(format!("spec.{field} is true"));
    }
    let paused = custom
        .conditions
        .iter()
        .find(|(_, said)| &*said.kind == "Paused" && said.is_true());
    if paused.is_some() {
        return Some("Paused is True".to_owned());
    }
    let annotation = PAUSE_ANNOTATIONS.iter().find(|(key, value)| {
        judge
            .object
            .annotation(key)
            .is_some_and(|written| *value == "*" || written == *value)
    });
    annotation.map(|(key, _)| format!("annotated {key}"))
}

/// CR-3: conditions that should not be True, and fields that only exist when something failed.
fn abnormal(judge: &mut Judge<'_>, custom: &Custom, conditions: &[&Condition]) {
    for said in conditions {
        let bad = words::is_abnormal(&said.kind) && said.is_true();
        let stuck =
            &*said.kind == "Progressing" && said.is_false() && words::is_bad_reason(&said.reason);
        if bad || stuck {
            judge.failing("CR-3", &said.kind, said.sentence());
        }
    }
    for (field, text) in &custom.failures {
        judge.failing("CR-3", "FailureReported", format!("status.{field}: {text}"));
    }
}

/// CR-4.
fn progressing(judge: &mut Judge<'_>, conditions: &[&Condition]) {
    for said in conditions {
        if words::PROGRESS_TYPES.contains(&&*said.kind) && said.is_true() {
            judge.unknown("CR-4", "Progressing", said.sentence());
        }
    }
}

/// CR-5: conditions that should be True; tells whether one is.
fn normal(judge: &mut Judge<'_>, conditions: &[&Condition]) -> bool {
    let mut good = false;
    for said in conditions {
        let terminal = words::TERMINAL_TYPES.contains(&&*said.kind);
        if words::is_abnormal(&said.kind) || !(terminal || words::is_normal(&said.kind)) {
            continue;
        }
        if said.is_true() {
            good = true;
        } else if terminal {
            // Not having ended is no failure.
        } else if said.is_false() {
            not_ready(judge, said);
        } else {
            judge.unknown("CR-5", "ConditionUnknown", said.sentence());
        }
    }
    good
}

fn not_ready(judge: &mut Judge<'_>, said: &Condition) {
    let hopeful = said.reason.is_empty() || words::is_progress_reason(&said.reason);
    if words::is_bad_reason(&said.reason) || !hopeful {
        let reason = if said.reason.is_empty() {
            "NotReady"
        } else {
            &said.reason
        };
        return judge.failing("CR-5", reason, said.sentence());
    }
    if judge.within_since(said.since(), judge.limit(CUSTOM_SETTLE)) {
        judge.unknown("CR-5", "Progressing", said.sentence());
    } else {
        judge.failing("CR-5", "StillNotReady", said.sentence());
    }
}

/// CR-6: a word of the status; tells whether there was one that decides.
fn phase(judge: &mut Judge<'_>, custom: &Custom, special: Option<&Override>) -> bool {
    let mut decided = false;
    for (field, word) in &custom.words {
        let state = special
            .and_then(|special| special.state(word))
            .or_else(|| words::phase_state(word));
        match state {
            // Conditions that fail say more than a phase that does not.
            Some(State::Passing) => {
                judge.passing("CR-6", "ok", format!("status.{field} is {word}"));
            }
            Some(state) => judge.find("CR-6", state, word, format!("status.{field} is {word}")),
            None => judge.unknown("CR-6", "UnknownPhase", format!("status.{field} is {word}")),
        }
        decided = true;
    }
    // With conditions that pass, a word that means nothing to us takes nothing away.
    if judge
        .verdict
        .findings
        .iter()
        .any(|f| f.rule == "CR-6" && f.reason.as_str() == "unknown-phase")
        && custom
            .conditions
            .iter()
            .any(|(_, said)| words::is_normal(&said.kind) && said.is_true())
    {
        judge
            .verdict
            .findings
            .retain(|f| !(f.rule == "CR-6" && f.reason.as_str() == "unknown-phase"));
    }
    decided
}

/// CR-7 and CR-1: whether silence is golden is told by the schema.
fn nothing_said(judge: &mut Judge<'_>, custom: &Custom) {
    if let Some((field, flag)) = custom.flags.first() {
        return match flag {
            true => judge.passing("CR-7", "ok", format!("status.{field} is true")),
            false if judge.within_since(None, judge.limit(CUSTOM_SETTLE)) => {
                judge.unknown("CR-7", "NotReady", format!("status.{field} is false"));
            }
            false => judge.failing("CR-7", "NotReady", format!("status.{field} is false")),
        };
    }
    if !judge.verdict.findings.is_empty() {
        return;
    }
    let definition = judge.cluster.definition(&judge.object.kind);
    let reports = match definition.map(|object| &object.body) {
        Some(Body::Crd(crd)) => {
            let (_, version) = judge
                .object
                .api_version
                .split_once('/')
                .unwrap_or(("", &judge.object.api_version));
            crd.spec
                .versions
                .iter()
                .find(|known| &*known.name == version)
                .map(|version| {
                    let status = version
                        .schema
                        .as_ref()
                        .and_then(|schema| schema.open_api.as_ref());
                    let status = status.and_then(|root| root.properties.status.as_ref());
                    let subresource = version
                        .subresources
                        .as_ref()
                        .is_some_and(|sub| sub.status.is_some_and(|s| s.0));
                    status.is_some_and(|status| status.properties.conditions.is_some_and(|c| c.0))
                        || (subresource && !custom.has_status)
                })
        }
        _ => None,
    };
    match reports {
        Some(true) => judge.unknown(
            "CR-1",
            "NotObserved",
            "its controller has said nothing of it yet",
        ),
        Some(false) | None => {
            judge.passing("CR-7", "NoSignal", "exists; it has no words for its health")
        }
    }
}
