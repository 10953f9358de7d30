//! Work that is planned for now, and what it extends to.

use std::collections::{BTreeSet, HashMap};

use crate::{Maintenance, Mark};

use super::{Graph, NodeKey};

impl Graph {
    /// Sets on what work is planned for now: on these nodes, and on what they are made of. All others are not in maintenance.
    /// Never changes a state. Tells which nodes came to be in maintenance or are not any more.
    ///
    /// It extends to a member whose every parent is in maintenance, for as long as all of them are: what others use as well
    /// has to work for them. It does not extend to a Service, which others may rely on whom this graph does not know; nor to
    /// anything above.
    pub fn maintain(
        &mut self,
        planned: impl IntoIterator<Item = (NodeKey, Maintenance)>,
    ) -> Vec<NodeKey> {
        let mut own: HashMap<u32, Maintenance> = HashMap::new();
        // By rank: whether a node's parents are in maintenance is known before it is looked at.
        let mut open: BTreeSet<(std::cmp::Reverse<u32>, u32)> = BTreeSet::new();
        for (key, maintenance) in planned {
            let Some(node) = self.get(key) else { continue };
            open.insert((std::cmp::Reverse(node.rank()), key.index));
            let longest = own.entry(key.index).or_insert_with(|| maintenance.clone());
            if longest.until < maintenance.until {
                *longest = maintenance;
            }
        }
        let mut found: HashMap<u32, Maintenance> = HashMap::new();
        while let Some((_, index)) = open.pop_first() {
            let key = self.key_of(index);
            let Some(node) = self.get(key) else { continue };
            let inherited = match node.service() {
                Some(_) => None,
                None => {
                    let mut parents = node.parents().map(|parent| found.get(&parent.key().index));
                    let shortest =
                        |one: &'_ Maintenance, other: &'_ Maintenance| one.until <= other.until;
                    let first = parents.next().flatten();
                    first.and_then(|first| {
                        parents.try_fold(first, |kept, parent| {
                            let parent = parent?;
                            Some(if shortest(kept, parent) { kept } else { parent })
                        })
                    })
                }
            };
            let both = [own.get(&index), inherited].into_iter().flatten();
            // Of two that end together its own.
            let Some(longest) = both.rev().max_by_key(|maintenance| maintenance.until) else {
                continue;
            };
            let longest = longest.clone();
            for (child, _) in node.children() {
                open.insert((std::cmp::Reverse(child.rank()), child.key().index));
            }
            found.insert(index, longest);
        }
        let before = std::mem::replace(&mut self.maintained, found);
        self.revision += u64::from(before != self.maintained);
        let ended = before
            .keys()
            .filter(|index| !self.maintained.contains_key(index));
        let begun = self
            .maintained
            .keys()
            .filter(|index| !before.contains_key(index));
        let mut changed: Vec<u32> = ended.chain(begun).copied().collect();
        changed.sort_unstable();
        changed
            .into_iter()
            .map(|index| {
                let on = self.maintained.contains_key(&index);
                self.at_mut(index).marks.set(Mark::Maintenance, on);
                self.key_of(index)
            })
            .collect()
    }
}
