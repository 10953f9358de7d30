//! The four states of health and their order.

use std::fmt;

/// How a node is. Ordered from best to worst, so that [`Ord::max`] of two states is the worse one.
///
/// `Unknown` ranks between `Degraded` and `Failing`: not being able to tell is worse than a warning, and better than
/// knowing that a thing is broken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum State {
    /// Does what it should.
    Passing = 0,
    /// Does what it should, with less margin or not for long.
    Degraded = 1,
    /// We cannot tell, and the reason says why.
    #[default]
    Unknown = 2,
    /// Does not do what it should.
    Failing = 3,
}

impl State {
    /// Every state, from best to worst.
    pub const ALL: [State; 4] = [
        State::Passing,
        State::Degraded,
        State::Unknown,
        State::Failing,
    ];

    /// The word for it, in lower case, as it stands in every output and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            State::Passing => "passing",
            State::Degraded => "degraded",
            State::Unknown => "unknown",
            State::Failing => "failing",
        }
    }

    /// The state that a word stands for.
    pub fn parse(word: &str) -> Option<State> {
        State::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// Position in [`State::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
