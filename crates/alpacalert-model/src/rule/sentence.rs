//! What a rule made of its members, in words.

use std::borrow::Cow;

use crate::{Judgement, Reason, Rule, State, Sums, Threshold};

impl Judgement {
    /// The sentence that explains a judgement by the sums it was made of; none for a node that simply passes.
    pub fn sentence(
        &self,
        rule: Rule,
        sums: &Sums,
        degraded_below: Option<u32>,
    ) -> Option<Cow<'static, str>> {
        if self.reason == Reason::NOTHING_TO_OBSERVE {
            return Some("nothing to observe".into());
        }
        if self.reason == Reason::NOTHING_REQUIRED {
            return Some("nothing required".into());
        }
        if self.reason == Reason::LOW_MARGIN {
            let wanted = degraded_below.unwrap_or_default();
            let passing = sums.passing;
            return Some(
                format!("{passing} of {wanted} wanted {} passing", members(wanted)).into(),
            );
        }
        if self.reason == Reason::TOO_FEW_MEMBERS {
            return Some(match rule {
                Rule::Weight(wanted) => {
                    let total: u64 = sums.weight.iter().sum();
                    format!("asks for a weight of {wanted}, its members have {total}").into()
                }
                _ => format!("asks for {} of {}", asked(rule), people(sums.counted)).into(),
            });
        }
        (self.state != State::Passing).then(|| tally(rule, sums).into())
    }
}

/// How many members are how, and how many the rule asks for.
fn tally(rule: Rule, sums: &Sums) -> String {
    let states = State::ALL.into_iter().rev();
    let counts: Vec<String> = states
        .filter(|state| *state != State::Passing && sums.weight[state.index()] > 0)
        .map(|state| format!("{} {state}", sums.weight[state.index()]))
        .collect();
    let total: u64 = sums.weight.iter().sum();
    let mut text = match rule {
        Rule::Weight(_) => format!("of a weight of {total}: "),
        _ => format!("of {}: ", people(sums.counted)),
    };
    text.push_str(&match counts.is_empty() {
        true => format!("{total} passing"),
        false => counts.join(", "),
    });
    match rule {
        Rule::All | Rule::Any => {}
        Rule::Weight(wanted) => text.push_str(&format!("; asks for a weight of {wanted}")),
        _ => text.push_str(&format!("; asks for {}", asked(rule))),
    }
    text
}

fn asked(rule: Rule) -> String {
    match rule {
        Rule::All => "all".to_owned(),
        Rule::Any => "1".to_owned(),
        Rule::AtLeast(Threshold::Count(n)) => n.to_string(),
        Rule::AtLeast(Threshold::Percent(p)) => format!("{p} %"),
        Rule::Weight(n) => n.to_string(),
        Rule::Exactly(n) => format!("exactly {n}"),
    }
}

fn people(count: u32) -> String {
    format!("{count} {}", members(count))
}

fn members(count: u32) -> &'static str {
    if count == 1 { "member" } else { "members" }
}
