//! Clusters whose API servers fail, each in a way of its own and all at the same time: what a watch knew is believed for a minute.

use std::sync::Arc;
use std::time::Duration;

use alpacalert_testkit::FakeApiServer;
use serde_json::{Value, json};

use super::tellers::UNKNOWN;
use super::{Teller, Way, configuration, stop_in_turn};
use crate::program::folder;
use crate::serve::serve;

fn pod(name: &str, phase: &str) -> Value {
    let ready = if phase == "Running" { "True" } else { "False" };
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": { "name": name, "namespace": "shop", "uid": format!("pod-{name}"), "creationTimestamp": "2026-01-01T00:00:00Z" },
        "spec": { "containers": [{ "name": "app" }] },
        "status": {
            "phase": phase, "conditions": [{ "type": "PodScheduled", "status": "True" }, { "type": "Ready", "status": ready }],
            "containerStatuses": [{ "name": "app", "ready": phase == "Running", "state": match phase {
                "Running" => json!({ "running": { "startedAt": "2026-01-01T00:00:00Z" } }),
                _ => json!({ "terminated": { "exitCode": 1, "reason": "Error", "finishedAt": "2026-01-01T00:00:00Z" } }),
            } }],
        },
    })
}

type Fault = fn(&FakeApiServer);

const FAULTS: [(&str, Fault); 4] = [
    ("away", |fake| {
        fake.away(true);
        fake.cut();
    }),
    ("unable", |fake| {
        fake.refuse("pods", 500);
        fake.cut_one("pods");
    }),
    ("garbled", |fake| {
        fake.refuse("pods", 503);
        fake.half_a_line(
            "pods",
            "{\"type\":\"MODIFIED\",\"object\":{\"metadata\":{\"name\":\"well\"}}}",
        );
    }),
    ("forbidden", |fake| {
        fake.refuse("pods", 403);
        fake.cut_one("pods");
    }),
];

#[test]
fn a_cluster_that_is_lost_or_forbidden_is_unknown_and_nothing_of_it_passes() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let mut sources = String::new();
    let mut kept = Vec::new();
    let tellers: Vec<Teller> = FAULTS
        .into_iter()
        .map(|(name, fault)| {
            let fake = Arc::new(runtime.block_on(FakeApiServer::start()));
            let account = json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": "default", "namespace": "shop" } });
            fake.put("serviceaccounts", account);
            fake.put("pods", pod("well", "Running"));
            fake.put("pods", pod("ill", "Failed"));
            let kubeconfig = fake.kubeconfig();
            sources += &format!("  {name}: {{ kubernetes: {{ kubeconfig: {} }} }}\n", kubeconfig.path().display());
            kept.push(kubeconfig);
            let member = |pod: &str| format!("kubernetes.io/Pod: {{ source: {name}, namespace: shop, name: {pod} }}");
            let mends = fake.clone();
            Teller {
                name,
                well: member("well"),
                ill: member("ill"),
                believed: Duration::from_secs(65),
                lost: UNKNOWN,
                // A pod that has failed does not run again.
                ill_stays: true,
                // What may not be seen is asked for again after a minute, which is not waited for here.
                comes_back: name != "forbidden",
                ways: vec![Way::new(name, move || fault(&fake), move || mends.mend())],
            }
        })
        .collect();
    let folder = folder(&configuration(&sources, &tellers));
    let daemon = serve(&["-c", folder.path().to_str().expect("UTF-8")]);
    stop_in_turn(&daemon, &tellers);
}
