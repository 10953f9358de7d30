//! A small client: asks a running instance, and reads its events.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderValue, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{ChangeEvent, ErrorBody, InstanceReport, ServiceList, ServiceSummary, VERSION};

/// How long an answer may take in all, and the beginning of a stream.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long it may take to connect.
const CONNECTING: Duration = Duration::from_secs(10);

/// The most bytes of an answer.
const ANSWER_MAX: usize = 64 * 1024 * 1024;

/// The most bytes of an event.
const EVENT_MAX: usize = 1024 * 1024;

/// An instance proves that it is there at least every 15 seconds.
const SILENCE: Duration = Duration::from_secs(50);

/// Why an instance did not tell what it was asked for. `Display` says what to do about it; the cause is the source.
#[derive(Debug)]
pub enum ClientError {
    /// The URL is none of an instance.
    Url(String),
    /// Certificates that this machine trusts cannot be read.
    Trust(std::io::Error),
    /// Nobody answers there.
    Unreachable(Uri, Box<dyn std::error::Error + Send + Sync>),
    /// It does not answer in time.
    TimedOut(Uri),
    /// Who asks is not known there, or may not see this.
    Refused(StatusCode, String),
    /// There is no such thing.
    NotFound(String),
    /// What answers is not Alpacalert, or something in between.
    NotAlpacalert(Uri, String),
    /// What answers speaks another version.
    Version(u64),
    /// It says that something is wrong.
    Failed(StatusCode, String),
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClientError::Url(url) => write!(
                f,
                "`{url}` is not the URL of an instance; it looks like http://127.0.0.1:8420"
            ),
            ClientError::Trust(_) => {
                f.write_str("cannot read the certificates that this machine trusts")
            }
            ClientError::Unreachable(uri, _) => write!(f, "cannot reach the instance at {uri}"),
            ClientError::TimedOut(uri) => write!(
                f,
                "the instance at {uri} does not answer within {} s",
                PATIENCE.as_secs()
            ),
            ClientError::Refused(status, said) => write!(
                f,
                "the instance refuses ({status}): {said}; give a token with --token or ALPACALERT_TOKEN"
            ),
            ClientError::NotFound(said) => f.write_str(said),
            ClientError::NotAlpacalert(uri, what) => write!(
                f,
                "what answers at {uri} is not Alpacalert: {what}; the URL is what comes before /api/v1"
            ),
            ClientError::Version(version) => write!(
                f,
                "the instance speaks version {version} of the API, and this program only version {VERSION}: use the program of \
the instance's version"
            ),
            ClientError::Failed(status, said) => write!(f, "the instance answers {status}: {said}"),
        }
    }
}

impl std::error::Error for ClientError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            ClientError::Unreachable(_, cause) => Some(cause.as_ref()),
            ClientError::Trust(cause) => Some(cause),
            _ => None,
        }
    }
}

type Result<T> = std::result::Result<T, ClientError>;

/// Asks one instance.
#[derive(Clone, Debug)]
pub struct Client {
    base: String,
    authorization: Option<HeaderValue>,
    http: legacy::Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
}

impl Client {
    /// A client of the instance at a URL, which is what comes before `/api/v1`. Opens nothing yet. Must be called after the
    /// program has chosen a provider of TLS, if it has more than one.
    pub fn new(url: &str, token: Option<&str>) -> Result<Client> {
        let base = url.trim_end_matches('/');
        let wrong = || ClientError::Url(url.to_owned());
        let parsed: Uri = base.parse().map_err(|_| wrong())?;
        let known = matches!(parsed.scheme_str(), Some("http" | "https"));
        if !known || parsed.host().is_none_or(str::is_empty) || parsed.query().is_some() {
            return Err(wrong());
        }
        let authorization = token.map(|token| {
            let mut value = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| {
                let text = "the token holds characters that no token has".to_owned();
                ClientError::Refused(StatusCode::UNAUTHORIZED, text)
            })?;
            value.set_sensitive(true);
            Ok(value)
        });
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_connect_timeout(Some(CONNECTING));
        let connector = HttpsConnectorBuilder::new()
            .with_native_roots()
            .map_err(ClientError::Trust)?
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        Ok(Client {
            base: base.to_owned(),
            authorization: authorization.transpose()?,
            http: legacy::Client::builder(TokioExecutor::new()).build(connector),
        })
    }

    /// Every service.
    pub async fn services(&self) -> Result<ServiceList> {
        self.json("/api/v1/services").await
    }

    /// One service.
    pub async fn service(&self, name: &str) -> Result<ServiceSummary> {
        self.json(&format!("/api/v1/services/{}", escaped(name)))
            .await
    }

    /// How the instance itself is doing.
    pub async fn instance(&self) -> Result<InstanceReport> {
        self.json("/api/v1/instance").await
    }

    /// Why a node is as it is: a record that is described in the instance's OpenAPI document.
    pub async fn explain(&self, node: &str) -> Result<Value> {
        self.json(&format!("/api/v1/explain?node={}", escaped(node)))
            .await
    }

    /// Whether the program works, whatever it has to tell.
    pub async fn live(&self) -> Result<()> {
        let answer = self.ask("/livez", None, None).await?;
        let (status, body) = self.whole(answer).await?;
        match status {
            StatusCode::OK => Ok(()),
            status => Err(ClientError::Failed(
                status,
                String::from_utf8_lossy(&body).trim().to_owned(),
            )),
        }
    }

    /// Changes as they happen; with `services`, those of services only. `after` is where an earlier stream ended.
    pub async fn events(&self, services: bool, after: Option<&str>) -> Result<EventStream> {
        let path = match services {
            true => "/api/v1/events?services=true",
            false => "/api/v1/events",
        };
        let answer = self.ask(path, Some("text/event-stream"), after).await?;
        if answer.status() != StatusCode::OK {
            let (status, body) = self.whole(answer).await?;
            return Err(self.wrong(status, &body));
        }
        let media = answer.headers().get(CONTENT_TYPE);
        let media = media.and_then(|value| value.to_str().ok()).unwrap_or("");
        if !media.starts_with("text/event-stream") {
            let what = "it does not answer a stream of events".to_owned();
            return Err(ClientError::NotAlpacalert(self.uri("/")?, what));
        }
        Ok(EventStream {
            uri: self.uri(path)?,
            body: answer.into_body(),
            pending: Vec::new(),
            last: after.map(str::to_owned),
        })
    }

    fn uri(&self, path: &str) -> Result<Uri> {
        let url = format!("{}{path}", self.base);
        url.parse().map_err(|_| ClientError::Url(url))
    }

    async fn ask(
        &self,
        path: &str,
        accept: Option<&'static str>,
        after: Option<&str>,
    ) -> Result<http::Response<Incoming>> {
        let uri = self.uri(path)?;
        let agent = concat!("alpacalert/", env!("CARGO_PKG_VERSION"));
        let mut request = Request::get(uri.clone())
            .header(USER_AGENT, agent)
            .header(ACCEPT, accept.unwrap_or("application/json"));
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        if let Some(after) = after {
            request = request.header("last-event-id", after);
        }
        let request = request
            .body(Empty::new())
            .map_err(|_| ClientError::Url(uri.to_string()))?;
        let asked = tokio::time::timeout(PATIENCE, self.http.request(request)).await;
        let base = || self.uri("/").unwrap_or_default();
        match asked {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(ClientError::Unreachable(base(), error.into())),
            Err(_) => Err(ClientError::TimedOut(base())),
        }
    }

    async fn whole(&self, answer: http::Response<Incoming>) -> Result<(StatusCode, Bytes)> {
        let status = answer.status();
        let body = Limited::new(answer.into_body(), ANSWER_MAX).collect();
        let uri = || self.uri("/").unwrap_or_default();
        match tokio::time::timeout(PATIENCE, body).await {
            Ok(Ok(body)) => Ok((status, body.to_bytes())),
            Ok(Err(error)) => Err(ClientError::Unreachable(uri(), error)),
            Err(_) => Err(ClientError::TimedOut(uri())),
        }
    }

    async fn json<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let answer = self.ask(path, None, None).await?;
        let (status, body) = self.whole(answer).await?;
        if status != StatusCode::OK {
            return Err(self.wrong(status, &body));
        }
        let not = |what: String| {
            let uri = self.uri("/").unwrap_or_default();
            ClientError::NotAlpacalert(uri, what)
        };
        let value: Value = serde_json::from_slice(&body)
            .map_err(|error| not(format!("it does not answer JSON ({error})")))?;
        match value.get("version").and_then(Value::as_u64) {
            Some(version) if version == u64::from(VERSION) => {}
            Some(version) => return Err(ClientError::Version(version)),
            None => return Err(not("its answer has no version".to_owned())),
        }
        serde_json::from_value(value).map_err(|error| not(error.to_string()))
    }

    fn wrong(&self, status: StatusCode, body: &[u8]) -> ClientError {
        let said = serde_json::from_slice::<ErrorBody>(body).map(|body| body.error);
        match (status, said) {
            (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, said) => {
                ClientError::Refused(status, said.unwrap_or_default())
            }
            (StatusCode::NOT_FOUND, Ok(said)) => ClientError::NotFound(said),
            (status, Ok(said)) => ClientError::Failed(status, said),
            (status, Err(_)) => {
                let uri = self.uri("/").unwrap_or_default();
                ClientError::NotAlpacalert(uri, format!("it answers {status}"))
            }
        }
    }
}

/// Text as a part of a path or a query.
fn escaped(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                char::from(byte).to_string()
            }
            byte => format!("%{byte:02X}"),
        })
        .collect()
}

/// What a stream of events tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamEvent {
    /// It has begun.
    Hello,
    /// Something changed.
    Change(ChangeEvent),
    /// Changes were missed: everything should be asked anew.
    Missed,
}

/// Changes as they happen.
#[derive(Debug)]
pub struct EventStream {
    uri: Uri,
    body: Incoming,
    pending: Vec<u8>,
    last: Option<String>,
}

impl EventStream {
    /// Where it is: what another stream can go on after.
    pub fn last(&self) -> Option<&str> {
        self.last.as_deref()
    }

    /// Waits for the next event. An error when the stream broke; then another one can be begun where this one ended.
    pub async fn next(&mut self) -> Result<StreamEvent> {
        loop {
            while let Some((block, rest)) = self.block() {
                self.pending.drain(..rest);
                if let Some(event) = self.event(&block) {
                    return Ok(event);
                }
            }
            if self.pending.len() > EVENT_MAX {
                let what = "its events have no end".to_owned();
                return Err(ClientError::NotAlpacalert(self.uri.clone(), what));
            }
            let frame = tokio::time::timeout(SILENCE, self.body.frame()).await;
            let closed = || ClientError::Unreachable(self.uri.clone(), "the stream ended".into());
            match frame {
                Err(_) => return Err(ClientError::TimedOut(self.uri.clone())),
                Ok(None) => return Err(closed()),
                Ok(Some(Err(error))) => {
                    return Err(ClientError::Unreachable(self.uri.clone(), error.into()));
                }
                Ok(Some(Ok(frame))) => {
                    self.pending.extend(frame.into_data().unwrap_or_default());
                }
            }
        }
    }

    /// The first whole event, and where the next one begins.
    fn block(&self) -> Option<(String, usize)> {
        let end = self.pending.windows(2).position(|two| two == b"\n\n")?;
        let text = String::from_utf8_lossy(&self.pending[..end]).into_owned();
        Some((text, end + 2))
    }

    fn event(&mut self, block: &str) -> Option<StreamEvent> {
        let field = |name: &str| {
            let mut lines = block.lines();
            lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
        };
        if let Some(id) = field("id") {
            self.last = Some(id.trim().to_owned());
        }
        match field("event")?.trim() {
            "hello" => Some(StreamEvent::Hello),
            "missed" => Some(StreamEvent::Missed),
            "change" => serde_json::from_str(field("data")?.trim())
                .ok()
                .map(StreamEvent::Change),
            // Later versions may have more to tell.
            _ => None,
        }
    }
}
