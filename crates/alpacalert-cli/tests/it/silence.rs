//! Whatever stops telling is Unknown once what it told is too old, and until it tells again nothing of it passes, and nothing that
//! failed is over. The same for every sort of source, and for each way in which it can stop that is its own.

mod clusters;
mod tellers;

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::program::{alpacalert, folder};
use crate::published;
use crate::serve::{Daemon, serve_by};
use tellers::{Home, POLLED, peers, publisher, reporters, reports};

/// What a slow machine takes besides.
const SLOWNESS: Duration = Duration::from_secs(10);

/// For how long it is looked whether what is lost stays so.
const HELD: Duration = Duration::from_secs(2);

/// Something that tells of one thing that is well and of one that is ill.
struct Teller {
    name: &'static str,
    /// Its two nodes, as members of services.
    well: String,
    ill: String,
    /// How long what it told last may be believed.
    believed: Duration,
    /// What may be said of what was well, when it is silent.
    lost: &'static [&'static str],
    /// Whether what failed may be shown as failing on, until it is known better.
    ill_stays: bool,
    /// Whether it is waited for after it was silent.
    comes_back: bool,
    ways: Vec<Way>,
}

impl Teller {
    /// What may be said of it when it is silent: of what was well, and of what was ill.
    fn silent(&self) -> [(String, Vec<&'static str>); 2] {
        let mut of_ill = self.lost.to_vec();
        of_ill.extend(self.ill_stays.then_some("failing"));
        [(well(self), self.lost.to_vec()), (ill(self), of_ill)]
    }
}

/// How it stops telling, and how it begins again.
struct Way {
    name: String,
    stop: Box<dyn Fn()>,
    go_on: Box<dyn Fn()>,
}

impl Way {
    fn new(name: impl Into<String>, stop: impl Fn() + 'static, go_on: impl Fn() + 'static) -> Way {
        let (stop, go_on) = (Box::new(stop), Box::new(go_on));
        Way {
            name: name.into(),
            stop,
            go_on,
        }
    }
}

fn state(daemon: &Daemon, service: &str) -> (String, Value) {
    let value = daemon.json(&format!("/api/v1/services/{service}"));
    let state = value["state"].as_str().expect("a state").to_owned();
    (state, value)
}

/// Waits until the state of a service is one of these; until then it is another of these.
fn until(daemon: &Daemon, service: &str, wanted: &[&str], within: Duration, way: &str) {
    let begun = Instant::now();
    loop {
        let (state, value) = state(daemon, service);
        if wanted.contains(&&*state) {
            return;
        }
        assert!(
            begun.elapsed() < within,
            "{way}: {service} is not {wanted:?} within {within:?}: {value:#}"
        );
        std::thread::sleep(Duration::from_millis(30));
    }
}

/// What a service has passed since, as it is remembered.
fn passed(daemon: &Daemon, service: &str, since: alpacalert::model::Timestamp) -> Vec<Value> {
    let path = format!("/api/v1/transitions?node={service}&limit=1000");
    let told = daemon.json(&path);
    let told = told["transitions"].as_array().expect("a list").clone();
    let is_new = |change: &Value| {
        let at = change["at"].as_str().expect("a time");
        at.parse::<alpacalert::model::Timestamp>().expect("a time") > since
    };
    let passes = told.into_iter().filter(is_new);
    passes.filter(|change| change["to"] == "passing").collect()
}

fn well(teller: &Teller) -> String {
    format!("{}-well", teller.name)
}

fn ill(teller: &Teller) -> String {
    format!("{}-ill", teller.name)
}

fn all_are_told<'a>(daemon: &Daemon, tellers: impl IntoIterator<Item = &'a Teller>, when: &str) {
    for teller in tellers {
        until(daemon, &well(teller), &["passing"], 2 * SLOWNESS, when);
        until(daemon, &ill(teller), &["failing"], 2 * SLOWNESS, when);
    }
}

/// Has each stop telling in its next way, all at the same time.
fn stop_in_turn(daemon: &Daemon, tellers: &[Teller]) {
    all_are_told(daemon, tellers, "at first");
    for round in 0.. {
        let silent: Vec<(&Teller, &Way)> = tellers
            .iter()
            .filter_map(|teller| Some((teller, teller.ways.get(round)?)))
            .collect();
        if silent.is_empty() {
            return;
        }
        for (_, way) in &silent {
            (way.stop)();
        }
        let stopped = Instant::now();
        for (teller, way) in &silent {
            let way = format!("{} {}", teller.name, way.name);
            let left = (teller.believed + SLOWNESS).saturating_sub(stopped.elapsed());
            // Whether it was well or ill before, nothing is known of it any more.
            for (service, lost) in teller.silent() {
                until(daemon, &service, &lost, left, &way);
            }
        }
        let lost = alpacalert::model::Timestamp::now();
        while lost
            .duration_until(alpacalert::model::Timestamp::now())
            .unsigned_abs()
            < HELD
        {
            for (teller, way) in &silent {
                for (service, lost) in teller.silent() {
                    let (state, value) = state(daemon, &service);
                    let is_lost = lost.contains(&&*state);
                    assert!(is_lost, "{}: {service}: {value:#}", way.name);
                }
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        for (teller, way) in &silent {
            for service in [well(teller), ill(teller)] {
                let passed = passed(daemon, &service, lost);
                assert!(passed.is_empty(), "{}: {service}: {passed:#?}", way.name);
            }
        }
        let healed = alpacalert::model::Timestamp::now();
        for (_, way) in &silent {
            (way.go_on)();
        }
        let ways: Vec<&str> = silent.iter().map(|(_, way)| &*way.name).collect();
        let again = tellers.iter().filter(|teller| teller.comes_back);
        all_are_told(daemon, again, &format!("after {ways:?}"));
        // What failed before and fails again was never well meanwhile.
        for (teller, way) in &silent {
            let passed = passed(daemon, &ill(teller), healed);
            assert!(
                passed.is_empty(),
                "{} {}: {passed:#?}",
                teller.name,
                way.name
            );
        }
    }
}

/// Tells the instance of all tellers.
fn configuration(sources: &str, tellers: &[Teller]) -> String {
    let mut text =
        format!("instance: here\ndefaults: {{ interval: 200ms }}\nsources:\n{sources}services:\n");
    for teller in tellers {
        for (name, member) in [(well(teller), &teller.well), (ill(teller), &teller.ill)] {
            text += &format!("  {name}: {{ requires: [ {{ {member} }} ] }}\n");
        }
    }
    text
}

#[test]
fn whatever_stops_telling_is_unknown_and_nothing_of_it_passes_until_it_tells_again() {
    let folder = folder("");
    let mut home = Home {
        path: folder.path().to_owned(),
        sources: String::new(),
    };
    let publisher = Rc::new(publisher(folder.path()));
    let (talks, ends) = (
        Arc::new(AtomicBool::new(true)),
        Arc::new(AtomicBool::new(false)),
    );
    let mut tellers = vec![home.blueprints(), home.plugins()];
    tellers.extend(peers(&mut home, &publisher));
    tellers.extend(reporters(&talks));
    let page = |sort: &str| format!("{sort}: {{ url: URL, max_age: 2s }}");
    let old = Duration::from_secs(2) + POLLED;
    let sites = [
        (
            "listed",
            "alpacalert: { url: URL }".to_owned(),
            published::instance(),
        ),
        ("statuspage", page("statuspage"), published::statuspage()),
        ("gatus", page("gatus"), published::gatus()),
        (
            "kuma",
            "uptime-kuma: { url: URL, max_age: 2s, page: prod }".to_owned(),
            published::uptime_kuma(),
        ),
    ];
    for (name, sort, site) in sites {
        tellers.push(home.site(name, &sort, old, site));
    }
    let path = home.write("alpacalert.yaml", &configuration(&home.sources, &tellers));
    let mut command = alpacalert(&["serve", "--listen", "127.0.0.1:0"]);
    let daemon = serve_by(command.args(["-c", path.to_str().expect("UTF-8")]));
    let (address, telling, over) = (daemon.address.clone(), talks.clone(), ends.clone());
    let reporting = std::thread::spawn(move || reports(address, telling, over));
    stop_in_turn(&daemon, &tellers);
    ends.store(true, Ordering::Relaxed);
    reporting.join().expect("every report is taken");
}
