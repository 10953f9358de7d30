//! Tests of what has no clock.

use alpacalert_config::Concurrency;
use alpacalert_instrument::Class;

use super::{Run, Slots};

fn slots(network: usize, per_source: usize) -> Slots {
    Slots::new(
        Concurrency {
            network,
            processes: 1,
            per_source,
        }
        .into(),
    )
}

fn run(job: u32, source: u32, suspect: bool) -> Run {
    Run {
        job,
        generation: 0,
        class: Class::Network,
        source,
        suspect,
    }
}

fn release(slots: &mut Slots, run: Run) -> Vec<u32> {
    let mut next = Vec::new();
    slots.release(run, |run| {
        next.push(run.job);
        true
    });
    next
}

#[test]
fn who_waits_longest_goes_next() {
    let mut slots = slots(2, 9);
    let taken: Vec<bool> = (0..5).map(|n| slots.take(run(n, 0, false))).collect();
    assert_eq!(taken, [true, true, false, false, false]);
    assert_eq!(slots.load(), (2, 3));
    assert_eq!(release(&mut slots, run(0, 0, false)), [2]);
    assert_eq!(release(&mut slots, run(1, 0, false)), [3]);
    assert_eq!(release(&mut slots, run(2, 0, false)), [4]);
    assert!(release(&mut slots, run(3, 0, false)).is_empty());
    assert_eq!(slots.load(), (1, 0));
}

#[test]
fn a_source_takes_no_more_than_its_share() {
    let mut slots = slots(10, 2);
    assert!(slots.take(run(0, 1, false)));
    assert!(slots.take(run(1, 1, false)));
    assert!(!slots.take(run(2, 1, false)));
    assert!(slots.take(run(3, 2, false)));
    assert!(release(&mut slots, run(3, 2, false)).is_empty());
    assert_eq!(release(&mut slots, run(0, 1, false)), [2]);
    assert_eq!(slots.load(), (2, 0));
}

#[test]
fn slots_of_a_sensor_that_is_gone_go_to_the_next() {
    let mut slots = slots(1, 9);
    assert!(slots.take(run(0, 0, false)));
    for n in 1..4 {
        assert!(!slots.take(run(n, 3, false)));
    }
    let mut started = Vec::new();
    slots.release(run(0, 0, false), |run| {
        started.push(run.job);
        run.job == 3
    });
    assert_eq!(started, [1, 2, 3]);
    assert_eq!(slots.load(), (1, 0));
    assert!(release(&mut slots, run(3, 3, false)).is_empty());
    assert_eq!(slots.load(), (0, 0));
}

#[test]
fn those_that_hung_have_three_quarters_at_most_and_one_at_least() {
    let mut slots = slots(8, 9);
    let taken = (0..20).filter(|n| slots.take(run(*n, 0, true))).count();
    assert_eq!(taken, 6);
    assert!(slots.take(run(100, 0, false)));
    assert!(slots.take(run(101, 0, false)));
    assert!(!slots.take(run(102, 0, false)));
    // With plenty of others waiting, a quarter stays theirs.
    for n in 200..300 {
        assert!(!slots.take(run(n, 0, false)));
    }
    for n in 0..6 {
        release(&mut slots, run(n, 0, true));
    }
    let mut tight = self::slots(1, 9);
    assert!(tight.take(run(0, 0, true)));
}
