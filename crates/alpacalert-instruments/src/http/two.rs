//! HTTP/2 over one connection, driven by whoever waits for it: no task of its own.

use std::future::Future;
use std::pin::{Pin, pin};

use bytes::Bytes;
use futures_util::future::{Either, select};
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};

use super::connection::{HEAD_BYTES, PROTOCOL};
use super::one::{Head, Stream};
use crate::net::{self, Trouble, tls};

/// How much a server may send ahead, per stream and in all: its default (RFC 9113, section 6.9.2).
const WINDOW_BYTES: u32 = 65_535;

type Driver = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A connection over which requests are sent one after another.
pub(super) struct Two {
    sender: SendRequest<Full<Bytes>>,
    /// What moves the bytes; `None` once the connection has ended.
    driver: Option<Driver>,
    /// What is still to come of the answer's body.
    body: Option<Incoming>,
}

impl Two {
    /// Starts it over a stream.
    pub(super) async fn open(stream: impl Stream + 'static) -> Result<Two, hyper::Error> {
        let mut builder = Builder::new(TokioExecutor::new());
        builder
            .initial_stream_window_size(WINDOW_BYTES)
            .initial_connection_window_size(WINDOW_BYTES)
            .max_header_list_size(HEAD_BYTES as u32);
        let (sender, connection) = builder.handshake(TokioIo::new(stream)).await?;
        Ok(Two {
            sender,
            // Its errors come with the answer that is waited for.
            driver: Some(Box::pin(async { drop(connection.await) })),
            body: None,
        })
    }

    /// Whether another request can be sent.
    pub(super) async fn is_ready(&mut self) -> bool {
        let ready = drive(&mut self.driver, self.sender.ready()).await;
        ready.is_ok() && self.driver.is_some()
    }

    /// Sends a request and waits for the head of the answer.
    pub(super) async fn send(&mut self, request: Request<Bytes>) -> Result<Head, hyper::Error> {
        let sending = self.sender.send_request(request.map(Full::new));
        let (head, body) = drive(&mut self.driver, sending).await?.into_parts();
        self.body = Some(body);
        Ok(Head::new(head.status, head.headers))
    }

    /// Waits for a part of the body; `None` after its end.
    pub(super) async fn part(&mut self) -> Result<Option<Bytes>, hyper::Error> {
        let Some(body) = &mut self.body else {
            return Ok(None);
        };
        while let Some(frame) = drive(&mut self.driver, body.frame()).await {
            // What is no data is trailers.
            if let Ok(data) = frame?.into_data() {
                return Ok(Some(data));
            }
        }
        Ok(None)
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
