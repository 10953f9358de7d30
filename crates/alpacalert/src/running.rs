//! The handle to an engine that measures continuously.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use alpacalert_instrument::{Inbox, Pass, Refused, Word};
use alpacalert_model::{Graph, Kind, NodeId, State, Timestamp, Transition};
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::owner::{Command, Owner};
use crate::{Monitor, Stats, Tasks};

/// Readers of changes that fall further behind than this many batches are told how many they missed. A batch may hold
/// thousands of changes, so more would cost memory in a storm; a reader that is a few seconds late stays within it.
const CHANGES_MAX: usize = 1024;

/// Questions that wait for the graph's owner. Who asks more waits for a place.
const COMMANDS_MAX: usize = 64;

/// A change of a node's state, with what a reader needs who does not look into the graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Which node.
    pub id: NodeId,
    /// What people call it.
    pub title: Arc<str>,
    /// Whose it is.
    pub owner: Option<Arc<str>>,
    /// Whether it is a Service.
    pub service: bool,
    /// What changed, why, and when.
    pub transition: Transition,
}

/// What to ask a running engine with. Cheap to clone; does not keep the engine running.
#[derive(Clone)]
pub struct Handle {
    commands: mpsc::Sender<Command>,
    changes: broadcast::Sender<Arc<Vec<Change>>>,
    roots: watch::Receiver<Vec<NodeId>>,
    inbox: Inbox,
    tasks: Tasks,
    stopping: CancellationToken,
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle")
            .field("roots", &*self.roots.borrow())
            .finish_non_exhaustive()
    }
}

/// Whether a source answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceStatus {
    /// Its name.
    pub name: Arc<str>,
    /// Passing when the newest fetch worked; Unknown when it did not, and before the first.
    pub state: State,
    /// Why it is Unknown, for people; empty when it is not.
    pub message: String,
    /// When the newest fetch worked; `None` before the first that did.
    pub fetched_at: Option<Timestamp>,
    /// Whether it has answered once, or has been found not to.
    pub asked: bool,
}

/// An engine that measures continuously. Ends when it is shut down, when the token of its settings is cancelled, and when
/// this is dropped.
pub struct Running {
    handle: Handle,
    cancel: CancellationToken,
    owner: JoinHandle<()>,
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.handle.fmt(f)
    }
}

impl Deref for Running {
    type Target = Handle;

    fn deref(&self) -> &Handle {
        &self.handle
    }
}

pub(crate) fn start(monitor: Monitor) -> Running {
    let cancel = monitor.settings.cancel.child_token();
    let (commands, receiver) = mpsc::channel(COMMANDS_MAX);
    let (changes, _) = broadcast::channel(CHANGES_MAX);
    let (roots, watched) = watch::channel(Vec::new());
    let (inbox, tasks) = (
        monitor.settings.inbox.clone(),
        monitor.settings.tasks.clone(),
    );
    let owner = Owner::new(monitor, cancel.clone(), changes.clone(), roots);
    Running {
        owner: tasks.essential("engine", cancel.clone(), owner.run(receiver)),
        handle: Handle {
            commands,
            changes,
            roots: watched,
            inbox,
            tasks,
            stopping: cancel.clone(),
        },
        cancel,
    }
}

impl Handle {
    /// Runs a closure on the graph, by its one owner, between two batches. It holds up everything while it runs. `None` when
    /// the engine has ended.
    pub async fn query<R: Send + 'static>(
        &self,
        f: impl FnOnce(&Graph) -> R + Send + 'static,
    ) -> Option<R> {
        let (sender, receiver) = oneshot::channel();
        let ask = move |graph: &Graph| {
            // Who asked may have gone meanwhile.
            let _ = sender.send(f(graph));
        };
        self.commands
            .send(Command::Query(Box::new(ask)))
            .await
            .ok()?;
        receiver.await.ok()
    }

    /// Changes as they happen, in batches; an empty one when something else about nodes changed that is shown, such as that work on
    /// them is planned for now. A reader that is too slow is told how many batches it missed.
    pub fn changes(&self) -> broadcast::Receiver<Arc<Vec<Change>>> {
        self.changes.subscribe()
    }

    /// The nodes to show first: every service, then the systems that are members of nothing, in the order of the plan; without
    /// either, the nodes without parents.
    pub fn roots(&self) -> Vec<NodeId> {
        self.roots.borrow().clone()
    }

    /// How the engine is doing. All zero when it has ended.
    pub async fn stats(&self) -> Stats {
        let (sender, receiver) = oneshot::channel();
        if self.commands.send(Command::Stats(sender)).await.is_err() {
            return Stats::default();
        }
        Stats {
            questions: self.commands.max_capacity() - self.commands.capacity(),
            ..receiver.await.unwrap_or_default()
        }
    }

    /// Takes what something says that can only report, and has everybody measured who waits for it.
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
        let heard = self.inbox.post(kind, name, pass, word)?;
        self.measure_now(heard).await;
        Ok(())
    }

    /// Has sensors measured as soon as there is a slot, beside their usual times. Nodes that are not measured are left alone.
    pub async fn measure_now(&self, nodes: Vec<NodeId>) {
        // When the engine has ended nothing is measured any more.
        let _ = self.commands.send(Command::Measure(nodes)).await;
    }

    /// Fires when the engine is about to end.
    pub fn stopping(&self) -> &CancellationToken {
        &self.stopping
    }

    /// Where things report to that can only report.
    pub fn inbox(&self) -> &Inbox {
        &self.inbox
    }

    /// The tasks that live as long as the program.
    pub fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    /// Every source, and whether it answers, in the order of the plan. None when the engine has ended.
    pub async fn sources(&self) -> Vec<SourceStatus> {
        let (sender, receiver) = oneshot::channel();
        if self.commands.send(Command::Sources(sender)).await.is_err() {
            return Vec::new();
        }
        receiver.await.unwrap_or_default()
    }
}

impl Handle {
    /// Puts another plan in force: the monitor that was built of it. What it leaves alone keeps its state and its place in
    /// time: sources of the same sort and keys, and what is measured for an identity that stays. Tells whether the engine
    /// still ran.
    pub async fn reload(&self, monitor: Monitor) -> bool {
        let (sender, receiver) = oneshot::channel();
        let command = Command::Reload(Box::new(monitor), sender);
        self.commands.send(command).await.is_ok() && receiver.await.is_ok()
    }
}

impl Running {
    /// What to ask this engine with, for those who do not own it.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Starts nothing more, waits for what is under way for [`Running::GRACE`], and ends the rest.
    pub async fn shutdown(mut self) {
        self.cancel.cancel();
        if let Err(error) = (&mut self.owner).await {
            tracing::error!("the owner of the graph died: {error}");
        }
    }

    /// How long measurements that are under way may take until a shutdown ends them.
    pub const GRACE: Duration = Duration::from_secs(2);
}

impl Drop for Running {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

/// The identity of the node that says how an instance itself is doing.
pub fn itself(instance: &Arc<str>) -> NodeId {
    NodeId::new(ITSELF, Kind::of("alpacalert.io/Instance"), instance.clone())
}

/// The source of what an instance says about itself. No source of a plan may have this name.
pub const ITSELF: &str = "itself";
