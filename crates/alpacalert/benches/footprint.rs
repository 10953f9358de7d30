//! What a sensor weighs in the engine: its place in the graph and in time, and what is kept to assemble it again.
//!
//! `cargo bench -p alpacalert --bench footprint -- [constant|tcp] [SENSORS]`. One sort per process, since what the
//! allocator keeps of one would be counted as the other's.

#![allow(
    clippy::print_stdout,
    reason = "the reader of a benchmark's output asked for it"
)]

use std::alloc::System;
use std::fs;
use std::time::{Duration, Instant};

use alpacalert::config::{GroupPlan, MemberPlan, MemberTarget, Plan};
use alpacalert::instrument::{
    Params, Registry, Request, ScheduleOverrides, Scope, SensorConstant, Target,
};
use alpacalert::model::{Edge, Kind, NodeId, Rule, State};
use alpacalert::{Monitor, Settings};

/// Counts what is allocated, in bytes asked for: what the allocator adds is not in it, and shows in the resident size.
#[global_allocator]
static ALLOCATED: cap::Cap<System> = cap::Cap::new(System, usize::MAX);

/// Sensors per system.
const FAN_OUT: usize = 100;

/// Long enough that every sensor is measured: the interval, and a share for a machine with other work.
const MEASURED: Duration = Duration::from_secs(15);
const INTERVAL: Duration = Duration::from_secs(10);

/// The engine assembles the configuration again every minute, or later if that takes long.
const ASSEMBLED_AGAIN: Duration = Duration::from_secs(150);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let word = |wanted: &str| arguments.iter().any(|word| word == wanted);
    let sensors = arguments.iter().find_map(|word| word.parse().ok());
    let sensors = sensors.unwrap_or(100_000);
    match word("tcp") {
        true => weigh("tcp", sensors, TCP),
        false => weigh("constant", sensors, CONSTANT),
    }
}

/// The kind and the keys of the n-th sensor.
type Sort = (&'static str, fn(usize) -> Params);

const CONSTANT: Sort = ("example.org/Constant", |_| Params::new());

/// Addresses that refuse at once.
const TCP: Sort = ("alpacalert.io/Tcp", |n| {
    Params::new().with_text("address", format!("127.0.0.{}:9", 1 + n % 250))
});

fn plan(sensors: usize, request: impl Fn(usize) -> Request) -> Plan {
    let mut plan = Plan::new("footprint");
    plan.defaults = ScheduleOverrides {
        interval: Some(INTERVAL),
        ..ScheduleOverrides::default()
    };
    let numbers: Vec<usize> = (0..sensors).collect();
    for (n, numbers) in numbers.chunks(FAN_OUT).enumerate() {
        let members = numbers.iter().map(|n| MemberPlan {
            edge: Edge::default(),
            target: MemberTarget::Request(Box::new(request(*n))),
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
    plan
}

fn registry() -> Registry {
    let mut registry = alpacalert_instruments::registry();
    registry.register(
        Kind::of("example.org/Constant"),
        |_: &Target, scope: &mut Scope<'_, '_>| {
            scope.sensor(SensorConstant::from(State::Passing));
            Ok(())
        },
    );
    registry
}

fn weigh(name: &str, sensors: usize, (kind, params): Sort) {
    let registry = registry();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let empty = ALLOCATED.allocated();
    let show = |stage: &str| {
        let each = (ALLOCATED.allocated() - empty) as f64 / sensors as f64;
        println!(
            "{name}, {sensors} sensors, {stage:<42} {each:>6.0} bytes a sensor; {:>4.0} MiB resident, {:>4.0} at most",
            memory("VmRSS:"),
            memory("VmHWM:"),
        );
    };
    show("before");
    let kind = Kind::of(kind);
    let plan = plan(sensors, |n| {
        Request::local(kind.clone(), n.to_string()).with_params(params(n))
    });
    show("the plan");
    let monitor = Monitor::build(&plan, registry, Settings::default()).expect("a valid plan");
    show("the plan, built");
    drop(plan);
    show("built, without the caller's plan");
    runtime.block_on(async {
        let begun = Instant::now();
        let running = monitor.start();
        let nodes = running.query(|graph| graph.len()).await;
        show("started");
        tokio::time::sleep(MEASURED).await;
        let stats = running.stats().await;
        show("measured");
        println!("{nodes:?} nodes, {} measurements", stats.measured);
        tokio::time::sleep(ASSEMBLED_AGAIN.saturating_sub(begun.elapsed())).await;
        show("assembled again");
        running.shutdown().await;
    });
}

/// A line of `/proc/self/status`, in MiB.
fn memory(line: &str) -> f64 {
    let status = fs::read_to_string("/proc/self/status").expect("read /proc/self/status");
    let value = status.lines().find_map(|text| text.strip_prefix(line));
    let kib = value.and_then(|text| text.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kib.expect("a number of kB") / 1024.0
}
