//! An API server for tests of what a real one does seldom: refusals, watches that break, expire or fall silent.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast;
use tokio::task::JoinHandle;

/// What happens to watches that are open.
#[derive(Clone, Debug)]
enum Signal {
    /// A line for those who watch a plural.
    Line(String, String),
    /// Their connections end.
    Cut,
}

#[derive(Default)]
struct State {
    /// Objects by plural and by `namespace/name`.
    objects: BTreeMap<String, BTreeMap<String, Value>>,
    version: u64,
    /// What has happened: the version, the plural, and the line of a watch.
    log: Vec<(u64, String, String)>,
    /// Plurals that are refused with a status.
    refused: BTreeMap<String, u16>,
    /// Watches from an older version than this have expired.
    oldest: u64,
    /// Whether a watch may begin with the objects there are.
    streams: bool,
    /// The date that answers bear.
    date: Option<String>,
    requests: Vec<String>,
}

/// A running server; it ends when this is dropped.
pub(crate) struct Fake {
    state: Arc<Mutex<State>>,
    signals: broadcast::Sender<Signal>,
    address: std::net::SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Fake {
    pub(crate) async fn start() -> Fake {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(Mutex::new(State {
            version: 100,
            ..State::default()
        }));
        let (signals, _) = broadcast::channel(1024);
        let (inner, out) = (state.clone(), signals.clone());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, inner.clone(), out.clone()));
            }
        });
        Fake {
            state,
            signals,
            address,
            task,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("no test panics while it holds this")
    }

    /// A kubeconfig for it, in a file of its own.
    pub(crate) fn kubeconfig(&self) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: fake\nclusters: [{{name: fake, cluster: {{server: 'http://{}'}}}}]\ncontexts: [{{name: fake, context: {{cluster: fake, user: fake}}}}]\nusers: [{{name: fake, user: {{token: secret}}}}]\n",
            self.address
        );
        std::fs::write(file.path(), text).expect("a kubeconfig");
        file
    }

    /// Adds or changes an object.
    pub(crate) fn put(&self, plural: &str, mut object: Value) {
        let mut state = self.state();
        state.version += 1;
        object["metadata"]["resourceVersion"] = json!(state.version.to_string());
        let key = format!(
            "{}/{}",
            object["metadata"]["namespace"].as_str().unwrap_or(""),
            object["metadata"]["name"].as_str().unwrap_or("")
        );
        let known = state
            .objects
            .entry(plural.to_owned())
            .or_default()
            .insert(key, object.clone());
        let kind = if known.is_some() { "MODIFIED" } else { "ADDED" };
        let line = json!({"type": kind, "object": object}).to_string();
        let version = state.version;
        state.log.push((version, plural.to_owned(), line.clone()));
        let _ = self.signals.send(Signal::Line(plural.to_owned(), line));
    }

    pub(crate) fn delete(&self, plural: &str, namespace: &str, name: &str) {
        let mut state = self.state();
        state.version += 1;
        let version = state.version;
        let table = state.objects.entry(plural.to_owned()).or_default();
        if let Some(mut object) = table.remove(&format!("{namespace}/{name}")) {
            object["metadata"]["resourceVersion"] = json!(version.to_string());
            let line = json!({"type": "DELETED", "object": object}).to_string();
            state.log.push((version, plural.to_owned(), line.clone()));
            let _ = self.signals.send(Signal::Line(plural.to_owned(), line));
        }
    }

    /// Refuses a kind with a status from now on; 0 serves it again.
    pub(crate) fn refuse(&self, plural: &str, status: u16) {
        let mut state = self.state();
        if status == 0 {
            state.refused.remove(plural);
        } else {
            state.refused.insert(plural.to_owned(), status);
        }
    }

    /// Lets watches begin with the objects there are, as servers since 1.32 do.
    pub(crate) fn stream_lists(&self) {
        self.state().streams = true;
    }

    /// Ends every watch, as a restart does.
    pub(crate) fn cut(&self) {
        let _ = self.signals.send(Signal::Cut);
    }

    /// Tells those who watch a kind that what they know is too old, and changes behind their back.
    pub(crate) fn expire(&self, plural: &str) {
        let mut state = self.state();
        state.oldest = state.version + 1;
        state.version += 1;
        let gone = json!({"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"}});
        let _ = self
            .signals
            .send(Signal::Line(plural.to_owned(), gone.to_string()));
    }

    /// A line for those who watch a kind, whatever it is.
    pub(crate) fn line(&self, plural: &str, line: &str) {
        let _ = self
            .signals
            .send(Signal::Line(plural.to_owned(), line.to_owned()));
    }

    pub(crate) fn date(&self, date: &str) {
        self.state().date = Some(date.to_owned());
    }

    /// The requests so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.state().requests.clone()
    }
}

async fn serve(stream: TcpStream, state: Arc<Mutex<State>>, signals: broadcast::Sender<Signal>) {
    let mut stream = BufReader::new(stream);
    loop {
        let mut first = String::new();
        if stream.read_line(&mut first).await.unwrap_or(0) == 0 {
            return;
        }
        loop {
            let mut header = String::new();
            if stream.read_line(&mut header).await.unwrap_or(0) == 0 || header == "\r\n" {
                break;
            }
        }
        let target = first.split_whitespace().nth(1).unwrap_or("/").to_owned();
        if answer(&target, stream.get_mut(), &state, &signals)
            .await
            .is_err()
        {
            return;
        }
    }
}

async fn answer(
    target: &str,
    stream: &mut TcpStream,
    state: &Arc<Mutex<State>>,
    signals: &broadcast::Sender<Signal>,
) -> std::io::Result<()> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let plural = path.rsplit('/').next().unwrap_or_default().to_owned();
    let watch = query.contains("watch=true");
    let from_start = query.contains("sendInitialEvents=true");
    let version: u64 = query
        .split('&')
        .find_map(|part| part.strip_prefix("resourceVersion="))
        .and_then(|v| v.parse().ok())
        .unwrap_or(0);
    // Subscribed before the state is read, so that nothing falls between the two.
    let mut lines = signals.subscribe();
    let (refusal, date, body) = {
        let mut state = state.lock().expect("no test panics while it holds this");
        state.requests.push(target.to_owned());
        let items: Vec<Value> = state
            .objects
            .get(&plural)
            .map(|table| table.values().cloned().collect())
            .unwrap_or_default();
        let date = state.date.clone();
        let refusal = match state.refused.get(&plural) {
            Some(status) => Some(*status),
            None if watch && from_start && !state.streams => Some(422),
            None if watch && !from_start && version < state.oldest => Some(410),
            None => None,
        };
        let body = if watch {
            let mut text = String::new();
            if from_start {
                for item in &items {
                    text += &format!("{}\n", json!({"type": "ADDED", "object": item}));
                }
                let bookmark = json!({"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": state.version.to_string(), "annotations": {"k8s.io/initial-events-end": "true"}}}});
                text += &format!("{bookmark}\n");
            }
            let missed = state
                .log
                .iter()
                .filter(|(then, of, _)| !from_start && *then > version && *of == plural);
            for (.., line) in missed {
                text += &format!("{line}\n");
            }
            text
        } else {
            json!({"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": state.version.to_string()}, "items": items}).to_string()
        };
        (refusal, date, body)
    };
    let date = date
        .map(|date| format!("date: {date}\r\n"))
        .unwrap_or_default();
    if let Some(status) = refusal {
        let body = json!({"kind": "Status", "code": status, "message": format!("{plural} is refused with {status}")}).to_string();
        let text = format!(
            "HTTP/1.1 {status} Refused\r\n{date}content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        return stream.write_all(text.as_bytes()).await;
    }
    if !watch {
        let text = format!(
            "HTTP/1.1 200 OK\r\n{date}content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        return stream.write_all(text.as_bytes()).await;
    }
    stream.write_all(format!("HTTP/1.1 200 OK\r\n{date}content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n").as_bytes()).await?;
    chunk(stream, &body).await?;
    loop {
        match lines.recv().await {
            Ok(Signal::Line(of, line)) if of == plural => {
                chunk(stream, &format!("{line}\n")).await?
            }
            Ok(Signal::Line(..)) => {}
            // The connection is dropped in the middle of the answer.
            Ok(Signal::Cut) | Err(_) => return Err(std::io::ErrorKind::ConnectionAborted.into()),
        }
    }
}

async fn chunk(stream: &mut TcpStream, text: &str) -> std::io::Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    stream
        .write_all(format!("{:x}\r\n{text}\r\n", text.len()).as_bytes())
        .await
}
