//! The parameters of an HTTP check, parsed once.

use std::path::PathBuf;

use alpacalert_instrument::{InstrumentError, Params, Value};
use alpacalert_model::Limits;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use url::Url;

use super::expect::{BodyCheck, HeaderCheck};
use crate::net::Pattern;
use crate::net::tls::TlsSettings;

/// The most that a body limit may be: all bodies that are looked at at the same time share as much.
pub(super) const BODY_LIMIT_MAX: usize = 16 * 1024 * 1024;

/// Headers that belong to the connection and not to the user.
const OURS: [HeaderName; 4] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Which version of HTTP to speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    Auto,
    One,
    Two,
}

impl Version {
    pub(super) fn alpn(self) -> &'static [&'static [u8]] {
        match self {
            Version::Auto => &[b"h2", b"http/1.1"],
            Version::One => &[b"http/1.1"],
            Version::Two => &[b"h2"],
        }
    }
}

/// A status, or a class of them, that is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Code(u16),
    /// The first digit.
    Class(u16),
}

impl Status {
    pub(super) fn fits(self, status: StatusCode) -> bool {
        match self {
            Status::Code(code) => status.as_u16() == code,
            Status::Class(class) => status.as_u16() / 100 == class,
        }
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Status::Code(code) => write!(f, "{code}"),
            Status::Class(class) => write!(f, "{class}xx"),
        }
    }
}

/// What to send, how, and what to expect. Kept small: ten thousand of them are in memory.
pub(super) struct Settings {
    pub(super) url: Url,
    pub(super) method: Method,
    /// What the user gives for the origin of the URL, credentials included.
    pub(super) headers: Box<[(HeaderName, HeaderValue)]>,
    pub(super) send: Bytes,
    pub(super) follow: bool,
    pub(super) version: Version,
    pub(super) keep_alive: bool,
    pub(super) tls: TlsSettings,
    pub(super) insecure: bool,
    pub(super) status: Box<[Status]>,
    pub(super) response_headers: Box<[HeaderCheck]>,
    pub(super) body: Box<[BodyCheck]>,
    pub(super) body_limit: Option<usize>,
    pub(super) slower_than: Limits,
    pub(super) certificate: Limits,
}

impl Settings {
    pub(super) fn parse(params: &Params) -> Result<Settings, InstrumentError> {
        let send = params
            .text("send")
            .map(|text| Bytes::copy_from_slice(text.as_bytes()));
        let usual = if send.is_some() { "POST" } else { "GET" };
        let method = params.text("method").unwrap_or(usual);
        let method = Method::from_bytes(method.as_bytes())
            .map_err(|_| InstrumentError::new(format!("`{method}` is not a method of HTTP")))?;
        let follow = params.bool("follow").unwrap_or(true);
        let version = match params.text("version") {
            Some("1.1") => Version::One,
            Some("2") => Version::Two,
            _ => Version::Auto,
        };
        Ok(Settings {
            url: url(params.required_text("url")?)?,
            method,
            headers: headers(params)?,
            send: send.unwrap_or_default(),
            follow,
            version,
            keep_alive: params.bool("keep_alive").unwrap_or(false),
            tls: tls(params, version)?,
            insecure: params.bool("insecure").unwrap_or(false),
            status: statuses(params, follow)?,
            response_headers: header_checks(params)?,
            body: params
                .list("body")
                .iter()
                .map(BodyCheck::parse)
                .collect::<Result<_, _>>()?,
            body_limit: params
                .quantity("body_limit")
                .map(|limit| (limit.value.max(0.0) as usize).min(BODY_LIMIT_MAX)),
            slower_than: params.limits("slower_than", Limits::above(None, None)),
            certificate: params.limits("certificate", Limits::below(None, None)),
        })
    }
}

impl Settings {
    /// What servers must not make us show by sending it back: the value of the header, and what follows its scheme.
    pub(super) fn credentials(&self) -> impl Iterator<Item = &str> {
        let headers = self.headers.iter();
        let own = headers.filter(|(name, _)| *name == header::AUTHORIZATION);
        own.filter_map(|(_, value)| value.to_str().ok())
            .map(|value| {
                value
                    .split_once(' ')
                    .map_or(value, |(_, secret)| secret.trim())
            })
            .filter(|secret| !secret.is_empty())
    }
}

fn url(text: &str) -> Result<Url, InstrumentError> {
    // Not the text itself: it may hold a password.
    let url = Url::parse(text)
        .map_err(|error| InstrumentError::new(format!("cannot read `url`: {error}")))?;
    if !["http", "https"].contains(&url.scheme()) || url.host_str().is_none_or(str::is_empty) {
        return Err(InstrumentError::new(
            "`url` must begin with `http://` or `https://` and a host",
        ));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(InstrumentError::new(
            "`url` holds a user name or a password, which would be shown in names and messages; use `basic: { user: …, password: … }`",
        ));
    }
    Ok(url)
}

fn headers(params: &Params) -> Result<Box<[(HeaderName, HeaderValue)]>, InstrumentError> {
    let mut headers = Vec::new();
    for (name, value) in params.record("headers").unwrap_or_default().iter() {
        let name = header_name(name)?;
        if OURS.contains(&name) {
            let text = format!("the header `{name}` belongs to the connection and cannot be given");
            return Err(InstrumentError::new(text));
        }
        headers.push((
            name.clone(),
            header_value(&name, value.as_text().unwrap_or_default())?,
        ));
    }
    let authorization = match (params.record("basic"), params.text("bearer")) {
        (Some(basic), _) => {
            let user = basic.text("user").unwrap_or_default();
            let password = basic.text("password").unwrap_or_default();
            Some(format!(
                "Basic {}",
                base64(format!("{user}:{password}").as_bytes())
            ))
        }
        (None, Some(token)) => Some(format!("Bearer {token}")),
        (None, None) => None,
    };
    if let Some(text) = authorization {
        headers.push((
            header::AUTHORIZATION,
            header_value(&header::AUTHORIZATION, &text)?,
        ));
    }
    Ok(headers.into())
}

fn header_name(name: &str) -> Result<HeaderName, InstrumentError> {
    HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| InstrumentError::new(format!("`{name}` is not the name of a header")))
}

fn header_value(name: &HeaderName, text: &str) -> Result<HeaderValue, InstrumentError> {
    let mut value = HeaderValue::from_str(text).map_err(|_| {
        // Not the value itself: it may be a secret.
        let text = format!("the value of the header `{name}` holds a character that a header cannot: a line end, perhaps");
        InstrumentError::new(text)
    })?;
    value.set_sensitive(true);
    Ok(value)
}

fn tls(params: &Params, version: Version) -> Result<TlsSettings, InstrumentError> {
    let client = match params.record("client") {
        Some(client) => Some((
            PathBuf::from(client.required_text("certificate")?),
            PathBuf::from(client.required_text("key")?),
        )),
        None => None,
    };
    Ok(TlsSettings {
        ca: params.text("ca").map(PathBuf::from),
        client,
        alpn: version.alpn(),
    })
}

fn statuses(params: &Params, follow: bool) -> Result<Box<[Status]>, InstrumentError> {
    let given = params.list("status");
    if given.is_empty() {
        let usual: &[Status] = if follow {
            &[Status::Class(2)]
        } else {
            &[Status::Class(2), Status::Class(3)]
        };
        return Ok(usual.into());
    }
    let parse = |value: &Value| match value {
        Value::Int(code) => u16::try_from(*code).ok().map(Status::Code),
        Value::Text(class) => class
            .strip_suffix("xx")
            .and_then(|digit| digit.parse().ok())
            .map(Status::Class),
        _ => None,
    };
    given
        .iter()
        .map(|value| {
            let wrong = || InstrumentError::new("`status` takes numbers, or classes such as `2xx`");
            parse(value).ok_or_else(wrong)
        })
        .collect()
}

fn header_checks(params: &Params) -> Result<Box<[HeaderCheck]>, InstrumentError> {
    let wanted = params.record("response_headers").unwrap_or_default();
    wanted
        .iter()
        .map(|(name, value)| {
            Ok(HeaderCheck {
                name: header_name(name)?,
                pattern: Pattern::parse(value.as_text().unwrap_or_default())?,
            })
        })
        .collect()
}

/// Base 64 with padding: RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group = (0..3).fold(0_u32, |group, at| {
            group << 8 | u32::from(chunk.get(at).copied().unwrap_or(0))
        });
        for digit in 0..4 {
            if digit <= chunk.len() {
                let index = group >> (18 - 6 * digit) & 63;
                out.push(char::from(ALPHABET[index as usize]));
            } else {
                out.push('=');
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_rfc_4648() {
        // Section 10 of the RFC.
        let vectors = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ];
        for (plain, encoded) in vectors {
            assert_eq!(base64(plain.as_bytes()), encoded);
        }
    }
}
