//! A cluster from its API server: one list and one watch per kind, whatever the number of objects.

mod client;
mod configuration;
mod list;
mod provider;
mod reflector;
mod store;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use alpacalert_instrument::{
    BoxFuture, Builder, Context, InstrumentError, Reason, SensorError, Snapshot, Source,
};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::cluster::Cluster;
use crate::kinds::{self, RESOURCES};
use crate::object::{Body, Condition, condition, control::Crd};
use crate::options::Options;
use crate::select::Selection;

use client::Api;
pub(crate) use provider::Provider;
use reflector::Event;
use store::Store;

/// Changes are collected for this long before they are looked at: a rollout changes many objects in a moment.
const DEBOUNCE: Duration = Duration::from_millis(50);
/// How long the first lists may take before what is known is shown without the rest.
const FIRST_SYNC: Duration = Duration::from_secs(30);
/// How often somebody who waits for a first list is told how far it has come.
const PROGRESS: Duration = Duration::from_millis(250);
/// How many changes may wait to be taken in; a reflector that has more to say waits, and the API server with it.
const QUEUE: usize = 1024;

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
        let mut store = Store::new(None);
        let mut waiting = self.kinds();
        let mut pending: BTreeSet<Arc<str>> = BTreeSet::new();
        let mut total = waiting.len();
        let mut tasks = JoinSet::new();
        let mut seen_definitions = false;
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
                        store.apply(event, cx.now());
                    }
                }
                // What a reflector cannot cope with is missing from the store, and Unknown.
                Some(Some(Err(_))) | None => {}
            }
            if !seen_definitions && store.knows(kinds::CRD) {
                seen_definitions = true;
                waiting = self.custom_kinds(&store);
                total += waiting.len();
            }
            progress(&Listing {
                done: total - tasks.len() - waiting.len(),
                total,
                objects: store.len(),
                waiting_for: pending.iter().next().cloned(),
            });
        }
        if let Some(error) = self.blind(&store) {
            return Err(error);
        }
        Ok(self.cluster(&mut store, &api))
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
    fn blind(&self, store: &Store) -> Option<SensorError> {
        let why = store.nothing_answers()?;
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

    /// The kinds that the definitions in the store bring, in the version in which their objects are stored.
    fn custom_kinds(&self, store: &Store) -> Vec<Watched> {
        let definitions = store
            .table(kinds::CRD)
            .filter_map(|object| match &object.body {
                Body::Crd(crd) => custom_kind(crd),
                _ => None,
            });
        definitions
            .filter(|watched| {
                kinds::resource(&watched.kind).is_none()
                    && !self.is_without(&watched.kind)
                    && self.follows(&watched.kind)
            })
            .collect()
    }

    fn cluster(&self, store: &mut Store, api: &Api) -> Cluster {
        let mut cluster = store.cluster(self.name.clone(), self.options.clone());
        cluster.selection = self.selection.clone();
        cluster.skew = api.skew();
        cluster
    }
}

/// The kind of a definition, if it is served: not before its names are accepted.
fn custom_kind(crd: &Crd) -> Option<Watched> {
    condition(&crd.status.conditions, "Established").filter(|said| Condition::is_true(said))?;
    let served = crd.spec.versions.iter().filter(|version| version.served);
    let version = served
        .clone()
        .find(|version| version.storage)
        .or_else(|| served.clone().next())?;
    Some(Watched {
        kind: kinds::kind_text(&crd.spec.group, &crd.spec.names.kind).into(),
        group: (&*crd.spec.group).into(),
        version: (&*version.name).into(),
        plural: (&*crd.spec.names.plural).into(),
        name: (&*crd.spec.names.kind).into(),
        namespaced: &*crd.spec.scope == "Namespaced",
    })
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
        cluster.forget_due();
        crate::assemble(cluster, builder).map(|_| ())
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
        let mut store = Store::new(Some(cx.now()));
        // Aborted when this future is dropped: no reflector outlives its source.
        let mut tasks = JoinSet::new();
        let mut running: BTreeMap<Watched, tokio::task::AbortHandle> = BTreeMap::new();
        for watched in self.kinds() {
            spawn(&mut tasks, &mut running, api, watched, &events);
        }
        let started = Instant::now();
        let mut changed: Option<Instant> = None;
        let mut last: Option<Snapshot> = None;
        // A large cluster takes its time to be put together and judged; most of the time shall be left for others.
        let mut pause = DEBOUNCE;
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        loop {
            let ready = store.is_synced(running.keys()) || started.elapsed() > FIRST_SYNC;
            let due = changed.filter(|_| ready).map(|since| since + pause);
            tokio::select! {
                event = incoming.recv() => {
                    let Some(event) = event else { return };
                    let definitions = event.kind() == kinds::CRD;
                    if store.apply(event, cx.now()) {
                        changed.get_or_insert_with(Instant::now);
                    }
                    if definitions && store.knows(kinds::CRD) {
                        self.follow_definitions(&mut tasks, &mut running, api, &mut store, &events);
                    }
                }
                permit = deliver.reserve(), if due.is_some_and(|due| due <= Instant::now()) => {
                    let Ok(permit) = permit else { return };
                    if let Some(error) = self.blind(&store) {
                        permit.send(Err(error));
                    } else {
                        let began = Instant::now();
                        let snapshot = Snapshot::new(self.cluster(&mut store, api));
                        pause = DEBOUNCE.max(began.elapsed() * 4);
                        let before = last.replace(snapshot.clone());
                        permit.send(Ok(snapshot));
                        // After the new one is on its way: a large cluster takes a while to be let go of, too.
                        drop(before);
                    }
                    changed = None;
                }
                () = sleep_until(due) => {}
                _ = tick.tick() => {
                    // What was delivered means something else by now: a time of grace has passed.
                    let due = last.as_ref().and_then(|snapshot| snapshot.get::<Cluster>()).and_then(Cluster::due);
                    if due.is_some_and(|due| due <= cx.now()) {
                        changed.get_or_insert_with(Instant::now);
                    }
                }
            }
        }
    }

    /// Starts reflectors for kinds that are new, and ends those of kinds that are gone.
    fn follow_definitions(
        &self,
        tasks: &mut JoinSet<()>,
        running: &mut BTreeMap<Watched, tokio::task::AbortHandle>,
        api: &Api,
        store: &mut Store,
        events: &mpsc::Sender<Event>,
    ) {
        let wanted: HashMap<Watched, ()> = self
            .custom_kinds(store)
            .into_iter()
            .map(|watched| (watched, ()))
            .collect();
        running.retain(|watched, task| {
            let stays = kinds::resource(&watched.kind).is_some() || wanted.contains_key(watched);
            if !stays {
                task.abort();
                store.forget(&watched.kind);
            }
            stays
        });
        for watched in wanted.into_keys() {
            if !running.contains_key(&watched) {
                spawn(tasks, running, api, watched, events);
            }
        }
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
