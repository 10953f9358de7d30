//! Ending and beginning again, and configurations that change on the way.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;

use crate::program::{Ports, folder, run};
use crate::serve::{Daemon, get_with, serve};

const PATIENCE: Duration = Duration::from_secs(20);

/// Overrides how often it is ended and begun again.
const RESTARTS: &str = "ALPACALERT_RESTARTS";

fn number(variable: &str, usual: u64) -> u64 {
    let given = std::env::var(variable).ok();
    given.and_then(|given| given.parse().ok()).unwrap_or(usual)
}

/// Hundreds of targets that never answer, programs that never end, and one file that is there.
fn overloaded(port: u16) -> String {
    let mut text = String::from(
        "instance: here\ndefaults: { interval: 1s, timeout: 2m }\nservices:\n  well: { public: true, requires: [ { file: { path: / } } ] }\n  hung:\n    all:\n",
    );
    for n in 0..500 {
        text += &format!("      - http: {{ url: 'http://127.0.0.1:{port}/{n}' }}\n");
    }
    for n in 0..20 {
        text += &format!("      - exec: {{ command: [/bin/sleep, '12{n}'] }}\n");
    }
    text
}

/// Ends those who ask, whether the test goes well or not.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs something while everything hangs and readers read too slowly or as fast as they can.
fn under_overload(then: impl FnOnce(Daemon)) {
    let ports = Ports::new();
    let folder = folder(&overloaded(ports.open));
    let daemon = serve(&["-c", folder.path().to_str().expect("UTF-8")]);
    daemon.until("/api/v1/services/well", PATIENCE, |well| {
        well["state"] == "passing"
    });
    daemon.until("/api/v1/instance", PATIENCE, |report| {
        report["lateness_p99"].is_number()
    });
    let address = daemon.address.clone();
    let (stop, asked) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        let _ends = Ends(&stop);
        let mut silent = Vec::new();
        for path in ["/api/v1/events", "/api/v1/stream"] {
            for _ in 0..25 {
                let mut stream = TcpStream::connect(&address).expect("it listens");
                let asked = write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n");
                asked.expect("it can be asked");
                silent.push(stream);
            }
        }
        for _ in 0..4 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let Ok(mut stream) = TcpStream::connect(&address) else {
                        std::thread::sleep(Duration::from_millis(20));
                        continue;
                    };
                    let _ = stream.set_read_timeout(Some(Duration::from_secs(1)));
                    let _ = write!(
                        stream,
                        "GET /api/v1/nodes HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
                    );
                    let mut answer = Vec::new();
                    if stream.read_to_end(&mut answer).is_ok() {
                        asked.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
        std::thread::sleep(Duration::from_secs(2));
        then(daemon);
        drop(silent);
    });
    assert!(asked.load(Ordering::Relaxed) > 0, "nobody was answered");
}

#[test]
fn it_ends_within_five_seconds_however_much_hangs() {
    under_overload(|daemon| {
        let begun = Instant::now();
        daemon.started.signal(Signal::TERM);
        let (status, said) = daemon.started.ended(Duration::from_secs(5));
        assert_eq!(status.code(), Some(0), "{said}");
        // What hangs is waited for a while: else this would show nothing.
        assert!(begun.elapsed() > Duration::from_secs(1));
    });
}

#[test]
fn a_second_signal_ends_it_at_once() {
    under_overload(|daemon| {
        daemon.started.signal(Signal::TERM);
        std::thread::sleep(Duration::from_millis(200));
        let begun = Instant::now();
        daemon.started.signal(Signal::TERM);
        let (status, said) = daemon.started.ended(Duration::from_secs(1));
        assert_eq!(status.code(), Some(130), "{said}");
        assert!(begun.elapsed() < Duration::from_secs(1));
    });
}

fn is(state: &str) -> impl Fn(&Value) -> bool + '_ {
    move |value| value["state"] == state
}

/// Makes the file be there or not, and says the state that follows.
fn turn(file: &Path, is_there: bool) -> &'static str {
    match is_there {
        true => std::fs::write(file, "").expect("a file"),
        false => std::fs::remove_file(file).expect("it was there"),
    }
    if is_there { "passing" } else { "failing" }
}

#[test]
fn over_many_restarts_no_change_is_lost_or_told_twice() {
    let folder = folder("");
    let watched = folder.path().join("watched");
    let file = folder.path().join("alpacalert.yaml");
    let text = format!(
        "instance: here\ndefaults: {{ interval: 100ms }}\nservices:\n  first:\n    requires:\n      - file: {{ path: {} }}\n",
        watched.display()
    );
    std::fs::write(&file, text).expect("a file");
    let state = folder.path().join("state");
    let arguments = [
        "-c",
        file.to_str().expect("UTF-8"),
        "--state",
        state.to_str().expect("UTF-8"),
    ];
    let mut is_there = true;
    let mut now = turn(&watched, is_there);
    let mut expected = vec![now];
    for round in 0..number(RESTARTS, 10) {
        let daemon = serve(&arguments);
        daemon.until("/api/v1/services/first", PATIENCE, is(now));
        is_there = !is_there;
        now = turn(&watched, is_there);
        expected.push(now);
        // As soon as it was told it counts.
        daemon.until("/api/v1/services/first", PATIENCE, is(now));
        daemon.started.signal(Signal::TERM);
        daemon.started.ended(Duration::from_secs(5));
        // Sometimes it changes while nobody looks.
        if round % 3 == 0 {
            is_there = !is_there;
            now = turn(&watched, is_there);
            expected.push(now);
        }
    }
    let daemon = serve(&arguments);
    daemon.until("/api/v1/services/first", PATIENCE, is(now));
    let path = "/api/v1/transitions?node=first&limit=1000";
    let told = daemon.until(path, PATIENCE, |told| told["transitions"][0]["to"] == now);
    let told = told["transitions"].as_array().expect("a list");
    let states: Vec<&str> = told
        .iter()
        .rev()
        .filter_map(|told| told["to"].as_str())
        .collect();
    assert_eq!(states, expected, "{told:#?}");
    for pair in told.windows(2) {
        assert_eq!(pair[0]["from"], pair[1]["to"], "{pair:#?}");
    }
}

/// What stands before it is never changed, so that one service is the same in each.
const TAIL: &str = "  two:
    title: another
    any:
      - file: { path: /not/there }
      - file: { path: /, interval: 300ms }
  three:
    public: true
    requires:
      - two
      - process: { name: init }
    optional:
      - tcp: { address: '127.0.0.1:1' }
";

fn mutant(rng: &mut fastrand::Rng) -> String {
    let mut lines: Vec<String> = TAIL.lines().map(str::to_owned).collect();
    for _ in 0..rng.u8(1..3) {
        let at = rng.usize(..lines.len());
        match rng.u8(0..6) {
            0 => drop(lines.remove(at)),
            1 => lines.insert(at, lines[at].clone()),
            2 => lines[at] = lines[at].replace("two", "four"),
            3 => {
                lines[at] = lines[at]
                    .replace("any:", "all:")
                    .replace("another", "a name")
            }
            4 => lines[at].insert(0, ' '),
            _ => {
                let strange = ['[', '}', ':', '"', '\t', '&'];
                lines[at].push(strange[rng.usize(..strange.len())]);
            }
        }
    }
    lines.join("\n")
}

#[test]
fn whatever_becomes_of_the_file_it_is_in_force_or_told_to_be_wrong() {
    let folder = folder("");
    let file = folder.path().join("alpacalert.yaml");
    let path = file.to_str().expect("UTF-8");
    let write = |tail: &str| {
        let text = format!(
            "instance: here\ndefaults: {{ interval: 200ms }}\nservices:\n  stays: {{ requires: [ {{ file: {{ path: / }} }} ] }}\n{tail}"
        );
        std::fs::write(&file, text).expect("a file");
    };
    write(TAIL);
    let daemon = serve(&["-c", path]);
    let stays = "/api/v1/services/stays";
    let first = daemon.until(stays, PATIENCE, is("passing"));
    let (mut taken, mut refused) = (0, 0);
    for seed in 0..number("ALPACALERT_MUTANTS", 20).min(200) {
        let before = daemon.json("/api/v1/instance")["config"].clone();
        let text = mutant(&mut fastrand::Rng::with_seed(seed));
        write(&text);
        let is_right = run(&["validate", "-c", path]).code == 0;
        daemon.started.signal(Signal::HUP);
        let report = daemon.until("/api/v1/instance", PATIENCE, |report| {
            let config = &report["config"];
            match is_right {
                true => {
                    config["reloads"].as_u64() > before["reloads"].as_u64()
                        && config["rejected"].is_null()
                }
                false => !config["rejected"].is_null() && config["rejected"] != before["rejected"],
            }
        });
        let (_, metrics) = get_with(&daemon.address, "/metrics", &daemon.address, "");
        let told = format!("alpacalert_config_rejected {}\n", u8::from(!is_right));
        assert!(metrics.contains(&told), "seed {seed}: {text}\n{metrics}");
        match is_right {
            true => taken += 1,
            false => {
                refused += 1;
                let problem = report["config"]["rejected"]["problem"].as_str();
                assert!(
                    problem.is_some_and(|problem| problem.contains("alpacalert.yaml:")),
                    "{report:#}"
                );
                assert_eq!(
                    report["config"]["reloads"], before["reloads"],
                    "seed {seed}: {text}"
                );
            }
        }
        let now = daemon.json(stays);
        assert_eq!(
            (&now["state"], &now["since"]),
            (&first["state"], &first["since"]),
            "seed {seed}: {text}"
        );
    }
    assert!(
        taken > 2 && refused > 2,
        "{taken} were right, {refused} wrong"
    );
    let told = daemon.json("/api/v1/transitions?node=stays");
    assert_eq!(
        told["transitions"].as_array().map(Vec::len),
        Some(1),
        "{told:#}"
    );
}
