//! Runs the engine with a load, and measures it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use alpacalert::config::{GroupPlan, MemberPlan, MemberTarget, Plan};
use alpacalert::instrument::{
    BoxFuture, Class, Context, InstrumentError, Params, Registry, Request, ScheduleOverrides,
    Scope, Sensor, SensorError, Target,
};
use alpacalert::model::{Edge, Graph, Kind, NodeId, Observation, Rule, State};
use alpacalert::{Monitor, Running, Settings, Stats};

use crate::cpu;

const KIND: &str = "example.org/Bench";

/// How long a load runs before it is measured.
const WARM_UP: Duration = Duration::from_secs(4);

/// Sensors per system: enough of them that results travel up.
const FAN_OUT: usize = 100;

/// Sensors to measure.
pub(crate) struct Load {
    registry: Registry,
    requests: Vec<Request>,
    sensors: HashMap<String, Arc<dyn Sensor>>,
    interval: Duration,
}

/// What a load came to.
pub(crate) struct Measured {
    /// Measurements per second.
    pub(crate) rate: f64,
    /// Processors used, children included.
    pub(crate) cores: f64,
    pub(crate) stats: Stats,
    pub(crate) resident_mib: f64,
    pub(crate) not_passing: usize,
}

struct Shared(Arc<dyn Sensor>);

impl Sensor for Shared {
    fn measure<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Observation, SensorError>> {
        self.0.measure(cx)
    }

    fn class(&self) -> Class {
        self.0.class()
    }
}

impl Load {
    pub(crate) fn new(interval: Duration) -> Self {
        Load {
            registry: alpacalert_instruments::registry(),
            requests: Vec::new(),
            sensors: HashMap::new(),
            interval,
        }
    }

    pub(crate) fn interval(&mut self, interval: Duration) {
        self.interval = interval;
    }

    /// Adds a sensor of the benchmark's own.
    pub(crate) fn sensor(&mut self, sensor: impl Sensor) {
        let name = self.requests.len().to_string();
        self.requests
            .push(Request::local(Kind::of(KIND), name.as_str()));
        self.sensors.insert(name, Arc::new(sensor));
    }

    /// Adds a thing by the word of the configuration; `false` when there is none.
    pub(crate) fn thing(&mut self, word: &str, params: Params) -> bool {
        let Some(spec) = self.registry.spec_by_word(word) else {
            return false;
        };
        let reference = self.requests.len().to_string();
        let request = Request::local(spec.kind.clone(), reference);
        self.requests.push(request.with_params(params));
        true
    }

    fn monitor(mut self) -> Monitor {
        let sensors = self.sensors;
        self.registry.register(
            Kind::of(KIND),
            move |target: &Target, scope: &mut Scope<'_, '_>| {
                let sensor = sensors.get(target.id.reference().as_ref()).cloned();
                scope.sensor(Shared(sensor.ok_or_else(|| InstrumentError::new("none"))?));
                Ok(())
            },
        );
        let mut plan = Plan::new("bench");
        plan.defaults = ScheduleOverrides {
            interval: Some(self.interval),
            ..ScheduleOverrides::default()
        };
        for (n, requests) in self.requests.chunks(FAN_OUT).enumerate() {
            let members = requests.iter().map(|request| MemberPlan {
                edge: Edge::default(),
                target: MemberTarget::Request(Box::new(request.clone())),
            });
            plan.groups.push(GroupPlan {
                id: NodeId::new("local", Kind::of("alpacalert.io/System"), n.to_string()),
                title: None,
                owner: None,
                service: None,
                rule: Rule::All,
                maintenance: Vec::new(),
                degraded_below: None,
                members: members.collect(),
            });
        }
        Monitor::build(&plan, self.registry, Settings::default()).expect("a valid plan")
    }

    /// Runs the load, and measures it for a while after a warm-up.
    pub(crate) fn run(self, measure: Duration) -> Measured {
        let warm_up = WARM_UP.max(self.interval + Duration::from_secs(1));
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let running = self.monitor().start();
            tokio::time::sleep(warm_up).await;
            let measured = during(&running, measure).await;
            running.shutdown().await;
            measured
        })
    }
}

async fn during(running: &Running, measure: Duration) -> Measured {
    let (before, used, begun) = (running.stats().await, cpu::seconds(), Instant::now());
    tokio::time::sleep(measure).await;
    let stats = running.stats().await;
    let passed = begun.elapsed().as_secs_f64();
    let cores = (cpu::seconds() - used) / passed;
    let not_passing = |graph: &Graph| {
        let sensors = graph.nodes().filter(|node| node.is_sensor());
        sensors
            .filter(|node| node.state() != State::Passing)
            .count()
    };
    Measured {
        rate: (stats.measured - before.measured) as f64 / passed,
        cores,
        stats,
        resident_mib: cpu::resident_mib(),
        not_passing: running.query(not_passing).await.expect("it runs"),
    }
}
