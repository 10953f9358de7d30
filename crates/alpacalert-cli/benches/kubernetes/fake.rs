//! An API server that answers at once, so that what is measured is ours.

use std::collections::HashMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use alpacalert_instrument::{Builder, Context, ScheduleOverrides, Snapshot, Source};
use alpacalert_kubernetes::{Connection, KubernetesSource, Options};
use alpacalert_model::{Graph, NodeId, State, Timestamp, Update};
use alpacalert_testkit::FakeApiServer;
use serde_json::json;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::cluster::{PER_SET, deployment, namespace, node, pod, replica_set, service, slice};
use crate::number;
use crate::run::{self, alpacalert, kubectl, median, tell};

/// Changes that are measured.
const CHANGES: usize = 15;

pub(crate) fn bench() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let most = number("ALPACALERT_BENCH_PODS", 100_000) as usize;
    for pods in [1_000, 10_000, 100_000] {
        if pods <= most {
            runtime.block_on(at(pods));
        }
    }
}

async fn at(pods: usize) {
    println!("\n{pods} pods on an API server that only answers");
    let fake = Arc::new(FakeApiServer::start().await);
    fake.stream_lists();
    let sets = pods / PER_SET;
    fake.load("nodes", (0..20).map(node));
    fake.load("deployments", (0..sets).map(deployment));
    fake.load("replicasets", (0..sets).map(replica_set));
    fake.load("services", (0..sets).map(service));
    fake.load("endpointslices", (0..sets).map(|set| slice(set, PER_SET)));
    fake.load(
        "pods",
        (0..pods).map(|n| pod(n / PER_SET, n % PER_SET, true)),
    );
    for team in 0..20 {
        fake.load("namespaces", [json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": format!("team-{team}")}, "status": {"phase": "Active"}})]);
        fake.load("serviceaccounts", [json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": format!("team-{team}")}})]);
    }
    let kubeconfig = fake.kubeconfig();
    let path = kubeconfig.path().to_owned();
    tokio::task::spawn_blocking(move || look(&path))
        .await
        .expect("no panic");
    let before = fake.requests().len();
    let lists: Vec<String> = fake.requests()[..before / run_count()].to_vec();
    println!("{} requests for one look", lists.len());
    if let Some(program) = kubectl_program() {
        let path = kubeconfig.path().to_owned();
        let ran =
            tokio::task::spawn_blocking(move || median(3, || kubectl(&program, &path, &lists)));
        tell(
            "kubectl get --raw of the same lists",
            &ran.await.expect("no panic"),
        );
    }
    changes(&fake, kubeconfig.path()).await;
    let path = kubeconfig.path().to_owned();
    tokio::task::spawn_blocking(move || serve(&path, pods))
        .await
        .expect("no panic");
}

/// How often `look` looks.
fn run_count() -> usize {
    3
}

fn kubectl_program() -> Option<std::path::PathBuf> {
    let home = std::env::var_os("HOME")?;
    let path = Path::new(&home).join(".cache/alpacalert/control-plane/bin/kubectl");
    path.is_file().then_some(path)
}

fn look(kubeconfig: &Path) {
    tell(
        "alpacalert k8s",
        &median(run_count(), || alpacalert(kubeconfig)),
    );
}

/// The graph, kept up as the engine does.
struct Kept {
    source: Arc<KubernetesSource>,
    graph: Graph,
}

impl Kept {
    fn take(&mut self, snapshot: &Snapshot) {
        let now = Timestamp::now();
        let registry = alpacalert_kubernetes::registry();
        let snapshots = HashMap::from([(Arc::from("bench"), snapshot.clone())]);
        let mut builder = Builder::new(&registry, &snapshots, ScheduleOverrides::default(), now);
        self.source
            .assemble(snapshot, &mut builder)
            .expect("a graph");
        let assembly = builder.finish();
        self.graph.apply("bench", assembly.blueprint, now);
        let observations = assembly.observations.into_iter();
        let updates: Vec<Update> = observations
            .filter_map(|(id, observation)| {
                let node = self.graph.key(&id)?;
                Some(Update {
                    node,
                    confirmed: observation.state,
                    observation,
                })
            })
            .collect();
        self.graph.observe(updates, now);
    }

    fn state(&self, set: usize) -> Option<State> {
        let kind = "kubernetes.io/Service".parse().ok()?;
        let id = NodeId::new("bench", kind, format!("{}/web-{set}", namespace(set)));
        Some(self.graph.get(self.graph.key(&id)?)?.state())
    }
}

/// How long after a pod changed its Service has another state, the debounce of 50 ms included.
async fn changes(fake: &FakeApiServer, kubeconfig: &Path) {
    let connection = Connection {
        kubeconfig: Some(kubeconfig.to_owned()),
        ..Connection::default()
    };
    let source = Arc::new(KubernetesSource::new(
        "bench",
        connection,
        Options::default(),
    ));
    let (deliver, mut snapshots) = mpsc::channel(1);
    let cancel = CancellationToken::new();
    let cx = Context::default().with_cancel(cancel.clone());
    let watched = source.clone();
    tokio::spawn(async move { watched.watch(&cx, deliver).await });
    let mut kept = Kept {
        source,
        graph: Graph::new(),
    };
    while kept.state(0) != Some(State::Passing) {
        let snapshot = snapshots
            .recv()
            .await
            .expect("a snapshot")
            .expect("a cluster");
        kept.take(&snapshot);
    }
    let mut delivered = Vec::new();
    let mut known = Vec::new();
    for change in 0..CHANGES {
        // A moment of calm, so that no other change is under way.
        tokio::time::sleep(Duration::from_millis(800)).await;
        while let Ok(Ok(snapshot)) = snapshots.try_recv() {
            kept.take(&snapshot);
        }
        let well = change % 2 == 1;
        let start = Instant::now();
        fake.put("pods", pod(0, 0, well));
        fake.put("endpointslices", slice(0, if well { PER_SET } else { 0 }));
        let wanted = if well { State::Passing } else { State::Failing };
        while kept.state(0) != Some(wanted) {
            let snapshot = snapshots
                .recv()
                .await
                .expect("a snapshot")
                .expect("a cluster");
            delivered.push(start.elapsed());
            kept.take(&snapshot);
        }
        known.push(start.elapsed());
    }
    cancel.cancel();
    let middle = |mut times: Vec<Duration>| {
        times.sort();
        times[times.len() / 2].as_secs_f64() * 1e3
    };
    println!(
        "a pod changed: known after {:.1} ms, of which {:.1} ms until the snapshot was delivered (50 ms are the debounce)",
        middle(known),
        middle(delivered)
    );
}

/// How much memory the running instance has.
fn serve(kubeconfig: &Path, pods: usize) {
    let folder = alpacalert_testkit::temp_dir();
    let configuration = format!(
        "instance: bench\nsources:\n  cluster: {{ kubernetes: {{ kubeconfig: '{}' }} }}\nsystems:\n  all:\n    all: [ {{ find: {{ source: cluster, path: '*' }} }} ]\n",
        kubeconfig.display()
    );
    std::fs::write(folder.path().join("alpacalert.yaml"), configuration).expect("a configuration");
    let mut child = Command::new(env!("CARGO_BIN_EXE_alpacalert"))
        .args(["serve", "--listen", "127.0.0.1:0"])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let mut seen = Vec::new();
    // Until it has been the same for a while.
    for _ in 0..240 {
        std::thread::sleep(Duration::from_millis(500));
        let Some(resident) = run::resident(child.id()) else {
            break;
        };
        seen.push(resident);
        let last = &seen[seen.len().saturating_sub(12)..];
        let (least, most) = (last.iter().min(), last.iter().max());
        if last.len() == 12
            && least
                .zip(most)
                .is_some_and(|(least, most)| most - least < most / 100)
        {
            break;
        }
    }
    let (peak, resident) = (run::peak(child.id()), seen.last().copied());
    // It may have ended by itself.
    let _ = child.kill();
    let _ = child.wait();
    let mib = |bytes: Option<u64>| bytes.unwrap_or(0) as f64 / 1024.0 / 1024.0;
    println!(
        "alpacalert serve: {:.1} MiB resident, {:.0} bytes a pod; {:.1} MiB at most",
        mib(resident),
        resident.unwrap_or(0) as f64 / pods as f64,
        mib(peak)
    );
}
