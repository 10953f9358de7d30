//! What real controllers do that is soon told: each begins, has some seconds while others are tried, and is looked at.

use std::time::Duration;

use alpacalert_testkit::ControlPlane;

use crate::follow::Live;
use crate::support::{F, P, U};

fn workload(kind: &str, name: &str, sim: &str, more: &str, pod: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: {kind}\nmetadata: {{name: {name}, namespace: shop}}\nspec:\n  selector: {{matchLabels: {{app: {name}}}}}\n  template:\n    metadata: {{labels: {{app: {name}, sim: {sim}}}}}\n    spec: {{{pod}containers: [{{name: app, image: 'shop/{name}:1'}}]}}\n{more}---\n"
    )
}

pub(super) fn begin(plane: &ControlPlane) {
    let mut yaml = String::new();
    yaml += &workload("Deployment", "loop", "crashes", "", "");
    yaml += &workload(
        "Deployment",
        "homeless",
        "ready",
        "",
        "nodeSelector: {disk: golden}, ",
    );
    yaml += &workload(
        "StatefulSet",
        "db",
        "ready",
        "  serviceName: ''\n  replicas: 2\n",
        "",
    );
    yaml += &workload("DaemonSet", "agent", "ready", "", "");
    yaml += &workload("Deployment", "scaled", "ready", "  replicas: 2\n", "");
    yaml += "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: scaled, namespace: shop}\nspec: {maxReplicas: 3, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: scaled}, metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}]}\n---\n";
    yaml += "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: scaled, namespace: shop}\nspec: {minAvailable: 1, selector: {matchLabels: {app: scaled}}}\n---\n";
    yaml += "apiVersion: apiregistration.k8s.io/v1\nkind: APIService\nmetadata: {name: v1.nobody.example.com}\nspec: {group: nobody.example.com, version: v1, groupPriorityMinimum: 100, versionPriority: 10, service: {namespace: shop, name: nobody}}\n---\n";
    yaml += "apiVersion: v1\nkind: Namespace\nmetadata: {name: full}\n---\napiVersion: v1\nkind: ResourceQuota\nmetadata: {name: none, namespace: full}\nspec: {hard: {pods: '0'}}\n---\n";
    yaml += "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: foos.example.com}\nspec:\n  group: example.com\n  names: {kind: Foo, plural: foos}\n  scope: Namespaced\n  versions:\n  - {name: v1, served: true, storage: true, subresources: {status: {}}, schema: {openAPIV3Schema: {type: object, properties: {status: {type: object, properties: {conditions: {type: array, items: {type: object, x-kubernetes-preserve-unknown-fields: true}}}}}}}}\n";
    plane.apply(&yaml);
    // Once the quota is counted, nothing more fits.
    plane.apply(
        &workload("Deployment", "refused", "ready", "", "")
            .replace("namespace: shop", "namespace: full"),
    );
}

pub(super) async fn check(plane: &ControlPlane, live: &mut Live) {
    crash_loop(live).await;
    const DEPLOYMENT: &str = "kubernetes.io/Deployment";
    // No node has what it asks for.
    live.until_at(
        "kubernetes.io/Deployment",
        "shop/homeless",
        F,
        Duration::from_secs(121),
    )
    .await;
    let said = live.says(DEPLOYMENT, "shop/homeless");
    assert!(said.contains("node"), "{said}");
    live.until("kubernetes.io/StatefulSet", "shop/db", P).await;
    live.until("kubernetes.io/DaemonSet", "shop/agent", P).await;
    live.until("kubernetes.io/PodDisruptionBudget", "shop/scaled", P)
        .await;
    // Nobody serves metrics.
    live.until_at(
        "kubernetes.io/HorizontalPodAutoscaler",
        "shop/scaled",
        F,
        Duration::from_secs(301),
    )
    .await;
    live.until(DEPLOYMENT, "shop/scaled", P).await;
    // "QUOTA-1" and "DEP-4": the quota refuses the pods.
    live.until(DEPLOYMENT, "full/refused", F).await;
    let said = live.says(DEPLOYMENT, "full/refused");
    assert!(said.contains("exceeded quota"), "{said}");
    live.until("kubernetes.io/ResourceQuota", "full/none", F)
        .await;
    // "API-1": nobody answers for that part of the API.
    live.until_at(
        "kubernetes.io/APIService",
        "v1.nobody.example.com",
        F,
        Duration::from_secs(61),
    )
    .await;
    custom_resources(plane, live).await;
    // "NS-1": with a part of the API gone, no namespace can go either, and the API server says why.
    plane.apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: undying}\n");
    plane.kubectl(&["delete", "namespace", "undying", "--wait=false"]);
    live.until("kubernetes.io/Namespace", "undying", F).await;
    let said = live.says("kubernetes.io/Namespace", "undying");
    assert!(said.contains("nobody.example.com"), "{said}");
    plane.kubectl(&["delete", "apiservice", "v1.nobody.example.com"]);
    for name in [
        "deployment/loop",
        "deployment/homeless",
        "daemonset/agent",
        "deployment/scaled",
        "hpa/scaled",
        "pdb/scaled",
    ] {
        plane.kubectl(&["delete", name, "-n", "shop", "--wait=false"]);
    }
    plane.kubectl(&["delete", "namespace", "full", "--wait=false"]);
}

/// C-05 on a real API server: the container looks well for a second and a half in between, and is failing all the while.
async fn crash_loop(live: &mut Live) {
    const LOOP: (&str, &str) = ("kubernetes.io/Deployment", "shop/loop");
    live.until(LOOP.0, LOOP.1, F).await;
    let seen = live.states(LOOP.0, LOOP.1, Duration::from_secs(6)).await;
    assert!(seen.len() > 2, "nothing changed: {seen:?}");
    assert!(seen.iter().all(|state| *state == F), "{seen:?}");
}

/// C-04: a custom resource whose definition speaks of conditions, before and after its controller has spoken.
async fn custom_resources(plane: &ControlPlane, live: &mut Live) {
    const FOO: (&str, &str) = ("example.com/Foo", "shop/foo");
    plane.apply("apiVersion: example.com/v1\nkind: Foo\nmetadata: {name: foo, namespace: shop}\n");
    assert_eq!(live.until(FOO.0, FOO.1, U).await, "not-observed");
    for (status, expected) in [("True", P), ("False", F)] {
        let reason = if expected == F {
            "InstallFailed"
        } else {
            "Installed"
        };
        plane.status("foo", "shop", "foo", &serde_json::json!({"conditions": [{"type": "Ready", "status": status, "reason": reason, "message": "", "lastTransitionTime": super::now()}]}));
        live.until(FOO.0, FOO.1, expected).await;
    }
    // The kind goes, and with it its objects.
    plane.kubectl(&["delete", "crd", "foos.example.com", "--wait=false"]);
    live.until_gone(FOO.0, FOO.1).await;
}
