//! How a system makes one state of the states of its members.

mod sentence;

use crate::{Reason, State};

/// What a member's state contributes to its parent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Effect {
    /// Its state.
    #[default]
    Required,
    /// Its state, at worst Degraded.
    Degrades,
    /// Nothing: it is measured and shown, and not counted.
    Optional,
    /// Passing for Failing and the reverse; Degraded and Unknown as they are.
    Inverted,
}

impl Effect {
    /// Every effect.
    pub const ALL: [Effect; 4] = [
        Effect::Required,
        Effect::Degrades,
        Effect::Optional,
        Effect::Inverted,
    ];

    /// The word for it, as in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Effect::Required => "required",
            Effect::Degrades => "degrades",
            Effect::Optional => "optional",
            Effect::Inverted => "inverted",
        }
    }

    /// What a member in `state` contributes; `None` when it is not counted.
    pub const fn contribution(self, state: State) -> Option<State> {
        match (self, state) {
            (Effect::Required, state) => Some(state),
            (Effect::Degrades, State::Passing) => Some(State::Passing),
            (Effect::Degrades, _) => Some(State::Degraded),
            (Effect::Optional, _) => None,
            (Effect::Inverted, State::Passing) => Some(State::Failing),
            (Effect::Inverted, State::Failing) => Some(State::Passing),
            (Effect::Inverted, state) => Some(state),
        }
    }
}

/// How much of the members a rule asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Threshold {
    /// This many.
    Count(u32),
    /// This share, in hundredths: 0 to 100, rounded up to whole members.
    Percent(u8),
}

/// How a system judges its counted members.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Rule {
    /// The worst.
    #[default]
    All,
    /// The best.
    Any,
    /// The n-th best.
    AtLeast(Threshold),
    /// The state at which the weight, added up from the best on, reaches this much.
    Weight(u32),
    /// Passing if exactly this many are Passing or Degraded and none is Unknown.
    Exactly(u32),
}

/// The weight, and the number, of counted members per contributed state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Added weights, indexed by [`State::index`]. Under every rule but [`Rule::Weight`] each member weighs 1.
    pub weight: [u64; 4],
    /// How many counted members contribute Passing.
    pub passing: u32,
    /// How many members are counted.
    pub counted: u32,
    /// How many members there are, optional ones included.
    pub members: u32,
}

impl Sums {
    /// Counts a member that contributes a state, or none.
    pub(crate) fn add(&mut self, contribution: Option<State>, weight: u32) {
        self.members += 1;
        if let Some(state) = contribution {
            self.counted += 1;
            self.weight[state.index()] += u64::from(weight);
            self.passing += u32::from(state == State::Passing);
        }
    }

    /// Undoes [`Sums::add`].
    pub(crate) fn remove(&mut self, contribution: Option<State>, weight: u32) {
        self.members -= 1;
        if let Some(state) = contribution {
            self.counted -= 1;
            self.weight[state.index()] -= u64::from(weight);
            self.passing -= u32::from(state == State::Passing);
        }
    }
}

/// What a rule makes of its members, with the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// The state.
    pub state: State,
    /// Why.
    pub reason: Reason,
}

impl Rule {
    /// Judges members by their sums alone, in constant time.
    ///
    /// `degraded_below`: a Passing result becomes Degraded if fewer members than this contribute Passing.
    pub fn judge(self, sums: &Sums, degraded_below: Option<u32>) -> Judgement {
        let judged = |state, reason| Judgement { state, reason };
        if sums.members == 0 {
            return judged(State::Unknown, Reason::NOTHING_TO_OBSERVE);
        }
        if sums.counted == 0 {
            return judged(State::Passing, Reason::NOTHING_REQUIRED);
        }
        let total: u64 = sums.weight.iter().sum();
        let state = match self {
            Rule::All => nth_best(sums, total),
            Rule::Any => nth_best(sums, 1),
            Rule::AtLeast(Threshold::Count(n)) => {
                if u64::from(n) > u64::from(sums.counted) {
                    return judged(State::Failing, Reason::TOO_FEW_MEMBERS);
                }
                nth_best(sums, u64::from(n))
            }
            Rule::AtLeast(Threshold::Percent(p)) => {
                let n = (u64::from(p) * u64::from(sums.counted)).div_ceil(100);
                if n > u64::from(sums.counted) {
                    return judged(State::Failing, Reason::TOO_FEW_MEMBERS);
                }
                nth_best(sums, n)
            }
            Rule::Weight(w) => {
                if u64::from(w) > total {
                    return judged(State::Failing, Reason::TOO_FEW_MEMBERS);
                }
                nth_best(sums, u64::from(w))
            }
            Rule::Exactly(n) => {
                let n = u64::from(n);
                let [passing, degraded, unknown, _] = sums.weight;
                let good = passing + degraded;
                if n > total {
                    return judged(State::Failing, Reason::TOO_FEW_MEMBERS);
                }
                if unknown == 0 && good == n {
                    State::Passing
                } else if unknown > 0 && good <= n && n <= good + unknown {
                    State::Unknown
                } else {
                    State::Failing
                }
            }
        };
        match degraded_below {
            Some(n) if state == State::Passing && sums.passing < n => {
                judged(State::Degraded, Reason::LOW_MARGIN)
            }
            _ if state == State::Passing => judged(state, Reason::OK),
            _ => judged(state, Reason::MEMBERS),
        }
    }
}

/// The state at which the weight, added up from the best on, reaches `n`.
fn nth_best(sums: &Sums, n: u64) -> State {
    let mut reached = 0;
    for state in State::ALL {
        reached += sums.weight[state.index()];
        if reached >= n {
            return state;
        }
    }
    State::Failing
}
