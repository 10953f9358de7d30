//! The JSON Schema accepts and refuses what the program does.

use std::collections::HashMap;

use alpacalert_config::schema;
use alpacalert_instrument::model::Unit;
use alpacalert_instrument::{
    Constraint, Direction, Field, InstrumentError, Kind, KindSpec, Registry, Scope, Shape, Target,
};
use granit_parser::{Event, Parser, ScalarStyle};
use jsonschema::Validator;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::corpus::files;
use crate::kinds::registry;

/// Mistakes that no schema can see: they are about more than one place, about the inside of a text, or about YAML itself
/// (those begin with `yaml-`, and are no JSON document).
const BEYOND_SCHEMA: &[&str] = &[
    "access-expires-day",
    "access-proxy-network",
    "extend-secret-and-placeholder",
    "find-empty-part",
    "find-unknown-source",
    "group-always-degraded",
    "group-asks-too-much",
    "group-asks-too-much-exactly",
    "group-asks-too-much-weight",
    "group-cycle",
    "group-cycle-of-one",
    "group-member-twice",
    "group-member-twice-kind",
    "history-too-short",
    "item-kind-as-name",
    "item-no-sources",
    "item-unknown-name",
    "item-unknown-name-far",
    "item-unknown-source",
    "maintenance-ends-first",
    "maintenance-no-such-day",
    "maintenance-zone",
    "maintenance-zone-misspelled",
    "maintenance-zone-secret",
    "maintenance-zone-unknown",
    "shape-address-bad-ipv6",
    "shape-json-path",
    "shape-limits-order-above",
    "shape-limits-order-below",
    "shape-regex",
    "shape-regex-lookahead",
    "shape-url-port",
    "top-defaults-too-short",
    "top-defaults-zero-timeout",
    "top-name-twice",
];

fn validator(registry: &Registry) -> Validator {
    jsonschema::draft202012::new(&schema(registry)).expect("the schema is one")
}

#[test]
fn the_schema_is_valid_by_its_own_rules() {
    let schema = schema(&registry());
    let problem = jsonschema::draft202012::meta::validate(&schema);
    assert!(problem.is_ok(), "{problem:?}");
}

#[test]
fn the_schema_accepts_every_valid_document() {
    let validator = validator(&registry());
    for (name, text) in files("valid") {
        let document = document(&text);
        let problems: Vec<String> = validator
            .iter_errors(&document)
            .map(|problem| format!("{}: {problem}", problem.instance_path()))
            .collect();
        assert!(problems.is_empty(), "{name}: {problems:#?}");
    }
}

#[test]
fn the_schema_refuses_every_invalid_document_but_those_beyond_it() {
    let validator = validator(&registry());
    let mut accepted: Vec<String> = files("invalid")
        .into_iter()
        .filter(|(name, _)| !name.starts_with("yaml-"))
        .filter(|(_, text)| validator.is_valid(&document(text)))
        .map(|(name, _)| name)
        .collect();
    accepted.sort();
    assert_eq!(accepted, BEYOND_SCHEMA);
}

#[test]
fn editors_find_documentation_and_defaults() {
    let schema = schema(&registry());
    let http = &schema["$defs"]["kind:example.com/Http"]["anyOf"][0]["properties"];
    assert_eq!(http["status"]["default"], 200);
    assert_eq!(
        http["status"]["description"],
        "What to expect.\n\nDefault: 200"
    );
    assert_eq!(
        schema["properties"]["defaults"]["properties"]["interval"]["default"],
        "30s"
    );
    let word = &schema["$defs"]["kind:example.com/Every"]["properties"]["word"];
    assert_eq!(word["enum"], json!(["passing", "degraded", "failing"]));
}

/// The JSON document that a YAML text is. Its own few lines rather than the program's: what both would get wrong alike would
/// not be seen.
fn document(text: &str) -> Value {
    let mut events = Parser::new_from_str(text).map(|event| event.expect("the corpus is YAML").0);
    let mut anchors = HashMap::new();
    loop {
        match events.next() {
            None => return Value::Null,
            Some(Event::StreamStart | Event::DocumentStart(..) | Event::Comment(..)) => {}
            Some(Event::StreamEnd) => return Value::Null,
            Some(event) => return value(event, &mut events, &mut anchors),
        }
    }
}

fn value<'a>(
    event: Event<'a>,
    events: &mut impl Iterator<Item = Event<'a>>,
    anchors: &mut HashMap<usize, Value>,
) -> Value {
    let (anchor, value) = match event {
        Event::Scalar(text, style, anchor, _) => (anchor, scalar(&text, style)),
        Event::Alias(anchor) => (0, anchors[&anchor].clone()),
        Event::SequenceStart(_, anchor, _) => {
            let mut items = Vec::new();
            while let Some(event) = next(events) {
                if event == Event::SequenceEnd {
                    break;
                }
                items.push(self::value(event, events, anchors));
            }
            (anchor, Value::Array(items))
        }
        Event::MappingStart(_, anchor, _) => {
            let mut entries = serde_json::Map::new();
            while let Some(Event::Scalar(key, ..)) = next(events) {
                let event = next(events).expect("keys have values");
                entries.insert(key.into_owned(), self::value(event, events, anchors));
            }
            (anchor, Value::Object(entries))
        }
        other => panic!("{other:?}"),
    };
    if anchor != 0 {
        anchors.insert(anchor, value.clone());
    }
    value
}

fn next<'a>(events: &mut impl Iterator<Item = Event<'a>>) -> Option<Event<'a>> {
    events.find(|event| !matches!(event, Event::Comment(..)))
}

fn scalar(text: &str, style: ScalarStyle) -> Value {
    if style != ScalarStyle::Plain {
        return text.into();
    }
    match text {
        "~" | "null" | "" => return Value::Null,
        // JSON has no such numbers.
        ".nan" => return Value::Null,
        _ => {}
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return i64::from_str_radix(digits, 16)
            .expect("the corpus has small numbers")
            .into();
    }
    // The numbers and booleans of JSON are also YAML's.
    serde_json::from_str(text).unwrap_or_else(|_| text.into())
}

/// A registry with one kind `k` that takes one key `v` of a shape.
fn registry_of(shape: &Shape) -> Registry {
    let nothing = |_: &Target, _: &mut Scope<'_, '_>| -> Result<(), InstrumentError> { Ok(()) };
    let mut registry = Registry::new();
    let spec = KindSpec {
        alias: Some("k"),
        fields: vec![Field::required("v", shape.clone(), "The value.")],
        ..KindSpec::new(Kind::of("example.com/K"), "a kind of one key")
    };
    registry.register_kind(spec, nothing);
    registry
}

/// Words in the messages about what no schema can see.
const BEYOND: [&str; 1] = ["failing before it is degraded"];

fn program_accepts(document: &Value, registry: &Registry) -> Result<bool, TestCaseError> {
    let text = ("a.json".to_owned(), document.to_string());
    match alpacalert_config::parse(&[text], registry) {
        Ok(_) => Ok(true),
        Err(problems)
            if problems
                .iter()
                .all(|p| BEYOND.iter().any(|b| p.message().contains(b))) =>
        {
            Err(TestCaseError::reject("beyond the schema"))
        }
        Err(_) => Ok(false),
    }
}

fn units() -> impl Strategy<Value = Vec<Unit>> {
    prop::sample::subsequence(
        vec![
            Unit::None,
            Unit::Count,
            Unit::Seconds,
            Unit::Bytes,
            Unit::Percent,
            Unit::PerSecond,
            Unit::BytesPerSecond,
            Unit::Celsius,
        ],
        1..=3,
    )
}

fn scalar_shape() -> impl Strategy<Value = Shape> {
    prop_oneof![
        Just(Shape::Bool),
        (-10..10_i64, 0..100_i64).prop_map(|(min, more)| Shape::Int {
            min,
            max: min + more
        }),
        (-10..10_i32, 0..100_i32).prop_map(|(min, more)| Shape::Number {
            min: min.into(),
            max: f64::from(min + more)
        }),
        Just(Shape::Text),
        Just(Shape::Duration),
        Just(Shape::Regex),
        Just(Shape::JsonPath),
        Just(Shape::Url(vec!["http", "https"])),
        Just(Shape::Address),
        Just(Shape::Path),
        Just(Shape::Matching {
            what: "an a or some digits",
            pattern: "a|[0-9]+",
        }),
        Just(Shape::OneOf(vec!["a", "off", "15%"])),
        units().prop_map(Shape::Quantity),
        (any::<bool>(), units()).prop_map(|(above, units)| Shape::Limits {
            direction: if above {
                Direction::Above
            } else {
                Direction::Below
            },
            units,
        }),
    ]
}

fn field(name: &'static str, shape: Shape, required: bool) -> Field {
    Field {
        required,
        ..Field::optional(name, shape, "A key.")
    }
}

/// Shapes of every sort, three levels deep. A list of lists is not written as one of them, so `OneOrMany` has scalars.
fn shape() -> impl Strategy<Value = Shape> {
    scalar_shape().prop_recursive(2, 8, 3, |inner| {
        let fields = prop::collection::vec((inner.clone(), any::<bool>()), 3);
        let constraint = prop_oneof![
            Just(Constraint::ExactlyOne(&["a", "b"])),
            Just(Constraint::AtMostOne(&["a", "b", "c"])),
            Just(Constraint::AtLeastOne(&["b", "c"])),
            Just(Constraint::Requires("a", "c")),
        ];
        prop_oneof![
            (inner.clone(), 0..3_usize).prop_map(|(of, min)| Shape::List {
                of: Box::new(of),
                min
            }),
            scalar_shape().prop_map(|of| Shape::OneOrMany(Box::new(of))),
            inner.clone().prop_map(|of| Shape::Map(Box::new(of))),
            prop::collection::vec(inner, 1..4).prop_map(Shape::Either),
            (fields, prop::collection::vec(constraint, 0..2)).prop_map(|(fields, constraints)| {
                Shape::Record {
                    fields: ["a", "b", "c"]
                        .into_iter()
                        .zip(fields)
                        .map(|(name, (shape, required))| field(name, shape, required))
                        .collect(),
                    constraints,
                }
            }),
        ]
    })
}

/// Texts at the edges of what shapes accept. Regular expressions, JSONPaths and URLs are right inside where they look right
/// from outside.
fn edge_text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(vec![
            "", "a", "off", "15%", "15 %", "100%", "101%", "-1%", "1h30m", "30m1h", "10s", "10 s", "1.5h", "0s", "ms", "5",
            "5/s", "1kB/s", "20GiB", "20Gib", "70°C", "-5C", "1e3", "http://a", "https://[::1]:80/x", "ftp://a", "a:80",
            "a:0", "a:65535", "a:65536", "a:080", "[::1]:80", "::1:80", "a:80:90", ".status", "$.a[0]", "status", "/srv",
            "a b", "${env:A}", "${env:}", "${env:A-B}", "${file:x}/y", "${file:}", "${vault:x}", "$${env:A}", "$$${env:A}",
            "$$$${env:A}", "$", "$$", "${", "a${env:A", "{name}", "{{name}}", "{name", "name}", "{{{name}}}", "{1}",
            "{name} ${x", "http://{name}", "{name}:80", "$${name}", "\u{0}", "\n", "a\nb", "true", "null", "µ",
        ]).prop_map(str::to_owned),
        1 => "[a-z$%/:.0-9 {}]{0,8}".prop_filter("no JSONPath or URL that is wrong inside", |text| {
            !text.starts_with(['.', '$']) && !text.contains("://") && regex_is_right(text)
        }),
    ]
    .prop_filter("right inside as a regular expression", |text| regex_is_right(text))
}

fn regex_is_right(text: &str) -> bool {
    regex::Regex::new(&text.replace("$${", "${")).is_ok() && regex::Regex::new(text).is_ok()
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-20..120_i64).prop_map(Value::from),
        prop::sample::select(vec![0.5, -1.5, 3.0, 1e300, -0.0]).prop_map(Value::from),
        edge_text().prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        let keys = prop::sample::select(vec!["a", "b", "c", "d", "degraded", "failing", ""]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::vec((keys, inner), 0..3).prop_map(|entries| entries
                .into_iter()
                .map(|(k, v)| (k.to_owned(), v))
                .collect()),
        ]
    })
}

/// Values that mostly are of the shape.
fn value_of(shape: &Shape) -> BoxedStrategy<Value> {
    let right = match shape {
        Shape::Bool => any::<bool>().prop_map(Value::from).boxed(),
        Shape::Int { min, max } => (min - 1..=max + 1).prop_map(Value::from).boxed(),
        Shape::Number { min, max } => (min - 0.5..max + 0.5).prop_map(Value::from).boxed(),
        Shape::Limits { .. } => {
            let bound = || {
                prop::option::of(prop_oneof![
                    edge_text().prop_map(Value::from),
                    (0..9).prop_map(Value::from)
                ])
            };
            (bound(), bound())
                .prop_map(|(degraded, failing)| {
                    let entries = [("degraded", degraded), ("failing", failing)];
                    entries
                        .into_iter()
                        .filter_map(|(k, v)| Some((k.to_owned(), v?)))
                        .collect()
                })
                .boxed()
        }
        Shape::List { of, .. } => prop::collection::vec(value_of(of), 0..3)
            .prop_map(Value::from)
            .boxed(),
        Shape::OneOrMany(of) => prop_oneof![
            value_of(of),
            prop::collection::vec(value_of(of), 0..3).prop_map(Value::from)
        ]
        .boxed(),
        Shape::Map(of) => prop::collection::vec(("[a-d]", value_of(of)), 0..3)
            .prop_map(|entries| entries.into_iter().collect())
            .boxed(),
        Shape::Record { fields, .. } => fields
            .iter()
            .map(|field| {
                let name = field.name.to_owned();
                prop::option::weighted(0.7, value_of(&field.shape))
                    .prop_map(move |v| Some((name.clone(), v?)))
            })
            .collect::<Vec<_>>()
            .prop_map(|entries| entries.into_iter().flatten().collect())
            .boxed(),
        Shape::Either(shapes) => prop::strategy::Union::new(shapes.iter().map(value_of)).boxed(),
        _ => edge_text().prop_map(Value::from).boxed(),
    };
    prop_oneof![9 => right, 1 => any_value()].boxed()
}

fn shape_and_values() -> impl Strategy<Value = (Shape, Vec<Value>)> {
    shape().prop_flat_map(|shape| {
        let values = prop::collection::vec(value_of(&shape), 8);
        (Just(shape), values)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn program_and_schema_agree_on_values_of_any_shape((shape, values) in shape_and_values()) {
        let registry = registry_of(&shape);
        let validator = validator(&registry);
        for value in values {
            for document in [
                json!({ "systems": { "a": { "k": { "v": value } } } }),
                json!({ "systems": {}, "extend": { "k": [{ "k": { "v": value } }] } }),
            ] {
                let Ok(accepted) = program_accepts(&document, &registry) else { continue };
                prop_assert_eq!(accepted, validator.is_valid(&document), "program, schema: {}", document);
            }
        }
    }
}
