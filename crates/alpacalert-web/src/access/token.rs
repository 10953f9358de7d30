//! Tokens for programs.
//!
//! A token has 256 random bits, so nobody finds it by trying, however fast a hash is: a plain SHA-256 keeps it as well as a
//! slow hash would, and costs a microsecond a request. Passwords, which people choose, need a slow one.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom as _, SystemRandom};
use subtle::ConstantTimeEq as _;

/// What tokens begin with, so that people and programs that look for secrets in places where they do not belong find them.
const PREFIX: &str = "alpaca_";

/// What hashes begin with in the configuration.
const HASHED: &str = "sha256:";

/// A new token.
///
/// `None` when the system has no randomness to give.
pub fn generate() -> Option<String> {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).ok()?;
    Some(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)))
}

/// What the configuration keeps of a token.
pub fn hash(token: &str) -> String {
    let digits = sha256(token.as_bytes()).map(|byte| format!("{byte:02x}"));
    format!("{HASHED}{}", digits.concat())
}

pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest(&SHA256, bytes).as_ref());
    out
}

/// The digest that a hash of the configuration stands for.
pub(super) fn parse_hash(text: &str) -> Option<[u8; 32]> {
    let digits = text.strip_prefix(HASHED)?.as_bytes();
    let mut out = [0; 32];
    let (pairs, []) = digits.as_chunks::<2>() else {
        return None;
    };
    if pairs.len() != out.len() {
        return None;
    }
    for (byte, pair) in out.iter_mut().zip(pairs) {
        let pair = str::from_utf8(pair).ok()?;
        *byte = u8::from_str_radix(pair, 16).ok()?;
    }
    Some(out)
}

/// The one of these digests that is a token's. All are compared, and each of them whole, so that how long it takes tells
/// nothing.
pub(super) fn find<'t, T>(
    token: &str,
    known: impl Iterator<Item = (&'t [u8; 32], &'t T)>,
) -> Option<&'t T> {
    let asked = sha256(token.as_bytes());
    let mut found = None;
    for (digest, what) in known {
        if bool::from(digest.ct_eq(&asked)) {
            found = Some(what);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_by_its_hash_and_no_other_is() {
        let [one, other] = [generate().unwrap(), generate().unwrap()];
        assert_ne!(one, other);
        assert!(one.len() >= PREFIX.len() + 43, "{one}");
        let digest = parse_hash(&hash(&one)).expect("its own hash");
        assert_eq!(find(&one, [(&digest, &1)].into_iter()), Some(&1));
        assert_eq!(find(&other, [(&digest, &1)].into_iter()), None);
        assert_eq!(find("", [(&digest, &1)].into_iter()), None);
    }

    #[test]
    fn what_is_no_hash_is_not_read_as_one() {
        let good = hash("x");
        assert!(parse_hash(&good).is_some());
        for wrong in [
            good.trim_start_matches(HASHED),
            &good[..good.len() - 1],
            "sha256:",
            &format!("{good}00"),
            &good.replace(char::is_numeric, "g"),
        ] {
            assert_eq!(parse_hash(wrong), None, "{wrong}");
        }
    }
}
