//! The systems of the original give the states that the original's Python gives.
//!
//! There a state is Passing, Unknown or Failing; `SystemAll` is the worst of its scanners, `SystemAny` the best,
//! `SystemOptional` always Passing, and `ServiceBasic` what its system is.

use alpacalert_model::Severity;

use super::*;
use crate::{Registry, testing};

const STATES: [State; 3] = [State::Passing, State::Unknown, State::Failing];

fn constants(states: &[State]) -> Scanners {
    states
        .iter()
        .map(|state| Box::new(SensorConstant::from(*state)) as Box<dyn Scanner>)
        .collect()
}

/// The state of the scanner after all its sensors were measured.
async fn state_of(scanner: impl Scanner + 'static) -> State {
    let mut id = None;
    let assembly = testing::assemble_with(&Registry::new(), &Default::default(), |builder| {
        id = Some(Box::new(scanner).place("", builder));
    });
    let graph = testing::judge(&assembly).await;
    let key = graph.key(&id.expect("it was placed")).expect("it is there");
    graph.get(key).expect("it is there").state()
}

fn all(states: &[State]) -> SystemAll {
    SystemAll {
        name: "all".into(),
        scanners: constants(states),
    }
}

fn any(states: &[State]) -> SystemAny {
    SystemAny {
        name: "any".into(),
        scanners: constants(states),
    }
}

/// `&` of the original's states, from its text.
fn and(a: State, b: State) -> State {
    match (a, b) {
        (State::Passing, other) | (other, State::Passing) => other,
        (State::Failing, _) | (_, State::Failing) => State::Failing,
        _ => State::Unknown,
    }
}

/// `|` of the original's states, from its text.
fn or(a: State, b: State) -> State {
    match (a, b) {
        (State::Passing, _) | (_, State::Passing) => State::Passing,
        (State::Failing, other) | (other, State::Failing) => other,
        _ => State::Unknown,
    }
}

#[tokio::test]
async fn all_and_any_are_the_originals_and_and_or() {
    for a in STATES {
        assert_eq!(state_of(all(&[a])).await, a);
        assert_eq!(state_of(any(&[a])).await, a);
        for b in STATES {
            assert_eq!(state_of(all(&[a, b])).await, and(a, b), "{a} {b}");
            assert_eq!(state_of(any(&[a, b])).await, or(a, b), "{a} {b}");
            for c in STATES {
                let states = [a, b, c];
                assert_eq!(state_of(all(&states)).await, and(and(a, b), c));
                assert_eq!(state_of(any(&states)).await, or(or(a, b), c));
            }
        }
    }
}

/// The original raises an exception for these.
#[tokio::test]
async fn without_scanners_nobody_can_tell() {
    assert_eq!(state_of(all(&[])).await, State::Unknown);
    assert_eq!(state_of(any(&[])).await, State::Unknown);
}

#[tokio::test]
async fn what_is_optional_is_not_required() {
    for state in STATES {
        let scanner = Box::new(SensorConstant::from(state));
        let optional = SystemOptional {
            name: "optional".into(),
            scanner,
        };
        assert_eq!(state_of(optional).await, State::Passing, "{state}");
    }
}

#[tokio::test]
async fn a_service_is_as_its_system_is() {
    for state in STATES {
        let service = ServiceBasic {
            name: "s".into(),
            system: Box::new(all(&[state])),
        };
        assert_eq!(state_of(service).await, state);
    }
}

#[tokio::test]
async fn scanners_that_are_named_alike_all_count() {
    let alert = |state| {
        let mut constant = SensorConstant::from(state);
        constant.name = "HighLoad".into();
        Box::new(constant) as Box<dyn Scanner>
    };
    let states = [State::Passing, State::Failing, State::Passing];
    let system = |states: &[State]| SystemAll {
        name: "dashboard".into(),
        scanners: states.iter().copied().map(alert).collect(),
    };
    assert_eq!(state_of(system(&states)).await, State::Failing);

    let twins: Scanners = vec![
        Box::new(system(&[State::Passing])),
        Box::new(system(&[State::Failing])),
    ];
    let outer = SystemAll {
        name: "outer".into(),
        scanners: twins,
    };
    let assembly = testing::assemble_with(&Registry::new(), &Default::default(), |builder| {
        Box::new(outer).place("", builder);
    });
    assert_eq!(
        testing::tree(&assembly),
        "outer (alpacalert.io/System outer, All)
  dashboard (alpacalert.io/System outer/dashboard, All)
    HighLoad (alpacalert.io/Constant outer/dashboard/HighLoad)
  dashboard (alpacalert.io/System outer/dashboard (2), All)
    HighLoad (alpacalert.io/Constant outer/dashboard (2)/HighLoad)
"
    );
}

#[test]
fn ten_thousand_scanners_of_one_name_take_no_time() {
    let started = std::time::Instant::now();
    let system = all(&[State::Passing; 10_000]);
    let assembly = testing::assemble_with(&Registry::new(), &Default::default(), |builder| {
        Box::new(system).place("", builder);
    });
    assert_eq!(assembly.sensors.len(), 10_000);
    assert!(started.elapsed().as_secs() < 5, "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_request_that_nobody_answers_is_an_unknown_member() {
    let request = Request::local(Kind::of("example.com/Nothing"), "x");
    let scanners: Scanners = vec![Box::new(request)];
    let system = SystemAll {
        name: "s".into(),
        scanners,
    };
    assert_eq!(state_of(system).await, State::Unknown);
}

#[tokio::test]
async fn a_constant_says_what_it_was_given_at_the_time_it_is_asked() {
    let message = Message::new(Severity::Error, "queue is full");
    let constant = SensorConstant::failing("queue", vec![message.clone()]);
    let observation = testing::measure(&constant).await;
    assert_eq!(observation.state, State::Failing);
    assert_eq!(observation.messages, [message]);
    assert_eq!(observation.at, testing::NOW);
    let constant = SensorConstant::passing("queue", vec![]);
    assert_eq!(testing::measure(&constant).await.state, State::Passing);
}
