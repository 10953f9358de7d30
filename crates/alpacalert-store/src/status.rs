//! How the remembering goes.

use std::path::PathBuf;

use alpacalert_model::{Reason, State, Timestamp};

/// How the remembering goes.
#[derive(Clone, Debug, PartialEq)]
pub struct StoreStatus {
    /// Passing, or Degraded while something is in the way.
    pub state: State,
    /// Why, for machines.
    pub reason: Reason,
    /// Why, for people; empty when all is well.
    pub message: String,
    /// When it became so.
    pub since: Timestamp,
    /// The file.
    pub path: PathBuf,
    /// Changes that wait to be written.
    pub queued: usize,
    /// Their size in memory, in bytes.
    pub queued_bytes: usize,
    /// When the newest group was written.
    pub committed_at: Option<Timestamp>,
    /// Groups that were written since the start.
    pub commits: u64,
    /// Rows that were written since the start.
    pub rows: u64,
    /// Changes that could not be remembered, since the start.
    pub lost: u64,
    /// The size of the database, in bytes.
    pub file_bytes: u64,
}
