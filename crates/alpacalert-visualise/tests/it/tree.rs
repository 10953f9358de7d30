//! The console tree.

use alpacalert_model::{Edge, Effect, Graph, Mark, Observation, Reason, Rule, State, Threshold};
use alpacalert_visualise::{Look, TreeOptions, shown_width, tree};
use insta::assert_snapshot;

use crate::world::{HOSTILE, World, broke, disk, hostile, id, now, reports, view};

fn shown(graph: &Graph) -> String {
    with(graph, TreeOptions::default())
}

fn with(graph: &Graph, options: TreeOptions) -> String {
    tree(&view(graph), &options, Look::default())
}

#[test]
fn another_teams_queue_is_shown_as_theirs_with_their_words() {
    let text = shown(&reports().graph());
    assert!(
        text.starts_with(
            "✕ Generating reports is failing since 10:02: not ours. \
             Message queue (infrastructure team): queue `reports` is missing"
        ),
        "{text}"
    );
    assert!(
        !text.contains("Message queue is failing"),
        "said twice: {text}"
    );
    assert_snapshot!(text);
}

#[test]
fn when_all_is_well_one_line_says_so() {
    let mut world = World::default();
    world.service("Viewing reports", &["a", "b"]);
    world.service("Generating reports", &["b", "disk"]).owner = Some("reports-team".into());
    world.system("spare", Rule::Any, &["c"]);
    world.passing(&["a", "b", "c"]);
    world.sensor("disk", disk(42.0));
    assert_snapshot!(shown(&world.graph()));
}

#[test]
fn nothing_to_observe_is_unknown() {
    assert_snapshot!(shown(&Graph::new()), @"? nothing to observe");
}

#[test]
fn all_unfolds_everything_and_depth_limits_it() {
    let graph = reports().graph();
    assert_snapshot!(
        "all",
        with(
            &graph,
            TreeOptions {
                all: true,
                ..TreeOptions::default()
            }
        )
    );
    assert_snapshot!(
        "all_depth_1",
        with(
            &graph,
            TreeOptions {
                all: true,
                depth: Some(1),
                ..TreeOptions::default()
            }
        )
    );
    assert_snapshot!(
        "depth_1",
        with(
            &graph,
            TreeOptions {
                depth: Some(1),
                ..TreeOptions::default()
            }
        )
    );
}

#[test]
fn only_failing_shows_failing_nodes_and_the_way_to_them() {
    let mut world = reports();
    world.sensor(
        "slow",
        Observation::new(State::Degraded, Reason::LIMIT, broke()),
    );
    let options = TreeOptions {
        only: vec![State::Failing],
        ..TreeOptions::default()
    };
    let text = with(&world.graph(), options);
    assert!(!text.contains("├─ ▲ slow"), "{text}");
    assert_snapshot!(text);
}

#[test]
fn shared_nodes_are_unfolded_once() {
    let mut world = World::default();
    world.service("first", &["shared"]);
    world.service("second", &["shared"]);
    world.system("shared", Rule::All, &["x", "y"]);
    world.failing("x", "broken");
    world.passing(&["y"]);
    let text = shown(&world.graph());
    assert_eq!(text.matches("(seen above)").count(), 1, "{text}");
    assert_snapshot!(text);
}

#[test]
fn what_a_passing_system_tolerates_is_named() {
    let mut world = World::default();
    world.service("pair", &["databases", "z"]);
    world.system("databases", Rule::Any, &["db 1", "db 2"]);
    world.passing(&["db 1", "z"]);
    world.failing("db 2", "connection refused");
    assert_snapshot!(shown(&world.graph()));
}

#[test]
fn edges_say_how_they_count() {
    let mut world = World::default();
    world.passing(&["standby active"]);
    world.failing("search", "connection refused");
    world.failing("cosmetics", "ugly");
    world.failing("heavy", "gone");
    let node = world.service("shop", &[]);
    for (name, effect, weight) in [
        ("cosmetics", Effect::Optional, 1),
        ("search", Effect::Degrades, 1),
        ("standby active", Effect::Inverted, 1),
        ("heavy", Effect::Required, 3),
    ] {
        *node = node.clone().member(id(name), Edge { effect, weight });
    }
    assert_snapshot!(shown(&world.graph()));
}

#[test]
fn rules_say_what_they_asked_for() {
    let mut world = World::default();
    world.passing(&["p"]);
    world.failing("f", "broken");
    world.failing("g", "broken");
    let two = Threshold::Count(2);
    world.system("at least", Rule::AtLeast(two), &["p", "f", "g"]);
    world.system(
        "share",
        Rule::AtLeast(Threshold::Percent(60)),
        &["p", "f", "g"],
    );
    world.system("any", Rule::Any, &["f", "g"]);
    world.system("exactly", Rule::Exactly(2), &["p", "f"]);
    world.system("weight", Rule::Weight(2), &["p", "f"]);
    world.system("too few", Rule::AtLeast(two), &["p"]);
    world.system("empty", Rule::All, &[]);
    assert_snapshot!(shown(&world.graph()));
}

#[test]
fn values_stand_beside_their_limits_and_unmeasured_is_unknown() {
    let mut world = World::default();
    world.system(
        "host web-1",
        Rule::All,
        &["disk /", "disk /srv", "never", "gone"],
    );
    world.sensor("disk /", disk(3.0));
    world.sensor("disk /srv", disk(12.0));
    world.unmeasured("never");
    assert_snapshot!(shown(&world.graph()));
}

#[test]
fn marks_and_pending_confirmations_are_tags() {
    let mut world = World::default();
    world.service("shop", &["flaky", "new", "known"]);
    world.failing("flaky", "reset");
    world.failing("new", "connection refused");
    world.passing(&["known"]);
    world.confirmed("new", State::Passing);
    world.mark("flaky", Mark::Flapping);
    world.mark("flaky", Mark::Acknowledged);
    world.planned("known", "2026-11-22T12:00:00Z", "move to\nthe new rack");
    assert_snapshot!(shown(&world.graph()));
}

#[test]
fn messages_of_several_lines_are_shown_below() {
    let mut world = World::default();
    world.system("plugins", Rule::All, &["check_raid", "check_ntp"]);
    world.failing(
        "check_raid",
        "RAID CRITICAL\narray md0 degraded\ndisk sdb missing\nrebuild 3 %\nmore\nand more",
    );
    world.failing("check_ntp", "offset 12 s");
    assert_snapshot!(shown(&world.graph()));
}

#[test]
fn many_members_are_counted_beyond_a_screen() {
    let mut world = World::default();
    let names: Vec<String> = (0..500).map(|n| format!("target {n:03}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    world.system("targets", Rule::All, &names);
    for (nth, name) in names.iter().enumerate() {
        if nth % 5 == 0 {
            world.passing(&[name]);
        } else {
            world.failing(name, "connection refused");
        }
    }
    let graph = world.graph();
    let text = shown(&graph);
    assert!(text.lines().count() < 40, "{text}");
    assert!(
        text.contains("└─ … 380 more failing, 100 passing"),
        "{text}"
    );
    let everything = with(
        &graph,
        TreeOptions {
            all: true,
            ..TreeOptions::default()
        },
    );
    assert!(everything.lines().count() > 500);
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    let mut world = reports();
    world.failing(
        "a target with a very long name, and 監視 in it",
        "the answer was something very long that goes on and on until it does not fit the line any more",
    );
    world.system("outer", Rule::All, &["middle"]);
    world.system("middle", Rule::All, &["inner"]);
    world.system(
        "inner",
        Rule::All,
        &["a target with a very long name, and 監視 in it"],
    );
    let graph = world.graph();
    for width in [40, 60, 80, 100] {
        let look = Look {
            width: Some(width),
            ..Look::default()
        };
        let text = tree(&view(&graph), &TreeOptions::default(), look);
        for line in text.lines() {
            assert!(shown_width(line) <= width, "{width}: {line}");
        }
    }
    let look = Look {
        width: Some(60),
        ..Look::default()
    };
    assert_snapshot!(tree(&view(&graph), &TreeOptions::default(), look));
}

#[test]
fn ascii_is_ascii_and_says_the_same() {
    let look = Look {
        ascii: true,
        ..Look::default()
    };
    let text = tree(&view(&reports().graph()), &TreeOptions::default(), look);
    assert!(text.is_ascii(), "{text}");
    assert_snapshot!(text);
}

#[test]
fn colours_add_nothing_but_colour() {
    let graph = reports().graph();
    let colored = tree(
        &view(&graph),
        &TreeOptions::default(),
        Look {
            color: true,
            ..Look::default()
        },
    );
    assert!(colored.contains("\u{1b}[1m\u{1b}[31m✕"), "{colored:?}");
    let mut plain = String::new();
    let mut rest = colored.as_str();
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        plain.push_str(before);
        rest = after.split_once('m').unwrap().1;
    }
    plain.push_str(rest);
    assert_eq!(plain, shown(&graph));
}

#[test]
fn nothing_from_outside_reaches_the_terminal_as_a_command() {
    assert!(HOSTILE.contains('\u{1b}'));
    let graph = hostile();
    let all = TreeOptions {
        all: true,
        ..TreeOptions::default()
    };
    let text = tree(&view(&graph), &all, Look::default());
    assert!(text.contains("監視"));
    for c in text.chars() {
        assert!(!c.is_control() || c == '\n', "{c:?} in {text:?}");
        assert!(c != '\u{202e}');
    }
}

#[test]
fn what_has_just_been_seen_for_the_first_time_has_no_since() {
    let graph = reports().graph();
    let mut view = view(&graph);
    view.began = Some(broke());
    let text = tree(&view, &TreeOptions::default(), Look::default());
    assert!(!text.contains("since"), "{text}");
    view.began = Some(now());
    assert!(tree(&view, &TreeOptions::default(), Look::default()).contains("since 10:02 (4 min)"));
}
