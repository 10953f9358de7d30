//! What things say that can only report.

use serde::{Deserialize, Serialize};

use crate::Health;

/// The body of `POST /api/v1/push/{name}`: a state that something else judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PushedState {
    /// How it is.
    pub state: Health,
    /// Why, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Why, as a code of small letters, digits and hyphens; `pushed` when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What was measured. A value that crosses one of its limits worsens the state.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub measurements: Vec<PushedMeasurement>,
    /// For how many seconds it may be believed; as the configuration says when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u32>,
}

/// A measured value that is pushed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PushedMeasurement {
    /// What was measured.
    pub name: String,
    /// The value, in the unit.
    pub value: f64,
    /// The unit: empty, `count`, `s`, `B`, `%`, `/s`, `B/s` or `°C`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// What it must not cross to be Passing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub degraded: Option<PushedLimit>,
    /// What it must not cross at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing: Option<PushedLimit>,
}

/// A limit of a value that is pushed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PushedLimit {
    /// It is crossed by a greater value.
    Above(f64),
    /// It is crossed by a smaller value.
    Below(f64),
}
