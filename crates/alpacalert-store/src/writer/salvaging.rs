//! Beside everything else, the writer takes back what can be read of files that were put aside.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{Connection, TransactionBehavior, params};

use super::Writer;
use super::salvage::Numbers;
use crate::error::Doing as _;
use crate::salvage::{Counters, Salvage, Told};
use crate::time::millis;
use crate::{StoreError, keep, repair};

/// How long it waits before it tries again what failed, and how often.
const AGAIN: Duration = Duration::from_secs(60);
const TRIES: u32 = 5;

const ACT: &str = "salvage what can be read of the damaged history";

/// What is under way, and what was tried.
pub(super) struct Salvaging {
    now: Option<(Salvage, Numbers)>,
    /// When it is looked again for a file to read.
    next: Instant,
    tries: u32,
}

impl Default for Salvaging {
    fn default() -> Self {
        Salvaging {
            now: None,
            next: Instant::now(),
            tries: 0,
        }
    }
}

impl Salvaging {
    /// Another file was put aside: what was taken back went with it.
    pub(super) fn begin_anew(&mut self) {
        self.now = None;
        self.next = Instant::now();
    }
}

/// What is kept of a file that was read: under its name, how many changes and how many places could not be read.
fn key(what: &str, file: &Path) -> String {
    let name = file.file_name().and_then(|name| name.to_str());
    format!("{what} {}", name.unwrap_or_default())
}

/// Has a new file count on from the one that was put aside.
pub(super) fn count_on(connection: &Connection, from: Counters) -> Result<(), rusqlite::Error> {
    for (name, value) in [("seq", from.seq), ("order", from.order)] {
        connection.execute(
            "INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)",
            params![name, value],
        )?;
    }
    // Sentences are numbered after the greatest one.
    let sql = "INSERT OR IGNORE INTO said (id, text) VALUES (?1, '')";
    connection
        .execute(sql, [from.said.saturating_add(1)])
        .map(drop)
}

impl Writer {
    /// Takes some of what was read. Trouble with it is told, and never that of anything else.
    pub(super) fn salvage(&mut self) {
        if self.salvaging.now.is_none() && Instant::now() >= self.salvaging.next {
            self.salvaging.next = Instant::now() + AGAIN;
            match self.next_aside() {
                Ok(Some(file)) if self.salvaging.tries < TRIES => self.begin_salvage(file),
                Ok(_) => {}
                Err(error) => tracing::warn!("{}", error.chain()),
            }
        }
        let Some((salvage, _)) = &self.salvaging.now else {
            return;
        };
        if self.connection.is_none() || self.memory.is_none() {
            // It is opened anew first.
            return;
        }
        let Some(told) = salvage.take() else { return };
        if let Err(error) = self.take_told(told) {
            tracing::warn!("{}", error.chain());
            // The numbers may be of rows that were not written.
            self.salvaging.now = None;
            self.drop_what_failed(&error);
        }
    }

    /// The newest file that was put aside and is not read yet; what is known of those that are is told.
    fn next_aside(&self) -> Result<Option<PathBuf>, StoreError> {
        let Some(connection) = &self.connection else {
            return Ok(None);
        };
        for file in repair::asides(&self.shared.path).into_iter().rev() {
            let known = |what| keep::meta(connection, &key(what, &file)).doing(ACT);
            match (known("salvaged")?, known("unread")?) {
                (Some(changes), Some(unread)) => {
                    let count = |count: i64| count.unsigned_abs();
                    self.shared
                        .salvaged(&file, count(changes), count(unread), true);
                }
                _ => return Ok(Some(file)),
            }
        }
        Ok(None)
    }

    fn begin_salvage(&mut self, file: PathBuf) {
        self.salvaging.tries += 1;
        let shared = self.shared.clone();
        let nudge = move || shared.queue.nudge();
        if let Some(salvage) = Salvage::begin(file.clone(), self.shared.now(), nudge) {
            tracing::info!("reading what can be read of {}", file.display());
            self.shared.salvaged(&file, 0, 0, false);
            self.salvaging.now = Some((salvage, Numbers::default()));
        }
    }

    fn take_told(&mut self, told: Told) -> Result<(), StoreError> {
        let (Some(connection), Some(memory), Some((salvage, numbers))) = (
            &mut self.connection,
            &mut self.memory,
            &mut self.salvaging.now,
        ) else {
            return Err(StoreError::Closed("it is not open".to_owned()));
        };
        let change = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .doing(ACT)?;
        let end = match &told {
            Told::Rows(rows) => {
                let first = numbers.rows == 0;
                if first {
                    note_begin(&change, &salvage.file).doing(ACT)?;
                }
                memory.take_back(&change, rows, numbers).doing(ACT)?;
                None
            }
            Told::End { unread } => {
                let begun = keep::meta(&change, &key("salvaging", &salvage.file)).doing(ACT)?;
                let at = begun.unwrap_or_else(|| millis(self.shared.now()));
                memory
                    .close_salvage(&change, numbers, at.saturating_sub(1))
                    .doing(ACT)?;
                let unread = unread.saturating_add(numbers.left);
                let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
                for (what, value) in [
                    ("salvaged", number(numbers.changes)),
                    ("unread", number(unread)),
                ] {
                    let sql = "INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)";
                    let name = key(what, &salvage.file);
                    change.execute(sql, params![name, value]).doing(ACT)?;
                }
                Some(unread)
            }
        };
        change.commit().doing(ACT)?;
        let (file, changes) = (salvage.file.clone(), numbers.changes);
        self.shared
            .salvaged(&file, changes, end.unwrap_or(0), end.is_some());
        let Some(unread) = end else {
            // There may be more at once.
            self.shared.queue.nudge();
            return Ok(());
        };
        tracing::info!(
            "{changes} changes and {} rows in all were salvaged of {}; {unread} places or rows could not be read",
            numbers.rows,
            file.display()
        );
        self.salvaging = Salvaging::default();
        Ok(())
    }
}

/// Notes when this file began, before older runs are written into it.
fn note_begin(connection: &Connection, file: &Path) -> Result<(), rusqlite::Error> {
    connection
        .execute(
            "INSERT OR IGNORE INTO meta (key, value) SELECT ?1, min(began) FROM run",
            [key("salvaging", file)],
        )
        .map(drop)
}
