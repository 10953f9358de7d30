//! Recent changes, numbered, so that a reader who was away can catch up.

use std::collections::VecDeque;
use std::sync::{Arc, RwLock};

use alpacalert::Change;
use alpacalert_api::ChangeEvent;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::sync::watch;

use super::convert::{clean, health};
use crate::{Live, Viewer};

/// The most changes that are kept. At some 300 bytes each they take a megabyte, and hold a storm of a thousand nodes four
/// times over.
const KEPT: usize = 4096;

/// Recent changes. Numbers begin at 1 with each start of the program, and the time of the start tells them apart.
pub(crate) struct EventLog {
    /// Tells this run of the program from others.
    pub(super) run: String,
    kept: RwLock<Kept>,
    newest: watch::Sender<u64>,
}

#[derive(Default)]
struct Kept {
    /// The number of the newest one.
    last: u64,
    changes: VecDeque<Arc<ChangeEvent>>,
}

/// What a reader has not seen yet.
pub(super) struct Unseen {
    /// How many there were that are not kept any more.
    pub(super) missed: u64,
    pub(super) changes: Vec<(u64, Arc<ChangeEvent>)>,
}

impl EventLog {
    /// Begins to keep what changes, until the engine ends.
    pub(crate) fn keep(live: &Live) -> Arc<EventLog> {
        Self::begin(live, false)
    }

    /// Begins to keep what changes of public services. Its numbers are its own, so that they do not tell how much changes
    /// that is not public.
    pub(crate) fn keep_public(live: &Live) -> Arc<EventLog> {
        Self::begin(live, true)
    }

    fn begin(live: &Live, public: bool) -> Arc<EventLog> {
        let started = live.started_at().as_millisecond();
        let log = Arc::new(EventLog {
            run: match public {
                true => format!("p{started:x}"),
                false => format!("{started:x}"),
            },
            kept: RwLock::default(),
            newest: watch::Sender::new(0),
        });
        let name = if public { "public events" } else { "events" };
        // From now on: what changes before the task runs is told too.
        let mut first = Some(live.changes());
        let (kept, live) = (log.clone(), live.clone());
        let (tasks, stopping) = (live.tasks().clone(), live.stopping().clone());
        tasks.restarted(name, stopping, move || {
            let changes = first.take().unwrap_or_else(|| {
                // Nobody knows what came while it lay dead.
                kept.skip(1);
                live.changes()
            });
            kept.clone().follow(live.clone(), changes, public)
        });
        log
    }

    /// Keeps what changes until the engine is about to end.
    async fn follow(
        self: Arc<Self>,
        live: Live,
        mut changes: broadcast::Receiver<Arc<Vec<Change>>>,
        public: bool,
    ) {
        let stopping = live.stopping();
        while let Some(received) = stopping.run_until_cancelled(changes.recv()).await {
            match received {
                Ok(batch) if public => self.add(public_of(&live, &batch).await),
                Ok(batch) => self.add(batch.iter().map(event).collect()),
                // Numbers that nobody will see tell readers that they missed something.
                Err(RecvError::Lagged(batches)) => self.skip(batches),
                Err(RecvError::Closed) => return,
            }
        }
    }

    fn add(&self, events: Vec<ChangeEvent>) {
        if events.is_empty() {
            return;
        }
        let mut kept = self.kept.write().unwrap_or_else(|e| e.into_inner());
        for event in events {
            if kept.changes.len() == KEPT {
                kept.changes.pop_front();
            }
            kept.last += 1;
            kept.changes.push_back(Arc::new(event));
        }
        let last = kept.last;
        drop(kept);
        self.newest.send_replace(last);
    }

    fn skip(&self, batches: u64) {
        let mut kept = self.kept.write().unwrap_or_else(|e| e.into_inner());
        kept.changes.clear();
        kept.last += batches;
        let last = kept.last;
        drop(kept);
        self.newest.send_replace(last);
    }

    /// What came after this number.
    pub(super) fn after(&self, number: u64, most: usize) -> Unseen {
        let kept = self.kept.read().unwrap_or_else(|e| e.into_inner());
        let first = kept.last + 1 - kept.changes.len() as u64;
        let from = (number + 1).max(first);
        let at = usize::try_from(from - first).unwrap_or(usize::MAX);
        let changes = kept.changes.iter().skip(at).take(most);
        Unseen {
            missed: from - (number + 1),
            changes: (from..).zip(changes.cloned()).collect(),
        }
    }

    /// Tells the number of the newest change as it grows.
    pub(super) fn newest(&self) -> watch::Receiver<u64> {
        self.newest.subscribe()
    }
}

/// What a batch tells of public services. Why they changed is not for everybody.
async fn public_of(live: &Live, batch: &Arc<Vec<Change>>) -> Vec<ChangeEvent> {
    if !batch.iter().any(|change| change.service) {
        return Vec::new();
    }
    let batch = batch.clone();
    let told = live.query(move |graph| {
        let services = batch.iter().filter(|change| change.service);
        let public = services.filter(|change| {
            let node = graph.key(&change.id).and_then(|key| graph.get(key));
            node.is_some_and(|node| Viewer::Public.lists(node))
        });
        public.map(event).map(without_reason).collect()
    });
    told.await.unwrap_or_default()
}

/// The same without what is for those who see inside.
pub(super) fn without_reason(event: ChangeEvent) -> ChangeEvent {
    ChangeEvent {
        reason: String::new(),
        ..event
    }
}

fn event(change: &Change) -> ChangeEvent {
    let (from, to) = change.transition.shown;
    ChangeEvent {
        node: clean(&change.id.to_string()),
        title: clean(&change.title),
        owner: change.owner.as_ref().map(|owner| clean(owner)),
        service: change.service,
        from: health(from),
        to: health(to),
        reason: clean(change.transition.reason.as_str()),
        at: change.transition.at,
    }
}
