//! The model, tested from outside.

mod confirm;
mod explain;
mod graph;
mod incremental;
mod maintain;
mod oracle;
mod path;
mod reference;
mod revision;
mod support;
