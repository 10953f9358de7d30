//! Members that are looked up in a source by a path.

use std::sync::Arc;

use alpacalert_instrument::{Builder, nearest};
use alpacalert_model::{Graph, Kind, Node, NodeId, NodeRef, Observation, Reason};

/// How many names a sentence lists.
const NAMES_MAX: usize = 10;

/// The nodes of a source that a path leads to. When there is none: one Unknown node, added here, that says so.
pub(super) fn members(
    source: &Arc<str>,
    path: &[String],
    graph: &Graph,
    lost: Option<&Observation>,
    builder: &mut Builder<'_>,
) -> Vec<NodeId> {
    let problem = match follow(source, path, graph) {
        Ok(ids) => return ids,
        Err(problem) => problem,
    };
    let reference = format!("{source}/{}", path.join("/"));
    let id = NodeId::new(
        "local",
        Kind::of("alpacalert.io/Source#member"),
        reference.clone(),
    );
    let observation = match lost {
        Some(lost) => lost.clone(),
        None => Observation::unknown(Reason::MISSING, problem, builder.now()),
    };
    builder.observed(Node::sensor(id.clone(), reference), observation);
    vec![id]
}

/// Follows a path of titles or references from the roots of a source; the error says where it ended.
fn follow(source: &str, path: &[String], graph: &Graph) -> Result<Vec<NodeId>, String> {
    let mut level = roots(source, graph);
    let mut found: Vec<NodeRef<'_>> = Vec::new();
    for (depth, segment) in path.iter().enumerate() {
        found = level
            .iter()
            .copied()
            .filter(|node| matches(*node, segment))
            .collect();
        if found.is_empty() {
            return Err(nothing(source, path, depth, &level));
        }
        level = Vec::new();
        for node in &found {
            for (child, _) in node.children() {
                if !level.iter().any(|seen| seen.key() == child.key()) {
                    level.push(child);
                }
            }
        }
    }
    if found.is_empty() {
        return Err(format!("the path into the source `{source}` is empty"));
    }
    Ok(found.into_iter().map(|node| node.id().clone()).collect())
}

/// The nodes of a source that are not part of another one of it, by title.
fn roots<'a>(source: &str, graph: &'a Graph) -> Vec<NodeRef<'a>> {
    let own = |node: &NodeRef<'_>| node.id().source().as_ref() == source;
    let mut roots: Vec<NodeRef<'_>> = graph
        .nodes()
        .filter(|node| own(node) && node.role().is_some() && !node.parents().any(|p| own(&p)))
        .collect();
    roots.sort_by(|a, b| (a.title(), a.id()).cmp(&(b.title(), b.id())));
    roots
}

fn matches(node: NodeRef<'_>, segment: &str) -> bool {
    node.role().is_some()
        && (segment == "*" || node.title() == segment || node.id().reference().as_ref() == segment)
}

fn nothing(source: &str, path: &[String], depth: usize, level: &[NodeRef<'_>]) -> String {
    let segment = &path[depth];
    let place = match depth {
        0 => format!("in the source `{source}`"),
        _ => format!("in `{}` of the source `{source}`", path[..depth].join("/")),
    };
    let names: Vec<&str> = level.iter().map(|node| node.title()).collect();
    if names.is_empty() {
        return format!("there is no `{segment}` {place}: there is nothing in it");
    }
    if let Some(name) = nearest(segment, &names, |name| name) {
        return format!("there is no `{segment}` {place}; did you mean `{name}`?");
    }
    let more = match names.len().checked_sub(NAMES_MAX) {
        None | Some(0) => String::new(),
        Some(more) => format!(" and {more} more"),
    };
    let shown = &names[..names.len().min(NAMES_MAX)];
    format!(
        "there is no `{segment}` {place}; there are: {}{more}",
        shown.join(", ")
    )
}
