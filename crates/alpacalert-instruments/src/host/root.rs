//! Where the machine's tables are: `/`, or the folder at which another machine's root is mounted.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use alpacalert_instrument::{Params, Reason, SensorError};

/// The root of the machine that is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Root {
    path: PathBuf,
}

impl Root {
    /// More than any table that is read here, so that a fixture or a broken driver cannot fill our memory.
    const MAX_BYTES: u64 = 16 * 1024 * 1024;

    /// What the key `root` says; `/` when it says nothing.
    pub(crate) fn of(params: &Params) -> Root {
        Root {
            path: PathBuf::from(params.text("root").unwrap_or("/")),
        }
    }

    /// A path of the machine, as it is reached from here.
    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.path.join(path.trim_start_matches('/'))
    }

    /// Whether this is the machine's own root.
    pub(crate) fn is_own(&self) -> bool {
        self.path == Path::new("/")
    }

    /// A table of a process: ours, or that of the first process where another machine's root is mounted, because `self`
    /// means the reader there.
    pub(crate) fn own_table(&self, table: &str) -> PathBuf {
        let process = if self.is_own() { "self" } else { "1" };
        self.at(&format!("proc/{process}/{table}"))
    }

    /// The text of a small table.
    pub(crate) fn read(&self, path: &str) -> Result<String, SensorError> {
        read(&self.at(path))
    }
}

/// The text of a small table. What is not UTF-8 in it is replaced.
pub(crate) fn read(path: &Path) -> Result<String, SensorError> {
    read_bounded(path).map_err(|error| {
        SensorError::new(
            Reason::fixed("unreadable"),
            format!("cannot read {}", path.display()),
        )
        .because(error)
    })
}

/// The same, with the plain error.
pub(crate) fn read_bounded(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(Root::MAX_BYTES)
        .read_to_end(&mut bytes)?;
    Ok(match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    })
}

/// The machine's table does not look as the kernel documents it.
pub(crate) fn malformed(table: &str) -> SensorError {
    SensorError::new(
        Reason::fixed("malformed"),
        format!("cannot make sense of {table}"),
    )
}
