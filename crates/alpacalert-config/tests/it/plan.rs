//! What a configuration means.

use std::time::Duration;

use alpacalert_config::{MemberTarget, Plan};
use alpacalert_instrument::model::{Bound, Effect, Rule, Threshold};
use alpacalert_instrument::{Request, Value};

use crate::parse;

fn plan(text: &str) -> Plan {
    match parse(text) {
        Ok(loaded) => loaded.plan,
        Err(problems) => panic!("{problems}"),
    }
}

/// The request that is the only member of the only group.
fn request(item: &str) -> Request {
    let plan = plan(&format!("systems:\n  a:\n    all:\n      - {item}\n"));
    match &plan.groups[0].members[0].target {
        MemberTarget::Request(request) => (**request).clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn rules_and_edges() {
    let plan = plan(
        "systems:
  all: { all: [x, { optional: y }] }
  any: { any: [x, y], degraded_below: 2 }
  count: { at_least: 2, of: [x, y, z] }
  share: { at_least: 50%, of: [x, y] }
  one: { exactly: 1, of: [x, y] }
  weighed: { weights: { x: 3, y: 2 }, at_least: 4 }
  lists: { any: [x], degrades: [y], inverted: [z] }
  x: { mark: {} }
  y: { mark: }
  z: { tcp: '127.0.0.1:80', title: The door, owner: guards }
services:
  s: { requires: [all], degrades: [any], public: true, title: Everything }
",
    );
    let group = |name: &str| {
        plan.groups
            .iter()
            .find(|group| &**group.id.reference() == name)
            .expect("the group is there")
    };
    let rule = |name: &str| group(name).rule;
    assert_eq!(rule("all"), Rule::All);
    assert_eq!(rule("any"), Rule::Any);
    assert_eq!(group("any").degraded_below, Some(2));
    assert_eq!(rule("count"), Rule::AtLeast(Threshold::Count(2)));
    assert_eq!(rule("share"), Rule::AtLeast(Threshold::Percent(50)));
    assert_eq!(rule("one"), Rule::Exactly(1));
    assert_eq!(rule("weighed"), Rule::Weight(4));
    assert_eq!(group("weighed").members[0].edge.weight, 3);
    assert_eq!(group("all").members[1].edge.effect, Effect::Optional);
    let effects: Vec<_> = group("lists")
        .members
        .iter()
        .map(|m| m.edge.effect)
        .collect();
    assert_eq!(
        effects,
        [Effect::Required, Effect::Degrades, Effect::Inverted]
    );
    assert_eq!(group("z").title.as_deref(), Some("The door"));
    assert_eq!(group("z").owner.as_deref(), Some("guards"));
    assert_eq!(group("z").service, None);
    assert_eq!(group("s").service, Some(true));
    assert_eq!(group("s").id.to_string(), "local/alpacalert.io/Service/s");
    assert_eq!(group("x").id.to_string(), "local/alpacalert.io/System/x");
    let MemberTarget::Node(id) = &group("s").members[0].target else {
        panic!("a name is a node");
    };
    assert_eq!(id, &group("all").id);
}

#[test]
fn every_shape_becomes_its_value() {
    let request = request(
        "every: { bool: true, int: 443, number: 0.5, text: 1.10, duration: 1h30m, quantity: 20GiB, ratio: -3,
            regex: '^a$', json: .status, url: 'https://example.com/a', address: '[::1]:80', path: /srv, word: degraded,
            above: { degraded: 300ms, failing: 2s }, below: { degraded: 15%, failing: off }, list: [1, 2], many: one,
            map: { b: x, a: y }, record: { kind: k }, either: { not: 404 } }",
    );
    let shown: Vec<String> = request
        .params
        .iter()
        .map(|(key, value)| format!("{key} = {value:?}"))
        .collect();
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn a_limit_that_is_off_is_not_one_that_is_not_given() {
    let limits = |text: &str| {
        let request = request(&format!("every: {{ above: {text} }}"));
        match request.params.get("above") {
            Some(Value::Limits(limits)) => *limits,
            other => panic!("{other:?}"),
        }
    };
    let off = limits("{ failing: off }");
    assert_eq!(
        (off.degraded, off.failing),
        (None, Some(Bound::Above(f64::INFINITY)))
    );
    let given = limits("{ degraded: 1s }");
    assert_eq!(
        (given.degraded, given.failing),
        (Some(Bound::Above(1.0)), None)
    );
}

#[test]
fn a_bare_value_stands_for_the_key_that_the_kind_says() {
    let request = request("http: https://example.com");
    assert_eq!(request.params.text("url"), Some("https://example.com"));
    assert_eq!(&*request.reference, "https://example.com");
}

#[test]
fn every_kind_takes_a_title_an_owner_and_a_schedule_beside_its_keys() {
    let request = request(
        "http: { url: 'http://a', title: A, owner: us, interval: 5s, timeout: 1s, retries: 2, retry_interval: 1s, recoveries: 3, time_to_live: 1m }",
    );
    assert_eq!(request.title.as_deref(), Some("A"));
    assert_eq!(request.owner.as_deref(), Some("us"));
    assert_eq!(request.schedule.interval, Some(Duration::from_secs(5)));
    assert_eq!(request.schedule.timeout, Some(Duration::from_secs(1)));
    assert_eq!(request.schedule.retries, Some(2));
    assert_eq!(
        request.schedule.retry_interval,
        Some(Duration::from_secs(1))
    );
    assert_eq!(request.schedule.recoveries, Some(3));
    assert_eq!(request.schedule.time_to_live, Some(Duration::from_secs(60)));
    // How it is measured is no part of what it is.
    assert_eq!(&*request.reference, "http://a");
    assert_eq!(request.params.iter().count(), 1);
}

#[test]
fn a_key_of_the_kind_comes_before_one_that_all_kinds_take() {
    let request = request("tcp: { address: 'a:1', timeout: 3s }");
    assert_eq!(
        request.params.duration("timeout"),
        Some(Duration::from_secs(3))
    );
    assert_eq!(request.schedule.timeout, None);
}

#[test]
fn a_thing_of_a_source_has_the_source_in_its_identity() {
    let plan = plan(
        "sources: { metrics: { api: { url: 'http://a' }, interval: 15s, owner: them } }
systems: { a: { query: { source: metrics, query: up } } }",
    );
    let MemberTarget::Request(request) = &plan.groups[0].members[0].target else {
        panic!("a kind is a request");
    };
    assert_eq!(request.id().to_string(), "metrics/example.com/Query/up");
    assert_eq!(plan.sources[0].provider, "api");
    assert_eq!(
        plan.sources[0].schedule.interval,
        Some(Duration::from_secs(15))
    );
    assert_eq!(plan.sources[0].owner.as_deref(), Some("them"));
}

#[test]
fn nodes_of_a_source_are_found_by_path() {
    let plan = plan(
        "sources: { grafana: { dump: } }
systems:
  a:
    all:
      - find: { source: grafana, path: 'Reports/*/disk' }
      - degrades: { find: { source: grafana, path: [a/b, '*'] } }
",
    );
    let paths: Vec<_> = plan.groups[0]
        .members
        .iter()
        .map(|member| match &member.target {
            MemberTarget::Found { source, path } => (source.to_string(), path.clone()),
            other => panic!("{other:?}"),
        })
        .collect();
    let path = |parts: &[&str]| {
        parts
            .iter()
            .map(|part| (*part).to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        paths[0],
        ("grafana".to_owned(), path(&["Reports", "*", "disk"]))
    );
    assert_eq!(paths[1], ("grafana".to_owned(), path(&["a/b", "*"])));
    assert_eq!(plan.groups[0].members[1].edge.effect, Effect::Degrades);
}

#[test]
fn extensions_keep_placeholders() {
    let plan = plan(
        "sources: { metrics: { api: { url: 'http://a' } } }
extend:
  example.com/Volume:
    - query: { source: metrics, query: 'up{{job=\"x\"}}', match: { claim: '{name}' } }
  http:
    - optional: { tcp: '{host}:80' }
",
    );
    assert_eq!(plan.extensions[0].kind.as_str(), "example.com/Volume");
    assert_eq!(plan.extensions[1].kind.as_str(), "example.com/Http");
    let MemberTarget::Request(request) = &plan.extensions[0].members[0].target else {
        panic!("a kind is a request");
    };
    assert_eq!(request.params.text("query"), Some("up{{job=\"x\"}}"));
    assert_eq!(
        request
            .params
            .record("match")
            .and_then(|m| m.text("claim").map(str::to_owned)),
        Some("{name}".to_owned())
    );
    assert_eq!(plan.extensions[1].members[0].edge.effect, Effect::Optional);
}

#[test]
fn defaults_and_concurrency() {
    let plan = plan(
        "instance: here
owner: us
defaults: { interval: 1m, retries: 2 }
concurrency: { processes: 8 }
systems: { a: { mark: } }",
    );
    assert_eq!(&*plan.instance, "here");
    assert_eq!(plan.owner.as_deref(), Some("us"));
    assert_eq!(plan.defaults.interval, Some(Duration::from_secs(60)));
    assert_eq!(plan.defaults.retries, Some(2));
    assert_eq!(plan.defaults.timeout, None);
    assert_eq!(plan.concurrency.processes, 8);
    assert_eq!(plan.concurrency.network, 20_000);
}

#[test]
fn how_long_things_are_remembered() {
    let read = plan("history: { transitions: 30d, hours: 10d }\nsystems: { a: { mark: } }");
    let days = |days: u64| Some(Duration::from_secs(days * 24 * 60 * 60));
    assert_eq!(read.history.transitions, days(30));
    assert_eq!(read.history.hours, days(10));
    assert_eq!(read.history.measurements, None);
}

#[test]
fn more_members_than_are_named_may_be_asked_for_where_a_source_finds_them() {
    let plan = plan(
        "sources: { cluster: { dump: } }
systems:
  workers: { at_least: 2, degraded_below: 3, of: [{ query: { source: cluster, query: app=worker } }] }
  found: { exactly: 5, of: [{ find: { source: cluster, path: 'workers/*' } }] }",
    );
    assert_eq!(plan.groups[0].rule, Rule::AtLeast(Threshold::Count(2)));
}

#[test]
fn anchors_and_aliases_stand_for_values() {
    let plan = plan(
        "systems:
  a: { http: { url: 'http://a', headers: &headers { x: '1' } } }
  b: { http: { url: 'http://b', headers: *headers } }",
    );
    for group in &plan.groups {
        let MemberTarget::Request(request) = &group.members[0].target else {
            panic!("a kind is a request");
        };
        assert_eq!(
            request.params.get("headers"),
            Some(&Value::Map(vec![(
                "x".to_owned(),
                Value::Text("1".to_owned())
            )]))
        );
    }
}

#[test]
fn a_configuration_without_anything_to_observe_is_warned_of() {
    for text in ["", "# nothing yet\n", "systems:\n", "instance: a\n"] {
        let loaded = parse(text).expect("an empty configuration is one");
        assert_eq!(loaded.warnings.len(), 1, "{text:?}");
        assert!(loaded.warnings[0].message().contains("nothing to observe"));
    }
}

#[test]
fn a_sensor_that_would_be_stale_between_measurements_is_warned_of() {
    let loaded =
        parse("systems: { a: { tcp: { address: 'a:1', interval: 1m, time_to_live: 10s } } }")
            .expect("this can be measured");
    insta::assert_snapshot!(loaded.warnings[0].to_string());
}

#[test]
fn all_that_is_wrong_with_a_maintenance_is_told_at_once() {
    let text = "systems:\n  a:\n    http: http://a\n    maintenance:\n      - { from: 2027-02-30T02:00, until: 04:00, zone: Berlin, reason: \"\" }\n      - { every: day, from: 25:00 }\n";
    let problems = parse(text).expect_err("it is wrong").to_string();
    for told in [
        "`from` is not a time\n",
        "`until` without a date",
        "there is no time zone `Berlin`",
        "`reason` is empty",
        "`from` is not a time such as",
        "`maintenance` lacks the key `until`",
    ] {
        assert!(problems.contains(told), "{told}: {problems}");
    }
}

#[test]
fn windows_are_moments_by_the_clocks_of_their_zone() {
    let text = "systems:\n  a:\n    http: http://a\n    maintenance:\n      - { from: 2026-10-25 02:15, until: 2026-10-25 02:45, zone: Europe/Berlin, reason: moved }\n";
    let plan = parse(text).expect("it is right").plan;
    let at = |text: &str| text.parse().expect("a time");
    let window = alpacalert_instrument::Window {
        // The clocks show both times twice.
        when: alpacalert_instrument::When::Once {
            from: at("2026-10-25T00:15:00Z"),
            until: at("2026-10-25T01:45:00Z"),
        },
        reason: "moved".into(),
    };
    assert_eq!(plan.groups[0].maintenance, [window]);
}
