//! Measuring continuously.

use std::net::TcpListener;
use std::time::Duration;

use rustix::process::Signal;

use crate::program::{Ports, Started, alpacalert, folder};

#[test]
fn changes_are_lines_and_the_exit_code_is_the_last_state() {
    let ports = Ports::new();
    let folder = folder(&format!(
        "defaults: {{ interval: 200ms }}
services:
  website: {{ owner: web-team, requires: [front] }}
systems:
  front: {{ all: [ {{ tcp: 127.0.0.1:{} }} ] }}
",
        ports.open
    ));
    let started = Started::new(alpacalert(&["watch"]).current_dir(folder.path()));
    std::thread::sleep(Duration::from_millis(800));
    assert_eq!(
        started.rest(),
        Vec::<String>::new(),
        "that things pass from the start is no news"
    );
    let Ports { listener, open, .. } = ports;
    drop(listener);
    let line = started.line_with("✕ website  passing → failing, web-team");
    assert!(line.starts_with("20"), "{line}");
    let listener = TcpListener::bind(("127.0.0.1", open)).expect("the port is still free");
    started.line_with("● website  failing → passing");
    drop(listener);
    started.line_with("✕ website");
    started.signal(Signal::TERM);
    let (status, err) = started.ended(Duration::from_secs(10));
    assert_eq!(status.code(), Some(2), "{err}");
}

#[test]
fn a_reader_that_has_gone_ends_it() {
    let ports = Ports::new();
    let folder = folder(&format!(
        "defaults: {{ interval: 100ms }}\nservices: {{ x: {{ requires: [ {{ tcp: 127.0.0.1:{} }} ] }} }}\n",
        ports.open
    ));
    let mut child = alpacalert(&["watch"])
        .current_dir(folder.path())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    // The first change is the first line that nobody reads.
    std::thread::sleep(Duration::from_millis(500));
    drop(ports.listener);
    let status = alpacalert_testkit::wait_until(Duration::from_secs(20), || {
        child.try_wait().unwrap().ok_or("still running")
    });
    assert_eq!(status.code(), Some(2));
}
