//! The middle of Alpacalert: what health is, how it travels, and why a thing is not well.
//!
//! This crate is pure. It takes facts and a time, and gives back states, changes and reasons. It does no I/O, has no
//! tasks, keeps no clock and cannot fail for any reason of its own; that is why all of it can be tested in memory.
//!
//! | word | type |
//! |---|---|
//! | what a sensor saw | [`Observation`] |
//! | how a node is | [`Status`], [`State`] |
//! | what kind of thing a node is | [`Kind`] |
//! | which thing it is | [`NodeId`] |
//! | how a system judges its members | [`Rule`], [`Effect`] |
//! | what should be in the graph | [`Blueprint`] |
//! | the graph itself | [`Graph`] |

mod blueprint;
mod confirm;
mod explain;
mod graph;
mod id;
mod kind;
mod measurement;
mod nearest;
mod rule;
mod state;
mod status;
mod text;

pub use blueprint::{Blueprint, Edge, Member, Node, Role, ServiceInfo};
pub use confirm::{Confirmation, Patience};
pub use explain::{Blame, Cause, ExplainLimits, Explanation, Impact, Margin};
pub use graph::{Applied, Change, Graph, NodeKey, NodeRef, PathError, Refused, Transition, Update};
pub use id::NodeId;
pub use jiff::Timestamp;
pub use kind::{Kind, KindError};
pub use measurement::{Bound, Limits, Measurement, Unit};
pub use rule::{Effect, Judgement, Rule, Sums, Threshold};
pub use state::State;
pub use status::{
    Maintenance, Mark, Marks, Message, Observation, Origin, Reason, Severity, Status,
};
pub use text::sanitize;
