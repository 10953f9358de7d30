//! The board: what is not well and what that is about, then what works.

use std::cmp::Reverse;
use std::collections::HashMap;

use alpacalert_model::{
    Explanation, Impact, Margin, NodeId, NodeKey, NodeRef, Role, Rule, State, Timestamp,
};
use alpacalert_visualise::{Headline, Whose, cause_evidence};
use jiff::tz::TimeZone;
use maud::{Markup, html};

use super::layout::nothing;
use super::links::{Links, token};
use super::memory::Strips;
use super::parts::{
    SENTENCE, TITLE, Tags, class, count, mark, shape, short, since, tags, thousands, work,
};
use super::scene::{Name, Purse, Scene};

/// The most that are shown of what is not well, and of what is: more are a link away, and the page stays small.
const UNWELL: usize = 50;
const WELL: usize = 60;

/// The most of those that are explained. The rest is ordered by state alone.
const EXPLAINED: usize = 200;

/// The most causes at the top.
const CAUSES: usize = 3;

/// One service, or one system that is a member of nothing.
#[derive(Debug)]
struct Row {
    node: NodeId,
    name: Name,
    service: bool,
    public: bool,
    since: Option<Timestamp>,
    owner: Option<String>,
    marks: Tags,
    whose: Option<Whose>,
    why: String,
    /// The worst of its causes.
    cause: Option<Name>,
    /// How many other services it takes down.
    takes_down: usize,
    /// The one leaf whose failure would take it down.
    hangs_on: Option<Name>,
}

/// A leaf that holds several services where they are.
#[derive(Debug)]
struct Shared {
    cause: Name,
    owner: Option<String>,
    said: String,
    services: usize,
}

/// The board.
#[derive(Debug)]
pub(crate) struct Board {
    now: Timestamp,
    zone: TimeZone,
    counts: [usize; 4],
    unwell: Vec<Row>,
    well: Vec<Row>,
    shared: Vec<Shared>,
    services: bool,
}

impl Board {
    /// What there is to show. The cost depends on the number of services; what is below them is looked at within a bound.
    pub(crate) fn of(scene: &Scene<'_>) -> Board {
        let mut counts = [0; 4];
        let mut nodes: Vec<NodeRef<'_>> = scene.roots().collect();
        let services = nodes.iter().any(|node| node.service().is_some());
        for node in &nodes {
            counts[node.state().index()] += 1;
        }
        let place = |node: &NodeRef<'_>| {
            let service = node.service();
            (
                Reverse(node.state()),
                service.is_none(),
                service.is_none_or(|info| !info.public),
            )
        };
        // Stable: within a state the order of the configuration stays.
        nodes.sort_by_key(place);
        let unwell = nodes.iter().filter(|node| node.state() != State::Passing);
        let mut causes: HashMap<NodeKey, usize> = HashMap::new();
        let mut purse = Purse::new();
        let mut unwell: Vec<Row> = unwell
            .take(EXPLAINED)
            .map(|node| Row::unwell(scene, *node, &mut causes, &mut purse))
            .collect();
        unwell.sort_by_key(|row| (Reverse(row.name.state), Reverse(row.takes_down)));
        unwell.truncate(UNWELL);
        let well = nodes.iter().filter(|node| node.state() == State::Passing);
        Board {
            now: scene.now,
            zone: scene.zone.clone(),
            counts,
            unwell,
            well: well.take(WELL).map(|node| Row::well(*node)).collect(),
            shared: shared(scene, causes),
            services,
        }
    }

    /// The state of it all in a few words, for the title of the window.
    pub(crate) fn title(&self) -> String {
        let of = |state: State| self.counts[state.index()];
        let bad = State::ALL.into_iter().rev();
        let bad = bad.filter(|state| *state != State::Passing && of(*state) > 0);
        match bad.map(|state| format!("{} {state}", of(state))).next() {
            Some(text) => text,
            None if self.counts[0] == 0 => "Nothing to observe".to_owned(),
            None => "All is well".to_owned(),
        }
    }

    /// The identities of what is shown.
    pub(crate) fn shown(&self) -> impl Iterator<Item = &NodeId> {
        let rows = self.unwell.iter().chain(&self.well);
        rows.map(|row| &row.node)
    }

    /// The board as it is shown.
    pub(crate) fn draw(&self, links: &Links, strips: &Strips) -> Markup {
        let total = |state: State| self.counts[state.index()];
        let bad: usize = self.counts[1..].iter().sum();
        let noun = if self.services { "services" } else { "systems" };
        html! {
            (self.verdict(links))
            (self.numbers(links))
            @if !self.unwell.is_empty() {
                section aria-labelledby="unwell" {
                    h2 #unwell.vh { "Not well" }
                    ul.rows #rows-unwell data-keyed {
                        @for row in &self.unwell { (self.row(row, links, strips)) }
                    }
                    @if bad > self.unwell.len() {
                        p.more { a href=(links.to("/nodes", &[("state", "failing,unknown,degraded"), ("services", "true")])) {
                            "and " (thousands(bad - self.unwell.len())) " more that are not well" } }
                    }
                }
            }
            @if !self.well.is_empty() {
                section aria-labelledby="well" {
                    h2 #well { "Working" }
                    ul.rows.calm #rows-well data-keyed {
                        @for row in &self.well { (self.row(row, links, strips)) }
                    }
                    @if total(State::Passing) > self.well.len() {
                        p.more { a href=(links.to("/nodes", &[("state", "passing"), ("services", "true")])) {
                            "and " (thousands(total(State::Passing) - self.well.len())) " more " (noun) " that work" } }
                    }
                }
            }
        }
    }

    /// The sentence at the top.
    fn verdict(&self, links: &Links) -> Markup {
        let worst = State::ALL.into_iter().rev();
        let worst = worst
            .into_iter()
            .find(|state| self.counts[state.index()] > 0);
        let noun = |n| match self.services {
            true => count(n, "service", "services"),
            false => count(n, "system", "systems"),
        };
        let Some(worst) = worst else {
            return html! {
                section.verdict.s-unknown #verdict {
                    (shape(State::Unknown))
                    div { h1 { "Nothing to observe yet" }
                    p { "Name what you rely on in a configuration, or wait for the first measurements." } }
                }
            };
        };
        let first = self.unwell.first();
        let here = self.counts[worst.index()];
        html! {
            section class=(format!("verdict {}", class(worst))) id="verdict" {
                (shape(worst))
                div {
                    @match first {
                        None => h1 { (noun(here)) @if here == 1 { " works" } @else { " work" } }
                        Some(row) if here == 1 => {
                            h1 { a href=(links.node(&row.name.id)) { (row.name.title) } " is " (worst.as_str()) }
                            @if !row.why.is_empty() { p { (blame(row)) } }
                        }
                        Some(_) => h1 { (noun(here)) " are " (worst.as_str()) }
                    }
                    @if here > 1 && !self.shared.is_empty() {
                        ul.causes {
                            @for shared in &self.shared { li {
                                (mark(shared.cause.state))
                                span {
                                    a href=(links.node(&shared.cause.id)) { (shared.cause.title) }
                                    @if let Some(owner) = &shared.owner { span.quiet { " (" (owner) ")" } }
                                    @if !shared.said.is_empty() { ": " (shared.said) }
                                    span.quiet { " · holds " (noun(shared.services)) }
                                }
                            } }
                        }
                    }
                }
            }
        }
    }

    /// How many are in each state, each leading to those.
    fn numbers(&self, links: &Links) -> Markup {
        let services = if self.services { "true" } else { "" };
        html! {
            ul.numbers #numbers aria-label="By state" {
                @for state in State::ALL.into_iter().rev() {
                    @let n = self.counts[state.index()];
                    li { a class=(if n == 0 { "none" } else { "" })
                        href=(links.to("/nodes", &[("state", state.as_str()), ("services", services)])) {
                        (shape(state)) " " b { (thousands(n)) } " " (state.as_str())
                    } }
                }
            }
        }
    }

    fn row(&self, row: &Row, links: &Links, strips: &Strips) -> Markup {
        let name = &row.name;
        html! {
            li id=(format!("row-{}", token(&name.id))) class=(format!("row {}", class(name.state))) {
                (mark(name.state))
                div.what {
                    h3 { a href=(links.node(&name.id)) { (name.title) } (tags(&row.marks, &self.zone))
                        @if row.public { " " span.tag.quiet title="Everybody may see it" { "public" } } }
                    (work(&row.marks))
                    @if !row.why.is_empty() { p.why {
                        @match &row.cause {
                            Some(cause) if cause.id != name.id => a href=(links.node(&cause.id)) title=(format!("To the cause: {}", cause.title)) { (blame(row)) },
                            _ => (blame(row)),
                        }
                    } }
                    @if let Some(leaf) = &row.hangs_on {
                        p.why { "One more failure takes it down: " a href=(links.node(&leaf.id)) { (leaf.title) } }
                    }
                }
                div.facts {
                    @if let Some(at) = row.since { span { span.vh { "Since: " } (since(self.now, at, &self.zone)) } }
                    @if let Some(owner) = &row.owner { span.owner { span.vh { "Owner: " } (owner) } }
                    @if row.takes_down > 0 { span { "takes down " (count(row.takes_down, "other", "others")) } }
                    @if !row.service && self.services { span { "system" } }
                }
                @match strips.get(&name.id) { Some(strip) => div.strip { (strip) }, None => (nothing()) }
            }
        }
    }
}

/// `Not ours: Message queue (infrastructure team): connection refused`.
fn blame(row: &Row) -> Markup {
    html! {
        @if let Some(whose) = row.whose {
            strong.whose { (match whose {
                Whose::Ours => "Ours",
                Whose::NotOurs => "Not ours",
                Whose::PartlyOurs => "Partly ours",
            }) ": " }
        }
        (row.why)
    }
}

impl Row {
    fn well(node: NodeRef<'_>) -> Row {
        Row {
            node: node.id().clone(),
            name: Name::of(node),
            service: node.service().is_some(),
            public: node.service().is_some_and(|info| info.public),
            since: node.since(),
            owner: node.owner().map(|owner| short(owner, TITLE)),
            marks: Tags::of(node),
            whose: None,
            why: String::new(),
            cause: None,
            takes_down: 0,
            hangs_on: None,
        }
    }

    fn unwell(
        scene: &Scene<'_>,
        node: NodeRef<'_>,
        causes: &mut HashMap<NodeKey, usize>,
        purse: &mut Purse,
    ) -> Row {
        let explanation = purse.explain(scene.graph, node.key());
        let headline = Headline::from_explanation(&scene.view(), node, explanation.as_ref());
        let found = explanation.iter().flat_map(|found| &found.causes);
        for cause in found {
            *causes.entry(cause.node).or_default() += 1;
        }
        let impact = match node.service() {
            Some(_) => scene.graph.impact(node.key()),
            None => Vec::new(),
        };
        let others = impact.iter().filter(|impact| impact.service != node.key());
        let worst = explanation.as_ref().and_then(|found| found.causes.first());
        let worst = worst.and_then(|cause| scene.graph.get(cause.node));
        Row {
            whose: headline.whose,
            why: short(&headline.why, SENTENCE),
            cause: worst.map(Name::of),
            takes_down: others.count(),
            hangs_on: match node.state() {
                State::Degraded => hangs_on(scene, node, explanation.as_ref(), purse),
                _ => None,
            },
            ..Row::well(node)
        }
    }
}

/// The one leaf that is left where there were several, and whose failure would take the node down.
///
/// That a node needs something that is there only once goes without saying; that it does so since something else broke does
/// not. So it is looked for below what can bear a failure, on the ways to the causes.
fn hangs_on(
    scene: &Scene<'_>,
    node: NodeRef<'_>,
    explanation: Option<&Explanation>,
    purse: &mut Purse,
) -> Option<Name> {
    let ways = explanation?.causes.iter().take(CAUSES);
    let steps = ways.flat_map(|cause| &cause.path);
    let spare = steps
        .filter_map(|key| scene.graph.get(*key))
        .find(|step| matches!(step.role(), Some(Role::System { rule, .. }) if rule != Rule::All))?;
    let Margin::Failures(leaves) = purse.explain(scene.graph, spare.key())?.margin else {
        return None;
    };
    let [leaf] = leaves.as_slice() else {
        return None;
    };
    let impact = scene.graph.impact(*leaf);
    let down = |impact: &Impact| impact.service == node.key() && impact.to == State::Failing;
    let takes_down = node.service().is_none() || impact.iter().any(down);
    takes_down.then(|| scene.graph.get(*leaf).map(Name::of))?
}

/// The leaves that hold the most services, if they hold more than one.
fn shared(scene: &Scene<'_>, causes: HashMap<NodeKey, usize>) -> Vec<Shared> {
    let mut causes: Vec<(NodeRef<'_>, usize)> = causes
        .into_iter()
        .filter(|(_, services)| *services > 1)
        .filter_map(|(key, services)| Some((scene.graph.get(key)?, services)))
        .collect();
    causes.sort_by_key(|(node, services)| (Reverse(*services), Reverse(node.state()), node.id()));
    let causes = causes.into_iter().take(CAUSES);
    let shared = causes.map(|(node, services)| Shared {
        cause: Name::of(node),
        owner: node.owner().map(|owner| short(owner, TITLE)),
        said: short(
            &cause_evidence(node).first().cloned().unwrap_or_default(),
            SENTENCE,
        ),
        services,
    });
    shared.collect()
}
