//! Nodes: NODE-1 to NODE-8.

use super::{Judge, words};
use crate::kinds;
use crate::object::control::Node;
use crate::object::{Body, Condition, condition};
use crate::options::{NODE_LEASE, NODE_REPORT};

/// Conditions that say yes when all is well; any other one that says yes reports a problem.
const POSITIVE: &[&str] = &["Ready", "EtcdIsVoter"];
/// How often a node may change between ready and not within a quarter of an hour.
const MAX_CHANGES: usize = 2;

/// Whether it says that it is ready.
pub(super) fn is_ready(node: &Node) -> bool {
    condition(&node.status.conditions, "Ready").is_some_and(Condition::is_true)
}

pub(super) fn node(judge: &mut Judge<'_>, node: &Node) {
    readiness(judge, node);
    if node.spec.unschedulable {
        judge.passing("NODE-4", "Suspended", "cordoned: it takes no new pods");
    }
    for said in &node.status.conditions {
        match &*said.kind {
            "Ready" => {}
            "NetworkUnavailable" if said.is_true() => {
                judge.failing("NODE-3", "NetworkUnavailable", said.sentence())
            }
            "NetworkUnavailable" => {}
            "MemoryPressure" | "DiskPressure" | "PIDPressure" if said.is_true() => {
                judge.degraded("NODE-2", &said.kind, said.sentence());
            }
            "MemoryPressure" | "DiskPressure" | "PIDPressure" => {}
            kind if POSITIVE.contains(&kind) && !said.is_true() => {
                judge.degraded("NODE-8", kind, said.sentence());
            }
            kind if POSITIVE.contains(&kind) => {}
            kind if said.is_true() => judge.degraded("NODE-8", kind, said.sentence()),
            kind if &*said.status == "Unknown" && is_ready(node) => {
                judge.unknown("NODE-8", kind, said.sentence())
            }
            _ => {}
        }
    }
    taints(judge, node);
    lease(judge, node);
    flapping(judge);
}

fn readiness(judge: &mut Judge<'_>, node: &Node) {
    let said = condition(&node.status.conditions, "Ready");
    match said {
        Some(said) if said.is_true() => judge.passing("NODE-1", "ok", "ready"),
        Some(said) if node.spec.unschedulable => {
            judge.unknown(
                "NODE-1",
                "Maintenance",
                format!("cordoned and not ready: {}", said.sentence()),
            );
        }
        Some(said) => judge.failing(
            "NODE-1",
            "NotReady",
            format!("not ready: {}", said.sentence()),
        ),
        None if judge.within_since(None, judge.limit(NODE_REPORT)) => {
            judge.unknown(
                "NODE-1",
                "NotReported",
                "has not said yet whether it is ready",
            );
        }
        None => judge.failing("NODE-1", "NotReported", "does not say whether it is ready"),
    }
}

fn taints(judge: &mut Judge<'_>, node: &Node) {
    for taint in &node.spec.taints {
        match &*taint.key {
            "node.kubernetes.io/network-unavailable"
            | "node.cloudprovider.kubernetes.io/uninitialized" => {
                judge.unknown("NODE-5", "Uninitialized", format!("tainted {}", taint.key));
            }
            // The condition that led to these already tells; the taint only says what follows from it.
            "node.kubernetes.io/not-ready"
            | "node.kubernetes.io/unreachable"
            | "node.kubernetes.io/out-of-service" => {
                judge.warn(
                    "NODE-5",
                    "Tainted",
                    format!("tainted {}:{}", taint.key, taint.effect),
                );
            }
            _ => {}
        }
    }
}

/// NODE-6: a node that has stopped to renew its lease while the API server still shows it as ready.
fn lease(judge: &mut Judge<'_>, node: &Node) {
    if !judge.looks_around() || !is_ready(node) {
        return;
    }
    let lease = judge
        .cluster
        .get(kinds::LEASE, "kube-node-lease", judge.object.name());
    let Some(Body::Lease(lease)) = lease.map(|object| &object.body) else {
        return;
    };
    let Some(renewed) = lease.spec.renew_time else {
        return;
    };
    // The lease may have been read a while ago: it counts as of then.
    let read = judge.cluster.leases_read().unwrap_or(judge.now);
    let old = crate::object::age(read, renewed.0);
    if old >= judge.limit(NODE_LEASE) {
        let text = format!(
            "has not renewed its lease for {} and is still shown as ready",
            words(old)
        );
        judge.unknown("NODE-6", "LeaseStale", text);
    }
}

fn flapping(judge: &mut Judge<'_>) {
    let window = jiff::SignedDuration::from_mins(15);
    let changes = judge.cluster.node_changes(&judge.object.meta.uid);
    let recent: Vec<_> = changes
        .iter()
        .filter(|at| judge.within(**at, window))
        .collect();
    if recent.len() > MAX_CHANGES {
        let text = format!(
            "changed {} times between ready and not in a quarter of an hour",
            recent.len()
        );
        judge.degraded("NODE-7", "Flapping", text);
    }
}
