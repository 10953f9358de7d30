//! Claims, volumes and what is kept in them.

use crate::support::*;

const PVC: &str = "PersistentVolumeClaim/shop/data";

fn claim(age: i64, spec: &str, status: &str) -> String {
    format!(
        "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {{name: data, namespace: shop, uid: pvc, creationTimestamp: '{{ago {age}}}'}}\nspec: {{{spec}}}\nstatus: {{{status}}}\n"
    )
}

fn class(name: &str, mode: &str, extra: &str) -> String {
    format!(
        "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {{name: {name}, uid: {name}{extra}}}\nprovisioner: csi.example.com\nvolumeBindingMode: {mode}\n"
    )
}

fn consumer(age: i64) -> String {
    pod(
        "user",
        "",
        "containers: [{name: app}], volumes: [{name: v, persistentVolumeClaim: {claimName: data}}]",
        "phase: Pending",
    )
    .replace("{ago 3600}", &format!("{{ago {age}}}"))
}

#[test]
fn claims() {
    case("PVC-1", &claim(9000, "", "phase: Bound"), PVC, P, "ok");
    case("PVC-1", &claim(9000, "", "phase: Lost"), PVC, F, "lost");
    let immediate = class("fast", "Immediate", "");
    case(
        "PVC-1",
        &docs(&[
            &claim(299, "storageClassName: fast", "phase: Pending"),
            &immediate,
        ]),
        PVC,
        U,
        "pending",
    );
    case(
        "PVC-1",
        &docs(&[
            &claim(300, "storageClassName: fast", "phase: Pending"),
            &immediate,
        ]),
        PVC,
        F,
        "pending",
    );
    for (condition, state, reason) in [
        ("FileSystemResizePending", D, "file-system-resize-pending"),
        ("NodeResizeError", F, "node-resize-error"),
    ] {
        case(
            "PVC-2",
            &claim(
                9000,
                "",
                &format!("phase: Bound, conditions: [{{type: {condition}, status: 'True'}}]"),
            ),
            PVC,
            state,
            reason,
        );
    }
    case(
        "PVC-2",
        &claim(
            9000,
            "",
            "phase: Bound, allocatedResourceStatuses: {storage: ControllerResizeInfeasible}",
        ),
        PVC,
        F,
        "controller-resize-infeasible",
    );
    case(
        "PVC-3",
        &docs(&[
            &claim(9000, "storageClassName: gone", "phase: Pending"),
            &immediate,
        ]),
        PVC,
        F,
        "missing",
    );
    case(
        "PVC-3",
        &docs(&[&claim(9000, "", "phase: Pending"), &immediate]),
        PVC,
        U,
        "no-class",
    );
    // A bound claim does not need its class any more.
    quiet(
        "PVC-3",
        &docs(&[
            &claim(9000, "storageClassName: gone", "phase: Bound"),
            &immediate,
        ]),
        PVC,
    );
    let volume = |uid: &str| {
        format!(
            "apiVersion: v1\nkind: PersistentVolume\nmetadata: {{name: pv1}}\nspec: {{claimRef: {{namespace: shop, name: data, uid: {uid}}}}}\nstatus: {{phase: Bound}}\n"
        )
    };
    let bound = claim(9000, "volumeName: pv1", "phase: Bound");
    case(
        "PVC-4",
        &docs(&[&bound, &volume("another")]),
        PVC,
        F,
        "volume-of-another",
    );
    world(&docs(&[&bound, &volume("pvc")])).expect(PVC, P);
    world(&docs(&[
        &bound,
        &volume("pvc").replace("name: pv1", "name: pv2"),
    ]))
    .expect(PVC, F);
}

/// C-02: nothing is wrong with a claim that waits for its first pod; the class in the cache tells.
#[test]
fn c02_a_claim_that_waits_for_its_first_pod_passes() {
    let late = class("late", "WaitForFirstConsumer", "");
    let waits = claim(9000, "storageClassName: late", "phase: Pending");
    let some_pod = ready_pod("p", "");
    case(
        "PVC-1",
        &docs(&[&waits, &late, &some_pod]),
        PVC,
        P,
        "waiting-for-consumer",
    );
    case(
        "PVC-1",
        &docs(&[&waits, &late, &consumer(299)]),
        PVC,
        U,
        "pending",
    );
    case(
        "PVC-1",
        &docs(&[&waits, &late, &consumer(300)]),
        PVC,
        F,
        "pending",
    );
    // A pod that has ended does not wait.
    let ended = consumer(9000).replace("phase: Pending", "phase: Succeeded");
    case(
        "PVC-1",
        &docs(&[&waits, &late, &ended]),
        PVC,
        P,
        "waiting-for-consumer",
    );
    // The default class counts for a claim that names none.
    let default = class(
        "late",
        "WaitForFirstConsumer",
        ", annotations: {storageclass.kubernetes.io/is-default-class: 'true'}",
    );
    case(
        "PVC-1",
        &docs(&[&claim(9000, "", "phase: Pending"), &default, &some_pod]),
        PVC,
        P,
        "waiting-for-consumer",
    );
}

#[test]
fn volumes_attachments_and_classes() {
    let volume = |age: i64, status: &str| {
        format!(
            "apiVersion: v1\nkind: PersistentVolume\nmetadata: {{name: pv1, uid: pv, creationTimestamp: '{{ago {age}}}'}}\nstatus: {{{status}}}\n"
        )
    };
    let pv = "PersistentVolume/pv1";
    case("PV-1", &volume(9, "phase: Bound"), pv, P, "ok");
    case("PV-1", &volume(9, "phase: Released"), pv, P, "released");
    case(
        "PV-1",
        &volume(9, "phase: Failed, message: no"),
        pv,
        F,
        "failed",
    );
    case("PV-1", &volume(299, "phase: Pending"), pv, U, "pending");
    case("PV-1", &volume(300, "phase: Pending"), pv, F, "pending");
    let attachment = |age: i64, status: &str| {
        format!(
            "apiVersion: storage.k8s.io/v1\nkind: VolumeAttachment\nmetadata: {{name: va, creationTimestamp: '{{ago {age}}}'}}\nspec: {{nodeName: n1, source: {{persistentVolumeName: pv1}}}}\nstatus: {{{status}}}\n"
        )
    };
    let va = "VolumeAttachment/va";
    case("VA-1", &attachment(9, "attached: true"), va, P, "ok");
    case(
        "VA-1",
        &attachment(119, "attached: false"),
        va,
        U,
        "attaching",
    );
    case(
        "VA-1",
        &attachment(120, "attached: false"),
        va,
        F,
        "attaching",
    );
    case(
        "VA-1",
        &attachment(120, "attached: false, attachError: {message: no such disk}"),
        va,
        F,
        "attach-error",
    );
    // The real cause of a container that is being created for ever.
    world(&docs(&[
        &volume(9000, "phase: Bound"),
        &attachment(900, "attachError: {message: no such disk}"),
    ]))
    .expect(pv, F);
    let local = "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: local}\nprovisioner: kubernetes.io/no-provisioner\n";
    case("SC-1", local, "StorageClass/local", P, "ok");
}

/// A certificate that ends on 2026-12-01, as a Secret holds it.
fn certificate() -> String {
    use base64::Engine;
    let mut params =
        rcgen::CertificateParams::new(vec!["shop.example.com".to_owned()]).expect("a name");
    params.not_after = rcgen::date_time_ymd(2026, 12, 1);
    let key = rcgen::KeyPair::generate().expect("a key");
    let pem = params.self_signed(&key).expect("a certificate").pem();
    base64::engine::general_purpose::STANDARD.encode(pem)
}

#[test]
fn secrets_and_config_maps() {
    let tls = |data: &str| {
        format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: tls, namespace: shop}}\ntype: kubernetes.io/tls\ndata: {{{data}}}\n"
        )
    };
    let secret = "Secret/shop/tls";
    let both = format!("tls.crt: {}, tls.key: eA==", certificate());
    let at = |moment: &str| findings(&cluster(&tls(&both)), secret, moment)[0].clone();
    assert_eq!(
        (
            at("2026-11-22T12:00:00Z").rule,
            at("2026-11-22T12:00:00Z").state
        ),
        ("SEC-1", P)
    );
    assert_eq!(at("2026-11-25T00:00:00Z").state, D);
    assert_eq!(at("2026-12-01T00:00:01Z").reason.as_str(), "expired");
    case("SEC-1", &tls("tls.crt: eA=="), secret, F, "missing-key");
    case(
        "SEC-1",
        &tls("tls.crt: eA==, tls.key: eA=="),
        secret,
        U,
        "unreadable-certificate",
    );
    case(
        "CM-1",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: shop}\n",
        "ConfigMap/shop/c",
        P,
        "exists",
    );
}
