//! What should be in the graph: plain data, made by whoever knows an external system.

use std::sync::Arc;

use crate::{Effect, NodeId, Rule};

/// The nodes that one source wants in the graph. Applied as a difference to what the same source wanted before.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Blueprint {
    /// The nodes, in any order. Members may name nodes of other sources, and nodes that do not exist.
    pub nodes: Vec<Node>,
}

/// One node as its source wants it.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Which thing it is.
    pub id: NodeId,
    /// What people call it.
    pub title: Arc<str>,
    /// Whose it is; inherited from the nearest ancestor that names one when absent.
    pub owner: Option<Arc<str>>,
    /// Sensor or system.
    pub role: Role,
    /// Present when others may rely on it: then it is a Service.
    pub service: Option<ServiceInfo>,
    /// Its members in the order to show them. A sensor has none.
    pub members: Vec<Member>,
}

/// What a node does to get its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It is observed.
    Sensor,
    /// It judges its members.
    System {
        /// How.
        rule: Rule,
        /// A Passing result becomes Degraded if fewer members than this contribute Passing.
        degraded_below: Option<u32>,
    },
}

impl Role {
    /// A system whose every member must pass.
    pub const ALL: Role = Role::System {
        rule: Rule::All,
        degraded_below: None,
    };
}

/// What makes a node a Service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceInfo {
    /// Whether it may be shown to everybody.
    pub public: bool,
}

/// A child of a system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Which node.
    pub id: NodeId,
    /// How it counts.
    pub edge: Edge,
}

/// How a child counts for its parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// What its state contributes.
    pub effect: Effect,
    /// How much it counts, where the rule weighs. At least 1.
    pub weight: u32,
}

impl Default for Edge {
    fn default() -> Self {
        Edge {
            effect: Effect::Required,
            weight: 1,
        }
    }
}

impl From<Effect> for Edge {
    fn from(effect: Effect) -> Self {
        Edge { effect, weight: 1 }
    }
}

impl Node {
    /// A sensor.
    pub fn sensor(id: NodeId, title: impl Into<Arc<str>>) -> Self {
        Node {
            id,
            title: title.into(),
            owner: None,
            role: Role::Sensor,
            service: None,
            members: Vec::new(),
        }
    }

    /// A system with a rule and no members yet.
    pub fn system(id: NodeId, title: impl Into<Arc<str>>, rule: Rule) -> Self {
        Node {
            role: Role::System {
                rule,
                degraded_below: None,
            },
            ..Node::sensor(id, title)
        }
    }

    /// Adds a member.
    #[must_use]
    pub fn member(mut self, id: NodeId, edge: impl Into<Edge>) -> Self {
        self.members.push(Member {
            id,
            edge: edge.into(),
        });
        self
    }
}
