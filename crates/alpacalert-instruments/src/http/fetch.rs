//! Getting the answer: connection, request, redirects, body.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use alpacalert_instrument::{Context, Reason, Timestamp};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use url::{Host as UrlHost, Position, Url};

use super::connection::{Connection, PROTOCOL, READING, WAITING};
use super::one::Head;
use super::settings::{BODY_LIMIT_MAX, Settings, Version};
use crate::net::tls::{Certificate, Handshaken, TlsSettings};
use crate::net::{Connected, Deadline, Endpoint, Host, Net, Trouble};

const REDIRECTS: Reason = Reason::fixed("redirects");
const OVERLOADED: Reason = Reason::fixed("overloaded");

/// As many as browsers allow at least (the Fetch standard says 20), with room for every honest use.
const MOST_REDIRECTS: usize = 10;

/// How much of a body is kept when no check needs it: enough to show what an error page says.
const SHOWN_BYTES: usize = 512;

/// Bodies up to this size are kept without asking the budget.
const SMALL_BODY: usize = 16 * 1024;

/// How much memory all large bodies may take together, in KiB: one of the largest, or sixteen of the usual limit. Beside the
/// buffers of a thousand connections it keeps a thousand hostile answers below 64 MiB.
const BUDGET_KIB: usize = BODY_LIMIT_MAX / 1024;

/// Bounds the memory that the bodies of all sensors of a registry take at the same time.
pub(crate) struct BodyBudget(Semaphore);

impl Default for BodyBudget {
    fn default() -> Self {
        BodyBudget(Semaphore::new(BUDGET_KIB))
    }
}

/// How long each part took, summed over redirects.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Phases {
    pub(super) name: Duration,
    pub(super) connect: Duration,
    pub(super) tls: Duration,
    pub(super) first_byte: Duration,
    pub(super) total: Duration,
}

/// What HTTPS told, beside the answer.
#[derive(Clone, Debug)]
pub(super) struct Secured {
    pub(super) chain: Vec<Certificate>,
    /// What would have ended the check if certificates counted.
    pub(super) ignored: Vec<String>,
}

/// What was seen.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) two: bool,
    pub(super) headers: HeaderMap,
    /// The beginning of the body, as much as was wanted.
    pub(super) body: Vec<u8>,
    /// How many bytes of it were read.
    pub(super) read: usize,
    /// Whether that is all of it.
    pub(super) is_whole: bool,
    pub(super) phases: Phases,
    pub(super) secured: Option<Arc<Secured>>,
    /// Where it was redirected to, the last one last.
    pub(super) redirected: Vec<Url>,
    pub(super) notes: Vec<String>,
}

/// A connection that is kept for the next check.
pub(super) struct Kept {
    connection: Connection,
    secured: Option<Arc<Secured>>,
}

impl Kept {
    /// Waits for a part of the body; `None` after its end.
    pub(super) async fn part(&mut self) -> Result<Option<Bytes>, Trouble> {
        self.connection.part().await
    }
}

/// One check under way.
pub(super) struct Fetch<'a> {
    pub(super) settings: &'a Settings,
    pub(super) net: &'a Net,
    pub(super) kept: &'a Mutex<Option<Kept>>,
    pub(super) cx: &'a Context,
    pub(super) deadline: Deadline,
    pub(super) phases: Phases,
    pub(super) notes: Vec<String>,
    /// Whether all of the body is wanted, and not only what checks need.
    pub(super) whole: bool,
    /// A header that differs from one request to the next.
    pub(super) extra: Option<(header::HeaderName, HeaderValue)>,
}

/// One request of a check.
struct Hop {
    url: Url,
    method: Method,
    send: Bytes,
}

impl Fetch<'_> {
    /// Sends the request, follows redirects, and reads the body.
    pub(super) async fn run(mut self) -> Result<Answer, Trouble> {
        let begun = Instant::now();
        let mut hop = Hop {
            url: self.settings.url.clone(),
            method: self.settings.method.clone(),
            send: self.settings.send.clone(),
        };
        let mut redirected = Vec::new();
        loop {
            let (mut kept, head) = self.exchange(&hop).await?;
            let next = match self.settings.follow {
                true => redirect(&hop, &head)?,
                false => None,
            };
            if let Some(next) = next {
                redirected.push(next.url.clone());
                if redirected.len() > MOST_REDIRECTS {
                    let text = format!(
                        "redirected more than {MOST_REDIRECTS} times, at last to {}",
                        shown(&next.url)
                    );
                    return Err(Trouble::target(REDIRECTS, text));
                }
                hop = next;
                continue;
            }
            let (body, read, is_whole) = self.read(&mut kept.connection).await?;
            self.phases.total = begun.elapsed();
            let two = kept.connection.is_two();
            let secured = kept.secured.clone();
            if self.settings.keep_alive && is_whole && redirected.is_empty() {
                *self.kept.lock().unwrap_or_else(|e| e.into_inner()) = Some(kept);
            }
            return Ok(Answer {
                status: head.status,
                two,
                headers: head.headers,
                body,
                read,
                is_whole,
                phases: self.phases,
                secured,
                redirected,
                notes: self.notes,
            });
        }
    }

    /// Sends the request, and leaves the body to be read as it comes. Follows no redirects.
    pub(super) async fn open(mut self) -> Result<(Kept, Head), Trouble> {
        let hop = Hop {
            url: self.settings.url.clone(),
            method: self.settings.method.clone(),
            send: self.settings.send.clone(),
        };
        self.exchange(&hop).await
    }

    /// Sends one request, over the kept connection if there is one that still works.
    async fn exchange(&mut self, hop: &Hop) -> Result<(Kept, Head), Trouble> {
        let kept = match hop.url == self.settings.url {
            true => self.kept.lock().unwrap_or_else(|e| e.into_inner()).take(),
            false => None,
        };
        if let Some(mut kept) = kept {
            let ready = async { Ok(kept.connection.is_ready().await) };
            let is_ready = self.deadline.phase("reusing the connection", ready).await;
            if let Ok(true) = is_ready {
                match self.send(&mut kept.connection, hop).await {
                    Ok(head) => return Ok((kept, head)),
                    // The server may close an idle connection at any time: that says nothing about its health.
                    Err(Trouble::Target { reason, .. })
                        if reason == crate::net::reason::CONNECTION_CLOSED => {}
                    Err(trouble) => return Err(trouble),
                }
            }
        }
        // Boxed, so that what it takes to connect is freed before the wait for the answer.
        let mut fresh = Box::pin(self.connect(hop)).await?;
        let head = self.send(&mut fresh.connection, hop).await?;
        Ok((fresh, head))
    }

    async fn connect(&mut self, hop: &Hop) -> Result<Kept, Trouble> {
        let endpoint = endpoint(&hop.url)?;
        let Connected {
            stream,
            resolving,
            connecting,
            notes,
        } = self.net.connect(&endpoint, &self.deadline).await?;
        self.phases.name += resolving;
        self.phases.connect += connecting;
        self.notes.extend(notes);
        let opening = "beginning to speak HTTP";
        if hop.url.scheme() == "http" {
            let two = self.settings.version == Version::Two;
            let opened = Connection::open(stream, two);
            return Ok(Kept {
                connection: self.deadline.phase(opening, opened).await?,
                secured: None,
            });
        }
        let now: Timestamp = self.cx.now();
        let settings = self.tls_for(hop);
        let tls = &self.net.tls;
        let shaken = tls
            .handshake(stream, &settings, &endpoint.host, &self.deadline, now)
            .await?;
        self.phases.tls += shaken.took;
        let (secured, stream) = self.believe(shaken)?;
        let (_, session) = stream.get_ref();
        let two = session.alpn_protocol() == Some(b"h2");
        if self.settings.version == Version::Two && !two {
            return Err(Trouble::target(
                PROTOCOL,
                "the server does not offer HTTP/2",
            ));
        }
        let opened = Connection::open(stream, two);
        Ok(Kept {
            connection: self.deadline.phase(opening, opened).await?,
            secured: Some(Arc::new(secured)),
        })
    }

    /// The stream of a server that we believe, or of any with `insecure`.
    fn believe<S>(
        &self,
        shaken: Handshaken<S>,
    ) -> Result<(Secured, tokio_rustls::client::TlsStream<S>), Trouble> {
        let chain = shaken.chain.clone();
        if self.settings.insecure {
            let ignored = shaken.defects.iter().map(|d| d.text.clone()).collect();
            return Ok((Secured { chain, ignored }, shaken.anyway()));
        }
        let ignored = Vec::new();
        Ok((Secured { chain, ignored }, shaken.trusted()?))
    }

    /// Our certificate is for the origin of the URL only.
    fn tls_for(&self, hop: &Hop) -> TlsSettings {
        let mut settings = self.settings.tls.clone();
        if !self.is_own(&hop.url) {
            settings.client = None;
        }
        settings
    }

    fn is_own(&self, url: &Url) -> bool {
        url.origin() == self.settings.url.origin()
    }

    async fn send(&mut self, connection: &mut Connection, hop: &Hop) -> Result<Head, Trouble> {
        let request = self.request(hop, connection.is_two())?;
        let begun = Instant::now();
        let sending = connection.send(request);
        let sent = self.deadline.phase(WAITING, sending).await;
        let head = sent.inspect_err(|_| connection.give_up())?;
        self.phases.first_byte += begun.elapsed();
        Ok(head)
    }

    fn request(&self, hop: &Hop, two: bool) -> Result<Request<Bytes>, Trouble> {
        let mut headers = HeaderMap::with_capacity(8);
        if self.is_own(&hop.url) {
            for (name, value) in &self.settings.headers {
                headers.append(name, value.clone());
            }
        }
        if let Some((name, value)) = &self.extra {
            headers.insert(name, value.clone());
        }
        for (name, usual) in USUAL {
            let value = || HeaderValue::from_static(usual);
            headers.entry(name).or_insert_with(value);
        }
        // Without it some servers refuse what may have a body: RFC 9110, section 8.6.
        let may_have = [Method::POST, Method::PUT, Method::PATCH].contains(&hop.method);
        if may_have || !hop.send.is_empty() {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(hop.send.len()));
        }
        let path = &hop.url[Position::BeforePath..Position::AfterQuery];
        let host = &hop.url[Position::BeforeHost..Position::AfterPort];
        let built = if two {
            let given = headers.remove(header::HOST);
            let authority = given
                .as_ref()
                .and_then(|host| host.to_str().ok())
                .unwrap_or(host);
            Request::builder().uri(format!("{}://{authority}{path}", hop.url.scheme()))
        } else {
            if !headers.contains_key(header::HOST) {
                let value = HeaderValue::from_str(host).map_err(|_| unsendable(&hop.url))?;
                headers.insert(header::HOST, value);
            }
            if !self.settings.keep_alive {
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            Request::builder().uri(path)
        };
        let request = built.method(hop.method.clone()).body(hop.send.clone());
        let mut request = request.map_err(|_| unsendable(&hop.url))?;
        *request.headers_mut() = headers;
        Ok(request)
    }

    /// Reads the body up to the limit; keeps as much as the checks need, and tells how much it was and whether it is whole.
    async fn read(&self, connection: &mut Connection) -> Result<(Vec<u8>, usize, bool), Trouble> {
        // One wait for all of it: a body of tiny chunks has a hundred thousand parts.
        let reading = self.read_parts(connection);
        let read = self.deadline.phase(READING, reading).await;
        read.inspect_err(|_| connection.give_up())
    }

    async fn read_parts(
        &self,
        connection: &mut Connection,
    ) -> Result<(Vec<u8>, usize, bool), Trouble> {
        let limit = self
            .settings
            .body_limit
            .unwrap_or(self.cx.limits.body_bytes);
        let wanted = match self.settings.body.is_empty() && !self.whole {
            true => SHOWN_BYTES.min(limit),
            false => limit,
        };
        let mut kept = Vec::new();
        let mut read = 0;
        let mut permit = None;
        while let Some(data) = connection.part().await? {
            let room = wanted.saturating_sub(kept.len()).min(data.len());
            if kept.len() + room > SMALL_BODY && permit.is_none() {
                permit = Some(self.reserve(limit).await?);
                kept.reserve_exact(limit.min(BODY_LIMIT_MAX) - kept.len());
            }
            kept.extend_from_slice(&data[..room]);
            read += data.len();
            if read > limit {
                return Ok((kept, limit, false));
            }
        }
        Ok((kept, read, true))
    }

    async fn reserve(&self, limit: usize) -> Result<tokio::sync::SemaphorePermit<'_>, Trouble> {
        let kib = u32::try_from(limit.div_ceil(1024).min(BUDGET_KIB)).unwrap_or(u32::MAX);
        let reserved = self.net.bodies.0.acquire_many(kib);
        match tokio::time::timeout(self.deadline.left(), reserved).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(Trouble::ours(
                OVERLOADED,
                format!(
                    "too many large bodies are being read at the same time: {} MiB in all; use a smaller `body_limit`",
                    BUDGET_KIB / 1024
                ),
            )),
        }
    }
}

/// Headers that every request has, unless the user gives others.
const USUAL: [(header::HeaderName, &str); 3] = [
    (
        header::USER_AGENT,
        concat!("alpacalert/", env!("CARGO_PKG_VERSION")),
    ),
    (header::ACCEPT, "*/*"),
    (header::ACCEPT_ENCODING, "identity"),
];

fn unsendable(url: &Url) -> Trouble {
    let text = format!("cannot make a request of {}", shown(url));
    Trouble::ours(Reason::SENSOR_BROKEN, text)
}

/// A URL in a message, without what may be secret in it: credentials and the query.
pub(super) fn shown(url: &Url) -> String {
    let place = &url[Position::BeforeHost..Position::AfterPath];
    format!("{}://{place}", url.scheme())
}

fn endpoint(url: &Url) -> Result<Endpoint, Trouble> {
    let host = match url.host() {
        Some(UrlHost::Ipv4(ip)) => Host::Ip(ip.into()),
        Some(UrlHost::Ipv6(ip)) => Host::Ip(ip.into()),
        Some(UrlHost::Domain(name)) => Host::Name(name.into()),
        None => return Err(unsendable(url)),
    };
    let port = url.port_or_known_default().unwrap_or(80);
    Ok(Endpoint { host, port })
}

/// The request that a redirect asks for: the Fetch standard, "HTTP-redirect fetch".
fn redirect(hop: &Hop, head: &Head) -> Result<Option<Hop>, Trouble> {
    let status = head.status;
    if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let Some(location) = head.headers.get(header::LOCATION) else {
        return Ok(None);
    };
    let location = String::from_utf8_lossy(location.as_bytes());
    let url = hop.url.join(&location).ok();
    let url = url.filter(|url| ["http", "https"].contains(&url.scheme()) && url.host().is_some());
    let Some(url) = url else {
        let shown = crate::net::excerpt(location.as_bytes());
        let text = format!("redirected to `{shown}`, which is not a URL of HTTP");
        return Err(Trouble::target(REDIRECTS, text));
    };
    let becomes_get = match status.as_u16() {
        303 => hop.method != Method::HEAD,
        301 | 302 => hop.method == Method::POST,
        _ => false,
    };
    let (method, send) = match becomes_get {
        true => (Method::GET, Bytes::new()),
        false => (hop.method.clone(), hop.send.clone()),
    };
    // The body is for the origin that it was given for, like the headers.
    let send = match url.origin() == hop.url.origin() {
        true => send,
        false => Bytes::new(),
    };
    Ok(Some(Hop { url, method, send }))
}
