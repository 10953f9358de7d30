//! The reference of the configuration, in Markdown.

use std::fmt::Write;

use alpacalert_instrument::{Constraint, Field, KindSpec, Registry, Shape, SourceSpec};

use crate::check::describe;
use crate::form::one_of;
use crate::vocabulary::{self, Takes, Word};

/// The reference of everything in a configuration outside of kinds and sorts of source.
pub fn reference(registry: &Registry) -> String {
    let mut out = String::from(
        "# Configuration\n\nA configuration is one YAML 1.2 file, or a folder whose `.yaml` and `.yml` files are one configuration together. \
         Every key below may be left out unless it says otherwise; keys that are not listed are mistakes.\n\n",
    );
    for word in vocabulary::top() {
        let _ = writeln!(
            out,
            "## `{}`\n\n{}\n\nTakes {}.\n",
            word.name,
            word.doc,
            takes(&word.takes)
        );
        match &word.takes {
            Takes::Record(fields) => table(&mut out, fields),
            Takes::Sources => {
                let sorts = registry
                    .sources()
                    .map(|provider| format!("`{}`", provider.spec().name));
                let sorts: Vec<String> = sorts.collect();
                if !sorts.is_empty() {
                    let _ = writeln!(out, "The sorts of source are {}.\n", sorts.join(", "));
                }
                out.push_str("Beside the sort:\n\n");
                words(&mut out, &vocabulary::source());
            }
            Takes::Groups { services } => {
                out.push_str(
                    "Each has one rule (`all`, `any`, `at_least`, `exactly`, or for services `requires`) or one kind with its keys, which stands for all of that one thing; beside it:\n\n",
                );
                words(&mut out, &vocabulary::group(*services));
            }
            _ => {}
        }
    }
    items(&mut out);
    out.push_str(&texts());
    out
}

fn items(out: &mut String) {
    out.push_str(
        "## Items\n\nThe members of a system are a list of items. An item is\n\n\
         - the name of a system or service: `queue`,\n\
         - a kind with its keys: `http: { url: https://example.com }`, or what its shorthand takes: `http: https://example.com`,\n\
         - `find`, for nodes of a source: `find: { source: cluster, path: shop/*/cart }`,\n\
         - or one of these in `degrades`, `optional` or `inverted`, which say how it counts: `optional: queue`.\n\n\
         Every kind takes these keys beside its own:\n\n",
    );
    words(out, &vocabulary::common());
    out.push_str("`find` takes:\n\n");
    table(out, &vocabulary::find());
    let (reason, why) = vocabulary::REASON;
    let _ = writeln!(
        out,
        "## Maintenance\n\nA window of `maintenance` is once, or comes again on the days of `every`. Where the clocks are put forward over its beginning it begins \
         as they are; a time that they show twice counts from the first to the second one. It takes\n",
    );
    table(out, &vocabulary::window());
    out.truncate(out.trim_end().len());
    let _ = writeln!(
        out,
        "\n| `{reason}` | {} |  | {} |\n",
        takes(&Takes::Label),
        cell(why)
    );
}

fn texts() -> String {
    let rows = [
        ("a length of time", describe(&Shape::Duration)),
        ("a URL", describe(&Shape::Url(vec!["http", "https"]))),
        ("an address", describe(&Shape::Address)),
        ("a JSONPath", describe(&Shape::JsonPath)),
        (
            "a regular expression",
            "those of the Rust crate `regex`: no look-around, no back references".to_owned(),
        ),
        (
            "a path",
            "absolute, or from the folder of the configuration".to_owned(),
        ),
        (
            "true or false",
            "`true` or `false`; `yes`, `no`, `on` and `off` are texts in YAML 1.2".to_owned(),
        ),
    ];
    let mut out = String::from("## Values\n\n| value | written |\n|---|---|\n");
    for (value, written) in rows {
        let _ = writeln!(out, "| {value} | {} |", cell(&written));
    }
    out.push_str(
        "\nTexts in the keys of kinds and sources may hold secrets: `${env:NAME}` is an environment variable, `${file:PATH}` the text of a file, \
         without the newline at its end. Write `$${` for the characters `${` themselves. Secrets are never shown.\n",
    );
    out
}

/// The reference of every kind and of every sort of source.
pub fn kinds_reference(registry: &Registry) -> String {
    let mut out = String::from("# Kinds\n\n");
    for spec in registry.specs() {
        let word = spec.alias.unwrap_or(spec.kind.as_str());
        let _ = writeln!(out, "- `{word}`: {}", spec.summary);
    }
    out.push('\n');
    for spec in registry.specs() {
        out.push_str(&kind_reference(spec));
    }
    out.push_str("# Sources\n\n");
    for provider in registry.sources() {
        source_reference(&mut out, &provider.spec());
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

/// The reference of one kind.
pub fn kind_reference(spec: &KindSpec) -> String {
    let word = spec.alias.unwrap_or(spec.kind.as_str());
    let mut out = format!("## `{word}`\n\n{}\n\n", sentence(spec.summary));
    if spec.alias.is_some() {
        let _ = writeln!(out, "Kind: `{}`\n", spec.kind);
    }
    body(&mut out, spec.doc, &spec.fields, &spec.constraints);
    if let Some(key) = spec.shorthand {
        let _ = writeln!(
            out,
            "`{word}: VALUE` is short for `{word}: {{ {key}: VALUE }}`.\n"
        );
    }
    example(&mut out, word, spec.example);
    out
}

fn source_reference(out: &mut String, spec: &SourceSpec) {
    let _ = writeln!(out, "## `{}`\n\n{}\n", spec.name, sentence(spec.summary));
    body(out, spec.doc, &spec.fields, &spec.constraints);
    example(out, spec.name, spec.example);
}

fn body(out: &mut String, doc: &str, fields: &[Field], constraints: &[Constraint]) {
    if !doc.is_empty() {
        let _ = writeln!(out, "{}\n", doc.trim());
    }
    if fields.is_empty() {
        out.push_str("It has no keys of its own.\n\n");
    }
    table(out, fields);
    for constraint in constraints {
        let _ = writeln!(out, "- {}", rule(constraint));
    }
    if !constraints.is_empty() {
        out.push('\n');
    }
}

fn rule(constraint: &Constraint) -> String {
    match constraint {
        Constraint::ExactlyOne(names) => {
            format!("one of {} must be given, and not two", one_of(*names))
        }
        Constraint::AtMostOne(names) => format!("of {} at most one may be given", one_of(*names)),
        Constraint::AtLeastOne(names) => {
            format!("at least one of {} must be given", one_of(*names))
        }
        Constraint::Requires(first, second) => {
            format!("`{first}` makes sense only with `{second}`")
        }
    }
}

/// The example as it stands in a list of items.
fn example(out: &mut String, word: &str, example: &str) {
    let example = example.trim();
    if example.is_empty() {
        return;
    }
    let _ = if example.contains('\n') || example.contains(": ") && !example.starts_with(['{', '"'])
    {
        let lines: String = example.lines().map(|line| format!("  {line}\n")).collect();
        writeln!(out, "```yaml\n{word}:\n{lines}```\n")
    } else {
        writeln!(out, "```yaml\n{word}: {example}\n```\n")
    };
}

fn table(out: &mut String, fields: &[Field]) {
    if fields.is_empty() {
        return;
    }
    out.push_str("| key | takes | default | meaning |\n|---|---|---|---|\n");
    let mut inner = Vec::new();
    for field in fields {
        row(out, field.name, field);
        nested(&mut inner, field.name, &field.shape);
    }
    // Records inside, each key by its path.
    for (path, field) in inner {
        row(out, &path, &field);
    }
    out.push('\n');
}

fn row(out: &mut String, name: &str, field: &Field) {
    let default = match (field.required, field.default) {
        (true, _) => "must be given",
        (false, default) => default.unwrap_or(""),
    };
    let _ = writeln!(
        out,
        "| `{name}` | {} | {} | {} |",
        cell(&describe(&field.shape)),
        cell(default),
        cell(field.doc)
    );
}

/// The keys of records inside a shape, with their paths.
fn nested(out: &mut Vec<(String, Field)>, path: &str, shape: &Shape) {
    match shape {
        Shape::Record { fields, .. } => {
            for field in fields {
                let path = format!("{path}.{}", field.name);
                out.push((path.clone(), field.clone()));
                nested(out, &path, &field.shape);
            }
        }
        Shape::List { of, .. } | Shape::OneOrMany(of) => nested(out, &format!("{path}[]"), of),
        Shape::Map(of) => nested(out, &format!("{path}.*"), of),
        Shape::Either(shapes) => shapes.iter().for_each(|shape| nested(out, path, shape)),
        _ => {}
    }
}

fn words(out: &mut String, words: &[Word]) {
    out.push_str("| key | takes | meaning |\n|---|---|---|\n");
    for word in words {
        let _ = writeln!(
            out,
            "| `{}` | {} | {} |",
            word.name,
            cell(&takes(&word.takes)),
            cell(word.doc)
        );
    }
    out.push('\n');
}

fn takes(takes: &Takes) -> String {
    match takes {
        Takes::Shape(shape) => describe(shape),
        Takes::Label => "a text of at most 200 characters".to_owned(),
        Takes::Name => "a name: letters, digits, `.`, `_` and `-`, at most 100".to_owned(),
        Takes::Sources => "a map of names, each with a source".to_owned(),
        Takes::Groups { .. } => "a map of names, each with its rule and its members".to_owned(),
        Takes::Extend => "a map of kinds, each with a list of items".to_owned(),
        Takes::Items => "a list of items".to_owned(),
        Takes::PlainItems => "a list of items that do not say how they count".to_owned(),
        Takes::Threshold => "a whole number from 1, or a share from `1%` to `100%`".to_owned(),
        Takes::Weights => "a map of names of systems and services with whole numbers".to_owned(),
        Takes::Windows => "a list of windows".to_owned(),
        Takes::Record(_) => "a map of these keys".to_owned(),
    }
}

/// Text in a cell of a table.
fn cell(text: &str) -> String {
    text.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .replace('|', "\\|")
}

/// A summary with a capital letter and a full stop.
fn sentence(summary: &str) -> String {
    let mut chars = summary.trim().trim_end_matches('.').chars();
    match chars.next() {
        Some(first) => format!("{}{}.", first.to_uppercase(), chars.as_str()),
        None => String::new(),
    }
}
