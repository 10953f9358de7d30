//! A configuration that changes while it is in force.

use std::fs::Metadata;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use alpacalert::model::Timestamp;
use alpacalert::{Handle, Settings, Tasks};
use alpacalert_store::Store;
use alpacalert_web::{Access, ConfigStatus, Itself, Rejected, Serving};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Mutex, watch};
use tokio_util::sync::CancellationToken;

use super::monitor;
use super::plan::Planned;
use super::supervisor;
use crate::builtin;

/// How often files are looked at. Asking costs microseconds; notifications of file systems do not come from all of them.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Files below a folder that are looked at; more than anybody writes by hand.
const FILES_MAX: usize = 10_000;

/// Takes over what changes.
pub(super) struct Reloading {
    pub(super) planned: Planned,
    pub(super) itself: Itself,
    pub(super) engine: Handle,
    pub(super) config: watch::Sender<ConfigStatus>,
    pub(super) access: Access,
    pub(super) store: Store,
    pub(super) serving: Serving,
    /// Where it listens, which a reload does not change.
    pub(super) listen: SocketAddr,
}

/// What files looked like, without reading them.
type Look = Vec<(PathBuf, Option<SystemTime>, u64)>;

impl Reloading {
    /// Reloads when a file changes and at SIGHUP, until told to stop.
    pub(super) fn begin(self, tasks: &Tasks, stop: &CancellationToken) {
        // Only one run at a time holds it.
        let this = Arc::new(Mutex::new(self));
        let stop = stop.clone();
        tasks.restarted("reload", stop.clone(), move || {
            let (this, stop) = (this.clone(), stop.clone());
            async move { this.lock().await.run(stop).await }
        });
    }

    async fn run(&mut self, stop: CancellationToken) {
        let mut hangup = match signal(SignalKind::hangup()) {
            Ok(stream) => stream,
            Err(error) => return tracing::error!("cannot wait for SIGHUP: {error}"),
        };
        let Some(path) = self.planned.path.clone() else {
            // SIGHUP must not end a program that has nothing to read again.
            loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    _ = hangup.recv() => tracing::info!("there is no configuration to read again"),
                }
            }
        };
        let mut before = look(&path);
        // A file that is being written is left until it stays the same for one look.
        let mut seen = before.clone();
        loop {
            let asked = tokio::select! {
                () = stop.cancelled() => return,
                _ = hangup.recv() => true,
                () = tokio::time::sleep(LOOK_EVERY) => false,
            };
            let now = look(&path);
            if asked || now != before && now == seen {
                before.clone_from(&now);
                self.reload(&path).await;
            }
            seen = now;
        }
    }

    async fn reload(&mut self, path: &Path) {
        supervisor::reloading();
        self.take_over(path).await;
        supervisor::ready(match &self.config.borrow().rejected {
            None => "serving",
            Some(_) => "serving the former configuration: the newest one is wrong",
        });
    }

    /// Proves the new configuration whole, and then puts it in force.
    async fn take_over(&mut self, path: &Path) {
        let read = {
            let path = path.to_owned();
            tokio::task::spawn_blocking(move || Planned::read(&path, &builtin::registry())).await
        };
        let proven = match read {
            Ok(Ok(planned)) => self.prove(planned),
            Ok(Err(problem)) => Err(problem),
            Err(error) => Err(format!("reading it broke: {error}")),
        };
        let (planned, monitor) = match proven {
            Ok(proven) => proven,
            Err(problem) => return self.reject(problem),
        };
        if !self.engine.reload(monitor).await {
            return;
        }
        self.store
            .keep(super::state::retention(&planned.plan.history));
        let serve = planned.serve();
        self.access.replace(planned.access().as_ref(), &serve);
        // It was proven a moment ago; files may have changed since.
        if let Err(problem) = self.serving.replace(&serve) {
            tracing::error!("{problem}; what was in use before stays in use");
        }
        self.config.send_modify(|config| {
            config.instance = planned.plan.instance.clone();
            config.owner = planned.plan.owner.clone();
            config.loaded_at = Timestamp::now();
            config.reloads += 1;
            config.rejected = None;
        });
        self.planned = planned;
        tracing::info!(path = %path.display(), "the configuration was read again and is in force");
    }

    fn prove(&self, planned: Planned) -> Result<(Planned, alpacalert::Monitor), String> {
        planned.may_listen_on(self.listen)?;
        planned.may_be_served()?;
        let monitor = monitor(&planned, &self.itself, Settings::default());
        let monitor = monitor.map_err(|failure| failure.to_string())?;
        Ok((planned, monitor))
    }

    fn reject(&self, problem: String) {
        tracing::error!(
            "the configuration is wrong, and the former one stays in force:\n{problem}"
        );
        let problem = self.planned.redactor.scrub(&problem).into_owned();
        self.config.send_modify(|config| {
            config.rejected = Some(Rejected {
                at: Timestamp::now(),
                problem,
            });
        });
    }
}

/// What a file, or every file of a folder, looks like now.
fn look(path: &Path) -> Look {
    let mut found = Vec::new();
    let mut folders = vec![path.to_owned()];
    while let Some(path) = folders.pop() {
        // What is gone or cannot be read looks different from what was there.
        let metadata = std::fs::metadata(&path);
        let modified = |metadata: &Metadata| metadata.modified().ok();
        let seen = metadata.as_ref().ok();
        found.push((
            path.clone(),
            seen.and_then(modified),
            seen.map_or(0, Metadata::len),
        ));
        if seen.is_some_and(Metadata::is_dir) && found.len() < FILES_MAX {
            let entries = std::fs::read_dir(&path).into_iter().flatten().flatten();
            folders.extend(entries.map(|entry| entry.path()));
        }
    }
    found.sort();
    found
}
