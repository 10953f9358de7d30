//! P10: answers a second, beside nginx.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use alpacalert_testkit::{Nginx, require};

use crate::instance::{self, Instance};

/// How long each rate is measured.
const SECONDS: &str = "5";

/// How many nodes fail: the page of a thousand problems.
const PROBLEMS: usize = 1000;

/// That page.
const PROBLEMS_PATH: &str = "/api/v1/nodes?state=failing&limit=1000";

/// What reports while lists are asked for.
const TOKEN: &str = "7f3a90c4d1e85b26a07f3a90c4d1e85b26a0c1d2";

pub(crate) fn bench() {
    let Some(wrk) = require("wrk") else { return };
    let count = instance::nodes();
    let (configuration, last) = instance::configuration();
    let configuration = format!(
        "{configuration}services:\n  shop: {{ title: The shop, requires: [ {{ find: {{ source: {last}, path: '*' }} }} ] }}\n  \
import: {{ requires: [ {{ push: {{ name: import, expires: 1h, token: {TOKEN} }} }} ] }}\n"
    );
    let instance = Instance::start(&configuration, |folder| {
        instance::sources(folder, count, PROBLEMS);
    });
    instance.until_nodes(count);
    println!("{count} nodes, {:.0} MiB resident", instance.resident_mib());
    let node = format!("/api/v1/nodes/{last}/b.org/S/{}", count - 1);
    for (what, path, more) in [
        ("the summary of a service", "/api/v1/services/shop", ""),
        ("one node", node.as_str(), ""),
        ("1,000 problems", PROBLEMS_PATH, ""),
        (
            "the same service, known already",
            "/api/v1/services/shop",
            "etag",
        ),
        ("the same problems, known already", PROBLEMS_PATH, "etag"),
    ] {
        let (head, body) = instance.ask(&format!("GET {path} HTTP/1.1\r\n"));
        assert!(head.starts_with("HTTP/1.1 200"), "{path}: {head}");
        let header = match more {
            "etag" => {
                let etag = head.lines().find_map(|line| {
                    let (name, value) = line.split_once(": ")?;
                    name.eq_ignore_ascii_case("etag").then_some(value)
                });
                Some(format!("If-None-Match: {}", etag.expect("it has an ETag")))
            }
            _ => None,
        };
        let before = instance.seconds();
        let rate = ask(&wrk, &instance.url(path), header.as_deref());
        let used = instance.seconds() - before;
        let beside = static_file(&wrk, &body);
        println!(
            "{what} ({} bytes): {rate:.0}/s, {:.0}/s/core; nginx with a file of that size {beside:.0}/s: {:.0} %",
            body.len(),
            rate * 5.0 / used,
            100.0 * rate / beside,
        );
    }
    for per_second in [10, 100, 1000] {
        while_it_changes(&wrk, &instance, per_second);
    }
    first_byte(&instance, "/api/v1/nodes?limit=1000");
    first_byte(&instance, "/");
}

/// The page of a thousand problems while something else says something else so often: the list is made anew each time.
fn while_it_changes(wrk: &std::path::Path, instance: &Instance, per_second: u32) {
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let told = scope.spawn(|| change(instance, per_second, &stop));
        let before = instance.seconds();
        let rate = ask(wrk, &instance.url(PROBLEMS_PATH), None);
        let used = instance.seconds() - before;
        stop.store(true, Ordering::Relaxed);
        let told = told.join().expect("changes are told");
        println!(
            "1,000 problems, {:.0} changes/s: {rate:.0}/s, {:.0}/s/core",
            f64::from(told) / 5.0,
            rate * 5.0 / used
        );
    });
}

/// Reports another message so often, over one connection. Gives how many were taken.
fn change(instance: &Instance, per_second: u32, stop: &AtomicBool) -> u32 {
    let mut stream = TcpStream::connect(("127.0.0.1", instance.port)).expect("it listens");
    stream.set_nodelay(true).expect("it is a socket");
    let pause = Duration::from_secs(1) / per_second;
    let (mut next, mut told) = (Instant::now(), 0_u32);
    while !stop.load(Ordering::Relaxed) {
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
        next += pause;
        let said = format!("{told:08}");
        let request = format!(
            "POST /api/v1/push/import?state=degraded HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\
             Content-Type: text/plain\r\nContent-Length: 8\r\n\r\n{said}"
        );
        stream
            .write_all(request.as_bytes())
            .expect("it can be told");
        let mut answer = [0; 4096];
        let read = stream.read(&mut answer).expect("it answers");
        assert!(
            answer[..read].starts_with(b"HTTP/1.1 204"),
            "{}",
            String::from_utf8_lossy(&answer[..read])
        );
        told += 1;
    }
    told
}

fn ask(wrk: &std::path::Path, url: &str, header: Option<&str>) -> f64 {
    let mut command = Command::new(wrk);
    command.args(["-t1", "-c16", "-d", SECONDS]);
    if let Some(header) = header {
        command.args(["-H", header]);
    }
    let output = command.arg(url).output().expect("run wrk");
    let text = String::from_utf8_lossy(&output.stdout);
    let rate = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("Requests/sec:"));
    let rate = rate.and_then(|rate| rate.trim().parse().ok());
    rate.unwrap_or_else(|| panic!("wrk said {text}"))
}

fn static_file(wrk: &std::path::Path, body: &[u8]) -> f64 {
    let Some(nginx) = Nginx::start("keepalive_requests 1000000; location / { }") else {
        return f64::NAN;
    };
    std::fs::write(nginx.root().join("file"), body).expect("write the file");
    ask(wrk, &nginx.url("/file"), None)
}

/// The time until the first byte of an answer, over a new connection.
fn first_byte(instance: &Instance, path: &str) {
    let mut times: Vec<f64> = (0..15)
        .map(|_| {
            let begun = Instant::now();
            let mut stream = TcpStream::connect(("127.0.0.1", instance.port)).expect("it listens");
            let request =
                format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
            stream
                .write_all(request.as_bytes())
                .expect("it can be asked");
            stream.read_exact(&mut [0]).expect("it answers");
            let took = begun.elapsed().as_secs_f64();
            // The rest, so that the next one meets an instance that has nothing to do.
            let _ = stream.read_to_end(&mut Vec::new());
            took * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    println!(
        "{path}: first byte after {:.1} ms (median of 15; slowest {:.1} ms)",
        times[7], times[14]
    );
}
