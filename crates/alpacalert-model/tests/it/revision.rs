//! What the graph keeps so that others need not look through all of it: the revision, by which those who keep what they made of
//! it know that it is still right, and its services.

use alpacalert_model::{
    Blueprint, Change, Edge, Graph, Maintenance, Mark, Marks, Node, NodeId, Observation, Reason,
    ServiceInfo, Severity, State, Timestamp, Update,
};
use proptest::prelude::*;

use crate::incremental::{Step, any_step, do_step};
use crate::support::{at, cases, id};

/// Everything that a node says, but for measurements and when it was looked at.
type Says = (
    NodeId,
    String,
    Option<String>,
    Option<ServiceInfo>,
    (State, State),
    Reason,
    Vec<String>,
    Option<Timestamp>,
    Marks,
    Vec<(NodeId, Edge)>,
);

fn said(graph: &Graph) -> Vec<Says> {
    let mut said: Vec<Says> = graph
        .nodes()
        .map(|node| {
            let messages = node.messages().iter().map(|m| m.text.to_string()).collect();
            let members = node
                .children()
                .map(|(child, edge)| (child.id().clone(), edge));
            (
                node.id().clone(),
                node.title().to_owned(),
                node.owner().map(|owner| owner.to_string()),
                node.service().cloned(),
                (node.state(), node.confirmed()),
                node.reason().clone(),
                messages,
                node.since(),
                node.marks(),
                members.collect(),
            )
        })
        .collect();
    said.sort_by(|one, other| one.0.cmp(&other.0));
    said
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn nothing_is_said_otherwise_without_another_revision(
        steps in prop::collection::vec(any_step(true), 1..12),
    ) {
        let mut graph = Graph::new();
        for (now, step) in steps.iter().enumerate() {
            let before = (said(&graph), graph.revision());
            do_step(&mut graph, step, now as i64);
            prop_assert!(
                before.0 == said(&graph) || before.1 != graph.revision(),
                "after {step:?}"
            );
        }
    }
}

/// The same step, in which what ann owns is a service.
fn served(mut step: Step) -> Step {
    let serve = |node: &mut Node| {
        node.service = (node.owner.as_deref() == Some("ann")).then(ServiceInfo::default);
    };
    match &mut step {
        Step::Apply(_, nodes) => nodes.iter_mut().for_each(serve),
        Step::Change(_, changes) => {
            for change in changes {
                if let Change::Set(node) = change {
                    serve(node);
                }
            }
        }
        Step::Observe(_) => {}
    }
    step
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn services_are_those_nodes_that_are(steps in prop::collection::vec(any_step(true), 1..12)) {
        let mut graph = Graph::new();
        for (now, step) in steps.into_iter().map(served).enumerate() {
            do_step(&mut graph, &step, now as i64);
            let services: Vec<_> = graph.services().map(|node| node.key()).collect();
            let all = graph.nodes().filter(|node| node.service().is_some());
            prop_assert_eq!(services, all.map(|node| node.key()).collect::<Vec<_>>());
        }
    }
}

fn sensor() -> Graph {
    let mut graph = Graph::new();
    let nodes = vec![Node::sensor(id("disk"), "disk")];
    graph.apply("one", Blueprint { nodes }, at(0));
    graph
}

fn see(graph: &mut Graph, said: &str, confirmed: State, now: i64) -> u64 {
    let node = graph.key(&id("disk")).expect("it is there");
    let observation = Observation::new(State::Failing, Reason::OK, at(now))
        .message(Severity::Error, said.to_owned());
    let update = Update {
        node,
        observation,
        confirmed,
    };
    graph.observe([update], at(now));
    graph.revision()
}

#[test]
fn what_is_seen_again_is_no_news() {
    let mut graph = sensor();
    let first = see(&mut graph, "full", State::Failing, 1);
    assert_eq!(see(&mut graph, "full", State::Failing, 2), first);
    let blueprint = Blueprint {
        nodes: vec![Node::sensor(id("disk"), "disk")],
    };
    graph.apply("one", blueprint, at(3));
    graph.change("one", [Change::Remove(id("none"))], at(3));
    assert_eq!(graph.revision(), first);
}

#[test]
fn everything_that_is_shown_counts() {
    let mut graph = sensor();
    let mut seen = vec![graph.revision()];
    seen.push(see(&mut graph, "full", State::Passing, 1));
    seen.push(see(&mut graph, "full", State::Failing, 2));
    seen.push(see(&mut graph, "fuller", State::Failing, 3));
    let disk = graph.key(&id("disk")).expect("it is there");
    graph.mark(disk, Mark::Flapping, true);
    seen.push(graph.revision());
    graph.mark(disk, Mark::Flapping, true);
    assert_eq!(graph.revision(), seen[4], "it was flapping already");
    graph.set_since(disk, at(-5));
    seen.push(graph.revision());
    for until in [10, 10, 20] {
        let until = at(until);
        let reason = "another disk".into();
        graph.maintain([(disk, Maintenance { until, reason })]);
        seen.push(graph.revision());
    }
    assert_eq!(seen.remove(7), seen[6], "the same work is planned");
    let renamed = Node::sensor(id("disk"), "the disk");
    graph.change("one", [Change::Set(renamed)], at(4));
    seen.push(graph.revision());
    graph.change("one", [Change::Remove(id("disk"))], at(5));
    seen.push(graph.revision());
    assert!(seen.is_sorted_by(|one, other| one < other), "{seen:?}");
}
