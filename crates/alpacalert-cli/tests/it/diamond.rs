//! Two ways from one publisher to one reader.

use std::time::Duration;

use serde_json::{Value, json};

use crate::program::folder;
use crate::proxy::Proxy;
use crate::serve::serve;

const PATIENCE: Duration = Duration::from_secs(20);

const TOP: &str = "/api/v1/services/top";

fn is(state: &str) -> impl Fn(&Value) -> bool + '_ {
    move |value| value["state"] == state
}

/// Relies on a service of another instance.
fn between(name: &str, address: &str) -> String {
    format!(
        "instance: {name}\nowner: {name}\nsources:\n  base: {{ alpacalert: {{ url: 'http://{address}' }}, interval: 200ms }}\n\
         services:\n  side: {{ requires: [ {{ service: base/base }} ] }}\n"
    )
}

#[test]
fn what_comes_by_two_ways_is_believed_once_and_from_neither_when_one_is_cut() {
    let home = folder("");
    let at = |name: &str, text: &str| {
        let path = home.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path.to_str().expect("UTF-8").to_owned()
    };
    let there = at("there", "");
    let base = format!(
        "instance: base\nowner: infrastructure\ndefaults: {{ interval: 200ms }}\nservices:\n  base: {{ requires: [ {{ file: {{ path: {there} }} }} ] }}\n"
    );
    let base = serve(&["-c", &at("base.yaml", &base)]);
    let left = serve(&["-c", &at("left.yaml", &between("left", &base.address))]);
    let right = serve(&["-c", &at("right.yaml", &between("right", &base.address))]);
    let network = Proxy::to(&left.address);
    let top = format!(
        "instance: top\nsources:\n  left: {{ alpacalert: {{ url: 'http://{}' }}, interval: 200ms }}\n\
         \x20 right: {{ alpacalert: {{ url: 'http://{}' }}, interval: 200ms }}\n\
         services:\n  top: {{ requires: [ {{ service: left/side }}, {{ service: right/side }} ] }}\n",
        network.address, right.address
    );
    let top = serve(&["-c", &at("top.yaml", &top)]);
    let seen = top.until(TOP, PATIENCE, is("passing"));
    assert_eq!(seen["via"], json!(["base", "left", "right"]));
    let changes = || {
        let told = top.json("/api/v1/transitions?node=top&limit=1000");
        told["transitions"].as_array().map_or(0, Vec::len)
    };
    let before = changes();

    std::fs::remove_file(&there).expect("it was there");
    // One fault, told by two.
    let both = |value: &Value| {
        let causes = value["causes"].as_array();
        value["state"] == "failing" && causes.is_some_and(|causes| causes.len() == 1)
    };
    let seen = top.until(TOP, PATIENCE, both);
    for cause in seen["causes"].as_array().expect("causes") {
        assert_eq!(cause["owner"], "infrastructure", "{seen:#}");
        assert_eq!(cause["origins"].as_array().map(Vec::len), Some(1));
    }
    let said = seen["sentence"].as_str().expect("a sentence");
    assert_eq!(said.matches("does not exist").count(), 1, "{said}");
    let told_by_two = |why: &Value| why["repair_sets"][0].as_array().map(Vec::len) == Some(2);
    let why = top.until("/api/v1/explain?node=top", PATIENCE, told_by_two);
    assert_eq!(why["causes"].as_array().map(Vec::len), Some(1), "{why:#}");
    at("there", "");
    top.until(TOP, PATIENCE, is("passing"));
    // It went there and back once, whichever way was the quicker one.
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(top.json(TOP)["state"], "passing");
    assert_eq!(changes(), before + 2);

    network.cut();
    let seen = top.until(TOP, PATIENCE, is("unknown"));
    let said = seen["sentence"].as_str().expect("a sentence");
    assert!(said.contains("the source `left` is lost"), "{said}");
    network.heal();
    top.until(TOP, PATIENCE, is("passing"));
}
