//! The truth tables of the documentation, made by the rules themselves, and the laws that they keep.

use std::fmt::Write as _;

use alpacalert_model::{Edge, Effect, Rule, State, Threshold};
use proptest::prelude::*;

use crate::incremental::{any_edge, any_rule, any_state};
use crate::oracle;
use crate::support::{at, cases, graph, id, key, observe, sensor};

use State::{Failing, Passing, Unknown};

/// What a system in a graph makes of members in these states.
fn judge(rule: Rule, degraded_below: Option<u32>, members: &[(State, Edge)]) -> State {
    let mut top = alpacalert_model::Node::system(id("top"), "top", rule);
    top.role = alpacalert_model::Role::System {
        rule,
        degraded_below,
    };
    let names: Vec<String> = (0..members.len()).map(|n| format!("m{n}")).collect();
    let mut nodes = vec![];
    let mut states = vec![];
    for (name, (state, edge)) in names.iter().zip(members) {
        top = top.member(id(name), *edge);
        nodes.push(sensor(name));
        states.push((name.as_str(), *state));
    }
    nodes.push(top);
    let mut graph = graph(nodes);
    observe(&mut graph, &states, at(1));
    let node = graph.get(key(&graph, "top")).expect("live");
    node.state()
}

fn required(states: &[State]) -> Vec<(State, Edge)> {
    states
        .iter()
        .map(|state| (*state, Edge::default()))
        .collect()
}

/// All multisets of so many states, from best to worst.
fn combinations(size: usize) -> Vec<Vec<State>> {
    let mut all = vec![vec![]];
    for _ in 0..size {
        let longer = all.iter().flat_map(|some: &Vec<State>| {
            let from = some.last().map_or(0, |state| state.index());
            State::ALL[from..].iter().map(|state| {
                let mut more = some.clone();
                more.push(*state);
                more
            })
        });
        all = longer.collect();
    }
    all
}

fn word(state: State) -> &'static str {
    match state {
        Passing => "**passing**",
        State::Degraded => "degraded",
        Unknown => "unknown",
        Failing => "*failing*",
    }
}

fn row(out: &mut String, cells: impl IntoIterator<Item = String>) {
    let cells: Vec<String> = cells.into_iter().collect();
    writeln!(out, "| {} |", cells.join(" | ")).expect("a string");
}

fn head(out: &mut String, cells: &[&str]) {
    row(out, cells.iter().map(|cell| (*cell).to_owned()));
    row(out, cells.iter().map(|_| "---".to_owned()));
}

const RULES: [(&str, Rule, Option<u32>); 8] = [
    ("`all`", Rule::All, None),
    ("`any`", Rule::Any, None),
    ("`at_least: 2`", Rule::AtLeast(Threshold::Count(2)), None),
    (
        "`at_least: 50%`",
        Rule::AtLeast(Threshold::Percent(50)),
        None,
    ),
    ("`exactly: 1`", Rule::Exactly(1), None),
    ("`exactly: 2`", Rule::Exactly(2), None),
    ("`any`, `degraded_below: 2`", Rule::Any, Some(2)),
    ("`at_least: 4`", Rule::AtLeast(Threshold::Count(4)), None),
];

fn write_reference() -> String {
    let mut out = String::from(
        "<!-- Made by the tests of alpacalert-model: UPDATE_REFERENCE=1 cargo test -p alpacalert-model reference -->\n\
         # The algebra of health: truth tables\n\n\
         States from best to worst: passing, degraded, unknown, failing. What a system is follows from what its members\n\
         contribute, whatever their order; these tables are what the program itself answered.\n\n\
         ## What a member contributes\n\n",
    );
    let states = State::ALL.map(State::as_str);
    head(&mut out, &[&["edge"][..], &states].concat());
    for effect in Effect::ALL {
        let cells = State::ALL.map(|state| match effect.contribution(state) {
            Some(state) => word(state).to_owned(),
            None => "not counted".to_owned(),
        });
        row(
            &mut out,
            std::iter::once(format!("`{}`", effect.as_str())).chain(cells),
        );
    }
    out.push_str("\n## Two members\n\n");
    out.push_str("The original Python tool's `&` is `all`, and its `|` is `any`.\n\n");
    tables(&mut out, 2);
    out.push_str("\n## Three members\n\n");
    tables(&mut out, 3);
    weights(&mut out);
    edges(&mut out);
    special(&mut out);
    out
}

fn tables(out: &mut String, size: usize) {
    let names = RULES.map(|(name, ..)| name);
    head(out, &[&["members contribute"][..], &names].concat());
    for states in combinations(size) {
        let names: Vec<&str> = states.iter().map(|state| state.as_str()).collect();
        let cells =
            RULES.map(|(_, rule, margin)| word(judge(rule, margin, &required(&states))).to_owned());
        row(out, std::iter::once(names.join(", ")).chain(cells));
    }
}

fn weights(out: &mut String) {
    out.push_str("\n## Weights\n\nThree members that weigh 3, 2 and 1.\n\n");
    let wanted = [1, 3, 4, 6, 7];
    let names = wanted.map(|weight| format!("`at_least: {weight}`"));
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    head(out, &[&["3", "2", "1"][..], &names].concat());
    for code in 0..27 {
        let few = [Passing, Unknown, Failing];
        let states = [few[code / 9], few[code / 3 % 3], few[code % 3]];
        let members: Vec<(State, Edge)> = states
            .iter()
            .zip([3, 2, 1])
            .map(|(state, weight)| {
                (
                    *state,
                    Edge {
                        effect: Effect::Required,
                        weight,
                    },
                )
            })
            .collect();
        let results =
            wanted.map(|weight| word(judge(Rule::Weight(weight), None, &members)).to_owned());
        let states = states.map(|state| state.to_string());
        row(out, states.into_iter().chain(results));
    }
}

fn edges(out: &mut String) {
    out.push_str("\n## One required member beside one of each sort\n\nUnder `all`.\n\n");
    let names = Effect::ALL.map(|effect| format!("`{}`", effect.as_str()));
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    head(
        out,
        &[&["`required` member", "other member"][..], &names].concat(),
    );
    for first in State::ALL {
        for second in State::ALL {
            let results = Effect::ALL.map(|effect| {
                let members = [(first, Edge::default()), (second, Edge::from(effect))];
                word(judge(Rule::All, None, &members)).to_owned()
            });
            row(
                out,
                [first.to_string(), second.to_string()]
                    .into_iter()
                    .chain(results),
            );
        }
    }
}

fn special(out: &mut String) {
    out.push_str("\n## Edges of the rules\n\n");
    head(out, &["case", "state"]);
    let optional = [(Failing, Edge::from(Effect::Optional))];
    let cases = [
        ("no members at all", judge(Rule::All, None, &[])),
        (
            "only `optional` members, one failing",
            judge(Rule::All, None, &optional),
        ),
        (
            "`at_least: 3` of two passing members",
            judge(
                Rule::AtLeast(Threshold::Count(3)),
                None,
                &required(&[Passing, Passing]),
            ),
        ),
        (
            "`at_least: 0` of one failing member",
            judge(
                Rule::AtLeast(Threshold::Count(0)),
                None,
                &required(&[Failing]),
            ),
        ),
        (
            "`exactly: 1` of one passing and one unknown member",
            judge(Rule::Exactly(1), None, &required(&[Passing, Unknown])),
        ),
        (
            "`exactly: 0` of one failing member",
            judge(Rule::Exactly(0), None, &required(&[Failing])),
        ),
    ];
    for (case, state) in cases {
        row(out, [case.to_owned(), word(state).to_owned()]);
    }
}

#[test]
fn the_reference_is_what_the_program_answers() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/reference/algebra.md"
    );
    let text = write_reference();
    if std::env::var_os("UPDATE_REFERENCE").is_some() {
        std::fs::create_dir_all(std::path::Path::new(path).parent().expect("a folder"))
            .and_then(|()| std::fs::write(path, &text))
            .expect("the reference can be written");
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        found == text,
        "docs/reference/algebra.md is out of date; write it with UPDATE_REFERENCE=1 cargo test -p alpacalert-model reference"
    );
}

#[test]
fn every_rule_judges_as_the_text_says_for_all_states_and_edges() {
    let mut rules: Vec<Rule> = vec![Rule::All, Rule::Any];
    rules.extend((0..5).map(|n| Rule::AtLeast(Threshold::Count(n))));
    rules.extend([0, 1, 33, 34, 50, 66, 67, 99, 100].map(|p| Rule::AtLeast(Threshold::Percent(p))));
    rules.extend((0..8).map(Rule::Weight));
    rules.extend((0..5).map(Rule::Exactly));
    let mut members: Vec<(State, Edge)> = vec![];
    for effect in Effect::ALL {
        members.extend(State::ALL.map(|state| (state, Edge { effect, weight: 1 })));
        members.extend(State::ALL.map(|state| (state, Edge { effect, weight: 3 })));
    }
    let mut groups: Vec<Vec<(State, Edge)>> = vec![vec![]];
    groups.extend(members.iter().map(|one| vec![*one]));
    for one in &members {
        groups.extend(members.iter().map(|two| vec![*one, *two]));
    }
    groups.extend(combinations(3).iter().map(|states| required(states)));
    for rule in rules {
        for degraded_below in [None, Some(1), Some(2), Some(3)] {
            for group in &groups {
                let mut sums = alpacalert_model::Sums::default();
                for (state, edge) in group {
                    sums.members += 1;
                    if let Some(state) = edge.effect.contribution(*state) {
                        let weight = if let Rule::Weight(_) = rule {
                            edge.weight
                        } else {
                            1
                        };
                        sums.counted += 1;
                        sums.passing += u32::from(state == Passing);
                        sums.weight[state.index()] += u64::from(weight);
                    }
                }
                let expected = oracle::judge(rule, degraded_below, group);
                let found = rule.judge(&sums, degraded_below).state;
                assert_eq!(found, expected, "{rule:?} {degraded_below:?} {group:?}");
            }
        }
    }
}

#[test]
fn the_original_tools_and_and_or_are_all_and_any() {
    // From alpacalert 0.1.2, `State.__and__` and `State.__or__`.
    let table = [
        (Passing, Passing, Passing, Passing),
        (Passing, Unknown, Unknown, Passing),
        (Passing, Failing, Failing, Passing),
        (Unknown, Passing, Unknown, Passing),
        (Unknown, Unknown, Unknown, Unknown),
        (Unknown, Failing, Failing, Unknown),
        (Failing, Passing, Failing, Passing),
        (Failing, Unknown, Failing, Unknown),
        (Failing, Failing, Failing, Failing),
    ];
    for (a, b, and, or) in table {
        assert_eq!(judge(Rule::All, None, &required(&[a, b])), and, "{a} & {b}");
        assert_eq!(judge(Rule::Any, None, &required(&[a, b])), or, "{a} | {b}");
    }
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn no_member_getting_better_makes_a_system_worse(
        rule in any_rule(),
        degraded_below in prop::option::of(0..4u32),
        members in prop::collection::vec((any_state(), any_edge()), 1..7),
        at in any::<prop::sample::Index>(),
        better in any_state(),
    ) {
        prop_assume!(!matches!(rule, Rule::Exactly(_)));
        let mut members = members;
        for (_, edge) in &mut members {
            if edge.effect == Effect::Inverted {
                edge.effect = Effect::Degrades;
            }
        }
        let before = judge(rule, degraded_below, &members);
        let member = at.index(members.len());
        members[member].0 = members[member].0.min(better);
        prop_assert!(judge(rule, degraded_below, &members) <= before);
    }

    #[test]
    fn the_order_of_members_does_not_matter(
        rule in any_rule(),
        degraded_below in prop::option::of(0..4u32),
        members in prop::collection::vec((any_state(), any_edge()), 0..7),
        seed in any::<u64>(),
    ) {
        let mut other = members.clone();
        fastrand::Rng::with_seed(seed).shuffle(&mut other);
        prop_assert_eq!(judge(rule, degraded_below, &members), judge(rule, degraded_below, &other));
    }
}
