//! What shapes accept, and what to write instead, in words.

use alpacalert_instrument::Shape;
use alpacalert_model::Unit;

use crate::form::{Form, one_of};
use crate::quantity;
use crate::tree::{Data, Node, plain};

/// What to write instead, for mistakes that many make.
pub(super) fn advice(node: &Node, what: &str) -> Option<String> {
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
                && matches!(plain(text), Data::Number(..)) =>
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
