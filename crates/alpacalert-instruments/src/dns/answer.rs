//! What an answer means. Pure.

use std::net::IpAddr;

use alpacalert_instrument::{Observation, Reason, State};
use hickory_resolver::proto::op::{Message, ResponseCode};
use hickory_resolver::proto::rr::RecordType;

const NXDOMAIN: Reason = Reason::fixed("nxdomain");
const SERVFAIL: Reason = Reason::fixed("servfail");
const REFUSED: Reason = Reason::fixed("query-refused");
const OTHER_CODE: Reason = Reason::fixed("response-code");
const NO_RECORD: Reason = Reason::fixed("no-record");
const ANSWER: Reason = Reason::fixed("answer");

/// How many answers a message shows.
const SHOWN: usize = 10;

/// How the expected answers and those that came must go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Match {
    /// Every expected answer came.
    All,
    /// At least one expected answer came.
    Any,
    /// The expected answers came, and no others.
    Exact,
}

impl Match {
    pub(super) const WORDS: [&'static str; 3] = ["all", "any", "exact"];

    pub(super) fn parse(word: &str) -> Option<Match> {
        match word {
            "all" => Some(Match::All),
            "any" => Some(Match::Any),
            "exact" => Some(Match::Exact),
            _ => None,
        }
    }
}

/// The records of an answer that were asked for, as text, with the shortest time that they may be kept.
pub(super) fn records(answer: &Message, record: RecordType) -> (Vec<String>, Option<u32>) {
    let wanted = || answer.answers.iter().filter(|r| r.record_type() == record);
    let mut texts: Vec<String> = wanted()
        .map(|r| comparable(record, &r.data.to_string()))
        .collect();
    texts.sort();
    (texts, wanted().map(|r| r.ttl).min())
}

/// A record as it is compared: names in lower case without the final dot, addresses in their usual form.
pub(super) fn comparable(record: RecordType, text: &str) -> String {
    match record {
        RecordType::A | RecordType::AAAA => match text.parse::<IpAddr>() {
            Ok(ip) => ip.to_string(),
            Err(_) => text.to_owned(),
        },
        RecordType::TXT | RecordType::CAA => text.to_owned(),
        _ => {
            let words: Vec<String> = text
                .split_whitespace()
                .map(|word| word.trim_end_matches('.').to_lowercase())
                .collect();
            words.join(" ")
        }
    }
}

/// Whether the server gave an answer at all.
pub(super) fn judge_code(code: ResponseCode, what: &str, observation: Observation) -> Observation {
    let (reason, text) = match code {
        ResponseCode::NoError => return observation,
        ResponseCode::NXDomain => (NXDOMAIN, format!("the name of {what} does not exist")),
        ResponseCode::ServFail => (
            SERVFAIL,
            format!("the server fails to answer for {what} (SERVFAIL)"),
        ),
        ResponseCode::Refused => (
            REFUSED,
            format!("the server refuses to answer for {what} (REFUSED)"),
        ),
        other => (
            OTHER_CODE,
            format!("the server answers for {what}: {other}"),
        ),
    };
    observation.worsened(State::Failing, reason, text)
}

/// Holds the records that came against those that are expected.
pub(super) fn judge_records(
    came: &[String],
    expected: &[String],
    how: Match,
    what: &str,
    observation: Observation,
) -> Observation {
    if came.is_empty() {
        let text = format!("there is no {what}");
        return observation.worsened(State::Failing, NO_RECORD, text);
    }
    let missing: Vec<&String> = expected.iter().filter(|e| !came.contains(e)).collect();
    let surplus: Vec<&String> = came.iter().filter(|c| !expected.contains(c)).collect();
    let fits = match how {
        Match::All => missing.is_empty(),
        Match::Any => expected.is_empty() || missing.len() < expected.len(),
        Match::Exact => missing.is_empty() && (surplus.is_empty() || expected.is_empty()),
    };
    if fits {
        return observation;
    }
    let mut text = format!("{what} is {}", shown(came.iter()));
    if !missing.is_empty() {
        text.push_str(&format!("; {} is missing", shown(missing.into_iter())));
    }
    if how == Match::Exact && !surplus.is_empty() {
        text.push_str(&format!("; {} is not expected", shown(surplus.into_iter())));
    }
    observation.worsened(State::Failing, ANSWER, text)
}

/// Records in a message.
pub(super) fn shown<'a>(records: impl ExactSizeIterator<Item = &'a String>) -> String {
    let count = records.len();
    let mut texts: Vec<String> = records.take(SHOWN).cloned().collect();
    if count > SHOWN {
        texts.push(format!("{} more", count - SHOWN));
    }
    texts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use alpacalert_instrument::Timestamp;

    #[test]
    fn answers_are_compared_as_sets() {
        let strings = |texts: &[&str]| texts.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
        let cases = [
            (vec!["a", "b"], vec!["a"], Match::All, true),
            (vec!["a"], vec!["a", "b"], Match::All, false),
            (vec!["a"], vec!["a", "b"], Match::Any, true),
            (vec!["c"], vec!["a", "b"], Match::Any, false),
            (vec!["a", "b"], vec!["b", "a"], Match::Exact, true),
            (vec!["a", "b"], vec!["a"], Match::Exact, false),
            (vec!["a"], vec!["a", "b"], Match::Exact, false),
            (vec!["a"], vec![], Match::All, true),
            (vec!["a"], vec![], Match::Any, true),
            (vec!["a"], vec![], Match::Exact, true),
            (vec![], vec![], Match::All, false),
        ];
        for (came, expected, how, passes) in cases {
            let before = Observation::passing(Timestamp::UNIX_EPOCH);
            let after = judge_records(&strings(&came), &strings(&expected), how, "it", before);
            let passed = after.state == State::Passing;
            assert_eq!(passed, passes, "{came:?} {expected:?} {how:?}");
        }
    }
}
