//! The statuses of endpoints of Gatus.

use std::time::Duration;

use alpacalert_instrument::{Params, State, Timestamp, Value};

use super::{Page, ago};

const PATH: &str = "/api/v1/endpoints/statuses?page=1&pageSize=20";

fn result(success: bool, at: Timestamp) -> String {
    let (status, shown) = match success {
        true => (200, "[STATUS] == 200"),
        false => (500, "[STATUS] (500) == 200"),
    };
    format!(
        r#"{{ "status": {status}, "hostname": "example.org", "duration": 10000000, "conditionResults": [
        {{ "condition": "{shown}", "success": {success} }}, {{ "condition": "[RESPONSE_TIME] < 500", "success": true }} ],
        "success": {success}, "timestamp": "{at}" }}"#
    )
}

fn endpoint(group: &str, name: &str, results: &[String]) -> String {
    let results = results.join(",");
    format!(
        r#"{{ "name": "{name}", "group": "{group}", "key": "{group}_{name}", "results": [{results}] }}"#
    )
}

fn all(endpoints: &[String]) -> String {
    format!("[{}]", endpoints.join(","))
}

#[tokio::test]
async fn endpoints_are_as_their_newest_result_says() {
    let page = Page::start("gatus", Params::new()).await;
    let refused = format!(
        r#"{{ "duration": 1, "errors": ["connect: connection refused"], "success": false, "timestamp": "{}" }}"#,
        ago(5)
    );
    page.publishes(
        PATH,
        all(&[
            endpoint(
                "core",
                "shop",
                &[result(false, ago(60)), result(true, ago(5))],
            ),
            endpoint(
                "core",
                "blog",
                &[result(true, ago(60)), result(false, ago(5))],
            ),
            // The order is not promised.
            endpoint(
                "core",
                "mail",
                &[result(false, ago(5)), result(true, ago(60))],
            ),
            endpoint("core", "door", &[refused]),
            endpoint("core", "new", &[]),
            r#"{ "key": "_alone", "name": "alone", "results": null }"#.to_owned(),
            r#"{ "key": "core_odd", "name": "odd", "results": [7] }"#.to_owned(),
        ]),
    );
    page.is("shop", State::Passing, "ok", "told by page").await;
    page.is("core/shop", State::Passing, "ok", "").await;
    page.is(
        "core_blog",
        State::Failing,
        "published",
        "[STATUS] (500) == 200, since ",
    )
    .await;
    page.is("mail", State::Failing, "published", "").await;
    page.is("door", State::Failing, "published", "connection refused")
        .await;
    page.is("new", State::Unknown, "not-measured", "").await;
    page.is("alone", State::Unknown, "not-measured", "").await;
    page.is("odd", State::Unknown, "malformed", "").await;
    page.is(
        "shopp",
        State::Unknown,
        "not-published",
        "did you mean `shop`?",
    )
    .await;
    let (_, owner) = page.sees("shop").await.unwrap();
    assert_eq!(owner.as_deref(), Some("page"));
    let (_, _, said) = page.says("blog").await;
    assert!(!said.contains("RESPONSE_TIME"), "{said}");
}

#[tokio::test]
async fn what_was_checked_too_long_ago_is_not_believed() {
    let page = Page::start("gatus", Params::new()).await;
    let every = |gap: u64, last: u64| -> Vec<String> {
        let ages = (0..4).rev().map(|n| last + n * gap);
        ages.map(|age| result(true, ago(age))).collect()
    };
    page.publishes(
        PATH,
        all(&[
            endpoint("", "often", &every(30, 290)),
            endpoint("", "late", &every(30, 310)),
            endpoint("", "hourly", &every(3600, 10_000)),
            endpoint("", "lost", &every(3600, 11_000)),
            endpoint("", "once", &[result(true, ago(310))]),
        ]),
    );
    page.is("often", State::Passing, "ok", "").await;
    page.is("late", State::Unknown, "stale", "(every 30 s)")
        .await;
    page.is("hourly", State::Passing, "ok", "").await;
    page.is("lost", State::Unknown, "stale", "(every 3600 s)")
        .await;
    page.is("once", State::Unknown, "stale", "`max_age`").await;
}

#[tokio::test]
async fn ages_are_told_by_its_own_clock_and_then_by_ours() {
    let short = Params::new().with("max_age", Value::Duration(Duration::from_secs(2)));
    let page = Page::start("gatus", short).await;
    // Its clock is years behind ours.
    let dated = "200 OK\r\nDate: Sun, 22 Nov 2020 10:00:01 GMT";
    let at: Timestamp = "2020-11-22T10:00:00Z".parse().unwrap();
    let said = all(&[endpoint("", "shop", &[result(true, at)])]);
    page.answers(PATH, dated, &*said);
    page.is("shop", State::Passing, "ok", "").await;
    // The same old answer, with its old date, is no newer for being told again.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    page.is("shop", State::Unknown, "stale", "").await;
    let newer = said.replace("10:00:00Z", "10:00:01Z");
    page.answers(PATH, dated, newer);
    page.is("shop", State::Passing, "ok", "").await;
}

#[tokio::test]
async fn what_cannot_be_heard_or_understood_has_its_reason() {
    let page = Page::start("gatus", Params::new()).await;
    page.loses(PATH).await;
}
