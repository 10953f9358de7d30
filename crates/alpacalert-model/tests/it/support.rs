//! Short ways to write graphs down.

use alpacalert_model::{
    Blueprint, Edge, Graph, Kind, Member, Node, NodeId, NodeKey, Observation, Reason, Rule, State,
    Timestamp, Transition, Update,
};

/// Some second, counted from an arbitrary one.
pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).expect("in range")
}

pub(crate) fn id(name: &str) -> NodeId {
    NodeId::new("local", Kind::of("example.com/Thing"), name)
}

pub(crate) fn sensor(name: &str) -> Node {
    Node::sensor(id(name), name)
}

/// A system whose members all are required.
pub(crate) fn system(name: &str, rule: Rule, members: &[&str]) -> Node {
    let mut node = Node::system(id(name), name, rule);
    node.members = members
        .iter()
        .map(|name| Member {
            id: id(name),
            edge: Edge::default(),
        })
        .collect();
    node
}

pub(crate) fn blueprint(nodes: impl IntoIterator<Item = Node>) -> Blueprint {
    Blueprint {
        nodes: nodes.into_iter().collect(),
    }
}

pub(crate) fn graph(nodes: impl IntoIterator<Item = Node>) -> Graph {
    let mut graph = Graph::new();
    graph.apply("test", blueprint(nodes), at(0));
    graph
}

pub(crate) fn key(graph: &Graph, name: &str) -> NodeKey {
    graph
        .key(&id(name))
        .unwrap_or_else(|| panic!("no node {name}"))
}

pub(crate) fn state(graph: &Graph, name: &str) -> State {
    graph
        .get(key(graph, name))
        .expect("a key just looked up")
        .state()
}

pub(crate) fn update(graph: &Graph, name: &str, state: State, now: Timestamp) -> Update {
    Update {
        node: key(graph, name),
        observation: Observation::new(state, Reason::OK, now),
        confirmed: state,
    }
}

pub(crate) fn observe(
    graph: &mut Graph,
    states: &[(&str, State)],
    now: Timestamp,
) -> Vec<Transition> {
    let updates: Vec<Update> = states
        .iter()
        .map(|(name, state)| update(graph, name, *state, now))
        .collect();
    graph.observe(updates, now)
}

/// So many random cases; a failing one is printed and not written to a file.
pub(crate) fn cases(cases: u32) -> proptest::test_runner::Config {
    proptest::test_runner::Config {
        cases,
        failure_persistence: None,
        ..Default::default()
    }
}
