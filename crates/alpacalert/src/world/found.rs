//! Members that are looked up in a source by a path.

use std::sync::Arc;

use alpacalert_instrument::Builder;
use alpacalert_model::{Graph, Kind, Node, NodeId, NodeKey, NodeRef, Observation, Reason};

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

/// Follows a path from the roots of a source; the error says where it ended.
fn follow(source: &str, path: &[String], graph: &Graph) -> Result<Vec<NodeId>, String> {
    let segments: Vec<&str> = path.iter().map(String::as_str).collect();
    let found = graph
        .find_path_among(roots(source, graph), &segments)
        .map_err(|error| format!("in the source `{source}` there is {error}"))?;
    if found.is_empty() {
        return Err(format!("the path into the source `{source}` is empty"));
    }
    let nodes = found.into_iter().filter_map(|key| graph.get(key));
    Ok(nodes.map(|node| node.id().clone()).collect())
}

/// The nodes of a source that are not part of another one of it, by title.
fn roots(source: &str, graph: &Graph) -> Vec<NodeKey> {
    let own = |node: &NodeRef<'_>| node.id().source().as_ref() == source;
    let mut roots: Vec<NodeRef<'_>> = graph
        .nodes()
        .filter(|node| own(node) && node.role().is_some() && !node.parents().any(|p| own(&p)))
        .collect();
    roots.sort_by(|a, b| (a.title(), a.id()).cmp(&(b.title(), b.id())));
    roots.into_iter().map(NodeRef::key).collect()
}
