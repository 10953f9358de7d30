//! What values a key of the configuration takes: one description for validation, JSON Schema and documentation.

use std::fmt;

use alpacalert_model::Unit;

use crate::{Constraint, Field};

/// What values a key takes.
///
/// Validation, the JSON Schema, and the reference documentation all follow from it. What text a shape accepts:
///
/// | shape | accepts | becomes [`Value`](crate::Value) |
/// |---|---|---|
/// | `Bool` | `true`, `false` | `Bool` |
/// | `Int` | whole numbers within the bounds | `Int` |
/// | `Number` | numbers within the bounds | `Number` |
/// | `Text`, `Url`, `Address`, `Path`, `Regex`, `JsonPath`, `Time`, `Network`, `Matching` | text, checked for its form; `${env:…}` and `${file:…}` anywhere | `Text` or `Secret` |
/// | `Duration` | `300ms`, `10s`, `5m`, `2h`, `21d`, `1h30m` | `Duration` |
/// | `Quantity` | a number with a unit of the list: `15%`, `20GiB`, `300ms`, `5/s` | `Quantity` |
/// | `OneOf` | one of the words | `Text` |
/// | `Limits` | a map of `degraded` and `failing`, each a quantity or `off` | `Limits`, or `Map` of quantities when units differ: see [`Shape::Limits`] |
/// | `List` | a sequence | `List` |
/// | `OneOrMany` | one value or a sequence | `List` |
/// | `Map` | any keys, values of one shape | `Map` |
/// | `Record` | the keys listed, no others | `Map` |
/// | `Either` | what any of the shapes accepts, the first that does | as that shape |
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// Yes or no.
    Bool,
    /// A whole number within bounds, both included.
    Int {
        /// The least.
        min: i64,
        /// The greatest.
        max: i64,
    },
    /// A number within bounds, both included.
    Number {
        /// The least.
        min: f64,
        /// The greatest.
        max: f64,
    },
    /// Any text that is not empty, up to 64 KiB.
    Text,
    /// A length of time.
    Duration,
    /// A number with one of these units.
    Quantity(Vec<Unit>),
    /// A regular expression of the `regex` crate: linear time, no look-around.
    Regex,
    /// A JSONPath (RFC 9535), or its short form that begins with a dot: `.status`.
    JsonPath,
    /// A URL with one of these schemes.
    Url(Vec<&'static str>),
    /// `host:port`, with brackets around an IPv6 address.
    Address,
    /// A path of the file system; absolute, or relative to the folder of the configuration file.
    Path,
    /// A moment, in RFC 3339 with its offset: `2027-06-01T00:00:00Z`.
    Time,
    /// An IP address, or a network of them: `10.1.0.0/16`.
    Network,
    /// A text that matches a pattern as a whole.
    Matching {
        /// What it is, for messages, with an article.
        what: &'static str,
        /// A regular expression without anchors, as JavaScript and the crate `regex` both read it.
        pattern: &'static str,
    },
    /// One of these words.
    OneOf(Vec<&'static str>),
    /// `degraded` and `failing` bounds for a measured value, worse in one direction.
    ///
    /// Each is a quantity with one of the units, or `off`. With a single unit the value is `Value::Limits`, in which `off` is a
    /// bound at infinity (`Above(∞)`, `Below(-∞)`) and a key that is not given is `None`. With several units
    /// (free space as `15%` or `20GiB`) it is a `Value::Map` of `degraded` and `failing`, each a `Value::Quantity` or `Value::Null`.
    /// A key that is not given is absent there, so that the sensor's default stays; `off` switches a default off.
    Limits {
        /// Which way is worse.
        direction: Direction,
        /// The units that may be written.
        units: Vec<Unit>,
    },
    /// A sequence with at least `min` values.
    List {
        /// The shape of each.
        of: Box<Shape>,
        /// The least number of them.
        min: usize,
    },
    /// One value, or a sequence of at least one.
    OneOrMany(Box<Shape>),
    /// Any keys, with values of one shape.
    Map(Box<Shape>),
    /// The keys listed and no others.
    Record {
        /// The keys.
        fields: Vec<Field>,
        /// What must hold between them.
        constraints: Vec<Constraint>,
    },
    /// The first of these that fits.
    Either(Vec<Shape>),
}

impl Shape {
    /// A whole number from 0 up.
    pub fn count() -> Shape {
        Shape::Int {
            min: 0,
            max: i64::from(u32::MAX),
        }
    }

    /// A record without constraints.
    pub fn record(fields: Vec<Field>) -> Shape {
        Shape::Record {
            fields,
            constraints: Vec::new(),
        }
    }

    /// A sequence of at least one value.
    pub fn list(of: Shape) -> Shape {
        Shape::List {
            of: Box::new(of),
            min: 1,
        }
    }

    /// Limits of one unit that are worse when greater.
    pub fn limits_above(unit: Unit) -> Shape {
        Shape::Limits {
            direction: Direction::Above,
            units: vec![unit],
        }
    }

    /// Limits of one unit that are worse when less.
    pub fn limits_below(unit: Unit) -> Shape {
        Shape::Limits {
            direction: Direction::Below,
            units: vec![unit],
        }
    }
}

/// Which way a value gets worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Worse when greater.
    Above,
    /// Worse when less.
    Below,
}

/// A number with its unit, in the unit's base: seconds, bytes, percent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quantity {
    /// The number, in the base unit.
    pub value: f64,
    /// The unit.
    pub unit: Unit,
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.unit.write(self.value))
    }
}
