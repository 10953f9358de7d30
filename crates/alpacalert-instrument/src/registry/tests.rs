use super::*;
use crate::{Request, testing};

fn nothing(_: &Target, _: &mut Scope<'_, '_>) -> Result<(), InstrumentError> {
    Ok(())
}

fn registry(kinds: &[&'static str]) -> Registry {
    let mut registry = Registry::new();
    for kind in kinds {
        registry.register(Kind::of(kind), nothing);
    }
    registry
}

fn nearest_of<'a>(text: &str, words: &[&'a str]) -> Option<&'a str> {
    nearest(text, words, |word| word).copied()
}

#[test]
fn distance_counts_inserted_removed_replaced_and_swapped_characters() {
    for (a, b, expected) in [
        ("", "", 0),
        ("tcp", "tcp", 0),
        ("tcp", "tc", 1),
        ("tcp", "tccp", 1),
        ("tcp", "tcx", 1),
        ("tcp", "tpc", 1),
        ("", "tcp", 3),
        ("kitten", "sitting", 3),
        ("größe", "grösse", 2),
    ] {
        assert_eq!(distance(a, b), expected, "{a} {b}");
        assert_eq!(distance(b, a), expected, "{b} {a}");
    }
}

#[test]
fn nearest_allows_a_third_of_the_characters_to_change_in_any_case() {
    let words = ["interval", "timeout", "retries"];
    assert_eq!(nearest_of("intervall", &words), Some("interval"));
    assert_eq!(nearest_of("TIMEOUT", &words), Some("timeout"));
    assert_eq!(nearest_of("tiemout", &words), Some("timeout"));
    assert_eq!(nearest_of("retires", &words), Some("retries"));
    assert_eq!(nearest_of("colour", &words), None);
    // Three characters may differ in one, and not in two.
    assert_eq!(nearest_of("tcq", &["tcp"]), Some("tcp"));
    assert_eq!(nearest_of("tqq", &["tcp"]), None);
}

#[test]
fn nearest_prefers_the_fewest_changes_and_then_the_first() {
    assert_eq!(nearest_of("http", &["https", "http"]), Some("http"));
    assert_eq!(nearest_of("httx", &["http", "htta"]), Some("http"));
}

#[test]
fn nearest_of_a_text_as_long_as_a_file_takes_no_time() {
    let started = std::time::Instant::now();
    let words: Vec<String> = (0..1000).map(|n| format!("word-{n}")).collect();
    let text = "x".repeat(1_000_000);
    assert_eq!(nearest(&text, &words, |word| word), None);
    assert!(started.elapsed().as_secs() < 5);
}

#[test]
fn no_provider_names_the_kind_and_the_nearest_one() {
    let registry = registry(&["kubernetes.io/Pod", "kubernetes.io/Node"]);
    let error = registry
        .instrumentors(&Kind::of("kubernetes.io/Podd"))
        .err()
        .expect("nobody is registered");
    assert_eq!(
        error.to_string(),
        "nobody provides the kind `kubernetes.io/Podd`; did you mean `kubernetes.io/Pod`?"
    );
}

#[test]
fn a_long_common_namespace_does_not_make_kinds_near() {
    let registry = registry(&["alpacalert.io/Tcp", "alpacalert.io/Host"]);
    assert_eq!(registry.nearest("alpacalert.io/Foo"), None);
    assert_eq!(
        registry.nearest("alpacalert.io/Tpc").map(Kind::as_str),
        Some("alpacalert.io/Tcp")
    );
    assert_eq!(
        registry.nearest("alpacalert.oi/Tcp").map(Kind::as_str),
        Some("alpacalert.io/Tcp")
    );
}

#[test]
fn extending_keeps_what_is_there_and_adds_the_rest_after_it() {
    let says = |part: &'static str| {
        move |_: &Target, scope: &mut Scope<'_, '_>| {
            let at = scope.now();
            let observation = crate::Observation::passing(at);
            scope.observed_part(
                part,
                None,
                part,
                crate::model::Effect::Required,
                observation,
            );
            Ok(())
        }
    };
    let kind = Kind::of("example.com/Disk");
    let mut base = Registry::new();
    base.register_kind(KindSpec::new(kind.clone(), "a disk"), says("built-in"));
    let mut extension = Registry::new();
    extension.register_kind(KindSpec::new(kind.clone(), "another text"), says("added"));
    extension.register(Kind::of("example.com/Other"), nothing);
    base.extend(extension);

    let assembly = testing::assemble(&base, [Request::local(kind.clone(), "sda")]);
    assert_eq!(
        testing::tree(&assembly),
        "sda (example.com/Disk sda, All)\n  built-in (example.com/Disk#built-in sda)\n  added (example.com/Disk#added sda)\n"
    );
    assert_eq!(base.spec(&kind).map(|spec| spec.summary), Some("a disk"));
    assert!(base.instrumentors(&Kind::of("example.com/Other")).is_ok());
}

#[test]
fn a_word_of_the_configuration_is_a_short_word_or_a_whole_kind() {
    let mut registry = Registry::new();
    let mut spec = KindSpec::new(Kind::of("alpacalert.io/Tcp"), "a port");
    spec.alias = Some("tcp");
    registry.register_kind(spec, nothing);
    assert!(registry.spec_by_word("tcp").is_some());
    assert!(registry.spec_by_word("alpacalert.io/Tcp").is_some());
    assert!(registry.spec_by_word("Tcp").is_none());
}
