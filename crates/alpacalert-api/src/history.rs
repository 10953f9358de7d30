//! What is remembered, in numbers.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Health;

/// `GET /api/v1/history/uptime`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UptimeReport {
    /// The version of this document's form.
    pub version: u32,
    /// The instance that tells it.
    pub instance: String,
    /// The identity of the node.
    pub node: String,
    /// The beginning of the time.
    pub from: Timestamp,
    /// Its end.
    pub to: Timestamp,
    /// How all of it was spent.
    pub whole: UptimePart,
    /// How each of equal parts was, the oldest first.
    pub parts: Vec<UptimePart>,
}

/// How a part of a time was spent, in seconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UptimePart {
    /// When it began.
    pub from: Timestamp,
    /// Passing.
    pub passing: f64,
    /// Degraded.
    pub degraded: f64,
    /// Unknown.
    pub unknown: f64,
    /// Failing.
    pub failing: f64,
    /// Nobody was looking, or nothing was known yet.
    pub unobserved: f64,
    /// There was no such node. Counts neither for it nor against it.
    pub absent: f64,
    /// The share of the time in which it was surely up (passing or degraded), 0 to 1; `null` where there was no such node.
    pub lower: Option<f64>,
    /// The share of the time in which it may have been up.
    pub upper: Option<f64>,
    /// Why it was unknown or unobserved, the longest first.
    pub unsure: Vec<UnsureRecord>,
}

/// Why it is not known how something was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UnsureRecord {
    /// Why, as a code: `monitor-down`, `not-measured`, `source-lost`, `maintenance` and others.
    pub reason: String,
    /// For how long, in seconds.
    pub seconds: f64,
}

/// `GET /api/v1/history/measurements`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeasurementHistory<L> {
    /// The version of this document's form.
    pub version: u32,
    /// The instance that tells it.
    pub instance: String,
    /// The identity of the node.
    pub node: String,
    /// The beginning of the time.
    pub from: Timestamp,
    /// Its end.
    pub to: Timestamp,
    /// What was measured.
    pub series: Vec<SeriesRecord<L>>,
}

/// One quantity over a time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeriesRecord<L> {
    /// What was measured.
    pub name: String,
    /// The unit's symbol.
    pub unit: String,
    /// What it was held against, as last known: like those of a node's measurements.
    pub limits: L,
    /// In order of time. A time in which nothing was measured has none; a value that is no finite number is `null`.
    pub points: Vec<PointRecord>,
}

/// When, least, mean and greatest.
pub type PointRecord = (Timestamp, Option<f64>, Option<f64>, Option<f64>);

/// `GET /api/v1/history/incidents`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IncidentList {
    /// The version of this document's form.
    pub version: u32,
    /// The instance that tells it.
    pub instance: String,
    /// The newest first.
    pub incidents: Vec<IncidentRecord>,
}

/// A time in which a service was not passing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IncidentRecord {
    /// The identity of the service.
    pub node: String,
    /// What people called it.
    pub title: String,
    /// Whose it was.
    pub owner: Option<String>,
    /// The worst state of the time.
    pub worst: Health,
    /// When it began.
    pub from: Timestamp,
    /// When it was over; `null` while it lasts.
    pub to: Option<Timestamp>,
    /// Why, as it was said then; empty when nothing was said or it may not be seen.
    pub cause: String,
    /// How long within it nobody was looking, in seconds.
    pub unobserved: f64,
}
