//! What programs are given.

use alpacalert_model::State;
use alpacalert_visualise::{Look, Report, junit, nagios, shown_width, table, to_yaml};
use insta::assert_snapshot;

use crate::world::{hostile, occurrences, reports, view};

fn json(report: &Report) -> serde_json::Value {
    serde_json::to_value(report).unwrap()
}

#[test]
fn the_record_holds_everything() {
    let graph = reports().graph();
    let text = serde_json::to_string_pretty(&Report::of(&view(&graph))).unwrap();
    assert_snapshot!(text);
}

#[test]
fn yaml_says_what_json_says() {
    for graph in [reports().graph(), hostile()] {
        let report = Report::of(&view(&graph));
        let yaml = to_yaml(&report).unwrap();
        let back: serde_json::Value = serde_saphyr::from_str(&yaml).unwrap();
        assert_eq!(back, json(&report), "{yaml}");
    }
}

#[test]
fn values_that_are_no_numbers_are_null() {
    let record = json(&Report::of(&view(&hostile())));
    let measurements = &record["nodes"][2]["measurements"];
    assert_eq!(measurements[0]["value"], serde_json::Value::Null);
    assert_eq!(
        measurements[0]["limits"]["degraded"],
        serde_json::Value::Null
    );
    assert_eq!(measurements[1]["value"], 1.0);
}

#[test]
fn a_table_has_one_line_per_service_and_leaf() {
    let graph = reports().graph();
    let text = table(&view(&graph), &[], Look::default());
    assert_snapshot!(text);
    let failing = table(&view(&graph), &[State::Failing], Look::default());
    assert_eq!(failing.lines().count(), 1 + 4, "{failing}");
    assert!(occurrences(&text).values().all(|n| *n == 1));
    for line in table(
        &view(&graph),
        &[],
        Look {
            width: Some(80),
            ..Look::default()
        },
    )
    .lines()
    {
        assert!(shown_width(line) <= 80, "{line}");
    }
}

#[test]
fn nagios_is_one_line_with_one_bar() {
    let text = nagios(&view(&reports().graph()));
    assert_snapshot!(text);
    for text in [text, nagios(&view(&hostile()))] {
        assert_eq!(text.matches('\n').count(), 1, "{text}");
        assert_eq!(text.matches('|').count(), 1, "{text}");
        let (_, performance) = text.split_once('|').unwrap();
        assert!(!performance.to_lowercase().contains("nan"), "{text}");
    }
}

#[test]
fn junit_counts_failures_and_errors() {
    assert_snapshot!(junit(&view(&reports().graph())));
}

const COUNT_FAILURES: &str = "import sys, xml.dom.minidom as m; d = m.parse(sys.stdin.buffer); print(len(d.getElementsByTagName('failure')))";

#[test]
fn junit_of_hostile_text_is_well_formed() {
    let text = junit(&view(&hostile()));
    for c in text.chars() {
        assert!(c == '\n' || !c.is_control() && c != '\u{ffff}', "{c:?}");
    }
    // Python's parser is strict about XML.
    let Some(python) = alpacalert_testkit::require("python3") else {
        return;
    };
    let mut python = std::process::Command::new(python)
        .args(["-c", COUNT_FAILURES])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut python.stdin.take().unwrap(), text.as_bytes()).unwrap();
    let output = python.wait_with_output().unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stdout).trim(),
        "2",
        "{text}"
    );
}
