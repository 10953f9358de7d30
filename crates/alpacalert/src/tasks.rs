//! Tasks that live as long as the program: each has a name, and somebody sees when it ends.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use alpacalert_model::Timestamp;
use futures_util::FutureExt as _;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// A task that died is started again after this long, then after twice as long, and so on.
const BACKOFF_FIRST: Duration = Duration::from_secs(1);
/// The longest wait before a task is started again.
const BACKOFF_MAX: Duration = Duration::from_secs(60);

/// What becomes of a task that ends although nobody asked it to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// It is started again, after a while.
    Restart,
    /// Nothing works without it: the program should end, so that whoever watches over it starts it again.
    Essential,
}

/// What a task does now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskState {
    /// It works.
    Running,
    /// It died, and is to be started again.
    Waiting,
    /// It died, and is not started again.
    Dead,
    /// It was asked to end, and did.
    Ended,
}

/// What is known of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskStatus {
    /// Its name.
    pub name: Arc<str>,
    /// What becomes of it when it dies.
    pub policy: Policy,
    /// What it does now.
    pub state: TaskState,
    /// How many times it died.
    pub deaths: u64,
    /// Since when it is in this state.
    pub since: Timestamp,
    /// Why it died last; empty when it never did.
    pub problem: String,
    /// When it died last.
    pub died_at: Option<Timestamp>,
}

/// The tasks of a program. Cheap to clone; all clones are the same.
#[derive(Clone)]
pub struct Tasks(Arc<Inner>);

struct Inner {
    known: Mutex<BTreeMap<Arc<str>, TaskStatus>>,
    /// Why the program cannot go on.
    fatal: watch::Sender<Option<String>>,
}

impl Default for Tasks {
    fn default() -> Self {
        Tasks(Arc::new(Inner {
            known: Mutex::default(),
            fatal: watch::Sender::new(None),
        }))
    }
}

impl fmt::Debug for Tasks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.statuses()).finish()
    }
}

impl Tasks {
    /// Starts a task that is started again whenever it ends before `stop` is cancelled. `make` makes it anew each time.
    ///
    /// What this gives ends when the task has ended for good. Must be called inside a runtime.
    pub fn restarted<F, T>(
        &self,
        name: &str,
        stop: CancellationToken,
        mut make: F,
    ) -> JoinHandle<()>
    where
        F: FnMut() -> T + Send + 'static,
        T: Future<Output = ()> + Send + 'static,
    {
        let task = self.begin(name, Policy::Restart);
        tokio::spawn(async move {
            let mut backoff = BACKOFF_FIRST;
            loop {
                task.set(TaskState::Running);
                let started = Instant::now();
                let ended = AssertUnwindSafe(async { make().await })
                    .catch_unwind()
                    .await;
                if stop.is_cancelled() {
                    return task.set(TaskState::Ended);
                }
                if started.elapsed() > BACKOFF_MAX {
                    backoff = BACKOFF_FIRST;
                }
                task.died(TaskState::Waiting, &why(ended));
                tokio::select! {
                    () = stop.cancelled() => return task.set(TaskState::Ended),
                    () = tokio::time::sleep(backoff) => {}
                }
                backoff = (backoff * 2).min(BACKOFF_MAX);
            }
        })
    }

    /// Starts a task without which nothing works. When it ends before `stop` is cancelled, [`Tasks::fatal`] says so.
    ///
    /// What this gives ends when the task has ended. Must be called inside a runtime.
    pub fn essential<T>(&self, name: &str, stop: CancellationToken, task: T) -> JoinHandle<()>
    where
        T: Future<Output = ()> + Send + 'static,
    {
        let this = self.begin(name, Policy::Essential);
        tokio::spawn(async move {
            let ended = AssertUnwindSafe(task).catch_unwind().await;
            if stop.is_cancelled() && ended.is_ok() {
                return this.set(TaskState::Ended);
            }
            let why = why(ended);
            this.died(TaskState::Dead, &why);
            let text = format!(
                "the task `{}` {why}, and nothing works without it",
                this.name
            );
            this.tasks.0.fatal.send_replace(Some(text));
        })
    }

    /// Waits until an essential task has died, and says why the program cannot go on.
    pub async fn fatal(&self) -> String {
        let mut fatal = self.0.fatal.subscribe();
        let told = fatal
            .wait_for(Option::is_some)
            .await
            .map(|text| text.clone());
        // The sender is in `self`, so that there is always an answer.
        told.ok().flatten().unwrap_or_default()
    }

    /// What is known of each task, by name.
    pub fn statuses(&self) -> Vec<TaskStatus> {
        self.lock().values().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, TaskStatus>> {
        self.0.known.lock().unwrap_or_else(|e| e.into_inner())
    }

    fn begin(&self, name: &str, policy: Policy) -> Task {
        let name: Arc<str> = name.into();
        let status = TaskStatus {
            name: name.clone(),
            policy,
            state: TaskState::Running,
            deaths: 0,
            since: Timestamp::now(),
            problem: String::new(),
            died_at: None,
        };
        self.lock().insert(name.clone(), status);
        Task {
            tasks: self.clone(),
            name,
        }
    }
}

/// One task, as those see it who watch over it.
struct Task {
    tasks: Tasks,
    name: Arc<str>,
}

impl Task {
    fn change(&self, change: impl FnOnce(&mut TaskStatus)) {
        if let Some(status) = self.tasks.lock().get_mut(&self.name) {
            change(status);
            status.since = Timestamp::now();
        }
    }

    fn set(&self, state: TaskState) {
        self.change(|status| status.state = state);
    }

    fn died(&self, state: TaskState, why: &str) {
        tracing::error!(task = %self.name, "the task `{}` {why}", self.name);
        self.change(|status| {
            status.state = state;
            status.deaths += 1;
            status.problem = why.to_owned();
            status.died_at = Some(Timestamp::now());
        });
    }
}

/// How a task ended that should have gone on.
fn why(ended: Result<(), Box<dyn Any + Send>>) -> String {
    let Err(panic) = ended else {
        return "ended by itself".to_owned();
    };
    let said = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned());
    format!("panicked: {}", said.as_deref().unwrap_or("no reason given"))
}

#[cfg(test)]
mod tests;
