//! The one thread that writes. It takes what waits, writes it as one group, and tries again for as long as that fails.

mod memory;
mod write;

use std::fs::OpenOptions;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use alpacalert_model::Timestamp;
use rusqlite::{Connection, ErrorCode, TransactionBehavior};

use crate::entry::Entry;
use crate::error::Doing as _;
use crate::lock::FolderLock;
use crate::store::Shared;
use crate::{StoreError, schema};
pub(crate) use memory::Memory;

/// How often it is noted that the program runs, when nothing else is written: what a crash makes uncertain.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// A pause longer than this is time in which nobody looked: the machine slept, or the process was stopped.
const STOOD_STILL: Duration = Duration::from_secs(30);

/// How long it waits before it tries again what failed.
const AGAIN: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

pub(crate) struct Writer {
    shared: Arc<Shared>,
    /// Held until the thread ends.
    lock: Option<FolderLock>,
    connection: Option<Connection>,
    memory: Option<Memory>,
    /// This run's row, and the file that it is in.
    run: Option<(i64, FileId)>,
    /// Taken, and not written yet.
    pending: Vec<Entry>,
    /// When the program stood still.
    gap: Option<(Timestamp, Timestamp)>,
}

/// Which file it is, whatever its name.
type FileId = (u64, u64);

impl Writer {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Writer {
            shared,
            lock: None,
            connection: None,
            memory: None,
            run: None,
            pending: Vec::new(),
            gap: None,
        }
    }

    /// Opens the database, or tells why that does not work now.
    pub(crate) fn open(&mut self) -> Result<(), StoreError> {
        let opened = self.begin(self.shared.now());
        if let Err(error) = &opened {
            self.drop_what_failed(error);
        }
        opened
    }

    /// Writes until the queue is closed and empty.
    pub(crate) fn run(mut self) {
        let mut wait = AGAIN.0;
        loop {
            let before = self.shared.now();
            match self.shared.queue.take(HEARTBEAT) {
                Some(entries) => self.pending.extend(entries),
                None => break,
            }
            let now = self.shared.now();
            if now.duration_since(before) > STOOD_STILL.try_into().unwrap_or_default() {
                self.gap = Some((before, now));
            }
            while let Err(error) = self.commit() {
                self.shared.fail(&error);
                self.drop_what_failed(&error);
                if self.shared.queue.is_closed() && wait >= AGAIN.1 {
                    // Whoever shuts down does not wait for a broken disk.
                    let left = self.shared.queue.load().entries;
                    tracing::error!(
                        "{left} entries of the history were never written: {}",
                        error.chain()
                    );
                    return;
                }
                std::thread::sleep(wait);
                wait = (wait * 2).min(AGAIN.1);
            }
            wait = AGAIN.0;
        }
        // The file is complete on its own, without the log beside it.
        if let Some(connection) = self.connection.take()
            && let Err((_, error)) = connection.close()
        {
            tracing::warn!("failed to close the history: {error}");
        }
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        let now = self.shared.now();
        self.begin(now)?;
        let (Some(connection), Some(memory), Some((run, _))) =
            (&mut self.connection, &mut self.memory, self.run)
        else {
            return Ok(());
        };
        const ACT: &str = "write the history";
        let change = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .doing(ACT)?;
        let rows = memory
            .write(&change, &self.pending, self.gap, run, now)
            .doing(ACT)?;
        change.commit().doing(ACT)?;
        self.gap = None;
        self.pending.clear();
        self.shared.succeed(rows, now);
        Ok(())
    }

    /// Makes sure that the folder is ours, the file is open, and what is known of it is in memory.
    fn begin(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let folder = &self.shared.settings.folder;
        if self.lock.is_none() {
            make_folder(folder)?;
            let lock = FolderLock::take(folder, self.shared.settings.patience)?;
            self.lock = Some(lock);
        }
        let path = &self.shared.path;
        if self.connection.is_some() && file_id(path).ok() != self.run.map(|(_, id)| id) {
            // Somebody removed it or put another in its place.
            tracing::warn!("the file of the history was replaced");
            (self.connection, self.memory) = (None, None);
        }
        if self.connection.is_none() {
            make_file(path)?;
            self.connection = Some(schema::open(path)?);
            self.shared.reopened();
        }
        let Some(connection) = &mut self.connection else {
            return Ok(());
        };
        let id = file_id(path)?;
        if self.run.is_none_or(|(_, known)| known != id) {
            // Of another file, or of one that was replaced, everything has to be told.
            let began = match self.run {
                None => self.shared.started_at,
                Some(_) => now,
            };
            if self.run.is_some() {
                self.shared.queue.ask_for_everything();
            }
            let run =
                memory::begin_run(connection, began, now).doing("begin to write the history")?;
            self.run = Some((run, id));
            self.memory = None;
        }
        if let (None, Some((run, _))) = (&self.memory, self.run) {
            self.memory = Some(Memory::load(connection, run).doing("read the history")?);
        }
        Ok(())
    }

    /// What is in memory may not be what is in the file any more.
    fn drop_what_failed(&mut self, error: &StoreError) {
        self.memory = None;
        let passes = match error {
            StoreError::Database { error, .. } => matches!(
                error.sqlite_error_code(),
                Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::DiskFull)
            ),
            _ => false,
        };
        if !passes {
            self.connection = None;
        }
    }

    /// The states in which nodes were when the program last looked, and since when.
    pub(crate) fn remembered(&self) -> crate::store::Remembered {
        let memory = self.memory.as_ref();
        memory.map(Memory::remembered).unwrap_or_default()
    }
}

fn make_folder(folder: &Path) -> Result<(), StoreError> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| StoreError::File {
            act: "make the folder",
            path: folder.to_owned(),
            error,
        })
}

/// Makes the file, for nobody else to read: it tells how everything of ours is built. The database gives its log the same rights.
fn make_file(path: &Path) -> Result<(), StoreError> {
    let made = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path);
    made.map(drop).map_err(|error| StoreError::File {
        act: "write to",
        path: path.to_owned(),
        error,
    })
}

fn file_id(path: &Path) -> Result<FileId, StoreError> {
    let metadata = std::fs::metadata(path).map_err(|error| StoreError::File {
        act: "look at",
        path: path.to_owned(),
        error,
    })?;
    Ok((metadata.dev(), metadata.ino()))
}
