//! The table of processes, read once for everybody who asks within a second.

use std::collections::HashMap;
use std::fs;
use std::sync::{Arc, OnceLock, PoisonError, Weak};
use std::time::Duration;

use alpacalert_instrument::{Reason, SensorError};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::host::root::{Root, read_bounded};

/// One process, as `/proc/<pid>/stat` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) pid: i32,
    /// The name, cut to 15 bytes by the kernel.
    pub(crate) comm: String,
    /// `R`, `S`, `D`, `Z` and so on.
    pub(crate) state: char,
    /// How many threads it has.
    pub(crate) threads: u64,
    /// When it was started, in ticks since the machine's start: with the pid, which process it is.
    pub(crate) started: u64,
    /// Resident memory, in pages.
    pub(crate) resident: u64,
}

/// Every process of a moment.
#[derive(Debug)]
pub(crate) struct Table {
    root: Root,
    pub(crate) processes: Vec<Process>,
    /// Command lines that somebody asked for, so that they are read at most once.
    commands: std::sync::Mutex<HashMap<i32, Option<Arc<str>>>>,
}

/// Reads the table when what it has is older than a second.
#[derive(Debug)]
pub(crate) struct Tables {
    root: Root,
    newest: Mutex<Option<(Instant, Arc<Table>)>>,
}

/// How old a table may be. Sensors measure every few seconds at most.
const MAX_AGE: Duration = Duration::from_secs(1);

/// After so many processes other tasks get their turn: a few hundred microseconds of work.
const TURN: usize = 50;

impl Tables {
    /// The tables of a machine; the same for everybody who looks at it.
    pub(crate) fn of(root: &Root) -> Arc<Tables> {
        type All = std::sync::Mutex<Vec<(Root, Weak<Tables>)>>;
        static ALL: OnceLock<All> = OnceLock::new();
        let all = ALL.get_or_init(All::default);
        let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|(_, tables)| tables.strong_count() > 0);
        let known = all.iter().find(|(known, _)| known == root);
        if let Some(tables) = known.and_then(|(_, tables)| tables.upgrade()) {
            return tables;
        }
        let tables = Arc::new(Tables {
            root: root.clone(),
            newest: Mutex::new(None),
        });
        all.push((root.clone(), Arc::downgrade(&tables)));
        tables
    }

    /// The table, at most a second old.
    pub(crate) async fn get(&self) -> Result<Arc<Table>, SensorError> {
        // Whoever comes while somebody reads waits for that reading.
        let mut newest = self.newest.lock().await;
        if let Some((at, table)) = &*newest
            && at.elapsed() < MAX_AGE
        {
            return Ok(table.clone());
        }
        let table = Arc::new(Table::read(&self.root).await?);
        *newest = Some((Instant::now(), table.clone()));
        Ok(table)
    }
}

impl Table {
    async fn read(root: &Root) -> Result<Table, SensorError> {
        let folder = root.at("proc");
        let entries = fs::read_dir(&folder).map_err(|error| {
            let doing = format!("cannot read {}", folder.display());
            SensorError::new(Reason::fixed("unreadable"), doing).because(error)
        })?;
        let pids: Vec<i32> = entries
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .collect();
        let mut processes = Vec::with_capacity(pids.len());
        for (index, pid) in pids.into_iter().enumerate() {
            if index % TURN == TURN - 1 {
                tokio::task::yield_now().await;
            }
            // A process that ended since then is none.
            if let Ok(text) = read_bounded(&root.at(&format!("proc/{pid}/stat"))) {
                processes.extend(parse(&text));
            }
        }
        Ok(Table {
            root: root.clone(),
            processes,
            commands: Default::default(),
        })
    }

    /// A process's arguments, joined by blanks. `None` for threads of the kernel, zombies, and processes that ended.
    pub(crate) fn command(&self, pid: i32) -> Option<Arc<str>> {
        let mut commands = self.commands.lock().unwrap_or_else(PoisonError::into_inner);
        commands
            .entry(pid)
            .or_insert_with(|| {
                let text = read_bounded(&self.root.at(&format!("proc/{pid}/cmdline"))).ok()?;
                let text = text.trim_end_matches('\0').replace('\0', " ");
                (!text.is_empty()).then(|| text.into())
            })
            .clone()
    }

    /// The process with a number.
    pub(crate) fn process(&self, pid: i32) -> Option<&Process> {
        self.processes.iter().find(|process| process.pid == pid)
    }
}

/// The name stands in parentheses and may contain anything, parentheses too (proc_pid_stat(5)).
fn parse(text: &str) -> Option<Process> {
    let (start, rest) = (text.find('(')?, text.rfind(')')?);
    let fields: Vec<&str> = text.get(rest + 2..)?.split(' ').collect();
    // Fields are numbered from 1 in the manual; the first after the name is the third.
    let field = |number: usize| fields.get(number - 3).copied();
    Some(Process {
        pid: text[..start].trim().parse().ok()?,
        comm: text.get(start + 1..rest)?.to_owned(),
        state: field(3)?.chars().next()?,
        threads: field(20)?.parse().ok()?,
        started: field(22)?.parse().ok()?,
        resident: field(24)?.trim().parse().unwrap_or(0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_contain_anything() {
        let line =
            "12 (a) R (b) c) S 1 12 12 0 -1 4194560 1 0 0 0 1 2 0 0 20 0 7 0 4242 1000 55 1 1\n";
        let process = parse(line).unwrap();
        assert_eq!(process.comm, "a) R (b) c");
        assert_eq!((process.pid, process.state), (12, 'S'));
        assert_eq!(
            (process.threads, process.started, process.resident),
            (7, 4242, 55)
        );
        assert_eq!(parse("12 (cut"), None);
    }

    #[tokio::test]
    async fn one_reading_serves_everybody_for_a_second() {
        let root = Root::of(&Default::default());
        let tables = Tables::of(&root);
        assert!(Arc::ptr_eq(&tables, &Tables::of(&root)));
        let (first, second) = (tables.get().await.unwrap(), tables.get().await.unwrap());
        assert!(Arc::ptr_eq(&first, &second));
        let me = first.process(std::process::id() as i32).unwrap();
        assert!(me.resident > 0 && me.threads > 0);
        assert!(first.command(me.pid).is_some());
    }
}
