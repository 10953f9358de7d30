//! The console tree, for reading at 03:00: only what is not Passing is unfolded, and the cause comes first.

mod node;

use std::collections::{HashMap, HashSet};

use alpacalert_model::{Edge, Effect, Kind, NodeKey, NodeRef, State};

use crate::headline::{BRIEF, Overview, overview};
use crate::look::{Look, Tone, span};
use crate::text::{one_line, plural};
use crate::view::View;

/// What of the tree is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeOptions {
    /// Unfold what is Passing too, and show every member.
    pub all: bool,
    /// Unfold at most this many levels below the roots.
    pub depth: Option<usize>,
    /// Show only nodes in these states, and what leads to them. Empty: every state.
    pub only: Vec<State>,
    /// Unfold this many levels below the roots even where they are Passing.
    pub unfold: usize,
    /// Show at most this many members of one node, and count the rest. Not held against [`TreeOptions::all`].
    pub members: usize,
    /// Of members of one kind that are in one state for one reason, show at most this many, and count the rest: of fifty
    /// pods without their image three say it all. Not held against [`TreeOptions::all`].
    pub alike: usize,
}

impl Default for TreeOptions {
    /// A screen or two, whatever is broken.
    fn default() -> Self {
        TreeOptions {
            all: false,
            depth: None,
            only: Vec::new(),
            unfold: 0,
            members: 20,
            alike: usize::MAX,
        }
    }
}

/// The most roots whose causes are looked for, to put them first: each costs an explanation.
const EXPLAINED: usize = 50;

/// The whole report: the sentences, the tree, and the counts.
pub fn tree(view: &View<'_>, options: &TreeOptions, look: Look) -> String {
    let overview = overview(view);
    let mut out = String::new();
    headlines(&mut out, &overview, look);
    let mut drawing = Drawing::new(view, options, look);
    drawing.roots();
    if !drawing.out.is_empty() {
        out.push('\n');
        out.push_str(&drawing.out);
    }
    if overview.checks.total() > 0 && !overview.headlines.is_empty() {
        out.push('\n');
        counts(&mut out, &overview, look);
    }
    out
}

/// The sentences at the top, the worst first; or one that says that all is well.
fn headlines(out: &mut String, overview: &Overview, look: Look) {
    if overview.headlines.is_empty() {
        let spans = [
            look.shape(overview.state),
            span(Tone::Plain, " "),
            span(Tone::Strong, overview.all_is_well()),
        ];
        look.line(out, "", "  ", &spans);
    }
    for headline in &overview.headlines {
        let mut spans = vec![
            look.shape(headline.state),
            span(Tone::Plain, " "),
            span(Tone::Strong, &headline.subject),
            span(Tone::Plain, " "),
            span(Tone::State(headline.state), &headline.predicate),
        ];
        if !headline.why.is_empty() {
            spans.push(span(Tone::Plain, ": "));
            if let Some(whose) = headline.whose {
                spans.push(span(Tone::Strong, format!("{}. ", whose.as_str())));
            }
            spans.push(span(Tone::Plain, &headline.why));
        }
        look.line(out, "", "  ", &spans);
    }
    if overview.more > 0 {
        let more = format!("… and {} more not passing", overview.more);
        look.line(out, "  ", "  ", &[span(Tone::Quiet, more)]);
    }
}

/// `checks: 2 failing, 1 degraded, 38 passing`.
fn counts(out: &mut String, overview: &Overview, look: Look) {
    let mut spans = vec![span(Tone::Quiet, "checks: ")];
    let mut first = true;
    for state in State::ALL.into_iter().rev() {
        let n = overview.checks.of(state);
        if n > 0 {
            if !first {
                spans.push(span(Tone::Quiet, ", "));
            }
            first = false;
            spans.push(span(Tone::State(state), format!("{n} {state}")));
        }
    }
    look.line(out, "", "", &spans);
}

/// A tree being drawn.
struct Drawing<'v, 'a> {
    view: &'v View<'a>,
    options: &'v TreeOptions,
    look: Look,
    out: String,
    /// Nodes with something that is not Passing at or below them.
    troubled: HashSet<NodeKey>,
    /// Nodes on the way from a root to a cause.
    guilty: HashSet<NodeKey>,
    /// Nodes in the states asked for, and what leads to them.
    wanted: Option<HashSet<NodeKey>>,
    /// Nodes whose members were shown already.
    unfolded: HashSet<NodeKey>,
}

/// What members have in common that are in trouble alike: their kind and state, and the reason of the worst below them.
#[derive(PartialEq, Eq, Hash)]
struct Alike {
    kind: Kind,
    state: State,
    cause: Kind,
    reason: String,
}

impl Alike {
    fn of(node: NodeRef<'_>) -> Alike {
        let mut worst = node;
        // Bounded: what is deeper than this says the same.
        for _ in 0..16 {
            let state = worst.state();
            match worst.children().find(|(child, _)| child.state() == state) {
                Some((child, _)) => worst = child,
                None => break,
            }
        }
        Alike {
            kind: node.id().kind().clone(),
            state: node.state(),
            cause: worst.id().kind().clone(),
            reason: worst.status().reason.to_string(),
        }
    }
}

/// Where in the tree a node stands.
#[derive(Clone, Copy)]
struct Place<'p> {
    /// What the lines of its members begin with.
    indent: &'p str,
    /// How many levels it is below its root.
    level: usize,
}

impl<'v, 'a> Drawing<'v, 'a> {
    fn new(view: &'v View<'a>, options: &'v TreeOptions, look: Look) -> Self {
        let guilty = view
            .roots()
            .filter(|root| root.state() != State::Passing)
            .take(EXPLAINED)
            .filter_map(|root| view.graph.explain(root.key(), &BRIEF))
            .flat_map(|explanation| explanation.causes)
            .flat_map(|cause| cause.path)
            .collect();
        Drawing {
            view,
            options,
            look,
            out: String::new(),
            troubled: view.troubled(),
            guilty,
            wanted: (!options.only.is_empty()).then(|| leading_to(view, &options.only)),
            unfolded: HashSet::new(),
        }
    }

    /// The roots: those that are not Passing unfolded, then the services, then how many others there are.
    fn roots(&mut self) {
        let mut roots: Vec<NodeRef<'a>> = self
            .view
            .roots()
            .filter(|root| self.is_wanted(*root))
            .collect();
        roots.sort_by_key(|root| {
            // A service that others consume is unfolded where it is consumed.
            let consumed = root.parents().next().is_some();
            (
                std::cmp::Reverse(root.state()),
                consumed,
                root.service().is_none(),
            )
        });
        let (shown, folded): (Vec<_>, Vec<_>) = roots.iter().partition(|root| {
            self.is_listed(**root, Edge::default())
                || root.service().is_some()
                || self.options.unfold > 0
        });
        let most = if self.options.all {
            usize::MAX
        } else {
            self.options.members
        };
        for root in shown.iter().take(most) {
            self.draw(
                *root,
                Edge::default(),
                None,
                "",
                Place {
                    indent: "",
                    level: 0,
                },
            );
        }
        let cut: Vec<_> = shown.iter().skip(most).copied().collect();
        self.rest("", &cut, &folded);
    }

    /// One node, and its members if they are to be seen.
    fn draw(
        &mut self,
        node: NodeRef<'a>,
        edge: Edge,
        parent: Option<NodeRef<'a>>,
        first: &str,
        place: Place<'_>,
    ) {
        let members = node.children().next().is_some();
        let unfold = members && self.is_unfolded(node, place.level);
        let seen = unfold && !self.unfolded.insert(node.key());
        let more = unfold && !seen;
        self.node(node, edge, parent, first, place.indent, more, seen);
        if more {
            self.members(node, place);
        }
    }

    fn members(&mut self, node: NodeRef<'a>, place: Place<'_>) {
        let children = self.sorted(node);
        let (mut shown, folded): (Vec<_>, Vec<_>) =
            children.into_iter().partition(|(child, edge)| {
                self.options.all
                    || place.level < self.options.unfold
                    || self.is_listed(*child, *edge)
            });
        let most = if self.options.all {
            usize::MAX
        } else {
            self.options.members
        };
        let mut cut: Vec<_> = Vec::new();
        if !self.options.all {
            let mut seen: HashMap<Alike, usize> = HashMap::new();
            (shown, cut) = shown.into_iter().partition(|(child, _)| {
                let count = seen.entry(Alike::of(*child)).or_default();
                *count += 1;
                *count <= self.options.alike
            });
        }
        cut.splice(0..0, shown.split_off(shown.len().min(most)));
        let [tee, end, bar] = if self.look.ascii {
            ["|- ", "`- ", "|  "]
        } else {
            ["├─ ", "└─ ", "│  "]
        };
        let last_is_rest = !cut.is_empty() || !folded.is_empty();
        let count = shown.len();
        for (nth, (child, edge)) in shown.into_iter().enumerate() {
            let last = nth + 1 == count && !last_is_rest;
            let first = format!("{}{}", place.indent, if last { end } else { tee });
            let indent = format!("{}{}", place.indent, if last { "   " } else { bar });
            let below = Place {
                indent: &indent,
                level: place.level + 1,
            };
            self.draw(child, edge, Some(node), &first, below);
        }
        let first = format!("{}{end}", place.indent);
        let nodes = |members: &[(NodeRef<'a>, Edge)]| {
            members.iter().map(|(child, _)| *child).collect::<Vec<_>>()
        };
        self.rest(&first, &nodes(&cut), &nodes(&folded));
    }

    /// What is not shown, as a count: `… 12 passing`, `… 80 more failing, 12 passing`.
    fn rest(&mut self, first: &str, cut: &[NodeRef<'a>], folded: &[NodeRef<'a>]) {
        if self.wanted.is_some() && cut.is_empty() {
            return;
        }
        let mut words = Vec::new();
        for state in State::ALL.into_iter().rev() {
            let n = cut.iter().filter(|node| node.state() == state).count();
            if n > 0 {
                words.push(format!("{n} more {state}"));
            }
        }
        match folded {
            [] => {}
            // One name takes no more room than a count.
            [one] if words.is_empty() => words.push(format!("{}  passing", one_line(one.title()))),
            many => words.push(format!("{} passing", many.len())),
        }
        if words.is_empty() {
            return;
        }
        let shape = if cut.is_empty() {
            self.look.shape(State::Passing)
        } else {
            span(Tone::Quiet, "…")
        };
        let spans = [shape, span(Tone::Quiet, format!(" {}", words.join(", ")))];
        self.look.line(&mut self.out, first, first, &spans);
    }

    /// The members, causes first, then the worst, then as written.
    fn sorted(&self, node: NodeRef<'a>) -> Vec<(NodeRef<'a>, Edge)> {
        let mut children: Vec<_> = node
            .children()
            .filter(|(child, _)| self.is_wanted(*child))
            .collect();
        if self.options.all && self.options.only.is_empty() && node.state() == State::Passing {
            return children;
        }
        children.sort_by_key(|(child, edge)| {
            (
                !self.guilty.contains(&child.key()),
                std::cmp::Reverse(edge.effect.contribution(child.confirmed())),
                std::cmp::Reverse(child.state()),
                !self.troubled.contains(&child.key()),
            )
        });
        children
    }

    fn is_wanted(&self, node: NodeRef<'_>) -> bool {
        self.wanted
            .as_ref()
            .is_none_or(|wanted| wanted.contains(&node.key()))
    }

    /// Whether a node gets a line of its own rather than being counted.
    fn is_listed(&self, node: NodeRef<'_>, edge: Edge) -> bool {
        let helps = matches!(
            edge.effect.contribution(node.confirmed()),
            None | Some(State::Passing)
        );
        self.options.all
            || !helps
            || self.troubled.contains(&node.key())
            || node.marks().iter().next().is_some()
            || self.wanted.is_some()
    }

    fn is_unfolded(&self, node: NodeRef<'_>, level: usize) -> bool {
        if self.options.depth.is_some_and(|depth| level >= depth) {
            return false;
        }
        self.options.all
            || level < self.options.unfold
            || match &self.wanted {
                Some(_) => node.children().any(|(child, _)| self.is_wanted(child)),
                None => node.state() != State::Passing,
            }
    }
}

/// The nodes in one of the states, and everything above them.
fn leading_to(view: &View<'_>, states: &[State]) -> HashSet<NodeKey> {
    let mut leading = HashSet::new();
    let mut stack: Vec<NodeRef<'_>> = view
        .nodes()
        .into_iter()
        .filter(|node| states.contains(&node.state()))
        .collect();
    while let Some(node) = stack.pop() {
        if leading.insert(node.key()) {
            stack.extend(node.parents());
        }
    }
    leading
}

/// How an edge is marked; required ones are not.
fn effect_mark(edge: Edge) -> Option<&'static str> {
    match edge.effect {
        Effect::Required => None,
        Effect::Degrades => Some("degrades"),
        Effect::Optional => Some("optional"),
        Effect::Inverted => Some("inverted"),
    }
}

/// How many there are in words that are not shown below a node.
fn hidden(n: usize) -> String {
    format!("{n} {} not shown", plural(n, "member", "members"))
}
