//! The database: how it is opened, and what is in it.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::StoreError;
use crate::error::Doing as _;

/// Says that a file is ours: `alpa` in ASCII.
const APPLICATION: i32 = 0x616c_7061;

/// From nothing to the newest form, a step for each version. What has been released is never changed; what is new is added.
const STEPS: &[&str] = &[include_str!("schema/1.sql"), include_str!("schema/2.sql")];

/// Where each bit of `transition.flags` stands. The partial index on services names [`flag::SERVICE`] by its number.
pub(crate) mod flag {
    /// The state shown: two bits.
    pub(crate) const SHOWN: i64 = 0;
    /// The state that parents see: two bits.
    pub(crate) const CONFIRMED: i64 = 2;
    /// The state shown before: three bits, 4 for none.
    pub(crate) const BEFORE: i64 = 4;
    /// Nothing changed: it was seen again after a time in which nobody looked, or work on it is planned from now on, or not any more.
    pub(crate) const RESUMED: i64 = 1 << 7;
    /// It was a service.
    pub(crate) const SERVICE: i64 = 1 << 8;
    /// It was a public service.
    pub(crate) const PUBLIC: i64 = 1 << 9;
    /// Work on it was planned.
    pub(crate) const MAINTENANCE: i64 = 1 << 10;
}

/// Opens the database for its one writer, and brings it to the newest form.
pub(crate) fn open(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection =
        Connection::open_with_flags(path, flags).doing("open the database of the history")?;
    leave_at_close(&connection, true)?;
    // Only somebody who looks at the file from outside ever holds it longer.
    connection
        .busy_timeout(Duration::from_millis(250))
        .doing("set up the database of the history")?;
    set_up(&mut connection, path)?;
    Ok(connection)
}

/// Whether closing the file leaves its log as it is. A file that may be damaged is not touched.
pub(crate) fn leave_at_close(connection: &Connection, leave: bool) -> Result<(), StoreError> {
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, leave)
        .map(drop)
        .doing("set up the database of the history")
}

fn set_up(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    const ACT: &str = "set up the database of the history";
    let ask = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let application = ask("application_id").doing(ACT)?;
    let found = ask("user_version").doing(ACT)?;
    let known = STEPS.len() as i64;
    if found > known {
        return Err(StoreError::Newer {
            path: path.to_owned(),
            found: u32::try_from(found).unwrap_or(u32::MAX),
            known: known as u32,
        });
    }
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))
        .doing(ACT)?;
    let ours = application == i64::from(APPLICATION);
    if !ours && tables > 0 || found < 0 || (found == 0) != (tables == 0) {
        // Somebody else's database, or one whose head is damaged.
        let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_NOTADB);
        let text = Some("it is not a history of alpacalert".to_owned());
        return Err(rusqlite::Error::SqliteFailure(code, text)).doing(ACT);
    }
    connection
        .pragma_update(None, "journal_mode", "WAL")
        .doing(ACT)?;
    // A group that is told to be written has reached the disk.
    connection
        .pragma_update(None, "synchronous", "FULL")
        .doing(ACT)?;
    connection
        .pragma_update(None, "cache_size", -16_384)
        .doing(ACT)?;
    // Room that a storm took is given back once it is over.
    connection
        .pragma_update(None, "journal_size_limit", 16 * 1024 * 1024)
        .doing(ACT)?;
    let change = connection.transaction().doing(ACT)?;
    for (version, step) in STEPS.iter().enumerate().skip(found as usize) {
        change.execute_batch(step).doing("migrate the history")?;
        change
            .pragma_update(None, "user_version", version as i64 + 1)
            .doing("migrate the history")?;
    }
    if !ours {
        change
            .pragma_update(None, "application_id", APPLICATION)
            .doing(ACT)?;
    }
    change.commit().doing("migrate the history")
}

/// Opens the database for somebody who only reads.
pub(crate) fn open_for_reading(path: &Path) -> Result<Connection, StoreError> {
    const ACT: &str = "open the database of the history for reading";
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).doing(ACT)?;
    leave_at_close(&connection, true)?;
    connection
        .busy_timeout(Duration::from_millis(1000))
        .doing(ACT)?;
    connection
        .pragma_update(None, "query_only", true)
        .doing(ACT)?;
    connection
        .pragma_update(None, "cache_size", -4096)
        .doing(ACT)?;
    Ok(connection)
}
