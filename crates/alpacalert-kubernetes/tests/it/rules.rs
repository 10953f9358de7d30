//! The catalogue of rules, its reference, and the tests of each.

use alpacalert_kubernetes::rules::{RULES, reference};

#[test]
fn every_rule_is_named_by_a_test() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it");
    let mut tests = String::new();
    for entry in std::fs::read_dir(folder).expect("the folder of the tests") {
        let path = entry.expect("an entry").path();
        if path.is_file() {
            tests.push_str(&std::fs::read_to_string(&path).expect("a test"));
        }
    }
    let missing: Vec<&str> = RULES
        .iter()
        .map(|rule| rule.id)
        .filter(|id| !tests.contains(&format!("\"{id}\"")))
        .collect();
    assert!(missing.is_empty(), "no test names the rules {missing:?}");
}

#[test]
fn every_rule_has_one_name() {
    let mut ids: Vec<&str> = RULES.iter().map(|rule| rule.id).collect();
    ids.sort_unstable();
    let all = ids.len();
    ids.dedup();
    assert_eq!(ids.len(), all);
}

#[test]
fn the_reference_is_up_to_date() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/reference/kubernetes-rules.md"
    );
    if std::env::var_os("UPDATE_REFERENCE").is_some() {
        std::fs::write(path, reference()).expect("the reference");
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(
        written,
        reference(),
        "write it anew with `cargo xtask reference`"
    );
}
