//! What a cluster of a benchmark holds: Deployments of fifty pods, each with a Service.

use serde_json::{Value, json};

/// Pods of one Deployment.
pub(crate) const PER_SET: usize = 50;

fn meta(kind: &str, name: &str, set: usize) -> Value {
    json!({"name": name, "namespace": namespace(set), "uid": format!("{kind}-{name}"), "generation": 1, "creationTimestamp": "2026-11-21T00:00:00Z",
        "labels": {"app": format!("web-{set}"), "pod-template-hash": "5d4f8c7b9"}})
}

/// The namespace of a Deployment.
pub(crate) fn namespace(set: usize) -> String {
    format!("team-{}", set % 20)
}

fn owned(mut object: Value, kind: &str, name: &str) -> Value {
    object["metadata"]["ownerReferences"] = json!([{"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": format!("{kind}-{name}"), "controller": true, "blockOwnerDeletion": true}]);
    object
}

fn condition(kind: &str) -> Value {
    json!({"type": kind, "status": "True", "lastProbeTime": null, "lastTransitionTime": "2026-11-21T00:00:10Z", "reason": "", "message": ""})
}

/// A Deployment, as its controller writes it.
pub(crate) fn deployment(set: usize) -> Value {
    let name = format!("web-{set}");
    let mut object = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta("Deployment", &name, set), "spec": {"replicas": PER_SET, "selector": {"matchLabels": {"app": name}}},
        "status": {"observedGeneration": 1, "replicas": PER_SET, "updatedReplicas": PER_SET, "readyReplicas": PER_SET, "availableReplicas": PER_SET, "conditions": [condition("Available")]}});
    object["metadata"]["annotations"] = json!({"deployment.kubernetes.io/revision": "1"});
    object
}

/// Its ReplicaSet.
pub(crate) fn replica_set(set: usize) -> Value {
    let name = format!("web-{set}");
    let object = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": meta("ReplicaSet", &name, set), "spec": {"replicas": PER_SET},
        "status": {"observedGeneration": 1, "replicas": PER_SET, "fullyLabeledReplicas": PER_SET, "availableReplicas": PER_SET}});
    owned(object, "Deployment", &name)
}

/// One of its pods, as an API server and a kubelet write it.
pub(crate) fn pod(set: usize, pod: usize, ready: bool) -> Value {
    let set_name = format!("web-{set}");
    let name = format!("{set_name}-5d4f8c7b9-{pod:05}");
    let mut object = json!({"apiVersion": "v1", "kind": "Pod", "metadata": meta("Pod", &name, set),
        "spec": {"nodeName": format!("node-{}", pod % 20), "serviceAccountName": "default", "serviceAccount": "default", "restartPolicy": "Always", "dnsPolicy": "ClusterFirst", "schedulerName": "default-scheduler",
            "tolerations": [{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}, {"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}],
            "containers": [{"name": "web", "image": "registry.example.com/web:1.2.3", "resources": {"requests": {"cpu": "100m"}}, "terminationMessagePath": "/dev/termination-log", "imagePullPolicy": "IfNotPresent",
                "volumeMounts": [{"name": format!("kube-api-access-{pod:05}"), "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "readOnly": true}]}],
            "volumes": [{"name": format!("kube-api-access-{pod:05}"), "projected": {"defaultMode": 420, "sources": [{"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}}, {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}}]}}]},
        "status": {"phase": "Running", "podIP": "10.0.0.5", "podIPs": [{"ip": "10.0.0.5"}], "hostIP": "10.1.0.1", "qosClass": "Burstable", "startTime": "2026-11-21T00:00:00Z",
            "conditions": [condition("Initialized"), condition("Ready"), condition("ContainersReady"), condition("PodScheduled")],
            "containerStatuses": [{"name": "web", "image": "registry.example.com/web:1.2.3", "imageID": "registry.example.com/web@sha256:0123456789abcdef0123456789abcdef", "containerID": "containerd://0123456789abcdef0123456789abcdef", "ready": ready, "started": true, "restartCount": 0, "state": {"running": {"startedAt": "2026-11-21T00:00:05Z"}}, "lastState": {}}]}});
    if !ready {
        object["status"]["conditions"][1]["status"] = json!("False");
    }
    owned(object, "ReplicaSet", &set_name)
}

/// The Service before its pods.
pub(crate) fn service(set: usize) -> Value {
    let name = format!("web-{set}");
    json!({"apiVersion": "v1", "kind": "Service", "metadata": meta("Service", &name, set), "spec": {"type": "ClusterIP", "selector": {"app": name}, "ports": [{"port": 80}]}})
}

/// The endpoints of the Service: of the first `ready` pods.
pub(crate) fn slice(set: usize, ready: usize) -> Value {
    let name = format!("web-{set}");
    let mut object = json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4", "metadata": meta("EndpointSlice", &name, set), "ports": [{"name": "", "port": 80, "protocol": "TCP"}]});
    object["metadata"]["labels"]["kubernetes.io/service-name"] = json!(name);
    let endpoint = |pod: usize| {
        let pod_name = format!("{name}-5d4f8c7b9-{pod:05}");
        json!({"addresses": ["10.0.0.5"], "conditions": {"ready": pod < ready, "serving": pod < ready, "terminating": false},
            "targetRef": {"kind": "Pod", "name": pod_name, "namespace": namespace(set), "uid": format!("Pod-{pod_name}")}})
    };
    object["endpoints"] = (0..PER_SET).map(endpoint).collect();
    object
}

/// A node that is well.
pub(crate) fn node(number: usize) -> Value {
    let name = format!("node-{number}");
    json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "uid": name, "creationTimestamp": "2026-11-20T00:00:00Z"}, "status": {"conditions": [condition("Ready")]}})
}
