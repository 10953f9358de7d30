use alpacalert::model::State;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::world::{World, world};

const HOSTILE: &str = "<script>alert(1)</script>\u{1b}[31m";

async fn shop() -> World {
    let world = world(&[
        ("till", State::Passing, "open"),
        ("scale", State::Passing, "level"),
        ("door", State::Passing, HOSTILE),
    ])
    .await;
    world.shop("passing").await;
    world
}

fn schema() -> jsonschema::Validator {
    let text = include_str!("../../../../docs/reference/service-summary.schema.json");
    jsonschema::validator_for(&serde_json::from_str(text).unwrap()).unwrap()
}

#[tokio::test]
async fn summaries_keep_to_the_contract() {
    let world = shop().await;
    world.set("till", State::Failing, "jammed");
    let summary = world.shop("failing").await;
    if let Err(error) = schema().validate(&summary) {
        panic!("{error}: {summary:#}");
    }
    assert_eq!(summary["owner"], "us");
    assert_eq!(summary["public"], true);
    assert_eq!(summary["via"], serde_json::json!([]));
    assert_eq!(summary["causes"][0]["name"], "till");
    assert_eq!(summary["causes"][0]["message"], "jammed");
    let sentence = summary["sentence"].as_str().unwrap();
    assert!(sentence.contains("ours. till: jammed"), "{sentence}");
    let without = {
        let mut summary = summary.clone();
        summary.as_object_mut().unwrap().remove("ttl");
        summary
    };
    assert!(!schema().is_valid(&without), "the schema asks for all keys");
}

#[tokio::test]
async fn who_has_the_newest_summaries_is_told_so() {
    let world = shop().await;
    let first = world.get("/api/v1/services").await;
    let etag = first
        .head
        .lines()
        .find_map(|line| line.strip_prefix("etag: "))
        .unwrap()
        .to_owned();
    let known = format!("If-None-Match: {etag}\r\n");
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    let again = world.get_with("/api/v1/services", &known).await;
    assert_eq!((again.status, again.body.as_str()), (304, ""));
    world.set("till", State::Degraded, "slow");
    world.shop("degraded").await;
    assert_eq!(world.get_with("/api/v1/services", &known).await.status, 200);
}

#[tokio::test]
async fn nodes_come_in_pages_filtered_and_searched() {
    let world = shop().await;
    world.set("till", State::Failing, "jammed");
    world.shop("failing").await;
    let mut seen = Vec::new();
    let mut after = String::new();
    loop {
        let page = world.json(&format!("/api/v1/nodes?limit=1{after}")).await;
        assert_eq!(page["total"], 4);
        let nodes = page["nodes"].as_array().unwrap();
        assert_eq!(nodes.len(), 1);
        seen.push(nodes[0]["id"].as_str().unwrap().to_owned());
        let Some(next) = page["next"].as_str() else {
            break;
        };
        after = format!("&after={next}");
    }
    let things = ["door", "scale", "till"].map(|name| format!("things/example.org/Thing/{name}"));
    assert_eq!(seen[0], "local/alpacalert.io/Service/shop");
    assert_eq!(seen[1..], things);
    for (query, count) in [
        ("state=failing", 2),
        ("state=failing,passing", 4),
        ("kind=example.org/Thing&state=failing", 1),
        ("source=local", 1),
        ("owner=us", 4),
        ("owner=them", 0),
        ("q=JAMMED", 1),
        ("q=nothing", 0),
    ] {
        let list = world.json(&format!("/api/v1/nodes?{query}")).await;
        assert_eq!(list["total"], count, "{query}");
    }
    for wrong in ["state=fine", "limit=0", "limit=x", "limit=1001"] {
        let answer = world.get(&format!("/api/v1/nodes?{wrong}")).await;
        assert_eq!(answer.status, 400, "{wrong}: {}", answer.body);
        let said: Value = serde_json::from_str(&answer.body).unwrap();
        assert!(!said["error"].as_str().unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_node_tells_why_it_is_so_and_what_it_takes_down() {
    let world = shop().await;
    world.set("till", State::Failing, "jammed");
    world.shop("failing").await;
    let explained = world.json("/api/v1/explain?node=shop").await;
    assert_eq!(
        explained["causes"][0],
        serde_json::json!([
            "local/alpacalert.io/Service/shop",
            "things/example.org/Thing/till"
        ])
    );
    assert_eq!(explained["blame"], "ours");
    let node = world
        .json("/api/v1/nodes/things/example.org/Thing/till")
        .await;
    assert_eq!(node["node"]["messages"][0]["text"], "jammed");
    assert_eq!(node["parents"][0], "local/alpacalert.io/Service/shop");
    let impact = world
        .json("/api/v1/impact?node=things%2Fexample.org%2FThing%2Fdoor")
        .await;
    assert_eq!(
        impact["services"],
        serde_json::json!([]),
        "it is failing without it"
    );
    world.set("till", State::Passing, "open");
    world.shop("passing").await;
    let impact = world
        .json("/api/v1/impact?node=things%2Fexample.org%2FThing%2Fdoor")
        .await;
    assert_eq!(impact["services"][0]["to"], "failing");
    for path in [
        "/api/v1/explain?node=x",
        "/api/v1/nodes/a/b",
        "/api/v1/services/x",
        "/api/v1/x",
    ] {
        assert_eq!(world.get(path).await.status, 404, "{path}");
    }
    assert_eq!(world.get("/api/v1/explain").await.status, 400);
}

#[tokio::test]
async fn hostile_text_does_no_harm() {
    let world = shop().await;
    let badge = world.get("/api/v1/badge/shop.svg").await;
    assert!(
        badge.body.contains("The &lt;b&gt;shop&lt;/b&gt;"),
        "{}",
        badge.body
    );
    assert!(!badge.body.contains("<b>"), "{}", badge.body);
    let list = world.get("/api/v1/nodes").await;
    assert!(
        !list.body.contains('\u{1b}') && !list.body.contains("\\u001b"),
        "{}",
        list.body
    );
    assert!(list.head.contains("content-type: application/json"));
    assert!(list.head.contains("x-content-type-options: nosniff"));
    assert!(
        list.head
            .contains("content-security-policy: default-src 'none'")
    );
}

#[tokio::test]
async fn metrics_are_those_of_openmetrics() {
    let world = shop().await;
    let metrics = world.get("/metrics").await;
    assert!(
        metrics
            .head
            .contains("application/openmetrics-text; version=1.0.0")
    );
    assert!(metrics.body.ends_with("# EOF\n"));
    let state = r#"alpacalert_service_state{service="shop",owner="us",alpacalert_service_state="passing"} 1"#;
    assert!(metrics.body.contains(state), "{}", metrics.body);
    for line in metrics.body.lines().filter(|line| !line.starts_with('#')) {
        let (_, value) = line.rsplit_once(' ').unwrap();
        assert!(value.parse::<f64>().is_ok(), "{line}");
    }
}

/// Every route answers as the document says, and the document names every route.
#[tokio::test]
async fn the_document_tells_the_truth() {
    let world = shop().await;
    let document = world.json("/api/v1/openapi.json").await;
    assert_eq!(document, alpacalert_web::api_document());
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.len() >= 14, "{:?}", paths.keys());
    for (path, item) in paths
        .iter()
        .filter(|(path, _)| !path.ends_with("/events") && !path.ends_with("/stream"))
    {
        let path = path
            .replace("{name}", "shop")
            .replace("{id}", "things/example.org/Thing/till");
        if item.get("get").is_none() {
            continue;
        }
        let query = match path.ends_with("explain") || path.ends_with("impact") {
            true => "?node=shop",
            false => "",
        };
        let answer = world.get(&format!("{path}{query}")).await;
        let responses = item["get"]["responses"].as_object().unwrap();
        let response = &responses
            .get(&answer.status.to_string())
            .unwrap_or_else(|| panic!("{path} answers {}", answer.status));
        let content = response["content"].as_object().unwrap();
        let (media, said) = content.iter().next().unwrap();
        assert!(
            answer.head.contains(&format!("content-type: {media}")),
            "{path}"
        );
        if media == "application/json" {
            let mut schema = said["schema"].clone();
            schema["components"] = document["components"].clone();
            let validator = jsonschema::validator_for(&schema).unwrap();
            let body = serde_json::from_str(&answer.body).unwrap();
            if let Err(error) = validator.validate(&body) {
                panic!("{path}: {error}");
            }
        }
    }
}

#[tokio::test]
async fn what_is_no_good_request_is_refused() {
    let world = shop().await;
    for (request, status) in [
        (
            "GET /livez HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n".to_owned(),
            "421",
        ),
        (
            "GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n".to_owned(),
            "421",
        ),
        (
            "POST /api/v1/services HTTP/1.1\r\nHost: [::1]\r\nConnection: close\r\n\r\n".to_owned(),
            "405",
        ),
        (
            format!(
                "GET /livez HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n",
                "x".repeat(64 * 1024)
            ),
            "431",
        ),
        (
            "GET /livez HTTP/1.1\r\nHost: LOCALHOST:1\r\nConnection: close\r\n\r\n".to_owned(),
            "200",
        ),
    ] {
        let mut stream = TcpStream::connect(world.address).await.unwrap();
        // It may be cut off before it has sent all.
        let _ = stream.write_all(request.as_bytes()).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8_lossy(&answer);
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{request:.60}: {answer}"
        );
    }
}
