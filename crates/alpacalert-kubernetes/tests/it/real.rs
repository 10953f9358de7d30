//! Against a real control plane: what its controllers really write, judged live and from a dump of it.

use std::time::Duration;

use alpacalert_kubernetes::{Dump, Judged, Options, records};
use alpacalert_model::Timestamp;
use alpacalert_testkit::ControlPlane;
use serde_json::{Value, json};

use crate::follow::Live;
use crate::support::{D, F, P, U};

mod others;
mod scheduled_runs;

/// The moment, as the API writes it.
fn now() -> String {
    Timestamp::now().to_string()
}

fn running() -> Value {
    json!({"phase": "Running", "podIP": "10.0.0.7", "podIPs": [{"ip": "10.0.0.7"}],
        "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": now()}, {"type": "ContainersReady", "status": "True", "lastTransitionTime": now()}, {"type": "PodScheduled", "status": "True", "lastTransitionTime": now()}],
        "containerStatuses": [{"name": "app", "image": "app", "imageID": "x", "ready": true, "started": true, "restartCount": 0, "state": {"running": {"startedAt": now()}}}]})
}

fn waiting(reason: &str, message: &str) -> Value {
    json!({"phase": "Pending",
        "conditions": [{"type": "Ready", "status": "False", "reason": "ContainersNotReady", "lastTransitionTime": now()}, {"type": "PodScheduled", "status": "True", "lastTransitionTime": now()}],
        "containerStatuses": [{"name": "app", "image": "app", "imageID": "", "ready": false, "started": false, "restartCount": 0, "state": {"waiting": {"reason": reason, "message": message}}}]})
}

fn crashed() -> Value {
    let mut status = waiting(
        "CrashLoopBackOff",
        "back-off 20s restarting failed container",
    );
    status["phase"] = json!("Running");
    status["containerStatuses"][0]["restartCount"] = json!(3);
    status["containerStatuses"][0]["lastState"] = json!({"terminated": {"exitCode": 1, "reason": "Error", "startedAt": now(), "finishedAt": now()}});
    status
}

fn deployment(name: &str, replicas: u32, image: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}, namespace: shop}}\nspec:\n  replicas: {replicas}\n  progressDeadlineSeconds: 5\n  selector: {{matchLabels: {{app: {name}}}}}\n  strategy: {{rollingUpdate: {{maxUnavailable: 1, maxSurge: 1}}}}\n  template:\n    metadata: {{labels: {{app: {name}}}}}\n    spec: {{containers: [{{name: app, image: {image}}}]}}\n"
    )
}

/// Everything in one test: a control plane takes its time to start.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_control_plane() {
    let Some(mut plane) = ControlPlane::start() else {
        return;
    };
    plane.start_kwok(ControlPlane::STAGES);
    plane.apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n");
    plane.apply("apiVersion: v1\nkind: Node\nmetadata: {name: n1}\n");
    let mut live = Live::follow(&plane.kubeconfig("admin"));
    live.until("kubernetes.io/Node", "n1", P).await;

    // What takes minutes of the real clock begins first.
    scheduled_runs::begin(&plane);
    others::begin(&plane);
    rollouts(&plane, &mut live).await;
    jobs(&plane, &mut live).await;
    claims(&plane, &mut live).await;
    configuration(&plane, &mut live).await;
    traffic(&plane, &mut live).await;
    scheduled_runs::fail(&plane, &mut live).await;
    others::check(&plane, &mut live).await;
    namespaces(&plane, &mut live).await;
    forbidden(&plane).await;
    the_manifest_lets_us_see_what_we_judge(&plane).await;
    restart(&mut plane, &mut live).await;
    scheduled_runs::recover(&plane, &mut live).await;
    a_dump_is_the_same(&plane, &mut live).await;
    lost_node(&mut plane, &mut live).await;
}

async fn rollouts(plane: &ControlPlane, live: &mut Live) {
    const CART: (&str, &str) = ("kubernetes.io/Deployment", "shop/cart");
    plane.apply(&deployment("cart", 3, "cart:1"));
    for pod in plane.wait_for_pods("shop", "app=cart", 3) {
        plane.status("pod", "shop", &pod, &running());
    }
    live.until(CART.0, CART.1, P).await;
    // A typo in the image: the new pods cannot start, and the deadline passes.
    plane.apply(&deployment("cart", 3, "cart:typo"));
    let hash = new_hash(plane, "cart:typo");
    for pod in plane.wait_for_pods("shop", &format!("app=cart,pod-template-hash={hash}"), 2) {
        plane.status(
            "pod",
            "shop",
            &pod,
            &waiting("ImagePullBackOff", "Back-off pulling image cart:typo"),
        );
    }
    let reason = live.until(CART.0, CART.1, F).await;
    assert_eq!(reason, "progress-deadline-exceeded");
    assert!(
        live.says(CART.0, CART.1)
            .contains("Back-off pulling image cart:typo"),
        "{}",
        live.says(CART.0, CART.1)
    );
    // Mended, it ends well.
    plane.apply(&deployment("cart", 3, "cart:1"));
    for pod in plane.wait_for_pods("shop", "app=cart", 3) {
        plane.status("pod", "shop", &pod, &running());
    }
    live.until(CART.0, CART.1, P).await;
    // Then its pods die: the rollout has ended well, and stays so.
    for pod in plane.pods("shop", "app=cart") {
        plane.status("pod", "shop", &pod, &crashed());
    }
    let reason = live
        .until_at(CART.0, CART.1, F, Duration::from_secs(61))
        .await;
    assert_eq!(reason, "unavailable");
    plane.kubectl(&["scale", "deployment", "cart", "-n", "shop", "--replicas=0"]);
    for pod in plane.pods("shop", "app=cart") {
        plane.kubectl(&[
            "delete",
            "pod",
            &pod,
            "-n",
            "shop",
            "--force",
            "--grace-period=0",
        ]);
    }
    let reason = live.until(CART.0, CART.1, P).await;
    assert_eq!(reason, "scaled-to-zero");
}

/// The hash of the ReplicaSet that runs an image.
fn new_hash(plane: &ControlPlane, image: &str) -> String {
    let start = std::time::Instant::now();
    loop {
        let list: Value =
            serde_json::from_str(&plane.kubectl(&["get", "rs", "-n", "shop", "-o", "json"]))
                .expect("JSON");
        let sets = list["items"].as_array().cloned().unwrap_or_default();
        let set = sets
            .iter()
            .find(|set| set["spec"]["template"]["spec"]["containers"][0]["image"] == image);
        if let Some(hash) =
            set.and_then(|set| set["metadata"]["labels"]["pod-template-hash"].as_str())
        {
            return hash.to_owned();
        }
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "no ReplicaSet runs {image}"
        );
        std::thread::sleep(Duration::from_millis(200));
    }
}

async fn jobs(plane: &ControlPlane, live: &mut Live) {
    let job = |name: &str, limit: u32| {
        format!(
            "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: {name}, namespace: shop}}\nspec:\n  backoffLimit: {limit}\n  template:\n    spec: {{restartPolicy: Never, containers: [{{name: app, image: x}}]}}\n"
        )
    };
    let failed = json!({"phase": "Failed", "containerStatuses": [{"name": "app", "image": "x", "imageID": "x", "ready": false, "restartCount": 0, "state": {"terminated": {"exitCode": 2, "reason": "Error", "startedAt": now(), "finishedAt": now()}}}]});
    plane.apply(&job("once", 0));
    let pods = plane.wait_for_pods("shop", "job-name=once", 1);
    live.until("kubernetes.io/Job", "shop/once", P).await;
    plane.status("pod", "shop", &pods[0], &failed);
    assert_eq!(
        live.until("kubernetes.io/Job", "shop/once", F).await,
        "backoff-limit-exceeded"
    );
    plane.apply(&job("again", 3));
    let pods = plane.wait_for_pods("shop", "job-name=again", 1);
    plane.status("pod", "shop", &pods[0], &failed);
    assert_eq!(
        live.until("kubernetes.io/Job", "shop/again", D).await,
        "retrying"
    );
    for job in ["once", "again"] {
        plane.kubectl(&["delete", "job", job, "-n", "shop", "--wait=false"]);
    }
}

async fn claims(plane: &ControlPlane, live: &mut Live) {
    plane.apply("apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: late}\nprovisioner: nobody.example.com\nvolumeBindingMode: WaitForFirstConsumer\n---\napiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: now}\nprovisioner: nobody.example.com\nvolumeBindingMode: Immediate\n");
    let claim = |name: &str| {
        format!(
            "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {{name: {name}, namespace: shop}}\nspec: {{accessModes: [ReadWriteOnce], storageClassName: {name}, resources: {{requests: {{storage: 1Gi}}}}}}\n"
        )
    };
    plane.apply(&format!("{}---\n{}", claim("late"), claim("now")));
    const PVC: &str = "kubernetes.io/PersistentVolumeClaim";
    assert_eq!(
        live.until(PVC, "shop/late", P).await,
        "waiting-for-consumer"
    );
    assert_eq!(live.until(PVC, "shop/now", U).await, "pending");
    live.until_at(PVC, "shop/now", F, Duration::from_secs(301))
        .await;
    // As it still waits, it still passes.
    live.until_at(PVC, "shop/late", P, Duration::from_secs(301))
        .await;
    // A pod that wants it ends the waiting, and nobody makes the volume.
    plane.apply("apiVersion: v1\nkind: Pod\nmetadata: {name: eater, namespace: shop}\nspec:\n  containers: [{name: app, image: x}]\n  volumes: [{name: v, persistentVolumeClaim: {claimName: late}}]\n");
    live.until(PVC, "shop/late", U).await;
    live.until_at(PVC, "shop/late", F, Duration::from_secs(301))
        .await;
    plane.kubectl(&["delete", "pod", "eater", "-n", "shop", "--wait=false"]);
    plane.kubectl(&["delete", "pvc", "now", "late", "-n", "shop", "--wait=false"]);
}

async fn configuration(plane: &ControlPlane, live: &mut Live) {
    plane.apply("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, namespace: shop}\ndata: {mode: fast}\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: reader, namespace: shop}\nspec:\n  containers:\n  - name: app\n    image: x\n    env: [{name: MODE, valueFrom: {configMapKeyRef: {name: settings, key: mode}}}]\n");
    plane.status("pod", "shop", "reader", &running());
    let container = ("kubernetes.io/Pod#container", "shop/reader/app");
    live.until(container.0, container.1, P).await;
    plane.kubectl(&[
        "patch",
        "configmap",
        "settings",
        "-n",
        "shop",
        "--type=json",
        "-p",
        r#"[{"op": "remove", "path": "/data/mode"}]"#,
    ]);
    assert_eq!(live.until(container.0, container.1, D).await, "missing-key");
    plane.kubectl(&["delete", "configmap", "settings", "-n", "shop"]);
    live.until("kubernetes.io/ConfigMap", "shop/settings", F)
        .await;
    live.until(container.0, container.1, D).await;
    plane.kubectl(&[
        "delete",
        "pod",
        "reader",
        "-n",
        "shop",
        "--force",
        "--grace-period=0",
    ]);
}

async fn traffic(plane: &ControlPlane, live: &mut Live) {
    plane.apply(&deployment("web", 1, "web:1"));
    plane.apply("apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop}\nspec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8080}]}\n---\napiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: lb}\nspec: {controller: example.com/lb}\n---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web, namespace: shop}\nspec: {ingressClassName: lb, rules: [{http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {name: http}}}}]}}]}\n");
    let pods = plane.wait_for_pods("shop", "app=web", 1);
    let service = ("kubernetes.io/Service", "shop/web");
    plane.status("pod", "shop", &pods[0], &waiting("ImagePullBackOff", "no"));
    assert_eq!(live.until(service.0, service.1, F).await, "no-endpoints");
    plane.status("pod", "shop", &pods[0], &running());
    live.until(service.0, service.1, P).await;
    let ingress = ("kubernetes.io/Ingress", "shop/web");
    assert_eq!(live.until(ingress.0, ingress.1, U).await, "progressing");
    // Its class gives nobody an address.
    live.until_at(ingress.0, ingress.1, P, Duration::from_secs(301))
        .await;
    plane.status(
        "ingress",
        "shop",
        "web",
        &json!({"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}),
    );
    live.until(ingress.0, ingress.1, P).await;
    // Now that its class gives addresses, another Ingress without one has none for a reason.
    plane.apply("apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: bare, namespace: shop}\nspec: {ingressClassName: lb, defaultBackend: {service: {name: web, port: {number: 80}}}}\n");
    live.until("kubernetes.io/Ingress", "shop/bare", U).await;
    let reason = live
        .until_at(
            "kubernetes.io/Ingress",
            "shop/bare",
            F,
            Duration::from_secs(301),
        )
        .await;
    assert_eq!(reason, "no-address");
    plane.kubectl(&["delete", "ingress", "bare", "-n", "shop"]);
}

async fn namespaces(plane: &ControlPlane, live: &mut Live) {
    plane.apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: stuck}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: held, namespace: stuck, finalizers: [example.com/hold]}\n");
    plane.kubectl(&["delete", "namespace", "stuck", "--wait=false"]);
    live.until("kubernetes.io/Namespace", "stuck", U).await;
    live.until_at(
        "kubernetes.io/Namespace",
        "stuck",
        F,
        Duration::from_secs(601),
    )
    .await;
    plane.kubectl(&[
        "patch",
        "configmap",
        "held",
        "-n",
        "stuck",
        "--type=merge",
        "-p",
        r#"{"metadata": {"finalizers": null}}"#,
    ]);
    live.until_gone("kubernetes.io/Namespace", "stuck").await;
}

/// Somebody who may see everything but Secrets.
async fn forbidden(plane: &ControlPlane) {
    plane.apply("apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: looker}\nrules:\n- {apiGroups: [''], resources: [pods, nodes, namespaces, configmaps, services, serviceaccounts, persistentvolumeclaims, persistentvolumes], verbs: [list, watch]}\n- {apiGroups: [apps, batch, networking.k8s.io, discovery.k8s.io, storage.k8s.io], resources: ['*'], verbs: [list, watch]}\n---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: looker}\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: looker}\nsubjects: [{kind: User, name: viewer, apiGroup: rbac.authorization.k8s.io}]\n");
    plane.apply("apiVersion: v1\nkind: Pod\nmetadata: {name: secretive, namespace: shop}\nspec:\n  containers: [{name: app, image: x}]\n  volumes: [{name: v, secret: {secretName: hidden}}]\n");
    plane.status("pod", "shop", "secretive", &running());
    let mut viewer = Live::follow(&plane.kubeconfig("view"));
    viewer.until("kubernetes.io/Secret", "shop/hidden", U).await;
    viewer.until("kubernetes.io/Pod", "shop/secretive", P).await;
    assert_eq!(
        viewer
            .until(
                "kubernetes.io/Cluster#access",
                "cluster/kubernetes.io/Secret",
                U
            )
            .await,
        "not-permitted"
    );
    plane.kubectl(&[
        "delete",
        "pod",
        "secretive",
        "-n",
        "shop",
        "--force",
        "--grace-period=0",
    ]);
}

/// The role of the manifest is enough, and the manifest is one that the API server takes.
async fn the_manifest_lets_us_see_what_we_judge(plane: &ControlPlane) {
    plane.apply(include_str!("../../../../docs/how-to/kubernetes.yaml"));
    plane.apply("apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: agent}\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: alpacalert}\nsubjects: [{kind: User, name: agent, apiGroup: rbac.authorization.k8s.io}]\n");
    let mut agent = Live::follow(&plane.kubeconfig("agent"));
    agent
        .until("kubernetes.io/Deployment", "alpacalert/alpacalert", U)
        .await;
    let hidden = agent.nodes("kubernetes.io/Cluster#access");
    assert!(hidden.is_empty(), "{hidden:?}");
    plane.kubectl(&["delete", "namespace", "alpacalert", "--wait=false"]);
}

/// The same cluster, saved with `kubectl get` and judged as of the same moment.
async fn a_dump_is_the_same(plane: &ControlPlane, live: &mut Live) {
    live.until("kubernetes.io/Service", "shop/web", P).await;
    let kinds = "all,configmaps,secrets,serviceaccounts,persistentvolumeclaims,persistentvolumes,endpointslices,ingresses,ingressclasses,nodes,namespaces,storageclasses,clusterroles,clusterrolebindings,roles,rolebindings,apiservices,leases,priorityclasses";
    let text = plane.kubectl(&["get", kinds, "--all-namespaces", "-o", "yaml"]);
    let mut dump = Dump::default();
    dump.add(&text, "dump");
    let at = Timestamp::now();
    let judged = Judged::new(
        dump.cluster("test", Options::default()),
        &alpacalert_kubernetes::registry(),
        at,
    )
    .expect("a graph");
    let saved = records(judged.cluster().expect("a cluster"), &judged.graph);
    let watched = live.records(at).await;
    let verdicts = |records: &[alpacalert_kubernetes::Record]| {
        let in_shop = records
            .iter()
            .filter(|record| record.namespace.as_deref() == Some("shop"));
        let mut lines: Vec<String> = in_shop
            .map(|r| format!("{} {} {} {}", r.kind, r.name, r.state, r.reason))
            .collect();
        lines.sort();
        lines
    };
    assert!(!verdicts(&saved).is_empty());
    assert_eq!(verdicts(&saved), verdicts(&watched));
}

async fn restart(plane: &mut ControlPlane, live: &mut Live) {
    plane.restart_api_server();
    plane.apply("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: after, namespace: shop}\n");
    live.until("kubernetes.io/ConfigMap", "shop/after", P).await;
}

/// KWOK is ended, as a node's power is: nobody renews the lease, and the real controller gives the node up.
async fn lost_node(plane: &mut ControlPlane, live: &mut Live) {
    plane.stop("kwok");
    live.until("kubernetes.io/Node", "n1", F).await;
    // Its pods are not ready any more, say the controllers, since nobody can tell.
    const WEB: (&str, &str) = ("kubernetes.io/Deployment", "shop/web");
    live.until_at(WEB.0, WEB.1, F, Duration::from_secs(361))
        .await;
    live.until("kubernetes.io/Service", "shop/web", F).await;
    let why = live.says("kubernetes.io/Service", "shop/web");
    assert!(why.contains("n1"), "{why}");
}
