//! Listening: connections are bounded, slow clients are cut off, and the end is graceful.

mod connections;
mod patient;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::WebSettings;
use crate::access::Peer;
pub use connections::raise_handles;
use connections::{Connections, Place};
use patient::Patient;

/// A client must have sent the head of its request after this long, so that slow ones do not hold connections for ever. It
/// counts from the end of the request before, so that connections on which nothing happens end too.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the handshake of TLS may take.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// The most bytes of a request's head.
const HEAD_BYTES: usize = 16 * 1024;

/// The most requests at a time on one connection of HTTP/2: a browser has a page's files and a stream of events.
const STREAMS_MAX: u32 = 64;

/// A client of HTTP/2 that does not answer is gone after this long.
const ALIVE: Duration = Duration::from_secs(20);

/// How long answers that are under way may take once the end has come.
const GRACE: Duration = Duration::from_secs(2);

/// Waits before it accepts again when the machine has no file handle left.
const PAUSE: Duration = Duration::from_millis(100);

/// How many clients are told at a time that there is no place for them; further ones are cut off without a word.
const REFUSALS: usize = 128;

/// Serves until `stop` is cancelled; then accepts nothing more, and lets what is under way end for a while.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    settings: WebSettings,
    stop: CancellationToken,
) {
    let places = Connections::default();
    let refusals = Arc::new(Semaphore::new(REFUSALS));
    let mut connections = JoinSet::new();
    let mut certificates = std::pin::pin!(settings.serving.keep_certificates());
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            () = certificates.as_mut() => {}
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, address)) => match places.enter(address.ip(), &settings) {
                    Some(place) => {
                        let router = router.clone();
                        let settings = settings.clone();
                        let stop = stop.clone();
                        connections.spawn(connection(stream, address, router, settings, stop, place));
                    }
                    None => if let Ok(turn) = refusals.clone().try_acquire_owned() {
                        let is_plain = !settings.serving.is_encrypted();
                        connections.spawn(async move {
                            if is_plain {
                                connections::refuse(stream).await;
                            }
                            drop(turn);
                        });
                    },
                },
                Err(error) => pause(&error).await,
            },
        }
    }
    drop(listener);
    let ended = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(GRACE, ended).await.is_err() {
        connections.shutdown().await;
    }
}

/// A connection that is gone before it was accepted is its own affair; anything else may be told a thousand times a second.
async fn pause(error: &io::Error) {
    if error.kind() != io::ErrorKind::ConnectionAborted {
        tracing::warn!("cannot accept a connection: {error}");
        tokio::time::sleep(PAUSE).await;
    }
}

async fn connection(
    stream: TcpStream,
    address: SocketAddr,
    router: Router,
    settings: WebSettings,
    stop: CancellationToken,
    _place: Place,
) {
    // Answers and events are written whole; waiting for more would only delay them.
    let _ = stream.set_nodelay(true);
    let stream = Patient::new(stream);
    let Some(config) = settings.serving.tls() else {
        let peer = Peer {
            address,
            secure: false,
        };
        return one(stream, peer, router, stop).await;
    };
    let handshake = TlsAcceptor::from(config).accept(stream);
    let shaken = tokio::select! {
        shaken = tokio::time::timeout(HANDSHAKE_TIMEOUT, handshake) => shaken,
        () = stop.cancelled() => return,
    };
    let stream = match shaken {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return tracing::debug!(%address, "a TLS handshake failed: {error}"),
        Err(_) => return tracing::debug!(%address, "a TLS handshake took too long"),
    };
    let peer = Peer {
        address,
        secure: true,
    };
    match stream.get_ref().1.alpn_protocol() {
        Some(b"h2") => two(stream, peer, router, stop).await,
        _ => one(stream, peer, router, stop).await,
    }
}

/// Serves HTTP/1.1.
async fn one(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    peer: Peer,
    router: Router,
    stop: CancellationToken,
) {
    let service = service_fn(|request| answer(router.clone(), peer, request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        // What a client does to its own connection is no news.
        _ = connection.as_mut() => return,
        () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

/// Serves HTTP/2.
async fn two(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: Peer,
    router: Router,
    stop: CancellationToken,
) {
    let service = service_fn(move |request| answer(router.clone(), peer, request));
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(ALIVE)
        .keep_alive_timeout(ALIVE)
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(HEAD_BYTES as u32)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => return,
        () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

async fn answer(
    router: Router,
    peer: Peer,
    mut request: Request<Incoming>,
) -> Result<axum::response::Response, Infallible> {
    request.extensions_mut().insert(peer);
    router.oneshot(request.map(axum::body::Body::new)).await
}
