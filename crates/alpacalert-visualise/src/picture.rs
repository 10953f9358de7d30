//! What the pictures have in common: which nodes, numbered, and what stands in them.

use std::collections::HashMap;

use alpacalert_model::{Edge, Effect, NodeKey, NodeRef, State};

use crate::look::shape;
use crate::text::one_line;
use crate::view::View;

/// The nodes of a picture, each with a number that serves as its name there: identities hold characters that no picture
/// language takes as a name.
pub(crate) struct Picture<'a> {
    pub(crate) nodes: Vec<NodeRef<'a>>,
    numbers: HashMap<NodeKey, usize>,
}

impl<'a> Picture<'a> {
    pub(crate) fn of(view: &View<'a>) -> Self {
        let nodes = view.nodes();
        let numbers = nodes
            .iter()
            .enumerate()
            .map(|(number, node)| (node.key(), number))
            .collect();
        Picture { nodes, numbers }
    }

    /// The edges as numbers of parent and child.
    pub(crate) fn edges(&self) -> impl Iterator<Item = (usize, usize, Edge)> {
        self.nodes
            .iter()
            .enumerate()
            .flat_map(move |(parent, node)| {
                node.children().filter_map(move |(child, edge)| {
                    Some((parent, *self.numbers.get(&child.key())?, edge))
                })
            })
    }
}

/// The lines in a node: its title, and its state with shape and word where states are shown.
pub(crate) fn label(node: NodeRef<'_>, states: bool) -> Vec<String> {
    let mut lines = vec![one_line(node.title())];
    if states {
        let state = node.state();
        lines.push(format!("{} {state}", shape(state, false)));
    }
    lines
}

/// What is written on an edge.
pub(crate) fn edge_label(edge: Edge) -> String {
    let mut words = Vec::new();
    if edge.effect != Effect::Required {
        words.push(edge.effect.as_str().to_owned());
    }
    if edge.weight > 1 {
        words.push(format!("weight {}", edge.weight));
    }
    words.join(", ")
}

/// How a node is drawn: the colours of the page on white paper, and a thicker line around what is not Passing.
pub(crate) struct Paint {
    pub(crate) fill: &'static str,
    pub(crate) line: &'static str,
    pub(crate) width: u8,
}

/// How a node in a state is drawn; without a state, where states are not shown.
pub(crate) const fn paint(state: Option<State>) -> Paint {
    let (fill, line, width) = match state {
        None => ("#ffffff", "#57606a", 1),
        Some(State::Passing) => ("#dafbe1", "#1a7f37", 1),
        Some(State::Degraded) => ("#fff8c5", "#9a6700", 3),
        Some(State::Unknown) => ("#f6f8fa", "#57606a", 3),
        Some(State::Failing) => ("#ffebe9", "#cf222e", 3),
    };
    Paint { fill, line, width }
}
