use std::time::Duration;

use alpacalert_model::{Effect, Rule, ServiceInfo, State};

use super::*;
use crate::{Instrumentor, KindSpec, Secret, SensorConstant, testing};

type Result = std::result::Result<(), InstrumentError>;

fn kind(name: &str) -> Kind {
    format!("example.com/{name}").parse().expect("it is a kind")
}

fn request(name: &str, reference: &str) -> Request {
    Request::local(kind(name), reference)
}

fn passing() -> SensorConstant {
    SensorConstant::from(State::Passing)
}

/// Says that the target is a sensor.
fn leaf(_: &Target, scope: &mut Scope<'_, '_>) -> Result {
    scope.sensor(passing());
    Ok(())
}

/// Adds a part with a sensor.
fn adds(part: &'static str) -> impl Instrumentor {
    move |_: &Target, scope: &mut Scope<'_, '_>| -> Result {
        scope.sensor_part(part, None, part, Effect::Required, passing());
        Ok(())
    }
}

/// Requires things of kinds, each with the target's reference.
fn requires(kinds: &'static [&'static str]) -> impl Instrumentor {
    move |target: &Target, scope: &mut Scope<'_, '_>| -> Result {
        for name in kinds {
            scope.require(request(name, target.id.reference()), Effect::Required);
        }
        Ok(())
    }
}

/// What is built for `example.com/A a`, as text.
fn tree(registry: &Registry) -> String {
    testing::tree(&testing::assemble(registry, [request("A", "a")]))
}

async fn state(registry: &Registry) -> (State, String) {
    let assembly = testing::assemble(registry, [request("A", "a")]);
    let graph = testing::judge(&assembly).await;
    let node = graph
        .get(graph.key(&request("A", "a").id()).expect("there"))
        .expect("there");
    (node.state(), node.status().reason.to_string())
}

#[test]
fn a_thing_with_one_sensor_is_a_leaf() {
    let mut registry = Registry::new();
    registry.register(kind("A"), leaf);
    let assembly = testing::assemble(&registry, [request("A", "a")]);
    assert_eq!(testing::tree(&assembly), "a (example.com/A a)\n");
    assert!(assembly.sensors.contains_key(&request("A", "a").id()));
}

#[test]
fn all_instrumentors_of_a_kind_contribute_in_their_order() {
    let mut registry = Registry::new();
    registry.register(kind("A"), adds("one"));
    registry.register(kind("A"), adds("two"));
    assert_eq!(
        tree(&registry),
        "a (example.com/A a, All)\n  one (example.com/A#one a)\n  two (example.com/A#two a)\n"
    );
}

#[test]
fn a_leaf_that_somebody_adds_to_becomes_a_system_with_the_leaf_first() {
    for leaf_first in [true, false] {
        let mut registry = Registry::new();
        if leaf_first {
            registry.register(kind("A"), leaf);
        }
        registry.register(kind("A"), adds("added"));
        if !leaf_first {
            registry.register(kind("A"), leaf);
        }
        let assembly = testing::assemble(&registry, [request("A", "a")]);
        assert_eq!(
            testing::tree(&assembly),
            "a (example.com/A a, All)\n  a (example.com/A#sensor a)\n  added (example.com/A#added a)\n"
        );
        assert_eq!(assembly.sensors.len(), 2);
    }
}

#[test]
fn two_sensors_of_one_thing_are_both_there() {
    let mut registry = Registry::new();
    registry.register(kind("A"), leaf);
    registry.register(kind("A"), leaf);
    assert_eq!(
        tree(&registry),
        "a (example.com/A a, All)\n  a (example.com/A#sensor a)\n  a (example.com/A#sensor-2 a)\n"
    );
}

#[test]
fn parts_that_are_named_alike_are_all_there() {
    let mut registry = Registry::new();
    registry.register(kind("A"), adds("disk"));
    registry.register(kind("A"), adds("disk"));
    let assembly = testing::assemble(&registry, [request("A", "a")]);
    assert_eq!(
        testing::tree(&assembly),
        "a (example.com/A a, All)\n  disk (example.com/A#disk a)\n  disk (example.com/A#disk-2 a)\n"
    );
    assert_eq!(assembly.sensors.len(), 2);
}

#[test]
fn parts_with_names_that_no_fragment_can_hold_are_parts_all_the_same() {
    let long = "x".repeat(1000);
    let long_kind: Kind = format!("example.com/{}", "k".repeat(500))
        .parse()
        .expect("valid");
    let parts = ["", "a b", "a/b", "größe", &long].map(str::to_owned);
    let adds = move |_: &Target, scope: &mut Scope<'_, '_>| -> Result {
        for part in &parts {
            scope.sensor_part(part, Some("r"), part.as_str(), Effect::Required, passing());
            scope.sensor_part(part, Some("r"), part.as_str(), Effect::Required, passing());
        }
        Ok(())
    };
    let mut registry = Registry::new();
    registry.register(long_kind.clone(), adds);
    let assembly = testing::assemble(&registry, [Request::local(long_kind, "a")]);
    assert_eq!(assembly.sensors.len(), 10);
    assert_eq!(assembly.blueprint.nodes.len(), 11);
}

#[test]
fn a_thing_that_is_required_twice_is_built_once() {
    let mut registry = Registry::new();
    registry.register(kind("A"), requires(&["B", "C"]));
    registry.register(kind("B"), requires(&["D"]));
    registry.register(kind("C"), requires(&["D"]));
    registry.register(kind("D"), leaf);
    let assembly = testing::assemble(&registry, [request("A", "a")]);
    let built = |name| {
        assembly
            .blueprint
            .nodes
            .iter()
            .filter(|n| n.id.kind() == &kind(name))
            .count()
    };
    assert_eq!(["A", "B", "C", "D"].map(built), [1, 1, 1, 1]);
    assert_eq!(
        testing::tree(&assembly),
        "a (example.com/A a, All)
  a (example.com/B a, All)
    a (example.com/D a)
  a (example.com/C a, All)
    a (example.com/D a)
"
    );
}

#[test]
fn a_member_that_is_named_twice_counts_once_and_as_much_as_anybody_says() {
    for (first, second, expected) in [
        (Effect::Optional, Effect::Required, Effect::Required),
        (Effect::Required, Effect::Optional, Effect::Required),
        (Effect::Degrades, Effect::Optional, Effect::Degrades),
        (Effect::Inverted, Effect::Required, Effect::Inverted),
    ] {
        let requires = |effect| {
            move |_: &Target, scope: &mut Scope<'_, '_>| -> Result {
                scope.require(request("B", "b"), effect);
                Ok(())
            }
        };
        let mut registry = Registry::new();
        registry.register(kind("A"), requires(first));
        registry.register(kind("A"), requires(second));
        registry.register(kind("B"), leaf);
        let assembly = testing::assemble(&registry, [request("A", "a")]);
        let node = assembly
            .blueprint
            .nodes
            .iter()
            .find(|n| n.id.kind() == &kind("A"));
        let members = &node.expect("it is built").members;
        assert_eq!(members.len(), 1);
        assert_eq!(members[0].edge.effect, expected, "{first:?} {second:?}");
    }
}

#[tokio::test]
async fn a_thing_that_requires_itself_ends_in_an_edge_that_the_graph_refuses() {
    let mut registry = Registry::new();
    registry.register(kind("A"), requires(&["B"]));
    registry.register(kind("B"), requires(&["A"]));
    let assembly = testing::assemble(&registry, [request("A", "a")]);
    assert_eq!(assembly.blueprint.nodes.len(), 2);
    assert_eq!(state(&registry).await.0, State::Unknown);

    let mut registry = Registry::new();
    registry.register(kind("A"), requires(&["A"]));
    assert_eq!(state(&registry).await, (State::Unknown, "cycle".to_owned()));
}

#[tokio::test]
async fn things_that_require_each_other_without_end_are_cut_at_a_depth() {
    let deeper = |target: &Target, scope: &mut Scope<'_, '_>| -> Result {
        let next = format!("{}x", target.id.reference());
        scope.require(request("A", &next), Effect::Required);
        Ok(())
    };
    let mut registry = Registry::new();
    registry.register(kind("A"), deeper);
    let assembly = testing::assemble(&registry, [request("A", "a")]);
    assert_eq!(assembly.blueprint.nodes.len(), Builder::MAX_DEPTH + 1);
    assert_eq!(assembly.observations.len(), 1);
    let observation = &assembly.observations[0].1;
    assert_eq!(observation.reason.as_str(), "too-deep");
    assert_eq!(
        observation.messages[0].text,
        "things require each other more than 64 levels deep, at the kind `example.com/A`"
    );
    assert_eq!(state(&registry).await.0, State::Unknown);
}

#[test]
fn what_nobody_provides_is_an_unknown_member_with_the_nearest_kind() {
    let mut registry = Registry::new();
    registry.register(kind("A"), requires(&["Storagclass"]));
    registry.register(kind("StorageClass"), leaf);
    let assembly = testing::assemble(&registry, [request("A", "a")]);
    let (id, observation) = &assembly.observations[0];
    assert_eq!(id, &request("Storagclass", "a").id());
    assert_eq!(observation.state, State::Unknown);
    assert_eq!(observation.reason.as_str(), "no-provider");
    assert_eq!(
        observation.messages[0].text,
        "nobody provides the kind `example.com/Storagclass`; did you mean `example.com/StorageClass`?"
    );
}

#[tokio::test]
async fn an_error_or_a_panic_of_one_instrumentor_leaves_the_others() {
    fn fails(_: &Target, scope: &mut Scope<'_, '_>) -> Result {
        scope.sensor_part("before", None, "before", Effect::Required, passing());
        Err(InstrumentError::new("cannot make sense of a"))
    }
    fn panics(_: &Target, _: &mut Scope<'_, '_>) -> Result {
        panic!("at the disco")
    }
    let mut registry = Registry::new();
    registry.register(kind("A"), panics);
    registry.register(kind("A"), leaf);
    registry.register(kind("A"), fails);
    registry.register(kind("A"), adds("after"));
    assert_eq!(
        tree(&registry),
        "a (example.com/A a, All)
  a (example.com/A#sensor a)
  instrumentor (example.com/A#instrumentor a)
  before (example.com/A#before a)
  instrumentor (example.com/A#instrumentor-2 a)
  after (example.com/A#after a)
"
    );
    let assembly = testing::assemble(&registry, [request("A", "a")]);
    let said: Vec<_> = assembly
        .observations
        .iter()
        .map(|(_, o)| (o.state, o.reason.as_str(), &*o.messages[0].text))
        .collect();
    assert_eq!(
        said,
        [
            (
                State::Unknown,
                "not-instrumented",
                "the instrumentor panicked: at the disco"
            ),
            (State::Unknown, "not-instrumented", "cannot make sense of a"),
        ]
    );
    assert_eq!(state(&registry).await.0, State::Unknown);
}

#[tokio::test]
async fn a_thing_about_which_nobody_says_anything_is_unknown() {
    let mut registry = Registry::new();
    registry.register(kind("A"), |_: &Target, _: &mut Scope<'_, '_>| Ok(()));
    let expected = (State::Unknown, "nothing-to-observe".to_owned());
    assert_eq!(state(&registry).await, expected);
}

#[test]
fn the_first_to_say_a_title_an_owner_or_a_rule_counts_and_the_request_before_all() {
    let says = |word: &'static str, rule| {
        move |_: &Target, scope: &mut Scope<'_, '_>| -> Result {
            scope.title(word);
            scope.owner(word);
            scope.rule(rule, None);
            scope.service(ServiceInfo {
                public: word == "first",
            });
            Ok(())
        }
    };
    let mut registry = Registry::new();
    registry.register(kind("A"), says("first", Rule::Any));
    registry.register(kind("A"), says("second", Rule::All));
    let node = |request| {
        testing::assemble(&registry, [request])
            .blueprint
            .nodes
            .remove(0)
    };
    let built = node(request("A", "a"));
    assert_eq!(
        (&*built.title, built.owner.as_deref()),
        ("first", Some("first"))
    );
    assert_eq!(
        built.role,
        alpacalert_model::Role::System {
            rule: Rule::Any,
            degraded_below: None
        }
    );
    assert_eq!(built.service, Some(ServiceInfo { public: true }));
    let built = node(Request {
        title: Some("asked".into()),
        owner: Some("me".into()),
        ..request("A", "a")
    });
    assert_eq!(
        (&*built.title, built.owner.as_deref()),
        ("asked", Some("me"))
    );
}

#[test]
fn schedules_are_the_requests_then_the_kinds_then_the_instrumentors_then_the_defaults() {
    let every = |seconds| ScheduleOverrides {
        interval: Some(Duration::from_secs(seconds)),
        ..Default::default()
    };
    let slow = move |_: &Target, scope: &mut Scope<'_, '_>| -> Result {
        scope.schedule(ScheduleOverrides {
            retries: Some(4),
            ..every(300)
        });
        scope.sensor_part("slow", None, "slow", Effect::Required, passing());
        Ok(())
    };
    let intervals = |spec: ScheduleOverrides, asked: ScheduleOverrides| {
        let mut registry = Registry::new();
        let mut described = KindSpec::new(kind("A"), "a thing");
        described.schedule = spec;
        registry.register_kind(described, slow);
        registry.register(kind("A"), adds("usual"));
        let asked = Request {
            schedule: asked,
            ..request("A", "a")
        };
        let snapshots = Snapshots::new();
        let mut builder = Builder::new(&registry, &snapshots, every(45), testing::NOW);
        builder.instrument(asked).expect("it is registered");
        let assembly = builder.finish();
        ["slow", "usual"].map(|part| {
            let id = NodeId::new("local", kind(&format!("A#{part}")), "a");
            let schedule = &assembly.sensors[&id].schedule;
            (schedule.interval.as_secs(), schedule.retries)
        })
    };
    let none = ScheduleOverrides::default();
    // What the first instrumentor says about its sensors does not touch the second one's.
    assert_eq!(intervals(none, none), [(300, 4), (45, 0)]);
    assert_eq!(intervals(every(60), none), [(60, 4), (60, 0)]);
    assert_eq!(intervals(every(60), every(5)), [(5, 4), (5, 0)]);
}

#[test]
fn placeholders_are_the_usual_ones_and_those_of_the_request() {
    let fields = std::sync::Mutex::new(None);
    let fields = Arc::new(fields);
    let seen = fields.clone();
    let mut registry = Registry::new();
    registry.register(
        kind("A"),
        move |target: &Target, _: &mut Scope<'_, '_>| -> Result {
            *seen.lock().expect("nobody panicked") = Some(target.fields.clone());
            Ok(())
        },
    );
    let mut asked = request("A", "shop/cart-0");
    asked.fields.insert("name".to_owned(), "cart-0".to_owned());
    asked
        .fields
        .insert("namespace".to_owned(), "shop".to_owned());
    testing::assemble(&registry, [asked]);
    let fields = fields
        .lock()
        .expect("nobody panicked")
        .take()
        .expect("it was asked");
    let fields: Vec<(&str, &str)> = fields
        .iter()
        .map(|(k, v)| (k.as_str(), v.as_str()))
        .collect();
    assert_eq!(
        fields,
        [
            ("kind", "example.com/A"),
            ("name", "cart-0"),
            ("namespace", "shop"),
            ("reference", "shop/cart-0"),
            ("source", "local"),
        ]
    );
}

#[test]
fn an_object_of_a_source_has_what_users_add_to_its_kind() {
    let mut registry = Registry::new();
    registry.register(kind("A"), adds("added"));
    let object = |registry: &Registry| {
        let assembly = testing::assemble_with(registry, &Snapshots::new(), |builder| {
            let describe = |_: &Target, scope: &mut Scope<'_, '_>| {
                scope.observed(Observation::passing(testing::NOW));
                Ok(())
            };
            let id = builder.object(request("A", "a"), describe);
            assert_eq!(id, Ok(request("A", "a").id()));
        });
        testing::tree(&assembly)
    };
    assert_eq!(
        object(&registry),
        "a (example.com/A a, All)\n  a (example.com/A#sensor a)\n  added (example.com/A#added a)\n"
    );
    assert_eq!(object(&Registry::new()), "a (example.com/A a)\n");
}

#[test]
fn a_snapshot_is_that_of_the_targets_source() {
    let mut registry = Registry::new();
    registry.register(kind("A"), |_: &Target, scope: &mut Scope<'_, '_>| {
        let title = match (scope.snapshot::<u32>(), scope.snapshot::<String>()) {
            (None, Some(text)) => text.as_str(),
            _ => "nothing",
        };
        scope.title(title);
        Ok(())
    });
    let snapshots = Snapshots::from([("prod".into(), Snapshot::new("hello".to_owned()))]);
    let title = |source: &str| {
        let asked = Request::from_source(source, kind("A"), "a");
        let assembly = testing::assemble_with(&registry, &snapshots, |builder| {
            builder.instrument(asked).expect("it is registered");
        });
        assembly.blueprint.nodes[0].title.to_string()
    };
    assert_eq!(title("prod"), "hello");
    assert_eq!(title("test"), "nothing");
}

#[test]
fn what_instrumentors_and_sources_say_is_bounded_and_has_no_secrets() {
    let secret = Secret::unresolved("${env:PW}").resolved(
        "hunter2".to_owned(),
        vec![("${env:PW}".to_owned(), "hunter2".to_owned())],
    );
    let redactor = Redactor::new(&[secret]);
    let mut registry = Registry::new();
    registry.register(kind("A"), |_: &Target, scope: &mut Scope<'_, '_>| {
        scope.title("evil\u{1b}[2J\ntitle");
        let long = "x".repeat(100_000);
        let observation = Observation::failing(Reason::LIMIT, "\u{1b}[31mhunter2", Timestamp::MAX);
        let observation = observation.message(alpacalert_model::Severity::Info, long);
        scope.observed(observation.clone());
        scope.observed_part("p", None, "p\u{202e}", Effect::Required, observation);
        Err(InstrumentError::new("cannot log in with hunter2\u{7}"))
    });
    let snapshots = Snapshots::new();
    let mut builder = Builder::new(&registry, &snapshots, Default::default(), testing::NOW)
        .with_redactor(&redactor);
    builder
        .instrument(request("A", "a"))
        .expect("it is registered");
    let assembly = builder.finish();
    assert_eq!(assembly.observations.len(), 3);
    let text = format!("{assembly:?}");
    assert!(!text.contains("hunter2"), "{text}");
    assert!(text.len() < 20_000);
    for node in &assembly.blueprint.nodes {
        assert!(!node.title.contains(char::is_control), "{:?}", node.title);
        assert!(!node.title.contains('\u{202e}'), "{:?}", node.title);
    }
    for (_, observation) in &assembly.observations {
        assert!(observation.at <= testing::NOW);
        assert!(
            !observation
                .messages
                .iter()
                .any(|m| m.text.contains(char::is_control))
        );
    }
}

#[test]
fn a_plan_of_measurements_does_not_show_its_sensors() {
    let mut registry = Registry::new();
    registry.register(kind("A"), leaf);
    let assembly = testing::assemble(&registry, [request("A", "a")]);
    assert!(!format!("{assembly:?}").contains("SensorConstant"));
}

#[test]
fn a_question_is_not_extended_and_what_it_asks_for_is() {
    let mut registry = Registry::new();
    registry.register(
        kind("A"),
        |target: &Target, scope: &mut Scope<'_, '_>| -> Result {
            if **target.id.reference() == *"a" {
                scope.only_asks();
                scope.require(request("A", "thing"), Effect::Required);
                return Ok(());
            }
            leaf(target, scope)
        },
    );
    registry.register(kind("A"), adds("extra"));
    let tree = tree(&registry);
    let extra = tree.lines().filter(|line| line.contains("#extra"));
    let of_things = extra.filter(|line| line.contains(" thing"));
    assert_eq!(of_things.count(), 1, "{tree}");
    assert!(!tree.contains("A#extra a"), "{tree}");
}

#[test]
fn of_few_and_of_many_members_each_is_one_with_its_strongest_edge() {
    for count in [1, 8, 9, 10, 40] {
        let mut registry = Registry::new();
        registry.register(
            kind("A"),
            move |_: &Target, scope: &mut Scope<'_, '_>| -> Result {
                let id = |n| NodeId::new("local", kind("B"), format!("{n}"));
                for n in 0..count {
                    scope.member(id(n), Effect::Optional);
                }
                for n in (0..count).rev() {
                    scope.member(id(n), Effect::Required);
                }
                Ok(())
            },
        );
        let assembly = testing::assemble(&registry, [request("A", "a")]);
        let nodes = &assembly.blueprint.nodes;
        let members: Vec<(String, Effect)> = nodes[0]
            .members
            .iter()
            .map(|member| (member.id.reference().to_string(), member.edge.effect))
            .collect();
        let expected: Vec<(String, Effect)> = (0..count)
            .map(|n| (n.to_string(), Effect::Required))
            .collect();
        assert_eq!(members, expected, "{count} members");
    }
}

#[test]
fn placeholders_that_the_identity_tells_stand_between_those_of_the_request_and_the_usual_ones() {
    fn tell(id: &NodeId) -> BTreeMap<String, String> {
        let (namespace, name) = id.reference().split_once('/').expect("two parts");
        let told = [("namespace", namespace), ("name", name), ("team", "told")];
        told.map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into()
    }
    let seen = Arc::new(std::sync::Mutex::new(String::new()));
    let writes = seen.clone();
    let mut registry = Registry::new();
    registry.register(
        kind("A"),
        move |target: &Target, _: &mut Scope<'_, '_>| -> Result {
            let fields = target.fields.iter();
            let written: Vec<String> = fields.map(|(k, v)| format!("{k}={v}")).collect();
            *writes.lock().expect("nobody panicked") = written.join(" ");
            Ok(())
        },
    );
    let mut asked = request("A", "shop/cart-0");
    asked.told_by_id = Some(tell);
    asked.fields.insert("team".to_owned(), "said".to_owned());
    testing::assemble(&registry, [asked]);
    assert_eq!(
        *seen.lock().expect("nobody panicked"),
        "kind=example.com/A name=cart-0 namespace=shop reference=shop/cart-0 source=local team=said"
    );
}
