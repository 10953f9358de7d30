//! What is said to somebody who does it wrong, and to somebody who asks how.

use crate::program::{folder, run, run_in, run_with};

#[test]
fn wrong_usage_ends_with_64() {
    for arguments in [
        &["chekc"][..],
        &["check", "--only", "broken"],
        &["check", "--output", "xml"],
        &["check", "--timeout", "soon"],
        &["explain"],
        &[],
    ] {
        let said = run(arguments);
        assert_eq!(said.code, 64, "{arguments:?}: {said:?}");
        assert!(said.out.is_empty(), "{said:?}");
        assert!(!said.err.is_empty());
    }
    assert!(run(&["chekc"]).err.contains("'check'"));
}

#[test]
fn help_and_version_end_well() {
    for arguments in [
        &["--help"][..],
        &["-h"],
        &["--version"],
        &["check", "--help"],
        &["help"],
    ] {
        let said = run(arguments);
        if arguments == ["help"] {
            continue;
        }
        assert_eq!(said.code, 0, "{arguments:?}: {said:?}");
        assert!(!said.out.is_empty());
    }
    assert!(run(&["--help"]).out.contains("Exit codes:"));
    for command in [
        "host",
        "check",
        "watch",
        "explain",
        "impact",
        "graph",
        "validate",
        "schema",
        "kinds",
        "completions",
        "man",
    ] {
        let said = run(&[command, "--help"]);
        assert!(said.out.contains("Examples:"), "{command}: {said:?}");
    }
}

#[test]
fn without_a_configuration_it_says_how_to_begin() {
    let folder = alpacalert_testkit::temp_dir();
    for command in [
        &["check"][..],
        &["validate"],
        &["watch"],
        &["graph"],
        &["explain", "x"],
        &["impact", "x"],
    ] {
        let said = run_in(folder.path(), command);
        assert_eq!(said.code, 65, "{command:?}: {said:?}");
        assert!(said.err.contains("alpacalert host"), "{said:?}");
        assert!(said.err.contains("alpacalert.yaml"), "{said:?}");
    }
}

#[test]
fn a_configuration_that_is_not_there_is_named() {
    let said = run(&["check", "-c", "/nowhere/alpacalert.yaml"]);
    assert_eq!(said.code, 65);
    assert!(said.err.contains("/nowhere/alpacalert.yaml"), "{said:?}");
    assert!(said.err.contains("No such file"), "{said:?}");
}

#[test]
fn the_configuration_is_found_where_it_usually_is() {
    let text = "services: { a: { requires: [ { tcp: 127.0.0.1:9 } ] } }\n";
    let here = folder(text);
    assert_eq!(run_in(here.path(), &["validate"]).code, 0);
    let parts = alpacalert_testkit::temp_dir();
    std::fs::create_dir(parts.path().join("alpacalert")).unwrap();
    std::fs::write(parts.path().join("alpacalert/a.yaml"), text).unwrap();
    assert_eq!(run_in(parts.path(), &["validate"]).code, 0);
    let path = here.path().join("alpacalert.yaml");
    let mut by_variable = crate::program::alpacalert(&["validate"]);
    let said = crate::program::said(by_variable.env("ALPACALERT_CONFIG", &path));
    assert_eq!(said.code, 0, "{said:?}");
}

#[test]
fn a_typo_is_shown_with_a_caret() {
    let said = run_with(
        "services:\n  website:\n    requries: [x]\nsystems:\n  x: { all: [ { tpc: 127.0.0.1:80 } ] }\n",
        &["check"],
    );
    assert_eq!(said.code, 65, "{said:?}");
    assert!(said.out.is_empty());
    assert!(said.err.contains("alpacalert.yaml:3:5"), "{}", said.err);
    assert!(
        said.err.contains("^^^^^^^^ did you mean `requires`?"),
        "{}",
        said.err
    );
    // Every mistake at once.
    assert!(said.err.contains("^^^ did you mean `tcp`?"), "{}", said.err);
}

#[test]
fn a_node_that_is_not_there_is_answered_with_what_is_near() {
    let text = "services: { website: { requires: [ { tcp: 127.0.0.1:9 } ] } }\n";
    let said = run_with(text, &["explain", "webiste"]);
    assert_eq!(said.code, 64, "{said:?}");
    assert!(said.err.contains("did you mean 'website'?"), "{said:?}");
    let said = run_with(text, &["check", "something else"]);
    assert!(
        said.err.contains("at the top there is 'website'"),
        "{said:?}"
    );
}

#[test]
fn a_kind_that_is_not_there_is_answered_with_the_nearest() {
    let said = run(&["kinds", "htpp"]);
    assert_eq!(said.code, 64);
    assert!(said.err.contains("did you mean `http`?"), "{said:?}");
}

#[test]
fn output_that_cannot_be_written_ends_with_74() {
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let output = crate::program::alpacalert(&["schema"])
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(74), "{output:?}");
}
