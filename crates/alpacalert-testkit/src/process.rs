//! Processes that end with the test that started them.

use std::fs::File;
use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use crate::wait_until;

/// How long a server may take to start or to end.
const PATIENCE: Duration = Duration::from_secs(20);

/// A process in a group of its own, ended with all its children when this is dropped. What it says goes to a file,
/// whose end is printed when the test fails.
#[derive(Debug)]
pub struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a program that logs to a file.
    ///
    /// # Panics
    ///
    /// When it cannot be started.
    pub fn start(command: &mut Command, log: &Path) -> Process {
        let open = || {
            let mut options = File::options();
            let file = options.create(true).append(true).open(log);
            Stdio::from(file.expect("open the log of a server"))
        };
        let child = command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(open())
            .stderr(open())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        let log = log.to_owned();
        Process { child, log }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until something accepts connections at a port of 127.0.0.1.
    ///
    /// # Panics
    ///
    /// When nothing does, or the process ends first; with what it logged.
    pub fn wait_for_port(&mut self, port: u16) {
        wait_until(PATIENCE, || {
            if let Ok(Some(status)) = self.child.try_wait() {
                panic!("the server ended with {status}:\n{}", self.logged());
            }
            TcpStream::connect(("127.0.0.1", port)).map_err(|error| (error, self.logged()))
        });
    }

    /// The end of what it logged.
    pub fn logged(&self) -> String {
        const SHOWN: usize = 4_000;
        let text = std::fs::read(&self.log).unwrap_or_default();
        let start = text.len().saturating_sub(SHOWN);
        String::from_utf8_lossy(&text[start..]).into_owned()
    }

    /// Ends it and all its children now.
    pub fn stop(&mut self) {
        self.signal(Signal::TERM);
        let ended = || match self.child.try_wait() {
            Ok(Some(_)) => Ok(()),
            other => Err(other),
        };
        // Not longer than a second: what does not end when asked is ended.
        let patience = std::time::Instant::now() + Duration::from_secs(1);
        let mut ended = ended;
        while ended().is_err() && std::time::Instant::now() < patience {
            std::thread::sleep(Duration::from_millis(5));
        }
        self.signal(Signal::KILL);
        // It is reaped, or was never there.
        let _ = self.child.wait();
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // The group may be gone already, which is what we want.
            let _ = kill_process_group(group, signal);
        }
    }
}

impl Drop for Process {
    #[allow(clippy::print_stderr, reason = "explains a failing test")]
    fn drop(&mut self) {
        self.stop();
        if std::thread::panicking() {
            eprintln!("the server of the failed test logged:\n{}", self.logged());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_children_end_with_it() {
        let folder = crate::temp_dir();
        let log = folder.path().join("log");
        // Ignores being asked, and has a child that does too.
        let mut command = Command::new("sh");
        command.args([
            "-c",
            "trap '' TERM; sh -c 'trap \"\" TERM; echo child $$; while :; do sleep 1; done' & wait",
        ]);
        let process = Process::start(&mut command, &log);
        let child = wait_until(PATIENCE, || {
            let logged = process.logged();
            let id = logged
                .strip_prefix("child ")
                .and_then(|id| id.trim().parse().ok());
            id.ok_or(logged)
        });
        let child: i32 = child;
        let alive = |id: i32| Path::new(&format!("/proc/{id}/cmdline")).exists();
        assert!(alive(child));
        drop(process);
        // Its new parent reaps it.
        wait_until(PATIENCE, || {
            match std::fs::read_to_string(format!("/proc/{child}/stat")) {
                Ok(stat) if !stat.contains(") Z ") => Err(stat),
                _ => Ok(()),
            }
        });
    }
}
