//! Ctrl-C and time running out.

use std::time::{Duration, Instant};

use alpacalert_testkit::TempDir;
use rustix::process::Signal;

use crate::program::{Started, alpacalert, folder, run_in};

/// One check that is done at once, and one that takes a minute and touches a file when it begins.
fn slow() -> (TempDir, std::path::PathBuf) {
    let began = alpacalert_testkit::temp_dir().keep().join("began");
    let text = format!(
        "defaults: {{ timeout: 2m }}
services:
  x:
    all:
      - exec: {{ command: [/bin/true] }}
      - exec: {{ command: [/bin/sh, -c, 'touch {}; sleep 60'] }}
",
        began.display()
    );
    (folder(&text), began)
}

fn wait_for(file: &std::path::Path) {
    alpacalert_testkit::wait_until(Duration::from_secs(20), || {
        std::fs::metadata(file).map(|_| ())
    });
}

#[test]
fn the_first_ctrl_c_stops_with_what_there_is() {
    let (folder, began) = slow();
    let started = Started::new(alpacalert(&["check", "--all"]).current_dir(folder.path()));
    wait_for(&began);
    // The quick check is done long before the slow one's first second is over.
    std::thread::sleep(Duration::from_millis(500));
    let stopped = Instant::now();
    started.signal(Signal::INT);
    started.line_with("is unknown");
    let line = started.line_with("checks: ");
    assert_eq!(line, "checks: 1 unknown, 1 passing");
    let (status, err) = started.ended(Duration::from_secs(10));
    assert!(
        stopped.elapsed() < Duration::from_secs(5),
        "{:?}",
        stopped.elapsed()
    );
    assert_eq!(status.code(), Some(3), "{err}");
    assert!(
        err.contains("stopped early: 1 of 2 sensors were measured"),
        "{err}"
    );
    std::fs::remove_dir_all(began.parent().unwrap()).unwrap();
}

#[test]
fn when_the_time_is_up_the_rest_is_unknown() {
    let (folder, began) = slow();
    let said = run_in(folder.path(), &["check", "--timeout", "1500ms"]);
    assert_eq!(said.code, 3, "{said:?}");
    assert!(said.out.contains("not measured"), "{said:?}");
    assert!(said.err.contains("stopped early"), "{said:?}");
    std::fs::remove_dir_all(began.parent().unwrap()).unwrap();
}
