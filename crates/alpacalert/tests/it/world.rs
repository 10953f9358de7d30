//! Sensors and sources that do what a test says.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use alpacalert::config::{GroupPlan, MemberPlan, MemberTarget, Plan, SourcePlan};
use alpacalert::instrument::{
    BoxFuture, Builder, Class, Context, InstrumentError, Params, Registry, Request,
    ScheduleOverrides, Sensor, SensorError, Snapshot, Source, SourceProvider, SourceSpec,
    TokioClock,
};
use alpacalert::model::{
    Edge, Effect, Graph, Kind, NodeId, Observation, Reason, Rule, State, Status, Timestamp,
};
use alpacalert::{Monitor, Running, Settings};
use tokio::time::Instant;

pub(crate) const KIND: &str = "example.org/Probe";

/// What a sensor does when it is measured for the n-th time, from 0.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Does {
    Says(State),
    /// Takes this long, and passes.
    Takes(Duration),
    Hangs,
    Panics,
    Errs,
}

type Script = Arc<dyn Fn(usize) -> Does + Send + Sync>;

/// What happened, by sensor.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<HashMap<String, Vec<Instant>>>>);

impl Log {
    pub(crate) fn starts(&self, name: &str) -> Vec<Instant> {
        self.0
            .lock()
            .unwrap()
            .get(name)
            .cloned()
            .unwrap_or_default()
    }

    /// When a sensor was measured, in seconds after `since`.
    pub(crate) fn seconds(&self, name: &str, since: Instant) -> Vec<f64> {
        let starts = self.starts(name);
        starts
            .iter()
            .map(|at| (*at - since).as_secs_f64())
            .collect()
    }

    pub(crate) fn total(&self) -> usize {
        self.0.lock().unwrap().values().map(Vec::len).sum()
    }
}

/// How many measurements are under way, and were at most.
#[derive(Default)]
pub(crate) struct Gauge {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Gauge {
    pub(crate) fn most(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }
}

struct Held(Arc<Gauge>);

impl Held {
    fn new(gauge: &Arc<Gauge>) -> Self {
        let now = gauge.now.fetch_add(1, Ordering::SeqCst) + 1;
        gauge.most.fetch_max(now, Ordering::SeqCst);
        Held(gauge.clone())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::SeqCst);
    }
}

struct Probe {
    name: String,
    class: Class,
    script: Script,
    log: Log,
    gauge: Arc<Gauge>,
    measured: AtomicUsize,
}

impl Sensor for Probe {
    fn measure<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Observation, SensorError>> {
        let n = self.measured.fetch_add(1, Ordering::SeqCst);
        let mut log = self.log.0.lock().unwrap();
        log.entry(self.name.clone())
            .or_default()
            .push(Instant::now());
        drop(log);
        let does = (self.script)(n);
        Box::pin(async move {
            let _held = Held::new(&self.gauge);
            match does {
                Does::Says(state) => {
                    let reason = Reason::fixed("scripted");
                    Ok(Observation::new(state, reason, cx.now()))
                }
                Does::Takes(duration) => {
                    tokio::time::sleep(duration).await;
                    Ok(Observation::passing(cx.now()))
                }
                Does::Hangs => std::future::pending().await,
                Does::Panics => panic!("this sensor panics"),
                Does::Errs => Err(SensorError::new(
                    Reason::fixed("no-access"),
                    "cannot read it",
                )),
            }
        })
    }

    fn class(&self) -> Class {
        self.class
    }
}

/// Everything that a test sets up: sensors in one service, and sources.
pub(crate) struct World {
    pub(crate) plan: Plan,
    pub(crate) log: Log,
    pub(crate) gauge: Arc<Gauge>,
    scripts: HashMap<String, (Class, Script)>,
    sources: HashMap<String, Arc<dyn Source>>,
    pub(crate) settings: Settings,
}

pub(crate) fn service() -> NodeId {
    NodeId::new("local", Kind::of("alpacalert.io/Service"), "shop")
}

pub(crate) fn probe(name: &str) -> NodeId {
    NodeId::new("local", Kind::of(KIND), name)
}

pub(crate) fn group(id: NodeId) -> GroupPlan {
    GroupPlan {
        id,
        title: None,
        owner: None,
        service: Some(false),
        rule: Rule::All,
        maintenance: Vec::new(),
        degraded_below: None,
        members: Vec::new(),
    }
}

pub(crate) fn member(target: MemberTarget) -> MemberPlan {
    MemberPlan {
        edge: Edge::from(Effect::Required),
        target,
    }
}

pub(crate) fn every(interval: Duration) -> ScheduleOverrides {
    ScheduleOverrides {
        interval: Some(interval),
        ..ScheduleOverrides::default()
    }
}

impl World {
    /// One service without members.
    pub(crate) fn new() -> Self {
        let mut plan = Plan::new("test");
        plan.groups.push(group(service()));
        World {
            plan,
            log: Log::default(),
            gauge: Arc::default(),
            scripts: HashMap::new(),
            sources: HashMap::new(),
            settings: Settings {
                clock: Arc::new(TokioClock::starting(Timestamp::UNIX_EPOCH)),
                seed: Some(1),
                ..Settings::default()
            },
        }
    }

    pub(crate) fn script(
        &mut self,
        name: &str,
        class: Class,
        script: impl Fn(usize) -> Does + Send + Sync + 'static,
    ) {
        self.scripts
            .insert(name.to_owned(), (class, Arc::new(script)));
    }

    /// Adds a sensor to the service.
    pub(crate) fn sensor(
        &mut self,
        name: &str,
        class: Class,
        schedule: ScheduleOverrides,
        script: impl Fn(usize) -> Does + Send + Sync + 'static,
    ) {
        self.script(name, class, script);
        let mut request = Request::local(Kind::of(KIND), name);
        request.schedule = schedule;
        let target = MemberTarget::Request(Box::new(request));
        self.plan.groups[0].members.push(member(target));
    }

    pub(crate) fn source(&mut self, name: &str, source: impl Source) {
        self.sources.insert(name.to_owned(), Arc::new(source));
        self.plan.sources.push(SourcePlan {
            name: name.into(),
            provider: "test".into(),
            params: Params::new(),
            schedule: ScheduleOverrides::default(),
            owner: None,
        });
    }

    /// Adds what a path into a source leads to, to the service.
    pub(crate) fn found(&mut self, source: &str, path: &[&str]) {
        let target = MemberTarget::Found {
            source: source.into(),
            path: path.iter().map(ToString::to_string).collect(),
        };
        self.plan.groups[0].members.push(member(target));
    }

    pub(crate) fn registry(&self) -> Registry {
        let mut registry = Registry::new();
        let (scripts, log, gauge) = (self.scripts.clone(), self.log.clone(), self.gauge.clone());
        registry.register(
            Kind::of(KIND),
            move |target: &alpacalert::instrument::Target,
                  scope: &mut alpacalert::instrument::Scope<'_, '_>| {
                let name = target.id.reference().to_string();
                let (class, script) = scripts
                    .get(&name)
                    .cloned()
                    .ok_or_else(|| InstrumentError::new("no script"))?;
                scope.sensor(Probe {
                    name,
                    class,
                    script,
                    log: log.clone(),
                    gauge: gauge.clone(),
                    measured: AtomicUsize::new(0),
                });
                Ok(())
            },
        );
        registry.register_source(Sources(self.sources.clone()));
        registry
    }

    pub(crate) fn monitor(&self) -> Monitor {
        Monitor::build(&self.plan, self.registry(), self.settings.clone()).unwrap()
    }

    pub(crate) fn start(&self) -> Running {
        self.monitor().start()
    }
}

struct Sources(HashMap<String, Arc<dyn Source>>);

impl SourceProvider for Sources {
    fn spec(&self) -> SourceSpec {
        SourceSpec {
            name: "test",
            summary: "",
            doc: "",
            fields: Vec::new(),
            constraints: Vec::new(),
            example: "",
        }
    }

    fn source(&self, name: &Arc<str>, _: &Params) -> Result<Arc<dyn Source>, InstrumentError> {
        let source = self.0.get(name.as_ref()).cloned();
        source.ok_or_else(|| InstrumentError::new("it is not set up"))
    }
}

/// A source whose snapshot is a list of names with what is known of each: a state, or nothing, and then it is measured.
pub(crate) struct Listing {
    name: String,
    now: Arc<Mutex<Result<Names, &'static str>>>,
}

pub(crate) type Names = Vec<(&'static str, Option<State>)>;

/// Changes what a [`Listing`] knows.
pub(crate) type Knows = Arc<Mutex<Result<Names, &'static str>>>;

impl Listing {
    pub(crate) fn new(name: &str, names: Result<Names, &'static str>) -> (Self, Knows) {
        let now = Arc::new(Mutex::new(names));
        let listing = Listing {
            name: name.to_owned(),
            now: now.clone(),
        };
        (listing, now)
    }

    pub(crate) fn id(source: &str, name: &str) -> NodeId {
        NodeId::new(source, Kind::of("example.org/Thing"), name)
    }
}

impl Source for Listing {
    fn fetch<'a>(&'a self, _: &'a Context) -> BoxFuture<'a, Result<Snapshot, SensorError>> {
        Box::pin(async {
            match &*self.now.lock().unwrap() {
                Ok(names) => Ok(Snapshot::new(names.clone())),
                Err(why) => Err(SensorError::new(Reason::fixed("refused"), *why)),
            }
        })
    }

    fn assemble(
        &self,
        snapshot: &Snapshot,
        builder: &mut Builder<'_>,
    ) -> Result<(), InstrumentError> {
        for (name, state) in snapshot.get::<Names>().unwrap() {
            match state {
                Some(state) => {
                    let kind = Kind::of("example.org/Thing");
                    let request = Request::from_source(self.name.as_str(), kind, *name);
                    let now = builder.now();
                    builder.object(request, |_, scope| {
                        scope.observed(Observation::new(*state, Reason::fixed("fed"), now));
                        Ok(())
                    })?;
                }
                None => {
                    let mut request =
                        Request::from_source(self.name.as_str(), Kind::of(KIND), *name);
                    request.schedule = every(Duration::from_secs(5));
                    builder.instrument(request)?;
                }
            }
        }
        Ok(())
    }

    fn interval(&self) -> Duration {
        Duration::from_secs(10)
    }
}

/// The status of a node.
pub(crate) async fn status(running: &Running, id: &NodeId) -> Option<Status> {
    let id = id.clone();
    let read = move |graph: &Graph| read(graph, &id);
    running.query(read).await.expect("the engine runs")
}

pub(crate) async fn state(running: &Running, id: &NodeId) -> State {
    status(running, id).await.expect("the node is there").state
}

pub(crate) fn read(graph: &Graph, id: &NodeId) -> Option<Status> {
    let node = graph.get(graph.key(id)?)?;
    Some(Status {
        ..node.status().clone()
    })
}

pub(crate) async fn wait(seconds: f64) {
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
}
