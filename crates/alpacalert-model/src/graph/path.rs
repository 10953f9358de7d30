//! Nodes found by the names on the way to them.

use std::collections::HashSet;
use std::fmt;

use crate::nearest::nearest;

use super::{Graph, NodeKey, NodeRef};

/// How many names an error lists.
const LISTED: usize = 10;

/// A path that leads nowhere: which of its segments matched nothing, and what is there instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathError {
    /// The segments of the path.
    pub path: Vec<String>,
    /// The position of the segment that was not found, from 0.
    pub position: usize,
    /// The titles of what is there, the most alike first; at most 10.
    pub candidates: Vec<String>,
    /// How many nodes there are at that place.
    pub there: usize,
    /// The title so much alike that it may have been meant.
    pub nearest: Option<String>,
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted = |text: &str| format!("`{}`", text.escape_debug());
        write!(f, "no {} ", quoted(&self.path[self.position]))?;
        match self.position {
            0 => write!(f, "at the start of the path")?,
            n => write!(f, "below {}", quoted(&self.path[..n].join("/")))?,
        }
        match &self.nearest {
            Some(name) => write!(f, "; did you mean {}?", quoted(name))?,
            None if self.there == 0 => write!(f, "; there is nothing")?,
            None => {
                let names: Vec<String> = self.candidates.iter().map(|name| quoted(name)).collect();
                write!(f, "; there is {}", names.join(", "))?;
                if self.there > names.len() {
                    write!(f, " and {} more", self.there - names.len())?;
                }
            }
        }
        Ok(())
    }
}

impl std::error::Error for PathError {}

impl Graph {
    /// The nodes at the end of a path of names that starts at the roots. An empty path leads to nothing.
    ///
    /// A segment matches a node by its title, its reference, the name of its kind, or its whole identity; `*` matches
    /// every node. Each node is in the result once.
    ///
    /// # Errors
    ///
    /// When a segment matches no member of any node found so far: says which one, and what is there instead.
    pub fn find_path(&self, path: &[&str]) -> Result<Vec<NodeKey>, PathError> {
        find(self, self.roots().collect(), path)
    }

    /// Like [`Graph::find_path`], starting at these nodes. Nodes that are gone are left out.
    ///
    /// # Errors
    ///
    /// As for [`Graph::find_path`].
    pub fn find_path_among(
        &self,
        start: impl IntoIterator<Item = NodeKey>,
        path: &[&str],
    ) -> Result<Vec<NodeKey>, PathError> {
        let start = start.into_iter().filter_map(|key| self.get(key));
        find(self, start.collect(), path)
    }

    /// Like [`Graph::find_path`], starting at the members of a node. Nothing is found below a node that is gone.
    ///
    /// # Errors
    ///
    /// As for [`Graph::find_path`].
    pub fn find_path_from(&self, from: NodeKey, path: &[&str]) -> Result<Vec<NodeKey>, PathError> {
        let members = self.get(from).into_iter().flat_map(NodeRef::children);
        find(self, members.map(|(node, _)| node).collect(), path)
    }
}

fn find(graph: &Graph, start: Vec<NodeRef<'_>>, path: &[&str]) -> Result<Vec<NodeKey>, PathError> {
    let mut there = start;
    let mut found = Vec::new();
    for (position, segment) in path.iter().enumerate() {
        let mut seen = HashSet::new();
        if position > 0 {
            let members = found
                .iter()
                .filter_map(|key| graph.get(*key))
                .flat_map(NodeRef::children);
            let members = members.map(|(node, _)| node);
            there = members.filter(|node| seen.insert(node.key())).collect();
        }
        found = there
            .iter()
            .filter(|node| matches(**node, segment))
            .map(|node| node.key())
            .collect();
        if found.is_empty() {
            return Err(not_found(&there, path, position));
        }
    }
    Ok(found)
}

fn matches(node: NodeRef<'_>, segment: &str) -> bool {
    let id = node.id();
    segment == "*"
        || node.title() == segment
        || &**id.reference() == segment
        || id.kind().name() == segment
        // Writing an identity out costs; only a segment with both of its slashes can be one.
        || (segment.starts_with(&**id.source()) && id.to_string() == segment)
}

fn not_found(there: &[NodeRef<'_>], path: &[&str], position: usize) -> PathError {
    let segment = path[position];
    let titles: HashSet<&str> = there.iter().map(|node| node.title()).collect();
    let (mut titles, near) = nearest(segment, titles);
    titles.truncate(LISTED);
    PathError {
        path: path.iter().map(|segment| (*segment).to_owned()).collect(),
        position,
        nearest: near.map(str::to_owned),
        candidates: titles.into_iter().map(str::to_owned).collect(),
        there: there.len(),
    }
}
