//! What was reported outlives a restart: it is kept in a small file beside the history.

mod form;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use alpacalert_instrument::{Inbox, Timestamp};
use tokio_util::sync::CancellationToken;

/// The name of the file in the folder.
const FILE: &str = "reports.json";

/// How much of what was reported a sudden end may cost.
const EVERY: Duration = Duration::from_millis(500);

/// The most bytes of a file that is read: ten thousand reports of 64 KiB would be larger, and nobody has them.
const FILE_MAX: u64 = 256 * 1024 * 1024;

/// What was reported, and the file that keeps it. Cheap to clone.
#[derive(Clone)]
pub(super) struct Heard(Arc<Inner>);

struct Inner {
    inbox: Inbox,
    path: PathBuf,
    written: Mutex<Written>,
}

/// What the file holds.
#[derive(Default)]
struct Written {
    /// What had been posted then.
    posted: u64,
    /// Whether it was said that it cannot be written.
    is_told: bool,
}

impl Heard {
    /// What an earlier run kept. A file that cannot be read is put aside, and what it said must be reported again.
    pub(super) fn restore(folder: &Path) -> Heard {
        let (inbox, path) = (Inbox::default(), folder.join(FILE));
        match read(&path) {
            Ok(Some(kept)) => inbox.restore(kept, Timestamp::now()),
            Ok(None) => {}
            Err(error) => {
                let aside = path.with_extension("unreadable");
                let moved = fs::rename(&path, &aside);
                let aside = moved.map_or_else(|_| path.clone(), |()| aside);
                tracing::warn!(
                    file = %aside.display(),
                    %error,
                    "cannot read what was reported before; heartbeats and pushes are unknown until they come again",
                );
            }
        }
        Heard(Arc::new(Inner {
            inbox,
            path,
            written: Mutex::default(),
        }))
    }

    /// Where reports go.
    pub(super) fn inbox(&self) -> Inbox {
        self.0.inbox.clone()
    }

    /// Keeps what comes, until told to stop.
    pub(super) async fn run(self, stop: CancellationToken) {
        while stop
            .run_until_cancelled(tokio::time::sleep(EVERY))
            .await
            .is_some()
        {
            let heard = self.clone();
            // A disk that hangs holds up nothing but this.
            let _ = tokio::task::spawn_blocking(move || heard.keep()).await;
        }
    }

    /// Writes the file, if something has come since.
    pub(super) fn keep(&self) {
        let mut written = self.0.written.lock().unwrap_or_else(|e| e.into_inner());
        // Before what is kept: what comes in between is written once more.
        let posted = self.0.inbox.posted();
        if posted == written.posted {
            return;
        }
        let path = &self.0.path;
        match write(path, &form::write(self.0.inbox.kept())) {
            Ok(()) => {
                *written = Written {
                    posted,
                    is_told: false,
                }
            }
            // It is tried again, and said once.
            Err(_) if written.is_told => {}
            Err(error) => {
                written.is_told = true;
                tracing::warn!(
                    file = %path.display(),
                    %error,
                    "cannot keep what is reported: a restart would forget it; trying on",
                );
            }
        }
    }
}

fn read(path: &Path) -> io::Result<Option<Vec<alpacalert_instrument::Kept>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut text = String::new();
    file.take(FILE_MAX).read_to_string(&mut text)?;
    form::read(&text).map(Some).map_err(io::Error::other)
}

/// Writes a file so that it is the old one or the new one, whatever happens.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        // What is reported may be for few.
        .mode(0o600)
        .open(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}
