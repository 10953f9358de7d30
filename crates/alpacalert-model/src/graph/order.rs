//! Ranks, and the edges that would close a cycle.
//!
//! Every edge in force goes from a greater rank to a smaller one. A new edge that already does cannot close a cycle and
//! costs nothing more. For the others, the ranks of the nodes above are raised, each once and after those below it;
//! nodes that never get their turn are on a cycle, or above one.

use std::collections::{HashMap, HashSet};

use crate::NodeId;

use super::apply::Batch;
use super::store::{ParentLink, Standing};
use super::{Graph, Refused};

/// How many edges may be walked to find the newest edge of every cycle, for each new edge and in all: about a second's
/// worth. Beyond it, every new edge between the nodes concerned is refused, so that a source that describes a tangle
/// cannot stop the program.
const CYCLE_STEPS: (usize, usize) = (16, 2_000_000);

/// How many nodes of a cycle its sentence names.
const CYCLE_NAMES: usize = 8;

/// What is known of a node while ranks are raised.
#[derive(Default)]
struct Raise {
    /// Members that are being raised too and are not done.
    waiting: u32,
    /// The smallest rank that is above those of the members seen so far.
    least: u32,
}

impl Graph {
    /// Decides about the new edges of a batch: puts them in force, or refuses those that would close a cycle.
    pub(super) fn settle(&mut self, batch: &mut Batch) {
        let mut fresh = std::mem::take(&mut batch.fresh);
        fresh.retain(|edge| self.is_fresh(*edge));
        let mut retried = HashSet::new();
        if self.has_retries(batch) {
            for edge in self.refused_edges() {
                self.set_standing(edge, Standing::Fresh);
                retried.insert((edge.parent, self.link(edge).child));
                fresh.push(edge);
            }
        }
        let touched: Vec<u32> = self.cyclic.clone();
        for (edge, path) in self.order(&fresh) {
            let newly = !retried.contains(&(edge.parent, self.link(edge).child));
            self.refuse(edge, path, newly, batch);
        }
        for edge in fresh {
            if self.is_fresh(edge) {
                self.set_counted(edge.parent, edge.at, true);
            }
        }
        for parent in touched {
            self.review(parent);
        }
    }

    fn is_fresh(&self, edge: ParentLink) -> bool {
        let node = self.slots[edge.parent as usize].node.as_ref();
        node.and_then(|node| node.system())
            .and_then(|system| system.children.get(edge.at as usize))
            .is_some_and(|link| {
                link.child != super::store::NONE && link.standing == Standing::Fresh
            })
    }

    fn refused_edges(&self) -> Vec<ParentLink> {
        let mut edges = Vec::new();
        for parent in &self.cyclic {
            let Some(system) = self.slots[*parent as usize]
                .node
                .as_ref()
                .and_then(|n| n.system())
            else {
                continue;
            };
            for (at, link) in system.children.iter().enumerate() {
                if link.child != super::store::NONE && link.standing == Standing::Refused {
                    edges.push(ParentLink {
                        parent: *parent,
                        at: at as u32,
                    });
                }
            }
        }
        edges
    }

    /// Forgets the cycle of a system that has no refused edges any more.
    fn review(&mut self, parent: u32) {
        let node = self.slots[parent as usize].node.as_ref();
        let system = node.and_then(|node| node.system());
        let refused = system.is_some_and(|system| {
            let mut links = system.links();
            links.any(|link| link.standing == Standing::Refused)
        });
        if !refused {
            let is_system = system.is_some();
            self.cyclic.retain(|other| *other != parent);
            if is_system {
                self.system_mut(parent).cycle = None;
                self.enqueue(parent);
            }
        }
    }

    fn refuse(&mut self, edge: ParentLink, path: Vec<u32>, newly: bool, batch: &mut Batch) {
        let ids = |graph: &Graph, path: &[u32]| -> Vec<NodeId> {
            let nodes = path.iter().map(|index| graph.at(*index).id.clone());
            nodes.collect()
        };
        let sentence = cycle_sentence(&ids(self, &path[..path.len().min(CYCLE_NAMES)]), path.len());
        let system = self.system_mut(edge.parent);
        system.children[edge.at as usize].standing = Standing::Refused;
        system.cycle = Some(sentence);
        if !self.cyclic.contains(&edge.parent) {
            self.cyclic.push(edge.parent);
        }
        self.enqueue(edge.parent);
        if newly {
            batch.applied.refused.push(Refused {
                node: self.at(edge.parent).id.clone(),
                path: ids(self, &path),
            });
        }
    }

    /// Raises ranks so that every new edge goes down, and returns the edges that cannot, each with its cycle from the
    /// parent to the parent.
    fn order(&mut self, fresh: &[ParentLink]) -> Vec<(ParentLink, Vec<u32>)> {
        let most = CYCLE_STEPS.0 * fresh.len() + CYCLE_STEPS.1;
        let mut steps = 0;
        let mut refused = self.without_cycles(fresh, most, &mut steps);
        if refused.len() < 2 {
            return refused;
        }
        // What was refused first may close no cycle any more, now that others are refused too.
        let age: HashMap<_, _> = fresh
            .iter()
            .enumerate()
            .map(|(n, edge)| (*edge, n))
            .collect();
        refused.sort_by_key(|(edge, _)| age.get(edge).copied());
        let mut still = Vec::new();
        for (edge, path) in refused {
            if steps > most {
                still.push((edge, path));
                continue;
            }
            self.set_standing(edge, Standing::Fresh);
            still.extend(self.without_cycles(&[edge], most, &mut steps));
        }
        still
    }

    /// Refuses new edges until there are no cycles, with `most` for a bound on the steps that this takes.
    fn without_cycles(
        &mut self,
        fresh: &[ParentLink],
        most: usize,
        steps: &mut usize,
    ) -> Vec<(ParentLink, Vec<u32>)> {
        let mut refused = Vec::new();
        let mut age = HashMap::new();
        loop {
            let stuck = self.raise(fresh, steps);
            if stuck.is_empty() {
                return refused;
            }
            if age.is_empty() {
                age = fresh
                    .iter()
                    .enumerate()
                    .map(|(n, edge)| (*edge, n))
                    .collect();
            }
            if *steps > most {
                let within = |edge: &ParentLink| {
                    self.is_fresh(*edge)
                        && stuck.contains(&edge.parent)
                        && stuck.contains(&self.link(*edge).child)
                };
                let edges: Vec<ParentLink> = fresh.iter().copied().filter(within).collect();
                for edge in edges {
                    let child = self.link(edge).child;
                    self.set_standing(edge, Standing::Refused);
                    refused.push((edge, vec![edge.parent, child]));
                }
            } else {
                self.break_cycles(&stuck, &age, &mut refused, steps);
            }
        }
    }

    fn set_standing(&mut self, edge: ParentLink, standing: Standing) {
        self.system_mut(edge.parent).children[edge.at as usize].standing = standing;
    }

    /// Raises ranks above the new edges that go up or level; returns the nodes on cycles and above them.
    fn raise(&mut self, fresh: &[ParentLink], steps: &mut usize) -> HashSet<u32> {
        let mut nodes: HashMap<u32, Raise> = HashMap::new();
        let mut todo = Vec::new();
        for edge in fresh.iter().filter(|edge| self.is_fresh(**edge)) {
            let below = self.at(self.link(*edge).child).rank;
            if below >= self.at(edge.parent).rank {
                let raise = nodes.entry(edge.parent).or_insert_with(|| {
                    todo.push(edge.parent);
                    Raise::default()
                });
                raise.least = raise.least.max(below + 1);
            }
        }
        while let Some(index) = todo.pop() {
            for edge in self.edges_up(index) {
                *steps += 1;
                nodes
                    .entry(edge.parent)
                    .or_insert_with(|| {
                        todo.push(edge.parent);
                        Raise::default()
                    })
                    .waiting += 1;
            }
        }
        let ready = nodes.iter().filter(|(_, raise)| raise.waiting == 0);
        todo.extend(ready.map(|(index, _)| *index));
        while let Some(index) = todo.pop() {
            let raise = nodes.remove(&index).expect("waits for nobody");
            let rank = self.at(index).rank.max(raise.least);
            self.at_mut(index).rank = rank;
            for edge in self.at(index).parents.iter().filter(|e| self.in_force(**e)) {
                if let Some(above) = nodes.get_mut(&edge.parent) {
                    above.least = above.least.max(rank + 1);
                    above.waiting -= 1;
                    if above.waiting == 0 {
                        todo.push(edge.parent);
                    }
                }
            }
        }
        nodes.into_keys().collect()
    }

    /// Whether an edge is in force, or will be if it closes no cycle.
    fn in_force(&self, edge: ParentLink) -> bool {
        self.link(edge).standing != Standing::Refused
    }

    fn edges_up(&self, index: u32) -> impl Iterator<Item = ParentLink> {
        let parents = self.at(index).parents.iter().copied();
        parents.filter(|edge| self.in_force(*edge))
    }

    /// Walks up from every node in depth, and refuses the newest edge of each cycle that it meets. Ends early when that
    /// edge is one that it came by.
    fn break_cycles(
        &mut self,
        stuck: &HashSet<u32>,
        age: &HashMap<ParentLink, usize>,
        refused: &mut Vec<(ParentLink, Vec<u32>)>,
        steps: &mut usize,
    ) {
        let mut starts: Vec<u32> = stuck.iter().copied().collect();
        starts.sort_unstable();
        // The depth on the way of a node that is on it, or nothing for one that is done.
        let mut depth: HashMap<u32, Option<usize>> = HashMap::new();
        for start in starts {
            if depth.contains_key(&start) {
                continue;
            }
            // Nodes from the start up, the edge by which each was reached, and the next of its edges to look at.
            let mut way: Vec<(u32, Option<ParentLink>, usize)> = vec![(start, None, 0)];
            depth.insert(start, Some(0));
            while let Some((index, _, next)) = way.last_mut() {
                let index = *index;
                let Some(edge) = self.at(index).parents.get(*next).copied() else {
                    depth.insert(index, None);
                    way.pop();
                    continue;
                };
                *next += 1;
                *steps += 1;
                if !self.in_force(edge) || !stuck.contains(&edge.parent) {
                    continue;
                }
                match depth.get(&edge.parent) {
                    Some(None) => {}
                    None => {
                        depth.insert(edge.parent, Some(way.len()));
                        way.push((edge.parent, Some(edge), 0));
                    }
                    Some(Some(from)) => {
                        let from = *from;
                        let cycle: Vec<ParentLink> = way[from + 1..]
                            .iter()
                            .filter_map(|(_, edge, _)| *edge)
                            .chain([edge])
                            .collect();
                        let (at, newest) = newest(&cycle, age);
                        refused.push((newest, round(&cycle, at)));
                        self.set_standing(newest, Standing::Refused);
                        if newest != edge {
                            return;
                        }
                    }
                }
            }
        }
    }
}

/// The edge of a cycle that was asked for last. The edges that were in force before have no age, and at least one has,
/// since without the new ones there was no cycle.
fn newest(cycle: &[ParentLink], age: &HashMap<ParentLink, usize>) -> (usize, ParentLink) {
    let edges = cycle.iter().copied().enumerate();
    edges
        .max_by_key(|(_, edge)| age.get(edge).map_or(0, |n| n + 1))
        .expect("a cycle has edges")
}

/// The nodes of a cycle from the parent of one of its edges down to that parent again. The edges come upward, each one's
/// parent being the next one's child.
fn round(cycle: &[ParentLink], at: usize) -> Vec<u32> {
    let len = cycle.len();
    (0..=len)
        .map(|step| cycle[(at + len * 2 - step) % len].parent)
        .collect()
}

fn cycle_sentence(ids: &[NodeId], len: usize) -> Box<str> {
    let mut text = String::from("its members would form a cycle: ");
    for (n, id) in ids.iter().enumerate() {
        if n > 0 {
            text.push_str(" → ");
        }
        text.push_str(&id.to_string());
    }
    if len > ids.len() {
        text.push_str(&format!(" → … ({} more)", len - ids.len()));
    }
    text.into()
}
