//! Values against shapes.

use alpacalert_instrument::{Constraint, Field, Shape, Value};

use super::limits::limits;
use super::text::{text, word};
use super::words::{advice, describe};
use super::{Cx, near};
use crate::diagnostic::Diagnostic;
use crate::form::{Form, one_of};
use crate::quantity;
use crate::text::Span;
use crate::tree::{Data, Key, Node};

/// What keys belong to, for messages.
pub(super) struct Owner<'a> {
    /// `` `http` `` or `defaults`.
    pub(super) name: &'a str,
    /// Where it is written.
    pub(super) span: Span,
}

/// The value that a node is of a shape; `None` when it is not, after that was reported. `key` names it in messages.
pub(super) fn value(cx: &mut Cx<'_>, node: &Node, shape: &Shape, key: &str) -> Option<Value> {
    if let Some(form) = Form::of(shape) {
        return text(cx, node, &form, key);
    }
    match shape {
        Shape::Bool => match node.data {
            Data::Bool(value) => Some(Value::Bool(value)),
            _ => expected(cx, node, shape, key),
        },
        Shape::Int { min, max } => match node.data {
            Data::Number(number, _) => match number.as_int() {
                Some(value) if (*min..=*max).contains(&value) => Some(Value::Int(value)),
                _ => expected(cx, node, shape, key),
            },
            _ => expected(cx, node, shape, key),
        },
        Shape::Number { min, max } => match node.data {
            Data::Number(number, _) if (*min..=*max).contains(&number.as_f64()) => {
                Some(Value::Number(number.as_f64()))
            }
            _ => expected(cx, node, shape, key),
        },
        Shape::Duration => match &node.data {
            Data::Text(text) if let Some(duration) = quantity::duration(text) => {
                Some(Value::Duration(duration))
            }
            _ => expected(cx, node, shape, key),
        },
        Shape::Quantity(units) => match quantity::quantity(node, units) {
            Some(quantity) => Some(Value::Quantity(quantity)),
            None => expected(cx, node, shape, key),
        },
        Shape::OneOf(words) => word(cx, node, shape, words, key),
        Shape::Limits { direction, units } => limits(cx, node, shape, *direction, units, key),
        Shape::List { of, min } => match &node.data {
            Data::List(items) => many(cx, node, items, of, *min, key),
            _ => expected(cx, node, shape, key),
        },
        Shape::OneOrMany(of) => match &node.data {
            Data::List(items) => many(cx, node, items, of, 1, key),
            _ => value(cx, node, of, key).map(|value| Value::List(vec![value])),
        },
        Shape::Map(of) => match &node.data {
            Data::Map(entries) => {
                let values: Vec<_> = entries
                    .iter()
                    .map(|(key, node)| {
                        Some((key.text.to_string(), value(cx, node, of, &key.text)?))
                    })
                    .collect();
                values.into_iter().collect::<Option<_>>().map(Value::Map)
            }
            _ => expected(cx, node, shape, key),
        },
        Shape::Record {
            fields,
            constraints,
        } => match &node.data {
            Data::Map(entries) => {
                let name = format!("`{key}`");
                let owner = Owner {
                    name: &name,
                    span: node.span,
                };
                let entries: Vec<_> = entries.iter().collect();
                record(cx, &owner, &entries, fields, constraints, &[]).map(Value::Map)
            }
            _ => expected(cx, node, shape, key),
        },
        Shape::Either(shapes) => either(cx, node, shape, shapes, key),
        // Every shape of text has a form.
        _ => expected(cx, node, shape, key),
    }
}

/// The keys of a record, in the order written. `also` are keys that are read elsewhere: they are not in `entries`, and named
/// among the known.
pub(super) fn record(
    cx: &mut Cx<'_>,
    owner: &Owner<'_>,
    entries: &[&(Key, Node)],
    fields: &[Field],
    constraints: &[Constraint],
    also: &[&str],
) -> Option<Vec<(String, Value)>> {
    let mut values = Vec::new();
    let mut good = true;
    // Required keys that somebody likely misspelled: one mistake, not two.
    let mut misspelled = Vec::new();
    for (key, node) in entries {
        match fields.iter().find(|field| *field.name == *key.text) {
            Some(field) => match value(cx, node, &field.shape, field.name) {
                Some(value) => values.push((field.name.to_owned(), value)),
                None => good = false,
            },
            None => {
                good = false;
                let known = || {
                    fields
                        .iter()
                        .map(|field| field.name)
                        .chain(also.iter().copied())
                };
                misspelled.extend(near(&key.text, known()).map(str::to_owned));
                cx.unknown_key(key, owner.name, known());
            }
        }
    }
    let given = |name: &str| entries.iter().find(|(key, _)| *key.text == *name);
    for field in fields.iter().filter(|field| field.required) {
        if given(field.name).is_none() {
            good = false;
            if !misspelled.iter().any(|word| word == field.name) {
                let problem =
                    Diagnostic::error(format!("{} lacks the key `{}`", owner.name, field.name));
                cx.report(
                    problem
                        .at(owner.span, format!("`{}` must be given", field.name))
                        .help(format!("`{}` takes {}", field.name, describe(&field.shape))),
                );
            }
        }
    }
    for constraint in constraints {
        good &= holds(cx, owner, entries, constraint, &misspelled);
    }
    good.then_some(values)
}

fn holds(
    cx: &mut Cx<'_>,
    owner: &Owner<'_>,
    entries: &[&(Key, Node)],
    constraint: &Constraint,
    misspelled: &[String],
) -> bool {
    let given: Vec<&Key> = entries.iter().map(|(key, _)| key).collect();
    let among = |names: &[&str]| -> Vec<&Key> {
        given
            .iter()
            .filter(|key| names.contains(&&*key.text))
            .copied()
            .collect()
    };
    let (names, at_most, at_least) = match constraint {
        Constraint::ExactlyOne(names) => (*names, 1, 1),
        Constraint::AtMostOne(names) => (*names, 1, 0),
        Constraint::AtLeastOne(names) => (*names, usize::MAX, 1),
        Constraint::Requires(first, second) => {
            let (first, second) = (
                among(&[first]),
                among(&[second]).is_empty().then_some(second),
            );
            let (Some(first), Some(second)) = (first.first(), second) else {
                return true;
            };
            let problem =
                Diagnostic::error(format!("`{}` makes sense only with `{second}`", first.text));
            cx.report(problem.at(
                first.span,
                format!("`{second}` is missing in {}", owner.name),
            ));
            return false;
        }
    };
    let present = among(names);
    if present.len() < at_least {
        if !names
            .iter()
            .any(|name| misspelled.iter().any(|m| m == name))
        {
            let problem = Diagnostic::error(format!("{} lacks a key", owner.name));
            cx.report(problem.at(owner.span, format!("needs {}", one_of(names))));
        }
        return false;
    }
    if present.len() > at_most {
        let problem = Diagnostic::error(format!(
            "`{}` and `{}` exclude each other",
            present[0].text, present[1].text
        ));
        cx.report(
            problem
                .at(present[1].span, "leave one of them out")
                .at(present[0].span, "the other"),
        );
        return false;
    }
    true
}

fn many(
    cx: &mut Cx<'_>,
    node: &Node,
    items: &[Node],
    of: &Shape,
    min: usize,
    key: &str,
) -> Option<Value> {
    if items.len() < min {
        let problem = Diagnostic::error(format!(
            "`{key}` has {} values, and needs at least {min}",
            items.len()
        ));
        cx.report(problem.at(node.span, format!("each is {}", describe(of))));
        return None;
    }
    let values: Vec<_> = items.iter().map(|item| value(cx, item, of, key)).collect();
    values.into_iter().collect::<Option<_>>().map(Value::List)
}

fn either(
    cx: &mut Cx<'_>,
    node: &Node,
    shape: &Shape,
    shapes: &[Shape],
    key: &str,
) -> Option<Value> {
    let mut meant = Vec::new();
    for shape in shapes {
        match cx.attempt(|cx| value(cx, node, shape, key)) {
            Ok(value) => return Some(value),
            Err(found) if fits(node, shape) => meant.push(found),
            Err(_) => {}
        }
    }
    // With one shape that the value could have been, its words help more than a list of all shapes.
    match <[_; 1]>::try_from(meant) {
        Ok([found]) => {
            found.into_iter().for_each(|problem| cx.report(problem));
            None
        }
        Err(_) => expected(cx, node, shape, key),
    }
}

/// Whether a value is of the type that a shape wants, right or wrong otherwise.
fn fits(node: &Node, shape: &Shape) -> bool {
    match shape {
        Shape::Either(shapes) => shapes.iter().any(|shape| fits(node, shape)),
        Shape::OneOrMany(of) => matches!(node.data, Data::List(_)) || fits(node, of),
        Shape::List { .. } => matches!(node.data, Data::List(_)),
        Shape::Map(_) | Shape::Record { .. } | Shape::Limits { .. } => {
            matches!(node.data, Data::Map(_))
        }
        Shape::Bool => matches!(node.data, Data::Bool(_)),
        Shape::Int { .. } | Shape::Number { .. } => matches!(node.data, Data::Number(..)),
        _ => matches!(node.data, Data::Text(_)),
    }
}

/// Reports that a value is not of its shape. Always `None`.
pub(super) fn expected<T>(cx: &mut Cx<'_>, node: &Node, shape: &Shape, key: &str) -> Option<T> {
    expected_what(cx, node, &describe(shape), key)
}

/// Reports that a value is not what its key takes. Always `None`.
pub(super) fn expected_what<T>(cx: &mut Cx<'_>, node: &Node, what: &str, key: &str) -> Option<T> {
    // A phrase such as `an item` is no key.
    let owner = match key.contains(' ') {
        true => key.to_owned(),
        false => format!("`{key}`"),
    };
    let problem = Diagnostic::error(format!("{owner} takes {what}"));
    let found = match node.data {
        Data::Null => "there is nothing".to_owned(),
        _ => format!("this is {}", node.describe()),
    };
    let problem = problem.at(node.span, found);
    cx.report(match advice(node, what) {
        Some(advice) => problem.help(advice),
        None => problem,
    });
    None
}
