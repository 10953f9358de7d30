//! People who have signed in.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom as _, SystemRandom};
use tokio::time::Instant;

use super::token::sha256;

/// The cookie of a session. The prefix makes browsers refuse it from anybody but this very host, and unencrypted.
pub(super) const SESSION: &str = "__Host-alpacalert";

/// How many are signed in at a time, at some 500 bytes each. The one that ends first makes place for a new one.
const SESSIONS_MAX: usize = 10_000;

/// Somebody who has signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Session {
    pub(super) name: Arc<str>,
    pub(super) groups: Arc<[String]>,
    pub(super) ends: Instant,
}

/// Sessions, by the digest of what the cookie holds: who reads our memory or a dump of it cannot go on with one.
#[derive(Default)]
pub(super) struct Sessions(Mutex<HashMap<[u8; 32], Session>>);

impl Sessions {
    /// Begins one, and gives the value of its cookie.
    pub(super) fn begin(&self, session: Session) -> Option<String> {
        let id = random()?;
        let now = Instant::now();
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|_, session| session.ends > now);
        if sessions.len() >= SESSIONS_MAX {
            let first = sessions.iter().min_by_key(|(_, session)| session.ends);
            if let Some(first) = first.map(|(key, _)| *key) {
                sessions.remove(&first);
            }
        }
        sessions.insert(sha256(id.as_bytes()), session);
        Some(id)
    }

    pub(super) fn find(&self, key: &[u8; 32]) -> Option<Session> {
        let sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = sessions.get(key).cloned();
        found.filter(|session| session.ends > Instant::now())
    }

    pub(super) fn end(&self, key: &[u8; 32]) {
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.remove(key);
    }
}

/// 256 random bits.
pub(super) fn random() -> Option<String> {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).ok()?;
    Some(URL_SAFE_NO_PAD.encode(bytes))
}

/// The value of a cookie of a request.
pub(super) fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let all = headers.get_all(header::COOKIE).iter();
    all.filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(key, value)| (key == name).then_some(value))
}

/// A header that sets a cookie, or takes it away if it lives for no time.
pub(super) fn set_cookie(name: &str, value: &str, lives: Duration) -> Option<HeaderValue> {
    let seconds = lives.as_secs();
    HeaderValue::from_str(&format!(
        "{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; Secure; SameSite=Lax"
    ))
    .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(lives: Duration) -> Session {
        Session {
            name: "anna".into(),
            groups: Arc::new([]),
            ends: Instant::now() + lives,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_ends_by_itself_and_when_it_is_ended() {
        let sessions = Sessions::default();
        let key = |id: &str| sha256(id.as_bytes());
        let one = sessions.begin(session(Duration::from_secs(60))).unwrap();
        let two = sessions.begin(session(Duration::from_secs(60))).unwrap();
        assert!(sessions.find(&key(&one)).is_some());
        assert!(sessions.find(&key("x")).is_none());
        sessions.end(&key(&two));
        assert!(sessions.find(&key(&two)).is_none());
        tokio::time::advance(Duration::from_secs(61)).await;
        assert!(sessions.find(&key(&one)).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn they_are_bounded() {
        let sessions = Sessions::default();
        let first = sessions.begin(session(Duration::from_secs(1))).unwrap();
        for _ in 0..SESSIONS_MAX {
            sessions.begin(session(Duration::from_secs(60))).unwrap();
        }
        assert!(sessions.find(&sha256(first.as_bytes())).is_none());
        assert_eq!(sessions.0.lock().unwrap().len(), SESSIONS_MAX);
    }

    #[test]
    fn cookies_are_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(
            header::COOKIE,
            "a=1; __Host-alpacalert=x; b=2".parse().unwrap(),
        );
        assert_eq!(cookie(&headers, SESSION), Some("x"));
        assert_eq!(cookie(&headers, "alpacalert"), None);
    }
}
