//! Exit codes, and choosing nodes.

use crate::program::{Ports, folder, run, run_in, run_with};

fn with_members(members: &str) -> i32 {
    let said = run_with(
        &format!("services:\n  x:\n    all: [ {members} ]\n"),
        &["check"],
    );
    assert!(!said.out.is_empty(), "{said:?}");
    said.code
}

#[test]
fn exit_codes_are_those_of_nagios_plugins() {
    let plugin = |code: u8| {
        format!("{{ exec: {{ command: [/bin/sh, -c, 'echo said {code}; exit {code}'] }} }}")
    };
    for code in 0..=3 {
        assert_eq!(with_members(&plugin(code)), i32::from(code));
    }
    // Failing is worse than Unknown, whatever the numbers say.
    assert_eq!(with_members(&format!("{}, {}", plugin(3), plugin(2))), 2);
    assert_eq!(with_members(&format!("{}, {}", plugin(3), plugin(1))), 3);
}

#[test]
fn nothing_to_observe_is_unknown() {
    let said = run_with("{}\n", &["check"]);
    assert_eq!(said.code, 3, "{said:?}");
    assert!(said.out.contains("nothing to observe"), "{said:?}");
}

#[test]
fn nodes_can_be_chosen() {
    let ports = Ports::new();
    let folder = folder(&format!(
        "services:
  good: {{ requires: [one] }}
  bad: {{ title: The Bad One, requires: [two] }}
systems:
  one: {{ all: [ {{ tcp: 127.0.0.1:{} }} ] }}
  two: {{ all: [ {{ tcp: 127.0.0.1:{} }} ] }}
",
        ports.open, ports.closed
    ));
    let code = |node: &str| run_in(folder.path(), &["check", node]).code;
    assert_eq!(run_in(folder.path(), &["check"]).code, 2);
    assert_eq!(code("good"), 0);
    for name in [
        "bad",
        "The Bad One",
        "the bad one",
        "two",
        "local/alpacalert.io/System/two",
        "bad/*",
        "The Bad One/two/*",
    ] {
        assert_eq!(code(name), 2, "{name}");
    }
    assert_eq!(run_in(folder.path(), &["check", "good", "one"]).code, 0);
    assert_eq!(run_in(folder.path(), &["check", "good", "two"]).code, 2);
    assert_eq!(code("nothing"), 64);
}

#[test]
fn this_machine_is_judged_without_a_configuration() {
    let began = std::time::Instant::now();
    let said = run(&["host"]);
    assert!(
        began.elapsed().as_secs() < 5,
        "it took {:?}",
        began.elapsed()
    );
    assert!((0..=3).contains(&said.code), "{said:?}");
    assert!(said.out.contains("memory"), "{said:?}");
    let json: serde_json::Value = serde_json::from_str(&run(&["host", "-o", "json"]).out).unwrap();
    let memory = json["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .find(|node| node["title"] == "memory")
        .unwrap();
    assert!(
        memory["measurements"][0]["value"].as_f64().unwrap() > 0.0,
        "{memory:#}"
    );
}

#[test]
fn secrets_are_not_shown() {
    let text = "services:\n  x:\n    all:\n      - exec: { command: [/bin/sh, -c, 'echo the word is ${env:ALPACALERT_TEST_SECRET}; exit 2'] }\n";
    let folder = folder(text);
    for form in ["tree", "json", "nagios", "table", "dot"] {
        let mut command = crate::program::alpacalert(&["check", "-o", form]);
        command
            .env("ALPACALERT_TEST_SECRET", "swordfish-4711")
            .current_dir(folder.path());
        let said = crate::program::said(&mut command);
        assert_eq!(said.code, 2, "{said:?}");
        assert!(
            !said.out.contains("swordfish") && !said.err.contains("swordfish"),
            "{said:?}"
        );
    }
    let said = run_in(folder.path(), &["check"]);
    assert_eq!(said.code, 65, "{said:?}");
    assert!(said.err.contains("ALPACALERT_TEST_SECRET"), "{said:?}");
}
