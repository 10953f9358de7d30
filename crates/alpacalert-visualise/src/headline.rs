//! The sentences at the top: what is broken, since when, whose it is, and why.

use std::fmt;

use alpacalert_model::{Cause, ExplainLimits, Explanation, NodeKey, NodeRef, State};

use crate::evidence::{cause_evidence, evidence};
use crate::text::{one_line, plural};
use crate::when::clock;
use crate::{Counts, View};

/// The most causes that one sentence names.
const NAMED: usize = 2;
/// The most sentences at the top: more are not read, and each costs an explanation.
const SENTENCES: usize = 5;
/// The most nodes that are explained to find those sentences: some say what others say already.
const EXPLAINED: usize = 20;

/// Whose the causes are, as seen by the owner of what is explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// All of them the same owner's.
    Ours,
    /// All of them somebody else's.
    NotOurs,
    /// Some of them somebody else's.
    PartlyOurs,
}

impl Whose {
    /// The words for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Whose::Ours => "ours",
            Whose::NotOurs => "not ours",
            Whose::PartlyOurs => "partly ours",
        }
    }
}

/// One sentence about one node: `Report generation is failing since 10:02: not ours. Message queue (infrastructure team):
/// queue reports is missing`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Headline {
    /// What it is about.
    pub node: NodeKey,
    /// How it is.
    pub state: State,
    /// What people call it.
    pub subject: String,
    /// `is failing since 10:02`.
    pub predicate: String,
    /// Whose the causes are; absent when nobody is named.
    pub whose: Option<Whose>,
    /// The causes, the worst first; empty when the node is Passing.
    pub why: String,
}

impl fmt::Display for Headline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.subject, self.predicate)?;
        match (self.whose, self.why.is_empty()) {
            (Some(whose), false) => write!(f, ": {}. {}", whose.as_str(), self.why),
            (None, false) => write!(f, ": {}", self.why),
            (_, true) => Ok(()),
        }
    }
}

/// What there is to say about a view at a glance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overview {
    /// The worst of the roots.
    pub state: State,
    /// A sentence for each service, and each root, that is not Passing; the worst first.
    pub headlines: Vec<Headline>,
    /// How many more there would be.
    pub more: usize,
    /// How many services are in each state.
    pub services: Counts,
    /// How many leaves are in each state.
    pub checks: Counts,
}

impl fmt::Display for Overview {
    /// The first sentence, or that all is well.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.headlines.first() {
            Some(headline) => write!(f, "{headline}"),
            None => f.write_str(&self.all_is_well()),
        }
    }
}

impl Overview {
    /// What there is to say when nothing is wrong; and that there is nothing, when there is not.
    pub(crate) fn all_is_well(&self) -> String {
        let (services, checks) = (self.services.total(), self.checks.of(State::Passing));
        if self.checks.total() == 0 {
            return "nothing to observe".to_owned();
        }
        let checks = match self.checks.total() - checks {
            0 => format!("{checks} {}", plural(checks, "check passes", "checks pass")),
            rest => format!(
                "{checks} {}, {rest} {} not, which is tolerated",
                plural(checks, "check passes", "checks pass"),
                plural(rest, "does", "do")
            ),
        };
        if services == 0 {
            return format!("all is well: {checks}");
        }
        let services = format!(
            "{services} {}",
            plural(services, "service works", "services work")
        );
        format!("all is well: {services}, {checks}")
    }
}

/// What there is to say about a view at a glance: services first, the public ones before the others.
pub fn overview(view: &View<'_>) -> Overview {
    let nodes = view.nodes();
    let mut services = Counts::default();
    for node in nodes.iter().filter(|node| node.service().is_some()) {
        services.add(node.state());
    }
    let mut subjects: Vec<NodeRef<'_>> = nodes
        .into_iter()
        .filter(|node| node.state() != State::Passing)
        .filter(|node| node.service().is_some() || view.roots.contains(&node.key()))
        .collect();
    subjects.sort_by_key(|node| {
        let service = node.service();
        (
            std::cmp::Reverse(node.state()),
            service.is_none(),
            service.is_none_or(|info| !info.public),
            node.title(),
        )
    });
    let candidates = subjects.len();
    subjects.truncate(EXPLAINED);
    let explained: Vec<(Headline, Option<Explanation>)> = subjects
        .into_iter()
        .map(|node| {
            let explanation = view.graph.explain(node.key(), &BRIEF);
            (
                Headline::from_explanation(view, node, explanation.as_ref()),
                explanation,
            )
        })
        .collect();
    let unexplained = candidates - explained.len();
    let mut headlines: Vec<Headline> = explained
        .iter()
        .filter(|(headline, _)| !is_said(headline, &explained))
        .map(|(headline, _)| headline.clone())
        .collect();
    let more = unexplained + headlines.len().saturating_sub(SENTENCES);
    headlines.truncate(SENTENCES);
    Overview {
        state: view.state(),
        headlines,
        more,
        services,
        checks: view.checks(),
    }
}

/// Whether another sentence, about something as bad, names this node on the way to its causes.
fn is_said(headline: &Headline, all: &[(Headline, Option<Explanation>)]) -> bool {
    all.iter()
        .filter(|(other, _)| other.node != headline.node && other.state >= headline.state)
        .filter_map(|(_, explanation)| explanation.as_ref())
        .flat_map(|explanation| &explanation.causes)
        .any(|cause| cause.path.contains(&headline.node))
}

/// How much an explanation for a sentence may cost: repair sets and margin are not shown, and a picture that is drawn
/// every second needs several.
pub(crate) const BRIEF: ExplainLimits = ExplainLimits {
    causes: 100,
    repair_sets: 0,
    repair_size: 0,
    edges: 100_000,
    work: 20_000,
};

impl Headline {
    /// The sentence about a node.
    pub fn of(view: &View<'_>, node: NodeRef<'_>) -> Self {
        let explanation = view.graph.explain(node.key(), &BRIEF);
        Headline::from_explanation(view, node, explanation.as_ref())
    }

    /// The sentence about a node that was explained already; without an explanation it names no causes.
    pub fn from_explanation(
        view: &View<'_>,
        node: NodeRef<'_>,
        explanation: Option<&Explanation>,
    ) -> Self {
        let mut predicate = format!("is {}", node.state());
        if let Some(since) = view.since(node) {
            predicate.push_str(&format!(" since {}", clock(view.now, since, &view.zone)));
        }
        let passing = node.state() == State::Passing;
        let causes = explanation.filter(|_| !passing);
        Headline {
            node: node.key(),
            state: node.state(),
            subject: one_line(node.title()),
            predicate,
            whose: causes.and_then(|explanation| whose(node, &explanation.causes)),
            why: causes.map_or_else(String::new, |explanation| why(view, node, explanation)),
        }
    }
}

/// Whose the causes are, as the owner of the node sees it; nothing to say when neither names an owner.
fn whose(node: NodeRef<'_>, causes: &[Cause]) -> Option<Whose> {
    let us = node.owner();
    if causes.is_empty() || (us.is_none() && causes.iter().all(|cause| cause.owner.is_none())) {
        return None;
    }
    // Without an owner of its own there is no "ours" to be seen from.
    us?;
    let ours = causes
        .iter()
        .filter(|cause| cause.owner.as_ref() == us || cause.owner.is_none())
        .count();
    Some(match ours {
        0 => Whose::NotOurs,
        n if n == causes.len() => Whose::Ours,
        _ => Whose::PartlyOurs,
    })
}

/// The causes in words: `Message queue (infrastructure team): queue reports is missing; disk /: …; and 3 more causes`.
fn why(view: &View<'_>, node: NodeRef<'_>, explanation: &Explanation) -> String {
    let causes = &explanation.causes;
    let mut words: Vec<String> = Vec::new();
    // What things say of themselves: the thing, and the words.
    let mut said: Vec<(NodeKey, String)> = Vec::new();
    // What is named once is not named again for another fault in it.
    let mut names: Vec<String> = Vec::new();
    let mut repeated = 0;
    for cause in causes {
        if words.len() == NAMED {
            break;
        }
        let Some(sentence) = cause_words(view, node, cause) else {
            continue;
        };
        // A thing often passes on what a part of it says, and both hold it where it is.
        let is_said = |(whole, text): &(NodeKey, String)| {
            cause.path.contains(whole) && text.contains(&sentence.said)
        };
        let is_named = |name: &String| !name.is_empty() && *name == sentence.name;
        if said.iter().any(is_said) || names.iter().any(is_named) {
            repeated += 1;
            continue;
        }
        words.push(sentence.to_string());
        names.push(sentence.name);
        let whole = cause.path.iter().rev().nth(1).copied();
        if let Some(whole) = whole.filter(|_| view.graph.get(cause.node).is_some_and(is_own_word)) {
            said.push((whole, sentence.said));
        }
    }
    if words.is_empty() {
        return evidence(node).into_iter().next().unwrap_or_default();
    }
    let rest = causes.len().saturating_sub(words.len() + repeated);
    if rest > 0 {
        let least = if explanation.causes_cut {
            "at least "
        } else {
            ""
        };
        words.push(format!(
            "and {least}{rest} more {}",
            plural(rest, "cause", "causes")
        ));
    }
    words.join("; ")
}

/// What a sentence says of one cause.
struct CauseWords {
    /// Where it is; empty when it is what the sentence is about.
    name: String,
    said: String,
}

impl fmt::Display for CauseWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.name.is_empty() {
            write!(f, "{}: ", self.name)?;
        }
        f.write_str(&self.said)
    }
}

fn cause_words(view: &View<'_>, node: NodeRef<'_>, cause: &Cause) -> Option<CauseWords> {
    let leaf = view.graph.get(cause.node)?;
    let said = cause_evidence(leaf).into_iter().next().unwrap_or_default();
    if leaf.key() == node.key() {
        let name = String::new();
        return Some(CauseWords { name, said });
    }
    let name = match &cause.owner {
        Some(owner) if cause.owner.as_ref() != node.owner() => {
            let (name, inside) = boundary(view, node, cause)
                .unwrap_or_else(|| (leaf_name(view, node, cause, leaf), None));
            let inside = inside.map(|inside| format!(", {inside}"));
            format!("{name} ({}){}", one_line(owner), inside.unwrap_or_default())
        }
        _ => leaf_name(view, node, cause, leaf),
    };
    Some(CauseWords { name, said })
}

/// What stands at the border between two owners: the first thing on the way to the cause that is the other's. With it the
/// next thing on the way, where more than one lies in between: a border may have much behind it.
fn boundary(view: &View<'_>, node: NodeRef<'_>, cause: &Cause) -> Option<(String, Option<String>)> {
    let mut steps = cause
        .path
        .iter()
        .skip_while(|key| **key == node.key())
        .filter_map(|key| view.graph.get(*key))
        .skip_while(|step| step.owner() != cause.owner.as_ref());
    let border = one_line(steps.next()?.title());
    let inside: Vec<NodeRef<'_>> = steps.take(2).collect();
    let inside = match inside.as_slice() {
        [first, _] => Some(one_line(first.title())),
        _ => None,
    };
    Some((border, inside))
}

/// Whether a leaf is what the thing above it says of itself.
fn is_own_word(leaf: NodeRef<'_>) -> bool {
    let fragment = leaf.id().kind().fragment().unwrap_or_default();
    fragment.rsplit('/').next() == Some("status")
}

/// What to call a leaf where its surroundings are not shown: a part of a thing is named with the thing, and what a thing says
/// of itself by the thing alone.
fn leaf_name(view: &View<'_>, node: NodeRef<'_>, cause: &Cause, leaf: NodeRef<'_>) -> String {
    let itself = is_own_word(leaf);
    let whole = cause.path.iter().rev().nth(1);
    let whole = whole.filter(|_| leaf.id().kind().fragment().is_some());
    match whole.and_then(|key| view.graph.get(*key)) {
        // The sentence has named the node itself.
        Some(whole) if whole.key() == node.key() && itself => String::new(),
        Some(whole) if whole.key() == node.key() => one_line(leaf.title()),
        Some(whole) if itself => one_line(whole.title()),
        Some(whole) => format!("{}, {}", one_line(whole.title()), one_line(leaf.title())),
        None => one_line(leaf.title()),
    }
}
