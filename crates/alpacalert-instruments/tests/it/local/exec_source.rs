//! The source `exec`: programs that print blueprints, good and hostile ones.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use alpacalert_instrument::model::{Effect, Observation, Role, State};
use alpacalert_instrument::{
    Assembly, Builder, Context, Kind, Params, Request, Scope, Snapshots, Source, Target, Timestamp,
    Value, fetch_guarded,
};

use super::{text, value};

fn source(command: &[&str]) -> Arc<dyn Source> {
    let words = command.iter().map(|word| Value::Text((*word).to_owned()));
    let params = Params::new().with("command", Value::List(words.collect()));
    let registry = alpacalert_instruments::registry();
    let provider = registry.source("exec").unwrap();
    provider.source(&"spool".into(), &params).unwrap()
}

fn cx() -> Context {
    Context::default().with_timeout(Duration::from_secs(10))
}

/// What the graph would be given by a program that prints `json`.
async fn assemble(json: &str) -> Assembly {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), json).unwrap();
    assemble_with(
        &alpacalert_instruments::registry(),
        &["cat", file.path().to_str().unwrap()],
    )
    .await
}

async fn assemble_with(registry: &alpacalert_instrument::Registry, command: &[&str]) -> Assembly {
    let source = source(command);
    let snapshot = fetch_guarded(&*source, &cx()).await.unwrap();
    let snapshots = Snapshots::new();
    let mut builder = Builder::new(registry, &snapshots, Default::default(), Timestamp::now());
    source.assemble(&snapshot, &mut builder).unwrap();
    builder.finish()
}

/// The error of a program that prints or does what it should not.
async fn error(script: &str) -> (String, String) {
    let source = source(&["sh", "-c", script]);
    let cx = Context::default().with_timeout(Duration::from_secs(3));
    let error = fetch_guarded(&*source, &cx).await.unwrap_err();
    (error.reason().to_string(), error.chain())
}

/// The observations by kind and reference.
fn observations(assembly: &Assembly) -> BTreeMap<String, &Observation> {
    let known = assembly.observations.iter();
    known
        .map(|(id, seen)| (format!("{}/{}", id.kind(), id.reference()), seen))
        .collect()
}

fn document(nodes: &str) -> String {
    format!(r#"{{"version": 1, "nodes": [{nodes}]}}"#)
}

const GOOD: &str = r#"
    {"kind": "a.example/System", "reference": "s", "title": "the system", "owner": "us", "service": {"public": true},
     "rule": {"at_least": 1}, "degraded_below": 2,
     "members": [{"kind": "a.example/Part", "reference": "p", "effect": "degrades", "weight": 3}, {"kind": "a.example/Gone", "reference": "g"}]},
    {"kind": "a.example/Part", "reference": "p", "observation": {
     "measurements": [{"name": "load", "value": 7, "unit": "%", "degraded": {"above": 5}, "failing": {"outside": [0, 9]}}]}}"#;

#[tokio::test]
async fn a_blueprint_becomes_sensors_and_systems() {
    let assembly = assemble(&document(GOOD)).await;
    let nodes = &assembly.blueprint.nodes;
    let system = &nodes[0];
    assert_eq!(system.id.to_string(), "spool/a.example/System/s");
    assert_eq!(
        (&*system.title, system.owner.as_deref()),
        ("the system", Some("us"))
    );
    assert!(system.service.as_ref().unwrap().public);
    assert!(matches!(
        system.role,
        Role::System {
            degraded_below: Some(2),
            ..
        }
    ));
    assert_eq!(system.members.len(), 2);
    assert_eq!(
        (system.members[0].edge.effect, system.members[0].edge.weight),
        (Effect::Degrades, 3)
    );
    assert_eq!(nodes[1].role, Role::Sensor);
    let seen = observations(&assembly)["a.example/Part/p"].clone();
    assert_eq!(
        (seen.state, seen.reason.as_str()),
        (State::Degraded, "limit")
    );
    assert_eq!(text(&seen), "load 7 % (degraded > 5 %)");
}

#[tokio::test]
async fn what_users_add_to_a_kind_appears_where_a_program_prints_it() {
    let mut registry = alpacalert_instruments::registry();
    registry.register(
        Kind::of("a.example/Part"),
        |target: &Target, scope: &mut Scope<'_, '_>| {
            assert_eq!(target.fields["reference"], "p");
            let params = Params::new().with_text("path", "/etc/passwd");
            let request =
                Request::local(Kind::of("alpacalert.io/File"), "passwd").with_params(params);
            scope.require(request, Effect::Required);
            Ok(())
        },
    );
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), document(GOOD)).unwrap();
    let assembly = assemble_with(&registry, &["cat", file.path().to_str().unwrap()]).await;
    let part = assembly.blueprint.nodes.iter().find(|node| {
        node.id.reference().as_ref() == "p" && matches!(node.role, Role::System { .. })
    });
    let members: Vec<_> = part
        .unwrap()
        .members
        .iter()
        .map(|m| m.id.kind().to_string())
        .collect();
    assert_eq!(members, ["a.example/Part#sensor", "alpacalert.io/File"]);
    assert_eq!(assembly.sensors.len(), 1);
}

/// Nodes that are wrong, with what the message says.
const BAD: &[(&str, &str)] = &[
    (r#""title": 5"#, "invalid type"),
    (r#""titel": "x""#, "unknown field `titel`"),
    (
        r#""observation": {"state": "green"}"#,
        "unknown variant `green`",
    ),
    (
        r#""observation": {"reason": "Not A Code"}"#,
        "a reason is 1 to 64",
    ),
    (
        r#""observation": {"observed_at": "yesterday"}"#,
        "observed_at",
    ),
    (
        r#""observation": {"measurements": [{"name": "x", "value": null}]}"#,
        "invalid type",
    ),
    (
        r#""observation": {"measurements": [{"name": "x", "value": 1, "unit": "furlong"}]}"#,
        "unknown variant `furlong`",
    ),
    (
        r#""observation": {"measurements": [{"name": "x", "value": 1, "failing": {"inside": [2, 1]}}]}"#,
        "a bound from 2 to 1",
    ),
    (r#""rule": {"percent": 101}"#, "101 percent"),
    (r#""rule": "most""#, "unknown variant `most`"),
    (r#""rule": {"at_least": -1}"#, "invalid value"),
    (
        r#""members": [{"kind": "nothing", "reference": "x"}]"#,
        "is not a kind",
    ),
    (
        r#""members": [{"kind": "a.example/X", "reference": ""}]"#,
        "a reference has",
    ),
    (
        r#""members": [{"kind": "alpacalert.io/Exec", "reference": "x"}]"#,
        "is ours",
    ),
    (
        r#""members": [{"kind": "a.example/X", "reference": "x", "weight": 0}]"#,
        "at least 1",
    ),
    (
        r#""members": [{"kind": "a.example/X", "reference": "x", "effect": "none"}]"#,
        "unknown variant `none`",
    ),
];

fn bad_node(rest: &str) -> String {
    format!(r#"{{"kind": "a.example/Bad", "reference": "b", {rest}}}"#)
}

#[tokio::test]
async fn what_is_wrong_with_a_node_makes_that_node_unknown_and_no_other() {
    for (rest, expected) in BAD {
        let assembly = assemble(&document(&format!("{},{GOOD}", bad_node(rest)))).await;
        let all = observations(&assembly);
        let bad = all["a.example/Bad/b"];
        assert_eq!(
            (bad.state, bad.reason.as_str()),
            (State::Unknown, "bad-node"),
            "{rest}"
        );
        assert!(text(bad).contains(expected), "{rest}: {}", text(bad));
        assert_eq!(all["a.example/Part/p"].state, State::Degraded, "{rest}");
        assert_eq!(assembly.blueprint.nodes.len(), 3);
    }
}

#[tokio::test]
async fn nodes_without_a_valid_name_are_told_of() {
    let long = format!(
        r#"{{"kind": "a.example/X", "reference": "{}"}}"#,
        "x".repeat(2000)
    );
    let nameless = [
        "5",
        "{}",
        r#"{"kind": "nothing", "reference": "x"}"#,
        r#"{"kind": "alpacalert.io/Host", "reference": "x"}"#,
        r#"{"kind": "a.example/X", "reference": "a\u001b[31m"}"#,
        r#"{"kind": "a.example/X", "reference": 7}"#,
        &long,
    ];
    let assembly = assemble(&document(&format!("{},{GOOD}", nameless.join(",")))).await;
    let all = observations(&assembly);
    let told = all["alpacalert.io/ExecSource/blueprint"];
    assert_eq!(
        (told.state, told.reason.as_str()),
        (State::Unknown, "bad-node")
    );
    let told = text(told);
    assert!(
        told.starts_with("7 nodes of the blueprint of cat have no valid name"),
        "{told}"
    );
    assert!(
        told.contains("node 4 of the blueprint: the kind `alpacalert.io/Host` is ours"),
        "{told}"
    );
    assert_eq!(assembly.blueprint.nodes.len(), 3);
}

#[tokio::test]
async fn a_node_that_is_printed_twice_is_unknown() {
    let twice =
        r#"{"kind": "a.example/Bad", "reference": "b", "observation": {"state": "passing"}}"#;
    let assembly = assemble(&document(&format!("{twice},{GOOD},{twice},{twice}"))).await;
    let bad = observations(&assembly)["a.example/Bad/b"].clone();
    assert_eq!(
        (bad.state, bad.reason.as_str()),
        (State::Unknown, "duplicate-node")
    );
    assert_eq!(assembly.blueprint.nodes.len(), 3);
}

#[tokio::test]
async fn what_is_said_is_bounded_and_cannot_fool_a_terminal_and_the_future_is_now() {
    let messages = vec![r#"{"text": "\u001b[31mred\u202e"}"#; 50].join(",");
    let long = "y".repeat(5000);
    let node = format!(
        r#"{{"kind": "a.example/X", "reference": "x", "title": "a\nb\u001b", "observation": {{"state": "failing", "reason": "queue-full",
        "messages": [{{"text": "{long}"}}, {messages}], "observed_at": "2999-01-01T00:00:00Z"}}}}"#
    );
    let assembly = assemble(&document(&node)).await;
    let seen = observations(&assembly)["a.example/X/x"].clone();
    assert_eq!(
        (seen.state, seen.reason.as_str()),
        (State::Failing, "queue-full")
    );
    assert_eq!(seen.messages.len(), 21);
    assert!(seen.messages[0].text.len() < 1100);
    assert_eq!(seen.messages[1].text, "\u{fffd}[31mred\u{fffd}");
    assert!(seen.at <= Timestamp::now());
    assert_eq!(&*assembly.blueprint.nodes[0].title, "a b\u{fffd}");
}

#[tokio::test]
async fn what_is_no_blueprint_is_an_error_that_says_where() {
    let cases = [
        (
            "echo '{\"version\": 1,'; echo '\"nodes\": ['; echo ']]'",
            "bad-blueprint",
            "line 3 column 2",
        ),
        (
            "echo '{\"version\": 1, \"nodes\": [{\"value\": NaN}]}'",
            "bad-blueprint",
            "line 1 column",
        ),
        (
            "printf '[%.0s' $(seq 5000)",
            "bad-blueprint",
            "not a blueprint",
        ),
        ("echo hello", "bad-blueprint", "line 1 column 1"),
        ("true", "bad-blueprint", "EOF"),
        (
            "echo '{\"version\": 1, \"nodes\": [], \"extra\": 1}'",
            "bad-blueprint",
            "unknown field `extra`",
        ),
        (
            "echo '{\"version\": 2, \"nodes\": []}'",
            "unsupported-version",
            "version 1 is understood",
        ),
        (
            "echo '{\"version\": 1, \"nodes\": ['; seq -s, 10001; echo ']}'",
            "too-many-nodes",
            "10001 nodes",
        ),
        (
            "echo trouble >&2; exit 1",
            "exit-code",
            "exited with code 1: trouble",
        ),
        ("kill -9 $$", "signal", "signal 9"),
        ("sleep 60", "timeout", "did not end within 3 s"),
        (
            "head -c 9000000 /dev/zero",
            "too-much-output",
            "printed too much",
        ),
    ];
    for (script, reason, expected) in cases {
        let (code, chain) = error(script).await;
        assert_eq!(code, reason, "{script}: {chain}");
        assert!(chain.contains(expected), "{script}: {chain}");
    }
}

fn repository() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

#[tokio::test]
async fn the_schema_accepts_and_refuses_what_the_program_does() {
    let schema = fs::read_to_string(repository().join("docs/reference/exec-blueprint.schema.json"));
    let schema = serde_json::from_str(&schema.unwrap()).unwrap();
    let schema = jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .unwrap();
    let accepts = |nodes: &str| {
        let document = serde_json::from_str(&document(nodes)).unwrap();
        schema.is_valid(&document)
    };
    assert!(accepts(GOOD));
    for (rest, _) in BAD {
        // A schema cannot compare two numbers.
        let beyond = rest.contains(r#"[2, 1]"#);
        assert_eq!(accepts(&bad_node(rest)), beyond, "{rest}");
    }
    assert!(!accepts(
        r#"{"kind": "alpacalert.io/Host", "reference": "x"}"#
    ));
    assert!(!accepts(
        r#"{"kind": "a.example/X", "reference": "a\u001b"}"#
    ));
}

#[tokio::test]
async fn the_example_in_python_finds_queues() {
    if !Command::new("python3")
        .arg("--version")
        .output()
        .is_ok_and(|out| out.status.success())
    {
        alpacalert_testkit::skip("python3 is not installed");
        return;
    }
    let spool = tempfile::tempdir().unwrap();
    let write = |file: &str| {
        let file = spool.path().join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, "").unwrap();
    };
    [
        "mails/1",
        "orders/1",
        "orders/2",
        "orders/3",
        "orders/4",
        "orders/failed/5",
    ]
    .into_iter()
    .for_each(write);
    let program = repository().join("examples/extend-in-python/spool.py");
    let registry = alpacalert_instruments::registry();
    let command = [
        "python3",
        program.to_str().unwrap(),
        spool.path().to_str().unwrap(),
        "--waiting",
        "3",
    ];
    let assembly = assemble_with(&registry, &command).await;
    let all = observations(&assembly);
    let find = |fragment: &str, queue: &str| {
        let key = format!(
            "spool.example.com/Queue#{fragment}/{}/{queue}",
            spool.path().display()
        );
        all[&key].clone()
    };
    assert_eq!(find("backlog", "mails").state, State::Passing);
    let orders = find("backlog", "orders");
    assert_eq!(orders.state, State::Degraded);
    assert_eq!(value(&orders, "messages waiting").value, 4.0);
    assert_eq!(find("failed", "orders").reason.as_str(), "failed-messages");
    assert!(assembly.blueprint.nodes[0].service.is_some());
    let gone = source(&["python3", program.to_str().unwrap(), "/no/such/spool"]);
    let error = fetch_guarded(&*gone, &cx()).await.unwrap_err();
    assert!(
        error
            .chain()
            .contains("cannot read the spool /no/such/spool: No such file"),
        "{}",
        error.chain()
    );
}
