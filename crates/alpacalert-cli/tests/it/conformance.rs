//! Whether what is served is what its own documents say, as others read them.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use alpacalert_testkit::{TempDir, python_program};
use alpacalert_web::access::token;

use crate::program::folder;
use crate::serve::{Daemon, get_with, serve};

const TOKEN: &str = "what-schemathesis-comes-with";

/// Questions about each operation, beside those that cover its parameters. Overridden by a variable.
const QUESTIONS: &str = "ALPACALERT_QUESTIONS";
const USUAL: &str = "25";

/// Something of every sort that can be asked about.
fn instance() -> (TempDir, Daemon) {
    let hash = token::hash(TOKEN);
    let folder = folder(&format!(
        r#"instance: here
defaults: {{ interval: 1s }}
services:
  all:
    title: "what \"everybody\"\nneeds \\ wants"
    owner: "us & \\ them"
    public: true
    requires:
      - file: {{ path: / }}
      - heartbeat: {{ name: job, every: 1h, token: a-token-of-its-own }}
    degrades:
      - push: {{ name: batch, expires: 1h, token: a-token-of-its-own }}
  gone: {{ requires: [ {{ file: {{ path: /not/there }} }} ] }}
access:
  tokens:
    all: {{ hash: '{hash}', read: everything, push: everything }}
"#
    ));
    let daemon = serve(&["-c", folder.path().to_str().expect("UTF-8")]);
    let end = std::time::Instant::now() + Duration::from_secs(20);
    let header = format!("Authorization: Bearer {TOKEN}\r\n");
    while get_with(&daemon.address, "/readyz", &daemon.address, &header).0 != 200 {
        assert!(std::time::Instant::now() < end, "it is not ready");
        std::thread::sleep(Duration::from_millis(20));
    }
    (folder, daemon)
}

/// What is there to be asked about. That a beginning is before its end, or that a body comes where the query says nothing,
/// cannot be said in OpenAPI: there a right question may be answered with 400.
const THERE: &str = r#"
[parameters]
node = "all"
"path.id" = "local/alpacalert.io/Service/all"

[[operations]]
include-path = ["/api/v1/services/{name}", "/api/v1/badge/{name}"]
parameters = { "path.name" = "all" }

[[operations]]
include-path = "/api/v1/heartbeat/{name}"
parameters = { "path.name" = "job" }

[[operations]]
include-path-regex = "^/api/v1/history/"
checks.positive_data_acceptance.expected-statuses = [200, 400, 404]

[[operations]]
include-path = "/api/v1/push/{name}"
parameters = { "path.name" = "batch" }
checks.positive_data_acceptance.expected-statuses = [204, 400, 403]
"#;

const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
response_headers_conformance,response_schema_conformance,negative_data_rejection,positive_data_acceptance,unsupported_method";

fn schemathesis(known: &str) {
    let Some(program) = python_program("schemathesis") else {
        return;
    };
    let (_folder, daemon) = instance();
    let here = alpacalert_testkit::temp_dir();
    let file = here.path().join("schemathesis.toml");
    std::fs::write(&file, known).expect("a file");
    let output = Command::new(program)
        .current_dir(here.path())
        .arg("--config-file")
        .arg(&file)
        .arg("run")
        .arg(format!("http://{}/api/v1/openapi.json", daemon.address))
        .args(["--header", &format!("Authorization: Bearer {TOKEN}")])
        .args(["--checks", CHECKS])
        // These never end; they have tests of their own.
        .args([
            "--exclude-path",
            "/api/v1/events",
            "--exclude-path",
            "/api/v1/stream",
        ])
        .args(["--phases", "examples,coverage,fuzzing", "--seed", "1"])
        .args([
            "--max-examples",
            &std::env::var(QUESTIONS).unwrap_or_else(|_| USUAL.to_owned()),
        ])
        .args([
            "--request-timeout",
            "10",
            "--continue-on-failure",
            "--no-color",
        ])
        .args(["--suppress-health-check", "all"])
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout);
    let also = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{also}");
    let tested = said.split("Tested: ").nth(1).and_then(|rest| {
        let number = rest.split_whitespace().next()?;
        number.parse::<usize>().ok()
    });
    assert!(tested.is_some_and(|tested| tested > 15), "{said}{also}");
}

#[test]
fn the_server_does_what_its_openapi_document_says_of_what_is_there() {
    schemathesis(THERE);
}

#[test]
fn the_server_does_what_its_openapi_document_says_of_what_is_not_there() {
    let until = THERE
        .find("[[operations]]\ninclude-path-regex")
        .expect("it is there");
    let names = THERE.replace("parameters = { \"path.name\" = \"batch\" }\n", "");
    schemathesis(&names[until..]);
}

/// Reads strictly, and says how many samples there are of each family.
const READ: &str = "
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
for family in text_string_to_metric_families(sys.stdin.read()):
    print(family.name, family.type, len(family.samples))
";

#[test]
fn a_strict_reader_of_openmetrics_takes_the_metrics() {
    let Some(python) = python_program("python3") else {
        return;
    };
    let (_folder, daemon) = instance();
    let header = format!("Authorization: Bearer {TOKEN}\r\n");
    let (status, text) = get_with(&daemon.address, "/metrics", &daemon.address, &header);
    assert_eq!(status, 200, "{text}");
    let read = |text: &str| {
        let mut child = Command::new(&python)
            .args(["-c", READ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut stdin = child.stdin.take().expect("its input");
        stdin.write_all(text.as_bytes()).expect("it reads");
        drop(stdin);
        child.wait_with_output().expect("it ends")
    };
    let output = read(&text);
    let families = String::from_utf8_lossy(&output.stdout);
    let why = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{why}\n{text}");
    // Four states of each of two services.
    assert!(
        families.contains("alpacalert_service_state stateset 8"),
        "{families}"
    );
    assert!(families.lines().count() > 10, "{families}");
    // It is strict.
    let cut = text.replace("# EOF\n", "");
    assert!(!read(&cut).status.success());
}
