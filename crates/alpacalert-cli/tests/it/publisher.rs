//! An instance whose publisher is hostile: whatever it sends, it is bounded, believed no more than it should be, and nobody
//! else's business suffers.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use alpacalert::model::Timestamp;
use serde_json::json;

use crate::program::folder;
use crate::serve::{Daemon, serve};

/// What it answers from now on.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Trick {
    /// The queue is in this state, as of that many seconds ago.
    Says(&'static str, i64),
    Garbage,
    NotHttp,
    Nested,
    /// A gigabyte, as one service's sentence.
    Endless,
    /// A million services.
    Million,
    /// A head that never ends.
    Head,
    OtherVersion,
    /// It says that it is one of our own services, and one of another source.
    Impostor,
    Silent,
}

fn list(state: &str, ago: i64, names: &[&str]) -> String {
    let at = Timestamp::now() - Duration::from_secs(ago.unsigned_abs());
    let services: Vec<_> = names
        .iter()
        .map(|name| {
            json!({
                "version": 1, "instance": "infra", "service": name, "title": "Queue", "state": state, "since": at, "owner": "them",
                "public": true, "sentence": "it is so", "causes": [], "generated_at": at, "ttl": 30, "via": [],
            })
        })
        .collect();
    json!({ "version": 1, "instance": "infra", "generated_at": at, "services": services })
        .to_string()
}

fn answer(stream: &mut TcpStream, trick: Trick) -> std::io::Result<()> {
    let mut asked = [0; 8192];
    let read = stream.read(&mut asked)?;
    let asked = String::from_utf8_lossy(&asked[..read]).into_owned();
    // There is no stream of changes here: what is asked is the list.
    if !asked.starts_with("GET /api/v1/services ") {
        return stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    }
    let mut whole = |body: &str| {
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes())?;
        stream.write_all(body.as_bytes())
    };
    match trick {
        Trick::Says(state, ago) => whole(&list(state, ago, &["message-queue"])),
        Trick::Garbage => whole("\u{0}{\"version\": 1, \"services\": [{]}"),
        Trick::Nested => whole(&"[".repeat(500_000)),
        Trick::OtherVersion => whole(
            &list("passing", 0, &["message-queue"]).replace("\"version\":1", "\"version\":999"),
        ),
        Trick::Impostor => whole(&list(
            "failing",
            0,
            &[
                "own",
                "local/alpacalert.io/Service/own",
                "../own",
                "hosting/own",
            ],
        )),
        Trick::NotHttp => stream.write_all(&[0xff; 4096]),
        Trick::Silent => {
            std::thread::sleep(Duration::from_secs(30));
            Ok(())
        }
        Trick::Head => {
            stream.write_all(b"HTTP/1.1 200 OK\r\n")?;
            loop {
                stream.write_all(&[b'x'; 8192])?;
            }
        }
        Trick::Endless => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1073741824\r\n\r\n")?;
            stream.write_all(
                b"{\"version\":1,\"instance\":\"infra\",\"services\":[{\"sentence\":\"",
            )?;
            for _ in 0..16_384 {
                stream.write_all(&[b'x'; 65_536])?;
            }
            Ok(())
        }
        Trick::Million => {
            stream.write_all(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n",
            )?;
            let at = Timestamp::now();
            write!(
                stream,
                "{{\"version\":1,\"instance\":\"infra\",\"generated_at\":\"{at}\",\"services\":["
            )?;
            for number in 0..1_000_000 {
                let comma = if number == 0 { "" } else { "," };
                write!(
                    stream,
                    "{comma}{{\"version\":1,\"service\":\"s{number}\",\"state\":\"passing\"}}"
                )?;
            }
            stream.write_all(b"]}")
        }
    }
}

fn publisher() -> (u16, Arc<Mutex<Trick>>) {
    let trick = Arc::new(Mutex::new(Trick::Says("passing", 0)));
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let now = trick.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let trick = *now.lock().expect("a trick");
            std::thread::spawn(move || {
                let _ = stream.set_write_timeout(Some(Duration::from_secs(10)));
                // Whom we play a trick on may hang up.
                let _ = answer(&mut stream, trick);
            });
        }
    });
    (port, trick)
}

/// How much memory the program has, in MiB.
fn memory(daemon: &Daemon) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", daemon.started.id()));
    let status = status.expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.expect("a number") / 1024
}

const QUEUE: &str = "/api/v1/services/queue";

#[test]
fn a_hostile_publisher_is_bounded_and_alone() {
    let (port, trick) = publisher();
    let folder = folder(&format!(
        "instance: here\ndefaults: {{ interval: 200ms }}\n\
         sources:\n  infra: {{ alpacalert: {{ url: 'http://127.0.0.1:{port}' }}, interval: 200ms, timeout: 2s }}\n\
         services:\n  queue: {{ requires: [ {{ service: infra/message-queue }} ] }}\n  own: {{ requires: [ {{ file: {{ path: / }} }} ] }}\n"
    ));
    let daemon = serve(&["-c", folder.path().to_str().expect("UTF-8")]);
    let patience = Duration::from_secs(60);
    let becomes = |state: &str| daemon.until(QUEUE, patience, |queue| queue["state"] == state);
    becomes("passing");
    let before = memory(&daemon);
    for hostile in [
        Trick::Garbage,
        Trick::NotHttp,
        Trick::Nested,
        Trick::Endless,
        Trick::Million,
        Trick::Head,
        Trick::OtherVersion,
        Trick::Impostor,
        Trick::Silent,
    ] {
        *trick.lock().expect("a trick") = hostile;
        let unknown = becomes("unknown");
        let sentence = unknown["sentence"].as_str().expect("a sentence");
        assert!(sentence.len() < 1000, "{hostile:?}: {sentence}");
        // Everybody else goes on.
        let start = Instant::now();
        let own = daemon.json("/api/v1/services/own");
        assert_eq!(own["state"], "passing", "{hostile:?}");
        assert!(start.elapsed() < Duration::from_secs(1), "{hostile:?}");
        let nodes = daemon.json("/api/v1/nodes?limit=1");
        assert!(
            nodes["total"].as_u64().expect("a number") < 40,
            "{hostile:?}: {nodes}"
        );
        *trick.lock().expect("a trick") = Trick::Says("passing", 0);
        becomes("passing");
    }
    let more = memory(&daemon) - before;
    assert!(more < 64, "{more} MiB more than before");
}

#[test]
fn what_was_true_once_is_not_true_again() {
    let (port, trick) = publisher();
    let folder = folder(&format!(
        "instance: here\nsources:\n  infra: {{ alpacalert: {{ url: 'http://127.0.0.1:{port}' }}, interval: 200ms }}\n\
         services:\n  queue: {{ requires: [ {{ service: infra/message-queue }} ] }}\n"
    ));
    let daemon = serve(&["-c", folder.path().to_str().expect("UTF-8")]);
    let patience = Duration::from_secs(20);
    *trick.lock().expect("a trick") = Trick::Says("failing", 0);
    daemon.until(QUEUE, patience, |queue| queue["state"] == "failing");
    // Somebody in between plays back an answer from before it failed, which is young enough by itself.
    *trick.lock().expect("a trick") = Trick::Says("passing", 20);
    let end = Instant::now() + Duration::from_secs(3);
    while Instant::now() < end {
        let queue = daemon.json(QUEUE);
        assert_ne!(queue["state"], "passing", "{queue:#}");
        std::thread::sleep(Duration::from_millis(50));
    }
    *trick.lock().expect("a trick") = Trick::Says("passing", 0);
    daemon.until(QUEUE, patience, |queue| queue["state"] == "passing");
}
