//! What is remembered, over HTTP.

use std::time::Duration;

use alpacalert::model::{State, Timestamp};
use serde_json::Value;

use alpacalert::instrument::{When, Window};
use alpacalert_web::{Access, Serving};

use crate::world::{service, world, world_of};

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

#[tokio::test]
async fn work_that_is_planned_is_shown_everywhere_and_counts_as_unknown() {
    let begun = Timestamp::now();
    let until = begun + Duration::from_secs(3600);
    let mut shop = service("shop", "The shop", true, "*");
    shop.maintenance = vec![Window {
        when: When::Once { from: begun, until },
        reason: "the <b>move</b>".into(),
    }];
    let things = [("a", State::Failing, "no route")];
    let world = world_of(&things, vec![shop], Access::default(), Serving::default()).await;
    world.shop("failing").await;
    pause().await;
    world.store.flush().await.unwrap();
    let now = Timestamp::now();

    let node = &world.json("/api/v1/nodes/shop").await["node"];
    assert_eq!(node["marks"], serde_json::json!(["in maintenance"]));
    let planned = serde_json::json!({ "until": until.to_string(), "reason": "the <b>move</b>" });
    assert_eq!(node["maintenance"], planned);
    let thing = &world.json("/api/v1/nodes/things/example.org/Thing/a").await["node"];
    assert_eq!(thing["maintenance"], planned, "only the shop is made of it");

    let told = until.strftime("%-d %b %H:%M UTC").to_string();
    for page in ["/", "/public", "/node?id=shop", "/nodes", "/tree"] {
        let body = world.get(page).await.body;
        assert!(
            body.contains("in maintenance until <time"),
            "{page}: {body}"
        );
        assert!(body.contains(&told), "{page}: {told} in {body}");
        assert!(!body.contains("<b>move"), "{page}: {body}");
    }
    for page in ["/", "/public", "/node?id=shop"] {
        let body = world.get(page).await.body;
        assert!(
            body.contains("Planned work: the &lt;b&gt;move"),
            "{page}: {body}"
        );
    }

    let path = format!("/api/v1/history/uptime?node=shop&from={begun}&to={now}");
    let told = world.json(&path).await;
    assert_eq!(seconds(&told["whole"], "failing"), 0.0, "{told:#}");
    assert!(
        told["whole"]["unsure"].to_string().contains("maintenance"),
        "{told:#}"
    );
    let (lower, upper) = (
        seconds(&told["whole"], "lower"),
        seconds(&told["whole"], "upper"),
    );
    assert_eq!((lower, upper), (0.0, 1.0));
    let told = world.json("/api/v1/history/incidents").await;
    assert_eq!(told["incidents"], serde_json::json!([]));
}
