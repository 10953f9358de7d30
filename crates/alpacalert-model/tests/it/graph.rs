//! What the graph promises, case by case.

use alpacalert_model::{
    Blueprint, Change, Edge, Effect, Graph, Mark, Member, Node, Observation, Reason, Rule, State,
    Threshold, Update,
};

use crate::support::{at, blueprint, graph, id, key, observe, sensor, state, system, update};

use State::{Degraded, Failing, Passing, Unknown};

fn text(graph: &Graph, name: &str) -> String {
    let node = graph.get(key(graph, name)).expect("live");
    let messages = node.messages();
    messages
        .first()
        .map(|m| m.text.to_string())
        .unwrap_or_default()
}

fn reason(graph: &Graph, name: &str) -> Reason {
    graph.get(key(graph, name)).expect("live").reason().clone()
}

fn links(nodes: &[(&str, &str)]) -> Blueprint {
    blueprint(nodes.iter().map(|(a, b)| system(a, Rule::All, &[b])))
}

#[test]
fn a_change_of_a_sensor_reaches_every_ancestor_at_once() {
    let mut graph = graph([
        system("top", Rule::All, &["left", "right"]),
        system("left", Rule::All, &["shared"]),
        system("right", Rule::Any, &["shared", "spare"]),
        sensor("shared"),
        sensor("spare"),
    ]);
    observe(
        &mut graph,
        &[("shared", Passing), ("spare", Passing)],
        at(1),
    );
    assert_eq!(state(&graph, "top"), Passing);
    let told = observe(&mut graph, &[("shared", Failing)], at(2));
    let told: Vec<_> = told
        .iter()
        .map(|t| (graph.get(t.node).unwrap().title(), t.shown.1))
        .collect();
    assert_eq!(
        told,
        [("shared", Failing), ("left", Failing), ("top", Failing)]
    );
    assert_eq!(text(&graph, "top"), "of 2 members: 1 failing");
    let top = graph.get(key(&graph, "top")).unwrap();
    assert_eq!((top.since(), top.observed_at()), (Some(at(2)), Some(at(2))));
}

#[test]
fn parents_see_the_confirmed_state_and_people_the_observed_one() {
    let mut graph = graph([system("top", Rule::All, &["a"]), sensor("a")]);
    observe(&mut graph, &[("a", Passing)], at(1));
    let soft = Update {
        confirmed: Passing,
        ..update(&graph, "a", Failing, at(2))
    };
    let told = graph.observe([soft], at(2));
    assert_eq!(told.len(), 1);
    assert_eq!(
        (told[0].shown, told[0].confirmed),
        ((Passing, Failing), (Passing, Passing))
    );
    assert_eq!(
        (state(&graph, "a"), state(&graph, "top")),
        (Failing, Passing)
    );
}

#[test]
fn of_several_observations_of_one_sensor_in_a_batch_the_last_counts() {
    let mut graph = graph([system("top", Rule::All, &["a"]), sensor("a")]);
    observe(&mut graph, &[("a", Passing)], at(1));
    let told = observe(
        &mut graph,
        &[("a", Failing), ("a", Unknown), ("a", Passing)],
        at(2),
    );
    assert_eq!(told, []);
    let a = graph.get(key(&graph, "a")).unwrap();
    assert_eq!((a.since(), a.observed_at()), (Some(at(1)), Some(at(2))));
}

#[test]
fn updates_of_nodes_that_are_gone_or_are_no_sensors_are_ignored() {
    let mut graph = graph([system("top", Rule::All, &["a"]), sensor("a"), sensor("b")]);
    let gone = update(&graph, "b", Failing, at(1));
    let system = update(&graph, "top", Failing, at(1));
    graph.change("test", [Change::Remove(id("b"))], at(1));
    graph.change("test", [Change::Set(sensor("c"))], at(1));
    assert_eq!(graph.observe([gone, system], at(2)), []);
    assert_eq!(
        state(&graph, "c"),
        Unknown,
        "the slot of `b` is used again, its handle is not"
    );
}

#[test]
fn a_node_that_stays_keeps_its_state_history_and_marks() {
    let nodes = || {
        [
            system("top", Rule::All, &["a", "b"]),
            sensor("a"),
            sensor("b"),
        ]
    };
    let mut graph = graph(nodes());
    observe(&mut graph, &[("a", Passing), ("b", Passing)], at(1));
    graph.mark(key(&graph, "a"), Mark::Acknowledged, true);
    let same = graph.apply("test", blueprint(nodes()), at(2));
    assert_eq!(same, Default::default());

    let mut changed = nodes();
    changed[1].title = "renamed".into();
    let applied = graph.apply("test", blueprint(changed), at(3));
    assert_eq!(applied.changed, [key(&graph, "a")]);
    let a = graph.get(key(&graph, "a")).unwrap();
    assert_eq!(
        (a.title(), a.state(), a.since()),
        ("renamed", Passing, Some(at(1)))
    );
    assert!(a.marks().has(Mark::Acknowledged));
}

#[test]
fn a_node_that_nobody_provides_is_unknown_and_says_so() {
    let mut graph = graph([system("top", Rule::All, &["ghost"])]);
    assert_eq!(
        (state(&graph, "ghost"), reason(&graph, "ghost")),
        (Unknown, Reason::MISSING)
    );
    assert_eq!(
        text(&graph, "ghost"),
        "named by others, but nobody provides it"
    );
    assert_eq!(graph.get(key(&graph, "ghost")).unwrap().title(), "ghost");
    let before = key(&graph, "ghost");
    let applied = graph.apply("other", blueprint([sensor("ghost")]), at(1));
    assert_eq!(
        applied.added,
        [before],
        "a handle to a missing node stays good"
    );
    assert_eq!(reason(&graph, "ghost"), Reason::NOT_MEASURED);
    assert_eq!(text(&graph, "ghost"), "not measured yet");
    assert_eq!(graph.get(before).unwrap().since(), None);
}

#[test]
fn a_removed_node_that_others_name_is_missing_and_the_last_name_takes_it_along() {
    let mut graph = graph([system("top", Rule::All, &["a"])]);
    graph.apply("other", blueprint([sensor("a")]), at(1));
    observe(&mut graph, &[("a", Passing)], at(2));
    let applied = graph.apply("other", blueprint([]), at(3));
    assert_eq!(applied.removed, [id("a")]);
    assert_eq!(
        (state(&graph, "a"), reason(&graph, "a")),
        (Unknown, Reason::MISSING)
    );
    assert_eq!(state(&graph, "top"), Unknown);
    assert_eq!(applied.transitions.len(), 2);
    graph.apply("test", blueprint([]), at(4));
    assert!(graph.is_empty());
}

#[test]
fn a_node_of_another_source_is_left_alone() {
    let mut graph = graph([sensor("a")]);
    observe(&mut graph, &[("a", Passing)], at(1));
    let mut mine = sensor("a");
    mine.title = "mine".into();
    let applied = graph.apply("other", blueprint([mine]), at(2));
    assert_eq!(applied.conflicts, [id("a")]);
    assert_eq!(graph.get(key(&graph, "a")).unwrap().title(), "a");
    let removed = graph.apply("other", blueprint([]), at(3));
    assert_eq!(removed, Default::default());
    assert_eq!(state(&graph, "a"), Passing);
}

#[test]
fn a_node_described_twice_counts_once_and_a_contradiction_is_told() {
    let mut other = sensor("a");
    other.title = "other".into();
    let mut graph = Graph::new();
    let applied = graph.apply("test", blueprint([sensor("a"), sensor("a"), other]), at(0));
    assert_eq!((applied.added.len(), applied.conflicts), (1, vec![id("a")]));
    assert_eq!(graph.get(key(&graph, "a")).unwrap().title(), "a");
}

#[test]
fn a_member_named_twice_counts_once_as_it_is_named_first() {
    let top = Node::system(id("top"), "top", Rule::All)
        .member(id("a"), Effect::Optional)
        .member(id("b"), Effect::Required)
        .member(id("a"), Effect::Required);
    let mut graph = graph([top.clone(), sensor("a"), sensor("b")]);
    observe(&mut graph, &[("a", Failing), ("b", Passing)], at(1));
    assert_eq!(state(&graph, "top"), Passing);
    assert_eq!(graph.get(key(&graph, "top")).unwrap().children().count(), 2);
    let again = graph.apply("test", blueprint([top, sensor("a"), sensor("b")]), at(2));
    assert_eq!(again, Default::default(), "the same list is no change");
}

#[test]
fn a_sensor_has_no_members() {
    let odd = sensor("odd").member(id("a"), Effect::Required);
    let mut graph = graph([odd, sensor("a")]);
    observe(&mut graph, &[("a", Failing), ("odd", Passing)], at(1));
    assert_eq!(state(&graph, "odd"), Passing);
    assert_eq!(graph.get(key(&graph, "odd")).unwrap().children().count(), 0);
}

#[test]
fn the_edge_that_closes_a_cycle_is_refused_with_the_way() {
    let mut graph = Graph::new();
    let applied = graph.apply("test", links(&[("a", "b"), ("b", "c"), ("c", "a")]), at(0));
    assert_eq!(applied.refused.len(), 1);
    assert_eq!(applied.refused[0].node, id("c"));
    assert_eq!(
        applied.refused[0].path,
        [id("c"), id("a"), id("b"), id("c")]
    );
    assert_eq!(reason(&graph, "c"), Reason::CYCLE);
    let thing = "local/example.com/Thing";
    assert_eq!(
        text(&graph, "c"),
        format!("its members would form a cycle: {thing}/c → {thing}/a → {thing}/b → {thing}/c")
    );
    assert_eq!(graph.roots().map(|n| n.title()).collect::<Vec<_>>(), ["a"]);
    let again = graph.apply("test", links(&[("a", "b"), ("b", "c"), ("c", "a")]), at(1));
    assert_eq!(again, Default::default(), "a refusal is told once");
}

#[test]
fn an_edge_that_was_there_is_never_the_one_refused() {
    let mut graph = Graph::new();
    graph.apply("one", links(&[("c", "a")]), at(0));
    let applied = graph.apply("two", links(&[("a", "b"), ("b", "c")]), at(1));
    let refused: Vec<_> = applied.refused.iter().map(|r| r.node.clone()).collect();
    assert_eq!(refused, [id("b")]);
}

#[test]
fn a_node_that_is_its_own_member_is_a_cycle() {
    let mut graph = Graph::new();
    let applied = graph.apply("test", links(&[("a", "a")]), at(0));
    assert_eq!(applied.refused[0].path, [id("a"), id("a")]);
    assert_eq!(reason(&graph, "a"), Reason::CYCLE);
    graph.apply("test", blueprint([]), at(1));
    assert!(graph.is_empty());
}

#[test]
fn a_refused_edge_counts_once_the_rest_of_its_cycle_is_gone() {
    let mut graph = Graph::new();
    graph.apply("one", links(&[("a", "b")]), at(0));
    graph.apply(
        "two",
        blueprint([system("b", Rule::All, &["a", "x"]), sensor("x")]),
        at(1),
    );
    assert_eq!(reason(&graph, "b"), Reason::CYCLE);
    graph.apply("one", blueprint([sensor("a")]), at(2));
    observe(&mut graph, &[("a", Failing), ("x", Passing)], at(3));
    assert_eq!(
        (state(&graph, "b"), reason(&graph, "b")),
        (Failing, Reason::MEMBERS)
    );
}

#[test]
fn a_ring_of_100_000_nodes_loses_one_edge() {
    let name = |n: usize| format!("n{n}");
    let ring: Vec<_> = (0..100_000)
        .map(|n| system(&name(n), Rule::All, &[&name((n + 1) % 100_000)]))
        .collect();
    let mut graph = Graph::new();
    let applied = graph.apply("test", blueprint(ring), at(0));
    assert_eq!(applied.refused.len(), 1);
    assert_eq!(applied.refused[0].node, id("n99999"));
    assert_eq!(applied.refused[0].path.len(), 100_001);
    assert!(text(&graph, "n99999").ends_with("→ … (99993 more)"));
}

#[test]
fn very_many_cycles_are_refused_within_bounds() {
    // A complete graph in both directions: half of its edges close cycles.
    let names: Vec<String> = (0..150).map(|n| format!("n{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let nodes: Vec<_> = names
        .iter()
        .map(|name| system(name, Rule::All, &names))
        .collect();
    let mut graph = Graph::new();
    let applied = graph.apply("test", blueprint(nodes), at(0));
    assert!(
        applied.refused.len() >= 150 * 151 / 2,
        "{}",
        applied.refused.len()
    );
    let first = &applied.refused[0];
    assert_eq!(
        (&first.path[0], first.path.last()),
        (&first.node, Some(&first.node))
    );
}

#[test]
fn a_chain_of_100_000_systems_works_in_either_order() {
    let name = |n: usize| format!("n{n}");
    let mut chain: Vec<_> = (0..100_000)
        .map(|n| system(&name(n), Rule::All, &[&name(n + 1)]))
        .collect();
    chain.push(sensor(&name(100_000)));
    for reverse in [false, true] {
        let mut nodes = chain.clone();
        if reverse {
            nodes.reverse();
        }
        let mut graph = graph(nodes);
        let told = observe(&mut graph, &[("n100000", Passing)], at(1));
        assert_eq!(told.len(), 100_001);
        assert_eq!(state(&graph, "n0"), Passing);
    }
}

#[test]
fn members_join_and_leave_without_the_list_being_sent_again() {
    let mut graph = graph([system("top", Rule::All, &["a", "b", "c"]), sensor("a")]);
    let join = |name: &str, effect: Effect| Change::Join {
        system: id("top"),
        member: Member {
            id: id(name),
            edge: Edge::from(effect),
        },
    };
    let leave = |name: &str| Change::Leave {
        system: id("top"),
        member: id(name),
    };
    let applied = graph.change("test", [leave("b"), join("d", Effect::Optional)], at(1));
    assert_eq!(applied.changed, [key(&graph, "top")]);
    let titles = |graph: &Graph| -> Vec<String> {
        let top = graph.get(key(graph, "top")).unwrap();
        top.children().map(|(n, _)| n.title().to_owned()).collect()
    };
    assert_eq!(titles(&graph), ["a", "c", "d"]);
    assert_eq!(graph.key(&id("b")), None, "nobody names it any more");
    graph.change("test", [join("d", Effect::Required)], at(1));
    assert_eq!(graph.get(key(&graph, "top")).unwrap().sums().counted, 3);
    let stranger = graph.change("other", [leave("a")], at(2));
    assert_eq!(stranger.conflicts, [id("top")]);
    for n in 0..100 {
        graph.change("test", [join(&format!("x{n}"), Effect::Required)], at(3));
    }
    for n in 0..100 {
        graph.change("test", [leave(&format!("x{n}"))], at(3));
    }
    assert_eq!(titles(&graph), ["a", "c", "d"]);
    observe(&mut graph, &[("a", Failing)], at(4));
    assert_eq!(state(&graph, "top"), Failing);
}

#[test]
fn rules_say_what_they_made_of_their_members() {
    let cases: [(Rule, Option<u32>, &str); 7] = [
        (Rule::All, None, "of 3 members: 1 failing, 1 unknown"),
        (
            Rule::AtLeast(Threshold::Count(2)),
            None,
            "of 3 members: 1 failing, 1 unknown; asks for 2",
        ),
        (
            Rule::AtLeast(Threshold::Percent(100)),
            None,
            "of 3 members: 1 failing, 1 unknown; asks for 100 %",
        ),
        (
            Rule::AtLeast(Threshold::Count(4)),
            None,
            "asks for 4 of 3 members",
        ),
        (
            Rule::Weight(9),
            None,
            "asks for a weight of 9, its members have 3",
        ),
        (Rule::Any, Some(2), "1 of 2 wanted members passing"),
        (Rule::Any, None, ""),
    ];
    for (rule, degraded_below, sentence) in cases {
        let mut top = system("top", rule, &["a", "b", "c"]);
        top.role = alpacalert_model::Role::System {
            rule,
            degraded_below,
        };
        let mut graph = graph([top, sensor("a"), sensor("b"), sensor("c")]);
        observe(&mut graph, &[("a", Passing), ("b", Failing)], at(1));
        assert_eq!(text(&graph, "top"), sentence, "{rule:?}");
    }
    let graph = graph([system("empty", Rule::All, &[])]);
    assert_eq!(
        (text(&graph, "empty").as_str(), state(&graph, "empty")),
        ("nothing to observe", Unknown)
    );
}

#[test]
fn weights_count_only_where_the_rule_weighs() {
    let weighed = |name: &str, rule| {
        Node::system(id(name), name, rule)
            .member(
                id("a"),
                Edge {
                    effect: Effect::Required,
                    weight: 5,
                },
            )
            .member(
                id("b"),
                Edge {
                    effect: Effect::Required,
                    weight: 1,
                },
            )
    };
    let mut graph = graph([
        weighed("two", Rule::AtLeast(Threshold::Count(2))),
        weighed("five", Rule::Weight(5)),
        sensor("a"),
        sensor("b"),
    ]);
    observe(&mut graph, &[("a", Passing), ("b", Failing)], at(1));
    assert_eq!(
        (state(&graph, "two"), state(&graph, "five")),
        (Failing, Passing)
    );
    // Changing the rule changes what the members weigh.
    graph.change(
        "test",
        [Change::Set(weighed("two", Rule::Weight(5)))],
        at(2),
    );
    assert_eq!(state(&graph, "two"), Passing);
}

#[test]
fn the_owner_is_that_of_the_nearest_ancestor_that_names_one() {
    let owned = |node: Node, owner: &str| Node {
        owner: Some(owner.into()),
        ..node
    };
    let graph = graph([
        owned(system("top", Rule::All, &["mid", "queue"]), "apps"),
        system("mid", Rule::All, &["leaf"]),
        owned(system("queue", Rule::All, &["deep"]), "infra"),
        system("deep", Rule::All, &["leaf"]),
        sensor("leaf"),
        sensor("stray"),
    ]);
    let owner = |name: &str| {
        graph
            .get(key(&graph, name))
            .unwrap()
            .owner()
            .map(|o| o.to_string())
    };
    assert_eq!(owner("mid").as_deref(), Some("apps"));
    assert_eq!(owner("deep").as_deref(), Some("infra"));
    assert_eq!(
        owner("leaf").as_deref(),
        Some("apps"),
        "both are two steps away: the first by name"
    );
    assert_eq!(owner("stray"), None);
}

#[test]
fn a_sensors_evidence_is_kept_as_it_was_given() {
    use alpacalert_model::{Limits, Measurement, Unit};
    let mut graph = graph([sensor("disk")]);
    let measured = Measurement::new("free space", 3.0, Unit::Percent);
    let observation =
        Observation::passing(at(1)).measured(measured.against(Limits::below(10.0, 5.0)));
    let update = Update {
        node: key(&graph, "disk"),
        observation: observation.clone(),
        confirmed: Failing,
    };
    graph.observe([update], at(1));
    let status = graph.get(key(&graph, "disk")).unwrap().status();
    assert_eq!((status.state, status.reason), (Failing, Reason::LIMIT));
    assert_eq!(status.messages, observation.messages);
    assert_eq!(status.measurements, observation.measurements);
    assert_ne!(status.state, Degraded);
}
