use std::sync::Arc;
use std::time::{Duration, Instant};

use alpacalert_instrument::{Params, State, Value};
use alpacalert_testkit::{Authority, Hostile, Lifetime, Nginx, Trick};

use super::super::Probe;
use super::{HTTP, http};

const CONCURRENT: usize = 64;
const LENGTH: Duration = Duration::from_secs(5);

/// The processor time that this process has used, user and system.
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat
        .rsplit_once(')')
        .unwrap()
        .1
        .split_whitespace()
        .collect();
    // In ticks of a hundredth of a second: proc_pid_stat(5), fields 14 and 15.
    let ticks = |field: usize| fields[field].parse::<u64>().unwrap();
    Duration::from_millis(10 * (ticks(11) + ticks(12)))
}

/// `cargo test --release -p alpacalert-instruments --test it rate -- --ignored --nocapture`
#[test]
#[ignore = "measures the rate of checks, which says something with optimisation only"]
#[allow(clippy::print_stdout, reason = "tells what was measured")]
fn the_rate_of_http_checks_on_one_core() {
    let Some(nginx) = Nginx::start("keepalive_requests 1000000; location / { return 200 ok; }")
    else {
        return;
    };
    for keep_alive in [false, true] {
        let params = http(nginx.url("/")).with("keep_alive", Value::Bool(keep_alive));
        let registry = alpacalert_instruments::registry();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let (begun, before) = (Instant::now(), processor_time());
        let done = runtime.block_on(async {
            let mut tasks = tokio::task::JoinSet::new();
            for _ in 0..CONCURRENT {
                let probe = Arc::new(Probe::of(&registry, HTTP, params.clone()));
                tasks.spawn(async move {
                    let mut done = 0_u32;
                    while begun.elapsed() < LENGTH {
                        let seen = probe.look().await;
                        assert_eq!(seen.state, State::Passing, "{seen:#?}");
                        done += 1;
                    }
                    done
                });
            }
            tasks.join_all().await.into_iter().sum::<u32>()
        });
        let (took, used) = (begun.elapsed(), processor_time() - before);
        println!(
            "keep_alive {keep_alive}: {:.0} checks/s, {:.0} checks/s per core used, {:.2} cores",
            f64::from(done) / took.as_secs_f64(),
            f64::from(done) / used.as_secs_f64(),
            used.as_secs_f64() / took.as_secs_f64(),
        );
    }
}

/// The resident memory of this process, in bytes.
pub(super) fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = status.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}

/// As above, but each by its name: memory that one has freed would hide what the next one takes.
#[tokio::test]
#[ignore = "measures memory, in a process of its own"]
async fn the_memory_of_checks_that_hang_in_http() {
    let silent = Hostile::start(Trick::Silent).await;
    // `ulimit -n` must allow two files for each. The server's half is in this process too: a task with a buffer of 4 KiB.
    hang("in HTTP", 4_000, &http(silent.url())).await;
}

#[tokio::test]
#[ignore = "measures memory, in a process of its own"]
async fn the_memory_of_checks_that_hang_in_the_handshake() {
    let silent = Hostile::start(Trick::Silent).await;
    let url = format!("https://{}/", silent.address());
    hang("in the handshake", 4_000, &http(url)).await;
}

#[tokio::test]
#[ignore = "measures memory, in a process of its own"]
async fn the_memory_of_checks_that_hang_over_tls() {
    hang_over_tls("1.1").await;
}

#[tokio::test]
#[ignore = "measures memory, in a process of its own"]
async fn the_memory_of_checks_that_hang_in_http_2() {
    hang_over_tls("2").await;
}

async fn hang_over_tls(version: &str) {
    let silent = Hostile::start(Trick::Silent).await;
    let ca = Authority::new("test");
    let passing = format!("location / {{ proxy_pass {}; }}", silent.url());
    let certificate = ca.issue(&["localhost"], Lifetime::LONG);
    let Some(nginx) = Nginx::start_tls(&certificate, &passing) else {
        return;
    };
    let params = http(nginx.url_tls("/"))
        .with_text("ca", ca.root().display().to_string())
        .with_text("version", version);
    hang(&format!("in HTTP {version} over TLS"), 1_000, &params).await;
}

#[allow(clippy::print_stdout, reason = "tells what was measured")]
async fn hang(place: &str, count: u64, params: &Params) {
    let registry = alpacalert_instruments::registry();
    let probe = || Probe::of(&registry, HTTP, params.clone()).within(Duration::from_secs(8));
    // What is paid once, such as the certificates that this machine trusts, is not what is measured.
    drop(tokio::time::timeout(Duration::from_millis(500), probe().look()).await);
    let start = resident();
    let probes: Vec<Probe> = (0..count).map(|_| probe()).collect();
    let before = resident();
    let mut tasks = tokio::task::JoinSet::new();
    for probe in probes {
        tasks.spawn(async move { probe.look().await.reason.to_string() });
    }
    tokio::time::sleep(Duration::from_secs(6)).await;
    let during = resident();
    let reasons = tasks.join_all().await;
    assert!(reasons.iter().all(|reason| reason == "timeout"), "{place}");
    println!(
        "a check that hangs {place}: {} bytes, beside {} of its sensor",
        during.saturating_sub(before) / count,
        before.saturating_sub(start) / count
    );
}
