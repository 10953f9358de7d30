//! On a real terminal, which tmux is.

use std::process::{Command, Output};
use std::time::Duration;

use alpacalert_testkit::{FakeApiServer, TempDir, require, temp_dir, wait_until};

use crate::program::{Ports, folder};

/// A terminal with a shell in it; it ends when this is dropped.
struct Terminal {
    /// The socket of a server of its own, so that nobody else's sessions are touched.
    socket: TempDir,
}

impl Terminal {
    /// A terminal of this size in which a shell runs in a folder. Nothing when tmux is not installed.
    fn start(columns: usize, lines: usize, folder: &std::path::Path) -> Option<Terminal> {
        require("tmux")?;
        let terminal = Terminal { socket: temp_dir() };
        let (columns, lines) = (columns.to_string(), lines.to_string());
        let path = folder.to_str().expect("UTF-8");
        let started = terminal.tmux(&[
            "-f",
            "/dev/null",
            "new-session",
            "-d",
            "-s",
            "test",
            "-x",
            &columns,
            "-y",
            &lines,
            "-c",
            path,
            "env PS1='ready: ' TZ=UTC LC_ALL=C.UTF-8 sh -i",
        ]);
        assert!(started.status.success(), "{started:?}");
        terminal.wait_for("ready:");
        Some(terminal)
    }

    fn tmux(&self, arguments: &[&str]) -> Output {
        Command::new("tmux")
            .arg("-u")
            .arg("-S")
            .arg(self.socket.path().join("socket"))
            .args(arguments)
            .output()
            .expect("tmux runs")
    }

    fn press(&self, keys: &[&str]) {
        let mut arguments = vec!["send-keys", "-t", "test"];
        arguments.extend(keys);
        assert!(self.tmux(&arguments).status.success());
    }

    /// Runs the program with these arguments.
    fn run(&self, arguments: &str) {
        let program = env!("CARGO_BIN_EXE_alpacalert");
        self.press(&[
            &format!("clear; {program} {arguments}; echo code $?"),
            "Enter",
        ]);
    }

    /// What the terminal shows.
    fn shown(&self) -> String {
        let output = self.tmux(&["capture-pane", "-p", "-t", "test"]);
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// Waits until the terminal shows this, and gives all that it shows.
    #[track_caller]
    fn wait_for(&self, text: &str) -> String {
        wait_until(Duration::from_secs(20), || {
            let shown = self.shown();
            if shown.contains(text) {
                Ok(shown)
            } else {
                Err(format!("no {text:?} in\n{shown}"))
            }
        })
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
    }
}

#[test]
fn watch_draws_over_itself_survives_another_size_and_leaves_the_last_picture() {
    let Ports { listener, open, .. } = Ports::new();
    let folder = folder(&format!(
        "defaults: {{ interval: 200ms }}
services:
  website: {{ requires: [front] }}
systems:
  front: {{ all: [ {{ tcp: 127.0.0.1:{open} }} ] }}
"
    ));
    let Some(terminal) = Terminal::start(70, 20, folder.path()) else {
        return;
    };
    terminal.run("watch");
    let well = terminal.wait_for("all is well: 1 service works, 1 check passes");
    assert!(well.contains("Ctrl-C ends"), "{well}");
    drop(listener);
    let failing = terminal.wait_for("✕ website is failing since ");
    assert!(
        !failing.contains("all is well"),
        "the old picture is gone:\n{failing}"
    );
    assert!(failing.contains("└─ ✕ front  failing"), "{failing}");
    assert!(
        terminal
            .tmux(&["resize-window", "-t", "test", "-x", "40", "-y", "9"])
            .status
            .success()
    );
    let narrow = terminal.wait_for("…");
    assert!(
        narrow.lines().all(|line| line.chars().count() <= 40),
        "{narrow}"
    );
    assert_eq!(
        narrow.matches("website is failing").count(),
        1,
        "drawn once:\n{narrow}"
    );
    assert!(narrow.trim_end().ends_with("Ctrl-C ends"), "{narrow}");
    assert!(
        terminal
            .tmux(&["resize-window", "-t", "test", "-x", "70", "-y", "20"])
            .status
            .success()
    );
    terminal.wait_for("checks: 1 failing");
    terminal.press(&["C-c"]);
    let left = terminal.wait_for("code 2");
    assert_eq!(left.matches("website is failing").count(), 1, "{left}");
    terminal.press(&["echo st''ill here", "Enter"]);
    terminal.wait_for("\nstill here");
}

#[test]
fn a_slow_check_shows_its_progress_and_takes_it_away() {
    let folder = folder(
        "services: { x: { all: [ { exec: { command: [/bin/true] } }, { exec: { command: [/bin/sleep, '4'] } } ] } }\n",
    );
    let Some(terminal) = Terminal::start(70, 20, folder.path()) else {
        return;
    };
    terminal.run("check");
    terminal.wait_for("measured 1 of 2, waiting for exec /bin/sleep");
    let done = terminal.wait_for("code 0");
    assert!(!done.contains("measured"), "{done}");
}

#[test]
fn ctrl_c_ends_a_check_and_leaves_no_progress_behind() {
    let folder =
        folder("services: { x: { all: [ { exec: { command: [/bin/sleep, '60'] } } ] } }\n");
    let Some(terminal) = Terminal::start(70, 20, folder.path()) else {
        return;
    };
    terminal.run("check");
    terminal.wait_for("measured 0 of 1");
    terminal.press(&["C-c"]);
    let ended = terminal.wait_for("code 3");
    assert!(ended.contains("? x is unknown"), "{ended}");
    assert!(
        ended.contains("note: stopped early: 0 of 1 sensors were measured"),
        "{ended}"
    );
    assert!(!ended.contains("measured 0 of 1,"), "{ended}");
}

/// A big cluster takes its time: what is under way is shown, and gone when there is an answer.
#[test]
fn k8s_shows_what_it_waits_for() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let fake = runtime.block_on(FakeApiServer::start());
    fake.put(
        "namespaces",
        serde_json::json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}),
    );
    fake.slow("pods", Duration::from_secs(3));
    let kubeconfig = fake.kubeconfig();
    let folder = temp_dir();
    let Some(terminal) = Terminal::start(100, 20, folder.path()) else {
        return;
    };
    terminal.run(&format!("k8s --kubeconfig {}", kubeconfig.path().display()));
    let shown = terminal.wait_for("waiting for Pod objects; 1 objects so far");
    assert!(shown.contains("44 of 45"), "{shown}");
    let shown = terminal.wait_for("code 0");
    assert!(!shown.contains("so far"), "{shown}");
}
