use alpacalert_instrument::{State, Value};
use alpacalert_testkit::{Hostile, Nginx, Trick};

use super::super::{expect, map, measured, says, txt};
use super::{http, look};

#[tokio::test]
async fn redirects_are_followed_and_told() {
    let Some(nginx) = Nginx::start(
        "location /a { return 302 /b; } location /b { return 301 /c; } location /c { return 200 here; }",
    ) else {
        return;
    };
    let seen = look(http(nginx.url("/a")).with("body", map(&[("contains", txt("here"))]))).await;
    expect(&seen, State::Passing, "ok");
    says(&seen, "redirected 2 times, at last to http://127.0.0.1");
    measured(&seen, "connect time");
    let stay = http(nginx.url("/a")).with("follow", Value::Bool(false));
    let seen = look(stay.clone()).await;
    expect(&seen, State::Passing, "ok");
    says(&seen, "302 Found");
    let seen = look(stay.with("status", Value::Int(200))).await;
    expect(&seen, State::Failing, "status");
}

#[tokio::test]
async fn a_redirect_to_itself_ends() {
    let server = Hostile::start(Trick::redirect_loop()).await;
    let seen = look(http(server.url())).await;
    expect(&seen, State::Failing, "redirects");
    says(&seen, "more than 10 times");
}

#[tokio::test]
async fn a_redirect_to_something_else_than_http_fails() {
    for location in ["file:///etc/passwd", "gopher://x", "http://"] {
        let answer =
            format!("HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n");
        let server = Hostile::start(Trick::Answer(answer.into_bytes())).await;
        expect(&look(http(server.url())).await, State::Failing, "redirects");
    }
}

#[tokio::test]
async fn what_is_for_one_origin_is_not_sent_to_another() {
    let Some(other) = Nginx::start(
        "location / { return 200 \"auth=$http_authorization token=$http_x_token method=$request_method length=$content_length.\"; }",
    ) else {
        return;
    };
    let elsewhere = format!(
        "location /away {{ return 307 {}; }} location /home {{ return 307 /end; }}
         location /end {{ return 200 \"auth=$http_authorization token=$http_x_token.\"; }}",
        other.url("/")
    );
    let Some(own) = Nginx::start(&elsewhere) else {
        return;
    };
    let asking = |path: &str, wanted: &str| {
        let params = http(own.url(path))
            .with_text("bearer", "t0ken")
            .with("headers", map(&[("x-token", txt("abc"))]))
            .with_text("send", "secret body")
            .with("body", map(&[("contains", txt(wanted))]));
        look(params)
    };
    expect(
        &asking("/home", "auth=Bearer t0ken token=abc.").await,
        State::Passing,
        "ok",
    );
    let away = asking("/away", "auth= token= method=POST length=0.").await;
    expect(&away, State::Passing, "ok");
}
