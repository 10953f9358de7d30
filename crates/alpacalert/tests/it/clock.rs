//! Clocks that jump, and a process that stands still.

use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use alpacalert::instrument::{Class, Clock, TokioClock};
use alpacalert::model::{State, Timestamp};
use tokio::time::Instant;

use crate::world::{Does, Listing, World, every, probe, service, state, status, wait};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: i64 = 3600;
const YEAR: i64 = 365 * 24 * HOUR;

/// A time of day that somebody sets, as on a machine without a time service.
#[derive(Clone)]
pub(crate) struct Wall {
    steady: TokioClock,
    /// Seconds beside it.
    off: Arc<AtomicI64>,
}

impl Clock for Wall {
    fn now(&self) -> Timestamp {
        let off = jiff::SignedDuration::from_secs(self.off.load(Ordering::SeqCst));
        self.steady.now() + off
    }
}

impl Wall {
    pub(crate) fn starting(start: Timestamp) -> Self {
        Wall {
            steady: TokioClock::starting(start),
            off: Arc::default(),
        }
    }

    pub(crate) fn jump(&self, seconds: i64) {
        self.off.fetch_add(seconds, Ordering::SeqCst);
    }
}

#[tokio::test(start_paused = true)]
async fn a_wall_clock_that_jumps_moves_no_check_and_makes_nothing_stale() {
    let begun = Instant::now();
    let start = Timestamp::from_second(1_800_000_000).unwrap();
    let wall = Wall::starting(start);
    let mut world = World::new();
    world.settings.clock = Arc::new(wall.clone());
    let names: Vec<String> = (0..20).map(|n| n.to_string()).collect();
    for name in &names {
        world.sensor(name, Class::Network, every(10 * SECOND), |_| {
            Does::Says(State::Passing)
        });
    }
    // Changes its mind after each jump.
    world.sensor("turns", Class::Network, every(10 * SECOND), |n| {
        Does::Says(match n / 10 % 2 {
            0 => State::Passing,
            _ => State::Degraded,
        })
    });
    let (source, _) = Listing::new("cluster", Ok(vec![("a", Some(State::Passing))]));
    world.source("cluster", source);
    world.found("cluster", &["*"]);
    let running = world.start();
    wait(95.0).await;
    let since = status(&running, &probe("0")).await.unwrap().since;

    let to_1970 = -1_800_000_000 + HOUR;
    let mut expected = State::Passing;
    // The first is a leap second.
    for jump in [-1, HOUR, -2 * HOUR, to_1970, 10 * YEAR] {
        wall.jump(jump);
        wait(100.0).await;
        let now = wall.now();
        let ago = |then: Timestamp| now.duration_since(then).as_secs();
        for name in &names {
            let seen = status(&running, &probe(name)).await.unwrap();
            assert_eq!(seen.state, State::Passing, "{seen:?}");
            let age = ago(seen.observed_at.unwrap());
            assert!((0..=10).contains(&age), "{age} s old after {jump} s");
        }
        // It has been so since then, whatever the clock says now.
        assert_eq!(status(&running, &probe("0")).await.unwrap().since, since);
        let cluster = state(&running, &Listing::id("cluster", "a")).await;
        assert_eq!(cluster, State::Passing);
        // And what changed after the jump did so by the new time.
        expected = match expected {
            State::Passing => State::Degraded,
            _ => State::Passing,
        };
        assert_eq!(state(&running, &service()).await, expected);
        let turned = status(&running, &probe("turns")).await.unwrap();
        let age = ago(turned.since.unwrap());
        assert!((80..=100).contains(&age), "turned {age} s ago");
    }
    assert_eq!(running.stats().await.stale, 0);
    for name in &names {
        let times = world.log.seconds(name, begun);
        assert!((59..=60).contains(&times.len()), "{times:?}");
        for pair in times.windows(2) {
            assert!((pair[1] - pair[0] - 10.0).abs() < 0.003, "{times:?}");
        }
    }
    running.shutdown().await;
}

const FROZEN: usize = 40;
const INTERVAL: Duration = Duration::from_secs(2);
const FREEZE: Duration = Duration::from_secs(5);

/// What the next test stops for a while. Writes when each sensor was measured, in milliseconds, and then how many were stale.
#[tokio::test]
#[ignore = "run by the test below"]
async fn measures_until_it_is_told_to_end() {
    let mut world = World::new();
    world.settings.seed = Some(1);
    for n in 0..FROZEN {
        world.sensor(&n.to_string(), Class::Network, every(INTERVAL), |_| {
            Does::Says(State::Passing)
        });
    }
    let begun = Instant::now();
    let running = world.start();
    // Before it is stopped, and two rounds after.
    let until = begun + Duration::from_secs(3) + FREEZE + 2 * INTERVAL;
    tokio::time::sleep_until(until).await;
    let stats = running.stats().await;
    let mut out = std::io::stdout().lock();
    for n in 0..FROZEN {
        let times = world.log.seconds(&n.to_string(), begun);
        let times: Vec<String> = times.iter().map(ToString::to_string).collect();
        writeln!(out, "measured {}", times.join(" ")).unwrap();
    }
    writeln!(out, "stale {}", stats.stale).unwrap();
    drop(out);
    running.shutdown().await;
}

fn signal(child: &Child, name: &str) {
    let command = format!("kill {name} {}", child.id());
    let sent = Command::new("sh").args(["-c", &command]).status();
    assert!(sent.expect("there is a shell").success());
}

#[test]
fn a_process_that_was_stopped_catches_up_once_and_spread() {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "clock::measures_until_it_is_told_to_end"]);
    command.args(["--ignored", "--nocapture", "--test-threads=1"]);
    let child = command.stdout(Stdio::piped()).spawn().unwrap();
    // Longer than the first round.
    std::thread::sleep(Duration::from_secs(3));
    signal(&child, "-STOP");
    std::thread::sleep(FREEZE);
    signal(&child, "-CONT");
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    assert!(text.lines().any(|line| line.ends_with("stale 0")), "{text}");

    let measured = text.lines().filter_map(|line| line.split_once("measured "));
    let sensors: Vec<Vec<f64>> = measured
        .map(|(_, times)| times.split(' ').map(|time| time.parse().unwrap()).collect())
        .collect();
    assert_eq!(sensors.len(), FROZEN, "{text}");
    let mut all: Vec<f64> = sensors.iter().flatten().copied().collect();
    all.sort_by(f64::total_cmp);
    let thawed = all
        .windows(2)
        .max_by(|a, b| (a[1] - a[0]).total_cmp(&(b[1] - b[0])))
        .filter(|pair| pair[1] - pair[0] > FREEZE.as_secs_f64() * 0.8)
        .expect("nothing was measured for a while")[1];
    let interval = INTERVAL.as_secs_f64();
    let runs = |times: &[f64], intervals: f64| {
        let until = thawed + interval * intervals;
        times
            .iter()
            .filter(|t| (thawed..until).contains(*t))
            .count()
    };
    // Nothing is left out, and nothing is made up for twice. Only what had been begun when the process was stopped, and ended
    // after it, is followed by another one in less than an interval: its next.
    let twice = sensors.iter().filter(|times| runs(times, 0.95) > 1).count();
    assert!(twice <= FROZEN / 10, "{twice} twice after {thawed}: {text}");
    for times in &sensors {
        assert!(runs(times, 0.95) <= 2, "{times:?} after {thawed}");
        assert!(runs(times, 1.5) >= 1, "{times:?} after {thawed}");
    }
    let at_once = all
        .iter()
        .filter(|t| (thawed..thawed + interval / 4.0).contains(*t))
        .count();
    assert!(at_once <= FROZEN / 2, "{at_once} of {FROZEN} at once");
}
