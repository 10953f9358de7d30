//! The commands, a file each.

pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod explain;
pub(crate) mod graph;
pub(crate) mod host;
pub(crate) mod impact;
pub(crate) mod k8s;
pub(crate) mod kinds;
pub(crate) mod man;
pub(crate) mod password;
pub(crate) mod schema;
pub(crate) mod serve;
pub(crate) mod status;
pub(crate) mod token;
pub(crate) mod validate;
pub(crate) mod watch;
