//! Sensors, systems and services that are assembled by hand, without a registry: the names of the original.

use std::sync::Arc;

use alpacalert_model::{
    Effect, Kind, Message, Node, NodeId, Observation, Reason, Rule, ServiceInfo, State, Timestamp,
};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};

use crate::{Builder, Class, Context, Request, Sensor, SensorError};

/// Anything that can be a member of a system: a sensor, a system, a service, a request to the registry, or the identity of
/// a node that somebody else builds.
pub trait Scanner {
    /// Puts it, and all that it consists of, among the nodes of `builder`. `path` are the names of what it stands in,
    /// so that two members named alike in two systems are two nodes.
    fn place(self: Box<Self>, path: &str, builder: &mut Builder<'_>) -> NodeId;
}

/// Members of any sort.
pub type Scanners = Vec<Box<dyn Scanner>>;

/// A sensor that always says the same. For things whose state is known already, and for tests.
#[derive(Clone, Debug, PartialEq)]
pub struct SensorConstant {
    /// What people call it.
    pub name: Arc<str>,
    /// What it says. The time of the observation is that of the measurement.
    pub observation: Observation,
}

impl SensorConstant {
    /// A sensor that says `observation`.
    pub fn new(name: impl Into<Arc<str>>, observation: Observation) -> Self {
        SensorConstant {
            name: name.into(),
            observation,
        }
    }

    /// A sensor that passes.
    pub fn passing(name: impl Into<Arc<str>>, messages: Vec<Message>) -> Self {
        SensorConstant::saying(name, State::Passing, messages)
    }

    /// A sensor that fails, and says why.
    pub fn failing(name: impl Into<Arc<str>>, messages: Vec<Message>) -> Self {
        SensorConstant::saying(name, State::Failing, messages)
    }

    fn saying(name: impl Into<Arc<str>>, state: State, messages: Vec<Message>) -> Self {
        let observation = Observation {
            messages,
            ..SensorConstant::from(state).observation
        };
        SensorConstant::new(name, observation)
    }
}

impl Sensor for SensorConstant {
    fn measure<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Observation, SensorError>> {
        let mut observation = self.observation.clone();
        observation.at = cx.now();
        ready(Ok(observation)).boxed()
    }

    fn class(&self) -> Class {
        Class::Local
    }
}

impl Scanner for SensorConstant {
    fn place(self: Box<Self>, path: &str, builder: &mut Builder<'_>) -> NodeId {
        let id = unused_id("alpacalert.io/Constant", path, &self.name, builder);
        let node = Node::sensor(id.clone(), self.name.clone());
        builder.sensor(
            node,
            Arc::from(self as Box<dyn Sensor>),
            &Default::default(),
        );
        id
    }
}

/// A system that passes if all its scanners do.
pub struct SystemAll {
    /// What people call it.
    pub name: Arc<str>,
    /// Its members.
    pub scanners: Scanners,
}

/// A system that passes if any of its scanners does.
pub struct SystemAny {
    /// What people call it.
    pub name: Arc<str>,
    /// Its members.
    pub scanners: Scanners,
}

/// A system that does not require its scanner: it is measured and shown, and not counted.
pub struct SystemOptional {
    /// What people call it.
    pub name: Arc<str>,
    /// Its member.
    pub scanner: Box<dyn Scanner>,
}

/// A service that relies on one system.
pub struct ServiceBasic {
    /// What people call it.
    pub name: Arc<str>,
    /// The system it relies on.
    pub system: Box<dyn Scanner>,
}

impl Scanner for SystemAll {
    fn place(self: Box<Self>, path: &str, builder: &mut Builder<'_>) -> NodeId {
        place_system(
            path,
            &self.name,
            Rule::All,
            Effect::Required,
            self.scanners,
            builder,
        )
    }
}

impl Scanner for SystemAny {
    fn place(self: Box<Self>, path: &str, builder: &mut Builder<'_>) -> NodeId {
        place_system(
            path,
            &self.name,
            Rule::Any,
            Effect::Required,
            self.scanners,
            builder,
        )
    }
}

impl Scanner for SystemOptional {
    fn place(self: Box<Self>, path: &str, builder: &mut Builder<'_>) -> NodeId {
        let members = vec![self.scanner];
        place_system(
            path,
            &self.name,
            Rule::All,
            Effect::Optional,
            members,
            builder,
        )
    }
}

impl Scanner for ServiceBasic {
    fn place(self: Box<Self>, path: &str, builder: &mut Builder<'_>) -> NodeId {
        let id = unused_id("alpacalert.io/Service", path, &self.name, builder);
        let system = self.system.place(id.reference(), builder);
        let mut node = Node::system(id.clone(), self.name, Rule::All);
        node.service = Some(ServiceInfo::default());
        builder.node(node.member(system, Effect::Required));
        id
    }
}

impl Scanner for NodeId {
    fn place(self: Box<Self>, _: &str, _: &mut Builder<'_>) -> NodeId {
        *self
    }
}

impl Scanner for Request {
    fn place(self: Box<Self>, _: &str, builder: &mut Builder<'_>) -> NodeId {
        let id = self.id();
        let title = self.title.clone();
        if let Err(error) = builder.instrument(*self) {
            builder.unknown(id.clone(), title, &error);
        }
        id
    }
}

fn place_system(
    path: &str,
    name: &Arc<str>,
    rule: Rule,
    effect: Effect,
    scanners: Scanners,
    builder: &mut Builder<'_>,
) -> NodeId {
    let id = unused_id("alpacalert.io/System", path, name, builder);
    let mut node = Node::system(id.clone(), name.clone(), rule);
    for scanner in scanners {
        node = node.member(scanner.place(id.reference(), builder), effect);
    }
    builder.node(node);
    id
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}/{name}")
    }
}

/// An identity below `path`. The second of two that are named alike gets a number, or one of them would be lost.
fn unused_id(kind: &'static str, path: &str, name: &str, builder: &mut Builder<'_>) -> NodeId {
    let id = |name: &str| NodeId::new("local", Kind::of(kind), join(path, name));
    builder.unused(id(name), |n| id(&format!("{name} ({n})")))
}

impl From<State> for SensorConstant {
    /// A constant named after its state. The time is set when it is measured.
    fn from(state: State) -> Self {
        let at = Timestamp::UNIX_EPOCH;
        let reason = Reason::fixed("constant");
        SensorConstant::new(state.as_str(), Observation::new(state, reason, at))
    }
}

#[cfg(test)]
mod tests;
