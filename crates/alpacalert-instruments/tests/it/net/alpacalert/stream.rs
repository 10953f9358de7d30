//! Publishers that tell of changes over a connection that stays open.

use std::time::Duration;

use alpacalert_instrument::{SensorError, Snapshot, State, Timestamp};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::{Consumer, queue, text};

/// A publisher of which a test does every step, and a consumer that watches it.
struct Watched {
    listener: TcpListener,
    consumer: Consumer,
    delivered: mpsc::Receiver<Result<Snapshot, SensorError>>,
}

const SOON: Duration = Duration::from_secs(5);

impl Watched {
    async fn new() -> Watched {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let consumer = Consumer::of(&url);
        let (sender, delivered) = mpsc::channel(1);
        let (source, cx) = (consumer.source.clone(), consumer.cx.clone());
        tokio::spawn(async move { source.watch(&cx, sender).await });
        Watched {
            listener,
            consumer,
            delivered,
        }
    }

    /// The next request that is made, with its head.
    async fn asked(&self) -> (Line, String) {
        let accepted = timeout(SOON, self.listener.accept()).await;
        let (mut stream, _) = accepted.expect("it is asked").unwrap();
        let mut head = vec![0; 4096];
        let read = stream.read(&mut head).await.unwrap();
        let head = String::from_utf8_lossy(&head[..read]).into_owned();
        (Line(stream), head)
    }

    /// A stream that has begun.
    async fn streams(&self) -> Line {
        let (mut line, head) = self.asked().await;
        assert!(
            head.starts_with("GET /api/v1/stream HTTP/1.1\r\n"),
            "{head}"
        );
        assert!(head.contains("authorization: Bearer s3cret"), "{head}");
        line.says("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
            .await;
        line
    }

    /// The state of the consumed service with what is said of it, or why nothing is known.
    async fn sees(&mut self) -> Result<(State, String), String> {
        let delivered = timeout(SOON, self.delivered.recv()).await;
        let snapshot = delivered.expect("it is delivered").unwrap();
        let snapshot =
            snapshot.map_err(|error| format!("{}: {}", error.reason(), error.chain()))?;
        let (seen, _) = self.consumer.judges(snapshot);
        Ok((seen.state, text(&seen)))
    }
}

struct Line(TcpStream);

impl Line {
    async fn says(&mut self, text: &str) {
        // It may have been left already, which is part of some tests.
        let _ = self.0.write_all(text.as_bytes()).await;
    }

    async fn event(&mut self, name: &str, data: &str) {
        let data = data.replace('\n', " ");
        self.says(&format!("event: {name}\ndata: {data}\n\n")).await;
    }

    async fn services(&mut self, services: &str) {
        let now = Timestamp::now();
        let list = format!(
            r#"{{"version":1,"instance":"infra","generated_at":"{now}","services":[{services}]}}"#
        );
        self.event("services", &list).await;
    }

    async fn changed(&mut self, services: &str, removed: &str) {
        let now = Timestamp::now();
        let changes =
            format!(r#"{{"generated_at":"{now}","services":[{services}],"removed":[{removed}]}}"#);
        self.event("changed", &changes).await;
    }
}

#[tokio::test]
async fn changes_are_taken_over_as_they_are_told() {
    let mut watched = Watched::new().await;
    let mut line = watched.streams().await;
    line.services(&queue("passing", "")).await;
    assert_eq!(watched.sees().await.unwrap().0, State::Passing);
    line.event(
        "alive",
        &format!("{{\"generated_at\":\"{}\"}}", Timestamp::now()),
    )
    .await;
    line.event("later", "whatever a later version tells").await;
    line.changed(&queue("failing", ""), "").await;
    let (state, said) = watched.sees().await.unwrap();
    assert_eq!(state, State::Failing);
    assert!(said.contains("queue `reports`: missing"), "{said}");
    line.changed("", "\"queue\"").await;
    let (state, said) = watched.sees().await.unwrap();
    assert_eq!(state, State::Unknown);
    assert!(said.contains("publishes no service `queue`"), "{said}");
    line.changed(r#"{"version":1,"service":"queue","state":"fine"}"#, "")
        .await;
    let (state, said) = watched.sees().await.unwrap();
    assert_eq!(state, State::Unknown);
    assert!(said.contains("cannot be read"), "{said}");
}

#[tokio::test]
async fn a_publisher_that_is_started_again_is_taken_up_where_it_is() {
    let mut watched = Watched::new().await;
    let mut line = watched.streams().await;
    line.services(&queue("passing", "")).await;
    assert!(watched.sees().await.is_ok());
    drop(line);
    // It had not lived long: what is wrong is told, and it is tried again.
    let lost = watched.sees().await.unwrap_err();
    assert!(
        lost.starts_with("connection-closed: it ended the stream"),
        "{lost}"
    );
    let mut line = watched.streams().await;
    line.services(&queue("failing", "")).await;
    assert_eq!(watched.sees().await.unwrap().0, State::Failing);
    line.event("ending", "{}").await;
    let lost = watched.sees().await.unwrap_err();
    assert_eq!(lost, "connection-closed: it is shutting down");
}

#[tokio::test]
async fn a_line_that_is_silent_is_cut_and_everybody_is_told() {
    let mut watched = Watched::new().await;
    let mut line = watched.streams().await;
    line.services(&queue("passing", "")).await;
    assert!(watched.sees().await.is_ok());
    // Nothing is said for longer than a publisher is ever silent.
    tokio::time::sleep(Duration::from_secs(4)).await;
    let lost = watched.sees().await.unwrap_err();
    assert!(
        lost.starts_with("timeout: it has not said a word for 7 s"),
        "{lost}"
    );
    watched
        .streams()
        .await
        .services(&queue("failing", ""))
        .await;
    assert_eq!(watched.sees().await.unwrap().0, State::Failing);
}

#[tokio::test]
async fn a_long_line_that_is_closed_is_taken_up_without_a_word() {
    let mut watched = Watched::new().await;
    let mut line = watched.streams().await;
    line.services(&queue("passing", "")).await;
    assert!(watched.sees().await.is_ok());
    tokio::time::sleep(Duration::from_millis(5_500)).await;
    drop(line);
    watched
        .streams()
        .await
        .services(&queue("failing", ""))
        .await;
    assert_eq!(watched.sees().await.unwrap().0, State::Failing);
}

#[tokio::test]
async fn a_publisher_without_a_stream_is_asked_instead() {
    let mut watched = Watched::new().await;
    let (mut line, _) = watched.asked().await;
    line.says("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        .await;
    let (mut line, head) = watched.asked().await;
    assert!(
        head.starts_with("GET /api/v1/services HTTP/1.1\r\n"),
        "{head}"
    );
    let body = format!(
        r#"{{"version":1,"instance":"infra","generated_at":"{}","services":[{}]}}"#,
        Timestamp::now(),
        queue("failing", "")
    );
    let length = body.len();
    line.says(&format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}"
    ))
    .await;
    assert_eq!(watched.sees().await.unwrap().0, State::Failing);
}

#[tokio::test]
async fn what_a_stream_must_not_be_is_told() {
    let big = "x".repeat(9 * 1024 * 1024);
    let many = vec![r#"{"service":"a"}"#; 10_001].join(",");
    let many = format!(
        r#"{{"version":1,"instance":"i","generated_at":"2026-11-22T10:00:00Z","services":[{many}]}}"#
    );
    for (said, reason) in [
        (
            "event: changed\ndata: {}\n\n".to_owned(),
            "malformed: the stream begins with `changed`",
        ),
        ("event: services\ndata: <html>\n\n".to_owned(), "malformed"),
        (
            "event: services\ndata: {\"version\":2}\n\n".to_owned(),
            "unsupported-version",
        ),
        (
            format!("event: services\ndata: {big}\n\n"),
            "too-much-output",
        ),
        (format!("event: services\ndata: {many}\n\n"), "malformed"),
    ] {
        let mut watched = Watched::new().await;
        let mut line = watched.streams().await;
        let (_, lost) = tokio::join!(line.says(&said), watched.sees());
        let lost = lost.unwrap_err();
        assert!(lost.starts_with(reason), "{reason} is not {lost:.200}");
    }
    let mut watched = Watched::new().await;
    let (mut line, _) = watched.asked().await;
    line.says("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        .await;
    let lost = watched.sees().await.unwrap_err();
    assert!(
        lost.starts_with("token-refused: `infra` refuses our token"),
        "{lost}"
    );
}
