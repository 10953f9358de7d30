//! Values against shapes.

use alpacalert_instrument::{Constraint, Direction, Field, Quantity, Shape, Value};
use alpacalert_model::{Bound, Limits, Unit};

use super::{Cx, list, near};
use crate::diagnostic::Diagnostic;
use crate::form::{Form, MAX_TEXT, one_of};
use crate::quantity;
use crate::secrets::{Piece, SecretUse, pieces};
use crate::text::Span;
use crate::tree::{Data, Key, Node, shorten};

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

fn text(cx: &mut Cx<'_>, node: &Node, form: &Form, key: &str) -> Option<Value> {
    let text = match &node.data {
        Data::Text(text) => text,
        Data::Number(_, text) if form.takes_numbers() => text,
        _ => return expected_what(cx, node, &form.describe(), key),
    };
    if text.is_empty() {
        let problem = Diagnostic::error(format!("`{key}` is empty"));
        cx.report(problem.at(node.span, format!("expected {}", form.describe())));
        return None;
    }
    if text.chars().count() > MAX_TEXT {
        let problem = Diagnostic::error(format!("`{key}` is longer than {MAX_TEXT} characters"));
        cx.report(problem.at(node.span, "too long"));
        return None;
    }
    let pieces = match pieces(text) {
        Ok(pieces) => pieces,
        Err(bad) => {
            let problem = Diagnostic::error(bad.message).help(bad.help);
            cx.report(problem.at(node.span.part(cx.files, bad.part), ""));
            return None;
        }
    };
    let literal: String = pieces
        .iter()
        .map(|piece| match piece {
            Piece::Text(text) => *text,
            Piece::Reference { .. } => "",
        })
        .collect();
    if pieces
        .iter()
        .any(|piece| matches!(piece, Piece::Reference { .. }))
    {
        return secret(cx, node, text, &literal, form, key);
    }
    // What is known of the text now: with placeholders in it, nothing but that they are well-formed.
    let known = match placeholders(cx, node, &literal)? {
        Placeholders::None(unescaped) => Some(unescaped),
        Placeholders::Some => None,
    };
    if let Some(known) = &known
        && let Err(misshapen) = form.check(known)
    {
        let problem = Diagnostic::error(format!("`{key}` is not {}", form.describe()));
        let part = misshapen.part.and_then(|part| known.get(part));
        let span = node.span.part(cx.files, part.unwrap_or(""));
        cx.report(problem.at(span, misshapen.reason));
        return None;
    }
    Some(Value::Text(match form {
        Form::Path => rooted(cx, &literal),
        _ => literal,
    }))
}

fn secret(
    cx: &mut Cx<'_>,
    node: &Node,
    text: &str,
    literal: &str,
    form: &Form,
    key: &str,
) -> Option<Value> {
    if cx.in_extension && literal.contains(['{', '}']) {
        let problem = Diagnostic::error(format!("`{key}` holds a secret and a placeholder"));
        cx.report(
            problem
                .at(
                    node.span,
                    "placeholders are not filled in where there is a secret",
                )
                .help("put the secret into a source, or into a key of its own"),
        );
        return None;
    }
    let template = match form {
        Form::Path => rooted(cx, text),
        _ => text.to_owned(),
    };
    cx.secrets.push(SecretUse {
        span: node.span,
        template: template.clone(),
        form: form.clone(),
    });
    Some(Value::Secret(alpacalert_instrument::Secret::unresolved(
        template,
    )))
}

/// A path from the folder of the configuration. What begins with a reference or a placeholder is taken as it will be.
fn rooted(cx: &Cx<'_>, path: &str) -> String {
    if cx.base.as_os_str().is_empty()
        || path.starts_with("${")
        || cx.in_extension && path.starts_with('{') && !path.starts_with("{{")
    {
        return path.to_owned();
    }
    let mut base = cx.base.to_string_lossy().replace("${", "$${");
    if cx.in_extension {
        base = base.replace('{', "{{").replace('}', "}}");
    }
    std::path::Path::new(&base)
        .join(path)
        .to_string_lossy()
        .into_owned()
}

enum Placeholders {
    /// There are none; the text without doubled braces.
    None(String),
    Some,
}

/// Finds `{name}` in the text of an extension.
fn placeholders(cx: &mut Cx<'_>, node: &Node, text: &str) -> Option<Placeholders> {
    if !cx.in_extension {
        return Some(Placeholders::None(text.to_owned()));
    }
    let mut unescaped = String::new();
    let mut some = false;
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        unescaped.push_str(&rest[..at]);
        let from_brace = &rest[at..];
        if from_brace.starts_with("{{") || from_brace.starts_with("}}") {
            unescaped.push_str(&from_brace[..1]);
            rest = &from_brace[2..];
            continue;
        }
        let name = from_brace[1..].split_once('}').map(|(name, _)| name);
        match name {
            Some(name) if from_brace.starts_with('{') && is_placeholder(name) => {
                some = true;
                rest = &from_brace[name.len() + 2..];
            }
            _ => {
                let part = match name {
                    Some(name) if from_brace.starts_with('{') => &from_brace[..name.len() + 2],
                    _ => &from_brace[..1],
                };
                cx.report(
                    Diagnostic::error("a brace that is no part of a placeholder")
                        .at(node.span.part(cx.files, part), "")
                        .help("placeholders are written `{name}`; for the braces themselves write `{{` and `}}`"),
                );
                return None;
            }
        }
    }
    unescaped.push_str(rest);
    Some(if some {
        Placeholders::Some
    } else {
        Placeholders::None(unescaped)
    })
}

fn is_placeholder(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn word(
    cx: &mut Cx<'_>,
    node: &Node,
    shape: &Shape,
    words: &[&'static str],
    key: &str,
) -> Option<Value> {
    let Data::Text(text) = &node.data else {
        return expected(cx, node, shape, key);
    };
    if words.contains(&&**text) {
        return Some(Value::Text(text.to_string()));
    }
    if cx.in_extension && text.contains('{') {
        if let Placeholders::Some = placeholders(cx, node, text)? {
            return Some(Value::Text(text.to_string()));
        }
    }
    let problem = Diagnostic::error(format!("`{key}` does not take `{}`", shorten(text)));
    let problem = match near(text, words.iter().copied()) {
        Some(word) => problem.at(node.span, format!("did you mean `{word}`?")),
        None => problem.at(node.span, "this is not one of its words"),
    };
    cx.report(problem.help(list("the words here are", words)));
    None
}

fn limits(
    cx: &mut Cx<'_>,
    node: &Node,
    shape: &Shape,
    direction: Direction,
    units: &[Unit],
    key: &str,
) -> Option<Value> {
    let Data::Map(entries) = &node.data else {
        return expected(cx, node, shape, key);
    };
    if entries.is_empty() {
        let problem = Diagnostic::error(format!("`{key}` is empty"));
        cx.report(problem.at(node.span, "needs `degraded` or `failing`"));
        return None;
    }
    let mut good = true;
    let mut bounds: [Option<Option<Quantity>>; 2] = [None, None];
    for (word, node) in entries {
        let slot = match &*word.text {
            "degraded" => 0,
            "failing" => 1,
            _ => {
                cx.unknown_key(word, &format!("`{key}`"), ["degraded", "failing"]);
                good = false;
                continue;
            }
        };
        bounds[slot] = match &node.data {
            Data::Text(text) if &**text == "off" => Some(None),
            _ => match quantity::quantity(node, units) {
                Some(quantity) => Some(Some(quantity)),
                None => {
                    let what = format!("{}, or `off`", describe(&Shape::Quantity(units.to_vec())));
                    expected_what::<()>(cx, node, &what, &word.text);
                    good = false;
                    None
                }
            },
        };
    }
    if !good {
        return None;
    }
    let [degraded, failing] = bounds;
    if let (Some(Some(degraded)), Some(Some(failing))) = (degraded, failing)
        && degraded.unit == failing.unit
        && match direction {
            Direction::Above => degraded.value > failing.value,
            Direction::Below => degraded.value < failing.value,
        }
    {
        let (word, than) = match direction {
            Direction::Above => ("less", "greater"),
            Direction::Below => ("greater", "less"),
        };
        let span = node.get("degraded").map_or(node.span, |node| node.span);
        let other = node.get("failing").map_or(node.span, |node| node.span);
        let problem = Diagnostic::error(format!("`{key}` is failing before it is degraded"));
        cx.report(
            problem
                .at(
                    span,
                    format!("must be {word} than the other: {than} is worse here"),
                )
                .at(other, "the other"),
        );
        return None;
    }
    if let [_] = units {
        let bound = |limit: Option<Option<Quantity>>| {
            limit.flatten().map(|quantity| match direction {
                Direction::Above => Bound::Above(quantity.value),
                Direction::Below => Bound::Below(quantity.value),
            })
        };
        return Some(Value::Limits(Limits {
            degraded: bound(degraded),
            failing: bound(failing),
        }));
    }
    let bound = |limit: Option<Quantity>| limit.map_or(Value::Null, Value::Quantity);
    let degraded = degraded.map(|limit| ("degraded".to_owned(), bound(limit)));
    let failing = failing.map(|limit| ("failing".to_owned(), bound(limit)));
    Some(Value::Map(degraded.into_iter().chain(failing).collect()))
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

fn expected<T>(cx: &mut Cx<'_>, node: &Node, shape: &Shape, key: &str) -> Option<T> {
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

/// What to write instead, for mistakes that many make.
fn advice(node: &Node, what: &str) -> Option<String> {
    match &node.data {
        Data::Text(text) if what.contains("`true`") => match text.to_lowercase().as_str() {
            "yes" | "on" | "y" => Some(format!("`{text}` is a text in YAML 1.2: write `true`")),
            "no" | "off" | "n" => Some(format!("`{text}` is a text in YAML 1.2: write `false`")),
            "true" | "false" => Some("leave the quotes out".to_owned()),
            _ => None,
        },
        Data::Text(text)
            if what.contains("number")
                && !text.is_empty()
                && matches!(crate::tree::plain(text), Data::Number(..)) =>
        {
            Some("leave the quotes out".to_owned())
        }
        Data::Number(_, text) if what.contains("length of time") => {
            Some(format!("add the unit: `{text}s`"))
        }
        Data::Number(_, text) if what.contains("unit") && what.contains('%') => {
            Some(format!("add the unit: `{text}%`"))
        }
        Data::Number(_, text) if what.contains("20GiB") => {
            Some(format!("add the unit: `{text}MiB`"))
        }
        Data::Number(..) | Data::Bool(_) if what.starts_with("a text") || what.starts_with('`') => {
            Some("put quotes around it to make it a text".to_owned())
        }
        Data::Text(_) | Data::Number(..) if what.starts_with("a list") => {
            Some("put it into brackets: `[…]`".to_owned())
        }
        _ => None,
    }
}

/// What a shape accepts, in a few words with an article.
pub(crate) fn describe(shape: &Shape) -> String {
    if let Some(form) = Form::of(shape) {
        return form.describe();
    }
    match shape {
        Shape::Bool => "`true` or `false`".to_owned(),
        Shape::Int {
            min,
            max: i64::MAX | 4_294_967_295,
        } => format!("a whole number from {min} up"),
        Shape::Int { min, max } => format!("a whole number from {min} to {max}"),
        Shape::Number { min, max } if *min == f64::MIN && *max == f64::MAX => "a number".to_owned(),
        Shape::Number { min, max: f64::MAX } => format!("a number from {min} up"),
        Shape::Number { min, max } => format!("a number from {min} to {max}"),
        Shape::Duration => "a length of time such as 300ms, 10s, 1h30m or 21d".to_owned(),
        Shape::Quantity(units) => {
            let examples: Vec<_> = units.iter().map(|unit| quantity::example(*unit)).collect();
            match units
                .iter()
                .all(|unit| [Unit::None, Unit::Count].contains(unit))
            {
                true => format!("a number such as {}", examples.join(" or ")),
                false => format!("a number with its unit such as {}", examples.join(" or ")),
            }
        }
        Shape::OneOf(words) => one_of(words),
        Shape::Limits { units, .. } => {
            let examples: Vec<_> = units.iter().map(|unit| quantity::example(*unit)).collect();
            format!(
                "a map of `degraded` and `failing`, each a number with its unit such as {}, or `off`",
                examples.join(" or ")
            )
        }
        Shape::List { of, .. } => format!("a list, each item of it {}", describe(of)),
        Shape::OneOrMany(of) => format!("{}, or a list of such", describe(of)),
        Shape::Map(of) => format!("a map of names, each with {}", describe(of)),
        Shape::Record { fields, .. } => {
            let names: Vec<_> = fields
                .iter()
                .map(|field| format!("`{}`", field.name))
                .collect();
            format!("a map of the keys {}", names.join(", "))
        }
        Shape::Either(shapes) => shapes
            .iter()
            .map(describe)
            .collect::<Vec<_>>()
            .join(", or "),
        _ => "a text".to_owned(),
    }
}
