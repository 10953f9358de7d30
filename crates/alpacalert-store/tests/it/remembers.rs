//! What goes in comes out.

use std::time::Duration;

use alpacalert_model::{Limits, Measurement, NodeRef, State, Timestamp, Unit};
use alpacalert_store::{Store, StoreSettings, Wanted};

use crate::world::{World, id, sensor, service};

#[tokio::test]
async fn transitions_come_back_newest_first_with_their_words() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::open(folder.path());
    let now = Timestamp::now();
    world.apply(vec![sensor("queue"), service("shop", &["queue"])], now);
    world.set("queue", State::Passing, "", now);
    world.set("queue", State::Failing, "no route to host", now);
    world.store.flush().await.unwrap();

    let all = world.store.transitions(Wanted::default()).await.unwrap();
    let told: Vec<_> = all
        .iter()
        .map(|past| {
            (
                past.title.as_str(),
                past.from,
                past.to,
                past.message.as_str(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (
                "the shop",
                Some(State::Passing),
                State::Failing,
                "of 1 member: 1 failing"
            ),
            (
                "the queue",
                Some(State::Passing),
                State::Failing,
                "no route to host"
            ),
            ("the shop", None, State::Passing, ""),
            ("the queue", None, State::Passing, ""),
        ]
    );
    assert_eq!(all[0].owner.as_deref(), Some("us"));
    let numbers: Vec<u64> = all.iter().map(|past| past.seq).collect();
    assert_eq!(numbers, [4, 3, 2, 1]);

    let wanted = Wanted {
        services: true,
        limit: 1,
        ..Wanted::default()
    };
    let newest = world.store.transitions(wanted).await.unwrap();
    assert_eq!(newest, all[..1]);
    let wanted = Wanted {
        node: Some(id("queue")),
        to: now,
        ..Wanted::default()
    };
    assert_eq!(world.store.transitions(wanted).await.unwrap(), []);
}

#[tokio::test]
async fn the_graph_of_a_past_moment_is_a_graph_like_any_other() {
    let folder = tempfile::tempdir().unwrap();
    let begun = Timestamp::now();
    let mut world = World::later(folder.path(), begun);
    let at = |seconds| begun + Duration::from_secs(seconds);
    world.apply(
        vec![sensor("queue"), service("shop", &["queue", "gone"])],
        at(1),
    );
    world.set("queue", State::Passing, "", at(2));
    let limits = Limits::above(Some(5.0), Some(10.0));
    let depth = |value| Measurement::new("depth", value, Unit::Count).against(limits);
    world.measure("queue", depth(7.0), at(3));
    let then = world.graph.clone();
    world.set("queue", State::Failing, "it is away", at(10));
    world.apply(vec![sensor("other"), service("shop", &["other"])], at(20));
    world.store.flush().await.unwrap();

    let past = world.store.graph_at(at(4)).await.unwrap().unwrap();
    let picture = |graph: &alpacalert_model::Graph| {
        let line = |node: NodeRef<'_>| {
            let children = node
                .children()
                .map(|(child, edge)| (child.id().clone(), edge));
            let told = (node.state(), node.confirmed(), node.reason().clone());
            let said = (node.messages().to_vec(), node.measurements().to_vec());
            let named = (node.title().to_owned(), node.owner().cloned(), node.role());
            let children: Vec<_> = children.collect();
            let since = node.since().map(|since| since.as_millisecond());
            // When a missing node came into the graph says nothing.
            let since = since.filter(|_| node.role().is_some());
            format!(
                "{} {named:?} {told:?} {said:?} {children:?} {since:?}",
                node.id()
            )
        };
        let mut lines: Vec<String> = graph.nodes().map(line).collect();
        lines.sort();
        lines
    };
    assert_eq!(picture(&past.graph), picture(&then));
    assert_eq!(past.roots, [id("shop")]);

    let later = world.store.graph_at(at(21)).await.unwrap().unwrap();
    assert_eq!(picture(&later.graph), picture(&world.graph));
    assert!(
        world
            .store
            .graph_at(begun - Duration::from_secs(60))
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn a_restart_is_no_transition_and_its_time_is_a_gap() {
    let folder = tempfile::tempdir().unwrap();
    let nodes = || vec![sensor("queue"), service("shop", &["queue"])];
    let first = Timestamp::now();
    let mut world = World::open(folder.path());
    world.apply(nodes(), first);
    world.set("queue", State::Failing, "no route to host", first);
    world.store.close();
    let closed = Timestamp::now();
    tokio::time::sleep(Duration::from_millis(300)).await;

    let mut world = World::open(folder.path());
    let second = Timestamp::now();
    let remembered = world.store.take_remembered();
    let (state, since) = remembered[&id("shop")];
    assert_eq!(
        (state, since.as_millisecond()),
        (State::Failing, first.as_millisecond())
    );
    world.apply(nodes(), second);
    world.set("queue", State::Failing, "no route to host", second);
    world.store.flush().await.unwrap();
    let all = world.store.transitions(Wanted::default()).await.unwrap();
    assert_eq!(all.len(), 2, "{all:?}");

    tokio::time::sleep(Duration::from_millis(100)).await;
    let end = Timestamp::now();
    let uptime = world.store.uptime(id("shop"), first, end, 1).await.unwrap();
    let down = uptime[0].seconds[State::Failing.index()];
    let (reason, unseen) = &uptime[0].unsure[0];
    assert_eq!(reason, &alpacalert_store::MONITOR_DOWN);
    assert!(*unseen > 0.25 && down > 0.09, "{uptime:?}");
    let length = end.as_millisecond() - first.as_millisecond();
    assert!((down + uptime[0].unobserved - length as f64 / 1000.0).abs() < 0.01);

    let gap = closed + Duration::from_millis(100);
    let past = world.store.graph_at(gap).await.unwrap().unwrap();
    assert!(!past.observed);
    let shop = past
        .graph
        .get(past.graph.key(&id("shop")).unwrap())
        .unwrap();
    assert_eq!(shop.state(), State::Unknown);

    let incidents = world.store.incidents(first, end, None, 10).await.unwrap();
    assert_eq!(incidents.len(), 1);
    assert_eq!(
        (incidents[0].worst, incidents[0].to),
        (State::Failing, None)
    );
    assert!(incidents[0].unobserved > 0.25);
}

#[tokio::test]
async fn what_went_while_the_program_did_not_run_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::open(folder.path());
    world.apply(vec![sensor("a"), sensor("b")], Timestamp::now());
    world.store.close();
    let mut world = World::open(folder.path());
    let now = Timestamp::now();
    world.apply(vec![sensor("a")], now);
    world.store.record_everything(&world.graph, now);
    world.store.flush().await.unwrap();
    let past = world
        .store
        .graph_at(Timestamp::now())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(past.graph.len(), 1);
}

#[tokio::test]
async fn measurements_come_back_as_points_and_gaps_stay_gaps() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::open(folder.path());
    let begun = Timestamp::now();
    let at = |seconds| begun + Duration::from_secs(seconds);
    world.apply(vec![sensor("disk")], begun);
    let free = |value| Measurement::new("free space", value, Unit::Percent);
    for second in (0..60).chain(120..180) {
        world.measure("disk", free(second as f64), at(second));
    }
    // Looked at again, and not measured anew.
    world.store.sample(&world.graph, 0, 10, at(200));
    world.store.flush().await.unwrap();
    let series = world
        .store
        .measurements(id("disk"), begun, at(240), 4)
        .await
        .unwrap();
    assert_eq!(series.len(), 1);
    assert_eq!(
        (series[0].name.as_str(), series[0].unit),
        ("free space", Unit::Percent)
    );
    let points: Vec<_> = series[0]
        .points
        .iter()
        .map(|point| (point.min, point.mean, point.max))
        .collect();
    assert_eq!(points, [(0.0, 29.5, 59.0), (120.0, 149.5, 179.0)]);
}

#[test]
fn the_second_on_a_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let first = Store::open(StoreSettings::new(folder.path())).unwrap();
    let second = || {
        Store::open(StoreSettings {
            patience: Duration::from_millis(100),
            ..StoreSettings::new(folder.path())
        })
    };
    let error = second().unwrap_err().to_string();
    assert!(error.starts_with("another alpacalert (process "), "{error}");
    first.close();
    second().unwrap();
}

#[tokio::test]
async fn what_changes_as_it_comes_has_its_title() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::open(folder.path());
    let now = Timestamp::now();
    let hour = Duration::from_secs(3600);
    // Told in one step, and written down a moment after it happened: when it comes for the first time, and when it comes again.
    for came in [now, now + hour] {
        let nodes = vec![sensor("queue"), service("shop", &["queue"])];
        let applied =
            world
                .graph
                .apply("configuration", alpacalert_model::Blueprint { nodes }, came);
        let seen = alpacalert_model::Observation::failing(alpacalert_model::Reason::OK, "no", came);
        let update = alpacalert_model::Update {
            node: world.key("queue"),
            confirmed: seen.state,
            observation: seen,
        };
        let mut transitions = applied.transitions;
        transitions.extend(world.graph.observe([update], came));
        let later = came + Duration::from_millis(5);
        let touched = [id("queue"), id("shop")];
        world
            .store
            .record(&world.graph, &transitions, &touched, later);
        world.apply(vec![], came + hour / 2);
    }
    world.store.flush().await.unwrap();
    let all = world.store.transitions(Wanted::default()).await.unwrap();
    let titles: Vec<&str> = all.iter().map(|past| past.title.as_str()).collect();
    assert!(titles.len() >= 4, "{titles:?}");
    for title in titles {
        assert!(title.starts_with("the "), "{title}: {all:#?}");
    }
    let incidents = world
        .store
        .incidents(now, now + 2 * hour, None, 10)
        .await
        .unwrap();
    assert!(
        incidents
            .iter()
            .all(|incident| incident.title == "the shop"),
        "{incidents:?}"
    );
}
