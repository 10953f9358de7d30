//! Small things that every page has: marks of states, times, tags, texts.

use alpacalert_model::{Maintenance, Mark, Marks, NodeRef, State, Timestamp};
use alpacalert_visualise::{ago, one_line};
use jiff::tz::TimeZone;
use maud::{Markup, html};

/// The most characters of a title that are shown.
pub(crate) const TITLE: usize = 160;
/// The most characters of a sentence in a list.
pub(crate) const SENTENCE: usize = 320;

/// Text from outside on one line, no longer than this many characters.
pub(crate) fn short(text: &str, most: usize) -> String {
    let text = one_line(text);
    match text.char_indices().nth(most) {
        None => text,
        Some((at, _)) => format!("{}…", &text[..at]),
    }
}

/// The class of a state.
pub(crate) const fn class(state: State) -> &'static str {
    match state {
        State::Passing => "s-passing",
        State::Degraded => "s-degraded",
        State::Unknown => "s-unknown",
        State::Failing => "s-failing",
    }
}

/// The shape of a state, for eyes only: the word stands beside it, or in what is read out.
pub(crate) fn shape(state: State) -> Markup {
    let href = format!("#shape-{state}");
    html! {
        svg class=(format!("mark {}", class(state))) viewBox="0 0 16 16" aria-hidden="true" focusable="false" { use href=(href) {} }
    }
}

/// The shape with its word, which only screen readers get.
pub(crate) fn mark(state: State) -> Markup {
    html! { (shape(state)) span.vh { (state.as_str()) ": " } }
}

/// The shapes, once in each page, and the patterns of bars.
pub(crate) fn shapes() -> Markup {
    html! {
        svg.defs width="0" height="0" aria-hidden="true" focusable="false" {
            symbol id="shape-passing" viewBox="0 0 16 16" { circle cx="8" cy="8" r="6" fill="currentColor" {} }
            symbol id="shape-degraded" viewBox="0 0 16 16" { path d="M8 1.6 15 14.2H1z" fill="currentColor" {} }
            symbol id="shape-unknown" viewBox="0 0 16 16" {
                circle cx="8" cy="8" r="6.6" fill="none" stroke="currentColor" stroke-width="1.6" {}
                path d="M5.9 6.3a2.1 2.1 0 1 1 3.1 1.9c-.7.4-1 .8-1 1.5" fill="none" stroke="currentColor" stroke-width="1.5" {}
                circle cx="8" cy="11.6" r="1" fill="currentColor" {}
            }
            symbol id="shape-failing" viewBox="0 0 16 16" {
                rect x="1" y="1" width="14" height="14" rx="2.5" fill="currentColor" {}
                path class="cut" d="M5 5l6 6M11 5l-6 6" stroke-width="2" stroke-linecap="round" {}
            }
            defs {
                pattern id="wide" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                    rect class="f-degraded" width="6" height="6" {}
                    rect class="f-ground" width="2" height="6" {}
                }
                pattern id="dots" width="4" height="4" patternUnits="userSpaceOnUse" {
                    rect class="f-unknown-soft" width="4" height="4" {}
                    circle class="f-unknown" cx="2" cy="2" r="1.1" {}
                }
            }
        }
    }
}

/// The moment, exactly, in the page's zone.
pub(crate) fn exact(at: Timestamp, zone: &TimeZone) -> String {
    let zoned = at.to_zoned(zone.clone());
    zoned.strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
}

/// How long ago something was: `4 min`, with the moment itself in the title. The page's script keeps it up to date.
pub(crate) fn since(now: Timestamp, at: Timestamp, zone: &TimeZone) -> Markup {
    html! {
        time datetime=(at.to_string()) title=(exact(at, zone)) data-ago { (ago(now, at)) }
    }
}

/// What is true about a node beside its state.
#[derive(Clone, Debug)]
pub(crate) struct Tags {
    marks: Marks,
    planned: Option<Maintenance>,
}

impl Tags {
    pub(crate) fn of(node: NodeRef<'_>) -> Self {
        Tags {
            marks: node.marks(),
            planned: node.maintenance().cloned(),
        }
    }

    /// Why work on it is planned for now.
    pub(crate) fn work(&self) -> Option<String> {
        let planned = self.planned.as_ref()?;
        Some(short(&planned.reason, SENTENCE)).filter(|reason| !reason.is_empty())
    }
}

/// The tags beside a state.
pub(crate) fn tags(tags: &Tags, zone: &TimeZone) -> Markup {
    let until = |mark| tags.planned.as_ref().filter(|_| mark == Mark::Maintenance);
    html! {
        @for mark in tags.marks.iter() {
            " " span.tag {
                (mark.as_str())
                @if let Some(planned) = until(mark) {
                    " until " time datetime=(planned.until.to_string()) title=(exact(planned.until, zone)) {
                        (planned.until.to_zoned(zone.clone()).strftime("%-d %b %H:%M %Z"))
                    }
                }
            }
        }
    }
}

/// Why work is planned, as a sentence of its own.
pub(crate) fn work(tags: &Tags) -> Markup {
    html! { @if let Some(reason) = tags.work() { p.why { "Planned work: " (reason) } } }
}

/// A number of things with its word.
pub(crate) fn count(n: usize, one: &str, many: &str) -> String {
    format!("{} {}", thousands(n), if n == 1 { one } else { many })
}

/// A number with a thin space before each three digits.
pub(crate) fn thousands(n: usize) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (nth, digit) in digits.chars().enumerate() {
        if nth > 0 && (digits.len() - nth).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_ends_with_an_ellipsis() {
        assert_eq!(short("é\nb c", 10), "é b c");
        assert_eq!(short("éééé", 2), "éé…");
    }

    #[test]
    fn thousands_are_apart() {
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1_234_567), "1\u{202f}234\u{202f}567");
    }
}
