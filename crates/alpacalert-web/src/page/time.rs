//! How a node was: a strip of its states, what was measured on the same axis, and each change.

use alpacalert_model::{Bound, State, Timestamp};
use alpacalert_store::{PastTransition, Point, Series};
use alpacalert_visualise::{clock, one_line};
use maud::{Markup, html};

use super::asked::{Asked, ZONE};
use super::bars::{bars, label, share};
use super::memory::{PastOf, Span};
use super::parts::{SENTENCE, exact, mark, short};

/// The size of a chart, in units of the picture.
const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 96.0;

/// Marks on the axis, the edges included.
const TICKS: i64 = 4;

/// The part of a node's page that is about time.
pub(crate) fn section(asked: &Asked, past: Option<&PastOf>, span: Span) -> Markup {
    html! {
        section.panel.time #time aria-labelledby="time-title" {
            h2 #time-title { "Time" }
            @match past {
                None => p.quiet { "Nothing is remembered here: this instance keeps no history, or it cannot be read now." },
                Some(past) => {
                    nav.spans aria-label="Length of time" {
                        @for each in Span::ALL {
                            a href=(asked.with("span", each.as_str())) aria-current=[(each == span).then_some("true")] { (each.as_str()) }
                        }
                        @if let Some(share) = share(&past.parts) { span.quiet { "up " (share) } }
                    }
                    div.strip.tall { (bars(&past.parts, &label(&past.parts, span.words()))) }
                    (axis(past))
                    @for series in past.series.iter().filter(|series| !series.points.is_empty()) { (chart(series, past)) }
                    (changes(asked, &past.changes, past.to))
                }
            }
        }
    }
}

fn axis(past: &PastOf) -> Markup {
    let (from, to) = (past.from.as_second(), past.to.as_second());
    let ticks =
        (0..=TICKS).filter_map(|nth| Timestamp::from_second(from + (to - from) * nth / TICKS).ok());
    html! {
        ol.axis aria-hidden="true" { @for at in ticks { li { (clock(past.to, at, &ZONE)) } } }
    }
}

/// One quantity over the time: the mean as a line, from the least to the most as a band, nothing where nothing was measured.
fn chart(series: &Series, past: &PastOf) -> Markup {
    let scale = Scale::of(series, past);
    let (least, most) = extent(series);
    let last = series.points.last();
    html! {
        figure.chart {
            figcaption { (one_line(&series.name))
                @if let Some(point) = last { " " b { (series.unit.write(point.mean)) } }
                span.quiet { " " (series.unit.write(least)) " to " (series.unit.write(most)) } }
            svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) preserveAspectRatio="none" role="img" aria-label=(said(series)) {
                @for (state, bound) in [(State::Degraded, series.limits.degraded), (State::Failing, series.limits.failing)] {
                    @for edge in bound.into_iter().flat_map(edges) {
                        @if (scale.least..=scale.most).contains(&edge) {
                            path class=(format!("limit l-{state}")) d=(format!("M0 {}H{WIDTH}", scale.y(edge))) {}
                        }
                    }
                }
                @for run in runs(&series.points, past) {
                    path.band d=(scale.band(run)) {}
                    path.line d=(scale.line(run)) {}
                }
            }
        }
    }
}

fn said(series: &Series) -> String {
    let (least, most) = extent(series);
    let write = |value| series.unit.write(value);
    let name = one_line(&series.name);
    format!("{name} between {} and {}", write(least), write(most))
}

/// The least and the greatest value.
fn extent(series: &Series) -> (f64, f64) {
    let finite = |value: &f64| value.is_finite();
    let least = series.points.iter().map(|point| point.min).filter(finite);
    let most = series.points.iter().map(|point| point.max).filter(finite);
    let (least, most) = (
        least.fold(f64::INFINITY, f64::min),
        most.fold(f64::NEG_INFINITY, f64::max),
    );
    match least <= most {
        true => (least, most),
        false => (0.0, 0.0),
    }
}

fn edges(bound: Bound) -> Vec<f64> {
    match bound {
        Bound::Above(edge) | Bound::Below(edge) => vec![edge],
        Bound::Outside(low, high) | Bound::Inside(low, high) => vec![low, high],
    }
}

/// Points that follow each other without a gap: two that are further apart than a few usual steps are not joined.
fn runs<'p>(points: &'p [Point], past: &PastOf) -> Vec<&'p [Point]> {
    let mut steps: Vec<i64> = points
        .windows(2)
        .map(|two| two[1].at.as_second() - two[0].at.as_second())
        .collect();
    steps.sort_unstable();
    let usual = steps.get(steps.len() / 2).copied().unwrap_or(0);
    let least = (past.to.as_second() - past.from.as_second()) / 200;
    let gap = (usual * 3).max(least);
    points
        .chunk_by(|one, next| next.at.as_second() - one.at.as_second() <= gap)
        .collect()
}

struct Scale {
    from: f64,
    to: f64,
    least: f64,
    most: f64,
}

impl Scale {
    fn of(series: &Series, past: &PastOf) -> Scale {
        let (least, most) = extent(series);
        // What is measured is mostly more than nothing: then the scale begins there, and small changes look small.
        let least = if least >= 0.0 && least < most * 0.8 {
            0.0
        } else {
            least
        };
        let (least, most) = match most > least {
            true => (least, most),
            false => (least - 1.0, least + 1.0),
        };
        Scale {
            from: past.from.as_second() as f64,
            to: past.to.as_second() as f64,
            least,
            most,
        }
    }

    fn x(&self, at: Timestamp) -> f64 {
        let x = (at.as_second() as f64 - self.from) / (self.to - self.from).max(1.0) * WIDTH;
        (x.clamp(0.0, WIDTH) * 10.0).round() / 10.0
    }

    fn y(&self, value: f64) -> f64 {
        let value = if value.is_finite() { value } else { self.least };
        let y = HEIGHT - 3.0 - (value - self.least) / (self.most - self.least) * (HEIGHT - 6.0);
        (y.clamp(0.0, HEIGHT) * 10.0).round() / 10.0
    }

    fn line(&self, run: &[Point]) -> String {
        let points = run
            .iter()
            .map(|point| format!("{} {}", self.x(point.at), self.y(point.mean)));
        let points: Vec<String> = points.collect();
        match points.as_slice() {
            // A single point is a dot.
            [one] => format!("M{one}h0.1"),
            points => format!("M{}", points.join("L")),
        }
    }

    fn band(&self, run: &[Point]) -> String {
        let over = run
            .iter()
            .map(|point| format!("{} {}", self.x(point.at), self.y(point.max)));
        let under = run
            .iter()
            .rev()
            .map(|point| format!("{} {}", self.x(point.at), self.y(point.min)));
        let points: Vec<String> = over.chain(under).collect();
        format!("M{}z", points.join("L"))
    }
}

/// Each change, the newest first.
fn changes(asked: &Asked, changes: &[PastTransition], now: Timestamp) -> Markup {
    html! {
        @if changes.is_empty() { p.quiet { "No change of state in this time." } }
        @else {
            ol.changes {
                @for change in changes { (entry(asked, change, now, false)) }
            }
        }
    }
}

/// One change; with the name of the node where that is not clear.
pub(crate) fn entry(asked: &Asked, change: &PastTransition, now: Timestamp, named: bool) -> Markup {
    let mut then = asked.links.clone();
    then.at = Some(change.at.to_string());
    let id = change.node.to_string();
    html! {
        li {
            (mark(change.to))
            a.at href=(then.node(&id)) title=(format!("As it was at {}", exact(change.at, &ZONE))) { (clock(now, change.at, &ZONE)) }
            span {
                @if named { a href=(asked.links.node(&id)) { (short(&change.title, 120)) } " " }
                @if let Some(from) = change.from { span.quiet { (from.as_str()) " → " } }
                (change.to.as_str())
                @if !change.message.is_empty() { ": " (short(&change.message, SENTENCE)) }
                @else if !["", "ok", "members"].contains(&change.reason.as_str()) { span.quiet { " · " (short(&change.reason.replace('-', " "), 80)) } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alpacalert_model::{Limits, Unit};

    fn past(points: Vec<Point>) -> (Series, PastOf) {
        let series = Series {
            name: "latency".to_owned(),
            unit: Unit::Seconds,
            limits: Limits::above(0.5, 1.0),
            points,
        };
        let past = PastOf {
            from: Timestamp::UNIX_EPOCH,
            to: Timestamp::from_second(3_600).unwrap(),
            parts: Vec::new(),
            series: Vec::new(),
            changes: Vec::new(),
        };
        (series, past)
    }

    fn point(second: i64, mean: f64) -> Point {
        Point {
            at: Timestamp::from_second(second).unwrap(),
            min: mean,
            mean,
            max: mean,
        }
    }

    #[test]
    fn a_gap_stays_a_gap() {
        let near = (0..10).map(|n| point(n * 20, 0.2));
        let far = (0..10).map(|n| point(2_000 + n * 20, 0.4));
        let (series, past) = past(near.chain(far).collect());
        assert_eq!(runs(&series.points, &past).len(), 2);
        let drawn = chart(&series, &past).into_string();
        assert_eq!(drawn.matches("class=\"line\"").count(), 2, "{drawn}");
        assert!(!drawn.contains("NaN") && !drawn.contains("inf"), "{drawn}");
    }

    #[test]
    fn one_point_and_numbers_that_are_none_are_drawn_all_the_same() {
        let (series, past) = past(vec![point(0, f64::NAN), point(10, 3.0)]);
        let drawn = chart(&series, &past).into_string();
        assert!(!drawn.contains("NaN,"), "{drawn}");
    }
}
