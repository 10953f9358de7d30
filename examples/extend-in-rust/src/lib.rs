//! Teaches Alpacalert an external system, in three ways.
//!
//! The system is Grafana: it has alerts, and each alert belongs to a dashboard. The three ways are three modules, from the
//! simplest to the one that others can build on: [`generic`], [`wrapped`], [`shared`]. [`company`] is what a user adds to a
//! kind that somebody else brought. The text that goes with it is `docs/how-to/extend-in-rust.md`.

pub mod api;
pub mod company;
pub mod generic;
pub mod plan;
pub mod shared;
pub mod show;
pub mod wrapped;
