//! Why a node is as it is, and what a node takes down.

use alpacalert_model::{Cause, Explanation, Impact, Margin, NodeKey, NodeRef, State};

use crate::evidence::{cause_evidence, good_news};
use crate::headline::Headline;
use crate::look::{Look, Span, Tone, span};
use crate::text::{one_line, plural};
use crate::view::View;
use crate::when::ago;

/// Why a node is as it is: the sentence, the way to each cause with its evidence, what would mend it, and how much more
/// it can bear.
pub fn explain(
    view: &View<'_>,
    node: NodeRef<'_>,
    explanation: &Explanation,
    look: Look,
) -> String {
    let mut out = String::new();
    let headline = Headline::from_explanation(view, node, Some(explanation));
    let mut spans = vec![look.shape(node.state()), span(Tone::Plain, " ")];
    spans.push(span(Tone::Strong, headline.to_string()));
    look.line(&mut out, "", "  ", &spans);
    section(
        &mut out,
        look,
        "",
        &[span(Tone::Quiet, one_line(&node.id().to_string()))],
    );
    if node.state() == State::Passing
        && let Some(text) = good_news(node, true)
    {
        section(&mut out, look, "", &[span(Tone::Quiet, text)]);
    }
    if !explanation.causes.is_empty() {
        out.push('\n');
        look.line(&mut out, "", "", &[span(Tone::Strong, "why")]);
        for cause in &explanation.causes {
            chain(&mut out, view, cause, look);
        }
        if explanation.causes_cut {
            section(
                &mut out,
                look,
                "",
                &[span(Tone::Quiet, "… and more causes than are listed")],
            );
        }
    }
    repairs(&mut out, view, explanation, look);
    margin(&mut out, view, &explanation.margin, look);
    out
}

fn section(out: &mut String, look: Look, mark: &str, spans: &[Span]) {
    look.line(out, &format!("  {mark}"), "    ", spans);
}

/// One cause: `✕ Generating reports → Message queue → queue reports`, and what the last one says.
fn chain(out: &mut String, view: &View<'_>, cause: &Cause, look: Look) {
    let Some(leaf) = view.graph.get(cause.node) else {
        return;
    };
    let mut spans = vec![look.shape(leaf.state()), span(Tone::Plain, " ")];
    let steps: Vec<_> = cause
        .path
        .iter()
        .filter_map(|key| view.graph.get(*key))
        .collect();
    for (nth, step) in steps.iter().enumerate() {
        let last = nth + 1 == steps.len();
        spans.push(span(
            if last { Tone::Strong } else { Tone::Quiet },
            one_line(step.title()),
        ));
        if !last {
            spans.push(span(Tone::Quiet, " → "));
        }
    }
    spans.push(span(
        Tone::State(leaf.state()),
        format!("  {}", leaf.state()),
    ));
    if let Some(since) = view.since(leaf) {
        spans.push(span(Tone::Quiet, format!(" for {}", ago(view.now, since))));
    }
    if let Some(owner) = &cause.owner {
        spans.push(span(Tone::Quiet, format!(", {}", one_line(owner))));
    }
    section(out, look, "", &spans);
    for text in cause_evidence(leaf) {
        look.line(out, "    ", "      ", &[span(Tone::Plain, text)]);
    }
}

fn repairs(out: &mut String, view: &View<'_>, explanation: &Explanation, look: Look) {
    if explanation.repair_sets.is_empty() {
        return;
    }
    out.push('\n');
    look.line(out, "", "", &[span(Tone::Strong, "what would mend it")]);
    for set in &explanation.repair_sets {
        section(
            out,
            look,
            "- ",
            &[span(Tone::Plain, names(view, set, " and "))],
        );
    }
    if explanation.repair_sets_cut {
        section(
            out,
            look,
            "",
            &[span(
                Tone::Quiet,
                "… there may be more ways than are listed",
            )],
        );
    }
}

fn margin(out: &mut String, view: &View<'_>, margin: &Margin, look: Look) {
    let text = match margin {
        Margin::None | Margin::AtLeast(0) => return,
        Margin::Failures(set) if set.len() == 1 => {
            format!(
                "one more failure takes it down: {}",
                names(view, set, " and ")
            )
        }
        Margin::Failures(set) => format!(
            "{} more failures take it down, such as {}",
            set.len(),
            names(view, set, " and ")
        ),
        Margin::AtLeast(n) => format!(
            "it bears at least {n} more {}",
            plural(*n, "failure", "failures")
        ),
        Margin::Unlimited => "no failure of what it consists of takes it down".to_owned(),
    };
    out.push('\n');
    look.line(out, "", "", &[span(Tone::Strong, "margin")]);
    section(out, look, "", &[span(Tone::Plain, text)]);
}

fn names(view: &View<'_>, keys: &[NodeKey], and: &str) -> String {
    let names: Vec<_> = keys
        .iter()
        .filter_map(|key| view.graph.get(*key))
        .map(|node| one_line(node.title()))
        .collect();
    names.join(and)
}

/// The services that a node's failure changes.
pub fn impact(view: &View<'_>, node: NodeRef<'_>, impacts: &[Impact], look: Look) -> String {
    let mut out = String::new();
    let mut spans = vec![
        look.shape(node.state()),
        span(Tone::Plain, " "),
        span(Tone::Strong, one_line(node.title())),
        span(Tone::Plain, "  "),
        span(Tone::State(node.state()), node.state().as_str()),
    ];
    if let Some(owner) = node.owner() {
        spans.push(span(Tone::Quiet, format!(", {}", one_line(owner))));
    }
    look.line(&mut out, "", "  ", &spans);
    out.push('\n');
    let already = node.confirmed() == State::Failing;
    if impacts.is_empty() {
        let text = if already {
            "it is failing, and no service would change if it alone passed"
        } else {
            "no service changes if it fails"
        };
        look.line(&mut out, "", "", &[span(Tone::Plain, text)]);
        return out;
    }
    let services = plural(impacts.len(), "service", "services");
    let text = match already {
        true => format!("it takes down {} {services}", impacts.len()),
        false => format!("its failure would change {} {services}", impacts.len()),
    };
    look.line(&mut out, "", "", &[span(Tone::Strong, text)]);
    for impact in impacts {
        let Some(service) = view.graph.get(impact.service) else {
            continue;
        };
        let mut spans = vec![
            look.shape(impact.to),
            span(Tone::Plain, format!(" {}  ", one_line(service.title()))),
            span(Tone::State(impact.from), impact.from.as_str()),
            span(Tone::Quiet, " → "),
            span(Tone::State(impact.to), impact.to.as_str()),
        ];
        if let Some(owner) = service.owner() {
            spans.push(span(Tone::Quiet, format!(", {}", one_line(owner))));
        }
        section(&mut out, look, "", &spans);
    }
    out
}
