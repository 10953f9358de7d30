//! Causes, repair sets, margins and impacts: by example, and against trying everything.

use std::collections::BTreeSet;

use alpacalert_model::{
    Change, Effect, ExplainLimits, Explanation, Graph, Margin, Member, Node, NodeId, NodeKey,
    Observation, Origin, Reason, Role, Rule, ServiceInfo, State, Threshold,
};
use proptest::prelude::*;

use crate::incremental::{any_edge, any_rule, any_state};
use crate::support::{at, blueprint, cases, graph, id, key, observe, sensor, system};

use State::{Degraded, Failing, Passing, Unknown};

fn explain(graph: &Graph, name: &str) -> Explanation {
    let limits = ExplainLimits::default();
    graph.explain(key(graph, name), &limits).expect("live")
}

fn title(graph: &Graph, key: NodeKey) -> String {
    graph.get(key).expect("live").title().to_owned()
}

fn titles(graph: &Graph, keys: &[NodeKey]) -> Vec<String> {
    keys.iter().map(|key| title(graph, *key)).collect()
}

fn causes(graph: &Graph, explanation: &Explanation) -> Vec<String> {
    let causes = explanation.causes.iter();
    causes.map(|cause| title(graph, cause.node)).collect()
}

fn owned(node: Node, owner: &str) -> Node {
    Node {
        owner: Some(owner.into()),
        ..node
    }
}

fn service(node: Node) -> Node {
    Node {
        service: Some(ServiceInfo::default()),
        ..node
    }
}

#[test]
fn an_explanation_says_how_much_was_looked_at() {
    let names: Vec<String> = (0..100).map(|n| format!("s{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut nodes: Vec<Node> = names.iter().map(|name| sensor(name)).collect();
    nodes.push(system("top", Rule::All, &names));
    nodes.push(system("once", Rule::Exactly(1), &["s0"]));
    let mut graph = graph(nodes);
    let well: Vec<(&str, State)> = names.iter().map(|name| (*name, Passing)).collect();
    observe(&mut graph, &well, at(1));
    observe(&mut graph, &[("s50", Degraded)], at(2));
    assert_eq!(
        explain(&graph, "top").edges,
        200,
        "the margin is below all of them"
    );
    observe(&mut graph, &[("s50", Failing)], at(3));
    assert_eq!(
        explain(&graph, "top").edges,
        200,
        "something is twisted somewhere"
    );
    graph.change("test", [Change::Remove(id("once"))], at(4));
    let explanation = explain(&graph, "top");
    assert_eq!(explanation.edges, 100, "what is well does not matter");
    assert_eq!(causes(&graph, &explanation), ["s50"]);
    let little = ExplainLimits {
        edges: 40,
        ..ExplainLimits::default()
    };
    let explanation = graph.explain(key(&graph, "top"), &little).expect("live");
    assert_eq!((explanation.edges, explanation.causes_cut), (40, true));
}

#[test]
fn under_all_those_as_bad_as_the_result_are_the_causes() {
    let mut graph = graph([
        system("top", Rule::All, &["a", "b", "c", "d"]),
        sensor("a"),
        sensor("b"),
        sensor("c"),
        sensor("d"),
    ]);
    observe(
        &mut graph,
        &[("a", Failing), ("b", Degraded), ("c", Passing)],
        at(1),
    );
    observe(&mut graph, &[("d", Failing)], at(2));
    let why = explain(&graph, "top");
    assert_eq!(
        causes(&graph, &why),
        ["d", "a"],
        "what changed last comes first"
    );
    assert_eq!(why.repair_sets.len(), 1);
    assert_eq!(
        why.repair_sets[0].len(),
        3,
        "to pass, the degraded one must recover too"
    );
    assert_eq!(
        (why.margin, why.causes_cut, why.repair_sets_cut),
        (Margin::None, false, false)
    );
}

#[test]
fn a_leaf_whose_recovery_changes_nothing_is_no_cause() {
    let mut graph = graph([
        system("top", Rule::All, &["a", "either"]),
        system("either", Rule::Any, &["a", "b"]),
        sensor("a"),
        sensor("b"),
    ]);
    observe(&mut graph, &[("a", Failing), ("b", Failing)], at(1));
    let why = explain(&graph, "top");
    assert_eq!(
        causes(&graph, &why),
        ["a"],
        "`a` must recover anyhow, and then `either` has it"
    );
    assert_eq!(why.repair_sets, [[key(&graph, "a")]]);
    assert_eq!(titles(&graph, &why.causes[0].path), ["top", "a"]);
    let either = explain(&graph, "either");
    assert_eq!(causes(&graph, &either).len(), 2);
    assert_eq!(either.repair_sets.len(), 2);
}

#[test]
fn no_leaf_can_be_left_out_of_a_repair_set() {
    let mut graph = graph([
        system("top", Rule::Any, &["a", "both"]),
        system("both", Rule::All, &["b", "c"]),
        sensor("a"),
        sensor("b"),
        sensor("c"),
    ]);
    observe(
        &mut graph,
        &[("a", Failing), ("b", Failing), ("c", Failing)],
        at(1),
    );
    let why = explain(&graph, "top");
    let sets: Vec<_> = why
        .repair_sets
        .iter()
        .map(|set| titles(&graph, set))
        .collect();
    assert_eq!(sets.len(), 2, "{sets:?}");
    assert_eq!((&sets[0][..], sets[1].len()), (&["a".to_owned()][..], 2));
}

#[test]
fn of_many_leaves_too_those_that_change_nothing_are_no_causes() {
    let names: Vec<String> = (0..40).map(|n| format!("s{n}")).collect();
    let mut members: Vec<&str> = names.iter().map(String::as_str).collect();
    members.push("either");
    let mut nodes = vec![
        system("top", Rule::All, &members),
        system("either", Rule::Any, &["s0", "spare"]),
        sensor("spare"),
    ];
    nodes.extend(names.iter().map(|name| sensor(name)));
    let mut graph = graph(nodes);
    let mut failing: Vec<_> = names.iter().map(|name| (name.as_str(), Failing)).collect();
    failing.push(("spare", Failing));
    observe(&mut graph, &failing, at(1));
    let found = causes(&graph, &explain(&graph, "top"));
    assert_eq!(found.len(), 40);
    assert!(
        !found.contains(&"spare".to_owned()),
        "`s0` must recover anyhow"
    );
}

#[test]
fn under_an_inverted_edge_a_leaf_recovers_by_failing() {
    let top = Node::system(id("top"), "top", Rule::All).member(id("alarm"), Effect::Inverted);
    let mut graph = graph([top, sensor("alarm")]);
    observe(&mut graph, &[("alarm", Passing)], at(1));
    let why = explain(&graph, "top");
    assert_eq!(causes(&graph, &why), ["alarm"]);
    assert_eq!(why.repair_sets, [[key(&graph, "alarm")]]);
}

#[test]
fn under_exactly_one_too_many_is_a_cause() {
    let mut graph = graph([
        system("pair", Rule::Exactly(1), &["a", "b"]),
        sensor("a"),
        sensor("b"),
    ]);
    observe(&mut graph, &[("a", Passing), ("b", Passing)], at(1));
    let why = explain(&graph, "pair");
    assert_eq!(causes(&graph, &why).len(), 2);
    assert_eq!(why.repair_sets, [[key(&graph, "a")], [key(&graph, "b")]]);
}

#[test]
fn the_margin_names_a_single_point_of_failure() {
    let mut graph = graph([
        system("top", Rule::All, &["left", "right"]),
        system("left", Rule::Any, &["a", "shared"]),
        system("right", Rule::Any, &["b", "c"]),
        sensor("a"),
        sensor("b"),
        sensor("c"),
        sensor("shared"),
    ]);
    let all = [
        ("a", Passing),
        ("b", Passing),
        ("c", Passing),
        ("shared", Passing),
    ];
    observe(&mut graph, &all, at(1));
    assert!(matches!(explain(&graph, "top").margin, Margin::Failures(set) if set.len() == 2));
    observe(&mut graph, &[("a", Failing)], at(2));
    let margin = explain(&graph, "top").margin;
    assert_eq!(margin, Margin::Failures(vec![key(&graph, "shared")]));
}

#[test]
fn blame_goes_to_the_owner_of_most_of_the_worst() {
    let mut graph = graph([
        owned(system("reports", Rule::All, &["queue", "code"]), "reports"),
        owned(system("queue", Rule::All, &["broker", "disk"]), "infra"),
        sensor("broker"),
        sensor("disk"),
        sensor("code"),
    ]);
    let states = [("broker", Failing), ("disk", Failing), ("code", Failing)];
    observe(&mut graph, &states, at(1));
    let why = explain(&graph, "reports");
    let blame: Vec<_> = why
        .blame
        .iter()
        .map(|blame| (blame.owner.as_deref(), blame.causes.len()))
        .collect();
    assert_eq!(blame, [(Some("infra"), 2), (Some("reports"), 1)]);
}

#[test]
fn impact_is_found_by_evaluating_not_by_reaching() {
    let mut graph = graph([
        service(system("shop", Rule::All, &["pods", "db"])),
        service(system("search", Rule::All, &["db"])),
        system("pods", Rule::Any, &["pod-1", "pod-2"]),
        sensor("pod-1"),
        sensor("pod-2"),
        sensor("db"),
    ]);
    let states = [("pod-1", Passing), ("pod-2", Passing), ("db", Passing)];
    observe(&mut graph, &states, at(1));
    assert_eq!(graph.impact(key(&graph, "pod-1")), []);
    let impact = graph.impact(key(&graph, "db"));
    let services: Vec<_> = impact.iter().map(|i| title(&graph, i.service)).collect();
    assert_eq!(services, ["search", "shop"]);
    assert_eq!((impact[0].from, impact[0].to), (Passing, Failing));
    let pods = graph.impact(key(&graph, "pods"));
    assert_eq!(pods.len(), 1, "a system can be supposed to fail too");

    observe(&mut graph, &[("db", Failing)], at(2));
    let impact = graph.impact(key(&graph, "db"));
    assert_eq!(
        impact.len(),
        2,
        "what failed already takes down the same services"
    );
    assert_eq!((impact[0].from, impact[0].to), (Passing, Failing));
    observe(&mut graph, &[("pod-1", Failing), ("pod-2", Failing)], at(3));
    let impact = graph.impact(key(&graph, "db"));
    let services: Vec<_> = impact.iter().map(|i| title(&graph, i.service)).collect();
    assert_eq!(services, ["search"], "the shop would fail without it too");
}

#[test]
fn what_cannot_be_mended_by_members_is_its_own_cause() {
    let graph = graph([
        system("top", Rule::All, &["few", "empty", "ghost"]),
        system("few", Rule::AtLeast(Threshold::Count(3)), &["a"]),
        system("empty", Rule::All, &[]),
        sensor("a"),
    ]);
    assert_eq!(causes(&graph, &explain(&graph, "top")), ["few"]);
    let why = explain(&graph, "empty");
    assert_eq!(causes(&graph, &why), ["empty"]);
    assert_eq!(why.margin, Margin::Failures(vec![key(&graph, "empty")]));
}

#[test]
fn lists_are_cut_where_the_limits_say_and_say_so() {
    let names: Vec<String> = (0..300).map(|n| format!("s{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut nodes = vec![
        system("all", Rule::All, &names),
        system("any", Rule::Any, &names),
    ];
    nodes.extend(names.iter().map(|name| sensor(name)));
    let mut graph = graph(nodes);
    let failing: Vec<_> = names.iter().map(|name| (*name, Failing)).collect();
    observe(&mut graph, &failing, at(1));
    let all = explain(&graph, "all");
    assert_eq!((all.causes.len(), all.causes_cut), (100, true));
    assert_eq!(
        (all.repair_sets.len(), all.repair_sets_cut),
        (0, true),
        "all 300 are needed"
    );
    let any = explain(&graph, "any");
    assert_eq!((any.repair_sets.len(), any.repair_sets_cut), (16, true));
    assert!(any.causes_cut && !any.causes.is_empty());
    let passing: Vec<_> = names.iter().map(|name| (*name, Passing)).collect();
    observe(&mut graph, &passing, at(2));
    assert_eq!(explain(&graph, "any").margin, Margin::AtLeast(9));
}

#[test]
fn a_chain_of_100_000_systems_is_explained() {
    let name = |n: usize| format!("n{n}");
    let mut chain: Vec<_> = (0..100_000)
        .map(|n| system(&name(n), Rule::All, &[&name(n + 1)]))
        .collect();
    chain[0] = service(chain[0].clone());
    chain.push(owned(sensor(&name(100_000)), "infra"));
    let mut graph = graph(chain);
    observe(&mut graph, &[("n100000", Failing)], at(1));
    let limits = ExplainLimits {
        edges: 200_000,
        work: 1_000_000,
        ..ExplainLimits::default()
    };
    let why = graph.explain(key(&graph, "n0"), &limits).unwrap();
    assert_eq!(causes(&graph, &why), ["n100000"]);
    assert_eq!(why.causes[0].path.len(), 100_001);
    assert_eq!(why.repair_sets, [[key(&graph, "n100000")]]);
    let limits = ExplainLimits {
        edges: 1_000,
        ..ExplainLimits::default()
    };
    let cut = graph.explain(key(&graph, "n0"), &limits).unwrap();
    assert!(cut.causes.is_empty() && cut.causes_cut);
    observe(&mut graph, &[("n100000", Passing)], at(2));
    assert_eq!(graph.impact(key(&graph, "n100000")).len(), 1);
}

// Against trying everything.

const LEAVES: usize = 5;
const SYSTEMS: usize = 4;

/// A graph of a few systems over a few leaves, the first system above all others; its leaves' states; and whether it
/// has inverted edges or asks for an exact number.
#[derive(Clone, Debug)]
struct Small {
    nodes: Vec<Node>,
    states: Vec<State>,
}

fn leaf(n: usize) -> String {
    format!("leaf{n}")
}

fn any_small(plain: bool) -> impl Strategy<Value = Small> {
    let members = prop::collection::vec((0..LEAVES + SYSTEMS, any_edge()), 1..5);
    let one = (any_rule(), prop::option::weighted(0.2, 0..3u32), members);
    (
        prop::collection::vec(one, SYSTEMS),
        prop::collection::vec(any_state(), LEAVES),
    )
        .prop_map(move |(systems, states)| {
            let mut nodes: Vec<Node> = (0..LEAVES).map(|n| sensor(&leaf(n))).collect();
            for (n, (rule, degraded_below, members)) in systems.into_iter().enumerate() {
                let rule = match rule {
                    Rule::Exactly(_) if plain => Rule::Any,
                    rule => rule,
                };
                let mut node = service(system(&format!("sys{n}"), rule, &[]));
                node.role = Role::System {
                    rule,
                    degraded_below,
                };
                for (member, mut edge) in members {
                    if plain && edge.effect == Effect::Inverted {
                        edge.effect = Effect::Required;
                    }
                    let name = match member.checked_sub(LEAVES) {
                        None => leaf(member),
                        Some(below) if below > n => format!("sys{below}"),
                        Some(below) => leaf(below % LEAVES),
                    };
                    node.members.push(Member {
                        id: id(&name),
                        edge,
                    });
                }
                nodes.push(node);
            }
            Small { nodes, states }
        })
}

fn build(small: &Small, states: &[State]) -> Graph {
    let mut graph = graph(small.nodes.clone());
    let names: Vec<String> = (0..LEAVES).map(leaf).collect();
    let states: Vec<(&str, State)> = names
        .iter()
        .map(String::as_str)
        .zip(states.iter().copied())
        .collect();
    observe(&mut graph, &states, at(1));
    graph
}

/// A leaf as an explanation counts it: a sensor, or a system that asks for more than it has, which is made to recover by
/// putting a sensor in its place.
fn leaves(graph: &Graph) -> Vec<NodeId> {
    let leaves = graph
        .nodes()
        .filter(|node| node.is_sensor() || *node.reason() == Reason::TOO_FEW_MEMBERS);
    let mut leaves: Vec<NodeId> = leaves.map(|node| node.id().clone()).collect();
    leaves.sort();
    leaves
}

/// The state of a node with some leaves in other states, in a copy of the graph.
fn suppose(graph: &Graph, moves: &[(NodeId, State)], name: &str) -> State {
    let mut copy = graph.clone();
    for (id, state) in moves {
        copy.change(
            "test",
            [Change::Set(Node::sensor(id.clone(), "supposed"))],
            at(2),
        );
        observe(&mut copy, &[(id.reference(), *state)], at(2));
    }
    copy.get(key(&copy, name)).expect("live").confirmed()
}

/// All sets of leaves, out of which none can be left, that reach a goal in some way.
fn minimal(
    graph: &Graph,
    ways: &[State],
    goal: impl Fn(State) -> bool,
) -> BTreeSet<BTreeSet<NodeId>> {
    let leaves = leaves(graph);
    let mut found: Vec<(usize, BTreeSet<NodeId>)> = Vec::new();
    let choices = ways.len() + 1;
    for code in 0..choices.pow(leaves.len() as u32) {
        let mut rest = code;
        let mut moves = Vec::new();
        for leaf in &leaves {
            if rest % choices > 0 {
                moves.push((leaf.clone(), ways[rest % choices - 1]));
            }
            rest /= choices;
        }
        if goal(suppose(graph, &moves, "sys0")) {
            found.push((
                moves.len(),
                moves.into_iter().map(|(leaf, _)| leaf).collect(),
            ));
        }
    }
    found.sort();
    let mut sets: BTreeSet<BTreeSet<NodeId>> = BTreeSet::new();
    for (_, set) in found {
        if sets.iter().all(|smaller| !smaller.is_subset(&set)) {
            sets.insert(set);
        }
    }
    sets
}

fn named(graph: &Graph, keys: &[NodeKey]) -> BTreeSet<NodeId> {
    keys.iter()
        .map(|key| graph.get(*key).expect("live").id().clone())
        .collect()
}

fn check_against_trying_everything(small: &Small) {
    let graph = build(small, &small.states);
    let top = graph.get(key(&graph, "sys0")).expect("live");
    let now = top.state();
    if *top.reason() == Reason::TOO_FEW_MEMBERS {
        return;
    }
    let why = explain(&graph, "sys0");
    let ways = [Passing, Failing];
    if now == Passing {
        assert_eq!((why.causes.len(), why.repair_sets.len()), (0, 0));
    } else {
        let better = minimal(&graph, &ways, |state| state < now);
        let expected: BTreeSet<NodeId> = better.into_iter().flatten().collect();
        let found: Vec<NodeKey> = why.causes.iter().map(|cause| cause.node).collect();
        assert_eq!(named(&graph, &found), expected, "causes");
        let expected = minimal(&graph, &ways, |state| state == Passing);
        let found = why.repair_sets.iter().map(|set| named(&graph, set));
        assert_eq!(found.collect::<BTreeSet<_>>(), expected, "repair sets");
        assert!(why.repair_sets.is_sorted_by_key(Vec::len));
    }
    assert!(
        !why.causes_cut && !why.repair_sets_cut,
        "small enough to be complete"
    );
    let failures = minimal(&graph, &[Failing], |state| state == Failing);
    match why.margin {
        Margin::None => assert_eq!(now, Failing),
        Margin::Unlimited => assert!(failures.is_empty() && now != Failing),
        Margin::Failures(set) => {
            assert!(
                failures.contains(&named(&graph, &set)),
                "margin {set:?} of {failures:?}"
            );
            assert_eq!(failures.iter().map(BTreeSet::len).min(), Some(set.len()));
        }
        Margin::AtLeast(n) => panic!("at least {n}: small enough to be complete"),
    }
}

proptest! {
    #![proptest_config(cases(100))]

    #[test]
    fn explanations_are_what_trying_everything_gives(small in any_small(true)) {
        check_against_trying_everything(&small);
    }

    #[test]
    fn explanations_of_inverted_and_exact_systems_too(small in any_small(false)) {
        check_against_trying_everything(&small);
    }

    #[test]
    fn impact_is_what_failing_it_gives(small in any_small(false), n in 0..LEAVES) {
        let graph = build(&small, &small.states);
        let mut states = small.states.clone();
        states[n] = if states[n] == Failing { Passing } else { Failing };
        let other = build(&small, &states);
        let (without, with) = if states[n] == Failing { (&graph, &other) } else { (&other, &graph) };
        let expected: BTreeSet<_> = without
            .services()
            .filter_map(|service| {
                let to = with.get(with.key(service.id())?)?.state();
                (to != service.state()).then(|| (service.id().clone(), service.state(), to))
            })
            .collect();
        let impact = graph.impact(key(&graph, &leaf(n)));
        let found: BTreeSet<_> = impact
            .iter()
            .map(|i| (graph.get(i.service).expect("live").id().clone(), i.from, i.to))
            .collect();
        prop_assert_eq!(found, expected);
        prop_assert!(impact.is_sorted_by(|a, b| a.to >= b.to));
    }
}

#[test]
fn unknown_is_explained_like_any_other_state() {
    let mut graph = graph([
        system("top", Rule::All, &["a", "b"]),
        sensor("a"),
        sensor("b"),
    ]);
    observe(&mut graph, &[("a", Unknown), ("b", Passing)], at(1));
    graph.apply("other", blueprint([]), at(2));
    assert_eq!(causes(&graph, &explain(&graph, "top")), ["a"]);
}

/// A leaf that tells of faults elsewhere, over so many others.
fn told(graph: &mut Graph, name: &str, state: State, origins: &[&str], hops: u32) {
    let mut observation = Observation::new(state, Reason::fixed("told"), at(1));
    observation.origins = origins
        .iter()
        .map(|id| Origin {
            id: (*id).into(),
            hops,
        })
        .collect();
    let update = alpacalert_model::Update {
        node: key(graph, name),
        confirmed: state,
        observation,
    };
    graph.observe([update], at(1));
}

/// Each cause with the others that tell of the same.
fn causes_with_others(graph: &Graph, name: &str) -> Vec<(String, Vec<String>)> {
    let explanation = graph.explain(key(graph, name), &ExplainLimits::default());
    let title = |key: &NodeKey| graph.get(*key).unwrap().title().to_owned();
    let causes = explanation.unwrap().causes;
    causes
        .iter()
        .map(|cause| (title(&cause.node), cause.also.iter().map(title).collect()))
        .collect()
}

#[test]
fn a_fault_elsewhere_that_is_told_of_by_several_ways_is_one_cause() {
    let mut graph = graph([
        system("top", Rule::All, &["far", "near", "own", "more"]),
        sensor("far"),
        sensor("near"),
        sensor("own"),
        sensor("more"),
    ]);
    told(&mut graph, "far", State::Failing, &["infra#queue"], 2);
    told(&mut graph, "near", State::Failing, &["infra#queue"], 0);
    told(
        &mut graph,
        "more",
        State::Failing,
        &["infra#queue", "apps#file"],
        1,
    );
    told(&mut graph, "own", State::Failing, &[], 0);
    let of = |cause: &str, others: &[&str]| {
        let others = others.iter().map(|other| (*other).to_owned()).collect();
        (cause.to_owned(), others)
    };
    let mut causes = causes_with_others(&graph, "top");
    causes.sort();
    assert_eq!(
        causes,
        [of("more", &[]), of("near", &["far"]), of("own", &[])],
        "what tells of something else too, or of nothing that is known, stays"
    );
    // The worst stays, however far it came.
    told(&mut graph, "near", State::Degraded, &["infra#queue"], 0);
    told(&mut graph, "more", State::Passing, &[], 0);
    told(&mut graph, "own", State::Passing, &[], 0);
    assert_eq!(causes_with_others(&graph, "top"), [of("far", &[])]);
}
