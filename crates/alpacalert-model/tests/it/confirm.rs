//! Retries, recoveries and flapping.

use alpacalert_model::{Confirmation, Patience, State};

use State::{Degraded, Failing, Passing, Unknown};

fn confirmed(patience: Patience, results: &[State]) -> Vec<State> {
    let mut confirmation = Confirmation::default();
    let results = results.iter();
    results
        .map(|state| confirmation.next(*state, &patience))
        .collect()
}

const PATIENT: Patience = Patience {
    retries: 2,
    recoveries: 2,
};

#[test]
fn the_first_result_is_confirmed_at_once() {
    assert_eq!(Confirmation::default().confirmed(), Unknown);
    for state in State::ALL {
        assert_eq!(confirmed(PATIENT, &[state]), [state]);
    }
}

#[test]
fn a_worse_state_is_confirmed_after_the_retries() {
    let results = [Passing, Failing, Failing, Failing];
    assert_eq!(
        confirmed(PATIENT, &results),
        [Passing, Passing, Passing, Failing]
    );
    let mixed = [Passing, Failing, Unknown, Degraded];
    assert_eq!(
        confirmed(PATIENT, &mixed),
        [Passing, Passing, Passing, Degraded]
    );
    assert_eq!(
        confirmed(Patience::default(), &[Passing, Failing]),
        [Passing, Failing]
    );
}

#[test]
fn a_result_that_equals_the_confirmed_state_starts_the_count_again() {
    let results = [Passing, Failing, Failing, Passing, Failing, Failing];
    assert_eq!(confirmed(PATIENT, &results), [Passing; 6]);
}

#[test]
fn a_recovery_is_confirmed_after_its_threshold() {
    let results = [Failing, Passing, Degraded, Passing];
    assert_eq!(
        confirmed(PATIENT, &results),
        [Failing, Failing, Degraded, Degraded]
    );
    let none = Patience {
        retries: 0,
        recoveries: 0,
    };
    assert_eq!(confirmed(none, &[Failing, Passing]), [Failing, Passing]);
}

#[test]
fn losing_sight_of_a_broken_thing_is_no_recovery() {
    let patience = Patience {
        retries: 2,
        recoveries: 1,
    };
    let results = [
        Failing, Unknown, Unknown, Failing, Unknown, Unknown, Unknown,
    ];
    let expected = [
        Failing, Failing, Failing, Failing, Failing, Failing, Unknown,
    ];
    assert_eq!(confirmed(patience, &results), expected);
    assert_eq!(
        confirmed(patience, &[Degraded, Unknown, Passing]),
        [Degraded, Degraded, Passing]
    );
}

#[test]
fn the_next_measurement_is_a_retry_while_a_change_is_not_confirmed() {
    let mut confirmation = Confirmation::default();
    let mut pending = |state| {
        confirmation.next(state, &PATIENT);
        confirmation.is_pending()
    };
    let results = [
        Passing, Failing, Failing, Failing, Passing, Passing, Passing,
    ];
    let expected = [false, true, true, false, true, false, false];
    assert_eq!(results.map(&mut pending), expected);
}

/// Icinga 2's `Checkable::UpdateFlappingStatus`, line by line: a ring of 20 changes, the place of the oldest, and a
/// weighted sum from there on.
struct Icinga {
    ring: [bool; 20],
    oldest: usize,
    last: State,
    flapping: bool,
    current: f64,
}

impl Icinga {
    fn update(&mut self, state: State) {
        self.ring[self.oldest] = state != self.last;
        self.last = state;
        self.oldest = (self.oldest + 1) % 20;
        let mut changes = 0.0;
        for i in 0..20 {
            if self.ring[(self.oldest + i) % 20] {
                changes += 0.8 + (0.02 * i as f64);
            }
        }
        self.current = 100.0 * changes / 20.0;
        self.flapping = if self.flapping {
            self.current > 25.0
        } else {
            self.current > 30.0
        };
    }
}

#[test]
fn flapping_is_what_icinga_says_on_random_results() {
    let mut random = fastrand::Rng::with_seed(16);
    let (mut on, mut off) = (0, 0);
    for _ in 0..10_000 {
        let first = random.choice(State::ALL).expect("four states");
        let mut ours = Confirmation::default();
        ours.next(first, &PATIENT);
        let mut theirs = Icinga {
            ring: [false; 20],
            oldest: 0,
            last: first,
            flapping: false,
            current: 0.0,
        };
        // Phases of their own restlessness, so that both bounds are crossed both ways.
        for _ in 0..4 {
            let restless = random.f64();
            for _ in 0..25 {
                let state = match random.f64() < restless {
                    true => random.choice(State::ALL).expect("four states"),
                    false => theirs.last,
                };
                let before = theirs.flapping;
                theirs.update(state);
                ours.next(state, &PATIENT);
                assert_eq!(ours.is_flapping(), theirs.flapping);
                assert_eq!(ours.change_share().to_bits(), theirs.current.to_bits());
                on += u32::from(!before && theirs.flapping);
                off += u32::from(before && !theirs.flapping);
            }
        }
    }
    assert!(
        on > 1_000 && off > 1_000,
        "{on} starts and {off} ends of flapping"
    );
}
