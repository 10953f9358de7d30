//! A table: one line per service and per leaf.

use alpacalert_model::{NodeRef, State};

use crate::evidence::{evidence, good_news};
use crate::headline::Headline;
use crate::look::{Look, Tone, span};
use crate::text::{one_line, shown_width};
use crate::view::{View, is_leaf};
use crate::when::ago;

/// The widest the title and the owner may be: one long title shall not push the reasons off the screen.
const WIDEST: [usize; 2] = [60, 30];
/// The least room for the reasons.
const REASONS: usize = 20;

/// One line per service and per leaf, services first, then the worst: state, title, owner, since, why. On a terminal what
/// does not fit is cut.
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
    let rows: Vec<[String; 5]> = nodes.iter().map(|node| row(view, *node, look)).collect();
    let heads = ["STATE", "TITLE", "OWNER", "SINCE", "WHY"].map(str::to_owned);
    let widths = widths(&rows, look);
    let mut out = String::new();
    let lines = std::iter::once((None, &heads)).chain(nodes.iter().map(Some).zip(&rows));
    for (node, cells) in lines {
        let mut spans = Vec::new();
        for (nth, (cell, width)) in cells
            .iter()
            .zip(widths)
            .enumerate()
            .filter(|(_, (_, width))| *width > 0)
        {
            let tone = match node {
                None => Tone::Quiet,
                Some(node) if nth == 0 => Tone::State(node.state()),
                Some(_) => Tone::Plain,
            };
            let last = nth + 1 == cells.len();
            let fits = if last && look.width.is_none() {
                cell.clone()
            } else {
                padded(cell, width)
            };
            spans.push(span(tone, fits));
        }
        let whole = Look {
            width: None,
            ..look
        };
        whole.line(&mut out, "", "", &spans);
    }
    out
}

/// The widths of the columns; 0 for one in which nothing stands.
fn widths(rows: &[[String; 5]], look: Look) -> [usize; 5] {
    let mut widths = [0; 5];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(shown_width(cell));
        }
    }
    // No narrower than the head of the column, where there is one.
    for (width, least) in widths.iter_mut().zip([5, 5, 5, 5, 3]) {
        *width = if *width == 0 { 0 } else { (*width).max(least) };
    }
    let [title, owner] = match look.width {
        Some(width) => [(width / 3).min(WIDEST[0]), (width / 5).min(WIDEST[1])],
        None => WIDEST,
    };
    widths[1] = widths[1].min(title);
    widths[2] = widths[2].min(owner);
    if let Some(width) = look.width {
        let left: usize = widths[..4]
            .iter()
            .filter(|width| **width > 0)
            .map(|width| width + 2)
            .sum();
        widths[4] = widths[4].min(width.saturating_sub(left).max(REASONS));
    }
    widths
}

fn row(view: &View<'_>, node: NodeRef<'_>, look: Look) -> [String; 5] {
    let why = match (node.state(), is_leaf(node)) {
        (State::Passing, true) => good_news(node, true).unwrap_or_default(),
        (State::Passing, false) => String::new(),
        (_, true) => evidence(node).join("; "),
        (_, false) => Headline::of(view, node).why,
    };
    [
        format!("{} {}", look.shape(node.state()).text, node.state()),
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

/// Names with what they stand for, in two columns; the second is broken where it is too long.
pub fn columns(rows: &[(String, String)], look: Look) -> String {
    let width = rows
        .iter()
        .map(|(name, _)| shown_width(name))
        .max()
        .unwrap_or(0);
    let indent = " ".repeat(width + 2);
    let mut out = String::new();
    for (name, text) in rows {
        let name = padded(name, width);
        look.line(
            &mut out,
            &name,
            &indent,
            &[span(Tone::Plain, one_line(text))],
        );
    }
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
