//! Mermaid.

use std::fmt::Write as _;

use alpacalert_model::{Effect, Role, State};

use crate::picture::{Picture, colors, edge_label, label};
use crate::view::View;

/// The graph as a Mermaid flowchart, for Markdown pages.
pub fn mermaid(view: &View<'_>) -> String {
    let picture = Picture::of(view);
    let mut out = String::from("flowchart TD\n");
    for (number, node) in picture.nodes.iter().enumerate() {
        let [title, state] = label(*node);
        let text = format!("{}<br/>{}", escaped(&title), escaped(&state));
        let state = node.state();
        let _ = match node.role() {
            Some(Role::Sensor) => writeln!(out, "  n{number}([\"{text}\"]):::{state}"),
            _ => writeln!(out, "  n{number}[\"{text}\"]:::{state}"),
        };
    }
    for (parent, child, edge) in picture.edges() {
        let arrow = match edge.effect {
            Effect::Required => "-->",
            Effect::Degrades | Effect::Optional => "-.->",
            Effect::Inverted => "--o",
        };
        let label = edge_label(edge);
        let label = if label.is_empty() {
            String::new()
        } else {
            format!("|\"{}\"|", escaped(&label))
        };
        let _ = writeln!(out, "  n{parent} {arrow}{label} n{child}");
    }
    for state in State::ALL {
        let (fill, line) = colors(state);
        let width = if state == State::Passing { 1 } else { 3 };
        let _ = writeln!(
            out,
            "  classDef {state} fill:{fill},stroke:{line},stroke-width:{width}px,color:#1f2328"
        );
    }
    out
}

/// Text for a quoted label: everything that Mermaid, its Markdown or HTML could take for more than text is written as a
/// numeric entity in Mermaid's spelling, `#35;`.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_alphanumeric() || " .,:/-()●▲✕?".contains(c) {
            out.push(c);
        } else {
            let _ = write!(out, "#{};", c as u32);
        }
    }
    out
}
