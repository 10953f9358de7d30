//! A status page of Uptime Kuma, with its heartbeats.

use alpacalert_instrument::{Params, State, Timestamp};

use super::{Page, ago};

const ABOUT: &str = "/api/status-page/prod";
const BEATS: &str = "/api/status-page/heartbeat/prod";

const PAGE: &str = r#"{
  "config": { "slug": "prod", "title": "Production", "description": null, "icon": "/icon.svg", "theme": "auto", "published": true,
              "showTags": false, "customCSS": "", "footerText": null, "showPoweredBy": true },
  "incident": null,
  "publicGroupList": [
    { "id": 1, "name": "Web", "weight": 1, "monitorList": [
      { "id": 1, "name": "Shop", "sendUrl": 0, "type": "http" }, { "id": 2, "name": "Blog", "sendUrl": 0 },
      { "id": 3, "name": "Mail", "sendUrl": 0 }, { "id": 4, "name": "Print", "sendUrl": 0 },
      { "id": 5, "name": "New", "sendUrl": 0 }, { "id": 6, "name": "Old", "sendUrl": 0 },
      { "id": 7, "name": "Odd", "sendUrl": 0 }, { "id": 8, "name": "Days", "sendUrl": 0 }, { "name": "Nobody" } ] },
    { "id": 2, "name": "Money", "weight": 2, "monitorList": [ { "id": 1, "name": "Shop", "sendUrl": 0 } ] }
  ],
  "maintenanceList": []
}"#;

/// `2026-11-22 10:02:00.123`, in UTC, as it is kept in the database.
fn beat(status: u64, at: Timestamp) -> String {
    let time = at.strftime("%Y-%m-%d %H:%M:%S%.3f");
    format!(r#"{{ "status": {status}, "time": "{time}", "msg": "", "ping": 12 }}"#)
}

fn beats(last: u64) -> String {
    let of = |id: u64, beats: &[String]| format!("\"{id}\": [{}]", beats.join(","));
    let two = |id, status| of(id, &[beat(1, ago(120)), beat(status, ago(last))]);
    let lists = [
        two(1, 1),
        two(2, 0),
        two(3, 2),
        two(4, 3),
        of(5, &[]),
        of(6, &[beat(1, ago(1000)), beat(1, ago(940))]),
        two(7, 9),
        of(
            8,
            &[
                "0".to_owned(),
                r#"{"status":1,"time":"2026-11-28T07:00:00.000Z","msg":"","ping":null}"#.to_owned(),
            ],
        ),
    ];
    format!(
        r#"{{ "heartbeatList": {{ {} }}, "uptimeList": {{ "1_24": 1, "2_24": 0.5 }} }}"#,
        lists.join(",")
    )
}

async fn prod() -> Page {
    let page = Page::start("uptime-kuma", Params::new().with_text("page", "prod")).await;
    page.publishes(ABOUT, PAGE);
    page.publishes(BEATS, beats(60));
    page
}

#[tokio::test]
async fn monitors_are_as_their_newest_heartbeat_says() {
    let page = prod().await;
    page.is("Shop", State::Passing, "ok", "told by Production")
        .await;
    page.is("Web/Shop", State::Passing, "ok", "").await;
    page.is("Money/Shop", State::Passing, "ok", "").await;
    page.is("1", State::Passing, "ok", "").await;
    page.is("Blog", State::Failing, "published", "down, since ")
        .await;
    page.is("Mail", State::Unknown, "pending", "").await;
    page.is("Print", State::Unknown, "maintenance", "").await;
    page.is("New", State::Unknown, "not-measured", "").await;
    page.is("Old", State::Unknown, "stale", "(every 60 s)")
        .await;
    page.is("Odd", State::Unknown, "malformed", "its status is 9")
        .await;
    page.is("Days", State::Unknown, "summarised", "automatic")
        .await;
    page.is("Nobody", State::Unknown, "malformed", "id").await;
    page.is(
        "Shoq",
        State::Unknown,
        "not-published",
        "did you mean `Shop`?",
    )
    .await;
    let (_, owner) = page.sees("Blog").await.unwrap();
    assert_eq!(owner.as_deref(), Some("Production"));
}

#[tokio::test]
async fn a_monitor_without_heartbeats_is_not_measured() {
    let page = prod().await;
    page.publishes(BEATS, r#"{"heartbeatList":{},"uptimeList":{}}"#);
    page.is("Shop", State::Unknown, "not-measured", "").await;
    page.publishes(
        BEATS,
        r#"{"heartbeatList":{"1":{"status":1}},"uptimeList":{}}"#,
    );
    page.is("Shop", State::Unknown, "malformed", "not a list")
        .await;
    page.publishes(
        BEATS,
        r#"{"heartbeatList":{"1":[{"status":1,"time":"noon"}]},"uptimeList":{}}"#,
    );
    page.is("Shop", State::Unknown, "malformed", "`noon` is not a time")
        .await;
}

#[tokio::test]
async fn what_cannot_be_heard_or_understood_has_its_reason() {
    let page = prod().await;
    page.loses(BEATS).await;
    page.publishes(BEATS, beats(60));
    page.loses(ABOUT).await;
}

#[tokio::test]
async fn what_is_not_the_name_of_a_page_is_refused() {
    let registry = alpacalert_instruments::registry();
    let provider = registry.source("uptime-kuma").unwrap();
    for page in ["", "../../metrics", "a b", "a?b"] {
        let params = Params::new()
            .with_text("url", "http://127.0.0.1:1")
            .with_text("page", page);
        let refused = provider.source(&"page".into(), &params).err().expect(page);
        assert!(refused.to_string().contains("status page"), "{refused}");
    }
}
