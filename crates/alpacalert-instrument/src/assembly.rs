//! Putting together what should be in the graph, and what measures it.

mod fields;
mod memo;
mod scope;
mod update;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, LazyLock};

use alpacalert_model::{Blueprint, Kind, Node, NodeId, Observation, Reason, Timestamp};

pub use fields::{Fields, TellFields};
pub use memo::Memo;
pub use scope::Scope;
pub use update::Update;

use memo::Recipe;

use crate::{
    Inbox, InstrumentError, OutputLimits, Params, Redactor, Registry, Schedule, ScheduleOverrides,
    Sensor, Snapshot, Window,
};

/// What should be in the graph, with what measures it.
#[derive(Clone, Debug, Default)]
pub struct Assembly {
    /// The nodes.
    pub blueprint: Blueprint,
    /// The sensors that the scheduler measures, by node.
    pub sensors: HashMap<NodeId, Measured>,
    /// What is known already, by node: of sensors that their source feeds.
    pub observations: Vec<(NodeId, Observation)>,
    /// When work on nodes is planned; a node may be there more than once.
    pub maintenance: Vec<PlannedWork>,
}

/// That work on a node is planned.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedWork {
    /// The thing that asked for the node so; `None` for what is asked for first. What a thing asked for counts until it is built again.
    pub asked_by: Option<NodeId>,
    /// The node.
    pub node: NodeId,
    /// When, and why.
    pub window: Window,
}

/// A sensor and how often it is measured.
#[derive(Clone)]
pub struct Measured {
    /// The sensor.
    pub sensor: Arc<dyn Sensor>,
    /// How often, and how patiently. Shared by all sensors with the same one.
    pub schedule: Arc<Schedule>,
}

impl fmt::Debug for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Measured")
            .field("schedule", &self.schedule)
            .finish_non_exhaustive()
    }
}

/// What stands for this instance itself where a source is named: one copy for all requests.
static LOCAL: LazyLock<Arc<str>> = LazyLock::new(|| "local".into());

/// The newest snapshot of each source, by its name.
pub type Snapshots = HashMap<Arc<str>, Snapshot>;

/// Asks for one thing of a kind to be in the graph.
#[derive(Clone, Debug)]
pub struct Request {
    /// The source that knows it; `local` for what this instance measures itself.
    pub source: Arc<str>,
    /// Its kind.
    pub kind: Kind,
    /// Which one of its kind.
    pub reference: Arc<str>,
    /// The keys that were given for it.
    pub params: Params,
    /// What people call it, if not what its instrumentor says.
    pub title: Option<Arc<str>>,
    /// Whose it is, if not its parents' owner's.
    pub owner: Option<Arc<str>>,
    /// How often and how patiently to measure it, where that is said.
    pub schedule: ScheduleOverrides,
    /// When work on it is planned.
    pub maintenance: Vec<Window>,
    /// What placeholders such as `{namespace}` in sensors that users add to the kind stand for, beside the usual ones.
    pub fields: BTreeMap<String, String>,
    /// More of them, where the identity tells them all: made when somebody reads them, which is rare, and the things many.
    pub told_by_id: Option<TellFields>,
    /// Whether it exists only inside of the thing that asks for it, such as a container inside of a pod: then it is built
    /// again together with that thing, and nobody else may ask for it.
    pub part: bool,
}

impl PartialEq for Request {
    fn eq(&self, other: &Self) -> bool {
        let tell_alike = match (self.told_by_id, other.told_by_id) {
            (Some(one), Some(another)) => std::ptr::fn_addr_eq(one, another),
            (one, another) => one.is_none() && another.is_none(),
        };
        self.source == other.source
            && self.kind == other.kind
            && self.reference == other.reference
            && self.params == other.params
            && self.title == other.title
            && self.owner == other.owner
            && self.schedule == other.schedule
            && self.maintenance == other.maintenance
            && self.fields == other.fields
            && self.part == other.part
            && tell_alike
    }
}

impl Request {
    /// Asks for a thing that this instance measures itself.
    pub fn local(kind: Kind, reference: impl Into<Arc<str>>) -> Self {
        Request::from_source(LOCAL.clone(), kind, reference)
    }

    /// Asks for a thing that a source knows.
    pub fn from_source(
        source: impl Into<Arc<str>>,
        kind: Kind,
        reference: impl Into<Arc<str>>,
    ) -> Self {
        let source = source.into();
        Request {
            source: match *source == **LOCAL {
                true => LOCAL.clone(),
                false => source,
            },
            kind,
            reference: reference.into(),
            params: Params::new(),
            title: None,
            owner: None,
            schedule: ScheduleOverrides::default(),
            maintenance: Vec::new(),
            fields: BTreeMap::new(),
            told_by_id: None,
            part: false,
        }
    }

    /// The same with parameters.
    #[must_use]
    pub fn with_params(mut self, params: Params) -> Self {
        self.params = params;
        self
    }

    /// The identity of the thing.
    pub fn id(&self) -> NodeId {
        NodeId::new(
            self.source.clone(),
            self.kind.clone(),
            self.reference.clone(),
        )
    }
}

/// Describes a thing of a kind that a source brings, as an instrumentor would.
pub type Describe = fn(&Target, &mut Scope<'_, '_>) -> Result<(), InstrumentError>;

/// What an instrumentor looks at.
#[derive(Clone, Debug)]
pub struct Target {
    /// Which thing.
    pub id: NodeId,
    /// The keys that were given for it.
    pub params: Params,
    /// What placeholders stand for: `source`, `kind`, `reference`, `name`, and what the request adds.
    pub fields: Fields,
}

/// Builds an [`Assembly`], asking a registry about each thing. Each thing is built once, however often it is asked for.
pub struct Builder<'a> {
    registry: &'a Registry,
    snapshots: &'a Snapshots,
    defaults: ScheduleOverrides,
    now: Timestamp,
    assembly: Assembly,
    /// The nodes that were built, and those being built, so that a thing that requires
    /// itself ends in an edge that the graph refuses instead of going round for ever.
    memo: Memo,
    /// Things that nobody may ask for any more, and things that came to stand on top, or came to stand below something.
    left: Vec<u32>,
    flipped: Vec<u32>,
    /// The next number to try for a name that is taken, so that a thousand alerts of one name do not take a million tries.
    numbers: HashMap<NodeId, u64>,
    schedules: HashSet<Arc<Schedule>>,
    depth: usize,
    redactor: Option<&'a Redactor>,
    instance: Option<&'a str>,
    inbox: Inbox,
    limits: OutputLimits,
}

impl<'a> Builder<'a> {
    /// How deep things may require each other. Each level costs stack.
    pub const MAX_DEPTH: usize = 64;

    /// A builder without nodes.
    pub fn new(
        registry: &'a Registry,
        snapshots: &'a Snapshots,
        defaults: ScheduleOverrides,
        now: Timestamp,
    ) -> Self {
        Builder {
            registry,
            snapshots,
            defaults,
            now,
            assembly: Assembly::default(),
            memo: Memo::new(false),
            left: Vec::new(),
            flipped: Vec::new(),
            numbers: HashMap::new(),
            schedules: HashSet::new(),
            depth: 0,
            redactor: None,
            instance: None,
            inbox: Inbox::default(),
            limits: OutputLimits::default(),
        }
    }

    /// The name of the instance that builds: what others know it by.
    #[must_use]
    pub fn with_instance(mut self, instance: &'a str) -> Self {
        self.instance = Some(instance);
        self
    }

    /// The same, with what things report to that can only report.
    #[must_use]
    pub fn with_inbox(mut self, inbox: &Inbox) -> Self {
        self.inbox = inbox.clone();
        self
    }

    /// The same, with secrets to hide in what instrumentors and sources say.
    #[must_use]
    pub fn with_redactor(mut self, redactor: &'a Redactor) -> Self {
        self.redactor = Some(redactor);
        self
    }

    /// What was built.
    pub fn finish(self) -> Assembly {
        self.assembly
    }

    /// The time for which the assembly is made.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The snapshot of a source, if it has one and it is a `T`.
    pub fn snapshot<T: Send + Sync + 'static>(&self, source: &str) -> Option<&'a T> {
        self.snapshots.get(source)?.get()
    }

    /// Whether a node was built, or is being built.
    pub fn contains(&self, id: &NodeId) -> bool {
        self.memo.contains(id)
    }

    /// Adds a node as it is. `false` when there is one of that identity already; then the first one stays.
    pub fn node(&mut self, mut node: Node) -> bool {
        if !self.memo.add(&node.id) {
            return false;
        }
        node.title = self.clean_title(node.title);
        self.assembly.blueprint.nodes.push(node);
        true
    }

    /// Notes when work on a node is planned: by whoever asks for it, and whether or not others did before.
    pub fn plan_work(&mut self, id: &NodeId, windows: &[Window]) {
        for window in windows {
            self.assembly.maintenance.push(PlannedWork {
                asked_by: self.memo.asker().cloned(),
                node: id.clone(),
                window: window.clone(),
            });
        }
    }

    /// Adds a node that a sensor measures.
    pub fn sensor(&mut self, node: Node, sensor: Arc<dyn Sensor>, schedule: &ScheduleOverrides) {
        let id = node.id.clone();
        if self.node(node) {
            let measured = self.measured(sensor, schedule);
            self.assembly.sensors.insert(id, measured);
        }
    }

    /// A sensor with its whole schedule. Most sensors have one of a few.
    fn measured(&mut self, sensor: Arc<dyn Sensor>, schedule: &ScheduleOverrides) -> Measured {
        let schedule = schedule.over(&self.defaults);
        let schedule = match self.schedules.get(&schedule) {
            Some(known) => known.clone(),
            None => {
                let new = Arc::new(schedule);
                self.schedules.insert(new.clone());
                new
            }
        };
        Measured { sensor, schedule }
    }

    /// Adds a node whose state is known already.
    pub fn observed(&mut self, node: Node, observation: Observation) {
        let id = node.id.clone();
        if self.node(node) {
            let observation = self.clean(observation);
            self.assembly.observations.push((id, observation));
        }
    }

    /// Builds a thing with everybody whom the registry has for its kind.
    ///
    /// The error is that nobody is registered for the kind, or that things go too deep. What goes wrong inside an
    /// instrumentor becomes an Unknown member of the node.
    pub fn instrument(&mut self, request: Request) -> Result<NodeId, InstrumentError> {
        self.registry.instrumentors(&request.kind)?;
        self.build(request, None)
    }

    /// Builds a thing that the caller knows how to describe, together with everybody whom the registry has for its kind,
    /// if there is anybody. For sources that bring kinds of their own.
    pub fn object(
        &mut self,
        request: Request,
        describe: impl FnOnce(&Target, &mut Scope<'_, '_>) -> Result<(), InstrumentError>,
    ) -> Result<NodeId, InstrumentError> {
        let registry = self.registry;
        let instrumentors = registry.instrumentors(&request.kind).unwrap_or_default();
        let schedule = request.schedule;
        self.build_once(request, schedule, |target, scope| {
            scope.contribution(|scope| describe(target, scope));
            for instrumentor in instrumentors {
                scope.contribution(|scope| instrumentor.instrument(target, scope));
            }
        })
    }

    /// The same, by somebody who can be asked again when what the thing is made of has changed.
    pub fn described(
        &mut self,
        request: Request,
        describe: Describe,
    ) -> Result<NodeId, InstrumentError> {
        self.build(request, Some(describe))
    }

    /// `first`, or the first of the numbered identities that no node has yet.
    pub(crate) fn unused(&mut self, first: NodeId, numbered: impl Fn(u64) -> NodeId) -> NodeId {
        if !self.memo.is_taken(&first) {
            return first;
        }
        let mut number = self.numbers.get(&first).copied().unwrap_or(2);
        let mut id = numbered(number);
        while self.contains(&id) {
            number += 1;
            id = numbered(number);
        }
        self.numbers.insert(first, number + 1);
        id
    }

    /// Adds an Unknown node that says why a thing could not be built.
    pub(crate) fn unknown(&mut self, id: NodeId, title: Option<Arc<str>>, error: &InstrumentError) {
        let title = title.unwrap_or_else(|| id.to_string().into());
        let observation = Observation::unknown(reason(error), error.to_string(), self.now);
        self.observed(Node::sensor(id, title), observation);
    }

    /// An observation that no sensor's guard will see, bounded and without secrets and control characters.
    fn clean(&self, observation: Observation) -> Observation {
        let no_secrets = Redactor::default();
        let redactor = self.redactor.unwrap_or(&no_secrets);
        crate::guard::bounded(observation, redactor, &self.limits, self.now)
    }

    /// A title for one line, without control characters. External systems let people call things anything.
    fn clean_title(&self, title: Arc<str>) -> Arc<str> {
        match crate::guard::one_line(&title, self.limits.message_bytes) {
            Cow::Borrowed(_) => title,
            Cow::Owned(clean) => clean.into(),
        }
    }

    fn build(
        &mut self,
        request: Request,
        describe: Option<Describe>,
    ) -> Result<NodeId, InstrumentError> {
        let id = request.id();
        if self.is_there(&id, &request)? {
            return Ok(id);
        }
        let recipe = || Recipe::of(&request, describe);
        let unit = self.memo.open(&id, request.part, self.depth, recipe);
        self.fill(id.clone(), request, describe);
        self.close(unit);
        Ok(id)
    }

    /// Builds a thing in a way that cannot be had again.
    fn build_once(
        &mut self,
        request: Request,
        schedule: ScheduleOverrides,
        contribute: impl FnOnce(&Target, &mut Scope<'_, '_>),
    ) -> Result<NodeId, InstrumentError> {
        let id = request.id();
        if self.is_there(&id, &request)? {
            return Ok(id);
        }
        let unit = self
            .memo
            .open(&id, request.part, self.depth, || Recipe::Once);
        self.contribute(id.clone(), request, schedule, contribute);
        self.close(unit);
        Ok(id)
    }

    /// Whether a thing that is asked for is there already, or being built; the error is that it would stand too deep.
    fn is_there(&mut self, id: &NodeId, request: &Request) -> Result<bool, InstrumentError> {
        self.plan_work(id, &request.maintenance);
        if self.memo.asks(id, request.part) {
            return Ok(true);
        }
        if self.depth >= Self::MAX_DEPTH {
            return Err(InstrumentError::TooDeep {
                kind: request.kind.clone(),
            });
        }
        Ok(false)
    }

    fn close(&mut self, unit: Option<u32>) {
        if unit.is_some() {
            self.memo.close(&mut self.left, &mut self.flipped);
        }
    }

    /// Asks everybody who has something to say about a thing.
    fn fill(&mut self, id: NodeId, request: Request, describe: Option<Describe>) {
        let registry = self.registry;
        // Who asked has made sure that there is somebody, or describes it.
        let instrumentors = registry.instrumentors(&request.kind).unwrap_or_default();
        let spec = registry.spec(&request.kind).filter(|_| describe.is_none());
        let schedule = match spec {
            Some(spec) => request.schedule.or(&spec.schedule),
            None => request.schedule,
        };
        self.contribute(id, request, schedule, |target, scope| {
            if let Some(describe) = describe {
                scope.contribution(|scope| describe(target, scope));
            }
            for instrumentor in instrumentors {
                scope.contribution(|scope| instrumentor.instrument(target, scope));
                if scope.is_question() {
                    break;
                }
            }
            // When nobody said one: better than a reference that was made of the keys, and may end in a digest.
            if let Some(spec) = spec
                && !scope.has_title()
                && **target.id.reference() == spec.reference_of(&target.params)
            {
                scope.title(spec.title_of(&target.params));
            }
        });
    }

    fn contribute(
        &mut self,
        id: NodeId,
        request: Request,
        schedule: ScheduleOverrides,
        contribute: impl FnOnce(&Target, &mut Scope<'_, '_>),
    ) {
        self.depth += 1;
        let target = Target {
            id: id.clone(),
            params: request.params,
            fields: Fields::new(id.clone(), request.fields, request.told_by_id),
        };
        let mut scope = Scope::new(self, id, schedule);
        contribute(&target, &mut scope);
        scope.finish(request.title, request.owner);
        self.depth -= 1;
    }
}

/// Runs somebody's instrumentor; a panic becomes an error.
fn caught(run: impl FnOnce() -> Result<(), InstrumentError>) -> Result<(), InstrumentError> {
    panic::catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        Err(InstrumentError::new(format!(
            "the instrumentor panicked: {}",
            crate::guard::panic_text(&*panic)
        )))
    })
}

/// The reason code of an instrumentor's error.
fn reason(error: &InstrumentError) -> Reason {
    match error {
        InstrumentError::NoProvider { .. } => Reason::fixed("no-provider"),
        InstrumentError::TooDeep { .. } => Reason::fixed("too-deep"),
        InstrumentError::Other(_) => Reason::fixed("not-instrumented"),
    }
}

#[cfg(test)]
mod tests;
