//! JUnit XML, for continuous integration.

use std::fmt::Write as _;

use alpacalert_model::{NodeRef, State};

use crate::evidence::evidence;
use crate::text::one_line;
use crate::view::{View, is_leaf};

/// One test case per leaf: Failing is a failure, Unknown an error, Degraded passes with a word on standard output.
pub fn junit(view: &View<'_>) -> String {
    let checks = view.checks();
    let counts = format!(
        "tests=\"{}\" failures=\"{}\" errors=\"{}\"",
        checks.total(),
        checks.of(State::Failing),
        checks.of(State::Unknown)
    );
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(out, "<testsuites {counts}>");
    let _ = writeln!(
        out,
        "  <testsuite name=\"{}\" {counts} timestamp=\"{}\">",
        escaped(&view.instance),
        view.now.strftime("%Y-%m-%dT%H:%M:%S")
    );
    for node in view.nodes().into_iter().filter(|node| is_leaf(*node)) {
        case(&mut out, node);
    }
    out.push_str("  </testsuite>\n</testsuites>\n");
    out
}

fn case(out: &mut String, node: NodeRef<'_>) {
    let (class, name) = (escaped(&node.id().to_string()), escaped(node.title()));
    let _ = write!(out, "    <testcase classname=\"{class}\" name=\"{name}\"");
    let said: Vec<String> = evidence(node).iter().map(|text| escaped(text)).collect();
    let first = said.first().map_or("", String::as_str);
    let kind = escaped(node.status().reason.as_str());
    let all = said.join("\n");
    let _ = match node.state() {
        State::Passing => writeln!(out, "/>"),
        State::Degraded => writeln!(
            out,
            ">\n      <system-out>degraded: {all}</system-out>\n    </testcase>"
        ),
        State::Unknown => writeln!(
            out,
            ">\n      <error type=\"{kind}\" message=\"{first}\">{all}</error>\n    </testcase>"
        ),
        State::Failing => writeln!(
            out,
            ">\n      <failure type=\"{kind}\" message=\"{first}\">{all}</failure>\n    </testcase>"
        ),
    };
}

/// Text for XML, in attributes too: on one line, and without the characters that XML 1.0 does not allow at all
/// (section 2.2, `Char`), which no escape can save.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in one_line(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\u{fffe}' | '\u{ffff}' => {}
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_xml_allows_is_left() {
        assert_eq!(
            escaped("<a href='\"'>&\u{1}\u{ffff}\n]]>"),
            "&lt;a href=&apos;&quot;&apos;&gt;&amp;\u{fffd} ]]&gt;"
        );
    }
}
