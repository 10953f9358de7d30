//! What handlers know of the running instance.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use alpacalert::instrument::{Inbox, Pass, Refused, Word};
use alpacalert::{Change, Handle, SourceStatus, Stats, Tasks};
use alpacalert_model::{Graph, Kind, NodeId, Timestamp};
use alpacalert_store::Store;
use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;

/// The configuration in force, and the last one that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigStatus {
    /// The name of the instance.
    pub instance: Arc<str>,
    /// Whose things are that name no owner: `ours`.
    pub owner: Option<Arc<str>>,
    /// Where it was read; `None` for what is monitored without a configuration.
    pub path: Option<PathBuf>,
    /// When the one in force came into force.
    pub loaded_at: Timestamp,
    /// How many times another one came into force since the start.
    pub reloads: u64,
    /// Present when what is in the file now is wrong, so that the former one is still in force.
    pub rejected: Option<Rejected>,
}

/// A configuration that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// When.
    pub at: Timestamp,
    /// Every problem with its place, for people.
    pub problem: String,
}

/// What a [`Live`] is made of.
#[derive(Clone)]
pub struct Parts {
    /// The engine.
    pub engine: Handle,
    /// The configuration in force; whoever reloads keeps it up to date.
    pub config: watch::Receiver<ConfigStatus>,
    /// What is remembered, if anything is.
    pub history: Option<Store>,
}

/// The running instance. Cheap to clone.
#[derive(Clone)]
pub struct Live(Arc<Inner>);

struct Inner {
    parts: Parts,
    started_at: Timestamp,
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Live").field(&self.instance()).finish()
    }
}

impl Live {
    /// An instance that has just started.
    pub fn new(parts: Parts) -> Self {
        Live(Arc::new(Inner {
            parts,
            started_at: Timestamp::now(),
        }))
    }

    /// Runs a closure on the graph, between two batches of changes. It holds up the engine while it runs, so it should copy
    /// what it needs and no more. `None` when the engine has ended.
    pub async fn query<R: Send + 'static>(
        &self,
        f: impl FnOnce(&Graph) -> R + Send + 'static,
    ) -> Option<R> {
        self.0.parts.engine.query(f).await
    }

    /// Changes of state as they happen, in batches. A reader that is too slow is told how many batches it missed.
    pub fn changes(&self) -> broadcast::Receiver<Arc<Vec<Change>>> {
        self.0.parts.engine.changes()
    }

    /// The nodes to show first: every service, then the systems that are members of nothing.
    pub fn roots(&self) -> Vec<NodeId> {
        self.0.parts.engine.roots()
    }

    /// Fires when the instance is about to end: what is never over by itself ends then.
    pub fn stopping(&self) -> &CancellationToken {
        self.0.parts.engine.stopping()
    }

    /// Where things report to that can only report.
    pub fn inbox(&self) -> &Inbox {
        self.0.parts.engine.inbox()
    }

    /// Takes what something says that can only report.
    ///
    /// # Errors
    ///
    /// When nobody expects anything of that kind under that name, or not from whoever that is.
    pub async fn post(
        &self,
        kind: &Kind,
        name: &str,
        pass: Pass<'_>,
        word: Word,
    ) -> Result<(), Refused> {
        self.0.parts.engine.post(kind, name, pass, word).await
    }

    /// The tasks that live as long as the program.
    pub fn tasks(&self) -> &Tasks {
        self.0.parts.engine.tasks()
    }

    /// The name of this instance.
    pub fn instance(&self) -> Arc<str> {
        self.0.parts.config.borrow().instance.clone()
    }

    /// The owner that counts as `ours`.
    pub fn owner(&self) -> Option<Arc<str>> {
        self.0.parts.config.borrow().owner.clone()
    }

    /// When it was started.
    pub fn started_at(&self) -> Timestamp {
        self.0.started_at
    }

    /// How the engine is doing.
    pub async fn stats(&self) -> Stats {
        self.0.parts.engine.stats().await
    }

    /// Every source, and whether it answers, in the order of the configuration.
    pub async fn sources(&self) -> Vec<SourceStatus> {
        self.0.parts.engine.sources().await
    }

    /// The identity of the node that says how this instance itself is doing.
    pub fn itself(&self) -> NodeId {
        alpacalert::itself(&self.instance())
    }

    /// The configuration in force, and the last one that was refused.
    pub fn config(&self) -> ConfigStatus {
        self.0.parts.config.borrow().clone()
    }

    /// Tells when the configuration, or what is known of it, changes.
    pub fn config_changes(&self) -> watch::Receiver<ConfigStatus> {
        self.0.parts.config.clone()
    }

    /// What is remembered, if anything is.
    pub fn history(&self) -> Option<&Store> {
        self.0.parts.history.as_ref()
    }
}
