//! The model, tested from outside.

mod graph;
mod incremental;
mod oracle;
mod path;
mod support;
