//! The monitoring engine that people embed: it builds what a plan asks for, measures it once or continuously, and keeps
//! the graph of health up to date.
//!
//! ```
//! use alpacalert::{Monitor, Settings};
//! use alpacalert::config::Plan;
//! use alpacalert::instrument::Registry;
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let monitor = Monitor::build(&Plan::new("here"), Registry::new(), Settings::default())?;
//! let checked = monitor.check(|_progress| {}).await;
//! assert_eq!((checked.measured, checked.total), (0, 0));
//! # Ok::<(), alpacalert::BuildErrors>(())
//! # }).unwrap();
//! ```
//!
//! Three steps, and nothing happens before its step: a plan is data; [`Monitor::build`] makes sources and sensors and
//! opens nothing; only [`Monitor::check`] and [`Monitor::start`] touch the world.

mod build;
mod check;
mod measure;
mod owner;
mod running;
mod schedule;
mod settings;
mod sources;
mod stats;
mod tasks;
mod world;

pub use alpacalert_config as config;
pub use alpacalert_instrument as instrument;
pub use alpacalert_model as model;
pub use build::{BuildError, BuildErrors, Monitor};
pub use check::{Checked, Progress};
pub use running::{Change, Handle, ITSELF, Running, SourceStatus, itself};
pub use settings::{Observer, Settings};
pub use stats::Stats;
pub use tasks::{Policy, TaskState, TaskStatus, Tasks};
