//! What work that is planned for now extends to.

use alpacalert_model::{
    Effect, Graph, Maintenance, Mark, Node, Rule, ServiceInfo, State, Timestamp,
};

use crate::support::{at, blueprint, graph, key, observe, sensor, state, system};

fn planned(until: Timestamp, reason: &str) -> Maintenance {
    Maintenance {
        until,
        reason: reason.into(),
    }
}

fn service(name: &str, members: &[&str]) -> Node {
    Node {
        service: Some(ServiceInfo { public: true }),
        ..system(name, Rule::All, members)
    }
}

/// Every node in maintenance, with when that ends and why, by name.
fn marked(graph: &Graph) -> Vec<(&str, Timestamp, &str)> {
    let mut marked: Vec<_> = graph
        .nodes()
        .filter_map(|node| {
            let maintenance = node.maintenance();
            assert_eq!(maintenance.is_some(), node.marks().has(Mark::Maintenance));
            let maintenance = maintenance?;
            Some((node.title(), maintenance.until, &*maintenance.reason))
        })
        .collect();
    marked.sort_unstable();
    marked
}

fn maintain(graph: &mut Graph, nodes: &[(&str, i64, &str)]) -> Vec<String> {
    let planned: Vec<_> = nodes
        .iter()
        .map(|(name, until, reason)| (key(graph, name), planned(at(*until), reason)))
        .collect();
    let changed = graph.maintain(planned);
    let title = |key| graph.get(key).expect("live").title().to_owned();
    let mut changed: Vec<String> = changed.into_iter().map(title).collect();
    changed.sort_unstable();
    changed
}

#[test]
fn it_extends_to_what_only_nodes_in_maintenance_are_made_of() {
    let mut graph = graph([
        service("shop", &["database", "web"]),
        system("database", Rule::All, &["disk", "network", "primary"]),
        system("primary", Rule::All, &["process"]),
        system("web", Rule::All, &["network"]),
        sensor("disk"),
        sensor("network"),
        sensor("process"),
    ]);
    let changed = maintain(&mut graph, &[("database", 60, "upgrade")]);
    assert_eq!(changed, ["database", "disk", "primary", "process"]);
    let upgrade = |name| (name, at(60), "upgrade");
    assert_eq!(
        marked(&graph),
        ["database", "disk", "primary", "process"].map(upgrade)
    );

    // For as long as both are.
    let changed = maintain(
        &mut graph,
        &[("database", 60, "upgrade"), ("web", 30, "certificate")],
    );
    assert_eq!(changed, ["network", "web"]);
    assert_eq!(marked(&graph)[2], ("network", at(30), "certificate"));
    let changed = maintain(&mut graph, &[("database", 60, "upgrade")]);
    assert_eq!(changed, ["network", "web"]);
    assert_eq!(maintain(&mut graph, &[]).len(), 4);
    assert_eq!(marked(&graph), []);
}

#[test]
fn it_extends_neither_to_services_nor_upwards() {
    let mut graph = graph([
        service("shop", &["payment"]),
        service("payment", &["queue"]),
        sensor("queue"),
    ]);
    maintain(&mut graph, &[("shop", 60, "")]);
    assert_eq!(marked(&graph), [("shop", at(60), "")]);
    maintain(&mut graph, &[("payment", 60, "")]);
    assert_eq!(
        marked(&graph),
        [("payment", at(60), ""), ("queue", at(60), "")]
    );
}

#[test]
fn of_what_is_planned_for_a_node_what_ends_last_counts() {
    let mut graph = graph([system("top", Rule::All, &["a"]), sensor("a")]);
    let all = [
        ("a", 10, "first"),
        ("a", 30, "second"),
        ("top", 20, "above"),
    ];
    maintain(&mut graph, &all);
    assert_eq!(
        marked(&graph),
        [("a", at(30), "second"), ("top", at(20), "above")]
    );
    maintain(&mut graph, &[("a", 10, "own"), ("top", 20, "above")]);
    assert_eq!(marked(&graph)[0], ("a", at(20), "above"));
}

#[test]
fn it_changes_no_state_and_goes_with_its_node() {
    let nodes = || [system("top", Rule::All, &["a"]), sensor("a")];
    let mut graph = graph(nodes());
    observe(&mut graph, &[("a", State::Failing)], at(1));
    maintain(&mut graph, &[("top", 60, "")]);
    assert_eq!(
        (state(&graph, "top"), state(&graph, "a")),
        (State::Failing, State::Failing)
    );
    // A node that takes the slot of one that is gone is another node.
    graph.apply("test", blueprint([]), at(2));
    graph.apply("test", blueprint(nodes()), at(3));
    assert_eq!(marked(&graph), []);
    let gone = key(&graph, "a");
    graph.apply("test", blueprint([system("top", Rule::All, &[])]), at(4));
    assert_eq!(graph.maintain([(gone, planned(at(60), ""))]), []);
}

#[test]
fn an_optional_parent_is_a_parent() {
    let mut graph = graph([
        system("a", Rule::All, &["leaf"]),
        system("b", Rule::All, &[]).member(crate::support::id("leaf"), Effect::Optional),
        sensor("leaf"),
    ]);
    maintain(&mut graph, &[("a", 60, "")]);
    assert_eq!(marked(&graph), [("a", at(60), "")]);
}
