//! Killed at any moment, and started again.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use alpacalert_model::{State, Timestamp};
use alpacalert_store::{Store, StoreSettings, Wanted};

use crate::world::{World, sensor, service};

const SENSORS: u64 = 20;

/// What it tells the process that it is the one to be killed: the folder and the first number.
const FOLDER: &str = "ALPACALERT_CRASH_FOLDER";
const FIRST: &str = "ALPACALERT_CRASH_FIRST";

/// Changes one sensor after the other, and says up to which change everything is on the disk.
#[test]
#[ignore = "run by the test below, which kills it"]
fn victim() {
    let (Ok(folder), Ok(first)) = (std::env::var(FOLDER), std::env::var(FIRST)) else {
        return;
    };
    let first: u64 = first.parse().unwrap();
    let mut world = World::open(Path::new(&folder));
    let names: Vec<String> = (0..SENSORS).map(|n| format!("s{n}")).collect();
    let members: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut nodes: Vec<_> = names.iter().map(|name| sensor(name)).collect();
    nodes.push(service("shop", &members));
    world.apply(nodes, Timestamp::now());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let mut number = first;
    loop {
        for _ in 0..fastrand::u64(1..40) {
            let state = match number / SENSORS % 2 {
                0 => State::Passing,
                _ => State::Failing,
            };
            let name = &names[(number % SENSORS) as usize];
            world.set(name, state, &number.to_string(), Timestamp::now());
            number += 1;
        }
        runtime.block_on(world.store.flush()).unwrap();
        let mut out = std::io::stdout().lock();
        if writeln!(out, "on disk: {}", number - 1).is_err() {
            return;
        }
    }
}

/// Set `ALPACALERT_KILLS` for the long form.
#[test]
fn nothing_that_was_acknowledged_is_lost_when_the_process_is_killed() {
    let kills = crate::world::count("ALPACALERT_KILLS", 20);
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let mut known: u64 = 0;
    let mut starts = Vec::new();
    for kill in 0..kills {
        let before = Timestamp::now() - Duration::from_millis(1);
        let acknowledged = run_and_kill(folder.path(), known + 1);
        let begun = Instant::now();
        let store = Store::open(StoreSettings::new(folder.path())).unwrap();
        starts.push(begun.elapsed());
        assert_eq!(store.status().message, "", "kill {kill}");
        let wanted = Wanted {
            from: before,
            limit: usize::MAX,
            ..Wanted::default()
        };
        let new = runtime.block_on(store.transitions(wanted)).unwrap();
        let told = new.iter().rev().filter(|past| !past.service);
        let numbers: Vec<u64> = told.map(|past| past.message.parse().unwrap()).collect();
        let newest = known + numbers.len() as u64;
        assert!(
            numbers.iter().copied().eq(known + 1..=newest),
            "kill {kill}: {numbers:?}"
        );
        assert!(
            newest >= acknowledged,
            "kill {kill}: {newest} of {acknowledged}"
        );
        assert!(new.iter().rev().is_sorted_by(|a, b| a.seq < b.seq));
        known = newest;
        store.close();
    }
    // What was there after one kill is there after all of them.
    let connection = rusqlite::Connection::open(folder.path().join("history.db")).unwrap();
    let kept: i64 = connection
        .query_row(
            "SELECT count(*) FROM (SELECT flags FROM transition UNION ALL SELECT flags FROM recent) WHERE flags & 384 = 0",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(kept as u64, known);
    starts.sort();
    let (middle, slowest) = (starts[starts.len() / 2], starts[starts.len() - 1]);
    println!("{kills} kills, {known} changes; starts: {middle:?}, the slowest {slowest:?}");
    assert!(known > kills, "changes flowed");
    // A machine that does much else may hold up a few.
    assert!(
        starts[starts.len() * 9 / 10] < Duration::from_secs(1),
        "{starts:?}"
    );
}

/// Gives the newest change that was said to be on the disk.
fn run_and_kill(folder: &Path, first: u64) -> u64 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["crash::victim", "--exact", "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .env(FIRST, first.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let said = |line: &str| {
        line.rsplit_once("on disk: ")
            .map(|(_, n)| n.parse::<u64>().unwrap())
    };
    // Sometimes before the first is acknowledged.
    let mut acknowledged = match fastrand::u8(0..8) {
        0 => {
            std::thread::sleep(Duration::from_millis(fastrand::u64(0..60)));
            0
        }
        _ => {
            let first = lines.find_map(|line| said(&line.unwrap())).unwrap();
            std::thread::sleep(Duration::from_micros(fastrand::u64(0..200_000)));
            first
        }
    };
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().signal(), Some(9));
    // A line may have been cut in the middle.
    for line in lines.map_while(Result::ok) {
        let whole = line
            .rsplit_once("on disk: ")
            .and_then(|(_, n)| n.parse().ok());
        acknowledged = acknowledged.max(whole.unwrap_or(0));
    }
    acknowledged
}
