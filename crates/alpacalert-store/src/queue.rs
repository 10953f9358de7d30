//! What waits to be written: bounded by its size, so that a disk that stands still costs a known amount of memory.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::Duration;

use alpacalert_model::Timestamp;

use crate::entry::Entry;

/// The most entries that are written in one group, so that none takes much longer than a moment.
const GROUP: usize = 16 * 1024;

pub(crate) struct Queue {
    inner: Mutex<Inner>,
    news: Condvar,
    limit: usize,
}

#[derive(Default)]
struct Inner {
    waiting: VecDeque<(usize, Entry)>,
    /// Taken to be written, and not written yet.
    taken: (usize, usize),
    bytes: usize,
    /// How many entries came in all.
    tickets: u64,
    lost: u64,
    /// What was lost and is not told yet, and since when.
    untold: Option<(u64, Timestamp)>,
    wants_everything: bool,
    /// Has the writer look around although nothing came.
    nudged: bool,
    closed: bool,
}

/// How much waits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) entries: usize,
    pub(crate) bytes: usize,
    pub(crate) lost: u64,
}

impl Queue {
    pub(crate) fn new(limit: usize) -> Self {
        Queue {
            inner: Mutex::default(),
            news: Condvar::new(),
            limit,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// Adds entries, or counts them as lost when there is no room. Once something was lost, what comes is lost too until
    /// [`Queue::push_everything`] has told how everything is.
    pub(crate) fn push(&self, entries: Vec<Entry>, now: Timestamp) {
        let weighed: Vec<(usize, Entry)> = entries
            .into_iter()
            .map(|entry| (entry.weight(), entry))
            .collect();
        let weight: usize = weighed.iter().map(|(weight, _)| weight).sum();
        let mut inner = self.lock();
        if inner.closed {
            return;
        }
        if inner.untold.is_some() || inner.bytes + weight > self.limit {
            let changes: u64 = weighed.iter().map(|(_, entry)| entry.changes()).sum();
            let (lost, since) = inner.untold.unwrap_or((0, now));
            inner.untold = Some((lost + changes, since));
            inner.lost += changes;
            inner.wants_everything = true;
            return;
        }
        inner.bytes += weight;
        inner.tickets += weighed.len() as u64;
        inner.waiting.extend(weighed);
        drop(inner);
        self.news.notify_one();
    }

    /// Whether the writer lost sight, and there is room to tell it how everything is.
    pub(crate) fn wants_everything(&self) -> bool {
        let inner = self.lock();
        inner.wants_everything && inner.bytes <= self.limit / 2
    }

    /// Has the writer told how everything is, at the next opportunity.
    pub(crate) fn ask_for_everything(&self) {
        self.lock().wants_everything = true;
    }

    /// Tells how everything is. Takes whatever room it needs: there is at most one.
    pub(crate) fn push_everything(&self, everything: Entry, now: Timestamp) {
        let mut inner = self.lock();
        inner.wants_everything = false;
        let lost = inner.untold.take();
        let lost = lost.map(|(count, since)| Entry::Lost(count, since, now));
        for entry in lost.into_iter().chain([everything]) {
            let weight = entry.weight();
            inner.bytes += weight;
            inner.tickets += 1;
            inner.waiting.push_back((weight, entry));
        }
        drop(inner);
        self.news.notify_one();
    }

    /// Waits for something to write, at most so long. `None` when there is nothing and never will be.
    pub(crate) fn take(&self, patience: Duration) -> Option<Vec<Entry>> {
        let idle = |inner: &mut Inner| inner.waiting.is_empty() && !inner.closed && !inner.nudged;
        let waited = self.news.wait_timeout_while(self.lock(), patience, idle);
        let (mut inner, _) = waited.unwrap_or_else(|e| e.into_inner());
        if inner.closed && inner.waiting.is_empty() {
            return None;
        }
        inner.nudged = false;
        let count = inner.waiting.len().min(GROUP);
        let taken: Vec<(usize, Entry)> = inner.waiting.drain(..count).collect();
        inner.taken.0 += count;
        inner.taken.1 += taken.iter().map(|(weight, _)| weight).sum::<usize>();
        Some(taken.into_iter().map(|(_, entry)| entry).collect())
    }

    /// Has the writer look around although nothing came.
    pub(crate) fn nudge(&self) {
        self.lock().nudged = true;
        self.news.notify_one();
    }

    /// What was taken is written; returns the number of the last entry that is.
    pub(crate) fn written(&self) -> u64 {
        let mut inner = self.lock();
        let (_, bytes) = std::mem::take(&mut inner.taken);
        inner.bytes -= bytes;
        inner.tickets - inner.waiting.len() as u64
    }

    /// The number of the newest entry.
    pub(crate) fn newest(&self) -> u64 {
        self.lock().tickets
    }

    pub(crate) fn load(&self) -> Load {
        let inner = self.lock();
        Load {
            entries: inner.waiting.len() + inner.taken.0,
            bytes: inner.bytes,
            lost: inner.lost,
        }
    }

    /// Takes nothing more; what is there is still written.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.news.notify_all();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.lock().closed
    }
}
