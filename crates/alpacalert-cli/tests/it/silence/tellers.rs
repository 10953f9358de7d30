//! What tells of things, and how it stops.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::process::Signal;

use super::{Teller, Way};
use crate::proxy::Proxy;
use crate::serve::{Daemon, ask, serve};
use crate::site::{Mode, Site};

/// How long one is asked at most, and how often: three times without an answer is too old.
const KEYS: &str = "interval: 300ms, timeout: 1s";

const TOKEN: &str = "0123456789-test";

pub(super) const UNKNOWN: &[&str] = &["unknown"];

/// Three intervals and a time-out.
pub(super) const POLLED: Duration = Duration::from_millis(1900);

/// What a test keeps while tellers tell.
pub(super) struct Home {
    pub(super) path: PathBuf,
    pub(super) sources: String,
}

impl Home {
    pub(super) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path.join(name);
        std::fs::write(&path, text).expect("a file");
        path
    }

    fn source(&mut self, name: &str, sort: &str) {
        self.sources += &format!("  {name}: {{ {sort}, {KEYS} }}\n");
    }

    /// What answers over HTTP.
    pub(super) fn site(
        &mut self,
        name: &'static str,
        sort: &str,
        believed: Duration,
        site: Site,
    ) -> Teller {
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
            ill_stays: false,
            comes_back: true,
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
    pub(super) fn blueprints(&mut self) -> Teller {
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
            ill_stays: false,
            comes_back: true,
            ways,
        }
    }

    /// The sensor `exec`: what it cannot measure is not what it measures.
    pub(super) fn plugins(&self) -> Teller {
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
            ill_stays: false,
            comes_back: true,
            ways,
        }
    }
}

/// Another instance, asked again and again and by its stream of changes.
pub(super) fn peers(home: &mut Home, publisher: &Rc<Daemon>) -> [Teller; 2] {
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
            ill_stays: false,
            comes_back: true,
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
pub(super) fn reporters(talks: &Arc<AtomicBool>) -> [Teller; 2] {
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
            ill_stays: false,
            comes_back: true,
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

pub(super) fn reports(address: String, talks: Arc<AtomicBool>, ends: Arc<AtomicBool>) {
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

pub(super) fn publisher(folder: &Path) -> Daemon {
    let text = "instance: infra\nowner: them\ndefaults: { interval: 200ms }\nservices:\n\
                \x20 well: { requires: [ { file: { path: / } } ] }\n  ill: { requires: [ { file: { path: /nowhere } } ] }\n";
    let path = folder.join("publisher.yaml");
    std::fs::write(&path, text).expect("a file");
    serve(&["-c", path.to_str().expect("UTF-8")])
}
