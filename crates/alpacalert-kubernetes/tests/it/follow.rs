//! A source that follows an API server, and what it knows of single objects.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use alpacalert_instrument::{Builder, Context, ScheduleOverrides, SensorError, Snapshot, Source};
use alpacalert_kubernetes::{Connection, KubernetesSource, Options, Record, records};
use alpacalert_model::{Graph, Kind, NodeId, State, Timestamp, Update};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::support::U;

/// How long anything may take here.
const PATIENCE: Duration = Duration::from_secs(20);

/// A source that follows an API server.
pub(crate) struct Live {
    pub(crate) source: Arc<KubernetesSource>,
    snapshots: mpsc::Receiver<Result<Snapshot, SensorError>>,
    pub(crate) last: Option<Snapshot>,
    cancel: CancellationToken,
    /// Kept while it may be read.
    pub(crate) kubeconfig: Option<tempfile::NamedTempFile>,
}

impl Drop for Live {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

pub(crate) fn source(kubeconfig: &Path) -> KubernetesSource {
    let connection = Connection {
        kubeconfig: Some(kubeconfig.to_owned()),
        custom: true,
        ..Connection::default()
    };
    KubernetesSource::new("test", connection, Options::default())
}

/// The graph of a snapshot as of a time.
pub(crate) fn graph(source: &KubernetesSource, snapshot: &Snapshot, now: Timestamp) -> Graph {
    let registry = alpacalert_kubernetes::registry();
    let snapshots = HashMap::from([(Arc::from("test"), snapshot.clone())]);
    let mut builder = Builder::new(&registry, &snapshots, ScheduleOverrides::default(), now);
    source.assemble(snapshot, &mut builder).expect("a graph");
    let assembly = builder.finish();
    let mut graph = Graph::new();
    graph.apply("test", assembly.blueprint, now);
    let updates: Vec<Update> = assembly
        .observations
        .into_iter()
        .filter_map(|(id, observation)| {
            Some(Update {
                node: graph.key(&id)?,
                confirmed: observation.state,
                observation,
            })
        })
        .collect();
    graph.observe(updates, now);
    graph
}

pub(crate) fn state(graph: &Graph, kind: &str, reference: &str) -> Option<(State, String)> {
    let kind: Kind = kind.parse().expect("a kind");
    let node = graph.get(graph.key(&NodeId::new("test", kind, reference))?)?;
    node.role()?;
    let own = node
        .children()
        .map(|(child, _)| child)
        .find(|child| child.id().kind().as_str().ends_with("status"));
    Some((
        node.state(),
        own.unwrap_or(node).status().reason.to_string(),
    ))
}

impl Live {
    /// Follows the API server of a kubeconfig.
    pub(crate) fn follow(kubeconfig: &Path) -> Live {
        let source = Arc::new(source(kubeconfig));
        let (deliver, snapshots) = mpsc::channel(1);
        let cancel = CancellationToken::new();
        let cx = Context::default().with_cancel(cancel.clone());
        let watched = source.clone();
        tokio::spawn(async move { watched.watch(&cx, deliver).await });
        Live {
            source,
            snapshots,
            last: None,
            cancel,
            kubeconfig: None,
        }
    }

    fn take(&mut self, delivered: Snapshot) {
        let news = self.source.merge(self.last.take(), delivered);
        self.last = Some(news.snapshot);
    }

    /// What an object's own sensor says.
    pub(crate) fn says(&self, kind: &str, reference: &str) -> String {
        let snapshot = self.last.as_ref().expect("a snapshot");
        let graph = graph(&self.source, snapshot, Timestamp::now());
        let kind: Kind = kind.parse().expect("a kind");
        let node = graph
            .key(&NodeId::new("test", kind, reference))
            .and_then(|key| graph.get(key))
            .expect("a node");
        let own = node
            .children()
            .map(|(child, _)| child)
            .find(|child| child.id().kind().as_str().ends_with("status"));
        let messages = &own.unwrap_or(node).status().messages;
        messages
            .iter()
            .map(|message| message.text.to_string())
            .collect::<Vec<_>>()
            .join(" | ")
    }

    /// A record for each object, judged as of a time, once nothing new has arrived for a moment.
    pub(crate) async fn records(&mut self, at: Timestamp) -> Vec<Record> {
        while let Ok(Some(Ok(snapshot))) =
            tokio::time::timeout(Duration::from_secs(1), self.snapshots.recv()).await
        {
            self.take(snapshot);
        }
        let snapshot = self.last.as_ref().expect("a snapshot");
        records(
            snapshot.get().expect("a cluster"),
            &graph(&self.source, snapshot, at),
        )
    }

    /// A record for each object as it is known in this moment, judged as of a time.
    pub(crate) fn known(&mut self, at: Timestamp) -> Vec<Record> {
        while let Ok(delivered) = self.snapshots.try_recv() {
            if let Ok(snapshot) = delivered {
                self.take(snapshot);
            }
        }
        let snapshot = self.last.as_ref().expect("a snapshot");
        records(
            snapshot.get().expect("a cluster"),
            &graph(&self.source, snapshot, at),
        )
    }

    /// The references of the nodes of a kind.
    pub(crate) fn nodes(&self, kind: &str) -> Vec<String> {
        let snapshot = self.last.as_ref().expect("a snapshot");
        let graph = graph(&self.source, snapshot, Timestamp::now());
        graph
            .nodes()
            .filter(|node| node.id().kind().as_str() == kind)
            .map(|node| node.id().reference().to_string())
            .collect()
    }

    /// Waits until an object is not there any more.
    pub(crate) async fn until_gone(&mut self, kind: &str, reference: &str) {
        let waiting = async {
            loop {
                if let Some(snapshot) = &self.last {
                    let now = Timestamp::now();
                    if state(&graph(&self.source, snapshot, now), kind, reference).is_none() {
                        return;
                    }
                }
                if let Some(Ok(snapshot)) = self.snapshots.recv().await {
                    self.take(snapshot);
                }
            }
        };
        tokio::time::timeout(PATIENCE, waiting)
            .await
            .unwrap_or_else(|_| panic!("{kind} {reference} is still there"));
    }

    /// Waits until an object is in a state, judged now.
    pub(crate) async fn until(&mut self, kind: &str, reference: &str, wanted: State) -> String {
        self.until_at(kind, reference, wanted, Duration::ZERO).await
    }

    /// Waits for something that takes longer than other things.
    pub(crate) async fn until_within(
        &mut self,
        kind: &str,
        reference: &str,
        wanted: State,
        patience: Duration,
    ) -> String {
        self.wait(kind, reference, wanted, Duration::ZERO, patience)
            .await
    }

    /// Waits until an object is in a state, judged as of so much later.
    pub(crate) async fn until_at(
        &mut self,
        kind: &str,
        reference: &str,
        wanted: State,
        later: Duration,
    ) -> String {
        self.wait(kind, reference, wanted, later, PATIENCE).await
    }

    /// The states of an object over a time, one for each snapshot.
    pub(crate) async fn states(
        &mut self,
        kind: &str,
        reference: &str,
        time: Duration,
    ) -> Vec<State> {
        let end = tokio::time::Instant::now() + time;
        let mut states = Vec::new();
        while let Ok(Some(delivered)) = tokio::time::timeout_at(end, self.snapshots.recv()).await {
            let Ok(snapshot) = delivered else { continue };
            self.take(snapshot);
            let snapshot = self.last.as_ref().expect("a snapshot");
            let graph = graph(&self.source, snapshot, Timestamp::now());
            states.extend(state(&graph, kind, reference).map(|(state, _)| state));
        }
        states
    }

    async fn wait(
        &mut self,
        kind: &str,
        reference: &str,
        wanted: State,
        later: Duration,
        patience: Duration,
    ) -> String {
        let mut seen = Vec::new();
        let waiting = async {
            loop {
                if let Some(snapshot) = &self.last {
                    let now = Timestamp::now().checked_add(later).expect("a time");
                    let found = state(&graph(&self.source, snapshot, now), kind, reference);
                    if let Some((state, reason)) = &found
                        && *state == wanted
                    {
                        return reason.clone();
                    }
                    seen.push(found);
                }
                match tokio::time::timeout(Duration::from_millis(200), self.snapshots.recv()).await
                {
                    Ok(Some(Ok(snapshot))) => self.take(snapshot),
                    Ok(Some(Err(error))) => seen.push(Some((U, error.chain()))),
                    Ok(None) => panic!("the source has ended"),
                    Err(_) => {}
                }
            }
        };
        match tokio::time::timeout(patience, waiting).await {
            Ok(reason) => reason,
            Err(_) => panic!("{kind} {reference} was never {wanted}: {seen:?}"),
        }
    }
}
