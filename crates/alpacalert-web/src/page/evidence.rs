//! A measured value as a bar against its limits.

use alpacalert_model::{Bound, Measurement, State, Timestamp, Unit};
use alpacalert_visualise::one_line;
use jiff::tz::TimeZone;
use maud::{Markup, html};

use super::parts::{class, mark, since};

/// The width and the height of the drawing.
const WIDTH: f64 = 240.0;
const HEIGHT: f64 = 14.0;

/// The values, each with its limits and a bar where that says something, and their age.
pub(crate) fn table(
    values: &[Measurement],
    observed: Option<Timestamp>,
    now: Timestamp,
    zone: &TimeZone,
) -> Markup {
    html! {
        table.values {
            caption.vh { "Measured values" }
            thead { tr { th scope="col" { "Value" } th scope="col" { "Now" } th scope="col" { "Against its limits" } } }
            tbody {
                @for value in values {
                    tr class=(class(value.state())) {
                        th scope="row" { (mark(value.state())) (one_line(&value.name)) }
                        td.number { (value.unit.write(value.value)) }
                        td.gauge-cell { (gauge(value)) (limits(value)) }
                    }
                }
            }
        }
        @if let Some(at) = observed { p.quiet.age { "measured " (since(now, at, zone)) " ago" } }
    }
}

/// The limits in words.
fn limits(value: &Measurement) -> Markup {
    let limits = [
        ("degraded", value.limits.degraded),
        ("failing", value.limits.failing),
    ];
    html! {
        span.limits {
            @for (word, bound) in limits {
                @if let Some(bound) = bound { span { (word) " " (bound.write(value.unit)) } " " }
            }
        }
    }
}

/// The scale that a value and its limits fit on; `None` where a bar would say nothing.
fn scale(value: &Measurement) -> Option<(f64, f64)> {
    let bounds = [value.limits.degraded, value.limits.failing];
    let mut numbers: Vec<f64> = bounds.into_iter().flatten().flat_map(edges).collect();
    if value.unit == Unit::Percent && (0.0..=100.0).contains(&value.value) {
        return Some((0.0, 100.0));
    }
    if numbers.is_empty() {
        return None;
    }
    numbers.push(value.value);
    if numbers.iter().any(|number| !number.is_finite()) {
        return None;
    }
    let least = numbers.iter().copied().fold(0.0, f64::min);
    let most = numbers.iter().copied().fold(0.0, f64::max);
    (most > least).then_some((least, least + (most - least) * 1.15))
}

fn edges(bound: Bound) -> Vec<f64> {
    match bound {
        Bound::Above(edge) | Bound::Below(edge) => vec![edge],
        Bound::Outside(low, high) | Bound::Inside(low, high) => vec![low, high],
    }
}

/// The stretches of the scale in which a bound is crossed.
fn crossed(bound: Bound, (from, to): (f64, f64)) -> Vec<(f64, f64)> {
    match bound {
        Bound::Above(edge) => vec![(edge, to)],
        Bound::Below(edge) => vec![(from, edge)],
        Bound::Outside(low, high) => vec![(from, low), (high, to)],
        Bound::Inside(low, high) => vec![(low, high)],
    }
}

fn gauge(value: &Measurement) -> Markup {
    let Some((from, to)) = scale(value) else {
        return html! {};
    };
    let x = |number: f64| ((number - from) / (to - from)).clamp(0.0, 1.0) * WIDTH;
    let zones = [
        (State::Degraded, value.limits.degraded),
        (State::Failing, value.limits.failing),
    ];
    html! {
        svg.gauge viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) preserveAspectRatio="none" aria-hidden="true" focusable="false" {
            rect.rail x="0" y="4" width=(WIDTH) height="6" rx="3" {}
            @for (state, bound) in zones {
                @if let Some(bound) = bound {
                    @for (low, high) in crossed(bound, (from, to)) {
                        rect class=(format!("zone z-{state}")) x=(round(x(low))) y="11" width=(round((x(high) - x(low)).max(0.0))) height="3" {}
                    }
                }
            }
            rect class=(format!("value v-{}", value.state())) x="0" y="4" width=(round(x(value.value).max(2.0))) height="6" rx="3" {}
        }
    }
}

fn round(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use alpacalert_model::Limits;

    #[test]
    fn a_bar_is_drawn_only_where_it_says_something() {
        let plain = Measurement::new("users", 3.0, Unit::Count);
        assert!(gauge(&plain).into_string().is_empty());
        let limited = plain.against(Limits::above(5.0, 10.0));
        let drawn = gauge(&limited).into_string();
        assert!(
            drawn.contains("z-degraded") && drawn.contains("z-failing"),
            "{drawn}"
        );
        let broken = Measurement {
            value: f64::NAN,
            ..limited
        };
        assert!(gauge(&broken).into_string().is_empty());
    }
}
