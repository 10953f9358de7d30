//! The smallest sets of moves that reach a goal.
//!
//! A *move* supposes a leaf in a state. Where making more moves never undoes the goal, sets are found as Reiter's
//! hitting sets ("A theory of diagnosis from first principles", 1987): every set that reaches the goal has a move out of
//! every set that blocks it, so one blocking set tells by which moves to go on. Otherwise all sets are tried, small
//! ones first.

use std::collections::{HashSet, VecDeque};

use crate::{NodeKey, State};

use super::overlay::Overlay;

/// A leaf and the state that it is supposed to be in.
pub(super) type Move = (NodeKey, State);

/// What is searched, in what, and how far.
pub(super) struct Search<'a, 'g> {
    pub(super) overlay: &'a mut Overlay<'g>,
    pub(super) top: NodeKey,
    pub(super) moves: &'a [Move],
    /// Which states of the top node are wanted.
    pub(super) goal: &'a dyn Fn(State) -> bool,
    /// The most sets to find.
    pub(super) sets: usize,
    /// The most moves in a set.
    pub(super) size: usize,
    /// The most work to do, as [`Overlay::work`] counts it.
    pub(super) work: usize,
}

/// The sets that were found, smallest first, as indexes of moves.
#[derive(Default)]
pub(super) struct Sets {
    pub(super) found: Vec<Vec<usize>>,
    /// Whether there may be more.
    pub(super) cut: bool,
    /// No set is smaller than this: all smaller ones were tried.
    pub(super) least: usize,
}

impl Sets {
    /// Nothing searched yet.
    pub(super) const CUT: Sets = Sets {
        found: Vec::new(),
        cut: true,
        least: 0,
    };
}

impl Search<'_, '_> {
    fn reached(&self) -> bool {
        (self.goal)(self.overlay.state(self.top))
    }

    fn make(&mut self, set: &[usize]) {
        for n in set {
            self.overlay
                .suppose(self.moves[*n].0, Some(self.moves[*n].1));
        }
    }

    fn unmake(&mut self, set: &[usize]) {
        for n in set {
            self.overlay.suppose(self.moves[*n].0, None);
        }
    }

    /// Whether the work allowed is done.
    pub(super) fn is_over(&self) -> bool {
        self.overlay.work > self.work
    }

    /// The sets out of which no move can be left, where more moves never undo the goal.
    pub(super) fn hitting(mut self) -> Sets {
        let mut sets = Sets::default();
        let mut tried = HashSet::new();
        let mut deeper = false;
        let mut todo = VecDeque::from([Vec::new()]);
        while let Some(set) = todo.pop_front() {
            if sets.found.iter().any(|found| contains(&set, found)) {
                continue;
            }
            sets.least = set.len();
            if sets.found.len() >= self.sets || self.is_over() {
                sets.cut = true;
                return sets;
            }
            let mut made = set.clone();
            self.make(&made);
            if self.reached() {
                sets.found.push(set);
            } else if set.len() >= self.size {
                deeper = true;
            } else {
                for n in self.blocking(&mut made) {
                    let mut next = set.clone();
                    next.insert(next.partition_point(|other| *other < n), n);
                    if tried.insert(next.clone()) {
                        todo.push_back(next);
                    }
                }
            }
            self.unmake(&made);
        }
        if deeper {
            sets.cut = true;
            sets.least = self.size + 1;
        }
        sets
    }

    /// Makes every move that does not reach the goal, and returns the others: one of them is in every set that does.
    fn blocking(&mut self, made: &mut Vec<usize>) -> Vec<usize> {
        let mut blocking = Vec::new();
        for n in 0..self.moves.len() {
            if made.contains(&n) {
                continue;
            }
            self.make(&[n]);
            if self.reached() {
                self.unmake(&[n]);
                blocking.push(n);
            } else {
                made.push(n);
            }
        }
        blocking
    }

    /// The same by trying all sets, where more moves may undo the goal.
    pub(super) fn trying(mut self) -> Sets {
        let mut sets = Sets::default();
        let leaves: HashSet<NodeKey> = self.moves.iter().map(|(leaf, _)| *leaf).collect();
        for size in 0..=leaves.len().min(self.size) {
            sets.least = size;
            self.try_all(size, 0, &mut Vec::new(), &mut sets);
            if sets.cut {
                return sets;
            }
        }
        if self.size < leaves.len() {
            sets.cut = true;
            sets.least = self.size + 1;
        }
        sets
    }

    fn try_all(&mut self, more: usize, from: usize, set: &mut Vec<usize>, sets: &mut Sets) {
        if more == 0 {
            if self.reached() && !sets.found.iter().any(|found| self.covers(set, found)) {
                sets.found.push(set.clone());
            }
            return;
        }
        for n in from..self.moves.len() {
            if self.is_over() || sets.found.len() >= self.sets {
                sets.cut = true;
                return;
            }
            // Both moves of one leaf stand next to each other, and exclude each other.
            if set
                .last()
                .is_some_and(|last| self.moves[*last].0 == self.moves[n].0)
            {
                continue;
            }
            set.push(n);
            self.make(&[n]);
            self.try_all(more - 1, n + 1, set, sets);
            set.pop();
            self.unmake(&[n]);
        }
    }

    /// Whether the leaves of a set include those of another, whichever way they move.
    fn covers(&self, set: &[usize], found: &[usize]) -> bool {
        found
            .iter()
            .all(|n| set.iter().any(|m| self.moves[*m].0 == self.moves[*n].0))
    }

    /// Makes all moves, for [`Search::needs`].
    pub(super) fn make_all(&mut self) {
        self.make(&(0..self.moves.len()).collect::<Vec<_>>());
    }

    /// Whether a move is needed somewhere: there are others with which it reaches the goal, and which do not reach it
    /// alone. `others` are all of them, those to do without first in front. All moves must be made, and are again
    /// afterwards. More moves must never undo the goal.
    pub(super) fn needs(&mut self, n: usize, others: impl FnOnce() -> Vec<usize>) -> bool {
        if !self.reached() {
            return false;
        }
        self.unmake(&[n]);
        let mut needed = !self.reached();
        self.make(&[n]);
        if !needed {
            let mut left_out = Vec::new();
            for other in others() {
                if self.is_over() {
                    break;
                }
                self.unmake(&[other]);
                match self.reached() {
                    true => left_out.push(other),
                    false => self.make(&[other]),
                }
            }
            self.unmake(&[n]);
            needed = !self.reached();
            self.make(&[n]);
            self.make(&left_out);
        }
        needed
    }
}

/// Whether a sorted set holds all of another.
fn contains(set: &[usize], of: &[usize]) -> bool {
    of.iter().all(|n| set.binary_search(n).is_ok())
}
