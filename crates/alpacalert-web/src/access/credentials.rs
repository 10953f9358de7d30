//! What a request brings to say whose it is.

use axum::http::{HeaderMap, header};

/// What a request brings to say whose it is. Its `Debug` shows none of it.
#[derive(Clone)]
pub(crate) enum Credentials {
    /// Nothing.
    None,
    /// A token.
    Bearer(String),
    /// More than one, or of a sort that is not known.
    Garbled,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Credentials::None => "None",
            Credentials::Bearer(_) => "Bearer",
            Credentials::Garbled => "Garbled",
        })
    }
}

impl Credentials {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let mut given = headers.get_all(header::AUTHORIZATION).iter();
        let Some(first) = given.next() else {
            return Credentials::None;
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
        Credentials::Garbled
    }
}
