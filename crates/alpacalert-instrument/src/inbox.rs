//! What things say that can only report: signs of life, and states that somebody pushes.
//!
//! An instrumentor [`expect`](Inbox::expect)s something under a name and makes a sensor of it; whoever serves the network
//! [`post`](Inbox::post)s what arrives. The sensor is measured like any other, and once more as soon as there is news.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::Duration;

use alpacalert_model::{Kind, NodeId, Observation, Timestamp};
use subtle::ConstantTimeEq as _;
use tokio::time::Instant;

use crate::Secret;

/// Where things report to. Cheap to clone; all clones are the same.
#[derive(Clone, Default)]
pub struct Inbox(Arc<Mutex<Boxes>>);

#[derive(Default)]
struct Boxes {
    by_name: HashMap<Address, Place>,
    /// How many words have come.
    posted: u64,
}

/// The kind that expects, and the name that it expects something under.
type Address = (Kind, Arc<str>);

/// What is known under one name.
#[derive(Default)]
struct Place {
    newest: Option<Word>,
    /// Who expects it, and with which token it must come.
    expected_by: HashMap<NodeId, (Weak<()>, Secret)>,
}

impl Place {
    /// The nodes that hear what comes with this.
    fn heard_by(&self, pass: Pass<'_>) -> Vec<NodeId> {
        let hears = |(alive, expected): &(Weak<()>, Secret)| {
            let known = match pass {
                Pass::Token(token) => expected.expose().as_bytes().ct_eq(token.as_bytes()).into(),
                Pass::Trusted => true,
            };
            known && alive.strong_count() > 0
        };
        let by = self.expected_by.iter();
        by.filter(|(_, who)| hears(who))
            .map(|(id, _)| id.clone())
            .collect()
    }
}

/// What lets a word in.
#[derive(Clone, Copy)]
pub enum Pass<'a> {
    /// The token of whoever expects it.
    Token(&'a str),
    /// It comes from somebody of whom it is known that they may report this.
    Trusted,
}

/// Never shows the token.
impl fmt::Debug for Pass<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Pass::Token(_) => "Token",
            Pass::Trusted => "Trusted",
        })
    }
}

/// What was said last.
#[derive(Clone, Debug, PartialEq)]
pub struct Word {
    /// What was said.
    pub observation: Observation,
    /// For how long it may be believed, if whoever said it said that too.
    pub time_to_live: Option<Duration>,
    arrived: Instant,
    /// How old it was when it arrived: it may have been kept by an earlier run of the program.
    aged: Duration,
}

impl Word {
    /// Something that is said now. Must be made inside a runtime.
    pub fn new(observation: Observation, time_to_live: Option<Duration>) -> Self {
        Word {
            observation,
            time_to_live,
            arrived: Instant::now(),
            aged: Duration::ZERO,
        }
    }

    /// The same, said so long ago.
    #[must_use]
    pub fn aged(mut self, age: Duration) -> Self {
        self.aged = age;
        self
    }

    /// How long ago it was said, by a clock that nobody sets.
    pub fn age(&self) -> Duration {
        self.aged + self.arrived.elapsed()
    }
}

/// A word that was kept, for another run of the program.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// The kind that expects it.
    pub kind: Kind,
    /// The name that it came under.
    pub name: Arc<str>,
    /// What was said.
    pub word: Word,
}

/// Nobody expects that, or not with that token. Which of the two is nobody's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nothing is expected under this name with this token")
    }
}

impl std::error::Error for Refused {}

/// What a sensor holds that waits for words. When nobody holds it any more, what comes is refused.
#[derive(Debug)]
pub struct Expected {
    inbox: Inbox,
    address: Address,
    _alive: Arc<()>,
}

impl Expected {
    /// What was said last, if anything was.
    pub fn newest(&self) -> Option<Word> {
        let boxes = self.inbox.lock();
        boxes.by_name.get(&self.address)?.newest.clone()
    }
}

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox")
            .field("names", &self.lock().by_name.len())
            .finish()
    }
}

impl Inbox {
    fn lock(&self) -> MutexGuard<'_, Boxes> {
        // Each change is one assignment: what a thread left behind that panicked is whole.
        self.0.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// Expects words under a name, for a node of a kind. Called again for the same node, it may change the token.
    pub fn expect(&self, id: &NodeId, name: &str, token: Secret) -> Expected {
        let address: Address = (id.kind().clone(), name.into());
        let mut boxes = self.lock();
        let by = &mut boxes
            .by_name
            .entry(address.clone())
            .or_default()
            .expected_by;
        by.retain(|_, (alive, _)| alive.strong_count() > 0);
        let known = by.get(id).and_then(|(alive, _)| alive.upgrade());
        let alive = known.unwrap_or_default();
        by.insert(id.clone(), (Arc::downgrade(&alive), token));
        drop(boxes);
        Expected {
            inbox: self.clone(),
            address,
            _alive: alive,
        }
    }

    /// Whether somebody expects words of a kind under a name from whoever comes with this.
    pub fn admits(&self, kind: &Kind, name: &str, pass: Pass<'_>) -> bool {
        let boxes = self.lock();
        let place = boxes.by_name.get(&(kind.clone(), name.into()));
        place.is_some_and(|place| !place.heard_by(pass).is_empty())
    }

    /// Takes a word that arrived, and tells the nodes that wait for it.
    ///
    /// # Errors
    ///
    /// When nobody expects anything of that kind under that name, or not from whoever that is.
    pub fn post(
        &self,
        kind: &Kind,
        name: &str,
        pass: Pass<'_>,
        word: Word,
    ) -> Result<Vec<NodeId>, Refused> {
        let address = (kind.clone(), name.into());
        let mut boxes = self.lock();
        let place = boxes.by_name.get_mut(&address).ok_or(Refused)?;
        let heard = place.heard_by(pass);
        if heard.is_empty() {
            return Err(Refused);
        }
        place.newest = Some(word);
        boxes.posted += 1;
        Ok(heard)
    }

    /// How many words have come: while it is the same, so is what is [`kept`](Inbox::kept).
    pub fn posted(&self) -> u64 {
        self.lock().posted
    }

    /// What is known, for another run of the program.
    pub fn kept(&self) -> Vec<Kept> {
        let boxes = self.lock();
        let words = boxes.by_name.iter().filter_map(|((kind, name), place)| {
            Some(Kept {
                kind: kind.clone(),
                name: name.clone(),
                word: place.newest.clone()?,
            })
        });
        words.collect()
    }

    /// Takes what an earlier run kept, where nothing newer has come. How old it is follows from the time of day: a clock that
    /// was set back makes it no younger than now.
    pub fn restore(&self, kept: Vec<Kept>, now: Timestamp) {
        let mut boxes = self.lock();
        for Kept { kind, name, word } in kept {
            let place = boxes.by_name.entry((kind, name)).or_default();
            let age = now.duration_since(word.observation.at);
            let age = Duration::try_from(age).unwrap_or_default();
            place.newest.get_or_insert(word.aged(age));
        }
    }
}

#[cfg(test)]
mod tests;
