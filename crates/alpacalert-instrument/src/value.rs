//! Values of the configuration after validation, and secrets that do not show themselves.

use std::fmt;
use std::time::Duration;

use alpacalert_model::Limits;

use crate::Quantity;

/// A value of the configuration, validated against its [`Shape`](crate::Shape).
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing.
    Null,
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Number(f64),
    /// Text without secrets.
    Text(String),
    /// Text with a secret in it.
    Secret(Secret),
    /// A length of time.
    Duration(Duration),
    /// A number with its unit.
    Quantity(Quantity),
    /// Bounds for a measured value.
    Limits(Limits),
    /// Values in order.
    List(Vec<Value>),
    /// Values by name, in the order written.
    Map(Vec<(String, Value)>),
}

impl Value {
    /// The text, with secrets in the clear.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            Value::Secret(secret) => Some(secret.expose()),
            _ => None,
        }
    }

    /// The value of a key of a map.
    pub fn get(&self, key: &str) -> Option<&Value> {
        match self {
            Value::Map(entries) => entries.iter().find(|(k, _)| k == key).map(|(_, v)| v),
            _ => None,
        }
    }

    /// Calls `visit` for every secret inside.
    pub fn each_secret<'a>(&'a self, visit: &mut dyn FnMut(&'a Secret)) {
        match self {
            Value::Secret(secret) => visit(secret),
            Value::List(items) => items.iter().for_each(|item| item.each_secret(visit)),
            Value::Map(entries) => entries.iter().for_each(|(_, v)| v.each_secret(visit)),
            _ => {}
        }
    }

    /// The same value with every text, secret or not, passed through `change`.
    pub fn map_text(&self, change: &mut dyn FnMut(&Value) -> Value) -> Value {
        match self {
            Value::Text(_) | Value::Secret(_) => change(self),
            Value::List(items) => {
                Value::List(items.iter().map(|item| item.map_text(change)).collect())
            }
            Value::Map(entries) => Value::Map(
                entries
                    .iter()
                    .map(|(k, v)| (k.clone(), v.map_text(change)))
                    .collect(),
            ),
            other => other.clone(),
        }
    }
}

/// Text that contains `${env:NAME}` or `${file:PATH}`.
///
/// Only [`Secret::expose`] gives what it stands for; `Debug` and `Display` show the text as it was written.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    template: String,
    /// The whole text with the references replaced; absent until they are resolved.
    resolved: Option<String>,
    /// What the references stand for, one each, with the reference as written.
    parts: Vec<(String, String)>,
}

impl Secret {
    /// Text as it was written, not yet resolved.
    pub fn unresolved(template: impl Into<String>) -> Self {
        Secret {
            template: template.into(),
            resolved: None,
            parts: Vec::new(),
        }
    }

    /// The same text with what its references stand for; `parts` pairs each reference, as written, with its value.
    #[must_use]
    pub fn resolved(mut self, text: String, parts: Vec<(String, String)>) -> Self {
        self.resolved = Some(text);
        self.parts = parts;
        self
    }

    /// The text in the clear. Unresolved text is given as it was written.
    pub fn expose(&self) -> &str {
        self.resolved.as_deref().unwrap_or(&self.template)
    }

    /// The text as it was written.
    pub fn template(&self) -> &str {
        &self.template
    }

    /// Each reference as written, with the secret it stands for.
    pub fn parts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.parts.iter().map(|(r, v)| (r.as_str(), v.as_str()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({:?})", self.template)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.template)
    }
}
