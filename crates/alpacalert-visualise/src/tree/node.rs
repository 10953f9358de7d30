//! The lines of one node.

use std::collections::HashSet;

use alpacalert_model::{Edge, Mark, NodeKey, NodeRef, Role, Rule, State};

use super::{Drawing, effect_mark, hidden};
use crate::evidence::{evidence, good_news};
use crate::look::{Span, Tone, span};
use crate::text::one_line;
use crate::when::{ago, clock};

/// The most names of failing members that a Passing node lists.
const TOLERATED: usize = 3;
/// How far below a Passing node is looked for what it tolerates: it is a remark, not a search.
const TOLERATED_SEEN: usize = 1_000;

impl<'a> Drawing<'_, 'a> {
    /// The line of a node, and the lines of what it says. `more`: its members follow. `seen`: they were shown above.
    #[expect(
        clippy::too_many_arguments,
        reason = "where it stands and how it is drawn; a struct would only rename them"
    )]
    pub(super) fn node(
        &mut self,
        node: NodeRef<'a>,
        edge: Edge,
        parent: Option<NodeRef<'a>>,
        first: &str,
        indent: &str,
        more: bool,
        seen: bool,
    ) {
        let mut spans = self.title(node, edge);
        spans.extend(self.state(node, parent));
        let mut said = self.said(node);
        if seen {
            spans.push(span(Tone::Quiet, " (seen above)"));
            said.clear();
        }
        let bar = match (more, self.look.ascii) {
            (false, _) => "  ",
            (true, false) => "│ ",
            (true, true) => "| ",
        };
        let rest = format!("{indent}{bar}");
        let mut said = said.into_iter();
        if let Some(text) = said.next() {
            let mut whole = spans.clone();
            whole.push(span(
                Tone::Plain,
                if node.state() == State::Passing {
                    "  "
                } else {
                    ": "
                },
            ));
            let tone = if node.state() == State::Passing {
                Tone::Quiet
            } else {
                Tone::Plain
            };
            whole.push(span(tone, text));
            self.look.line(&mut self.out, first, &rest, &whole);
        } else {
            self.look.line(&mut self.out, first, &rest, &spans);
        }
        for text in said {
            self.look
                .line(&mut self.out, &rest, &rest, &[span(Tone::Plain, text)]);
        }
        if !more && !seen {
            self.folded(node, &rest);
        }
    }

    /// Sign, title, and how it counts for its parent.
    fn title(&self, node: NodeRef<'a>, edge: Edge) -> Vec<Span> {
        let tone = if node.state() == State::Passing {
            Tone::Plain
        } else {
            Tone::Strong
        };
        let mut spans = vec![
            self.look.shape(node.state()),
            span(Tone::Plain, " "),
            span(tone, one_line(node.title())),
        ];
        let mut marks: Vec<String> = effect_mark(edge).map(str::to_owned).into_iter().collect();
        if edge.weight > 1 {
            marks.push(format!("weight {}", edge.weight));
        }
        if !marks.is_empty() {
            spans.push(span(Tone::Quiet, format!(" ({})", marks.join(", "))));
        }
        spans
    }

    /// The word of the state, since when, whose it is, and the marks; what the parent's line says already is left out.
    fn state(&self, node: NodeRef<'a>, parent: Option<NodeRef<'a>>) -> Vec<Span> {
        let status = node.status();
        let mut spans = vec![
            span(Tone::Plain, "  "),
            span(Tone::State(status.state), status.state.as_str()),
        ];
        let when = |node: NodeRef<'_>| {
            let since = self.view.since(node)?;
            Some(clock(self.view.now, since, &self.view.zone))
        };
        let same = parent
            .is_some_and(|parent| parent.state() != State::Passing && when(parent) == when(node));
        if let Some(since) = self
            .view
            .since(node)
            .filter(|_| status.state != State::Passing && !same)
        {
            let (time, age) = (
                clock(self.view.now, since, &self.view.zone),
                ago(self.view.now, since),
            );
            spans.push(span(Tone::Quiet, format!(" since {time} ({age})")));
        }
        if let Some(owner) = node
            .owner()
            .filter(|owner| parent.and_then(NodeRef::owner) != Some(owner))
        {
            spans.push(span(Tone::Quiet, format!(", {}", one_line(owner))));
        }
        if status.state != status.confirmed {
            let tag = format!(" [not confirmed yet: counts as {}]", status.confirmed);
            spans.push(span(Tone::Strong, tag));
        }
        for mark in node.marks().iter() {
            let mut tag = mark.as_str().to_owned();
            if let Some(planned) = node.maintenance().filter(|_| mark == Mark::Maintenance) {
                let until = clock(self.view.now, planned.until, &self.view.zone);
                tag.push_str(&format!(" until {until}"));
                if !planned.reason.is_empty() {
                    tag.push_str(&format!(": {}", one_line(&planned.reason)));
                }
            }
            spans.push(span(Tone::Strong, format!(" [{tag}]")));
        }
        spans
    }

    /// What the node says for itself, as far as it matters here.
    fn said(&self, node: NodeRef<'a>) -> Vec<String> {
        if node.state() != State::Passing {
            return evidence(node);
        }
        let system = matches!(node.role(), Some(Role::System { rule, .. }) if rule != Rule::All);
        if self.troubled.contains(&node.key()) && !self.options.all {
            return tolerated(node).into_iter().collect();
        }
        if system {
            Vec::new()
        } else {
            good_news(node, self.options.all).into_iter().collect()
        }
    }

    /// Says that members are not shown where that hides something that is not Passing.
    fn folded(&mut self, node: NodeRef<'a>, rest: &str) {
        let n = node.children().count();
        if n > 0 && node.state() != State::Passing && self.wanted.is_none() {
            self.look.line(
                &mut self.out,
                rest,
                rest,
                &[span(Tone::Quiet, format!("… {}", hidden(n)))],
            );
        }
    }
}

/// What a Passing node has below it that is not Passing, by name.
fn tolerated(node: NodeRef<'_>) -> Option<String> {
    let mut names = Vec::new();
    let mut more = 0;
    let mut seen: HashSet<NodeKey> = HashSet::new();
    let mut stack: Vec<NodeRef<'_>> = node.children().map(|(child, _)| child).collect();
    while let Some(node) = stack.pop() {
        if seen.len() >= TOLERATED_SEEN || !seen.insert(node.key()) {
            continue;
        }
        if node.state() == State::Passing {
            stack.extend(node.children().map(|(child, _)| child));
        } else if names.len() < TOLERATED {
            names.push(format!("{} {}", one_line(node.title()), node.state()));
        } else {
            more += 1;
        }
    }
    if names.is_empty() {
        return None;
    }
    names.sort();
    let mut text = format!("tolerates {}", names.join(", "));
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    Some(text)
}
