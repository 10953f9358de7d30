//! The third way against a real server.

use std::process::Command;
use std::time::Duration;

use alpacalert::{Monitor, Settings};
use alpacalert_instrument::Registry;
use alpacalert_testkit::{Process, TempDir, free_port, require, temp_dir, wait_for};
use extend_in_rust::{plan, shared, show};

/// An alert that always fires, one that never does, and one that cannot be evaluated: it asks for a matching of many to many.
const RULES: &str = r#"
groups:
- name: shop
  interval: 1s
  rules:
  - { alert: Burning, expr: vector(1), labels: { dashboard: my-web-app }, annotations: { summary: it burns } }
  - { alert: Drowning, expr: vector(1) > 2, labels: { dashboard: my-web-app-db } }
  - alert: Puzzling
    expr: sum by (a) (label_replace(vector(1), "a", "1", "", "")) / on() (label_replace(vector(1), "b", "1", "", "") or label_replace(vector(1), "b", "2", "", ""))
    labels: { dashboard: puzzles }
"#;

struct Prometheus {
    url: String,
    _process: Process,
    _folder: TempDir,
}

impl Prometheus {
    fn start() -> Option<Prometheus> {
        let program = require("prometheus")?;
        let folder = temp_dir();
        let write = |name: &str, text: &str| {
            std::fs::write(folder.path().join(name), text).expect("write a file");
        };
        write("rules.yml", RULES);
        write("prometheus.yml", "rule_files: [rules.yml]");
        let port = free_port();
        let mut command = Command::new(program);
        command
            .current_dir(folder.path())
            .arg("--config.file=prometheus.yml")
            .arg("--storage.tsdb.path=data")
            .arg(format!("--web.listen-address=127.0.0.1:{port}"));
        let mut process = Process::start(&mut command, &folder.path().join("log"));
        process.wait_for_port(port);
        Some(Prometheus {
            url: format!("http://127.0.0.1:{port}/api/v1/rules"),
            _process: process,
            _folder: folder,
        })
    }
}

async fn tree(url: &str) -> String {
    let mut registry = Registry::new();
    shared::register(&mut registry);
    let plan = plan::my_web_app(url, &["my-web-app", "my-web-app-db", "puzzles"]);
    let monitor = Monitor::build(&plan, registry, Settings::default()).expect("it is right");
    let checked = monitor.check(|_| {}).await;
    show::tree(&checked.graph, &checked.roots)
}

const EXPECTED: &str = "\
failing my-web-app
  failing my-web-app
    failing Burning: it burns
  passing my-web-app-db
    passing Drowning
  unknown puzzles
    unknown Puzzling: found duplicate series for the match group";

#[tokio::test]
async fn the_alerts_of_a_real_server_become_dashboards() {
    let Some(server) = Prometheus::start() else {
        return;
    };
    // Rules are evaluated only some time after the start; until then nobody can tell.
    let patience = Duration::from_secs(30);
    wait_for(patience, async || {
        let text = tree(&server.url).await;
        if text.starts_with(EXPECTED) {
            Ok(())
        } else {
            Err(text)
        }
    })
    .await;
}
