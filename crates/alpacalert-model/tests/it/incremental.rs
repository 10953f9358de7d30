//! The graph after any history is what working it all out again gives.

use std::collections::{BTreeSet, HashSet};

use alpacalert_model::{
    Blueprint, Change, Edge, Effect, Graph, Member, Node, NodeId, NodeKey, Observation, Reason,
    Role, Rule, State, Threshold, Transition, Update,
};
use proptest::prelude::*;

use crate::oracle::World;
use crate::support::{at, cases, id};

const NODES: usize = 14;
const SOURCES: [&str; 2] = ["one", "two"];

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Apply(usize, Vec<Node>),
    Change(usize, Vec<Change>),
    Observe(Vec<(usize, State, State)>),
}

fn name(n: usize) -> NodeId {
    id(&format!("n{n:02}"))
}

pub(crate) fn any_state() -> impl Strategy<Value = State> {
    prop::sample::select(State::ALL.to_vec())
}

pub(crate) fn any_edge() -> impl Strategy<Value = Edge> {
    (prop::sample::select(Effect::ALL.to_vec()), 1..4u32)
        .prop_map(|(effect, weight)| Edge { effect, weight })
}

pub(crate) fn any_rule() -> impl Strategy<Value = Rule> {
    prop_oneof![
        Just(Rule::All),
        Just(Rule::Any),
        (0..4u32).prop_map(|n| Rule::AtLeast(Threshold::Count(n))),
        (0..=100u8).prop_map(|p| Rule::AtLeast(Threshold::Percent(p))),
        (0..7u32).prop_map(Rule::Weight),
        (0..4u32).prop_map(Rule::Exactly),
    ]
}

/// A node whose members are among those after it, so that there are no cycles; or any, where cycles are wanted.
fn any_node(cycles: bool) -> impl Strategy<Value = Node> {
    (
        0..NODES,
        prop::option::weighted(0.6, (any_rule(), prop::option::of(0..3u32))),
        prop::collection::vec((0..NODES, any_edge()), 0..5),
        prop::option::of(prop::sample::select(vec!["ann", "bob"])),
    )
        .prop_map(move |(n, role, members, owner)| {
            let mut node = Node::sensor(name(n), format!("node {n}"));
            node.owner = owner.map(Into::into);
            if let Some((rule, degraded_below)) = role {
                node.role = Role::System {
                    rule,
                    degraded_below,
                };
                node.members = members
                    .into_iter()
                    .filter(|(member, _)| cycles || *member > n)
                    .map(|(member, edge)| Member {
                        id: name(member),
                        edge,
                    })
                    .collect();
            }
            node
        })
}

fn any_change(cycles: bool) -> impl Strategy<Value = Change> {
    let pair = (0..NODES, 0..NODES)
        .prop_map(move |(a, b)| if cycles { (a, b) } else { (a.min(b), a.max(b)) })
        .prop_filter("an edge of two nodes", move |(a, b)| cycles || a != b);
    prop_oneof![
        any_node(cycles).prop_map(Change::Set),
        (0..NODES).prop_map(|n| Change::Remove(name(n))),
        (pair.clone(), any_edge()).prop_map(|((a, b), edge)| Change::Join {
            system: name(a),
            member: Member { id: name(b), edge },
        }),
        pair.prop_map(|(a, b)| Change::Leave {
            system: name(a),
            member: name(b),
        }),
    ]
}

pub(crate) fn any_step(cycles: bool) -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (0..2usize, prop::collection::vec(any_node(cycles), 0..NODES))
            .prop_map(|(source, nodes)| Step::Apply(source, nodes)),
        3 => (0..2usize, prop::collection::vec(any_change(cycles), 1..6))
            .prop_map(|(source, changes)| Step::Change(source, changes)),
        4 => prop::collection::vec((0..NODES, any_state(), any_state()), 1..8)
            .prop_map(Step::Observe),
    ]
}

fn updates(graph: &Graph, states: &[(usize, State, State)], now: i64) -> Vec<Update> {
    states
        .iter()
        .filter_map(|(n, state, confirmed)| {
            Some(Update {
                node: graph.key(&name(*n))?,
                observation: Observation::new(*state, Reason::OK, at(now)),
                confirmed: *confirmed,
            })
        })
        .collect()
}

/// Does a step in the graph, and says which transitions it told.
pub(crate) fn do_step(graph: &mut Graph, step: &Step, now: i64) -> Vec<Transition> {
    match step.clone() {
        Step::Apply(source, nodes) => {
            let blueprint = Blueprint { nodes };
            graph.apply(SOURCES[source], blueprint, at(now)).transitions
        }
        Step::Change(source, changes) => {
            graph.change(SOURCES[source], changes, at(now)).transitions
        }
        Step::Observe(states) => {
            let updates = updates(graph, &states, now);
            graph.observe(updates, at(now))
        }
    }
}

/// The same step, as the text of the documentation has it.
fn imagine(world: &mut World, step: &Step, now: i64) {
    imagine_wishes(world, step);
    if let Step::Observe(states) = step {
        for (n, state, confirmed) in states {
            if world.is_sensor(&name(*n)) {
                world.seen.insert(name(*n), (*state, *confirmed));
            }
        }
    }
    world.step(at(now));
}

/// What sources want after a step, without judging anything, which would follow cycles.
fn imagine_wishes(world: &mut World, step: &Step) {
    match step {
        Step::Apply(source, nodes) => {
            let source = SOURCES[*source];
            let mut named = BTreeSet::new();
            for node in nodes {
                if named.insert(node.id.clone()) {
                    world.want(source, node);
                }
            }
            let known: Vec<NodeId> = world.wanted.keys().cloned().collect();
            for id in known.iter().filter(|id| !named.contains(id)) {
                world.forget(source, id);
            }
        }
        Step::Change(source, changes) => {
            for change in changes {
                imagine_change(world, SOURCES[*source], change);
            }
        }
        Step::Observe(_) => {}
    }
}

fn imagine_change(world: &mut World, source: &str, change: &Change) {
    let own = |world: &World, id: &NodeId| {
        let wanted = world.wanted.get(id);
        wanted.is_some_and(|(s, node)| s == source && node.role != Role::Sensor)
    };
    match change {
        Change::Set(node) => world.want(source, node),
        Change::Remove(id) => world.forget(source, id),
        Change::Join { system, member } if own(world, system) => {
            let members = &mut world.wanted.get_mut(system).expect("own").1.members;
            match members.iter_mut().find(|other| other.id == member.id) {
                Some(known) => known.edge = member.edge,
                None => members.push(member.clone()),
            }
        }
        Change::Leave { system, member } if own(world, system) => {
            let members = &mut world.wanted.get_mut(system).expect("own").1.members;
            members.retain(|other| other.id != *member);
        }
        _ => {}
    }
}

/// A batch tells each node's change once, with its state before and after.
fn check_transitions(before: &Graph, after: &Graph, told: &[Transition]) {
    let mut seen = HashSet::new();
    for transition in told {
        assert!(seen.insert(transition.node), "told twice");
        let node = after.get(transition.node).expect("told of a live node");
        let old = before.get(transition.node);
        let old = old.map_or((State::Unknown, State::Unknown), |n| {
            (n.state(), n.confirmed())
        });
        assert_eq!((transition.shown.0, transition.confirmed.0), old);
        assert_eq!(
            (transition.shown.1, transition.confirmed.1),
            (node.state(), node.confirmed())
        );
        assert_eq!(&transition.reason, node.reason());
    }
    for node in after.nodes().filter(|node| !seen.contains(&node.key())) {
        let old = before.get(node.key());
        let old = old.map_or((State::Unknown, State::Unknown), |n| {
            (n.state(), n.confirmed())
        });
        assert_eq!(
            old,
            (node.state(), node.confirmed()),
            "{} not told",
            node.id()
        );
    }
}

fn ancestors(graph: &Graph, of: impl IntoIterator<Item = NodeKey>) -> u64 {
    let mut todo: Vec<NodeKey> = of.into_iter().collect();
    let mut seen: HashSet<NodeKey> = HashSet::new();
    while let Some(key) = todo.pop() {
        let parents = graph.get(key).expect("live").parents();
        todo.extend(
            parents
                .map(|node| node.key())
                .filter(|key| seen.insert(*key)),
        );
    }
    seen.len() as u64
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn any_history_gives_what_working_it_out_again_gives(
        steps in prop::collection::vec(any_step(false), 1..12),
    ) {
        let mut graph = Graph::new();
        let mut world = World::default();
        for (now, step) in steps.iter().enumerate() {
            let before = graph.clone();
            let told = do_step(&mut graph, step, now as i64);
            imagine(&mut world, step, now as i64);
            world.check(&graph);
            check_transitions(&before, &graph, &told);
        }
    }

    #[test]
    fn the_order_of_a_blueprint_and_of_a_batch_does_not_matter(
        nodes in prop::collection::vec(any_node(false), 0..NODES * 2),
        states in prop::collection::vec((any_state(), any_state()), NODES),
        seed in any::<u64>(),
    ) {
        let mut unique = nodes;
        let mut seen = BTreeSet::new();
        unique.retain(|node| seen.insert(node.id.clone()));
        let states: Vec<(usize, State, State)> =
            states.into_iter().enumerate().map(|(n, (s, c))| (n, s, c)).collect();
        let outcome = |nodes: Vec<Node>, states: Vec<(usize, State, State)>| {
            let mut graph = Graph::new();
            graph.apply("one", Blueprint { nodes }, at(0));
            let updates = updates(&graph, &states, 1);
            graph.observe(updates, at(1));
            let mut all: Vec<_> = graph.nodes().map(|n| (n.id().clone(), n.status())).collect();
            all.sort_by(|a, b| a.0.cmp(&b.0));
            all
        };
        let mut random = fastrand::Rng::with_seed(seed);
        let (mut other_nodes, mut other_states) = (unique.clone(), states.clone());
        random.shuffle(&mut other_nodes);
        random.shuffle(&mut other_states);
        prop_assert_eq!(outcome(unique, states), outcome(other_nodes, other_states));
    }

    #[test]
    fn a_batch_judges_each_ancestor_at_most_once(
        nodes in prop::collection::vec(any_node(false), NODES),
        batches in prop::collection::vec(
            prop::collection::vec((0..NODES, any_state(), any_state()), 1..NODES), 1..4),
    ) {
        let mut graph = Graph::new();
        graph.apply("one", Blueprint { nodes }, at(0));
        prop_assert!(graph.evaluations() <= graph.len() as u64);
        for states in batches {
            let updates = updates(&graph, &states, 1);
            let most = ancestors(&graph, updates.iter().map(|update| update.node));
            let before = graph.evaluations();
            graph.observe(updates, at(1));
            prop_assert!(graph.evaluations() - before <= most);
        }
    }

    #[test]
    fn with_cycles_only_edges_that_close_one_are_refused(
        steps in prop::collection::vec(any_step(true), 1..12),
    ) {
        let mut graph = Graph::new();
        let mut world = World::default();
        for (now, step) in steps.iter().enumerate() {
            do_step(&mut graph, step, now as i64);
            imagine_wishes(&mut world, step);
            check_refusals(&world, &graph);
        }
    }
}

/// Every wanted edge is there, or would close a cycle; who misses one is Unknown for that reason and says so; the
/// others are judged by the members that they have.
fn check_refusals(world: &World, graph: &Graph) {
    for node in graph.nodes() {
        let children: Vec<(NodeId, Edge)> = node
            .children()
            .map(|(child, edge)| (child.id().clone(), edge))
            .collect();
        let wanted = world.members(node.id());
        let mut kept = wanted.clone();
        kept.retain(|(id, _)| children.iter().any(|(child, _)| child == id));
        assert_eq!(kept, children, "the members of {}", node.id());
        for (member, _) in wanted.iter().filter(|wanted| !children.contains(wanted)) {
            let member = graph.key(member).expect("a refused member is in the graph");
            let mut todo = vec![member];
            let mut below = HashSet::new();
            while let Some(key) = todo.pop() {
                if below.insert(key) {
                    let children = graph.get(key).expect("live").children();
                    todo.extend(children.map(|(child, _)| child.key()));
                }
            }
            assert!(below.contains(&node.key()), "refused without a cycle");
        }
        match node.role() {
            Some(Role::System { .. }) if children.len() < wanted.len() => {
                assert_eq!(
                    (node.state(), node.reason()),
                    (State::Unknown, &Reason::CYCLE)
                );
                assert!(node.messages()[0].text.contains("form a cycle"));
            }
            Some(Role::System {
                rule,
                degraded_below,
            }) => {
                let members: Vec<(State, Edge)> = node
                    .children()
                    .map(|(child, edge)| (child.confirmed(), edge))
                    .collect();
                let expected = crate::oracle::judge(rule, degraded_below, &members);
                assert_eq!(node.state(), expected, "{}", node.id());
            }
            _ => {}
        }
    }
}
