//! The structure alone: what depends on what, and how it counts.

use std::collections::HashSet;

use alpacalert_model::{Edge, NodeKey, NodeRef, Role};

use crate::evidence::rule_words;
use crate::look::{Look, Tone, span};
use crate::picture::edge_label;
use crate::text::one_line;
use crate::view::View;

/// What depends on what, as indented lines with rules, edges, owners and kinds; each node's members once. `states`:
/// whether states are shown.
pub fn outline(view: &View<'_>, states: bool, look: Look) -> String {
    let mut out = String::new();
    let mut seen: HashSet<NodeKey> = HashSet::new();
    // A stack of our own: how deep a graph goes is for others to decide.
    let mut stack: Vec<(NodeRef<'_>, Edge, usize)> = view
        .roots()
        .map(|root| (root, Edge::default(), 0))
        .collect();
    stack.reverse();
    while let Some((node, edge, level)) = stack.pop() {
        let members = node.children().next().is_some();
        let again = members && !seen.insert(node.key());
        line(&mut out, node, edge, level, again, states, look);
        if !again {
            let from = stack.len();
            stack.extend(
                node.children()
                    .map(|(child, edge)| (child, edge, level + 1)),
            );
            stack[from..].reverse();
        }
    }
    out
}

fn line(
    out: &mut String,
    node: NodeRef<'_>,
    edge: Edge,
    level: usize,
    again: bool,
    states: bool,
    look: Look,
) {
    let mut spans = Vec::new();
    if states {
        spans.extend([look.shape(node.state()), span(Tone::Plain, " ")]);
    }
    let tone = if node.service().is_some() {
        Tone::Strong
    } else {
        Tone::Plain
    };
    spans.push(span(tone, one_line(node.title())));
    let mut words: Vec<String> = Vec::new();
    if node.service().is_some() {
        words.push("service".to_owned());
    }
    let edge = edge_label(edge);
    if !edge.is_empty() {
        words.push(edge);
    }
    if !again {
        words.extend(rule(node));
    }
    words.extend(
        node.own_owner()
            .map(|owner| format!("owner {}", one_line(owner))),
    );
    if again {
        words.push("see above".to_owned());
    }
    if !words.is_empty() {
        spans.push(span(Tone::Quiet, format!("  ({})", words.join("; "))));
    }
    let indent = "  ".repeat(level);
    look.line(out, &indent, &format!("{indent}    "), &spans);
}

fn rule(node: NodeRef<'_>) -> Option<String> {
    let Some(Role::System {
        rule,
        degraded_below,
    }) = node.role()
    else {
        return node
            .role()
            .is_none()
            .then(|| "nobody provides it".to_owned());
    };
    let sums = node.sums();
    let words = rule_words(rule, sums.counted, sums.weight.iter().sum());
    let below = degraded_below.map(|below| format!("degraded below {below}"));
    let words: Vec<String> = words.into_iter().chain(below).collect();
    (!words.is_empty()).then(|| words.join(", "))
}
