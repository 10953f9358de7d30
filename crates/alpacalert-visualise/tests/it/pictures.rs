//! Graphviz and Mermaid.

use std::io::Write as _;
use std::process::{Command, Stdio};

use alpacalert_visualise::{dot, mermaid};
use insta::assert_snapshot;

use crate::world::{hostile, reports, view};

#[test]
fn dot_and_mermaid_of_the_reports() {
    let graph = reports().graph();
    assert_snapshot!("dot", dot(&view(&graph), true));
    assert_snapshot!("mermaid", mermaid(&view(&graph), true));
}

/// What Graphviz reads from the text: its own list of nodes and edges.
fn plain(text: &str) -> Option<String> {
    let mut graphviz = Command::new(alpacalert_testkit::require("dot")?)
        .arg("-Tplain")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    graphviz
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let output = graphviz.wait_with_output().unwrap();
    assert!(output.status.success(), "graphviz refuses\n{text}");
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn graphviz_reads_every_node_and_edge() {
    let graph = reports().graph();
    if let Some(read) = plain(&dot(&view(&graph), true)) {
        let count = |word: &str| read.lines().filter(|line| line.starts_with(word)).count();
        assert_eq!(count("node "), graph.len(), "{read}");
        let edges: usize = graph.nodes().map(|node| node.children().count()).sum();
        assert_eq!(count("edge "), edges, "{read}");
    }
}

#[test]
fn graphviz_reads_hostile_text_as_text() {
    let graph = hostile();
    if let Some(read) = plain(&dot(&view(&graph), true)) {
        assert_eq!(
            read.lines()
                .filter(|line| line.starts_with("node "))
                .count(),
            3,
            "{read}"
        );
    }
}

#[test]
fn mermaid_labels_hold_nothing_but_text() {
    let text = mermaid(&view(&hostile()), true);
    for line in text
        .lines()
        .filter(|line| line.starts_with("  n") && line.contains('"'))
    {
        let (_, rest) = line.split_once('"').unwrap();
        let (label, end) = rest.rsplit_once('"').unwrap();
        assert!(
            end.starts_with("]") || end.starts_with(")") || end.starts_with("|"),
            "{line}"
        );
        let label = label.replace("<br/>", "");
        for c in [
            '"', '<', '>', '&', '`', '|', '\\', '{', '[', '%', '\u{1b}', '\n',
        ] {
            assert!(!label.contains(c), "{c:?} in {line}");
        }
    }
    assert_eq!(
        text.lines().filter(|line| line.contains(":::")).count(),
        3,
        "{text}"
    );
}
