//! The wire types of Alpacalert's API, version 1.
//!
//! They know neither the graph nor the web server, so that a reader of the API needs nothing else of Alpacalert. Within
//! version 1 keys are added and never changed; readers leave alone what they do not know.

#[cfg(feature = "client")]
pub mod client;
mod history;
mod lists;
mod report;
mod summary;

pub use history::{
    IncidentList, IncidentRecord, MeasurementHistory, PointRecord, SeriesRecord, UnsureRecord,
    UptimePart, UptimeReport,
};
pub use lists::{
    ChangeEvent, ConfigReport, Counts, ErrorBody, InstanceReport, NodeBrief, NodeList, Rejection,
    ServiceChanges, ServiceList, SourceReport, StillAlive, TaskReport, TransitionList,
    TransitionRecord,
};
pub use report::{PushedLimit, PushedMeasurement, PushedState};
pub use summary::{CauseSummary, Health, ServiceSummary};

/// The version of the API, as it stands in paths (`/api/v1`) and in every document's `version`.
pub const VERSION: u32 = 1;
