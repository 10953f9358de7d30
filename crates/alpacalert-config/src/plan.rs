//! The validated plan: what a configuration asks for, as plain data.

mod access;

use std::sync::Arc;
use std::time::Duration;

pub use access::{
    AccessPlan, Anonymous, GroupAccess, LimitsPlan, Network, OidcPlan, ProxyPlan, ScopePlan,
    ServePlan, TlsPlan, TokenPlan, UserPlan,
};

use alpacalert_instrument::{Params, Request, ScheduleOverrides, Window};
use alpacalert_model::{Edge, Kind, NodeId, Rule};

/// What a configuration asks for. Names are checked, values are typed; nothing has been opened, and secrets are not read.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// This instance's name: where its services come from, as other instances see it.
    pub instance: Arc<str>,
    /// Whose everything is that names no owner.
    pub owner: Option<Arc<str>>,
    /// How often and how patiently sensors are measured that do not say so themselves.
    pub defaults: ScheduleOverrides,
    /// How much is measured at a time.
    pub concurrency: Concurrency,
    /// For how long it remembers.
    pub history: HistoryPlan,
    /// How it is served; [`ServePlan::of`] reads it once secrets are resolved.
    pub serve: Params,
    /// Who may see it, if there are rules; [`AccessPlan::of`] reads it once secrets are resolved.
    pub access: Option<Params>,
    /// Connections to external systems.
    pub sources: Vec<SourcePlan>,
    /// Systems and services, in the order written.
    pub groups: Vec<GroupPlan>,
    /// Sensors that are added to every thing of a kind.
    pub extensions: Vec<ExtensionPlan>,
}

/// For how long things are remembered. `None` leaves it to the program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HistoryPlan {
    /// Changes of state, and everything as it was.
    pub transitions: Option<Duration>,
    /// Measured values.
    pub measurements: Option<Duration>,
    /// What is left of them, by the hour.
    pub hours: Option<Duration>,
    /// What is left of them, and of states, by the day.
    pub days: Option<Duration>,
}

/// How much is measured at a time, so that a slow or hung target hurts nobody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Concurrency {
    /// The most measurements over the network at a time.
    pub network: usize,
    /// The most processes at a time.
    pub processes: usize,
    /// The most fetches from one source at a time, and the most measurements of its nodes.
    pub per_source: usize,
}

impl Default for Concurrency {
    /// Sockets are cheap and may all hang: many. Processes cost memory and processor time: a few per core would do, and
    /// plugins mostly wait.
    fn default() -> Self {
        Concurrency {
            network: 20_000,
            processes: 64,
            per_source: 64,
        }
    }
}

/// A connection to an external system.
#[derive(Clone, Debug, PartialEq)]
pub struct SourcePlan {
    /// Its name: the first part of the identity of everything that comes from it.
    pub name: Arc<str>,
    /// Its sort: the word under which its provider is registered.
    pub provider: String,
    /// The keys that were given for it.
    pub params: Params,
    /// How often it is fetched, and how long that may take, where that is said.
    pub schedule: ScheduleOverrides,
    /// Whose its things are.
    pub owner: Option<Arc<str>>,
}

/// A system or a service.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupPlan {
    /// Its identity: `local/alpacalert.io/System/queue`, `local/alpacalert.io/Service/report-viewing`.
    pub id: NodeId,
    /// What people call it.
    pub title: Option<Arc<str>>,
    /// Whose it is.
    pub owner: Option<Arc<str>>,
    /// For a service: whether everybody may see it.
    pub service: Option<bool>,
    /// How it judges its members.
    pub rule: Rule,
    /// A Passing result becomes Degraded if fewer members than this contribute Passing.
    pub degraded_below: Option<u32>,
    /// Its members, in the order written.
    pub members: Vec<MemberPlan>,
    /// When work on it is planned.
    pub maintenance: Vec<Window>,
}

/// A member of a system or a service.
#[derive(Clone, Debug, PartialEq)]
pub struct MemberPlan {
    /// How it counts.
    pub edge: Edge,
    /// What it is.
    pub target: MemberTarget,
}

/// What a member is.
#[derive(Clone, Debug, PartialEq)]
pub enum MemberTarget {
    /// Another system or service of this configuration.
    Node(NodeId),
    /// A thing of a kind.
    Request(Box<Request>),
    /// Nodes of a source, by a path of titles or references from its roots, in which `*` stands for all: `*` alone for all roots.
    /// Everything that matches is a member; nothing that matches is one Unknown member that says so.
    Found {
        /// The source.
        source: Arc<str>,
        /// The path.
        path: Vec<String>,
    },
}

/// Sensors that are added to every thing of a kind. Texts in their parameters may hold placeholders such as `{name}`.
#[derive(Clone, Debug, PartialEq)]
pub struct ExtensionPlan {
    /// The kind.
    pub kind: Kind,
    /// What is added, with how it counts. The reference of each request is made anew for each thing, after the
    /// placeholders are filled in, with [`KindSpec::reference_of`](alpacalert_instrument::KindSpec::reference_of).
    pub members: Vec<MemberPlan>,
}

impl Plan {
    /// A plan without sources, systems and services.
    pub fn new(instance: impl Into<Arc<str>>) -> Self {
        Plan {
            instance: instance.into(),
            owner: None,
            defaults: ScheduleOverrides::default(),
            concurrency: Concurrency::default(),
            history: HistoryPlan::default(),
            serve: Params::new(),
            access: None,
            sources: Vec::new(),
            groups: Vec::new(),
            extensions: Vec::new(),
        }
    }
}
