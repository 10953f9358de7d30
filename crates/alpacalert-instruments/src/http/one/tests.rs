use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::FutureExt;
use http::{Method, Request};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{Fault, HEAD_BYTES, One, READ_BYTES};

mod framing;
mod mutated;

/// A server that has all its pieces ready, and then closes the connection or stays silent.
struct Scripted {
    pieces: VecDeque<Vec<u8>>,
    closes: bool,
    received: Arc<Mutex<Vec<u8>>>,
}

impl AsyncRead for Scripted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Some(mut piece) = self.pieces.pop_front() else {
            return match self.closes {
                true => Poll::Ready(Ok(())),
                false => Poll::Pending,
            };
        };
        let rest = piece.split_off(piece.len().min(buffer.remaining()));
        buffer.put_slice(&piece);
        if !rest.is_empty() {
            self.pieces.push_front(rest);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Scripted {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.received.lock().unwrap().extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl super::Stream for Scripted {
    fn give_up(&self) {}
}

/// What came of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Seen {
    /// Its status, its headers, its body, and whether another request may follow.
    Whole(u16, Vec<(String, Vec<u8>)>, Vec<u8>, bool),
    Refused(String),
    Closed,
    /// More is waited for.
    Waits,
}

fn request(method: Method) -> Request<Bytes> {
    let request = Request::builder().method(method).uri("/a?b=c");
    let request = request.header("host", "x.test").header("x-b", "2");
    request.body(Bytes::new()).unwrap()
}

async fn exchange(one: &mut One, method: Method) -> Result<Seen, Fault> {
    let head = one.send(request(method)).await?;
    let headers = head.headers.iter();
    let headers = headers.map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()));
    let mut body = Vec::new();
    while let Some(part) = one.part().await? {
        assert!(!part.is_empty());
        assert!(part.len() <= HEAD_BYTES + READ_BYTES);
        body.extend(part);
        // What is held while the next part is waited for.
        assert!(one.pending.capacity() <= 2 * (HEAD_BYTES + READ_BYTES));
    }
    Ok(Seen::Whole(
        head.status.as_u16(),
        headers.collect(),
        body,
        one.is_ready().await,
    ))
}

/// What comes of an answer in these pieces. That nothing loops for ever shows in that it returns.
fn seen(pieces: Vec<Vec<u8>>, method: Method, closes: bool) -> Seen {
    let length: usize = pieces.iter().map(Vec::len).sum();
    let mut one = One::new(Scripted {
        pieces: pieces.into(),
        closes,
        received: Arc::default(),
    });
    let seen = match exchange(&mut one, method).now_or_never() {
        None => Seen::Waits,
        Some(Ok(seen)) => seen,
        Some(Err(Fault::Closed)) => Seen::Closed,
        Some(Err(Fault::Unclear(why))) => Seen::Refused(why),
        Some(Err(Fault::Broken(error))) => panic!("{error}"),
    };
    if let Seen::Whole(_, _, body, _) = &seen {
        assert!(body.len() <= length);
    }
    assert!(one.pending.len() <= HEAD_BYTES + READ_BYTES);
    seen
}

#[test]
fn a_request_is_written_as_one_buffer() {
    let received = Arc::<Mutex<Vec<u8>>>::default();
    let mut one = One::new(Scripted {
        pieces: VecDeque::new(),
        closes: true,
        received: received.clone(),
    });
    let mut request = request(Method::POST);
    *request.body_mut() = Bytes::from_static(b"body");
    assert!(matches!(
        one.send(request).now_or_never(),
        Some(Err(Fault::Closed))
    ));
    let expected = "POST /a?b=c HTTP/1.1\r\nhost: x.test\r\nx-b: 2\r\n\r\nbody";
    assert_eq!(String::from_utf8_lossy(&received.lock().unwrap()), expected);
}

#[test]
fn a_check_that_waits_holds_no_buffer() {
    let waiting = [
        &b""[..],
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhe",
    ];
    for begun in waiting {
        let mut one = One::new(Scripted {
            pieces: [begun.to_vec()]
                .into_iter()
                .filter(|p| !p.is_empty())
                .collect(),
            closes: false,
            received: Arc::default(),
        });
        let mut exchanging = Box::pin(exchange(&mut one, Method::GET));
        assert!(exchanging.as_mut().now_or_never().is_none());
        assert!(
            size_of_val(&*exchanging) < 1024,
            "{}",
            size_of_val(&*exchanging)
        );
        drop(exchanging);
        assert_eq!(
            one.pending.capacity(),
            0,
            "{}",
            String::from_utf8_lossy(begun)
        );
    }
}
