//! An API server that answers at once, so that what is measured is ours.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use alpacalert::{Monitor, Running, Settings};
use alpacalert_config::{GroupPlan, MemberPlan, MemberTarget, Plan, SourcePlan};
use alpacalert_instrument::{Params, Request, ScheduleOverrides};
use alpacalert_model::{Effect, Graph, Kind, NodeId, Rule, State};
use alpacalert_testkit::FakeApiServer;
use serde_json::json;

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

/// An instance that watches the cluster, with a service of its own that relies on one of the cluster's.
fn instance(kubeconfig: &Path) -> Running {
    let mut plan = Plan::new("bench");
    plan.sources.push(SourcePlan {
        name: "bench".into(),
        provider: "kubernetes".into(),
        params: Params::new().with_text("kubeconfig", kubeconfig.display().to_string()),
        schedule: ScheduleOverrides::default(),
        owner: None,
    });
    let registry = alpacalert_kubernetes::registry();
    let kind: Kind = SERVICE.parse().expect("a kind");
    let params = Params::new()
        .with_text("source", "bench")
        .with_text("namespace", namespace(0))
        .with_text("name", "web-0");
    let reference = registry
        .spec(&kind)
        .expect("a kind of the configuration")
        .reference_of(&params);
    let request = Request::from_source("bench", kind, reference).with_params(params);
    plan.groups.push(GroupPlan {
        id: ours(),
        title: None,
        owner: None,
        service: Some(true),
        rule: Rule::All,
        maintenance: Vec::new(),
        degraded_below: None,
        members: vec![MemberPlan {
            edge: Effect::Required.into(),
            target: MemberTarget::Request(Box::new(request)),
        }],
    });
    Monitor::build(&plan, registry, Settings::default())
        .expect("a plan that can be carried out")
        .start()
}

const SERVICE: &str = "kubernetes.io/Service";

/// The service of the instance itself.
fn ours() -> NodeId {
    let kind = "alpacalert.io/Service".parse().expect("a kind");
    NodeId::new("local", kind, "shop")
}

/// The Service of the cluster.
fn theirs() -> NodeId {
    let kind = SERVICE.parse().expect("a kind");
    NodeId::new("bench", kind, format!("{}/web-0", namespace(0)))
}

/// Waits until both services have a state.
async fn until(running: &Running, wanted: State) {
    let both = move |graph: &Graph| {
        let state = |id: &NodeId| Some(graph.get(graph.key(id)?)?.state());
        [theirs(), ours()]
            .iter()
            .all(|id| state(id) == Some(wanted))
    };
    while !running.query(both).await.expect("the engine runs") {
        tokio::time::sleep(Duration::from_micros(100)).await;
    }
}

/// How long after a pod changed the Service has another state, and the service that relies on it, the debounce of 50 ms included.
async fn changes(fake: &FakeApiServer, kubeconfig: &Path) {
    let running = instance(kubeconfig);
    let start = Instant::now();
    until(&running, State::Passing).await;
    println!(
        "first known after {:.1} ms",
        start.elapsed().as_secs_f64() * 1e3
    );
    let mut known = Vec::new();
    for change in 0..CHANGES {
        // A moment of calm, so that no other change is under way.
        tokio::time::sleep(Duration::from_millis(800)).await;
        let well = change % 2 == 1;
        let start = Instant::now();
        fake.put("pods", pod(0, 0, well));
        fake.put("endpointslices", slice(0, if well { PER_SET } else { 0 }));
        until(&running, if well { State::Passing } else { State::Failing }).await;
        known.push(start.elapsed());
    }
    running.shutdown().await;
    known.sort();
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    println!(
        "a pod changed: known after {:.1} ms (the slowest of {CHANGES}: {:.1} ms; 50 ms of it are the debounce)",
        ms(known[known.len() / 2]),
        ms(known[known.len() - 1]),
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
        // A history of its own, which knows nothing from before.
        .env("XDG_STATE_HOME", folder.path())
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
