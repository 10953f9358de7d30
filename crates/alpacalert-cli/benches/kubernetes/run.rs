//! Runs programs to their end, and tells how long that took and how much memory they had at most.

use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A run of a program.
pub(crate) struct Ran {
    pub(crate) time: Duration,
    /// The most memory that was resident, in bytes.
    pub(crate) resident: u64,
    pub(crate) bytes: usize,
}

/// Runs a program and reads what it prints.
pub(crate) fn run(command: &mut Command) -> Ran {
    let start = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
    let id = child.id();
    let watcher = std::thread::spawn(move || {
        let mut most = 0;
        // The file is there until the process has been waited for; then reading it fails.
        while let Some(resident) = peak(id) {
            most = most.max(resident);
            std::thread::sleep(Duration::from_millis(10));
        }
        most
    });
    let mut out = Vec::new();
    let mut stdout = child.stdout.take().expect("its output");
    stdout.read_to_end(&mut out).expect("it prints");
    let time = start.elapsed();
    child.wait().expect("it ends");
    Ran {
        time,
        resident: watcher.join().unwrap_or(0),
        bytes: out.len(),
    }
}

/// The most memory that a process had, in bytes; `None` when it has ended.
pub(crate) fn peak(id: u32) -> Option<u64> {
    field(id, "VmHWM:")
}

/// The memory that a process has, in bytes; `None` when it has ended.
pub(crate) fn resident(id: u32) -> Option<u64> {
    field(id, "VmRSS:")
}

fn field(id: u32, name: &str) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes * 1024)
}

/// The run in the middle of several.
pub(crate) fn median(times: usize, mut run: impl FnMut() -> Ran) -> Ran {
    let mut runs: Vec<Ran> = (0..times).map(|_| run()).collect();
    runs.sort_by_key(|run| run.time);
    runs.swap_remove(times / 2)
}

/// `alpacalert k8s` on a cluster.
pub(crate) fn alpacalert(kubeconfig: &Path) -> Ran {
    run(Command::new(env!("CARGO_BIN_EXE_alpacalert"))
        .args(["k8s", "--kubeconfig"])
        .arg(kubeconfig))
}

/// `kubectl get --raw` of the same lists, one after another.
pub(crate) fn kubectl(program: &Path, kubeconfig: &Path, paths: &[String]) -> Ran {
    let mut all = Ran {
        time: Duration::ZERO,
        resident: 0,
        bytes: 0,
    };
    for path in paths {
        let one = run(Command::new(program)
            .arg("--kubeconfig")
            .arg(kubeconfig)
            .args(["get", "--raw", path]));
        all.time += one.time;
        all.resident = all.resident.max(one.resident);
        all.bytes += one.bytes;
    }
    all
}

/// One line of figures.
pub(crate) fn tell(what: &str, ran: &Ran) {
    println!(
        "{what:<46} {:>9.3} s  {:>7.1} MiB resident at most  {:>11} bytes",
        ran.time.as_secs_f64(),
        ran.resident as f64 / 1024.0 / 1024.0,
        ran.bytes
    );
}
