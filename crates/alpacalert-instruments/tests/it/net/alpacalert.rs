//! Publishers that are wrong, in every way that one can be.

mod stream;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use alpacalert_instrument::{
    Builder, Context, Kind, Observation, Params, Registry, Request, ScheduleOverrides, Snapshot,
    Snapshots, Source, State, Timestamp, fetch_guarded,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::text;

/// Says to every request what a test says, and keeps what it was asked.
struct Publisher {
    url: String,
    says: Arc<Mutex<String>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Publisher {
    async fn start() -> Publisher {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let (says, asked) = (
            Arc::<Mutex<String>>::default(),
            Arc::<Mutex<Vec<String>>>::default(),
        );
        let (answer, log) = (says.clone(), asked.clone());
        tokio::spawn(async move {
            loop {
                let Ok((mut stream, _)) = listener.accept().await else {
                    return;
                };
                let (answer, log) = (answer.clone(), log.clone());
                tokio::spawn(async move {
                    let mut buffer = vec![0; 16 * 1024];
                    while let Ok(read) = stream.read(&mut buffer).await {
                        if read == 0 {
                            return;
                        }
                        log.lock()
                            .unwrap()
                            .push(String::from_utf8_lossy(&buffer[..read]).into());
                        let answer = answer.lock().unwrap().clone();
                        if stream.write_all(answer.as_bytes()).await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Publisher { url, says, asked }
    }

    fn answers(&self, head: &str, body: &str) {
        let length = body.len();
        *self.says.lock().unwrap() =
            format!("HTTP/1.1 {head}\r\nContent-Length: {length}\r\n\r\n{body}");
    }

    fn publishes(&self, service: &str) {
        let body = format!(
            r#"{{"version":1,"instance":"infra","generated_at":"{}","services":[{service}]}}"#,
            Timestamp::now()
        );
        self.answers("200 OK\r\nETag: \"1\"", &body);
    }
}

fn queue(state: &str, more: &str) -> String {
    // Its clock is hours ahead of ours, which must not matter.
    format!(
        r#"{{"version":1,"instance":"infra","service":"queue","title":"Message queue","state":"{state}","since":"2026-11-22T10:02:00Z",
        "owner":"infrastructure","sentence":"it is so","causes":[{{"owner":"infrastructure","name":"queue `reports`","message":"missing","since":"2026-11-22T10:02:00Z"}}],
        "generated_at":"2099-01-01T00:00:00Z","ttl":30,"via":["hosting"]{more}}}"#
    )
}

/// What an instance named `reports` makes of it.
struct Consumer {
    registry: Registry,
    source: Arc<dyn Source>,
    cx: Context,
}

impl Consumer {
    fn new(publisher: &Publisher) -> Consumer {
        Consumer::of(&publisher.url)
    }

    fn of(url: &str) -> Consumer {
        let registry = alpacalert_instruments::registry();
        let params = Params::new()
            .with_text("url", url)
            .with_text("token", "s3cret");
        let provider = registry.source("alpacalert").expect("the source");
        let source = provider.source(&"infra".into(), &params).expect("a source");
        let cx = Context::default().with_timeout(Duration::from_secs(3));
        Consumer {
            registry,
            source,
            cx,
        }
    }

    /// The state of the consumed service, with its owner; or why the source is lost.
    async fn sees(&self) -> Result<(Observation, Option<Arc<str>>), String> {
        let snapshot = fetch_guarded(&*self.source, &self.cx)
            .await
            .map_err(|error| format!("{}: {}", error.reason(), error.chain()))?;
        Ok(self.judges(snapshot))
    }

    /// What it makes of a snapshot.
    fn judges(&self, snapshot: Snapshot) -> (Observation, Option<Arc<str>>) {
        let snapshots = Snapshots::from([("infra".into(), snapshot)]);
        let overrides = ScheduleOverrides::default();
        let mut builder = Builder::new(&self.registry, &snapshots, overrides, Timestamp::now())
            .with_instance("reports");
        let kind = Kind::of("alpacalert.io/Service");
        let request = Request::from_source("infra", kind, "queue")
            .with_params(Params::new().with_text("name", "queue"));
        let id = builder.instrument(request).expect("a registered kind");
        let assembly = builder.finish();
        let nodes = &assembly.blueprint.nodes;
        let owner = nodes
            .iter()
            .find(|node| node.id == id)
            .unwrap()
            .owner
            .clone();
        let mut seen = assembly.observations.into_iter();
        let published = seen.find(|(id, _)| id.kind().fragment() == Some("published"));
        (published.expect("it is observed").1, owner)
    }

    async fn lost(&self) -> String {
        self.sees().await.expect_err("the source is lost")
    }
}

#[tokio::test]
async fn a_published_service_brings_its_owner_and_causes() {
    let publisher = Publisher::start().await;
    let consumer = Consumer::new(&publisher);
    publisher.publishes(&queue("failing", ""));
    let (seen, owner) = consumer.sees().await.unwrap();
    assert_eq!(seen.state, State::Failing);
    assert_eq!(owner.as_deref(), Some("infrastructure"));
    assert_eq!(
        seen.messages[0].text,
        "queue `reports`: missing, since 10:02 UTC"
    );

    publisher.answers("304 Not Modified", "");
    assert_eq!(consumer.sees().await.unwrap().0.state, State::Failing);
    publisher.publishes(&queue("passing", ""));
    assert_eq!(consumer.sees().await.unwrap().0.state, State::Passing);
    let asked = publisher.asked.lock().unwrap();
    assert!(
        asked[0].starts_with("GET /api/v1/services HTTP/1.1"),
        "{asked:?}"
    );
    assert!(
        asked[0]
            .to_lowercase()
            .contains("authorization: bearer s3cret"),
        "{asked:?}"
    );
    assert!(
        !asked[0].to_lowercase().contains("if-none-match"),
        "{asked:?}"
    );
    assert!(
        asked[1].to_lowercase().contains("if-none-match: \"1\""),
        "{asked:?}"
    );
}

#[tokio::test]
async fn what_cannot_be_heard_or_understood_has_its_reason() {
    let publisher = Publisher::start().await;
    let consumer = Consumer::new(&publisher);
    let large = "x".repeat(9 * 1024 * 1024);
    for (head, body, reason) in [
        ("401 Unauthorized", "", "token-refused"),
        ("403 Forbidden", "", "token-refused"),
        ("404 Not Found", "", "not-alpacalert"),
        (
            "302 Found\r\nLocation: http://127.0.0.1:1/",
            "",
            "unexpected-status",
        ),
        ("500 Oh", "", "unexpected-status"),
        // Nothing was said before that this could be the same as.
        ("304 Not Modified", "", "unexpected-status"),
        ("200 OK", "<html>", "malformed"),
        (
            "200 OK",
            r#"{"version":2,"services":[]}"#,
            "unsupported-version",
        ),
        ("200 OK", large.as_str(), "too-much-output"),
    ] {
        publisher.answers(head, body);
        let lost = consumer.lost().await;
        assert!(lost.starts_with(&format!("{reason}: ")), "{head}: {lost}");
        assert!(!lost.contains("s3cret"), "{lost}");
    }
    drop(publisher);
}

#[tokio::test]
async fn what_is_wrong_with_one_service_makes_it_unknown() {
    let publisher = Publisher::start().await;
    let consumer = Consumer::new(&publisher);
    let ours = queue("passing", "").replace("\"infra\"", "\"reports\"");
    let lap = queue("passing", "").replace("hosting", "reports");
    let ageless = queue("passing", "").replace("\"ttl\":30", "\"ttl\":0");
    let other = queue("passing", "").replace("\"service\":\"queue\"", "\"service\":\"queues\"");
    for (service, reason, says) in [
        (lap.as_str(), "loop", "each would wait for the other"),
        (&ours, "loop", "our own name"),
        (&ageless, "malformed", "time to live"),
        (&other, "not-published", "did you mean `queues`?"),
        ("", "not-published", "publishes no service"),
        (
            r#"{"version":1,"service":"queue","state":"wonderful"}"#,
            "malformed",
            "cannot be read",
        ),
    ] {
        publisher.publishes(service);
        let (seen, _) = consumer.sees().await.unwrap();
        assert_eq!(
            (seen.state, seen.reason.as_str()),
            (State::Unknown, reason),
            "{service}"
        );
        assert!(text(&seen).contains(says), "{says:?}: {seen:?}");
    }
}

#[tokio::test]
async fn an_answer_that_never_gets_newer_is_not_believed_for_ever() {
    let publisher = Publisher::start().await;
    let consumer = Consumer::new(&publisher);
    publisher.publishes(&queue("passing", "").replace("\"ttl\":30", "\"ttl\":1"));
    assert_eq!(consumer.sees().await.unwrap().0.state, State::Passing);
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let lost = consumer.lost().await;
    assert!(lost.starts_with("stale: "), "{lost}");
    publisher.publishes(&queue("passing", ""));
    assert_eq!(consumer.sees().await.unwrap().0.state, State::Passing);
}
