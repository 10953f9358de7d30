//! The part of the graph below a node.

use std::collections::{HashMap, HashSet, VecDeque};

use crate::{Effect, Graph, NodeKey, NodeRef, Reason, Rule, State};

/// The leaves below a node, found breadth first.
#[derive(Default)]
pub(super) struct Cone {
    /// The leaves, the nearest first, with the states in which each helps: Passing, Failing under an odd number of
    /// inverted edges, and both where it is reached both ways.
    pub(super) leaves: Vec<(NodeKey, Vec<State>)>,
    /// From where each node was reached first.
    from: HashMap<NodeKey, NodeKey>,
    /// Whether some member getting better may make a system worse, or mending more may help less.
    pub(super) twisted: bool,
    /// Whether a node was reached by several ways.
    pub(super) shared: bool,
    /// Whether there was more than the bound allowed to look at.
    pub(super) cut: bool,
    /// How many edges were looked at.
    pub(super) edges: usize,
}

/// Whether a node's state does not follow from members: there are none, or none that could change it.
pub(super) fn is_leaf(node: NodeRef<'_>) -> bool {
    node.judged().is_none() || node.sums().members == 0 || *node.reason() == Reason::TOO_FEW_MEMBERS
}

impl Cone {
    /// Looks at no more than `most` edges. With `unwell` only, follows what is not as it should be: that is all that
    /// matters where nothing is twisted.
    pub(super) fn below(graph: &Graph, top: NodeKey, unwell: bool, most: usize) -> Cone {
        let mut cone = Cone::default();
        let mut wanted: HashMap<NodeKey, usize> = HashMap::new();
        let mut seen = HashSet::from([(top, State::Passing)]);
        let mut todo = VecDeque::from([(top, State::Passing)]);
        while let Some((key, want)) = todo.pop_front() {
            let node = graph.get(key).expect("live");
            if is_leaf(node) {
                let place = *wanted.entry(key).or_insert(cone.leaves.len());
                match cone.leaves.get_mut(place) {
                    Some((_, states)) => states.push(want),
                    None => cone.leaves.push((key, vec![want])),
                }
                continue;
            }
            cone.twisted |= matches!(node.judged(), Some((Rule::Exactly(_), _)));
            for (child, edge) in node.children() {
                if cone.edges >= most {
                    cone.cut = true;
                    return cone;
                }
                cone.edges += 1;
                let want = match (edge.effect, want) {
                    (Effect::Optional, _) => continue,
                    (Effect::Degrades, State::Failing) if unwell => continue,
                    (Effect::Inverted, want) => {
                        cone.twisted = true;
                        opposite(want)
                    }
                    (_, want) => want,
                };
                if unwell && child.confirmed() == want {
                    continue;
                }
                if seen.insert((child.key(), want)) {
                    cone.from.entry(child.key()).or_insert(key);
                    todo.push_back((child.key(), want));
                } else {
                    cone.shared = true;
                }
            }
        }
        cone
    }

    /// From the top down to a node, by one of the shortest ways.
    pub(super) fn path(&self, top: NodeKey, to: NodeKey) -> Vec<NodeKey> {
        let mut path = vec![to];
        let mut at = to;
        while at != top
            && let Some(above) = self.from.get(&at)
        {
            at = *above;
            path.push(at);
        }
        path.reverse();
        path
    }

    pub(super) fn knows(&self, key: NodeKey) -> bool {
        self.from.contains_key(&key)
    }
}

fn opposite(state: State) -> State {
    match state {
        State::Passing => State::Failing,
        _ => State::Passing,
    }
}
