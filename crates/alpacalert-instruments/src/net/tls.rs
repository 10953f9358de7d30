//! TLS: settings that sensors share, the handshake, and what the certificates of a server are worth.

mod certificate;
mod deferred;
mod verdict;

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use alpacalert_instrument::{Reason, SensorError, Timestamp};
use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{AlertDescription, ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

pub(crate) use certificate::Certificate;
pub(crate) use verdict::{Defect, counted};

use super::{Deadline, Host, Trouble, reason};

const PROTOCOL_VERSION: Reason = Reason::fixed("tls-protocol-version");
const HANDSHAKE: Reason = Reason::fixed("tls-handshake");
const CLIENT_CERTIFICATE: Reason = Reason::fixed("tls-client-certificate");
const NOT_SPOKEN: Reason = Reason::fixed("tls-not-spoken");

/// How to speak TLS with a server. Sensors whose settings are equal share what is made of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct TlsSettings {
    /// Certificates to trust in place of the system's.
    pub(crate) ca: Option<PathBuf>,
    /// Our certificate chain and its key.
    pub(crate) client: Option<(PathBuf, PathBuf)>,
    /// The protocols to offer inside TLS, the preferred one first.
    pub(crate) alpn: &'static [&'static [u8]],
}

/// What TLS settings amount to: files read, certificates parsed.
#[derive(Default)]
pub(crate) struct Tls {
    prepared: Mutex<HashMap<TlsSettings, Arc<Prepared>>>,
    system: Mutex<Option<Arc<RootCertStore>>>,
}

struct Prepared {
    config: Arc<ClientConfig>,
    trust: Trust,
    /// When the files had been changed last, so that a renewed certificate counts from the next measurement.
    stamps: Vec<Option<SystemTime>>,
}

/// Which certificates are believed.
struct Trust {
    provider: Arc<CryptoProvider>,
    roots: Arc<RootCertStore>,
    /// The certificates of the file: a server may present one of them as its own.
    pinned: Vec<CertificateDer<'static>>,
}

/// A finished handshake. The stream can only be had with [`Handshaken::trusted`], which looks at the certificates first, or
/// with [`Handshaken::anyway`].
pub(crate) struct Handshaken<S> {
    stream: TlsStream<S>,
    /// The server's certificates, its own first.
    pub(crate) chain: Vec<Certificate>,
    /// What is wrong with them; the worst first.
    pub(crate) defects: Vec<Defect>,
    /// The version, for people: `TLS 1.3`.
    pub(crate) version: &'static str,
    /// How long the handshake took.
    pub(crate) took: Duration,
}

impl<S> Handshaken<S> {
    /// The stream, if the certificates are all right.
    pub(crate) fn trusted(self) -> Result<TlsStream<S>, Trouble> {
        match self.defects.into_iter().next() {
            None => Ok(self.stream),
            Some(defect) => Err(Trouble::target(defect.reason, defect.text)),
        }
    }

    /// The stream, whoever the server is.
    pub(crate) fn anyway(self) -> TlsStream<S> {
        self.stream
    }
}

impl Tls {
    /// Speaks TLS over a stream. Certificates with defects do not end the handshake: they are told in the result.
    pub(crate) async fn handshake<S>(
        &self,
        stream: S,
        settings: &TlsSettings,
        host: &Host,
        deadline: &Deadline,
        now: Timestamp,
    ) -> Result<Handshaken<S>, Trouble>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let prepared = self.prepared(settings)?;
        let name = server_name(host)?;
        let begun = Instant::now();
        let connector = TlsConnector::from(prepared.config.clone());
        let shaking = async {
            let shaken = connector.connect(name.clone(), stream).await;
            shaken.map_err(handshake_failed)
        };
        let stream = deadline
            .phase("waiting for the TLS handshake", shaking)
            .await?;
        let took = begun.elapsed();
        let (_, connection) = stream.get_ref();
        let version = connection
            .protocol_version()
            .and_then(|version| version.as_str())
            .map_or("TLS", |version| match version {
                "TLSv1_2" => "TLS 1.2",
                "TLSv1_3" => "TLS 1.3",
                other => other,
            });
        let presented = connection.peer_certificates().unwrap_or_default();
        let chain: Vec<Certificate> = presented.iter().map(Certificate::read).collect();
        let defects = prepared.trust.defects(presented, &chain, &name, now);
        Ok(Handshaken {
            stream,
            chain,
            defects,
            version,
            took,
        })
    }

    fn prepared(&self, settings: &TlsSettings) -> Result<Arc<Prepared>, Trouble> {
        let stamps = settings.stamps();
        let mut all = self.prepared.lock().unwrap_or_else(|e| e.into_inner());
        if let Some(prepared) = all.get(settings)
            && prepared.stamps == stamps
        {
            return Ok(prepared.clone());
        }
        let prepared = Arc::new(self.prepare(settings, stamps)?);
        all.insert(settings.clone(), prepared.clone());
        Ok(prepared)
    }

    fn prepare(
        &self,
        settings: &TlsSettings,
        stamps: Vec<Option<SystemTime>>,
    ) -> Result<Prepared, Trouble> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let trust = match &settings.ca {
            Some(file) => Trust::of_file(file, provider.clone())?,
            None => Trust {
                provider: provider.clone(),
                roots: self.system_roots()?,
                pinned: Vec::new(),
            },
        };
        let verifier = deferred::Deferred::new(provider.clone());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| broken(error, "cannot prepare TLS"))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let mut config = match &settings.client {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => builder
                .with_client_auth_cert(certificates(certificate)?, private_key(key)?)
                .map_err(|error| {
                    let text = format!(
                        "the client certificate {} does not go with its key {}",
                        certificate.display(),
                        key.display()
                    );
                    broken(error, text)
                })?,
        };
        // A resumed session does not show the certificate, and a check must see the one that is served now.
        config.resumption = Resumption::disabled();
        config.alpn_protocols = settings.alpn.iter().map(|p| p.to_vec()).collect();
        Ok(Prepared {
            config: Arc::new(config),
            trust,
            stamps,
        })
    }

    /// The certificates that this machine trusts, read once.
    fn system_roots(&self) -> Result<Arc<RootCertStore>, Trouble> {
        let mut system = self.system.lock().unwrap_or_else(|e| e.into_inner());
        if let Some(roots) = &*system {
            return Ok(roots.clone());
        }
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            return Err(Trouble::ours(
                reason::CANNOT_READ,
                "cannot find the certificates that this machine trusts; install them (Debian: ca-certificates), or give `ca`",
            ));
        }
        let roots = Arc::new(roots);
        *system = Some(roots.clone());
        Ok(roots)
    }
}

impl Trust {
    fn of_file(file: &Path, provider: Arc<CryptoProvider>) -> Result<Trust, Trouble> {
        let pinned = certificates(file)?;
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(pinned.iter().cloned());
        Ok(Trust {
            provider,
            roots: Arc::new(roots),
            pinned,
        })
    }
}

impl TlsSettings {
    fn stamps(&self) -> Vec<Option<SystemTime>> {
        let client = self.client.iter().flat_map(|(chain, key)| [chain, key]);
        let files = self.ca.iter().chain(client);
        files
            .map(|file| file.metadata().and_then(|m| m.modified()).ok())
            .collect()
    }
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, Trouble> {
    let unreadable = |error: rustls::pki_types::pem::Error| {
        let text = format!("cannot read the certificates in {}", file.display());
        Trouble::Ours(SensorError::new(reason::CANNOT_READ, text).because(error))
    };
    let found = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(unreadable)?;
    if found.is_empty() {
        let text = format!("there is no certificate in {}", file.display());
        return Err(Trouble::ours(reason::CANNOT_READ, text));
    }
    Ok(found)
}

fn private_key(file: &Path) -> Result<PrivateKeyDer<'static>, Trouble> {
    PrivateKeyDer::from_pem_file(file).map_err(|error| {
        let text = format!("cannot read the private key in {}", file.display());
        Trouble::Ours(SensorError::new(reason::CANNOT_READ, text).because(error))
    })
}

fn broken(error: rustls::Error, doing: impl Into<String>) -> Trouble {
    Trouble::Ours(SensorError::new(reason::CANNOT_READ, doing.into()).because(error))
}

fn server_name(host: &Host) -> Result<ServerName<'static>, Trouble> {
    match host {
        Host::Ip(ip) => Ok(ServerName::IpAddress((*ip).into())),
        Host::Name(name) => {
            // A certificate names the host without the final dot.
            let name = name.strip_suffix('.').unwrap_or(name);
            ServerName::try_from(name.to_owned()).map_err(|_| {
                let text = format!("`{name}` cannot stand in a certificate; give `server_name`");
                Trouble::ours(Reason::SENSOR_BROKEN, text)
            })
        }
    }
}

/// Why a handshake did not come about.
fn handshake_failed(error: io::Error) -> Trouble {
    let tls = error
        .get_ref()
        .and_then(|e| e.downcast_ref::<rustls::Error>());
    let Some(tls) = tls else {
        return super::broken(error, "waiting for the TLS handshake");
    };
    use rustls::Error as E;
    let target = |reason, text: String| Trouble::target(reason, text);
    match tls {
        E::AlertReceived(AlertDescription::ProtocolVersion) | E::PeerIncompatible(_) => target(
            PROTOCOL_VERSION,
            format!(
                "the server has no version or cipher of TLS in common with us, who speak 1.2 and 1.3: {tls}"
            ),
        ),
        E::AlertReceived(alert) if is_about_client(*alert) => target(
            CLIENT_CERTIFICATE,
            format!("the server does not take our certificate: it answered {alert:?}"),
        ),
        E::AlertReceived(alert) => target(
            HANDSHAKE,
            format!("the server ended the TLS handshake: it answered {alert:?}"),
        ),
        E::InvalidMessage(_) | E::InappropriateMessage { .. } => target(
            NOT_SPOKEN,
            format!("the server does not speak TLS here: {tls}"),
        ),
        E::InvalidCertificate(_) => target(
            verdict::INVALID,
            format!("the server does not prove that the certificate is its own: {tls}"),
        ),
        _ => target(HANDSHAKE, format!("the TLS handshake failed: {tls}")),
    }
}

/// Whether an alert is about the certificate that a client shows, or does not show (RFC 8446, section 6.2).
fn is_about_client(alert: AlertDescription) -> bool {
    use AlertDescription as A;
    matches!(
        alert,
        A::CertificateRequired
            | A::BadCertificate
            | A::UnsupportedCertificate
            | A::CertificateRevoked
            | A::CertificateExpired
            | A::CertificateUnknown
            | A::UnknownCA
            | A::AccessDenied
            | A::NoCertificate
    )
}

/// The trouble that an error after the handshake is: an alert about our certificate may come with the first answer.
pub(crate) fn later(error: &(dyn std::error::Error + 'static)) -> Option<Trouble> {
    let mut next = Some(error);
    while let Some(error) = next {
        let inner = error
            .downcast_ref::<io::Error>()
            .and_then(|error| error.get_ref())
            .and_then(|error| error.downcast_ref::<rustls::Error>());
        if let Some(tls) = inner {
            return Some(handshake_failed(io::Error::other(tls.clone())));
        }
        next = error.source();
    }
    None
}
