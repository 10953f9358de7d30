//! A cluster from its API server: one list and one watch per kind, whatever the number of objects.

mod client;
mod configuration;
mod heard;
mod list;
mod provider;
mod reflector;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use alpacalert_instrument::{
    BoxFuture, Builder, Context, InstrumentError, News, Reason, SensorError, Snapshot, Source,
    Timestamp,
};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::cluster::{Cluster, Event, Origin};
use crate::kinds::{self, RESOURCES};
use crate::options::Options;
use crate::select::Selection;

use client::Api;
use heard::Heard;
pub(crate) use provider::Provider;

/// Changes are collected for this long before they are looked at: a rollout changes many objects in a moment.
const DEBOUNCE: Duration = Duration::from_millis(50);
/// How long the first lists may take before what is known is shown without the rest.
const FIRST_SYNC: Duration = Duration::from_secs(30);
/// How often somebody who waits for a first list is told how far it has come.
const PROGRESS: Duration = Duration::from_millis(250);
/// How many changes may wait to be taken in; a reflector that has more to say waits, and the API server with it.
const QUEUE: usize = 1024;
/// How many changes are collected while nobody takes them.
const MAX_SAID: usize = 65_536;

/// How to reach a cluster, and what to look at there.
#[derive(Clone, Debug, Default)]
pub struct Connection {
    /// The file that says how; the usual ones when it is not given.
    pub kubeconfig: Option<std::path::PathBuf>,
    /// The context of that file; the current one when it is not given.
    pub context: Option<String>,
    /// Only these namespaces are listed; all when empty.
    pub namespaces: Vec<String>,
    /// Kinds that are not looked at, as Kubernetes spells them: `Secret`.
    pub without: Vec<String>,
    /// Whether custom resources are looked at.
    pub custom: bool,
}

/// A kind that is listed and watched.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Watched {
    pub(crate) kind: Arc<str>,
    pub(crate) group: Arc<str>,
    pub(crate) version: Arc<str>,
    pub(crate) plural: Arc<str>,
    pub(crate) name: Arc<str>,
    pub(crate) namespaced: bool,
}

impl Watched {
    fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_string()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }
}

/// How far a first list of everything has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// How many kinds have answered.
    pub done: usize,
    /// How many kinds there are, as far as that is known.
    pub total: usize,
    /// How many objects have arrived.
    pub objects: usize,
    /// One of the kinds that have not answered, such as `kubernetes.io/Pod`.
    pub waiting_for: Option<Arc<str>>,
}

/// A watched cluster.
#[derive(Debug)]
pub struct KubernetesSource {
    name: Arc<str>,
    connection: Connection,
    options: Options,
    selection: Selection,
}

impl KubernetesSource {
    /// A cluster of a name. Opens nothing yet.
    pub fn new(name: impl Into<Arc<str>>, connection: Connection, options: Options) -> Self {
        KubernetesSource {
            name: name.into(),
            connection,
            options,
            selection: Selection::default(),
        }
    }

    /// The same, of which only a part is shown.
    #[must_use]
    pub fn select(mut self, selection: Selection) -> Self {
        self.selection = selection;
        self
    }

    /// Lists everything once. `progress` is told how far that has come, also while nothing arrives.
    pub async fn list(
        &self,
        cx: &Context,
        progress: &(dyn Fn(&Listing) + Send + Sync),
    ) -> Result<Cluster, SensorError> {
        let api = self.connect().await?;
        let mut cluster = self.empty();
        let mut heard = Heard::default();
        let mut waiting = self.kinds();
        let mut pending: BTreeSet<Arc<str>> = BTreeSet::new();
        let mut total = waiting.len();
        let mut tasks = JoinSet::new();
        let mut seen_definitions = false;
        // Nobody has seen anything yet.
        let mut changed = Vec::new();
        let mut tick = tokio::time::interval(PROGRESS);
        loop {
            while let Some(watched) = waiting.pop() {
                let api = api.clone();
                pending.insert(watched.kind.clone());
                tasks.spawn(async move {
                    let kind = watched.kind.clone();
                    (kind, list::list_once(&api, watched).await)
                });
            }
            let done = tokio::select! {
                done = tasks.join_next() => Some(done),
                _ = tick.tick() => None,
            };
            match done {
                Some(None) => break,
                Some(Some(Ok((kind, events)))) => {
                    pending.remove(&kind);
                    for event in events {
                        heard.hear(&event);
                        cluster.take(event, cx.now(), &mut changed);
                        changed.clear();
                    }
                }
                // What a reflector cannot cope with is missing from the store, and Unknown.
                Some(Some(Err(_))) | None => {}
            }
            if !seen_definitions && heard.knows(kinds::CRD) {
                seen_definitions = true;
                waiting = self.custom_kinds(&heard);
                total += waiting.len();
            }
            progress(&Listing {
                done: total - tasks.len() - waiting.len(),
                total,
                objects: heard.listed(),
                waiting_for: pending.iter().next().cloned(),
            });
        }
        if let Some(error) = self.blind(&heard) {
            return Err(error);
        }
        cluster.set_skew(api.skew());
        Ok(cluster)
    }

    async fn connect(&self) -> Result<Api, SensorError> {
        Api::connect(&self.connection).await.map_err(|error| {
            SensorError::new(
                Reason::SOURCE_LOST,
                format!("cannot connect to the cluster {}: {error}", self.name),
            )
        })
    }

    /// Why nothing at all is known of the cluster, if so.
    fn blind(&self, heard: &Heard) -> Option<SensorError> {
        let why = heard.nothing_answers()?;
        let text = format!("cannot list anything of the cluster {}: {why}", self.name);
        Some(SensorError::new(Reason::SOURCE_LOST, text))
    }

    /// The kinds that every cluster has. Leases of nodes change all the time, and are read now and then.
    fn kinds(&self) -> Vec<Watched> {
        RESOURCES
            .iter()
            .filter(|resource| !self.is_without(resource.kind))
            .map(|resource| Watched {
                kind: resource.kind.into(),
                group: resource.group.into(),
                version: resource.version.into(),
                plural: resource.plural.into(),
                name: kinds::short_name(resource.kind).into(),
                namespaced: resource.namespaced,
            })
            .collect()
    }

    /// Whether a custom kind is looked at: all of them, or only those with rules of their own.
    fn follows(&self, kind: &str) -> bool {
        self.connection.custom || crate::instrument::OTHERS.contains(&kind)
    }

    fn is_without(&self, kind: &str) -> bool {
        self.connection
            .without
            .iter()
            .any(|name| name == kinds::short_name(kind) || name == kind)
    }

    /// The kinds that definitions bring and that are looked at.
    fn custom_kinds(&self, heard: &Heard) -> Vec<Watched> {
        let definitions = heard.definitions().filter(|watched| {
            kinds::resource(&watched.kind).is_none()
                && !self.is_without(&watched.kind)
                && self.follows(&watched.kind)
        });
        definitions.cloned().collect()
    }

    /// The cluster, of which nothing is known yet.
    fn empty(&self) -> Cluster {
        Cluster::new(self.name.clone(), Origin::Live, self.options.clone())
            .select(self.selection.clone())
    }
}

/// What a watch delivers: what has been said since the delivery before.
struct Said {
    /// Since when is watched, when this is the first that a watch says: then nothing from before is of use.
    first: Option<Timestamp>,
    /// Taken once, by whoever merges them.
    events: Mutex<Vec<(Timestamp, Event)>>,
    skew: jiff::SignedDuration,
}

impl Source for KubernetesSource {
    fn fetch<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Snapshot, SensorError>> {
        Box::pin(async move { self.list(cx, &|_| ()).await.map(Snapshot::new) })
    }

    fn assemble(
        &self,
        snapshot: &Snapshot,
        builder: &mut Builder<'_>,
    ) -> Result<(), InstrumentError> {
        let cluster: &Cluster = snapshot.get().ok_or_else(|| {
            InstrumentError::new("the snapshot is not that of a Kubernetes cluster")
        })?;
        crate::assemble(cluster, builder).map(|_| ())
    }

    fn merge(&self, known: Option<Snapshot>, delivered: Snapshot) -> News {
        let Some(said) = delivered.get::<Said>() else {
            return News {
                snapshot: delivered,
                changed: None,
            };
        };
        let events =
            std::mem::take(&mut *said.events.lock().unwrap_or_else(PoisonError::into_inner));
        let known = known.filter(|known| said.first.is_none() && known.get::<Cluster>().is_some());
        let mut all = known.is_none();
        let mut snapshot = known.unwrap_or_else(|| {
            let mut cluster = self.empty();
            cluster.watched_since(said.first.unwrap_or(Timestamp::UNIX_EPOCH));
            Snapshot::new(cluster)
        });
        if snapshot.get_mut::<Cluster>().is_none()
            && let Some(cluster) = snapshot.get::<Cluster>()
        {
            // Somebody looks at it: theirs stays as it is.
            snapshot = Snapshot::new(cluster.clone());
        }
        let mut changed = Vec::new();
        if let Some(cluster) = snapshot.get_mut::<Cluster>() {
            for (at, event) in events {
                all |= cluster.take(event, at, &mut changed);
            }
            all |= cluster.set_skew(said.skew);
        }
        changed.sort_unstable();
        changed.dedup();
        News {
            snapshot,
            changed: (!all).then_some(changed),
        }
    }

    fn notes_facts(&self) -> bool {
        true
    }

    fn watch<'a>(
        &'a self,
        cx: &'a Context,
        deliver: mpsc::Sender<Result<Snapshot, SensorError>>,
    ) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let mut pause = Duration::from_secs(1);
            let api = loop {
                match self.connect().await {
                    Ok(api) => break api,
                    Err(error) => {
                        if deliver.send(Err(error)).await.is_err() {
                            return;
                        }
                    }
                }
                tokio::select! {
                    () = cx.cancel().cancelled() => return,
                    () = tokio::time::sleep(pause) => pause = (pause * 2).min(Duration::from_secs(30)),
                }
            };
            tokio::select! {
                () = cx.cancel().cancelled() => {}
                () = self.follow(cx, &api, &deliver) => {}
            }
        })
    }
}

impl KubernetesSource {
    /// Takes in what the reflectors say, and delivers what is known whenever it changed, or its meaning may have.
    async fn follow(
        &self,
        cx: &Context,
        api: &Api,
        deliver: &mpsc::Sender<Result<Snapshot, SensorError>>,
    ) {
        let (events, mut incoming) = mpsc::channel::<Event>(QUEUE);
        let mut heard = Heard::default();
        // Aborted when this future is dropped: no reflector outlives its source.
        let mut tasks = JoinSet::new();
        let mut running: BTreeMap<Watched, tokio::task::AbortHandle> = BTreeMap::new();
        for watched in self.kinds() {
            spawn(&mut tasks, &mut running, api, watched, &events);
        }
        let started = Instant::now();
        let mut first = Some(cx.now());
        let mut said: Vec<(Timestamp, Event)> = Vec::new();
        let mut changed: Option<Instant> = None;
        loop {
            let ready = heard.is_synced(running.keys()) || started.elapsed() > FIRST_SYNC;
            let due = changed.filter(|_| ready).map(|since| since + DEBOUNCE);
            tokio::select! {
                // Whoever does not take what was said makes us, and the API server with us, wait.
                event = incoming.recv(), if said.len() < MAX_SAID || !ready => {
                    let Some(event) = event else { return };
                    let definitions = &**event.kind() == kinds::CRD;
                    if heard.hear(&event) {
                        changed.get_or_insert_with(Instant::now);
                    }
                    said.push((cx.now(), event));
                    if definitions && heard.knows(kinds::CRD) {
                        for gone in self.follow_definitions(&mut tasks, &mut running, api, &heard, &events) {
                            let event = Event::Forgotten(gone);
                            heard.hear(&event);
                            said.push((cx.now(), event));
                        }
                    }
                }
                permit = deliver.reserve(), if due.is_some_and(|due| due <= Instant::now()) => {
                    let Ok(permit) = permit else { return };
                    match self.blind(&heard) {
                        Some(error) => permit.send(Err(error)),
                        None => permit.send(Ok(Snapshot::new(Said {
                            first: first.take(),
                            events: Mutex::new(std::mem::take(&mut said)),
                            skew: api.skew(),
                        }))),
                    }
                    changed = None;
                }
                () = sleep_until(due) => {}
                () = tokio::time::sleep_until(started + FIRST_SYNC), if !ready => {}
            }
        }
    }

    /// Starts reflectors for kinds that are new, and ends those of kinds that are gone, which it tells.
    fn follow_definitions(
        &self,
        tasks: &mut JoinSet<()>,
        running: &mut BTreeMap<Watched, tokio::task::AbortHandle>,
        api: &Api,
        heard: &Heard,
        events: &mpsc::Sender<Event>,
    ) -> Vec<Arc<str>> {
        let wanted: HashSet<Watched> = self.custom_kinds(heard).into_iter().collect();
        let mut gone = Vec::new();
        running.retain(|watched, task| {
            let stays = kinds::resource(&watched.kind).is_some() || wanted.contains(watched);
            if !stays {
                task.abort();
                gone.push(watched.kind.clone());
            }
            stays
        });
        for watched in wanted {
            if !running.contains_key(&watched) {
                spawn(tasks, running, api, watched, events);
            }
        }
        gone
    }
}

fn spawn(
    tasks: &mut JoinSet<()>,
    running: &mut BTreeMap<Watched, tokio::task::AbortHandle>,
    api: &Api,
    watched: Watched,
    events: &mpsc::Sender<Event>,
) {
    let task = reflector::run(api.clone(), watched.clone(), events.clone());
    running.insert(watched, tasks.spawn(task));
}

async fn sleep_until(due: Option<Instant>) {
    match due {
        Some(due) if due > Instant::now() => tokio::time::sleep_until(due).await,
        // It is time already, and the receiver is not ready; or there is nothing to wait for.
        _ => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
