use super::*;

fn secret(reference: &str, value: &str) -> Secret {
    Secret::unresolved(reference).resolved(
        value.to_owned(),
        vec![(reference.to_owned(), value.to_owned())],
    )
}

fn scrubbed(secrets: &[(&str, &str)], text: &str) -> String {
    let secrets: Vec<Secret> = secrets.iter().map(|(r, v)| secret(r, v)).collect();
    Redactor::new(&secrets).scrub(text).into_owned()
}

#[test]
fn a_secret_is_replaced_by_its_reference_wherever_it_stands() {
    assert_eq!(
        scrubbed(&[("${env:PW}", "hunter2")], "hunter2 and =hunter2&hunter2"),
        "${env:PW} and =${env:PW}&${env:PW}"
    );
}

#[test]
fn a_secret_that_contains_another_one_is_hidden_whole() {
    let secrets = [("${env:A}", "tiger"), ("${env:B}", "tiger-lily")];
    assert_eq!(scrubbed(&secrets, "tiger-lily tiger"), "${env:B} ${env:A}");
}

#[test]
fn secrets_that_overlap_leave_no_rest() {
    let secrets = [("${env:A}", "abcdef"), ("${env:B}", "defghij")];
    assert_eq!(scrubbed(&secrets, "<abcdefghij>"), "<${env:A}>");
}

#[test]
fn a_secret_is_not_looked_for_inside_a_reference() {
    let secrets = [("${env:PASSWORD}", "long-secret"), ("${env:B}", "PASS")];
    assert_eq!(scrubbed(&secrets, "long-secret"), "${env:PASSWORD}");
}

#[test]
fn values_too_short_to_hide_are_left() {
    assert_eq!(scrubbed(&[("${env:A}", "on")], "connection"), "connection");
    assert_eq!(scrubbed(&[("${env:A}", "")], "text"), "text");
}

#[test]
fn text_without_secrets_is_not_copied() {
    let redactor = Redactor::new(&[secret("${env:A}", "hunter2")]);
    assert!(matches!(redactor.scrub("nothing here"), Cow::Borrowed(_)));
}

#[test]
fn a_redactor_does_not_show_its_secrets() {
    let redactor = Redactor::new(&[secret("${env:A}", "hunter2")]);
    assert_eq!(format!("{redactor:?}"), "Redactor(1 secrets)");
}

#[tokio::test(start_paused = true)]
async fn the_runtimes_clock_stands_still_when_the_runtime_does() {
    let clock = TokioClock::starting(Timestamp::UNIX_EPOCH);
    assert_eq!(clock.now(), Timestamp::UNIX_EPOCH);
    tokio::time::advance(Duration::from_secs(90)).await;
    assert_eq!(clock.now().as_second(), 90);
}
