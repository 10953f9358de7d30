//! What another instance sees of ours: what our rules reveal to its token.

use std::time::Duration;

use alpacalert_web::access::token;
use rustix::process::Signal;
use serde_json::Value;

use crate::program::folder;
use crate::serve::{Daemon, serve};

const PATIENCE: Duration = Duration::from_secs(20);

/// Consumes two services of another instance, with a token or without.
fn consumer(publisher: &str, token: &str) -> (Daemon, alpacalert_testkit::TempDir) {
    let token = match token {
        "" => String::new(),
        token => format!(", token: '{token}'"),
    };
    let folder = folder(&format!(
        "instance: app\nsources:\n  infra: {{ alpacalert: {{ url: 'http://{publisher}'{token} }}, interval: 200ms }}\n\
         services:\n  on-queue: {{ requires: [ {{ service: infra/queue }} ] }}\n  on-mail: {{ requires: [ {{ service: infra/mail }} ] }}\n"
    ));
    (
        serve(&["-c", folder.path().to_str().expect("UTF-8")]),
        folder,
    )
}

fn causes(daemon: &Daemon, service: &str, state: &str) -> Value {
    daemon.until(&format!("/api/v1/services/{service}"), PATIENCE, |value| {
        value["state"] == state
    })
}

#[test]
fn another_instance_sees_what_its_token_may() {
    let ours = folder("");
    let write = |tokens: &str| {
        let text = format!(
            "instance: infra\nowner: infrastructure\ndefaults: {{ interval: 200ms }}\n\
             services:\n  queue: {{ requires: [ {{ file: {{ path: /no/queue, title: broker-7 }} }} ] }}\n\
             \x20 mail: {{ public: true, requires: [ {{ file: {{ path: /no/mail, title: mailhost-3 }} }} ] }}\n\
             access:\n  tokens: {{ {tokens} }}\n"
        );
        std::fs::write(ours.path().join("alpacalert.yaml"), text).expect("a file");
    };
    let hash = token::hash("for the queue");
    write(&format!("app: {{ hash: '{hash}', read: queue }}"));
    let publisher = serve(&["-c", ours.path().to_str().expect("UTF-8")]);

    let (anybody, _folder) = consumer(&publisher.address, "");
    // What is public fails for them too, and nobody says whose disk it is.
    let mail = causes(&anybody, "on-mail", "failing").to_string();
    assert!(!mail.contains("mailhost-3"), "{mail}");
    let queue = causes(&anybody, "on-queue", "unknown").to_string();
    assert!(!queue.contains("broker-7"), "{queue}");

    let (app, _folder) = consumer(&publisher.address, "for the queue");
    let queue = causes(&app, "on-queue", "failing").to_string();
    assert!(
        queue.contains("broker-7") && queue.contains("infrastructure"),
        "{queue}"
    );
    let mail = causes(&app, "on-mail", "failing").to_string();
    assert!(!mail.contains("mailhost-3"), "{mail}");

    // A token that is taken away is told as such, and nothing is believed any more: not even what anybody may see.
    write("");
    publisher.started.signal(Signal::HUP);
    for service in ["on-queue", "on-mail"] {
        let lost = causes(&app, service, "unknown").to_string();
        assert!(lost.contains("refuses our token"), "{lost}");
    }
    causes(&anybody, "on-mail", "failing");
}
