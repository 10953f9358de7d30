//! What an instrumentor says about one target.

use std::collections::HashMap;
use std::sync::Arc;

use alpacalert_model::{
    Edge, Effect, Kind, Member, Node, NodeId, Observation, Role, Rule, ServiceInfo, Timestamp,
};

use super::{Builder, Describe, Measured, Request, Target, caught};
use crate::{Inbox, InstrumentError, ScheduleOverrides, Sensor};

/// How a target that is a leaf gets its state.
enum Leaf {
    Sensor(Measured),
    Observed(Observation),
}

/// Collects what instrumentors say about one target: that it *is* a sensor, or which members it has.
///
/// When one instrumentor makes the target a sensor and another adds members, the target becomes a system of both.
pub struct Scope<'b, 'a> {
    builder: &'b mut Builder<'a>,
    id: NodeId,
    schedule: ScheduleOverrides,
    title: Option<Arc<str>>,
    owner: Option<Arc<str>>,
    rule: Option<Rule>,
    degraded_below: Option<u32>,
    service: Option<ServiceInfo>,
    /// Whether the target only asks for things of its kind.
    question: bool,
    leaves: Vec<Leaf>,
    members: Vec<Member>,
    /// Where each member stands among them.
    places: HashMap<NodeId, usize>,
}

impl<'b, 'a> Scope<'b, 'a> {
    pub(super) fn new(
        builder: &'b mut Builder<'a>,
        id: NodeId,
        schedule: ScheduleOverrides,
    ) -> Self {
        Scope {
            builder,
            id,
            schedule,
            title: None,
            owner: None,
            rule: None,
            degraded_below: None,
            service: None,
            question: false,
            leaves: Vec::new(),
            members: Vec::new(),
            places: HashMap::new(),
        }
    }

    /// The target's identity.
    pub fn id(&self) -> &NodeId {
        &self.id
    }

    /// The name of the instance that builds, if it has one: what others know it by.
    pub fn instance(&self) -> Option<&'a str> {
        self.builder.instance
    }

    /// Requires a thing if it is there or being built already, and tells whether it is: who asks for very many things
    /// spares writing a request for those that others asked for before.
    pub fn require_known(&mut self, id: &NodeId, part: bool, edge: impl Into<Edge>) -> bool {
        let known = self.builder.memo.asks(id, part);
        if known {
            self.member(id.clone(), edge);
        }
        known
    }

    /// Where things report to that can only report.
    pub fn inbox(&self) -> &Inbox {
        &self.builder.inbox
    }

    /// The time for which the graph is built.
    pub fn now(&self) -> Timestamp {
        self.builder.now()
    }

    /// The snapshot of the target's source, if there is one and it is a `T`.
    pub fn snapshot<T: Send + Sync + 'static>(&self) -> Option<&'a T> {
        self.builder.snapshot(self.id.source())
    }

    /// What people call the target. The first to say so counts.
    pub fn title(&mut self, title: impl Into<Arc<str>>) {
        self.title.get_or_insert_with(|| title.into());
    }

    /// Whether somebody has said what people call the target.
    pub(super) fn has_title(&self) -> bool {
        self.title.is_some()
    }

    /// Whose the target is. The first to say so counts.
    pub fn owner(&mut self, owner: impl Into<Arc<str>>) {
        self.owner.get_or_insert_with(|| owner.into());
    }

    /// How the target judges its members. The first to say so counts; `all` when nobody does.
    pub fn rule(&mut self, rule: Rule, degraded_below: Option<u32>) {
        if self.rule.is_none() {
            self.rule = Some(rule);
            self.degraded_below = degraded_below;
        }
    }

    /// The target is no thing of its kind, but a question about such things, such as those that a selector selects. What
    /// others have registered for the kind is for the things, which are its members, and is not asked about the question.
    pub fn only_asks(&mut self) {
        self.question = true;
    }

    pub(super) fn is_question(&self) -> bool {
        self.question
    }

    /// Makes the target a Service.
    pub fn service(&mut self, info: ServiceInfo) {
        self.service.get_or_insert(info);
    }

    /// How often and how patiently to measure what this instrumentor adds from here on, where the configuration does
    /// not say.
    pub fn schedule(&mut self, schedule: ScheduleOverrides) {
        self.schedule = self.schedule.or(&schedule);
    }

    /// The target is measured by this sensor.
    pub fn sensor(&mut self, sensor: impl Sensor) {
        let measured = self.builder.measured(Arc::new(sensor), &self.schedule);
        self.leaves.push(Leaf::Sensor(measured));
    }

    /// The target's state is known already.
    pub fn observed(&mut self, observation: Observation) {
        self.leaves.push(Leaf::Observed(observation));
    }

    /// The target has a part, measured by a sensor: the kind is the target's with the fragment `part`.
    ///
    /// When two instrumentors name a part alike, both parts are there; the later one's fragment gets a number.
    pub fn sensor_part(
        &mut self,
        part: &str,
        reference: Option<&str>,
        title: impl Into<Arc<str>>,
        edge: impl Into<Edge>,
        sensor: impl Sensor,
    ) {
        let id = self.unused_part(part, reference);
        let node = Node::sensor(id.clone(), title);
        let schedule = self.schedule;
        self.builder.sensor(node, Arc::new(sensor), &schedule);
        self.member(id, edge);
    }

    /// The target has a part whose state is known already. Named as by [`Scope::sensor_part`].
    pub fn observed_part(
        &mut self,
        part: &str,
        reference: Option<&str>,
        title: impl Into<Arc<str>>,
        edge: impl Into<Edge>,
        observation: Observation,
    ) {
        let id = self.unused_part(part, reference);
        let node = Node::sensor(id.clone(), title);
        self.builder.observed(node, observation);
        self.member(id, edge);
    }

    /// The target requires another thing, which is built through the registry.
    ///
    /// When nobody is registered for its kind, the member is there all the same: Unknown, with that reason.
    pub fn require(&mut self, request: Request, edge: impl Into<Edge>) {
        let id = request.id();
        let title = request.title.clone();
        if let Err(error) = self.builder.instrument(request) {
            self.builder.unknown(id.clone(), title, &error);
        }
        self.member(id, edge);
    }

    /// The target requires a thing that the caller knows how to describe; see [`Builder::object`].
    pub fn object(
        &mut self,
        request: Request,
        edge: impl Into<Edge>,
        describe: impl FnOnce(&Target, &mut Scope<'_, '_>) -> Result<(), InstrumentError>,
    ) {
        let id = request.id();
        let title = request.title.clone();
        if let Err(error) = self.builder.object(request, describe) {
            self.builder.unknown(id.clone(), title, &error);
        }
        self.member(id, edge);
    }

    /// The target requires a thing that somebody can describe again and again; see [`Builder::described`].
    pub fn described(&mut self, request: Request, edge: impl Into<Edge>, describe: Describe) {
        let id = request.id();
        let title = request.title.clone();
        if let Err(error) = self.builder.described(request, describe) {
            self.builder.unknown(id.clone(), title, &error);
        }
        self.member(id, edge);
    }

    /// Adds a node that is no part of the target and may be shared by several; the first one to describe it counts.
    pub fn observed_node(&mut self, node: Node, observation: Observation) {
        self.builder.observed(node, observation);
    }

    /// The target has a member that somebody else builds.
    ///
    /// A member that is named twice is a member once, with the edge that counts most, so that no instrumentor can take
    /// away what another one requires; of two that count alike, the first.
    pub fn member(&mut self, id: NodeId, edge: impl Into<Edge>) {
        let edge = edge.into();
        match self.place(&id) {
            Some(place) => {
                let member = &mut self.members[place];
                if strength(edge) > strength(member.edge) {
                    member.edge = edge;
                }
            }
            None => {
                if !self.places.is_empty() {
                    self.places.insert(id.clone(), self.members.len());
                }
                self.members.push(Member { id, edge });
            }
        }
    }

    /// Where a member stands, if it is one. Of few, looking at all of them is faster than a map.
    fn place(&mut self, id: &NodeId) -> Option<usize> {
        const FEW: usize = 8;
        if self.members.len() <= FEW {
            return self.members.iter().position(|member| member.id == *id);
        }
        if self.places.is_empty() {
            let members = self.members.iter().enumerate();
            self.places = members
                .map(|(at, member)| (member.id.clone(), at))
                .collect();
        }
        self.places.get(id).copied()
    }

    /// The identity of a part of the target: the target's kind with a fragment, below the target's reference.
    ///
    /// Characters that a fragment cannot hold become `-`, and no more than 100 are kept.
    pub fn part_id(&self, part: &str, reference: Option<&str>) -> NodeId {
        part_id(&self.id, part, reference)
    }

    /// Lets somebody contribute; an error or a panic becomes an Unknown member.
    pub(super) fn contribution(
        &mut self,
        run: impl FnOnce(&mut Self) -> Result<(), InstrumentError>,
    ) {
        let schedule = self.schedule;
        let depth = self.builder.depth;
        let result = caught(|| run(self));
        // A panic may have left things half built below this one.
        if self.builder.depth != depth {
            self.builder.depth = depth;
            self.builder.memo.spoil("an instrumentor panicked");
        }
        // What one instrumentor says about its sensors must not slow down, or speed up, another one's.
        self.schedule = schedule;
        if let Err(error) = result {
            let id = self.unused_part("instrumentor", None);
            let title = Some("instrumentor".into());
            self.builder.unknown(id.clone(), title, &error);
            self.member(id, Effect::Required);
        }
    }

    /// A part's identity that no node has yet.
    fn unused_part(&mut self, part: &str, reference: Option<&str>) -> NodeId {
        let first = self.part_id(part, reference);
        // Cut before the number is added, so that it is not what is cut.
        let end = part.char_indices().nth(80).map_or(part.len(), |(at, _)| at);
        let part = &part[..end];
        let numbered = |n| part_id(&self.id, &format!("{part}-{n}"), reference);
        self.builder.unused(first, numbered)
    }

    /// Adds the target's node, made of everything that was said.
    pub(super) fn finish(mut self, title: Option<Arc<str>>, owner: Option<Arc<str>>) {
        let title = title
            .or_else(|| self.title.clone())
            .unwrap_or_else(|| self.id.reference().clone());
        let title = self.builder.clean_title(title);
        let is_leaf = self.leaves.len() == 1 && self.members.is_empty() && self.rule.is_none();
        let mut leaves = std::mem::take(&mut self.leaves);
        let role = if is_leaf {
            let leaf = leaves.remove(0);
            self.attach(self.id.clone(), leaf);
            Role::Sensor
        } else {
            // The target's own sensors come first: what was added to the kind stands after them.
            let mut members = Vec::new();
            for leaf in leaves {
                let id = self.unused_part("sensor", None);
                self.builder.node(Node::sensor(id.clone(), title.clone()));
                self.attach(id.clone(), leaf);
                members.push(Member {
                    id,
                    edge: Edge::default(),
                });
            }
            members.append(&mut self.members);
            self.members = members;
            Role::System {
                rule: self.rule.unwrap_or_default(),
                degraded_below: self.degraded_below,
            }
        };
        self.builder.assembly.blueprint.nodes.push(Node {
            id: self.id,
            title,
            owner: owner.or(self.owner),
            role,
            service: self.service,
            members: self.members,
        });
    }

    fn attach(&mut self, id: NodeId, leaf: Leaf) {
        match leaf {
            Leaf::Sensor(measured) => {
                self.builder.assembly.sensors.insert(id, measured);
            }
            Leaf::Observed(observation) => {
                let observation = self.builder.clean(observation);
                self.builder.assembly.observations.push((id, observation));
            }
        }
    }
}

/// How much an edge counts, to choose between two to the same member.
fn strength(edge: Edge) -> u8 {
    match edge.effect {
        Effect::Optional => 0,
        Effect::Degrades => 1,
        Effect::Required | Effect::Inverted => 2,
    }
}

fn part_id(target: &NodeId, part: &str, reference: Option<&str>) -> NodeId {
    let part = if part.is_empty() { "part" } else { part };
    let fragment: String = part
        .chars()
        .take(100)
        .map(|c| {
            if c.is_ascii_alphanumeric() || "-._~".contains(c) {
                c
            } else {
                '-'
            }
        })
        .collect();
    let kind = target.kind();
    let text = match kind.fragment() {
        Some(_) => format!("{kind}/{fragment}"),
        None => format!("{kind}#{fragment}"),
    };
    let below: Arc<str> = match reference {
        Some(reference) => format!("{}/{reference}", target.reference()).into(),
        None => target.reference().clone(),
    };
    let source = target.source().clone();
    match text.parse::<Kind>() {
        Ok(kind) => NodeId::new(source, kind, below),
        // The target's kind is so long that no fragment fits: the whole goes into the reference.
        Err(_) => NodeId::new(
            source,
            Kind::of("alpacalert.io/Part"),
            format!("{text}/{below}"),
        ),
    }
}
