//! Which processes are meant.

use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use alpacalert_instrument::{InstrumentError, Params, Reason, SensorError};
use regex::Regex;

use super::table::{Process, Table};
use super::{is_running, started_after_boot, uptime};
use crate::host::root::{Root, read_bounded};
use crate::host::systemd::{self, Bus};

/// How processes are selected.
#[derive(Clone, Debug)]
pub(super) enum Selection {
    Name(String),
    Command(Regex),
    PidFile(String),
    Unit(String),
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) pids: Vec<i32>,
    /// What is wrong, beside the number of processes: a reason and a sentence.
    pub(super) problem: Option<(&'static str, String)>,
    /// How often systemd restarted the unit.
    pub(super) restarts: Option<u32>,
}

impl Found {
    fn pids(pids: Vec<i32>) -> Found {
        Found {
            pids,
            ..Found::default()
        }
    }

    fn problem(reason: &'static str, text: String) -> Found {
        Found {
            problem: Some((reason, text)),
            ..Found::default()
        }
    }
}

impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Selection::Name(name) => write!(f, "the name {name}"),
            Selection::Command(regex) => write!(f, "a command line like `{regex}`"),
            Selection::PidFile(path) => write!(f, "the pid file {path}"),
            Selection::Unit(unit) => write!(f, "the unit {unit}"),
        }
    }
}

impl Selection {
    pub(super) fn of(params: &Params) -> Result<Selection, InstrumentError> {
        let text = |key: &str| params.text(key).map(str::to_owned);
        if let Some(name) = text("name") {
            return Ok(Selection::Name(name));
        }
        if let Some(regex) = text("command") {
            return Regex::new(&regex)
                .map(Selection::Command)
                .map_err(|error| InstrumentError::new(format!("cannot use `command`: {error}")));
        }
        if let Some(path) = text("pid_file") {
            return Ok(Selection::PidFile(path));
        }
        match text("unit") {
            // As systemctl does.
            Some(unit) if !unit.contains('.') => Ok(Selection::Unit(format!("{unit}.service"))),
            Some(unit) => Ok(Selection::Unit(unit)),
            None => Err(InstrumentError::new(
                "cannot select processes without `name`, `command`, `pid_file` or `unit`",
            )),
        }
    }

    pub(super) async fn find(&self, root: &Root, table: &Table) -> Result<Found, SensorError> {
        match self {
            Selection::Name(name) => Ok(Found::pids(matching(table, |process| {
                has_name(process, name, table)
            }))),
            Selection::Command(regex) => {
                // Our own command line may contain the expression, and we always run.
                let own = std::process::id().cast_signed();
                Ok(Found::pids(matching(table, |process| {
                    process.pid != own
                        && table
                            .command(process.pid)
                            .is_some_and(|command| regex.is_match(&command))
                })))
            }
            Selection::PidFile(path) => from_pid_file(root, path, table),
            Selection::Unit(unit) => from_unit(root, unit).await,
        }
    }
}

fn matching(table: &Table, mut is_meant: impl FnMut(&Process) -> bool) -> Vec<i32> {
    let meant = table.processes.iter().filter(|process| is_meant(process));
    meant.map(|process| process.pid).collect()
}

fn has_name(process: &Process, name: &str, table: &Table) -> bool {
    /// TASK_COMM_LEN without the closing zero.
    const COMM: usize = 15;
    let cut = &name.as_bytes()[..name.len().min(COMM)];
    if process.comm.as_bytes() != cut {
        return false;
    }
    // A name that was not cut is the name; of one that was cut the arguments know the rest.
    name.len() <= COMM
        || table.command(process.pid).is_some_and(|command| {
            let program = command.split(' ').next().unwrap_or_default();
            program.rsplit('/').next() == Some(name)
        })
}

fn from_pid_file(root: &Root, path: &str, table: &Table) -> Result<Found, SensorError> {
    let file = root.at(path);
    let (text, written) = match read_pid_file(&file) {
        Ok(read) => read,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let text = format!("the pid file {path} does not exist");
            return Ok(Found::problem("missing", text));
        }
        Err(error) => {
            let doing = format!("cannot read the pid file {path}");
            return Err(SensorError::new(Reason::fixed("unreadable"), doing).because(error));
        }
    };
    let first = text.lines().next().unwrap_or_default().trim();
    let Ok(pid) = first.parse::<i32>() else {
        let text = format!("the pid file {path} contains no number");
        return Ok(Found::problem("bad-pid-file", text));
    };
    let Some(process) = table.process(pid).filter(|process| is_running(process)) else {
        let text = format!("the pid file {path} names process {pid}, which does not exist");
        return Ok(Found::problem("stale-pid-file", text));
    };
    // Numbers are used again. Who writes its number runs already; clocks that were set meanwhile get some room.
    const ROOM_SECONDS: f64 = 60.0;
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0.0, |now| now.as_secs_f64());
    let started = now - (uptime(root)? - started_after_boot(process));
    if started > written + ROOM_SECONDS {
        let text = format!(
            "the pid file {path} names process {pid}, which is another one ({}) that was started later",
            process.comm
        );
        return Ok(Found::problem("stale-pid-file", text));
    }
    Ok(Found::pids(vec![pid]))
}

/// The text of a pid file, and when it was written.
fn read_pid_file(file: &Path) -> io::Result<(String, f64)> {
    let metadata = fs::metadata(file)?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    Ok((read_bounded(file)?, metadata.mtime() as f64))
}

async fn from_unit(root: &Root, unit: &str) -> Result<Found, SensorError> {
    let asked = match systemd::runs(root) {
        true => Bus::connect(root).await,
        false => Err(SensorError::new(
            Reason::fixed("no-systemd"),
            format!("cannot find the unit {unit}: systemd does not run here"),
        )),
    };
    let state = match asked {
        Ok(bus) => bus.unit(unit).await,
        Err(error) => Err(error),
    };
    let state = match state {
        Ok(state) => state,
        // Control groups tell the processes without systemd's help, as long as there are any.
        Err(error) => {
            let group = find_group(root, unit).ok_or(error)?;
            return Ok(Found::pids(processes_below(&group)));
        }
    };
    if state.load == "not-found" {
        let text = format!("systemd knows no unit {unit}");
        return Ok(Found::problem("missing", text));
    }
    let group = state.control_group.filter(|group| !group.is_empty());
    let pids = group
        .and_then(|group| group_folder(root, &group))
        .or_else(|| find_group(root, unit))
        .map(|folder| processes_below(&folder))
        .unwrap_or_default();
    let problem = (state.active == "failed").then(|| {
        (
            "unit-failed",
            format!("the unit {unit} failed; `systemctl status {unit}` says why"),
        )
    });
    Ok(Found {
        pids,
        problem,
        restarts: state.restarts,
    })
}

/// Where the hierarchy of control groups that systemd uses may be mounted: version 2 alone, both, version 1.
const HIERARCHIES: [&str; 3] = [
    "sys/fs/cgroup",
    "sys/fs/cgroup/unified",
    "sys/fs/cgroup/systemd",
];

/// The folder of a control group of which the path is known.
fn group_folder(root: &Root, group: &str) -> Option<PathBuf> {
    HIERARCHIES
        .iter()
        .map(|hierarchy| root.at(hierarchy).join(group.trim_start_matches('/')))
        .find(|folder| folder.join("cgroup.procs").exists())
}

/// The folder of a unit of which only the name is known. Units stand in slices, at most a few deep.
fn find_group(root: &Root, unit: &str) -> Option<PathBuf> {
    const DEPTH: usize = 4;
    HIERARCHIES
        .iter()
        .find_map(|hierarchy| find_below(&root.at(hierarchy), unit, DEPTH))
}

fn find_below(folder: &Path, unit: &str, depth: usize) -> Option<PathBuf> {
    let here = folder.join(unit);
    if here.join("cgroup.procs").exists() {
        return Some(here);
    }
    if depth == 0 {
        return None;
    }
    let slices = fs::read_dir(folder).ok()?.flatten().filter(|entry| {
        let name = entry.file_name();
        name.to_string_lossy().ends_with(".slice")
    });
    slices
        .map(|slice| slice.path())
        .find_map(|slice| find_below(&slice, unit, depth - 1))
}

/// The processes of a control group and of those below it.
fn processes_below(folder: &Path) -> Vec<i32> {
    const DEPTH: usize = 8;
    let mut pids = Vec::new();
    let mut folders = vec![(folder.to_owned(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        let text = read_bounded(&folder.join("cgroup.procs")).unwrap_or_default();
        pids.extend(text.lines().filter_map(|line| line.parse::<i32>().ok()));
        if depth < DEPTH
            && let Ok(entries) = fs::read_dir(&folder)
        {
            let below = entries.flatten().map(|entry| entry.path());
            folders.extend(
                below
                    .filter(|path| path.is_dir())
                    .map(|path| (path, depth + 1)),
            );
        }
    }
    pids
}
