//! One connection, whichever version of HTTP it speaks.

use alpacalert_instrument::Reason;
use bytes::Bytes;
use http::Request;

use super::one::{Head, One, Stream};
use super::two::{self, Two};
use crate::net::Trouble;

pub(super) const PROTOCOL: Reason = Reason::fixed("protocol");

/// The most bytes of an answer's head. Common servers limit requests to 8 to 32 KiB; a thousand hostile answers must fit in
/// memory together.
pub(super) const HEAD_BYTES: usize = 32 * 1024;

/// What a check waits for after its request.
pub(super) const WAITING: &str = "waiting for the answer";

/// What a check does last.
pub(super) const READING: &str = "reading the body";

/// A connection over which requests are sent one after another.
pub(super) enum Connection {
    One(One),
    Two(Two),
}

impl Connection {
    /// Starts HTTP over a stream.
    pub(super) async fn open(
        stream: impl Stream + 'static,
        two: bool,
    ) -> Result<Connection, Trouble> {
        if !two {
            return Ok(Connection::One(One::new(stream)));
        }
        // Boxed, as it is large and most checks do without.
        match Box::pin(Two::open(stream)).await {
            Ok(two) => Ok(Connection::Two(two)),
            Err(error) => Err(two::failed(error, "beginning to speak HTTP")),
        }
    }

    /// Whether it speaks HTTP/2.
    pub(super) fn is_two(&self) -> bool {
        matches!(self, Connection::Two(_))
    }

    /// Whether another request can be sent.
    pub(super) async fn is_ready(&mut self) -> bool {
        match self {
            Connection::One(one) => one.is_ready().await,
            Connection::Two(two) => two.is_ready().await,
        }
    }

    /// Sends a request and waits for the head of the answer.
    pub(super) async fn send(&mut self, request: Request<Bytes>) -> Result<Head, Trouble> {
        match self {
            Connection::One(one) => {
                let sent = one.send(request).await;
                sent.map_err(|fault| fault.trouble(WAITING))
            }
            Connection::Two(two) => {
                let sent = Box::pin(two.send(request)).await;
                sent.map_err(|error| two::failed(error, WAITING))
            }
        }
    }

    /// Waits for a part of the body of the last answer; `None` after its end.
    pub(super) async fn part(&mut self) -> Result<Option<Bytes>, Trouble> {
        match self {
            Connection::One(one) => match one.part().await {
                Ok(part) => Ok(part.map(Bytes::from)),
                Err(fault) => Err(fault.trouble(READING)),
            },
            Connection::Two(two) => {
                let part = two.part().await;
                part.map_err(|error| two::failed(error, READING))
            }
        }
    }

    /// Nothing is expected of the server any more.
    pub(super) fn give_up(&self) {
        match self {
            Connection::One(one) => one.give_up(),
            // It says goodbye itself.
            Connection::Two(_) => {}
        }
    }
}
