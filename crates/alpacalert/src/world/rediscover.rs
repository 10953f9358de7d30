//! What is looked for again while everything runs.

use std::collections::HashSet;

use alpacalert_instrument::Assembly;
use alpacalert_model::{Graph, Member, Node, NodeId, NodeKey, NodeRef, Role, Timestamp};

use super::{CONFIGURATION, Step, World};

impl World {
    /// Assembles the configuration again, since what instrumentors find on this machine may have changed.
    pub(crate) fn rediscover(&mut self, now: Timestamp) -> Step {
        let mut step = Step::default();
        self.look_at_flapping();
        self.apply_configuration_again(now, &mut step);
        for roster in &mut step.rosters {
            roster.news = false;
        }
        step
    }

    /// Applies an assembly of the plan that is in force already. What an earlier one found on this machine stays.
    pub(super) fn apply_configuration_again(&mut self, now: Timestamp, step: &mut Step) {
        let mut assembly = self.assemble_configuration(now);
        let kept = self.keep_found(&mut assembly);
        let index = self.assembler.sources.len();
        self.apply_keeping(index, assembly, kept, now, step);
    }

    /// Adds the sensors of this machine's things that an earlier assembly found and this one did not, and tells which.
    ///
    /// A disk that broke, or a table that cannot be read now, must not be a recovery: what was found once is measured on, and
    /// its own sensor says what is wrong. What stands below something that is gone goes with it, and so does everything that
    /// another plan does not ask for.
    fn keep_found(&self, assembly: &mut Assembly) -> HashSet<NodeKey> {
        let mut lost = Vec::new();
        for (place, system) in assembly.blueprint.nodes.iter().enumerate() {
            let found = self.found_before(system);
            lost.extend(
                found
                    .into_iter()
                    .map(|(child, member)| (place, child, member)),
            );
        }
        let mut kept = HashSet::new();
        if lost.is_empty() {
            return kept;
        }
        let nodes = assembly.blueprint.nodes.iter();
        let known: HashSet<NodeId> = nodes.map(|node| node.id.clone()).collect();
        for (place, key, member) in lost {
            if known.contains(&member.id) {
                continue;
            }
            if kept.insert(key) {
                let again = self.graph.get(key).map(described);
                assembly.blueprint.nodes.extend(again);
            }
            assembly.blueprint.nodes[place].members.push(member);
        }
        kept
    }

    /// The measured members that a system of this machine has in the graph, and not in this description of it.
    fn found_before(&self, system: &Node) -> Vec<(NodeKey, Member)> {
        let is_system = matches!(system.role, Role::System { .. });
        let Some(before) = get(&self.graph, &system.id).filter(|_| is_system && is_own(&system.id))
        else {
            return Vec::new();
        };
        // Nearly always nothing has changed, and then nothing is allocated.
        let ids = || before.children().map(|(child, _)| child.id());
        if ids().eq(system.members.iter().map(|member| &member.id)) {
            return Vec::new();
        }
        let listed: HashSet<&NodeId> = system.members.iter().map(|member| &member.id).collect();
        let gone = before
            .children()
            .filter(|(child, _)| !listed.contains(child.id()) && self.is_measured_here(*child));
        gone.map(|(child, edge)| {
            let id = child.id().clone();
            (child.key(), Member { id, edge })
        })
        .collect()
    }

    fn is_measured_here(&self, node: NodeRef<'_>) -> bool {
        let provider = node.provider().map(AsRef::as_ref);
        is_own(node.id())
            && node.is_sensor()
            && provider == Some(CONFIGURATION)
            && !self.fed.contains_key(&node.key())
    }
}

fn get<'a>(graph: &'a Graph, id: &NodeId) -> Option<NodeRef<'a>> {
    graph.get(graph.key(id)?)
}

fn is_own(id: &NodeId) -> bool {
    **id.source() == *"local"
}

/// A sensor as its blueprint had it.
fn described(node: NodeRef<'_>) -> Node {
    let mut again = Node::sensor(node.id().clone(), node.title());
    again.owner = node.own_owner().cloned();
    again.service = node.service().cloned();
    again
}
