//! One process for a folder.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::StoreError;

/// Held as long as this process uses the folder; the system lets go of it however the process ends.
#[derive(Debug)]
pub(crate) struct FolderLock {
    _file: File,
}

/// How often a held lock is tried again.
const AGAIN: Duration = Duration::from_millis(50);

impl FolderLock {
    /// Takes the folder, waiting a while for a process that is about to end.
    pub(crate) fn take(folder: &Path, patience: Duration) -> Result<Self, StoreError> {
        let path = folder.join("lock");
        let failed = |act| {
            let path = path.clone();
            move |error| StoreError::File { act, path, error }
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(failed("open"))?;
        let end = Instant::now() + patience;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if Instant::now() < end => {
                    std::thread::sleep(AGAIN);
                }
                Err(TryLockError::WouldBlock) => {
                    let mut said = String::new();
                    // Who it is only helps people.
                    let _ = file.take(32).read_to_string(&mut said);
                    return Err(StoreError::InUse {
                        folder: folder.to_owned(),
                        pid: said.trim().parse().ok(),
                    });
                }
                Err(TryLockError::Error(error)) => return Err(failed("lock")(error)),
            }
        }
        // On a full disk the number is missing, and the lock holds all the same.
        let _ = file.set_len(0);
        let _ = file.rewind();
        let _ = writeln!(file, "{}", std::process::id());
        Ok(FolderLock { _file: file })
    }
}
