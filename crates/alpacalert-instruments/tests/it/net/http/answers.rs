use std::net::TcpListener;

use alpacalert_instrument::{Params, State, Value};
use alpacalert_testkit::{Nginx, free_port};

use super::super::{Probe, above, expect, list, map, measured, refusal, says, text, txt};
use super::{HTTP, http, look};

/// A server with a page for each sort of answer.
fn server() -> Option<Nginx> {
    Nginx::start(
        r#"
        location /ok { default_type text/plain; add_header x-version "1.4.2"; return 200 "all is well\n"; }
        location /broken { return 503 "database is gone"; }
        location /json { default_type application/json;
            return 200 '{"status": "ok", "queue": 7, "ready": true, "parts": [{"state": "up"}, {"state": "down"}]}'; }
        location /echo { default_type text/plain;
            return 200 "$request_method $http_x_token $http_authorization $host $http_user_agent"; }
        location /private { auth_basic closed; auth_basic_user_file htpasswd; root /nowhere; }
        location /moved { return 301 /ok; }
        location /gzip { add_header content-encoding gzip; return 200 "not really"; }
    "#,
    )
}

#[tokio::test]
async fn a_url_fails_while_its_server_is_down_and_recovers_with_it() {
    let Some(mut nginx) = server() else { return };
    let probe = Probe::new(HTTP, http(nginx.url("/ok")));
    let up = probe.look().await;
    expect(&up, State::Passing, "ok");
    says(&up, "HTTP/1.1 200 OK");
    for name in ["total time", "connect time", "first byte time"] {
        assert!(measured(&up, name).value > 0.0, "{name}");
    }
    assert_eq!(measured(&up, "body size").value, 12.0);
    let parts = measured(&up, "connect time").value + measured(&up, "first byte time").value;
    assert!(parts <= measured(&up, "total time").value);
    nginx.stop();
    expect(&probe.look().await, State::Failing, "connection-refused");
    nginx.resume();
    expect(&probe.look().await, State::Passing, "ok");
}

#[tokio::test]
async fn the_status_is_held_against_those_that_are_right() {
    let Some(nginx) = server() else { return };
    let broken = look(http(nginx.url("/broken"))).await;
    expect(&broken, State::Failing, "status");
    says(
        &broken,
        "the status is 503 Service Unavailable, not 2xx; the body begins `database is gone`",
    );
    let cases = [
        (Value::Int(503), State::Passing),
        (list(&["5xx"]), State::Passing),
        (
            Value::List(vec![Value::Int(200), txt("4xx")]),
            State::Failing,
        ),
    ];
    for (status, state) in cases {
        let seen = look(http(nginx.url("/broken")).with("status", status.clone())).await;
        assert_eq!(seen.state, state, "{status:?}");
    }
}

#[tokio::test]
async fn the_headers_are_held_against_those_that_must_be_there() {
    let Some(nginx) = server() else { return };
    let wanting = |name: &str, pattern: &str| {
        let headers = map(&[(name, txt(pattern))]);
        look(http(nginx.url("/ok")).with("response_headers", headers))
    };
    expect(&wanting("X-Version", r"^1\.").await, State::Passing, "ok");
    let wrong = wanting("x-version", r"^2\.").await;
    expect(&wrong, State::Failing, "header");
    says(&wrong, "the header `x-version` is `1.4.2`");
    let missing = wanting("x-other", ".").await;
    expect(&missing, State::Failing, "header");
    says(&missing, "no header `x-other`");
}

#[tokio::test]
async fn the_body_is_held_against_texts_and_expressions() {
    let Some(nginx) = server() else { return };
    let cases = [
        ("contains", "is well", State::Passing),
        ("contains", "is bad", State::Failing),
        ("matches", "^all .* well", State::Passing),
        ("matches", "^well", State::Failing),
        ("not_matches", "error", State::Passing),
        ("not_matches", "w.ll", State::Failing),
    ];
    for (key, value, state) in cases {
        let seen = look(http(nginx.url("/ok")).with("body", map(&[(key, txt(value))]))).await;
        let reason = if state == State::Passing {
            "ok"
        } else {
            "body"
        };
        expect(&seen, state, reason);
    }
}

#[tokio::test]
async fn the_body_is_held_against_values_in_json() {
    let Some(nginx) = server() else { return };
    let cases = [
        (vec![("json", txt(".status")), ("equals", txt("ok"))], "ok"),
        (
            vec![("json", txt("$.status")), ("equals", txt("up"))],
            "body",
        ),
        (
            vec![("json", txt(".ready")), ("equals", Value::Bool(true))],
            "ok",
        ),
        (
            vec![("json", txt(".ready")), ("equals", txt("true"))],
            "body",
        ),
        (
            vec![("json", txt(".queue")), ("equals", Value::Number(7.0))],
            "ok",
        ),
        (
            vec![("json", txt(".queue")), ("at_most", Value::Int(10))],
            "ok",
        ),
        (
            vec![("json", txt(".queue")), ("at_most", Value::Int(5))],
            "limit",
        ),
        (
            vec![("json", txt(".queue")), ("at_least", Value::Int(8))],
            "limit",
        ),
        (
            vec![("json", txt(".status")), ("at_least", Value::Int(8))],
            "body",
        ),
        (vec![("json", txt(".missing"))], "body"),
        (
            vec![
                ("json", txt(".parts[*].state")),
                ("matches", txt("up|down")),
            ],
            "ok",
        ),
        (
            vec![("json", txt(".parts[*].state")), ("equals", txt("up"))],
            "body",
        ),
        (vec![("json", txt(".status")), ("contains", txt("o"))], "ok"),
    ];
    for (check, reason) in cases {
        let seen = look(http(nginx.url("/json")).with("body", map(&check))).await;
        let state = if reason == "ok" {
            State::Passing
        } else {
            State::Failing
        };
        expect(&seen, state, reason);
    }
    let check = map(&[("json", txt(".queue")), ("at_most", Value::Int(5))]);
    let seen = look(http(nginx.url("/json")).with("body", check)).await;
    assert_eq!(measured(&seen, ".queue").value, 7.0);
    says(&seen, ".queue 7 (failing > 5)");
    let plain = map(&[("json", txt(".status"))]);
    let seen = look(http(nginx.url("/ok")).with("body", plain)).await;
    expect(&seen, State::Failing, "body");
    says(&seen, "the body is not JSON");
}

#[tokio::test]
async fn every_check_of_the_body_counts() {
    let Some(nginx) = server() else { return };
    let checks = Value::List(vec![
        map(&[("contains", txt("all"))]),
        map(&[("contains", txt("bad"))]),
        map(&[("matches", txt("worse"))]),
    ]);
    let seen = look(http(nginx.url("/ok")).with("body", checks)).await;
    expect(&seen, State::Failing, "body");
    says(&seen, "`bad`");
    says(&seen, "`worse`");
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_not_looked_at() {
    let Some(nginx) = server() else { return };
    let page = format!("begin{}end", "x".repeat(200_000));
    std::fs::write(nginx.root().join("large.txt"), page).unwrap();
    let looking = |limit: f64, wanted: &str| {
        let limit = alpacalert_instrument::Quantity {
            value: limit,
            unit: alpacalert_model::Unit::Bytes,
        };
        let params = http(nginx.url("/large.txt"))
            .with("body_limit", Value::Quantity(limit))
            .with("body", map(&[("contains", txt(wanted))]));
        look(params)
    };
    expect(&looking(300_000.0, "end").await, State::Passing, "ok");
    let cut = looking(100_000.0, "begin").await;
    expect(&cut, State::Passing, "ok");
    says(&cut, "only the first 97.7 KiB of the body were read");
    expect(&looking(100_000.0, "end").await, State::Failing, "body");
}

#[tokio::test]
async fn a_compressed_body_cannot_be_looked_at() {
    let Some(nginx) = server() else { return };
    let url = nginx.url("/gzip");
    let seen = look(http(url.clone()).with("body", map(&[("contains", txt("really"))]))).await;
    expect(&seen, State::Failing, "body-encoding");
    expect(&look(http(url)).await, State::Passing, "ok");
}

#[tokio::test]
async fn the_request_is_what_the_user_says() {
    let Some(nginx) = server() else { return };
    let echo =
        |params: Params, wanted: &str| look(params.with("body", map(&[("contains", txt(wanted))])));
    let url = nginx.url("/echo");
    let usual = format!("GET   127.0.0.1 alpacalert/{}", env!("CARGO_PKG_VERSION"));
    expect(&echo(http(url.clone()), &usual).await, State::Passing, "ok");
    let given = http(url.clone())
        .with_text("method", "PUT")
        .with_text("bearer", "t0ken")
        .with(
            "headers",
            map(&[
                ("X-Token", txt("abc")),
                ("Host", txt("shop.test")),
                ("User-Agent", txt("me")),
            ]),
        );
    let wanted = "PUT abc Bearer t0ken shop.test me";
    expect(&echo(given, wanted).await, State::Passing, "ok");
    let posted = http(url).with_text("send", "a=1");
    expect(&echo(posted, "POST").await, State::Passing, "ok");
}

#[tokio::test]
async fn basic_authentication_lets_in_with_the_right_password_only() {
    let Some(nginx) = server() else { return };
    // nginx looks for the file beside its configuration; `{PLAIN}` is its own notation.
    let folder = nginx.root().parent().unwrap().to_owned();
    std::fs::write(folder.join("htpasswd"), "ana:{PLAIN}right\n").unwrap();
    let asking = |password: &str| {
        let basic = map(&[("user", txt("ana")), ("password", txt(password))]);
        look(http(nginx.url("/private")).with("basic", basic))
    };
    let refused = asking("wrong").await;
    expect(&refused, State::Failing, "status");
    says(&refused, "401");
    assert!(!text(&refused).contains("wrong"));
    says(&asking("right").await, "404");
}

#[tokio::test]
async fn credentials_that_a_server_sends_back_are_not_shown() {
    let Some(nginx) = server() else { return };
    let status = http(nginx.url("/echo")).with("status", Value::Int(204));
    let bearer = look(status.clone().with_text("bearer", "t0ken-123")).await;
    expect(&bearer, State::Failing, "status");
    says(&bearer, "Bearer [credentials]");
    assert!(!text(&bearer).contains("t0ken-123"), "{bearer:#?}");
    let basic = map(&[("user", txt("ana")), ("password", txt("right"))]);
    let basic = look(status.with("basic", basic)).await;
    // `ana:right` in base 64.
    assert!(!text(&basic).contains("YW5hOnJpZ2h0"), "{basic:#?}");
}

#[tokio::test]
async fn a_slow_answer_is_held_against_its_limits() {
    let Some(nginx) = server() else { return };
    let slow = |limits| look(http(nginx.url("/ok")).with("slower_than", limits));
    expect(&slow(above(0.0, 10.0)).await, State::Degraded, "limit");
    expect(&slow(above(0.0, 0.0)).await, State::Failing, "limit");
    expect(&slow(above(10.0, 20.0)).await, State::Passing, "ok");
}

#[tokio::test]
async fn a_kept_connection_is_used_again_and_replaced_when_it_ends() {
    let Some(mut nginx) = server() else { return };
    let probe = Probe::new(
        HTTP,
        http(nginx.url("/ok")).with("keep_alive", Value::Bool(true)),
    );
    let first = probe.look().await;
    expect(&first, State::Passing, "ok");
    measured(&first, "connect time");
    let second = probe.look().await;
    expect(&second, State::Passing, "ok");
    assert!(
        !second.measurements.iter().any(|m| m.name == "connect time"),
        "{second:#?}"
    );
    nginx.stop();
    nginx.resume();
    let third = probe.look().await;
    expect(&third, State::Passing, "ok");
    measured(&third, "connect time");
}

#[tokio::test]
async fn http_2_without_tls_is_spoken_from_the_first_byte() {
    let Some(nginx) = server() else { return };
    // This nginx speaks only HTTP/1.1 here, and must not be taken for one that does.
    let seen = look(http(nginx.url("/ok")).with_text("version", "2")).await;
    assert_eq!(seen.state, State::Failing, "{seen:#?}");
}

#[test]
fn what_cannot_be_requested_is_refused_without_showing_secrets() {
    let cases = [
        (http("http://ana:hidden@localhost/"), "use `basic"),
        (http("ftp://localhost/"), "must begin with"),
        (
            http("http://localhost/").with("headers", map(&[("Content-Length", txt("1"))])),
            "belongs to the connection",
        ),
        (
            http("http://localhost/").with("headers", map(&[("X-A", txt("hidden\r\nX-B: 1"))])),
            "line end",
        ),
        (
            http("http://localhost/").with_text("bearer", "hidden\n"),
            "line end",
        ),
        (
            http("http://localhost/").with("body", map(&[("json", txt(".["))])),
            "JSON path",
        ),
        (
            http("http://localhost/").with("body", map(&[("matches", txt("("))])),
            "regular expression",
        ),
    ];
    for (params, part) in cases {
        let said = refusal(HTTP, params);
        assert!(said.contains(part), "{said}");
        assert!(!said.contains("hidden"), "{said}");
    }
}

#[tokio::test]
async fn a_listener_that_is_gone_refuses() {
    let port = free_port();
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    drop(listener);
    let seen = look(http(format!("http://127.0.0.1:{port}/"))).await;
    expect(&seen, State::Failing, "connection-refused");
    says(
        &seen,
        &format!("connecting to 127.0.0.1:{port}: connection refused"),
    );
}
