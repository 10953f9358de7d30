//! What is served over TLS, and to whom.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use alpacalert::config::{ServePlan, TlsPlan};
use alpacalert_testkit::{Authority, Issued, Lifetime, wait_for};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::access::{rules, shop_and_vault};
use crate::world::World;

fn plan(issued: &Issued, client_ca: Option<&Path>) -> ServePlan {
    ServePlan {
        tls: Some(TlsPlan {
            certificate: issued.folder().join("chain.pem"),
            key: issued.folder().join("key.pem"),
            client_ca: client_ca.map(Path::to_owned),
        }),
        ..ServePlan::default()
    }
}

struct Client<'a> {
    trusts: &'a Authority,
    certificate: Option<&'a Issued>,
    versions: &'static [&'static SupportedProtocolVersion],
    alpn: &'static [u8],
}

impl<'a> Client<'a> {
    fn new(trusts: &'a Authority) -> Self {
        Client {
            trusts,
            certificate: None,
            versions: rustls::ALL_VERSIONS,
            alpn: b"http/1.1",
        }
    }

    fn with(trusts: &'a Authority, certificate: &'a Issued) -> Self {
        Client {
            certificate: Some(certificate),
            ..Client::new(trusts)
        }
    }

    /// The status and the head of an answer, or why there is none.
    async fn get(&self, world: &World) -> Result<String, String> {
        let mut roots = RootCertStore::empty();
        let root = CertificateDer::from_pem_slice(self.trusts.root_pem().as_bytes()).unwrap();
        roots.add(root).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(self.versions)
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match self.certificate {
            None => config.with_no_client_auth(),
            Some(issued) => {
                let chain = CertificateDer::pem_file_iter(issued.folder().join("chain.pem"));
                let chain = chain.unwrap().map(Result::unwrap).collect();
                let key = PrivateKeyDer::from_pem_file(issued.folder().join("key.pem")).unwrap();
                config.with_client_auth_cert(chain, key).unwrap()
            }
        };
        config.alpn_protocols = vec![self.alpn.to_vec()];
        let stream = TcpStream::connect(world.address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let connector = TlsConnector::from(Arc::new(config));
        let failed = |error: std::io::Error| error.to_string();
        let mut stream = connector.connect(name, stream).await.map_err(failed)?;
        let ask = b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        stream.write_all(ask).await.map_err(failed)?;
        let mut text = String::new();
        stream.read_to_string(&mut text).await.map_err(failed)?;
        Ok(text.to_lowercase())
    }
}

#[tokio::test]
async fn it_is_served_over_tls_to_those_who_trust_its_authority() {
    let (ours, other) = (Authority::new("ours"), Authority::new("other"));
    let issued = ours.issue(&["localhost"], Lifetime::LONG);
    let world = shop_and_vault(&rules()).await;
    world.serving.replace(&plan(&issued, None)).unwrap();
    let answer = Client::new(&ours).get(&world).await.unwrap();
    assert!(answer.starts_with("http/1.1 200"), "{answer}");
    assert!(
        answer.contains("strict-transport-security: max-age=31536000"),
        "{answer}"
    );
    let refused = Client::new(&other).get(&world).await.unwrap_err();
    assert!(refused.contains("UnknownIssuer"), "{refused}");
    for versions in [&[&rustls::version::TLS12][..], &[&rustls::version::TLS13]] {
        let client = Client {
            versions: versions.to_vec().leak(),
            ..Client::new(&ours)
        };
        client.get(&world).await.unwrap();
    }
    // Without encryption there is nothing.
    let mut plain = TcpStream::connect(world.address).await.unwrap();
    plain
        .write_all(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await
        .unwrap();
    let mut said = Vec::new();
    let _ = plain.read_to_end(&mut said).await;
    assert!(!String::from_utf8_lossy(&said).contains("ok"), "{said:?}");
}

#[tokio::test]
async fn old_versions_of_tls_are_not_spoken() {
    let Some(openssl) = alpacalert_testkit::require("openssl") else {
        return;
    };
    let ours = Authority::new("ours");
    let issued = ours.issue(&["localhost"], Lifetime::LONG);
    let world = shop_and_vault(&rules()).await;
    world.serving.replace(&plan(&issued, None)).unwrap();
    for (version, works) in [("-tls1_1", false), ("-tls1_2", true)] {
        let output = tokio::process::Command::new(&openssl)
            .args([
                "s_client",
                "-brief",
                version,
                "-cipher",
                "DEFAULT@SECLEVEL=0",
            ])
            .arg("-connect")
            .arg(world.address.to_string())
            .stdin(std::process::Stdio::null())
            .output()
            .await
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(
            said.contains("CONNECTION ESTABLISHED"),
            works,
            "{version}: {said}"
        );
    }
}

#[tokio::test]
async fn with_an_authority_of_clients_only_those_with_its_certificate_come_in() {
    let (ours, clients, other) = (
        Authority::new("ours"),
        Authority::new("clients"),
        Authority::new("other"),
    );
    let issued = ours.issue(&["localhost"], Lifetime::LONG);
    let world = shop_and_vault(&rules()).await;
    world
        .serving
        .replace(&plan(&issued, Some(&clients.root())))
        .unwrap();
    let good = clients.issue(&["reports"], Lifetime::LONG);
    let answer = Client::with(&ours, &good).get(&world).await.unwrap();
    assert!(answer.starts_with("http/1.1 200"), "{answer}");
    Client::new(&ours)
        .get(&world)
        .await
        .expect_err("without a certificate");
    let wrong = other.issue(&["reports"], Lifetime::LONG);
    Client::with(&ours, &wrong)
        .get(&world)
        .await
        .expect_err("of another authority");
    for lifetime in [Lifetime::Expired, Lifetime::NotYet] {
        let wrong = clients.issue(&["reports"], lifetime);
        Client::with(&ours, &wrong)
            .get(&world)
            .await
            .expect_err("at another time");
    }
    let wrong = Authority::self_signed(&["reports"], Lifetime::LONG);
    Client::with(&ours, &wrong)
        .get(&world)
        .await
        .expect_err("by itself");
}

#[tokio::test]
async fn http_2_is_spoken_with_those_who_ask_for_it() {
    let Some(curl) = alpacalert_testkit::require("curl") else {
        return;
    };
    let ours = Authority::new("ours");
    let issued = ours.issue(&["localhost"], Lifetime::LONG);
    let world = shop_and_vault(&rules()).await;
    world.serving.replace(&plan(&issued, None)).unwrap();
    let url = format!("https://localhost:{}/api/v1/services", world.address.port());
    let output = tokio::process::Command::new(curl)
        .args([
            "--http2",
            "-s",
            "-w",
            "\n%{http_version} %{http_code}",
            "--cacert",
        ])
        .arg(ours.root())
        .args(["-4", &url])
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.ends_with("\n2 200"), "{said} {output:?}");
    assert!(
        said.contains("\"shop\"") && !said.contains("vault"),
        "{said}"
    );
}

#[tokio::test]
async fn a_new_certificate_is_taken_up_and_a_wrong_one_is_not() {
    let (ours, next) = (Authority::new("ours"), Authority::new("next"));
    let issued = ours.issue(&["localhost"], Lifetime::LONG);
    let world = shop_and_vault(&rules()).await;
    world.serving.replace(&plan(&issued, None)).unwrap();
    Client::new(&ours).get(&world).await.unwrap();
    let copy = |from: &Issued, file: &str| {
        std::fs::copy(from.folder().join(file), issued.folder().join(file)).unwrap();
    };
    let patience = Duration::from_secs(15);

    // Half of it: the key does not belong to the certificate.
    let renewed = next.issue(&["localhost"], Lifetime::LONG);
    copy(&renewed, "chain.pem");
    tokio::time::sleep(Duration::from_secs(5)).await;
    Client::new(&ours)
        .get(&world)
        .await
        .expect("the former one is in use");
    let wrong = world.serving.replace(&plan(&issued, None)).unwrap_err();
    assert!(
        wrong.contains("chain.pem") && wrong.contains("cannot be used together"),
        "{wrong}"
    );
    Client::new(&ours)
        .get(&world)
        .await
        .expect("the former one is in use");

    copy(&renewed, "key.pem");
    wait_for(patience, async || Client::new(&next).get(&world).await).await;
    Client::new(&ours)
        .get(&world)
        .await
        .expect_err("it is another authority's");

    for (file, text, said) in [
        ("chain.pem", "", "there is none in it"),
        ("key.pem", "nonsense", "failed to read the private key"),
    ] {
        std::fs::write(issued.folder().join(file), text).unwrap();
        let wrong = world.serving.replace(&plan(&issued, None)).unwrap_err();
        assert!(wrong.contains(said) && wrong.contains(file), "{wrong}");
        Client::new(&next)
            .get(&world)
            .await
            .expect("the former one is in use");
        copy(&renewed, file);
    }
    std::fs::remove_file(issued.folder().join("key.pem")).unwrap();
    let wrong = world.serving.replace(&plan(&issued, None)).unwrap_err();
    assert!(wrong.contains("key.pem"), "{wrong}");
    Client::new(&next)
        .get(&world)
        .await
        .expect("the former one is in use");
}
