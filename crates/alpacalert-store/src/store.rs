//! The handle: what happens goes in without waiting, what happened comes out.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use alpacalert_model::{Graph, NodeId, NodeKey, NodeRef, Reason, State, Timestamp, Transition};
use tokio::sync::watch;

use crate::entry::{self, Change, Description, Entry};
use crate::queue::Queue;
use crate::read::Readers;
use crate::repair;
use crate::status::Salvaged;
use crate::writer::Writer;
use crate::{
    Incident, Past, PastTransition, Retention, Series, StoreError, StoreSettings, StoreStatus,
    Uptime, Wanted,
};

/// The states of nodes before the program was started, and since when they had been so.
pub(crate) type Remembered = HashMap<NodeId, (State, Timestamp)>;

/// What an instance remembers. Cheap to clone; the file is closed when [`Store::close`] is called or the last clone is dropped.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    readers: Readers,
    remembered: Mutex<Remembered>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

/// What the handle and the writer share.
pub(crate) struct Shared {
    pub(crate) settings: StoreSettings,
    pub(crate) path: PathBuf,
    pub(crate) queue: Queue,
    pub(crate) started_at: Timestamp,
    /// Changes whenever the file is opened anew.
    pub(crate) generation: AtomicU64,
    /// Whether somebody found something strange in the file.
    suspicious: AtomicBool,
    /// Whether it should be looked at once what there is to pack and to let go.
    pub(crate) untended: AtomicBool,
    retention: Mutex<Retention>,
    written: watch::Sender<u64>,
    health: Mutex<Health>,
}

struct Health {
    /// Why nothing can be written now.
    trouble: Option<String>,
    /// A damaged file that nobody has taken away yet, the newest.
    aside: Option<PathBuf>,
    /// How much of the files that were put aside was read.
    salvaged: HashMap<PathBuf, Salvaged>,
    /// When it became as it is.
    since: Timestamp,
    committed_at: Option<Timestamp>,
    commits: u64,
    rows: u64,
}

/// The name of the file in its folder.
const FILE: &str = "history.db";

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Store").field(&self.0.shared.path).finish()
    }
}

impl Store {
    /// Begins to remember in a folder.
    ///
    /// # Errors
    ///
    /// When another process uses the folder, or a newer version wrote it. Whatever else is in the way is told by
    /// [`Store::status`], and tried again until it passes.
    pub fn open(settings: StoreSettings) -> Result<Store, StoreError> {
        let now = settings.clock.now();
        let shared = Arc::new(Shared {
            path: settings.folder.join(FILE),
            queue: Queue::new(settings.queue_bytes),
            retention: Mutex::new(settings.retention.clone()),
            settings,
            started_at: now,
            generation: AtomicU64::new(0),
            suspicious: AtomicBool::new(false),
            untended: AtomicBool::new(false),
            written: watch::Sender::new(0),
            health: Mutex::new(Health {
                trouble: None,
                aside: None,
                salvaged: HashMap::new(),
                since: now,
                committed_at: None,
                commits: 0,
                rows: 0,
            }),
        });
        let mut writer = Writer::new(shared.clone());
        match writer.open() {
            Ok(()) => {}
            Err(error @ (StoreError::InUse { .. } | StoreError::Newer { .. })) => {
                return Err(error);
            }
            Err(error) => shared.fail(&error),
        }
        shared.look_aside();
        let remembered = writer.remembered();
        let thread = std::thread::Builder::new()
            .name("history".to_owned())
            .spawn(move || writer.run());
        let thread = thread.map_err(|error| StoreError::File {
            act: "start the thread that writes",
            path: shared.path.clone(),
            error,
        })?;
        Ok(Store(Arc::new(Inner {
            readers: Readers::new(shared.clone()),
            shared,
            remembered: Mutex::new(remembered),
            writer: Mutex::new(Some(thread)),
        })))
    }

    /// Takes changes of state, and nodes whose place in the graph changed. Never waits; what there is no room for is counted.
    ///
    /// The graph is as it is after all of that.
    pub fn record(
        &self,
        graph: &Graph,
        transitions: &[Transition],
        touched: &[NodeId],
        now: Timestamp,
    ) {
        self.record_saying(graph, transitions, touched, now, |_| None);
    }

    /// The same, with what is to be said of a service that stopped being Passing, in place of what its node says. Whoever is
    /// asked may answer `None`, and should once answering has taken long.
    pub fn record_saying(
        &self,
        graph: &Graph,
        transitions: &[Transition],
        touched: &[NodeId],
        now: Timestamp,
        mut say: impl FnMut(NodeRef<'_>) -> Option<String>,
    ) {
        let mut entries = Vec::with_capacity(transitions.len() + touched.len());
        for id in touched {
            let node = graph.key(id).and_then(|key| graph.get(key));
            entries.push(match node.and_then(|node| Description::of(node, now)) {
                Some(description) => Entry::Described(Box::new(description)),
                None => Entry::Gone(id.clone(), now),
            });
        }
        for transition in transitions {
            // A node may have gone since.
            let Some(node) = graph.get(transition.node) else {
                continue;
            };
            let mut change = Change::of(node, transition);
            if node.service().is_some()
                && transition.shown.1 != State::Passing
                && let Some(said) = say(node)
            {
                change.message = said.into();
            }
            entries.push(Entry::Change(Box::new(change)));
        }
        if !entries.is_empty() {
            self.0.shared.queue.push(entries, now);
        }
        if self.0.shared.queue.wants_everything() {
            self.record_everything(graph, now);
        }
    }

    /// Takes whether work on nodes is planned for now, which is no change of state: time in which they are not well counts as
    /// maintenance from then on, or does not any more. `say` is as for [`Store::record_saying`].
    pub fn record_maintained(
        &self,
        graph: &Graph,
        nodes: &[NodeKey],
        now: Timestamp,
        mut say: impl FnMut(NodeRef<'_>) -> Option<String>,
    ) {
        let nodes = nodes.iter().filter_map(|key| graph.get(*key));
        // Of what nobody has seen yet nothing is remembered; how it is seen first tells of the work, too.
        let entries: Vec<Entry> = nodes
            .filter(|node| node.since().is_some())
            .map(|node| {
                let mut change = Change {
                    same: true,
                    ..Change::now(node, now)
                };
                if node.service().is_some()
                    && node.state() != State::Passing
                    && let Some(said) = say(node)
                {
                    change.message = said.into();
                }
                Entry::Change(Box::new(change))
            })
            .collect();
        if !entries.is_empty() {
            self.0.shared.queue.push(entries, now);
        }
    }

    /// Tells how everything is, so that what was missed is made up for: once after the start, when every source has been asked.
    /// What was remembered and is not in the graph any more is gone from then on.
    pub fn record_everything(&self, graph: &Graph, now: Timestamp) {
        let everything = entry::everything(graph, now);
        self.0.shared.queue.push_everything(everything, now);
    }

    /// Takes the measurements of `take` nodes of the graph, beginning with the one in place `skip`; false when there are none
    /// left. Large graphs are gone through in parts, so that nobody waits.
    pub fn sample(&self, graph: &Graph, skip: usize, take: usize, now: Timestamp) -> bool {
        if skip == 0 && self.0.shared.queue.wants_everything() {
            self.record_everything(graph, now);
        }
        match entry::samples(graph, skip, take, now) {
            Some(samples) => {
                self.0.shared.queue.push(vec![samples], now);
                true
            }
            None => false,
        }
    }

    /// The states in which nodes were when the program last looked before it was started, and since when. Given once.
    pub fn take_remembered(&self) -> HashMap<NodeId, (State, Timestamp)> {
        let mut remembered = self.0.remembered.lock().unwrap_or_else(|e| e.into_inner());
        std::mem::take(&mut remembered)
    }

    /// Keeps the past for another time from now on.
    pub fn keep(&self, retention: Retention) {
        let kept = self.0.shared.retention.lock();
        *kept.unwrap_or_else(|e| e.into_inner()) = retention;
        self.0.shared.untended.store(true, Ordering::Relaxed);
        self.0.shared.queue.nudge();
    }

    /// Waits until everything that was recorded before is on the disk. For as long as the disk is broken, this waits.
    pub async fn flush(&self) -> Result<(), StoreError> {
        let wanted = self.0.shared.queue.newest();
        let mut written = self.0.shared.written.subscribe();
        let reached = written.wait_for(|written| *written >= wanted).await;
        reached
            .map(drop)
            .map_err(|_| StoreError::Closed("it was closed".to_owned()))
    }

    /// Writes what waits and closes the file; takes a few seconds at most.
    pub fn close(&self) {
        self.0.close();
    }

    /// Changes of state, the newest first.
    pub async fn transitions(&self, wanted: Wanted) -> Result<Vec<PastTransition>, StoreError> {
        let read = move |connection: &_| crate::read::transitions(connection, &wanted);
        self.0.readers.read("read transitions", read).await
    }

    /// How a node was in each of `parts` equal parts of a time, the oldest part first. Time to come counts as absent.
    pub async fn uptime(
        &self,
        node: NodeId,
        from: Timestamp,
        to: Timestamp,
        parts: usize,
    ) -> Result<Vec<Uptime>, StoreError> {
        check_parts(from, to, parts)?;
        let alive = self.0.shared.alive();
        let read =
            move |connection: &_| crate::read::uptime(connection, &node, (from, to, parts), alive);
        self.0.readers.read("read uptime", read).await
    }

    /// What was measured of a node over a time, in at most about `points` points for each quantity.
    pub async fn measurements(
        &self,
        node: NodeId,
        from: Timestamp,
        to: Timestamp,
        points: usize,
    ) -> Result<Vec<Series>, StoreError> {
        check_parts(from, to, points)?;
        let read =
            move |connection: &_| crate::read::measurements(connection, &node, (from, to, points));
        self.0.readers.read("read measurements", read).await
    }

    /// Everything as it was at a moment; `None` for a moment before all that is remembered.
    pub async fn graph_at(&self, at: Timestamp) -> Result<Option<Past>, StoreError> {
        let alive = self.0.shared.alive();
        let read = move |connection: &_| crate::read::graph_at(connection, at, alive);
        self.0.readers.read("read the graph", read).await
    }

    /// The times in which services were not Passing, the newest first; those that overlap the given time, at most `limit`.
    pub async fn incidents(
        &self,
        from: Timestamp,
        to: Timestamp,
        node: Option<NodeId>,
        limit: usize,
    ) -> Result<Vec<Incident>, StoreError> {
        let alive = self.0.shared.alive();
        let read = move |connection: &_| {
            crate::read::incidents(connection, (from, to), node.as_ref(), limit, alive)
        };
        self.0.readers.read("read incidents", read).await
    }

    /// How the remembering goes.
    pub fn status(&self) -> StoreStatus {
        self.0.shared.status()
    }
}

/// The most parts that one question may ask for.
const PARTS_MAX: usize = 10_000;

fn check_parts(from: Timestamp, to: Timestamp, parts: usize) -> Result<(), StoreError> {
    if from >= to {
        return Err(StoreError::Question(
            "the end must be later than the beginning",
        ));
    }
    match parts {
        1..=PARTS_MAX => Ok(()),
        _ => Err(StoreError::Question("ask for 1 to 10000 parts")),
    }
}

impl Inner {
    fn close(&self) {
        // The last to close the file puts its log into it.
        self.readers.close();
        self.shared.queue.close();
        let writer = self.writer.lock().unwrap_or_else(|e| e.into_inner()).take();
        if writer.is_some_and(|writer| writer.join().is_err()) {
            tracing::error!("the thread that writes the history panicked");
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    pub(crate) fn now(&self) -> Timestamp {
        self.settings.clock.now()
    }

    /// Until when this run is known to have looked: now, unless nothing can be written.
    fn alive(&self) -> Timestamp {
        let health = self.health.lock().unwrap_or_else(|e| e.into_inner());
        match health.trouble {
            None => self.now(),
            Some(_) => health.committed_at.unwrap_or(self.started_at),
        }
    }

    /// What was taken from the queue is on the disk.
    pub(crate) fn succeed(&self, rows: u64, now: Timestamp) {
        let mut health = self.health.lock().unwrap_or_else(|e| e.into_inner());
        if health.trouble.take().is_some() {
            tracing::info!("the history is written again");
            health.since = now;
        }
        health.committed_at = Some(now);
        health.commits += 1;
        health.rows += rows;
        drop(health);
        self.written.send_replace(self.queue.written());
    }

    /// Something is in the way.
    pub(crate) fn fail(&self, error: &StoreError) {
        let message = error.chain();
        let mut health = self.health.lock().unwrap_or_else(|e| e.into_inner());
        if health.trouble.is_none() {
            health.since = self.now();
        }
        if health.trouble.as_ref() != Some(&message) {
            tracing::warn!("the history cannot be written now: {message}");
        }
        health.trouble = Some(message);
    }

    pub(crate) fn retention(&self) -> Retention {
        let kept = self.retention.lock();
        kept.unwrap_or_else(|e| e.into_inner()).clone()
    }

    /// Has the file looked through soon.
    pub(crate) fn suspect(&self) {
        self.suspicious.store(true, Ordering::Relaxed);
    }

    pub(crate) fn take_suspicion(&self) -> bool {
        self.suspicious.swap(false, Ordering::Relaxed)
    }

    /// Notes whether a damaged file lies in the folder.
    pub(crate) fn look_aside(&self) {
        let aside = repair::asides(&self.path).pop();
        let mut health = self.health.lock().unwrap_or_else(|e| e.into_inner());
        if health.aside != aside {
            health.since = self.now();
            health.aside = aside;
        }
    }

    /// Notes how much of a damaged file was read, and whether that is all.
    pub(crate) fn salvaged(&self, file: &Path, changes: u64, unread: u64, done: bool) {
        let mut health = self.health.lock().unwrap_or_else(|e| e.into_inner());
        let salvaged = Salvaged {
            changes,
            unread,
            done,
        };
        health.salvaged.insert(file.to_owned(), salvaged);
    }

    pub(crate) fn reopened(&self) {
        self.generation.fetch_add(1, Ordering::Relaxed);
    }

    fn status(&self) -> StoreStatus {
        let load = self.queue.load();
        let wal = self.path.with_extension("db-wal");
        let size = |path| std::fs::metadata(path).map_or(0, |metadata| metadata.len());
        let health = self.health.lock().unwrap_or_else(|e| e.into_inner());
        let (state, reason, message) = match (&health.trouble, &health.aside) {
            (Some(trouble), _) => {
                let reason = Reason::fixed("history-not-written");
                let text = format!("what happens is kept in memory and not written: {trouble}");
                (State::Degraded, reason, text)
            }
            (None, Some(aside)) => {
                let reason = Reason::fixed("history-damaged");
                let salvaged = match health.salvaged.get(aside) {
                    None => "nothing of it is salvaged yet".to_owned(),
                    Some(salvaged) => salvaged.to_string(),
                };
                let text = format!(
                    "a history was damaged, and a new one was begun; {salvaged}; take what you need of {} and move it away",
                    aside.display()
                );
                (State::Degraded, reason, text)
            }
            (None, None) => (State::Passing, Reason::OK, String::new()),
        };
        StoreStatus {
            state,
            reason,
            message,
            since: health.since,
            path: self.path.clone(),
            queued: load.entries,
            queued_bytes: load.bytes,
            committed_at: health.committed_at,
            commits: health.commits,
            rows: health.rows,
            lost: load.lost,
            file_bytes: size(&self.path) + size(&wal),
        }
    }
}
