//! A connection to one external system, with its credentials and its cached view.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::mpsc;

use crate::{Builder, Constraint, Context, Fact, Field, InstrumentError, Params, SensorError};

/// What a source knew at one moment. Instrumentors that know the source's type look inside with [`Snapshot::get`].
#[derive(Clone)]
pub struct Snapshot(Arc<dyn Any + Send + Sync>);

impl Snapshot {
    /// A snapshot of any type.
    pub fn new<T: Send + Sync + 'static>(value: T) -> Self {
        Snapshot(Arc::new(value))
    }

    /// What is inside, if it is a `T`.
    pub fn get<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.0.downcast_ref()
    }

    /// What is inside, if it is a `T` and nobody else holds it.
    pub fn get_mut<T: Send + Sync + 'static>(&mut self) -> Option<&mut T> {
        Arc::get_mut(&mut self.0)?.downcast_mut()
    }
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Snapshot(..)")
    }
}

/// What a delivery amounts to.
#[derive(Debug)]
pub struct News {
    /// Everything that is known now.
    pub snapshot: Snapshot,
    /// What is otherwise than before; `None` when anything may be.
    pub changed: Option<Vec<Fact>>,
}

/// A connection to one external system that knows about many things at once.
///
/// A source fetches; it does not judge. What its snapshot means is said by [`assemble`](Source::assemble), a pure
/// function, and by the instrumentors that it asks for through the builder.
pub trait Source: Send + Sync + 'static {
    /// Looks once, and gives everything it knows. Bounded by the context's time-out; an error marks the source's nodes Unknown.
    fn fetch<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Snapshot, SensorError>>;

    /// Says what should be in the graph, given a snapshot.
    fn assemble(
        &self,
        snapshot: &Snapshot,
        builder: &mut Builder<'_>,
    ) -> Result<(), InstrumentError>;

    /// Brings what is known up to date with what was delivered. As given, what was delivered takes its place.
    ///
    /// A source that knows very many things may deliver what has changed alone, and tell which [facts](Fact) are otherwise
    /// than before: then only those things are built again that looked at one of them. Such a source must note each fact
    /// that its snapshot is asked for, say so by [`notes_facts`](Source::notes_facts), and describe its things by the
    /// registry or by [`Builder::described`].
    fn merge(&self, known: Option<Snapshot>, delivered: Snapshot) -> News {
        drop(known);
        News {
            snapshot: delivered,
            changed: None,
        }
    }

    /// Whether the lookups of its snapshots note what they are asked.
    fn notes_facts(&self) -> bool {
        false
    }

    /// From one fetch to the next.
    fn interval(&self) -> Duration {
        Duration::from_secs(30)
    }

    /// Delivers snapshots until the context is cancelled. As given, fetches once per interval; a source that can be told
    /// of changes does better. The channel is short: a snapshot that nobody has taken yet makes the sender wait.
    fn watch<'a>(
        &'a self,
        cx: &'a Context,
        deliver: mpsc::Sender<Result<Snapshot, SensorError>>,
    ) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let watching = async {
                loop {
                    let next = tokio::time::Instant::now() + self.interval();
                    let snapshot = crate::guard::fetch_guarded(self, cx).await;
                    if deliver.send(snapshot).await.is_err() {
                        return;
                    }
                    tokio::time::sleep_until(next).await;
                }
            };
            // Cancelling ends a fetch that is under way, and a wait for the receiver, too.
            cx.cancel().run_until_cancelled(watching).await;
        })
    }
}

/// Makes sources of one sort from the configuration.
pub trait SourceProvider: Send + Sync + 'static {
    /// The sort of source: its word in the configuration and its keys.
    fn spec(&self) -> SourceSpec;

    /// Whether its sources bring things of kinds that nobody registered. Then a configuration may add sensors to any
    /// kind of a namespace that the registry does not know.
    fn brings_kinds(&self) -> bool {
        false
    }

    /// Makes a source. Opens nothing yet.
    fn source(&self, name: &Arc<str>, params: &Params) -> Result<Arc<dyn Source>, InstrumentError>;
}

/// A sort of source as users see it.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceSpec {
    /// The word in the configuration: `exec`.
    pub name: &'static str,
    /// One line: what it connects to.
    pub summary: &'static str,
    /// What it does in full, in Markdown.
    pub doc: &'static str,
    /// The keys it takes.
    pub fields: Vec<Field>,
    /// What must hold between the keys.
    pub constraints: Vec<Constraint>,
    /// An example in YAML: the value of the key.
    pub example: &'static str,
}

#[cfg(test)]
mod tests;
