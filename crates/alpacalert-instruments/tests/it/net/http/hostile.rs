use std::time::{Duration, Instant};

use alpacalert_instrument::State;
use alpacalert_testkit::{Hostile, Trick};
use tokio::io::AsyncReadExt;

use super::super::{Probe, expect, map, says, txt};
use super::rate::resident;
use super::{HTTP, http};

const SHORT: Duration = Duration::from_millis(500);

async fn look(trick: Trick, scheme: &str) -> alpacalert_instrument::Observation {
    let server = Hostile::start(trick).await;
    let url = format!("{scheme}://{}/", server.address());
    let probe = Probe::new(HTTP, http(url)).within(SHORT);
    let begun = Instant::now();
    let seen = probe.look().await;
    assert!(
        begun.elapsed() < SHORT + Duration::from_millis(100),
        "{:?}",
        begun.elapsed()
    );
    seen
}

#[tokio::test]
async fn each_silence_is_told_by_what_was_waited_for() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf".to_vec();
    let cases = [
        (Trick::Silent, "http", "waiting for the answer"),
        (Trick::drip(), "http", "waiting for the answer"),
        (Trick::Hang(head), "http", "reading the body"),
        (Trick::Silent, "https", "waiting for the TLS handshake"),
        (Trick::tls_stall(), "https", "waiting for the TLS handshake"),
    ];
    for (trick, scheme, phase) in cases {
        let seen = look(trick, scheme).await;
        expect(&seen, State::Failing, "timeout");
        says(&seen, &format!("no answer within 500 ms while {phase}"));
    }
}

#[tokio::test]
async fn what_is_not_http_fails() {
    let short_body = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf".to_vec();
    let cases = [
        (Trick::not_http(), "protocol"),
        (Trick::endless_headers(), "protocol"),
        (Trick::Close, "connection-closed"),
        (Trick::Reset, "connection-closed"),
        (Trick::Answer(short_body), "connection-closed"),
    ];
    for (trick, reason) in cases {
        expect(&look(trick, "http").await, State::Failing, reason);
    }
    let seen = look(Trick::not_http(), "https").await;
    expect(&seen, State::Failing, "tls-not-spoken");
}

#[tokio::test]
async fn a_body_without_end_is_read_up_to_the_limit() {
    for trick in [Trick::huge_body(), Trick::endless_chunks()] {
        let server = Hostile::start(trick).await;
        let params = http(server.url()).with("body", map(&[("contains", txt("absent"))]));
        let seen = Probe::new(HTTP, params).look().await;
        expect(&seen, State::Failing, "body");
        says(&seen, "only the first 1 MiB of the body were read");
    }
}

#[tokio::test]
async fn a_check_that_gives_up_leaves_no_connection_behind() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut received = Vec::new();
        // Closed in the usual way, it would end without an error, and our port would be in TIME-WAIT.
        let ended = stream.read_to_end(&mut received).await;
        (ended.map_err(|error| error.kind()), received)
    });
    let seen = Probe::new(HTTP, http(url)).within(SHORT).look().await;
    expect(&seen, State::Failing, "timeout");
    let (ended, received) = server.await.unwrap();
    assert_eq!(ended, Err(std::io::ErrorKind::ConnectionReset));
    assert!(received.starts_with(b"GET / HTTP/1.1\r\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_hostile_answers_at_once_keep_the_deadline_and_the_memory_bounded() {
    // The long form: `HOSTILE=1000` and `cargo test --release`; without optimisation two cores cannot keep the deadline.
    let count: usize = std::env::var("HOSTILE")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(200);
    let gzip = Trick::gzip(vec![0x1f; 10_000]);
    let tricks = [
        Trick::huge_body(),
        Trick::endless_chunks(),
        gzip,
        Trick::endless_headers(),
        Trick::drip(),
        Trick::redirect_loop(),
        Trick::tls_stall(),
        Trick::Silent,
    ];
    let mut servers = Vec::new();
    for trick in tricks {
        let scheme = if trick == Trick::tls_stall() {
            "https"
        } else {
            "http"
        };
        servers.push((Hostile::start(trick).await, scheme));
    }
    let registry = alpacalert_instruments::registry();
    let timeout = Duration::from_secs(2);
    let probes: Vec<Probe> = servers
        .iter()
        .cycle()
        .take(count)
        .map(|(server, scheme)| {
            let url = format!("{scheme}://{}/", server.address());
            let params = http(url).with("body", map(&[("contains", txt("absent"))]));
            Probe::of(&registry, HTTP, params).within(timeout)
        })
        .collect();
    // What is paid once, such as the certificates that this machine trusts, is not what is measured.
    for probe in probes.iter().take(servers.len()).rev().take(2) {
        probe.look().await;
    }
    let before = resident();
    let mut tasks = tokio::task::JoinSet::new();
    for probe in probes {
        tasks.spawn(async move {
            let begun = Instant::now();
            let seen = probe.look().await;
            (begun.elapsed(), seen)
        });
    }
    let mut most = before;
    let mut worst = Duration::ZERO;
    while let Some(done) = tasks.join_next().await {
        most = most.max(resident());
        let (took, seen) = done.unwrap();
        worst = worst.max(took);
        assert_ne!(seen.state, State::Passing, "{seen:#?}");
    }
    assert!(worst <= timeout + Duration::from_millis(100), "{worst:?}");
    let grown = (most - before) / (1024 * 1024);
    assert!(grown <= 64, "{grown} MiB");
}
