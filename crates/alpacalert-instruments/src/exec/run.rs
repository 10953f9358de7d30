//! Runs a program for a bounded time, keeps a bounded part of what it says, and leaves nothing of it behind.

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use alpacalert_instrument::{Params, Reason, SensorError, Value};
use rustix::process::{
    Pid, PidfdFlags, Resource, Rlimit, Signal, kill_process_group, pidfd_open, prlimit,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::net::unix::pipe::Receiver;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

/// Where programs are looked for that are named without a path, and what the program itself finds in `PATH`.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// How much more than what is kept is read before we give up: a program that says so much never ends.
const GIVE_UP_FACTOR: usize = 16;

/// A program with its arguments and environment. There is no shell.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    arguments: Vec<String>,
    environment: Vec<(String, OsString)>,
    dir: Option<PathBuf>,
}

/// What became of a program.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) how: How,
    pub(crate) stdout: Kept,
    pub(crate) stderr: Kept,
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// By itself, with a code.
    Exited(i32),
    /// By a signal that was not ours.
    Signalled(i32),
    /// By us, because it took too long.
    TimedOut,
    /// By us, because it said too much.
    SaidTooMuch,
    /// By us, because somebody wants us to end.
    Cancelled,
}

/// The beginning of what a program said.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    pub(crate) bytes: Vec<u8>,
    /// How much it said in all.
    pub(crate) said: usize,
}

impl Kept {
    /// What was kept, as text. What is not UTF-8 is replaced.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    fn add(&mut self, bytes: &[u8], keep: usize) {
        self.said += bytes.len();
        let room = keep.saturating_sub(self.bytes.len());
        self.bytes
            .extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
}

impl Program {
    /// The program that the keys `command`, `env` and `dir` describe.
    pub(crate) fn of(params: &Params) -> Option<Program> {
        let arguments: Vec<String> = params
            .texts("command")
            .into_iter()
            .map(str::to_owned)
            .collect();
        if arguments.is_empty() {
            return None;
        }
        // Plugins speak the language of their environment; its numbers and words are to be the same everywhere.
        let mut environment = vec![
            ("PATH".to_owned(), PATH.into()),
            ("LC_ALL".to_owned(), "C".into()),
            ("LANG".to_owned(), "C".into()),
        ];
        environment.extend(std::env::var_os("HOME").map(|home| ("HOME".to_owned(), home)));
        if let Some(Value::Map(entries)) = params.get("env") {
            for (name, value) in entries {
                environment.retain(|(known, _)| known != name);
                let text = value.as_text().unwrap_or_default();
                environment.push((name.clone(), text.into()));
            }
        }
        Some(Program {
            arguments,
            environment,
            dir: params.text("dir").map(PathBuf::from),
        })
    }

    /// The name of the program, as it was written.
    pub(crate) fn name(&self) -> &str {
        &self.arguments[0]
    }

    /// Runs it. At `deadline` its whole process group is told to end, and killed when it does not; the same happens when
    /// `cancel` fires. When the future is dropped the group is killed at once.
    pub(crate) async fn run(
        &self,
        keep: usize,
        timeout: Duration,
        cancel: &CancellationToken,
    ) -> Result<Ended, SensorError> {
        let start = Instant::now();
        // The group is given this long to end by itself, within the time-out.
        let grace = (timeout / 20).min(Duration::from_millis(500));
        let mut running = self.start()?;
        let how = tokio::select! {
            how = running.until_exit(keep) => how,
            () = sleep_until(start + timeout.saturating_sub(grace * 2)) => Some(How::TimedOut),
            () = cancel.cancelled() => Some(How::Cancelled),
        };
        let Some(how) = how else {
            return running.finish(keep);
        };
        running.group.signal(Signal::TERM);
        let _ = tokio::time::timeout(grace, running.until_exit(keep)).await;
        running.group.signal(Signal::KILL);
        let _ = tokio::time::timeout(grace, running.exit.readable()).await;
        Ok(Ended {
            how,
            stdout: running.stdout.kept,
            stderr: running.stderr.kept,
        })
    }

    fn start(&self) -> Result<Running, SensorError> {
        let program = self.find()?;
        let mut command = Command::new(program);
        command
            .args(&self.arguments[1..])
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        if let Some(dir) = &self.dir {
            command.current_dir(dir);
        }
        // With nothing to do between fork and exec the standard library uses posix_spawn, which does not copy our page
        // tables: that is what makes a thousand starts a second cheap in a large process.
        let child = command.spawn().map_err(|error| self.cannot_start(error))?;
        Running::new(child).map_err(|error| self.cannot_start(error))
    }

    /// The program's file. `posix_spawn` would look in *our* `PATH`.
    fn find(&self) -> Result<PathBuf, SensorError> {
        let name = self.name();
        if name.contains('/') {
            return Ok(PathBuf::from(name));
        }
        let path = self.environment.iter().find(|(name, _)| name == "PATH");
        let path = path.map_or_else(|| PATH.into(), |(_, path)| path.clone());
        std::env::split_paths(&path)
            .map(|folder| folder.join(name))
            .find(|file| is_executable(file))
            .ok_or_else(|| {
                let hint = if name.contains(' ') {
                    "; a command is a list with one item for each argument, there is no shell"
                } else {
                    "; write its whole path"
                };
                SensorError::new(
                    Reason::fixed("cannot-start"),
                    format!(
                        "cannot find the program `{name}` in {}{hint}",
                        path.display()
                    ),
                )
            })
    }

    fn cannot_start(&self, error: io::Error) -> SensorError {
        SensorError::new(
            Reason::fixed("cannot-start"),
            format!("cannot start `{}`", self.name()),
        )
        .because(error)
    }
}

fn is_executable(file: &std::path::Path) -> bool {
    std::fs::metadata(file)
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// A program that runs, or has ended and not been asked about.
struct Running {
    group: Group,
    /// Readable when the program has ended.
    exit: AsyncFd<OwnedFd>,
    stdout: Pipe,
    stderr: Pipe,
}

struct Pipe {
    /// Gone when the other end was closed.
    receiver: Option<Receiver>,
    kept: Kept,
}

impl Running {
    fn new(mut child: Child) -> io::Result<Running> {
        let stdout = child.stdout.take().map(OwnedFd::from);
        let stderr = child.stderr.take().map(OwnedFd::from);
        // From here on the group is killed whatever fails.
        let group = Group::new(child)?;
        group.limit();
        Ok(Running {
            exit: exit_of(group.pid)?,
            stdout: Pipe::new(stdout)?,
            stderr: Pipe::new(stderr)?,
            group,
        })
    }

    /// Reads until the program ends. Gives how, when it says too much before.
    async fn until_exit(&mut self, keep: usize) -> Option<How> {
        loop {
            tokio::select! {
                _ = self.exit.readable() => return None,
                () = self.stdout.readable() => self.stdout.read(keep),
                () = self.stderr.readable() => self.stderr.read(keep),
            }
            let most = keep.saturating_mul(GIVE_UP_FACTOR);
            if self.stdout.kept.said.max(self.stderr.kept.said) > most {
                return Some(How::SaidTooMuch);
            }
        }
    }

    /// The program has ended: takes what it said last, and ends what it left behind.
    fn finish(mut self, keep: usize) -> Result<Ended, SensorError> {
        // Others of its group may hold the pipes open for ever; what the program itself said is in them already.
        self.stdout.read(keep);
        self.stderr.read(keep);
        // The program has not been asked about yet, so that its number, which is that of the group, is not in use again.
        self.group.signal(Signal::KILL);
        let status = self.group.reap().map_err(|error| {
            SensorError::new(Reason::SENSOR_BROKEN, "cannot ask how a program ended").because(error)
        })?;
        let how = match (status.code(), status.signal()) {
            (Some(code), _) => How::Exited(code),
            (None, signal) => How::Signalled(signal.unwrap_or(0)),
        };
        Ok(Ended {
            how,
            stdout: self.stdout.kept,
            stderr: self.stderr.kept,
        })
    }
}

impl Pipe {
    fn new(fd: Option<OwnedFd>) -> io::Result<Pipe> {
        Ok(Pipe {
            receiver: fd.map(Receiver::from_owned_fd).transpose()?,
            kept: Kept::default(),
        })
    }

    async fn readable(&self) {
        match &self.receiver {
            // An error shows again when we read.
            Some(receiver) => drop(receiver.readable().await),
            None => std::future::pending().await,
        }
    }

    /// Reads what is there: at most a pipe's default capacity, so that others get their turn.
    fn read(&mut self, keep: usize) {
        const PIPE_CAPACITY: usize = 64 * 1024;
        let Some(receiver) = &self.receiver else {
            return;
        };
        let mut buffer = [0; 8 * 1024];
        let mut read = 0;
        while read < PIPE_CAPACITY {
            match receiver.try_read(&mut buffer) {
                Ok(0) => {
                    self.receiver = None;
                    return;
                }
                Ok(bytes) => {
                    read += bytes;
                    self.kept.add(&buffer[..bytes], keep);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => {
                    self.receiver = None;
                    return;
                }
            }
        }
    }
}

/// The process group of a program that has not been asked how it ended. It is killed when this is dropped.
struct Group {
    child: Option<Child>,
    pid: Pid,
}

impl Group {
    fn new(child: Child) -> io::Result<Group> {
        let pid = Pid::from_raw(child.id().cast_signed())
            .ok_or_else(|| io::Error::other("a program without a number"))?;
        Ok(Group {
            child: Some(child),
            pid,
        })
    }

    /// Sends a signal to everybody in the group. Nothing can be done about those who may not be signalled.
    fn signal(&self, signal: Signal) {
        let _ = kill_process_group(self.pid, signal);
    }

    /// Programs leave no dumps of their memory, and get no more open files than `select` can handle, which many plugins
    /// use, however many we have.
    fn limit(&self) {
        let limit = |most: u64| Rlimit {
            current: Some(most),
            maximum: Some(most),
        };
        let _ = prlimit(Some(self.pid), Resource::Core, limit(0));
        let _ = prlimit(Some(self.pid), Resource::Nofile, limit(1024));
    }

    /// Asks how the program ended. Does not wait when it has.
    fn reap(&mut self) -> io::Result<std::process::ExitStatus> {
        match self.child.take() {
            Some(mut child) => child.wait(),
            None => Err(io::Error::other("the program was asked before")),
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let Some(mut child) = self.child.take() else {
            return;
        };
        self.signal(Signal::KILL);
        if matches!(child.try_wait(), Ok(Some(_))) {
            return;
        }
        // Killed, but not gone yet; somebody has to ask about it, or it stays a zombie. The task ends with the process,
        // which nothing but a wait in the kernel can delay.
        if let (Ok(runtime), Ok(exit)) = (tokio::runtime::Handle::try_current(), exit_of(self.pid))
        {
            runtime.spawn(async move {
                let _ = exit.readable().await;
                let _ = child.try_wait();
            });
        }
    }
}

/// Becomes readable when the process ends. It must not have been asked about yet.
#[expect(
    deprecated,
    reason = "the functions that replace it are unsafe; an owned descriptor stays open as long as it must"
)]
fn exit_of(pid: Pid) -> io::Result<AsyncFd<OwnedFd>> {
    let pidfd = pidfd_open(pid, PidfdFlags::empty())?;
    AsyncFd::with_interest(pidfd, Interest::READABLE)
}
