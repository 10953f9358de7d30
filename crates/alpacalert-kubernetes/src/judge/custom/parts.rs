//! What a status says of the parts of an object: CR-8.

use alpacalert_model::State;

use super::super::Judge;
use super::overrides::Override;
use crate::object::custom::Custom;
use crate::options::CUSTOM_SETTLE;

pub(super) fn judge(
    judge: &mut Judge<'_>,
    custom: &Custom,
    special: Option<&Override>,
    good: bool,
) {
    counts(judge, custom);
    for (field, flag) in &custom.bad_results {
        judge.degraded("CR-8", "PartFailing", format!("{field} is {flag}"));
    }
    for (field, word) in &custom.parts {
        if super::state_of(word, special).is_some_and(|state| state > State::Unknown) {
            judge.degraded("CR-8", "PartFailing", format!("{field} is {word}"));
        }
    }
    for field in special.iter().flat_map(|special| special.filled) {
        if custom.empty.iter().any(|empty| &**empty == *field) {
            judge.degraded("CR-8", "Empty", format!("{field} is empty"));
        }
    }
    let decided = good || !judge.verdict.findings.is_empty() || !custom.words.is_empty();
    if decided || custom.parts.is_empty() {
        return;
    }
    // Without a word for the whole, those for its parts decide.
    let strange = custom
        .parts
        .iter()
        .find(|(_, word)| super::state_of(word, special) != Some(State::Passing));
    match strange {
        None => judge.passing("CR-8", "ok", "all of its parts are well"),
        Some((field, word)) => {
            judge.unknown("CR-8", "UnknownPhase", format!("{field} is {word}"));
        }
    }
}

fn counts(judge: &mut Judge<'_>, custom: &Custom) {
    let Some((want, have)) = custom.counts else {
        return;
    };
    let text = format!("{have} of {want} are ready");
    if have >= want {
        judge.passing("CR-8", "ok", text);
    } else if have > 0 {
        judge.degraded("CR-8", "Degraded", text);
    } else if judge.within_since(None, judge.limit(CUSTOM_SETTLE)) {
        judge.unknown("CR-8", "Progressing", text);
    } else {
        judge.failing("CR-8", "NotReady", text);
    }
}
