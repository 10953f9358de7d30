//! Whatever stops telling is Unknown once what it told is too old, and until it tells again nothing of it passes, and nothing that
//! failed is over. The same for every sort of source, and for each way in which it can stop that is its own.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;

use crate::program::{alpacalert, folder};
use crate::proxy::Proxy;
use crate::published;
use crate::serve::{Daemon, ask, serve, serve_by};
use crate::site::{Mode, Site};

/// How long one is asked at most, and how often: three times without an answer is too old.
const KEYS: &str = "interval: 300ms, timeout: 1s";

/// What a slow machine takes besides.
const SLOWNESS: Duration = Duration::from_secs(10);

/// For how long it is looked whether what is lost stays so.
const HELD: Duration = Duration::from_secs(2);

const TOKEN: &str = "0123456789-test";

/// Something that tells of one thing that is well and of one that is ill.
struct Teller {
    name: &'static str,
    /// Its two nodes, as members of services.
    well: String,
    ill: String,
    /// How long what it told last may be believed.
    believed: Duration,
    /// What may be said of it when it is silent.
    lost: &'static [&'static str],
    ways: Vec<Way>,
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

const UNKNOWN: &[&str] = &["unknown"];

/// Three intervals and a time-out.
const POLLED: Duration = Duration::from_millis(1900);

/// What a test keeps while tellers tell.
struct Home {
    path: PathBuf,
    sources: String,
}

impl Home {
    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path.join(name);
        std::fs::write(&path, text).expect("a file");
        path
    }

    fn source(&mut self, name: &str, sort: &str) {
        self.sources += &format!("  {name}: {{ {sort}, {KEYS} }}\n");
    }

    /// What answers over HTTP.
    fn site(&mut self, name: &'static str, sort: &str, believed: Duration, site: Site) -> Teller {
        self.source(name, &sort.replace("URL", &site.url));
        let site = Arc::new(site);
        let modes = [
            Mode::Silent,
            Mode::Closes,
            Mode::Error,
            Mode::Garbage,
            Mode::Nothing,
            Mode::Half,
            Mode::Forbidden,
            Mode::Old,
        ];
        let way = |mode| {
            let (stops, goes_on) = (site.clone(), site.clone());
            let name = format!("{mode:?}");
            Way::new(
                name,
                move || stops.now(mode),
                move || goes_on.now(Mode::Well),
            )
        };
        Teller {
            name,
            well: format!("service: {name}/well"),
            ill: format!("service: {name}/ill"),
            believed,
            lost: UNKNOWN,
            ways: modes.into_iter().map(way).collect(),
        }
    }

    /// Programs that print what they saw, and the ways in which programs do not.
    fn scripts(&self, name: &str, prints: &str) -> (PathBuf, Vec<Way>) {
        let (mode, script) = (
            self.path.join(format!("{name}.mode")),
            self.path.join(format!("{name}.sh")),
        );
        let text = format!(
            "#!/bin/sh\ncase \"$(cat {} 2>/dev/null)\" in\n\
             hangs) exec sleep 30 ;;\n\
             exits) exit 77 ;;\n\
             dies) kill -KILL $$ ;;\n\
             garbage) head -c 4096 /dev/urandom; exit 77 ;;\n\
             nothing) exec true $(exit 77) ;;\n\
             endless) exec yes ;;\n\
             *) {prints} ;;\nesac\n",
            mode.display()
        );
        let script_is = self.write(&format!("{name}.sh"), &text);
        let run = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(script_is, run).expect("it can be run");
        let way = |how: &'static str| {
            let (stops, goes_on) = (mode.clone(), mode.clone());
            let stop = move || std::fs::write(&stops, how).expect("a file");
            Way::new(how, stop, move || {
                std::fs::remove_file(&goes_on).expect("it was there");
            })
        };
        let mut ways: Vec<Way> = ["hangs", "exits", "dies", "garbage", "endless"]
            .map(way)
            .into();
        let gone = script.with_extension("gone");
        let (from, to) = (script.clone(), gone.clone());
        ways.push(Way::new(
            "is taken away",
            move || std::fs::rename(&from, &to).expect("it is there"),
            {
                let script = script.clone();
                move || std::fs::rename(&gone, &script).expect("it is there")
            },
        ));
        (script, ways)
    }

    /// The source `exec`.
    fn blueprints(&mut self) -> Teller {
        let node = |name: &str, state: &str| {
            format!(
                r#"{{"kind":"example.org/Thing","reference":"{name}","title":"{name}","observation":{{"state":"{state}"}}}}"#
            )
        };
        let blueprint = format!(
            r#"printf '{{"version":1,"nodes":[{},{}]}}'"#,
            node("well", "passing"),
            node("ill", "failing")
        );
        let (script, mut ways) = self.scripts("blueprints", &blueprint);
        // What prints nothing and ends well is no blueprint.
        let empty = self.path.join("blueprints.mode");
        let stops = empty.clone();
        ways.push(Way::new(
            "prints nothing",
            move || std::fs::write(&stops, "nothing").expect("a file"),
            move || std::fs::remove_file(&empty).expect("it was there"),
        ));
        let sort = format!("exec: {{ command: [{}] }}", script.display());
        self.source("blueprints", &sort);
        Teller {
            name: "blueprints",
            well: "find: { source: blueprints, path: well }".into(),
            ill: "find: { source: blueprints, path: ill }".into(),
            believed: POLLED,
            lost: UNKNOWN,
            ways,
        }
    }

    /// The sensor `exec`: what it cannot measure is not what it measures.
    fn plugins(&self) -> Teller {
        let (script, ways) = self.scripts("plugins", "exit \"$1\"");
        let member = |code: u8| {
            format!(
                "exec: {{ command: [{}, '{code}'], {KEYS} }}",
                script.display()
            )
        };
        Teller {
            name: "plugins",
            well: member(0),
            ill: member(2),
            believed: POLLED,
            lost: UNKNOWN,
            ways,
        }
    }
}

/// Another instance, asked again and again and by its stream of changes.
fn peers(home: &mut Home, publisher: &Arc<Daemon>) -> [Teller; 2] {
    let teller = |name: &'static str, home: &mut Home, polled: bool, believed: Duration| {
        let network = Arc::new(Proxy::to(&publisher.address));
        let keys = if polled { KEYS } else { "timeout: 1s" };
        home.sources += &format!(
            "  {name}: {{ alpacalert: {{ url: 'http://{}' }}, {keys} }}\n",
            network.address
        );
        let signal = |signal: Signal| {
            let publisher = publisher.clone();
            move || publisher.started.signal(signal)
        };
        let network_does = |does: fn(&Proxy)| {
            let network = network.clone();
            move || does(&network)
        };
        let ways = vec![
            Way::new(
                "cut off",
                network_does(Proxy::cut),
                network_does(Proxy::heal),
            ),
            Way::new(
                "refused",
                network_does(Proxy::refuse),
                network_does(Proxy::heal),
            ),
            // Both tellers are the same process, so that one stop is the other's, too.
            Way::new("stopped", signal(Signal::STOP), signal(Signal::CONT)),
        ];
        Teller {
            name,
            well: format!("service: {name}/well"),
            ill: format!("service: {name}/ill"),
            believed,
            lost: UNKNOWN,
            ways,
        }
    };
    [
        teller("polled", home, true, POLLED),
        // It says every two seconds that it is there, and is believed for seven.
        teller("streamed", home, false, Duration::from_secs(7)),
    ]
}

/// What can only report: each says so every 300 ms while `talks`.
fn reporters(talks: &Arc<AtomicBool>) -> [Teller; 2] {
    let teller = |name: &'static str, [well, ill]: [String; 2], lost| {
        let (stops, goes_on) = (talks.clone(), talks.clone());
        let stop = move || stops.store(false, Ordering::Relaxed);
        let go_on = move || goes_on.store(true, Ordering::Relaxed);
        Teller {
            name,
            well,
            ill,
            believed: Duration::from_secs(2),
            lost,
            ways: vec![Way::new("says nothing", stop, go_on)],
        }
    };
    let heartbeat = |name: &str| {
        format!("heartbeat: {{ name: {name}, every: 2s, token: {TOKEN}, interval: 200ms }}")
    };
    let push = |name: &str| {
        format!("push: {{ name: {name}, expires: 2s, token: {TOKEN}, interval: 200ms }}")
    };
    [
        // That a job does not say that it ran is what is looked for: it is late, and nobody's sight is lost.
        teller(
            "heartbeats",
            ["well", "ill"].map(heartbeat),
            &["degraded", "failing"],
        ),
        teller("pushes", ["well", "ill"].map(push), UNKNOWN),
    ]
}

fn report(address: &str, path: &str) {
    let token = format!("Bearer {TOKEN}");
    let headers = [("Authorization", &*token), ("Content-Type", "text/plain")];
    let (status, _, body) = ask(address, "POST", path, &headers, b"");
    assert_eq!(status, 204, "{path}: {body}");
}

fn reports(address: String, talks: Arc<AtomicBool>, ends: Arc<AtomicBool>) {
    while !ends.load(Ordering::Relaxed) {
        if talks.load(Ordering::Relaxed) {
            report(&address, "/api/v1/heartbeat/well");
            report(&address, "/api/v1/heartbeat/ill?exit=3");
            report(&address, "/api/v1/push/well?state=passing");
            report(&address, "/api/v1/push/ill?state=failing");
        }
        std::thread::sleep(Duration::from_millis(300));
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

fn all_are_told(daemon: &Daemon, tellers: &[Teller], when: &str) {
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
            until(daemon, &well(teller), teller.lost, left, &way);
            until(daemon, &ill(teller), teller.lost, left, &way);
        }
        let lost = alpacalert::model::Timestamp::now();
        while lost
            .duration_until(alpacalert::model::Timestamp::now())
            .unsigned_abs()
            < HELD
        {
            for (teller, way) in &silent {
                for service in [well(teller), ill(teller)] {
                    let (state, value) = state(daemon, &service);
                    assert!(
                        teller.lost.contains(&&*state),
                        "{}: {service}: {value:#}",
                        way.name
                    );
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
        all_are_told(daemon, tellers, &format!("after {ways:?}"));
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

fn configuration(home: &Home, tellers: &[Teller]) -> String {
    let mut text = format!(
        "instance: here\ndefaults: {{ interval: 200ms }}\nsources:\n{}services:\n",
        home.sources
    );
    for teller in tellers {
        for (name, member) in [(well(teller), &teller.well), (ill(teller), &teller.ill)] {
            text += &format!("  {name}: {{ requires: [ {{ {member} }} ] }}\n");
        }
    }
    text
}

fn publisher(folder: &Path) -> Daemon {
    let text = "instance: infra\nowner: them\ndefaults: { interval: 200ms }\nservices:\n\
                \x20 well: { requires: [ { file: { path: / } } ] }\n  ill: { requires: [ { file: { path: /nowhere } } ] }\n";
    let path = folder.join("publisher.yaml");
    std::fs::write(&path, text).expect("a file");
    serve(&["-c", path.to_str().expect("UTF-8")])
}

#[test]
fn whatever_stops_telling_is_unknown_and_nothing_of_it_passes_until_it_tells_again() {
    let folder = folder("");
    let mut home = Home {
        path: folder.path().to_owned(),
        sources: String::new(),
    };
    let publisher = Arc::new(publisher(folder.path()));
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
    let path = home.write("alpacalert.yaml", &configuration(&home, &tellers));
    let mut command = alpacalert(&["serve", "--listen", "127.0.0.1:0"]);
    let daemon = serve_by(command.args(["-c", path.to_str().expect("UTF-8")]));
    let (address, telling, over) = (daemon.address.clone(), talks.clone(), ends.clone());
    let reporting = std::thread::spawn(move || reports(address, telling, over));
    stop_in_turn(&daemon, &tellers);
    ends.store(true, Ordering::Relaxed);
    reporting.join().expect("every report is taken");
}
