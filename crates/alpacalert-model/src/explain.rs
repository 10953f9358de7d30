//! Why a node is not well, what would mend it, what it takes down, and whose it is.

mod cone;
mod origin;
mod overlay;
mod search;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::{Graph, NodeKey, NodeRef, State};

use cone::Cone;
use overlay::Overlay;
use search::{Move, Search, Sets};

/// How much work an explanation may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExplainLimits {
    /// The most causes to list.
    pub causes: usize,
    /// The most repair sets to list.
    pub repair_sets: usize,
    /// The most leaves in one repair set, and in one set of failures.
    pub repair_size: usize,
    /// The most edges to look at below the node.
    pub edges: usize,
    /// The most nodes to judge in each of the searches: for causes, for repair sets, and for the margin.
    pub work: usize,
}

impl Default for ExplainLimits {
    fn default() -> Self {
        ExplainLimits {
            causes: 100,
            repair_sets: 16,
            repair_size: 8,
            edges: 100_000,
            work: 200_000,
        }
    }
}

/// A leaf that holds a node where it is: its recovery, with that of others in the list, brings the node to a better
/// state, and the others' alone does not.
///
/// A leaf is a node whose state does not follow from members: a sensor, a node that nobody provides, a system without
/// members, with a refused edge, or that asks for more members than it has. It recovers when it becomes Passing; under
/// an odd number of inverted edges, and under `exactly` where there are too many, when it becomes Failing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// The leaf.
    pub node: NodeKey,
    /// From the explained node down to the leaf, both included; one of the shortest ways.
    pub path: Vec<NodeKey>,
    /// Whose it is.
    pub owner: Option<Arc<str>>,
    /// Other leaves that tell of the same fault elsewhere, and recover with it.
    pub also: Vec<NodeKey>,
}

/// How many more leaves can fail before a node does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Margin {
    /// The node is Failing already.
    None,
    /// These failures together make it Failing, and no fewer do; with one leaf in it that is a single point of failure.
    Failures(Vec<NodeKey>),
    /// At least this many; not searched further.
    AtLeast(usize),
    /// No failures of leaves make it Failing.
    Unlimited,
}

/// Causes that belong to one owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blame {
    /// Whose they are; `None` when nobody is named.
    pub owner: Option<Arc<str>>,
    /// Indexes into [`Explanation::causes`].
    pub causes: Vec<usize>,
}

/// Why a node is as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The leaves that hold it there, worst first, then those that changed last. Empty when it is Passing, and when no
    /// recovery makes it better.
    pub causes: Vec<Cause>,
    /// Whether there may be more causes than are listed.
    pub causes_cut: bool,
    /// The sets of leaves whose recovery makes it Passing and out of which no leaf can be left, smallest first. Empty
    /// when it is Passing.
    pub repair_sets: Vec<Vec<NodeKey>>,
    /// Whether there may be more sets, or larger ones.
    pub repair_sets_cut: bool,
    /// How many more leaves can fail before the node does.
    pub margin: Margin,
    /// The causes by owner; the owner of most of the worst ones first.
    pub blame: Vec<Blame>,
    /// How many edges were looked at to find that out, for those who have so many for several explanations.
    pub edges: usize,
}

/// A service that is in another state with a node failing than without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Impact {
    /// The service.
    pub service: NodeKey,
    /// Its state without the failure: its state now, or, of a node that is Failing already, if that node passed.
    pub from: State,
    /// Its state with the failure.
    pub to: State,
}

/// The most leaves below a node for which all sets are tried, where a recovery may also make things worse.
const TWISTED_LEAVES: usize = 64;

/// The most leaves to mend for which all sets are listed to find the causes.
const FEW_LEAVES: usize = 24;

impl Graph {
    /// Why a node is as it is. `None` when the node is gone.
    pub fn explain(&self, key: NodeKey, limits: &ExplainLimits) -> Option<Explanation> {
        let node = self.get(key)?;
        let mut work = Work::new(self, node, limits);
        let (causes, causes_cut) = work.causes();
        let causes = origin::merged(self, causes);
        let (repair_sets, repair_sets_cut) = work.repair_sets();
        let margin = work.margin();
        let blame = blame(self, &causes);
        Some(Explanation {
            causes,
            causes_cut,
            repair_sets,
            repair_sets_cut,
            margin,
            blame,
            edges: work.all.edges + work.unwell.edges,
        })
    }

    /// The services that a node's failure changes, found by evaluating; the node itself too, if it is a service. Worst
    /// first. Empty when the node is gone.
    ///
    /// Of a node that is Failing already, the services that would be in another state if it alone passed.
    pub fn impact(&self, key: NodeKey) -> Vec<Impact> {
        let Some(node) = self.get(key) else {
            return Vec::new();
        };
        let is_failing = node.confirmed() == State::Failing;
        let supposed = match is_failing {
            true => State::Passing,
            false => State::Failing,
        };
        let mut overlay = Overlay::new(self, None);
        overlay.suppose(key, Some(supposed));
        let changed = overlay.changed().filter_map(|(key, would_be)| {
            let node = self.get(key).filter(|node| node.service().is_some())?;
            let (from, to) = match is_failing {
                true => (would_be, node.confirmed()),
                false => (node.confirmed(), would_be),
            };
            let service = key;
            Some((node, Impact { service, from, to }))
        });
        let mut impacts: Vec<(NodeRef<'_>, Impact)> = changed.collect();
        impacts.sort_by_key(|(node, impact)| (Reverse(impact.to), impact.from, node.id()));
        impacts.dedup_by_key(|(_, impact)| impact.service);
        impacts.into_iter().map(|(_, impact)| impact).collect()
    }
}

/// One explanation under way.
struct Work<'g> {
    graph: &'g Graph,
    node: NodeRef<'g>,
    limits: ExplainLimits,
    overlay: Overlay<'g>,
    /// Everything below the node.
    all: Cone,
    /// What is not as it should be below the node.
    unwell: Cone,
    /// What can be mended.
    moves: Vec<Move>,
    /// Whether a recovery may make things worse, and the leaves are few enough to try all sets.
    trying: bool,
}

impl<'g> Work<'g> {
    fn new(graph: &'g Graph, node: NodeRef<'g>, limits: &ExplainLimits) -> Self {
        // Nothing but what is not well matters to a node that fails already, where nothing is twisted.
        let all_matters = node.state() != State::Failing || !graph.is_monotone();
        let mut all = match all_matters {
            true => Cone::below(graph, node.key(), false, limits.edges),
            false => Cone::default(),
        };
        // What was not looked at may be twisted too.
        all.twisted |= all.cut && !graph.is_monotone();
        let unwell = Cone::below(graph, node.key(), true, limits.edges);
        let trying = all.twisted && !all.cut && all.leaves.len() <= TWISTED_LEAVES;
        let state = |key: NodeKey| graph.get(key).map_or(State::Unknown, NodeRef::confirmed);
        let moves: Vec<Move> = match trying {
            true => {
                let ways = [State::Passing, State::Failing];
                let leaves = all.leaves.iter().map(|(leaf, _)| *leaf);
                leaves
                    .flat_map(|leaf| ways.map(|way| (leaf, way)))
                    .filter(|(leaf, way)| state(*leaf) != *way)
                    .collect()
            }
            false => {
                let mut leaves: Vec<Move> = unwell
                    .leaves
                    .iter()
                    .filter_map(|(leaf, wants)| {
                        let want = wants.iter().find(|want| state(*leaf) != **want)?;
                        Some((*leaf, *want))
                    })
                    .collect();
                leaves.sort_by_key(|(leaf, _)| urgency(graph, *leaf));
                leaves
            }
        };
        Work {
            graph,
            node,
            limits: *limits,
            overlay: Overlay::new(graph, Some(node.key())),
            all,
            unwell,
            moves,
            trying,
        }
    }

    /// Whether what a search found may not be all, since not all was looked at.
    fn is_partial(&self) -> bool {
        self.unwell.cut || self.all.twisted && !self.trying
    }

    fn search<'a>(
        &'a mut self,
        moves: &'a [Move],
        goal: &'a dyn Fn(State) -> bool,
        sets: usize,
        size: usize,
    ) -> Search<'a, 'g> {
        let work = self.overlay.work + self.limits.work;
        Search {
            overlay: &mut self.overlay,
            top: self.node.key(),
            moves,
            goal,
            sets,
            size,
            work,
        }
    }

    fn causes(&mut self) -> (Vec<Cause>, bool) {
        let now = self.node.state();
        if now == State::Passing {
            return (Vec::new(), false);
        }
        if cone::is_leaf(self.node) {
            return (vec![self.cause(self.node.key())], false);
        }
        let moves = std::mem::take(&mut self.moves);
        let better = move |state| state < now;
        let trying = self.trying;
        let search = self.search(&moves, &better, usize::MAX, usize::MAX);
        let sets = match trying {
            true => search.trying(),
            false if moves.len() <= FEW_LEAVES => search.hitting(),
            false => Sets::CUT,
        };
        let (mut leaves, mut cut) = match sets.cut && !trying {
            true => self.needed(&moves, &better),
            false => (self.used(&sets, &moves), sets.cut),
        };
        self.moves = moves;
        if leaves.len() > self.limits.causes {
            leaves.truncate(self.limits.causes);
            cut = true;
        }
        let causes = leaves.into_iter().map(|leaf| self.cause(leaf)).collect();
        (causes, cut || self.is_partial())
    }

    /// The leaves in any of the sets, the most urgent first.
    fn used(&self, sets: &Sets, moves: &[Move]) -> Vec<NodeKey> {
        let used = sets.found.iter().flatten().map(|n| moves[*n].0);
        let mut leaves: Vec<NodeKey> = used.collect();
        leaves.sort_by_key(|leaf| (urgency(self.graph, *leaf), *leaf));
        leaves.dedup();
        leaves
    }

    /// The leaves whose recovery is needed for something better, one more than are asked for at most, where the sets
    /// are too many to list. Where nodes have several parents, a leaf that is needed may be overlooked, and the list is
    /// said to be cut; a leaf that is not needed is never in it.
    fn needed(&mut self, moves: &[Move], better: &dyn Fn(State) -> bool) -> (Vec<NodeKey>, bool) {
        let top = self.node.key();
        let paths: Vec<Vec<NodeKey>> = moves
            .iter()
            .map(|(leaf, _)| self.unwell.path(top, *leaf))
            .collect();
        let most = self.limits.causes;
        let shared_nodes = self.unwell.shared;
        let mut overlooked = false;
        let mut leaves = Vec::new();
        let mut search = self.search(moves, better, 0, 0);
        search.make_all();
        for n in 0..moves.len() {
            if leaves.len() > most || search.is_over() {
                break;
            }
            // What shares most of the way with a leaf is done without last: it may be needed together with it.
            let others = || {
                let mut others: Vec<usize> = (0..moves.len()).filter(|other| *other != n).collect();
                others.sort_by_cached_key(|other| shared(&paths[n], &paths[*other]));
                others
            };
            let reversed = || others().into_iter().rev().collect();
            match search.needs(n, others) || search.needs(n, reversed) {
                true => leaves.push(moves[n].0),
                false => overlooked |= shared_nodes,
            }
        }
        let over = search.is_over() || overlooked;
        self.overlay = Overlay::new(self.graph, Some(top));
        (leaves, over)
    }

    fn cause(&self, leaf: NodeKey) -> Cause {
        let cone = match self.unwell.knows(leaf) {
            true => &self.unwell,
            false => &self.all,
        };
        let owner = self.graph.get(leaf).and_then(NodeRef::owner);
        Cause {
            node: leaf,
            path: cone.path(self.node.key(), leaf),
            owner: owner.cloned(),
            also: Vec::new(),
        }
    }

    fn repair_sets(&mut self) -> (Vec<Vec<NodeKey>>, bool) {
        if self.node.state() == State::Passing {
            return (Vec::new(), false);
        }
        if cone::is_leaf(self.node) {
            return (vec![vec![self.node.key()]], false);
        }
        let moves = std::mem::take(&mut self.moves);
        let passes = |state| state == State::Passing;
        let (sets, size) = (self.limits.repair_sets, self.limits.repair_size);
        let trying = self.trying;
        let search = self.search(&moves, &passes, sets, size);
        let sets = match trying {
            true => search.trying(),
            false => search.hitting(),
        };
        let cut = sets.cut || self.is_partial();
        let found = leaves_of(&sets, &moves);
        self.moves = moves;
        (found, cut)
    }

    fn margin(&mut self) -> Margin {
        let key = self.node.key();
        if self.node.state() == State::Failing {
            return Margin::None;
        }
        if cone::is_leaf(self.node) {
            return Margin::Failures(vec![key]);
        }
        let leaves = self.all.leaves.iter().map(|(leaf, _)| *leaf);
        let well = leaves.filter(|leaf| self.overlay.state(*leaf) != State::Failing);
        let moves: Vec<Move> = well.map(|leaf| (leaf, State::Failing)).collect();
        let fails = |state| state == State::Failing;
        let (trying, twisted, partial) = (self.trying, self.all.twisted, self.all.cut);
        let search = self.search(&moves, &fails, 1, self.limits.repair_size);
        let sets = match trying {
            true => search.trying(),
            false => search.hitting(),
        };
        match leaves_of(&sets, &moves).pop() {
            Some(set) if set.len() == 1 => Margin::Failures(set),
            // A smaller set may have been missed where not all was looked at.
            _ if partial || twisted && !trying => Margin::AtLeast(1),
            Some(set) => Margin::Failures(set),
            None if sets.cut => Margin::AtLeast(sets.least.max(1)),
            None => Margin::Unlimited,
        }
    }
}

fn leaves_of(sets: &Sets, moves: &[Move]) -> Vec<Vec<NodeKey>> {
    let sets = sets.found.iter();
    sets.map(|set| set.iter().map(|n| moves[*n].0).collect())
        .collect()
}

/// Sorts leaves: the worst first, then those that changed last.
fn urgency(graph: &Graph, leaf: NodeKey) -> impl Ord + use<> {
    let node = graph.get(leaf);
    let state = node.map(NodeRef::confirmed);
    (Reverse(state), Reverse(node.and_then(NodeRef::since)))
}

/// How far two ways go together.
fn shared(a: &[NodeKey], b: &[NodeKey]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// Groups causes by owner: the owner of most of the worst first, then of most, then by name.
fn blame(graph: &Graph, causes: &[Cause]) -> Vec<Blame> {
    let state = |cause: &Cause| graph.get(cause.node).map(NodeRef::confirmed);
    let worst = causes.iter().map(state).max().flatten();
    let mut owners: BTreeMap<Option<Arc<str>>, Vec<usize>> = BTreeMap::new();
    for (n, cause) in causes.iter().enumerate() {
        owners.entry(cause.owner.clone()).or_default().push(n);
    }
    let owned = owners.into_iter();
    let mut blame: Vec<Blame> = owned
        .map(|(owner, causes)| Blame { owner, causes })
        .collect();
    blame.sort_by_key(|blame| {
        let worst = blame.causes.iter().filter(|n| state(&causes[**n]) == worst);
        (Reverse(worst.count()), Reverse(blame.causes.len()))
    });
    blame
}
