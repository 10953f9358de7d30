//! Every node: searched, filtered, in pages, the worst first.

use std::collections::BTreeSet;

use alpacalert_model::{NodeKey, NodeRef, State, Timestamp};
use axum::extract::State as Shared;
use axum::response::Response;
use maud::{Markup, html};

use super::Pages;
use super::asked::{Asked, ZONE};
use super::detail::said;
use super::layout::{Face, Page};
use super::links::{encoded, token};
use super::parts::{TITLE, Tags, class, count, mark, short, since, tags, thousands};
use super::scene::{Name, Scene};
use super::trouble::Trouble;

/// How many a page holds.
const PAGE: usize = 50;

/// How many nodes are looked at before the engine gets a turn: some milliseconds.
const CHUNK: usize = 4_000;

/// The most choices of a filter.
const CHOICES: usize = 100;

/// What a reader wants to see.
#[derive(Clone, Debug)]
struct Wanted {
    states: Vec<State>,
    owner: Option<String>,
    kind: Option<String>,
    source: Option<String>,
    services: bool,
    text: Option<String>,
    page: usize,
}

/// What has been found so far.
#[derive(Debug, Default)]
struct Found {
    total: usize,
    all: usize,
    /// The first ones, in order: only as many as are shown, and those before them.
    first: BTreeSet<(std::cmp::Reverse<State>, String, NodeKey)>,
    owners: BTreeSet<String>,
    kinds: BTreeSet<String>,
    sources: BTreeSet<String>,
}

/// One node in the list.
#[derive(Debug)]
struct Row {
    name: Name,
    kind: String,
    owner: Option<String>,
    since: Option<Timestamp>,
    marks: Tags,
    service: bool,
    said: String,
}

impl Wanted {
    fn of(asked: &Asked) -> Result<Self, Trouble> {
        let own = |key| asked.get(key).map(str::to_owned);
        let states = asked.get("state").unwrap_or_default().split(',');
        let states = states.map(str::trim).filter(|word| !word.is_empty());
        let states: Option<Vec<State>> = states.map(State::parse).collect();
        Ok(Wanted {
            states: states.ok_or_else(|| {
                Trouble::wrong(
                    "`state` takes passing, degraded, unknown and failing, with commas between",
                )
            })?,
            owner: own("owner"),
            kind: own("kind"),
            source: own("source"),
            services: asked.get("services") == Some("true"),
            text: own("q")
                .map(|text| text.trim().to_lowercase())
                .filter(|text| !text.is_empty()),
            page: asked.page(),
        })
    }

    fn fits(&self, node: NodeRef<'_>) -> bool {
        let is =
            |wanted: &Option<String>, has: &str| wanted.as_ref().is_none_or(|wanted| wanted == has);
        (self.states.is_empty() || self.states.contains(&node.state()))
            && (!self.services || node.service().is_some())
            && is(&self.kind, node.id().kind().as_str())
            && is(&self.source, node.id().source())
            && self
                .owner
                .as_ref()
                .is_none_or(|wanted| node.owner().is_some_and(|owner| **owner == **wanted))
            && self.text.as_ref().is_none_or(|text| has_text(node, text))
    }

    /// Looks at some nodes.
    fn look<'g>(&self, nodes: impl Iterator<Item = NodeRef<'g>>, found: &mut Found) {
        for node in nodes {
            found.all += 1;
            let choice = |choices: &mut BTreeSet<String>, text: &str| {
                if choices.len() < CHOICES && !choices.contains(text) {
                    choices.insert(text.to_owned());
                }
            };
            choice(&mut found.kinds, node.id().kind().as_str());
            choice(&mut found.sources, node.id().source());
            if let Some(owner) = node.own_owner() {
                choice(&mut found.owners, owner);
            }
            if !self.fits(node) {
                continue;
            }
            found.total += 1;
            let state = std::cmp::Reverse(node.state());
            // Most are worse than what is kept already; those need no copy of their title.
            let full = found.first.len() >= self.page * PAGE;
            let beyond = |last: &(std::cmp::Reverse<State>, String, NodeKey)| {
                (state, node.title()) > (last.0, last.1.as_str())
            };
            if full && found.first.last().is_some_and(beyond) {
                continue;
            }
            found
                .first
                .insert((state, node.title().to_owned(), node.key()));
            if found.first.len() > self.page * PAGE {
                found.first.pop_last();
            }
        }
    }

    /// What is shown of what was found.
    fn rows(&self, scene: &Scene<'_>, found: &Found) -> Vec<Row> {
        let shown = found.first.iter().skip((self.page - 1) * PAGE);
        let nodes = shown.filter_map(|(_, _, key)| scene.graph.get(*key));
        nodes.map(Row::of).collect()
    }
}

impl Row {
    fn of(node: NodeRef<'_>) -> Row {
        Row {
            name: Name::of(node),
            kind: node.id().kind().to_string(),
            owner: node.owner().map(|owner| short(owner, TITLE)),
            since: node.since(),
            marks: Tags::of(node),
            service: node.service().is_some(),
            said: said(node),
        }
    }
}

/// Whether the node is named so, or says so. `text` is in lower case.
fn has_text(node: NodeRef<'_>, text: &str) -> bool {
    let id = node.id();
    holds(node.title(), text)
        || holds(id.reference(), text)
        || holds(id.kind().as_str(), text)
        || (text.contains('/') && holds(&id.to_string(), text))
        || node
            .messages()
            .iter()
            .any(|message| holds(&message.text, text))
        || node.owner().is_some_and(|owner| holds(owner, text))
}

/// Whether a text holds another one that is in lower case, whatever its own case.
fn holds(text: &str, wanted: &str) -> bool {
    if !text.is_ascii() || !wanted.is_ascii() {
        return text.to_lowercase().contains(wanted);
    }
    // Nearly every text is ASCII, and nearly none fits: this makes no copy.
    let (text, wanted) = (text.as_bytes(), wanted.as_bytes());
    text.windows(wanted.len().max(1))
        .any(|part| part.eq_ignore_ascii_case(wanted))
}

pub(crate) async fn page(Shared(pages): Shared<Pages>, asked: Asked) -> Result<Response, Trouble> {
    let wanted = Wanted::of(&asked)?;
    let (rows, found) = match asked.at {
        Some(_) => {
            let wanted = wanted.clone();
            let look = pages.look(&asked, move |scene| {
                let mut found = Found::default();
                wanted.look(scene.graph.nodes(), &mut found);
                (wanted.rows(scene, &found), found)
            });
            look.await?
        }
        None => present(&pages, &asked, &wanted).await?,
    };
    let title = match asked.get("q") {
        Some(text) => format!("“{}”", short(text, 80)),
        None => "All nodes".to_owned(),
    };
    let page = Page {
        face: Face::Operator,
        title,
        tab: "/nodes",
        twin: twin(&asked),
        every: 30,
        body: draw(&asked, &wanted, &rows, &found),
    };
    Ok(pages.answer(&asked, &page))
}

/// Goes through the present graph in turns, so that nothing waits for a search.
async fn present(
    pages: &Pages,
    asked: &Asked,
    wanted: &Wanted,
) -> Result<(Vec<Row>, Found), Trouble> {
    let keys = pages.look(asked, |scene| {
        scene
            .graph
            .nodes()
            .map(|node| node.key())
            .collect::<Vec<NodeKey>>()
    });
    let keys = keys.await?;
    let mut found = Found::default();
    for chunk in keys.chunks(CHUNK) {
        let (wanted, chunk) = (wanted.clone(), chunk.to_vec());
        let look = pages.look(asked, move |scene| {
            let nodes = chunk.into_iter().filter_map(|key| scene.graph.get(key));
            wanted.look(nodes, &mut found);
            found
        });
        found = look.await?;
    }
    let wanted = wanted.clone();
    let rows = pages.look(asked, move |scene| (wanted.rows(scene, &found), found));
    rows.await
}

fn twin(asked: &Asked) -> String {
    let keys = ["q", "state", "owner", "kind", "source"];
    let pairs = keys
        .into_iter()
        .filter_map(|key| Some((key, asked.get(key)?)));
    let mut twin = "/api/v1/nodes".to_owned();
    for (nth, (key, value)) in pairs.enumerate() {
        twin.push(if nth == 0 { '?' } else { '&' });
        twin.push_str(&format!("{key}={}", encoded(value)));
    }
    twin
}

fn draw(asked: &Asked, wanted: &Wanted, rows: &[Row], found: &Found) -> Markup {
    let now = asked.at.unwrap_or_else(Timestamp::now);
    let pages = found.total.div_ceil(PAGE).min(200);
    let nodes = if wanted.services {
        ("service", "services")
    } else {
        ("node", "nodes")
    };
    html! {
        div.heading { h1 { "All nodes" } }
        (filters(asked, wanted, found))
        section #results aria-label="Results" {
            p.quiet #total role="status" {
                @if found.total == found.all { (count(found.total, nodes.0, nodes.1)) }
                @else { (count(found.total, nodes.0, nodes.1)) " of " (thousands(found.all)) }
                @if wanted.page > 1 || pages > 1 { ", page " (wanted.page) " of " (pages.max(1)) }
            }
            @if rows.is_empty() {
                p.empty { "Nothing fits. " a href=(asked.links.to("/nodes", &[])) { "Show all nodes" } }
            }
            ul.rows.list #found data-keyed {
                @for row in rows {
                    li id=(format!("row-{}", token(&row.name.id))) class=(format!("row {}", class(row.name.state))) {
                        (mark(row.name.state))
                        div.what {
                            p.title { a href=(asked.links.node(&row.name.id)) { (row.name.title) } (tags(&row.marks, &ZONE))
                                @if row.service { " " span.tag.quiet { "service" } } }
                            @if !row.said.is_empty() { p.why { (row.said) } }
                        }
                        div.facts {
                            @if let Some(at) = row.since { span { span.vh { "Since: " } (since(now, at, &ZONE)) } }
                            span.kind { span.vh { "Kind: " } (row.kind) }
                            @if let Some(owner) = &row.owner { span.owner { span.vh { "Owner: " } (owner) } }
                        }
                    }
                }
            }
            @if pages > 1 {
                nav.pages aria-label="Pages" {
                    @if wanted.page > 1 { a rel="prev" href=(asked.with("page", &(wanted.page - 1).to_string())) { "← Before" } }
                    @if wanted.page < pages { a rel="next" href=(asked.with("page", &(wanted.page + 1).to_string())) { "Next →" } }
                }
            }
        }
    }
}

fn filters(asked: &Asked, wanted: &Wanted, found: &Found) -> Markup {
    let states = State::ALL.into_iter().rev().map(|state| state.to_string());
    let mut states: Vec<String> = states.collect();
    if wanted.states.len() > 1 {
        states.insert(0, asked.get("state").unwrap_or_default().to_owned());
    }
    html! {
        form.filters action="/nodes" method="get" data-filters {
            label { "Search" input type="search" name="q" value=(asked.get("q").unwrap_or_default()) maxlength="200" data-search autocomplete="off" spellcheck="false"; }
            (choice("State", "state", asked, states.iter()))
            (choice("Owner", "owner", asked, found.owners.iter()))
            (choice("Kind", "kind", asked, found.kinds.iter()))
            (choice("Source", "source", asked, found.sources.iter()))
            @if wanted.services { input type="hidden" name="services" value="true"; }
            @if let Some(at) = &asked.links.at { input type="hidden" name="at" value=(at); }
            button type="submit" { "Show" }
        }
    }
}

fn choice<'a>(
    word: &str,
    key: &str,
    asked: &Asked,
    choices: impl Iterator<Item = &'a String>,
) -> Markup {
    let chosen = asked.get(key);
    let mut choices: Vec<&str> = choices.map(String::as_str).collect();
    if let Some(chosen) = chosen
        && !choices.contains(&chosen)
    {
        choices.push(chosen);
    }
    html! {
        label { (word)
            select name=(key) {
                option value="" { "any" }
                @for value in choices {
                    option value=(value) selected[Some(value) == chosen] { (short(value, 60)) }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_text_of_any_case() {
        assert!(holds("Message Queue", "queue"));
        assert!(holds("Straße", "straße"));
        assert!(holds("ÄRGER", "ärger"));
        assert!(!holds("a", "ab"));
        assert!(!holds("", "a"));
    }
}
