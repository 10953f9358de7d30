//! What a node has to say for itself: messages, values beside their limits, and what its rule asked for.

use alpacalert_model::{NodeRef, Reason, Role, Rule, State, Threshold};

use crate::text::{lines, one_line};
use crate::view::is_leaf;

/// The most messages of one node that are shown, and the most lines of one message: the rest is in the JSON.
const MESSAGES: usize = 3;
const MESSAGE_LINES: usize = 4;
/// The most values of one node that are shown in passing: sensors give the most telling first.
const VALUES: usize = 2;

/// What a node that is not Passing says: the most important first, never empty.
pub fn evidence(node: NodeRef<'_>) -> Vec<String> {
    let status = node.status();
    // That members decide is seen from the members.
    let counts = status.reason == Reason::MEMBERS && !is_leaf(node);
    let mut said: Vec<String> = status
        .messages
        .iter()
        .filter(|_| !counts)
        .take(MESSAGES)
        .flat_map(|message| lines(&message.text, MESSAGE_LINES))
        .collect();
    for measurement in &status.measurements {
        let value = measurement.unit.write(measurement.value);
        // A sensor that already put the value into words need not be repeated.
        if measurement.state() != State::Passing && !said.iter().any(|text| text.contains(&value)) {
            said.push(one_line(&measurement.sentence()));
        }
    }
    if said.is_empty() {
        said.extend(rule_sentence(node));
    }
    if said.is_empty() && (is_leaf(node) || status.reason != Reason::MEMBERS) {
        said.push(reason_words(&status.reason));
    }
    said
}

/// What a cause says. A Passing one is a cause where its state is inverted on the way up.
pub fn cause_evidence(leaf: NodeRef<'_>) -> Vec<String> {
    if leaf.state() == State::Passing {
        return vec!["it is passing, and should not be".to_owned()];
    }
    evidence(leaf)
}

/// What a Passing node says: its values, or what it found. `all`: every value, not only the most telling ones.
pub(crate) fn good_news(node: NodeRef<'_>, all: bool) -> Option<String> {
    let status = node.status();
    if status.measurements.is_empty() {
        return status
            .messages
            .first()
            .map(|message| one_line(&message.text));
    }
    let words: Vec<String> = status
        .measurements
        .iter()
        .take(if all { usize::MAX } else { VALUES })
        .map(|measurement| one_line(&measurement.sentence()))
        .collect();
    Some(words.join(", "))
}

/// The reason code in words.
pub(crate) fn reason_words(reason: &Reason) -> String {
    if *reason == Reason::NOT_MEASURED {
        return "not measured yet".to_owned();
    }
    one_line(&reason.as_str().replace('-', " "))
}

/// What a system's rule asked for and what it got, where that does not go without saying.
pub fn rule_sentence(node: NodeRef<'_>) -> Option<String> {
    let Some(Role::System {
        rule,
        degraded_below,
    }) = node.role()
    else {
        return None;
    };
    let (sums, reason) = (node.sums(), &node.status().reason);
    let (passing, counted) = (sums.passing, sums.counted);
    if *reason == Reason::LOW_MARGIN {
        let below = degraded_below.unwrap_or_default();
        return Some(format!(
            "{passing} of {counted} passing, degraded below {below}"
        ));
    }
    if *reason != Reason::MEMBERS && *reason != Reason::TOO_FEW_MEMBERS {
        return None;
    }
    let weight: u64 = sums.weight.iter().sum();
    if *reason == Reason::TOO_FEW_MEMBERS {
        return Some(match rule {
            Rule::Weight(w) => format!("needs weight {w} and has {weight}"),
            Rule::AtLeast(Threshold::Count(n)) | Rule::Exactly(n) => {
                format!("needs {n} members and has {counted}")
            }
            _ => "needs more members than it has".to_owned(),
        });
    }
    let needs = rule_words(rule, counted, weight)?;
    Some(match rule {
        Rule::Weight(_) => format!("{needs}, {} passing", sums.weight[State::Passing.index()]),
        _ => format!("{needs}, {passing} passing"),
    })
}

/// What a rule asks for; nothing for `all`, which goes without saying.
pub(crate) fn rule_words(rule: Rule, counted: u32, weight: u64) -> Option<String> {
    match rule {
        Rule::All => None,
        Rule::Any => Some(format!("needs 1 of {counted}")),
        Rule::AtLeast(Threshold::Count(n)) => Some(format!("needs {n} of {counted}")),
        Rule::AtLeast(Threshold::Percent(p)) => Some(format!("needs {p} % of {counted}")),
        Rule::Weight(w) => Some(format!("needs weight {w} of {weight}")),
        Rule::Exactly(n) => Some(format!("needs exactly {n} of {counted}")),
    }
}
