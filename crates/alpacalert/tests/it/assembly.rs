//! From a plan to a graph, and what is said when that cannot be.

use alpacalert::config::{ExtensionPlan, MemberTarget, Plan, SourcePlan};
use alpacalert::instrument::{
    Class, Field, KindSpec, Params, Registry, Request, ScheduleOverrides, Scope, SensorConstant,
    Shape, Target,
};
use alpacalert::model::{Kind, NodeId, State};
use alpacalert::{Monitor, Settings};

use crate::world::{Does, KIND, Listing, World, group, member, probe, read, service};

fn other() -> NodeId {
    NodeId::new("local", Kind::of("alpacalert.io/System"), "queue")
}

#[test]
fn every_problem_is_told_at_once() {
    let mut plan = Plan::new("test");
    for name in ["a", "a", "local"] {
        plan.sources.push(SourcePlan {
            name: name.into(),
            provider: "tets".into(),
            params: Params::new(),
            schedule: ScheduleOverrides::default(),
            owner: None,
        });
    }
    let mut shop = group(service());
    let unknown = Request::local(Kind::of("example.org/Prob"), "x");
    shop.members = vec![
        member(MemberTarget::Node(other())),
        member(MemberTarget::Request(Box::new(unknown))),
        member(MemberTarget::Found {
            source: "b".into(),
            path: vec!["*".into()],
        }),
    ];
    plan.groups = vec![shop.clone(), shop];
    plan.extensions.push(ExtensionPlan {
        kind: Kind::of(KIND),
        members: vec![member(MemberTarget::Request(Box::new(Request::local(
            Kind::of(KIND),
            "x",
        ))))],
    });
    let error = Monitor::build(&plan, World::new().registry(), Settings::default()).unwrap_err();
    let lines = error.to_string();
    for said in [
        "source a: nobody provides `tets`; did you mean `test`?",
        "source a: this name is taken already",
        "source local: this name is taken already",
        "local/alpacalert.io/Service/shop: there are two of this name",
        "there is no `queue`",
        "nobody provides the kind `example.org/Prob`; did you mean `example.org/Probe`?",
        "there is no source `b`",
        "extend example.org/Probe: things of the kind `example.org/Probe` cannot be added",
    ] {
        assert!(lines.contains(said), "`{said}` is not in:\n{lines}");
    }
}

fn described(word: &'static str) -> KindSpec {
    let mut spec = KindSpec::new(Kind::of("example.org/Added"), "a thing that is added");
    spec.alias = Some(word);
    spec.fields = vec![Field::required("url", Shape::Text, "where")];
    spec.reference = &["url"];
    spec
}

fn with_added(mut registry: Registry) -> Registry {
    registry.register_kind(
        described("added"),
        |_: &Target, scope: &mut Scope<'_, '_>| {
            scope.sensor(SensorConstant::from(State::Failing));
            Ok(())
        },
    );
    registry
}

fn extended(url: &str) -> World {
    let mut world = World::new();
    world.sensor("web", Class::Local, ScheduleOverrides::default(), |_| {
        Does::Says(State::Passing)
    });
    let request = Request::local(Kind::of("example.org/Added"), "placeholder")
        .with_params(Params::new().with_text("url", url));
    world.plan.extensions.push(ExtensionPlan {
        kind: Kind::of(KIND),
        members: vec![member(MemberTarget::Request(Box::new(request)))],
    });
    world
}

#[tokio::test(start_paused = true)]
async fn what_is_added_to_a_kind_appears_at_each_thing_of_it_with_its_fields() {
    let world = extended("http://{name}.example.org");
    let monitor = Monitor::build(
        &world.plan,
        with_added(world.registry()),
        world.settings.clone(),
    );
    let checked = monitor.unwrap().check(|_| {}).await;
    let key = checked.graph.key(&probe("web")).unwrap();
    let web = checked.graph.get(key).unwrap();
    let titles: Vec<_> = web.children().map(|(child, _)| child.title()).collect();
    assert_eq!(titles, ["web", "added http://web.example.org"]);
    let added = NodeId::new(
        "local",
        Kind::of("example.org/Added"),
        "http://web.example.org",
    );
    assert_eq!(read(&checked.graph, &added).unwrap().state, State::Failing);
    assert_eq!(
        read(&checked.graph, &service()).unwrap().state,
        State::Failing
    );
}

#[tokio::test(start_paused = true)]
async fn a_title_is_what_was_asked_for_or_what_the_instrumentor_says_or_what_the_keys_say() {
    let mut registry = World::new().registry();
    registry.register_kind(
        described("added"),
        |target: &Target, scope: &mut Scope<'_, '_>| {
            if target.params.text("url") == Some("b") {
                scope.title("its own name");
            }
            scope.sensor(SensorConstant::from(State::Passing));
            Ok(())
        },
    );
    let mut world = World::new();
    for (url, title) in [("a", None), ("b", None), ("c", Some("mine"))] {
        let mut request = Request::local(Kind::of("example.org/Added"), url)
            .with_params(Params::new().with_text("url", url));
        request.title = title.map(Into::into);
        let target = MemberTarget::Request(Box::new(request));
        world.plan.groups[0].members.push(member(target));
    }
    let monitor = Monitor::build(&world.plan, registry, world.settings.clone());
    let checked = monitor.unwrap().check(|_| {}).await;
    let key = checked.graph.key(&service()).unwrap();
    let shop = checked.graph.get(key).unwrap();
    let titles: Vec<_> = shop.children().map(|(child, _)| child.title()).collect();
    assert_eq!(titles, ["added a", "its own name", "mine"]);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_placeholder_is_an_unknown_member_that_names_it() {
    let world = extended("http://{nmae}");
    let monitor = Monitor::build(
        &world.plan,
        with_added(world.registry()),
        world.settings.clone(),
    );
    let checked = monitor.unwrap().check(|_| {}).await;
    let key = checked.graph.key(&probe("web")).unwrap();
    let web = checked.graph.get(key).unwrap();
    let said: Vec<String> = web
        .children()
        .flat_map(|(child, _)| read(&checked.graph, child.id()).unwrap().messages)
        .map(|message| message.text.into_owned())
        .collect();
    assert!(
        said.iter().any(|text| text.contains("`{nmae}`")),
        "{said:?}"
    );
    assert_eq!(
        read(&checked.graph, &probe("web")).unwrap().state,
        State::Unknown
    );
}

#[tokio::test(start_paused = true)]
async fn the_default_owner_owns_what_is_on_top_and_hides_nobody() {
    let mut world = World::new();
    world.plan.owner = Some("everybody".into());
    world.plan.groups[0].owner = Some("shop-team".into());
    world.plan.groups[0]
        .members
        .push(member(MemberTarget::Node(other())));
    let mut queue = group(other());
    queue.service = None;
    world.plan.groups.push(queue);
    let alone = NodeId::new("local", Kind::of("alpacalert.io/System"), "alone");
    let mut last = group(alone.clone());
    last.service = None;
    world.plan.groups.insert(0, last);
    let checked = world.monitor().check(|_| {}).await;
    let owner = |id: &NodeId| {
        let key = checked.graph.key(id).unwrap();
        checked
            .graph
            .get(key)
            .unwrap()
            .owner()
            .map(ToString::to_string)
    };
    assert_eq!(owner(&other()).as_deref(), Some("shop-team"));
    assert_eq!(owner(&alone).as_deref(), Some("everybody"));
    assert_eq!(checked.roots, [service(), alone]);
}

#[tokio::test(start_paused = true)]
async fn without_systems_the_roots_are_what_the_sources_have() {
    let mut world = World::new();
    world.plan.groups.clear();
    let names = vec![("b", Some(State::Passing)), ("a", Some(State::Passing))];
    let (source, _) = Listing::new("cluster", Ok(names));
    world.source("cluster", source);
    let (lost, _) = Listing::new("away", Err("gone"));
    world.source("away", lost);
    let checked = world.monitor().check(|_| {}).await;
    let away = NodeId::new("away", Kind::of("alpacalert.io/Source"), "away");
    let (a, b) = (Listing::id("cluster", "a"), Listing::id("cluster", "b"));
    assert_eq!(checked.roots, [away, a, b]);
}
