//! What YAML says, with the place of everything in it.

use std::sync::Arc;

use crate::text::Span;

/// A value with its place.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) span: Span,
    pub(crate) data: Data,
}

/// A value.
#[derive(Clone, Debug)]
pub(crate) enum Data {
    /// Text in quotes or as a block, or a plain scalar that is neither a number nor a word of YAML.
    Text(Arc<str>),
    /// `null`, `~` or nothing at all.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, with the text that it was written as.
    Number(Number, Arc<str>),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, in the order written. Keys are different from each other.
    Map(Vec<(Key, Node)>),
}

/// The key of a mapping, with its place.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) text: Arc<str>,
    pub(crate) span: Span,
}

/// A number of YAML.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Number {
    /// Whole.
    Int(i64),
    /// With a fraction, or too great for a whole number.
    Float(f64),
}

impl Number {
    pub(crate) fn as_f64(self) -> f64 {
        match self {
            Number::Int(value) => value as f64,
            Number::Float(value) => value,
        }
    }

    /// The whole number it is: `3.0` is one, as in JSON Schema.
    pub(crate) fn as_int(self) -> Option<i64> {
        match self {
            Number::Int(value) => Some(value),
            // Beyond 2^53 a float no longer says which whole number was meant.
            Number::Float(value)
                if value.fract() == 0.0 && value.abs() < 9_007_199_254_740_992.0 =>
            {
                Some(value as i64)
            }
            Number::Float(_) => None,
        }
    }
}

impl Node {
    /// The text, for values that are text or a number: a version `1.10` is taken as it was written.
    pub(crate) fn as_text(&self) -> Option<&Arc<str>> {
        match &self.data {
            Data::Text(text) | Data::Number(_, text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn as_map(&self) -> Option<&[(Key, Node)]> {
        match &self.data {
            Data::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The value of a key of a map.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.as_map()?
            .iter()
            .find(|(k, _)| &*k.text == key)
            .map(|(_, value)| value)
    }

    /// What it is, for messages: `the number 3`, `a map`.
    pub(crate) fn describe(&self) -> String {
        match &self.data {
            Data::Text(text) => format!("the text `{}`", shorten(text)),
            Data::Null => "nothing".to_owned(),
            Data::Bool(value) => format!("`{value}`"),
            Data::Number(_, text) => format!("the number {}", shorten(text)),
            Data::List(_) => "a list".to_owned(),
            Data::Map(_) => "a map".to_owned(),
        }
    }
}

/// At most 40 characters of a text, on one line.
pub(crate) fn shorten(text: &str) -> String {
    let mut out: String = text
        .chars()
        .take(40)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if text.chars().nth(40).is_some() {
        out.push('…');
    }
    out
}

/// What a plain scalar means, by the core schema of YAML 1.2.
pub(crate) fn plain(text: &str) -> Data {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Data::Null,
        "true" | "True" | "TRUE" => return Data::Bool(true),
        "false" | "False" | "FALSE" => return Data::Bool(false),
        _ => {}
    }
    match number(text) {
        Some(number) => Data::Number(number, text.into()),
        None => Data::Text(text.into()),
    }
}

fn number(text: &str) -> Option<Number> {
    let radix = |digits: &str, radix| {
        let value = u128::from_str_radix(digits, radix).ok()?;
        // `from_str_radix` takes a sign, which the core schema does not.
        digits
            .bytes()
            .next()?
            .is_ascii_alphanumeric()
            .then_some(match i64::try_from(value) {
                Ok(value) => Number::Int(value),
                Err(_) => Number::Float(value as f64),
            })
    };
    if let Some(digits) = text.strip_prefix("0o") {
        return radix(digits, 8);
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return radix(digits, 16);
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    match unsigned {
        ".inf" | ".Inf" | ".INF" => {
            let sign = if text.starts_with('-') { -1.0 } else { 1.0 };
            return Some(Number::Float(sign * f64::INFINITY));
        }
        ".nan" | ".NaN" | ".NAN" if unsigned == text => return Some(Number::Float(f64::NAN)),
        _ => {}
    }
    if !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        || !unsigned.contains(|c: char| c.is_ascii_digit())
        || !unsigned
            .bytes()
            .all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b))
    {
        return None;
    }
    if unsigned.bytes().all(|b| b.is_ascii_digit())
        && let Ok(value) = text.parse()
    {
        return Some(Number::Int(value));
    }
    text.parse().ok().map(Number::Float)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_follow_the_core_schema() {
        let shown = |text| match plain(text) {
            Data::Text(text) => format!("text {text}"),
            Data::Null => "null".to_owned(),
            Data::Bool(value) => format!("bool {value}"),
            Data::Number(Number::Int(value), _) => format!("int {value}"),
            Data::Number(Number::Float(value), _) => format!("float {value}"),
            _ => unreachable!(),
        };
        for (text, meaning) in [
            ("~", "null"),
            ("True", "bool true"),
            ("yes", "text yes"),
            ("on", "text on"),
            ("0o17", "int 15"),
            ("0x1F", "int 31"),
            ("0x+1", "text 0x+1"),
            ("007", "int 7"),
            ("-3", "int -3"),
            ("+3", "int 3"),
            ("1.10", "float 1.1"),
            (".5", "float 0.5"),
            ("1e3", "float 1000"),
            ("1e", "text 1e"),
            (".", "text ."),
            ("e3", "text e3"),
            ("-.inf", "float -inf"),
            (".nan", "float NaN"),
            ("10s", "text 10s"),
            ("1_000", "text 1_000"),
            ("2026-11-22", "text 2026-11-22"),
            ("9223372036854775808", "float 9223372036854776000"),
            ("127.0.0.1", "text 127.0.0.1"),
        ] {
            assert_eq!(shown(text), meaning, "{text}");
        }
    }
}
