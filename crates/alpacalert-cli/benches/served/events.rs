//! P5: from a transition to those who read events, a thousand of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use alpacalert::model::Timestamp;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::instance::{self, Instance};

const READERS: usize = 1000;

/// How often the state changes.
const FLIPS: usize = 60;

/// Eight systems above one another, below a service, beside all the nodes of the sources.
fn configuration() -> String {
    let (configuration, last) = instance::configuration();
    let mut text = format!("{configuration}systems:\n");
    for level in 1..8 {
        text += &format!("  level-{level}: {{ all: [ level-{} ] }}\n", level - 1);
    }
    text +=
        "  level-0: { all: [ { push: { name: flip, expires: 1h, token: secret-of-flip } } ] }\n";
    text += &format!(
        "services:\n  top: {{ requires: [ level-7, {{ find: {{ source: {last}, path: '*' }} }} ] }}\n"
    );
    text
}

pub(crate) fn bench() {
    let count = instance::nodes();
    let instance = Instance::start(&configuration(), |folder| {
        instance::sources(folder, count, 0);
    });
    instance.until_nodes(count);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(run(&instance, count));
}

async fn run(instance: &Instance, count: usize) {
    push(instance.port, "passing").await;
    let (sender, mut seen) = mpsc::unbounded_channel();
    let ready = Arc::new(AtomicUsize::new(0));
    for _ in 0..READERS {
        let (sender, ready, port) = (sender.clone(), ready.clone(), instance.port);
        tokio::spawn(async move { read(port, &ready, &sender).await });
    }
    let begun = Instant::now();
    while ready.load(Ordering::Relaxed) < READERS {
        assert!(begun.elapsed() < Duration::from_secs(60), "all can read");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let before = instance.seconds();
    let (mut each, mut last, mut posted) = (Vec::new(), Vec::new(), Vec::new());
    for flip in 0..FLIPS {
        let state = if flip % 2 == 0 { "failing" } else { "passing" };
        let begun = Instant::now();
        push(instance.port, state).await;
        let mut worst = 0.0_f64;
        for _ in 0..READERS {
            let news = tokio::time::timeout(Duration::from_secs(10), seen.recv()).await;
            let took: f64 = news.expect("every reader is told").expect("they read");
            each.push(took);
            worst = worst.max(took);
        }
        last.push(worst);
        posted.push(begun.elapsed().as_secs_f64() * 1e3);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let used = (instance.seconds() - before) / FLIPS as f64 * 1e3;
    let of = |times: &mut Vec<f64>, share: f64| {
        times.sort_by(f64::total_cmp);
        times[((times.len() - 1) as f64 * share) as usize]
    };
    println!(
        "{count} nodes, depth 8, {READERS} readers, {FLIPS} changes: from the transition of the service to a reader p50 {:.1} ms, p99 {:.1} ms; \
         to the last of all readers p50 {:.1} ms, worst {:.1} ms; from the report to the last reader p50 {:.1} ms; {used:.1} ms of a \
         processor a change; {:.0} MiB resident",
        of(&mut each, 0.5),
        of(&mut each, 0.99),
        of(&mut last, 0.5),
        of(&mut last, 1.0),
        of(&mut posted, 0.5),
        instance.resident_mib(),
    );
}

async fn push(port: u16, state: &str) {
    let mut stream = TcpStream::connect(("127.0.0.1", port))
        .await
        .expect("it listens");
    let body = "as the benchmark wants it";
    let request = format!(
        "POST /api/v1/push/flip?state={state} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer secret-of-flip\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    stream
        .write_all(request.as_bytes())
        .await
        .expect("it can be told");
    let mut answer = String::new();
    BufReader::new(stream)
        .read_line(&mut answer)
        .await
        .expect("it answers");
    assert!(answer.starts_with("HTTP/1.1 2"), "{answer}");
}

/// Reads events, and tells how many milliseconds each change of the service was old when it was read.
async fn read(port: u16, ready: &AtomicUsize, seen: &mpsc::UnboundedSender<f64>) {
    let mut stream = TcpStream::connect(("127.0.0.1", port))
        .await
        .expect("it listens");
    let request = "GET /api/v1/events?services=true HTTP/1.1\r\nHost: localhost\r\n\r\n";
    stream
        .write_all(request.as_bytes())
        .await
        .expect("it can be asked");
    let mut lines = BufReader::new(stream).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if line.starts_with("event: hello") || line.starts_with("event:hello") {
            ready.fetch_add(1, Ordering::Relaxed);
        }
        let Some(data) = line.strip_prefix("data:") else {
            continue;
        };
        let Ok(change) = serde_json::from_str::<serde_json::Value>(data) else {
            continue;
        };
        let is_top = change["node"]
            .as_str()
            .is_some_and(|node| node.ends_with("/top"));
        let at = change["at"]
            .as_str()
            .and_then(|at| at.parse::<Timestamp>().ok());
        if let (true, Some(at)) = (is_top, at) {
            let old = Timestamp::now().duration_since(at).as_secs_f64() * 1e3;
            if seen.send(old).is_err() {
                return;
            }
        }
    }
}
