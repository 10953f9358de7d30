//! How long it takes until another configuration is in force, from its text on: read, proven, built, applied; and how long the
//! first one took.
//!
//! `cargo bench -p alpacalert --bench reload`; `ALPACALERT_BENCH_NODES` sets how many nodes, 100,000 unless given.

#![expect(clippy::print_stdout, reason = "figures are what it is for")]

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use alpacalert::config::load;
use alpacalert::instrument::{
    BoxFuture, Class, Context, Field, KindSpec, Registry, Scope, Sensor, SensorError, Shape, Target,
};
use alpacalert::model::{Graph, Kind, Observation};
use alpacalert::{Monitor, Running, Settings};

/// That of the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Members of a system, and with it the share of what changes: one of each hundred.
const MEMBERS: usize = 100;

struct Constant;

impl Sensor for Constant {
    fn measure<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Observation, SensorError>> {
        Box::pin(async { Ok(Observation::passing(cx.now())) })
    }

    fn class(&self) -> Class {
        Class::Local
    }
}

fn registry() -> Registry {
    let mut spec = KindSpec::new(Kind::of("example.org/Probe"), "a thing that is well");
    spec.alias = Some("probe");
    spec.fields = vec![Field::required("name", Shape::Text, "which")];
    spec.reference = &["name"];
    let mut registry = Registry::new();
    registry.register_kind(spec, |_: &Target, scope: &mut Scope<'_, '_>| {
        scope.sensor(Constant);
        Ok(())
    });
    registry
}

/// Systems of a hundred sensors each, in services of a hundred systems; in each system one sensor has another name each time.
fn text(nodes: usize, round: usize) -> String {
    let mut text =
        String::from("instance: bench\nowner: us\ndefaults: { interval: 1m }\nsystems:\n");
    let systems = nodes / MEMBERS;
    for system in 0..systems {
        let _ = writeln!(text, "  y{system}:\n    all:");
        for member in 0..MEMBERS {
            let sensor = system * MEMBERS + member;
            let name = match member == round % MEMBERS {
                true => format!("new {round} {sensor}"),
                false => format!("p{sensor}"),
            };
            let _ = writeln!(text, "      - probe: {{ name: {name} }}");
        }
    }
    text.push_str("services:\n");
    for service in 0..systems.div_ceil(MEMBERS) {
        let _ = writeln!(text, "  s{service}:\n    requires:");
        for system in (service * MEMBERS..systems).take(MEMBERS) {
            let _ = writeln!(text, "      - y{system}");
        }
    }
    text
}

/// How long each step took: reading and proving, and building.
fn built(path: &Path) -> (Monitor, Duration, Duration) {
    let begun = Instant::now();
    let registry = registry();
    let loaded =
        load(path, &registry).unwrap_or_else(|problems| panic!("{}", problems.render(false)));
    let (plan, _) = loaded
        .resolve(&|_| None)
        .unwrap_or_else(|problems| panic!("{}", problems.render(false)));
    let read = begun.elapsed();
    let monitor = Monitor::build(&plan, registry, Settings::default())
        .unwrap_or_else(|problems| panic!("{problems}"));
    (monitor, read, begun.elapsed() - read)
}

async fn nodes(running: &Running) -> usize {
    let counted = running.query(|graph: &Graph| graph.len()).await;
    counted.expect("the engine runs")
}

/// Now, and at most.
fn resident() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let lines = status
        .lines()
        .filter(|line| line.starts_with("VmRSS") || line.starts_with("VmHWM"));
    let words: Vec<String> = lines
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    words.join(", ")
}

fn milliseconds(of: Duration) -> f64 {
    of.as_secs_f64() * 1e3
}

fn main() {
    // Cargo passes `--bench`, and tests pass other things.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let asked = std::env::var("ALPACALERT_BENCH_NODES").ok();
    let wanted = asked.map_or(100_000, |asked| asked.parse().expect("a number"));
    let folder = alpacalert_testkit::temp_dir();
    let path = folder.path().join("alpacalert.yaml");
    let write =
        |round| std::fs::write(&path, text(wanted, round)).expect("the file can be written");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        write(0);
        let begun = Instant::now();
        let (monitor, read, build) = built(&path);
        let running = monitor.start();
        let count = nodes(&running).await;
        println!(
            "{count} nodes: started in {:.0} ms (read and proven {:.0}, built {:.0})",
            milliseconds(begun.elapsed()),
            milliseconds(read),
            milliseconds(build)
        );
        let mut totals = Vec::new();
        for round in 1..=9 {
            write(round);
            let begun = Instant::now();
            let (monitor, read, build) = built(&path);
            let applying = Instant::now();
            assert!(running.reload(monitor).await, "the engine runs");
            let (applied, total) = (applying.elapsed(), begun.elapsed());
            assert_eq!(nodes(&running).await, count);
            println!(
                "1 % changed: in force after {:.0} ms (read and proven {:.0}, built {:.0}, applied {:.0}, which is how long the engine stood still)",
                milliseconds(total),
                milliseconds(read),
                milliseconds(build),
                milliseconds(applied)
            );
            totals.push(total);
        }
        totals.sort();
        println!(
            "median {:.0} ms, the longest {:.0} ms; resident: {}",
            milliseconds(totals[totals.len() / 2]),
            milliseconds(totals[totals.len() - 1]),
            resident()
        );
        running.shutdown().await;
    });
}
