use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Duration;

use alpacalert_instrument::{Observation, Params, State, Value};
use alpacalert_testkit::require;

use super::{Probe, above, expect, measured, refusal, says};

const ICMP: &str = "alpacalert.io/Icmp";

fn icmp(host: &str) -> Params {
    Params::new()
        .with_text("host", host)
        .with("count", Value::Int(3))
}

/// What is seen, or `None` where this user may not send echo requests.
async fn look(params: Params) -> Option<Observation> {
    let seen = Probe::new(ICMP, params)
        .within(Duration::from_secs(3))
        .look()
        .await;
    if seen.reason.as_str() == "not-permitted" {
        alpacalert_testkit::skip("this user may not send echo requests");
        return None;
    }
    Some(seen)
}

#[tokio::test]
async fn this_machine_answers_itself() {
    for host in ["127.0.0.1", "localhost"] {
        let Some(seen) = look(icmp(host)).await else {
            return;
        };
        expect(&seen, State::Passing, "ok");
        assert_eq!(measured(&seen, "loss").value, 0.0);
        let mean = measured(&seen, "mean round trip").value;
        assert!(mean > 0.0 && mean < 0.5, "{mean}");
    }
    let slow = icmp("127.0.0.1").with("slower_than", above(0.0, None));
    let Some(seen) = look(slow).await else { return };
    expect(&seen, State::Degraded, "limit");
}

#[tokio::test]
async fn many_sensors_do_not_take_each_others_answers() {
    let probes: Vec<_> = (0..20).map(|_| look(icmp("127.0.0.1"))).collect();
    for seen in futures_util::future::join_all(probes)
        .await
        .into_iter()
        .flatten()
    {
        expect(&seen, State::Passing, "ok");
    }
}

#[tokio::test]
async fn a_host_that_cannot_be_reached_is_not_taken_for_one_that_answers() {
    // An address for documentation (RFC 5737): nobody answers, or there is no way to it.
    let Some(seen) = look(icmp("198.51.100.7")).await else {
        return;
    };
    match seen.state {
        State::Failing => assert!(
            ["timeout", "host-unreachable"].contains(&seen.reason.as_str()),
            "{seen:#?}"
        ),
        State::Unknown => assert_eq!(seen.reason.as_str(), "network-unreachable", "{seen:#?}"),
        _ => panic!("{seen:#?}"),
    }
}

#[test]
fn a_host_that_does_not_answer_fails() {
    // A network of its own, in which this machine ignores echo requests.
    let Some(unshare) = require("unshare") else {
        return;
    };
    let silent = "ip link set lo up && echo 1 > /proc/sys/net/ipv4/icmp_echo_ignore_all";
    let may = Command::new(&unshare)
        .args(["-rn", "sh", "-c", silent])
        .status();
    if !may.is_ok_and(|status| status.success()) {
        alpacalert_testkit::skip("this user may not make a network of its own");
        return;
    }
    let inner = "net::icmp::in_a_network_that_ignores_echo_requests";
    let run = format!("{silent} && exec \"$0\" --exact {inner} --ignored");
    let output = Command::new(unshare)
        .args(["-rn", "sh", "-c", &run])
        .arg(std::env::current_exe().unwrap())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}"
    );
}

#[tokio::test]
#[ignore = "run by the test above"]
async fn in_a_network_that_ignores_echo_requests() {
    let probe = Probe::new(ICMP, icmp("127.0.0.1"));
    let seen = probe.look().await;
    expect(&seen, State::Failing, "timeout");
    says(&seen, "127.0.0.1 answered none of 3 echo requests");
    assert_eq!(measured(&seen, "loss").value, 100.0);
}

#[test]
fn a_user_who_may_not_send_gets_to_know_what_to_do() {
    // Runs the test below as a user without privileges, where we are root and the system forbids it to others.
    if !rustix::process::geteuid().is_root() || everybody_may_ping() {
        return;
    }
    const NOBODY: u32 = 65_534;
    let inner = "net::icmp::as_a_user_without_privileges";
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", inner, "--ignored", "--nocapture"])
        .current_dir("/")
        .uid(NOBODY)
        .gid(NOBODY)
        .output();
    // The folder of the tests may be closed to others.
    let Ok(output) = output else { return };
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    assert!(said.contains("1 passed"), "{said}");
}

fn everybody_may_ping() -> bool {
    let range = std::fs::read_to_string("/proc/sys/net/ipv4/ping_group_range").unwrap_or_default();
    let numbers: Vec<u64> = range.split_whitespace().flat_map(str::parse).collect();
    matches!(numbers[..], [low, high] if (low..=high).contains(&65_534))
}

#[tokio::test]
#[ignore = "run by the test above"]
async fn as_a_user_without_privileges() {
    let seen = Probe::new(ICMP, icmp("127.0.0.1")).look().await;
    expect(&seen, State::Unknown, "not-permitted");
    says(&seen, "net.ipv4.ping_group_range");
}

#[test]
fn a_host_that_cannot_be_one_is_refused() {
    assert!(refusal(ICMP, icmp("a b")).contains("neither a host name nor an address"));
}
