//! One team's service as another team's sensor: three instances, each a process of its own.

use std::path::Path;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use crate::program::folder;
use crate::proxy::Proxy;
use crate::serve::{Daemon, serve, serve_on};

const PATIENCE: Duration = Duration::from_secs(20);

/// What the issue promises: from a break at the publisher to the consumer's API.
const PROMISED: Duration = Duration::from_secs(2);

/// Publishes the message queue, which is missing once the file `broken` is there.
fn infrastructure(folder: &Path) -> String {
    let broken = folder.join("broken");
    let script = format!(
        r#"if [ -e {} ]; then s=failing; m=missing; else s=passing; m=there; fi; printf '{{"version":1,"nodes":[{{"kind":"example.org/Queue","reference":"reports","title":"queue `reports`","observation":{{"state":"%s","messages":[{{"text":"%s"}}]}}}}]}}' $s $m"#,
        broken.display()
    );
    let script = script.replace('\'', "''");
    format!(
        "instance: infra\nowner: infrastructure\nsources:\n  broker: {{ exec: {{ command: [/bin/sh, -c, '{script}'] }}, interval: 200ms }}\n\
         services:\n  message-queue:\n    title: Message queue\n    requires: [ {{ find: {{ source: broker, path: '*' }} }} ]\n"
    )
}

fn application(infra: &str) -> String {
    format!(
        "instance: reports\nowner: reports-team\ndefaults: {{ interval: 200ms }}\n\
         sources:\n  infra: {{ alpacalert: {{ url: 'http://{infra}' }} }}\n\
         services:\n  report-viewing: {{ title: Viewing reports, requires: [ {{ file: {{ path: / }} }} ] }}\n\
         \x20 report-generation: {{ title: Generating reports, requires: [ queue ] }}\n\
         systems:\n  queue: {{ service: infra/message-queue }}\n"
    )
}

fn reader(infra: &str, app: &str) -> String {
    format!(
        "instance: reader\nowner: management\nsources:\n  infra: {{ alpacalert: {{ url: 'http://{infra}' }}, interval: 300ms }}\n\
         \x20 reports: {{ alpacalert: {{ url: 'http://{app}' }}, interval: 300ms }}\n\
         services:\n  all: {{ requires: [ {{ service: infra/message-queue }}, {{ service: reports/report-generation }} ] }}\n"
    )
}

const GENERATION: &str = "/api/v1/services/report-generation";
const VIEWING: &str = "/api/v1/services/report-viewing";
const ALL: &str = "/api/v1/services/all";

fn is(state: &str) -> impl Fn(&Value) -> bool + '_ {
    move |value| value["state"] == state
}

fn sentence(value: &Value) -> &str {
    value["sentence"].as_str().expect("a sentence")
}

#[test]
fn a_broken_queue_is_shown_as_its_owner_s_by_everybody_who_depends_on_it() {
    let home = folder("");
    let at = |name: &str, text: &str| {
        let path = home.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path.to_str().expect("UTF-8").to_owned()
    };
    let infra_file = at("infra.yaml", &infrastructure(home.path()));
    let infra = serve(&["-c", &infra_file]);
    let network = Proxy::to(&infra.address);
    let app = serve(&["-c", &at("app.yaml", &application(&network.address))]);
    let reader = serve(&[
        "-c",
        &at("reader.yaml", &reader(&infra.address, &app.address)),
    ]);
    for (daemon, path) in [(&app, GENERATION), (&app, VIEWING), (&reader, ALL)] {
        daemon.until(path, PATIENCE, is("passing"));
    }
    let via = &reader.json(ALL)["via"];
    assert_eq!(via, &serde_json::json!(["infra", "reports"]));

    at("broken", "");
    let seen = app.until(GENERATION, PROMISED, is("failing"));
    let said = sentence(&seen);
    for part in [
        "not ours",
        "Message queue (infrastructure)",
        "queue `reports`: missing, since ",
    ] {
        assert!(said.contains(part), "{part:?} is not in {said:?}");
    }
    assert_eq!(seen["causes"][0]["owner"], "infrastructure");
    assert_eq!(app.json(VIEWING)["state"], "passing");
    // It hears of the one fault by two ways, and names it once.
    let told_by_two = |why: &Value| why["repair_sets"][0].as_array().map(Vec::len) == Some(2);
    let why = reader.until("/api/v1/explain?node=all", PATIENCE, told_by_two);
    assert_eq!(why["causes"].as_array().map(Vec::len), Some(1), "{why:#}");
    let seen = reader.until(ALL, PATIENCE, |value| {
        value["causes"]
            .as_array()
            .is_some_and(|causes| causes.len() == 1)
    });
    for cause in seen["causes"].as_array().expect("causes") {
        assert_eq!(cause["owner"], "infrastructure", "{seen:#}");
    }
    assert_eq!(
        sentence(&seen).matches("queue `reports`").count(),
        1,
        "{seen:#}"
    );

    network.cut();
    let seen = app.until(GENERATION, PATIENCE, is("unknown"));
    let said = sentence(&seen);
    for part in ["not ours", "the source `infra` is lost", "not said a word"] {
        assert!(said.contains(part), "{part:?} is not in {said:?}");
    }
    assert_eq!(app.json(VIEWING)["state"], "passing");
    network.heal();
    app.until(GENERATION, PATIENCE, is("failing"));

    let address = infra.address.clone();
    cut(infra);
    network.refuse();
    let seen = app.until(GENERATION, PATIENCE, is("unknown"));
    let said = sentence(&seen);
    assert!(said.contains("the source `infra` is lost"), "{said}");
    assert!(said.contains("connection"), "{said}");
    assert!(said.contains("not ours"), "{said}");
    assert_eq!(app.json(VIEWING)["state"], "passing");

    std::fs::remove_file(home.path().join("broken")).expect("it can be mended");
    network.heal();
    let _infra = serve_on(&address, &["-c", &infra_file]);
    app.until(GENERATION, PATIENCE, is("passing"));
    reader.until(ALL, PATIENCE, is("passing"));
}

fn cut(daemon: Daemon) {
    daemon.started.signal(Signal::KILL);
    daemon.started.ended(PATIENCE);
}

#[test]
fn instances_that_consume_each_other_both_say_so() {
    let home = folder("");
    let port = alpacalert_testkit::free_port();
    let both = |instance: &str, other: &str| {
        format!(
            "instance: {instance}\nowner: {instance}\nsources:\n  other: {{ alpacalert: {{ url: 'http://{other}' }}, interval: 200ms }}\n\
             services:\n  shared: {{ requires: [ {{ service: other/shared }} ] }}\n"
        )
    };
    let write = |name: &str, text: String| {
        let path = home.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path.to_str().expect("UTF-8").to_owned()
    };
    let one = serve(&[
        "-c",
        &write("one.yaml", both("one", &format!("127.0.0.1:{port}"))),
    ]);
    let two = serve_on(
        &format!("127.0.0.1:{port}"),
        &["-c", &write("two.yaml", both("two", &one.address))],
    );
    for daemon in [&one, &two] {
        let seen = daemon.until("/api/v1/services/shared", PATIENCE, |value| {
            sentence(value).contains("each would wait for the other")
        });
        assert_eq!(seen["state"], "unknown");
    }
}

/// Three in a circle, and one that consumes itself.
#[test]
fn no_circle_keeps_itself_in_a_state() {
    let home = folder("");
    let broken = home.path().join("broken");
    let names = ["one", "two", "three", "alone"];
    let ports: Vec<u16> = names
        .iter()
        .map(|_| alpacalert_testkit::free_port())
        .collect();
    let next = [1, 2, 0, 3];
    let daemons: Vec<Daemon> = names
        .iter()
        .enumerate()
        .map(|(at, name)| {
            let text = format!(
                "instance: {name}\nowner: {name}\ndefaults: {{ interval: 200ms }}\n\
                 sources:\n  next: {{ alpacalert: {{ url: 'http://127.0.0.1:{}' }} }}\n\
                 services:\n  shared: {{ requires: [ {{ service: next/shared }}, {{ file: {{ path: {}, exists: false }} }} ] }}\n",
                ports[next[at]],
                broken.display()
            );
            let path = home.path().join(format!("{name}.yaml"));
            std::fs::write(&path, text).expect("a file");
            let path = path.to_str().expect("UTF-8");
            serve_on(&format!("127.0.0.1:{}", ports[at]), &["-c", path])
        })
        .collect();
    let all = |state: &str, said: &str| {
        for daemon in &daemons {
            daemon.until("/api/v1/services/shared", PATIENCE, |value| {
                value["state"] == state && sentence(value).contains(said)
            });
        }
    };
    all("unknown", "");
    for (daemon, said) in daemons.iter().zip([
        "each would wait for the other",
        "each would wait for the other",
        "each would wait for the other",
        "an instance with our own name",
    ]) {
        daemon.until("/api/v1/services/shared", PATIENCE, |value| {
            sentence(value).contains(said)
        });
    }
    std::fs::write(&broken, "").expect("a file");
    all("failing", "");
    // Nobody is Failing only because another one still says so.
    std::fs::remove_file(&broken).expect("it can be mended");
    all("unknown", "");
}

#[test]
fn a_thousand_services_of_one_publisher_come_over_one_connection() {
    let home = folder("");
    let broken = home.path().join("broken");
    let at = |name: &str, text: &str| {
        let path = home.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path.to_str().expect("UTF-8").to_owned()
    };
    let mut publisher =
        String::from("instance: infra\nowner: infra\ndefaults: { interval: 500ms }\nservices:\n");
    let mut consumer =
        String::from("instance: app\nowner: app\nservices:\n  all:\n    requires:\n");
    for n in 0..1000 {
        publisher.push_str(&format!(
            "  s{n}: {{ requires: [ {{ file: {{ path: '{}', exists: false }} }} ] }}\n",
            broken.display()
        ));
        consumer.push_str(&format!("      - service: infra/s{n}\n"));
    }
    let infra = serve(&["-c", &at("infra.yaml", &publisher)]);
    let network = Proxy::to(&infra.address);
    consumer.push_str(&format!(
        "sources: {{ infra: {{ alpacalert: {{ url: 'http://{}' }} }} }}\n",
        network.address
    ));
    let app = serve(&["-c", &at("app.yaml", &consumer)]);
    let all = "/api/v1/services/all";
    app.until(all, PATIENCE, is("passing"));
    std::fs::write(&broken, "").expect("a file");
    app.until(all, PATIENCE, is("failing"));
    std::fs::remove_file(&broken).expect("it can be mended");
    app.until(all, PATIENCE, is("passing"));
    assert_eq!(network.connections(), 1);
}
