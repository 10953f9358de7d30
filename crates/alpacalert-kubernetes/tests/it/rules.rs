//! The catalogue of rules, its reference, and the tests of each.

use alpacalert_kubernetes::rules::{RULES, reference};

#[test]
fn every_rule_is_named_by_a_test() {
    let tests = tests();
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

/// The general rules of the design that are not findings of their own; each begins the name of a test.
const GENERAL: &[&str] = &[
    "g01", "g02", "g05", "g06", "g07", "g09", "g10", "g12", "g14",
];

/// The claims; each begins the name of a test.
const CLAIMS: &[&str] = &[
    "c01", "c02", "c03", "c04", "c05", "c06", "c09", "c10", "c11", "c12",
];

/// The mistakes of the Python Alpacalert by their numbers, with the beginning of the name of the test that holds them off.
/// 1 to 4 are those of its sensors for Prometheus, 11, 27 and 33 those for Grafana, and 30 and 31 those of a cache and a typo that
/// have no counterpart here.
const MISTAKES: &[(u8, &str)] = &[
    (5, "p05"),
    (6, "p06"),
    (7, "p07"),
    (8, "p08"),
    (9, "p09"),
    (10, "p10"),
    (12, "p12"),
    (13, "p13"),
    (14, "p14"),
    (15, "p15"),
    (16, "p16"),
    (17, "p17"),
    (18, "p18"),
    (19, "p19"),
    (20, "p20"),
    (21, "p21"),
    (22, "p22"),
    (23, "p23"),
    (24, "p24"),
    (25, "c10_refused_kinds_are_unknown"),
    (26, "p26"),
    (28, "p28"),
    (29, "c09"),
    (32, "p32"),
];

/// The tools whose mistakes are held off; each begins the name of a test.
const TOOLS: &[&str] = &[
    "argo",
    "kstatus",
    "helm",
    "kubectl",
    "is_healthy",
    "popeye",
    "k8sgpt",
    "mixin",
];

#[test]
fn every_claim_and_every_mistake_has_a_test() {
    let tests = tests();
    let named = |beginning: &str| {
        tests.contains(&format!("\nfn {beginning}_"))
            || tests.contains(&format!("async fn {beginning}_"))
            || tests.contains(&format!("async fn {beginning}("))
    };
    let wanted = GENERAL
        .iter()
        .chain(CLAIMS)
        .chain(TOOLS)
        .chain(MISTAKES.iter().map(|(_, beginning)| beginning));
    let missing: Vec<&&str> = wanted.filter(|beginning| !named(beginning)).collect();
    assert!(missing.is_empty(), "no test is named {missing:?}");
}

/// What every test of this folder says.
fn tests() -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it");
    let mut tests = String::new();
    for entry in std::fs::read_dir(folder).expect("the folder of the tests") {
        let path = entry.expect("an entry").path();
        // The lists of what must be there are not what is there.
        if path.is_file() && !path.ends_with("rules.rs") {
            tests.push_str(&std::fs::read_to_string(&path).expect("a test"));
        }
    }
    tests
}
