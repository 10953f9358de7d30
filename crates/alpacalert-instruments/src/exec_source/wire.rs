//! The blueprint that a program prints, as it is written: version 1.

use serde::Deserialize;
use serde_json::Value;

/// The one version that there is.
pub(super) const VERSION: u64 = 1;

/// The whole document. Nodes are looked at one by one, so that a broken one does not spoil the others.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    pub(super) version: u64,
    pub(super) nodes: Vec<Value>,
    #[serde(rename = "$schema")]
    _schema: Option<String>,
}

/// Which thing: what every node and every member must say.
#[derive(Debug, Deserialize)]
pub(super) struct Name {
    pub(super) kind: String,
    pub(super) reference: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Node {
    #[serde(rename = "kind")]
    _kind: String,
    #[serde(rename = "reference")]
    _reference: String,
    pub(super) title: Option<String>,
    pub(super) owner: Option<String>,
    pub(super) service: Option<Service>,
    pub(super) rule: Option<Rule>,
    pub(super) degraded_below: Option<u32>,
    #[serde(default)]
    pub(super) members: Vec<Member>,
    pub(super) observation: Option<Observation>,
    #[serde(default)]
    pub(super) fields: std::collections::BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Service {
    #[serde(default)]
    pub(super) public: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Rule {
    All,
    Any,
    AtLeast(u32),
    Percent(u8),
    Exactly(u32),
    Weight(u32),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Member {
    pub(super) kind: String,
    pub(super) reference: String,
    pub(super) effect: Option<Effect>,
    pub(super) weight: Option<u32>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Effect {
    Required,
    Degrades,
    Optional,
    Inverted,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Observation {
    pub(super) state: Option<State>,
    pub(super) reason: Option<String>,
    #[serde(default)]
    pub(super) messages: Vec<Message>,
    #[serde(default)]
    pub(super) measurements: Vec<Measurement>,
    pub(super) observed_at: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    Passing,
    Degraded,
    Unknown,
    Failing,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Message {
    pub(super) severity: Option<Severity>,
    pub(super) text: String,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Severity {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
    Fatal,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Measurement {
    pub(super) name: String,
    pub(super) value: f64,
    pub(super) unit: Option<Unit>,
    pub(super) degraded: Option<Bound>,
    pub(super) failing: Option<Bound>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) enum Unit {
    #[serde(rename = "")]
    None,
    #[serde(rename = "count")]
    Count,
    #[serde(rename = "s")]
    Seconds,
    #[serde(rename = "B")]
    Bytes,
    #[serde(rename = "%")]
    Percent,
    #[serde(rename = "/s")]
    PerSecond,
    #[serde(rename = "B/s")]
    BytesPerSecond,
    #[serde(rename = "°C")]
    Celsius,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Bound {
    Above(f64),
    Below(f64),
    Outside([f64; 2]),
    Inside([f64; 2]),
}
