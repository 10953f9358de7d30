//! What everybody may see: public services, without what is inside of them. No names of nodes, no addresses, no messages.

use std::collections::HashMap;
use std::sync::Arc;

use alpacalert::config::Anonymous;
use alpacalert_model::{Explanation, NodeId, NodeKey, NodeRef, State, Timestamp};
use alpacalert_store::{Incident, Uptime};
use alpacalert_visualise::{Headline, clock};
use axum::extract::State as Shared;
use axum::response::Response;
use futures_util::future::join_all;
use jiff::civil::Date;
use maud::{Markup, html};

use super::Pages;
use super::asked::{Asked, ZONE};
use super::bars;
use super::layout::{Face, Page};
use super::links::token;
use super::memory::Span;
use super::parts::{SENTENCE, TITLE, Tags, class, mark, shape, short, since, tags, work};
use super::past::day_name;
use super::scene::{Purse, Scene};
use super::trouble::Trouble;
use crate::{Caller, Viewer};

/// The most services on the page: a page for everybody with more than this needs parts.
const SERVICES: usize = 200;

/// How far back incidents are told of.
const INCIDENT_DAYS: i64 = 14;

/// The spans that everybody is shown.
const SPANS: [Span; 3] = [Span::Day, Span::Week, Span::Quarter];

/// A public service.
#[derive(Debug)]
pub(super) struct Row {
    node: NodeId,
    title: String,
    state: State,
    since: Option<Timestamp>,
    marks: Tags,
    /// What the causes say, for those who may know.
    why: String,
    /// Another public service that holds it where it is: its title, its owner.
    cause: Option<(String, Option<String>)>,
}

/// The shares of a service, and its bars.
struct Past {
    bars: Markup,
    shares: Vec<(Span, String)>,
}

pub(crate) async fn page(Shared(pages): Shared<Pages>, asked: Asked) -> Result<Response, Trouble> {
    // The past as a whole is for those who run the instance.
    let mut asked = asked;
    if !asked.caller.viewer.is_operator() {
        (asked.at, asked.links.at) = (None, None);
    }
    let face = Shown::to(&asked.caller);
    let rows = rows(&pages, &asked, face).await?;
    let now = asked.at.unwrap_or_else(Timestamp::now);
    let span = asked.get("period").and_then(Span::parse);
    let span = span
        .filter(|span| SPANS.contains(span))
        .unwrap_or(Span::Quarter);
    let gate = pages.memory.gate.lock().await;
    let found = rows.iter().map(async |row| {
        let past = past(&pages, &row.node, span, asked.at).await?;
        Some((row.node.clone(), past))
    });
    let pasts: HashMap<NodeId, Past> = join_all(found).await.into_iter().flatten().collect();
    drop(gate);
    let incidents = incidents(&pages, &rows, now).await;
    let page = Page {
        face: Face::Public,
        title: title(&rows),
        tab: "/public",
        twin: "/api/v1/services".to_owned(),
        every: 60,
        body: html! {
            (verdict(&rows, now))
            @if !pasts.is_empty() { (spans(&asked, span)) }
            @if !rows.is_empty() {
                section aria-label="Services" {
                    ul.rows.public #services data-keyed { @for row in rows.iter() { (draw(row, pasts.get(&row.node), now, span)) } }
                }
            }
            @if let Some(incidents) = &incidents { (draw_incidents(incidents, now)) }
        },
    };
    Ok(pages.answer(&asked, &page))
}

/// What is shown, made for each of those who see more than everybody, and for all others together.
async fn rows(pages: &Pages, asked: &Asked, face: Shown) -> Result<Arc<Vec<Row>>, Trouble> {
    let (is_public, causes) = (face.viewer == Viewer::Public, face.causes);
    let make = || pages.look(asked, move |scene| face.rows(scene));
    match asked.at {
        None if is_public => {
            pages.public[usize::from(causes)]
                .get(&pages.live, make)
                .await
        }
        _ => Ok(Arc::new(make().await?)),
    }
}

/// What is shown to somebody.
struct Shown {
    /// Those who see some services see those too; who sees everything is shown what everybody is.
    viewer: Viewer,
    /// Everybody may see what the causes say.
    causes: bool,
}

impl Shown {
    fn to(caller: &Caller) -> Self {
        Shown {
            viewer: match &caller.viewer {
                Viewer::Operator => Viewer::Public,
                viewer => viewer.clone(),
            },
            causes: caller.anonymous == Anonymous::Causes,
        }
    }

    fn rows(&self, scene: &Scene<'_>) -> Vec<Row> {
        let services = scene.roots().filter(|node| node.service().is_some());
        let shown = services.filter(|node| self.viewer.lists(*node));
        let mut purse = Purse::new();
        shown
            .take(SERVICES)
            .map(|node| self.row(scene, node, &mut purse))
            .collect()
    }

    fn row(&self, scene: &Scene<'_>, node: NodeRef<'_>, purse: &mut Purse) -> Row {
        let inside = self.causes || self.viewer.sees(node);
        let explanation = match node.state() {
            State::Passing => None,
            _ => purse.explain(scene.graph, node.key()),
        };
        let explanation = explanation.as_ref();
        Row {
            why: match inside {
                true => {
                    let headline = Headline::from_explanation(&scene.view(), node, explanation);
                    short(&headline.why, SENTENCE)
                }
                false => String::new(),
            },
            node: node.id().clone(),
            title: short(node.title(), TITLE),
            state: node.state(),
            since: node.since(),
            marks: Tags::of(node),
            cause: explanation.and_then(|found| cause(scene, node, found)),
        }
    }
}

fn is_public(node: NodeRef<'_>) -> bool {
    node.service().is_some_and(|info| info.public)
}

/// The public service furthest down the way to a cause. What is not public stays unnamed.
fn cause(
    scene: &Scene<'_>,
    node: NodeRef<'_>,
    explanation: &Explanation,
) -> Option<(String, Option<String>)> {
    let revealed = |way: &[NodeKey]| {
        let below = way.iter().rev().take_while(|key| **key != node.key());
        below
            .filter_map(|key| scene.graph.get(*key))
            .find(|step| is_public(*step))
    };
    let found = explanation
        .causes
        .iter()
        .find_map(|cause| revealed(&cause.path))?;
    let owner = found.owner().map(|owner| short(owner, TITLE));
    Some((short(found.title(), TITLE), owner))
}

async fn past(pages: &Pages, node: &NodeId, span: Span, at: Option<Timestamp>) -> Option<Past> {
    let mut drawn = None;
    let mut shares = Vec::new();
    for each in SPANS {
        let parts: Vec<Uptime> = pages.memory.uptime(node, each, at).await?;
        if let Some(share) = bars::share(&parts) {
            shares.push((each, share));
        }
        if each == span {
            drawn = Some(bars::bars(&parts, &bars::label(&parts, each.words())));
        }
    }
    Some(Past {
        bars: drawn?,
        shares,
    })
}

/// What a state means to somebody who uses the service.
const fn words(state: State) -> &'static str {
    match state {
        State::Passing => "works",
        State::Degraded => "works, with trouble",
        State::Unknown => "cannot be told",
        State::Failing => "is down",
    }
}

fn title(rows: &[Row]) -> String {
    match rows.iter().map(|row| row.state).max() {
        None => "Status".to_owned(),
        Some(State::Passing) => "All services work".to_owned(),
        Some(worst) => {
            let bad = rows.iter().filter(|row| row.state == worst).count();
            format!("{bad} {worst}")
        }
    }
}

/// The sentence at the top: the worst service, what it is because of if that may be said, and since when.
fn verdict(rows: &[Row], now: Timestamp) -> Markup {
    // The first of the worst, in the order of the configuration.
    let worst = rows.iter().rev().max_by_key(|row| row.state);
    let Some(worst) = worst else {
        return html! {
            section.verdict.s-unknown #verdict { (shape(State::Unknown)) div {
                h1 { "No public services" }
                p { "Nothing here is meant for everybody." }
            } }
        };
    };
    let others = rows
        .iter()
        .filter(|row| row.state != State::Passing)
        .count()
        .saturating_sub(1);
    html! {
        section class=(format!("verdict {}", class(worst.state))) id="verdict" {
            (shape(worst.state))
            div {
                @match worst.state {
                    State::Passing if rows.len() == 1 => h1 { (worst.title) " works" },
                    State::Passing => h1 { "All services work" },
                    State::Unknown => h1 { "How " (worst.title) " is cannot be told" },
                    state => h1 { (worst.title) " " (words(state)) },
                }
                @if worst.state != State::Passing {
                    p {
                        @if let Some((cause, owner)) = &worst.cause { "Because of " (cause) @if let Some(owner) = owner { " (" (owner) ")" } ". " }
                        @if let Some(at) = worst.since { "For " (since(now, at, &ZONE)) ". " }
                        @if others > 0 { (others) @if others == 1 { " other service is not well either." } @else { " other services are not well either." } }
                    }
                }
            }
        }
    }
}

fn spans(asked: &Asked, here: Span) -> Markup {
    html! {
        nav.spans aria-label="Length of time" {
            @for span in SPANS { a href=(asked.with("period", span.as_str())) aria-current=[(span == here).then_some("true")] { (span.words()) } }
        }
    }
}

fn draw(row: &Row, past: Option<&Past>, now: Timestamp, span: Span) -> Markup {
    html! {
        li id=(format!("row-{}", token(&row.node.to_string()))) class=(format!("row {}", class(row.state))) {
            (mark(row.state))
            div.what {
                h2 { (row.title) (tags(&row.marks, &ZONE)) }
                (work(&row.marks))
                @if row.state != State::Passing {
                    p.why {
                        (row.state.as_str())
                        @if let Some(at) = row.since { " for " (since(now, at, &ZONE)) }
                        @if let Some((cause, owner)) = &row.cause { ", because of " (cause) @if let Some(owner) = owner { " (" (owner) ")" } }
                        @if !row.why.is_empty() { ": " (row.why) }
                    }
                }
            }
            @if let Some(past) = past {
                p.shares { @for (each, share) in &past.shares {
                    span class=(if *each == span { "here" } else { "" }) { span.quiet { (each.as_str()) } " " (share) }
                } }
                div.strip { (past.bars) }
            }
        }
    }
}

/// What was not well in the last days; `None` without a memory.
async fn incidents(pages: &Pages, rows: &[Row], now: Timestamp) -> Option<Vec<Incident>> {
    let from = Timestamp::from_second(now.as_second() - INCIDENT_DAYS * 86_400).ok()?;
    let incidents = pages.memory.incidents(from, now).await?;
    // Public then and now: what became private is not told any more.
    let shown =
        |incident: &Incident| incident.public && rows.iter().any(|row| row.node == incident.node);
    Some(incidents.into_iter().filter(shown).collect())
}

fn draw_incidents(incidents: &[Incident], now: Timestamp) -> Markup {
    let day = |incident: &Incident| incident.from.to_zoned(ZONE.clone()).date();
    let mut incidents: Vec<&Incident> = incidents.iter().collect();
    incidents.sort_by_key(|incident| std::cmp::Reverse(incident.from));
    let days: Vec<&[&Incident]> = incidents
        .chunk_by(|one, next| day(one) == day(next))
        .collect();
    html! {
        section.incidents aria-labelledby="incidents-title" {
            h2 #incidents-title { "Past incidents" }
            @if days.is_empty() { p.quiet { "None in the last " (INCIDENT_DAYS) " days." } }
            @for incidents in days { (draw_day(day(incidents[0]), incidents, now)) }
        }
    }
}

fn draw_day(day: Date, incidents: &[&Incident], now: Timestamp) -> Markup {
    html! {
        h3.day { (day_name(day)) }
        ul.plain {
            @for incident in incidents {
                li { (mark(incident.worst)) span {
                    (short(&incident.title, TITLE)) " " (incident.worst.as_str())
                    @match incident.to {
                        Some(to) => { " for " (alpacalert_visualise::ago(to, incident.from)) ", " (clock(now, incident.from, &ZONE)) "–" (clock(to, to, &ZONE)) }
                        None => { " since " (clock(now, incident.from, &ZONE)) }
                    }
                } }
            }
        }
    }
}
