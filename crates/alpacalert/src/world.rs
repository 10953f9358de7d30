//! The graph with what is wanted in it: what sources deliver and the configuration asks for, put together and applied as
//! differences.

mod assembler;
mod delivered;
mod extension;
mod found;
mod maintain;
mod rediscover;
mod reload;

use std::collections::{HashMap, HashSet};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;

use alpacalert_instrument::{
    Assembly, Context, InstrumentError, Measured, Memo, SensorError, Snapshots,
};
use alpacalert_model::{
    Applied, Confirmation, Graph, Mark, NodeId, NodeKey, Observation, Patience, Reason, State,
    Timestamp, Transition, Update,
};

use tokio::time::Instant;

use crate::SourceStatus;
use crate::build::Slot;
pub(crate) use assembler::{Assembler, CONFIGURATION};
pub(crate) use extension::Extension;
use maintain::Planned;

/// What one blueprint wants to be measured: the whole list, or what became of a part of it.
pub(crate) struct Roster {
    /// Which blueprint: the slot of a source, or that of the configuration.
    pub(crate) blueprint: Slot,
    /// The sensors in the order of the graph, so that a seed gives the same spread each time.
    pub(crate) sensors: Vec<Listed>,
    /// Sensors that stay, whatever the list says.
    pub(crate) kept: HashSet<NodeKey>,
    /// Whether sources told something new; if not, their sensors are the ones they were.
    pub(crate) news: bool,
    /// When the list is that of what changed alone: whose sensors are gone, if they had any.
    pub(crate) gone: Option<Vec<NodeKey>>,
}

/// A sensor with its place in the graph.
pub(crate) struct Listed {
    pub(crate) key: NodeKey,
    pub(crate) source: Arc<str>,
    pub(crate) measured: Measured,
}

/// What followed from new facts about sources.
#[derive(Default)]
pub(crate) struct Step {
    pub(crate) rosters: Vec<Roster>,
    pub(crate) transitions: Vec<Transition>,
    /// The nodes that came, went, or stand otherwise in the graph.
    pub(crate) touched: Vec<NodeId>,
}

impl Step {
    /// Notes what applying a blueprint did.
    fn note(&mut self, graph: &Graph, applied: &Applied) {
        let keys = applied.added.iter().chain(&applied.changed);
        let nodes = keys.filter_map(|key| graph.get(*key));
        self.touched.extend(nodes.map(|node| node.id().clone()));
        self.touched.extend_from_slice(&applied.removed);
        // Whose edge was refused has other members than were wanted.
        let refused = applied.refused.iter().map(|refused| &refused.node);
        self.touched.extend(refused.cloned());
    }
}

/// A node that is not measured: what assembled it knows its state.
struct Fed {
    blueprint: Slot,
    source: Arc<str>,
    confirmation: Confirmation,
}

/// The graph, and everything that decides which nodes it has.
pub(crate) struct World {
    pub(crate) graph: Graph,
    pub(crate) assembler: Assembler,
    /// Takes secrets out of what sources say.
    context: Context,
    snapshots: Snapshots,
    /// Sources that cannot be reached now, with the reason.
    lost: HashMap<Arc<str>, Observation>,
    /// When the newest snapshot of each source was delivered.
    fetched: HashMap<Arc<str>, Timestamp>,
    fed: HashMap<NodeKey, Fed>,
    /// Those of them that change their state too often.
    flapping: HashSet<NodeKey>,
    /// Nodes that a blueprint wanted and that another one had already; it is applied again when one of them goes.
    conflicted: HashMap<Slot, HashSet<NodeId>>,
    /// Nodes that went since that was last looked at.
    freed: Vec<NodeId>,
    /// Whether what things were made of is remembered, so that a change costs what it changes.
    remembers: bool,
    /// What each blueprint was made of, where that is remembered.
    memos: HashMap<Slot, Memo>,
    /// What sources have delivered that is not in the graph yet.
    owed: HashMap<Slot, delivered::Owed>,
    /// Before when a blueprint is not assembled as a whole again.
    rests: HashMap<Slot, Instant>,
    maintenance: Planned,
    /// The slot of the next source.
    next_slot: Slot,
}

impl World {
    /// A graph of what the configuration asks for; nothing is known of any source yet.
    pub(crate) fn new(assembler: Assembler, context: Context) -> (World, Step) {
        let now = context.now();
        let mut world = World {
            graph: Graph::new(),
            assembler,
            context,
            snapshots: Snapshots::new(),
            lost: HashMap::new(),
            fetched: HashMap::new(),
            fed: HashMap::new(),
            flapping: HashSet::new(),
            conflicted: HashMap::new(),
            freed: Vec::new(),
            remembers: false,
            memos: HashMap::new(),
            owed: HashMap::new(),
            rests: HashMap::new(),
            maintenance: Planned::default(),
            next_slot: 0,
        };
        for entry in &mut world.assembler.sources {
            entry.slot = world.next_slot;
            world.next_slot += 1;
        }
        let mut step = Step::default();
        for index in 0..world.assembler.sources.len() {
            let unseen = Observation::unknown(Reason::NOT_MEASURED, "not fetched yet", now);
            let assembly = world.assembler.placeholder(index, unseen);
            world.apply(index, assembly, now, &mut step);
        }
        world.apply_configuration(now, &mut step);
        (world, step)
    }

    /// Remembers from here on what things are made of. Worth its memory for who goes on watching.
    pub(crate) fn remember(&mut self) {
        self.remembers = true;
    }

    /// Assembles a source again from its newest snapshot, if it has one.
    fn reassemble(&mut self, index: usize, now: Timestamp, step: &mut Step) {
        let name = &self.assembler.sources[index].name;
        if !self.snapshots.contains_key(name) {
            return;
        }
        let slot = self.assembler.slot(index);
        self.owed.remove(&slot);
        let began = Instant::now();
        let remembers = self.remembers;
        let assembled = caught(|| {
            self.assembler
                .source(index, &self.snapshots, remembers, now)
        });
        match assembled {
            Ok((assembly, memo)) => {
                self.keep_memo(slot, memo);
                self.apply(index, assembly, now, step);
            }
            Err(error) => self.fail_to_assemble(index, &error, now, step),
        }
        self.rest(slot, began);
    }

    fn fail_to_assemble(
        &mut self,
        index: usize,
        error: &InstrumentError,
        now: Timestamp,
        step: &mut Step,
    ) {
        self.memos.remove(&self.assembler.slot(index));
        let reason = Reason::fixed("not-instrumented");
        self.lose(
            index,
            &SensorError::new(reason, error.to_string()),
            now,
            step,
        );
    }

    /// A source cannot be reached: what it feeds is Unknown, and stays in the graph.
    fn lose(&mut self, index: usize, error: &SensorError, now: Timestamp, step: &mut Step) {
        let name = self.assembler.sources[index].name.clone();
        let said = error.unknown(&self.context);
        let why = said.messages.first().map_or("", |message| &message.text);
        let text = format!("the source `{name}` is lost: {why}");
        let lost = Observation::unknown(Reason::SOURCE_LOST, text, now);
        self.lost.insert(name.clone(), lost.clone());
        if !self.snapshots.contains_key(&name) {
            let assembly = self.assembler.placeholder(index, lost);
            return self.apply(index, assembly, now, step);
        }
        let slot = self.assembler.slot(index);
        let keys: Vec<NodeKey> = self
            .fed
            .iter()
            .filter(|(_, fed)| fed.blueprint == slot || fed.source == name)
            .map(|(key, _)| *key)
            .collect();
        let observations = keys.into_iter().map(|key| (key, lost.clone())).collect();
        self.feed(observations, now, step);
    }

    fn assemble_configuration(&mut self, now: Timestamp) -> Assembly {
        let (assembly, memo) = self.assembler.configuration(
            &self.snapshots,
            &self.graph,
            &self.lost,
            self.remembers,
            now,
        );
        let slot = self.assembler.slot(self.assembler.sources.len());
        self.keep_memo(slot, memo);
        assembly
    }

    fn apply_configuration(&mut self, now: Timestamp, step: &mut Step) {
        let assembly = self.assemble_configuration(now);
        self.apply(self.assembler.sources.len(), assembly, now, step);
    }

    fn apply(&mut self, index: usize, assembly: Assembly, now: Timestamp, step: &mut Step) {
        self.apply_keeping(index, assembly, HashSet::new(), now, step);
    }

    /// Applies an assembly; the sensors in `kept` are measured on although it does not say with what.
    fn apply_keeping(
        &mut self,
        index: usize,
        assembly: Assembly,
        kept: HashSet<NodeKey>,
        now: Timestamp,
        step: &mut Step,
    ) {
        let blueprint = self.assembler.slot(index);
        let name = self.assembler.blueprint_name(index);
        self.maintenance.plan(blueprint, assembly.maintenance);
        let applied = self.graph.apply(&name, assembly.blueprint, now);
        let conflicts = self.take_applied(blueprint, applied, step);
        match conflicts.is_empty() {
            true => self.conflicted.remove(&blueprint),
            false => self.conflicted.insert(blueprint, conflicts.clone()),
        };
        step.rosters.push(Roster {
            blueprint,
            sensors: self.listed(assembly.sensors, &conflicts),
            kept,
            news: true,
            gone: None,
        });

        let before: HashMap<NodeKey, Fed> = self
            .fed
            .extract_if(|_, fed| fed.blueprint == blueprint)
            .collect();
        self.take_observed(index, assembly.observations, before, &conflicts, now, step);
        self.settle_freed(now, step);
    }

    /// Takes what applying a blueprint, or changes of it, did. Gives the nodes that another one has.
    fn take_applied(
        &mut self,
        blueprint: Slot,
        applied: Applied,
        step: &mut Step,
    ) -> HashSet<NodeId> {
        step.note(&self.graph, &applied);
        for refused in &applied.refused {
            let path: Vec<String> = refused.path.iter().map(ToString::to_string).collect();
            tracing::warn!(
                "left out an edge that closes the cycle {}",
                path.join(" -> ")
            );
        }
        if !applied.refused.is_empty()
            && let Some(memo) = self.memos.get_mut(&blueprint)
        {
            // Things that require each other would stay for ever: nobody would ask for them less than once.
            memo.spoil("things require each other");
        }
        step.transitions.extend(applied.transitions);
        self.freed.extend(applied.removed);
        applied.conflicts.into_iter().collect()
    }

    /// Takes what is known already of nodes of a blueprint; `before` is what was fed of these until now.
    fn take_observed(
        &mut self,
        index: usize,
        observed: Vec<(NodeId, Observation)>,
        mut before: HashMap<NodeKey, Fed>,
        conflicts: &HashSet<NodeId>,
        now: Timestamp,
        step: &mut Step,
    ) {
        let blueprint = self.assembler.slot(index);
        let name = self.assembler.blueprint_name(index);
        let mut observations = Vec::with_capacity(observed.len());
        for (id, observation) in observed {
            let Some(key) = self.graph.key(&id).filter(|_| !conflicts.contains(&id)) else {
                continue;
            };
            // The snapshot of a lost source is old: what it says must not pass for new.
            let lost = self.lost.get(id.source()).or(self.lost.get(&name));
            observations.push((key, lost.cloned().unwrap_or(observation)));
            let fed = before.remove(&key).unwrap_or_else(|| Fed {
                blueprint,
                source: id.source().clone(),
                confirmation: Confirmation::default(),
            });
            self.fed.insert(key, fed);
        }
        self.feed(observations, now, step);
    }

    /// Where the sensors of a blueprint are in the graph, except those whose nodes another one has.
    fn listed(
        &self,
        sensors: HashMap<NodeId, Measured>,
        conflicts: &HashSet<NodeId>,
    ) -> Vec<Listed> {
        // Exact: a list that grows as it goes has room for up to twice as many, and there may be very many.
        let mut listed = Vec::with_capacity(sensors.len());
        for (id, measured) in sensors {
            let key = self.graph.key(&id).filter(|_| !conflicts.contains(&id));
            let source = id.source().clone();
            listed.extend(key.map(|key| Listed {
                key,
                source,
                measured,
            }));
        }
        listed.sort_unstable_by_key(|listed| listed.key);
        listed
    }

    fn feed(&mut self, observations: Vec<(NodeKey, Observation)>, now: Timestamp, step: &mut Step) {
        let mut updates = Vec::with_capacity(observations.len());
        for (node, observation) in observations {
            let Some(fed) = self.fed.get_mut(&node) else {
                continue;
            };
            let flapped = fed.confirmation.is_flapping();
            let confirmed = fed
                .confirmation
                .next(observation.state, &Patience::default());
            let flapping = fed.confirmation.is_flapping();
            if flapping != flapped {
                self.graph.mark(node, Mark::Flapping, flapping);
                match flapping {
                    true => self.flapping.insert(node),
                    false => self.flapping.remove(&node),
                };
            }
            updates.push(Update {
                node,
                observation,
                confirmed,
            });
        }
        if !updates.is_empty() {
            step.transitions.extend(self.graph.observe(updates, now));
        }
    }

    /// Applies blueprints again that could not have a node which went.
    fn settle_freed(&mut self, now: Timestamp, step: &mut Step) {
        let freed = std::mem::take(&mut self.freed);
        let again: Vec<Slot> = self
            .conflicted
            .iter()
            .filter(|(_, wanted)| freed.iter().any(|id| wanted.contains(id)))
            .map(|(slot, _)| *slot)
            .collect();
        for slot in again {
            // Out of the set while it is applied, so that two that take from each other end.
            self.conflicted.remove(&slot);
            match self.assembler.index(slot) {
                Some(index) => self.reassemble(index, now, step),
                None => self.apply_configuration_again(now, step),
            }
        }
    }

    /// Whether each source answers.
    pub(crate) fn source_states(&self) -> Vec<SourceStatus> {
        let sources = self.assembler.sources.iter().map(|entry| {
            let fetched_at = self.fetched.get(&entry.name).copied();
            let lost = self.lost.get(&entry.name);
            let message = match (lost, fetched_at) {
                (Some(lost), _) => lost
                    .messages
                    .first()
                    .map(|message| message.text.to_string()),
                (None, None) => Some("not fetched yet".to_owned()),
                (None, Some(_)) => None,
            };
            SourceStatus {
                name: entry.name.clone(),
                state: match message {
                    Some(_) => State::Unknown,
                    None => State::Passing,
                },
                message: message.unwrap_or_default(),
                fetched_at,
                asked: fetched_at.is_some() || lost.is_some(),
            }
        });
        sources.collect()
    }

    /// The nodes to show first. See [`Checked::roots`](crate::Checked::roots).
    pub(crate) fn roots(&self) -> Vec<NodeId> {
        let roots = self.assembler.group_roots();
        if !self.assembler.plan.groups.is_empty() {
            return roots;
        }
        let mut roots: Vec<NodeId> = self.graph.roots().map(|node| node.id().clone()).collect();
        roots.sort();
        roots
    }
}

/// Runs a source's own code; a panic becomes an error.
fn caught<T>(run: impl FnOnce() -> Result<T, InstrumentError>) -> Result<T, InstrumentError> {
    panic::catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| {
        Err(InstrumentError::new(
            "the source panicked while it was assembled",
        ))
    })
}
