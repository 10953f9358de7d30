//! Secrets of every sort, under failures of every sort, and then a search for them in everything that the program tells: logs at
//! their most talkative, every page and answer, events, the database, and what the commands print.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use alpacalert_testkit::{free_port, temp_dir};
use alpacalert_web::access::token;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustix::process::Signal;

use crate::program::{Started, alpacalert, said};
use crate::serve::get_with;

/// How many secrets there are.
const COUNT: usize = 40;

fn canary(number: usize) -> String {
    // Long and like no word; without characters that any encoding changes.
    format!(
        "Canary{number:02}x7Qz{:08x}",
        number.wrapping_mul(0x9E37_79B1)
    )
}

fn variable(number: usize) -> String {
    format!("${{env:CANARY_{number:02}}}")
}

/// Answers everything with what it was asked: in its status line, in a header, and in its body.
fn echo() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            std::thread::spawn(move || {
                let mut asked = [0; 8192];
                let read = stream.read(&mut asked).unwrap_or(0);
                let asked = String::from_utf8_lossy(&asked[..read]).into_owned();
                let line = asked.replace(['\r', '\n'], " ");
                let answer = format!(
                    "HTTP/1.1 500 no {line}\r\nX-Echo: {line}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{asked}",
                    asked.len()
                );
                let _ = stream.write_all(answer.as_bytes());
            });
        }
    });
    port
}

/// A kubeconfig whose cluster is not there, with secrets of every sort.
fn kubeconfig(folder: &Path, closed: u16) {
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\n\
         contexts: [ {{ name: c, context: {{ cluster: c, user: u }} }} ]\n\
         clusters: [ {{ name: c, cluster: {{ server: 'http://127.0.0.1:{closed}' }} }} ]\n\
         users: [ {{ name: u, user: {{ token: {} }} }} ]\n",
        canary(30)
    );
    std::fs::write(folder.join("kubeconfig"), text).expect("a file");
    let broken = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\n\
         contexts: [ {{ name: c, context: {{ cluster: c, user: u }} }} ]\n\
         clusters: [ {{ name: c, cluster: {{ server: 'https://127.0.0.1:{closed}', certificate-authority-data: {ca} }} }} ]\n\
         users: [ {{ name: u, user: {{ username: x, password: {}, client-key-data: {key}, client-certificate-data: {key} }} }} ]\n",
        canary(31),
        ca = STANDARD.encode(canary(32)),
        key = STANDARD.encode(canary(33)),
    );
    std::fs::write(folder.join("broken-kubeconfig"), broken).expect("a file");
}

fn configuration(echo: u16, closed: u16) -> String {
    let v = variable;
    let mut checks = String::new();
    for port in [echo, closed] {
        let http = format!("http://127.0.0.1:{port}");
        let _ = write!(
            checks,
            "      - http: {{ url: '{http}/1?token={}', body: {{ contains: no }} }}\n\
             \x20     - http: {{ url: '{http}/2', headers: {{ Cookie: 's={}' }}, body: {{ contains: no }} }}\n\
             \x20     - http: {{ url: '{http}/3', headers: {{ X-Api-Key: '{}' }}, body: {{ contains: no }} }}\n\
             \x20     - http: {{ url: '{http}/4', bearer: '{}', response_headers: {{ x-echo: no }} }}\n\
             \x20     - http: {{ url: '{http}/5', basic: {{ user: user, password: '{}' }}, body: {{ contains: no }} }}\n\
             \x20     - http: {{ url: '{http}/6', send: '{{\"secret\": \"{}\"}}', body: {{ json: .a }} }}\n\
             \x20     - http: {{ url: '{http}/{}/7', version: '2' }}\n\
             \x20     - tcp: {{ address: '127.0.0.1:{port}', send: 'AUTH {}', expect: no }}\n",
            v(1),
            v(2),
            v(3),
            v(4),
            v(5),
            v(6),
            v(7),
            v(8)
        );
    }
    let exec = |inside: &str| format!("      - exec: {{ {inside}, timeout: 2s }}\n");
    checks += &exec(&format!(
        "command: [/bin/sh, -c, 'echo $S; echo $S >&2; exit 2'], env: {{ S: '{}' }}",
        v(9)
    ));
    checks += &exec(&format!("command: [/bin/echo, '{}']", v(10)));
    checks += &exec(&format!("command: ['/nonexistent/{}']", v(11)));
    checks += &exec(&format!(
        "command: [/bin/sh, -c, 'echo \"OK|x=1;;;; $S=3\"; sleep 60'], env: {{ S: '{}' }}",
        v(12)
    ));
    checks += &exec(&format!(
        "command: [/bin/sh, -c, 'kill -9 $$', '{}']",
        v(13)
    ));
    checks += &exec(&format!(
        "command: [/bin/true], dir: '/nonexistent/{}'",
        v(14)
    ));
    let _ = write!(
        checks,
        "      - file: {{ path: '/nonexistent/{}' }}\n\
         \x20     - dns: {{ name: '{}.invalid', resolver: '127.0.0.1:{closed}' }}\n\
         \x20     - process: {{ command: '{}' }}\n\
         \x20     - tls: {{ address: '127.0.0.1:{echo}', server_name: '{}.invalid' }}\n\
         \x20     - tls: {{ address: '127.0.0.1:{echo}', ca: '/nonexistent/{}' }}\n",
        v(15),
        v(16),
        v(17),
        v(18),
        v(19)
    );
    format!(
        "instance: here\ndefaults: {{ interval: 300ms, timeout: 2s }}\n\
         sources:\n\
         \x20 refused: {{ alpacalert: {{ url: 'http://127.0.0.1:{closed}', token: '{}' }}, interval: 300ms }}\n\
         \x20 garbled: {{ alpacalert: {{ url: 'http://127.0.0.1:{echo}', token: '${{file:secret}}' }}, interval: 300ms }}\n\
         \x20 query: {{ alpacalert: {{ url: 'http://127.0.0.1:{echo}/?key={}' }}, interval: 300ms }}\n\
         \x20 program: {{ exec: {{ command: [/bin/sh, -c, 'echo $S; echo $S >&2; exit 3'], env: {{ S: '{}' }} }}, interval: 300ms }}\n\
         \x20 nodes: {{ exec: {{ command: [/bin/sh, -c, 'printf ''{{\"version\":1,\"nodes\":[{{\"kind\":\"example.org/Q\",\"reference\":\"q\",\"title\":\"%s\",\"observation\":{{\"state\":\"failing\",\"messages\":[{{\"text\":\"%s\"}}]}}}}]}}'' $S $S'], env: {{ S: '{}' }} }}, interval: 300ms }}\n\
         \x20 missing: {{ exec: {{ command: ['/nonexistent/{}'] }}, interval: 300ms }}\n\
         \x20 cluster: {{ kubernetes: {{ kubeconfig: kubeconfig }} }}\n\
         \x20 broken: {{ kubernetes: {{ kubeconfig: broken-kubeconfig }} }}\n\
         services:\n  all:\n    public: true\n    requires:\n{checks}\
         \x20     - service: garbled/x\n      - find: {{ source: nodes, path: '*' }}\n      - find: {{ source: program, path: '*' }}\n",
        v(20),
        v(22),
        v(23),
        v(24),
        v(25)
    )
}

fn access() -> String {
    format!(
        "serve: {{ url: 'http://localhost' }}\naccess:\n  anonymous: causes\n  tokens:\n    op: {{ hash: '{}', read: everything }}\n    ended: {{ hash: '{}', read: everything, expires: 2020-01-01T00:00:00Z }}\n\
         \x20 oidc: {{ issuer: 'http://127.0.0.1:9', client_id: x, client_secret: '{}' }}\n",
        token::hash(&canary(26)),
        token::hash(&canary(27)),
        variable(28)
    )
}

/// Every secret that a text holds, in the clear, as a part of it, or as Basic authentication writes it.
fn found(text: &[u8]) -> Vec<String> {
    // What is no text becomes something else, and secrets are text.
    let text = String::from_utf8_lossy(text);
    (1..=COUNT)
        .map(canary)
        .filter(|secret| {
            let encoded = STANDARD.encode(format!("user:{secret}"));
            let data = STANDARD.encode(secret);
            let forms = [secret, &encoded, &data];
            forms
                .iter()
                .any(|form| text.contains(form.trim_end_matches('=')))
        })
        .collect()
}

#[track_caller]
fn tells_nothing(what: &str, text: &[u8]) {
    let found = found(text);
    let text = String::from_utf8_lossy(text);
    let places: Vec<&str> = text
        .lines()
        .filter(|line| found.iter().any(|secret| line.contains(secret)))
        .take(5)
        .collect();
    assert!(found.is_empty(), "{what} tells {found:?}: {places:#?}");
}

fn with_secrets(arguments: &[&str], folder: &Path) -> std::process::Command {
    let mut command = alpacalert(arguments);
    command.env("ALPACALERT_LOG", "trace").current_dir(folder);
    for number in 1..=COUNT {
        command.env(format!("CANARY_{number:02}"), canary(number));
    }
    command
}

#[test]
fn a_secret_that_is_told_is_found() {
    let secret = canary(5);
    let basic = STANDARD.encode(format!("user:{secret}"));
    for text in [
        format!("a{secret}b"),
        format!("Basic {basic}"),
        STANDARD.encode(&secret),
    ] {
        assert_eq!(
            found(text.as_bytes()),
            std::slice::from_ref(&secret),
            "{text}"
        );
    }
    assert!(found(b"nothing").is_empty());
}

#[test]
fn commands_tell_no_secret() {
    let folder = temp_dir();
    let text = configuration(echo(), free_port()) + &access();
    std::fs::write(folder.path().join("alpacalert.yaml"), text).expect("a file");
    std::fs::write(folder.path().join("secret"), canary(21)).expect("a file");
    kubeconfig(folder.path(), free_port());
    for arguments in [
        &["check", "--all"][..],
        &["check", "--output", "json"],
        &["check", "--output", "junit"],
        &["check", "--output", "nagios"],
        &["explain", "all"],
        &["graph", "all"],
        &["validate"],
    ] {
        let said = said(&mut with_secrets(arguments, folder.path()));
        assert!(said.code < 64, "{arguments:?}: {said:?}");
        tells_nothing(&format!("{arguments:?}"), said.out.as_bytes());
        tells_nothing(&format!("the log of {arguments:?}"), said.err.as_bytes());
    }
}

#[test]
fn a_url_with_a_password_is_refused_without_telling_it() {
    for check in [
        "http: 'http://user:${env:CANARY_02}@127.0.0.1/'",
        "http: '${env:CANARY_02}://user@127.0.0.1/'",
        "tcp: '${env:CANARY_02}'",
    ] {
        let folder = temp_dir();
        let text = format!("services: {{ all: {{ requires: [ {{ {check} }} ] }} }}\n");
        std::fs::write(folder.path().join("alpacalert.yaml"), text).expect("a file");
        let said = said(&mut with_secrets(&["check"], folder.path()));
        assert!(said.code >= 3, "{said:?}");
        tells_nothing(check, said.out.as_bytes());
        tells_nothing(check, said.err.as_bytes());
    }
}

#[test]
fn a_running_instance_tells_no_secret() {
    let folder = temp_dir();
    let file = folder.path().join("alpacalert.yaml");
    let text = configuration(echo(), free_port()) + &access();
    std::fs::write(&file, &text).expect("a file");
    std::fs::write(folder.path().join("secret"), canary(21)).expect("a file");
    kubeconfig(folder.path(), free_port());
    let state = folder.path().join("state");
    let arguments = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--state",
        state.to_str().expect("UTF-8"),
    ];
    let started = Started::new(&mut with_secrets(&arguments, folder.path()));
    let line = started.line_with("serving on http://");
    let address = line.trim_start_matches("serving on http://").to_owned();
    let operator = format!("Authorization: Bearer {}\r\n", canary(26));
    let ask = |path: &str, headers: &str| get_with(&address, path, "localhost", headers);
    // Long enough for every source to have been asked, and for slow checks to run into their time.
    std::thread::sleep(Duration::from_secs(4));
    let streams = STREAMS.map(|path| (path, stream(&address, path, &operator)));

    let (status, document) = ask("/api/v1/openapi.json", &operator);
    assert_eq!(status, 200);
    let document: serde_json::Value = serde_json::from_str(&document).expect("JSON");
    let mut paths: Vec<String> = document["paths"]
        .as_object()
        .expect("paths")
        .keys()
        .cloned()
        .collect();
    paths.retain(|path| !path.contains('{') && !STREAMS.contains(&path.as_str()));
    let nodes = ask("/api/v1/nodes?limit=1000", &operator).1;
    let nodes: serde_json::Value = serde_json::from_str(&nodes).expect("JSON");
    let nodes = nodes["nodes"].as_array().expect("nodes");
    assert!(nodes.len() > 30, "{}", nodes.len());
    for node in nodes {
        let id = node["id"].as_str().expect("an identity");
        let id: String = url::form_urlencoded::byte_serialize(id.as_bytes()).collect();
        paths.push(format!("/api/v1/explain?node={id}"));
        paths.push(format!("/api/v1/nodes/{id}"));
        paths.push(format!("/node?node={id}"));
    }
    paths.extend(
        [
            "/api/v1/services/all",
            "/api/v1/badge/all",
            "/api/v1/impact?node=all",
        ]
        .map(str::to_owned),
    );
    paths.extend(["/", "/public", "/tree", "/nodes", "/itself", "/login"].map(str::to_owned));
    for path in &paths {
        for (who, headers) in [("an operator", &*operator), ("anybody", "")] {
            tells_nothing(
                &format!("{path} for {who}"),
                ask(path, headers).1.as_bytes(),
            );
        }
    }
    // Those who bring secrets that are worth nothing.
    let basic = STANDARD.encode(format!("user:{}", canary(34)));
    for headers in [
        format!("Authorization: Bearer {}\r\n", canary(27)),
        format!("Authorization: Bearer {}\r\n", canary(35)),
        format!("Authorization: Basic {basic}\r\n"),
        format!("Authorization: Digest {}\r\n", canary(36)),
        format!("Cookie: __Host-alpacalert={}\r\n", canary(37)),
    ] {
        let (_, body) = ask("/metrics", &headers);
        tells_nothing("a refusal", body.as_bytes());
    }
    let callback = format!("/oidc/callback?state={}&code={}", canary(38), canary(39));
    tells_nothing("a sign-in", ask(&callback, "").1.as_bytes());
    for (path, told) in &streams {
        tells_nothing(path, told);
    }

    // A mistake beside secrets, and a secret that cannot be read.
    for mistake in mistakes() {
        std::fs::write(&file, format!("{text}{mistake}")).expect("a file");
        started.signal(Signal::HUP);
        std::thread::sleep(Duration::from_millis(700));
        let (status, report) = ask("/api/v1/instance", &operator);
        assert!(status == 200 && report.contains("problem"), "{report}");
        tells_nothing("what is wrong with the configuration", report.as_bytes());
    }
    started.signal(Signal::TERM);
    let (_, log) = started.ended(Duration::from_secs(20));
    assert!(log.contains("TRACE"), "the log is at its most talkative");
    tells_nothing("the log", log.as_bytes());
    let mut bytes = 0;
    for entry in std::fs::read_dir(&state).expect("a folder") {
        let path = entry.expect("a file").path();
        let content = std::fs::read(&path).unwrap_or_default();
        bytes += content.len();
        tells_nothing(&path.display().to_string(), &content);
    }
    assert!(bytes > 10_000, "something is remembered: {bytes} bytes");
}

/// Configurations that are wrong: beside secrets, because of one that cannot be read, and on a line with one in plain text.
fn mistakes() -> Vec<String> {
    let secret = |number| canary(number);
    vec![
        "systems: { x: { alll: [] } }\n".to_owned(),
        "owner: '${env:CANARY_40}'\n".to_owned(),
        format!(
            "systems: {{ x: {{ http: {{ url: 'http://a', bearr: {} }} }} }}\n",
            secret(1)
        ),
        format!(
            "systems: {{ x: {{ http: {{ url: 'http://a?k={}', status: no }} }} }}\n",
            secret(2)
        ),
        format!(
            "systems: {{ x: {{ http: {{ url: 'http://u:{}@a', statsu: 200 }} }} }}\n",
            secret(3)
        ),
        format!(
            "systems: {{ x: {{ http: {{ url: 'http://a', headers: {{ X: {} }}, x: 1 }} }} }}\n",
            secret(4)
        ),
        format!(
            "systems: {{ x: {{ exec: {{ command: [a, {}], env: {{ A: {} }}, x: 1 }} }} }}\n",
            secret(5),
            secret(6)
        ),
        format!(
            "systems: {{ x: {{ http: http://a, alll: [] }} }} # {}\n",
            secret(7)
        ),
        format!(
            "systems: {{ x: {{ http: {{ url: 'http://a', timeout: {} }} }} }}\n",
            secret(8)
        ),
        format!("systems: {{ x: {{ {}: 1 }} }}\n", secret(9)),
        format!("owner: x\nowner: {}\n", secret(10)),
        format!("systems: {{ x: {{ all: [{}] }} }}\n", secret(11)),
        format!("systems: {{ x: {{ http: {{ bearer: {}\n", secret(12)),
        format!(
            "systems: {{ x: {{ http: {{ bearer: \"a\"{} }} }} }}\n",
            secret(13)
        ),
        format!(
            "access: {{ tokens: {{ a: {{ hash: {}, read: x }} }} }}\n",
            secret(14)
        ),
    ]
}

#[test]
fn a_mistake_beside_a_secret_in_plain_text_is_logged_without_it() {
    for mistake in mistakes() {
        let folder = temp_dir();
        std::fs::write(folder.path().join("alpacalert.yaml"), &mistake).expect("a file");
        for arguments in [&["validate"][..], &["serve", "--listen", "127.0.0.1:0"]] {
            let said = said(&mut with_secrets(arguments, folder.path()));
            assert_eq!(said.code, 65, "{mistake}: {said:?}");
            assert!(said.err.contains("alpacalert.yaml:"), "{said:?}");
            tells_nothing(&mistake, said.out.as_bytes());
            tells_nothing(&mistake, said.err.as_bytes());
        }
    }
}

/// What goes on for ever.
const STREAMS: [&str; 2] = ["/api/v1/events", "/api/v1/stream"];

/// What a stream tells within four seconds.
fn stream(address: &str, path: &str, headers: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream
        .set_read_timeout(Some(Duration::from_secs(2)))
        .expect("a time-out");
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: 1-1\r\n{headers}\r\n");
    stream
        .write_all(request.as_bytes())
        .expect("it can be asked");
    let mut told = Vec::new();
    let mut some = [0; 4096];
    let end = Instant::now() + Duration::from_secs(4);
    let ended = loop {
        if Instant::now() > end {
            break "the time is over".to_owned();
        }
        match stream.read(&mut some) {
            Ok(0) => break "it was closed".to_owned(),
            Ok(read) => told.extend_from_slice(&some[..read]),
            Err(error) => break error.to_string(),
        }
    };
    assert!(!told.is_empty(), "there are no events: {ended}");
    told
}
