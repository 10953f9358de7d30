use std::time::Duration;

use alpacalert_instrument::{Observation, Params, State};
use alpacalert_testkit::{Nsd, free_port, silent_udp};

use super::{Probe, above, expect, list, measured, refusal, says};

const DNS: &str = "alpacalert.io/Dns";

const RECORDS: &str = r#"
www IN A 192.0.2.1
www IN A 192.0.2.2
www IN AAAA 2001:db8::1
alias IN CNAME www
@ IN MX 10 Mail.Test.
@ IN TXT "v=spf1 -all"
_http._tcp IN SRV 0 5 8080 www
@ IN CAA 0 issue "ca.test"
1.2.0.192.in-addr.arpa.test. IN PTR www
"#;

fn dns(server: impl ToString, name: &str, record: &str) -> Params {
    Params::new()
        .with_text("name", name)
        .with_text("record", record)
        .with_text("resolver", server.to_string())
}

async fn look(params: Params) -> Observation {
    Probe::new(DNS, params).look().await
}

#[tokio::test]
async fn records_of_every_type_are_held_against_what_is_expected() {
    let Some(nsd) = Nsd::start(RECORDS) else {
        return;
    };
    let cases = [
        ("www.test", "A", "192.0.2.1"),
        ("WWW.Test.", "A", "192.0.2.2"),
        ("www.test", "AAAA", "2001:0db8:0::1"),
        ("alias.test", "CNAME", "www.test."),
        ("alias.test", "A", "192.0.2.1"),
        ("test", "MX", "10 mail.test"),
        ("test", "TXT", "v=spf1 -all"),
        ("test", "NS", "ns.test"),
        ("test", "SOA", "ns.test admin.test 7 3600 600 86400 60"),
        ("_http._tcp.test", "SRV", "0 5 8080 www.test"),
        ("test", "CAA", "0 issue \"ca.test\""),
        ("1.2.0.192.in-addr.arpa.test", "PTR", "www.test"),
    ];
    for (name, record, wanted) in cases {
        let seen = look(dns(nsd.address(), name, record).with("expect", list(&[wanted]))).await;
        expect(&seen, State::Passing, "ok");
        assert!(measured(&seen, "answer time").value > 0.0);
        assert_eq!(measured(&seen, "time to live").value, 60.0);
        let other = dns(nsd.address(), name, record).with("expect", list(&["another"]));
        expect(&look(other).await, State::Failing, "answer");
    }
}

#[tokio::test]
async fn expected_answers_are_a_part_or_the_whole() {
    let Some(nsd) = Nsd::start(RECORDS) else {
        return;
    };
    let asking = |expected: &[&str], how: &str| {
        look(
            dns(nsd.address(), "www.test", "A")
                .with("expect", list(expected))
                .with_text("match", how),
        )
    };
    let exact = asking(&["192.0.2.1"], "exact").await;
    expect(&exact, State::Failing, "answer");
    says(&exact, "192.0.2.2 is not expected");
    let all = asking(&["192.0.2.1", "192.0.2.3"], "all").await;
    expect(&all, State::Failing, "answer");
    says(&all, "192.0.2.3 is missing");
    expect(
        &asking(&["192.0.2.1", "192.0.2.3"], "any").await,
        State::Passing,
        "ok",
    );
    expect(
        &asking(&["192.0.2.2", "192.0.2.1"], "exact").await,
        State::Passing,
        "ok",
    );
}

#[tokio::test]
async fn each_refusal_has_its_own_reason() {
    let Some(nsd) = Nsd::start(RECORDS) else {
        return;
    };
    let cases = [
        ("missing.test", "A", "nxdomain"),
        ("www.test", "MX", "no-record"),
        ("www.broken", "A", "servfail"),
        ("www.elsewhere", "A", "query-refused"),
    ];
    for (name, record, reason) in cases {
        let seen = look(dns(nsd.address(), name, record)).await;
        expect(&seen, State::Failing, reason);
        says(&seen, name);
    }
}

#[tokio::test]
async fn an_answer_that_does_not_fit_into_udp_comes_over_tcp() {
    let many: String = (0..60)
        .map(|n| format!("many IN TXT \"{n:03}{}\"\n", "x".repeat(200)))
        .collect();
    let Some(nsd) = Nsd::start(&many) else { return };
    let seen = look(dns(nsd.address(), "many.test", "TXT")).await;
    expect(&seen, State::Passing, "ok");
    assert_eq!(measured(&seen, "answers").value, 60.0);
}

#[tokio::test]
async fn a_silent_server_times_out_and_a_port_without_one_refuses() {
    let (_socket, address) = silent_udp();
    let probe = Probe::new(DNS, dns(address, "www.test", "A")).within(Duration::from_millis(400));
    let seen = probe.look().await;
    expect(&seen, State::Failing, "timeout");
    says(&seen, &format!("waiting for the answer of {address}"));
    let nobody = format!("127.0.0.1:{}", free_port());
    expect(
        &look(dns(nobody, "www.test", "A")).await,
        State::Failing,
        "connection-refused",
    );
}

#[tokio::test]
async fn what_is_not_dns_fails() {
    let (socket, address) = silent_udp();
    std::thread::spawn(move || {
        let mut buffer = [0; 512];
        let (_, from) = socket.recv_from(&mut buffer).unwrap();
        // The question's number, and then nothing that makes sense.
        let mut answer = buffer[..2].to_vec();
        answer.extend([0xff; 40]);
        socket.send_to(&answer, from).unwrap();
    });
    expect(
        &look(dns(address, "www.test", "A")).await,
        State::Failing,
        "protocol",
    );
}

#[tokio::test]
async fn an_answer_with_another_number_is_not_taken_for_ours() {
    let (socket, address) = silent_udp();
    // Stays open after the answer, so that the port does not refuse.
    let socket = std::sync::Arc::new(socket);
    let server = socket.clone();
    std::thread::spawn(move || {
        let mut buffer = [0; 512];
        let (length, from) = server.recv_from(&mut buffer).unwrap();
        buffer[0] ^= 0xff;
        buffer[2] |= 0x80;
        server.send_to(&buffer[..length], from).unwrap();
    });
    let probe = Probe::new(DNS, dns(address, "www.test", "A")).within(Duration::from_millis(400));
    expect(&probe.look().await, State::Failing, "timeout");
}

#[tokio::test]
async fn a_slow_answer_is_held_against_its_limits() {
    let Some(nsd) = Nsd::start(RECORDS) else {
        return;
    };
    let slow = dns(nsd.address(), "www.test", "A").with("slower_than", above(0.0, 60.0));
    expect(&look(slow).await, State::Degraded, "limit");
}

#[tokio::test]
async fn the_silence_of_our_own_resolvers_is_not_the_names_fault() {
    let params = Params::new().with_text("name", "does-not-exist.invalid");
    let seen = Probe::new(DNS, params)
        .within(Duration::from_secs(1))
        .look()
        .await;
    // Whether this machine's resolvers can be reached decides which of the two is true.
    match seen.state {
        State::Unknown => assert_eq!(seen.reason.as_str(), "name-not-resolved", "{seen:#?}"),
        State::Failing => assert_eq!(seen.reason.as_str(), "nxdomain", "{seen:#?}"),
        _ => panic!("{seen:#?}"),
    }
}

#[test]
fn what_cannot_be_asked_is_refused() {
    let long = "x".repeat(64);
    assert!(refusal(DNS, dns("127.0.0.1", &long, "A")).contains("is not a name of DNS"));
    assert!(refusal(DNS, dns("127.0.0.1:0", "www.test", "A")).contains("needs a port"));
}
