//! Custom resources, of which nothing is known but the customs of the ecosystem.

mod told;

use serde_json::Value;

use super::{Condition, Time};
pub(crate) use told::EXACT;

/// What the generic rule reads of an object. Fields are named by their path.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Custom {
    /// Whether there is a `status` with something in it.
    pub(crate) has_status: bool,
    /// `status.observedGeneration`, which some operators write as a text.
    pub(crate) observed_generation: Option<i64>,
    /// Every condition below `status`, with the path of its list.
    pub(crate) conditions: Vec<(Box<str>, Condition)>,
    /// The words at the top of `status`, such as `status.phase` and `status.currentState`.
    pub(crate) words: Vec<(Box<str>, Box<str>)>,
    /// The different words further down.
    pub(crate) parts: Vec<(Box<str>, Box<str>)>,
    /// `status.ready` and its like.
    pub(crate) flags: Vec<(Box<str>, bool)>,
    /// `success: false`, `failed: true` and their like, wherever they stand.
    pub(crate) bad_results: Vec<(Box<str>, bool)>,
    /// What `status.failureMessage` and its like say, and whether it stands further down.
    pub(crate) failures: Vec<(Box<str>, Box<str>, bool)>,
    /// How many replicas there should be, and how many are ready.
    pub(crate) counts: Option<(i64, i64)>,
    /// The empty lists at the top of `status`.
    pub(crate) empty: Vec<Box<str>>,
    /// Whether a field beside these speaks of health, in words that nobody here knows.
    pub(crate) speaks: bool,
    /// Whether all that stands in `status` is null.
    pub(crate) only_nulls: bool,
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
            observed_generation: generation(&status["observedGeneration"]),
            ..Custom::default()
        };
        collect(status, "status", DEPTH, &mut custom.conditions);
        told::read(object, &mut custom);
        for key in ["suspend", "suspended", "paused"] {
            if object["spec"][key].as_bool() == Some(true) {
                custom.suspended = Some(key);
            }
        }
        custom
    }
}

fn generation(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
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
        observed_generation: generation(&value["observedGeneration"]),
    })
}
