//! HTTP/1.1 over one connection: a request out, an answer in, and no buffer held while waiting in between.

mod body;
mod chunks;
mod head;
#[cfg(test)]
mod tests;

use std::future::poll_fn;
use std::io;
use std::mem::{self, MaybeUninit};
use std::pin::Pin;
use std::task::{Poll, ready};

use bytes::Bytes;
use http::{Method, Request};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::connection::{HEAD_BYTES, PROTOCOL};
use crate::net::{self, Trouble, tls};
use body::Body;
pub(super) use head::Head;

/// How much is read at once: as much as a record of TLS holds (RFC 8446, section 5.1).
const READ_BYTES: usize = 16 * 1024;

/// What carries the bytes.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {
    /// Ends the connection without a word when this is dropped. It then does not occupy a local port for another minute:
    /// checks of many URLs behind one address that hangs would use all of them up.
    fn give_up(&self);
}

impl Stream for TcpStream {
    fn give_up(&self) {
        // If it cannot be set, the connection ends in the usual way.
        let _ = self.set_zero_linger();
    }
}

impl<S: Stream> Stream for TlsStream<S> {
    fn give_up(&self) {
        self.get_ref().0.give_up();
    }
}

/// Why there is no answer, or not all of it.
#[derive(Debug)]
pub(super) enum Fault {
    /// The server closed the connection.
    Closed,
    /// The connection broke.
    Broken(io::Error),
    /// What the server said is not HTTP, or could mean several things: which.
    Unclear(String),
}

impl Fault {
    fn unclear(text: impl Into<String>) -> Self {
        Fault::Unclear(text.into())
    }

    /// What it means for a check that was `doing` something.
    pub(super) fn trouble(self, doing: &str) -> Trouble {
        match self {
            Fault::Closed => {
                let text = format!("the connection was closed while {doing}");
                Trouble::target(net::reason::CONNECTION_CLOSED, text)
            }
            Fault::Broken(error) => match tls::later(&error) {
                Some(trouble) => trouble,
                None => net::broken(error, doing),
            },
            Fault::Unclear(why) => {
                Trouble::target(PROTOCOL, format!("the server does not keep to HTTP: {why}"))
            }
        }
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Fault::Broken(error)
    }
}

/// A connection over which requests are sent one after another.
pub(super) struct One {
    stream: Box<dyn Stream>,
    /// What was read and not yet used. Empty, without a buffer, while nothing has come.
    pending: Vec<u8>,
    /// What is still to come of the answer's body.
    body: Body,
    /// Whether the server lets another request follow.
    stays: bool,
}

impl One {
    pub(super) fn new(stream: impl Stream + 'static) -> One {
        One {
            stream: Box::new(stream),
            pending: Vec::new(),
            body: Body::NONE,
            stays: true,
        }
    }

    /// Whether another request can be sent: the last answer is complete, and the server neither said nor did anything since.
    pub(super) async fn is_ready(&mut self) -> bool {
        if !self.stays || !self.body.is_done() || !self.pending.is_empty() {
            return false;
        }
        poll_fn(|cx| {
            let mut byte = [0];
            let mut buffer = ReadBuf::new(&mut byte);
            // The end of the connection is also something to read.
            Poll::Ready(
                Pin::new(&mut self.stream)
                    .poll_read(cx, &mut buffer)
                    .is_pending(),
            )
        })
        .await
    }

    /// Sends a request and waits for the head of the answer.
    pub(super) async fn send(&mut self, request: Request<Bytes>) -> Result<Head, Fault> {
        let is_head = request.method() == Method::HEAD;
        let written = self.write(wire(request)).await;
        self.stays = written.is_ok();
        // A server may refuse without reading all of a request. What it says counts more than that it stopped listening.
        match (self.head(is_head).await, written) {
            (Err(Fault::Closed), Err(error)) => Err(Fault::Broken(error)),
            (answered, _) => answered,
        }
    }

    /// Nothing is expected of the server any more.
    pub(super) fn give_up(&self) {
        self.stream.give_up();
    }

    /// Writes, and frees what was written.
    async fn write(&mut self, bytes: Vec<u8>) -> io::Result<()> {
        self.stream.write_all(&bytes).await?;
        self.stream.flush().await
    }

    async fn head(&mut self, is_head: bool) -> Result<Head, Fault> {
        // Of all heads: a server may send interim ones (RFC 9110, section 15.2) without end.
        let mut used = 0;
        let mut has_ended = false;
        loop {
            if let Some((head, length)) = head::parse(&self.pending, HEAD_BYTES - used)? {
                used += length;
                self.pending.drain(..length);
                if head.is_interim() {
                    continue;
                }
                self.body = Body::of(&head, is_head)?;
                self.stays &= head.stays() && !self.body.ends_with_connection();
                return Ok(head);
            }
            if has_ended {
                return Err(Fault::Closed);
            }
            has_ended = !self.read_line().await?;
        }
    }

    /// Reads to `pending` until a line ends in what is new, so that a head in tiny pieces is not parsed for each of them;
    /// `false` when the server closed the connection.
    async fn read_line(&mut self) -> Result<bool, Fault> {
        loop {
            let before = self.pending.len();
            let pending = &mut self.pending;
            read(&mut *self.stream, |bytes| pending.extend_from_slice(bytes)).await?;
            let new = &self.pending[before..];
            if new.is_empty() {
                return Ok(false);
            }
            if new.contains(&b'\n')
                || head::is_wrong(&self.pending)
                || self.pending.len() > HEAD_BYTES
            {
                return Ok(true);
            }
        }
    }

    /// Waits for a part of the body; `None` after its end. A part is never larger than what is read at once, or what came with
    /// the head.
    pub(super) async fn part(&mut self) -> Result<Option<Vec<u8>>, Fault> {
        let mut part = Vec::new();
        let mut early = mem::take(&mut self.pending);
        let taken = self.body.take(&early, &mut part)?;
        early.drain(..taken);
        if !early.is_empty() {
            self.pending = early;
        }
        while part.is_empty() && !self.body.is_done() {
            let (body, pending) = (&mut self.body, &mut self.pending);
            let reading = read(&mut *self.stream, |bytes| {
                if bytes.is_empty() {
                    return body.end();
                }
                let taken = body.take(bytes, &mut part)?;
                pending.extend_from_slice(&bytes[taken..]);
                Ok(())
            });
            reading.await??;
        }
        Ok((!part.is_empty()).then_some(part))
    }
}

/// Waits until there is something to read, and does something with it: nothing at the end.
async fn read<T>(stream: &mut dyn Stream, mut with: impl FnMut(&[u8]) -> T) -> io::Result<T> {
    poll_fn(|cx| {
        // On the stack, and so there only while something is read: ten thousand checks that wait hold no buffer.
        let mut space = [const { MaybeUninit::uninit() }; READ_BYTES];
        let mut buffer = ReadBuf::uninit(&mut space);
        ready!(Pin::new(&mut *stream).poll_read(cx, &mut buffer))?;
        Poll::Ready(Ok(with(buffer.filled())))
    })
    .await
}

/// A request as it is sent (RFC 9112, section 2.1).
fn wire(request: Request<Bytes>) -> Vec<u8> {
    let (head, body) = request.into_parts();
    let target = head.uri.path_and_query().map_or("/", |path| path.as_str());
    let lines: usize = head
        .headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len())
        .sum();
    let fixed = head.method.as_str().len() + target.len() + "  HTTP/1.1\r\n\r\n".len();
    let mut out = Vec::with_capacity(fixed + lines + body.len());
    let mut put = |parts: &[&[u8]]| parts.iter().for_each(|part| out.extend_from_slice(part));
    let method = head.method.as_str();
    put(&[method.as_bytes(), b" ", target.as_bytes(), b" HTTP/1.1\r\n"]);
    for (name, value) in &head.headers {
        put(&[name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"]);
    }
    put(&[b"\r\n", &body]);
    out
}
