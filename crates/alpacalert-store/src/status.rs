//! How the remembering goes.

use std::fmt;
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

/// How much of a damaged file was read.
#[derive(Clone, Copy, Default)]
pub(crate) struct Salvaged {
    pub(crate) changes: u64,
    pub(crate) unread: u64,
    pub(crate) done: bool,
}

impl fmt::Display for Salvaged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Salvaged {
            changes,
            unread,
            done,
        } = self;
        match (done, unread) {
            (false, _) => write!(
                f,
                "it is being read, and {changes} changes are salvaged so far"
            ),
            (true, 0) => write!(
                f,
                "{changes} changes were salvaged, and all of it could be read"
            ),
            (true, _) => write!(
                f,
                "{changes} changes were salvaged, and {unread} places in it could not be read"
            ),
        }
    }
}
