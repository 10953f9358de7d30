//! Work that is planned, from the configuration to what is shown and remembered.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp, ToSpan as _};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::program::{folder, run_in};
use crate::serve::{Daemon, serve};

const SECONDS: Duration = Duration::from_secs(20);

fn seconds(value: &Value, key: &str) -> f64 {
    value[key]
        .as_f64()
        .unwrap_or_else(|| panic!("{key} in {value:#}"))
}

/// How a service was over a time, once that is written.
fn uptime(daemon: &Daemon, from: Timestamp, to: Timestamp, all: f64) -> Value {
    let path = format!("/api/v1/history/uptime?node=first&from={from}&to={to}");
    let known = |value: &Value| {
        let known = ["passing", "failing", "unknown", "unobserved"];
        known
            .iter()
            .map(|key| seconds(&value["whole"], key))
            .sum::<f64>()
            > all
    };
    daemon.until(&path, SECONDS, known)["whole"].clone()
}

fn maintenance(why: &Value) -> f64 {
    let all = why["unsure"].as_array().expect("reasons");
    let found = all.iter().find(|why| why["reason"] == "maintenance");
    found.map_or(0.0, |found| seconds(found, "seconds"))
}

#[test]
fn a_window_opens_and_closes_while_it_runs_and_is_right_after_a_restart() {
    let begun = Timestamp::now();
    let (from, until) = (
        begun + SignedDuration::from_secs(4),
        begun + SignedDuration::from_secs(8),
    );
    let folder = folder(&format!(
        "instance: here\ndefaults: {{ interval: 200ms }}\nservices:\n  first:\n    maintenance: [ {{ from: {from:.0}, until: {until:.0}, reason: the move }} ]\n    requires: [ {{ file: {{ path: /nonexistent }} }} ]\n"
    ));
    let state = folder.path().join("state");
    let arguments = [
        "-c",
        folder.path().to_str().expect("UTF-8"),
        "--state",
        state.to_str().expect("UTF-8"),
    ];
    let daemon = serve(&arguments);
    let path = "/api/v1/nodes/first";
    let node = daemon.until(path, SECONDS, |told| told["node"]["state"] == "failing");
    assert_eq!(node["node"]["marks"], json!([]), "it has not begun");
    let node = daemon.until(path, SECONDS, |told| !told["node"]["maintenance"].is_null());
    let opened = Timestamp::now();
    assert_eq!(node["node"]["maintenance"]["reason"], "the move");
    assert_eq!(node["node"]["state"], "failing", "its state is what it is");
    assert!(
        opened.duration_since(from).as_secs_f64() < 1.5,
        "{from} {opened}"
    );
    // Down, and in maintenance, when it is ended and started again.
    daemon.started.signal(Signal::TERM);
    daemon.started.ended(SECONDS);
    let daemon = serve(&arguments);
    daemon.until(path, SECONDS, |told| !told["node"]["maintenance"].is_null());
    daemon.until(path, SECONDS, |told| told["node"]["maintenance"].is_null());
    let closed = Timestamp::now();
    assert!(
        closed.duration_since(until).as_secs_f64() < 1.5,
        "{until} {closed}"
    );
    let end = closed + SignedDuration::from_secs(1);
    std::thread::sleep(Duration::from_secs(2));

    let told = uptime(&daemon, begun, end, 6.0);
    let failing = seconds(&told, "failing");
    let planned = maintenance(&told);
    let all = end.duration_since(begun).as_secs_f64();
    // Started, down for some four seconds, down as planned for four without the restart, and down for one more.
    assert!((2.5..6.5).contains(&failing), "{told:#}");
    assert!((1.5..4.5).contains(&planned), "{told:#}");
    let unobserved =
        seconds(&told, "unobserved") + seconds(&told, "absent") + seconds(&told, "unknown");
    assert!((failing + unobserved - all).abs() < 0.3, "{told:#}");
    let changes = daemon.json("/api/v1/transitions?node=first");
    let changes = changes["transitions"].as_array().expect("a list").len();
    assert_eq!(
        changes, 1,
        "it failed once, and neither the work nor the restart is a change"
    );
}

#[test]
fn what_comes_again_and_what_is_added_to_a_kind_are_in_maintenance_too() {
    let today = Timestamp::now().in_tz("UTC").expect("a day");
    let tomorrow = today.checked_add(1.day()).expect("a day");
    let name = |day: &jiff::Zoned| day.strftime("%A").to_string().to_lowercase();
    let folder = folder(&format!(
        "systems:
  disks:
    host: {{}}
  now: {{ file: /, maintenance: [ {{ every: [{today}], from: 00:00, until: 00:00, reason: all day }} ] }}
  later: {{ file: /, maintenance: [ {{ every: [{tomorrow}], from: 00:00, until: 00:00 }} ] }}
extend:
  host:
    - file: {{ path: /etc, maintenance: [ {{ every: day, from: 00:00, until: 00:00, reason: added }} ] }}
",
        today = name(&today),
        tomorrow = name(&tomorrow),
    ));
    let said = run_in(folder.path(), &["check", "--all", "--ascii"]);
    let line = |title: &str| {
        let found = said.out.lines().find(|line| line.contains(title));
        found
            .unwrap_or_else(|| panic!("{title}: {said:?}"))
            .to_owned()
    };
    assert!(line(" now ").contains("[in maintenance until"), "{said:?}");
    assert!(line(" now ").contains(": all day]"), "{said:?}");
    assert!(!line(" later ").contains("maintenance"), "{said:?}");
    assert!(line("file /etc").contains(": added]"), "{said:?}");
    assert!(!line(" disks ").contains("maintenance"), "{said:?}");
}
