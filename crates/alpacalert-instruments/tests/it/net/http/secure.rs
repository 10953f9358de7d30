use alpacalert_instrument::{Params, State, Value};
use alpacalert_model::Limits;
use alpacalert_testkit::{Authority, Lifetime, Nginx};

use super::super::{expect, map, measured, says, text, txt};
use super::{http, look};

const DAY: f64 = 86_400.0;

fn trusting(nginx: &Nginx, ca: &Authority) -> Params {
    http(nginx.url_tls("/")).with_text("ca", ca.root().display().to_string())
}

#[tokio::test]
async fn http_2_is_spoken_where_it_is_offered() {
    let ca = Authority::new("test");
    let certificate = ca.issue(&["localhost"], Lifetime::LONG);
    let Some(nginx) = Nginx::start_tls(&certificate, "return 200 $server_protocol;") else {
        return;
    };
    for (version, spoken) in [("auto", "HTTP/2.0"), ("2", "HTTP/2.0"), ("1.1", "HTTP/1.1")] {
        let params = trusting(&nginx, &ca)
            .with_text("version", version)
            .with("body", map(&[("contains", txt(spoken))]));
        let seen = look(params).await;
        expect(&seen, State::Passing, "ok");
        assert!(measured(&seen, "handshake time").value > 0.0);
        assert!(measured(&seen, "time left").value > 80.0 * DAY);
    }
    let kept = trusting(&nginx, &ca).with("keep_alive", Value::Bool(true));
    let probe = super::super::Probe::new(super::HTTP, kept);
    for _ in 0..3 {
        expect(&probe.look().await, State::Passing, "ok");
    }
}

#[tokio::test]
async fn the_time_left_of_the_certificate_is_held_against_limits_where_given() {
    let ca = Authority::new("test");
    let certificate = ca.issue(&["localhost"], Lifetime::days(5));
    let Some(nginx) = Nginx::start_tls(&certificate, "return 200;") else {
        return;
    };
    expect(&look(trusting(&nginx, &ca)).await, State::Passing, "ok");
    let limits = Value::Limits(Limits::below(21.0 * DAY, 7.0 * DAY));
    let strict = trusting(&nginx, &ca).with("certificate", limits);
    expect(&look(strict).await, State::Failing, "limit");
}

#[tokio::test]
async fn a_certificate_that_is_not_good_refuses_before_anything_is_sent() {
    let ca = Authority::new("test");
    let stranger = Authority::new("stranger");
    let cases = [
        (
            stranger.issue(&["localhost"], Lifetime::LONG),
            "tls-unknown-issuer",
        ),
        (ca.issue(&["localhost"], Lifetime::Expired), "tls-expired"),
        (ca.issue(&["other.test"], Lifetime::LONG), "tls-wrong-host"),
        (
            Authority::self_signed(&["localhost"], Lifetime::LONG),
            "tls-self-signed",
        ),
    ];
    for (certificate, reason) in cases {
        let log = alpacalert_testkit::temp_dir();
        let log = log.path().join("requests");
        let server = format!("access_log {}; return 200 fine;", log.display());
        // The folder is gone: nginx opens the file when it starts.
        std::fs::create_dir_all(log.parent().unwrap()).unwrap();
        let Some(nginx) = Nginx::start_tls(&certificate, &server) else {
            return;
        };
        let params = trusting(&nginx, &ca).with_text("bearer", "t0ken");
        expect(&look(params.clone()).await, State::Failing, reason);
        let requests = std::fs::read_to_string(&log).unwrap_or_default();
        assert_eq!(requests, "", "{reason}");
        let careless = look(params.with("insecure", Value::Bool(true))).await;
        expect(&careless, State::Passing, "ok");
        says(
            &careless,
            "the certificate is not checked: `insecure` is set (",
        );
    }
}

#[tokio::test]
async fn a_client_certificate_lets_in() {
    let ca = Authority::new("test");
    let certificate = ca.issue(&["localhost"], Lifetime::LONG);
    let server = format!(
        "ssl_client_certificate {}; ssl_verify_client on; ssl_verify_depth 3; return 200 $ssl_client_s_dn;",
        ca.root().display()
    );
    let Some(nginx) = Nginx::start_tls(&certificate, &server) else {
        return;
    };
    let without = look(trusting(&nginx, &ca)).await;
    expect(&without, State::Failing, "status");
    says(&without, "400");
    let client = ca.issue(&["client"], Lifetime::LONG);
    let files = |folder: &std::path::Path| {
        map(&[
            (
                "certificate",
                txt(folder.join("chain.pem").display().to_string()),
            ),
            ("key", txt(folder.join("key.pem").display().to_string())),
        ])
    };
    let with = trusting(&nginx, &ca)
        .with("client", files(client.folder()))
        .with("body", map(&[("contains", txt("CN=client"))]));
    expect(&look(with).await, State::Passing, "ok");
    let stranger = Authority::new("stranger").issue(&["client"], Lifetime::LONG);
    let wrong = trusting(&nginx, &ca).with("client", files(stranger.folder()));
    assert_eq!(look(wrong).await.state, State::Failing);
    let missing = trusting(&nginx, &ca).with("client", files(std::path::Path::new("/nowhere")));
    let seen = look(missing).await;
    expect(&seen, State::Unknown, "cannot-read");
    says(&seen, "/nowhere/chain.pem");
    let mixed = map(&[
        (
            "certificate",
            txt(client.folder().join("chain.pem").display().to_string()),
        ),
        (
            "key",
            txt(stranger.folder().join("key.pem").display().to_string()),
        ),
    ]);
    let seen = look(trusting(&nginx, &ca).with("client", mixed)).await;
    expect(&seen, State::Unknown, "cannot-read");
    assert!(
        text(&seen).contains("does not go with its key"),
        "{seen:#?}"
    );
}
