//! Numbers with units, as people write them. The patterns here are also the JSON Schema's.

use std::sync::LazyLock;
use std::time::Duration;

use alpacalert_instrument::Quantity;
use alpacalert_model::Unit;
use regex::Regex;

use crate::tree::{Data, Node};

/// At most nine digits before the point and nine after: no length of time or number of bytes that is written needs more,
/// and nothing computed from it can overflow.
const NUMBER: &str = r"[0-9]{1,9}(?:\.[0-9]{1,9})?";

/// The units of time, greatest first, with their nanoseconds.
const TIME: [(&str, u128); 7] = [
    ("w", 604_800_000_000_000),
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m(?:in)?", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("(?:us|µs)", 1_000),
];

const BYTES: &str = "(?:B|[kK]B|[MGTP]B|[KMGTP]iB?)";

/// Texts that are a length of time: units from great to small, each once: `1h30m`.
pub(crate) fn duration_pattern() -> String {
    let parts: String = TIME
        .iter()
        .map(|(unit, _)| format!("(?:{NUMBER} ?{unit})?"))
        .collect();
    format!("^(?=[0-9]){parts}$")
}

/// A length of time, or nothing when the text is not one.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    static PATTERN: LazyLock<Option<Regex>> = LazyLock::new(|| {
        let parts: String = TIME
            .iter()
            .map(|(unit, _)| format!("(?:({NUMBER}) ?{unit})?"))
            .collect();
        Regex::new(&format!("^{parts}$")).ok()
    });
    if text.is_empty() {
        return None;
    }
    let parts = PATTERN.as_ref()?.captures(text)?;
    let nanos: u128 = TIME
        .iter()
        .enumerate()
        .filter_map(|(index, (_, unit))| Some(times(parts.get(index + 1)?.as_str(), *unit)))
        .sum();
    let seconds = u64::try_from(nanos / 1_000_000_000).ok()?;
    // The remainder is below 10^9.
    Some(Duration::new(seconds, (nanos % 1_000_000_000) as u32))
}

/// `number`, of at most nine digits and nine decimals, times `unit`, rounded down.
fn times(number: &str, unit: u128) -> u128 {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let whole: u128 = whole.parse().unwrap_or(0);
    let scale = 10_u128.pow(fraction.len() as u32);
    let fraction: u128 = fraction.parse().unwrap_or(0);
    whole * unit + fraction * unit / scale
}

/// How a number with a unit is written: a bare number, or text of a pattern.
pub(crate) enum Written {
    /// A number from this up.
    Number { min: Option<f64> },
    /// Text.
    Pattern(String),
}

/// How quantities of a unit are written.
pub(crate) fn written(unit: Unit) -> Written {
    let pattern = |unit: &str| Written::Pattern(format!("^{NUMBER} ?{unit}$"));
    match unit {
        Unit::None => Written::Number { min: None },
        Unit::Count => Written::Number { min: Some(0.0) },
        Unit::Seconds => Written::Pattern(duration_pattern()),
        Unit::Bytes => pattern(BYTES),
        Unit::Percent => pattern("%"),
        Unit::PerSecond => pattern("/s"),
        Unit::BytesPerSecond => pattern(&format!("{BYTES}/s")),
        Unit::Celsius => Written::Pattern(format!("^-?{NUMBER} ?°?C$")),
    }
}

/// A number with one of these units, or nothing when the value is not one.
pub(crate) fn quantity(node: &Node, units: &[Unit]) -> Option<Quantity> {
    units.iter().find_map(|unit| {
        let value = match (&node.data, unit) {
            (Data::Number(number, _), Unit::None | Unit::Count) => {
                let value = number.as_f64();
                (value.is_finite() && (*unit == Unit::None || value >= 0.0)).then_some(value)
            }
            (Data::Text(text), unit) => from_text(text, *unit),
            _ => None,
        }?;
        Some(Quantity { value, unit: *unit })
    })
}

fn from_text(text: &str, unit: Unit) -> Option<f64> {
    match unit {
        Unit::None | Unit::Count => None,
        Unit::Seconds => duration(text).map(|duration| duration.as_secs_f64()),
        Unit::Bytes => bytes(text),
        Unit::Percent => number(text.strip_suffix('%')?),
        Unit::PerSecond => number(text.strip_suffix("/s")?),
        Unit::BytesPerSecond => bytes(text.strip_suffix("/s")?),
        Unit::Celsius => {
            let text = text.strip_suffix('C')?;
            let text = text.strip_suffix('°').unwrap_or(text);
            match text.strip_prefix('-') {
                Some(text) => number(text).map(|value| -value),
                None => number(text),
            }
        }
    }
}

fn bytes(text: &str) -> Option<f64> {
    let split = text.find(|c: char| c.is_ascii_alphabetic())?;
    let (value, unit) = text.split_at(split);
    let scale = match unit {
        "B" => 1.0,
        "kB" | "KB" => 1e3,
        "MB" => 1e6,
        "GB" => 1e9,
        "TB" => 1e12,
        "PB" => 1e15,
        "KiB" | "Ki" => 1024.0,
        "MiB" | "Mi" => 1_048_576.0,
        "GiB" | "Gi" => 1_073_741_824.0,
        "TiB" | "Ti" => 1_099_511_627_776.0,
        "PiB" | "Pi" => 1_125_899_906_842_624.0,
        _ => return None,
    };
    Some(number(value)? * scale)
}

/// A number as [`NUMBER`] allows, with at most one space after it.
fn number(text: &str) -> Option<f64> {
    static PATTERN: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(&format!("^({NUMBER}) ?$")).ok());
    let digits = PATTERN.as_ref()?.captures(text)?.get(1)?;
    digits.as_str().parse().ok()
}

/// What to write for a quantity of a unit, for messages.
pub(crate) fn example(unit: Unit) -> &'static str {
    match unit {
        Unit::None => "0.8",
        Unit::Count => "100",
        Unit::Seconds => "300ms, 10s or 21d",
        Unit::Bytes => "20GiB",
        Unit::Percent => "15%",
        Unit::PerSecond => "5/s",
        Unit::BytesPerSecond => "10MiB/s",
        Unit::Celsius => "70°C",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Span;
    use crate::tree::plain;

    fn of(text: &str, unit: Unit) -> Option<f64> {
        let node = Node {
            span: Span::new(0, 0..0),
            data: plain(text),
        };
        quantity(&node, &[unit]).map(|quantity| quantity.value)
    }

    #[test]
    fn durations_are_exact() {
        for (text, nanos) in [
            ("300ms", 300_000_000),
            ("10s", 10_000_000_000),
            ("1h30m", 5_400_000_000_000),
            ("21d", 1_814_400_000_000_000),
            ("1.5 h", 5_400_000_000_000),
            ("2min", 120_000_000_000),
            ("0.000000001s", 1),
            ("5µs", 5_000),
            ("0s", 0),
        ] {
            assert_eq!(duration(text).map(|d| d.as_nanos()), Some(nanos), "{text}");
        }
        for text in [
            "", "10", "s", "30m1h", "1h 30m", "-5s", "1e3s", "5 s ", "1m1m", "10S",
        ] {
            assert_eq!(duration(text), None, "{text}");
        }
        assert_eq!(
            duration("999999999w").map(|d| d.as_secs()),
            Some(999_999_999 * 604_800)
        );
    }

    #[test]
    fn quantities_come_in_base_units() {
        assert_eq!(of("15%", Unit::Percent), Some(15.0));
        assert_eq!(of("15 %", Unit::Percent), Some(15.0));
        assert_eq!(of("20GiB", Unit::Bytes), Some(21_474_836_480.0));
        assert_eq!(of("1.5 Mi", Unit::Bytes), Some(1_572_864.0));
        assert_eq!(of("5/s", Unit::PerSecond), Some(5.0));
        assert_eq!(of("10kB/s", Unit::BytesPerSecond), Some(10_000.0));
        assert_eq!(of("-5°C", Unit::Celsius), Some(-5.0));
        assert_eq!(of("300ms", Unit::Seconds), Some(0.3));
        assert_eq!(of("-0.5", Unit::None), Some(-0.5));
        assert_eq!(of("-1", Unit::Count), None);
        assert_eq!(of(".inf", Unit::None), None);
        for (text, unit) in [
            ("15", Unit::Percent),
            ("-15%", Unit::Percent),
            ("20", Unit::Bytes),
            ("20gib", Unit::Bytes),
            ("1  GiB", Unit::Bytes),
            ("5", Unit::PerSecond),
        ] {
            assert_eq!(of(text, unit), None, "{text}");
        }
    }

    #[test]
    fn what_is_shown_can_be_written() {
        for (text, unit) in [
            ("15%", Unit::Percent),
            ("20GiB", Unit::Bytes),
            ("300ms", Unit::Seconds),
            ("90min", Unit::Seconds),
            ("70°C", Unit::Celsius),
            ("5/s", Unit::PerSecond),
            ("10MiB/s", Unit::BytesPerSecond),
        ] {
            let value = of(text, unit);
            let shown = value.map(|value| unit.write(value)).unwrap_or_default();
            assert_eq!(of(&shown, unit), value, "{shown}");
        }
    }
}
