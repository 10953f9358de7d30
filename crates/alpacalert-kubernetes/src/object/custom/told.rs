//! What a status tells beside its conditions: words, failures, flags and counts, found by the names of its fields.

use serde_json::{Map, Value};

use super::Custom;

/// How deep a status is read.
const DEPTH: usize = 5;
/// How many different things of one status are kept.
const MAX_TOLD: usize = 200;

/// Ends of the names of fields whose text is a word for health.
const WORD_ENDS: &[&str] = &["state", "status", "phase", "health", "compliant"];
/// Names of fields that are only there when something failed.
const FAILURES: &[&str] = &[
    "error",
    "errors",
    "errmsg",
    "errormessage",
    "failuremessage",
    "failurereason",
];
/// Beginnings of the names of fields about another time than now, or about what is wished for.
const ELSEWHERE: &[&str] = &[
    "last", "previous", "prior", "old", "history", "desired", "target", "expected", "initial",
];
/// Parts of the names of fields that speak of health, whatever they say.
const SPEAKING: &[&str] = &[
    "condition",
    "error",
    "fail",
    "reason",
    "message",
    "unhealthy",
    "complian",
    "unready",
    "unavailable",
];
/// Fields that say at the top of a status whether the object works.
const FLAGS: &[&str] = &["ready", "healthy", "readyToUse"];
/// Fields that say whether something went well, wherever they stand.
const RESULTS: &[&str] = &["pass", "success", "succeeded", "applied", "healthy"];
/// Pairs of how many there should be, and how many work.
const COUNTS: &[(&str, &[&str])] = &[
    ("replicas", &["readyReplicas", "availableReplicas"]),
    (
        "desiredNumberScheduled",
        &["numberReady", "numberAvailable"],
    ),
    ("expectedMachines", &["currentHealthy"]),
    ("expectedNodes", &["availableNodes"]),
];

pub(super) fn read(object: &Value, custom: &mut Custom) {
    let Some(status) = object["status"].as_object() else {
        return;
    };
    custom.only_nulls = !status.is_empty() && status.values().all(Value::is_null);
    custom.counts = counts(&object["spec"], status);
    fields(status, "status", DEPTH, custom);
}

fn counts(spec: &Value, status: &Map<String, Value>) -> Option<(i64, i64)> {
    COUNTS.iter().find_map(|(want, have)| {
        let have = have.iter().find_map(|key| status.get(*key)?.as_i64())?;
        let wish = match *want {
            "replicas" => spec["replicas"].as_i64(),
            _ => None,
        };
        Some((wish.or_else(|| status.get(*want)?.as_i64())?, have))
    })
}

fn fields(fields: &Map<String, Value>, path: &str, depth: usize, custom: &mut Custom) {
    for (key, value) in fields {
        let lower = key.to_ascii_lowercase();
        if key == "conditions" || ELSEWHERE.iter().any(|start| lower.starts_with(start)) {
            continue;
        }
        field(key, &lower, value, path, depth, custom);
    }
}

fn field(key: &str, lower: &str, value: &Value, path: &str, depth: usize, custom: &mut Custom) {
    let top = depth == DEPTH;
    let here = || format!("{path}.{key}").into_boxed_str();
    match value {
        Value::Null => {}
        Value::Bool(flag) if top && FLAGS.contains(&key) => {
            custom.flags.push((here(), *flag));
        }
        Value::Bool(flag) if RESULTS.contains(&key) || lower == "failed" => {
            if *flag == (lower == "failed") {
                keep(&mut custom.bad_results, (here(), *flag));
            }
        }
        Value::Bool(flag) => custom.speaks |= *flag && speaks(key, lower),
        Value::Number(number) => {
            custom.speaks |= number.as_f64() != Some(0.0) && speaks(key, lower);
        }
        Value::String(text) if text.is_empty() => {}
        Value::String(text) if FAILURES.contains(&lower) => {
            keep(&mut custom.failures, (here(), text.as_str().into(), !top));
        }
        Value::String(text) => match ratio(lower, text) {
            Some(counts) => custom.counts = custom.counts.or(Some(counts)),
            None if WORD_ENDS.iter().any(|end| lower.ends_with(end)) => {
                let word = (here(), text.as_str().into());
                if top {
                    keep(&mut custom.words, word);
                } else if !custom.parts.iter().any(|(_, known)| **known == **text) {
                    // Each word once, so that a thousand parts cost no more than one.
                    keep(&mut custom.parts, word);
                }
            }
            None => custom.speaks |= speaks(key, lower),
        },
        Value::Object(inner) if FAILURES.contains(&lower) && !inner.is_empty() => {
            let text = inner.get("message").and_then(Value::as_str);
            let text = text.unwrap_or("it has details of an error");
            keep(&mut custom.failures, (here(), text.into(), !top));
        }
        Value::Object(inner) => {
            // Argo CD writes `status.health.status` and `status.sync.status`.
            let word = inner.get("status").and_then(Value::as_str);
            match word.filter(|word| top && EXACT.contains(&key) && !word.is_empty()) {
                Some(word) => keep(&mut custom.words, (here(), word.into())),
                None if depth > 0 => fields(inner, &here(), depth - 1, custom),
                None => {}
            }
        }
        Value::Array(items) => array(items, lower, &here(), depth, custom),
    }
}

/// The fields that are words for health by custom, and not by their name alone.
pub(crate) const EXACT: &[&str] = &["phase", "state", "health", "status"];

fn array(items: &[Value], lower: &str, path: &str, depth: usize, custom: &mut Custom) {
    if items.is_empty() && depth == DEPTH {
        keep(&mut custom.empty, path.into());
    }
    if FAILURES.contains(&lower)
        && let Some(first) = items.first()
    {
        let text = first.as_str().or_else(|| first["message"].as_str());
        let text = text.unwrap_or("it has details of an error");
        return keep(
            &mut custom.failures,
            (path.into(), text.into(), depth != DEPTH),
        );
    }
    for (index, item) in items.iter().enumerate() {
        if let (Some(inner), true) = (item.as_object(), depth > 0) {
            fields(inner, &format!("{path}[{index}]"), depth - 1, custom);
        }
    }
}

fn speaks(key: &str, lower: &str) -> bool {
    // `NoMatchingInstances` and its like.
    let denies = lower.starts_with("no") && key.chars().nth(2).is_some_and(char::is_uppercase);
    denies
        || WORD_ENDS.iter().any(|end| lower.ends_with(end))
        || SPEAKING.iter().any(|part| lower.contains(part))
}

/// `0/2` of a field that counts replicas, as how many there should be and how many work.
fn ratio(lower: &str, text: &str) -> Option<(i64, i64)> {
    let (have, want) = text.split_once('/')?;
    let counts = lower.contains("replicas") || lower.contains("ready");
    counts
        .then(|| Some((want.trim().parse().ok()?, have.trim().parse().ok()?)))
        .flatten()
}

fn keep<T>(kept: &mut Vec<T>, one: T) {
    if kept.len() < MAX_TOLD {
        kept.push(one);
    }
}
