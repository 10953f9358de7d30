//! What is remembered, over HTTP.

use std::time::Duration;

use alpacalert::model::{State, Timestamp};
use serde_json::Value;

use crate::world::world;

async fn pause() {
    // Times are kept by the millisecond.
    tokio::time::sleep(Duration::from_millis(30)).await;
}

fn seconds(value: &Value, key: &str) -> f64 {
    value[key]
        .as_f64()
        .unwrap_or_else(|| panic!("{key} in {value:#}"))
}

#[tokio::test]
async fn a_past_moment_has_the_same_answers_as_it_had_then() {
    let world = world(&[("a", State::Passing, "fine"), ("b", State::Passing, "fine")]).await;
    world.shop("passing").await;
    world.set("a", State::Failing, "no <i>route</i>");
    world.shop("failing").await;
    pause().await;
    let then = Timestamp::now();
    let node = world.json("/api/v1/nodes/things/example.org/Thing/a").await;
    let why = world.json("/api/v1/explain?node=shop").await;
    pause().await;
    world.set("a", State::Passing, "fine");
    world.shop("passing").await;
    world.store.flush().await.unwrap();

    let now = world.json("/api/v1/nodes?state=failing").await;
    assert_eq!(now["total"], 0);
    let past = world
        .json(&format!("/api/v1/nodes?state=failing&at={then}"))
        .await;
    let ids: Vec<_> = past["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| &node["id"])
        .collect();
    assert_eq!(past["total"], 2, "{past:#}");
    assert!(
        ids.contains(&&Value::from("local/alpacalert.io/Service/shop")),
        "{ids:?}"
    );

    let path = format!("/api/v1/nodes/things/example.org/Thing/a?at={then}");
    let told = world.json(&path).await;
    for key in ["state", "messages", "title", "owner", "role", "reason"] {
        assert_eq!(told["node"][key], node["node"][key], "{key}");
    }
    let told = world
        .json(&format!("/api/v1/explain?node=shop&at={then}"))
        .await;
    assert_eq!(told["causes"], why["causes"]);
    let before = "/api/v1/nodes?at=2001-01-01T00:00:00Z";
    assert_eq!(world.get(before).await.status, 404);
    assert_eq!(world.get("/api/v1/nodes?at=yesterday").await.status, 400);
}

#[tokio::test]
async fn uptime_and_incidents_are_told() {
    let begun = Timestamp::now();
    let world = world(&[("a", State::Failing, "no route")]).await;
    world.shop("failing").await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    world.set("a", State::Passing, "fine");
    world.shop("passing").await;
    pause().await;
    world.store.flush().await.unwrap();
    let now = Timestamp::now();
    let path = format!("/api/v1/history/uptime?node=shop&from={begun}&to={now}&parts=2");
    let told = world.json(&path).await;
    let whole = &told["whole"];
    assert!(seconds(whole, "failing") > 0.15, "{told:#}");
    let (lower, upper) = (seconds(whole, "lower"), seconds(whole, "upper"));
    assert!(0.0 < lower && lower <= upper && upper < 1.0, "{told:#}");
    assert_eq!(told["parts"].as_array().unwrap().len(), 2);
    let sum: f64 = [
        "passing",
        "degraded",
        "unknown",
        "failing",
        "unobserved",
        "absent",
    ]
    .iter()
    .map(|key| seconds(whole, key))
    .sum();
    let length = (now.as_millisecond() - begun.as_millisecond()) as f64 / 1000.0;
    assert!((sum - length).abs() < 0.01, "{sum} of {length}");

    let told = world.json("/api/v1/history/incidents").await;
    let incident = &told["incidents"][0];
    assert_eq!(incident["worst"], "failing");
    assert!(
        incident["cause"].as_str().unwrap().contains("no route"),
        "{told:#}"
    );
    assert!(incident["to"].is_string(), "{told:#}");
    for wrong in [
        "uptime?node=shop&parts=0",
        "uptime?node=shop&from=2030-01-01T00:00:00Z&to=2029-01-01T00:00:00Z",
        "uptime",
        "incidents?limit=0",
    ] {
        let answer = world.get(&format!("/api/v1/history/{wrong}")).await;
        assert_eq!(answer.status, 400, "{wrong}: {}", answer.body);
    }
    assert_eq!(
        world.get("/api/v1/history/uptime?node=none").await.status,
        404
    );
    let path = "/api/v1/history/measurements?node=things/example.org/Thing/a";
    assert_eq!(
        world.json(path).await["series"].as_array().unwrap().len(),
        0
    );
}
