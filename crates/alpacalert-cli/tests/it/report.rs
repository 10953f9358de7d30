//! Things that can only report: heartbeats and pushed states.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;

use crate::program::{alpacalert, folder};
use crate::serve::{Daemon, ask, serve_by};

const SECONDS: Duration = Duration::from_secs(20);

const CONFIGURATION: &str = "\
instance: here
services:
  backups:
    requires:
      - heartbeat: { name: nightly, every: 2s, grace: 2s, token: '${env:BEAT}', interval: 200ms }
  imports:
    requires:
      - push: { name: import, token: '${env:PUSH}', expires: 1h, interval: 200ms }
";

const BEAT: &str = "0123456789-beat";
const PUSH: &str = "0123456789-push";

fn start(configuration: &str) -> (Daemon, alpacalert_testkit::TempDir) {
    let folder = folder(configuration);
    let mut command = alpacalert(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("BEAT", BEAT).env("PUSH", PUSH);
    (serve_by(command.current_dir(folder.path())), folder)
}

fn report(daemon: &Daemon, path: &str, token: &str, body: &str) -> (u16, String) {
    report_to(&daemon.address, path, token, body)
}

fn report_to(address: &str, path: &str, token: &str, body: &str) -> (u16, String) {
    let token = format!("Bearer {token}");
    let media = match body.starts_with('{') {
        true => "application/json",
        false => "text/plain",
    };
    let headers = [("Authorization", &*token), ("Content-Type", media)];
    let (status, _, body) = ask(address, "POST", path, &headers, body.as_bytes());
    (status, body)
}

fn is<'a>(state: &'a str, said: &'a str) -> impl Fn(&Value) -> bool + 'a {
    move |value| {
        let sentence = value["sentence"].as_str().expect("a sentence");
        value["state"] == state && sentence.contains(said)
    }
}

const BACKUPS: &str = "/api/v1/services/backups";
const IMPORTS: &str = "/api/v1/services/imports";
const NIGHTLY: &str = "/api/v1/heartbeat/nightly";
const IMPORT: &str = "/api/v1/push/import";

#[test]
fn a_heartbeat_is_unknown_until_it_is_heard_and_late_when_it_stops() {
    let (daemon, _folder) = start(CONFIGURATION);
    daemon.until(BACKUPS, SECONDS, is("unknown", "no sign of life yet"));
    assert_eq!(report(&daemon, NIGHTLY, BEAT, ""), (204, String::new()));
    // At once, and not when it would be looked at anyway.
    daemon.until(BACKUPS, Duration::from_secs(1), is("passing", ""));
    daemon.until(BACKUPS, SECONDS, is("degraded", "expected every 2 s"));
    daemon.until(BACKUPS, SECONDS, is("failing", "expected every 2 s"));
    let failed = format!("{NIGHTLY}?exit=3");
    assert_eq!(report(&daemon, &failed, BEAT, "disk full").0, 204);
    daemon.until(
        BACKUPS,
        SECONDS,
        is("failing", "ended with the exit code 3"),
    );
    let token = format!("Bearer {BEAT}");
    let (status, _, _) = daemon.ask("GET", NIGHTLY, &[("Authorization", &token)], b"");
    assert_eq!(status, 204, "cron's curl need not know of POST");
    daemon.until(BACKUPS, SECONDS, is("passing", ""));
}

#[test]
fn a_pushed_state_is_shown_with_its_evidence_until_it_expires() {
    let (daemon, _folder) = start(CONFIGURATION);
    daemon.until(
        IMPORTS,
        SECONDS,
        is("unknown", "nothing has been reported yet"),
    );
    let body = r#"{"state":"passing","measurements":[
        {"name":"rows","value":40,"unit":"count","degraded":{"below":100}}]}"#;
    assert_eq!(report(&daemon, IMPORT, PUSH, body), (204, String::new()));
    daemon.until(IMPORTS, SECONDS, is("degraded", "rows"));
    let body =
        r#"{"state":"failing","reason":"schema","message":"column <price> is gone","ttl":2}"#;
    assert_eq!(report(&daemon, IMPORT, PUSH, body).0, 204);
    daemon.until(IMPORTS, SECONDS, is("failing", "column <price> is gone"));
    daemon.until(IMPORTS, SECONDS, is("unknown", "and said failing"));
    let path = format!("{IMPORT}?state=degraded&ttl=600");
    assert_eq!(report(&daemon, &path, PUSH, "slow, \"very\" slow\n").0, 204);
    daemon.until(IMPORTS, SECONDS, is("degraded", "slow, \"very\" slow"));
}

#[test]
fn a_wrong_token_and_a_wrong_name_are_told_the_same_and_no_more() {
    let (daemon, _folder) = start(CONFIGURATION);
    let (status, head, _) = daemon.ask("POST", NIGHTLY, &[], b"");
    assert_eq!(status, 401);
    assert!(
        head.to_lowercase().contains("www-authenticate: bearer"),
        "{head}"
    );
    let refused = report(&daemon, NIGHTLY, PUSH, "");
    assert_eq!(refused.0, 403);
    assert_eq!(report(&daemon, "/api/v1/heartbeat/none", BEAT, ""), refused);
    // What is wrong with a body is for those who may send one.
    assert_eq!(report(&daemon, IMPORT, BEAT, "not JSON"), refused);
    assert_eq!(report(&daemon, IMPORT, "", "").0, 401);
    assert_eq!(daemon.json(BACKUPS)["state"], "unknown");
}

#[test]
fn a_report_that_is_wrong_is_told_what_is_wrong() {
    let (daemon, _folder) = start(CONFIGURATION);
    let large = "x".repeat(70_000);
    for (path, body, status, said) in [
        (IMPORT, "", 400, "EOF"),
        (
            IMPORT,
            "{\"state\":\"fine\"}",
            400,
            "unknown variant `fine`",
        ),
        (
            IMPORT,
            "{\"state\":\"passing\",\"stat\":1}",
            400,
            "unknown field `stat`",
        ),
        (IMPORT, "{\"state\":\"passing\",\"ttl\":0}", 400, "`ttl`"),
        (
            IMPORT,
            "{\"state\":\"passing\",\"reason\":\"A b\"}",
            400,
            "`reason`",
        ),
        ("/api/v1/push/import?state=fine", "", 400, "`state`"),
        (
            "/api/v1/push/import?state=passing",
            "{\"state\":\"failing\"}",
            400,
            "holds its own",
        ),
        (
            "/api/v1/push/import?ttl=60",
            "{\"state\":\"passing\"}",
            400,
            "in the body",
        ),
        (IMPORT, &large, 413, "64 KiB"),
    ] {
        let (got, answer) = report(&daemon, path, PUSH, body);
        assert_eq!(got, status, "{answer}");
        assert!(answer.contains(said), "{said:?} is not in {answer}");
    }
    let (status, answer) = report(&daemon, &format!("{NIGHTLY}?exit=x"), BEAT, "");
    assert_eq!(status, 400, "{answer}");
    let (status, _, _) = daemon.ask("GET", IMPORT, &[], b"");
    assert_eq!(status, 405);
}

#[test]
fn everything_that_reports_at_the_full_minute_is_heard() {
    let names = 0..300;
    let mut text = String::from("instance: here\nservices:\n  jobs:\n    requires:\n");
    for n in names.clone() {
        let sensor = format!("name: job{n}, every: 1h, token: '${{env:BEAT}}', interval: 60s");
        text.push_str(&format!("      - heartbeat: {{ {sensor} }}\n"));
    }
    let (daemon, _folder) = start(&text);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for chunk in names.collect::<Vec<_>>().chunks(20) {
            let address = &daemon.address;
            let chunk = chunk.to_vec();
            scope.spawn(move || {
                // Each says it ten times over, as clients do that try again.
                for n in chunk.iter().cycle().take(chunk.len() * 10) {
                    let path = format!("/api/v1/heartbeat/job{n}");
                    assert_eq!(report_to(address, &path, BEAT, "").0, 204);
                }
            });
        }
    });
    daemon.until(
        "/api/v1/services/jobs",
        Duration::from_secs(5),
        is("passing", ""),
    );
    assert!(begun.elapsed() < SECONDS, "{:?}", begun.elapsed());
    daemon.started.signal(Signal::TERM);
}

#[test]
fn a_token_that_anybody_could_guess_is_refused_at_the_beginning() {
    let (daemon, _folder) = start(
        "services: { a: { requires: [ { heartbeat: { name: 'a b', every: 1h, token: '${env:BEAT}' } }, { push: { name: b, token: short } } ] } }",
    );
    let seen = daemon.until("/api/v1/services/a", SECONDS, |value| {
        value["causes"]
            .as_array()
            .is_some_and(|causes| causes.len() == 2)
    });
    assert_eq!(seen["state"], "unknown", "{seen:#}");
}

/// Starts it with a folder that is there before and after.
fn start_in(state: &std::path::Path, configuration: &std::path::Path) -> Daemon {
    let mut command = alpacalert(&["serve", "--listen", "127.0.0.1:0", "--state"]);
    command.arg(state).env("BEAT", BEAT).env("PUSH", PUSH);
    serve_by(command.current_dir(configuration))
}

const LONG: &str = "\
instance: here
services:
  backups:
    requires:
      - heartbeat: { name: nightly, every: 6s, grace: 1h, token: '${env:BEAT}', interval: 200ms }
  imports:
    requires:
      - push: { name: import, token: '${env:PUSH}', expires: 1h, interval: 200ms }
";

#[test]
fn what_was_heard_outlives_a_restart_and_gets_no_younger() {
    let (state, configuration) = (tempfile::tempdir().unwrap(), folder(LONG));
    let daemon = start_in(state.path(), configuration.path());
    let heard = Instant::now();
    assert_eq!(report(&daemon, NIGHTLY, BEAT, "").0, 204);
    let body = r#"{"state":"failing","reason":"schema","message":"column `price` is gone",
        "measurements":[{"name":"rows","value":40,"unit":"count","degraded":{"below":100}}]}"#;
    assert_eq!(report(&daemon, IMPORT, PUSH, body).0, 204);
    daemon.started.signal(Signal::TERM);
    daemon.started.ended(SECONDS);

    let daemon = start_in(state.path(), configuration.path());
    daemon.until(IMPORTS, SECONDS, is("failing", "column `price` is gone"));
    daemon.until(BACKUPS, SECONDS, is("passing", ""));
    let end = Duration::from_secs(6).saturating_sub(heard.elapsed()) + Duration::from_secs(1);
    // From when it was heard, and not from when it was started again.
    daemon.until(BACKUPS, end, is("degraded", "expected every 6 s"));

    // At a sudden end, what came within the last moments is lost and nothing else.
    assert_eq!(report(&daemon, NIGHTLY, BEAT, "").0, 204);
    std::thread::sleep(Duration::from_secs(1));
    daemon.started.signal(Signal::KILL);
    daemon.started.ended(SECONDS);
    let daemon = start_in(state.path(), configuration.path());
    daemon.until(BACKUPS, SECONDS, is("passing", ""));
}

#[test]
fn a_file_of_reports_that_cannot_be_read_is_put_aside() {
    let (state, configuration) = (tempfile::tempdir().unwrap(), folder(LONG));
    let file = state.path().join("reports.json");
    std::fs::write(&file, "{\"version\":1,").unwrap();
    let daemon = start_in(state.path(), configuration.path());
    daemon.until(IMPORTS, SECONDS, is("unknown", "nothing has been reported"));
    assert_eq!(report(&daemon, NIGHTLY, BEAT, "").0, 204);
    daemon.started.signal(Signal::TERM);
    let (_, said) = daemon.started.ended(SECONDS);
    assert!(
        said.contains("cannot read what was reported before"),
        "{said}"
    );
    let aside = state.path().join("reports.unreadable");
    assert_eq!(std::fs::read_to_string(aside).unwrap(), "{\"version\":1,");
    let kept = std::fs::read_to_string(&file).unwrap();
    assert!(kept.contains("nightly"), "{kept}");
}
