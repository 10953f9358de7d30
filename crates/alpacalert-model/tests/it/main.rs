//! The model, tested from outside.

mod confirm;
mod graph;
mod incremental;
mod oracle;
mod path;
mod support;
