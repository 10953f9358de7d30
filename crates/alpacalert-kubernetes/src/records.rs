//! One record per object, for machines.

use alpacalert_model::{Effect, Graph, NodeId, NodeRef, State};

use crate::cluster::Cluster;
use crate::instrument::is_root;

/// How one object is.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// The API's version of its kind: `apps/v1`.
    pub api_version: String,
    /// Its kind, as Kubernetes spells it.
    pub kind: String,
    /// Its namespace; absent when it is in none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// `passing`, `degraded`, `unknown` or `failing`: with everything that it depends on.
    pub state: &'static str,
    /// Why, for machines.
    pub reason: String,
    /// Why, for people: the most important sentence. Empty when there is nothing to say.
    pub message: String,
    /// Whose it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The objects directly below it: `Kind/namespace/name`.
    pub children: Vec<String>,
    /// Whether it stands below no other object.
    pub root: bool,
}

/// One record for every object of the cluster that the graph holds: the worst first, then by kind and name.
pub fn records(cluster: &Cluster, graph: &Graph) -> Vec<Record> {
    let mut records: Vec<(State, Record)> = Vec::new();
    let mut kinds: Vec<_> = cluster.kinds().cloned().collect();
    kinds.sort();
    for kind in kinds {
        let Ok(parsed) = kind.parse::<alpacalert_model::Kind>() else {
            continue;
        };
        for object in cluster.table(&kind) {
            let id = NodeId::new(
                cluster.name.clone(),
                parsed.clone(),
                object.reference.clone(),
            );
            let Some(node) = graph.key(&id).and_then(|key| graph.get(key)) else {
                continue;
            };
            if node.role().is_none() {
                continue;
            }
            let (why, place) = why(node);
            let said = why
                .status()
                .messages
                .first()
                .map(|said| said.text.to_string());
            let message = said.map_or_else(String::new, |said| place + &said);
            let namespace =
                Some(object.namespace().to_owned()).filter(|namespace| !namespace.is_empty());
            records.push((
                node.state(),
                Record {
                    api_version: object.api_version.to_string(),
                    kind: object.kind_name().to_owned(),
                    namespace,
                    name: object.name().to_owned(),
                    state: node.state().as_str(),
                    reason: why.status().reason.as_str().to_owned(),
                    message,
                    owner: node.owner().map(|owner| owner.to_string()),
                    children: children(node),
                    root: is_root(cluster, object),
                },
            ));
        }
    }
    records.sort_by_key(|(state, _)| std::cmp::Reverse(*state));
    records.into_iter().map(|(_, record)| record).collect()
}

/// The node that tells why another one is as it is: its own sensor if that is as bad, or the first of the worst below.
/// With it, where that is as a person would say it, `Pod cart-0: container app: `; nothing for its own sensor.
fn why(start: NodeRef<'_>) -> (NodeRef<'_>, String) {
    let mut node = start;
    let mut object = String::new();
    let mut part = String::new();
    // Bounded: the graph has no cycles, and no tree of a cluster is this deep.
    for _ in 0..64 {
        let state = node.state();
        let worst = node
            .children()
            .filter(|(_, edge)| edge.effect != Effect::Optional)
            .max_by_key(|(child, _)| (child.state().min(state), is_own_sensor(*child)));
        match worst {
            Some((child, _))
                if state != State::Passing
                    && child.state() >= state.min(State::Degraded)
                    && child.state() != State::Passing =>
            {
                node = child;
                if node.id().kind().fragment().is_none() {
                    object = format!("{}: ", node.title());
                    part.clear();
                } else if !is_own_sensor(node) {
                    part = format!("{}: ", node.title());
                }
            }
            _ => break,
        }
    }
    // Groups have nothing to say of themselves, and are no place.
    (node, object + &part)
}

/// The objects below a node, through its parts.
fn children(node: NodeRef<'_>) -> Vec<String> {
    let mut found = Vec::new();
    for (child, _) in node.children() {
        let id = child.id();
        if id.kind().fragment().is_none() {
            found.push(format!("{}/{}", id.kind().name(), id.reference()));
        } else {
            found.extend(children(child));
        }
    }
    found.dedup();
    found
}

/// Whether a node is what its parent says about itself.
fn is_own_sensor(node: NodeRef<'_>) -> bool {
    let fragment = node.id().kind().fragment().unwrap_or_default();
    fragment.rsplit('/').next() == Some("status")
}
