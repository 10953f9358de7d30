//! Requests to an API server: kube finds it and proves who we are; what comes back is read here, pruned as it is read.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use jiff::SignedDuration;
use kube::Client;
use kube::client::Body;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::configuration::{ConfigurationError, configuration};
use super::{Connection, Watched};

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(5);
/// How long the API server keeps a watch open; it chooses a time between this and twice as long.
pub(super) const WATCH_SECONDS: u32 = 290;
/// A watch on which nothing arrives for this long is broken: the API server ends it sooner, and sends bookmarks every minute.
pub(super) const SILENCE: Duration = Duration::from_secs(330);
/// Whoever asks for something gets the beginning of an answer within this time, and each further part of it: an API server itself
/// gives up on a request after a minute.
const ANSWER: Duration = Duration::from_secs(60);
/// A watch on which something arrived no longer ago than this is in order, whatever becomes of other requests.
const HEARD: Duration = Duration::from_secs(30);
/// The most bytes of one line of a watch: an object with its event around it.
const MAX_LINE: usize = crate::decode::MAX_OBJECT_BYTES + 1024 * 1024;
/// The least difference between the clocks that is corrected: less may be the way of the answer, and its whole seconds.
const MIN_SKEW: i64 = 5;

/// An API server, cheap to clone.
#[derive(Clone)]
pub(crate) struct Api {
    client: Client,
    /// Where it is, for people.
    server: Arc<str>,
    namespaces: Arc<[String]>,
    /// By how many seconds the API server's clock is ahead of ours.
    skew: Arc<AtomicI64>,
    /// Whether the last request was not answered, and a call for those who wait for an answer.
    silent: Arc<AtomicBool>,
    answers: Arc<Notify>,
    /// Changes when a request gets no answer at all, so that those look who only listen: nobody tells them that a machine stands
    /// still or that a cable is out.
    doubts: Arc<watch::Sender<()>>,
}

/// Why a request was not answered as asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    /// Nobody answers, or not to the end.
    #[error("{0}")]
    Transport(String),
    /// The answer is a refusal: the code, and the server's words.
    #[error("{1} ({0})")]
    Refused(StatusCode, String),
    /// The answer makes no sense.
    #[error("the answer cannot be read: {0}")]
    Nonsense(String),
}

impl Api {
    /// Finds the API server. Asks it nothing yet.
    pub(super) async fn connect(connection: &Connection) -> Result<Api, ConfigurationError> {
        // Several crates may bring a provider of cryptography; the first one to be installed counts.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut config = configuration(connection).await?;
        config.connect_timeout = Some(CONNECT);
        config.read_timeout = Some(SILENCE);
        let server = config.cluster_url.to_string();
        let client = Client::try_from(config).map_err(|error| {
            ConfigurationError::Other(format!("cannot prove who we are to {server}: {error}"))
        })?;
        Ok(Api {
            client,
            server: server.trim_end_matches('/').into(),
            namespaces: connection.namespaces.clone().into(),
            skew: Arc::default(),
            silent: Arc::default(),
            answers: Arc::default(),
            doubts: Arc::new(watch::Sender::new(())),
        })
    }

    /// By how much the API server's clock is ahead of ours, if that matters.
    pub(super) fn skew(&self) -> SignedDuration {
        let seconds = self.skew.load(Ordering::Relaxed);
        SignedDuration::from_secs(if seconds.abs() < MIN_SKEW { 0 } else { seconds })
    }

    /// The paths under which the objects of a kind are: one, or one for each namespace that we look at.
    pub(super) fn paths(&self, watched: &Watched) -> Vec<String> {
        let root = match &*watched.group {
            "" => format!("/api/{}", watched.version),
            group => format!("/apis/{group}/{}", watched.version),
        };
        if !watched.namespaced || self.namespaces.is_empty() {
            return vec![format!("{root}/{}", watched.plural)];
        }
        self.namespaces
            .iter()
            .map(|namespace| format!("{root}/namespaces/{namespace}/{}", watched.plural))
            .collect()
    }

    /// The whole answer to a request.
    pub(super) async fn get(&self, path: &str) -> Result<Vec<u8>, ApiError> {
        let mut body = self.send(path).await?.into_body();
        let mut bytes = Vec::new();
        loop {
            let frame = tokio::time::timeout(ANSWER, body.frame()).await;
            match frame.map_err(|_| self.doubt())? {
                None => return Ok(bytes),
                Some(Err(error)) => return Err(self.unanswered(&error)),
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        bytes.extend_from_slice(&data);
                    }
                }
            }
        }
    }

    /// The lines of an answer, as they arrive.
    pub(super) async fn lines(&self, path: &str) -> Result<Lines, ApiError> {
        let doubts = self.doubts.subscribe();
        let body = self.send(path).await?.into_body();
        Ok(Lines {
            body,
            doubts,
            heard: Instant::now(),
            buffer: Vec::new(),
            searched: 0,
        })
    }

    async fn send(&self, path: &str) -> Result<Response<Body>, ApiError> {
        let request = Request::get(path)
            .header(http::header::ACCEPT, "application/json")
            .body(Body::empty())
            .map_err(|error| ApiError::Nonsense(error.to_string()))?;
        let response = tokio::time::timeout(ANSWER, self.client.send(request)).await;
        let response = response.map_err(|_| self.doubt())?.map_err(|error| {
            self.silent.store(true, Ordering::Relaxed);
            self.unanswered(&error)
        })?;
        self.note_time(&response);
        if self.silent.swap(false, Ordering::Relaxed) {
            self.answers.notify_waiters();
        }
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let bytes = response
            .into_body()
            .collect()
            .await
            .map(|body| body.to_bytes())
            .unwrap_or_default();
        Err(ApiError::Refused(status, refusal(&bytes)))
    }

    /// Nobody answers, or not to the end.
    fn unanswered(&self, error: &dyn std::error::Error) -> ApiError {
        let why = innermost(error);
        let hint = if why.contains("UnknownIssuer") {
            "; the kubeconfig names another certificate authority than the server's"
        } else if why.contains("ertificate expired") {
            "; the server's certificate must be renewed, or the clock of this machine set right"
        } else {
            ""
        };
        ApiError::Transport(format!("{} does not answer: {why}{hint}", self.server))
    }

    /// Notes that a request got no answer, and has everybody look who only listens.
    pub(super) fn doubt(&self) -> ApiError {
        self.silent.store(true, Ordering::Relaxed);
        self.doubts.send_replace(());
        ApiError::Transport(format!("{} does not answer: not a word of it", self.server))
    }

    /// Whether the last request was not answered.
    pub(super) fn is_silent(&self) -> bool {
        self.silent.load(Ordering::Relaxed)
    }

    /// Waits until the API server answers somebody after it did not.
    pub(super) async fn answers_again(&self) {
        self.answers.notified().await;
    }

    fn note_time(&self, response: &Response<Body>) {
        let date = response
            .headers()
            .get(http::header::DATE)
            .and_then(|date| date.to_str().ok());
        let Some(theirs) = date.and_then(|date| jiff::fmt::rfc2822::parse(date).ok()) else {
            return;
        };
        let ours = jiff::Timestamp::now();
        self.skew.store(
            theirs.timestamp().as_second() - ours.as_second(),
            Ordering::Relaxed,
        );
    }
}

/// The server's words for a refusal.
fn refusal(bytes: &[u8]) -> String {
    let status: serde_json::Value = serde_json::from_slice(bytes).unwrap_or_default();
    let text = match status["message"].as_str() {
        Some(message) => message.to_owned(),
        None => String::from_utf8_lossy(bytes).into_owned(),
    };
    text.trim().chars().take(300).collect()
}

/// The innermost cause of an error: what is around it only tells of layers.
pub(super) fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

/// The lines of an answer that is not finished yet.
pub(super) struct Lines {
    body: Body,
    doubts: watch::Receiver<()>,
    /// When something arrived last.
    heard: Instant,
    buffer: Vec<u8>,
    searched: usize,
}

impl Lines {
    /// The next line; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<u8>>, ApiError> {
        loop {
            if let Some(at) = self.buffer[self.searched..]
                .iter()
                .position(|byte| *byte == b'\n')
            {
                let end = self.searched + at;
                let rest = self.buffer.split_off(end + 1);
                let mut line = std::mem::replace(&mut self.buffer, rest);
                self.searched = 0;
                line.pop();
                return Ok(Some(line));
            }
            self.searched = self.buffer.len();
            if self.buffer.len() > MAX_LINE {
                return Err(ApiError::Nonsense(format!(
                    "a line of more than {MAX_LINE} bytes"
                )));
            }
            let silent = || ApiError::Transport("the watch fell silent".to_owned());
            let frame = tokio::time::timeout(SILENCE, self.body.frame());
            let frame = tokio::select! {
                frame = frame => frame.map_err(|_| silent())?,
                // The sender lives as long as the API.
                _ = self.doubts.changed() => {
                    if self.heard.elapsed() < HEARD {
                        continue;
                    }
                    return Err(silent());
                }
            };
            self.heard = Instant::now();
            match frame {
                None => return Ok(None),
                Some(Err(error)) => {
                    let why = innermost(&error);
                    return Err(ApiError::Transport(format!("the connection broke: {why}")));
                }
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.buffer.extend_from_slice(&data);
                    }
                }
            }
        }
    }
}
