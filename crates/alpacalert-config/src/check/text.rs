//! Texts: their forms, the secrets and the placeholders in them, and words of a list.

use alpacalert_instrument::{Secret, Shape, Value};

use super::shape::{expected, expected_what};
use super::{Cx, list, near};
use crate::diagnostic::Diagnostic;
use crate::form::{Form, MAX_TEXT};
use crate::secrets::{Piece, SecretUse, pieces};
use crate::tree::{Data, Node, shorten};

pub(super) fn text(cx: &mut Cx<'_>, node: &Node, form: &Form, key: &str) -> Option<Value> {
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
    Some(Value::Secret(Secret::unresolved(template)))
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

pub(super) fn word(
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
    if cx.in_extension
        && text.contains('{')
        && let Placeholders::Some = placeholders(cx, node, text)?
    {
        return Some(Value::Text(text.to_string()));
    }
    let problem = Diagnostic::error(format!("`{key}` does not take `{}`", shorten(text)));
    let problem = match near(text, words.iter().copied()) {
        Some(word) => problem.at(node.span, format!("did you mean `{word}`?")),
        None => problem.at(node.span, "this is not one of its words"),
    };
    cx.report(problem.help(list("the words here are", words)));
    None
}
