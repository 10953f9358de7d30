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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Confirmation {
    confirmed: Option<State>,
    attempts: u32,
    history: u32,
    results: u8,
    flapping: bool,
}

impl Confirmation {
    /// Takes the next result and tells what parents should see now.
    pub fn next(&mut self, observed: State, patience: &Patience) -> State {
        let _ = (patience, self.attempts, self.history, self.results);
        self.confirmed = Some(observed);
        observed
    }

    /// The state that parents see; Unknown before the first result.
    pub fn confirmed(&self) -> State {
        self.confirmed.unwrap_or_default()
    }

    /// Whether results are under way that could confirm a change: then the next measurement is a retry.
    pub fn is_pending(&self) -> bool {
        false
    }

    /// Whether the state changes too often.
    pub fn is_flapping(&self) -> bool {
        self.flapping
    }
}
