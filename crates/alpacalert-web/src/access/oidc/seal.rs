//! What a browser keeps for us, and can neither read nor change.

use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom as _, SystemRandom};

/// The longest text that is opened: browsers keep cookies of 4 KiB.
const LENGTH_MAX: usize = 8 * 1024;

/// Seals with a key of this run of the program: what another one sealed is worth nothing.
#[derive(Default)]
pub(super) struct Seal(OnceLock<Option<LessSafeKey>>);

impl Seal {
    /// The sealed text; `None` when the system has no randomness to give.
    pub(super) fn close(&self, mut text: Vec<u8>) -> Option<String> {
        let mut nonce = [0; NONCE_LEN];
        // Random ones of 96 bits meet each other after some four thousand million sign-ins.
        SystemRandom::new().fill(&mut nonce).ok()?;
        let unique = Nonce::assume_unique_for_key(nonce);
        let sealed = self
            .key()?
            .seal_in_place_append_tag(unique, Aad::empty(), &mut text);
        sealed.ok()?;
        Some(URL_SAFE_NO_PAD.encode([&nonce[..], &text].concat()))
    }

    /// What was sealed; `None` for whatever else it is.
    pub(super) fn open(&self, sealed: &str) -> Option<Vec<u8>> {
        if sealed.len() > LENGTH_MAX {
            return None;
        }
        let mut bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (nonce, text) = bytes.split_at_mut_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let opened = self.key()?.open_in_place(nonce, Aad::empty(), text);
        opened.ok().map(|text| text.to_vec())
    }

    fn key(&self) -> Option<&LessSafeKey> {
        let made = self.0.get_or_init(|| {
            let mut key = [0; 32];
            SystemRandom::new().fill(&mut key).ok()?;
            let key = UnboundKey::new(&AES_256_GCM, &key).ok()?;
            Some(LessSafeKey::new(key))
        });
        made.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_sealed_here_is_opened() {
        let seal = Seal::default();
        let sealed = seal.close(b"next".to_vec()).unwrap();
        assert_eq!(seal.open(&sealed).as_deref(), Some(&b"next"[..]));
        assert_ne!(seal.close(b"next".to_vec()).unwrap(), sealed);
        assert!(
            !URL_SAFE_NO_PAD
                .decode(&sealed)
                .unwrap()
                .windows(4)
                .any(|part| part == b"next")
        );
        let other = Seal::default().close(b"next".to_vec()).unwrap();
        let (first, rest) = sealed.split_at(1);
        let changed = if first == "A" { "B" } else { "A" };
        for wrong in [
            other,
            format!("{changed}{rest}"),
            sealed[..sealed.len() - 2].to_owned(),
            String::new(),
            "x".repeat(LENGTH_MAX + 1),
        ] {
            assert_eq!(seal.open(&wrong), None, "{wrong:.80}");
        }
    }
}
