//! What other programs publish, consumed by a running instance: their states, whose fault it is and why, and Unknown when nobody
//! hears them any more.

use std::time::Duration;

use alpacalert_testkit::Gatus;
use serde_json::Value;

use crate::program::{Ports, folder};
use crate::published;
use crate::serve::{Daemon, serve};
use crate::site::{Mode, Site};

const PATIENCE: Duration = Duration::from_secs(20);

fn is<'a>(state: &'a str, said: &'a [&'a str]) -> impl Fn(&Value) -> bool + 'a {
    move |value| {
        let sentence = value["sentence"].as_str().expect("a sentence");
        value["state"] == state && said.iter().all(|said| sentence.contains(said))
    }
}

fn service(daemon: &Daemon, name: &str, state: &str, said: &[&str]) -> Value {
    let path = format!("/api/v1/services/{name}");
    daemon.until(&path, PATIENCE, is(state, said))
}

/// A source, with a service for each of its two things.
fn consumes(sort: &str) -> String {
    format!(
        "instance: here\nowner: us\ndefaults: {{ interval: 200ms }}\n\
         sources:\n  page: {{ {sort}, interval: 300ms, timeout: 2s }}\n\
         services:\n  w: {{ title: W, requires: [ {{ service: page/well }} ] }}\n  i: {{ title: I, requires: [ {{ service: page/ill }} ] }}\n"
    )
}

#[test]
fn a_page_of_another_program_is_shown_with_its_states_and_causes_until_it_stops() {
    let keys = |site: &Site, more: &str| format!("{{ url: '{}'{more} }}", site.url);
    let (statuspage, gatus, kuma) = (
        published::statuspage(),
        published::gatus(),
        published::uptime_kuma(),
    );
    let pages = [
        (
            format!("statuspage: {}", keys(&statuspage, "")),
            statuspage,
            "Hosting",
            &["Pushes are slow", "A disk is full", "since 10:01"][..],
        ),
        (
            format!("gatus: {}", keys(&gatus, ", owner: network team")),
            gatus,
            "network team",
            &["[STATUS] (500) == 200", "since "],
        ),
        (
            format!("uptime-kuma: {}", keys(&kuma, ", page: prod")),
            kuma,
            "Production",
            &["down", "since "],
        ),
    ];
    for (sort, site, owner, why) in pages {
        let folder = folder(&consumes(&sort));
        let daemon = serve(&["-c", folder.path().to_str().expect("UTF-8")]);
        service(&daemon, "w", "passing", &[]);
        let whose = format!("({owner})");
        let ill = service(&daemon, "i", "failing", &["not ours", &whose]);
        let sentence = ill["sentence"].as_str().expect("a sentence");
        for part in why {
            assert!(sentence.contains(part), "{part:?} of {sort}: {sentence}");
        }
        assert_eq!(ill["causes"][0]["owner"], owner, "{ill:#}");
        let (status, board) = daemon.get("/");
        assert_eq!(status, 200);
        assert!(board.contains(owner), "{sort}: {board}");

        site.now(Mode::Closes);
        for name in ["w", "i"] {
            service(&daemon, name, "unknown", &["the source `page` is lost"]);
        }
        site.now(Mode::Well);
        service(&daemon, "w", "passing", &[]);
        service(&daemon, "i", "failing", &["not ours", &whose]);
    }
}

#[test]
fn a_real_gatus_is_read_as_it_says_until_it_stops() {
    let ports = Ports::new();
    let endpoint = |name: &str, port: u16| {
        format!(
            "  - {{ name: {name}, group: core, url: 'tcp://127.0.0.1:{port}', interval: 1s, conditions: ['[CONNECTED] == true'] }}\n"
        )
    };
    let endpoints = endpoint("well", ports.open) + &endpoint("ill", ports.closed);
    let Some(mut gatus) = Gatus::start(&endpoints) else {
        return;
    };
    let sort = format!("gatus: {{ url: '{}', max_age: 5s }}", gatus.url());
    let folder = folder(&consumes(&sort));
    let daemon = serve(&["-c", folder.path().to_str().expect("UTF-8")]);
    service(&daemon, "w", "passing", &[]);
    let ill = service(
        &daemon,
        "i",
        "failing",
        &["not ours", "(page)", "[CONNECTED]"],
    );
    assert_eq!(ill["causes"][0]["owner"], "page", "{ill:#}");
    gatus.stop();
    for name in ["w", "i"] {
        service(&daemon, name, "unknown", &["the source `page` is lost"]);
    }
    // It has no results of before, and is believed as soon as it has one.
    gatus.resume();
    service(&daemon, "w", "passing", &[]);
    service(&daemon, "i", "failing", &["not ours"]);
}
