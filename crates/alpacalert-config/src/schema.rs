//! The JSON Schema of a configuration.

mod shape;

use alpacalert_instrument::{Kind, KindSpec, Registry};
use serde_json::{Map, Value, json};

use self::shape::{Text, record, satisfied_by};
use crate::vocabulary::{self, LOCAL, MAX_COUNT, NAME, PERCENT, Takes, Word};

/// The JSON Schema (2020-12) of a configuration file, for editors: completion, documentation, and marks under mistakes.
///
/// It accepts and refuses the same documents as the program, as far as a schema can: it does not know which names
/// there are, whether they form a cycle, whether more members are asked for than there are, which of two limits is
/// the worse, which days and networks there are, or the inside of regular expressions, JSONPaths and URLs.
pub fn schema(registry: &Registry) -> Value {
    let mut defs = Map::new();
    defs.insert(
        "name".to_owned(),
        json!({ "type": "string", "pattern": NAME }),
    );
    defs.insert(
        "label".to_owned(),
        json!({
            "type": ["string", "number"],
            "minLength": 1,
            "maxLength": 200,
            "pattern": r"^(?![\s\S]*\$\{)",
        }),
    );
    defs.insert("window".to_owned(), window());
    defs.insert("source".to_owned(), source(registry));
    defs.insert("system".to_owned(), group(registry, false));
    defs.insert("service".to_owned(), group(registry, true));
    for text in [Text::Final, Text::Template] {
        for wrapped in [true, false] {
            defs.insert(item_name(text, wrapped), item(registry, text, wrapped));
        }
        for spec in registry.specs() {
            defs.insert(kind_name(spec, text), kind(spec, text));
        }
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Configuration of Alpacalert",
        "type": ["object", "null"],
        "properties": words(vocabulary::top(), registry),
        "additionalProperties": false,
        "$defs": defs,
    })
}

fn words(words: Vec<Word>, registry: &Registry) -> Map<String, Value> {
    words
        .into_iter()
        .map(|word| {
            let schema = described(takes(&word.takes, registry), word.doc);
            (word.name.to_owned(), schema)
        })
        .collect()
}

fn described(mut schema: Value, doc: &str) -> Value {
    if let Value::Object(schema) = &mut schema {
        schema.insert("description".to_owned(), doc.into());
    }
    schema
}

fn takes(takes: &Takes, registry: &Registry) -> Value {
    let nullable = |mut schema: Value| {
        schema["type"] = json!(["object", "null"]);
        schema
    };
    match takes {
        Takes::Shape(shape) => shape::schema(shape, Text::Final),
        Takes::Label => reference("label"),
        Takes::Name => reference("name"),
        Takes::Record(fields) => nullable(record(fields, &[], Map::new(), Text::Final)),
        Takes::Sources => json!({
            "type": ["object", "null"],
            "propertyNames": { "allOf": [reference("name"), { "not": { "const": LOCAL } }] },
            "additionalProperties": reference("source"),
        }),
        Takes::Groups { services } => json!({
            "type": ["object", "null"],
            "propertyNames": reference("name"),
            "additionalProperties": reference(if *services { "service" } else { "system" }),
        }),
        Takes::Extend => extend(registry),
        Takes::Items => items(Text::Final, true),
        Takes::PlainItems => items(Text::Final, false),
        Takes::Windows => json!({ "type": "array", "items": reference("window"), "minItems": 1 }),
        Takes::Threshold => json!({
            "anyOf": [
                { "type": "integer", "minimum": 1, "maximum": MAX_COUNT },
                { "type": "string", "pattern": PERCENT },
            ],
        }),
        Takes::Weights => json!({
            "type": "object",
            "minProperties": 1,
            "additionalProperties": { "type": "integer", "minimum": 1, "maximum": MAX_COUNT },
        }),
    }
}

/// A time in which work is planned: once, or again and again.
fn window() -> Value {
    let (key, doc) = vocabulary::REASON;
    let reason = Map::from_iter([(key.to_owned(), described(reference("label"), doc))]);
    let mut window = record(&vocabulary::window(), &[], reason, Text::Final);
    let times = |pattern: &str| {
        let time = json!({ "pattern": format!("^(?:{pattern})$") });
        json!({ "properties": { "from": time, "until": time } })
    };
    window["if"] = json!({ "required": ["every"] });
    window["then"] = times(vocabulary::TIME_OF_DAY);
    window["else"] = times(vocabulary::MOMENT);
    window
}

fn extend(registry: &Registry) -> Value {
    let full = registry.kinds().map(|kind| kind.as_str());
    let short = registry.specs().filter_map(|spec| spec.alias);
    let kinds: Map<String, Value> = full
        .chain(short)
        .map(|word| (word.to_owned(), items(Text::Template, true)))
        .collect();
    let mut extend = json!({
        "type": ["object", "null"],
        "properties": kinds,
        "additionalProperties": false,
    });
    if registry.sources().any(|source| source.brings_kinds()) {
        extend["patternProperties"] = json!({ brought(registry): items(Text::Template, true) });
        extend["propertyNames"] = json!({ "maxLength": Kind::MAX_LEN });
    }
    extend
}

/// A pattern for kinds of namespaces in which nothing is registered: what [`Kind`] parses, but for the length.
fn brought(registry: &Registry) -> String {
    const LABEL: &str = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?";
    const SEGMENT: &str = "[A-Za-z0-9._~!$&'()*+,;=:@-]+";
    let mut known: Vec<String> = registry
        .kinds()
        .map(|kind| regex::escape(kind.namespace()))
        .collect();
    known.dedup();
    let known = known.join("|");
    format!(
        "^(?!(?:{known})/){LABEL}(?:\\.{LABEL})*/{SEGMENT}(?:/{SEGMENT})*(?:#{SEGMENT}(?:/{SEGMENT})*)?$"
    )
}

fn items(text: Text, wrapped: bool) -> Value {
    json!({
        "type": "array",
        "minItems": 1,
        "items": reference(&item_name(text, wrapped)),
    })
}

fn item(registry: &Registry, text: Text, wrapped: bool) -> Value {
    let mut properties = kinds(registry, text);
    let find = record(&vocabulary::find(), &[], Map::new(), Text::Final);
    properties.insert(
        "find".to_owned(),
        described(find, "Nodes of a source, found by their path."),
    );
    for (word, doc) in [
        ("degrades", "Its worst is Degraded for the system."),
        ("optional", "It is measured and shown, and not counted."),
        (
            "inverted",
            "Its Failing counts as Passing, and the reverse.",
        ),
    ] {
        // Without `wrapped`, the list says already how its members count.
        if wrapped {
            let item = reference(&item_name(text, false));
            properties.insert(word.to_owned(), described(item, doc));
        } else {
            properties.shift_remove(word);
        }
    }
    json!({
        "anyOf": [
            described(reference("name"), "The name of a system or a service."),
            {
                "type": "object",
                "properties": properties,
                "additionalProperties": false,
                "minProperties": 1,
                "maxProperties": 1,
            },
        ],
    })
}

/// Every word for a kind.
fn kinds(registry: &Registry, text: Text) -> Map<String, Value> {
    let mut words = Map::new();
    for spec in registry.specs() {
        let kind = described(reference(&kind_name(spec, text)), &kind_doc(spec));
        for word in spec.alias.into_iter().chain([spec.kind.as_str()]) {
            words.insert(word.to_owned(), kind.clone());
        }
    }
    words
}

fn kind_doc(spec: &KindSpec) -> String {
    format!("{}\n\n{}", spec.summary, spec.doc)
        .trim()
        .to_owned()
}

fn kind(spec: &KindSpec, text: Text) -> Value {
    let common = vocabulary::common()
        .into_iter()
        .filter(|word| spec.fields.iter().all(|field| field.name != word.name));
    // The words that all kinds take refer to no kind.
    let common = words(common.collect(), &Registry::new());
    let mut object = record(&spec.fields, &spec.constraints, common, text);
    if satisfied_by(&spec.fields, &spec.constraints, &[]) {
        object["type"] = json!(["object", "null"]);
    }
    let shorthand = spec
        .shorthand
        .filter(|key| satisfied_by(&spec.fields, &spec.constraints, &[*key]))
        .and_then(|key| spec.fields.iter().find(|field| field.name == key));
    match shorthand {
        Some(field) => json!({ "anyOf": [object, shape::field(field, text)] }),
        None => object,
    }
}

fn source(registry: &Registry) -> Value {
    let mut properties = words(vocabulary::source(), registry);
    let mut one = Vec::new();
    for provider in registry.sources() {
        let spec = provider.spec();
        let mut sort = record(&spec.fields, &spec.constraints, Map::new(), Text::Final);
        if satisfied_by(&spec.fields, &spec.constraints, &[]) {
            sort["type"] = json!(["object", "null"]);
        }
        let doc = format!("{}\n\n{}", spec.summary, spec.doc);
        properties.insert(spec.name.to_owned(), described(sort, doc.trim()));
        one.push(json!({ "required": [spec.name] }));
    }
    let mut schema = json!({
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    });
    if one.is_empty() {
        // Without a sort of source there is no source.
        schema["not"] = json!({});
    } else {
        schema["oneOf"] = one.into();
    }
    schema
}

/// A system or a service.
fn group(registry: &Registry, services: bool) -> Value {
    let mut properties = kinds(registry, Text::Final);
    let mut rules: Vec<String> = properties.keys().cloned().collect();
    let words = words(vocabulary::group(services), registry);
    rules.retain(|rule| !words.contains_key(rule));
    rules.extend(["all", "any", "at_least", "exactly"].map(str::to_owned));
    if services {
        rules.push("requires".to_owned());
    }
    properties.extend(words);
    let required: Vec<Value> = rules
        .iter()
        .map(|rule| json!({ "required": [rule] }))
        .collect();
    let mut alternatives = required.clone();
    // Without a rule, `all` holds for the members that the lists of edges name.
    alternatives.push(json!({
        "not": { "anyOf": required },
        "anyOf": [
            { "required": ["degrades"] },
            { "required": ["optional"] },
            { "required": ["inverted"] },
        ],
    }));
    json!({
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
        "oneOf": alternatives,
        "dependentRequired": { "exactly": ["of"], "weights": ["at_least"] },
        "allOf": [
            { "not": { "required": ["of", "weights"] } },
            {
                "if": { "required": ["at_least"] },
                "then": { "anyOf": [{ "required": ["of"] }, { "required": ["weights"] }] },
            },
            {
                "if": { "required": ["of"] },
                "then": { "anyOf": [{ "required": ["at_least"] }, { "required": ["exactly"] }] },
            },
            {
                "if": { "required": ["weights"] },
                "then": { "properties": { "at_least": { "type": "integer" } } },
            },
        ],
    })
}

fn reference(name: &str) -> Value {
    // A JSON Pointer in a URI fragment.
    let name = name
        .replace('~', "~0")
        .replace('/', "~1")
        .replace('#', "%23");
    json!({ "$ref": format!("#/$defs/{name}") })
}

fn item_name(text: Text, wrapped: bool) -> String {
    let base = if wrapped { "item" } else { "plainItem" };
    match text {
        Text::Final => base.to_owned(),
        Text::Template => format!("{base}Template"),
    }
}

fn kind_name(spec: &KindSpec, text: Text) -> String {
    match text {
        Text::Final => format!("kind:{}", spec.kind),
        Text::Template => format!("template:{}", spec.kind),
    }
}
