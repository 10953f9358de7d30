//! States over time, without a clock: retries, recovery thresholds and flapping.

use crate::State;

/// How many results in a row it takes to believe a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// How many more times to look before a worse state is believed.
    pub retries: u32,
    /// How many results in a row must be better before a recovery is believed. At least 1.
    pub recoveries: u32,
}

impl Default for Patience {
    fn default() -> Self {
        Patience {
            retries: 0,
            recoveries: 1,
        }
    }
}

/// What is remembered of a sensor's results: the state that parents see, and whether it flaps.
///
/// - The first result is confirmed at once: there is nothing that it could be doubted against.
/// - A result *worsens* when it is worse than the confirmed state. The first is looked at again `retries` times; if every
///   one of these results worsens too, the newest of them is confirmed. They need not be the same state.
/// - Unknown worsens whatever was confirmed, Failing included: losing sight of a broken thing is no recovery.
/// - A result *recovers* when it is better than the confirmed state, and not Unknown. The newest of `recoveries` such
///   results in a row is confirmed.
/// - A result that equals the confirmed state ends either row, and one of the other sort starts its own.
///
/// Flapping is judged by all results, whether confirmed or not, with Icinga's algorithm: the weighted share of changes
/// among the last 21 results, see [`Confirmation::change_share`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Confirmation {
    confirmed: Option<State>,
    /// The newest result.
    newest: State,
    /// How many results in a row worsened.
    worse: u32,
    /// How many results in a row recovered.
    better: u32,
    /// Whether each of the last 20 results differed from the one before it; the newest in bit 19.
    changes: u32,
    flapping: bool,
}

/// How many changes are remembered. Source: Icinga 2, `checkable-flapping.cpp`, and Nagios before it.
const CHANGES: u32 = 20;

/// Above this share of changes, in percent, a node starts to flap. Icinga's default.
const FLAPPING_ABOVE: f64 = 30.0;

/// A node goes on flapping while its share of changes is above this, in percent. Icinga's default.
const STEADY_BELOW: f64 = 25.0;

impl Confirmation {
    /// Takes the next result and tells what parents should see now.
    pub fn next(&mut self, observed: State, patience: &Patience) -> State {
        let Some(confirmed) = self.confirmed else {
            self.newest = observed;
            self.confirmed = Some(observed);
            return observed;
        };
        self.remember(observed);
        let believed = match () {
            () if observed == confirmed => true,
            () if observed < confirmed && observed != State::Unknown => {
                self.better = self.better.saturating_add(1);
                self.worse = 0;
                self.better >= patience.recoveries
            }
            () => {
                self.worse = self.worse.saturating_add(1);
                self.better = 0;
                self.worse > patience.retries
            }
        };
        if !believed {
            return confirmed;
        }
        (self.worse, self.better) = (0, 0);
        self.confirmed = Some(observed);
        observed
    }

    fn remember(&mut self, observed: State) {
        let changed = u32::from(observed != self.newest);
        self.newest = observed;
        self.changes = self.changes >> 1 | changed << (CHANGES - 1);
        let bound = match self.flapping {
            true => STEADY_BELOW,
            false => FLAPPING_ABOVE,
        };
        self.flapping = self.change_share() > bound;
    }

    /// The share of changes among the last 21 results, in percent: each change counts 0.8, and 0.02 more for each
    /// result that it is nearer to the newest, so that all 20 together count 99.
    pub fn change_share(&self) -> f64 {
        // Added in Icinga's order and precision, so that both agree at the bounds too.
        let changes = (0..CHANGES).filter(|n| self.changes >> n & 1 == 1);
        let weighted: f64 = changes.fold(0.0, |sum, n| sum + (0.8 + 0.02 * f64::from(n)));
        100.0 * weighted / f64::from(CHANGES)
    }

    /// The state that parents see; Unknown before the first result.
    pub fn confirmed(&self) -> State {
        self.confirmed.unwrap_or_default()
    }

    /// Whether results are under way that could confirm a change: then the next measurement is a retry.
    pub fn is_pending(&self) -> bool {
        self.worse > 0 || self.better > 0
    }

    /// Whether the state changes too often: on when [`Confirmation::change_share`] is above 30, off when it is not above
    /// 25 any more.
    pub fn is_flapping(&self) -> bool {
        self.flapping
    }
}
