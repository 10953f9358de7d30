//! A cluster that changes at random: few names, so that everything refers to everything, and much that is wrong.

use super::*;

const NAMESPACES: [&str; 2] = ["one", "two"];
const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// The kinds, with their versions, and whether they live in a namespace.
const KINDS: &[(&str, &str, bool)] = &[
    ("v1", "Namespace", false),
    ("v1", "Node", false),
    ("apps/v1", "Deployment", true),
    ("apps/v1", "ReplicaSet", true),
    ("apps/v1", "StatefulSet", true),
    ("apps/v1", "DaemonSet", true),
    ("batch/v1", "Job", true),
    ("batch/v1", "CronJob", true),
    ("v1", "Pod", true),
    ("v1", "Pod", true),
    ("v1", "Pod", true),
    ("v1", "Service", true),
    ("discovery.k8s.io/v1", "EndpointSlice", true),
    ("networking.k8s.io/v1", "Ingress", true),
    ("networking.k8s.io/v1", "IngressClass", false),
    ("networking.k8s.io/v1", "NetworkPolicy", true),
    ("v1", "ConfigMap", true),
    ("v1", "Secret", true),
    ("v1", "ServiceAccount", true),
    ("v1", "PersistentVolumeClaim", true),
    ("v1", "PersistentVolume", false),
    ("storage.k8s.io/v1", "StorageClass", false),
    ("storage.k8s.io/v1", "VolumeAttachment", false),
    ("autoscaling/v2", "HorizontalPodAutoscaler", true),
    ("policy/v1", "PodDisruptionBudget", true),
    ("v1", "ResourceQuota", true),
    ("rbac.authorization.k8s.io/v1", "Role", true),
    ("rbac.authorization.k8s.io/v1", "RoleBinding", true),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition", false),
    ("apiregistration.k8s.io/v1", "APIService", false),
    (
        "admissionregistration.k8s.io/v1",
        "ValidatingWebhookConfiguration",
        false,
    ),
    ("gateway.networking.k8s.io/v1", "GatewayClass", false),
    ("gateway.networking.k8s.io/v1", "Gateway", true),
    ("gateway.networking.k8s.io/v1", "HTTPRoute", true),
    ("gateway.networking.k8s.io/v1beta1", "ReferenceGrant", true),
    ("cert-manager.io/v1", "Certificate", true),
    ("cert-manager.io/v1", "Issuer", true),
    ("example.com/v1", "Widget", true),
    ("coordination.k8s.io/v1", "Lease", true),
];

pub(super) struct World {
    random: fastrand::Rng,
    decoder: Decoder,
    now: Timestamp,
    /// Those that are there: kind, reference.
    there: Vec<(Arc<str>, Arc<str>)>,
}

impl World {
    pub(super) fn new(seed: u64) -> World {
        World {
            random: fastrand::Rng::with_seed(seed),
            decoder: Decoder::default(),
            now: "2026-11-22T12:00:00Z".parse().expect("a time"),
            there: Vec::new(),
        }
    }

    fn pick<'p>(&mut self, from: &[&'p str]) -> &'p str {
        from[self.random.usize(..from.len())]
    }

    fn rarely(&mut self, one_in: u32) -> bool {
        self.random.u32(..one_in) == 0
    }

    /// A time of the last hours, or one to come.
    fn time(&mut self) -> String {
        let back = SignedDuration::from_secs(self.random.i64(-600..20_000));
        self.now.checked_sub(back).expect("a time").to_string()
    }

    /// The next changes, and when they come.
    pub(super) fn step(&mut self, batch: usize) -> (Vec<Event>, Timestamp) {
        let mut events = Vec::new();
        if batch == 0 {
            for (version, kind, _) in KINDS {
                let kind = self.kind(version, kind);
                events.push(Event::Listed(kind.clone(), Vec::new()));
                events.push(Event::Access(kind, Access::Ok));
            }
            for _ in 0..40 {
                self.put(&mut events);
            }
            return (events, self.now);
        }
        if self.rarely(3) {
            let later = SignedDuration::from_secs(self.random.i64(1..2_000));
            self.now = self.now.checked_add(later).expect("a time");
        }
        for _ in 0..self.random.usize(1..4) {
            match self.random.u32(..20) {
                0..13 => self.put(&mut events),
                13..18 if !self.there.is_empty() => {
                    let at = self.random.usize(..self.there.len());
                    let (kind, reference) = self.there.swap_remove(at);
                    events.push(Event::Deleted(kind, reference));
                }
                18 if self.rarely(6) => {
                    let (version, kind, _) = KINDS[self.random.usize(..KINDS.len())];
                    let kind = self.kind(version, kind);
                    events.push(match self.random.u32(..3) {
                        0 => Event::Broken(kind, "cut".to_owned(), self.random.bool()),
                        1 => Event::Works(kind),
                        _ => Event::Access(kind, Access::Ok),
                    });
                }
                19 if self.rarely(4) => self.list(&mut events),
                _ => {}
            }
        }
        (events, self.now)
    }

    fn kind(&self, version: &str, kind: &str) -> Arc<str> {
        kinds::kind_text(kinds::group_of(version), kind).into()
    }

    /// A kind listed anew, with some of it gone and some of it changed.
    fn list(&mut self, events: &mut Vec<Event>) {
        let (version, kind, namespaced) = KINDS[self.random.usize(..KINDS.len())];
        let text = self.kind(version, kind);
        self.there.retain(|(of, _)| *of != text);
        let mut objects: BTreeMap<Arc<str>, crate::object::Object> = BTreeMap::new();
        for _ in 0..self.random.usize(..4) {
            let object = self.object(version, kind, namespaced);
            objects.insert(object.reference.clone(), object);
        }
        let there = objects
            .keys()
            .map(|reference| (text.clone(), reference.clone()));
        self.there.extend(there);
        events.push(Event::Listed(text, objects.into_values().collect()));
    }

    fn put(&mut self, events: &mut Vec<Event>) {
        let (version, kind, namespaced) = KINDS[self.random.usize(..KINDS.len())];
        let object = self.object(version, kind, namespaced);
        let key = (object.kind.clone(), object.reference.clone());
        if !self.there.contains(&key) {
            self.there.push(key);
        }
        events.push(Event::Applied(Box::new(object)));
    }

    fn object(&mut self, version: &str, kind: &str, namespaced: bool) -> crate::object::Object {
        let name = match kind {
            "Namespace" => self.pick(&NAMESPACES),
            "CustomResourceDefinition" => "widgets.example.com",
            _ => self.pick(&NAMES),
        };
        let mut meta = json!({"name": name, "creationTimestamp": self.time(), "generation": self.random.u32(..3)});
        let uid = match self.random.u32(..12) {
            // Somebody else's, now and then.
            0 => format!("Pod-{}", self.pick(&NAMES)),
            1 => format!("{kind}-{name}-again"),
            _ => format!("{kind}-{name}"),
        };
        meta["uid"] = json!(uid);
        if namespaced {
            meta["namespace"] = match kind {
                "Lease" => json!("kube-node-lease"),
                _ => json!(self.pick(&NAMESPACES)),
            };
        }
        meta["labels"] = json!({"app": self.pick(&NAMES[..2]), "tier": self.pick(&NAMES[..2])});
        if kind == "EndpointSlice" {
            meta["labels"]["kubernetes.io/service-name"] = json!(self.pick(&NAMES));
        }
        for (key, value) in [
            ("alpacalert.io/ignore", "true"),
            ("alpacalert.io/optional", "true"),
            ("alpacalert.io/owner", "team"),
        ] {
            if self.rarely(12) {
                meta["annotations"][key] = json!(value);
            }
        }
        if self.rarely(10) {
            meta["deletionTimestamp"] = json!(self.time());
            meta["finalizers"] = json!(["example.com/hold"]);
        }
        let owner = match kind {
            "Pod" => self.pick(&[
                "ReplicaSet",
                "StatefulSet",
                "DaemonSet",
                "Job",
                "Node",
                "Pod",
            ]),
            "ReplicaSet" => self.pick(&["Deployment", "Widget"]),
            "Job" => "CronJob",
            "EndpointSlice" => "Service",
            "Deployment" | "ConfigMap" | "Widget" => {
                self.pick(&["Widget", "Deployment", "Namespace", ""])
            }
            _ => "",
        };
        if !owner.is_empty() && !self.rarely(5) {
            let of = self.pick(&NAMES);
            let uid = format!("{owner}-{of}");
            meta["ownerReferences"] = json!([{"apiVersion": "apps/v1", "kind": owner, "name": of, "uid": uid, "controller": !self.rarely(4)}]);
        }
        let mut object = json!({"apiVersion": version, "kind": kind, "metadata": meta});
        let body = self.body(kind);
        if let (Some(object), Value::Object(body)) = (object.as_object_mut(), body) {
            object.extend(body);
        }
        if self.rarely(40) {
            object["spec"] = json!("nonsense");
        }
        self.decoder.value(object, None).expect("an object")
    }

    fn conditions(&mut self, kinds: &[&str]) -> Value {
        let said = kinds.iter().map(|kind| {
            let status = self.pick(&["True", "True", "False", "Unknown"]);
            json!({"type": kind, "status": status, "reason": self.pick(&["Because", "Installing", "Pending"]), "message": "as it is", "lastTransitionTime": self.time()})
        });
        said.collect()
    }

    fn pod_spec(&mut self) -> Value {
        let mut spec = json!({"serviceAccountName": self.pick(&["a", "default"]),
            "containers": [{"name": "app", "image": "registry.example.com/app:1",
                "env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": self.pick(&NAMES), "key": self.pick(&NAMES)}}}],
                "envFrom": [{"secretRef": {"name": self.pick(&NAMES), "optional": self.random.bool()}}],
                "volumeMounts": [{"name": "data", "mountPath": "/data"}]}]});
        spec["volumes"] = match self.random.u32(..3) {
            0 => {
                json!([{"name": "data", "persistentVolumeClaim": {"claimName": self.pick(&NAMES)}}])
            }
            1 => json!([{"name": "data", "configMap": {"name": self.pick(&NAMES)}}]),
            _ => json!([{"name": "data", "emptyDir": {}}]),
        };
        if !self.rarely(5) {
            spec["nodeName"] = json!(self.pick(&NAMES));
        }
        spec
    }

    fn replicas(&mut self) -> Value {
        let count = |random: &mut fastrand::Rng| json!(random.u32(..4));
        let random = &mut self.random;
        json!({"observedGeneration": count(random), "replicas": count(random), "readyReplicas": count(random), "availableReplicas": count(random),
            "updatedReplicas": count(random), "fullyLabeledReplicas": count(random), "currentReplicas": count(random), "desiredNumberScheduled": count(random),
            "numberReady": count(random), "numberAvailable": count(random), "updatedNumberScheduled": count(random)})
    }

    fn body(&mut self, kind: &str) -> Value {
        match kind {
            "Namespace" => json!({"status": {"phase": self.pick(&["Active", "Terminating"])}}),
            "Node" => {
                json!({"spec": {"unschedulable": self.rarely(4)}, "status": {"conditions": self.conditions(&["Ready", "MemoryPressure"])}})
            }
            "Lease" => {
                json!({"spec": {"renewTime": self.time(), "leaseDurationSeconds": 40, "holderIdentity": self.pick(&NAMES)}})
            }
            "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet" => {
                let mut status = self.replicas();
                status["conditions"] = self.conditions(&["Available", "Progressing"]);
                json!({"spec": {"replicas": self.random.u32(..4), "serviceName": self.pick(&NAMES), "selector": {"matchLabels": {"app": self.pick(&NAMES[..2])}},
                    "template": {"metadata": {"labels": {"app": self.pick(&NAMES[..2])}}, "spec": self.pod_spec()},
                    "volumeClaimTemplates": [{"metadata": {"name": self.pick(&NAMES)}}]}, "status": status})
            }
            "Job" => {
                let ended = self.pick(&["Complete", "Failed", "Suspended"]);
                let mut status = json!({"active": self.random.u32(..2), "failed": self.random.u32(..3), "startTime": self.time()});
                if self.random.bool() {
                    status["conditions"] = self.conditions(&[ended]);
                    status["completionTime"] = json!(self.time());
                }
                json!({"spec": {"backoffLimit": 2, "suspend": self.rarely(6), "template": {"spec": self.pod_spec()}}, "status": status})
            }
            "CronJob" => {
                json!({"spec": {"schedule": "*/10 * * * *", "suspend": self.rarely(6), "jobTemplate": {"spec": {"template": {"spec": self.pod_spec()}}}},
                    "status": {"lastScheduleTime": self.time(), "lastSuccessfulTime": self.time()}})
            }
            "Pod" => self.pod(),
            "Service" => {
                json!({"spec": {"type": self.pick(&["ClusterIP", "LoadBalancer", "ExternalName"]), "selector": {"app": self.pick(&NAMES[..2])}, "ports": [{"port": 80, "name": "web", "targetPort": 80}]}, "status": {"loadBalancer": {}}})
            }
            "EndpointSlice" => {
                let target = self.pick(&NAMES);
                json!({"endpoints": [{"addresses": ["10.0.0.1"], "conditions": {"ready": self.random.bool()}, "targetRef": {"kind": "Pod", "name": target, "uid": format!("Pod-{target}")}}], "ports": [{"name": "web", "port": 80}]})
            }
            "Ingress" => {
                json!({"spec": {"ingressClassName": self.pick(&["a", ""]), "rules": [{"host": "shop.example.com", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": {"service": {"name": self.pick(&NAMES), "port": {"number": 80}}}}]}}], "tls": [{"secretName": self.pick(&NAMES)}]}, "status": {"loadBalancer": {}}})
            }
            "IngressClass" => json!({"spec": {"controller": "example.com/x"}}),
            "NetworkPolicy" => {
                json!({"spec": {"podSelector": {"matchLabels": {"app": self.pick(&NAMES)}}, "policyTypes": ["Ingress"]}})
            }
            "ConfigMap" => json!({"data": {(self.pick(&NAMES)): "1", (self.pick(&NAMES)): "2"}}),
            "Secret" => json!({"type": "Opaque", "data": {(self.pick(&NAMES)): "MQ=="}}),
            "ServiceAccount" => json!({"imagePullSecrets": [{"name": self.pick(&NAMES)}]}),
            "PersistentVolumeClaim" => {
                json!({"spec": {"volumeName": self.pick(&["", "a", "b"]), "storageClassName": self.pick(&NAMES)}, "status": {"phase": self.pick(&["Bound", "Pending", "Lost"])}})
            }
            "PersistentVolume" => {
                json!({"spec": {"storageClassName": self.pick(&NAMES), "claimRef": {"namespace": self.pick(&NAMESPACES), "name": self.pick(&NAMES)}}, "status": {"phase": self.pick(&["Bound", "Available", "Released", "Failed"])}})
            }
            "StorageClass" => {
                json!({"provisioner": self.pick(&["example.com/csi", "kubernetes.io/no-provisioner"]), "volumeBindingMode": self.pick(&["Immediate", "WaitForFirstConsumer"])})
            }
            "VolumeAttachment" => {
                json!({"spec": {"attacher": "example.com/csi", "nodeName": self.pick(&NAMES), "source": {"persistentVolumeName": self.pick(&NAMES)}}, "status": {"attached": self.random.bool()}})
            }
            "HorizontalPodAutoscaler" => {
                json!({"spec": {"minReplicas": 1, "maxReplicas": 3, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": self.pick(&["Deployment", "StatefulSet"]), "name": self.pick(&NAMES)}},
                    "status": {"currentReplicas": self.random.u32(..4), "desiredReplicas": self.random.u32(..4), "conditions": self.conditions(&["AbleToScale", "ScalingActive", "ScalingLimited"])}})
            }
            "PodDisruptionBudget" => {
                json!({"spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": self.pick(&NAMES[..2])}}}, "status": {"observedGeneration": 2, "currentHealthy": self.random.u32(..3), "desiredHealthy": 1, "expectedPods": self.random.u32(..3), "disruptionsAllowed": self.random.u32(..2)}})
            }
            "ResourceQuota" => {
                json!({"spec": {"hard": {"pods": "4"}}, "status": {"hard": {"pods": "4"}, "used": {"pods": self.random.u32(..6).to_string()}}})
            }
            "RoleBinding" => {
                json!({"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": self.pick(&NAMES)}, "subjects": [{"kind": "ServiceAccount", "name": self.pick(&NAMES), "namespace": self.pick(&NAMESPACES)}]})
            }
            "CustomResourceDefinition" => {
                json!({"spec": {"group": "example.com", "scope": "Namespaced", "names": {"kind": "Widget", "plural": "widgets"}, "versions": [{"name": "v1", "served": true, "storage": true, "subresources": {"status": {}}}],
                    "conversion": {"strategy": "Webhook", "webhook": {"clientConfig": {"service": {"namespace": self.pick(&NAMESPACES), "name": self.pick(&NAMES)}}}}},
                    "status": {"conditions": self.conditions(&["Established", "NamesAccepted"])}})
            }
            "APIService" => {
                json!({"spec": {"service": {"namespace": self.pick(&NAMESPACES), "name": self.pick(&NAMES)}}, "status": {"conditions": self.conditions(&["Available"])}})
            }
            "ValidatingWebhookConfiguration" => {
                json!({"webhooks": [{"name": "check.example.com", "failurePolicy": self.pick(&["Fail", "Ignore"]), "clientConfig": {"service": {"namespace": self.pick(&NAMESPACES), "name": self.pick(&NAMES)}}}]})
            }
            "GatewayClass" => {
                json!({"spec": {"controllerName": "example.com/x"}, "status": {"conditions": self.conditions(&["Accepted"])}})
            }
            "Gateway" => {
                json!({"spec": {"gatewayClassName": self.pick(&NAMES), "listeners": [{"name": "web", "port": 80, "protocol": "HTTP"}, {"name": "tls", "port": 443, "protocol": "HTTPS", "tls": {"certificateRefs": [{"name": self.pick(&NAMES), "namespace": self.pick(&NAMESPACES)}]}}]},
                    "status": {"conditions": self.conditions(&["Accepted", "Programmed"]), "listeners": [{"name": "web", "attachedRoutes": 1, "conditions": self.conditions(&["Accepted", "Programmed"])}]}})
            }
            "HTTPRoute" => {
                json!({"spec": {"parentRefs": [{"name": self.pick(&NAMES)}], "rules": [{"backendRefs": [{"name": self.pick(&NAMES), "port": 80, "namespace": self.pick(&NAMESPACES)}]}]},
                    "status": {"parents": [{"parentRef": {"name": self.pick(&NAMES)}, "conditions": self.conditions(&["Accepted", "ResolvedRefs"])}]}})
            }
            "ReferenceGrant" => {
                json!({"spec": {"from": [{"group": "gateway.networking.k8s.io", "kind": self.pick(&["Gateway", "HTTPRoute"]), "namespace": self.pick(&NAMESPACES)}], "to": [{"group": "", "kind": self.pick(&["Secret", "Service"])}]}})
            }
            "Certificate" => {
                json!({"spec": {"secretName": self.pick(&NAMES), "issuerRef": {"name": self.pick(&NAMES), "kind": "Issuer"}}, "status": {"notAfter": self.time(), "renewalTime": self.time(), "conditions": self.conditions(&["Ready"])}})
            }
            "Issuer" => json!({"status": {"conditions": self.conditions(&["Ready"])}}),
            "Widget" => {
                json!({"spec": {}, "status": {"phase": self.pick(&["Ready", "Failed", "Pending"]), "conditions": self.conditions(&["Ready"])}})
            }
            _ => json!({}),
        }
    }

    fn pod(&mut self) -> Value {
        let state = match self.random.u32(..4) {
            0 => {
                json!({"waiting": {"reason": self.pick(&["CrashLoopBackOff", "ImagePullBackOff", "ContainerCreating"]), "message": "as it is"}})
            }
            1 => {
                json!({"terminated": {"exitCode": self.random.u32(..2), "reason": "Error", "startedAt": self.time(), "finishedAt": self.time()}})
            }
            _ => json!({"running": {"startedAt": self.time()}}),
        };
        json!({"spec": self.pod_spec(), "status": {"phase": self.pick(&["Running", "Running", "Pending", "Succeeded", "Failed"]), "startTime": self.time(),
            "conditions": self.conditions(&["Ready", "PodScheduled", "Initialized", "ContainersReady"]),
            "containerStatuses": [{"name": "app", "ready": self.random.bool(), "restartCount": self.random.u32(..4), "image": "x", "state": state, "lastState": {}}]}})
    }
}
