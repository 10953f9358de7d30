//! The clock is set while things happen: what is remembered stays in the order in which it was.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use alpacalert_model::{State, Timestamp};
use alpacalert_store::{Clock, Store, StoreSettings, Wanted};

use crate::world::{World, id, sensor, service};

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const DAY: i64 = 24 * 60 * MINUTE;
const YEAR: i64 = 365 * DAY;

fn at(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap()
}

fn wanted() -> Wanted {
    Wanted {
        node: None,
        services: false,
        from: Timestamp::MIN,
        to: Timestamp::MAX,
        limit: 1000,
    }
}

fn count(folder: &Path, sql: &str) -> i64 {
    let connection = rusqlite::Connection::open(folder.join("history.db")).unwrap();
    connection.query_row(sql, [], |row| row.get(0)).unwrap()
}

/// A sensor with its clock. What each change says is its number.
struct Shown {
    world: World,
    clock: Arc<AtomicI64>,
    said: usize,
}

impl Shown {
    fn begin(folder: &Path, now: i64) -> Shown {
        let clock = Arc::new(AtomicI64::new(now));
        let mut world = World::with_clock(folder, &clock);
        world.apply(vec![sensor("a"), service("s", &["a"])], at(now));
        let said = 0;
        Shown { world, clock, said }
    }

    async fn turns(&mut self, now: i64, state: State) {
        self.clock.store(now, Ordering::Relaxed);
        let said = self.said.to_string();
        self.world.set("a", state, &said, at(now));
        self.said += 1;
        self.world.store.flush().await.unwrap();
    }

    /// What the changes of the sensor say, the newest first.
    async fn tells(&self) -> Vec<usize> {
        let wanted = Wanted {
            node: Some(id("a")),
            ..wanted()
        };
        let told = self.world.store.transitions(wanted).await.unwrap();
        told.iter()
            .map(|past| past.message.parse().unwrap())
            .collect()
    }

    /// Minutes of a service passing, failing, unobserved and absent.
    async fn minutes(&self, from: i64, to: i64) -> [i64; 4] {
        let asked = self.world.store.uptime(id("s"), at(from), at(to), 1).await;
        let told = &asked.unwrap()[0];
        let [passing, _, _, failing] = told.seconds;
        [passing, failing, told.unobserved, told.absent].map(|seconds| (seconds / 60.0) as i64)
    }
}

#[tokio::test]
async fn what_happens_after_the_clock_was_set_back_is_the_newer() {
    let folder = tempfile::tempdir().unwrap();
    let begun = 20_000 * DAY;
    let minute = |n: i64| begun + n * MINUTE;
    let mut shown = Shown::begin(folder.path(), begun);
    shown.turns(begun, State::Passing).await;
    shown.turns(minute(10), State::Failing).await;
    shown.turns(minute(50), State::Passing).await;
    assert_eq!(shown.minutes(begun, minute(50)).await, [10, 40, 0, 0]);
    // An hour back, nearly.
    shown.turns(minute(5), State::Failing).await;
    shown.turns(minute(20), State::Passing).await;
    shown.turns(minute(30), State::Failing).await;
    assert_eq!(shown.tells().await, [5, 4, 3, 2, 1, 0]);
    let limited = Wanted {
        limit: 3,
        node: Some(id("a")),
        ..wanted()
    };
    let told = shown.world.store.transitions(limited).await.unwrap();
    assert_eq!(told[2].message, "3");
    // Until it was set back as it was then, and from there on as it is now.
    assert_eq!(shown.minutes(begun, minute(30)).await, [15, 15, 0, 0]);
    let incidents = shown
        .world
        .store
        .incidents(begun_of(begun), at(minute(30)), None, 10);
    let incidents = incidents.await.unwrap();
    let times: Vec<(i64, Option<i64>)> = incidents
        .iter()
        .map(|incident| {
            let minute = |at: Timestamp| (at.as_millisecond() - begun) / MINUTE;
            (minute(incident.from), incident.to.map(minute))
        })
        .collect();
    assert_eq!(times, [(5, Some(20))]);
    let past = shown.world.store.graph_at(at(minute(25))).await.unwrap();
    let past = past.expect("it is remembered").graph;
    let a = past.get(past.key(&id("a")).unwrap()).unwrap();
    assert_eq!(a.state(), State::Passing);

    shown.world.store.close();
    let again = Store::open(StoreSettings::new(folder.path())).unwrap();
    let (state, _) = again.take_remembered()[&id("a")];
    assert_eq!(
        state,
        State::Failing,
        "what was seen last, and not what the latest time says"
    );
}

fn begun_of(begun: i64) -> Timestamp {
    at(begun - DAY)
}

#[tokio::test]
async fn a_second_that_comes_twice_is_one_moment() {
    let folder = tempfile::tempdir().unwrap();
    let begun = 20_000 * DAY;
    let mut shown = Shown::begin(folder.path(), begun);
    shown.turns(begun + 59_000, State::Passing).await;
    shown.turns(begun + 59_900, State::Failing).await;
    // The leap second.
    shown.turns(begun + 59_100, State::Passing).await;
    shown.turns(begun + 59_950, State::Failing).await;
    shown.turns(begun + MINUTE, State::Passing).await;
    assert_eq!(shown.tells().await, [4, 3, 2, 1, 0]);
    assert_eq!(count(folder.path(), "SELECT count(*) FROM run"), 1);
}

#[tokio::test]
async fn whatever_the_clock_does_the_order_is_kept_and_times_add_up() {
    for seed in 0..20 {
        let folder = tempfile::tempdir().unwrap();
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut now = 20_000 * DAY;
        let mut shown = Shown::begin(folder.path(), now);
        let mut state = State::Passing;
        for _ in 0..30 {
            now += match rng.u8(0..8) {
                0 => -rng.i64(0..10 * SECOND),
                1 => -rng.i64(0..2 * 60 * MINUTE),
                2 => rng.i64(0..60 * MINUTE),
                3 if rng.u8(0..4) == 0 => 10 * YEAR,
                4 if rng.u8(0..4) == 0 => -now + 60 * MINUTE,
                _ => rng.i64(0..5 * MINUTE),
            };
            state = match state {
                State::Passing => State::Failing,
                _ => State::Passing,
            };
            shown.turns(now, state).await;
        }
        let told = shown.tells().await;
        let expected: Vec<usize> = (0..30).rev().collect();
        assert_eq!(told, expected, "seed {seed}");
        for (from, to) in [
            (now - DAY, now),
            (0, now.max(DAY)),
            (now - 10 * MINUTE, now),
        ] {
            let parts = shown.world.store.uptime(id("s"), at(from), at(to), 7).await;
            let mut total = 0.0;
            for part in parts.unwrap() {
                let all = [part.unobserved, part.absent];
                let spent: Vec<f64> = part.seconds.into_iter().chain(all).collect();
                assert!(spent.iter().all(|s| *s >= 0.0), "seed {seed}: {part:?}");
                total += spent.iter().sum::<f64>();
            }
            let whole = (to - from) as f64 / 1000.0;
            assert!(
                (total - whole).abs() < 1.0,
                "seed {seed}: {total} of {whole} s"
            );
        }
        shown.world.store.close();
        let again = Store::open(StoreSettings::new(folder.path())).unwrap();
        let (seen, _) = again.take_remembered()[&id("a")];
        assert_eq!(seen, state, "seed {seed}");
    }
}

/// A clock that is ten years ahead for a while costs nothing of what is remembered.
#[tokio::test]
async fn nothing_is_let_go_because_the_clock_went_ahead() {
    let folder = tempfile::tempdir().unwrap();
    let begun = 20_000 * DAY;
    let clock = Arc::new(AtomicI64::new(begun));
    let told = clock.clone();
    let settings = StoreSettings {
        clock: Clock::new(move || at(told.load(Ordering::Relaxed))),
        ..StoreSettings::new(folder.path())
    };
    let store = Store::open(settings).unwrap();
    let mut shown = Shown {
        world: World::of(store),
        clock,
        said: 0,
    };
    shown.world.apply(vec![sensor("a")], at(begun));
    shown.turns(begun, State::Passing).await;
    shown.turns(begun + MINUTE, State::Failing).await;
    // While the writer waits.
    tokio::time::sleep(Duration::from_millis(100)).await;
    shown.turns(begun + 10 * YEAR, State::Passing).await;
    for _ in 0..20 {
        shown
            .world
            .store
            .keep(alpacalert_store::Retention::default());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    shown.turns(begun + 2 * MINUTE, State::Failing).await;
    assert_eq!(shown.tells().await, [3, 2, 1, 0]);
}
