//! An instance with many nodes.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use alpacalert_testkit::{Process, TempDir, free_port, temp_dir, wait_until};

/// Ticks of processor time in a second: `USER_HZ`, which is 100 on Linux (proc_pid_stat(5)).
const TICKS: f64 = 100.0;

const PATIENCE: Duration = Duration::from_secs(120);

/// How many nodes there are, but for a few.
pub(crate) fn nodes() -> usize {
    let given = std::env::var("ALPACALERT_BENCH_NODES").ok();
    given.and_then(|text| text.parse().ok()).unwrap_or(100_000)
}

/// A running instance.
pub(crate) struct Instance {
    process: Process,
    pub(crate) port: u16,
    _folder: TempDir,
}

impl Instance {
    /// Serves a configuration, to which `write` may add files.
    pub(crate) fn start(configuration: &str, write: impl FnOnce(&Path)) -> Instance {
        let folder = temp_dir();
        write(folder.path());
        let file = folder.path().join("alpacalert.yaml");
        let configuration = configuration.replace("{folder}", &folder.path().display().to_string());
        std::fs::write(&file, configuration).expect("write the configuration");
        let port = free_port();
        let mut command = Command::new(env!("CARGO_BIN_EXE_alpacalert"));
        command
            .args(["serve", "--listen", &format!("127.0.0.1:{port}"), "-c"])
            .arg(&file)
            .arg("--state")
            .arg(folder.path().join("state"));
        let mut process = Process::start(&mut command, &folder.path().join("log"));
        process.wait_for_port(port);
        Instance {
            process,
            port,
            _folder: folder,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// An answer's head and body.
    pub(crate) fn ask(&self, request: &str) -> (String, Vec<u8>) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
        let request = format!("{request}Host: localhost\r\nConnection: close\r\n\r\n");
        stream
            .write_all(request.as_bytes())
            .expect("it can be asked");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("it answers");
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
        let end = end.expect("an answer has a head");
        let head = String::from_utf8_lossy(&answer[..end]).into_owned();
        (head, answer.split_off(end + 4))
    }

    pub(crate) fn json(&self, path: &str) -> serde_json::Value {
        let (head, body) = self.ask(&format!("GET {path} HTTP/1.1\r\n"));
        serde_json::from_slice(&body).unwrap_or_else(|error| panic!("{path}: {error}: {head}"))
    }

    /// Waits until it has so many nodes.
    pub(crate) fn until_nodes(&self, least: usize) {
        wait_until(PATIENCE, || {
            let report = self.json("/api/v1/instance");
            let nodes = report["nodes"].as_u64().unwrap_or(0) as usize;
            if nodes >= least {
                Ok(())
            } else {
                Err(format!("{nodes} of {least} nodes are there"))
            }
        });
    }

    /// The processor time that it has used, in seconds.
    pub(crate) fn seconds(&self) -> f64 {
        seconds(self.process.id())
    }

    /// What is resident, in MiB.
    pub(crate) fn resident_mib(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()));
        let status = status.expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
        kib.unwrap_or(f64::NAN) / 1024.0
    }
}

/// The processor time that a process has used, user and system, in seconds.
pub(crate) fn seconds(id: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).expect("it runs");
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let ticks = |at: usize| fields[at].parse::<f64>().expect("a number");
    (ticks(11) + ticks(12)) / TICKS
}

/// How many programs tell the nodes: one may tell 10,000.
const PROGRAMS: usize = 10;

/// Nodes of which the first `failing` fail, as files that [`configuration`] reads.
pub(crate) fn sources(folder: &Path, count: usize, failing: usize) {
    let each = count / PROGRAMS;
    for program in 0..PROGRAMS {
        let mut out = String::from(r#"{"version":1,"nodes":["#);
        for number in (program * each)..((program + 1) * each) {
            let state = if number < failing {
                "failing"
            } else {
                "passing"
            };
            let _ = write!(
                out,
                r#"{{"kind":"b.org/S","reference":"{number}","observation":{{"state":"{state}"}}}},"#
            );
        }
        out.pop();
        out.push_str("]}");
        std::fs::write(folder.join(program.to_string()), out).expect("write what a program tells");
    }
}

/// The sources of [`sources`], and the name of the last of them, in which nothing fails.
pub(crate) fn configuration() -> (String, String) {
    let mut text = String::from("instance: bench\nowner: team\nsources:\n");
    for program in 0..PROGRAMS {
        let _ = writeln!(
            text,
            "  s{program}: {{ exec: {{ command: [cat, '{{folder}}/{program}'] }}, interval: 1h }}"
        );
    }
    (text, format!("s{}", PROGRAMS - 1))
}
