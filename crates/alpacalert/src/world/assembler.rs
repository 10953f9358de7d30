//! Pure: from the plan, the newest snapshots and the graph to what each blueprint should hold.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use alpacalert_config::{GroupPlan, MemberTarget, Plan};
use alpacalert_instrument::{
    Assembly, Builder, Fact, Inbox, InstrumentError, Memo, Redactor, Registry, Scanner, Snapshots,
    Update,
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

    pub(super) fn builder<'a>(&'a self, snapshots: &'a Snapshots, now: Timestamp) -> Builder<'a> {
        Builder::new(&self.registry, snapshots, self.plan.defaults, now)
            .with_redactor(&self.redactor)
            .with_instance(&self.plan.instance)
            .with_inbox(&self.inbox)
    }

    /// What a source wants to be in the graph, and what that was made of, if it is to be remembered and the source tells.
    pub(super) fn source(
        &self,
        index: usize,
        snapshots: &Snapshots,
        remembers: bool,
        now: Timestamp,
    ) -> Result<(Assembly, Option<Memo>), InstrumentError> {
        let source = &self.sources[index].source;
        let mut builder = self.builder(snapshots, now);
        let (mut assembly, memo) = if remembers && source.notes_facts() {
            let build = |builder: &mut Builder<'_>| self.assemble(index, snapshots, builder);
            let (assembly, memo) = builder.remembering().build_remembering(build)?;
            (assembly, Some(memo))
        } else {
            self.assemble(index, snapshots, &mut builder)?;
            (builder.finish(), None)
        };
        if let Some(owner) = self.source_owner(&self.sources[index]) {
            own_roots(&mut assembly.blueprint, &owner);
        }
        Ok((assembly, memo))
    }

    fn assemble(
        &self,
        index: usize,
        snapshots: &Snapshots,
        builder: &mut Builder<'_>,
    ) -> Result<(), InstrumentError> {
        let entry = &self.sources[index];
        match snapshots.get(&entry.name) {
            Some(snapshot) => entry.source.assemble(snapshot, builder),
            None => Ok(()),
        }
    }

    /// What becomes of what a source wants when some of what it was made of is otherwise.
    pub(super) fn source_update(
        &self,
        index: usize,
        snapshots: &Snapshots,
        memo: Memo,
        facts: &[Fact],
        now: Timestamp,
    ) -> Result<(Update, Memo), InstrumentError> {
        let builder = self.builder(snapshots, now);
        let build = |builder: &mut Builder<'_>| self.assemble(index, snapshots, builder);
        let (mut update, memo) = builder.update(memo, facts, build)?;
        if let Some(owner) = self.source_owner(&self.sources[index]) {
            for node in &mut update.built.blueprint.nodes {
                if node.owner.is_none() && update.tops.contains(&node.id) {
                    node.owner = Some(owner.clone());
                }
            }
        }
        Ok((update, memo))
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

    /// What the configuration wants to be in the graph, and what that was made of, if it is to be remembered. Paths are
    /// looked up in `graph`, which the sources must have filled.
    pub(super) fn configuration(
        &self,
        snapshots: &Snapshots,
        graph: &Graph,
        lost: &HashMap<Arc<str>, Observation>,
        remembers: bool,
        now: Timestamp,
    ) -> (Assembly, Option<Memo>) {
        let mut builder = self.builder(snapshots, now);
        if remembers && self.sources.iter().any(|entry| entry.source.notes_facts()) {
            let build = |builder: &mut Builder<'_>| {
                self.build_configuration(graph, lost, builder);
                Ok(())
            };
            if let Ok((assembly, memo)) = builder.remembering().build_remembering(build) {
                return (assembly, Some(memo));
            }
            builder = self.builder(snapshots, now);
        }
        self.build_configuration(graph, lost, &mut builder);
        (builder.finish(), None)
    }

    /// What becomes of what the configuration wants when some of what it was made of is otherwise.
    pub(super) fn configuration_update(
        &self,
        snapshots: &Snapshots,
        graph: &Graph,
        lost: &HashMap<Arc<str>, Observation>,
        memo: Memo,
        facts: &[Fact],
        now: Timestamp,
    ) -> Result<(Update, Memo), InstrumentError> {
        let builder = self.builder(snapshots, now);
        builder.update(memo, facts, |builder| {
            self.build_configuration(graph, lost, builder);
            Ok(())
        })
    }

    fn build_configuration(
        &self,
        graph: &Graph,
        lost: &HashMap<Arc<str>, Observation>,
        builder: &mut Builder<'_>,
    ) {
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
                    MemberTarget::Request(request) => vec![request.clone().place("", builder)],
                    MemberTarget::Found { source, path } => {
                        found::members(source, path, graph, lost.get(source), builder)
                    }
                };
                let edge = member.edge;
                node.members
                    .extend(ids.into_iter().map(|id| Member { id, edge }));
            }
            builder.plan_work(&group.id, &group.maintenance);
            builder.node(node);
        }
    }

    /// Whether the configuration looks for things of one of these sources by a path.
    pub(super) fn configuration_finds(&self, sources: &HashSet<Arc<str>>) -> bool {
        let members = self.plan.groups.iter().flat_map(|group| &group.members);
        let mut found = members.filter_map(|member| match &member.target {
            MemberTarget::Found { source, .. } => Some(source),
            MemberTarget::Request(_) | MemberTarget::Node(_) => None,
        });
        found.any(|source| sources.contains(source))
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
