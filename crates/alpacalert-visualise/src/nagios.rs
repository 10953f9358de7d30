//! The output of a Nagios plugin.

use alpacalert_model::{Bound, Measurement, State, Unit};

use crate::headline::overview;
use crate::text::one_line;
use crate::view::View;

/// Nagios and NRPE cut the output of a plugin here (`MAX_PLUGIN_OUTPUT_LENGTH` of Nagios Core): performance data that does
/// not fit whole is left out.
const MOST_BYTES: usize = 8_192;

/// The longest the text may be: it shall not crowd out the performance data.
const MOST_TEXT: usize = 1_024;

/// One line as Nagios plugins print it: `CRITICAL - text | performance data`.
///
/// Written from the guidelines for plugins of monitoring-plugins.org. The exit code is the caller's.
pub fn nagios(view: &View<'_>) -> String {
    let word = match view.state() {
        State::Passing => "OK",
        State::Degraded => "WARNING",
        State::Unknown => "UNKNOWN",
        State::Failing => "CRITICAL",
    };
    // A bar would begin the performance data; a broken bar is read the same.
    let text = one_line(&overview(view).to_string()).replace('|', "¦");
    let text = &text[..text.floor_char_boundary(MOST_TEXT)];
    let mut out = format!("{word} - {text}");
    let mut bar = " |";
    for item in performance(view) {
        if out.len() + bar.len() + 1 + item.len() > MOST_BYTES {
            break;
        }
        out.push_str(bar);
        bar = "";
        out.push(' ');
        out.push_str(&item);
    }
    out.push('\n');
    out
}

fn performance(view: &View<'_>) -> Vec<String> {
    let checks = view.checks();
    let mut items: Vec<String> = State::ALL
        .into_iter()
        .map(|state| format!("'{state}'={};;;0;{}", checks.of(state), checks.total()))
        .collect();
    let mut labels = std::collections::HashSet::new();
    for node in view.nodes() {
        for measurement in &node.status().measurements {
            let mut label = label(&format!("{} {}", node.title(), measurement.name));
            // Two values under one label would be drawn as one line.
            let name = label.clone();
            let mut copy = 2;
            while !labels.insert(label.clone()) {
                label = format!("{name} {copy}");
                copy += 1;
            }
            items.extend(item(&label, measurement));
        }
    }
    items
}

/// A label in single quotes: a quote in it is doubled; an equals sign may not stand there, nor the bar.
fn label(text: &str) -> String {
    one_line(text)
        .replace('\'', "''")
        .replace('=', "_")
        .replace('|', "¦")
}

fn item(label: &str, measurement: &Measurement) -> Option<String> {
    if !measurement.value.is_finite() {
        return None;
    }
    let unit = match measurement.unit {
        Unit::Seconds => "s",
        Unit::Bytes => "B",
        Unit::Percent => "%",
        // The guidelines know no other unit that a value of ours could have.
        _ => "",
    };
    let range = |bound: Option<Bound>| bound.map(range).unwrap_or_default();
    Some(format!(
        "'{label}'={}{unit};{};{}",
        number(measurement.value),
        range(measurement.limits.degraded),
        range(measurement.limits.failing)
    ))
}

/// The range of good values; with `@` that of bad ones.
fn range(bound: Bound) -> String {
    match bound {
        Bound::Above(most) => format!("~:{}", number(most)),
        Bound::Below(least) => format!("{}:", number(least)),
        Bound::Outside(low, high) => format!("{}:{}", number(low), number(high)),
        Bound::Inside(low, high) => format!("@{}:{}", number(low), number(high)),
    }
}

/// Digits, point and sign only, as the guidelines ask, never an exponent; more decimals than a value can mean are left
/// out.
fn number(value: f64) -> String {
    let text = match value.abs() {
        size if size >= 1_000.0 => return format!("{value:.0}"),
        size if size >= 1.0 => format!("{value:.3}"),
        _ => format!("{value:.9}"),
    };
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alpacalert_model::Limits;

    #[test]
    fn values_carry_their_ranges() {
        let of = |limits| {
            item(
                "x",
                &Measurement::new("x", 0.25, Unit::Seconds).against(limits),
            )
            .unwrap()
        };
        assert_eq!(of(Limits::NONE), "'x'=0.25s;;");
        assert_eq!(of(Limits::above(1.0, 2.0)), "'x'=0.25s;~:1;~:2");
        assert_eq!(of(Limits::below(1.0, None)), "'x'=0.25s;1:;");
        let between = Limits {
            degraded: Some(Bound::Outside(1.0, 2.0)),
            failing: Some(Bound::Inside(3.0, 4.0)),
        };
        assert_eq!(of(between), "'x'=0.25s;1:2;@3:4");
    }

    #[test]
    fn what_is_not_a_number_is_left_out() {
        assert_eq!(
            item("x", &Measurement::new("x", f64::NAN, Unit::None)),
            None
        );
        assert_eq!(
            item("x", &Measurement::new("x", f64::INFINITY, Unit::None)),
            None
        );
    }

    #[test]
    fn numbers_have_no_exponent() {
        assert_eq!(number(1e15), "1000000000000000");
        assert_eq!(number(1e-7), "0.0000001");
        assert_eq!(number(100.0), "100");
        assert_eq!(number(0.0), "0");
        assert_eq!(number(4889664716.8), "4889664717");
        assert_eq!(number(0.001278976), "0.001278976");
    }

    #[test]
    fn labels_cannot_end_early() {
        assert_eq!(label("it's a=b|c\nd"), "it''s a_b¦c d");
    }
}
