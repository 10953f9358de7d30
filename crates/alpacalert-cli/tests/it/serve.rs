//! `alpacalert serve`: the daemon, from outside.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;

use crate::program::{Started, alpacalert, folder, run};

/// A running daemon.
pub(crate) struct Daemon {
    pub(crate) started: Started,
    pub(crate) address: String,
    /// Where it remembers, unless a test says otherwise.
    _state: tempfile::TempDir,
}

/// Starts it on a free port and waits until it listens.
pub(crate) fn serve(arguments: &[&str]) -> Daemon {
    serve_on("127.0.0.1:0", arguments)
}

pub(crate) fn serve_on(listen: &str, arguments: &[&str]) -> Daemon {
    let mut all = vec!["serve", "--listen", listen];
    all.extend(arguments);
    serve_by(&mut alpacalert(&all))
}

/// Starts it as somebody prepared it, and waits until it listens.
pub(crate) fn serve_by(command: &mut Command) -> Daemon {
    let state = tempfile::tempdir().expect("a folder");
    command.env("STATE_DIRECTORY", state.path());
    let started = Started::new(command);
    let line = started.line_with("serving on http://");
    let address = line.trim_start_matches("serving on http://").to_owned();
    Daemon {
        started,
        address,
        _state: state,
    }
}

impl Daemon {
    /// The status and the body of an answer.
    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        get(&self.address, path, &self.address)
    }

    /// The status, the head and the body of the answer to any request.
    pub(crate) fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> (u16, String, String) {
        ask(&self.address, method, path, headers, body)
    }

    pub(crate) fn json(&self, path: &str) -> Value {
        let (status, body) = self.get(path);
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).expect("JSON")
    }

    /// Waits until an answer is as it should be, and gives it.
    #[track_caller]
    pub(crate) fn until(
        &self,
        path: &str,
        within: Duration,
        is_right: impl Fn(&Value) -> bool,
    ) -> Value {
        let end = Instant::now() + within;
        loop {
            let value = self.json(path);
            if is_right(&value) {
                return value;
            }
            assert!(Instant::now() < end, "not within {within:?}: {value:#}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// The status, the head and the body of the answer to any request.
pub(crate) fn ask(
    address: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> (u16, String, String) {
    let lines = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"));
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {}\r\n{}\r\n",
        address,
        body.len(),
        lines.collect::<String>()
    );
    let mut stream = TcpStream::connect(address).expect("somebody listens");
    let patience = Some(Duration::from_secs(10));
    stream.set_read_timeout(patience).expect("a time-out");
    stream.write_all(head.as_bytes()).expect("it can be asked");
    // It may refuse before it has read everything.
    let _ = stream.write_all(body);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).expect("a status");
    let status = status.parse().expect("a number");
    (status, head.to_owned(), body.to_owned())
}

fn get(address: &str, path: &str, host: &str) -> (u16, String) {
    get_with(address, path, host, "")
}

pub(crate) fn get_with(address: &str, path: &str, host: &str, headers: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).expect("somebody listens");
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .expect("a time-out");
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n"
    )
    .expect("it can be asked");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).expect("a status");
    (status.parse().expect("a number"), body.to_owned())
}

const SECONDS: Duration = Duration::from_secs(20);

/// A service that passes when the file is there.
fn one_file(name: &str, path: &std::path::Path) -> String {
    format!(
        "instance: here\ndefaults: {{ interval: 200ms }}\nservices:\n  {name}:\n    requires:\n      - file: {{ path: {} }}\n",
        path.display()
    )
}

fn is(state: &str) -> impl Fn(&Value) -> bool + '_ {
    move |value| value["state"] == state
}

#[test]
fn without_a_configuration_it_serves_this_machine() {
    let daemon = serve(&[]);
    assert_eq!(daemon.get("/livez").0, 200);
    let service = daemon.json("/api/v1/services/this-machine");
    assert_eq!(service["version"], 1);
    let (status, body) = get(&daemon.address, "/livez", "evil.example");
    assert_eq!(status, 421, "{body}");
    assert_eq!(get(&daemon.address, "/livez", "localhost:1").0, 200);
}

#[test]
fn with_access_rules_it_listens_anywhere_and_a_token_opens_it_until_it_is_taken_away() {
    let made = run(&["token", "new", "reports team", "--read", "fir*"]);
    assert_eq!(made.code, 0, "{made:?}");
    let (token, rules) = made.out.split_once("\n\n").expect("a token");
    let (_, rules) = rules.split_once("\n\n").expect("lines of a configuration");
    let folder = folder("");
    let file = folder.path().join("alpacalert.yaml");
    let services = one_file("first", folder.path());
    let write = |text: &str| std::fs::write(&file, format!("{services}{text}")).expect("a file");
    write(rules);
    let daemon = serve_on("0.0.0.0:0", &["-c", file.to_str().expect("UTF-8")]);
    let port = daemon.address.rsplit_once(':').expect("a port").1;
    let address = format!("127.0.0.1:{port}");
    let path = "/api/v1/nodes";
    let ask = |token: &str| {
        get_with(
            &address,
            path,
            &address,
            &format!("Authorization: Bearer {token}\r\n"),
        )
    };
    assert_eq!(get(&address, path, &address).0, 401);
    assert_eq!(get(&address, "/api/v1/services/first", &address).0, 404);
    let (status, nodes) = ask(token);
    assert_eq!(status, 200);
    assert!(
        nodes.contains("first") && !nodes.contains("itself"),
        "{nodes}"
    );
    assert_eq!(ask("x").0, 401);

    write("access: {}\n");
    daemon.started.signal(Signal::HUP);
    let signalled = Instant::now();
    while ask(token).0 != 401 {
        let took = signalled.elapsed();
        assert!(
            took < Duration::from_secs(1),
            "it still counts after {took:?}"
        );
    }
    // Nor can the rules be taken away while others can reach it.
    write("");
    daemon.started.signal(Signal::HUP);
    let end = Instant::now() + Duration::from_secs(1);
    while Instant::now() < end {
        assert_eq!(get(&address, path, &address).0, 401);
    }
    daemon.started.signal(Signal::TERM);
    let (_, said) = daemon.started.ended(SECONDS);
    assert!(said.contains("no access rules"), "{said}");
}

#[test]
fn a_password_is_hashed_and_never_an_argument() {
    let mut child = alpacalert(&["password", "anna"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut stdin = child.stdin.take().expect("its input");
    stdin.write_all(b"correct horse\n").expect("it reads");
    drop(stdin);
    let said = child.wait_with_output().expect("it ends");
    let rules = String::from_utf8(said.stdout).expect("text");
    assert!(!rules.contains("horse"), "{rules}");
    let folder = folder(&format!(
        "{}{rules}",
        one_file("first", std::path::Path::new("/"))
    ));
    let daemon = serve(&["-c", folder.path().to_str().expect("UTF-8")]);
    let basic = "Authorization: Basic YW5uYTpjb3JyZWN0IGhvcnNl\r\n";
    let (status, body) = get_with(&daemon.address, "/metrics", &daemon.address, basic);
    assert_eq!(status, 200, "{body}");
    assert_eq!(daemon.get("/metrics").0, 401, "rules count on loopback too");
    let short = run(&["password", "anna"]);
    assert_eq!(short.code, 64, "{short:?}");
}

#[test]
fn certificates_that_cannot_be_read_are_told_before_anything_starts() {
    let folder = folder(&format!(
        "{}serve: {{ tls: {{ certificate: no.pem, key: no.pem }} }}\n",
        one_file("first", std::path::Path::new("/"))
    ));
    let path = folder.path().to_str().expect("UTF-8");
    let said = run(&["serve", "--listen", "127.0.0.1:0", "-c", path]);
    assert_eq!(said.code, 65, "{said:?}");
    assert!(
        said.err.contains("failed to read the certificate"),
        "{said:?}"
    );
}

#[test]
fn it_refuses_to_show_everything_to_everybody() {
    let said = run(&["serve", "--listen", "0.0.0.0:0"]);
    assert_eq!(said.code, 64, "{said:?}");
    assert!(
        said.err.contains("access:\n      anonymous: services"),
        "{said:?}"
    );
}

#[test]
fn a_changed_configuration_comes_into_force_and_a_wrong_one_does_not() {
    let folder = folder("");
    let watched = folder.path().join("watched");
    std::fs::write(&watched, "").expect("a file");
    let file = folder.path().join("alpacalert.yaml");
    let write = |text: &str| std::fs::write(&file, text).expect("a file");
    write(&one_file("first", &watched));
    let daemon = serve(&["-c", file.to_str().expect("UTF-8")]);
    let first = daemon.until("/api/v1/services/first", SECONDS, is("passing"));

    let both = one_file("first", &watched)
        + &format!(
            "  second:\n    requires:\n      - file: {{ path: {}-not }}\n",
            watched.display()
        );
    write(&both);
    daemon.until("/api/v1/instance", SECONDS, |value| {
        value["config"]["reloads"] == 1
    });
    daemon.until("/api/v1/services/second", SECONDS, is("failing"));
    let after = daemon.json("/api/v1/services/first");
    assert_eq!(after["state"], "passing");
    assert_eq!(after["since"], first["since"], "what stays keeps its state");

    write("services: { broken: { requires: [ nothing ] } }\n");
    let report = daemon.until("/api/v1/instance", SECONDS, |value| {
        !value["config"]["rejected"].is_null()
    });
    let problem = report["config"]["rejected"]["problem"]
        .as_str()
        .expect("text");
    assert!(problem.contains("`nothing`"), "{problem}");
    assert_eq!(daemon.json("/api/v1/services/first")["state"], "passing");
    let itself = "/api/v1/services/itself%2Falpacalert.io%2FInstance%2Fhere";
    daemon.until(itself, SECONDS, is("degraded"));

    write(&one_file("second", &watched));
    daemon.started.signal(Signal::HUP);
    daemon.until("/api/v1/services/second", SECONDS, is("passing"));
    assert_eq!(daemon.get("/api/v1/services/first").0, 404);
    daemon.until(itself, SECONDS, is("passing"));
}

#[test]
fn it_remembers_over_a_restart_and_refuses_a_second_one_in_the_same_folder() {
    let folder = folder("");
    let watched = folder.path().join("watched");
    let file = folder.path().join("alpacalert.yaml");
    std::fs::write(&file, one_file("first", &watched)).expect("a file");
    let state = folder.path().join("state");
    let arguments = [
        "-c",
        file.to_str().expect("UTF-8"),
        "--state",
        state.to_str().expect("UTF-8"),
    ];
    let daemon = serve(&arguments);
    let before = daemon.until("/api/v1/services/first", SECONDS, is("failing"));
    let second = run(&[&["serve", "--listen", "127.0.0.1:0"], &arguments[..]].concat());
    assert_eq!(second.code, 64, "{second:?}");
    assert!(second.err.contains("another alpacalert"), "{second:?}");
    daemon.started.signal(Signal::TERM);
    daemon.started.ended(Duration::from_secs(10));

    let daemon = serve(&arguments);
    let after = daemon.until("/api/v1/services/first", SECONDS, is("failing"));
    let milliseconds = |value: &Value| {
        let since: alpacalert_model::Timestamp = value["since"].as_str()?.parse().ok()?;
        Some(since.as_millisecond())
    };
    assert!(milliseconds(&before).is_some(), "{before}");
    assert_eq!(milliseconds(&after), milliseconds(&before));
    std::fs::write(&watched, "").expect("a file");
    let path = "/api/v1/transitions?node=first";
    let told = daemon.until(path, SECONDS, |told| {
        told["transitions"][0]["to"] == "passing"
    });
    let told = told["transitions"].as_array().expect("a list");
    let states: Vec<_> = told
        .iter()
        .map(|told| (&told["from"], &told["to"]))
        .collect();
    let [now, first] = &states[..] else {
        panic!("{states:?}");
    };
    assert_eq!(
        (now.0.as_str(), now.1.as_str()),
        (Some("failing"), Some("passing"))
    );
    assert_eq!(
        (first.0.as_str(), first.1.as_str()),
        (None, Some("failing"))
    );
}

#[test]
fn it_ends_when_it_is_asked_to() {
    let daemon = serve(&[]);
    daemon.started.signal(Signal::TERM);
    let (status, said) = daemon.started.ended(Duration::from_secs(10));
    assert_eq!(status.code(), Some(0), "{said}");
}

#[test]
fn a_port_that_is_taken_is_told() {
    let daemon = serve(&[]);
    let said = run(&["serve", "--listen", &daemon.address]);
    assert_eq!(said.code, 74, "{said:?}");
    assert!(said.err.contains(&daemon.address), "{said:?}");
}
