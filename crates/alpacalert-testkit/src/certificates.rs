//! A certificate authority for tests, and certificates of every sort of defect.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};
use tempfile::TempDir;

use crate::{require, temp_dir};

const DAY: Duration = Duration::from_secs(86_400);

/// From when to when a certificate is valid, relative to now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// Since yesterday, for that much longer.
    Left(Duration),
    /// Until yesterday.
    Expired,
    /// From tomorrow on.
    NotYet,
}

impl Lifetime {
    /// 90 days.
    pub const LONG: Lifetime = Lifetime::Left(Duration::from_secs(90 * 86_400));

    /// That many days.
    pub const fn days(days: u64) -> Lifetime {
        Lifetime::Left(Duration::from_secs(days * 86_400))
    }

    fn apply(self, params: &mut CertificateParams) {
        let now = SystemTime::now();
        let (from, until) = match self {
            Lifetime::Left(left) => (now - DAY, now + left),
            Lifetime::Expired => (now - 30 * DAY, now - DAY),
            Lifetime::NotYet => (now + DAY, now + 90 * DAY),
        };
        params.not_before = from.into();
        params.not_after = until.into();
    }
}

/// A certificate authority: a root, and an intermediate that issues.
#[derive(Debug)]
pub struct Authority {
    folder: TempDir,
    root_pem: String,
    intermediate: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate with its key, in files: `cert.pem`, `chain.pem` (with the intermediate) and `key.pem`.
///
/// The files are there as long as a clone of this is.
#[derive(Clone, Debug)]
pub struct Issued {
    folder: Arc<TempDir>,
}

impl Issued {
    /// The folder of the files.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Authority {
    /// A new authority, whose names begin with `name`.
    ///
    /// # Panics
    ///
    /// When no key can be made.
    pub fn new(name: &str) -> Authority {
        Self::with_intermediate(name, Lifetime::LONG)
    }

    /// A new authority whose intermediate is valid for a time of its own.
    ///
    /// # Panics
    ///
    /// When no key can be made.
    pub fn with_intermediate(name: &str, lifetime: Lifetime) -> Authority {
        let root = CertifiedIssuer::self_signed(
            issuer(&format!("{name} root"), Lifetime::LONG),
            KeyPair::generate().expect("a key"),
        )
        .expect("a root certificate");
        let intermediate = CertifiedIssuer::signed_by(
            issuer(&format!("{name} intermediate"), lifetime),
            KeyPair::generate().expect("a key"),
            &root,
        )
        .expect("an intermediate certificate");
        let folder = temp_dir();
        write(folder.path(), "ca.pem", &root.pem());
        Authority {
            folder,
            root_pem: root.pem(),
            intermediate,
        }
    }

    /// The file of the root certificate.
    pub fn root(&self) -> std::path::PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// The root certificate, in PEM.
    pub fn root_pem(&self) -> &str {
        &self.root_pem
    }

    /// A certificate for these host names and addresses, for servers and clients.
    ///
    /// # Panics
    ///
    /// When a name is not valid.
    pub fn issue(&self, names: &[&str], lifetime: Lifetime) -> Issued {
        let key = KeyPair::generate().expect("a key");
        let params = leaf(names, lifetime);
        let certificate = params
            .signed_by(&key, &self.intermediate)
            .expect("a certificate");
        issued(
            &certificate.pem(),
            Some(&self.intermediate.pem()),
            &key.serialize_pem(),
        )
    }

    /// A certificate for these host names that signed itself.
    ///
    /// # Panics
    ///
    /// When a name is not valid.
    pub fn self_signed(names: &[&str], lifetime: Lifetime) -> Issued {
        Self::signed_by_itself(leaf(names, lifetime))
    }

    /// The same, and it says that it is an authority, as those that `openssl req -x509` makes do.
    ///
    /// # Panics
    ///
    /// When a name is not valid.
    pub fn self_signed_authority(names: &[&str], lifetime: Lifetime) -> Issued {
        let mut params = leaf(names, lifetime);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self::signed_by_itself(params)
    }

    fn signed_by_itself(params: CertificateParams) -> Issued {
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        issued(&certificate.pem(), None, &key.serialize_pem())
    }

    /// A certificate for `localhost` made by `openssl`, signed by the intermediate, with these arguments for the key and the
    /// signature: for what better programs refuse to make, such as `-newkey rsa:1024` or `-sha1`.
    ///
    /// # Panics
    ///
    /// When openssl fails.
    pub fn issue_with_openssl(&self, arguments: &[&str]) -> Option<Issued> {
        write(
            self.folder.path(),
            "intermediate.pem",
            &self.intermediate.pem(),
        );
        let key = self.intermediate.key().serialize_pem();
        write(self.folder.path(), "intermediate-key.pem", &key);
        let path = |name: &str| self.folder.path().join(name).display().to_string();
        let (certificate, key) = (path("intermediate.pem"), path("intermediate-key.pem"));
        let issued = openssl(&[&["-CA", &certificate, "-CAkey", &key], arguments].concat())?;
        let leaf = std::fs::read_to_string(issued.folder().join("cert.pem"));
        let chain = format!(
            "{}{}",
            leaf.expect("a certificate"),
            self.intermediate.pem()
        );
        write(issued.folder(), "chain.pem", &chain);
        Some(issued)
    }
}

fn openssl(arguments: &[&str]) -> Option<Issued> {
    let program = require("openssl")?;
    let folder = temp_dir();
    let output = Command::new(program)
        .current_dir(folder.path())
        .args([
            "req",
            "-x509",
            "-nodes",
            "-subj",
            "/CN=localhost",
            "-days",
            "60",
        ])
        .args(["-addext", "subjectAltName=DNS:localhost"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .args(["-keyout", "key.pem", "-out", "cert.pem"])
        .args(arguments)
        .output()
        .expect("run openssl");
    assert!(output.status.success(), "{output:?}");
    Some(Issued {
        folder: Arc::new(folder),
    })
}

fn issuer(name: &str, lifetime: Lifetime) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    lifetime.apply(&mut params);
    params
}

fn leaf(names: &[&str], lifetime: Lifetime) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let first = names.first().cloned().unwrap_or_default();
    let mut params = CertificateParams::new(names).expect("valid host names");
    params.distinguished_name.push(DnType::CommonName, first);
    params.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::ClientAuth,
    ];
    lifetime.apply(&mut params);
    params
}

fn issued(certificate: &str, intermediate: Option<&str>, key: &str) -> Issued {
    let folder = temp_dir();
    write(folder.path(), "cert.pem", certificate);
    let chain = format!("{certificate}{}", intermediate.unwrap_or_default());
    write(folder.path(), "chain.pem", &chain);
    write(folder.path(), "key.pem", key);
    // Servers that give up root before they read it: these are keys of tests, in a folder that is gone soon.
    for (name, mode) in [(".", 0o755), ("key.pem", 0o644)] {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
        std::fs::set_permissions(folder.path().join(name), mode).expect("open the files");
    }
    Issued {
        folder: Arc::new(folder),
    }
}

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).expect("write a certificate");
}
