//! Passwords of people.
//!
//! Checking one takes argon2 tens of milliseconds and 19 MiB on purpose. So one that was right is remembered for a while (as
//! a keyed digest, in memory), attempts are counted, and few are checked at a time.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use argon2::password_hash::{PasswordHash, PasswordHasher as _, SaltString};
use argon2::{Argon2, PasswordVerifier as _};
use ring::hmac;
use ring::rand::{SecureRandom as _, SystemRandom};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::address::neighbourhood;

/// How long a password that was right is believed without being checked again.
const REMEMBERED: Duration = Duration::from_secs(300);
/// How many of them. Each takes some 200 bytes.
const REMEMBERED_MAX: usize = 1000;

/// How many attempts an address has for a user, and in how long.
const ATTEMPTS: usize = 10;
const WINDOW: Duration = Duration::from_secs(60);
/// How many pairs of an address and a user are counted at a time, at some 300 bytes each.
const COUNTED_MAX: usize = 10_000;

/// How many passwords are checked at a time: more would take processor and memory from measuring.
const AT_A_TIME: usize = 2;
/// How long an attempt waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);

/// The hash of a password, for the configuration.
///
/// # Errors
///
/// When the system has no randomness to give, in words.
pub fn hash(password: &str) -> Result<String, String> {
    let mut salt = [0; 16];
    let no_salt = |_| "the system gave no random numbers".to_owned();
    SystemRandom::new().fill(&mut salt).map_err(no_salt)?;
    let salt = SaltString::encode_b64(&salt).map_err(|error| error.to_string())?;
    let hashed = Argon2::default().hash_password(password.as_bytes(), &salt);
    Ok(hashed.map_err(|error| error.to_string())?.to_string())
}

fn is_right(password: &str, hash: &str) -> bool {
    let parsed = PasswordHash::new(hash);
    parsed.is_ok_and(|hash| {
        let checked = Argon2::default().verify_password(password.as_bytes(), &hash);
        checked.is_ok()
    })
}

/// What a name that nobody has is checked against, so that an answer takes as long as for one that somebody has.
static NOBODY: LazyLock<String> = LazyLock::new(|| hash("").unwrap_or_default());

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Login {
    Right,
    Wrong,
    /// It was not looked at; after this long it may be.
    Later(Duration),
}

/// Attempts to sign in with a password.
pub(super) struct Logins {
    key: hmac::Key,
    /// Which passwords were right: by the digest of name and password, the hash that they were right for, and until when.
    right: Mutex<HashMap<[u8; 32], (String, Instant)>>,
    attempts: Mutex<HashMap<(IpAddr, String), VecDeque<Instant>>>,
    turns: Semaphore,
}

impl Logins {
    pub(super) fn new() -> Self {
        let mut key = [0; 32];
        // Without randomness nothing is remembered that another process could know of anyway.
        let _ = SystemRandom::new().fill(&mut key);
        Logins {
            key: hmac::Key::new(hmac::HMAC_SHA256, &key),
            right: Mutex::default(),
            attempts: Mutex::default(),
            turns: Semaphore::new(AT_A_TIME),
        }
    }

    /// Checks a password against the hash of the user of this name, if there is one.
    pub(super) async fn attempt(
        &self,
        from: IpAddr,
        name: &str,
        password: &str,
        hash: Option<&str>,
    ) -> Login {
        let digest = self.digest(name, password);
        let known = |hash: &str| {
            let right = self.right.lock().unwrap_or_else(PoisonError::into_inner);
            let found = right.get(&digest);
            found.is_some_and(|(was, until)| was == hash && *until > Instant::now())
        };
        if hash.is_some_and(known) {
            return Login::Right;
        }
        // Names that nobody has are counted together, however many are tried.
        let counted = hash.map_or("", |_| name);
        if let Err(wait) = self.count(from, counted) {
            tracing::warn!(%from, "too many attempts to sign in");
            return Login::Later(wait);
        }
        let Ok(Ok(_turn)) = tokio::time::timeout(PATIENCE, self.turns.acquire()).await else {
            return Login::Later(PATIENCE);
        };
        let against = hash.unwrap_or(&NOBODY).to_owned();
        let password = password.to_owned();
        let checked = tokio::task::spawn_blocking(move || is_right(&password, &against)).await;
        match (checked, hash) {
            (Ok(true), Some(hash)) => {
                self.remember(digest, hash);
                Login::Right
            }
            _ => Login::Wrong,
        }
    }

    fn digest(&self, name: &str, password: &str) -> [u8; 32] {
        let mut signed = hmac::Context::with_key(&self.key);
        // The length keeps `a` with `bc` apart from `ab` with `c`.
        signed.update(&name.len().to_le_bytes());
        signed.update(name.as_bytes());
        signed.update(password.as_bytes());
        let mut out = [0; 32];
        out.copy_from_slice(signed.sign().as_ref());
        out
    }

    fn remember(&self, digest: [u8; 32], hash: &str) {
        let now = Instant::now();
        let mut right = self.right.lock().unwrap_or_else(PoisonError::into_inner);
        if right.len() >= REMEMBERED_MAX {
            right.retain(|_, (_, until)| *until > now);
        }
        if right.len() < REMEMBERED_MAX {
            right.insert(digest, (hash.to_owned(), now + REMEMBERED));
        }
    }

    /// Counts an attempt, or says how long to wait for the next.
    fn count(&self, from: IpAddr, name: &str) -> Result<(), Duration> {
        let now = Instant::now();
        let is_old = |at: &Instant| now.duration_since(*at) >= WINDOW;
        let mut attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        if attempts.len() >= COUNTED_MAX {
            attempts.retain(|_, times| !times.back().is_none_or(is_old));
        }
        let key = (neighbourhood(from), name.to_owned());
        if attempts.len() >= COUNTED_MAX && !attempts.contains_key(&key) {
            return Err(WINDOW);
        }
        let times = attempts.entry(key).or_default();
        while times.front().is_some_and(is_old) {
            times.pop_front();
        }
        if times.len() >= ATTEMPTS {
            let first = times.front().map_or(now, |first| *first);
            return Err(WINDOW.saturating_sub(now.duration_since(first)));
        }
        times.push_back(now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[test]
    fn a_hash_is_for_its_password_and_of_the_form_that_the_configuration_takes() {
        let hash = hash("correct horse").unwrap();
        assert!(is_right("correct horse", &hash));
        assert!(!is_right("correct house", &hash));
        assert!(!is_right("correct horse", "x"));
        let text = format!("access: {{ users: {{ a: {{ password: '{hash}', read: x }} }} }}");
        let file = [("a.yaml".to_owned(), text)];
        let registry = alpacalert::instrument::Registry::new();
        if let Err(wrong) = alpacalert::config::parse(&file, &registry) {
            panic!("{wrong}");
        }
    }

    #[tokio::test]
    async fn attempts_are_limited_for_an_address_and_a_user() {
        let logins = Logins::new();
        let hash = hash("right").unwrap();
        for _ in 0..ATTEMPTS {
            let login = logins.attempt(HERE, "anna", "wrong", Some(&hash)).await;
            assert_eq!(login, Login::Wrong);
        }
        let login = logins.attempt(HERE, "anna", "right", Some(&hash)).await;
        let Login::Later(wait) = login else {
            panic!("{login:?}");
        };
        assert!(wait > Duration::from_secs(30) && wait <= WINDOW, "{wait:?}");
        // Others, and the same user from elsewhere, may still try.
        let there: IpAddr = "::1".parse().unwrap();
        assert_eq!(
            logins.attempt(there, "anna", "right", Some(&hash)).await,
            Login::Right
        );
        assert_eq!(
            logins.attempt(HERE, "bert", "right", Some(&hash)).await,
            Login::Right
        );
        // What was right is not checked again, and so not counted.
        for _ in 0..2 * ATTEMPTS {
            assert_eq!(
                logins.attempt(HERE, "bert", "right", Some(&hash)).await,
                Login::Right
            );
        }
        // Unless the password is another one now.
        let other = super::hash("other").unwrap();
        assert_eq!(
            logins.attempt(HERE, "bert", "right", Some(&other)).await,
            Login::Wrong
        );
    }

    #[tokio::test]
    async fn names_that_nobody_has_are_counted_together() {
        let logins = Logins::new();
        for number in 0..ATTEMPTS {
            let login = logins.attempt(HERE, &number.to_string(), "x", None).await;
            assert_eq!(login, Login::Wrong);
        }
        let login = logins.attempt(HERE, "another", "x", None).await;
        assert!(matches!(login, Login::Later(_)), "{login:?}");
    }
}
