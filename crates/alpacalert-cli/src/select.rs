//! Finding nodes by what people call them.

use alpacalert_instrument::nearest;
use alpacalert_model::{Graph, NodeKey, NodeRef};
use alpacalert_visualise::one_line;

use crate::exit::Failure;

/// The most names that an error lists.
const LISTED: usize = 5;

/// How NODE is written, for the help.
pub(crate) const HELP: &str = "\
NODE is a title, a name from the configuration, a whole identity as the JSON shows it, or a path from a root such as
'website/nginx/*', in which * stands for every member";

/// The nodes that a text names: by identity, title or reference; or by a path.
///
/// # Errors
///
/// When there is none; names what is near.
pub(crate) fn all(graph: &Graph, text: &str) -> Result<Vec<NodeKey>, Failure> {
    let mut found = named(graph, text);
    if found.is_empty() {
        found = by_path(graph, text);
    }
    if found.is_empty() {
        return Err(Failure::usage(nothing(graph, text)));
    }
    Ok(found)
}

/// The one node that a text names.
///
/// # Errors
///
/// When there is none, or there are several; then it names them.
pub(crate) fn one<'a>(graph: &'a Graph, text: &str) -> Result<NodeRef<'a>, Failure> {
    let found = all(graph, text)?;
    let mut nodes: Vec<NodeRef<'a>> = found.iter().filter_map(|key| graph.get(*key)).collect();
    if let [service] = nodes
        .iter()
        .filter(|node| node.service().is_some())
        .collect::<Vec<_>>()[..]
    {
        return Ok(*service);
    }
    match nodes[..] {
        [node] => Ok(node),
        _ => {
            nodes.sort_by_key(|node| node.id());
            let mut lines: Vec<String> = nodes
                .iter()
                .take(LISTED)
                .map(|node| format!("  '{}'", one_line(&node.id().to_string())))
                .collect();
            if nodes.len() > LISTED {
                lines.push(format!("  … and {} more", nodes.len() - LISTED));
            }
            Err(Failure::usage(format!(
                "{text:?} names {} nodes; use the whole identity of one:\n{}",
                nodes.len(),
                lines.join("\n")
            )))
        }
    }
}

/// Nodes of that identity, else of that title or reference, else of that title in other letters.
fn named(graph: &Graph, text: &str) -> Vec<NodeKey> {
    let with = |matches: &dyn Fn(NodeRef<'_>) -> bool| -> Vec<NodeKey> {
        let mut keys: Vec<_> = graph
            .nodes()
            .filter(|node| matches(*node))
            .map(|node| node.key())
            .collect();
        keys.sort_unstable();
        keys
    };
    let lower = text.to_lowercase();
    let ways: [&dyn Fn(NodeRef<'_>) -> bool; 3] = [
        &|node| node.id().to_string() == text,
        &|node| node.title() == text || &**node.id().reference() == text,
        &|node| node.title().to_lowercase() == lower,
    ];
    ways.into_iter()
        .map(with)
        .find(|found| !found.is_empty())
        .unwrap_or_default()
}

/// Nodes at the end of a path that begins at a root, or at any node of the first name.
fn by_path(graph: &Graph, text: &str) -> Vec<NodeKey> {
    let path: Vec<&str> = text
        .split('/')
        .filter(|segment| !segment.is_empty())
        .collect();
    if let Ok(found) = graph.find_path(&path) {
        return found;
    }
    let Some((first, rest)) = path.split_first().filter(|(_, rest)| !rest.is_empty()) else {
        return Vec::new();
    };
    named(graph, first)
        .into_iter()
        .filter_map(|start| graph.find_path_from(start, rest).ok())
        .flatten()
        .collect()
}

/// What to say when nothing is found: what is near, or what there is.
fn nothing(graph: &Graph, text: &str) -> String {
    let mut names: Vec<String> = Vec::new();
    for node in graph.nodes() {
        names.push(one_line(node.title()));
        names.push(one_line(node.id().reference()));
    }
    names.sort();
    names.dedup();
    let lower = text.to_lowercase();
    let mut near: Vec<String> = nearest(text, &names, |name| name.as_str())
        .into_iter()
        .cloned()
        .collect();
    let containing = names
        .iter()
        .filter(|name| name.to_lowercase().contains(&lower));
    near.extend(containing.take(LISTED).cloned());
    near.dedup();
    if !near.is_empty() {
        let near: Vec<String> = near.iter().map(|name| format!("'{name}'")).collect();
        return format!(
            "there is no node {text:?}; did you mean {}?",
            near.join(" or ")
        );
    }
    let mut roots: Vec<String> = graph
        .roots()
        .map(|node| format!("'{}'", one_line(node.title())))
        .collect();
    roots.sort();
    roots.truncate(LISTED);
    if roots.is_empty() {
        return format!("there is no node {text:?}: the configuration describes nothing");
    }
    format!(
        "there is no node {text:?}; at the top there is {}",
        roots.join(", ")
    )
}
