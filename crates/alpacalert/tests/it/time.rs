//! When sensors are measured, and what becomes of results over time.

use std::time::Duration;

use alpacalert::config::Concurrency;
use alpacalert::instrument::{Class, ScheduleOverrides};
use alpacalert::model::{Mark, State};
use tokio::time::Instant;

use crate::world::{Does, World, every, probe, service, state, status, wait};

const SECOND: Duration = Duration::from_secs(1);

fn passes(_: usize) -> Does {
    Does::Says(State::Passing)
}

#[tokio::test(start_paused = true)]
async fn first_measurements_are_spread_over_the_interval_and_the_rest_keep_their_phase() {
    let mut world = World::new();
    for n in 0..200 {
        world.sensor(&n.to_string(), Class::Network, every(10 * SECOND), passes);
    }
    let begun = Instant::now();
    let running = world.start();
    wait(61.0).await;
    let mut firsts = Vec::new();
    for n in 0..200 {
        let times = world.log.seconds(&n.to_string(), begun);
        assert!(times[0] < 10.1, "the first one at {}", times[0]);
        assert!((6..=7).contains(&times.len()), "{times:?}");
        firsts.push(times[0]);
        for pair in times.windows(2) {
            // Timers of the runtime are a millisecond coarse; what is late once must not be late ever after.
            assert!((pair[1] - pair[0] - 10.0).abs() < 0.003, "{times:?}");
        }
    }
    // Each tenth of the interval has about a tenth of them.
    for tenth in 0..10 {
        let n = firsts.iter().filter(|t| **t as usize == tenth).count();
        assert!((5..=40).contains(&n), "{n} of 200 in second {tenth}");
    }
    running.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_seed_gives_the_same_moments_again_and_another_seed_gives_others() {
    let mut seen = Vec::new();
    for seed in [7, 7, 8] {
        let mut world = World::new();
        world.settings.seed = Some(seed);
        for n in 0..20 {
            world.sensor(&n.to_string(), Class::Local, every(10 * SECOND), passes);
        }
        let begun = Instant::now();
        let running = world.start();
        wait(30.0).await;
        running.shutdown().await;
        let times = (0..20).map(|n| world.log.seconds(&n.to_string(), begun));
        seen.push(times.collect::<Vec<_>>());
    }
    assert_eq!(seen[0], seen[1]);
    assert_ne!(seen[0], seen[2]);
}

#[tokio::test(start_paused = true)]
async fn an_hourly_sensor_is_first_measured_within_half_a_minute() {
    let mut world = World::new();
    world.sensor("a", Class::Network, every(3600 * SECOND), passes);
    let begun = Instant::now();
    let running = world.start();
    wait(3.0 * 3600.0).await;
    let times = world.log.seconds("a", begun);
    assert!(times[0] < 30.1, "{times:?}");
    assert!((3..=4).contains(&times.len()), "{times:?}");
    running.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_worse_state_is_believed_after_the_retries() {
    let mut world = World::new();
    let schedule = ScheduleOverrides {
        interval: Some(30 * SECOND),
        retries: Some(2),
        retry_interval: Some(5 * SECOND),
        ..ScheduleOverrides::default()
    };
    // Passes once, then fails.
    world.sensor("a", Class::Network, schedule, |n| {
        Does::Says(if n == 0 {
            State::Passing
        } else {
            State::Failing
        })
    });
    let begun = Instant::now();
    let running = world.start();
    wait(30.5).await;
    let first = world.log.seconds("a", begun)[0];
    wait(first + 30.0 - 30.5 + 1.0).await;
    let seen = status(&running, &probe("a")).await.unwrap();
    assert_eq!(
        (seen.state, seen.confirmed),
        (State::Failing, State::Passing)
    );
    assert_eq!(state(&running, &service()).await, State::Passing);
    wait(5.0).await;
    assert_eq!(state(&running, &service()).await, State::Passing);
    wait(5.0).await;
    assert_eq!(state(&running, &service()).await, State::Failing);
    let times = world.log.seconds("a", begun);
    let gaps: Vec<f64> = times.windows(2).map(|w| (w[1] - w[0]).round()).collect();
    assert_eq!(gaps, [30.0, 5.0, 5.0]);
    // Believed: back to the interval, on the phase it had.
    wait(21.0).await;
    let times = world.log.seconds("a", begun);
    assert!((times[4] - times[0] - 60.0).abs() < 0.01, "{times:?}");
    running.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_recovery_takes_as_many_good_results_as_it_should() {
    let mut world = World::new();
    let schedule = ScheduleOverrides {
        interval: Some(10 * SECOND),
        retry_interval: Some(10 * SECOND),
        recoveries: Some(3),
        ..ScheduleOverrides::default()
    };
    world.sensor("a", Class::Network, schedule, |n| {
        Does::Says(if n == 0 {
            State::Failing
        } else {
            State::Passing
        })
    });
    let running = world.start();
    wait(10.5).await;
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(state(&running, &service()).await);
        wait(10.0).await;
    }
    use State::{Failing, Passing};
    assert_eq!(seen, [Failing, Failing, Failing, Passing]);
    running.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn without_a_new_result_a_sensor_is_stale_however_stuck_its_measurement() {
    let mut world = World::new();
    let schedule = ScheduleOverrides {
        interval: Some(10 * SECOND),
        // Longer than the time to live: only that can end the old green.
        timeout: Some(10_000 * SECOND),
        time_to_live: Some(30 * SECOND),
        ..ScheduleOverrides::default()
    };
    world.sensor("a", Class::Network, schedule, |n| match n {
        0 => Does::Says(State::Passing),
        _ => Does::Hangs,
    });
    let running = world.start();
    wait(10.5).await;
    assert_eq!(state(&running, &service()).await, State::Passing);
    wait(31.0).await;
    let seen = status(&running, &probe("a")).await.unwrap();
    assert_eq!(seen.state, State::Unknown);
    assert_eq!(seen.reason.as_str(), "stale");
    assert_eq!(seen.messages[0].text, "no result for 30 s");
    assert_eq!(state(&running, &service()).await, State::Unknown);
    assert_eq!(running.stats().await.stale, 1);
    // Hung, and not measured a second time beside itself.
    assert_eq!(world.log.starts("a").len(), 2);
    running.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_staleness_does_not_bring_the_old_state_back() {
    let mut world = World::new();
    let schedule = ScheduleOverrides {
        interval: Some(10 * SECOND),
        timeout: Some(100 * SECOND),
        time_to_live: Some(30 * SECOND),
        retries: Some(3),
        retry_interval: Some(10 * SECOND),
        ..ScheduleOverrides::default()
    };
    world.sensor("a", Class::Network, schedule, |n| match n {
        0 => Does::Says(State::Passing),
        1 => Does::Hangs,
        _ => Does::Says(State::Failing),
    });
    let running = world.start();
    let mut worst = State::Passing;
    for _ in 0..40 {
        wait(5.0).await;
        let now = status(&running, &probe("a")).await.unwrap().confirmed;
        if worst > State::Passing {
            assert_ne!(now, State::Passing);
        }
        if world.log.starts("a").len() > 1 {
            worst = worst.max(now);
        }
    }
    assert_eq!(state(&running, &service()).await, State::Failing);
    running.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_sensor_that_changes_all_the_time_is_marked_and_unmarked() {
    let mut world = World::new();
    world.sensor("a", Class::Local, every(SECOND), |n| {
        Does::Says(if n < 40 && n % 2 == 0 {
            State::Failing
        } else {
            State::Passing
        })
    });
    let running = world.start();
    let flapping = || {
        let read = |graph: &alpacalert::model::Graph| {
            let key = graph.key(&probe("a")).unwrap();
            graph.get(key).unwrap().marks().has(Mark::Flapping)
        };
        running.query(read)
    };
    wait(2.5).await;
    assert_eq!(flapping().await, Some(false));
    wait(30.0).await;
    assert_eq!(flapping().await, Some(true));
    wait(40.0).await;
    assert_eq!(flapping().await, Some(false));
    running.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn no_more_is_measured_at_a_time_than_the_plan_allows() {
    for (class, most) in [(Class::Network, 7), (Class::Process, 3)] {
        let mut world = World::new();
        world.plan.concurrency = Concurrency {
            network: 7,
            processes: 3,
            per_source: 100,
        };
        for n in 0..50 {
            world.sensor(&n.to_string(), class, every(10 * SECOND), |_| {
                Does::Takes(5 * SECOND)
            });
        }
        let running = world.start();
        wait(200.0).await;
        assert_eq!(world.gauge.most(), most);
        // And everybody had a turn.
        for n in 0..50 {
            assert!(!world.log.starts(&n.to_string()).is_empty());
        }
        let stats = running.stats().await;
        assert_eq!(stats.running, most);
        running.shutdown().await;
    }
}

#[tokio::test(start_paused = true)]
async fn hung_targets_leave_slots_to_the_others() {
    let mut world = World::new();
    world.plan.concurrency.network = 8;
    for n in 0..100 {
        world.sensor(
            &format!("hung {n}"),
            Class::Network,
            every(10 * SECOND),
            |_| Does::Hangs,
        );
    }
    for n in 0..2 {
        world.sensor(&format!("well {n}"), Class::Network, every(SECOND), passes);
    }
    let running = world.start();
    // Until each of the hung ones has timed out once.
    wait(300.0).await;
    let before = world.log.starts("well 0").len() + world.log.starts("well 1").len();
    wait(100.0).await;
    let after = world.log.starts("well 0").len() + world.log.starts("well 1").len();
    assert!(
        (198..=202).contains(&(after - before)),
        "{}",
        after - before
    );
    running.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_broken_sensor_is_unknown_and_touches_nothing_else() {
    let mut world = World::new();
    let schedule = every(10 * SECOND);
    world.sensor("panics", Class::Local, schedule, |_| Does::Panics);
    world.sensor("errs", Class::Network, schedule, |_| Does::Errs);
    world.sensor("hangs", Class::Process, schedule, |_| Does::Hangs);
    world.sensor("slow", Class::Local, schedule, |_| Does::Takes(SECOND));
    world.sensor("passes", Class::Local, schedule, passes);
    let running = world.start();
    wait(45.0).await;
    for (name, reason) in [
        ("panics", "sensor-broken"),
        ("errs", "no-access"),
        ("hangs", "timeout"),
    ] {
        let seen = status(&running, &probe(name)).await.unwrap();
        assert_eq!(seen.state, State::Unknown, "{name}");
        assert_eq!(seen.reason.as_str(), reason);
    }
    for name in ["passes", "slow"] {
        assert_eq!(state(&running, &probe(name)).await, State::Passing);
        assert!(world.log.starts(name).len() >= 4);
    }
    running.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn after_a_freeze_each_sensor_is_measured_once_and_spread_as_before() {
    let mut world = World::new();
    for n in 0..100 {
        world.sensor(&n.to_string(), Class::Network, every(10 * SECOND), passes);
    }
    let begun = Instant::now();
    let running = world.start();
    wait(30.0).await;
    // Nothing of ours runs meanwhile: the clock jumps.
    tokio::time::advance(600 * SECOND).await;
    let thawed = (Instant::now() - begun).as_secs_f64();
    wait(9.9).await;
    let mut at = Vec::new();
    for n in 0..100 {
        let times = world.log.seconds(&n.to_string(), begun);
        let after: Vec<f64> = times.into_iter().filter(|t| *t >= thawed).collect();
        assert!(after.len() <= 1, "{after:?} after the freeze at {thawed}");
        at.extend(after);
    }
    assert!(at.len() >= 95, "only {} were measured again", at.len());
    for second in 0..9 {
        let from = thawed + f64::from(second);
        let n = at
            .iter()
            .filter(|t| (from..from + 1.0).contains(*t))
            .count();
        assert!((2..=30).contains(&n), "{n} of 100 in second {second}");
    }
    // The result from before the freeze is too old to be shown as new.
    assert!(running.stats().await.stale > 0);
    wait(1.0).await;
    assert_eq!(state(&running, &service()).await, State::Passing);
    running.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn everything_times_out_and_no_round_is_late_and_all_recovers() {
    let mut world = World::new();
    let schedule = ScheduleOverrides {
        timeout: Some(5 * SECOND),
        ..every(10 * SECOND)
    };
    for n in 0..10_000 {
        world.sensor(&n.to_string(), Class::Network, schedule, |n| match n {
            0..5 => Does::Hangs,
            _ => Does::Says(State::Passing),
        });
    }
    let running = world.start();
    wait(50.0).await;
    assert_eq!(state(&running, &service()).await, State::Unknown);
    let stats = running.stats().await;
    assert!(stats.lateness_p99 < SECOND, "{stats:?}");
    // Two intervals after healing.
    wait(5.0 + 20.0).await;
    assert_eq!(state(&running, &service()).await, State::Passing);
    for n in 0..10_000 {
        let times = world.log.starts(&n.to_string());
        for pair in times.windows(2) {
            let gap = pair[1] - pair[0];
            assert!(gap < 11 * SECOND, "a round started after {gap:?}");
        }
    }
    running.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_does_not_wait_for_what_hangs() {
    let mut world = World::new();
    world.sensor("a", Class::Network, every(SECOND), |_| Does::Hangs);
    let running = world.start();
    wait(2.0).await;
    let begun = Instant::now();
    running.shutdown().await;
    assert!(begun.elapsed() <= alpacalert::Running::GRACE + SECOND);
    let before = world.log.total();
    wait(60.0).await;
    assert_eq!(world.log.total(), before);
}

#[tokio::test(start_paused = true)]
async fn a_change_is_told_with_its_title_and_owner() {
    let mut world = World::new();
    world.plan.owner = Some("reports".into());
    world.sensor("a", Class::Local, every(SECOND), |n| {
        Does::Says(if n == 0 {
            State::Passing
        } else {
            State::Failing
        })
    });
    let running = world.start();
    let mut changes = running.changes();
    let mut seen = Vec::new();
    while seen.len() < 4 {
        seen.extend(changes.recv().await.unwrap().iter().cloned());
    }
    let told: Vec<_> = seen
        .iter()
        .map(|change| {
            (
                change.title.as_ref(),
                change.service,
                change.transition.shown.1,
            )
        })
        .collect();
    use State::{Failing, Passing};
    assert_eq!(
        told,
        [
            ("a", false, Passing),
            ("shop", true, Passing),
            ("a", false, Failing),
            ("shop", true, Failing)
        ]
    );
    assert!(
        seen.iter()
            .all(|change| change.owner.as_deref() == Some("reports"))
    );
    running.shutdown().await;
}
