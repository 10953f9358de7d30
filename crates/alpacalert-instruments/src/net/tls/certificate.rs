//! What a certificate says.

use alpacalert_instrument::Timestamp;
use rustls::pki_types::CertificateDer;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;

/// Signature algorithms that can be forged, by object identifier, with their names.
///
/// Sources: RFC 8017, appendix C (RSA); RFC 5758 and ANSI X9.62 (ECDSA); RFC 3279, section 2.2.2 (DSA). SHA-1 and MD5 are broken for
/// signatures: RFC 9155.
const FORGEABLE: [(&str, &str); 5] = [
    ("1.2.840.113549.1.1.2", "MD2 with RSA"),
    ("1.2.840.113549.1.1.4", "MD5 with RSA"),
    ("1.2.840.113549.1.1.5", "SHA-1 with RSA"),
    ("1.2.840.10045.4.1", "SHA-1 with ECDSA"),
    ("1.2.840.10040.4.3", "SHA-1 with DSA"),
];

/// The least number of bits of a key: NIST SP 800-57 part 1, table 2, 112 bits of strength.
const RSA_BITS: usize = 2048;
const EC_BITS: usize = 224;

/// What is read from one certificate of a chain.
#[derive(Clone, Debug, Default)]
pub(crate) struct Certificate {
    /// Whose it is: `CN=example.com`, or its first name where it has no subject.
    pub(crate) subject: String,
    pub(crate) issuer: String,
    /// The host names and addresses it is for.
    pub(crate) names: Vec<String>,
    pub(crate) from: Option<Timestamp>,
    pub(crate) until: Option<Timestamp>,
    /// It names itself as its issuer.
    pub(crate) self_issued: bool,
    /// The key, if it is too weak: `RSA with 1024 bits`.
    pub(crate) weak_key: Option<String>,
    /// The signature's algorithm, if it can be forged.
    pub(crate) weak_signature: Option<&'static str>,
    /// It could not be read.
    pub(crate) unreadable: bool,
}

impl Certificate {
    pub(crate) fn read(der: &CertificateDer<'_>) -> Certificate {
        match X509Certificate::from_der(der) {
            Ok((_, x509)) => Certificate::of(&x509),
            Err(_) => Certificate {
                subject: "a certificate that cannot be read".to_owned(),
                unreadable: true,
                ..Certificate::default()
            },
        }
    }

    fn of(x509: &X509Certificate<'_>) -> Certificate {
        let names = names(x509);
        let subject = x509.subject().to_string();
        let subject = match (subject.is_empty(), names.first()) {
            (true, Some(name)) => name.clone(),
            _ => subject,
        };
        let time =
            |time: x509_parser::time::ASN1Time| Timestamp::from_second(time.timestamp()).ok();
        let algorithm = x509.signature_algorithm.algorithm.to_id_string();
        Certificate {
            subject,
            issuer: x509.issuer().to_string(),
            names,
            from: time(x509.validity().not_before),
            until: time(x509.validity().not_after),
            self_issued: x509.subject().as_raw() == x509.issuer().as_raw(),
            weak_key: weak_key(x509),
            weak_signature: FORGEABLE
                .iter()
                .find(|(id, _)| *id == algorithm)
                .map(|(_, name)| *name),
            unreadable: false,
        }
    }

    /// How long it is still valid, in seconds; less than zero once it has expired.
    pub(crate) fn left(&self, now: Timestamp) -> Option<f64> {
        let until = self.until?;
        Some(until.duration_since(now).as_secs_f64())
    }
}

fn names(x509: &X509Certificate<'_>) -> Vec<String> {
    let alternative = x509.subject_alternative_name().ok().flatten();
    let names = alternative.iter().flat_map(|ext| &ext.value.general_names);
    names
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            GeneralName::IPAddress(bytes) => address(bytes),
            _ => None,
        })
        .collect()
}

fn address(bytes: &[u8]) -> Option<String> {
    if let Ok(v4) = <[u8; 4]>::try_from(bytes) {
        return Some(std::net::Ipv4Addr::from(v4).to_string());
    }
    let v6 = <[u8; 16]>::try_from(bytes).ok()?;
    Some(std::net::Ipv6Addr::from(v6).to_string())
}

fn weak_key(x509: &X509Certificate<'_>) -> Option<String> {
    match x509.public_key().parsed().ok()? {
        PublicKey::RSA(key) => {
            let zeros = key.modulus.iter().take_while(|byte| **byte == 0).count();
            let bits = 8 * (key.modulus.len() - zeros);
            (bits < RSA_BITS).then(|| format!("RSA with {bits} bits"))
        }
        PublicKey::EC(point) => {
            let bits = point.key_size();
            (bits < EC_BITS).then(|| format!("EC with {bits} bits"))
        }
        PublicKey::DSA(_) => Some("DSA".to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use alpacalert_testkit::Authority;
    use rustls::pki_types::pem::PemObject;

    use super::*;

    #[test]
    fn a_key_on_a_small_curve_is_weak_and_one_on_a_usual_curve_is_not() {
        let authority = Authority::new("test");
        for (curve, weak) in [
            ("prime192v1", Some("EC with 192 bits")),
            ("secp224r1", None),
            ("prime256v1", None),
            ("secp521r1", None),
        ] {
            let parameter = format!("ec_paramgen_curve:{curve}");
            let arguments = ["-newkey", "ec", "-pkeyopt", &parameter];
            let Some(issued) = authority.issue_with_openssl(&arguments) else {
                return;
            };
            let der = CertificateDer::from_pem_file(issued.folder().join("cert.pem")).unwrap();
            let certificate = Certificate::read(&der);
            assert_eq!(certificate.weak_key.as_deref(), weak, "{curve}");
            assert_eq!(certificate.names, ["localhost"]);
            assert_eq!(certificate.issuer, "CN=test intermediate");
        }
    }

    #[test]
    fn what_is_no_certificate_is_told_as_such() {
        let certificate = Certificate::read(&CertificateDer::from(vec![0x30, 0x03, 1, 2, 3]));
        assert!(certificate.unreadable);
    }
}
