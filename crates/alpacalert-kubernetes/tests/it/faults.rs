//! R13: whatever an API server does, once it is well again we know what it knows, within seconds.
//!
//! `ALPACALERT_FAULTS` sets the number of faults, `ALPACALERT_SEED` which ones; a hundred, and others each time, unless given.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use alpacalert_instrument::{Context, Source};
use alpacalert_kubernetes::{Cluster, Judged, Record, records};
use alpacalert_model::Timestamp;
use alpacalert_testkit::FakeApiServer;
use jiff::SignedDuration;
use serde_json::json;

use crate::follow::{Live, source};
use crate::live::{account, pod};

/// How soon after the last fault everything must be known again.
const HEALED: Duration = Duration::from_secs(5);
/// After so many faults it is looked whether anything is missed.
const ROUND: usize = 25;
const PLURALS: &[&str] = &["pods", "configmaps", "services", "secrets", "deployments"];
/// Kinds that go wrong beside those. Each is known on its own: with few kinds a fault would mostly meet one that has not
/// recovered from the last.
const OTHERS: &[&str] = &[
    "namespaces",
    "nodes",
    "serviceaccounts",
    "replicasets",
    "statefulsets",
    "daemonsets",
    "jobs",
    "cronjobs",
    "persistentvolumes",
    "persistentvolumeclaims",
    "storageclasses",
    "ingresses",
    "ingressclasses",
    "endpointslices",
    "networkpolicies",
    "poddisruptionbudgets",
    "horizontalpodautoscalers",
    "resourcequotas",
    "roles",
    "rolebindings",
    "clusterroles",
    "clusterrolebindings",
    "apiservices",
];

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Something changes, as it does all the time.
fn change(fake: &FakeApiServer, random: &mut fastrand::Rng) {
    let n = random.u32(0..40);
    let name = format!("o{n}");
    let plural = *random.choice(PLURALS).expect("a plural");
    if random.u8(0..4) == 0 {
        return fake.delete(plural, "shop", &name);
    }
    let meta = json!({"name": name, "namespace": "shop", "uid": format!("{plural}-{n}"), "creationTimestamp": "2026-01-01T00:00:00Z", "labels": {"n": random.u8(..).to_string()}});
    let object = match plural {
        "pods" => {
            let mut pod = pod(
                &name,
                json!({"nodeName": "n1", "volumes": [{"name": "v", "configMap": {"name": format!("o{}", random.u32(0..40)), "items": [{"key": "a", "path": "a"}]}}]}),
            );
            if random.bool() {
                pod["status"] = json!({"phase": "Failed", "reason": "Evicted"});
            }
            pod
        }
        "configmaps" => {
            let key = if random.bool() { "a" } else { "b" };
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {key: "1"}})
        }
        "services" => {
            json!({"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": {"type": "ExternalName"}})
        }
        "secrets" => {
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": {"a": "MQ=="}})
        }
        _ => {
            let available = random.u8(0..3);
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": {"replicas": 2},
            "status": {"replicas": 2, "updatedReplicas": 2, "availableReplicas": available, "conditions": [{"type": "Available", "status": if available > 1 { "True" } else { "False" }}]}})
        }
    };
    fake.put(plural, object);
}

/// When a kind last had a trouble after which it is asked more and more seldom while that comes again, as it must be: within
/// seconds heals what had recovered before.
type Refused = HashMap<&'static str, Instant>;

/// How long a kind may recover from a refusal: ten seconds without one count as well, after a pause of up to two.
const RECOVERY: Duration = Duration::from_secs(13);

/// Something goes wrong; what lasts is mended at once, or after a moment.
async fn fault(fake: &FakeApiServer, random: &mut fastrand::Rng, refused: &mut Refused) {
    let plural = random.choice([PLURALS, OTHERS].concat()).expect("a plural");
    let moment = Duration::from_millis(random.u64(0..120));
    // Then another fault comes instead, from which it recovers at once.
    let recovers = refused
        .get(plural)
        .is_some_and(|then| then.elapsed() < RECOVERY);
    match random.u8(0..12) {
        3 | 4 | 5 | 7 | 8 | 9 if recovers => fake.cut_one(plural),
        // What meets everybody comes seldom, as it does.
        0 if random.u8(0..4) > 0 => fake.cut_one(plural),
        0 => fake.cut(),
        1 | 2 => fake.cut_one(plural),
        3 | 4 => {
            refused.insert(plural, Instant::now());
            fake.expire(plural);
        }
        5 => {
            refused.insert(plural, Instant::now());
            fake.line(plural, "this is no JSON");
        }
        6 => fake.line(
            plural,
            "{\"type\":\"ADDED\",\"object\":{\"kind\":\"Pod\",\"metadata\":{}}}",
        ),
        7 => {
            refused.insert(plural, Instant::now());
            fake.half_a_line(
                plural,
                "{\"type\":\"MODIFIED\",\"object\":{\"metadata\":{\"name\":\"o1\"}}}",
            );
        }
        8 => {
            // The next list ends in the middle.
            refused.insert(plural, Instant::now());
            fake.truncate(plural);
            fake.expire(plural);
        }
        9 => {
            let status = *random.choice(&[429, 500, 502, 503, 504]).expect("a status");
            refused.insert(plural, Instant::now());
            fake.refuse(plural, status);
            fake.cut_one(plural);
            tokio::time::sleep(moment).await;
            fake.refuse(plural, 0);
        }
        10 if random.u8(0..4) > 0 => fake.bookmark(plural),
        10 => {
            fake.away(true);
            fake.cut();
            tokio::time::sleep(moment).await;
            fake.away(false);
        }
        _ => fake.bookmark(plural),
    }
    tokio::time::sleep(moment / 4).await;
}

/// What somebody knows who asks now.
async fn fresh(kubeconfig: &std::path::Path, at: Timestamp) -> Vec<Record> {
    let source = source(kubeconfig);
    let snapshot = source.fetch(&Context::default()).await.expect("a cluster");
    let known: &Cluster = snapshot.get().expect("a cluster");
    assert_eq!(known.malformed(), 0);
    let cluster = source
        .list(&Context::default(), &|_| ())
        .await
        .expect("a cluster");
    let judged = Judged::new(cluster, &alpacalert_kubernetes::registry(), at).expect("a graph");
    records(judged.cluster().expect("a cluster"), &judged.graph)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r13_after_faults_everything_is_as_in_a_fresh_list() {
    let faults = number("ALPACALERT_FAULTS").unwrap_or(100) as usize;
    let seed = number("ALPACALERT_SEED").unwrap_or_else(|| fastrand::u64(..));
    let mut random = fastrand::Rng::with_seed(seed);
    let fake = FakeApiServer::start().await;
    if random.bool() {
        fake.stream_lists();
    }
    fake.put("serviceaccounts", account());
    for _ in 0..80 {
        change(&fake, &mut random);
    }
    let kubeconfig = fake.kubeconfig();
    let mut live = Live::follow(kubeconfig.path());
    live.until(
        "kubernetes.io/ServiceAccount",
        "shop/default",
        crate::support::P,
    )
    .await;
    let mut slowest = Duration::ZERO;
    let mut refused = Refused::new();
    for round in 0..faults.div_ceil(ROUND) {
        for _ in 0..ROUND.min(faults - round * ROUND) {
            change(&fake, &mut random);
            fault(&fake, &mut random, &mut refused).await;
        }
        fake.mend();
        // Late enough that no time of grace is running.
        let at = Timestamp::now()
            .checked_add(SignedDuration::from_hours(1))
            .expect("a time");
        let expected = fresh(kubeconfig.path(), at).await;
        let healed = Instant::now();
        loop {
            let known = live.known(at);
            if known == expected {
                break;
            }
            let only = |these: &[Record], those: &[Record]| -> Vec<String> {
                let differ = these.iter().filter(|record| !those.contains(record));
                let words = |r: &Record| {
                    format!(
                        "{} {} {} {} {}",
                        r.kind, r.name, r.state, r.reason, r.message
                    )
                };
                differ.map(words).collect()
            };
            assert!(
                healed.elapsed() < HEALED,
                "seed {seed}, round {round}: still differs after {HEALED:?}: known {:#?}, fresh {:#?}",
                only(&known, &expected),
                only(&expected, &known)
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        slowest = slowest.max(healed.elapsed());
    }
    #[allow(clippy::print_stdout, reason = "a long run wants to know")]
    {
        println!(
            "{faults} faults, seed {seed}: at most {slowest:?} until everything was known again"
        );
    }
}
