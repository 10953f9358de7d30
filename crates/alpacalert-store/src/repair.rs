//! What to do with a file that is damaged: it is put aside for people to look at, and never deleted. What can be read of it is taken
//! back: see [`crate::salvage`].

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use alpacalert_model::Timestamp;
use rusqlite::Connection;

use crate::StoreError;
use crate::error::Doing as _;

/// Files up to this size are checked before they are used: that takes some ten milliseconds. Larger ones are checked while they
/// are used.
pub(crate) const CHECKED_AT_ONCE: u64 = 8 * 1024 * 1024;

/// What stands between the name of a file and the time at which it was put aside.
const ASIDE: &str = ".damaged-";

/// Reads all of a database, and tells what is wrong with its structure.
pub(crate) fn check(connection: &Connection) -> Result<(), StoreError> {
    const ACT: &str = "check the history";
    let found: String = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .doing(ACT)?;
    match found == "ok" {
        true => Ok(()),
        false => {
            let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
            Err(rusqlite::Error::SqliteFailure(code, Some(found))).doing(ACT)
        }
    }
}

/// Gives a damaged database, with its log, another name; tells which.
pub(crate) fn put_aside(path: &Path, now: Timestamp) -> Result<PathBuf, StoreError> {
    let named = |path: &Path, suffix: &str| {
        let mut name = OsString::from(path);
        name.push(suffix);
        PathBuf::from(name)
    };
    let stamp = now.strftime("%Y%m%dT%H%M%S").to_string();
    let free = |n: &u32| {
        let suffix = match n {
            0 => format!("{ASIDE}{stamp}"),
            n => format!("{ASIDE}{stamp}-{n}"),
        };
        let aside = named(path, &suffix);
        // A name that is taken is left alone.
        std::fs::symlink_metadata(&aside).is_err().then_some(aside)
    };
    let aside = (0..).find_map(|n| free(&n)).unwrap_or_default();
    // The log first: beside a new file, the old log would be taken for its own.
    for part in ["-wal", "-shm", ""] {
        match std::fs::rename(named(path, part), named(&aside, part)) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => {
                return Err(StoreError::File {
                    act: "put the damaged history aside:",
                    path: path.to_owned(),
                    error,
                });
            }
        }
    }
    Ok(aside)
}

/// Damaged files that still lie in the folder, the oldest first.
pub(crate) fn asides(path: &Path) -> Vec<PathBuf> {
    let (Some(name), Some(folder)) = (
        path.file_name().and_then(|name| name.to_str()),
        path.parent(),
    ) else {
        return Vec::new();
    };
    let name = format!("{name}{ASIDE}");
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut found: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let file = path.file_name().and_then(|name| name.to_str());
            file.is_some_and(|file| {
                file.starts_with(&name) && !file.ends_with("-wal") && !file.ends_with("-shm")
            })
        })
        .collect();
    found.sort();
    found
}
