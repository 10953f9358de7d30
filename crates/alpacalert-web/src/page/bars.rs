//! How a time was spent, as bars of equal length: a colour and a pattern for each state, and nothing where nobody looked.

use std::fmt::Write as _;

use alpacalert_model::State;
use alpacalert_store::Uptime;
use maud::{Markup, html};

/// The height of a bar, and from the beginning of one to that of the next, in units of the picture.
const HEIGHT: f64 = 24.0;
const STEP: f64 = 10.0;

/// The width of a bar.
const WIDTH: f64 = 7.5;

/// What a bar is drawn as: the worst state that the part was in for longer than a blink; `None` where nobody looked.
///
/// Unknown comes last but for Passing: that we did not know for a minute is not the news of a day.
fn looks(part: &Uptime) -> Option<State> {
    let seen: f64 = part.seconds.iter().sum();
    let share = |state: State| part.seconds[state.index()] / seen;
    if seen <= 0.0 {
        return None;
    }
    const BLINK: f64 = 1e-4;
    let order = [State::Failing, State::Degraded, State::Unknown];
    let bad = order.into_iter().find(|state| match state {
        State::Unknown => share(*state) > 0.02,
        _ => share(*state) > BLINK,
    });
    Some(bad.unwrap_or(State::Passing))
}

/// How much of a part somebody looked at, 0 to 1.
fn looked_at(part: &Uptime) -> f64 {
    let seen: f64 = part.seconds.iter().sum();
    seen / (seen + part.unobserved + part.absent).max(f64::MIN_POSITIVE)
}

/// The bars. `label` says in words what they show.
pub(crate) fn bars(parts: &[Uptime], label: &str) -> Markup {
    let mut paths: [String; 4] = Default::default();
    for (nth, part) in parts.iter().enumerate() {
        if let Some(state) = looks(part) {
            bar(&mut paths[state.index()], nth, state, looked_at(part));
        }
    }
    let width = parts.len() as f64 * STEP;
    html! {
        svg.bars viewBox=(format!("0 0 {width} {HEIGHT}")) preserveAspectRatio="none" role="img" aria-label=(label) {
            path.ground d=(format!("M0 {}h{width}", HEIGHT - 0.5)) {}
            @for state in State::ALL {
                @let path = &paths[state.index()];
                @if !path.is_empty() { path class=(format!("b-{state}")) fill=[pattern(state)] d=(path) {} }
            }
        }
    }
}

/// Patterns are named here, not in the style sheet, which is another document.
const fn pattern(state: State) -> Option<&'static str> {
    match state {
        State::Degraded => Some("url(#wide)"),
        State::Unknown => Some("url(#dots)"),
        State::Passing | State::Failing => None,
    }
}

/// A bar that a part of its time was not looked at is lower. A failing one has a notch.
fn bar(path: &mut String, nth: usize, state: State, seen: f64) {
    let height = (HEIGHT * seen).clamp(HEIGHT / 4.0, HEIGHT);
    let (x, y) = (nth as f64 * STEP, HEIGHT - height);
    let half = WIDTH / 2.0;
    // Writing to a string cannot fail.
    let _ = match state {
        State::Failing => {
            let depth = (height / 4.0).min(6.0);
            write!(
                path,
                "M{x} {y}l{half} {depth}l{half} -{depth}v{height}h-{WIDTH}z"
            )
        }
        _ => write!(path, "M{x} {y}h{WIDTH}v{height}h-{WIDTH}z"),
    };
}

/// The share of a time that something was up, as it may be said without saying too much: the least rounded down, the most
/// rounded up. `99.98–99.99 %`.
pub(crate) fn share(parts: &[Uptime]) -> Option<String> {
    let mut all = Uptime::default();
    parts.iter().for_each(|part| all.add(part));
    let (least, most) = all.share()?;
    let percent = |share: f64, round: fn(f64) -> f64| {
        // A hair of tolerance: 0.3 has no exact form in binary.
        let hair = if round(0.5) > 0.5 { -1e-7 } else { 1e-7 };
        round(share * 10_000.0 + hair).clamp(0.0, 10_000.0) / 100.0
    };
    let sure = most - least < 1e-9;
    let (least, most) = (percent(least, f64::floor), percent(most, f64::ceil));
    Some(match sure || least == most {
        true => format!("{least} %"),
        false => format!("{least}–{most} %"),
    })
}

/// What the bars show, in words.
pub(crate) fn label(parts: &[Uptime], of: &str) -> String {
    let bad = |state| {
        parts
            .iter()
            .filter(|part| looks(part) == Some(state))
            .count()
    };
    let unseen = parts.iter().filter(|part| looks(part).is_none()).count();
    let mut words = vec![match share(parts) {
        Some(share) => format!("up {share} of {of}"),
        None => format!("nothing known of {of}"),
    }];
    for state in [State::Failing, State::Degraded, State::Unknown] {
        if bad(state) > 0 {
            words.push(format!("{} of {} parts {state}", bad(state), parts.len()));
        }
    }
    if unseen > 0 {
        words.push(format!("{unseen} of {} parts not observed", parts.len()));
    }
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(seconds: [f64; 4], unobserved: f64) -> Uptime {
        Uptime {
            seconds,
            unobserved,
            ..Uptime::default()
        }
    }

    #[test]
    fn shares_never_say_too_much() {
        let said = |seconds, unobserved| share(&[part(seconds, unobserved)]).unwrap();
        assert_eq!(said([100.0, 0.0, 0.0, 0.0], 0.0), "100 %");
        assert_eq!(said([99_999.0, 0.0, 0.0, 1.0], 0.0), "99.99 %");
        assert_eq!(said([30.0, 0.0, 0.0, 70.0], 0.0), "30 %");
        assert_eq!(said([50.0, 10.0, 10.0, 20.0], 10.0), "60–80 %");
        assert_eq!(share(&[part([0.0; 4], 0.0)]), None);
    }

    #[test]
    fn a_gap_is_neither_green_nor_red() {
        let drawn = bars(
            &[part([0.0; 4], 60.0), part([60.0, 0.0, 0.0, 0.0], 0.0)],
            "x",
        )
        .into_string();
        assert_eq!(drawn.matches("M0 0").count(), 0, "{drawn}");
        assert!(drawn.contains("M10 0"), "{drawn}");
        assert_eq!(
            looks(&part([10.0, 0.0, 0.0, 0.1], 50.0)),
            Some(State::Failing)
        );
        assert_eq!(
            looks(&part([100.0, 0.0, 1.0, 0.0], 0.0)),
            Some(State::Passing)
        );
    }
}
