//! What it prints for programs.

use std::process::{Command, Stdio};

use crate::program::{Ports, alpacalert, folder, run, run_in};

fn configuration(ports: &Ports) -> String {
    format!(
        "owner: web-team
services:
  website:
    public: true
    requires: [front, store]
systems:
  front: {{ all: [ {{ tcp: 127.0.0.1:{} }} ] }}
  store: {{ owner: store-team, all: [ {{ tcp: 127.0.0.1:{} }} ] }}
",
        ports.open, ports.closed
    )
}

#[test]
fn json_and_yaml_are_one_record() {
    let ports = Ports::new();
    let folder = folder(&configuration(&ports));
    let json = run_in(folder.path(), &["check", "-o", "json"]);
    assert_eq!(json.code, 2, "{json:?}");
    let record: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(record["version"], 1);
    assert_eq!(record["summary"]["state"], "failing");
    assert_eq!(record["summary"]["checks"]["failing"], 1);
    let nodes = record["nodes"].as_array().unwrap();
    assert_eq!(nodes.len(), 5, "{nodes:#?}");
    let website = nodes
        .iter()
        .find(|node| node["title"] == "website")
        .unwrap();
    assert_eq!(website["service"]["public"], true);
    assert_eq!(website["causes"].as_array().unwrap().len(), 1);
    let yaml = run_in(folder.path(), &["check", "-o", "yaml"]);
    assert!(yaml.out.contains("state: failing"), "{}", yaml.out);
}

#[test]
fn every_form_prints_something_of_its_own_and_the_same_code() {
    let ports = Ports::new();
    let folder = folder(&configuration(&ports));
    for (form, beginning) in [
        ("tree", "✕ website is failing"),
        ("table", "STATE "),
        ("json", "{"),
        ("yaml", "version: 1"),
        ("dot", "digraph "),
        ("mermaid", "flowchart "),
        ("nagios", "CRITICAL - website is failing"),
        ("junit", "<?xml "),
    ] {
        let said = run_in(folder.path(), &["check", "--output", form]);
        assert!(said.out.starts_with(beginning), "{form}: {said:?}");
        assert_eq!(said.code, 2, "{form}");
    }
}

#[test]
fn explain_impact_and_graph_answer_in_their_forms() {
    let ports = Ports::new();
    let folder = folder(&configuration(&ports));
    let why = run_in(folder.path(), &["explain", "website"]);
    assert_eq!(why.code, 2, "{why:?}");
    assert!(
        why.out
            .starts_with("✕ website is failing: not ours. store (store-team):"),
        "{}",
        why.out
    );
    let record: serde_json::Value =
        serde_json::from_str(&run_in(folder.path(), &["explain", "website", "-o", "json"]).out)
            .unwrap();
    assert_eq!(record["blame"], "not ours");
    assert_eq!(
        record["repair_sets"].as_array().unwrap().len(),
        1,
        "{record:#}"
    );
    let name = format!("127.0.0.1:{}", ports.open);
    let impact = run_in(folder.path(), &["impact", &name]);
    assert_eq!(impact.code, 0, "{impact:?}");
    let outline = run_in(folder.path(), &["graph"]);
    assert_eq!((outline.code, outline.err.as_str()), (0, ""));
    assert!(
        outline.out.starts_with("website  (service"),
        "{}",
        outline.out
    );
    assert!(
        outline.out.contains("\n  store  (owner store-team)\n"),
        "{}",
        outline.out
    );
    let dot = run_in(folder.path(), &["graph", "-o", "dot"]);
    assert!(
        dot.out.starts_with("digraph ") && !dot.out.contains("unknown"),
        "{}",
        dot.out
    );
    let measured = run_in(folder.path(), &["graph", "-o", "dot", "--measure"]);
    assert!(measured.out.contains("✕ failing"), "{}", measured.out);
}

#[test]
fn the_graph_alone_touches_nothing() {
    let ports = Ports::new();
    ports.listener.set_nonblocking(true).unwrap();
    let folder = folder(&configuration(&ports));
    for command in [&["graph"][..], &["validate"]] {
        assert_eq!(run_in(folder.path(), command).code, 0);
        let error = ports.listener.accept().expect_err("nobody connected");
        assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
    }
    run_in(folder.path(), &["check"]);
    ports.listener.accept().expect("a check does connect");
}

#[test]
fn the_schema_is_a_json_schema() {
    let said = run(&["schema"]);
    assert_eq!(said.code, 0);
    let schema: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(
        schema["$schema"],
        "https://json-schema.org/draft/2020-12/schema"
    );
}

#[test]
fn kinds_are_listed_and_described() {
    let list = run(&["kinds"]);
    assert_eq!(list.code, 0);
    assert!(
        list.out.lines().any(|line| line.starts_with("http ")),
        "{}",
        list.out
    );
    let one = run(&["kinds", "tcp"]);
    assert_eq!(one.code, 0);
    assert!(one.out.contains("slower_than"), "{}", one.out);
    assert_eq!(run(&["kinds", "alpacalert.io/Tcp"]).out, one.out);
}

#[test]
fn shells_can_read_the_completions() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let said = run(&["completions", shell]);
        assert_eq!(said.code, 0);
        assert!(said.out.contains("validate"), "{shell}");
    }
    let mut bash = Command::new("bash")
        .arg("-n")
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let script = run(&["completions", "bash"]).out;
    std::io::Write::write_all(&mut bash.stdin.take().unwrap(), script.as_bytes()).unwrap();
    assert!(bash.wait().unwrap().success());
}

#[test]
fn manual_pages_are_written_for_every_command() {
    let folder = alpacalert_testkit::temp_dir();
    let pages = folder.path().join("a/b");
    assert_eq!(run(&["man", pages.to_str().unwrap()]).code, 0);
    let mut names: Vec<_> = std::fs::read_dir(&pages)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert!(
        names.contains(&"alpacalert-check.1".to_owned()),
        "{names:?}"
    );
    let page = std::fs::read_to_string(pages.join("alpacalert-check.1")).unwrap();
    assert!(page.contains(".TH"), "{page}");
    assert!(run(&["man"]).out.contains(".TH alpacalert"));
}

#[test]
fn colours_are_used_when_asked_for_only() {
    let ports = Ports::new();
    let folder = folder(&configuration(&ports));
    let colored = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = alpacalert(arguments);
        command
            .current_dir(folder.path())
            .envs(variables.iter().copied());
        crate::program::said(&mut command).out.contains('\u{1b}')
    };
    assert!(!colored(&["check"], &[]), "a pipe is no terminal");
    assert!(colored(&["check"], &[("CLICOLOR_FORCE", "1")]));
    assert!(!colored(
        &["check"],
        &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]
    ));
    assert!(colored(
        &["check", "--color", "always"],
        &[("NO_COLOR", "1")]
    ));
    assert!(!colored(
        &["check", "--color", "never"],
        &[("CLICOLOR_FORCE", "1")]
    ));
}

#[test]
fn ascii_is_ascii() {
    let ports = Ports::new();
    let folder = folder(&configuration(&ports));
    let said = run_in(folder.path(), &["check", "--ascii", "--all"]);
    assert!(said.out.is_ascii(), "{}", said.out);
    assert!(said.out.starts_with("x website is failing"));
}

#[test]
fn a_reader_that_has_gone_is_no_error() {
    let ports = Ports::new();
    let folder = folder(&configuration(&ports));
    let mut child = alpacalert(&["check", "-o", "json"])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
