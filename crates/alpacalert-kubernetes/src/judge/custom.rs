//! Any other resource, by the customs of the ecosystem: CR-1 to CR-7. All word lists are data.

mod overrides;
mod parts;
mod words;

use alpacalert_model::State;

use super::Judge;
use super::general::{fresh, observed};
use crate::object::custom::{Custom, EXACT};
use crate::object::{Body, Condition};
use crate::options::CUSTOM_SETTLE;
pub(crate) use overrides::{OVERRIDES, Override};

/// Annotations by which the common operators are told to pause.
const PAUSE_ANNOTATIONS: &[(&str, &str)] = &[
    ("cluster.x-k8s.io/paused", "*"),
    ("autoscaling.keda.sh/paused", "true"),
    ("crossplane.io/paused", "true"),
    ("strimzi.io/pause-reconciliation", "true"),
    ("reconcile.external-secrets.io/paused", "true"),
    ("kustomize.toolkit.fluxcd.io/reconcile", "disabled"),
    ("cnpg.io/reconciliationLoop", "disabled"),
    ("cnpg.io/hibernation", "on"),
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
    let fresh: Vec<&Condition> = fresh(&all, generation).collect();
    let lag = fresh.len() < all.len();
    let conditions: Vec<&Condition> = fresh
        .into_iter()
        .filter(|said| !special.is_some_and(|s| s.ignores(&said.kind)))
        .collect();
    abnormal(judge, custom, &conditions);
    progressing(judge, &conditions);
    let good = normal(judge, &conditions);
    let word = phase(judge, custom, special);
    parts::judge(judge, custom, special, good);
    if lag && !good {
        let text = "its conditions are of an older generation";
        judge.unknown("CR-7", "StaleStatus", text);
    } else if good {
        judge.passing("CR-7", "ok", "ready");
    } else if !word {
        nothing_said(judge, custom, &conditions);
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
    let resting = custom
        .words
        .iter()
        .find(|(field, word)| is_exact(field) && words::is_resting(word));
    if let Some((field, word)) = resting {
        return Some(format!("{field} is {word}"));
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
        let state = match words::is_partly(&said.kind) {
            true => State::Degraded,
            false => State::Failing,
        };
        if bad || stuck {
            judge.find("CR-3", state, &said.kind, said.sentence());
        }
    }
    for (field, text, deep) in &custom.failures {
        // A part that failed need not be the whole.
        let state = match deep {
            true => State::Degraded,
            false => State::Failing,
        };
        judge.find("CR-3", state, "FailureReported", format!("{field}: {text}"));
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
        if words::is_beside(&said.kind) {
            if said.is_false() {
                judge.degraded("CR-5", &said.kind, said.sentence());
            }
            continue;
        }
        let terminal = words::TERMINAL_TYPES.contains(&&*said.kind);
        if words::is_abnormal(&said.kind) || !(terminal || words::is_normal(&said.kind)) {
            if said.is_false() && words::is_bad_reason(&said.reason) && is_strange(said) {
                judge.degraded("CR-5", &said.reason, said.sentence());
            }
            continue;
        }
        if terminal && sounds_bad(said) {
            // An end that was reached by failing, and one that never will be.
            judge.failing("CR-5", "Failed", said.sentence());
        } else if said.is_true() {
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

/// Whether the name of a condition tells nobody here whether it should be True.
fn is_strange(said: &Condition) -> bool {
    let known = words::is_beside(&said.kind)
        || words::PROGRESS_TYPES.contains(&&*said.kind)
        || words::TERMINAL_TYPES.contains(&&*said.kind)
        || words::is_abnormal(&said.kind)
        || words::is_normal(&said.kind);
    !known && &*said.kind != "Progressing" && &*said.kind != "Paused"
}

/// By the reason, and by the message where that says nothing bad in itself.
fn sounds_bad(said: &Condition) -> bool {
    words::is_bad_reason(&said.reason) || (said.is_false() && words::is_bad_reason(&said.message))
}

fn not_ready(judge: &mut Judge<'_>, said: &Condition) {
    let bad = words::is_bad_reason(&said.reason)
        || (said.reason.is_empty() && words::is_bad_reason(&said.message));
    if bad {
        let reason = match said.reason.is_empty() {
            true => "NotReady",
            false => &said.reason,
        };
        return judge.failing("CR-5", reason, said.sentence());
    }
    // Whatever else the reason is, a start takes its time.
    if judge.within_since(said.since(), judge.limit(CUSTOM_SETTLE)) {
        judge.unknown("CR-5", "Progressing", said.sentence());
    } else {
        judge.failing("CR-5", "StillNotReady", said.sentence());
    }
}

/// CR-6: a word of the status; tells whether there was one that decides.
fn phase(judge: &mut Judge<'_>, custom: &Custom, special: Option<&Override>) -> bool {
    let mut decided = false;
    let mut strange = Vec::new();
    for (field, word) in &custom.words {
        let text = format!("{field} is {word}");
        match state_of(word, special) {
            // Conditions that fail say more than a phase that does not.
            Some(State::Passing) => judge.passing("CR-6", "ok", text),
            Some(state) => judge.find("CR-6", state, word, text),
            None => {
                strange.push((is_exact(field), text));
                continue;
            }
        }
        decided = true;
    }
    // Beside conditions that pass, a word that means nothing to us takes nothing away; nor does a field of
    // an operator's own beside a word that is known.
    let good = custom
        .conditions
        .iter()
        .any(|(_, said)| words::is_normal(&said.kind) && said.is_true());
    for (exact, text) in strange {
        if !good && (exact || !decided) {
            judge.unknown("CR-6", "UnknownPhase", text);
        }
        decided = true;
    }
    decided
}

fn state_of(word: &str, special: Option<&Override>) -> Option<State> {
    special
        .and_then(|special| special.state(word))
        .or_else(|| words::phase_state(word))
}

fn is_exact(field: &str) -> bool {
    field
        .strip_prefix("status.")
        .is_some_and(|name| EXACT.contains(&name))
}

/// CR-7 and CR-1: whether silence is golden is told by the schema. What speaks of health in words that
/// nobody here knows is not well for that.
fn nothing_said(judge: &mut Judge<'_>, custom: &Custom, conditions: &[&Condition]) {
    if let Some((field, flag)) = custom.flags.first() {
        return match flag {
            true => judge.passing("CR-7", "ok", format!("{field} is true")),
            false if judge.within_since(None, judge.limit(CUSTOM_SETTLE)) => {
                judge.unknown("CR-7", "NotReady", format!("{field} is false"));
            }
            false => judge.failing("CR-7", "NotReady", format!("{field} is false")),
        };
    }
    if !judge.verdict.findings.is_empty() {
        return;
    }
    if custom.only_nulls {
        let text = "its controller has said nothing of it yet";
        return judge.unknown("CR-1", "NotObserved", text);
    }
    if let Some(said) = conditions.iter().find(|said| is_strange(said)) {
        let text = format!("nothing here knows the condition: {}", said.sentence());
        return judge.unknown("CR-7", "NotUnderstood", text);
    }
    if let Some(said) = conditions.iter().find(|said| said.is_false()) {
        return judge.passing("CR-7", "ok", said.sentence());
    }
    if custom.speaks {
        let text = "its status speaks of its health in words that nothing here knows";
        return judge.unknown("CR-7", "NotUnderstood", text);
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
