//! What can still be read of a file that was put aside. It is read by a thread of its own, row by row, around what is damaged; the
//! writer takes the rows between two groups of changes. The file itself is only read.

mod pages;
mod reader;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::JoinHandle;

use alpacalert_model::{NodeId, Timestamp};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::StoreError;
use crate::error::Doing as _;
use crate::form::{Described, LivedForm, PackedForm, RolledForm, SampleForm, ScaleForm};
use crate::time::millis;
use reader::Reader;

/// Batches that wait for the writer; the reader waits for a place.
const BATCHES: usize = 4;

/// A row of the damaged file. Nodes, words and series are named by their numbers there, and come before whatever names them.
#[derive(Debug)]
pub(crate) enum Saved {
    /// Changes before this time were let go.
    Expired(i64),
    Run {
        began: i64,
        alive: i64,
    },
    Gap {
        began: i64,
        ended: i64,
        reason: String,
    },
    Node(u32, NodeId),
    Word(i64, String),
    Described {
        node: u32,
        at: i64,
        seq: i64,
        body: Described,
    },
    Change {
        node: u32,
        at: i64,
        seq: i64,
        flags: i64,
        reason: i64,
        because: Option<i64>,
        owner: Option<i64>,
        since: Option<i64>,
        said: Option<(i64, String)>,
    },
    Lived {
        node: u32,
        at: i64,
        body: LivedForm,
    },
    Series {
        id: u32,
        node: u32,
        name: String,
        scale: ScaleForm,
    },
    Sweep {
        at: i64,
        samples: Vec<SampleForm>,
    },
    Packed {
        at: i64,
        series: u32,
        body: PackedForm,
    },
    Rolled {
        level: i64,
        at: i64,
        series: u32,
        body: Vec<RolledForm>,
    },
}

/// What the reader tells.
pub(crate) enum Told {
    Rows(Vec<Saved>),
    /// It is through, or gave up. How many places could not be read.
    End {
        unread: u64,
    },
}

/// A file that is being read.
pub(crate) struct Salvage {
    /// Which.
    pub(crate) file: PathBuf,
    told: Option<Receiver<Told>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Salvage {
    /// Begins to read a file; `nudge` is called when there is something to take.
    pub(crate) fn begin(
        file: PathBuf,
        now: Timestamp,
        nudge: impl Fn() + Send + 'static,
    ) -> Option<Salvage> {
        let (sender, told) = sync_channel(BATCHES);
        let stop = Arc::new(AtomicBool::new(false));
        let reader = Reader {
            sender,
            batch: Vec::new(),
            nudge: Box::new(nudge),
            stop: stop.clone(),
            rows: 0,
            unread: 0,
            now: millis(now),
        };
        let path = file.clone();
        let thread = std::thread::Builder::new()
            .name("history-salvage".to_owned())
            .spawn(move || reader.run(&path));
        Some(Salvage {
            file,
            told: Some(told),
            stop,
            thread: Some(thread.ok()?),
        })
    }

    /// What was read meanwhile; the end also of a reader that broke.
    pub(crate) fn take(&self) -> Option<Told> {
        use std::sync::mpsc::TryRecvError;
        match self.told.as_ref()?.try_recv() {
            Ok(told) => Some(told),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(Told::End { unread: 1 }),
        }
    }
}

impl Drop for Salvage {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Whoever waits for a place sees that nobody takes anything.
        self.told = None;
        if self
            .thread
            .take()
            .is_some_and(|thread| thread.join().is_err())
        {
            tracing::error!("the thread that reads the damaged history panicked");
        }
    }
}

/// Numbers that a damaged file gave, so that a new one goes on counting: no number means two changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counters {
    /// Of the newest change.
    pub(crate) seq: i64,
    /// Of the newest description.
    pub(crate) order: i64,
    /// Of the newest sentence: they go in the order of their numbers.
    pub(crate) said: i64,
}

impl Counters {
    /// Those of a file, or numbers that no file has reached.
    pub(crate) fn of(file: &Path, now: Timestamp) -> Counters {
        let read = || {
            let connection = open(file).ok()?;
            let number = |sql: &str| {
                let number = connection
                    .query_row(sql, [], |row| row.get::<_, i64>(0))
                    .ok()?;
                (0..UNREACHED).contains(&number).then_some(number)
            };
            Some(Counters {
                seq: number("SELECT value FROM meta WHERE key = 'seq'")?,
                order: number("SELECT value FROM meta WHERE key = 'order'")?,
                said: number("SELECT coalesce(max(id), 0) FROM said")?,
            })
        };
        read().unwrap_or_else(|| {
            // A thousand changes a millisecond since 1970.
            let far = millis(now).saturating_mul(1000);
            Counters {
                seq: far,
                order: far,
                said: far,
            }
        })
    }
}

/// Programs that read numbers as floating point know those up to here.
const UNREACHED: i64 = 1 << 53;

/// Opens a damaged file, which nothing may change.
fn open(file: &Path) -> Result<Connection, StoreError> {
    const ACT: &str = "open the damaged history";
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags).doing(ACT)?;
    crate::schema::leave_at_close(&connection, true)?;
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)
        .doing(ACT)?;
    // Else a file that is shorter than it says is not looked at. Nothing is written all the same.
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_WRITABLE_SCHEMA, true)
        .doing(ACT)?;
    connection
        .pragma_update(None, "cell_size_check", true)
        .doing(ACT)?;
    Ok(connection)
}
