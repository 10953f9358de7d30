//! What a request brings to say whose it is.

use std::sync::Arc;

use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::session::{SESSION, cookie};
use super::token::sha256;

/// What a request brings to say whose it is. Its `Debug` shows none of it.
#[derive(Clone)]
pub(super) enum Credentials {
    /// Nothing.
    None,
    /// A token.
    Bearer(String),
    /// A name and a password.
    Basic(String, String),
    /// A name whose password was right, and the hash that it was right for.
    Proven(Arc<str>, String),
    /// The digest of a session's cookie.
    Session([u8; 32]),
    /// A proxy says who it is, and in which groups.
    Named(Arc<str>, Arc<[String]>),
    /// More than one, or of a sort that is not known.
    Garbled,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Credentials::None => "None",
            Credentials::Bearer(_) => "Bearer",
            Credentials::Basic(..) | Credentials::Proven(..) => "Basic",
            Credentials::Session(_) => "Session",
            Credentials::Named(..) => "Named",
            Credentials::Garbled => "Garbled",
        })
    }
}

impl Credentials {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let mut given = headers.get_all(header::AUTHORIZATION).iter();
        let Some(first) = given.next() else {
            return match cookie(headers, SESSION) {
                Some(id) => Credentials::Session(sha256(id.as_bytes())),
                None => Credentials::None,
            };
        };
        if given.next().is_some() {
            return Credentials::Garbled;
        }
        let text = first.to_str().unwrap_or_default();
        let (sort, rest) = text.split_once(' ').unwrap_or((text, ""));
        let rest = rest.trim();
        if sort.eq_ignore_ascii_case("bearer") && !rest.is_empty() {
            return Credentials::Bearer(rest.to_owned());
        }
        if sort.eq_ignore_ascii_case("basic") {
            return basic(rest).unwrap_or(Credentials::Garbled);
        }
        Credentials::Garbled
    }

    /// What a proxy says in these headers; `None` when it names nobody.
    pub(super) fn named(headers: &HeaderMap, user: &str, groups: &str) -> Option<Self> {
        let mut names = headers.get_all(user).iter();
        let name = names.next()?.to_str().ok();
        // Two names are not one: somebody has put one in before the proxy did.
        if names.next().is_some() {
            return Some(Credentials::Garbled);
        }
        let Some(name) = name.map(str::trim).filter(|name| !name.is_empty()) else {
            return Some(Credentials::Garbled);
        };
        let groups = headers.get_all(groups).iter();
        let groups = groups
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(|group| group.trim().to_owned())
            .filter(|group| !group.is_empty());
        Some(Credentials::Named(name.into(), groups.collect()))
    }
}

fn basic(encoded: &str) -> Option<Credentials> {
    let decoded = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (name, password) = decoded.split_once(':')?;
    Some(Credentials::Basic(name.to_owned(), password.to_owned()))
}
