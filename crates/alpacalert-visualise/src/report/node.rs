//! The record of one node.

use alpacalert_model::{Bound, Limits, Measurement, NodeRef, Role, sanitize};
use serde::Serialize;

use crate::evidence::rule_words;

/// One node.
#[derive(Clone, Debug, Serialize)]
pub struct NodeRecord {
    /// Its identity: source, kind and reference, with slashes between.
    pub id: String,
    /// Where it was found.
    pub source: String,
    /// Its kind.
    pub kind: String,
    /// Which one of its kind.
    pub reference: String,
    /// What people call it.
    pub title: String,
    /// `sensor`, `system`, or `missing` for what others name and nobody provides.
    pub role: &'static str,
    /// What a system asks of its members: `all`, `needs 2 of 3`; `null` for others.
    pub rule: Option<String>,
    /// Present when others may rely on it.
    pub service: Option<ServiceRecord>,
    /// Whose it is, its own or inherited.
    pub owner: Option<String>,
    /// `passing`, `degraded`, `unknown` or `failing`.
    pub state: &'static str,
    /// The state that parents see; it differs while retries are under way.
    pub confirmed: &'static str,
    /// Why, as a code.
    pub reason: String,
    /// When the state was entered; `null` before the first observation.
    pub since: Option<String>,
    /// When the facts were true; `null` before the first observation.
    pub observed_at: Option<String>,
    /// `paused`, `acknowledged`, `in maintenance`, `flapping`.
    pub marks: Vec<&'static str>,
    /// Until when work on it is planned, and why; `null` when none is planned for now.
    pub maintenance: Option<MaintenanceRecord>,
    /// Why, in words.
    pub messages: Vec<MessageRecord>,
    /// The measured values.
    pub measurements: Vec<MeasurementRecord>,
    /// Its members, in order.
    pub members: Vec<MemberRecord>,
    /// The identities of the leaves that hold it where it is; `null` for nodes that are neither services nor roots.
    pub causes: Option<Vec<String>>,
}

/// What makes a node a service.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ServiceRecord {
    /// Whether everybody may see it.
    pub public: bool,
}

/// Work that is planned for now.
#[derive(Clone, Debug, Serialize)]
pub struct MaintenanceRecord {
    /// When it ends.
    pub until: String,
    /// Why; empty when that is not said.
    pub reason: String,
}

/// A message.
#[derive(Clone, Debug, Serialize)]
pub struct MessageRecord {
    /// OpenTelemetry's `SeverityText`.
    pub severity: &'static str,
    /// OpenTelemetry's `SeverityNumber`.
    pub severity_number: u8,
    /// The text.
    pub text: String,
}

/// A measured value.
#[derive(Clone, Debug, Serialize)]
pub struct MeasurementRecord {
    /// What was measured.
    pub name: String,
    /// The value in the base unit; `null` when it is not a finite number.
    pub value: Option<f64>,
    /// The unit's symbol: `s`, `B`, `%`, `/s`, `B/s`, `°C`, or nothing.
    pub unit: &'static str,
    /// What it was held against.
    pub limits: LimitsRecord,
    /// The state that the limits give it.
    pub state: &'static str,
}

/// What a value was held against.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct LimitsRecord {
    /// Crossing it makes the value Degraded.
    pub degraded: Option<BoundRecord>,
    /// Crossing it makes the value Failing.
    pub failing: Option<BoundRecord>,
}

/// A bound: one key, `above`, `below`, `outside` or `inside`.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum BoundRecord {
    /// Crossed by a greater value.
    Above(f64),
    /// Crossed by a lesser value.
    Below(f64),
    /// Crossed by a value that is not between the two.
    Outside([f64; 2]),
    /// Crossed by a value between the two, both included.
    Inside([f64; 2]),
}

/// A member of a system.
#[derive(Clone, Debug, Serialize)]
pub struct MemberRecord {
    /// Its identity.
    pub id: String,
    /// `required`, `degrades`, `optional` or `inverted`.
    pub effect: &'static str,
    /// How much it counts, where the rule weighs.
    pub weight: u32,
}

impl NodeRecord {
    /// The record of a node, with the causes found for it.
    pub fn of(node: NodeRef<'_>, causes: Option<Vec<String>>) -> Self {
        let (id, status) = (node.id(), node.status());
        NodeRecord {
            id: clean(&id.to_string()),
            source: clean(id.source()),
            kind: id.kind().to_string(),
            reference: clean(id.reference()),
            title: clean(node.title()),
            role: match node.role() {
                Some(Role::Sensor) => "sensor",
                Some(Role::System { .. }) => "system",
                None => "missing",
            },
            rule: rule(node),
            service: node.service().map(|info| ServiceRecord {
                public: info.public,
            }),
            owner: node.owner().map(|owner| clean(owner)),
            state: status.state.as_str(),
            confirmed: status.confirmed.as_str(),
            reason: status.reason.to_string(),
            since: status.since.map(|since| since.to_string()),
            observed_at: status.observed_at.map(|at| at.to_string()),
            marks: node.marks().iter().map(|mark| mark.as_str()).collect(),
            maintenance: node.maintenance().map(|planned| MaintenanceRecord {
                until: planned.until.to_string(),
                reason: clean(&planned.reason),
            }),
            messages: status
                .messages
                .iter()
                .map(|message| MessageRecord {
                    severity: message.severity.as_str(),
                    severity_number: message.severity.number(),
                    text: clean(&message.text),
                })
                .collect(),
            measurements: status
                .measurements
                .iter()
                .map(MeasurementRecord::from)
                .collect(),
            members: node
                .children()
                .map(|(child, edge)| MemberRecord {
                    id: clean(&child.id().to_string()),
                    effect: edge.effect.as_str(),
                    weight: edge.weight,
                })
                .collect(),
            causes,
        }
    }
}

/// Records are looked at on terminals too: JSON escapes some control characters, and not those that turn text around.
pub(super) fn clean(text: &str) -> String {
    sanitize(text).into_owned()
}

fn rule(node: NodeRef<'_>) -> Option<String> {
    let Some(Role::System {
        rule,
        degraded_below,
    }) = node.role()
    else {
        return None;
    };
    let sums = node.sums();
    let mut words = rule_words(rule, sums.counted, sums.weight.iter().sum())
        .unwrap_or_else(|| "all".to_owned());
    if let Some(below) = degraded_below {
        words.push_str(&format!(", degraded below {below}"));
    }
    Some(words)
}

impl From<&Measurement> for MeasurementRecord {
    fn from(measurement: &Measurement) -> Self {
        MeasurementRecord {
            name: clean(&measurement.name),
            value: measurement.value.is_finite().then_some(measurement.value),
            unit: measurement.unit.symbol(),
            limits: measurement.limits.into(),
            state: measurement.state().as_str(),
        }
    }
}

impl From<Limits> for LimitsRecord {
    fn from(limits: Limits) -> Self {
        LimitsRecord {
            degraded: limits.degraded.and_then(bound),
            failing: limits.failing.and_then(bound),
        }
    }
}

/// The bound, unless it is not a number: JSON has no word for that.
fn bound(bound: Bound) -> Option<BoundRecord> {
    let (record, finite) = match bound {
        Bound::Above(most) => (BoundRecord::Above(most), most.is_finite()),
        Bound::Below(least) => (BoundRecord::Below(least), least.is_finite()),
        Bound::Outside(low, high) => (
            BoundRecord::Outside([low, high]),
            low.is_finite() && high.is_finite(),
        ),
        Bound::Inside(low, high) => (
            BoundRecord::Inside([low, high]),
            low.is_finite() && high.is_finite(),
        ),
    };
    finite.then_some(record)
}
