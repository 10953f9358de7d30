//! A real control plane on free ports: etcd, the API server, its controllers and the scheduler, ended by their process ids.
//! There is no kubelet: the tests say themselves what becomes of pods, or leave it to KWOK.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::{Process, free_port, skip, temp_dir, wait_until};

/// How long the API server may take to be ready; it takes some ten seconds on two free cores.
const START: Duration = Duration::from_secs(120);

/// A running control plane.
///
/// Its people are `admin`, who may do anything; `view` and `agent`, who may do nothing until a role lets them; and
/// `stranger`, whom nobody knows.
#[derive(Debug)]
pub struct ControlPlane {
    pub(super) folder: TempDir,
    pub(super) bin: PathBuf,
    ports: Ports,
    /// In the order of their start; ended in reverse.
    processes: Vec<(&'static str, Process)>,
    has_controllers: bool,
}

#[derive(Debug)]
struct Ports {
    etcd: u16,
    peer: u16,
    api: u16,
    manager: u16,
    scheduler: u16,
    kwok: u16,
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        while self.processes.pop().is_some() {}
    }
}

/// Where `cargo xtask control-plane` keeps the programs.
fn programs() -> Option<PathBuf> {
    let folder = match std::env::var_os("ALPACALERT_CONTROL_PLANE") {
        Some(folder) => PathBuf::from(folder),
        None => {
            let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
            let cache =
                cache.or_else(|| Some(Path::new(&std::env::var_os("HOME")?).join(".cache")))?;
            cache.join("alpacalert/control-plane")
        }
    };
    let bin = folder.join("bin");
    let all = [
        "etcd",
        "kube-apiserver",
        "kube-controller-manager",
        "kube-scheduler",
        "kubectl",
        "kwok",
    ];
    all.iter()
        .all(|program| bin.join(program).is_file())
        .then_some(bin)
}

impl ControlPlane {
    /// What KWOK may do in tests: nodes are ready, and pods with a label `sim` are what it says: `ready`, `crashes`, `no-image`,
    /// `completes` or `fails`.
    pub const STAGES: &str = include_str!("stages.yaml");

    /// Starts one with its controllers and its scheduler; `None`, with the reason printed, where its programs have not been built.
    pub fn start() -> Option<ControlPlane> {
        let mut plane = Self::bare_with(true)?;
        plane.start_controllers();
        Some(plane)
    }

    /// Starts etcd and an API server alone: what is written there stays as it was written.
    pub fn bare() -> Option<ControlPlane> {
        Self::bare_with(false)
    }

    fn bare_with(has_controllers: bool) -> Option<ControlPlane> {
        let Some(bin) = programs() else {
            skip("there is no control plane; `cargo xtask control-plane` builds one");
            return None;
        };
        let mut plane = ControlPlane {
            folder: temp_dir(),
            bin,
            ports: Ports {
                etcd: free_port(),
                peer: free_port(),
                api: free_port(),
                manager: free_port(),
                scheduler: free_port(),
                kwok: free_port(),
            },
            processes: Vec::new(),
            has_controllers,
        };
        plane.write_identities();
        plane.start_etcd();
        plane.start_api_server();
        Some(plane)
    }

    pub(super) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).expect("a file");
    }

    /// An authority, a certificate of the server, a key that signs the tokens of accounts, and people.
    fn write_identities(&self) {
        let mut authority = rcgen::CertificateParams::new(Vec::new()).expect("an authority");
        authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        authority
            .distinguished_name
            .push(rcgen::DnType::CommonName, "test authority");
        authority.key_usages = vec![
            rcgen::KeyUsagePurpose::KeyCertSign,
            rcgen::KeyUsagePurpose::DigitalSignature,
        ];
        let authority_key = rcgen::KeyPair::generate().expect("a key");
        let authority_certificate = authority
            .self_signed(&authority_key)
            .expect("a certificate");
        let issuer = rcgen::Issuer::new(authority, authority_key);
        let names = [
            "localhost",
            "127.0.0.1",
            "kubernetes",
            "kubernetes.default",
            "kubernetes.default.svc",
        ];
        let server = rcgen::CertificateParams::new(names.map(str::to_owned)).expect("names");
        let server_key = rcgen::KeyPair::generate().expect("a key");
        let server_certificate = server
            .signed_by(&server_key, &issuer)
            .expect("a certificate");
        let accounts = rcgen::KeyPair::generate().expect("a key");
        self.write("ca.crt", &authority_certificate.pem());
        self.write("server.crt", &server_certificate.pem());
        self.write("server.key", &server_key.serialize_pem());
        self.write("sa.key", &accounts.serialize_pem());
        self.write("sa.pub", &accounts.public_key_pem());
        self.write("tokens.csv", "admin-token,admin,1,\"system:masters\"\nview-token,viewer,2,\"viewers\"\nagent-token,agent,3,\"agents\"\n");
        for user in ["admin", "view", "agent", "stranger"] {
            let text = format!(
                "apiVersion: v1\nkind: Config\ncurrent-context: test\nclusters: [{{name: test, cluster: {{server: 'https://127.0.0.1:{}', certificate-authority: {}}}}}]\ncontexts: [{{name: test, context: {{cluster: test, user: test}}}}]\nusers: [{{name: test, user: {{token: {user}-token}}}}]\n",
                self.ports.api,
                self.path("ca.crt")
            );
            self.write(&format!("{user}.kubeconfig"), &text);
        }
    }

    /// The kubeconfig of one of its people; its context is `test`.
    pub fn kubeconfig(&self, user: &str) -> PathBuf {
        self.folder.path().join(format!("{user}.kubeconfig"))
    }

    /// The program that was built for it, such as `kubectl`.
    pub fn program(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }

    fn spawn(&mut self, program: &'static str, args: &[String]) {
        let log = self.folder.path().join(format!("{program}.log"));
        let mut command = Command::new(self.bin.join(program));
        command.args(args).env("HOME", self.folder.path());
        self.processes
            .push((program, Process::start(&mut command, &log)));
    }

    fn start_etcd(&mut self) {
        let (client, peer) = (self.ports.etcd, self.ports.peer);
        let args = [
            format!("--data-dir={}", self.path("etcd")),
            "--name=node0".to_owned(),
            format!("--listen-client-urls=http://127.0.0.1:{client}"),
            format!("--advertise-client-urls=http://127.0.0.1:{client}"),
            format!("--listen-peer-urls=http://127.0.0.1:{peer}"),
            format!("--initial-advertise-peer-urls=http://127.0.0.1:{peer}"),
            format!("--initial-cluster=node0=http://127.0.0.1:{peer}"),
            "--unsafe-no-fsync".to_owned(),
            "--quota-backend-bytes=8589934592".to_owned(),
        ];
        self.spawn("etcd", &args);
    }

    fn start_api_server(&mut self) {
        let mut args = vec![
            format!("--etcd-servers=http://127.0.0.1:{}", self.ports.etcd),
            "--bind-address=127.0.0.1".to_owned(),
            format!("--secure-port={}", self.ports.api),
            format!("--tls-cert-file={}", self.path("server.crt")),
            format!("--tls-private-key-file={}", self.path("server.key")),
            format!("--client-ca-file={}", self.path("ca.crt")),
            format!("--token-auth-file={}", self.path("tokens.csv")),
            "--authorization-mode=RBAC".to_owned(),
            "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
            format!("--service-account-key-file={}", self.path("sa.pub")),
            format!("--service-account-signing-key-file={}", self.path("sa.key")),
            "--service-cluster-ip-range=10.96.0.0/16".to_owned(),
            "--endpoint-reconciler-type=none".to_owned(),
            "--enable-priority-and-fairness=false".to_owned(),
            "--max-requests-inflight=0".to_owned(),
            "--max-mutating-requests-inflight=0".to_owned(),
            // A lost node's pods are asked to go at once.
            "--default-not-ready-toleration-seconds=5".to_owned(),
            "--default-unreachable-toleration-seconds=5".to_owned(),
        ];
        if !self.has_controllers {
            // Nobody makes the accounts that it would wait for.
            args.push("--disable-admission-plugins=ServiceAccount".to_owned());
        }
        self.spawn("kube-apiserver", &args);
        wait_until(START, || {
            match self.try_kubectl(&["get", "--raw", "/readyz"]) {
                Ok(text) if text == "ok" => Ok(()),
                other => Err((other, self.log("kube-apiserver"))),
            }
        });
    }

    fn start_controllers(&mut self) {
        let kubeconfig = format!("--kubeconfig={}", self.path("admin.kubeconfig"));
        let manager = [
            kubeconfig.clone(),
            "--leader-elect=false".to_owned(),
            format!("--service-account-private-key-file={}", self.path("sa.key")),
            format!("--root-ca-file={}", self.path("ca.crt")),
            "--bind-address=127.0.0.1".to_owned(),
            format!("--secure-port={}", self.ports.manager),
            "--node-monitor-period=1s".to_owned(),
            "--node-monitor-grace-period=16s".to_owned(),
            "--kube-api-qps=5000".to_owned(),
            "--kube-api-burst=10000".to_owned(),
        ];
        self.spawn("kube-controller-manager", &manager);
        let scheduler = [
            kubeconfig,
            "--leader-elect=false".to_owned(),
            "--bind-address=127.0.0.1".to_owned(),
            format!("--secure-port={}", self.ports.scheduler),
            "--kube-api-qps=5000".to_owned(),
            "--kube-api-burst=10000".to_owned(),
        ];
        self.spawn("kube-scheduler", &scheduler);
    }

    /// Starts KWOK, which keeps every node ready and renews its lease, and does with pods what `stages` say.
    ///
    /// `stages` is a text of KWOK's `Stage` objects; without any, KWOK does nothing at all.
    pub fn start_kwok(&mut self, stages: &str) {
        self.write("stages.yaml", stages);
        let args = [
            format!("--kubeconfig={}", self.path("admin.kubeconfig")),
            format!("--config={}", self.path("stages.yaml")),
            "--manage-all-nodes=true".to_owned(),
            "--cidr=10.0.0.0/8".to_owned(),
            "--node-ip=10.0.0.1".to_owned(),
            "--node-lease-duration-seconds=20".to_owned(),
            format!("--server-address=127.0.0.1:{}", self.ports.kwok),
        ];
        self.spawn("kwok", &args);
    }

    /// Ends one of its programs, and nothing else.
    ///
    /// # Panics
    ///
    /// When it does not run.
    pub fn stop(&mut self, program: &str) {
        let at = self.processes.iter().position(|(name, _)| *name == program);
        let at = at.unwrap_or_else(|| panic!("{program} does not run"));
        drop(self.processes.remove(at));
    }

    /// Ends the API server and starts it again, under whoever watches.
    pub fn restart_api_server(&mut self) {
        self.stop("kube-apiserver");
        self.start_api_server();
    }

    /// The end of what one of its programs logged.
    pub fn log(&self, program: &str) -> String {
        let running = self.processes.iter().find(|(name, _)| *name == program);
        running
            .map(|(_, process)| process.logged())
            .unwrap_or_default()
    }

    /// The process id of one of its programs.
    pub fn id(&self, program: &str) -> Option<u32> {
        let running = self.processes.iter().find(|(name, _)| *name == program);
        running.map(|(_, process)| process.id())
    }
}
