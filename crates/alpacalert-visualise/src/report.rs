//! The record for programs: JSON and YAML. A contract: keys are added, never changed, within one `version`.

mod node;

use alpacalert_model::{Explanation, Impact, Margin, NodeKey, NodeRef, State};
use serde::Serialize;

use crate::headline::{BRIEF, Headline, overview};
use crate::view::{Counts, View, is_leaf};
use node::clean;

pub use node::{
    BoundRecord, LimitsRecord, MaintenanceRecord, MeasurementRecord, MemberRecord, MessageRecord,
    NodeRecord, ServiceRecord,
};

/// Everything that is shown of a graph.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The version of this record's form: 1.
    pub version: u32,
    /// The instance that made it.
    pub instance: String,
    /// When it was made: RFC 3339, in UTC.
    pub generated_at: String,
    /// What there is to say at a glance.
    pub summary: SummaryRecord,
    /// The identities of the nodes that the report begins at.
    pub roots: Vec<String>,
    /// The roots and everything below them, each once, parents before their members.
    pub nodes: Vec<NodeRecord>,
}

/// What there is to say at a glance.
#[derive(Clone, Debug, Serialize)]
pub struct SummaryRecord {
    /// The worst state of the roots.
    pub state: &'static str,
    /// The sentence about the worst service or root, or that all is well.
    pub headline: String,
    /// How many services are in each state.
    pub services: StateCounts,
    /// How many leaves, the things that are observed, are in each state.
    pub checks: StateCounts,
}

/// How many things are in each state.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct StateCounts {
    /// Passing.
    pub passing: usize,
    /// Degraded.
    pub degraded: usize,
    /// Unknown.
    pub unknown: usize,
    /// Failing.
    pub failing: usize,
}

impl From<Counts> for StateCounts {
    fn from(counts: Counts) -> Self {
        StateCounts {
            passing: counts.of(State::Passing),
            degraded: counts.of(State::Degraded),
            unknown: counts.of(State::Unknown),
            failing: counts.of(State::Failing),
        }
    }
}

impl Report {
    /// The version of the record's form.
    pub const VERSION: u32 = 1;

    /// The record of a view.
    pub fn of(view: &View<'_>) -> Self {
        let overview = overview(view);
        Report {
            version: Report::VERSION,
            instance: view.instance.clone(),
            generated_at: view.now.to_string(),
            summary: SummaryRecord {
                state: overview.state.as_str(),
                headline: overview.to_string(),
                services: overview.services.into(),
                checks: overview.checks.into(),
            },
            roots: view
                .roots()
                .map(|node| clean(&node.id().to_string()))
                .collect(),
            nodes: view
                .nodes()
                .into_iter()
                .map(|node| NodeRecord::of(node, causes(view, node)))
                .collect(),
        }
    }
}

/// The causes of services and roots that are not Passing: those are what somebody asks about, and each costs a search.
fn causes(view: &View<'_>, node: NodeRef<'_>) -> Option<Vec<String>> {
    if node.service().is_none() && !view.roots.contains(&node.key()) || is_leaf(node) {
        return None;
    }
    let explanation = view.graph.explain(node.key(), &BRIEF)?;
    Some(ids(view, explanation.causes.iter().map(|cause| cause.node)))
}

fn ids(view: &View<'_>, keys: impl IntoIterator<Item = NodeKey>) -> Vec<String> {
    keys.into_iter()
        .filter_map(|key| view.graph.get(key))
        .map(|node| clean(&node.id().to_string()))
        .collect()
}

/// Why a node is as it is.
#[derive(Clone, Debug, Serialize)]
pub struct ExplanationRecord {
    /// The version of this record's form: 1.
    pub version: u32,
    /// The node.
    pub node: NodeRecord,
    /// The sentence about it.
    pub headline: String,
    /// `ours`, `not ours` or `partly ours`, as its owner sees it; `null` when no owners are named.
    pub blame: Option<&'static str>,
    /// The leaves that hold it there, each with the way to it: from the node to the leaf.
    pub causes: Vec<Vec<String>>,
    /// Whether there are more causes than are listed.
    pub causes_cut: bool,
    /// The smallest sets of leaves whose recovery makes it Passing.
    pub repair_sets: Vec<Vec<String>>,
    /// Whether there are more, or larger, sets than are listed.
    pub repair_sets_cut: bool,
    /// The leaves that together make it Failing if they fail; `null` when it is Failing already, or none were found.
    pub margin: Option<Vec<String>>,
}

impl ExplanationRecord {
    /// The record of an explanation.
    pub fn of(view: &View<'_>, node: NodeRef<'_>, explanation: &Explanation) -> Self {
        let headline = Headline::from_explanation(view, node, Some(explanation));
        let each = |sets: &[Vec<NodeKey>]| {
            sets.iter()
                .map(|set| ids(view, set.iter().copied()))
                .collect()
        };
        ExplanationRecord {
            version: Report::VERSION,
            node: NodeRecord::of(node, causes(view, node)),
            headline: headline.to_string(),
            blame: headline.whose.map(|whose| whose.as_str()),
            causes: explanation
                .causes
                .iter()
                .map(|cause| ids(view, cause.path.iter().copied()))
                .collect(),
            causes_cut: explanation.causes_cut,
            repair_sets: each(&explanation.repair_sets),
            repair_sets_cut: explanation.repair_sets_cut,
            margin: match &explanation.margin {
                Margin::Failures(set) => Some(ids(view, set.iter().copied())),
                _ => None,
            },
        }
    }
}

/// A service that changes when a node fails.
#[derive(Clone, Debug, Serialize)]
pub struct ImpactRecord {
    /// The identity of the service.
    pub service: String,
    /// What people call it.
    pub title: String,
    /// Whose it is.
    pub owner: Option<String>,
    /// Its state without the failure: now, or, of a node that is failing already, if it alone passed.
    pub from: &'static str,
    /// Its state with the failure.
    pub to: &'static str,
}

impl ImpactRecord {
    /// The records of what a node takes down.
    pub fn all(view: &View<'_>, impacts: &[Impact]) -> Vec<Self> {
        impacts
            .iter()
            .filter_map(|impact| {
                let service = view.graph.get(impact.service)?;
                Some(ImpactRecord {
                    service: clean(&service.id().to_string()),
                    title: clean(service.title()),
                    owner: service.owner().map(|owner| clean(owner)),
                    from: impact.from.as_str(),
                    to: impact.to.as_str(),
                })
            })
            .collect()
    }
}

/// A record as YAML. Texts that a YAML reader could take for something else are quoted.
///
/// # Errors
///
/// When the record cannot be written as YAML.
pub fn to_yaml(record: &impl Serialize) -> Result<String, serde_saphyr::ser::Error> {
    serde_saphyr::to_string(record)
}
