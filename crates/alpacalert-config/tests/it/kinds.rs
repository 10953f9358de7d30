//! Kinds that take keys of every shape there is.

use std::sync::Arc;

use alpacalert_instrument::model::Unit;
use alpacalert_instrument::{
    Constraint, Direction, Field, InstrumentError, Kind, KindSpec, Params, Registry, Scope, Shape,
    Source, SourceProvider, SourceSpec, Target,
};

/// A registry with `every` (each shape once), `http`, `tcp`, `disk`, `mark`, `query`, `volume` and the sources `api` and `dump`.
pub(crate) fn registry() -> Registry {
    let mut registry = Registry::new();
    for spec in [every(), http(), tcp(), disk(), mark(), query()] {
        registry.register_kind(spec, nothing);
    }
    // A kind that is found, and not written.
    registry.register(Kind::of("example.com/Volume"), nothing);
    registry.register_source(Api);
    registry.register_source(Dump);
    registry
}

fn nothing(_: &Target, _: &mut Scope<'_, '_>) -> Result<(), InstrumentError> {
    Ok(())
}

fn spec(kind: &'static str, alias: &'static str, fields: Vec<Field>) -> KindSpec {
    KindSpec {
        alias: Some(alias),
        fields,
        doc: "Measures, and says what it saw.",
        ..KindSpec::new(Kind::of(kind), "a kind of the tests")
    }
}

pub(crate) fn every_shape() -> Vec<(&'static str, Shape)> {
    vec![
        ("bool", Shape::Bool),
        (
            "int",
            Shape::Int {
                min: 1,
                max: 65_535,
            },
        ),
        ("number", Shape::Number { min: 0.0, max: 1.0 }),
        ("text", Shape::Text),
        ("duration", Shape::Duration),
        (
            "quantity",
            Shape::Quantity(vec![Unit::Percent, Unit::Bytes]),
        ),
        ("ratio", Shape::Quantity(vec![Unit::None])),
        ("regex", Shape::Regex),
        ("json", Shape::JsonPath),
        ("url", Shape::Url(vec!["http", "https"])),
        ("address", Shape::Address),
        ("path", Shape::Path),
        ("word", Shape::OneOf(vec!["passing", "degraded", "failing"])),
        ("above", Shape::limits_above(Unit::Seconds)),
        (
            "below",
            Shape::Limits {
                direction: Direction::Below,
                units: vec![Unit::Percent, Unit::Bytes],
            },
        ),
        ("list", Shape::list(Shape::Int { min: 0, max: 9 })),
        ("many", Shape::OneOrMany(Box::new(Shape::Text))),
        ("map", Shape::Map(Box::new(Shape::Text))),
        (
            "record",
            Shape::Record {
                fields: vec![
                    Field::required("kind", Shape::Text, "Which."),
                    Field::optional("user", Shape::Text, "Who."),
                    Field::optional("password", Shape::Text, "With what word."),
                    Field::optional("token", Shape::Text, "Or with this."),
                ],
                constraints: vec![
                    Constraint::Requires("user", "password"),
                    Constraint::AtMostOne(&["user", "token"]),
                ],
            },
        ),
        (
            "either",
            Shape::Either(vec![
                Shape::Int { min: 100, max: 599 },
                Shape::OneOf(vec!["any", "none"]),
                Shape::record(vec![Field::required("not", Shape::count(), "Which not.")]),
            ]),
        ),
    ]
}

fn every() -> KindSpec {
    let fields = every_shape()
        .into_iter()
        .map(|(name, shape)| Field::optional(name, shape, "One of every shape.").default("nothing"))
        .collect();
    KindSpec {
        reference: &["text"],
        ..spec("example.com/Every", "every", fields)
    }
}

fn http() -> KindSpec {
    KindSpec {
        reference: &["url"],
        shorthand: Some("url"),
        example: "url: https://example.com/healthz",
        ..spec(
            "example.com/Http",
            "http",
            vec![
                Field::required("url", Shape::Url(vec!["http", "https"]), "What to get."),
                Field::optional(
                    "status",
                    Shape::OneOrMany(Box::new(Shape::Int { min: 100, max: 599 })),
                    "What to expect.",
                )
                .default("200"),
                Field::optional(
                    "slower_than",
                    Shape::limits_above(Unit::Seconds),
                    "How slow is too slow.",
                ),
                Field::optional(
                    "headers",
                    Shape::Map(Box::new(Shape::Text)),
                    "What to send.",
                ),
                Field::optional("body", Shape::Regex, "What to find."),
            ],
        )
    }
}

fn tcp() -> KindSpec {
    KindSpec {
        reference: &["address"],
        shorthand: Some("address"),
        ..spec(
            "example.com/Tcp",
            "tcp",
            vec![
                Field::required("address", Shape::Address, "Where."),
                Field::optional(
                    "timeout",
                    Shape::Duration,
                    "A key of its own that all kinds have.",
                ),
            ],
        )
    }
}

fn disk() -> KindSpec {
    KindSpec {
        reference: &["path", "device"],
        constraints: vec![
            Constraint::ExactlyOne(&["path", "device"]),
            Constraint::AtLeastOne(&["free", "inodes"]),
        ],
        ..spec(
            "example.com/Disk",
            "disk",
            vec![
                Field::optional("path", Shape::Path, "Where it is mounted."),
                Field::optional("device", Shape::Text, "What it is called."),
                Field::optional(
                    "free",
                    Shape::Limits {
                        direction: Direction::Below,
                        units: vec![Unit::Percent, Unit::Bytes],
                    },
                    "How much must be free.",
                ),
                Field::optional("inodes", Shape::limits_below(Unit::Percent), "How many."),
            ],
        )
    }
}

/// A kind without keys.
fn mark() -> KindSpec {
    spec("example.com/Mark", "mark", Vec::new())
}

/// A kind that asks a source.
fn query() -> KindSpec {
    KindSpec {
        reference: &["query"],
        ..spec(
            "example.com/Query",
            "query",
            vec![
                Field::required("source", Shape::Text, "Whom to ask."),
                Field::required("query", Shape::Text, "What to ask."),
                Field::optional("match", Shape::Map(Box::new(Shape::Text)), "Which rows."),
                Field::optional("size", Shape::count(), "How many."),
            ],
        )
    }
}

struct Api;

impl SourceProvider for Api {
    fn spec(&self) -> SourceSpec {
        SourceSpec {
            name: "api",
            summary: "a source of the tests",
            doc: "Knows everything.",
            fields: vec![
                Field::required("url", Shape::Url(vec!["http", "https"]), "Where it is."),
                Field::optional("token", Shape::Text, "What lets us in."),
            ],
            constraints: Vec::new(),
            example: "url: https://example.com",
        }
    }

    fn source(&self, _: &Arc<str>, _: &Params) -> Result<Arc<dyn Source>, InstrumentError> {
        Err(InstrumentError::new("this source is never made"))
    }
}

struct Dump;

impl SourceProvider for Dump {
    fn spec(&self) -> SourceSpec {
        SourceSpec {
            name: "dump",
            summary: "a file of the tests",
            doc: "",
            fields: vec![Field::optional("file", Shape::Path, "Which file.")],
            constraints: Vec::new(),
            example: "",
        }
    }

    fn brings_kinds(&self) -> bool {
        true
    }

    fn source(&self, _: &Arc<str>, _: &Params) -> Result<Arc<dyn Source>, InstrumentError> {
        Err(InstrumentError::new("this source is never made"))
    }
}
