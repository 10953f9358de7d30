//! The past: a moment to go to, and what changed lately.

use alpacalert_model::Timestamp;
use alpacalert_store::{PastTransition, Wanted};
use axum::extract::State as Shared;
use axum::response::Response;
use jiff::civil::Date;
use maud::{Markup, html};

use super::asked::{Asked, ZONE};
use super::layout::{Face, Page, moment_form};
use super::memory::Span;
use super::parts::count;
use super::trouble::Trouble;
use super::{Pages, time};

/// The most changes that are listed.
const LISTED: usize = 200;

pub(crate) async fn page(Shared(pages): Shared<Pages>, asked: Asked) -> Result<Response, Trouble> {
    let span = asked
        .get("span")
        .and_then(Span::parse)
        .unwrap_or(Span::Week);
    let to = asked.at.unwrap_or_else(Timestamp::now);
    let wanted = Wanted {
        node: None,
        services: asked.get("all").is_none(),
        from: span.before(to),
        to,
        limit: LISTED,
    };
    let changes = pages.memory.transitions(wanted).await;
    let page = Page {
        face: Face::Operator,
        title: "Past".to_owned(),
        tab: "/past",
        twin: "/api/v1/transitions".to_owned(),
        every: 30,
        body: html! {
            div.heading { h1 { "Past" } }
            @match &changes {
                Err(problem) => p.empty { (problem) },
                Ok(changes) => {
                    section.panel aria-labelledby="go-title" {
                        h2 #go-title { "Go to a moment" }
                        p.quiet { "Every view, as it was then." }
                        (moment_form(&asked, asked.at))
                        (jumps(&asked))
                    }
                    (timeline(&asked, changes, span, to))
                }
            }
        },
    };
    Ok(pages.answer(&asked, &page))
}

/// A few moments that are asked for often.
fn jumps(asked: &Asked) -> Markup {
    let now = Timestamp::now().as_second() / 60 * 60;
    let jumps = [
        ("10 min ago", 600),
        ("1 h ago", 3_600),
        ("6 h ago", 21_600),
        ("1 d ago", 86_400),
        ("7 d ago", 604_800),
    ];
    html! {
        p.jumps { @for (word, back) in jumps {
            @let mut links = asked.links.clone();
            @if let Ok(at) = Timestamp::from_second(now - back) {
                @let () = { links.at = Some(at.to_string()); };
                a.button href=(links.to("/", &[])) { (word) }
            }
        } }
    }
}

fn timeline(asked: &Asked, changes: &[PastTransition], span: Span, to: Timestamp) -> Markup {
    let day = |change: &PastTransition| change.at.to_zoned(ZONE.clone()).date();
    let days: Vec<&[PastTransition]> = changes
        .chunk_by(|one, next| day(one) == day(next))
        .collect();
    let only = asked.get("all").is_none();
    html! {
        section.panel aria-labelledby="timeline-title" {
            h2 #timeline-title { "What changed" }
            nav.spans aria-label="Length of time" {
                @for each in Span::ALL { a href=(asked.with("span", each.as_str())) aria-current=[(each == span).then_some("true")] { (each.as_str()) } }
                a href=(asked.with("all", "")) aria-current=[only.then_some("true")] { "services" }
                a href=(asked.with("all", "1")) aria-current=[(!only).then_some("true")] { "everything" }
            }
            @if changes.is_empty() { p.quiet { "Nothing changed in the last " (span.words()) "." } }
            @for changes in days {
                @if let Some(first) = changes.first() {
                    h3.day { (day_name(day(first))) span.quiet { " · " (count(changes.len(), "change", "changes")) } }
                    ol.changes { @for change in changes { (time::entry(asked, change, to, true)) } }
                }
            }
            @if changes.len() >= LISTED { p.quiet { "Older changes are not listed: choose a shorter time, or an earlier moment." } }
        }
    }
}

/// `Saturday, 28 November 2026`.
pub(crate) fn day_name(day: Date) -> String {
    day.strftime("%A, %-d %B %Y").to_string()
}
