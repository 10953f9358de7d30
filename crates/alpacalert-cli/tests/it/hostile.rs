//! Text from outside that would do something to a terminal or to who reads a log: control characters, escape sequences, and
//! characters that turn text around.

use std::io::Write as _;
use std::net::TcpStream;
use std::time::Duration;

use rustix::process::Signal;

use crate::program::{Started, alpacalert, folder, said};
use crate::serve::get_with;

/// More than a hundred of them.
fn payloads() -> Vec<String> {
    let controls = (0..0x20).chain(0x7f..0xa0).filter_map(char::from_u32);
    let mut payloads: Vec<String> = controls
        .filter(|c| *c != '\n')
        .map(|c| format!("a{c}b"))
        .collect();
    let bidi = [0x061c, 0x200e, 0x200f]
        .into_iter()
        .chain(0x202a..=0x202e)
        .chain(0x2066..=0x2069);
    payloads.extend(bidi.filter_map(char::from_u32).map(|c| format!("a{c}b")));
    payloads.extend(
        [
            "\u{1b}[31mred",
            "\u{1b}[2J",
            "\u{1b}[H",
            "\u{1b}[1A\u{1b}[2K",
            "\u{1b}]0;title\u{7}",
            "\u{1b}]8;;https://evil.example\u{1b}\\link\u{1b}]8;;\u{1b}\\",
            "\u{1b}]52;c;ZXZpbA==\u{7}",
            "\u{1b}c",
            "\u{1b}[?1049h",
            "\u{1b}[6n",
            "\u{1b}P+q544e\u{1b}\\",
            "\u{1b}_G\u{1b}\\",
            "\u{9b}31m",
            "\u{9d}0;x\u{9c}",
            "ok\r\u{1b}[Kall is passing",
            "passing\u{8}\u{8}\u{8}",
            "a\r\nb: c",
            "\u{1b}[8m hidden",
            "\u{1b}%G",
            "\u{1b}(0",
            "\u{e}\u{f}",
            "\u{1b}[10000b",
            "\u{202e}gnissap\u{202c}",
            "\u{2067}x\u{2069}",
            "\u{0}",
            "\u{1b}",
            "\u{1b}[",
            "\u{85}",
            "\u{2028}",
            "\u{2029}",
            "\u{feff}",
        ]
        .map(str::to_owned),
    );
    payloads
}

/// What may not reach a terminal or a log.
fn is_hostile(c: char) -> bool {
    c != '\n' && c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[track_caller]
fn is_harmless(what: &str, text: &str) {
    let wrong = text.lines().find(|line| line.chars().any(is_hostile));
    assert!(wrong.is_none(), "{what} lets through {wrong:?}");
}

#[test]
fn nothing_from_outside_reaches_a_terminal_or_a_log_as_it_is() {
    let payloads = payloads();
    assert!(payloads.len() >= 100, "{}", payloads.len());
    let nodes: Vec<_> = payloads
        .iter()
        .enumerate()
        .map(|(number, payload)| {
            serde_json::json!({
                "kind": "example.org/Thing", "reference": format!("{number}{payload}"), "title": payload, "owner": payload,
                "observation": { "state": "failing", "reason": "hostile", "messages": [{ "text": payload }] },
            })
        })
        .collect();
    let folder = folder("");
    let write =
        |name: &str, text: &[u8]| std::fs::write(folder.path().join(name), text).expect("a file");
    write(
        "nodes.json",
        serde_json::json!({ "version": 1, "nodes": nodes })
            .to_string()
            .as_bytes(),
    );
    let mut raw = payloads.join(" ").into_bytes();
    raw.extend(b"\x9b31m\xff\xfe\xc0\xaf");
    write("raw", &raw);
    let configuration = "instance: here\ndefaults: { interval: 300ms }\n\
        sources:\n  hostile: { exec: { command: [/bin/cat, nodes.json] }, interval: 300ms }\n  raw: { exec: { command: [/bin/cat, raw] }, interval: 300ms }\n\
        services:\n  all:\n    requires:\n      - find: { source: hostile, path: '*' }\n      - find: { source: raw, path: '*' }\n      - exec: { command: [/bin/sh, -c, 'cat raw; cat raw >&2; exit 2'], dir: . }\n";
    write("alpacalert.yaml", configuration.as_bytes());
    for arguments in [
        &["check", "--all"][..],
        &["check", "--output", "json"],
        &["check", "--output", "yaml"],
        &["check", "--output", "table"],
        &["check", "--output", "junit"],
        &["check", "--output", "nagios"],
        &["explain", "all"],
        &["graph", "all"],
    ] {
        let mut command = alpacalert(arguments);
        let said = said(
            command
                .env("ALPACALERT_LOG", "trace")
                .current_dir(folder.path()),
        );
        assert_eq!(said.code & 0x40, 0, "{arguments:?}: {said:?}");
        is_harmless(&format!("{arguments:?}"), &said.out);
        is_harmless(&format!("the log of {arguments:?}"), &said.err);
    }
    let mut command = alpacalert(&["serve", "--listen", "127.0.0.1:0", "--state", "state"]);
    let started = Started::new(
        command
            .env("ALPACALERT_LOG", "trace")
            .current_dir(folder.path()),
    );
    let line = started.line_with("serving on http://");
    let address = line.trim_start_matches("serving on http://").to_owned();
    std::thread::sleep(Duration::from_secs(2));
    for payload in &payloads {
        let encoded: String = url::form_urlencoded::byte_serialize(payload.as_bytes()).collect();
        for path in [
            format!("/api/v1/services/{encoded}"),
            format!("/api/v1/nodes?q={encoded}"),
        ] {
            let headers = format!("X-Forwarded-User: {encoded}\r\nLast-Event-ID: {encoded}\r\n");
            let (_, body) = get_with(&address, &path, "localhost", &headers);
            is_harmless(&path, &body);
        }
        // What no server should take, and may log all the same.
        let mut stream = TcpStream::connect(&address).expect("it listens");
        let _ = write!(
            stream,
            "GET /{payload} HTTP/1.1\r\nHost: {payload}\r\nX: {payload}\r\n\r\n"
        );
    }
    started.signal(Signal::TERM);
    let (_, log) = started.ended(Duration::from_secs(20));
    assert!(log.contains("shutting down"), "{log}");
    is_harmless("the log", &log);
}

#[test]
fn a_mistake_in_the_configuration_is_shown_without_doing_anything() {
    let mut tried = 0;
    for payload in payloads() {
        let text = format!("services: {{ '{payload}': {{ al: [] }} }} # {payload}\n");
        let folder = folder(&text);
        let said = said(alpacalert(&["validate"]).current_dir(folder.path()));
        assert_eq!(said.code, 65, "{payload:?}: {said:?}");
        is_harmless(&format!("{payload:?}"), &said.err.replace('\t', " "));
        tried += 1;
    }
    assert!(tried >= 100);
}
