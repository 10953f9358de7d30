//! The head of an answer: its status and its headers (RFC 9112, sections 4 and 5).

use std::mem::MaybeUninit;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use httparse::{ParserConfig, Response, Status};

use super::Fault;

/// As many as common clients take.
const MOST_HEADERS: usize = 100;

/// What every answer begins with. HTTP/0.9 had no heads, and HTTP/2 is another protocol.
const BEGINNING: &[u8] = b"HTTP/1.";

/// What an answer says before its body.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::http) struct Head {
    pub(in crate::http) status: StatusCode,
    pub(in crate::http) headers: HeaderMap,
    /// HTTP/1.0 in place of 1.1.
    pub(super) is_old: bool,
}

impl Head {
    /// The head of an answer in another version of HTTP.
    pub(in crate::http) fn new(status: StatusCode, headers: HeaderMap) -> Head {
        Head {
            status,
            headers,
            is_old: false,
        }
    }

    /// Whether another head follows. After 101 none does: what follows is no longer HTTP.
    pub(super) fn is_interim(&self) -> bool {
        self.status.is_informational() && self.status != StatusCode::SWITCHING_PROTOCOLS
    }

    /// Whether the server takes another request over the connection (RFC 9112, section 9.3). From HTTP/1.0, which has it as
    /// an extension, we do not ask for it.
    pub(super) fn stays(&self) -> bool {
        let options = self.headers.get_all(header::CONNECTION);
        let closes = options
            .iter()
            .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
            .any(|option| option.trim_ascii().eq_ignore_ascii_case(b"close"));
        !self.is_old && !closes && self.status != StatusCode::SWITCHING_PROTOCOLS
    }
}

/// Whether an answer cannot be HTTP, as far as it has come.
pub(super) fn is_wrong(bytes: &[u8]) -> bool {
    !BEGINNING.starts_with(&bytes[..bytes.len().min(BEGINNING.len())])
}

/// Reads a head of at most so many bytes, and says how long it is; `None` when there is more to come.
pub(super) fn parse(bytes: &[u8], most: usize) -> Result<Option<(Head, usize)>, Fault> {
    if is_wrong(bytes) {
        // What it begins with instead is not shown: it may be our request, sent back.
        return Err(Fault::unclear("the answer does not begin with `HTTP/1.`"));
    }
    let mut slots = [const { MaybeUninit::uninit() }; MOST_HEADERS];
    let mut response = Response::new(&mut []);
    let parsed = ParserConfig::default().parse_response_with_uninit_headers(
        &mut response,
        bytes,
        &mut slots,
    );
    let length = match parsed {
        Ok(Status::Complete(length)) => length,
        Ok(Status::Partial) => bytes.len(),
        Err(error) => return Err(Fault::unclear(explained(error))),
    };
    if length > most {
        let text = format!(
            "the headers are larger than {} KiB",
            super::HEAD_BYTES / 1024
        );
        return Err(Fault::unclear(text));
    }
    if let Ok(Status::Partial) = parsed {
        return Ok(None);
    }
    let status = StatusCode::from_u16(response.code.unwrap_or_default())
        .map_err(|_| Fault::unclear("the status is not a number from 100 to 999"))?;
    let mut headers = HeaderMap::with_capacity(response.headers.len());
    for line in &*response.headers {
        let name = HeaderName::from_bytes(line.name.as_bytes());
        let value = HeaderValue::from_bytes(line.value);
        let (Ok(name), Ok(value)) = (name, value) else {
            let text = format!("cannot read the header `{}`", line.name);
            return Err(Fault::unclear(text));
        };
        headers.append(name, value);
    }
    let head = Head {
        status,
        headers,
        is_old: response.version == Some(0),
    };
    Ok(Some((head, length)))
}

fn explained(error: httparse::Error) -> String {
    use httparse::Error as E;
    match error {
        E::TooManyHeaders => format!("there are more than {MOST_HEADERS} headers"),
        E::HeaderName => {
            "a header has no proper name: it is folded over several lines, perhaps, or has a space before its colon".to_owned()
        }
        E::HeaderValue => "the value of a header holds a control character".to_owned(),
        E::NewLine => "a line does not end as it should".to_owned(),
        error => error.to_string(),
    }
}
