//! What the engine is given beside the plan.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use alpacalert_instrument::{Clock, Context, Inbox, OutputLimits, Redactor, SystemClock};
use alpacalert_model::{Graph, NodeId, NodeKey, State, Timestamp, Transition};
use tokio_util::sync::CancellationToken;

use crate::Tasks;

/// What the engine is given beside the plan: the time, its end, and limits.
#[derive(Clone)]
pub struct Settings {
    /// Tells the time of day, for what is shown. Intervals are kept by the runtime's own clock, which nobody sets.
    pub clock: Arc<dyn Clock>,
    /// Ends everything.
    pub cancel: CancellationToken,
    /// Hides secrets in what sensors say.
    pub redactor: Arc<Redactor>,
    /// How much of what a sensor says is kept.
    pub limits: OutputLimits,
    /// Makes the spread of first measurements the same each time; chosen at random when absent.
    pub seed: Option<u64>,
    /// Where things report to that can only report.
    pub inbox: Inbox,
    /// Watches over tasks that live as long as the program.
    pub tasks: Tasks,
    /// Is told of everything that happens.
    pub observer: Option<Arc<dyn Observer>>,
    /// The states of nodes before the start, and since when they had been so. A node that is first seen in the same state has
    /// been in it all the while, as far as anybody knows.
    pub remembered: HashMap<NodeId, (State, Timestamp)>,
}

/// Somebody who is told of everything that happens, in order and without a hole.
pub trait Observer: Send + Sync {
    /// Called by the one owner of the graph after each batch, so it must not wait for anything.
    ///
    /// `transitions` are the changes of state of the batch, and `touched` are the nodes that came, went, or have another title,
    /// owner, rule or list of members. The graph is as it is after the batch.
    fn changed(
        &self,
        graph: &Graph,
        transitions: &[Transition],
        touched: &[NodeId],
        now: Timestamp,
    );

    /// Called after [`Observer::changed`] when work that is planned on nodes began or ended, which changes no state. Nobody has to
    /// care.
    fn maintained(&self, _graph: &Graph, _nodes: &[NodeKey], _now: Timestamp) {}
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            clock: Arc::new(SystemClock),
            cancel: CancellationToken::new(),
            redactor: Arc::default(),
            limits: OutputLimits::default(),
            seed: None,
            inbox: Inbox::default(),
            tasks: Tasks::default(),
            observer: None,
            remembered: HashMap::new(),
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("redactor", &self.redactor)
            .field("limits", &self.limits)
            .field("seed", &self.seed)
            .finish_non_exhaustive()
    }
}

impl Settings {
    /// What a measurement is given, apart from its time-out.
    pub(crate) fn context(&self, cancel: CancellationToken) -> Context {
        let mut context = Context::new(self.clock.clone())
            .with_cancel(cancel)
            .with_redactor(self.redactor.clone());
        context.limits = self.limits;
        context
    }
}
