//! Why something cannot be remembered, or told.

use std::path::PathBuf;

/// Why something cannot be remembered, or told.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process remembers in the same folder.
    #[error("another alpacalert{} keeps its history in {}; give this one a folder of its own with --state", of(pid), folder.display())]
    InUse {
        /// The folder.
        folder: PathBuf,
        /// Which process, if it said so.
        pid: Option<u32>,
    },
    /// The history was written by a program that knows more than this one.
    #[error("the history in {} was written by a newer version (its form is {found}, this program knows {known}); start that version, or move the file away", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// The form of the file.
        found: u32,
        /// The newest form that this program knows.
        known: u32,
    },
    /// The folder or a file in it cannot be used.
    #[error("failed to {act} {}", path.display())]
    File {
        /// What was being done.
        act: &'static str,
        /// To what.
        path: PathBuf,
        /// What the system said.
        #[source]
        error: std::io::Error,
    },
    /// The database refused.
    #[error("failed to {act}")]
    Database {
        /// What was being done.
        act: &'static str,
        /// What the database said.
        #[source]
        error: rusqlite::Error,
    },
    /// What is asked for makes no sense.
    #[error("{0}")]
    Question(&'static str),
    /// The database cannot be used now; [`crate::Store::status`] tells why.
    #[error("the history cannot be read now: {0}")]
    Closed(String),
}

fn of(pid: &Option<u32>) -> String {
    pid.map_or_else(String::new, |pid| format!(" (process {pid})"))
}

impl StoreError {
    /// The error with everything that caused it, in one line.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut source = std::error::Error::source(self);
        while let Some(error) = source {
            text.push_str(&format!(": {error}"));
            source = error.source();
        }
        text
    }

    /// Whether the file itself is to blame, so that trying again is of no use.
    pub(crate) fn is_damage(&self) -> bool {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
        let StoreError::Database { error, .. } = self else {
            return false;
        };
        match error {
            rusqlite::Error::SqliteFailure(failure, _) => {
                matches!(failure.code, DatabaseCorrupt | NotADatabase)
            }
            // A column that holds what was never written there.
            rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::InvalidColumnType(..) => true,
            _ => false,
        }
    }
}

/// Names what was being done with the database.
pub(crate) trait Doing<T> {
    fn doing(self, act: &'static str) -> Result<T, StoreError>;
}

impl<T> Doing<T> for Result<T, rusqlite::Error> {
    fn doing(self, act: &'static str) -> Result<T, StoreError> {
        self.map_err(|error| StoreError::Database { act, error })
    }
}
