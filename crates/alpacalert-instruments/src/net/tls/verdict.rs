//! What is wrong with a chain of certificates.

use alpacalert_instrument::{Reason, Timestamp};
use rustls::CertificateError;
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;

use super::{Certificate, Trust};

const EXPIRED: Reason = Reason::fixed("tls-expired");
const NOT_YET_VALID: Reason = Reason::fixed("tls-not-yet-valid");
const WRONG_HOST: Reason = Reason::fixed("tls-wrong-host");
const SELF_SIGNED: Reason = Reason::fixed("tls-self-signed");
const UNKNOWN_ISSUER: Reason = Reason::fixed("tls-unknown-issuer");
const WEAK_KEY: Reason = Reason::fixed("tls-weak-key");
const WEAK_SIGNATURE: Reason = Reason::fixed("tls-weak-signature");
pub(super) const INVALID: Reason = Reason::fixed("tls-invalid");

/// One thing that is wrong with the certificates of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Defect {
    pub(crate) reason: Reason,
    pub(crate) text: String,
}

impl Defect {
    fn new(reason: Reason, text: impl Into<String>) -> Self {
        let text = text.into();
        Defect { reason, text }
    }
}

impl Trust {
    /// Everything that is wrong with a chain; what readers should look at first comes first.
    pub(super) fn defects(
        &self,
        presented: &[CertificateDer<'_>],
        chain: &[Certificate],
        name: &ServerName<'_>,
        now: Timestamp,
    ) -> Vec<Defect> {
        let ([leaf_der, others @ ..], Some(leaf)) = (presented, chain.first()) else {
            return vec![Defect::new(INVALID, "the server shows no certificate")];
        };
        let weak: Vec<Defect> = counted(chain).flat_map(weak).collect();
        let mut defects: Vec<Defect> = counted(chain).flat_map(|c| out_of_time(c, now)).collect();
        match ParsedCertificate::try_from(leaf_der) {
            Err(error) => defects.push(Defect::new(INVALID, format!("{}: {error}", leaf.subject))),
            Ok(parsed) => {
                if verify_server_name(&parsed, name).is_err() {
                    defects.push(wrong_host(leaf, name));
                }
                let untrusted = match self.pinned.contains(leaf_der) {
                    true => None,
                    false => self.untrusted(&parsed, others, leaf, now),
                };
                // Told already where we found the same ourselves, with the name of the certificate.
                let told =
                    |new: &Defect| defects.iter().chain(&weak).any(|d| d.reason == new.reason);
                let news = untrusted.filter(|new| !told(new));
                defects.extend(news);
            }
        }
        defects.extend(weak);
        let unreadable = counted(chain).filter(|certificate| certificate.unreadable);
        defects.extend(
            unreadable.map(|c| Defect::new(INVALID, format!("the server shows {}", c.subject))),
        );
        defects
    }

    /// Why no certificate that we trust vouches for the chain.
    fn untrusted(
        &self,
        parsed: &ParsedCertificate<'_>,
        others: &[CertificateDer<'_>],
        leaf: &Certificate,
        now: Timestamp,
    ) -> Option<Defect> {
        let since = u64::try_from(now.as_second()).unwrap_or_default();
        let now = UnixTime::since_unix_epoch(std::time::Duration::from_secs(since));
        let algorithms = self.provider.signature_verification_algorithms.all;
        let verified =
            verify_server_cert_signed_by_trust_anchor(parsed, &self.roots, others, now, algorithms);
        let subject = &leaf.subject;
        let error = match verified {
            Ok(()) => return None,
            Err(error) => error,
        };
        if leaf.self_issued {
            let text =
                format!("the certificate {subject} is signed by itself, and not trusted here");
            return Some(Defect::new(SELF_SIGNED, text));
        }
        use CertificateError as C;
        let reason = match &error {
            rustls::Error::InvalidCertificate(C::UnknownIssuer) => {
                let text = format!(
                    "the issuer of {subject}, {}, is not trusted here, or the server does not send the certificates in between",
                    leaf.issuer
                );
                return Some(Defect::new(UNKNOWN_ISSUER, text));
            }
            rustls::Error::InvalidCertificate(error) => match error {
                C::Expired | C::ExpiredContext { .. } => EXPIRED,
                C::NotValidYet | C::NotValidYetContext { .. } => NOT_YET_VALID,
                C::UnsupportedSignatureAlgorithmContext { .. }
                | C::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => WEAK_SIGNATURE,
                _ => INVALID,
            },
            _ => INVALID,
        };
        let text = format!("the chain of the certificate {subject} is not valid: {error}");
        Some(Defect::new(reason, text))
    }
}

/// The certificates that count: a root that the server sends along is not looked at by anybody.
pub(crate) fn counted(chain: &[Certificate]) -> impl Iterator<Item = &Certificate> {
    chain
        .iter()
        .enumerate()
        .filter(|(position, certificate)| *position == 0 || !certificate.self_issued)
        .map(|(_, certificate)| certificate)
}

fn out_of_time(certificate: &Certificate, now: Timestamp) -> Option<Defect> {
    let subject = &certificate.subject;
    match (certificate.from, certificate.until) {
        (_, Some(until)) if until < now => Some(Defect::new(
            EXPIRED,
            format!("the certificate {subject} expired at {until}"),
        )),
        (Some(from), _) if from > now => Some(Defect::new(
            NOT_YET_VALID,
            format!("the certificate {subject} is not valid before {from}"),
        )),
        _ => None,
    }
}

fn wrong_host(leaf: &Certificate, name: &ServerName<'_>) -> Defect {
    const SHOWN: usize = 5;
    let mut names: Vec<String> = leaf.names.iter().take(SHOWN).cloned().collect();
    match leaf.names.len() {
        0 => names.push("no host at all".to_owned()),
        n if n > SHOWN => names.push(format!("{} more", n - SHOWN)),
        _ => {}
    }
    let text = format!(
        "the certificate {} is for {}, not for {}",
        leaf.subject,
        names.join(", "),
        name.to_str()
    );
    Defect::new(WRONG_HOST, text)
}

fn weak(certificate: &Certificate) -> Vec<Defect> {
    let subject = &certificate.subject;
    let mut defects = Vec::new();
    if let Some(key) = &certificate.weak_key {
        let text = format!("the key of {subject} is too weak: {key}");
        defects.push(Defect::new(WEAK_KEY, text));
    }
    // What signs itself is believed for its own sake: that signature proves nothing to anybody.
    if let (Some(signature), false) = (certificate.weak_signature, certificate.self_issued) {
        let text = format!("the signature of {subject} can be forged: {signature}");
        defects.push(Defect::new(WEAK_SIGNATURE, text));
    }
    defects
}
