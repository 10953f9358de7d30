//! Why, and what else.

use alpacalert_model::{Cause, ExplainLimits, Explanation, Impact, Margin, State};
use alpacalert_visualise::{Look, explain, impact};
use insta::assert_snapshot;

use crate::world::{key, reports, view};

#[test]
fn an_explanation_names_the_way_the_evidence_and_the_remedy() {
    let graph = reports().graph();
    let node = graph.get(key(&graph, "Generating reports")).unwrap();
    let leaf = graph.get(key(&graph, "queue reports")).unwrap();
    let explanation = Explanation {
        causes: vec![Cause {
            node: leaf.key(),
            path: vec![node.key(), key(&graph, "Message queue"), leaf.key()],
            owner: leaf.owner().cloned(),
            also: Vec::new(),
        }],
        causes_cut: false,
        repair_sets: vec![vec![leaf.key()]],
        repair_sets_cut: false,
        margin: Margin::None,
        blame: vec![],
        edges: 2,
    };
    assert_snapshot!(explain(&view(&graph), node, &explanation, Look::default()));
}

#[test]
fn what_passes_tells_its_margin() {
    let graph = reports().graph();
    let node = graph.get(key(&graph, "Viewing reports")).unwrap();
    let mut explanation = graph
        .explain(node.key(), &ExplainLimits::default())
        .unwrap();
    explanation.margin = Margin::Failures(vec![key(&graph, "nginx")]);
    let text = explain(&view(&graph), node, &explanation, Look::default());
    assert!(
        text.contains("one more failure takes it down: nginx"),
        "{text}"
    );
}

#[test]
fn impact_lists_the_services_that_change() {
    let graph = reports().graph();
    let node = graph.get(key(&graph, "disk /srv/reports")).unwrap();
    let impacts = [Impact {
        service: key(&graph, "Viewing reports"),
        from: State::Passing,
        to: State::Failing,
    }];
    assert_snapshot!(impact(&view(&graph), node, &impacts, Look::default()));
    assert_snapshot!(
        "no_impact",
        impact(&view(&graph), node, &[], Look::default())
    );
}
