//! The graph as text.

use std::fmt::Write;

use alpacalert_instrument::{NodeId, sanitize};
use alpacalert_model::{Graph, NodeRef};

/// A line for each node below `roots`: its state, its title, and why.
pub fn tree(graph: &Graph, roots: &[NodeId]) -> String {
    let mut text = String::new();
    for root in roots.iter().filter_map(|id| graph.get(graph.key(id)?)) {
        write_node(&mut text, root, 0);
    }
    text
}

fn write_node(text: &mut String, node: NodeRef<'_>, depth: usize) {
    let status = node.status();
    // What a system has to say is what its members say.
    let said = status
        .messages
        .first()
        .filter(|_| node.children().next().is_none());
    let why = said.map_or(String::new(), |said| format!(": {}", sanitize(&said.text)));
    let indent = depth * 2;
    let (state, title) = (node.state(), node.title());
    // Writing to a String does not fail.
    let _ = writeln!(text, "{:indent$}{state} {title}{why}", "");
    for (child, _) in node.children() {
        write_node(text, child, depth + 1);
    }
}
