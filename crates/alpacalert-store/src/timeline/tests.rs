use proptest::prelude::*;

use super::*;

fn entered(at: i64, state: State) -> Entered {
    Entered {
        at,
        number: at,
        state,
        why: Reason::SOURCE_LOST,
        maintenance: false,
    }
}

/// Seen from 10 to 50 and from 70 to 100.
fn facts(entered: Vec<Entered>) -> Facts {
    let run = |began, until| Run {
        began,
        until,
        numbers: Numbers::ALL,
    };
    Facts {
        runs: vec![run(10, 50), run(70, 100)],
        gaps: Vec::new(),
        entered,
        presence: vec![Presence {
            at: 10,
            there: true,
        }],
    }
}

fn told(facts: &Facts) -> Vec<(i64, i64, Known)> {
    let spans = facts.spans(0, 120).into_iter();
    spans.map(|span| (span.from, span.to, span.known)).collect()
}

#[test]
fn nobody_looks_while_the_program_does_not_run() {
    let ok = Known::Seen(State::Passing, Reason::SOURCE_LOST);
    let facts = facts(vec![
        entered(20, State::Passing),
        entered(80, State::Passing),
    ]);
    let expected = [
        (0, 10, Known::Absent),
        (10, 20, Known::Unseen(Reason::NOT_MEASURED)),
        (20, 50, ok.clone()),
        (50, 70, Known::Unseen(MONITOR_DOWN)),
        (70, 80, Known::Unseen(Reason::NOT_MEASURED)),
        (80, 100, ok),
        // It is still to come.
        (100, 120, Known::Absent),
    ];
    assert_eq!(told(&facts), expected);
}

#[test]
fn maintenance_excuses_what_is_not_well_and_nothing_else() {
    let planned = |at, state| Entered {
        maintenance: true,
        ..entered(at, state)
    };
    let facts = facts(vec![
        planned(10, State::Failing),
        planned(30, State::Degraded),
    ]);
    assert_eq!(facts.at(20), Known::Unseen(MAINTENANCE));
    assert!(matches!(facts.at(40), Known::Seen(State::Degraded, _)));
}

#[test]
fn what_went_is_absent_and_what_was_lost_is_told() {
    let mut facts = facts(vec![entered(10, State::Failing)]);
    facts.presence.push(Presence {
        at: 40,
        there: false,
    });
    facts.gaps.push(Gap {
        from: 15,
        to: 25,
        reason: crate::HISTORY_LOST,
    });
    assert_eq!(facts.at(20), Known::Unseen(crate::HISTORY_LOST));
    assert!(matches!(facts.at(30), Known::Seen(State::Failing, _)));
    assert_eq!(facts.at(45), Known::Absent);
    let uptime = &super::uptime(&facts, (10, 50), i64::MIN, 1)[0];
    assert_eq!((uptime.unobserved, uptime.absent), (0.01, 0.01));
    assert_eq!(uptime.share().map(|(lower, _)| lower), Some(0.0));
    assert_eq!(uptime.seconds[State::Failing.index()], 0.005 + 0.015);
}

fn at() -> impl Strategy<Value = i64> {
    0_i64..1000
}

prop_compose! {
    fn any_facts()(
        mut runs in prop::collection::vec((at(), 0_i64..200), 0..5),
        gaps in prop::collection::vec((at(), 0_i64..100), 0..4),
        mut entered in prop::collection::vec((at(), 0_usize..4, any::<bool>()), 0..20),
        mut presence in prop::collection::vec((at(), any::<bool>()), 0..5),
    ) -> Facts {
        runs.sort();
        entered.sort();
        presence.sort();
        Facts {
            runs: runs.into_iter().map(|(began, length)| Run { began, until: began + length, numbers: Numbers::ALL }).collect(),
            gaps: gaps
                .into_iter()
                .map(|(from, length)| Gap { from, to: from + length, reason: crate::HISTORY_LOST })
                .collect(),
            entered: entered
                .into_iter()
                .map(|(at, state, maintenance)| Entered {
                    number: at,
                    at,
                    state: State::ALL[state],
                    why: Reason::STALE,
                    maintenance,
                })
                .collect(),
            presence: presence.into_iter().map(|(at, there)| Presence { at, there }).collect(),
        }
    }
}

proptest! {
    /// Moments are asked one by one, and no time is told twice or left out.
    #[test]
    fn spans_say_what_each_moment_says(facts in any_facts(), from in 0_i64..500, length in 1_i64..700, parts in 1_usize..9) {
        let to = from + length;
        let spans = facts.spans(from, to);
        prop_assert_eq!(spans.first().map(|span| span.from), Some(from));
        prop_assert_eq!(spans.last().map(|span| span.to), Some(to));
        for pair in spans.windows(2) {
            prop_assert_eq!(pair[0].to, pair[1].from);
            prop_assert_ne!(&pair[0].known, &pair[1].known);
        }
        for span in &spans {
            for at in span.from..span.to {
                prop_assert_eq!(&facts.at(at), &span.known);
            }
        }
        let told = uptime(&facts, (from, to), i64::MIN, parts);
        let sum = |uptime: &Uptime| uptime.seconds.iter().sum::<f64>() + uptime.unobserved + uptime.absent;
        let all: f64 = told.iter().map(sum).sum();
        prop_assert!((all - length as f64 / 1000.0).abs() < 1e-9);
        for uptime in &told {
            let unsure: f64 = uptime.unsure.iter().map(|(_, seconds)| seconds).sum();
            let unknown = uptime.unobserved + uptime.seconds[State::Unknown.index()];
            prop_assert!((unsure - unknown).abs() < 1e-9);
            if let Some((lower, upper)) = uptime.share() {
                prop_assert!(0.0 <= lower && lower <= upper && upper <= 1.0);
            }
        }
    }
}
