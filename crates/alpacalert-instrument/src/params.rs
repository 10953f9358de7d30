//! The keys and values that somebody gave for one thing of a kind.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use alpacalert_model::{Bound, Limits};

use crate::{Direction, Quantity, Value};

/// The keys and values for one thing of a kind, validated against its [`KindSpec`](crate::KindSpec).
///
/// Getters give `None` for a key that was not given. They also give `None` for a value of another type than asked for,
/// which validation has made impossible for keys of the specification. Cheap to clone: a plan, its requests and their targets
/// share one copy.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Params {
    entries: Arc<[(String, Value)]>,
}

/// A key that an instrumentor cannot do without is not there.
///
/// Validation prevents it for configurations; it can happen to requests that a program makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingParam(pub &'static str);

impl fmt::Display for MissingParam {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the key `{}` is missing", self.0)
    }
}

impl std::error::Error for MissingParam {}

impl From<Vec<(String, Value)>> for Params {
    fn from(entries: Vec<(String, Value)>) -> Self {
        Params {
            entries: entries.into(),
        }
    }
}

impl Params {
    /// No keys.
    pub fn new() -> Self {
        Params::default()
    }

    /// Adds a key, or replaces its value.
    #[must_use]
    pub fn with(self, key: &str, value: Value) -> Self {
        let others = self.entries.iter().filter(|(k, _)| k != key).cloned();
        Params {
            entries: others.chain([(key.to_owned(), value)]).collect(),
        }
    }

    /// Adds a key with text.
    #[must_use]
    pub fn with_text(self, key: &str, text: impl Into<String>) -> Self {
        self.with(key, Value::Text(text.into()))
    }

    /// The keys and values, in the order given.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.entries.iter().map(|(k, v)| (k.as_str(), v))
    }

    /// Whether no key was given.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.entries.iter().find(|(k, _)| k == key).map(|(_, v)| v)
    }

    /// Whether the key was given.
    pub fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// Text, with secrets in the clear.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.get(key)?.as_text()
    }

    /// Text that must be there.
    pub fn required_text(&self, key: &'static str) -> Result<&str, MissingParam> {
        self.text(key).ok_or(MissingParam(key))
    }

    /// Texts of a list; a single text counts as a list of one.
    pub fn texts(&self, key: &str) -> Vec<&str> {
        match self.get(key) {
            Some(Value::List(items)) => items.iter().filter_map(Value::as_text).collect(),
            Some(value) => value.as_text().into_iter().collect(),
            None => Vec::new(),
        }
    }

    /// The values of a list; a single value counts as a list of one.
    pub fn list(&self, key: &str) -> &[Value] {
        match self.get(key) {
            Some(Value::List(items)) => items,
            Some(value) => std::slice::from_ref(value),
            None => &[],
        }
    }

    /// Yes or no.
    pub fn bool(&self, key: &str) -> Option<bool> {
        match self.get(key)? {
            Value::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// A whole number.
    pub fn int(&self, key: &str) -> Option<i64> {
        match self.get(key)? {
            Value::Int(value) => Some(*value),
            _ => None,
        }
    }

    /// A number, whole or not.
    pub fn number(&self, key: &str) -> Option<f64> {
        match self.get(key)? {
            Value::Int(value) => Some(*value as f64),
            Value::Number(value) => Some(*value),
            _ => None,
        }
    }

    /// A length of time.
    pub fn duration(&self, key: &str) -> Option<Duration> {
        match self.get(key)? {
            Value::Duration(value) => Some(*value),
            _ => None,
        }
    }

    /// A number with its unit.
    pub fn quantity(&self, key: &str) -> Option<Quantity> {
        match self.get(key)? {
            Value::Quantity(value) => Some(*value),
            _ => None,
        }
    }

    /// The keys of a map.
    pub fn record(&self, key: &str) -> Option<Params> {
        match self.get(key)? {
            Value::Map(entries) => Some(Params::from(entries.clone())),
            _ => None,
        }
    }

    /// Bounds for a measured value: what was given, over `default` for what was not.
    ///
    /// `limits` values of a shape with several units are maps of quantities; for these use [`Params::record`]. A bound at
    /// infinity is never crossed: it switches a default off.
    pub fn limits(&self, key: &str, default: Limits) -> Limits {
        match self.get(key) {
            Some(Value::Limits(limits)) => Limits {
                degraded: given(limits.degraded, default.degraded),
                failing: given(limits.failing, default.failing),
            },
            Some(Value::Map(entries)) => {
                let direction = match default.failing.or(default.degraded) {
                    Some(Bound::Below(_)) => Direction::Below,
                    _ => Direction::Above,
                };
                let mut limits = default;
                for (word, value) in entries {
                    let bound = match value {
                        Value::Quantity(quantity) => Some(match direction {
                            Direction::Above => Bound::Above(quantity.value),
                            Direction::Below => Bound::Below(quantity.value),
                        }),
                        _ => None,
                    };
                    match word.as_str() {
                        "degraded" => limits.degraded = bound,
                        "failing" => limits.failing = bound,
                        _ => {}
                    }
                }
                limits
            }
            _ => default,
        }
    }

    /// The same parameters with `{name}` in every text replaced by the field of that name.
    ///
    /// `{{` and `}}` stand for braces. A name that is not among the fields is an error that names it. Text with secrets
    /// stays as it is: what an external system calls its things must never become part of a reference to a secret.
    pub fn substitute(&self, fields: &BTreeMap<String, String>) -> Result<Params, UnknownField> {
        let mut unknown = None;
        let entries = self
            .entries
            .iter()
            .map(|(key, value)| {
                let value = value.map_text(&mut |text| match text {
                    Value::Text(text) => match substitute(text, fields) {
                        Ok(text) => Value::Text(text),
                        Err(name) => {
                            unknown.get_or_insert(name);
                            Value::Text(text.clone())
                        }
                    },
                    other => other.clone(),
                });
                (key.clone(), value)
            })
            .collect();
        match unknown {
            Some(name) => Err(UnknownField {
                name,
                known: fields.keys().cloned().collect(),
            }),
            None => Ok(Params { entries }),
        }
    }

    /// A value as it is shown in names: secrets as they were written.
    pub(crate) fn shown(&self, key: &str) -> Option<String> {
        self.get(key).map(shown)
    }

    /// A digest of the keys other than `except`, independent of their order; `None` when there are none.
    pub(crate) fn digest(&self, except: &[&str]) -> Option<u32> {
        let mut lines: Vec<String> = self
            .entries
            .iter()
            .filter(|(key, _)| !except.contains(&key.as_str()))
            .map(|(key, value)| format!("{key}={:?}\n", ordered(value)))
            .collect();
        lines.sort();
        // FNV-1a with 32 bits: small, stable across versions and machines; nothing depends on its strength.
        (!lines.is_empty()).then(|| {
            lines.concat().bytes().fold(0x811c_9dc5_u32, |hash, byte| {
                (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
            })
        })
    }
}

/// A placeholder that the target does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownField {
    name: String,
    known: Vec<String>,
}

impl fmt::Display for UnknownField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the placeholder `{{{}}}` is not known here; there are: {}",
            self.name,
            self.known.join(", ")
        )
    }
}

impl std::error::Error for UnknownField {}

/// A bound that was given, or the default; none for one at infinity.
fn given(bound: Option<Bound>, default: Option<Bound>) -> Option<Bound> {
    match bound {
        Some(Bound::Above(value) | Bound::Below(value)) if value.is_infinite() => None,
        Some(bound) => Some(bound),
        None => default,
    }
}

/// The value with its maps, and the maps inside, in the order of their keys.
fn ordered(value: &Value) -> Value {
    match value {
        Value::List(items) => Value::List(items.iter().map(ordered).collect()),
        Value::Map(entries) => {
            let mut entries: Vec<_> = entries
                .iter()
                .map(|(k, v)| (k.clone(), ordered(v)))
                .collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Map(entries)
        }
        other => other.clone(),
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Secret(secret) => secret.template().to_owned(),
        Value::Int(value) => value.to_string(),
        Value::Number(value) => value.to_string(),
        Value::Bool(value) => value.to_string(),
        Value::Quantity(value) => value.to_string(),
        Value::List(items) => {
            let quoted = |item: &Value| match shown(item) {
                // So that `sh -c "a b"` and `sh "-c a" b` are two things.
                text if text.contains(char::is_whitespace) => format!("{text:?}"),
                text => text,
            };
            items.iter().map(quoted).collect::<Vec<_>>().join(" ")
        }
        other => format!("{other:?}"),
    }
}

fn substitute(text: &str, fields: &BTreeMap<String, String>) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        out.push_str(&rest[..at]);
        let brace = &rest[at..at + 1];
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix(brace) {
            out.push_str(brace);
            rest = after;
        } else if brace == "{"
            && let Some((name, after)) = rest.split_once('}')
        {
            out.push_str(fields.get(name).ok_or_else(|| name.to_owned())?);
            rest = after;
        } else {
            out.push_str(brace);
        }
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests;
