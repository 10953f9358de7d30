//! The extension API of Alpacalert: everything that somebody needs who teaches it a new kind of thing.
//!
//! | you want to | you implement |
//! |---|---|
//! | measure one thing, again and again | [`Sensor`] |
//! | turn a thing into sensors and systems | [`Instrumentor`], registered for a [`Kind`] in a [`Registry`] |
//! | watch an external system that knows many things | [`Source`], made by a [`SourceProvider`] |
//!
//! Instrumentors are pure: they look at a target, and at the snapshot of the source that it comes from, and say through
//! a [`Scope`] what should be in the graph. They ask the registry for other things, never another instrumentor, so that
//! what a user added to a kind appears wherever that kind appears.

mod assembly;
mod context;
mod generic;
mod guard;
mod inbox;
mod maintenance;
mod params;
mod reads;
mod registry;
mod schedule;
mod sensor;
mod shape;
mod source;
mod spec;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod value;

pub use alpacalert_model as model;
pub use alpacalert_model::{Kind, NodeId, Observation, Reason, State, Timestamp, sanitize};
pub use assembly::{
    Assembly, Builder, Describe, Fields, Measured, Memo, PlannedWork, Request, Scope, Snapshots,
    Target, TellFields, Update,
};
pub use context::{Clock, Context, OutputLimits, Redactor, SystemClock, TokioClock};
pub use futures_util::future::BoxFuture;
pub use generic::{
    Scanner, Scanners, SensorConstant, ServiceBasic, SystemAll, SystemAny, SystemOptional,
};
pub use guard::{fetch_guarded, measure_guarded};
pub use inbox::{Expected, Inbox, Kept, Pass, Refused, Word};
pub use maintenance::{Day, When, Window, next_edge, open_window};
pub use params::{MissingParam, Params, UnknownField};
pub use reads::Fact;
pub use registry::{InstrumentError, Instrumentor, Registry, nearest};
pub use schedule::{Schedule, ScheduleOverrides};
pub use sensor::{Class, Sensor, SensorError};
pub use shape::{Direction, Quantity, Shape};
pub use source::{News, Snapshot, Source, SourceProvider, SourceSpec};
pub use spec::{Constraint, Field, KindSpec};
pub use value::{Secret, Value};
