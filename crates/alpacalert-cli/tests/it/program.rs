//! Runs the program.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use alpacalert_testkit::TempDir;

/// What the program said, and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// The program, in an empty folder, without what the environment of the test would tell it.
pub(crate) fn alpacalert(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_alpacalert"));
    command.args(arguments).stdin(Stdio::null());
    for name in [
        "NO_COLOR",
        "CLICOLOR",
        "CLICOLOR_FORCE",
        "ALPACALERT_CONFIG",
        "ALPACALERT_LOG",
        "COLUMNS",
    ] {
        command.env_remove(name);
    }
    command.env("TZ", "UTC").current_dir("/");
    command
}

/// Runs it to its end.
pub(crate) fn said(command: &mut Command) -> Said {
    let output = command.output().expect("the program starts");
    Said {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).expect("UTF-8"),
        err: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

pub(crate) fn run(arguments: &[&str]) -> Said {
    said(&mut alpacalert(arguments))
}

/// A folder with this configuration.
pub(crate) fn folder(configuration: &str) -> TempDir {
    let folder = alpacalert_testkit::temp_dir();
    std::fs::write(folder.path().join("alpacalert.yaml"), configuration)
        .expect("the file can be written");
    folder
}

/// Runs it where this configuration is.
pub(crate) fn run_in(folder: &Path, arguments: &[&str]) -> Said {
    said(alpacalert(arguments).current_dir(folder))
}

pub(crate) fn run_with(configuration: &str, arguments: &[&str]) -> Said {
    run_in(folder(configuration).path(), arguments)
}

/// A port on which somebody listens, and one on which nobody does.
pub(crate) struct Ports {
    pub(crate) listener: TcpListener,
    pub(crate) open: u16,
    pub(crate) closed: u16,
}

impl Ports {
    pub(crate) fn new() -> Self {
        // Not one that the system chooses: it may have been another server's a moment ago, whose clients still ask. And more than
        // one try: a process that another test is starting may hold a port for a moment that was looked at just now.
        let listener = std::iter::repeat_with(alpacalert_testkit::free_port)
            .take(100)
            .find_map(|port| TcpListener::bind(("127.0.0.1", port)).ok())
            .expect("a free port");
        Ports {
            open: listener.local_addr().expect("its address").port(),
            listener,
            closed: alpacalert_testkit::free_port(),
        }
    }
}

/// The program while it runs; it is ended when this is dropped.
pub(crate) struct Started {
    child: Child,
    lines: mpsc::Receiver<String>,
    /// What it says on standard error, read as it comes: a pipe that is full would stop it.
    errors: Option<JoinHandle<String>>,
}

impl Started {
    pub(crate) fn new(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let out = child.stdout.take().expect("its output");
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let mut err = child.stderr.take().expect("its errors");
        let errors = std::thread::spawn(move || {
            let mut said = String::new();
            err.read_to_string(&mut said).expect("UTF-8");
            said
        });
        Started {
            child,
            lines,
            errors: Some(errors),
        }
    }

    /// The next line that contains this, within a few seconds.
    #[track_caller]
    pub(crate) fn line_with(&self, text: &str) -> String {
        self.lines_with(&[text]).remove(0)
    }

    /// The next line for each text that contains it, in whatever order they come, within a few seconds.
    #[track_caller]
    pub(crate) fn lines_with(&self, texts: &[&str]) -> Vec<String> {
        let end = Instant::now() + Duration::from_secs(20);
        let mut found = vec![None; texts.len()];
        let mut others = Vec::new();
        while found.contains(&None) {
            let Ok(line) = self
                .lines
                .recv_timeout(end.saturating_duration_since(Instant::now()))
            else {
                panic!("no lines with {texts:?}; there were {found:#?} and {others:#?}")
            };
            match texts.iter().position(|text| line.contains(text)) {
                Some(nth) => found[nth] = Some(line),
                None => others.push(line),
            }
        }
        found.into_iter().flatten().collect()
    }

    /// The lines that are there and were not looked at.
    pub(crate) fn rest(&self) -> Vec<String> {
        self.lines.try_iter().collect()
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, signal).expect("it can be signalled");
    }

    /// How it ended, and what it said on standard error.
    #[track_caller]
    pub(crate) fn ended(mut self, within: Duration) -> (ExitStatus, String) {
        let end = Instant::now() + within;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("it can be waited for") {
                break status;
            }
            assert!(Instant::now() < end, "it did not end within {within:?}");
            std::thread::sleep(Duration::from_millis(10));
        };
        let said = self.errors.take().map(JoinHandle::join);
        let said = said.map(|said| said.expect("UTF-8"));
        (status, said.unwrap_or_default())
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
