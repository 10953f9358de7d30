//! C-12: the same scenario on the API server that fails on purpose and on a real one, which adds its defaults, its own names of
//! time and identity and fields that nobody here has heard of, gives the same tree.

use std::collections::HashMap;
use std::path::Path;

use alpacalert_instrument::Context;
use alpacalert_kubernetes::{Connection, Judged, KubernetesSource, Options, Selection};
use alpacalert_model::{Effect, NodeRef, State, Timestamp};
use alpacalert_testkit::{ControlPlane, FakeApiServer};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::support::{F, docs};

/// What every scenario stands on.
const GROUND: &str = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\nstatus: {phase: Active}\n---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: default, namespace: shop}\n---\napiVersion: v1\nkind: Node\nmetadata: {name: n1}\nspec: {unschedulable: true}\nstatus: {conditions: [{type: Ready, status: 'True', reason: KubeletReady, lastTransitionTime: '{ago 9000}', lastHeartbeatTime: '{ago 9}'}, {type: MemoryPressure, status: 'True', reason: Tight, lastTransitionTime: '{ago 900}', lastHeartbeatTime: '{ago 9}'}]}\n";

/// The scenarios, with how much of each is broken: a scenario in which nothing is proves little.
const SCENARIOS: &[(&str, &str, State)] = &[
    ("rollout", include_str!("scenarios/rollout.yaml"), F),
    ("batch", include_str!("scenarios/batch.yaml"), F),
    ("traffic", include_str!("scenarios/traffic.yaml"), F),
    ("storage", include_str!("scenarios/storage.yaml"), F),
];

/// Where objects of a scenario go.
trait Server {
    /// Puts an object there, and says which uid it has.
    fn put(&mut self, object: Value) -> String;
}

impl Server for &ControlPlane {
    fn put(&mut self, mut object: Value) -> String {
        let status = object.as_object_mut().and_then(|o| o.remove("status"));
        let text = |key: &str| {
            object["metadata"][key]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        let (namespace, name) = (text("namespace"), text("name"));
        let kind = object["kind"].as_str().unwrap_or_default().to_owned();
        self.apply(&object.to_string());
        if let Some(status) = status {
            self.status(&kind, &namespace, &name, &status);
        }
        let mut args = vec![&*kind, &*name];
        if !namespace.is_empty() {
            args.extend(["-n", &*namespace]);
        }
        let made = self.get(&args);
        made["metadata"]["uid"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }
}

impl Server for &FakeApiServer {
    fn put(&mut self, mut object: Value) -> String {
        let kind = object["kind"].as_str().unwrap_or_default().to_owned();
        let plural = match &*kind {
            "Ingress" => "ingresses".to_owned(),
            "IngressClass" | "StorageClass" => format!("{}es", kind.to_lowercase()),
            kind => format!("{}s", kind.to_lowercase()),
        };
        let uid = format!(
            "uid-{kind}-{}",
            object["metadata"]["name"].as_str().unwrap_or_default()
        );
        object["metadata"]["uid"] = json!(uid);
        object["metadata"]["generation"] = json!(1);
        object["metadata"]["creationTimestamp"] = json!(Timestamp::now().to_string());
        FakeApiServer::put(self, &plural, object);
        uid
    }
}

/// Puts the objects of a scenario onto a server, in their order, with the times and the identities that they have there.
fn play(text: &str, zero: Timestamp, mut server: impl Server) {
    let mut uids: HashMap<String, String> = HashMap::new();
    for document in docs(&[GROUND, text]).split("---\n") {
        let text = filled(document, zero, &uids);
        let object: Value =
            serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        if object.is_null() {
            continue;
        }
        let key = format!(
            "uid {} {}",
            object["kind"].as_str().unwrap_or_default(),
            object["metadata"]["name"].as_str().unwrap_or_default()
        );
        let uid = server.put(object);
        uids.insert(key, uid);
    }
}

/// `{ago 60}` is a minute before the scenario, `{uid Deployment cart}` what the server calls that.
fn filled(text: &str, zero: Timestamp, uids: &HashMap<String, String>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest
        .find("{ago ")
        .into_iter()
        .chain(rest.find("{uid "))
        .min()
    {
        let end = at + rest[at..].find('}').expect("a closing brace");
        out.push_str(&rest[..at]);
        let word = &rest[at + 1..end];
        match word.strip_prefix("ago ") {
            Some(seconds) => {
                let ago = SignedDuration::from_secs(seconds.parse().expect("seconds"));
                out.push_str(&zero.checked_sub(ago).expect("a time").to_string());
            }
            None => out.push_str(uids.get(word).unwrap_or_else(|| panic!("no {word} yet"))),
        }
        rest = &rest[end + 1..];
    }
    out + rest
}

/// The tree of the namespace and of what it needs, and how it is as a whole.
async fn tree(kubeconfig: &Path, at: Timestamp) -> (State, String) {
    let connection = Connection {
        kubeconfig: Some(kubeconfig.to_owned()),
        custom: true,
        ..Connection::default()
    };
    let source = KubernetesSource::new("test", connection, Options::default());
    let cluster = source
        .list(&Context::default(), &|_| ())
        .await
        .expect("a cluster");
    let selection = Selection::default()
        .with_target("ns/shop")
        .with_target("nodes");
    let registry = alpacalert_kubernetes::registry();
    let judged = Judged::new(cluster.select(selection), &registry, at).expect("a graph");
    let mut out = String::new();
    let mut state = State::Passing;
    for root in &judged.roots {
        let node = judged
            .graph
            .key(root)
            .and_then(|key| judged.graph.get(key))
            .expect("a root");
        state = state.max(node.state());
        write(node, 0, &mut out);
    }
    (state, out)
}

fn write(node: NodeRef<'_>, depth: usize, out: &mut String) {
    let (state, reason) = (node.state(), node.status().reason.clone());
    out.push_str(&format!(
        "{}{state} {} {} {reason}\n",
        "  ".repeat(depth),
        node.id().kind(),
        node.title()
    ));
    for (child, edge) in node.children() {
        if edge.effect != Effect::Required {
            out.push_str(&format!(
                "{}({})\n",
                "  ".repeat(depth + 1),
                edge.effect.as_str()
            ));
        }
        write(child, depth + 1, out);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c12_the_fake_and_the_real_server_give_the_same_tree() {
    let Some(plane) = ControlPlane::bare() else {
        return;
    };
    for (name, scenario, expected) in SCENARIOS {
        let fake = FakeApiServer::start().await;
        let zero = Timestamp::now();
        play(scenario, zero, &fake);
        play(scenario, zero, &plane);
        // Now, and when every time of grace is over.
        for later in [SignedDuration::ZERO, SignedDuration::from_hours(13)] {
            let at = Timestamp::now().checked_add(later).expect("a time");
            let kubeconfig = fake.kubeconfig();
            let (state, on_fake) = tree(kubeconfig.path(), at).await;
            let (_, on_real) = tree(&plane.kubeconfig("admin"), at).await;
            assert_eq!(on_fake, on_real, "{name}");
            assert_eq!(state, *expected, "{name}:\n{on_fake}");
        }
        for kind in [
            "deploy,rs,pods,cm,cronjobs,jobs,svc,endpointslices,ing,pdb,pvc",
            "pv,sc,ingressclass",
        ] {
            let mut args = vec![
                "delete",
                kind,
                "--all",
                "--wait=false",
                "--grace-period=0",
                "--force",
            ];
            if !kind.starts_with("pv,") {
                args.extend(["-n", "shop"]);
            }
            plane.kubectl(&args);
        }
        // Finalizers that a controller would take away.
        for (kind, name) in [
            ("pvc", "bound"),
            ("pvc", "waiting"),
            ("pvc", "pending"),
            ("pv", "pv1"),
        ] {
            let _ = plane.try_kubectl(&[
                "patch",
                kind,
                name,
                "-n",
                "shop",
                "--type=merge",
                "-p",
                r#"{"metadata": {"finalizers": null}}"#,
            ]);
        }
        for job in ["nightly-1", "nightly-2", "again"] {
            let _ = plane.try_kubectl(&[
                "patch",
                "job",
                job,
                "-n",
                "shop",
                "--type=merge",
                "-p",
                r#"{"metadata": {"finalizers": null}}"#,
            ]);
        }
    }
}
