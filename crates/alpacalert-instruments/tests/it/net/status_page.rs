//! Status pages of other programs, in the form in which they publish them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use alpacalert_instrument::{
    Builder, Context, Kind, Observation, Params, Registry, Request, ScheduleOverrides, Snapshots,
    Source, State, Timestamp, fetch_guarded,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::text;

mod gatus;
mod statuspage;
mod uptime_kuma;

type Documents = Arc<Mutex<HashMap<String, (String, String)>>>;

/// Serves documents by their paths, and reads one page that they make.
struct Page {
    documents: Documents,
    asked: Arc<Mutex<Vec<String>>>,
    registry: Registry,
    source: Arc<dyn Source>,
}

impl Page {
    async fn start(sort: &str, params: Params) -> Page {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let documents = Documents::default();
        let asked = Arc::<Mutex<Vec<String>>>::default();
        tokio::spawn(serve(listener, documents.clone(), asked.clone()));
        let registry = alpacalert_instruments::registry();
        let provider = registry.source(sort).expect("the source");
        let params = params.with_text("url", url);
        let source = provider.source(&"page".into(), &params).expect("a source");
        Page {
            documents,
            asked,
            registry,
            source,
        }
    }

    fn publishes(&self, path: &str, body: impl Into<String>) {
        self.answers(path, "200 OK", body);
    }

    fn answers(&self, path: &str, head: &str, body: impl Into<String>) {
        let answer = (head.to_owned(), body.into());
        self.documents
            .lock()
            .unwrap()
            .insert(path.to_owned(), answer);
    }

    /// What a service by this name is, and whose; or why the page is lost.
    async fn sees(&self, name: &str) -> Result<(Observation, Option<Arc<str>>), String> {
        let cx = Context::default().with_timeout(Duration::from_secs(3));
        let snapshot = fetch_guarded(&*self.source, &cx)
            .await
            .map_err(|error| format!("{}: {}", error.reason(), error.chain()))?;
        let snapshots = Snapshots::from([("page".into(), snapshot)]);
        let overrides = ScheduleOverrides::default();
        // An instance that is called like the page does not wait for itself.
        let mut builder = Builder::new(&self.registry, &snapshots, overrides, Timestamp::now())
            .with_instance("Example");
        let request = Request::from_source("page", Kind::of("alpacalert.io/Service"), name)
            .with_params(Params::new().with_text("name", name));
        let id = builder.instrument(request).expect("a registered kind");
        let assembly = builder.finish();
        let nodes = &assembly.blueprint.nodes;
        let owner = nodes.iter().find(|node| node.id == id).unwrap();
        let owner = owner.owner.clone();
        let [(_, seen)] = &*assembly.observations else {
            panic!("one thing is observed: {:?}", assembly.observations);
        };
        Ok((seen.clone(), owner))
    }

    /// The state, the reason and the words.
    async fn says(&self, name: &str) -> (State, String, String) {
        let (seen, _) = self.sees(name).await.unwrap();
        (seen.state, seen.reason.as_str().to_owned(), text(&seen))
    }

    async fn is(&self, name: &str, state: State, reason: &str, says: &str) {
        let seen = self.says(name).await;
        assert_eq!((seen.0, &*seen.1), (state, reason), "{name}: {seen:?}");
        assert!(seen.2.contains(says), "{says:?}: {seen:?}");
    }

    async fn lost(&self, reason: &str) {
        let lost = self.sees("API").await.expect_err("the page is lost");
        assert!(lost.starts_with(&format!("{reason}: ")), "{reason}: {lost}");
        assert!(!lost.contains("s3cret"), "{lost}");
    }

    /// What makes any page unreadable.
    async fn loses(&self, path: &str) {
        let large = format!("\"{}\"", "x".repeat(9 * 1024 * 1024));
        for (head, body, reason) in [
            ("401 Unauthorized", "", "token-refused"),
            ("403 Forbidden", "", "token-refused"),
            ("404 Not Found", "", "no-status-page"),
            ("302 Found", "", "unexpected-status"),
            ("500 Oh", "", "unexpected-status"),
            ("200 OK", "", "malformed"),
            ("200 OK", "<html>", "malformed"),
            ("200 OK", "null", "malformed"),
            ("200 OK", "7", "malformed"),
            ("200 OK", &"[".repeat(100_000), "malformed"),
            ("200 OK", &large, "too-much-output"),
        ] {
            self.answers(path, head, body);
            self.lost(reason).await;
        }
    }
}

async fn serve(listener: TcpListener, documents: Documents, asked: Arc<Mutex<Vec<String>>>) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let (documents, asked) = (documents.clone(), asked.clone());
        tokio::spawn(async move {
            let mut buffer = vec![0; 16 * 1024];
            while let Ok(read) = stream.read(&mut buffer).await {
                if read == 0 {
                    return;
                }
                let head = String::from_utf8_lossy(&buffer[..read]).into_owned();
                let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
                asked.lock().unwrap().push(head);
                let known = documents.lock().unwrap().get(&path).cloned();
                let (head, body) = known.unwrap_or_else(|| ("404 Not Found".into(), String::new()));
                let length = body.len();
                let answer = format!("HTTP/1.1 {head}\r\nContent-Length: {length}\r\n\r\n{body}");
                if stream.write_all(answer.as_bytes()).await.is_err() {
                    return;
                }
            }
        });
    }
}

fn ago(seconds: u64) -> Timestamp {
    Timestamp::now() - Duration::from_secs(seconds)
}
