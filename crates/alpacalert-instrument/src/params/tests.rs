use super::*;
use crate::{Fields, NodeId, Request, Secret, Target};
use alpacalert_model::{Kind, Unit};

fn fields(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
    entries
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect()
}

fn filled(text: &str) -> Result<String, String> {
    let fields = fields(&[("name", "cart-0"), ("namespace", "shop")]);
    Params::new()
        .with_text("x", text)
        .substitute(&fields)
        .map(|params| params.text("x").expect("it is text").to_owned())
        .map_err(|error| error.to_string())
}

#[test]
fn placeholders_are_filled_in() {
    for (text, expected) in [
        ("plain", "plain"),
        ("{namespace}/{name}", "shop/cart-0"),
        ("{{name}}", "{name}"),
        ("{{{name}}}", "{cart-0}"),
        (r#"{{"pod": "{name}"}}"#, r#"{"pod": "cart-0"}"#),
        ("a } b", "a } b"),
        ("open {name", "open {name"),
        ("ü{name}ü", "ücart-0ü"),
    ] {
        assert_eq!(filled(text).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn what_is_filled_in_is_not_filled_in_again() {
    let fields = fields(&[("name", "{kind}"), ("kind", "Pod")]);
    let params = Params::new().with_text("x", "{name}");
    let params = params.substitute(&fields).expect("known");
    assert_eq!(params.text("x"), Some("{kind}"));
}

#[test]
fn a_placeholder_that_is_not_known_names_those_that_are() {
    assert_eq!(
        filled("{nmae}").unwrap_err(),
        "the placeholder `{nmae}` is not known here; there are: name, namespace"
    );
    assert!(filled("{}").is_err());
}

#[test]
fn placeholders_are_filled_in_inside_lists_and_maps() {
    let inner = Value::Text("{name}".to_owned());
    let value = Value::Map(vec![("k".to_owned(), Value::List(vec![inner]))]);
    let params = Params::new().with("x", value);
    let params = params
        .substitute(&fields(&[("name", "cart-0")]))
        .expect("known");
    let record = params.record("x").expect("a map");
    assert_eq!(record.texts("k"), ["cart-0"]);
}

#[test]
fn what_others_call_their_things_never_becomes_a_reference_to_a_secret() {
    let secret = Secret::unresolved("Bearer ${env:TOKEN} {name}");
    let params = Params::new()
        .with("token", Value::Secret(secret.clone()))
        .with_text("url", "http://{name}/");
    let hostile = fields(&[("name", "${env:TOKEN}")]);
    let params = params.substitute(&hostile).expect("known");
    assert_eq!(params.get("token"), Some(&Value::Secret(secret)));
    assert_eq!(
        params.get("url"),
        Some(&Value::Text("http://${env:TOKEN}/".to_owned()))
    );
}

#[test]
fn secrets_never_show_in_debug_output() {
    let secret = Secret::unresolved("Bearer ${env:TOKEN}").resolved(
        "Bearer hunter2".to_owned(),
        vec![("${env:TOKEN}".to_owned(), "hunter2".to_owned())],
    );
    assert_eq!(secret.expose(), "Bearer hunter2");
    let list = Value::List(vec![Value::Secret(secret.clone())]);
    let params = Params::new()
        .with("token", Value::Secret(secret.clone()))
        .with("headers", Value::Map(vec![("x".to_owned(), list)]));
    let request = Request::local(Kind::of("example.com/A"), "a").with_params(params.clone());
    let id = NodeId::new("local", Kind::of("example.com/A"), "a");
    let target = Target {
        id: id.clone(),
        params: params.clone(),
        fields: Fields::new(id, BTreeMap::new(), None),
    };
    for shown in [
        format!("{secret} {secret:?} {secret:#?}"),
        format!("{params:?} {params:#?}"),
        format!("{request:?} {request:#?}"),
        format!("{target:?} {target:#?}"),
    ] {
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("${env:TOKEN}"), "{shown}");
    }
}

#[test]
fn limits_are_what_was_given_over_the_default_of_each() {
    let default = Limits::above(1.0, 5.0);
    let of = |value: Option<Value>| {
        let params = value.map_or(Params::new(), |value| Params::new().with("time", value));
        params.limits("time", default)
    };
    let quantity = |value| {
        Value::Quantity(Quantity {
            value,
            unit: Unit::Seconds,
        })
    };
    assert_eq!(of(None), default);
    assert_eq!(
        of(Some(Value::Limits(Limits::above(2.0, None)))),
        Limits::above(2.0, 5.0)
    );
    assert_eq!(
        of(Some(Value::Limits(Limits::above(f64::INFINITY, 3.0)))),
        Limits::above(None, 3.0)
    );
    assert_eq!(
        of(Some(Value::Map(vec![(
            "degraded".to_owned(),
            quantity(2.0)
        )]))),
        Limits::above(2.0, 5.0)
    );
    assert_eq!(
        of(Some(Value::Map(vec![("failing".to_owned(), Value::Null)]))),
        Limits::above(1.0, None)
    );
}

#[test]
fn limits_of_a_map_are_worse_in_the_direction_of_the_default() {
    let bound = Value::Quantity(Quantity {
        value: 10.0,
        unit: Unit::Percent,
    });
    let params = Params::new().with("free", Value::Map(vec![("degraded".to_owned(), bound)]));
    assert_eq!(
        params.limits("free", Limits::below(None, 5.0)),
        Limits::below(10.0, 5.0)
    );
}

#[test]
fn a_key_given_twice_has_the_later_value() {
    let params = Params::new().with_text("a", "1").with_text("a", "2");
    assert_eq!(params.text("a"), Some("2"));
    assert_eq!(params.iter().count(), 1);
}

#[test]
fn a_key_that_is_missing_is_named() {
    let error = Params::new().required_text("url").unwrap_err();
    assert_eq!(error.to_string(), "the key `url` is missing");
}
