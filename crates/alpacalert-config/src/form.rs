//! What texts of a shape must look like.

use std::net::Ipv6Addr;

use alpacalert_instrument::Shape;
use regex::Regex;
use url::Url;

/// The longest text, in characters.
pub(crate) const MAX_TEXT: usize = 65_536;

/// A port from 1 to 65535.
const PORT: &str =
    "(?:6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[1-9][0-9]{0,3})";

/// What a text must look like.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Form {
    Text,
    Regex,
    JsonPath,
    Url(Vec<&'static str>),
    Address,
    Path,
    Time,
    Network,
    Matching {
        what: &'static str,
        pattern: &'static str,
    },
}

/// Why a text does not have its form, and the part of it that is wrong, in bytes.
#[derive(Debug)]
pub(crate) struct Misshapen {
    pub(crate) reason: String,
    pub(crate) part: Option<std::ops::Range<usize>>,
}

impl Misshapen {
    fn new(reason: impl Into<String>) -> Self {
        Misshapen {
            reason: reason.into(),
            part: None,
        }
    }
}

impl Form {
    /// The form of a shape that is text.
    pub(crate) fn of(shape: &Shape) -> Option<Form> {
        Some(match shape {
            Shape::Text => Form::Text,
            Shape::Regex => Form::Regex,
            Shape::JsonPath => Form::JsonPath,
            Shape::Url(schemes) => Form::Url(schemes.clone()),
            Shape::Address => Form::Address,
            Shape::Path => Form::Path,
            Shape::Time => Form::Time,
            Shape::Network => Form::Network,
            Shape::Matching { what, pattern } => Form::Matching { what, pattern },
            _ => return None,
        })
    }

    /// Whether a number may stand for a text of this form, as it was written.
    pub(crate) fn takes_numbers(&self) -> bool {
        matches!(self, Form::Text | Form::Regex | Form::Path)
    }

    /// What it is, for messages, with an article.
    pub(crate) fn describe(&self) -> String {
        match self {
            Form::Text => "a text".to_owned(),
            Form::Regex => "a regular expression".to_owned(),
            Form::JsonPath => "a JSONPath such as `.status` or `$.items[0].name`".to_owned(),
            Form::Url(schemes) => format!(
                "a URL that begins with {}",
                one_of(schemes.iter().map(|scheme| format!("{scheme}://")))
            ),
            Form::Address => "an address such as `127.0.0.1:80` or `[::1]:80`".to_owned(),
            Form::Path => "a path of the file system".to_owned(),
            Form::Time => "a time such as `2027-06-01T00:00:00Z`".to_owned(),
            Form::Network => "an IP address or a network such as `10.1.0.0/16`".to_owned(),
            Form::Matching { what, .. } => (*what).to_owned(),
        }
    }

    /// The texts that have this form, as far as a pattern can say. For the JSON Schema.
    pub(crate) fn pattern(&self) -> Option<String> {
        match self {
            Form::Text | Form::Regex => None,
            Form::JsonPath => Some(r"^(?:\.|\$(?:$|[.\[]))".to_owned()),
            Form::Url(schemes) => Some(format!(r"^(?:{})://[^\s]+$", schemes.join("|"))),
            Form::Address => Some(format!(r"^(?:\[[0-9A-Fa-f:.]+\]|[^\s:/\[\]]+):{PORT}$")),
            Form::Path => Some(r"^[^\u0000]*$".to_owned()),
            Form::Time => Some(format!(r"^{TIME}$")),
            Form::Network => Some(r"^[0-9A-Fa-f:.]+(?:/[0-9]{1,3})?$".to_owned()),
            Form::Matching { pattern, .. } => Some(format!("^(?:{pattern})$")),
        }
    }

    /// Whether a text that is not empty has this form.
    pub(crate) fn check(&self, text: &str) -> Result<(), Misshapen> {
        match self {
            Form::Text => Ok(()),
            Form::Regex => regex(text),
            Form::JsonPath => json_path(text),
            Form::Url(schemes) => url(text, schemes),
            Form::Address => address(text),
            Form::Path if text.contains('\0') => {
                Err(Misshapen::new("a path cannot hold a zero character"))
            }
            Form::Path => Ok(()),
            Form::Time => time(text),
            Form::Network => network(text),
            Form::Matching { pattern, .. } => match Regex::new(&format!(r"\A(?:{pattern})\z")) {
                Ok(regex) if regex.is_match(text) => Ok(()),
                _ => Err(Misshapen::new("it does not look like that")),
            },
        }
    }
}

/// A moment with its offset from UTC.
const TIME: &str = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})";

fn time(text: &str) -> Result<(), Misshapen> {
    let written = Regex::new(&format!(r"\A{TIME}\z")).is_ok_and(|regex| regex.is_match(text));
    match text.parse::<alpacalert_model::Timestamp>() {
        Ok(_) if written => Ok(()),
        Ok(_) => Err(Misshapen::new("not a date, a time and an offset such as Z")),
        Err(error) => Err(Misshapen::new(error.to_string())),
    }
}

fn network(text: &str) -> Result<(), Misshapen> {
    let (address, bits) = text
        .split_once('/')
        .map_or((text, None), |(address, bits)| (address, Some(bits)));
    let address: std::net::IpAddr = address
        .parse()
        .map_err(|_| Misshapen::new("not an IP address"))?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let good = |bits: &str| bits.parse::<u8>().is_ok_and(|bits| bits <= most);
    match bits {
        Some(bits) if !good(bits) => Err(Misshapen::new(format!("after `/` comes 0 to {most}"))),
        _ => Ok(()),
    }
}

/// `a`, `a or b`, `a, b or c`, each in backquotes.
pub(crate) fn one_of(words: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let words: Vec<String> = words
        .into_iter()
        .map(|word| format!("`{}`", word.as_ref()))
        .collect();
    match words.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    }
}

fn regex(text: &str) -> Result<(), Misshapen> {
    use regex_syntax::Error;
    match regex_syntax::parse(text) {
        Err(Error::Parse(error)) => Err(Misshapen {
            reason: error.kind().to_string(),
            part: Some(error.span().start.offset..error.span().end.offset),
        }),
        Err(Error::Translate(error)) => Err(Misshapen {
            reason: error.kind().to_string(),
            part: Some(error.span().start.offset..error.span().end.offset),
        }),
        Err(error) => Err(Misshapen::new(error.to_string())),
        // What is well-formed may still be too great once compiled.
        Ok(_) => match Regex::new(text) {
            Ok(_) => Ok(()),
            Err(regex::Error::CompiledTooBig(limit)) => Err(Misshapen::new(format!(
                "compiled it takes more than {limit} bytes"
            ))),
            Err(error) => Err(Misshapen::new(error.to_string())),
        },
    }
}

fn json_path(text: &str) -> Result<(), Misshapen> {
    use jsonpath_rust::parser::{errors::JsonPathError, parse_json_path};
    let whole = match text.strip_prefix('.') {
        Some("") => "$".to_owned(),
        Some(_) => format!("${text}"),
        None => text.to_owned(),
    };
    match parse_json_path(&whole) {
        Ok(_) => Ok(()),
        Err(JsonPathError::PestError(error)) => {
            let at = match error.location {
                pest::error::InputLocation::Pos(at) => at,
                pest::error::InputLocation::Span((at, _)) => at,
            };
            let added = whole.len() - text.len().min(whole.len());
            let at = at.saturating_sub(added).min(text.len());
            let end = text[at..].chars().next().map_or(at, |c| at + c.len_utf8());
            let reason = if text.starts_with(['.', '$']) {
                "it does not go on like this"
            } else {
                "it begins with `.` or `$`"
            };
            Err(Misshapen {
                reason: reason.to_owned(),
                part: (at < end).then_some(at..end),
            })
        }
        Err(error) => Err(Misshapen::new(error.to_string())),
    }
}

fn url(text: &str, schemes: &[&str]) -> Result<(), Misshapen> {
    let begins = || one_of(schemes.iter().map(|scheme| format!("{scheme}://")));
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err(Misshapen::new(format!("it must begin with {}", begins())));
    };
    if !schemes.contains(&scheme) {
        return Err(Misshapen {
            reason: format!("it must begin with {}", begins()),
            part: Some(0..scheme.len()),
        });
    }
    if rest.is_empty() {
        return Err(Misshapen::new("the host is missing"));
    }
    if let Some(at) = text.find(char::is_whitespace) {
        return Err(Misshapen {
            reason: "a URL has no spaces: write `%20`".to_owned(),
            part: Some(at..at + 1),
        });
    }
    match Url::parse(text) {
        Ok(_) => Ok(()),
        Err(error) => Err(Misshapen::new(error.to_string())),
    }
}

fn address(text: &str) -> Result<(), Misshapen> {
    let Some((host, port)) = text.rsplit_once(':') else {
        return Err(Misshapen::new(format!(
            "the port is missing: `{}:80`",
            crate::tree::shorten(text)
        )));
    };
    let inner = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let host_is_good = match inner {
        Some(inner) => inner.parse::<Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty() && !host.contains(|c: char| c.is_whitespace() || ":/[]".contains(c))
        }
    };
    if !host_is_good {
        let reason = if inner.is_none() && host.contains(':') && !host.contains('/') {
            "write an IPv6 address in brackets: `[::1]:80`"
        } else if host.contains('/') {
            "a host and a port, without a scheme or a path"
        } else {
            "the host before the last `:` is not one"
        };
        return Err(Misshapen {
            reason: reason.to_owned(),
            part: (!host.is_empty()).then_some(0..host.len()),
        });
    }
    let digits = port.bytes().all(|b| b.is_ascii_digit()) && !port.starts_with('0');
    match port.parse::<u16>() {
        Ok(1..) if digits => Ok(()),
        _ => Err(Misshapen {
            reason: "the port is a number from 1 to 65535".to_owned(),
            part: (!port.is_empty()).then_some(text.len() - port.len()..text.len()),
        }),
    }
}
