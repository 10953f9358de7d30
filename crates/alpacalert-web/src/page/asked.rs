//! What a request for a page says besides its path: who asks, the moment it asks about, the colours it wants.

use std::sync::LazyLock;

use alpacalert_model::Timestamp;
use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::links::Links;
use super::trouble::Trouble;
use crate::Caller;
use crate::access::SignIn;

/// The zone of every time that is shown: the one of the machine that we run on.
pub(crate) static ZONE: LazyLock<TimeZone> = LazyLock::new(TimeZone::system);

/// The colours that a reader chose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Theme {
    /// Whatever the reader's system prefers.
    #[default]
    System,
    Light,
    Dark,
}

impl Theme {
    /// The name of the cookie that remembers it. The page's script writes it too.
    pub(crate) const COOKIE: &'static str = "alpacalert-theme";

    pub(crate) fn parse(word: &str) -> Theme {
        match word {
            "light" => Theme::Light,
            "dark" => Theme::Dark,
            _ => Theme::System,
        }
    }

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Theme::System => "system",
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }
}

/// A request for a page.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) caller: Caller,
    /// How somebody says who they are, if they can.
    pub(crate) sign_in: SignIn,
    pub(crate) path: String,
    query: Vec<(String, String)>,
    /// The moment in the past that it is about; `None` for the present.
    pub(crate) at: Option<Timestamp>,
    pub(crate) links: Links,
    pub(crate) theme: Theme,
    /// What the asker has already.
    known: Option<String>,
}

impl Asked {
    /// The first value of this key, if it has one.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        let mut pairs = self.query.iter().filter(|(name, _)| name == key);
        let value = pairs.next().map(|(_, value)| value.as_str());
        value.filter(|value| !value.is_empty())
    }

    /// A number that is at least 1; 1 where there is none.
    pub(crate) fn page(&self) -> usize {
        /// Further back nobody reads: that is what the search is for.
        const PAGE_MAX: usize = 200;
        let page = self.get("page").and_then(|page| page.parse().ok());
        page.unwrap_or(1).clamp(1, PAGE_MAX)
    }

    /// Every pair of the query but those of these keys.
    pub(crate) fn rest<'a>(
        &'a self,
        without: &'a [&str],
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        let pairs = self.query.iter();
        pairs
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .filter(move |(key, _)| !without.contains(key))
    }

    /// The address of this page with a key changed, at the same moment.
    pub(crate) fn with(&self, key: &str, value: &str) -> String {
        let without = ["at", "wall", key];
        let mut pairs: Vec<(&str, &str)> = self.rest(&without).collect();
        pairs.push((key, value));
        self.links.to(&self.path, &pairs)
    }

    /// Whether the asker has this already.
    pub(crate) fn knows(&self, etag: &str) -> bool {
        let known = self.known.as_deref().unwrap_or_default();
        known
            .split(',')
            .any(|known| known.trim().trim_start_matches("W/") == etag)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Trouble;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Trouble> {
        let Ok(caller) = Caller::from_request_parts(parts, state).await;
        let sign_in = parts.extensions.get::<SignIn>();
        let query = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri);
        let Query(query) = query.map_err(|error| Trouble::wrong(error.body_text()))?;
        let get = |key: &str| query.iter().find(|(name, _)| name == key);
        let at = match get("at").map(|(_, at)| at.trim()) {
            None | Some("" | "now") => None,
            Some(text) => Some(moment(text)?),
        };
        let links = Links {
            at: at.map(|at| at.to_string()),
            wall: get("wall").is_some(),
        };
        Ok(Asked {
            caller,
            sign_in: sign_in.copied().unwrap_or(SignIn::Not),
            path: parts.uri.path().to_owned(),
            at,
            links,
            theme: theme(&parts.headers),
            known: text(&parts.headers, header::IF_NONE_MATCH),
            query,
        })
    }
}

/// A moment as an address has it, or as the field for it gives it: without a zone, in the page's.
fn moment(text: &str) -> Result<Timestamp, Trouble> {
    let stamped = text.parse::<Timestamp>().ok();
    let civil = || text.parse::<DateTime>().ok()?.to_zoned(ZONE.clone()).ok();
    let at = stamped.or_else(|| civil().map(|zoned| zoned.timestamp()));
    match at {
        None => Err(Trouble::wrong(
            "`at` takes a moment, such as 2026-11-22T10:02 or 2026-11-22T10:02:00Z",
        )),
        Some(at) if at > Timestamp::now() => {
            Err(Trouble::wrong("`at` takes a moment that is over"))
        }
        Some(at) => Ok(at),
    }
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}

fn theme(headers: &HeaderMap) -> Theme {
    let cookies = headers.get_all(header::COOKIE).iter();
    cookies
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .find(|(name, _)| *name == Theme::COOKIE)
        .map_or(Theme::System, |(_, value)| Theme::parse(value))
}
