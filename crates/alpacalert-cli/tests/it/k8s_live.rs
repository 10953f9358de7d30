//! `alpacalert k8s` on a real control plane, beside a dump of it, and two clusters in one configuration.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use alpacalert_testkit::{ControlPlane, wait_until};
use serde_json::{Value, json};

use crate::program::{Said, alpacalert, folder, said};

fn workload(name: &str, sim: &str, image: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}, namespace: shop, labels: {{tier: {name}}}}}\nspec:\n  replicas: 2\n  progressDeadlineSeconds: 5\n  selector: {{matchLabels: {{app: {name}}}}}\n  template:\n    metadata: {{labels: {{app: {name}, sim: {sim}}}}}\n    spec: {{containers: [{{name: app, image: '{image}'}}]}}\n---\n"
    )
}

/// A cluster with a broken rollout, and with other things that are well and not.
fn cluster() -> Option<ControlPlane> {
    let mut plane = ControlPlane::start()?;
    plane.start_kwok(ControlPlane::STAGES);
    let mut yaml = String::from(
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: quiet}\n---\napiVersion: v1\nkind: Node\nmetadata: {name: n1}\n---\n",
    );
    yaml += &workload("cart", "ready", "shop/cart:1");
    yaml += &workload("web", "ready", "shop/web:1");
    yaml += "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop}\nspec: {selector: {app: web}, ports: [{port: 80}]}\n---\n";
    yaml += "apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: lb}\nspec: {controller: example.com/lb}\n---\napiVersion: storage.k8s.io/v1\nkind: CSIDriver\nmetadata: {name: nobody.example.com}\nspec: {}\n---\n";
    yaml += "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web, namespace: shop}\nspec: {ingressClassName: lb, defaultBackend: {service: {name: web, port: {number: 80}}}}\n---\n";
    yaml += "apiVersion: batch/v1\nkind: Job\nmetadata: {name: import, namespace: shop}\nspec: {backoffLimit: 0, template: {metadata: {labels: {sim: fails}}, spec: {restartPolicy: Never, containers: [{name: app, image: x}]}}}\n---\n";
    yaml += "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data, namespace: shop}\nspec: {accessModes: [ReadWriteOnce], storageClassName: late, resources: {requests: {storage: 1Gi}}}\n---\n";
    yaml += "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: late}\nprovisioner: nobody.example.com\nvolumeBindingMode: WaitForFirstConsumer\n";
    plane.apply(&yaml);
    let until = |name: &str, condition: &str, status: &str| {
        wait_until(Duration::from_secs(60), || {
            let found = plane.get(&["deployment", name, "-n", "shop"]);
            let conditions = found["status"]["conditions"].as_array().cloned();
            let holds = conditions.unwrap_or_default().iter().any(|known| {
                known["type"] == condition
                    && known["status"] == status
                    && known["reason"] != "ReplicaSetUpdated"
            });
            if holds { Ok(()) } else { Err(found) }
        });
    };
    until("cart", "Progressing", "True");
    until("web", "Progressing", "True");
    plane.apply(&workload("cart", "no-image", "shop/cart:typo"));
    until("cart", "Progressing", "False");
    Some(plane)
}

fn on(plane: &ControlPlane, arguments: &[&str]) -> Said {
    let kubeconfig = plane.kubeconfig("admin").display().to_string();
    let mut all = vec!["k8s", "--kubeconfig", &kubeconfig];
    all.extend(arguments);
    said(&mut alpacalert(&all))
}

/// One line for each object: what it is, how it is, and why.
fn verdicts(said: &Said) -> Vec<String> {
    let records: Vec<Value> = serde_json::from_str(&said.out)
        .unwrap_or_else(|error| panic!("no records: {error}: {said:?}"));
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let line = |record: &Value| {
        let keys = [
            "apiVersion",
            "kind",
            "namespace",
            "name",
            "state",
            "reason",
            "owner",
        ];
        let words: Vec<String> = keys.iter().map(|key| text(&record[*key])).collect();
        format!("{} {}", words.join(" "), record["children"])
    };
    let mut lines: Vec<String> = records.iter().map(line).collect();
    lines.sort();
    lines
}

/// Everything in one test: a control plane takes its time to start.
#[test]
fn a_real_control_plane_is_judged_like_its_dump() {
    let Some(mut plane) = cluster() else { return };
    the_cause_stands_first(&plane);
    what_is_asked_for_is_shown(&plane);
    who_may_not_ask_is_told(&plane);
    // From here on nothing changes any more.
    plane.stop("kwok");
    a_dump_says_the_same(&plane);
    two_clusters_in_one_configuration(&plane);
}

/// Somebody who knows Kubernetes sees the cause of a broken rollout in the first three lines.
fn the_cause_stands_first(plane: &ControlPlane) {
    const CAUSE: &str = "Back-off pulling image \"shop/cart:typo\"";
    for arguments in [&["-n", "shop", "deploy/cart"][..], &["-n", "shop"], &[]] {
        let said = on(plane, arguments);
        assert_eq!(said.code, 2, "{said:?}");
        let first: Vec<&str> = said.out.lines().take(3).collect();
        let first = first.join("\n");
        // With a failed Job beside it the sentence at the top has two causes to name.
        assert!(first.contains(CAUSE), "{arguments:?}:\n{}", said.out);
        assert!(first.contains("cart"), "{first}");
    }
}

fn what_is_asked_for_is_shown(plane: &ControlPlane) {
    let code = |arguments: &[&str]| on(plane, arguments).code;
    assert_eq!(code(&["-n", "shop", "deploy/web", "svc/web", "ing"]), 3);
    assert_eq!(code(&["-n", "shop", "deploy/web", "svc/web"]), 0);
    assert_eq!(code(&["-n", "quiet"]), 0);
    assert_eq!(code(&["-n", "quiet", "-n", "shop"]), 2);
    assert_eq!(code(&["-A", "-l", "tier=web"]), 0);
    assert_eq!(code(&["-l", "tier in (web, cart)"]), 2);
    assert_eq!(code(&["nodes"]), 0);
    assert_eq!(
        code(&["kubernetes.io/Deployment/web", "--context", "test"]),
        0
    );
    // The claim that waits for its first pod is well, and would not be by its own word.
    assert_eq!(code(&["pvc/data"]), 0);
    let table = on(plane, &["-n", "shop", "-o", "table", "--only", "failing"]);
    assert!(
        table.out.contains("Job") && table.out.contains("import"),
        "{}",
        table.out
    );
    assert!(!table.out.contains("passing"), "{}", table.out);
    let all = verdicts(&on(plane, &["-o", "json"]));
    assert!(all.iter().any(|line| line.contains(" Secret ")) || all.len() > 30);
    let own = on(plane, &["-n", "shop", "--own", "-o", "json"]);
    let own = verdicts(&own);
    let ingress = own.iter().find(|line| line.contains(" Ingress "));
    assert!(ingress.is_some_and(|line| line.ends_with("[]")), "{own:#?}");
    let none = on(plane, &["-n", "shop", "deploy/car"]);
    assert_eq!(none.code, 64, "{none:?}");
    assert!(none.err.contains("did you mean `cart`"), "{}", none.err);
}

fn who_may_not_ask_is_told(plane: &ControlPlane) {
    let asking = |user: &str, more: &[&str]| {
        let kubeconfig = plane.kubeconfig(user).display().to_string();
        let mut all = vec!["k8s", "--kubeconfig", &kubeconfig];
        all.extend(more);
        said(&mut alpacalert(&all))
    };
    let stranger = asking("stranger", &[]);
    assert_eq!(stranger.code, 74, "{stranger:?}");
    assert!(
        stranger.err.contains("it does not know us (401"),
        "{stranger:?}"
    );
    let view = asking("view", &[]);
    assert_eq!(view.code, 74, "{view:?}");
    assert!(view.err.contains("cannot list resource"), "{view:?}");
    // May see one namespace, and says which.
    plane.kubectl(&[
        "create",
        "rolebinding",
        "view",
        "-n",
        "quiet",
        "--clusterrole=view",
        "--user=viewer",
    ]);
    wait_until(Duration::from_secs(10), || {
        let said = asking("view", &["-n", "quiet", "sa/default"]);
        if said.code == 0 { Ok(()) } else { Err(said) }
    });
    let context = asking("admin", &["--context", "tets"]);
    assert_eq!(context.code, 74, "{context:?}");
    assert!(
        context
            .err
            .contains("no context `tets`; did you mean `test`?"),
        "{context:?}"
    );
}

/// Live and from a dump of the same moment: the same verdicts, reasons, owners and trees.
fn a_dump_says_the_same(plane: &ControlPlane) {
    // What a cluster has beside what is looked at.
    const OTHERS: &[&str] = &[
        "events",
        "flowschemas",
        "prioritylevelconfigurations",
        "ipaddresses",
        "servicecidrs",
        "endpoints",
        "componentstatuses",
        "leases",
    ];
    let names = plane.kubectl(&["api-resources", "--verbs=list", "-o", "name"]);
    let is_looked_at = |name: &&str| {
        let plural = name.split('.').next().unwrap_or_default();
        !OTHERS.contains(&plural)
    };
    let names: Vec<&str> = names.lines().filter(is_looked_at).collect();
    let live = on(plane, &["-o", "json"]);
    let tree = on(plane, &["--all"]);
    let now = jiff::Timestamp::now().to_string();
    let dump = plane.kubectl(&["get", &names.join(","), "-A", "-o", "yaml"]);
    let kept = alpacalert_testkit::temp_dir();
    // The name of a dump is that of its file, and stands in the tree.
    let file = kept.path().join("kubernetes.yaml");
    std::fs::write(&file, &dump).expect("the dump can be written");
    let from = |arguments: &[&str]| {
        let file = file.display().to_string();
        let mut all = vec!["k8s", "--from", &file, "--at", &now];
        all.extend(arguments);
        said(&mut alpacalert(&all))
    };
    let saved = from(&["-o", "json"]);
    assert_eq!(live.code, saved.code);
    let (live, saved) = (verdicts(&live), verdicts(&saved));
    // The one thing that a dump cannot tell: whether there are no slices, or none that were saved.
    let known = |line: &String| line.replace(" unmanaged ", " not-in-dump ");
    let live: Vec<String> = live.iter().map(known).collect();
    assert!(live.len() > 50, "{live:#?}");
    assert_same(&live, &saved);
    assert_same(&shape(&tree.out), &shape(&from(&["--all"]).out));
    piped(&dump, &now, &saved);
}

/// Shows what differs, out of hundreds of lines.
#[track_caller]
fn assert_same(live: &[String], saved: &[String]) {
    let missing = |from: &[String], of: &[String]| -> Vec<String> {
        let differs = of.iter().filter(|line| !from.contains(line));
        differs.cloned().collect()
    };
    let (only_live, only_saved) = (missing(saved, live), missing(live, saved));
    assert!(
        only_live.is_empty() && only_saved.is_empty(),
        "only live: {only_live:#?}\nonly in the dump: {only_saved:#?}"
    );
}

/// A tree without ages: how it is built, and the state of everything.
fn shape(tree: &str) -> Vec<String> {
    let cut = |line: &str| line.split("  ").take(2).collect::<Vec<_>>().join(" ");
    tree.lines()
        .skip(1)
        .map(cut)
        .filter(|line| !line.starts_with("checks:"))
        .collect()
}

/// The same from standard input.
fn piped(dump: &str, at: &str, expected: &[String]) {
    use std::io::Write as _;
    let mut command = alpacalert(&["k8s", "--from", "-", "--at", at, "-o", "json"]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut input = child.stdin.take().expect("its input");
    let text = dump.to_owned();
    let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("no panic").expect("it reads all");
    let said = Said {
        code: 0,
        out: String::from_utf8(output.stdout).expect("UTF-8"),
        err: String::new(),
    };
    // The name of the dump owns what nobody else does.
    let anonymous = |line: &String| line.replace(" kubernetes [", " dump [");
    assert_eq!(
        verdicts(&said),
        expected.iter().map(anonymous).collect::<Vec<_>>()
    );
}

/// Two clusters, a sensor that somebody adds to a kind, and members by a selector.
fn two_clusters_in_one_configuration(plane: &ControlPlane) {
    let Some(other) = ControlPlane::bare() else {
        return;
    };
    other.apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n");
    other.apply("apiVersion: v1\nkind: Pod\nmetadata: {name: solo, namespace: shop, labels: {app: web}}\nspec: {nodeName: n9, containers: [{name: app, image: x}]}\n");
    other.status(
        "pod",
        "shop",
        "solo",
        &json!({"phase": "Failed", "reason": "Evicted", "message": "the node was low on memory"}),
    );
    let configuration = |folder: &Path| {
        let note = folder.join("asked").display().to_string();
        format!(
            "instance: both\nsources:\n  one: {{ kubernetes: {{ kubeconfig: '{}' }} }}\n  two: {{ kubernetes: {{ kubeconfig: '{}', context: test }} }}\nsystems:\n  web-one:\n    all: [ {{ kubernetes.io/Pod: {{ source: one, namespace: shop, selector: app=web, at_least: 2 }} }} ]\n  web-two:\n    all: [ {{ kubernetes.io/Pod: {{ source: two, namespace: shop, selector: app=web }} }} ]\n  data:\n    all: [ {{ kubernetes.io/PersistentVolumeClaim: {{ source: one, namespace: shop, name: data }} }} ]\n  unfinished:\n    all: [ {{ kubernetes.io/Deployment: {{ source: one, namespace: shop, name: cart }} }} ]\nextend:\n  kubernetes.io/PersistentVolumeClaim:\n    - exec: {{ command: [sh, -c, 'echo \"{{namespace}}/{{name}}\" >> {note}; exit 1'] }}\n  kubernetes.io/Pod#container:\n    - exec: {{ command: [sh, -c, 'echo \"{{pod}} {{container}}\" >> {note}'] }}\n",
            plane.kubeconfig("admin").display(),
            other.kubeconfig("admin").display(),
        )
    };
    let folder = folder("");
    std::fs::write(
        folder.path().join("alpacalert.yaml"),
        configuration(folder.path()),
    )
    .expect("the configuration can be written");
    let check = |nodes: &[&str]| {
        let mut all = vec!["check"];
        all.extend(nodes);
        said(alpacalert(&all).current_dir(folder.path()))
    };
    assert_eq!(check(&["web-one"]).code, 0, "{:?}", check(&["web-one"]));
    let two = check(&["web-two"]);
    assert_eq!(two.code, 2, "{two:?}");
    assert!(two.out.contains("low on memory"), "{}", two.out);
    // The claim itself is well: what was added to its kind says Degraded, which is 1 to a plugin.
    let data = check(&["data"]);
    assert_eq!(data.code, 1, "{data:?}");
    let asked = std::fs::read_to_string(folder.path().join("asked")).unwrap_or_default();
    assert!(asked.contains("shop/data\n"), "{asked}");
    let containers = asked.lines().filter(|line| line.ends_with(" app")).count();
    // Those of both pods of `web`, in the one cluster and in the other.
    assert!(containers >= 3, "{asked}");
}
