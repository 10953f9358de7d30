//! How many checks a second the engine makes, each sort beside what the machine can do at most, in the same run.
//!
//! `cargo bench -p alpacalert --bench checks -- [constant|http|keep-alive|tcp|exec|memory|hung]...`; everything without a name.
//! Rates are per second of processor time of this process and its children, so that they can be compared on a machine
//! that is busy with other things. Needs nginx and wrk, and `ulimit -n` of 16,384 or more for `hung`.

#![allow(
    clippy::print_stdout,
    reason = "the reader of a benchmark's output asked for it"
)]

mod ceiling;
mod cpu;
mod engine;
mod hung;
mod silent;

use std::time::Duration;

use alpacalert::instrument::{Params, SensorConstant, Value};
use alpacalert::model::State;
use alpacalert_testkit::Nginx;

use engine::{Load, Measured};

/// How long each rate is measured, after a warm-up.
const MEASURE: Duration = Duration::from_secs(10);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|word| word == "silent") {
        return silent::serve();
    }
    let wanted: Vec<&str> = arguments
        .iter()
        .map(String::as_str)
        .filter(|word| !word.starts_with('-'))
        .collect();
    let runs: [(&str, fn()); 7] = [
        ("constant", constant),
        ("http", http),
        ("keep-alive", keep_alive),
        ("tcp", tcp),
        ("exec", exec),
        ("memory", memory),
        ("hung", hung::run),
    ];
    for (name, run) in runs {
        if wanted.is_empty() || wanted.contains(&name) {
            println!("\n== {name}");
            run();
        }
    }
}

/// P1: sensors that say the same, every second.
fn constant() {
    for (sensors, interval) in [(100_000, 1000), (100_000, 400)] {
        let mut load = Load::new(Duration::from_millis(interval));
        for _ in 0..sensors {
            load.sensor(SensorConstant::from(State::Passing));
        }
        let offered = sensors as f64 * 1000.0 / interval as f64;
        report(
            &format!("constant, {sensors} every {interval} ms"),
            offered,
            &load.run(MEASURE),
        );
    }
}

/// P2: a connection per check to a local nginx, beside wrk with a connection per request.
fn http() {
    let Some(nginx) = nginx() else { return };
    ceiling::wrk(&nginx.url("/"), ceiling::Connections::Fresh);
    for sensors in [2_000, 10_000] {
        let Some(load) = load_of("http", sensors, |n| {
            Params::new().with_text("url", nginx.url(&format!("/?{n}")))
        }) else {
            return;
        };
        report(
            &format!("http, {sensors} every second"),
            sensors as f64,
            &load.run(MEASURE),
        );
    }
}

/// The second half of P2: connections that are kept for the next check, beside wrk that keeps its own.
fn keep_alive() {
    let Some(nginx) = Nginx::start("keepalive_requests 1000000; location / { return 200 ok; }")
    else {
        return;
    };
    ceiling::wrk(&nginx.url("/"), ceiling::Connections::Kept);
    // Half a thousand connections is what a worker of nginx takes unless told otherwise.
    let (sensors, interval) = (400, Duration::from_millis(20));
    let Some(mut load) = load_of("http", sensors, |n| {
        Params::new()
            .with_text("url", nginx.url(&format!("/?{n}")))
            .with("keep_alive", Value::Bool(true))
    }) else {
        return;
    };
    load.interval(interval);
    report(
        &format!("http, connections kept, {sensors} every {interval:?}"),
        sensors as f64 / interval.as_secs_f64(),
        &load.run(MEASURE),
    );
}

/// P3: TCP connections to the same nginx, beside a loop that does nothing but connect.
fn tcp() {
    let Some(nginx) = nginx() else { return };
    ceiling::connect(nginx.address());
    for sensors in [2_000, 15_000] {
        let Some(load) = load_of("tcp", sensors, |_| {
            Params::new().with_text("address", nginx.address().to_string())
        }) else {
            return;
        };
        report(
            &format!("tcp, {sensors} every second"),
            sensors as f64,
            &load.run(MEASURE),
        );
    }
}

/// P4: processes, beside a loop that does nothing but spawn and wait.
fn exec() {
    ceiling::spawn();
    for sensors in [200, 2_000] {
        let Some(load) = load_of("exec", sensors, |_| {
            let command = vec![Value::Text("/bin/true".into())];
            Params::new().with("command", Value::List(command))
        }) else {
            return;
        };
        report(
            &format!("exec, {sensors} every second"),
            sensors as f64,
            &load.run(MEASURE),
        );
    }
}

/// 10,000 HTTP sensors in one instance.
fn memory() {
    let Some(nginx) = nginx() else { return };
    let before = cpu::resident_mib();
    let Some(mut load) = load_of("http", 10_000, |n| {
        Params::new().with_text("url", nginx.url(&format!("/?{n}")))
    }) else {
        return;
    };
    load.interval(Duration::from_secs(10));
    let measured = load.run(Duration::from_secs(20));
    println!(
        "memory, 10000 http every 10 s: {:.0} MiB resident with them, {before:.0} MiB before (target: 150 MB)",
        measured.resident_mib
    );
    report("memory, 10000 http every 10 s", 1_000.0, &measured);
}

fn nginx() -> Option<Nginx> {
    Nginx::start("location / { return 200 ok; }")
}

fn load_of(word: &str, sensors: usize, params: impl Fn(usize) -> Params) -> Option<Load> {
    let mut load = Load::new(Duration::from_secs(1));
    for n in 0..sensors {
        if !load.thing(word, params(n)) {
            println!("skipped: there is no `{word}` sensor");
            return None;
        }
    }
    Some(load)
}

fn report(what: &str, offered: f64, measured: &Measured) {
    let Measured {
        rate,
        cores,
        stats,
        resident_mib,
        not_passing,
    } = measured;
    println!(
        "{what}: {rate:.0}/s ({:.2} % of {offered:.0}/s), {cores:.2} cores, {:.0}/s/core, lateness p50 {:.1} ms p99 {:.1} ms, \
         {resident_mib:.0} MiB, {not_passing} not passing, {} waiting",
        100.0 * rate / offered,
        rate / cores,
        stats.lateness_p50.as_secs_f64() * 1000.0,
        stats.lateness_p99.as_secs_f64() * 1000.0,
        stats.waiting,
    );
}
