//! A real control plane with KWOK in the place of kubelets, and as many pods as it makes in some minutes.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use alpacalert_testkit::{ControlPlane, FakeApiServer};

use crate::cluster::{PER_SET, namespace};
use crate::number;
use crate::run::{alpacalert, kubectl, median, run, tell};

/// As many pods as the Python Alpacalert is compared with.
const FEW: usize = 1_000;

pub(crate) fn bench() {
    let Some(mut plane) = ControlPlane::start() else {
        return;
    };
    plane.start_kwok(ControlPlane::STAGES);
    let mut yaml = String::new();
    for node in 0..20 {
        yaml += &format!("apiVersion: v1\nkind: Node\nmetadata: {{name: node-{node}}}\n---\n");
    }
    for set in 0..20 {
        yaml += &format!(
            "apiVersion: v1\nkind: Namespace\nmetadata: {{name: {}}}\n---\n",
            namespace(set)
        );
    }
    plane.apply(&yaml);
    let lists = lists();
    let end = Instant::now() + Duration::from_secs(number("ALPACALERT_BENCH_SECONDS", 300));
    let mut sets = 0;
    add(&plane, &mut sets, FEW / PER_SET);
    wait(&plane, FEW, Duration::from_secs(240));
    compare(&plane, &lists, FEW);
    if let Ok(python) = std::env::var("ALPACALERT_BENCH_PYTHON") {
        beside_python(&plane, Path::new(&python));
    }
    while Instant::now() < end {
        add(&plane, &mut sets, 10);
        wait(
            &plane,
            sets * PER_SET,
            end.saturating_duration_since(Instant::now()),
        );
    }
    let pods = ready(&plane);
    compare(&plane, &lists, pods);
}

/// The lists that a look asks for.
fn lists() -> Vec<String> {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let fake = runtime.block_on(FakeApiServer::start());
    let kubeconfig = fake.kubeconfig();
    alpacalert(kubeconfig.path());
    fake.requests()
}

/// Makes more Deployments, each with a Service.
fn add(plane: &ControlPlane, sets: &mut usize, more: usize) {
    let mut yaml = String::new();
    for set in *sets..*sets + more {
        let namespace = namespace(set);
        yaml += &format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web-{set}, namespace: {namespace}}}\nspec:\n  replicas: {PER_SET}\n  selector: {{matchLabels: {{app: web-{set}}}}}\n  template:\n    metadata: {{labels: {{app: web-{set}, sim: ready}}}}\n    spec: {{containers: [{{name: web, image: 'registry.example.com/web:1.2.3'}}]}}\n---\napiVersion: v1\nkind: Service\nmetadata: {{name: web-{set}, namespace: {namespace}}}\nspec: {{selector: {{app: web-{set}}}, ports: [{{port: 80}}]}}\n---\n"
        );
    }
    *sets += more;
    plane.apply(&yaml);
}

/// How many pods are ready.
fn ready(plane: &ControlPlane) -> usize {
    let text = plane.kubectl(&[
        "get",
        "deployments",
        "-A",
        "-o",
        "jsonpath={.items[*].status.readyReplicas}",
    ]);
    text.split_whitespace()
        .filter_map(|count| count.parse::<usize>().ok())
        .sum()
}

fn wait(plane: &ControlPlane, pods: usize, patience: Duration) {
    let end = Instant::now() + patience;
    while ready(plane) < pods && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(500));
    }
}

fn compare(plane: &ControlPlane, lists: &[String], pods: usize) {
    println!("\n{pods} pods on a real control plane");
    let kubeconfig = plane.kubeconfig("admin");
    let program = plane.program("kubectl");
    // In turns, so that what else happens on the machine meets both.
    let mut ours = Vec::new();
    let mut theirs = Vec::new();
    for _ in 0..5 {
        ours.push(alpacalert(&kubeconfig));
        theirs.push(kubectl(&program, &kubeconfig, lists));
    }
    let mut ours = ours.into_iter();
    let mut theirs = theirs.into_iter();
    let ours = median(5, || ours.next().expect("a run"));
    let theirs = median(5, || theirs.next().expect("a run"));
    tell("alpacalert k8s", &ours);
    tell("kubectl get --raw of the same lists", &theirs);
    let largest: Vec<String> = lists
        .iter()
        .filter(|path| path.contains("/pods"))
        .cloned()
        .collect();
    tell(
        "kubectl get --raw of the pods alone",
        &median(3, || kubectl(&program, &kubeconfig, &largest)),
    );
    println!(
        "{:.2} times as long as the same lists",
        ours.time.as_secs_f64() / theirs.time.as_secs_f64()
    );
}

fn beside_python(plane: &ControlPlane, python: &Path) {
    let kubeconfig = plane.kubeconfig("admin");
    let script = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../scripts/compare_python_k8s.py"
    );
    let theirs = run(Command::new(python).arg(script).arg(&kubeconfig));
    let ours = median(5, || alpacalert(&kubeconfig));
    tell("the Python Alpacalert 0.1.2", &theirs);
    println!(
        "{:.0} times as long as ours",
        theirs.time.as_secs_f64() / ours.time.as_secs_f64()
    );
}
