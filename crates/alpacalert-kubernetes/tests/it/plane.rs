//! A real control plane on free ports: etcd, the API server, its controllers and the scheduler, ended by their process ids.
//! There is no kubelet: the tests say themselves what becomes of pods.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long the API server may take to be ready; it takes some ten seconds on two free cores.
const START: Duration = Duration::from_secs(120);

/// A running control plane.
pub(crate) struct Plane {
    folder: tempfile::TempDir,
    bin: PathBuf,
    ports: Ports,
    /// In the order of their start; ended in reverse.
    processes: Vec<(&'static str, Child)>,
}

struct Ports {
    etcd: u16,
    peer: u16,
    api: u16,
    manager: u16,
    scheduler: u16,
}

impl Drop for Plane {
    fn drop(&mut self) {
        while let Some((_, mut process)) = self.processes.pop() {
            let _ = process.kill();
            let _ = process.wait();
        }
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
    ];
    all.iter()
        .all(|program| bin.join(program).is_file())
        .then_some(bin)
}

fn free_ports() -> Ports {
    // All open at once, so that they differ.
    let listeners: Vec<TcpListener> = (0..5)
        .map(|_| TcpListener::bind("127.0.0.1:0").expect("a free port"))
        .collect();
    let mut ports = listeners
        .iter()
        .map(|listener| listener.local_addr().expect("an address").port());
    let mut next = || ports.next().expect("a port");
    Ports {
        etcd: next(),
        peer: next(),
        api: next(),
        manager: next(),
        scheduler: next(),
    }
}

impl Plane {
    /// Starts one; `None`, with the reason printed, where its programs have not been built.
    pub(crate) fn start() -> Option<Plane> {
        let Some(bin) = programs() else {
            alpacalert_testkit::skip(
                "there is no control plane; `cargo xtask control-plane` builds one",
            );
            return None;
        };
        let folder = tempfile::tempdir().expect("a folder");
        let mut plane = Plane {
            folder,
            bin,
            ports: free_ports(),
            processes: Vec::new(),
        };
        plane.write_identities();
        plane.start_etcd();
        plane.start_api_server();
        plane.start_controllers();
        Some(plane)
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).expect("a file");
    }

    /// An authority, a certificate of the server, a key that signs the tokens of accounts, and two people.
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
        for user in ["admin", "view", "agent"] {
            let text = format!(
                "apiVersion: v1\nkind: Config\ncurrent-context: test\nclusters: [{{name: test, cluster: {{server: 'https://127.0.0.1:{}', certificate-authority: {}}}}}]\ncontexts: [{{name: test, context: {{cluster: test, user: test}}}}]\nusers: [{{name: test, user: {{token: {user}-token}}}}]\n",
                self.ports.api,
                self.path("ca.crt")
            );
            self.write(&format!("{user}.kubeconfig"), &text);
        }
    }

    /// The kubeconfig of `admin`, or of `view`, who may see what a role lets them.
    pub(crate) fn kubeconfig(&self, user: &str) -> PathBuf {
        self.folder.path().join(format!("{user}.kubeconfig"))
    }

    fn spawn(&mut self, program: &'static str, args: &[String]) {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.folder.path().join(format!("{program}.log")))
            .expect("a log");
        let child = Command::new(self.bin.join(program))
            .args(args)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {program}: {error}"));
        self.processes.push((program, child));
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
        ];
        self.spawn("etcd", &args);
    }

    fn start_api_server(&mut self) {
        let args = [
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
        ];
        self.spawn("kube-apiserver", &args);
        let start = Instant::now();
        while self.try_kubectl(&["get", "--raw", "/readyz"]).as_deref() != Ok("ok") {
            if start.elapsed() > START {
                panic!(
                    "the API server is not ready: {}",
                    self.log("kube-apiserver")
                );
            }
            std::thread::sleep(Duration::from_millis(300));
        }
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
            // No kubelet renews the leases: the tests say themselves when a node is lost.
            "--node-monitor-grace-period=1h".to_owned(),
            "--kube-api-qps=500".to_owned(),
            "--kube-api-burst=1000".to_owned(),
        ];
        self.spawn("kube-controller-manager", &manager);
        let scheduler = [
            kubeconfig,
            "--leader-elect=false".to_owned(),
            "--bind-address=127.0.0.1".to_owned(),
            format!("--secure-port={}", self.ports.scheduler),
        ];
        self.spawn("kube-scheduler", &scheduler);
    }

    /// Ends the API server and starts it again, under whoever watches.
    pub(crate) fn restart_api_server(&mut self) {
        let at = self
            .processes
            .iter()
            .position(|(name, _)| *name == "kube-apiserver")
            .expect("an API server");
        let (_, mut process) = self.processes.remove(at);
        let _ = process.kill();
        let _ = process.wait();
        self.start_api_server();
    }

    fn log(&self, program: &str) -> String {
        let text = std::fs::read_to_string(self.folder.path().join(format!("{program}.log")))
            .unwrap_or_default();
        let lines: Vec<&str> = text.lines().rev().take(20).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    /// What `kubectl` prints, or what it complains about.
    pub(crate) fn try_kubectl(&self, args: &[&str]) -> Result<String, String> {
        let output = Command::new(self.bin.join("kubectl"))
            .arg(format!("--kubeconfig={}", self.path("admin.kubeconfig")))
            .args(args)
            .env("HOME", self.folder.path())
            .output()
            .map_err(|error| error.to_string())?;
        match output.status.success() {
            true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        }
    }

    /// What `kubectl` prints.
    pub(crate) fn kubectl(&self, args: &[&str]) -> String {
        self.try_kubectl(args)
            .unwrap_or_else(|error| panic!("kubectl {}: {error}", args.join(" ")))
    }

    /// Creates or changes what a text of YAML describes; again while the accounts of a new namespace are not there yet.
    pub(crate) fn apply(&self, yaml: &str) {
        let file = self.folder.path().join("apply.yaml");
        std::fs::write(&file, yaml).expect("a file");
        let path = file.display().to_string();
        let start = Instant::now();
        loop {
            match self.try_kubectl(&["apply", "--server-side", "--force-conflicts", "-f", &path]) {
                Ok(_) => return,
                Err(error) if start.elapsed() > Duration::from_secs(20) => {
                    panic!("{error}\n{yaml}")
                }
                Err(_) => std::thread::sleep(Duration::from_millis(200)),
            }
        }
    }

    /// Gives an object a status, as its controller or its kubelet would.
    pub(crate) fn status(&self, kind: &str, namespace: &str, name: &str, status: &Value) {
        let patch = serde_json::json!({ "status": status }).to_string();
        let mut args = vec![
            "patch",
            kind,
            name,
            "--subresource=status",
            "--type=merge",
            "-p",
            &patch,
        ];
        if !namespace.is_empty() {
            args.extend(["-n", namespace]);
        }
        self.kubectl(&args);
    }

    /// The names of the pods that a selector selects, and that are not being deleted.
    pub(crate) fn pods(&self, namespace: &str, selector: &str) -> Vec<String> {
        let text = self.kubectl(&["get", "pods", "-n", namespace, "-l", selector, "-o", "json"]);
        let list: Value = serde_json::from_str(&text).expect("JSON");
        let items = list["items"].as_array().cloned().unwrap_or_default();
        let live = items
            .iter()
            .filter(|pod| pod["metadata"]["deletionTimestamp"].is_null());
        live.filter_map(|pod| Some(pod["metadata"]["name"].as_str()?.to_owned()))
            .collect()
    }

    /// Waits until a selector selects so many pods.
    pub(crate) fn wait_for_pods(
        &self,
        namespace: &str,
        selector: &str,
        count: usize,
    ) -> Vec<String> {
        let start = Instant::now();
        loop {
            let pods = self.pods(namespace, selector);
            if pods.len() == count {
                return pods;
            }
            if start.elapsed() > Duration::from_secs(30) {
                panic!(
                    "{namespace} has the pods {pods:?} for {selector}, not {count}\n{}",
                    self.log("kube-controller-manager")
                );
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}
