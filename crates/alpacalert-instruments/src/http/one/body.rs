//! Where the body of an answer ends (RFC 9112, section 6).

use http::{StatusCode, header};

use super::chunks::Chunks;
use super::{Fault, Head};

/// What is still to come of a body.
#[derive(Debug)]
pub(super) enum Body {
    /// So many bytes.
    Length(u64),
    Chunks(Chunks),
    /// All that comes until the server closes the connection.
    UntilClose,
}

impl Body {
    pub(super) const NONE: Body = Body::Length(0);

    /// The body that a head announces. What could end in two places, so that others may see another answer than we do, is
    /// refused.
    pub(super) fn of(head: &Head, is_head: bool) -> Result<Body, Fault> {
        let never = [
            StatusCode::SWITCHING_PROTOCOLS,
            StatusCode::NO_CONTENT,
            StatusCode::NOT_MODIFIED,
        ];
        if is_head || never.contains(&head.status) {
            return Ok(Body::NONE);
        }
        let codings = head.headers.contains_key(header::TRANSFER_ENCODING);
        match (codings, length(head)?) {
            (true, Some(_)) => Err(Fault::unclear(
                "there are both `transfer-encoding` and `content-length`, which can end the body in two places",
            )),
            (true, None) => chunked(head),
            (false, Some(length)) => Ok(Body::Length(length)),
            (false, None) => Ok(Body::UntilClose),
        }
    }

    /// Whether all of it came.
    pub(super) fn is_done(&self) -> bool {
        match self {
            Body::Length(left) => *left == 0,
            Body::Chunks(chunks) => chunks.is_done(),
            Body::UntilClose => false,
        }
    }

    /// Whether the connection has to be closed to end it.
    pub(super) fn ends_with_connection(&self) -> bool {
        matches!(self, Body::UntilClose)
    }

    /// Adds what these bytes hold of the body to `out`; how many of them belong to the answer.
    pub(super) fn take(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<usize, Fault> {
        let count = match self {
            Body::Chunks(chunks) => return chunks.take(bytes, out),
            Body::UntilClose => bytes.len(),
            Body::Length(left) => {
                let count = bytes
                    .len()
                    .min(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= count as u64;
                count
            }
        };
        out.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    /// The server closed the connection.
    pub(super) fn end(&mut self) -> Result<(), Fault> {
        match self {
            Body::UntilClose => {
                *self = Body::NONE;
                Ok(())
            }
            _ => Err(Fault::Closed),
        }
    }
}

/// We offer no coding, so the server may use none but this (RFC 9112, section 7.4).
fn chunked(head: &Head) -> Result<Body, Fault> {
    if head.is_old {
        let text = "there is `transfer-encoding` in an answer of HTTP/1.0, which does not have it";
        return Err(Fault::unclear(text));
    }
    let mut codings = head.headers.get_all(header::TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (Some(coding), None) if coding.as_bytes().eq_ignore_ascii_case(b"chunked") => {
            Ok(Body::Chunks(Chunks::default()))
        }
        _ => Err(Fault::unclear(
            "`transfer-encoding` is something else than `chunked`, which we did not ask for",
        )),
    }
}

/// The length that is announced; one that is repeated counts once (RFC 9110, section 8.6).
fn length(head: &Head) -> Result<Option<u64>, Fault> {
    let mut found = None;
    for value in head.headers.get_all(header::CONTENT_LENGTH) {
        for text in value.as_bytes().split(|byte| *byte == b',') {
            let length = number(text.trim_ascii())
                .ok_or_else(|| Fault::unclear("`content-length` is not a number of bytes"))?;
            if found.is_some_and(|found| found != length) {
                return Err(Fault::unclear(
                    "there are several `content-length` that differ",
                ));
            }
            found = Some(length);
        }
    }
    Ok(found)
}

/// Digits and nothing else: a sign, which Rust would take, is read in other ways by others.
fn number(text: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(text).ok()?;
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| is_plain)
}
