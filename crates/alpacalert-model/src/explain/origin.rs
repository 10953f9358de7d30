//! Faults elsewhere that are told of by several ways.

use std::cmp::Reverse;

use crate::{Cause, Graph, NodeRef, Origin};

/// The causes, each fault elsewhere once: of leaves that tell of the same, the worst one stays, and of those the one whose word came over
/// the fewest others. A leaf that tells of something else as well stays, too.
pub(super) fn merged(graph: &Graph, causes: Vec<Cause>) -> Vec<Cause> {
    let origins = |cause: &Cause| graph.get(cause.node).map_or(&[][..], NodeRef::origins);
    if causes.iter().all(|cause| origins(cause).is_empty()) {
        return causes;
    }
    let mut order: Vec<usize> = (0..causes.len()).collect();
    order.sort_by_key(|n| {
        let state = graph.get(causes[*n].node).map(NodeRef::confirmed);
        let hops = origins(&causes[*n]).iter().map(|origin| origin.hops).max();
        (Reverse(state), hops)
    });
    // For each cause the one that tells of all that it does, if there is one.
    let mut told_by: Vec<Option<usize>> = vec![None; causes.len()];
    let mut kept: Vec<usize> = Vec::new();
    for n in order {
        let own = origins(&causes[n]);
        let tells = |other: &usize| {
            let told = |origin: &Origin| {
                let theirs = origins(&causes[*other]).iter();
                theirs.map(|told| &told.id).any(|id| *id == origin.id)
            };
            !own.is_empty() && own.iter().all(told)
        };
        told_by[n] = kept.iter().copied().find(tells);
        if told_by[n].is_none() {
            kept.push(n);
        }
    }
    let also = |n: usize| {
        let others = told_by.iter().enumerate();
        let others = others.filter(move |(_, by)| **by == Some(n));
        others.map(|(other, _)| causes[other].node).collect()
    };
    let causes_of = causes.iter().enumerate();
    causes_of
        .filter(|(n, _)| told_by[*n].is_none())
        .map(|(n, cause)| Cause {
            also: also(n),
            ..cause.clone()
        })
        .collect()
}
