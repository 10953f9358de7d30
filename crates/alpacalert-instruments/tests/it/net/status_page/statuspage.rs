//! The summary of a page of Atlassian's Statuspage.

use alpacalert_instrument::{Params, State};

use super::Page;

const PATH: &str = "/api/v2/summary.json";

fn summary(components: &str) -> String {
    format!(
        r#"{{
  "page": {{ "id": "kctbh9vrtdwd", "name": "Example", "url": "https://status.example.com",
             "time_zone": "Etc/UTC", "updated_at": "2021-03-01T10:00:00.000Z" }},
  "components": [{components}],
  "incidents": [
    {{ "id": "p31zjtct2jer", "name": "Pushes are slow", "status": "identified", "created_at": "2026-11-22T10:02:00.000Z",
       "updated_at": "2026-11-22T10:20:00.000Z", "monitoring_at": null, "resolved_at": null, "impact": "major",
       "shortlink": "http://stspg.io/p31zjtct2jer", "started_at": "2026-11-22T10:01:00.000Z", "page_id": "kctbh9vrtdwd",
       "incident_updates": [
         {{ "id": "2", "status": "identified", "body": "A disk is full.", "incident_id": "p31zjtct2jer",
            "created_at": "2026-11-22T10:20:00.000Z", "display_at": "2026-11-22T10:20:00.000Z",
            "affected_components": [ {{ "code": "b13yz5g2cw10", "name": "Git", "old_status": "operational", "new_status": "major_outage" }} ] }},
         {{ "id": "1", "status": "investigating", "body": "We look.", "affected_components": null }}
       ],
       "components": [ {{ "id": "ok1", "name": "API", "status": "operational" }} ] }},
    {{ "id": "old", "name": "Long over", "status": "resolved", "incident_updates": [], "components": [ {{ "id": "ok1" }} ] }},
    "nonsense"
  ],
  "scheduled_maintenances": [
    {{ "id": "m", "name": "New switches", "status": "in_progress", "scheduled_until": "2026-11-23T04:00:00.000Z",
       "incident_updates": [], "components": [ {{ "id": "m1", "name": "Mail", "status": "under_maintenance" }} ] }}
  ],
  "status": {{ "indicator": "major", "description": "Partial System Outage" }}
}}"#
    )
}

fn component(id: &str, name: &str, status: &str, more: &str) -> String {
    format!(
        r#"{{ "id": "{id}", "name": "{name}", "status": "{status}", "created_at": "2014-05-03T01:22:07.274Z",
        "updated_at": "2026-11-22T10:03:00.000Z", "position": 1, "description": null, "showcase": false, "start_date": null,
        "group_id": null, "page_id": "kctbh9vrtdwd", "group": false, "only_show_if_degraded": false{more} }}"#
    )
}

fn all() -> String {
    let within = |id: &str, status: &str, group: &str| {
        let group = format!("\"group_id\": \"{group}\"");
        component(id, "Search", status, "").replace("\"group_id\": null", &group)
    };
    summary(
        &[
            component("ok1", "API", "operational", ""),
            component("b13yz5g2cw10", " Git ", "major_outage", ""),
            component("d1", "Pages", "degraded_performance", ""),
            component("p1", "Actions", "partial_outage", ""),
            component("m1", "Mail", "under_maintenance", ""),
            component("n1", "Novel", "sparkling", ""),
            component(
                "g1",
                "Europe",
                "partial_outage",
                ", \"components\": [\"e1\"]",
            )
            .replace("\"group\": false", "\"group\": true"),
            component("g2", "Asia", "operational", ""),
            within("e1", "major_outage", "g1"),
            within("a1", "operational", "g2"),
            r#"{ "id": "h1", "name": "Half" }"#.to_owned(),
            "7".to_owned(),
        ]
        .join(","),
    )
}

#[tokio::test]
async fn components_are_as_the_page_says() {
    let page = Page::start("statuspage", Params::new()).await;
    page.publishes(PATH, all());
    page.is(
        "API",
        State::Passing,
        "ok",
        "Pushes are slow: A disk is full",
    )
    .await;
    page.is(
        "Pages",
        State::Degraded,
        "published",
        "degraded performance, since 10:03",
    )
    .await;
    page.is("Actions", State::Failing, "published", "partial outage")
        .await;
    page.is("Git", State::Failing, "published", "major outage")
        .await;
    page.is(
        "Git",
        State::Failing,
        "published",
        "A disk is full, since 10:01 UTC",
    )
    .await;
    page.is(
        "Mail",
        State::Unknown,
        "maintenance",
        "New switches, until 2026-11-23 04:00",
    )
    .await;
    page.is("Novel", State::Unknown, "malformed", "sparkling")
        .await;
    page.is("Half", State::Unknown, "malformed", "status").await;
    page.is("Europe", State::Failing, "published", "").await;
    page.is(
        "Gitt",
        State::Unknown,
        "not-published",
        "did you mean `Git`?",
    )
    .await;
    let (_, _, said) = page.says("API").await;
    assert!(!said.contains("Long over"), "{said}");
    let (_, owner) = page.sees("Git").await.unwrap();
    assert_eq!(owner.as_deref(), Some("Example"));
    let (_, owner) = page.sees("Mail").await.unwrap();
    assert_eq!(owner.as_deref(), Some("Example"));
}

#[tokio::test]
async fn what_several_are_called_is_the_name_of_none() {
    let page = Page::start("statuspage", Params::new().with_text("owner", "hosting")).await;
    page.publishes(PATH, all());
    page.is(
        "Search",
        State::Unknown,
        "ambiguous",
        "`Europe/Search` (`e1`)",
    )
    .await;
    page.is("Europe/Search", State::Failing, "published", "")
        .await;
    page.is("Asia/Search", State::Passing, "ok", "").await;
    page.is("e1", State::Failing, "published", "").await;
    let (_, owner) = page.sees("Europe/Search").await.unwrap();
    assert_eq!(owner.as_deref(), Some("hosting"));
}

#[tokio::test]
async fn a_page_is_old_when_something_on_the_way_remembers_it() {
    let page = Page::start("statuspage", Params::new()).await;
    // It was changed years ago, which is a good sign.
    page.answers(PATH, "200 OK\r\nAge: 300", all());
    page.is("Asia", State::Passing, "ok", "").await;
    page.answers(PATH, "200 OK\r\nAge: 301", all());
    page.lost("stale").await;
}

#[tokio::test]
async fn what_cannot_be_heard_or_understood_has_its_reason() {
    let params = Params::new().with_text("token", "s3cret");
    let page = Page::start("statuspage", params).await;
    page.loses(PATH).await;
    let many = vec![r#"{"id":"a","name":"a","status":"operational"}"#; 10_001].join(",");
    page.publishes(PATH, summary(&many));
    page.lost("malformed").await;
    let asked = page.asked.lock().unwrap();
    assert!(
        asked[0].contains("authorization: Bearer s3cret"),
        "{asked:?}"
    );
}

#[tokio::test]
async fn a_page_that_repeats_itself_costs_no_more_than_it_is() {
    let long = "x".repeat(1024 * 1024);
    let many: Vec<String> = (0..9_999)
        .map(|n| format!(r#"{{"id":"i{n}","name":"same","status":"operational","group_id":"g"}}"#))
        .collect();
    let affected: Vec<String> = (0..9_999).map(|n| format!(r#"{{"id":"i{n}"}}"#)).collect();
    let body = format!(
        r#"{{"page":{{"name":"{long}"}},"components":[{{"id":"g","name":"{long}","status":"operational"}},{}],
        "incidents":[{{"name":"{long}","status":"identified","incident_updates":[{{"body":"{long}"}}],"components":[{}]}}]}}"#,
        many.join(","),
        affected.join(",")
    );
    let page = Page::start("statuspage", Params::new()).await;
    page.publishes(PATH, body);
    let (state, reason, said) = page.says("same").await;
    assert_eq!((state, &*reason), (State::Unknown, "ambiguous"));
    assert!(said.len() < 1000, "{}", said.len());
    assert_eq!(page.says("i7").await.0, State::Passing);
}
