//! Listening: connections are bounded, slow clients are cut off, and the end is graceful.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// The most connections at a time: a thousand readers of events and as many of everything else, at some ten KiB each.
const CONNECTIONS_MAX: usize = 2048;

/// A client must have sent the head of its request after this long, so that slow ones do not hold connections for ever.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// The most bytes of a request's head. Nothing that we serve has a body to read.
const HEAD_BYTES: usize = 16 * 1024;

/// How long answers that are under way may take once the end has come.
const GRACE: Duration = Duration::from_secs(2);

/// Waits before it accepts again when the machine has no file handle left.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves until `stop` is cancelled; then accepts nothing more, and lets what is under way end for a while.
pub async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    loop {
        let accepted = async {
            let place = places.clone().acquire_owned().await;
            (place, listener.accept().await)
        };
        tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            (place, accepted) = accepted => match accepted {
                Ok((stream, _)) => {
                    let connection = connection(stream, router.clone(), stop.clone());
                    connections.spawn(async move {
                        connection.await;
                        drop(place);
                    });
                }
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

async fn connection(stream: TcpStream, router: Router, stop: CancellationToken) {
    // Answers and events are written whole; waiting for more would only delay them.
    let _ = stream.set_nodelay(true);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        // What a client does to its own connection is no news.
        _ = connection.as_mut() => return,
        () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}
