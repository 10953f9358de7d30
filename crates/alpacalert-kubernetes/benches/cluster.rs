//! How long a cluster takes to read and to judge, and how much memory it needs: `cargo bench -p alpacalert-kubernetes`.
//!
//! `ALPACALERT_BENCH_PODS` sets the number of pods; 10,000 unless given.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::collections::HashMap;
use std::time::Instant;

use alpacalert_instrument::{Builder, Memo, Registry, ScheduleOverrides};
use alpacalert_kubernetes::{Dump, Judged, Options, assemble};
use serde_json::{Value, json};

/// Pods of one ReplicaSet.
const PER_SET: usize = 50;

fn main() {
    // `cargo test --benches` only wants to know that it runs.
    let testing = std::env::args().any(|argument| argument == "--test");
    let pods = std::env::var("ALPACALERT_BENCH_PODS")
        .ok()
        .and_then(|text| text.parse().ok());
    let pods = if testing { 100 } else { pods.unwrap_or(10_000) };
    let before = resident();
    let start = Instant::now();
    let mut dump = Dump::default();
    let mut bytes = 0;
    for set in 0..pods / PER_SET {
        let text = workload(set);
        bytes += text.len();
        dump.add(&text, "bench");
    }
    let read = start.elapsed();
    let start = Instant::now();
    let cluster = dump.cluster("bench", Options::default());
    let indexed = start.elapsed();
    let objects = cluster.len();
    let held = resident().saturating_sub(before);
    let registry = alpacalert_kubernetes::registry();
    let at = "2026-11-22T12:00:00Z".parse().expect("a time");
    let start = Instant::now();
    let judged = Judged::new(cluster, &registry, at).expect("a graph");
    let judging = start.elapsed();
    let all = resident().saturating_sub(before);
    let nodes = judged.graph.len();
    println!(
        "{pods} pods, {objects} objects, {:.1} MB of JSON",
        bytes as f64 / 1e6
    );
    println!("read     {:>8.1} ms", read.as_secs_f64() * 1e3);
    println!("index    {:>8.1} ms", indexed.as_secs_f64() * 1e3);
    println!(
        "judge    {:>8.1} ms, {} nodes",
        judging.as_secs_f64() * 1e3,
        nodes
    );
    let before_memo = resident();
    let (remembered, memo) = remember(&judged, &registry);
    let remembering = resident().saturating_sub(before_memo);
    println!(
        "remember {remembered:>8.1} ms to judge it once more and remember what it was made of, {} things",
        memo.len()
    );
    println!(
        "memory   {:>8} bytes per pod for the cluster, {} with the graph, and {} of what was remembered",
        held / pods as u64,
        all / pods as u64,
        remembering / pods as u64
    );
}

/// How long it takes to assemble the whole cluster anew and remember what it was made of, in ms.
fn remember(judged: &Judged, registry: &Registry) -> (f64, Memo) {
    let snapshots = HashMap::from([("bench".into(), judged.cluster.clone())]);
    let start = Instant::now();
    let overrides = ScheduleOverrides::default();
    let builder = Builder::new(registry, &snapshots, overrides, judged.at).remembering();
    let cluster = judged.cluster.get().expect("a cluster");
    let (assembly, memo) = builder
        .build_remembering(|builder| assemble(cluster, builder).map(|_| ()))
        .expect("a graph");
    let took = start.elapsed().as_secs_f64() * 1e3;
    drop(assembly);
    (took, memo)
}

/// Resident memory of this process, in bytes.
fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = text
        .split_whitespace()
        .nth(1)
        .and_then(|pages| pages.parse().ok())
        .unwrap_or(0);
    pages * 4096
}

/// A Deployment with its ReplicaSet and pods, as an API server with a kubelet writes them.
fn workload(set: usize) -> String {
    let name = format!("web-{set}");
    let owner = |kind: &str, name: &str| json!([{"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": format!("{kind}-{name}"), "controller": true, "blockOwnerDeletion": true}]);
    let meta = |kind: &str, name: &str| {
        json!({"name": name, "namespace": format!("team-{}", set % 50), "uid": format!("{kind}-{name}"), "generation": 1, "creationTimestamp": "2026-11-21T00:00:00Z",
        "labels": {"app": format!("web-{set}"), "pod-template-hash": "5d4f8c7b9"}})
    };
    let condition = |kind: &str| json!({"type": kind, "status": "True", "lastProbeTime": null, "lastTransitionTime": "2026-11-21T00:00:10Z"});
    let mut deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta("Deployment", &name), "spec": {"replicas": PER_SET},
        "status": {"observedGeneration": 1, "replicas": PER_SET, "updatedReplicas": PER_SET, "readyReplicas": PER_SET, "availableReplicas": PER_SET, "conditions": [condition("Available")]}});
    deployment["metadata"]["annotations"] = json!({"deployment.kubernetes.io/revision": "1"});
    let mut replica_set = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": meta("ReplicaSet", &name), "spec": {"replicas": PER_SET},
        "status": {"observedGeneration": 1, "replicas": PER_SET, "fullyLabeledReplicas": PER_SET, "availableReplicas": PER_SET}});
    replica_set["metadata"]["ownerReferences"] = owner("Deployment", &name);
    let mut items: Vec<Value> = vec![deployment, replica_set];
    for pod in 0..PER_SET {
        let pod_name = format!("{name}-5d4f8c7b9-{pod:05}");
        let mut object = json!({"apiVersion": "v1", "kind": "Pod", "metadata": meta("Pod", &pod_name),
            "spec": {"nodeName": format!("node-{}", pod % 100), "serviceAccountName": "default", "restartPolicy": "Always", "dnsPolicy": "ClusterFirst", "schedulerName": "default-scheduler",
                "tolerations": [{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}],
                "containers": [{"name": "web", "image": "registry.example.com/web:1.2.3", "resources": {"requests": {"cpu": "100m"}},
                    "volumeMounts": [{"name": format!("kube-api-access-{pod:05}"), "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "readOnly": true}]}],
                "volumes": [{"name": format!("kube-api-access-{pod:05}"), "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}, {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}}]}}]},
            "status": {"phase": "Running", "podIP": "10.0.0.5", "startTime": "2026-11-21T00:00:00Z",
                "conditions": [condition("Initialized"), condition("Ready"), condition("ContainersReady"), condition("PodScheduled")],
                "containerStatuses": [{"name": "web", "image": "registry.example.com/web:1.2.3", "imageID": "sha256:0123456789abcdef", "ready": true, "started": true, "restartCount": 0, "state": {"running": {"startedAt": "2026-11-21T00:00:05Z"}}, "lastState": {}}]}});
        object["metadata"]["ownerReferences"] = owner("ReplicaSet", &name);
        items.push(object);
    }
    json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string()
}
