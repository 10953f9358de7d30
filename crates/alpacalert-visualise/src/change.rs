//! One line about one change.

use alpacalert_model::{NodeId, Transition};

use crate::evidence::evidence;
use crate::look::{Look, Tone, span};
use crate::text::one_line;
use crate::view::View;

/// `2026-11-22 10:02:03 ✕ http https://example.com  passing → failing, web-team: connection refused`.
///
/// One line, never broken: it may be read by `grep`. The reason is the node's present one.
pub fn change_line(view: &View<'_>, id: &NodeId, transition: &Transition, look: Look) -> String {
    let (before, after) = transition.shown;
    let time = transition.at.to_zoned(view.zone.clone());
    let node = view.graph.key(id).and_then(|key| view.graph.get(key));
    let title = node.map_or_else(|| one_line(id.reference()), |node| one_line(node.title()));
    let mut spans = vec![
        span(Tone::Quiet, time.strftime("%Y-%m-%d %H:%M:%S ").to_string()),
        look.shape(after),
        span(Tone::Strong, format!(" {title}  ")),
    ];
    if before == after {
        let (_, confirmed) = transition.confirmed;
        spans.push(span(
            Tone::State(after),
            format!("{after}, confirmed as {confirmed}"),
        ));
    } else {
        spans.push(span(Tone::Quiet, format!("{before} → ")));
        spans.push(span(Tone::State(after), after.as_str()));
        if transition.confirmed.1 != after {
            spans.push(span(Tone::Quiet, " (not confirmed yet)"));
        }
    }
    if let Some(owner) = node.and_then(|node| node.owner()) {
        spans.push(span(Tone::Quiet, format!(", {}", one_line(owner))));
    }
    let said = node
        .filter(|node| node.state() == after && after != alpacalert_model::State::Passing)
        .and_then(|node| evidence(node).into_iter().next());
    if let Some(said) = said {
        spans.push(span(Tone::Plain, format!(": {said}")));
    }
    let mut out = String::new();
    look_without_width(look).line(&mut out, "", "", &spans);
    out
}

fn look_without_width(look: Look) -> Look {
    Look {
        width: None,
        ..look
    }
}
