//! Shapes as JSON Schema.

use alpacalert_instrument::{Constraint, Field, Shape};
use alpacalert_model::Unit;
use serde_json::{Map, Value, json};

use crate::form::{Form, MAX_TEXT};
use crate::quantity::{Written, duration, duration_pattern, written};
use crate::secrets;
use crate::tree::{Data, plain};

/// Whether texts are as they will be, or hold placeholders that are filled in for each thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Text {
    Final,
    Template,
}

/// What can stand between placeholders.
const LITERAL: &str = r"[^{}]|\{\{|\}\}";
const PLACEHOLDER: &str = r"\{[A-Za-z_][A-Za-z0-9_]*\}";

/// The values that a shape accepts.
pub(super) fn schema(shape: &Shape, text: Text) -> Value {
    if let Some(form) = Form::of(shape) {
        return text_schema(&form, text);
    }
    match shape {
        Shape::Bool => json!({ "type": "boolean" }),
        Shape::Int { min, max } => json!({ "type": "integer", "minimum": min, "maximum": max }),
        Shape::Number { min, max } => json!({ "type": "number", "minimum": min, "maximum": max }),
        Shape::Duration => json!({ "type": "string", "pattern": duration_pattern() }),
        Shape::Quantity(units) => any_of(units.iter().map(|unit| quantity(*unit)).collect()),
        Shape::OneOf(words) => match text {
            Text::Final => json!({ "enum": words }),
            Text::Template => any_of(vec![json!({ "enum": words }), template()]),
        },
        Shape::Limits { units, .. } => {
            let mut bound: Vec<Value> = units.iter().map(|unit| quantity(*unit)).collect();
            bound.push(json!({ "const": "off" }));
            let bound = any_of(bound);
            json!({
                "type": "object",
                "properties": { "degraded": bound, "failing": bound },
                "additionalProperties": false,
                "minProperties": 1,
            })
        }
        Shape::List { of, min } => {
            json!({ "type": "array", "items": schema(of, text), "minItems": min })
        }
        Shape::OneOrMany(of) => {
            let one = schema(of, text);
            let many = json!({ "type": "array", "items": one, "minItems": 1 });
            any_of(vec![one, many])
        }
        Shape::Map(of) => {
            json!({ "type": "object", "additionalProperties": schema(of, text) })
        }
        Shape::Record {
            fields,
            constraints,
        } => record(fields, constraints, Map::new(), text),
        Shape::Either(shapes) => any_of(shapes.iter().map(|shape| schema(shape, text)).collect()),
        // Every shape of text has a form.
        _ => json!({ "type": "string" }),
    }
}

/// A key's values, with what the key means and what holds without it.
pub(super) fn field(field: &Field, text: Text) -> Value {
    let mut schema = schema(&field.shape, text);
    if let Value::Object(schema) = &mut schema {
        let mut doc = field.doc.to_owned();
        if let Some(default) = field.default {
            doc.push_str(&format!("\n\nDefault: {default}"));
            if let Some(default) = default_value(&field.shape, default) {
                schema.insert("default".to_owned(), default);
            }
        }
        schema.insert("description".to_owned(), doc.into());
    }
    schema
}

/// The default as a value, where its description is one.
fn default_value(shape: &Shape, default: &str) -> Option<Value> {
    match (shape, plain(default)) {
        (Shape::Bool, Data::Bool(value)) => Some(value.into()),
        (Shape::Int { min, max }, Data::Number(number, _)) => number
            .as_int()
            .filter(|value| (*min..=*max).contains(value))
            .map(Value::from),
        (Shape::Number { .. }, Data::Number(number, _)) => Some(number.as_f64().into()),
        (Shape::Duration, Data::Text(text)) if duration(&text).is_some() => Some((*text).into()),
        (Shape::OneOf(words), Data::Text(text)) if words.contains(&&*text) => Some((*text).into()),
        (Shape::OneOrMany(of), _) => default_value(of, default),
        _ => None,
    }
}

/// A map of these keys and of `also`, which are described elsewhere.
pub(super) fn record(
    fields: &[Field],
    constraints: &[Constraint],
    also: Map<String, Value>,
    text: Text,
) -> Value {
    let mut properties: Map<String, Value> = fields
        .iter()
        .map(|key| (key.name.to_owned(), field(key, text)))
        .collect();
    properties.extend(also);
    let required: Vec<&str> = fields
        .iter()
        .filter(|field| field.required)
        .map(|field| field.name)
        .collect();
    let mut schema = json!({
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    if !constraints.is_empty() {
        schema["allOf"] = constraints.iter().map(constraint).collect();
    }
    schema
}

fn constraint(constraint: &Constraint) -> Value {
    let each = |names: &[&str]| -> Vec<Value> {
        names
            .iter()
            .map(|name| json!({ "required": [name] }))
            .collect()
    };
    match constraint {
        Constraint::ExactlyOne(names) => json!({ "oneOf": each(names) }),
        Constraint::AtLeastOne(names) => json!({ "anyOf": each(names) }),
        Constraint::AtMostOne(names) => {
            let mut one = each(names);
            one.push(json!({ "not": { "anyOf": each(names) } }));
            json!({ "oneOf": one })
        }
        Constraint::Requires(first, second) => {
            json!({ "dependentRequired": { *first: [second] } })
        }
    }
}

/// Whether a record with just these keys has all that it needs.
pub(super) fn satisfied_by(fields: &[Field], constraints: &[Constraint], given: &[&str]) -> bool {
    let count = |names: &[&str]| names.iter().filter(|name| given.contains(name)).count();
    let has_required = fields
        .iter()
        .filter(|field| field.required)
        .all(|field| given.contains(&field.name));
    has_required
        && constraints.iter().all(|constraint| match constraint {
            Constraint::ExactlyOne(names) => count(names) == 1,
            Constraint::AtMostOne(names) => count(names) <= 1,
            Constraint::AtLeastOne(names) => count(names) >= 1,
            Constraint::Requires(first, second) => !given.contains(first) || given.contains(second),
        })
}

fn quantity(unit: Unit) -> Value {
    match written(unit) {
        Written::Number { min: None } => json!({ "type": "number" }),
        Written::Number { min: Some(min) } => json!({ "type": "number", "minimum": min }),
        Written::Pattern(pattern) => json!({ "type": "string", "pattern": pattern }),
    }
}

fn text_schema(form: &Form, text: Text) -> Value {
    let types = if form.takes_numbers() {
        json!(["string", "number"])
    } else {
        json!("string")
    };
    let mut schema = json!({
        "type": types,
        "minLength": 1,
        "maxLength": MAX_TEXT,
        "pattern": secrets::PATTERN,
    });
    let secret = json!({ "pattern": secrets::SOME });
    let mut all = Vec::new();
    if let Some(pattern) = form.pattern() {
        let mut any = vec![json!({ "pattern": pattern }), secret.clone()];
        if text == Text::Template {
            any.push(template());
        }
        all.push(json!({ "anyOf": any }));
    }
    if text == Text::Template {
        let braces = json!({ "pattern": format!("^(?:{LITERAL}|{PLACEHOLDER})*$") });
        all.push(json!({ "anyOf": [braces, secret] }));
    }
    if !all.is_empty() {
        schema["allOf"] = all.into();
    }
    schema
}

/// Text with at least one placeholder.
fn template() -> Value {
    json!({
        "type": "string",
        "pattern": format!("^(?:{LITERAL}|{PLACEHOLDER})*{PLACEHOLDER}(?:{LITERAL}|{PLACEHOLDER})*$"),
    })
}

fn any_of(mut schemas: Vec<Value>) -> Value {
    match schemas.len() {
        1 => schemas.remove(0),
        _ => json!({ "anyOf": schemas }),
    }
}
