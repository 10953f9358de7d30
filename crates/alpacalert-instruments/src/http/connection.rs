//! One HTTP connection, driven by whoever waits for it: no task of its own.

use std::future::Future;
use std::pin::{Pin, pin};

use alpacalert_instrument::Reason;
use bytes::Bytes;
use futures_util::future::{Either, select};
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::net::{self, Trouble, tls};

pub(super) const PROTOCOL: Reason = Reason::fixed("protocol");

/// The most bytes of an answer's head, and of what is read ahead of the body. Common servers limit requests to 8 to 32 KiB;
/// a thousand hostile answers must fit in memory together.
const HEAD_BYTES: usize = 32 * 1024;

/// How much a server may send ahead in HTTP/2, per stream and in all: its default (RFC 9113, section 6.9.2).
const WINDOW_BYTES: u32 = 65_535;

type Driver = Pin<Box<dyn Future<Output = ()> + Send>>;

enum Sender {
    One(http1::SendRequest<Full<Bytes>>),
    Two(http2::SendRequest<Full<Bytes>>),
}

/// A connection over which requests are sent one after another.
pub(super) struct Connection {
    sender: Sender,
    /// What moves the bytes; `None` once the connection has ended.
    driver: Option<Driver>,
}

impl Connection {
    /// Starts HTTP over a stream.
    pub(super) async fn open<S>(stream: S, two: bool) -> Result<Connection, Trouble>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let io = TokioIo::new(stream);
        let opened = if two {
            let mut builder = http2::Builder::new(TokioExecutor::new());
            builder
                .initial_stream_window_size(WINDOW_BYTES)
                .initial_connection_window_size(WINDOW_BYTES)
                .max_header_list_size(HEAD_BYTES as u32);
            builder.handshake(io).await.map(|(sender, connection)| {
                let driver: Driver = Box::pin(async { drop(connection.await) });
                (Sender::Two(sender), driver)
            })
        } else {
            let mut builder = http1::Builder::new();
            builder.max_buf_size(HEAD_BYTES);
            builder.handshake(io).await.map(|(sender, connection)| {
                // Its errors come with the answer that is waited for.
                let driver: Driver = Box::pin(async { drop(connection.await) });
                (Sender::One(sender), driver)
            })
        };
        let (sender, driver) = opened.map_err(|error| failed(error, "beginning to speak HTTP"))?;
        Ok(Connection {
            sender,
            driver: Some(driver),
        })
    }

    /// Whether it speaks HTTP/2.
    pub(super) fn is_two(&self) -> bool {
        matches!(self.sender, Sender::Two(_))
    }

    /// Whether another request can be sent.
    pub(super) async fn is_ready(&mut self) -> bool {
        let ready = match &mut self.sender {
            Sender::One(sender) => drive(&mut self.driver, sender.ready()).await,
            Sender::Two(sender) => drive(&mut self.driver, sender.ready()).await,
        };
        ready.is_ok() && self.driver.is_some()
    }

    /// Sends a request and waits for the head of the answer.
    pub(super) async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, hyper::Error> {
        match &mut self.sender {
            Sender::One(sender) => drive(&mut self.driver, sender.send_request(request)).await,
            Sender::Two(sender) => drive(&mut self.driver, sender.send_request(request)).await,
        }
    }

    /// Does some work while the bytes move.
    pub(super) async fn with<T>(&mut self, work: impl Future<Output = T>) -> T {
        drive(&mut self.driver, work).await
    }
}

async fn drive<T>(driver: &mut Option<Driver>, work: impl Future<Output = T>) -> T {
    let work = pin!(work);
    let Some(moving) = driver else {
        return work.await;
    };
    match select(work, moving).await {
        Either::Left((done, _)) => done,
        Either::Right(((), work)) => {
            *driver = None;
            work.await
        }
    }
}

/// What an error of HTTP means.
pub(super) fn failed(error: hyper::Error, doing: &str) -> Trouble {
    if let Some(trouble) = tls::later(&error) {
        return trouble;
    }
    if error.is_incomplete_message() || error.is_canceled() || error.is_closed() {
        let text = format!("the connection was closed while {doing}");
        return Trouble::target(net::reason::CONNECTION_CLOSED, text);
    }
    if let Some(io) = io_cause(&error) {
        return net::broken(io, doing);
    }
    let mut text = format!("the server does not keep to HTTP: {error}");
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    Trouble::target(PROTOCOL, text)
}

/// The error of the operating system below an error of HTTP.
fn io_cause(error: &hyper::Error) -> Option<std::io::Error> {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            return Some(match io.raw_os_error() {
                Some(code) => std::io::Error::from_raw_os_error(code),
                None => std::io::Error::new(io.kind(), io.to_string()),
            });
        }
        cause = error.source();
    }
    None
}
