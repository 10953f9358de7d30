//! Nodes, the control plane's own objects, scaling, policies, and custom resources.

use crate::support::*;

fn node(spec: &str, conditions: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Node\nmetadata: {{name: n1, uid: n1, creationTimestamp: '{{ago 9000}}'}}\nspec: {{{spec}}}\nstatus: {{conditions: [{conditions}]}}\n"
    )
}

const NODE: &str = "Node/n1";
const IS_READY: &str = "{type: Ready, status: 'True'}";

#[test]
fn nodes() {
    case("NODE-1", &node("", IS_READY), NODE, P, "ok");
    case(
        "NODE-1",
        &node(
            "",
            "{type: Ready, status: 'False', reason: KubeletNotReady}",
        ),
        NODE,
        F,
        "not-ready",
    );
    case(
        "NODE-1",
        &node(
            "",
            "{type: Ready, status: Unknown, reason: NodeStatusUnknown}",
        ),
        NODE,
        F,
        "not-ready",
    );
    case(
        "NODE-1",
        &node("unschedulable: true", "{type: Ready, status: 'False'}"),
        NODE,
        U,
        "maintenance",
    );
    case("NODE-1", &node("", ""), NODE, F, "not-reported");
    case(
        "NODE-1",
        &node("", "").replace("{ago 9000}", "{ago 59}"),
        NODE,
        U,
        "not-reported",
    );
    let with = |condition: &str| node("", &format!("{IS_READY}, {condition}"));
    case(
        "NODE-2",
        &with("{type: MemoryPressure, status: 'True'}"),
        NODE,
        D,
        "memory-pressure",
    );
    quiet(
        "NODE-2",
        &with("{type: DiskPressure, status: 'False'}"),
        NODE,
    );
    case(
        "NODE-3",
        &with("{type: NetworkUnavailable, status: 'True'}"),
        NODE,
        F,
        "network-unavailable",
    );
    case(
        "NODE-4",
        &node("unschedulable: true", IS_READY),
        NODE,
        P,
        "suspended",
    );
    case(
        "NODE-5",
        &node(
            "taints: [{key: node.cloudprovider.kubernetes.io/uninitialized, effect: NoSchedule}]",
            IS_READY,
        ),
        NODE,
        U,
        "uninitialized",
    );
    case(
        "NODE-5",
        &node(
            "taints: [{key: node.kubernetes.io/unreachable, effect: NoExecute}]",
            IS_READY,
        ),
        NODE,
        P,
        "tainted",
    );
    let lease = |age: i64| {
        format!(
            "apiVersion: coordination.k8s.io/v1\nkind: Lease\nmetadata: {{name: n1, namespace: kube-node-lease}}\nspec: {{renewTime: '{{ago {age}}}', leaseDurationSeconds: 40}}\n"
        )
    };
    quiet("NODE-6", &docs(&[&node("", IS_READY), &lease(39)]), NODE);
    case(
        "NODE-6",
        &docs(&[&node("", IS_READY), &lease(40)]),
        NODE,
        U,
        "lease-stale",
    );
    case(
        "NODE-8",
        &with("{type: KernelDeadlock, status: 'True'}"),
        NODE,
        D,
        "kernel-deadlock",
    );
    quiet("NODE-8", &with("{type: EtcdIsVoter, status: 'True'}"), NODE);
}

/// Half of the nodes that take pods must pass; cordoned ones are shown.
#[test]
fn nodes_are_a_quorum() {
    let named = |name: &str, ready: &str| {
        format!(
            "apiVersion: v1\nkind: Node\nmetadata: {{name: {name}, uid: {name}}}\nstatus: {{conditions: [{{type: Ready, status: '{ready}'}}]}}\n"
        )
    };
    let one_lost = world(&docs(&[
        &named("a", "True"),
        &named("b", "True"),
        &named("c", "False"),
    ]));
    one_lost.expect("Cluster#nodes/nodes", D);
    let most_lost = world(&docs(&[
        &named("a", "True"),
        &named("b", "False"),
        &named("c", "False"),
    ]));
    most_lost.expect("Cluster#nodes/nodes", F);
    let drained = named("c", "False").replace("status:", "spec: {unschedulable: true}\nstatus:");
    world(&docs(&[&named("a", "True"), &drained])).expect("Cluster#nodes/nodes", P);
}

#[test]
fn namespaces() {
    let make = |extra: &str, status: &str| {
        format!(
            "apiVersion: v1\nkind: Namespace\nmetadata: {{name: shop{extra}}}\nstatus: {{{status}}}\n"
        )
    };
    let ns = "Namespace/shop";
    case("NS-1", &make("", "phase: Active"), ns, P, "ok");
    let going = |age: i64, conditions: &str| {
        make(
            &format!(", deletionTimestamp: '{{ago {age}}}'"),
            &format!("phase: Terminating, conditions: [{conditions}]"),
        )
    };
    case("NS-1", &going(599, ""), ns, U, "terminating");
    case("NS-1", &going(600, ""), ns, F, "stuck-terminating");
    case(
        "NS-1",
        &going(
            9,
            "{type: NamespaceDeletionDiscoveryFailure, status: 'True', message: metrics.k8s.io}",
        ),
        ns,
        F,
        "namespace-deletion-discovery-failure",
    );
}

#[test]
fn extensions_of_the_api() {
    let api = |spec: &str, conditions: &str| {
        format!(
            "apiVersion: apiregistration.k8s.io/v1\nkind: APIService\nmetadata: {{name: v1.example, creationTimestamp: '{{ago 9000}}'}}\nspec: {{{spec}}}\nstatus: {{conditions: [{conditions}]}}\n"
        )
    };
    let path = "APIService/v1.example";
    let remote = "service: {namespace: shop, name: web}";
    case("API-1", &api("", ""), path, P, "local");
    case(
        "API-1",
        &api(remote, "{type: Available, status: 'True'}"),
        path,
        P,
        "ok",
    );
    let down = |since: i64| {
        api(
            remote,
            &format!(
                "{{type: Available, status: 'False', reason: MissingEndpoints, lastTransitionTime: '{{ago {since}}}'}}"
            ),
        )
    };
    case("API-1", &down(59), path, U, "unavailable");
    case("API-1", &down(60), path, F, "unavailable");
    let crd = |spec: &str, status: &str| {
        format!(
            "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: foos.example.com, creationTimestamp: '{{ago 9000}}'}}\nspec: {{group: example.com, names: {{kind: Foo}}, versions: [{{name: v1}}]{spec}}}\nstatus: {{{status}}}\n"
        )
    };
    let path = "CustomResourceDefinition/foos.example.com";
    let established = "conditions: [{type: Established, status: 'True'}, {type: NamesAccepted, status: 'True'}], storedVersions: [v1]";
    case("CRD-1", &crd("", established), path, P, "ok");
    case(
        "CRD-1",
        &crd(
            "",
            &established.replace(
                "NamesAccepted, status: 'True'",
                "NamesAccepted, status: 'False'",
            ),
        ),
        path,
        F,
        "names-not-accepted",
    );
    case(
        "CRD-1",
        &crd(
            "",
            "conditions: [{type: Established, status: 'False', reason: Installing}]",
        ),
        path,
        U,
        "installing",
    );
    case(
        "CRD-1",
        &crd("", &established.replace("[v1]", "[v1beta1, v1]")),
        path,
        F,
        "stored-version-gone",
    );
    case(
        "CRD-1",
        &crd(
            "",
            &established.replace(
                "conditions: [",
                "conditions: [{type: NonStructuralSchema, status: 'True'}, ",
            ),
        ),
        path,
        U,
        "non-structural-schema",
    );
}

#[test]
fn webhooks() {
    let hook = |policy: &str, config: &str| {
        format!(
            "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\nmetadata: {{name: guard}}\nwebhooks: [{{name: guard.example.com, failurePolicy: {policy}, clientConfig: {{{config}}}}}]\n"
        )
    };
    let path = "ValidatingWebhookConfiguration#webhook/guard/guard.example.com";
    let whole = "ValidatingWebhookConfiguration/guard";
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: guard, namespace: shop}\nspec: {type: ExternalName, ports: [{port: 443}]}\n";
    let config = |port: i64| {
        format!("caBundle: eA==, service: {{namespace: shop, name: guard, port: {port}}}")
    };
    case(
        "WH-1",
        &hook("Fail", "url: https://example.com"),
        path,
        P,
        "external",
    );
    case(
        "WH-1",
        &docs(&[&hook("Fail", &config(443)), service]),
        path,
        P,
        "ok",
    );
    case(
        "WH-1",
        &docs(&[&hook("Fail", &config(444)), service]),
        path,
        F,
        "missing-port",
    );
    case(
        "WH-1",
        &docs(&[&hook("Ignore", &config(444)), service]),
        path,
        D,
        "missing-port",
    );
    case(
        "WH-1",
        &docs(&[
            &hook("Fail", "service: {namespace: shop, name: guard}"),
            service,
        ]),
        path,
        U,
        "no-authorities",
    );
    let gone = config(443).replace("name: guard", "name: gone");
    world(&docs(&[&hook("Fail", &gone), service])).expect(whole, F);
    world(&docs(&[&hook("Ignore", &gone), service])).expect(whole, D);
}

#[test]
fn accounts_bindings_and_policies() {
    case(
        "SA-1",
        "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: s, namespace: shop}\n",
        "ServiceAccount/shop/s",
        P,
        "exists",
    );
    let role = "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: reader, namespace: shop}\n";
    let account =
        "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: default, namespace: shop}\n";
    let binding = |role: &str, account: &str| {
        format!(
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {{name: b, namespace: shop}}\nroleRef: {{kind: Role, name: {role}}}\nsubjects: [{{kind: ServiceAccount, name: {account}}}, {{kind: Group, name: 'system:masters'}}]\n"
        )
    };
    case("EXISTS", role, "Role/shop/reader", P, "exists");
    case(
        "RB-1",
        &docs(&[&binding("reader", "default"), role, account]),
        "RoleBinding/shop/b",
        P,
        "exists",
    );
    case(
        "RB-1",
        &docs(&[&binding("gone", "default"), role, account]),
        "RoleBinding/shop/b",
        F,
        "missing",
    );
    case(
        "RB-1",
        &docs(&[&binding("reader", "gone"), role, account]),
        "RoleBinding/shop/b",
        U,
        "missing-subject",
    );
    let policy = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: np, namespace: shop}\nspec: {podSelector: {matchExpressions: [{key: app, operator: In, values: [web]}]}}\n";
    case("NP-1", policy, "NetworkPolicy/shop/np", P, "no-pods");
    case(
        "NP-1",
        &docs(&[policy, &ready_pod("p", ", labels: {app: web}")]),
        "NetworkPolicy/shop/np",
        P,
        "ok",
    );
    let admission = |status: &str| {
        format!(
            "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\nmetadata: {{name: vap}}\nstatus: {{typeChecking: {{expressionWarnings: [{status}]}}}}\n"
        )
    };
    case(
        "VAP-1",
        &admission(""),
        "ValidatingAdmissionPolicy/vap",
        P,
        "ok",
    );
    case(
        "VAP-1",
        &admission("{fieldRef: a, warning: undefined field}"),
        "ValidatingAdmissionPolicy/vap",
        U,
        "type-check-warning",
    );
    let lease = |age: i64| {
        format!(
            "apiVersion: coordination.k8s.io/v1\nkind: Lease\nmetadata: {{name: l, namespace: shop}}\nspec: {{renewTime: '{{ago {age}}}', leaseDurationSeconds: 15}}\n"
        )
    };
    case("LEASE-1", &lease(44), "Lease/shop/l", P, "ok");
    case("LEASE-1", &lease(45), "Lease/shop/l", U, "lease-stale");
}

#[test]
fn autoscalers() {
    let hpa = |current: i64, conditions: &str| {
        format!(
            "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {{name: h, namespace: shop, creationTimestamp: '{{ago 9000}}'}}\nspec: {{maxReplicas: 5, scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: cart}}}}\nstatus: {{currentReplicas: {current}, conditions: [{conditions}]}}\n"
        )
    };
    let path = "HorizontalPodAutoscaler/shop/h";
    let able = "{type: AbleToScale, status: 'True'}";
    case("HPA-1", &hpa(1, able), path, P, "ok");
    case(
        "HPA-1",
        &hpa(
            1,
            "{type: AbleToScale, status: 'False', reason: FailedGetScale}",
        ),
        path,
        F,
        "failed-get-scale",
    );
    case(
        "HPA-1",
        &hpa(
            1,
            "{type: AbleToScale, status: 'False', reason: BackoffDownscale}",
        ),
        path,
        P,
        "backoff-downscale",
    );
    case("HPA-1", &hpa(1, ""), path, U, "not-reported");
    let active = |reason: &str, since: i64| {
        hpa(
            1,
            &format!(
                "{able}, {{type: ScalingActive, status: 'False', reason: {reason}, lastTransitionTime: '{{ago {since}}}'}}"
            ),
        )
    };
    case(
        "HPA-2",
        &active("FailedGetResourceMetric", 299),
        path,
        U,
        "failed-get-resource-metric",
    );
    case(
        "HPA-2",
        &active("FailedGetResourceMetric", 300),
        path,
        F,
        "failed-get-resource-metric",
    );
    case(
        "HPA-2",
        &active("InvalidSelector", 1),
        path,
        F,
        "invalid-selector",
    );
    case(
        "HPA-2",
        &active("ScalingDisabled", 999),
        path,
        P,
        "suspended",
    );
    let rolling = crate::workloads::deployment(
        4,
        "",
        &format!(
            "{}, {}",
            crate::workloads::counts(4, 1, 4),
            crate::workloads::conditions("True", 99, crate::workloads::ROLLING)
        ),
    );
    case(
        "HPA-2",
        &docs(&[&active("FailedGetResourceMetric", 300), &rolling]),
        path,
        U,
        "failed-get-resource-metric",
    );
    let maxed = |since: i64| {
        hpa(
            5,
            &format!(
                "{able}, {{type: ScalingLimited, status: 'True', reason: TooManyReplicas, lastTransitionTime: '{{ago {since}}}'}}"
            ),
        )
    };
    case("HPA-3", &maxed(899), path, P, "maxed");
    case("HPA-3", &maxed(900), path, D, "maxed");
    case(
        "HPA-4",
        &docs(&[&hpa(1, able), &rolling.replace("name: cart", "name: other")]),
        path,
        F,
        "missing",
    );
    case(
        "HPA-4",
        &hpa(1, able).replace("apps/v1, kind: Deployment", "argoproj.io/v1, kind: Rollout"),
        path,
        U,
        "not-in-dump",
    );
}

#[test]
fn disruption_budgets_and_quotas() {
    let pdb = |status: &str| {
        format!(
            "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {{name: p, namespace: shop, generation: 1, creationTimestamp: '{{ago 9000}}'}}\nstatus: {{observedGeneration: 1, {status}}}\n"
        )
    };
    let path = "PodDisruptionBudget/shop/p";
    case(
        "PDB-1",
        &pdb("expectedPods: 3, currentHealthy: 3, desiredHealthy: 2, disruptionsAllowed: 1"),
        path,
        P,
        "ok",
    );
    // Blocked is not violated.
    case(
        "PDB-2",
        &pdb("expectedPods: 3, currentHealthy: 3, desiredHealthy: 3"),
        path,
        P,
        "blocked",
    );
    case("PDB-3", &pdb("expectedPods: 0"), path, P, "no-pods");
    let short = |since: i64| {
        pdb(&format!(
            "expectedPods: 3, currentHealthy: 1, desiredHealthy: 2, conditions: [{{type: DisruptionAllowed, status: 'False', reason: InsufficientPods, lastTransitionTime: '{{ago {since}}}'}}]"
        ))
    };
    case("PDB-1", &short(899), path, D, "violated");
    case("PDB-1", &short(900), path, F, "violated");
    case(
        "PDB-1",
        &pdb(
            "conditions: [{type: Other, status: 'True'}, {type: DisruptionAllowed, status: 'False', reason: SyncFailed}]",
        ),
        path,
        F,
        "sync-failed",
    );
    let quota = |used: &str| {
        format!(
            "apiVersion: v1\nkind: ResourceQuota\nmetadata: {{name: q, namespace: shop}}\nstatus: {{hard: {{cpu: '4', memory: 8Gi}}, used: {{cpu: {used}, memory: 1Gi}}}}\n"
        )
    };
    let path = "ResourceQuota/shop/q";
    case("QUOTA-1", &quota("3500m"), path, P, "ok");
    case("QUOTA-1", &quota("3600m"), path, P, "nearly-full");
    case("QUOTA-1", &quota("'4'"), path, D, "full");
    case("QUOTA-1", &quota("4100m"), path, D, "overrun");
    case("QUOTA-1", &quota("4x"), path, U, "unreadable-quantity");
    let refused = "apiVersion: apps/v1\nkind: ReplicaSet\nmetadata: {name: rs, namespace: shop, generation: 1}\nstatus: {observedGeneration: 1, conditions: [{type: ReplicaFailure, status: 'True', message: 'exceeded quota: q, requested: cpu=1'}]}\n";
    case(
        "QUOTA-1",
        &docs(&[&quota("'4'"), refused]),
        path,
        F,
        "exceeded",
    );
}

#[test]
fn cert_manager() {
    let cert = |status: &str| {
        format!(
            "apiVersion: cert-manager.io/v1\nkind: Certificate\nmetadata: {{name: c, namespace: shop, creationTimestamp: '{{ago 9000}}'}}\nspec: {{secretName: tls, issuerRef: {{name: ca, kind: ClusterIssuer}}}}\nstatus: {{{status}}}\n"
        )
    };
    let path = "cert-manager.io/Certificate/shop/c";
    let ready = "conditions: [{type: Ready, status: 'True'}], notAfter: '{ago -5000000}'";
    case("CERT-1", &cert(ready), path, P, "ok");
    case(
        "CERT-1",
        &cert(&format!("{ready}, renewalTime: '{{ago 3600}}'")),
        path,
        D,
        "renewal-late",
    );
    case(
        "CERT-1",
        &cert(&ready.replace("-5000000", "5")),
        path,
        F,
        "expired",
    );
    let renewing = "conditions: [{type: Ready, status: 'False'}, {type: Issuing, status: 'True', lastTransitionTime: '{ago 100}'}]";
    case(
        "CERT-1",
        &cert(&format!("{renewing}, notAfter: '{{ago -9000}}'")),
        path,
        P,
        "renewing",
    );
    case("CERT-1", &cert(renewing), path, U, "progressing");
    case(
        "CERT-1",
        &cert(&format!("{renewing}, failedIssuanceAttempts: 1")),
        path,
        F,
        "issuance-failed",
    );
    let late = "conditions: [{type: Ready, status: 'True'}, {type: Issuing, status: 'True'}], failedIssuanceAttempts: 2, notAfter: '{ago -9000}'";
    case("CERT-1", &cert(late), path, F, "renewal-failed");
    let issuer = |status: &str| {
        format!(
            "apiVersion: cert-manager.io/v1\nkind: ClusterIssuer\nmetadata: {{name: ca}}\nstatus: {{conditions: [{status}]}}\n"
        )
    };
    let path = "cert-manager.io/ClusterIssuer/ca";
    case(
        "ISS-1",
        &issuer("{type: Ready, status: 'True'}"),
        path,
        P,
        "ok",
    );
    case(
        "ISS-1",
        &issuer("{type: Ready, status: 'False', reason: ErrInitIssuer}"),
        path,
        F,
        "err-init-issuer",
    );
    case("ISS-1", &issuer(""), path, U, "not-reported");
}

fn foo(extra: &str, body: &str) -> String {
    format!(
        "apiVersion: example.com/v1\nkind: Foo\nmetadata: {{name: f, namespace: shop, generation: 2, creationTimestamp: '{{ago 9000}}'{extra}}}\n{body}\n"
    )
}

const FOO: &str = "example.com/Foo/shop/f";

#[test]
fn custom_resources() {
    let status = |status: &str| foo("", &format!("status: {{{status}}}"));
    let said = |condition: &str| status(&format!("conditions: [{condition}]"));
    case(
        "G4",
        &status("observedGeneration: 1, conditions: [{type: Ready, status: 'True'}]"),
        FOO,
        U,
        "stale-status",
    );
    case(
        "CR-2",
        &foo(
            "",
            "spec: {suspend: true}\nstatus: {conditions: [{type: Ready, status: 'False', reason: Failed}]}",
        ),
        FOO,
        P,
        "suspended",
    );
    case(
        "CR-2",
        &said("{type: Paused, status: 'True'}"),
        FOO,
        P,
        "suspended",
    );
    case(
        "CR-2",
        &foo(", annotations: {cluster.x-k8s.io/paused: ''}", ""),
        FOO,
        P,
        "suspended",
    );
    case(
        "CR-3",
        &said("{type: Stalled, status: 'True'}"),
        FOO,
        F,
        "stalled",
    );
    quiet(
        "CR-3",
        &said("{type: Stalled, status: 'False'}, {type: Ready, status: 'True'}"),
        FOO,
    );
    case(
        "CR-3",
        &status("failureMessage: no such image"),
        FOO,
        F,
        "failure-reported",
    );
    case(
        "CR-4",
        &said("{type: Reconciling, status: 'True'}"),
        FOO,
        U,
        "progressing",
    );
    case(
        "CR-5",
        &said("{type: Ready, status: 'False', reason: ImageNotFound}"),
        FOO,
        F,
        "image-not-found",
    );
    let pending = |since: i64| {
        said(&format!(
            "{{type: Ready, status: 'False', reason: Provisioning, lastTransitionTime: '{{ago {since}}}'}}"
        ))
    };
    case("CR-5", &pending(899), FOO, U, "progressing");
    // A controller that says "soon" for ever.
    case("CR-5", &pending(900), FOO, F, "still-not-ready");
    case(
        "CR-5",
        &said("{type: Ready, status: Unknown}"),
        FOO,
        U,
        "condition-unknown",
    );
    quiet(
        "CR-5",
        &said("{type: Complete, status: 'False'}, {type: Ready, status: 'True'}"),
        FOO,
    );
    // Conditions of an older generation say nothing.
    quiet(
        "CR-5",
        &said(
            "{type: Synced, status: 'False', reason: Failed, observedGeneration: 1}, {type: Ready, status: 'True'}",
        ),
        FOO,
    );
    case(
        "CR-5",
        &status("ancestors: [{conditions: [{type: Accepted, status: 'False', reason: Invalid}]}]"),
        FOO,
        F,
        "invalid",
    );
    case("CR-6", &status("phase: Failed"), FOO, F, "failed");
    case("CR-6", &status("phase: Running"), FOO, P, "ok");
    case(
        "CR-6",
        &status("phase: Contemplating"),
        FOO,
        U,
        "unknown-phase",
    );
    case("CR-7", &said("{type: Ready, status: 'True'}"), FOO, P, "ok");
    case("CR-7", &status("ready: false"), FOO, F, "not-ready");
    case("CR-7", &foo("", ""), FOO, P, "no-signal");
}

/// C-04: a resource whose definition promises conditions is not well before it has any.
#[test]
fn c04_the_definition_tells_whether_silence_is_golden() {
    let crd = |schema: &str| {
        format!(
            "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: foos.example.com}}\nspec: {{group: example.com, names: {{kind: Foo}}, versions: [{{name: v1, schema: {{openAPIV3Schema: {{properties: {{{schema}}}}}}}}}]}}\n"
        )
    };
    let promises = crd("status: {properties: {conditions: {type: array}}}");
    case(
        "CR-1",
        &docs(&[&foo("", ""), &promises]),
        FOO,
        U,
        "not-observed",
    );
    case(
        "CR-7",
        &docs(&[&foo("", ""), &crd("spec: {}")]),
        FOO,
        P,
        "no-signal",
    );
    case(
        "CR-7",
        &docs(&[
            &foo("", "status: {conditions: [{type: Ready, status: 'True'}]}"),
            &promises,
        ]),
        FOO,
        P,
        "ok",
    );
}
