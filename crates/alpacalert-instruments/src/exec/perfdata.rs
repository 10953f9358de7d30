//! Performance data of Nagios plugins: `'label'=value[UOM];[warn];[crit];[min];[max]`.
//!
//! Source: Monitoring Plugins Development Guidelines, "Performance data" and "Threshold and ranges".

use alpacalert_instrument::model::{Bound, Limits, Measurement, Unit};

/// The measurements in a plugin's performance data, at most `most`, and how many were left out. What is not understood
/// is passed over: the plugin's word for its state does not depend on it.
pub(super) fn parse(text: &str, most: usize) -> (Vec<Measurement>, usize) {
    let mut measurements = Vec::new();
    let mut more = 0;
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (label, after) = label(rest);
        let end = after.find(char::is_whitespace).unwrap_or(after.len());
        let (data, next) = after.split_at(end);
        if let Some(measurement) = label.and_then(|label| measurement(label, data)) {
            if measurements.len() < most {
                measurements.push(measurement);
            } else {
                more += 1;
            }
        }
        rest = next.trim_start();
    }
    (measurements, more)
}

/// The label and what stands after its `=`. Without a label, what stands after the word that is none.
fn label(text: &str) -> (Option<String>, &str) {
    if let Some(quoted) = text.strip_prefix('\'') {
        let mut label = String::new();
        let mut rest = quoted;
        while let Some(at) = rest.find('\'') {
            label.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            // Two quotes stand for one.
            match rest.strip_prefix('\'') {
                Some(after) => {
                    label.push('\'');
                    rest = after;
                }
                None => break,
            }
        }
        return match rest.strip_prefix('=') {
            Some(data) => (Some(label), data),
            None => (None, rest),
        };
    }
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    match text[..end].rfind('=') {
        Some(at) => (Some(text[..at].to_owned()), &text[at + 1..]),
        None => (None, &text[end..]),
    }
}

fn measurement(label: String, data: &str) -> Option<Measurement> {
    let mut fields = data.split(';');
    let value = fields.next()?;
    let digits = value
        .find(|c: char| !(c.is_ascii_digit() || "+-.,".contains(c)))
        .unwrap_or(value.len());
    // `1e-3` is a number, `1eggs` is not: the exponent belongs to the number when digits follow.
    let digits = exponent(value, digits);
    let (number, uom) = value.split_at(digits);
    let number = decimal(number)?;
    let (unit, factor) = unit(uom);
    let mut limit = || fields.next().and_then(|text| range(text, number, factor));
    let (degraded, failing) = (limit(), limit());
    let name = match unit {
        Unit::None if !uom.is_empty() => format!("{label} ({uom})"),
        _ => label,
    };
    let limits = Limits { degraded, failing };
    Some(Measurement::new(name, number * factor, unit).against(limits))
}

fn exponent(value: &str, digits: usize) -> usize {
    let Some(rest) = value[digits..].strip_prefix(['e', 'E']) else {
        return digits;
    };
    let sign = usize::from(rest.starts_with(['+', '-']));
    let count = rest[sign..].bytes().take_while(u8::is_ascii_digit).count();
    if count == 0 {
        digits
    } else {
        digits + 1 + sign + count
    }
}

/// Some plugins write the decimal comma of their user's language.
fn decimal(text: &str) -> Option<f64> {
    let number: f64 = text.replace(',', ".").parse().ok()?;
    number.is_finite().then_some(number)
}

/// The unit, and by what to multiply. Powers of bytes are of 1024, as the standard plugins use them.
fn unit(uom: &str) -> (Unit, f64) {
    const KIB: f64 = 1024.0;
    match uom {
        "s" => (Unit::Seconds, 1.0),
        "ms" => (Unit::Seconds, 1e-3),
        "us" | "µs" => (Unit::Seconds, 1e-6),
        "ns" => (Unit::Seconds, 1e-9),
        "%" => (Unit::Percent, 1.0),
        "B" => (Unit::Bytes, 1.0),
        "KB" | "kB" | "KiB" => (Unit::Bytes, KIB),
        "MB" | "MiB" => (Unit::Bytes, KIB * KIB),
        "GB" | "GiB" => (Unit::Bytes, KIB * KIB * KIB),
        "TB" | "TiB" => (Unit::Bytes, KIB * KIB * KIB * KIB),
        "c" => (Unit::Count, 1.0),
        _ => (Unit::None, 1.0),
    }
}

/// A range says where a value is well, or, with `@`, where it is not: `10` is 0 to 10, `10:` is 10 and more, `~:10` is 10 and
/// less, `10:20` is 10 to 20.
fn range(text: &str, value: f64, factor: f64) -> Option<Bound> {
    let (inside, text) = match text.strip_prefix('@') {
        Some(text) => (true, text),
        None => (false, text),
    };
    if text.is_empty() {
        return None;
    }
    let (low, high, is_plain) = match text.split_once(':') {
        Some((low, high)) => {
            let low = match low {
                "~" => f64::NEG_INFINITY,
                "" => 0.0,
                low => decimal(low)? * factor,
            };
            let high = match high {
                "" => f64::INFINITY,
                high => decimal(high)? * factor,
            };
            (low, high, false)
        }
        None => (0.0, decimal(text)? * factor, true),
    };
    if low > high {
        return None;
    }
    Some(match (inside, low.is_finite(), high.is_finite()) {
        (true, ..) => Bound::Inside(low, high),
        (false, false, false) => return None,
        (false, false, true) => Bound::Above(high),
        (false, true, false) => Bound::Below(low),
        // Hardly anything that is limited so can be less than nothing; `> 10` reads better than `outside 0 to 10`.
        (false, true, true) if is_plain && value >= 0.0 => Bound::Above(high),
        (false, true, true) => Bound::Outside(low, high),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Measurement {
        let (mut all, more) = parse(text, 10);
        assert_eq!((all.len(), more), (1, 0), "{text}: {all:?}");
        all.remove(0)
    }

    #[test]
    fn labels_and_units() {
        let cases = [
            ("time=0.5s", "time", 0.5, Unit::Seconds),
            ("'a b''c=d'=7ms;;;", "a b'c=d", 0.007, Unit::Seconds),
            ("/=2MB;5;6;0;9", "/", 2097152.0, Unit::Bytes),
            ("load=1,5", "load", 1.5, Unit::None),
            ("n=3c", "n", 3.0, Unit::Count),
            ("x=1e3", "x", 1000.0, Unit::None),
            ("x=1eggs", "x (eggs)", 1.0, Unit::None),
            ("p=-4%", "p", -4.0, Unit::Percent),
        ];
        for (text, name, value, unit) in cases {
            let seen = one(text);
            assert_eq!(
                (&*seen.name, seen.value, seen.unit),
                (name, value, unit),
                "{text}"
            );
        }
    }

    #[test]
    fn ranges() {
        let bound = |text: &str| one(&format!("x=5;{text}")).limits.degraded;
        assert_eq!(bound("10"), Some(Bound::Above(10.0)));
        assert_eq!(bound("10:"), Some(Bound::Below(10.0)));
        assert_eq!(bound("~:10"), Some(Bound::Above(10.0)));
        assert_eq!(bound("10:20"), Some(Bound::Outside(10.0, 20.0)));
        assert_eq!(bound("@10:20"), Some(Bound::Inside(10.0, 20.0)));
        assert_eq!(bound("0:10"), Some(Bound::Outside(0.0, 10.0)));
        for nothing in ["", "~:", "20:10", "what", "1:2:3"] {
            assert_eq!(bound(nothing), None, "{nothing}");
        }
        assert_eq!(
            one("x=-5;10").limits.degraded,
            Some(Bound::Outside(0.0, 10.0))
        );
        let both = one("t=1500ms;2000;3000").limits;
        assert_eq!(both, Limits::above(2.0, 3.0));
    }

    #[test]
    fn what_is_no_measurement_is_passed_over() {
        let (seen, more) = parse("junk a=1 b=U 'c=2 =3 d=1e999 'open", 10);
        let names: Vec<&str> = seen.iter().map(|m| &*m.name).collect();
        assert_eq!((names, more), (vec!["a"], 0));
        let many: String = (0..50).map(|n| format!("v{n}=1 ")).collect();
        let (seen, more) = parse(&many, 20);
        assert_eq!((seen.len(), more), (20, 30));
    }
}
