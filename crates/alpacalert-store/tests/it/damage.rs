//! Files that were cut, or whose bits were turned.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use alpacalert_model::{Measurement, State, Timestamp, Unit};
use alpacalert_store::{PastTransition, Store, StoreError, StoreSettings, Wanted};

use crate::world::{World, count, id, sensor, service};

static PANICS: AtomicUsize = AtomicUsize::new(0);

/// A database and its log, as files.
#[derive(Clone)]
struct Files {
    database: Vec<u8>,
    log: Vec<u8>,
}

const DATABASE: &str = "history.db";
const LOG: &str = "history.db-wal";

impl Files {
    fn read(folder: &Path) -> Files {
        Files {
            database: std::fs::read(folder.join(DATABASE)).unwrap(),
            log: std::fs::read(folder.join(LOG)).unwrap_or_default(),
        }
    }

    fn write(&self, folder: &Path) {
        std::fs::write(folder.join(DATABASE), &self.database).unwrap();
        if !self.log.is_empty() {
            std::fs::write(folder.join(LOG), &self.log).unwrap();
        }
    }
}

fn fill(world: &mut World, from: usize) {
    for n in from..from + 400 {
        let state = if n % 2 == 0 {
            State::Failing
        } else {
            State::Passing
        };
        let name = format!("s{}", n % 7);
        world.set(&name, state, &format!("said {n}"), Timestamp::now());
        if n % 50 == 0 {
            let measured = Measurement::new("depth", n as f64, Unit::Count);
            world.measure(&name, measured, Timestamp::now());
        }
    }
}

/// A history half in the database and half in its log, the same all in the database, and what is in it.
fn history() -> (Files, Files, Vec<PastTransition>) {
    let folder = tempfile::tempdir().unwrap();
    let names: Vec<String> = (0..7).map(|n| format!("s{n}")).collect();
    let members: Vec<&str> = names.iter().map(String::as_str).collect();
    let nodes = || {
        let mut nodes: Vec<_> = names.iter().map(|name| sensor(name)).collect();
        nodes.push(service("shop", &members));
        nodes
    };
    let mut world = World::open(folder.path());
    world.apply(nodes(), Timestamp::now());
    fill(&mut world, 0);
    let runtime = runtime();
    runtime.block_on(world.store.flush()).unwrap();
    // These are put in order by node, and what comes later is not.
    world.store.keep(alpacalert_store::Retention::default());
    std::thread::sleep(std::time::Duration::from_millis(500));
    world.store.close();
    let mut world = World::open(folder.path());
    world.apply(nodes(), Timestamp::now());
    for part in 1..6 {
        fill(&mut world, 400 * part);
        runtime.block_on(world.store.flush()).unwrap();
    }
    let files = Files::read(folder.path());
    assert!(files.log.len() > 50_000 && files.database.len() > 50_000);
    let all = runtime.block_on(everything(&world.store)).unwrap();
    world.store.close();
    let closed = Files::read(folder.path());
    assert!(closed.log.is_empty());
    (files, closed, all)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

/// All transitions, the oldest first.
async fn everything(store: &Store) -> Result<Vec<PastTransition>, StoreError> {
    let wanted = Wanted {
        limit: usize::MAX,
        ..Wanted::default()
    };
    let mut all = store.transitions(wanted).await?;
    all.reverse();
    Ok(all)
}

/// What was put aside: the database, or the log beside it.
fn aside(folder: &Path, is_log: bool) -> Option<PathBuf> {
    let names = std::fs::read_dir(folder).unwrap();
    let mut names = names.map(|entry| entry.unwrap().path());
    names.find(|path| {
        let name = path.file_name().unwrap().to_str().unwrap();
        let is_side = name.ends_with("-shm");
        name.starts_with("history.db.damaged-") && !is_side && name.ends_with("-wal") == is_log
    })
}

#[test]
fn around_a_page_that_is_lost_the_rest_comes_back_and_a_restart_does_not_read_it_again() {
    const PAGE: usize = 4096;
    let (_, closed, whole) = history();
    let pages = closed.database.len() / PAGE;
    let (mut kept, mut of) = (0, 0);
    for page in (1..pages).step_by(4) {
        let mut lost = closed.clone();
        lost.database[page * PAGE..(page + 1) * PAGE].fill(0);
        let what = format!("page {page} of {pages}");
        let folder = tempfile::tempdir().unwrap();
        lost.write(folder.path());
        let begun = Instant::now();
        let store = Store::open(StoreSettings::new(folder.path())).unwrap();
        assert!(
            begun.elapsed() < Duration::from_secs(1),
            "{what}: it starts at once"
        );
        if aside(folder.path(), false).is_none() {
            // A page that nothing is in.
            continue;
        }
        let runtime = runtime();
        let saved = runtime.block_on(salvaged(&store, &what));
        kept += saved.len();
        of += whole.len();
        let told = store.status().message;

        // It goes on counting, so that no number means two changes.
        let mut world = World::of(store);
        world.apply(vec![sensor("new"), sensor("s0")], Timestamp::now());
        world.set("new", State::Failing, "still here", Timestamp::now());
        runtime.block_on(world.store.flush()).unwrap();
        let newest = runtime.block_on(everything(&world.store)).unwrap();
        let newest = newest.last().unwrap();
        assert_eq!(newest.message, "still here", "{what}");
        assert!(saved.iter().all(|past| past.seq < newest.seq), "{what}");
        // What is not there any more is not there now, and was then.
        let past = runtime
            .block_on(world.store.graph_at(Timestamp::now()))
            .unwrap()
            .unwrap();
        assert!(past.graph.key(&id("shop")).is_none(), "{what}");
        if let Some(last) = saved.last().filter(|_| saved.len() == whole.len()) {
            let past = runtime.block_on(world.store.graph_at(last.at)).unwrap();
            let there = past.is_some_and(|past| past.graph.key(&id("s3")).is_some());
            assert!(
                there || told.contains("could not be read"),
                "{what}: {told}"
            );
        }
        world.store.close();
        drop(world);

        let store = Store::open(StoreSettings::new(folder.path())).unwrap();
        let again = runtime.block_on(salvaged(&store, &what));
        assert_eq!(again.len(), saved.len() + 1, "{what}");
        assert_eq!(store.status().message, told, "{what}");
        store.close();
    }
    println!("{kept} of {of} changes came back");
    assert!(of > 5 * whole.len(), "some pages were missed");
    assert!(kept * 10 > of * 7, "{kept} of {of}");
}

/// How much came back of the files that were put aside.
#[derive(Debug, Default)]
struct Salvaged {
    kept: usize,
    of: usize,
    /// Changes whose words were lost.
    words: usize,
}

/// Waits until what can be read of the damaged file is read, and tells what that is.
async fn salvaged(store: &Store, what: &str) -> Vec<PastTransition> {
    let begun = Instant::now();
    while !store.status().message.contains("changes were salvaged") {
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "{what}: {:?}",
            store.status()
        );
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    everything(store)
        .await
        .unwrap_or_else(|error| panic!("{what}: {}", error.chain()))
}

/// Opens what a mutation left, asks it everything, and tells whether it was put aside.
fn survives(
    files: &Files,
    whole: &[PastTransition],
    what: &str,
    (is_log, is_cut): (bool, bool),
    lost: &mut Salvaged,
) -> bool {
    let folder = tempfile::tempdir().unwrap();
    files.write(folder.path());
    let store = Store::open(StoreSettings::new(folder.path())).unwrap();
    let runtime = runtime();
    let told = runtime.block_on(async {
        let now = Timestamp::now();
        let hour = std::time::Duration::from_secs(3600);
        // Whatever they answer, they answer.
        let _ = store.graph_at(now).await;
        let _ = store.uptime(id("shop"), now - hour, now, 24).await;
        let _ = store.measurements(id("s0"), now - hour, now, 24).await;
        let _ = store.incidents(now - hour, now, None, 100).await;
        everything(&store).await
    });
    let put_aside = aside(folder.path(), false).is_some();
    if put_aside {
        let saved = runtime.block_on(salvaged(&store, what));
        if is_cut {
            // What comes back is what was there, with its numbers, words and times.
            let known: HashSet<String> = whole.iter().map(|past| format!("{past:?}")).collect();
            for past in &saved {
                let mut past = past.clone();
                // Unless the place with the words or the reason is gone.
                let of = whole.iter().find(|of| of.seq == past.seq);
                let of = of.unwrap_or_else(|| panic!("{what}: {past:?}"));
                lost.words += usize::from(past.message.is_empty() && !of.message.is_empty());
                if past.message.is_empty() {
                    past.message.clone_from(&of.message);
                }
                if past.reason == "unknown" {
                    past.reason.clone_from(&of.reason);
                }
                if past.title == past.node.reference().to_string() {
                    past.title.clone_from(&of.title);
                }
                past.owner = past.owner.or(of.owner.clone());
                past.from = of.from.and(past.from).or(past.from);
                assert!(
                    known.contains(&format!("{past:?}")),
                    "{what}: {past:?}, {of:?}"
                );
            }
        }
        lost.kept += saved.len();
        lost.of += whole.len();
    }
    if let Some(database) = aside(folder.path(), false) {
        assert!(
            std::fs::read(database).unwrap() == files.database,
            "{what}: kept as it was"
        );
        if let Some(log) = aside(folder.path(), true) {
            // Damage that is found later leaves behind what was written until then.
            assert!(
                std::fs::read(log).unwrap().starts_with(&files.log),
                "{what}: kept as it was"
            );
        }
        assert_eq!(store.status().reason.as_str(), "history-damaged", "{what}");
    } else if is_log {
        let told = told.unwrap_or_else(|error| panic!("{what}: {}", error.chain()));
        assert!(whole.starts_with(&told), "{what}: not what was there first");
    }
    // It remembers on, in the old file or a new one.
    let mut world = World::of(store);
    world.apply(vec![sensor("new")], Timestamp::now());
    world.set("new", State::Failing, "still here", Timestamp::now());
    if put_aside {
        runtime.block_on(world.store.flush()).unwrap();
        let all = runtime.block_on(everything(&world.store)).unwrap();
        assert_eq!(all.last().unwrap().message, "still here", "{what}");
    }
    world.store.close();
    put_aside
}

/// Set `ALPACALERT_CUTS` and `ALPACALERT_FLIPS` for the long form.
#[test]
fn a_file_that_was_cut_or_turned_opens_to_what_came_first_or_is_put_aside() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let thread = std::thread::current();
        let name = thread.name().unwrap_or_default();
        // Not those of other tests.
        if name.starts_with("history") || name.starts_with("tokio") {
            PANICS.fetch_add(1, Ordering::Relaxed);
        }
        before(panic);
    }));
    let (files, closed, whole) = history();
    let mut lost = Salvaged::default();
    assert!(!survives(
        &files,
        &whole,
        "as it was",
        (true, true),
        &mut lost
    ));
    let random = |length: usize| fastrand::usize(0..length);
    let mut aside = [0; 2];
    let cuts = count("ALPACALERT_CUTS", 80);
    for n in 0..cuts {
        let is_log = n % 2 == 0;
        let mut cut = if is_log { &files } else { &closed }.clone();
        let file = if is_log {
            &mut cut.log
        } else {
            &mut cut.database
        };
        let at = random(file.len());
        file.truncate(at);
        let what = format!("cut at {at}, log: {is_log}");
        aside[0] += usize::from(survives(&cut, &whole, &what, (is_log, true), &mut lost));
    }
    let mut turned_lost = Salvaged::default();
    let flips = count("ALPACALERT_FLIPS", 40);
    for n in 0..flips {
        let is_log = n % 2 == 0;
        let mut turned = if is_log { &files } else { &closed }.clone();
        let file = if is_log {
            &mut turned.log
        } else {
            &mut turned.database
        };
        let (at, bit) = (random(file.len()), random(8));
        file[at] ^= 1 << bit;
        let what = format!("bit {bit} of byte {at} turned, log: {is_log}");
        aside[1] += usize::from(survives(
            &turned,
            &whole,
            &what,
            (is_log, false),
            &mut turned_lost,
        ));
    }
    println!(
        "{cuts} cuts: {} put aside; {flips} flips: {} put aside",
        aside[0], aside[1]
    );
    println!("of cut files: {lost:?}; of turned files: {turned_lost:?}");
    assert_eq!(PANICS.load(Ordering::Relaxed), 0);
    assert!(aside[0] > 0, "some cuts were found");
    // Cut at random places, half of a file is there; what is found by what is gone is lost with it.
    assert!(lost.kept * 5 > lost.of, "{lost:?}");
}
