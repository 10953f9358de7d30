//! Pure: from the plan, the newest snapshots and the graph to what each blueprint should hold.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use alpacalert_config::{GroupPlan, MemberTarget, Plan};
use alpacalert_instrument::{
    Assembly, Builder, Inbox, InstrumentError, Redactor, Registry, Scanner, Snapshots,
};
use alpacalert_model::{
    Blueprint, Graph, Kind, Member, Node, NodeId, Observation, Role, ServiceInfo, Timestamp,
};

use super::found;
use crate::build::{Slot, SourceEntry};

/// The blueprint of the configuration. No source may have this name.
pub(crate) const CONFIGURATION: &str = "configuration";

/// The slot of the configuration.
const CONFIGURATION_SLOT: Slot = Slot::MAX;

/// The plan with all that is needed to carry it out.
pub(crate) struct Assembler {
    pub(crate) plan: Plan,
    /// With the plan's extensions.
    pub(crate) registry: Registry,
    pub(crate) sources: Vec<SourceEntry>,
    pub(crate) redactor: Arc<Redactor>,
    pub(crate) inbox: Inbox,
}

impl Assembler {
    /// What a blueprint is known by, whatever is added and removed before it.
    pub(crate) fn slot(&self, index: usize) -> Slot {
        let source = self.sources.get(index);
        source.map_or(CONFIGURATION_SLOT, |source| source.slot)
    }

    /// The source of a slot; `None` for the configuration, and for one that is gone.
    pub(crate) fn index(&self, slot: Slot) -> Option<usize> {
        self.sources.iter().position(|source| source.slot == slot)
    }

    /// Under which name a blueprint is applied.
    pub(crate) fn blueprint_name(&self, index: usize) -> Arc<str> {
        match self.sources.get(index) {
            Some(source) => source.name.clone(),
            None => CONFIGURATION.into(),
        }
    }

    fn builder<'a>(&'a self, snapshots: &'a Snapshots, now: Timestamp) -> Builder<'a> {
        Builder::new(&self.registry, snapshots, self.plan.defaults, now)
            .with_redactor(&self.redactor)
            .with_instance(&self.plan.instance)
            .with_inbox(&self.inbox)
    }

    /// What a source wants to be in the graph.
    pub(super) fn source(
        &self,
        index: usize,
        snapshots: &Snapshots,
        now: Timestamp,
    ) -> Result<Assembly, InstrumentError> {
        let entry = &self.sources[index];
        let mut builder = self.builder(snapshots, now);
        if let Some(snapshot) = snapshots.get(&entry.name) {
            entry.source.assemble(snapshot, &mut builder)?;
        }
        let mut assembly = builder.finish();
        if let Some(owner) = self.source_owner(entry) {
            own_roots(&mut assembly.blueprint, &owner);
        }
        Ok(assembly)
    }

    /// One node that stands for a source of which nothing is known, so that nobody takes silence for health.
    pub(super) fn placeholder(&self, index: usize, observation: Observation) -> Assembly {
        let entry = &self.sources[index];
        let kind = Kind::of("alpacalert.io/Source");
        let id = NodeId::new(entry.name.clone(), kind, entry.name.clone());
        let mut node = Node::sensor(id.clone(), format!("source {}", entry.name));
        node.owner = self.source_owner(entry);
        Assembly {
            blueprint: Blueprint { nodes: vec![node] },
            observations: vec![(id, observation)],
            ..Assembly::default()
        }
    }

    /// What the configuration wants to be in the graph. Paths are looked up in `graph`, which the sources must have filled.
    pub(super) fn configuration(
        &self,
        snapshots: &Snapshots,
        graph: &Graph,
        lost: &HashMap<Arc<str>, Observation>,
        now: Timestamp,
    ) -> Assembly {
        let mut builder = self.builder(snapshots, now);
        let inner = self.inner_groups();
        for group in &self.plan.groups {
            let mut node = group_node(group);
            // Only where nobody above could name one: the default must not hide a parent's owner.
            if node.owner.is_none() && !inner.contains(&group.id) {
                node.owner = self.plan.owner.clone();
            }
            for member in &group.members {
                let ids = match &member.target {
                    MemberTarget::Node(id) => vec![id.clone()],
                    MemberTarget::Request(request) => vec![request.clone().place("", &mut builder)],
                    MemberTarget::Found { source, path } => {
                        found::members(source, path, graph, lost.get(source), &mut builder)
                    }
                };
                let edge = member.edge;
                node.members
                    .extend(ids.into_iter().map(|id| Member { id, edge }));
            }
            builder.node(node);
        }
        let mut assembly = builder.finish();
        let windows = self.plan.groups.iter().flat_map(|group| {
            let windows = group.maintenance.iter();
            windows.map(|window| (group.id.clone(), window.clone()))
        });
        assembly.maintenance.extend(windows);
        assembly
    }

    /// Whether the configuration must be assembled anew when one of these sources delivered.
    pub(super) fn configuration_asks(&self, sources: &HashSet<Arc<str>>) -> bool {
        let members = self.plan.groups.iter().flat_map(|group| &group.members);
        members
            .filter_map(|member| asked_source(&member.target))
            .any(|name| sources.contains(name))
            || self.extensions_ask(sources)
    }

    /// Whether an extension of a kind asks for things of one of these sources.
    pub(super) fn extensions_ask(&self, sources: &HashSet<Arc<str>>) -> bool {
        let members = self.plan.extensions.iter().flat_map(|e| &e.members);
        members
            .filter_map(|member| asked_source(&member.target))
            .any(|name| sources.contains(name))
    }

    /// Whose a source's things are. The plan's default owner only where no system or service could pass on its own.
    fn source_owner(&self, entry: &SourceEntry) -> Option<Arc<str>> {
        let used = || {
            let members = self.plan.groups.iter().flat_map(|group| &group.members);
            members
                .filter_map(|member| asked_source(&member.target))
                .any(|name| *name == entry.name)
        };
        match &entry.owner {
            Some(owner) => Some(owner.clone()),
            None if used() => None,
            None => self.plan.owner.clone(),
        }
    }

    /// Groups that are members of others.
    fn inner_groups(&self) -> HashSet<NodeId> {
        let members = self.plan.groups.iter().flat_map(|group| &group.members);
        members
            .filter_map(|member| match &member.target {
                MemberTarget::Node(id) => Some(id.clone()),
                _ => None,
            })
            .collect()
    }

    /// Every service, then the systems that are members of nothing, each in the order of the plan.
    pub(super) fn group_roots(&self) -> Vec<NodeId> {
        let inner = self.inner_groups();
        let (services, systems): (Vec<_>, Vec<_>) = self
            .plan
            .groups
            .iter()
            .partition(|group| group.service.is_some());
        let systems = systems
            .into_iter()
            .filter(|group| !inner.contains(&group.id));
        services
            .into_iter()
            .chain(systems)
            .map(|group| group.id.clone())
            .collect()
    }
}

fn asked_source(target: &MemberTarget) -> Option<&Arc<str>> {
    match target {
        MemberTarget::Request(request) => Some(&request.source),
        MemberTarget::Found { source, .. } => Some(source),
        MemberTarget::Node(_) => None,
    }
}

fn group_node(group: &GroupPlan) -> Node {
    let title = group
        .title
        .clone()
        .unwrap_or_else(|| group.id.reference().clone());
    Node {
        id: group.id.clone(),
        title,
        owner: group.owner.clone(),
        role: Role::System {
            rule: group.rule,
            degraded_below: group.degraded_below,
        },
        service: group.service.map(|public| ServiceInfo { public }),
        members: Vec::new(),
    }
}

fn own_roots(blueprint: &mut Blueprint, owner: &Arc<str>) {
    let inner: HashSet<NodeId> = blueprint
        .nodes
        .iter()
        .flat_map(|node| node.members.iter().map(|member| member.id.clone()))
        .collect();
    for node in &mut blueprint.nodes {
        if node.owner.is_none() && !inner.contains(&node.id) {
            node.owner = Some(owner.clone());
        }
    }
}
