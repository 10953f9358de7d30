//! A disk that is full, a file that somebody holds, a disk that is slow: monitoring goes on, and nothing is lost.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use alpacalert_model::{State, Timestamp};
use alpacalert_store::{Store, Wanted};

use crate::world::{World, count, sensor, service};

fn nodes() -> Vec<alpacalert_model::Node> {
    vec![sensor("queue"), service("shop", &["queue"])]
}

/// Changes a sensor about a thousand times a second for a while, and more seldom in a longer one: each changes a service too, and
/// some 60,000 changes may wait. Gives how many changes of it there were, and how long 99 of 100 of them took at most.
fn flow(world: &mut World, from: u64, time: Duration) -> (u64, Duration) {
    const AT_MOST: u32 = 25_000;
    let pause = Duration::from_millis(1).max(time / AT_MOST);
    let begun = Instant::now();
    let mut took = Vec::new();
    let mut number = from;
    while begun.elapsed() < time {
        let state = match number % 2 {
            0 => State::Passing,
            _ => State::Failing,
        };
        let called = Instant::now();
        world.set(
            "queue",
            state,
            &format!("change {number}"),
            Timestamp::now(),
        );
        took.push(called.elapsed());
        number += 1;
        std::thread::sleep(pause);
    }
    took.sort();
    (number, took[took.len() * 99 / 100])
}

/// Changes of the sensor that are remembered, in order.
fn remembered(store: &Store) -> Vec<String> {
    let wanted = Wanted {
        limit: usize::MAX,
        ..Wanted::default()
    };
    let all = runtime().block_on(store.transitions(wanted)).unwrap();
    let told = all.into_iter().rev().filter(|past| !past.service);
    told.map(|past| past.message).collect()
}

fn expected(to: u64) -> Vec<String> {
    (0..to).map(|number| format!("change {number}")).collect()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

#[track_caller]
fn until(what: &str, within: Duration, is: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is() {
        assert!(begun.elapsed() < within, "{what}: not within {within:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

const SECONDS: Duration = Duration::from_secs(1);

/// Set `ALPACALERT_LOCK_SECONDS` for the long form.
#[test]
fn a_file_that_somebody_holds_is_written_later() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::open(folder.path());
    world.apply(nodes(), Timestamp::now());
    let (before, _) = flow(&mut world, 0, SECONDS / 4);
    let other = rusqlite::Connection::open(folder.path().join("history.db")).unwrap();
    other.busy_timeout(5 * SECONDS).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let held = Duration::from_secs(count("ALPACALERT_LOCK_SECONDS", 3));
    let (number, slowest) = flow(&mut world, before, held);
    let status = world.store.status();
    assert_eq!(status.state, State::Degraded, "{status:?}");
    assert!(status.message.contains("locked"), "{status:?}");
    assert!(status.queued_bytes < 32 * 1024 * 1024, "{status:?}");
    assert!(slowest < Duration::from_millis(50), "{slowest:?}");
    other.execute_batch("ROLLBACK").unwrap();
    let healthy = || world.store.status().state == State::Passing;
    until("it recovers", 10 * SECONDS, healthy);
    runtime().block_on(world.store.flush()).unwrap();
    assert_eq!(remembered(&world.store), expected(number));
    assert_eq!(world.store.status().lost, 0);
}

/// A small disk, as long as this lives.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn new() -> Option<SmallDisk> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=16m", "tmpfs"])
            .arg(folder.path())
            .output();
        mounted
            .is_ok_and(|output| output.status.success())
            .then_some(SmallDisk(folder))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

/// Set `ALPACALERT_FULL_SECONDS` for the long form.
#[test]
fn a_full_disk_is_told_and_what_happened_meanwhile_is_written_once_there_is_room() {
    let Some(disk) = SmallDisk::new() else {
        return alpacalert_testkit::skip("this user may not mount a small disk");
    };
    let folder: &Path = disk.0.path();
    let mut world = World::open(folder);
    world.apply(nodes(), Timestamp::now());
    let (before, _) = flow(&mut world, 0, SECONDS / 4);
    let ballast = folder.join("ballast");
    // As much as there is room for.
    let _ = std::fs::write(&ballast, vec![1; 16 * 1024 * 1024]);
    let full = Duration::from_secs(count("ALPACALERT_FULL_SECONDS", 3));
    let (number, slowest) = flow(&mut world, before, full);
    let status = world.store.status();
    assert_eq!(status.state, State::Degraded, "{status:?}");
    assert!(status.message.contains("full"), "{status:?}");
    assert!(slowest < Duration::from_millis(50), "{slowest:?}");
    std::fs::remove_file(&ballast).unwrap();
    let healthy = || world.store.status().state == State::Passing;
    until("it recovers", 10 * SECONDS, healthy);
    runtime().block_on(world.store.flush()).unwrap();
    assert_eq!(remembered(&world.store), expected(number));
    world.store.close();
    drop(world);
}

/// Makes every call that waits for the disk take longer.
const SLOW: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

static void wait(void) {
    struct timespec time = { atol(getenv("SLOW_SECONDS")), 0 };
    nanosleep(&time, 0);
}
int fsync(int file) { wait(); return ((int (*)(int)) dlsym(RTLD_NEXT, "fsync"))(file); }
int fdatasync(int file) { wait(); return ((int (*)(int)) dlsym(RTLD_NEXT, "fdatasync"))(file); }
"#;

const FOLDER: &str = "ALPACALERT_SLOW_FOLDER";

#[test]
#[ignore = "run by the test below, with a slow disk"]
fn on_a_slow_disk() {
    let Ok(folder) = std::env::var(FOLDER) else {
        return;
    };
    let mut world = World::open(Path::new(&folder));
    world.apply(nodes(), Timestamp::now());
    let (number, slowest) = flow(&mut world, 0, 4 * SECONDS);
    assert!(slowest < Duration::from_millis(50), "{slowest:?}");
    let status = world.store.status();
    assert!(
        status.commits < 5 && status.queued > 500,
        "the disk is slow: {status:?}"
    );
    runtime().block_on(world.store.flush()).unwrap();
    assert_eq!(remembered(&world.store), expected(number));
}

#[test]
fn a_slow_disk_keeps_nobody_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let (source, library) = (folder.path().join("slow.c"), folder.path().join("slow.so"));
    std::fs::write(&source, SLOW).unwrap();
    let compiled = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .args([&library, &source])
        .output();
    match compiled {
        Ok(output) => assert!(output.status.success(), "{output:?}"),
        Err(_) => return alpacalert_testkit::skip("cc is not installed"),
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["trouble::on_a_slow_disk", "--exact", "--ignored"])
        .env(FOLDER, folder.path().join("state"))
        .env(
            "SLOW_SECONDS",
            count("ALPACALERT_SLOW_SECONDS", 1).to_string(),
        )
        .env("LD_PRELOAD", &library)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}"
    );
}

#[test]
fn what_there_is_no_room_for_is_counted_and_its_time_is_a_gap() {
    let folder = tempfile::tempdir().unwrap();
    let settings = alpacalert_store::StoreSettings {
        queue_bytes: 100_000,
        ..alpacalert_store::StoreSettings::new(folder.path())
    };
    let mut world = World::of(Store::open(settings).unwrap());
    let begun = Timestamp::now();
    world.apply(nodes(), begun);
    world.set("queue", State::Failing, "before", Timestamp::now());
    runtime().block_on(world.store.flush()).unwrap();
    let other = rusqlite::Connection::open(folder.path().join("history.db")).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    flow(&mut world, 0, SECONDS);
    let lost = world.store.status().lost;
    assert!(lost > 0);
    other.execute_batch("ROLLBACK").unwrap();
    let room = || world.store.status().queued == 0;
    until("there is room", 10 * SECONDS, room);
    // What comes first is lost too, and tells how everything is by then.
    world.set("queue", State::Degraded, "after", Timestamp::now());
    world.set("queue", State::Passing, "at last", Timestamp::now());
    runtime().block_on(world.store.flush()).unwrap();
    let told = remembered(&world.store);
    assert_eq!(told[told.len() - 2..], ["after", "at last"]);
    let shop = crate::world::id("shop");
    let now = Timestamp::now() + Duration::from_millis(1);
    let uptime = runtime()
        .block_on(world.store.uptime(shop, begun, now, 1))
        .unwrap();
    let gap = uptime[0].unsure.iter();
    let gap = gap.filter(|(why, _)| *why == alpacalert_store::HISTORY_LOST);
    assert!(
        gap.map(|(_, seconds)| seconds).sum::<f64>() > 0.1,
        "{uptime:?}"
    );
}
