//! The one thread that writes. It takes what waits, writes it as one group, and tries again for as long as that fails.

mod memory;
mod salvage;
mod salvaging;
mod write;

use std::fs::OpenOptions;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use alpacalert_model::Timestamp;
use jiff::SignedDuration;
use rusqlite::{Connection, ErrorCode, TransactionBehavior};

use crate::entry::Entry;
use crate::error::Doing as _;
use crate::lock::FolderLock;
use crate::salvage::Counters;
use crate::store::Shared;
use crate::{StoreError, keep, repair, schema};
pub(crate) use memory::Memory;

/// How often it is noted that the program runs, when nothing else is written: what a crash makes uncertain.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// A clock that is set back by no more than this stands still for so long instead: a leap second, or a time service at work.
const SET_BACK: SignedDuration = SignedDuration::from_secs(60);

/// For how long nothing is let go after the clock went ahead: it may have been set wrongly, and what is let go does not come back.
const DOUBT: Duration = Duration::from_secs(60 * 60);

/// How often it is looked whether there is something to pack or to let go, and the pause between two steps of that.
const TEND_EVERY: Duration = Duration::from_secs(60);
const TEND_AGAIN: Duration = Duration::from_millis(10);

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
    /// The latest times that the clock showed: in what is written, and when it was written.
    latest: (Timestamp, Timestamp),
    /// Until when nothing is let go.
    in_doubt: Option<Instant>,
    /// When the program stood still.
    gap: Option<(Timestamp, Timestamp)>,
    /// Looks the file through.
    checking: Option<JoinHandle<Result<(), StoreError>>>,
    /// What is read of files that were put aside.
    salvaging: salvaging::Salvaging,
    /// From where a file that is begun counts on.
    count_on: Option<Counters>,
    /// When it was last noted that the program runs.
    noted: Option<Instant>,
    /// When the past is tended to again.
    tending: Instant,
    /// How many changes wait to be put in order.
    unmerged: u64,
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
            latest: (Timestamp::MIN, Timestamp::MIN),
            in_doubt: None,
            gap: None,
            checking: None,
            salvaging: salvaging::Salvaging::default(),
            count_on: None,
            noted: None,
            tending: Instant::now() + TEND_EVERY,
            unmerged: 0,
        }
    }

    /// Opens the database, or tells why that does not work now.
    pub(crate) fn open(&mut self) -> Result<(), StoreError> {
        let opened = self.begin(self.shared.now());
        let Err(error) = opened else {
            return Ok(());
        };
        self.drop_what_failed(&error);
        if !error.is_damage() {
            return Err(error);
        }
        // The damaged file is out of the way now.
        self.begin(self.shared.now())
    }

    /// Writes until the queue is closed and empty.
    pub(crate) fn run(mut self) {
        let mut wait = AGAIN.0;
        loop {
            self.salvage();
            let before = self.shared.now();
            let idle = self.tending.saturating_duration_since(Instant::now());
            match self.shared.queue.take(idle.min(HEARTBEAT)) {
                Some(entries) => self.pending.extend(entries),
                None => break,
            }
            let now = self.shared.now();
            let paused = u128::try_from(now.duration_since(before).as_millis()).unwrap_or(0);
            if paused > self.shared.settings.stood_still.as_millis() {
                self.gap = Some((before, now));
                self.in_doubt = Some(Instant::now() + DOUBT);
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
            let asked = self.shared.untended.swap(false, Ordering::Relaxed);
            let many = self.unmerged > keep::MANY;
            if asked || many || Instant::now() >= self.tending {
                self.tend();
            }
            self.check();
            self.shared.look_aside();
        }
        // The file is complete on its own, without the log beside it.
        if let Some(connection) = self.connection.take() {
            let _ = schema::leave_at_close(&connection, false);
            if let Err((_, error)) = connection.close() {
                tracing::warn!("failed to close the history: {error}");
            }
        }
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        let now = self.shared.now();
        self.begin(now)?;
        let fresh = self
            .noted
            .is_some_and(|noted| noted.elapsed() < HEARTBEAT / 2);
        if fresh && self.pending.is_empty() && self.gap.is_none() {
            return Ok(());
        }
        let (Some(connection), Some(memory), Some((run, _))) =
            (&mut self.connection, &mut self.memory, self.run)
        else {
            return Ok(());
        };
        const ACT: &str = "write the history";
        let mut latest = self.latest;
        let turn = turn(&mut self.pending, &mut latest, now);
        let count = turn.map_or(self.pending.len(), |(count, _)| count);
        let change = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .doing(ACT)?;
        let rows = memory
            .write(&change, &self.pending[..count], self.gap, run, now)
            .doing(ACT)?;
        change.commit().doing(ACT)?;
        self.gap = None;
        self.latest = latest;
        self.unmerged += count as u64;
        self.noted = Some(Instant::now());
        self.pending.drain(..count);
        if let Some((_, began)) = turn {
            self.begin_again(began)?;
            return self.commit();
        }
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
            let connection = schema::open(path)?;
            let size = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
            if size <= repair::CHECKED_AT_ONCE {
                repair::check(&connection)?;
            } else if self.run.is_none() {
                self.shared.suspect();
            }
            self.connection = Some(connection);
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
            if let Some(counters) = self.count_on.take() {
                salvaging::count_on(connection, counters).doing("begin to write the history")?;
            }
            let run =
                memory::begin_run(connection, began, now).doing("begin to write the history")?;
            self.run = Some((run, id));
            self.memory = None;
        }
        if let (None, Some((run, _))) = (&self.memory, self.run) {
            self.memory = Some(Memory::load(connection, run).doing("read the history")?);
            self.unmerged = keep::unmerged(connection).doing("read the history")?;
        }
        Ok(())
    }

    /// Begins another run, in which time goes on from where the clock was set to.
    fn begin_again(&mut self, began: Timestamp) -> Result<(), StoreError> {
        let (Some(connection), Some((_, id))) = (&mut self.connection, self.run) else {
            return Ok(());
        };
        tracing::warn!(
            "the clock was set back to {began}; what follows counts as later all the same"
        );
        let run = memory::begin_run(connection, began, began).doing("go on with the history")?;
        self.run = Some((run, id));
        self.memory = None;
        self.latest = (began, began);
        self.noted = None;
        // What was known is from another time.
        self.shared.queue.ask_for_everything();
        Ok(())
    }

    /// Packs some measurements, or lets some of the past go.
    fn tend(&mut self) {
        let Some(connection) = &mut self.connection else {
            return;
        };
        let retention = self.shared.retention();
        let believes = self.in_doubt.is_none_or(|end| Instant::now() >= end);
        let retention = believes.then_some(&retention);
        let tended = keep::tend(connection, retention, self.shared.now());
        let pause = match tended.doing("tend to the history") {
            Ok(tended) => {
                if tended.forgot {
                    self.memory = None;
                }
                self.unmerged = 0;
                if tended.more { TEND_AGAIN } else { TEND_EVERY }
            }
            Err(error) => {
                tracing::warn!("{}", error.chain());
                self.drop_what_failed(&error);
                TEND_EVERY
            }
        };
        self.tending = Instant::now() + pause;
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
        if let Some(connection) = &self.connection {
            // What is in the log already may go into the database, so that the log's own room can be used again. When there is
            // no room for that either, nothing changes.
            let _ = connection.query_row("PRAGMA wal_checkpoint(RESTART)", [], |_| Ok(()));
        }
        if error.is_damage() {
            self.put_aside(error);
        }
    }

    /// Begins a new file beside the damaged one.
    fn put_aside(&mut self, error: &StoreError) {
        let damage = error.chain();
        match repair::put_aside(&self.shared.path, self.shared.now()) {
            Ok(aside) => {
                tracing::error!(
                    "the history is damaged ({damage}); it was put aside as {}, and a new one is begun",
                    aside.display()
                );
                self.count_on = Some(Counters::of(&aside, self.shared.now()));
                self.salvaging.begin_anew();
            }
            Err(error) => self.shared.fail(&error),
        }
    }

    /// Has the file looked through, when somebody found something strange in it, beside everything else.
    fn check(&mut self) {
        if let Some(checking) = self.checking.take_if(|checking| checking.is_finished()) {
            match checking.join() {
                Ok(Err(error)) if error.is_damage() => self.drop_what_failed(&error),
                Ok(Err(error)) => tracing::warn!("{}", error.chain()),
                Ok(Ok(())) => tracing::debug!("the history was checked and is in order"),
                Err(_) => tracing::error!("the check of the history panicked"),
            }
        }
        if self.checking.is_none() && self.shared.take_suspicion() {
            let path = self.shared.path.clone();
            let checking = std::thread::Builder::new()
                .name("history-check".to_owned())
                .spawn(move || repair::check(&schema::open_for_reading(&path)?));
            self.checking = checking.ok();
        }
    }

    /// The states in which nodes were when the program last looked, and since when.
    pub(crate) fn remembered(&self) -> crate::store::Remembered {
        let memory = self.memory.as_ref();
        memory.map(Memory::remembered).unwrap_or_default()
    }
}

/// Where the clock was set back by much: after how many entries, and to when. What comes a little too early counts as simultaneous
/// with what came before, so that the order of time stays that in which things were.
fn turn(
    entries: &mut [Entry],
    latest: &mut (Timestamp, Timestamp),
    now: Timestamp,
) -> Option<(usize, Timestamp)> {
    for (count, entry) in entries.iter_mut().enumerate() {
        let at = entry.at();
        if latest.0.duration_since(at) > SET_BACK {
            return Some((count, at));
        }
        entry.not_before(latest.0);
        latest.0 = latest.0.max(at);
    }
    if latest.1.duration_since(now) > SET_BACK {
        return Some((entries.len(), now));
    }
    latest.1 = latest.1.max(now);
    None
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
