//! How fast changes reach the disk, beside plain SQLite, and what a year of them weighs.
//!
//! `cargo bench -p alpacalert-store`; with `ALPACALERT_YEAR=1000`, a year of so many sensors too.

#![expect(clippy::print_stdout, reason = "figures are what it is for")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use alpacalert_model::{
    Blueprint, Effect, Graph, Kind, Node, NodeId, Observation, Reason, Role, ServiceInfo,
    Timestamp, Update,
};
use alpacalert_store::{Clock, Store, StoreSettings};

const SENSORS: usize = 10_000;

/// How many sensors a service stands on.
const MEMBERS: usize = 10;

fn main() {
    // Cargo passes `--bench`, and tests pass other things.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let folder = std::env::var_os("ALPACALERT_BENCH_FOLDER");
    let folder = folder.map_or_else(tempfile::tempdir, tempfile::tempdir_in);
    let folder = folder.expect("a folder");
    for round in 0..3 {
        let at = |name: &str| folder.path().join(format!("{name}{round}"));
        let plain = plain(&at("plain"), 1000);
        let sustained = sustained(&at("sustained"));
        println!(
            "plain SQLite, 1,000 rows a commit: {plain:.0} rows/s; store: {sustained:.0} changes/s ({:.2})",
            sustained / plain
        );
    }
    paced(&folder.path().join("paced"), 20_000);
    if let Ok(sensors) = std::env::var("ALPACALERT_YEAR") {
        year(
            &folder.path().join("year"),
            sensors.parse().expect("a number"),
        );
    }
}

fn id(name: String) -> NodeId {
    NodeId::new("local", Kind::of("example.org/Thing"), name)
}

/// Sensors, and services that each need ten of them and pass when any does: their state stays.
fn world(sensors: usize, now: Timestamp) -> (Graph, Vec<NodeId>) {
    let mut nodes: Vec<Node> = (0..sensors)
        .map(|n| Node::sensor(id(format!("s{n}")), format!("sensor {n}")))
        .collect();
    for service in 0..sensors / MEMBERS {
        let mut node = Node {
            role: Role::ALL,
            service: Some(ServiceInfo { public: true }),
            ..Node::sensor(
                id(format!("service{service}")),
                format!("service {service}"),
            )
        };
        for member in 0..MEMBERS {
            let member = id(format!("s{}", service * MEMBERS + member));
            node = node.member(member, Effect::Optional);
        }
        nodes.push(node);
    }
    let touched = nodes.iter().map(|node| node.id.clone()).collect();
    let mut graph = Graph::new();
    graph.apply("configuration", Blueprint { nodes }, now);
    (graph, touched)
}

/// Turns a batch of sensors over, as the engine does, and records it.
fn turn(
    graph: &mut Graph,
    store: &Store,
    ids: &[NodeId],
    first: usize,
    count: usize,
    at: Timestamp,
) {
    let updates: Vec<Update> = (first..first + count)
        .filter_map(|n| {
            let node = graph.key(&ids[n % ids.len()])?;
            let round = n / ids.len();
            let observation = match round % 2 {
                0 => Observation::failing(
                    Reason::fixed("connection-refused"),
                    format!("10.0.{}.{} refused the connection", n % 250, round % 250),
                    at,
                ),
                _ => Observation::passing(at),
            };
            Some(Update {
                node,
                confirmed: observation.state,
                observation,
            })
        })
        .collect();
    let transitions = graph.observe(updates, at);
    store.record(graph, &transitions, &[], at);
}

fn flush(store: &Store) {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let flushed = runtime.expect("a runtime").block_on(store.flush());
    flushed.expect("it is written");
}

/// Changes a second that reach the disk, for as long as it takes to write a hundred thousand.
fn sustained(folder: &Path) -> f64 {
    let store = Store::open(StoreSettings::new(folder)).expect("the store opens");
    let now = Timestamp::now();
    let (mut graph, touched) = world(SENSORS, now);
    store.record(&graph, &[], &touched, now);
    flush(&store);
    let begun = Instant::now();
    const CHANGES: usize = 100_000;
    for first in (0..CHANGES).step_by(500) {
        while store.status().queued > 20_000 {
            std::thread::sleep(Duration::from_millis(1));
        }
        turn(
            &mut graph,
            &store,
            &touched[..SENSORS],
            first,
            500,
            Timestamp::now(),
        );
    }
    flush(&store);
    let rate = CHANGES as f64 / begun.elapsed().as_secs_f64();
    assert_eq!(store.status().lost, 0);
    store.close();
    let written = rusqlite::Connection::open(folder.join("history.db"))
        .and_then(|connection| {
            connection.query_row(
                "SELECT (SELECT count(*) FROM transition) + (SELECT count(*) FROM recent)",
                [],
                |row| row.get(0),
            )
        })
        .unwrap_or(0_i64);
    assert_eq!(written, CHANGES as i64, "all of them are there");
    rate
}

/// Rows of the same size with the same two indexes, by SQLite alone.
fn plain(folder: &Path, batch: usize) -> f64 {
    std::fs::create_dir_all(folder).expect("a folder");
    let mut connection = rusqlite::Connection::open(folder.join("plain.db")).expect("a database");
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
             CREATE TABLE change (id INTEGER PRIMARY KEY, node INTEGER, at INTEGER, state INTEGER, said TEXT);
             CREATE INDEX change_node ON change (node, at);",
        )
        .expect("a table");
    const ROWS: usize = 100_000;
    let begun = Instant::now();
    for first in (0..ROWS).step_by(batch) {
        let change = connection.transaction().expect("a transaction");
        {
            let mut insert = change
                .prepare_cached(
                    "INSERT INTO change (node, at, state, said) VALUES (?1, ?2, ?3, ?4)",
                )
                .expect("a statement");
            for n in first..first + batch {
                let node = n % SENSORS;
                let said = match n / SENSORS % 2 {
                    0 => format!(
                        "10.0.{}.{} refused the connection",
                        n % 250,
                        n / SENSORS % 250
                    ),
                    _ => String::new(),
                };
                let at = 1_800_000_000_000_i64 + n as i64;
                insert
                    .execute(rusqlite::params![node as i64, at, 1, said])
                    .expect("a row");
            }
        }
        change.commit().expect("a commit");
    }
    ROWS as f64 / begun.elapsed().as_secs_f64()
}

fn quantile(times: &mut [Duration], of: f64) -> Duration {
    times.sort();
    times[((times.len() - 1) as f64 * of) as usize]
}

/// At a given rate: what recording costs whoever records, and how long until it is on the disk.
fn paced(folder: &Path, rate: usize) {
    let store = Store::open(StoreSettings::new(folder)).expect("the store opens");
    let now = Timestamp::now();
    let (mut graph, touched) = world(SENSORS, now);
    store.record(&graph, &[], &touched, now);
    flush(&store);
    let begun = Instant::now();
    let (mut calls, mut first, mut most) = (Vec::new(), 0, 0);
    const BATCH: usize = 200;
    while begun.elapsed() < Duration::from_secs(10) {
        let due = begun + Duration::from_secs_f64(first as f64 / rate as f64);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        let called = Instant::now();
        turn(
            &mut graph,
            &store,
            &touched[..SENSORS],
            first,
            BATCH,
            Timestamp::now(),
        );
        calls.push(called.elapsed());
        most = most.max(store.status().queued);
        first += BATCH;
    }
    let offered = first as f64 / begun.elapsed().as_secs_f64();
    let behind = Instant::now();
    flush(&store);
    let status = store.status();
    println!(
        "at {offered:.0} changes/s for 10 s: propagating and recording {BATCH} takes {:?} (99 of 100: {:?}); at most {most} waited, \
the last ones {:?}; {} commits, {} lost",
        quantile(&mut calls, 0.5),
        quantile(&mut calls, 0.99),
        behind.elapsed(),
        status.commits,
        status.lost
    );
}

/// A year with ten changes of each sensor a day, through the store itself.
fn year(folder: &Path, sensors: usize) {
    const DAYS: i64 = 365;
    const DAY: i64 = 24 * 60 * 60 * 1000;
    let end = Timestamp::now().as_millisecond();
    let begun = end - DAYS * DAY;
    let clock = Arc::new(AtomicI64::new(begun));
    let told = clock.clone();
    let at = |ms| Timestamp::from_millisecond(ms).expect("a time");
    let settings = StoreSettings {
        clock: Clock::new(move || at(told.load(Ordering::Relaxed))),
        stood_still: Duration::MAX,
        ..StoreSettings::new(folder)
    };
    let store = Store::open(settings).expect("the store opens");
    let (mut graph, touched) = world(sensors, at(begun));
    store.record(&graph, &[], &touched, at(begun));
    let started = Instant::now();
    let ids = &touched[..sensors];
    for round in 0..(DAYS * 10) as usize {
        let now = begun + round as i64 * (DAY / 10);
        clock.store(now, Ordering::Relaxed);
        for part in (0..sensors).step_by(500) {
            while store.status().queued > 20_000 {
                std::thread::sleep(Duration::from_millis(1));
            }
            let count = 500.min(sensors - part);
            let now = at(now + part as i64);
            turn(&mut graph, &store, ids, round * sensors + part, count, now);
        }
    }
    clock.store(end, Ordering::Relaxed);
    flush(&store);
    let rows = sensors as i64 * DAYS * 10;
    let bytes = store.status().file_bytes;
    println!(
        "a year of {sensors} sensors: {rows} changes in {:?}, {:.2} GB, {:.1} bytes each; of 10,000 sensors {:.2} GB",
        started.elapsed(),
        bytes as f64 / 1e9,
        bytes as f64 / rows as f64,
        bytes as f64 / 1e9 * 10_000.0 / sensors as f64
    );
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.expect("a runtime");
    let mut times = Vec::new();
    for n in 0..50 {
        let node = ids[n * sensors / 50].clone();
        let asked = Instant::now();
        let parts = runtime.block_on(store.uptime(node, at(end - 90 * DAY), at(end), 90));
        let parts = parts.expect("an answer");
        times.push(asked.elapsed());
        assert!(parts.iter().all(|part| part.share().is_some()));
    }
    println!(
        "uptime over 90 days in 90 parts: {:?} (99 of 100: {:?})",
        quantile(&mut times, 0.5),
        quantile(&mut times, 0.99)
    );
    let asked = Instant::now();
    let past = runtime.block_on(store.graph_at(at(end - 100 * DAY)));
    let nodes = past.expect("an answer").map_or(0, |past| past.graph.len());
    println!(
        "the graph of 100 days ago: {nodes} nodes in {:?}",
        asked.elapsed()
    );
    store.close();
    let opened = Instant::now();
    let store = Store::open(StoreSettings::new(folder)).expect("the store opens");
    println!("opened again in {:?}", opened.elapsed());
    store.close();
}
