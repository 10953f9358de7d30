//! Custom resources, of which nothing is known but the customs of the ecosystem.

use serde_json::Value;

use super::{Condition, Time};

/// What the generic rule reads of an object.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Custom {
    /// Whether there is a `status` with something in it.
    pub(crate) has_status: bool,
    /// `status.observedGeneration`.
    pub(crate) observed_generation: Option<i64>,
    /// Every condition below `status`, with the path of its list.
    pub(crate) conditions: Vec<(Box<str>, Condition)>,
    /// The words of `status.phase`, `status.state`, `status.health` and `status.status`.
    pub(crate) words: Vec<(&'static str, Box<str>)>,
    /// `status.ready` and `status.healthy`.
    pub(crate) flags: Vec<(&'static str, bool)>,
    /// What `status.failureMessage` and its like say.
    pub(crate) failures: Vec<(&'static str, Box<str>)>,
    /// The field of `spec` that suspends it.
    pub(crate) suspended: Option<&'static str>,
}

/// How deep lists of conditions are looked for below `status`.
const DEPTH: usize = 3;
/// How many conditions of one object are kept, so that an enormous one costs no more than a large one.
const MAX_CONDITIONS: usize = 1000;

impl Custom {
    /// Reads the parts of an object.
    pub(crate) fn read(object: &Value) -> Custom {
        let status = &object["status"];
        let mut custom = Custom {
            has_status: status.as_object().is_some_and(|status| !status.is_empty()),
            observed_generation: status["observedGeneration"].as_i64(),
            ..Custom::default()
        };
        collect(status, "status", DEPTH, &mut custom.conditions);
        for key in ["phase", "state", "health", "status"] {
            let value = &status[key];
            // Argo CD writes `status.health.status` and `status.sync.status`.
            let word = value.as_str().or_else(|| value["status"].as_str());
            if let Some(word) = word.filter(|word| !word.is_empty()) {
                custom.words.push((key, word.into()));
            }
        }
        for key in ["ready", "healthy"] {
            if let Some(flag) = status[key].as_bool() {
                custom.flags.push((key, flag));
            }
        }
        for key in ["failureMessage", "failureReason", "errorMessage"] {
            if let Some(text) = status[key].as_str().filter(|text| !text.is_empty()) {
                custom.failures.push((key, text.into()));
            }
        }
        for key in ["suspend", "suspended", "paused"] {
            if object["spec"][key].as_bool() == Some(true) {
                custom.suspended = Some(key);
            }
        }
        custom
    }
}

fn collect(value: &Value, path: &str, depth: usize, found: &mut Vec<(Box<str>, Condition)>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                if key == "conditions" {
                    for item in value.as_array().into_iter().flatten() {
                        if let Some(condition) = read_condition(item)
                            && found.len() < MAX_CONDITIONS
                        {
                            found.push((path.into(), condition));
                        }
                    }
                } else if depth > 0 && (value.is_object() || value.is_array()) {
                    collect(value, &format!("{path}.{key}"), depth - 1, found);
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                if found.len() >= MAX_CONDITIONS {
                    return;
                }
                collect(item, &format!("{path}[{index}]"), depth, found);
            }
        }
        _ => {}
    }
}

/// A condition by the fields that are texts, whatever else an operator writes into it.
fn read_condition(value: &Value) -> Option<Condition> {
    let text = |key: &str| value[key].as_str().unwrap_or_default().into();
    let time = |key: &str| value[key].as_str()?.parse().ok().map(Time);
    let kind: Box<str> = text("type");
    let status = match &value["status"] {
        // Some operators write booleans.
        Value::Bool(true) => "True".into(),
        Value::Bool(false) => "False".into(),
        other => other.as_str().unwrap_or_default().into(),
    };
    (!kind.is_empty()).then(|| Condition {
        kind,
        status,
        reason: text("reason"),
        message: text("message"),
        last_transition_time: time("lastTransitionTime"),
        last_update_time: time("lastUpdateTime"),
        observed_generation: value["observedGeneration"].as_i64(),
    })
}
