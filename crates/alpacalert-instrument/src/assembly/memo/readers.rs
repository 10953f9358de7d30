//! Who looked at which fact.

use std::collections::HashMap;

use super::NONE;
use crate::reads::Fact;

/// That a unit looked at a fact, in a chain of all that looked at it, and in one of all that the unit looked at.
#[derive(Clone, Copy)]
struct Read {
    fact: Fact,
    unit: u32,
    next: u32,
    before: u32,
    sibling: u32,
}

/// Chains instead of lists, since nearly every fact is looked at by one or two, and some by everybody.
#[derive(Default)]
pub(super) struct Readers {
    reads: Vec<Read>,
    free: Vec<u32>,
    first: HashMap<Fact, u32>,
}

impl Readers {
    /// Notes that a unit looked at a fact; `sibling` is the first of what it looked at, and what is given is that from now on.
    pub(super) fn link(&mut self, unit: u32, fact: Fact, sibling: u32) -> u32 {
        let read = Read {
            fact,
            unit,
            next: NONE,
            before: NONE,
            sibling,
        };
        let at = match self.free.pop() {
            Some(at) => {
                self.reads[at as usize] = read;
                at
            }
            None => {
                self.reads.push(read);
                (self.reads.len() - 1) as u32
            }
        };
        if let Some(next) = self.first.insert(fact, at) {
            self.reads[at as usize].next = next;
            self.reads[next as usize].before = at;
        }
        at
    }

    /// Forgets all that a unit looked at, of which this is the first.
    pub(super) fn unlink(&mut self, first: u32) {
        let mut at = first;
        while at != NONE {
            let read = self.reads[at as usize];
            match read.before {
                NONE if read.next == NONE => {
                    self.first.remove(&read.fact);
                }
                NONE => {
                    self.first.insert(read.fact, read.next);
                }
                before => self.reads[before as usize].next = read.next,
            }
            if read.next != NONE {
                self.reads[read.next as usize].before = read.before;
            }
            self.free.push(at);
            at = read.sibling;
        }
    }

    /// The units that looked at a fact.
    pub(super) fn of(&self, fact: Fact) -> impl Iterator<Item = u32> {
        let mut at = self.first.get(&fact).copied().unwrap_or(NONE);
        std::iter::from_fn(move || {
            let read = self.reads.get(at as usize)?;
            at = read.next;
            Some(read.unit)
        })
    }
}
