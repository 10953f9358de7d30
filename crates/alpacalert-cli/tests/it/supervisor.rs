//! What a service manager is told, and what the log looks like for it.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};

use alpacalert_testkit::TempDir;
use rustix::process::Signal;
use serde_json::Value;

use crate::program::{alpacalert, folder};
use crate::serve::{Daemon, serve_by};

/// A service manager that listens.
struct Manager {
    socket: UnixDatagram,
    folder: TempDir,
    kept: RefCell<VecDeque<String>>,
}

impl Manager {
    fn new(configuration: &str) -> Self {
        let folder = folder(configuration);
        let socket = UnixDatagram::bind(folder.path().join("notify")).expect("a socket");
        let patience = Some(Duration::from_millis(100));
        socket.set_read_timeout(patience).expect("a time-out");
        Manager {
            socket,
            folder,
            kept: RefCell::default(),
        }
    }

    fn start(&self, watchdog: Option<Duration>) -> Daemon {
        let mut command = alpacalert(&["serve", "--listen", "127.0.0.1:0"]);
        command.env("NOTIFY_SOCKET", self.folder.path().join("notify"));
        if let Some(period) = watchdog {
            command.env("WATCHDOG_USEC", period.as_micros().to_string());
        }
        serve_by(command.current_dir(self.folder.path()))
    }

    /// What it is told within this time.
    fn told(&self, within: Duration) -> Vec<String> {
        let end = Instant::now() + within;
        let mut told = Vec::new();
        while Instant::now() < end {
            let mut buffer = [0; 4096];
            if let Ok(length) = self.socket.recv(&mut buffer) {
                let text = String::from_utf8_lossy(&buffer[..length]);
                told.extend(text.lines().map(str::to_owned));
            }
        }
        told
    }

    /// Waits for a line; what came before it is done with, and what comes after it is kept.
    #[track_caller]
    fn until(&self, line: &str) {
        let end = Instant::now() + Duration::from_secs(20);
        let mut before = Vec::new();
        loop {
            let next = self.kept.borrow_mut().pop_front();
            match next {
                Some(told) if told.starts_with(line) => return,
                Some(told) => before.push(told),
                None => {
                    let more = self.told(Duration::from_millis(50));
                    self.kept.borrow_mut().extend(more);
                }
            }
            assert!(Instant::now() < end, "{line} is not in {before:?}");
        }
    }
}

const CONFIGURATION: &str = "services: { a: { requires: [ { file: { path: / } } ] } }";

#[test]
fn a_service_manager_is_told_what_goes_on() {
    let manager = Manager::new(CONFIGURATION);
    let daemon = manager.start(None);
    manager.until("READY=1");
    daemon.started.signal(Signal::HUP);
    manager.until("RELOADING=1");
    manager.until("READY=1");
    std::fs::write(manager.folder.path().join("alpacalert.yaml"), "x: y").expect("a file");
    manager.until("STATUS=serving the former configuration");
    daemon.started.signal(Signal::TERM);
    manager.until("STOPPING=1");
}

#[test]
fn the_watchdog_hears_of_it_as_long_as_it_advances() {
    let manager = Manager::new(CONFIGURATION);
    let daemon = manager.start(Some(Duration::from_millis(400)));
    manager.until("READY=1");
    let beats = |within| {
        let told = manager.told(within);
        told.iter().filter(|line| *line == "WATCHDOG=1").count()
    };
    assert!(beats(Duration::from_secs(2)) >= 4);
    daemon.started.signal(Signal::STOP);
    beats(Duration::from_millis(300));
    assert_eq!(beats(Duration::from_secs(1)), 0);
    daemon.started.signal(Signal::CONT);
    assert!(beats(Duration::from_secs(2)) >= 4);
}

#[test]
fn the_log_is_json_where_that_is_asked_for() {
    let folder = folder(CONFIGURATION);
    let mut command = alpacalert(&["serve", "--listen", "127.0.0.1:0", "--log-format", "json"]);
    let daemon = serve_by(command.current_dir(folder.path()));
    daemon.started.signal(Signal::TERM);
    let (_, log) = daemon.started.ended(Duration::from_secs(10));
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    let serving = lines.iter().find(|line| line["message"] == "serving");
    assert_eq!(serving.expect("it says so")["listen"], daemon.address);
}

#[test]
fn every_task_is_listed_and_none_has_died() {
    let folder = folder(CONFIGURATION);
    let mut command = alpacalert(&["serve", "--listen", "127.0.0.1:0"]);
    let daemon = serve_by(command.current_dir(folder.path()));
    let report = daemon.json("/api/v1/instance");
    let tasks = report["tasks"].as_array().expect("tasks");
    for name in ["engine", "reload", "signals", "web"] {
        let task = tasks.iter().find(|task| task["name"] == name);
        let task = task.unwrap_or_else(|| panic!("{name} is not in {tasks:#?}"));
        assert_eq!(
            (&task["state"], &task["deaths"]),
            (&"running".into(), &0.into())
        );
    }
}
