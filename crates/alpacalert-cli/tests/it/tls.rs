//! Served over TLS: what the instance says about its own certificate, and TLS that a reload brings and takes away.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use alpacalert_testkit::{Authority, Issued, Lifetime, require};
use rustix::process::Signal;
use serde_json::Value;

use crate::program::{Started, alpacalert, folder};

const SECONDS: Duration = Duration::from_secs(20);

/// An instance whose certificate is in files that the test changes.
struct Encrypted {
    curl: PathBuf,
    authority: Authority,
    folder: alpacalert_testkit::TempDir,
    started: Option<Started>,
    port: String,
}

const PLAIN: &str = "instance: here\ndefaults: { interval: 300ms }\nservices:\n  first: { requires: [ { file: / } ] }\n";

impl Encrypted {
    /// Without TLS yet; nothing when curl is not installed.
    fn start(tls: Option<Lifetime>) -> Option<Encrypted> {
        let mut this = Encrypted {
            curl: require("curl")?,
            authority: Authority::new("ours"),
            folder: folder(PLAIN),
            started: None,
            port: String::new(),
        };
        if let Some(lifetime) = tls {
            this.certify(lifetime);
            this.write(true);
        }
        let state = this.folder.path().join("state");
        let arguments = [
            "serve",
            "--listen",
            "127.0.0.1:0",
            "-c",
            this.file().to_str()?,
            "--state",
            state.to_str()?,
        ]
        .map(str::to_owned);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let started = Started::new(&mut alpacalert(&arguments));
        let line = started.line_with("serving on http");
        assert_eq!(
            line.starts_with("serving on https://"),
            tls.is_some(),
            "{line}"
        );
        this.port = line.rsplit_once(':')?.1.to_owned();
        this.started = Some(started);
        Some(this)
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("alpacalert.yaml")
    }

    fn write(&self, tls: bool) {
        let tls = match tls {
            true => "serve: { tls: { certificate: chain.pem, key: key.pem } }\n",
            false => "",
        };
        std::fs::write(self.file(), format!("{PLAIN}{tls}")).expect("a file");
    }

    fn reload(&self, tls: bool) {
        self.write(tls);
        self.started.as_ref().expect("it runs").signal(Signal::HUP);
    }

    /// Puts another certificate where the instance reads it.
    fn certify(&self, lifetime: Lifetime) -> Issued {
        let issued = self.authority.issue(&["localhost"], lifetime);
        for file in ["chain.pem", "key.pem"] {
            copy(issued.folder(), self.folder.path(), file);
        }
        issued
    }

    fn get(&self, scheme: &str, path: &str) -> Option<Value> {
        let url = format!("{scheme}://localhost:{}{path}", self.port);
        let output = Command::new(&self.curl)
            .args(["-4", "-s", "-k", "--max-time", "5", &url])
            .output()
            .expect("curl runs");
        serde_json::from_slice(&output.stdout).ok()
    }

    /// Waits until an answer is as it should be.
    #[track_caller]
    fn until(&self, scheme: &str, path: &str, is_right: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + SECONDS;
        loop {
            let told = self.get(scheme, path);
            if let Some(told) = told.as_ref().filter(|told| is_right(told)) {
                return told.clone();
            }
            assert!(Instant::now() < end, "{path}: {told:#?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until the part of the instance's health that tells of the certificate is so; gives what it says.
    #[track_caller]
    fn certificate(&self, state: &str, reason: &str) -> String {
        let path = "/api/v1/nodes?q=certificate&source=itself";
        let told = self.until("https", path, |told| {
            let node = &told["nodes"][0];
            node["state"] == state && node["reason"] == reason
        });
        told["nodes"][0]["message"]
            .as_str()
            .expect("a text")
            .to_owned()
    }

    #[track_caller]
    fn itself(&self, state: &str) {
        let path = "/api/v1/services/itself%2Falpacalert.io%2FInstance%2Fhere";
        self.until("https", path, |told| told["state"] == state);
    }
}

fn copy(from: &Path, to: &Path, file: &str) {
    std::fs::copy(from.join(file), to.join(file)).expect("a file");
}

#[test]
fn the_end_of_its_own_certificate_is_a_part_of_its_health() {
    let Some(this) = Encrypted::start(Some(Lifetime::LONG)) else {
        return;
    };
    this.certificate("passing", "ok");
    this.itself("passing");
    this.certify(Lifetime::days(20));
    let said = this.certificate("degraded", "limit");
    assert!(said.contains("time left"), "{said}");
    this.itself("degraded");
    this.certify(Lifetime::days(22));
    this.certificate("passing", "ok");
    this.certify(Lifetime::Expired);
    let said = this.certificate("failing", "certificate-expired");
    assert!(said.contains("chain.pem has expired"), "{said}");
    this.itself("failing");

    // What cannot be used is told until it can, and does not hide that the former one has expired.
    let wrong = this.folder.path().join("key.pem");
    std::fs::write(&wrong, "nonsense").expect("a file");
    let path = "/api/v1/nodes/itself%2Falpacalert.io%2FInstance%23certificate%2Fhere";
    let told = this.until("https", path, |told| {
        told.to_string().contains("failed to read the private key")
    });
    assert_eq!(told["node"]["state"], "failing", "{told:#}");
    this.certify(Lifetime::LONG);
    this.certificate("passing", "ok");
    std::fs::remove_file(&wrong).expect("it was there");
    let said = this.certificate("degraded", "certificate-rejected");
    assert!(
        said.contains("key.pem") && said.contains("stays in use"),
        "{said}"
    );
    this.itself("degraded");
    this.certify(Lifetime::LONG);
    this.certificate("passing", "ok");
    this.itself("passing");
}

#[test]
fn a_reload_brings_tls_and_takes_it_away_and_one_without_a_key_changes_nothing() {
    let Some(this) = Encrypted::start(None) else {
        return;
    };
    let first = "/api/v1/services/first";
    let passes = |told: &Value| told["state"] == "passing";
    this.until("http", first, passes);
    let part = "/api/v1/nodes?q=certificate&source=itself";
    assert_eq!(this.until("http", part, |_| true)["total"], 0);

    // There are no files yet.
    this.reload(true);
    let told = this.until("http", "/api/v1/instance", |told| {
        !told["config"]["rejected"].is_null()
    });
    assert!(
        told.to_string().contains("failed to read the certificate"),
        "{told:#}"
    );
    this.until("http", first, passes);
    assert!(this.get("https", first).is_none());

    this.certify(Lifetime::LONG);
    this.reload(true);
    this.until("https", first, passes);
    assert!(
        this.get("http", first).is_none(),
        "nothing is told in the clear any more"
    );
    let told = this.until("https", "/api/v1/instance", |told| {
        told["config"]["rejected"].is_null()
    });
    assert_eq!(told["config"]["reloads"], 1);
    this.certificate("passing", "ok");

    this.reload(false);
    this.until("http", first, passes);
    assert!(this.get("https", first).is_none());
    this.until("http", part, |told| told["total"] == 0);
}
