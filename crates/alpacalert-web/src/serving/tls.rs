//! What TLS is spoken with.

use std::path::Path;
use std::sync::Arc;

use alpacalert::config::TlsPlan;
use alpacalert_model::Timestamp;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;

/// What TLS is spoken with, and for how long that counts.
pub(crate) struct Tls {
    pub(crate) config: Arc<ServerConfig>,
    /// When the first certificate of the chain expires; `None` when none says.
    pub(crate) until: Option<Timestamp>,
}

/// Reads the certificate and the key, and whether they belong together. The error names the file and what is wrong with it,
/// and nothing that is in it.
pub(crate) fn read(plan: &TlsPlan) -> Result<Tls, String> {
    let chain = certificates(&plan.certificate)?;
    let until = chain.iter().filter_map(expires).min();
    let key = PrivateKeyDer::from_pem_file(&plan.key)
        .map_err(|error| unread(&plan.key, "the private key", &error))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("failed to set up TLS: {error}"))?;
    let builder = match &plan.client_ca {
        None => builder.with_no_client_auth(),
        Some(file) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(file)? {
                let added = roots.add(certificate);
                added.map_err(|error| {
                    let file = file.display();
                    format!("a certificate in {file} cannot be an authority of clients: {error}")
                })?;
            }
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            let verifier =
                verifier.map_err(|error| unread(file, "the authorities of clients", &error))?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let config = builder.with_single_cert(chain, key);
    let mut config = config.map_err(|error| {
        format!(
            "the certificate {} and the key {} cannot be used together: {error}",
            plan.certificate.display(),
            plan.key.display()
        )
    })?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Tls {
        config: Arc::new(config),
        until,
    })
}

fn expires(certificate: &CertificateDer<'_>) -> Option<Timestamp> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    Timestamp::from_second(certificate.validity().not_after.timestamp()).ok()
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let wrong = |error: &dyn std::fmt::Display| unread(file, "the certificate", error);
    let read = CertificateDer::pem_file_iter(file).map_err(|error| wrong(&error))?;
    let read: Result<Vec<_>, _> = read.collect();
    let read = read.map_err(|error| wrong(&error))?;
    match read.is_empty() {
        true => Err(wrong(&"there is none in it")),
        false => Ok(read),
    }
}

fn unread(file: &Path, what: &str, error: &dyn std::fmt::Display) -> String {
    format!("failed to read {what} {}: {error}", file.display())
}
