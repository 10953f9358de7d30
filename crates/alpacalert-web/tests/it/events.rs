use std::time::Duration;

use alpacalert::model::State;
use alpacalert::{Policy, TaskState};

use crate::world::world;

#[tokio::test]
async fn a_reader_sees_changes_and_catches_up_after_it_was_away() {
    let world = world(&[("till", State::Passing, "open")]).await;
    world.shop("passing").await;
    let mut events = world.events("/api/v1/events?services=true", None).await;
    let hello = events.next().await;
    assert_eq!(hello.name, "hello");
    world.set("till", State::Failing, "jammed");
    let change = events.next().await;
    assert_eq!(change.name, "change");
    assert_eq!(change.data["node"], "local/alpacalert.io/Service/shop");
    assert_eq!(change.data["from"], "passing");
    assert_eq!(change.data["to"], "failing");
    drop(events);

    world.set("till", State::Passing, "open");
    world.shop("passing").await;
    let mut events = world
        .events("/api/v1/events?services=true", Some(&change.id))
        .await;
    let next = events.next().await;
    assert_eq!(
        (next.name.as_str(), &next.data["to"]),
        ("change", &"passing".into())
    );
    assert_ne!(next.id, change.id);

    let mut all = world.events("/api/v1/events", Some(&hello.id)).await;
    let nodes = [all.next().await, all.next().await].map(|event| event.data["node"].clone());
    assert!(
        nodes.contains(&"things/example.org/Thing/till".into()),
        "{nodes:?}"
    );
}

#[tokio::test]
async fn a_reader_of_another_run_is_told_to_ask_anew() {
    let world = world(&[("till", State::Passing, "open")]).await;
    world.shop("passing").await;
    let mut events = world.events("/api/v1/events", Some("1-1")).await;
    assert_eq!(events.next().await.name, "hello");
    let missed = events.next().await;
    assert_eq!(missed.name, "missed");
    assert!(missed.data["missed"].is_null());
    let wrong = world
        .get_with("/api/v1/events", "Last-Event-ID: x\r\n")
        .await;
    assert_eq!(wrong.status, 400);
}

#[tokio::test]
async fn a_reader_who_was_away_for_too_long_is_told_how_much_it_missed() {
    let names: Vec<String> = (0..3000).map(|n| format!("thing-{n}")).collect();
    let things: Vec<_> = names
        .iter()
        .map(|name| (name.as_str(), State::Passing, ""))
        .collect();
    let world = world(&things).await;
    world.shop("passing").await;
    let mut events = world.events("/api/v1/events", None).await;
    let hello = events.next().await;
    drop(events);
    for state in [State::Failing, State::Degraded] {
        for thing in world.things.lock().unwrap().iter_mut() {
            thing.1 = state;
        }
        world.shop(state.as_str()).await;
    }
    let mut events = world.events("/api/v1/events", Some(&hello.id)).await;
    let missed = events.next().await;
    assert_eq!(missed.name, "missed");
    let count = missed.data["missed"].as_u64().unwrap();
    // Two changes of 3,000 things and of the shop, of which 4,096 are kept.
    assert_eq!(count, 2 * 3001 - 4096);
    assert_eq!(events.next().await.name, "change");
}

#[tokio::test]
async fn streams_end_with_a_word_as_soon_as_the_instance_is_about_to_end() {
    let mut world = world(&[("till", State::Passing, "open")]).await;
    world.shop("passing").await;
    let mut streams = Vec::new();
    for path in [
        "/api/v1/events",
        "/api/v1/events?services=true",
        "/api/v1/stream",
    ] {
        let mut events = world.events(path, None).await;
        events.next().await;
        streams.push((path, events));
    }
    // What is told late is told before.
    world.set("till", State::Failing, "jammed");
    let begun = std::time::Instant::now();
    world.end().await;
    for (path, mut events) in streams {
        let mut last = events.next().await;
        while ["change", "changed"].contains(&last.name.as_str()) {
            last = events.next().await;
        }
        assert_eq!(last.name, "ending", "{path}");
        assert_eq!(last.id, "", "{path}: what was seen last stays so");
        events.ended().await;
        // Long before those are cut off who do not end by themselves.
        assert!(
            begun.elapsed() < Duration::from_millis(1500),
            "{path}: {:?}",
            begun.elapsed()
        );
    }
}

#[tokio::test]
async fn whoever_keeps_events_is_watched_over() {
    let mut world = world(&[("till", State::Passing, "open")]).await;
    world.shop("passing").await;
    let tasks = world.live.tasks().clone();
    let keepers = || {
        let statuses = tasks.statuses().into_iter();
        let keepers = statuses.filter(|task| task.name.ends_with("events"));
        let keepers =
            keepers.map(|task| (task.name.to_string(), task.policy, task.state, task.deaths));
        keepers.collect::<Vec<_>>()
    };
    let both = |state| {
        ["events", "public events"].map(|name| (name.to_owned(), Policy::Restart, state, 0))
    };
    assert_eq!(keepers(), both(TaskState::Running));
    world.end().await;
    for _ in 0..100 {
        if keepers() == both(TaskState::Ended) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("they did not end: {:?}", keepers());
}
