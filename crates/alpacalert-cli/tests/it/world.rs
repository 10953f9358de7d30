//! Real servers, good and bad: the right tree, the right causes, the right exit code, and what changes when one dies.

use std::path::Path;
use std::time::Duration;

use alpacalert_testkit::{
    Authority, Issued, Lifetime, Nginx, Nsd, TempDir, TlsServer, free_port, require,
};
use rustix::process::Signal;
use serde_json::Value;

use crate::program::{Started, alpacalert, folder, run_in};

/// A plugin of Debian's monitoring-plugins.
const PLUGIN: &str = "/usr/lib/nagios/plugins/check_disk";

/// A site on nginx, a server whose certificate is about to expire, a name server, a plugin, and a port on which nobody
/// listens.
struct World {
    nginx: Nginx,
    folder: TempDir,
    stopped: u16,
    _others: (Nsd, TlsServer, Authority, Issued),
}

impl World {
    /// Starts everything; nothing when a server is not installed.
    fn start() -> Option<World> {
        require(PLUGIN)?;
        let nginx = Nginx::start("location / { return 200 welcome; }")?;
        let names = Nsd::start("www IN A 192.0.2.7")?;
        let authority = Authority::new("test");
        let certificate = authority.issue(&["localhost"], Lifetime::days(10));
        let tls = TlsServer::start(&certificate, &[])?;
        let stopped = free_port();
        let text = format!(
            "instance: shop
owner: shop-team
defaults: {{ interval: 300ms, timeout: 5s }}
services:
  browsing:
    title: Browsing the shop
    public: true
    requires: [site, names]
    degrades: [recommendations]
  buying:
    title: Buying
    public: true
    requires: [site, payment, stock]
systems:
  site:
    title: Site
    all: [ {{ http: {{ url: \"{site}\", body: {{ contains: welcome }} }} }} ]
  names:
    title: Names
    owner: network-team
    all: [ {{ dns: {{ name: www.test, resolver: \"{names}\", expect: [192.0.2.7] }} }} ]
  payment:
    title: Payment
    owner: payment-team
    all: [ {{ tls: {{ address: \"localhost:{tls}\", ca: \"{ca}\" }} }} ]
  recommendations:
    title: Recommendations
    all: [ {{ tcp: \"127.0.0.1:{stopped}\" }} ]
  stock:
    title: Stock
    all: [ {{ exec: {{ command: [{PLUGIN}, -w, \"1%\", -c, \"0.1%\", -p, /] }} }} ]
",
            site = nginx.url("/"),
            names = names.address(),
            tls = tls.address().port(),
            ca = authority.root().display(),
        );
        Some(World {
            nginx,
            folder: folder(&text),
            stopped,
            _others: (names, tls, authority, certificate),
        })
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The state of each node by title, and the exit code.
    fn states(&self) -> (Vec<(String, String)>, i32) {
        let said = run_in(self.path(), &["check", "-o", "json"]);
        let record: Value =
            serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"));
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let mut states: Vec<_> = record["nodes"]
            .as_array()
            .expect("nodes")
            .iter()
            .map(|node| (text(&node["title"]), text(&node["state"])))
            .collect();
        states.sort();
        (states, said.code)
    }
}

/// What differs between two of [`World::states`].
fn changed(before: &[(String, String)], after: &[(String, String)]) -> Vec<String> {
    assert_eq!(before.len(), after.len(), "{before:?} {after:?}");
    before
        .iter()
        .zip(after)
        .filter(|(before, after)| before != after)
        .map(|((title, from), (_, to))| format!("{title}: {from} → {to}"))
        .collect()
}

#[test]
fn a_check_of_real_servers_shows_the_right_tree_causes_and_exit_code() {
    let Some(world) = World::start() else { return };
    let said = run_in(world.path(), &["check"]);
    let lines: Vec<&str> = said.out.lines().collect();
    assert_eq!(said.code, 1, "{said:?}");
    let (browsing, buying) = (lines[0], lines[1]);
    assert_eq!(
        browsing,
        format!(
            "▲ Browsing the shop is degraded: ours. tcp 127.0.0.1:{0}: connecting to 127.0.0.1:{0}: connection refused",
            world.stopped
        )
    );
    assert!(
        buying.starts_with("▲ Buying is degraded: not ours. Payment (payment-team): "),
        "{said:?}"
    );
    assert!(
        buying.contains("10 d") || buying.contains("9.9") || buying.contains("9 d"),
        "{buying}"
    );
    assert!(
        said.out
            .contains("├─ ✕ Recommendations (degrades)  failing\n"),
        "{}",
        said.out
    );
    assert!(
        said.out
            .ends_with("checks: 1 failing, 1 degraded, 3 passing\n"),
        "{}",
        said.out
    );
    // What passes is not named.
    assert!(!said.out.contains(PLUGIN), "{}", said.out);
    let all = run_in(world.path(), &["check", "--all"]);
    let plugin = all.out.lines().find(|line| line.contains(PLUGIN));
    assert!(
        plugin.is_some_and(|line| line.contains("passing  / ") && line.contains("(degraded > ")),
        "its performance data is shown with its limits: {}",
        all.out
    );
}

#[test]
fn when_nginx_dies_exactly_the_right_nodes_turn_and_they_recover() {
    let Some(mut world) = World::start() else {
        return;
    };
    let (before, code) = world.states();
    assert_eq!(code, 1);
    world.nginx.stop();
    let (down, code) = world.states();
    assert_eq!(code, 2);
    let site = format!("http {}", world.nginx.url("/"));
    assert_eq!(
        changed(&before, &down),
        [
            "Browsing the shop: degraded → failing".to_owned(),
            "Buying: degraded → failing".to_owned(),
            "Site: passing → failing".to_owned(),
            format!("{site}: passing → failing"),
        ]
    );
    let why = run_in(world.path(), &["explain", "buying"]);
    assert!(
        why.out
            .starts_with(&format!("✕ Buying is failing: ours. {site}: ")),
        "{}",
        why.out
    );
    assert!(why.out.contains("connection refused"), "{}", why.out);
    assert!(
        !why.out.contains("Payment"),
        "its certificate does not make it failing: {}",
        why.out
    );
    world.nginx.resume();
    let (after, code) = world.states();
    assert_eq!(code, 1);
    assert_eq!(changed(&before, &after), Vec::<String>::new());
}

#[test]
fn watching_tells_when_nginx_dies_and_when_it_is_back() {
    let Some(mut world) = World::start() else {
        return;
    };
    let started = Started::new(alpacalert(&["watch"]).current_dir(world.path()));
    // The first look at everything is over when both services are known to be degraded.
    started.lines_with(&[
        "▲ Browsing the shop  unknown → degraded",
        "▲ Buying  unknown → degraded",
    ]);
    world.nginx.stop();
    let line = started.line_with("✕ http ");
    assert!(
        line.contains("passing → failing") && line.contains("connection refused"),
        "{line}"
    );
    std::thread::sleep(Duration::from_millis(500));
    let others = started.rest();
    assert_eq!(
        others.len(),
        3,
        "the site and the two services: {others:#?}"
    );
    world.nginx.resume();
    started.line_with("● http ");
    std::thread::sleep(Duration::from_millis(500));
    let others = started.rest();
    assert_eq!(others.len(), 3, "{others:#?}");
    started.signal(Signal::INT);
    let (status, err) = started.ended(Duration::from_secs(10));
    assert_eq!(status.code(), Some(1), "{err}");
}

#[test]
fn impact_is_found_by_evaluating() {
    let Some(world) = World::start() else { return };
    let services = |node: &str| {
        let said = run_in(world.path(), &["impact", node, "-o", "json"]);
        let record: Value =
            serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"));
        let mut titles: Vec<String> = record
            .as_array()
            .expect("a list")
            .iter()
            .map(|impact| impact["title"].as_str().expect("a title").to_owned())
            .collect();
        titles.sort();
        titles
    };
    assert_eq!(services("names"), ["Browsing the shop"]);
    assert_eq!(services("site"), ["Browsing the shop", "Buying"]);
    assert_eq!(
        services("recommendations"),
        ["Browsing the shop"],
        "it is failing already, and this is what suffers from it"
    );
}
