//! Helpers for testing sensors, instrumentors and sources: build, measure, judge, and write down what came out.
//!
//! ```
//! # use alpacalert_instrument::{InstrumentError, Kind, Observation, Registry, Request, Scope, Target, testing};
//! let lamp = |target: &Target, scope: &mut Scope<'_, '_>| -> Result<(), InstrumentError> {
//!     scope.observed(Observation::passing(scope.now()));
//!     Ok(())
//! };
//! let mut registry = Registry::new();
//! registry.register(Kind::of("example.com/Lamp"), lamp);
//! let request = Request::local(Kind::of("example.com/Lamp"), "hall");
//! let assembly = testing::assemble(&registry, [request]);
//! assert_eq!(testing::tree(&assembly), "hall (example.com/Lamp hall)\n");
//! ```

use std::collections::{HashMap, HashSet};
use std::fmt::Write;

use alpacalert_model::{Edge, Effect, Graph, Node, NodeId, Observation, Role, Timestamp, Update};

use crate::{
    Assembly, Builder, Context, Registry, Request, ScheduleOverrides, Sensor, Snapshots,
    measure_guarded,
};

/// The time at which everything here happens.
pub const NOW: Timestamp = Timestamp::UNIX_EPOCH;

struct Stopped;

impl crate::Clock for Stopped {
    fn now(&self) -> Timestamp {
        NOW
    }
}

/// A context whose clock stands still at [`NOW`].
pub fn context() -> Context {
    Context::new(std::sync::Arc::new(Stopped))
}

/// Builds things without any source's snapshot. What cannot be built panics, with the reason.
pub fn assemble(registry: &Registry, requests: impl IntoIterator<Item = Request>) -> Assembly {
    assemble_with(registry, &Snapshots::new(), |builder| {
        for request in requests {
            if let Err(error) = builder.instrument(request) {
                panic!("{error}");
            }
        }
    })
}

/// Builds what `build` asks for, with snapshots.
pub fn assemble_with(
    registry: &Registry,
    snapshots: &Snapshots,
    build: impl FnOnce(&mut Builder<'_>),
) -> Assembly {
    let mut builder = Builder::new(registry, snapshots, ScheduleOverrides::default(), NOW);
    build(&mut builder);
    builder.finish()
}

/// Measures once, as the program would: guarded, at [`NOW`].
pub async fn measure(sensor: &dyn Sensor) -> Observation {
    measure_guarded(sensor, &context()).await
}

/// The graph of an assembly after each of its sensors was measured once.
pub async fn judge(assembly: &Assembly) -> Graph {
    let mut graph = Graph::new();
    graph.apply("testing", assembly.blueprint.clone(), NOW);
    let mut observations = assembly.observations.clone();
    for (id, measured) in &assembly.sensors {
        observations.push((id.clone(), measure(&*measured.sensor).await));
    }
    let updates: Vec<Update> = observations
        .into_iter()
        .filter_map(|(id, observation)| {
            Some(Update {
                node: graph.key(&id)?,
                confirmed: observation.state,
                observation,
            })
        })
        .collect();
    graph.observe(updates, NOW);
    graph
}

/// What was built, as text: a line for each node with its title, its rule, kind and reference, below what it is a member of.
///
/// A node that has been written already is not written again with its members; a member that nobody built says so.
pub fn tree(assembly: &Assembly) -> String {
    let nodes: HashMap<&NodeId, &Node> = assembly
        .blueprint
        .nodes
        .iter()
        .map(|node| (&node.id, node))
        .collect();
    let members: HashSet<&NodeId> = assembly
        .blueprint
        .nodes
        .iter()
        .flat_map(|node| node.members.iter().map(|member| &member.id))
        .collect();
    let mut tree = Tree {
        nodes,
        written: HashSet::new(),
        text: String::new(),
    };
    for node in &assembly.blueprint.nodes {
        if !members.contains(&node.id) {
            tree.write(&node.id, Edge::default(), 0);
        }
    }
    // What is only reachable through a cycle.
    for node in &assembly.blueprint.nodes {
        if !tree.written.contains(&node.id) {
            tree.write(&node.id, Edge::default(), 0);
        }
    }
    tree.text
}

struct Tree<'a> {
    nodes: HashMap<&'a NodeId, &'a Node>,
    written: HashSet<&'a NodeId>,
    text: String,
}

impl<'a> Tree<'a> {
    fn write(&mut self, id: &'a NodeId, edge: Edge, depth: usize) {
        let node = self.nodes.get(id).copied();
        let title = node.map_or("", |node| &node.title);
        let _ = write!(
            self.text,
            "{:indent$}{title} ({} {}",
            "",
            id.kind(),
            id.reference(),
            indent = depth * 2
        );
        if let Some(Role::System { rule, .. }) = node.map(|node| node.role) {
            let _ = write!(self.text, ", {rule:?}");
        }
        if node.is_some_and(|node| node.service.is_some()) {
            self.text.push_str(", service");
        }
        if edge.effect != Effect::Required {
            let _ = write!(self.text, ", {}", edge.effect.as_str());
        }
        let Some(node) = node else {
            self.text.push_str(", not built)\n");
            return;
        };
        if !self.written.insert(id) && !node.members.is_empty() {
            self.text.push_str(", see above)\n");
            return;
        }
        self.text.push_str(")\n");
        for member in &node.members {
            self.write(&member.id, member.edge, depth + 1);
        }
    }
}
