//! Graphviz.

use std::fmt::Write as _;

use alpacalert_model::{Effect, Role};

use crate::picture::{Paint, Picture, edge_label, label, paint};
use crate::view::View;

const HEAD: &str = "\
digraph alpacalert {
  rankdir=TB;
  node [shape=box, style=filled, fontname=\"sans-serif\"];
  edge [fontname=\"sans-serif\", fontsize=10];
";

/// The graph in the DOT language of Graphviz: `alpacalert graph --output dot | dot -Tsvg`.
///
/// Systems are boxes, sensors rounded; what is not Passing has a thicker line. Optional members hang on dashed lines,
/// degrading ones on dotted, inverted ones end in a circle. `states`: whether states are shown.
pub fn dot(view: &View<'_>, states: bool) -> String {
    let picture = Picture::of(view);
    let mut out = String::from(HEAD);
    for (number, node) in picture.nodes.iter().enumerate() {
        let Paint { fill, line, width } = paint(states.then(|| node.state()));
        let style = match node.role() {
            Some(Role::Sensor) => "filled,rounded",
            Some(Role::System { .. }) => "filled",
            None => "filled,dashed",
        };
        let _ = writeln!(
            out,
            "  n{number} [label={}, tooltip={}, style=\"{style}\", fillcolor=\"{fill}\", color=\"{line}\", penwidth={width}];",
            quoted(&label(*node, states).join("\n")),
            quoted(&crate::one_line(&node.id().to_string())),
        );
    }
    for (parent, child, edge) in picture.edges() {
        let style = match edge.effect {
            Effect::Required => "",
            Effect::Degrades => ", style=dotted",
            Effect::Optional => ", style=dashed",
            Effect::Inverted => ", arrowhead=odot",
        };
        let label = quoted(&edge_label(edge));
        let _ = writeln!(out, "  n{parent} -> n{child} [label={label}{style}];");
    }
    out.push_str("}\n");
    out
}

/// A double-quoted string of the DOT language. A backslash is doubled, since labels know escapes such as `\N`; an
/// ampersand is written as an entity, since labels know those too.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '&' => out.push_str("&amp;"),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
