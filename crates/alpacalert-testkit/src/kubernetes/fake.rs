//! An API server for tests of what a real one does seldom: refusals, watches that break, expire or fall silent.

mod answer;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::broadcast;
use tokio::task::JoinHandle;

/// What happens to watches that are open.
#[derive(Clone, Debug)]
enum Signal {
    /// A text for those who watch a plural; a line, unless it is cut off.
    Text(Arc<str>, Arc<str>),
    /// The connections of those who watch a plural end, or of everybody.
    Cut(Option<Arc<str>>),
}

#[derive(Debug, Default)]
struct State {
    /// The texts of the objects, by plural and by `namespace/name`.
    objects: BTreeMap<String, BTreeMap<String, Arc<str>>>,
    version: u64,
    /// What has happened: the version, the plural, and the line of a watch.
    log: Vec<(u64, Arc<str>, Arc<str>)>,
    /// Plurals that are refused with a status.
    refused: BTreeMap<String, u16>,
    /// Watches of a plural from an older version than this have expired.
    oldest: BTreeMap<String, u64>,
    /// Whether a watch may begin with the objects there are.
    streams: bool,
    /// How many objects of a list it gives at a time, asked or not.
    piece: Option<usize>,
    /// Whether it hangs up on whoever calls.
    away: bool,
    /// Whether it takes what is asked, and says nothing.
    hangs: bool,
    /// The next list of a plural ends in the middle.
    truncated: Vec<String>,
    /// Plurals whose answers take their time.
    slow: BTreeMap<String, Duration>,
    /// The date that answers bear.
    date: Option<String>,
    requests: Vec<String>,
}

/// A running server; it ends when this is dropped.
///
/// It speaks of plurals, such as `pods`: what it answers does not depend on the group.
#[derive(Debug)]
pub struct FakeApiServer {
    state: Arc<Mutex<State>>,
    signals: broadcast::Sender<Signal>,
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for FakeApiServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl FakeApiServer {
    /// Starts one without any objects, on a free port.
    ///
    /// # Panics
    ///
    /// When there is no free port.
    pub async fn start() -> FakeApiServer {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(Mutex::new(State {
            version: 100,
            ..State::default()
        }));
        let (signals, _) = broadcast::channel(4096);
        let (inner, out) = (state.clone(), signals.clone());
        let task = tokio::spawn(async move {
            // Ended with the server, so that nobody is answered by one that is gone.
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                if !inner.lock().unwrap_or_else(PoisonError::into_inner).away {
                    connections.spawn(answer::serve(stream, inner.clone(), out.clone()));
                }
            }
        });
        FakeApiServer {
            state,
            signals,
            address,
            task,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, plural: &str, text: &str) {
        // Nobody may be watching.
        let _ = self.signals.send(Signal::Text(plural.into(), text.into()));
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A kubeconfig for it, in a file of its own; its context is `fake`.
    ///
    /// # Panics
    ///
    /// When the file cannot be written.
    pub fn kubeconfig(&self) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: fake\nclusters: [{{name: fake, cluster: {{server: 'http://{}'}}}}]\ncontexts: [{{name: fake, context: {{cluster: fake, user: fake}}}}]\nusers: [{{name: fake, user: {{token: secret}}}}]\n",
            self.address
        );
        std::fs::write(file.path(), text).expect("a kubeconfig");
        file
    }

    /// Adds or changes an object.
    pub fn put(&self, plural: &str, mut object: Value) {
        let mut state = self.state();
        state.version += 1;
        object["metadata"]["resourceVersion"] = json!(state.version.to_string());
        let text: Arc<str> = object.to_string().into();
        let known = state
            .objects
            .entry(plural.to_owned())
            .or_default()
            .insert(key(&object), text.clone());
        let kind = if known.is_some() { "MODIFIED" } else { "ADDED" };
        self.happened(&mut state, plural, kind, &text);
    }

    /// Adds many objects that were there before anybody asked.
    pub fn load(&self, plural: &str, objects: impl IntoIterator<Item = Value>) {
        let mut state = self.state();
        for mut object in objects {
            state.version += 1;
            object["metadata"]["resourceVersion"] = json!(state.version.to_string());
            let table = state.objects.entry(plural.to_owned()).or_default();
            table.insert(key(&object), object.to_string().into());
        }
    }

    /// Removes an object.
    pub fn delete(&self, plural: &str, namespace: &str, name: &str) {
        let mut state = self.state();
        let table = state.objects.entry(plural.to_owned()).or_default();
        let Some(text) = table.remove(&format!("{namespace}/{name}")) else {
            return;
        };
        state.version += 1;
        let mut object: Value = serde_json::from_str(&text).unwrap_or_default();
        object["metadata"]["resourceVersion"] = json!(state.version.to_string());
        self.happened(&mut state, plural, "DELETED", &object.to_string());
    }

    fn happened(&self, state: &mut State, plural: &str, kind: &str, object: &str) {
        let line: Arc<str> = format!("{{\"type\":\"{kind}\",\"object\":{object}}}\n").into();
        let plural: Arc<str> = plural.into();
        state
            .log
            .push((state.version, plural.clone(), line.clone()));
        let _ = self.signals.send(Signal::Text(plural, line));
    }

    /// The names of the objects of a plural, as `namespace/name`.
    pub fn names(&self, plural: &str) -> Vec<String> {
        let state = self.state();
        let table = state.objects.get(plural);
        table
            .map(|table| table.keys().cloned().collect())
            .unwrap_or_default()
    }

    /// Refuses a kind with a status from now on; 0 serves it again.
    pub fn refuse(&self, plural: &str, status: u16) {
        let mut state = self.state();
        if status == 0 {
            state.refused.remove(plural);
        } else {
            state.refused.insert(plural.to_owned(), status);
        }
    }

    /// Lets watches begin with the objects there are, as servers since 1.32 do.
    pub fn stream_lists(&self) {
        self.state().streams = true;
    }

    /// Gives no more than so many objects of a list at a time, and the rest to who asks on.
    pub fn lists_in_pieces_of(&self, objects: usize) {
        self.state().piece = Some(objects);
    }

    /// Hangs up on whoever calls from now on, or answers again. Watches that are open stay so; see [`Self::cut`].
    pub fn away(&self, away: bool) {
        self.state().away = away;
    }

    /// Says nothing from now on, on whatever connection, as a machine that stands still; or goes on where it was.
    pub fn hang(&self, hangs: bool) {
        self.state().hangs = hangs;
    }

    /// Ends every connection, in the middle of its answer, as a restart does.
    pub fn cut(&self) {
        let _ = self.signals.send(Signal::Cut(None));
    }

    /// Ends the watches of one plural.
    pub fn cut_one(&self, plural: &str) {
        let _ = self.signals.send(Signal::Cut(Some(plural.into())));
    }

    /// Tells those who watch a plural that what they know is too old, and changes behind their back.
    pub fn expire(&self, plural: &str) {
        let mut state = self.state();
        state.version += 1;
        let version = state.version;
        state.oldest.insert(plural.to_owned(), version);
        let gone = json!({"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"}});
        self.tell(plural, &format!("{gone}\n"));
    }

    /// Tells those who watch a plural up to where they know everything.
    pub fn bookmark(&self, plural: &str) {
        let state = self.state();
        let mark = json!({"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": state.version.to_string()}}});
        self.tell(plural, &format!("{mark}\n"));
    }

    /// A line for those who watch a plural, whatever it is.
    pub fn line(&self, plural: &str, line: &str) {
        self.tell(plural, &format!("{line}\n"));
    }

    /// A line for those who watch a plural that is cut off, and their connection with it.
    pub fn half_a_line(&self, plural: &str, line: &str) {
        self.tell(plural, line.get(..line.len() / 2).unwrap_or_default());
        self.cut_one(plural);
    }

    /// Ends the next list of a plural in the middle.
    pub fn truncate(&self, plural: &str) {
        self.state().truncated.push(plural.to_owned());
    }

    /// Lets the answers about a plural take so long from now on.
    pub fn slow(&self, plural: &str, pause: Duration) {
        self.state().slow.insert(plural.to_owned(), pause);
    }

    /// Ends everything that goes wrong.
    pub fn mend(&self) {
        let mut state = self.state();
        state.refused.clear();
        state.truncated.clear();
        state.slow.clear();
        state.away = false;
        state.hangs = false;
    }

    /// The date that its answers bear from now on, as HTTP writes it.
    pub fn date(&self, date: &str) {
        self.state().date = Some(date.to_owned());
    }

    /// The requests so far.
    pub fn requests(&self) -> Vec<String> {
        self.state().requests.clone()
    }
}

fn key(object: &Value) -> String {
    let text = |key: &str| object["metadata"][key].as_str().unwrap_or_default();
    format!("{}/{}", text("namespace"), text("name"))
}
