use super::*;
use crate::testing;

#[derive(Debug)]
struct Ouroboros;

impl fmt::Display for Ouroboros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Another text each time, so that it is not taken for a repetition.
        static TIMES: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let n = TIMES.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        write!(f, "turn {n}")
    }
}

impl std::error::Error for Ouroboros {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(self)
    }
}

#[test]
fn an_error_that_is_its_own_cause_ends() {
    let error = SensorError::new(Reason::fixed("io"), "round").because(Ouroboros);
    assert_eq!(error.chain().matches("turn").count(), 32);
}

#[test]
fn an_error_without_a_cause_is_its_own_text() {
    let error = SensorError::new(Reason::fixed("io"), "cannot read /x");
    assert_eq!(error.chain(), "cannot read /x");
    assert_eq!(error.to_string(), "cannot read /x");
}

#[test]
fn an_error_makes_its_node_unknown_with_the_reason_and_the_causes() {
    let error = SensorError::new(Reason::fixed("io"), "cannot read /x").because("no such file");
    let observation = error.unknown(&testing::context());
    assert_eq!(observation.state, alpacalert_model::State::Unknown);
    assert_eq!(observation.reason.as_str(), "io");
    assert_eq!(observation.messages[0].text, "cannot read /x: no such file");
}
