//! Mermaid.

use std::fmt::Write as _;

use alpacalert_model::{Effect, Role, State};

use crate::picture::{Paint, Picture, edge_label, label, paint};
use crate::view::View;

/// The graph as a Mermaid flowchart, for Markdown pages. `states`: whether states are shown.
pub fn mermaid(view: &View<'_>, states: bool) -> String {
    let picture = Picture::of(view);
    let mut out = String::from("flowchart TD\n");
    for (number, node) in picture.nodes.iter().enumerate() {
        let lines: Vec<String> = label(*node, states)
            .iter()
            .map(|line| escaped(line))
            .collect();
        let text = lines.join("<br/>");
        let [open, close] = match node.role() {
            Some(Role::Sensor) => ["([", "])"],
            _ => ["[", "]"],
        };
        let class = if states {
            node.state().as_str()
        } else {
            "plain"
        };
        let _ = writeln!(out, "  n{number}{open}\"{text}\"{close}:::{class}");
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
    let shown: Vec<Option<State>> = if states {
        State::ALL.map(Some).to_vec()
    } else {
        vec![None]
    };
    for state in shown {
        let Paint { fill, line, width } = paint(state);
        let class = state.map_or("plain", State::as_str);
        let _ = writeln!(
            out,
            "  classDef {class} fill:{fill},stroke:{line},stroke-width:{width}px,color:#1f2328"
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
