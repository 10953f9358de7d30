//! What the making of one thing looked at, so that it can be made again when that changes, and not before.
//!
//! A source that knows very many things notes what its lookups are asked while a thing is being made. The notes are the
//! thread's: things are made one after another on one thread, and whoever looks something up deep inside the rules of a
//! source need not be handed anything. Where nobody remembers, noting costs a look at a thread's variable.

use std::cell::RefCell;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::LazyLock;

use alpacalert_model::Timestamp;

/// Something that a snapshot may tell and that may change: an object, that there is none, a list.
///
/// A digest: two facts that have the same one by accident are made anew together, which is slower and not wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fact(u64);

static HASHER: LazyLock<RandomState> = LazyLock::new(RandomState::new);

impl Fact {
    /// The fact that a value stands for: a sort of fact, with what it is about.
    pub fn of(about: impl Hash) -> Fact {
        Fact(HASHER.hash_one(about))
    }

    /// Notes that what is being made now looked at this.
    pub fn note(self) {
        FRAMES.with_borrow_mut(|frames| {
            if let Some(reads) = frames.last_mut() {
                reads.facts.push(self);
            }
        });
    }

    /// Whether anybody wants to know what is looked at: to spare making facts for nobody.
    pub fn are_noted() -> bool {
        FRAMES.with_borrow(|frames| !frames.is_empty())
    }

    /// Notes that what is being made now turns out otherwise from a time on, by the passing of time alone.
    pub fn note_due(at: Timestamp) {
        FRAMES.with_borrow_mut(|frames| {
            if let Some(reads) = frames.last_mut() {
                reads.due = Some(reads.due.map_or(at, |due| due.min(at)));
            }
        });
    }
}

/// What one thing looked at.
#[derive(Debug, Default)]
pub(crate) struct Reads {
    pub(crate) facts: Vec<Fact>,
    pub(crate) due: Option<Timestamp>,
}

thread_local! {
    /// Of each thing that is being made now, one inside the other.
    static FRAMES: RefCell<Vec<Reads>> = const { RefCell::new(Vec::new()) };
}

/// From here on, what is looked at is another thing's; gives how many things there are around it.
pub(crate) fn begin() -> usize {
    FRAMES.with_borrow_mut(|frames| {
        frames.push(Reads::default());
        frames.len() - 1
    })
}

/// What was looked at since the beginning that gave this number. What was begun later and never ended, since it panicked,
/// is ended with it.
pub(crate) fn end(begun: usize) -> Reads {
    FRAMES.with_borrow_mut(|frames| {
        frames.truncate(begun + 1);
        frames.pop().unwrap_or_default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    #[test]
    fn what_is_looked_at_belongs_to_the_innermost_thing() {
        Fact::of("before").note();
        let outer = begin();
        Fact::of("outer").note();
        let inner = begin();
        Fact::of("inner").note();
        Fact::note_due(at(7));
        let reads = end(inner);
        assert_eq!(reads.facts, [Fact::of("inner")]);
        assert_eq!(reads.due, Some(at(7)));
        Fact::note_due(at(9));
        Fact::note_due(at(8));
        let reads = end(outer);
        assert_eq!(reads.facts, [Fact::of("outer")]);
        assert_eq!(reads.due, Some(at(8)));
        assert!(!Fact::are_noted());
    }

    #[test]
    fn what_never_ended_ends_with_what_is_around_it() {
        let outer = begin();
        begin();
        begin();
        end(outer);
        assert!(!Fact::are_noted());
    }
}
