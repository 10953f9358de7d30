//! The page of one node: why, on what evidence, what it takes down, and how it was before.

use alpacalert_model::{State, Timestamp};
use alpacalert_visualise::Whose;
use axum::extract::State as Shared;
use axum::response::Response;
use jiff::tz::TimeZone;
use maud::{Markup, html};

use super::asked::{Asked, ZONE};
use super::detail::{Bears, Chain, Detail};
use super::layout::{Face, Page};
use super::links::{Links, encoded};
use super::memory::Span;
use super::parts::{class, count, exact, mark, shape, since, tags, thousands, work};
use super::scene::Name;
use super::tree::no_node;
use super::trouble::Trouble;
use super::{Pages, evidence, time};
use crate::api::find;

/// The most members that a way to a cause is shown with in full; a longer one is shortened in its middle.
const STEPS: usize = 7;

pub(crate) async fn page(Shared(pages): Shared<Pages>, asked: Asked) -> Result<Response, Trouble> {
    let id = asked.get("id").unwrap_or_default().to_owned();
    let detail = pages.look(&asked, move |scene| {
        let node = find(scene.graph, &id).ok_or_else(|| no_node(&id))?;
        Ok(Detail::of(scene, node))
    });
    let detail = detail.await??;
    let span = asked.get("span").and_then(Span::parse).unwrap_or(Span::Day);
    let past = pages.memory.past_of(&detail.node, span, asked.at).await;
    let drawing = Drawing {
        detail: &detail,
        links: &asked.links,
        now: asked.at.unwrap_or_else(Timestamp::now),
        zone: &ZONE,
    };
    let time = time::section(&asked, past.as_ref(), span);
    let body = drawing.draw(time);
    let page = Page {
        face: Face::Operator,
        title: format!("{} is {}", detail.name.title, detail.name.state),
        tab: "",
        twin: format!("/api/v1/explain?node={}", encoded(&detail.name.id)),
        every: 10,
        body,
    };
    Ok(pages.answer(&asked, &page))
}

struct Drawing<'a> {
    detail: &'a Detail,
    links: &'a Links,
    now: Timestamp,
    zone: &'a TimeZone,
}

impl Drawing<'_> {
    fn draw(&self, time: Markup) -> Markup {
        let detail = self.detail;
        // What a sensor measures belongs beside what it measured before.
        let sensor = detail.members.is_empty();
        // Of a sensor that is its own cause the sentence at the top has said it.
        let way = detail.chains.iter().any(|chain| chain.steps.len() > 1);
        html! {
            (self.head())
            @if way { (self.why()) } @else if detail.messages.len() > 1 || detail.messages.iter().any(|said| !detail.why.contains(said.as_str())) { (self.messages()) }
            @if !detail.values.is_empty() {
                section.panel #evidence aria-labelledby="evidence-title" {
                    h2 #evidence-title { "Evidence" }
                    (evidence::table(&detail.values, detail.observed_at, self.now, self.zone))
                }
            }
            @if sensor { (time) }
            @if let Some(picture) = &detail.picture {
                section.panel #picture aria-labelledby="picture-title" {
                    h2 #picture-title { "Picture" }
                    (picture.draw(self.links))
                }
            }
            div.columns {
                (self.impact())
                (self.margin())
                @if !detail.members.is_empty() { (self.members()) }
                @if !detail.parents.is_empty() {
                    section.panel #parents aria-labelledby="parents-title" {
                        h2 #parents-title { "Member of" }
                        (self.names(&detail.parents, detail.parents_more))
                    }
                }
                (self.facts())
            }
            @if !sensor { (time) }
        }
    }

    fn head(&self) -> Markup {
        let detail = self.detail;
        let state = detail.name.state;
        html! {
            section class=(format!("verdict {}", class(state))) id="verdict" {
                (shape(state))
                div {
                    h1 { (detail.name.title) " is " (state.as_str()) (tags(&detail.marks, self.zone)) }
                    @if !detail.why.is_empty() {
                        p {
                            @if let Some(whose) = detail.whose { strong.whose { (match whose {
                                Whose::Ours => "Ours", Whose::NotOurs => "Not ours", Whose::PartlyOurs => "Partly ours",
                            }) ": " } }
                            (detail.why)
                        }
                    }
                    (work(&detail.marks))
                    p.quiet {
                        (detail.what)
                        @if let Some(owner) = &detail.owner { " · " (owner) }
                        @if let Some(at) = detail.since { " · for " (since(self.now, at, self.zone)) }
                        @if detail.public == Some(true) { " · public" }
                        @if detail.confirmed != state { " · to be confirmed: what needs it still sees " (detail.confirmed.as_str()) }
                    }
                }
            }
        }
    }

    fn why(&self) -> Markup {
        html! {
            section.panel #why aria-labelledby="why-title" {
                h2 #why-title { "Why" }
                ol.chains {
                    @for chain in &self.detail.chains { li { (self.chain(chain)) } }
                }
                @if self.detail.chains_cut { p.quiet { "and more causes than are listed" } }
            }
        }
    }

    /// The way from the node to a cause, then what the cause says.
    fn chain(&self, chain: &Chain) -> Markup {
        let steps = &chain.steps;
        let hidden = steps.len().saturating_sub(STEPS);
        let shown = steps.iter().enumerate();
        let shown = shown.filter(|(nth, _)| hidden == 0 || *nth < 2 || *nth >= 2 + hidden);
        html! {
            @if steps.len() > 1 {
                p.chain {
                    @for (nth, step) in shown {
                        @if nth > 0 { span.arrow aria-hidden="true" { "→" } span.vh { ", because of " } }
                        @if hidden > 0 && nth == 2 + hidden { span.quiet { "… " (hidden) " more" } span.arrow aria-hidden="true" { "→" } }
                        span.step { (mark(step.state)) @if nth == 0 { (step.title) } @else { a href=(self.links.node(&step.id)) { (step.title) } } }
                    }
                }
            }
            div.cause {
                @for said in &chain.said { p { (said) } }
                @if steps.len() > 1 && !chain.values.is_empty() { (evidence::table(&chain.values, chain.observed_at, self.now, self.zone)) }
                p.quiet {
                    @if let Some(owner) = &chain.owner { (owner) }
                    @if let Some(at) = chain.since { @if chain.owner.is_some() { " · " } "for " (since(self.now, at, self.zone)) }
                }
            }
        }
    }

    fn messages(&self) -> Markup {
        html! {
            section.panel #messages aria-labelledby="messages-title" {
                h2 #messages-title { "What it says" }
                @for message in &self.detail.messages { p.message { (message) } }
            }
        }
    }

    fn impact(&self) -> Markup {
        let detail = self.detail;
        let failing = detail.confirmed == State::Failing;
        html! {
            section.panel #impact aria-labelledby="impact-title" {
                h2 #impact-title { @if failing { "Takes down" } @else { "If it fails" } }
                @if detail.hits.is_empty() {
                    p.quiet { @if failing { "No other service would be better if it alone passed." } @else { "No other service changes." } }
                }
                ul.plain {
                    @for hit in &detail.hits {
                        li { (mark(hit.to)) span { a href=(self.links.node(&hit.service.id)) { (hit.service.title) }
                            @if let Some(owner) = &hit.owner { span.quiet { " " (owner) } }
                            span.quiet { " · " @if failing { "would be " (hit.from.as_str()) } @else { (hit.from.as_str()) " → " (hit.to.as_str()) } } } }
                    }
                }
                @if detail.hits_more > 0 { p.quiet { "and " (thousands(detail.hits_more)) " more" } }
            }
        }
    }

    /// How much more it bears, or what would mend it.
    fn margin(&self) -> Markup {
        let detail = self.detail;
        // Of a sensor there is nothing to say that is not said already.
        if detail.members.is_empty() {
            return html! {};
        }
        // What is Unknown or Failing has no margin to speak of.
        let bears = detail.name.state < State::Unknown;
        if detail.repairs.is_empty() && !bears {
            return html! {};
        }
        let leaves = |names: &[Name]| self.names(names, 0);
        html! {
            section.panel #margin aria-labelledby="margin-title" {
                @if !detail.repairs.is_empty() {
                    h2 #margin-title { "What would mend it" }
                    @for (nth, set) in detail.repairs.iter().enumerate() {
                        @if nth > 0 { p.quiet.or { "or" } }
                        (leaves(set))
                    }
                } @else {
                    h2 #margin-title { "Margin" }
                }
                @match &detail.bears {
                    _ if !bears => {}
                    Bears::Nothing => {}
                    Bears::Until(names) if names.len() == 1 => { p.quiet { "One more failure takes it down, such as that of" } (leaves(names)) }
                    Bears::Until(names) => { p.quiet { (count(names.len(), "failure", "failures")) " together take it down:" } (leaves(names)) }
                    Bears::AtLeast(n) => p.quiet { "It bears " (count(n.saturating_sub(1), "more failure", "more failures")) " at least." },
                    Bears::Everything => p.quiet { "No failure below it takes it down." },
                }
            }
        }
    }

    fn members(&self) -> Markup {
        let detail = self.detail;
        html! {
            section.panel #members aria-labelledby="members-title" {
                h2 #members-title { "Members" @if let Some(rule) = &detail.rule { span.quiet { " · " (rule) } } }
                ul.plain #members-list data-keyed {
                    @for member in &detail.members {
                        li { (mark(member.name.state)) span { a href=(self.links.node(&member.name.id)) { (member.name.title) }
                            @if member.effect != "required" { " " span.tag { (member.effect) } }
                            @if !member.said.is_empty() { " " span.said { (member.said) } } } }
                    }
                }
                p.more { a href=(self.links.to("/tree", &[("node", &detail.name.id)])) {
                    @if detail.members_more > 0 { "and " (thousands(detail.members_more)) " more, in the tree" } @else { "In the tree" }
                } }
            }
        }
    }

    fn names(&self, names: &[Name], more: usize) -> Markup {
        html! {
            ul.plain { @for name in names { li { (mark(name.state)) span { a href=(self.links.node(&name.id)) { (name.title) } } } } }
            @if more > 0 { p.quiet { "and " (thousands(more)) " more" } }
        }
    }

    fn facts(&self) -> Markup {
        let detail = self.detail;
        let id = &detail.node;
        html! {
            section.panel #facts aria-labelledby="facts-title" {
                h2 #facts-title { "About it" }
                dl.facts-list {
                    dt { "Kind" } dd { a href=(self.links.to("/nodes", &[("kind", id.kind().as_str())])) { (id.kind().as_str()) } }
                    dt { "Reference" } dd { (super::parts::short(id.reference(), 300)) }
                    dt { "Source" } dd { a href=(self.links.to("/nodes", &[("source", id.source())])) { (super::parts::short(id.source(), 100)) } }
                    @if let Some(owner) = &detail.owner { dt { "Owner" } dd { a href=(self.links.to("/nodes", &[("owner", owner)])) { (owner) } } }
                    dt { "Reason" } dd { (detail.reason) }
                    @if let Some(at) = detail.since { dt { "Since" } dd { (exact(at, self.zone)) } }
                    @if let Some(at) = detail.observed_at { dt { "Observed" } dd { (since(self.now, at, self.zone)) " ago" } }
                }
            }
        }
    }
}
