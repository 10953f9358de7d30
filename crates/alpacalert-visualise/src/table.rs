//! A table: one line per service and per leaf.

use alpacalert_model::{NodeRef, State};

use crate::evidence::{evidence, good_news};
use crate::headline::Headline;
use crate::look::{Look, Tone, span};
use crate::text::{one_line, shown_width};
use crate::view::{View, is_leaf};
use crate::when::ago;

/// The widest a column may be before the last one, in columns of the terminal: one long title shall not push the reasons
/// off the screen.
const WIDEST: usize = 40;

/// One line per service and per leaf, services first, then the worst: state, title, owner, since, why.
///
/// `only`: show only these states; empty for all.
pub fn table(view: &View<'_>, only: &[State], look: Look) -> String {
    let mut nodes: Vec<NodeRef<'_>> = view
        .nodes()
        .into_iter()
        .filter(|node| node.service().is_some() || is_leaf(*node))
        .filter(|node| only.is_empty() || only.contains(&node.state()))
        .collect();
    nodes.sort_by_key(|node| (node.service().is_none(), std::cmp::Reverse(node.state())));
    let rows: Vec<[String; 5]> = nodes.iter().map(|node| row(view, *node)).collect();
    let heads = ["STATE", "TITLE", "OWNER", "SINCE", "WHY"];
    let mut widths = heads.map(str::len);
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(shown_width(cell)).min(WIDEST);
        }
    }
    // The shape stands before the word.
    widths[0] += 2;
    let mut out = String::new();
    let head: String = heads
        .iter()
        .zip(widths)
        .map(|(head, width)| padded(head, width))
        .collect();
    look.line(&mut out, "", "", &[span(Tone::Quiet, head.trim_end())]);
    let left = widths[..4].iter().sum::<usize>() + 8;
    // Where little room is left for the reasons, their further lines begin further left.
    let tight = look.width.is_some_and(|width| left > width / 2);
    let indent = " ".repeat(if tight { 4 } else { left });
    for (node, row) in nodes.iter().zip(&rows) {
        let state = format!("{} {}", look.shape(node.state()).text, row[0]);
        let mut spans = vec![span(Tone::State(node.state()), padded(&state, widths[0]))];
        for (cell, width) in row[1..4].iter().zip(&widths[1..4]) {
            spans.push(span(Tone::Plain, padded(cell, *width)));
        }
        spans.push(span(Tone::Plain, &row[4]));
        look.line(&mut out, "", &indent, &spans);
    }
    out
}

fn row(view: &View<'_>, node: NodeRef<'_>) -> [String; 5] {
    let why = match (node.state(), is_leaf(node)) {
        (State::Passing, true) => good_news(node, true).unwrap_or_default(),
        (State::Passing, false) => String::new(),
        (_, true) => evidence(node).join("; "),
        (_, false) => Headline::of(view, node).why,
    };
    [
        node.state().to_string(),
        one_line(node.title()),
        node.owner()
            .map_or_else(String::new, |owner| one_line(owner)),
        view.since(node)
            .map_or_else(String::new, |since| ago(view.now, since)),
        why,
    ]
}

/// The text cut or filled to a width, with a gap of two behind it.
fn padded(text: &str, width: usize) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if shown_width(&out) + shown_width(&c.to_string()) + usize::from(shown_width(text) > width)
            > width
        {
            out.push('…');
            break;
        }
        out.push(c);
    }
    let fill = (width + 2).saturating_sub(shown_width(&out));
    out.push_str(&" ".repeat(fill));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_have_one_width() {
        for text in [
            "",
            "short",
            "exactly te",
            "longer than ten",
            "監視監視監視監視",
        ] {
            assert_eq!(shown_width(&padded(text, 10)), 12, "{text}");
        }
        assert_eq!(padded("longer than ten", 10), "longer th…  ");
    }
}
