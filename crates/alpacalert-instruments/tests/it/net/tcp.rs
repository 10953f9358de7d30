use std::net::TcpListener;
use std::time::{Duration, Instant};

use alpacalert_instrument::{Params, State};
use alpacalert_testkit::{Hostile, Nginx, Trick, free_port};

use super::{Probe, above, expect, measured, refusal, says};

const TCP: &str = "alpacalert.io/Tcp";

fn tcp(address: impl ToString) -> Params {
    Params::new().with_text("address", address.to_string())
}

#[tokio::test]
async fn a_port_fails_while_its_server_is_down_and_recovers_with_it() {
    let Some(mut nginx) = Nginx::start("return 200;") else {
        return;
    };
    let probe = Probe::new(TCP, tcp(nginx.address()));
    let up = probe.look().await;
    expect(&up, State::Passing, "ok");
    assert!(measured(&up, "connect time").value < 1.0);
    nginx.stop();
    let down = probe.look().await;
    expect(&down, State::Failing, "connection-refused");
    says(&down, &nginx.address().to_string());
    nginx.resume();
    expect(&probe.look().await, State::Passing, "ok");
}

#[tokio::test]
async fn a_name_is_looked_up_and_one_that_does_not_exist_is_a_failure_or_not_known() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let local = Probe::new(TCP, tcp(format!("localhost:{port}")))
        .look()
        .await;
    expect(&local, State::Passing, "ok");
    measured(&local, "name time");
    // Whether the resolver of this machine can be reached decides which of the two is true.
    let missing = Probe::new(TCP, tcp("does-not-exist.invalid:80"))
        .within(Duration::from_secs(2))
        .look()
        .await;
    match missing.state {
        State::Failing => assert_eq!(missing.reason.as_str(), "name-not-found"),
        State::Unknown => assert_eq!(missing.reason.as_str(), "name-not-resolved"),
        _ => panic!("{missing:#?}"),
    }
}

#[tokio::test]
async fn an_answer_is_held_against_what_is_expected() {
    let banner = Trick::Answer(b"220 mail.test ESMTP\r\n".to_vec());
    let server = Hostile::start(banner).await;
    let asking = tcp(server.address()).with_text("send", "EHLO me\r\n");
    let fits = Probe::new(TCP, asking.clone().with_text("expect", "^220 "));
    let seen = fits.look().await;
    expect(&seen, State::Passing, "ok");
    measured(&seen, "answer time");
    let differs = Probe::new(TCP, asking.with_text("expect", "^250 "));
    let seen = differs.look().await;
    expect(&seen, State::Failing, "answer");
    says(&seen, "220 mail.test ESMTP");
}

#[tokio::test]
async fn a_silent_target_fails_with_what_it_was_asked_before_the_scheduler_gives_up() {
    let silent = Hostile::start(Trick::Silent).await;
    let probe = Probe::new(TCP, tcp(silent.address()).with_text("expect", "."));
    let begun = Instant::now();
    let seen = probe.within(Duration::from_millis(500)).look().await;
    assert!(begun.elapsed() < Duration::from_millis(600));
    expect(&seen, State::Failing, "timeout");
    says(
        &seen,
        "no answer within 500 ms while waiting for the expected answer",
    );
}

#[tokio::test]
async fn a_connection_that_ends_early_fails() {
    for trick in [Trick::Close, Trick::Reset] {
        let server = Hostile::start(trick).await;
        let params = tcp(server.address())
            .with_text("send", "hello")
            .with_text("expect", ".");
        let seen = Probe::new(TCP, params).look().await;
        expect(&seen, State::Failing, "connection-closed");
    }
}

#[tokio::test]
async fn an_answer_without_end_is_read_up_to_its_limit() {
    let chatty = Hostile::start(Trick::Endless(b"a".to_vec(), vec![b'a'; 65_536])).await;
    let params = tcp(chatty.address())
        .with_text("send", "?")
        .with_text("expect", "b");
    expect(
        &Probe::new(TCP, params).look().await,
        State::Failing,
        "answer",
    );
}

#[tokio::test]
async fn a_slow_connection_is_held_against_its_limits() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let never_that_fast = tcp(address).with("slower_than", above(0.0, None));
    let seen = Probe::new(TCP, never_that_fast).look().await;
    expect(&seen, State::Degraded, "limit");
    let never_that_fast = tcp(address).with("slower_than", above(None, 0.0));
    expect(
        &Probe::new(TCP, never_that_fast).look().await,
        State::Failing,
        "limit",
    );
}

#[tokio::test]
async fn an_address_without_a_route_is_unknown() {
    // TEST-NET addresses in IPv6 (RFC 3849): machines without IPv6 have no route, others get no answer.
    let seen = Probe::new(TCP, tcp("[2001:db8::1]:9"))
        .within(Duration::from_millis(300))
        .look()
        .await;
    match seen.state {
        State::Unknown => assert_eq!(seen.reason.as_str(), "network-unreachable"),
        State::Failing => assert!(["timeout", "host-unreachable"].contains(&seen.reason.as_str())),
        _ => panic!("{seen:#?}"),
    }
}

#[test]
fn what_cannot_be_measured_is_refused_with_the_reason() {
    let cases = [
        ("nowhere", "needs a port"),
        ("a b:1", "neither a host name nor an address"),
    ];
    for (address, part) in cases {
        let said = refusal(TCP, tcp(address));
        assert!(said.contains(part), "{said}");
    }
    let huge = tcp(format!("localhost:{}", free_port())).with_text("expect", "(a{1000}){1000}");
    assert!(refusal(TCP, huge).contains("when compiled"));
}
