use std::time::Duration;

use alpacalert_instrument::{Params, State, Value};
use alpacalert_model::Limits;
use alpacalert_testkit::{
    Authority, Dovecot, Exim, Hostile, Issued, Lifetime, Nginx, Postgres, TlsServer, Trick,
};

use super::{Probe, expect, measured, refusal, says, text};

const TLS: &str = "alpacalert.io/Tls";
const DAY: f64 = 86_400.0;

/// Asks for `localhost` at an address.
fn tls(address: impl ToString, ca: &Authority) -> Params {
    Params::new()
        .with_text("address", address.to_string())
        .with_text("server_name", "localhost")
        .with_text("ca", ca.root().display().to_string())
}

async fn look(params: Params) -> alpacalert_instrument::Observation {
    Probe::new(TLS, params).look().await
}

/// What the sensor says about an nginx with a certificate.
async fn judged(
    certificate: &Issued,
    ca: &Authority,
) -> Option<alpacalert_instrument::Observation> {
    let nginx = Nginx::start_tls(certificate, "return 200;")?;
    Some(look(tls(nginx.address(), ca)).await)
}

#[tokio::test]
async fn a_good_certificate_passes_with_its_evidence() {
    let ca = Authority::new("test");
    let Some(seen) = judged(&ca.issue(&["localhost"], Lifetime::LONG), &ca).await else {
        return;
    };
    expect(&seen, State::Passing, "ok");
    says(
        &seen,
        "TLS 1.3; certificate CN=localhost, issued by CN=test intermediate, valid until",
    );
    let left = measured(&seen, "time left");
    assert!((89.0 * DAY..=90.0 * DAY).contains(&left.value), "{left:?}");
    assert_eq!(left.limits, Limits::below(21.0 * DAY, 7.0 * DAY));
    measured(&seen, "time left of CN=test intermediate");
}

#[tokio::test]
async fn the_time_left_is_held_against_its_limits() {
    let ca = Authority::new("test");
    for (days, state) in [(20, State::Degraded), (6, State::Failing)] {
        let certificate = ca.issue(&["localhost"], Lifetime::days(days));
        let Some(nginx) = Nginx::start_tls(&certificate, "return 200;") else {
            return;
        };
        expect(&look(tls(nginx.address(), &ca)).await, state, "limit");
        let limits = Value::Limits(Limits::below(2.0 * DAY, DAY));
        let other = tls(nginx.address(), &ca).with("time_left", limits);
        expect(&look(other).await, State::Passing, "ok");
    }
}

#[tokio::test]
async fn an_intermediate_that_expires_counts_too() {
    let ca = Authority::with_intermediate("test", Lifetime::days(10));
    let Some(seen) = judged(&ca.issue(&["localhost"], Lifetime::LONG), &ca).await else {
        return;
    };
    expect(&seen, State::Degraded, "limit");
    says(&seen, "time left of CN=test intermediate");
}

#[tokio::test]
async fn each_defect_has_its_own_reason_and_shows_its_evidence() {
    let ca = Authority::new("test");
    let stranger = Authority::new("stranger");
    let expired_ca = Authority::with_intermediate("old", Lifetime::Expired);
    let cases = [
        (
            ca.issue(&["localhost"], Lifetime::Expired),
            "tls-expired",
            "CN=localhost expired at 20",
        ),
        (
            ca.issue(&["localhost"], Lifetime::NotYet),
            "tls-not-yet-valid",
            "not valid before",
        ),
        (
            ca.issue(&["a.test", "b.test"], Lifetime::LONG),
            "tls-wrong-host",
            "is for a.test, b.test, not for localhost",
        ),
        (
            Authority::self_signed(&["localhost"], Lifetime::LONG),
            "tls-self-signed",
            "CN=localhost is signed by itself",
        ),
        (
            stranger.issue(&["localhost"], Lifetime::LONG),
            "tls-unknown-issuer",
            "CN=stranger intermediate, is not trusted",
        ),
    ];
    for (certificate, reason, evidence) in cases {
        let Some(seen) = judged(&certificate, &ca).await else {
            return;
        };
        expect(&seen, State::Failing, reason);
        says(&seen, evidence);
        measured(&seen, "time left");
    }
    let old = expired_ca.issue(&["localhost"], Lifetime::LONG);
    let Some(seen) = judged(&old, &expired_ca).await else {
        return;
    };
    expect(&seen, State::Failing, "tls-expired");
    says(&seen, "CN=old intermediate expired");
}

#[tokio::test]
async fn several_defects_are_all_told() {
    let ca = Authority::new("test");
    let Some(seen) = judged(&Authority::self_signed(&["a.test"], Lifetime::Expired), &ca).await
    else {
        return;
    };
    for part in ["expired", "not for localhost", "signed by itself"] {
        says(&seen, part);
    }
}

#[tokio::test]
async fn a_certificate_that_stands_in_the_file_is_trusted_itself() {
    for own in [
        Authority::self_signed(&["localhost"], Lifetime::LONG),
        Authority::self_signed_authority(&["localhost"], Lifetime::LONG),
    ] {
        let Some(nginx) = Nginx::start_tls(&own, "return 200;") else {
            return;
        };
        let params = |name: &str| {
            Params::new()
                .with_text("address", nginx.address().to_string())
                .with_text("server_name", name)
                .with_text("ca", own.folder().join("cert.pem").display().to_string())
        };
        expect(&look(params("localhost")).await, State::Passing, "ok");
        let other = look(params("other.test")).await;
        expect(&other, State::Failing, "tls-wrong-host");
    }
}

#[tokio::test]
async fn a_certificate_that_this_machine_does_not_trust_fails_without_a_file() {
    let ca = Authority::new("test");
    let certificate = ca.issue(&["localhost"], Lifetime::LONG);
    let Some(nginx) = Nginx::start_tls(&certificate, "return 200;") else {
        return;
    };
    let params =
        Params::new().with_text("address", format!("localhost:{}", nginx.address().port()));
    let seen = look(params).await;
    // A machine without any trusted certificates cannot tell.
    match seen.state {
        State::Failing => assert_eq!(seen.reason.as_str(), "tls-unknown-issuer"),
        State::Unknown => says(&seen, "ca-certificates"),
        _ => panic!("{seen:#?}"),
    }
}

#[tokio::test]
async fn weak_keys_and_signatures_fail() {
    let ca = Authority::new("test");
    let cases: [(&[&str], &str, &str); 2] = [
        (
            &["-newkey", "rsa:1024"],
            "tls-weak-key",
            "RSA with 1024 bits",
        ),
        (
            &["-newkey", "rsa:2048", "-sha1"],
            "tls-weak-signature",
            "SHA-1 with",
        ),
    ];
    for (arguments, reason, evidence) in cases {
        let Some(certificate) = ca.issue_with_openssl(arguments) else {
            return;
        };
        // Debian's OpenSSL refuses such keys by default; a neglected server does not.
        let Some(server) = TlsServer::start(&certificate, &["-cipher", "ALL:@SECLEVEL=0"]) else {
            return;
        };
        let seen = look(tls(server.address(), &ca)).await;
        expect(&seen, State::Failing, reason);
        says(&seen, evidence);
    }
}

#[tokio::test]
async fn a_server_that_speaks_only_old_versions_fails() {
    let ca = Authority::new("test");
    let certificate = ca.issue(&["localhost"], Lifetime::LONG);
    let old = ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"];
    let Some(server) = TlsServer::start(&certificate, &old) else {
        return;
    };
    let seen = look(tls(server.address(), &ca)).await;
    expect(&seen, State::Failing, "tls-protocol-version");
}

#[tokio::test]
async fn what_does_not_speak_tls_fails_and_what_stalls_times_out() {
    let ca = Authority::new("test");
    let Some(plain) = Nginx::start("return 200;") else {
        return;
    };
    expect(
        &look(tls(plain.address(), &ca)).await,
        State::Failing,
        "tls-not-spoken",
    );
    let stalled = Hostile::start(Trick::tls_stall()).await;
    let probe = Probe::new(TLS, tls(stalled.address(), &ca)).within(Duration::from_millis(400));
    let seen = probe.look().await;
    expect(&seen, State::Failing, "timeout");
    says(&seen, "waiting for the TLS handshake");
}

#[tokio::test]
async fn a_file_of_ours_that_cannot_be_read_is_unknown_until_it_can() {
    let ca = Authority::new("test");
    let certificate = ca.issue(&["localhost"], Lifetime::LONG);
    let Some(nginx) = Nginx::start_tls(&certificate, "return 200;") else {
        return;
    };
    let folder = alpacalert_testkit::temp_dir();
    let file = folder.path().join("later.pem");
    let params = tls(nginx.address(), &ca).with_text("ca", file.display().to_string());
    let probe = Probe::new(TLS, params);
    let missing = probe.look().await;
    expect(&missing, State::Unknown, "cannot-read");
    says(&missing, "later.pem");
    std::fs::write(&file, "not a certificate").unwrap();
    expect(&probe.look().await, State::Unknown, "cannot-read");
    std::thread::sleep(Duration::from_millis(20));
    std::fs::write(&file, ca.root_pem()).unwrap();
    expect(&probe.look().await, State::Passing, "ok");
    // Another authority from now on: what was read before must not count any longer.
    std::thread::sleep(Duration::from_millis(20));
    std::fs::write(&file, Authority::new("other").root_pem()).unwrap();
    expect(&probe.look().await, State::Failing, "tls-unknown-issuer");
}

#[tokio::test]
async fn a_mail_server_starts_tls() {
    let ca = Authority::new("test");
    let certificate = ca.issue(&["localhost"], Lifetime::days(15));
    let Some(exim) = Exim::start(Some(&certificate)) else {
        return;
    };
    let smtp = tls(exim.address(), &ca).with_text("starttls", "smtp");
    expect(&look(smtp).await, State::Degraded, "limit");
    let Some(without) = Exim::start(None) else {
        return;
    };
    let refused = look(tls(without.address(), &ca).with_text("starttls", "smtp")).await;
    expect(&refused, State::Failing, "starttls");
    says(&refused, "the server does not start TLS");
}

#[tokio::test]
async fn an_imap_server_starts_tls() {
    let ca = Authority::new("test");
    let Some(dovecot) = Dovecot::start(&ca.issue(&["localhost"], Lifetime::LONG)) else {
        return;
    };
    let imap = tls(dovecot.address(), &ca).with_text("starttls", "imap");
    expect(&look(imap).await, State::Passing, "ok");
}

#[tokio::test]
async fn postgresql_starts_tls() {
    let ca = Authority::new("test");
    let Some(server) = Postgres::start(Some(&ca.issue(&["localhost"], Lifetime::LONG))) else {
        return;
    };
    let params = tls(server.address(), &ca).with_text("starttls", "postgres");
    expect(&look(params).await, State::Passing, "ok");
    let Some(without) = Postgres::start(None) else {
        return;
    };
    let refused = look(tls(without.address(), &ca).with_text("starttls", "postgres")).await;
    expect(&refused, State::Failing, "starttls");
    says(&refused, "it answered `N`");
}

#[tokio::test]
async fn an_answer_to_starttls_without_end_is_cut() {
    let ca = Authority::new("test");
    let chatty = Hostile::start(Trick::Endless(
        b"220-".to_vec(),
        b"220-more\r\n".repeat(100),
    ))
    .await;
    // It waits for us to speak first, which SMTP does not; the silence before is what ends this one.
    let params = tls(chatty.address(), &ca).with_text("starttls", "imap");
    let probe = Probe::new(TLS, params).within(Duration::from_millis(400));
    expect(&probe.look().await, State::Failing, "timeout");
    let params = tls(chatty.address(), &ca).with_text("starttls", "postgres");
    let seen = look(params).await;
    expect(&seen, State::Failing, "starttls");
    assert!(text(&seen).len() < 500);
}

#[test]
fn a_name_that_cannot_be_one_is_refused() {
    let ca = Authority::new("test");
    let said = refusal(TLS, tls("localhost:1", &ca).with_text("server_name", "a b"));
    assert!(
        said.contains("neither a host name nor an address"),
        "{said}"
    );
}
