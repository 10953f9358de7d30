//! The part of the graph that explains a node, as a picture: what it is a member of to the left, what holds it to the right.
//! Healthy siblings are folded into a count, so that it stays small however large the graph is.

use std::collections::{HashMap, HashSet};

use alpacalert_model::{Explanation, NodeKey, NodeRef, State};
use maud::{Markup, html};

use super::links::Links;
use super::parts::{class, short, thousands};
use super::scene::{Name, Scene};

/// The most boxes, the most of them below one node, and the most to the left.
const BOXES: usize = 40;
const BELOW: usize = 7;
const ABOVE: usize = 4;

/// The most causes to which the way is drawn.
const CAUSES: usize = 12;

/// Of a node with more members than this only those on the way to a cause are looked at.
const MEMBERS: u32 = 5_000;

/// A box, and from the corner of one to that of the next, in pixels.
const SIZE: (f64, f64) = (196.0, 44.0);
const STEP: (f64, f64) = (256.0, 56.0);

/// The most characters of a title in a box.
const LETTERS: usize = 20;

/// A box: a node, or a count of several.
#[derive(Debug)]
struct Shape {
    name: Option<Name>,
    title: String,
    text: String,
    state: State,
    cause: bool,
    here: bool,
    layer: usize,
    /// The place within the layer.
    place: f64,
}

/// A picture that is laid out.
#[derive(Debug)]
pub(crate) struct Picture {
    shapes: Vec<Shape>,
    /// From the one to the left to the one to the right; and whether it is on the way to a cause.
    edges: Vec<(usize, usize, bool)>,
    layers: usize,
    rows: usize,
}

impl Picture {
    /// The picture that explains a node; `None` where there is nothing to see but the node itself.
    pub(crate) fn of(
        scene: &Scene<'_>,
        node: NodeRef<'_>,
        explanation: Option<&Explanation>,
    ) -> Option<Picture> {
        let mut drawing = Drawing::new(scene, explanation);
        let here = drawing.node(node, 1);
        drawing.shapes[here].here = true;
        drawing.above(node, here);
        drawing.below(node, here);
        let Drawing { shapes, edges, .. } = drawing;
        if shapes.len() < 2 {
            return None;
        }
        let mut picture = Picture {
            shapes,
            edges,
            layers: 0,
            rows: 0,
        };
        picture.arrange();
        Some(picture)
    }

    /// Longest ways first, then each layer in the order of its neighbours.
    fn arrange(&mut self) {
        for _ in 0..self.shapes.len() {
            let mut moved = false;
            for &(from, to, _) in &self.edges {
                let least = self.shapes[from].layer + 1;
                if self.shapes[to].layer < least {
                    self.shapes[to].layer = least;
                    moved = true;
                }
            }
            if !moved {
                break;
            }
        }
        let first = self
            .shapes
            .iter()
            .map(|shape| shape.layer)
            .min()
            .unwrap_or(0);
        let mut layers: Vec<Vec<usize>> = Vec::new();
        for (index, shape) in self.shapes.iter_mut().enumerate() {
            shape.layer -= first;
            if layers.len() <= shape.layer {
                layers.resize(shape.layer + 1, Vec::new());
            }
            layers[shape.layer].push(index);
        }
        self.layers = layers.len();
        self.rows = layers.iter().map(Vec::len).max().unwrap_or(0);
        self.place(&layers);
        for layer in &mut layers[1..] {
            let wanted: HashMap<usize, f64> = layer
                .iter()
                .map(|index| (*index, self.neighbours(*index)))
                .collect();
            // Stable: what has the same neighbours keeps its order.
            layer.sort_by(|one, other| wanted[one].total_cmp(&wanted[other]));
        }
        self.place(&layers);
    }

    fn place(&mut self, layers: &[Vec<usize>]) {
        for layer in layers {
            let top = (self.rows - layer.len()) as f64 / 2.0;
            for (nth, index) in layer.iter().enumerate() {
                self.shapes[*index].place = top + nth as f64;
            }
        }
    }

    /// Where the boxes to the left of a box are, on average.
    fn neighbours(&self, index: usize) -> f64 {
        let left = self.edges.iter().filter(|(_, to, _)| *to == index);
        let places: Vec<f64> = left.map(|(from, _, _)| self.shapes[*from].place).collect();
        places.iter().sum::<f64>() / places.len().max(1) as f64
    }

    /// The picture as it is shown.
    pub(crate) fn draw(&self, links: &Links) -> Markup {
        let width = (self.layers.saturating_sub(1)) as f64 * STEP.0 + SIZE.0 + 4.0;
        let height = (self.rows.saturating_sub(1)) as f64 * STEP.1 + SIZE.1 + 4.0;
        html! {
            div.scroll tabindex="0" role="region" aria-label="Picture of what explains it" {
                svg.picture width=(width) height=(height) viewBox=(format!("0 0 {width} {height}")) {
                    @for (from, to, cause) in &self.edges {
                        path class=(if *cause { "edge cause" } else { "edge" }) d=(self.line(*from, *to)) {}
                    }
                    @for shape in &self.shapes { (shape.draw(links)) }
                }
            }
        }
    }

    fn line(&self, from: usize, to: usize) -> String {
        let (from, to) = (self.shapes[from].corner(), self.shapes[to].corner());
        let (x, y) = (from.0 + SIZE.0, from.1 + SIZE.1 / 2.0);
        let (end_x, end_y) = (to.0, to.1 + SIZE.1 / 2.0);
        let bend = (end_x - x) / 2.0;
        format!(
            "M{x} {y}C{} {y} {} {end_y} {end_x} {end_y}",
            x + bend,
            end_x - bend
        )
    }
}

impl Shape {
    fn corner(&self) -> (f64, f64) {
        (
            2.0 + self.layer as f64 * STEP.0,
            2.0 + (self.place * STEP.1).round(),
        )
    }

    fn draw(&self, links: &Links) -> Markup {
        let (x, y) = self.corner();
        let look = format!(
            "box {}{}{}{}",
            class(self.state),
            if self.here { " here" } else { "" },
            if self.cause { " cause" } else { "" },
            if self.name.is_none() { " folded" } else { "" },
        );
        let inside = html! {
            title { (self.title) ": " (self.text) }
            rect width=(SIZE.0) height=(SIZE.1) rx="6" {}
            @if self.name.is_some() {
                svg x="10" y="14" width="16" height="16" { use href=(format!("#shape-{}", self.state)) class=(format!("mark {}", class(self.state))) {} }
            }
            text.title x="34" y="19" { (short(&self.title, LETTERS)) }
            text.note x="34" y="35" { (short(&self.text, LETTERS + 5)) }
        };
        html! {
            g class=(look) transform=(format!("translate({x} {y})")) {
                @match &self.name {
                    Some(name) => a href=(links.node(&name.id)) { (inside) },
                    None => (inside),
                }
            }
        }
    }
}

/// A picture under way.
struct Drawing<'g> {
    shapes: Vec<Shape>,
    edges: Vec<(usize, usize, bool)>,
    drawn: HashMap<NodeKey, usize>,
    /// The members on the way to a cause, by what they are members of.
    ways: HashMap<NodeKey, Vec<NodeRef<'g>>>,
    causes: HashSet<NodeKey>,
}

impl<'g> Drawing<'g> {
    fn new(scene: &Scene<'g>, explanation: Option<&Explanation>) -> Self {
        let mut ways: HashMap<NodeKey, Vec<NodeRef<'g>>> = HashMap::new();
        let causes: Vec<_> = explanation
            .iter()
            .flat_map(|found| found.causes.iter().take(CAUSES))
            .collect();
        for step in causes.iter().flat_map(|cause| cause.path.windows(2)) {
            let members = ways.entry(step[0]).or_default();
            if let Some(member) = scene.graph.get(step[1])
                && !members.iter().any(|known| known.key() == step[1])
            {
                members.push(member);
            }
        }
        Drawing {
            shapes: Vec::new(),
            edges: Vec::new(),
            drawn: HashMap::new(),
            ways,
            causes: causes.iter().map(|cause| cause.node).collect(),
        }
    }

    fn node(&mut self, node: NodeRef<'_>, layer: usize) -> usize {
        let cause = self.causes.contains(&node.key());
        let state = node.state();
        let text = match (cause, node.owner()) {
            (true, _) => format!("{state}: the cause"),
            (false, Some(owner)) => format!("{state} · {owner}"),
            (false, None) => state.to_string(),
        };
        self.drawn.insert(node.key(), self.shapes.len());
        self.shapes.push(Shape {
            name: Some(Name::of(node)),
            title: super::parts::short(node.title(), super::parts::TITLE),
            text,
            state,
            cause,
            here: false,
            layer,
            place: 0.0,
        });
        self.shapes.len() - 1
    }

    fn folded(&mut self, n: usize, text: &str, state: State, layer: usize) -> usize {
        self.shapes.push(Shape {
            name: None,
            title: format!("{} more", thousands(n)),
            text: text.to_owned(),
            state,
            cause: false,
            here: false,
            layer,
            place: 0.0,
        });
        self.shapes.len() - 1
    }

    fn above(&mut self, node: NodeRef<'g>, here: usize) {
        let parents = node.parents().count();
        for parent in node.parents().take(ABOVE) {
            let at = self.node(parent, 0);
            self.edges.push((at, here, false));
        }
        if parents > ABOVE {
            let at = self.folded(parents - ABOVE, "that need it", State::Unknown, 0);
            self.edges.push((at, here, false));
        }
    }

    /// What is below a node, then what is below that, along the ways to causes.
    fn below(&mut self, node: NodeRef<'g>, here: usize) {
        let mut open = std::collections::VecDeque::from([(node, here)]);
        while let Some((node, at)) = open.pop_front() {
            let layer = self.shapes[at].layer + 1;
            let way = self.ways.get(&node.key()).cloned().unwrap_or_default();
            let mut shown: Vec<(NodeRef<'g>, bool)> = way
                .into_iter()
                .take(BELOW)
                .map(|member| (member, true))
                .collect();
            let members = node.sums().members;
            if at == here && members <= MEMBERS {
                self.fill(node, &mut shown);
            }
            let mut here_shown = 0;
            for (member, on_way) in shown {
                let known = self.drawn.get(&member.key()).copied();
                if known.is_none() && self.shapes.len() >= BOXES {
                    break;
                }
                here_shown += 1;
                let to = known.unwrap_or_else(|| self.node(member, layer));
                self.edges.push((at, to, on_way));
                if known.is_none() && on_way {
                    open.push_back((member, to));
                }
            }
            let rest = members as usize - here_shown.min(members as usize);
            if rest > 0 && self.shapes.len() < BOXES + BELOW {
                let (text, state) = self.rest(node, rest);
                let to = self.folded(rest, &text, state, layer);
                self.edges.push((at, to, false));
            }
        }
    }

    /// Adds the worst members that are not on the way to a cause, and all of them where they are few.
    fn fill(&self, node: NodeRef<'g>, shown: &mut Vec<(NodeRef<'g>, bool)>) {
        let few = node.sums().members as usize <= BELOW;
        for state in State::ALL.into_iter().rev() {
            for (member, _) in node
                .children()
                .filter(|(member, _)| member.state() == state)
            {
                let room = shown.len() < BELOW && (few || state != State::Passing);
                if room && !shown.iter().any(|(known, _)| known.key() == member.key()) {
                    shown.push((member, false));
                }
            }
        }
    }

    /// What the members that are not drawn are like.
    fn rest(&self, node: NodeRef<'g>, rest: usize) -> (String, State) {
        let sums = node.sums();
        if sums.passing as usize >= rest {
            return ("passing".to_owned(), State::Passing);
        }
        if sums.members > MEMBERS {
            return ("members".to_owned(), State::Unknown);
        }
        let bad = node
            .children()
            .filter(|(member, _)| member.state() != State::Passing);
        let not_drawn = bad.filter(|(member, _)| !self.drawn.contains_key(&member.key()));
        match not_drawn.count() {
            0 => ("passing".to_owned(), State::Passing),
            bad => (
                format!("{} of them not passing", thousands(bad)),
                State::Unknown,
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alpacalert_model::{
        Blueprint, Edge, ExplainLimits, Graph, Kind, Node, NodeId, Observation, Reason, Rule,
        Timestamp, Update,
    };
    use jiff::tz::TimeZone;

    fn wide(members: usize, failing: usize) -> (Graph, NodeKey) {
        let at = Timestamp::UNIX_EPOCH;
        let id = |n: usize| NodeId::new("t", Kind::of("example.org/Thing"), n.to_string());
        let top = NodeId::new("t", Kind::of("example.org/Top"), "top");
        let mut node = Node::system(top.clone(), "top", Rule::All);
        let mut nodes = Vec::new();
        for n in 0..members {
            nodes.push(Node::sensor(id(n), format!("thing {n}")));
            node = node.member(id(n), Edge::default());
        }
        nodes.push(node);
        let blueprint = Blueprint { nodes };
        let mut graph = Graph::new();
        graph.apply("t", blueprint, at);
        let updates = (0..members).filter_map(|n| {
            let observation = match n < failing {
                true => Observation::failing(Reason::fixed("x"), "broken", at),
                false => Observation::passing(at),
            };
            let confirmed = observation.state;
            Some(Update {
                node: graph.key(&id(n))?,
                observation,
                confirmed,
            })
        });
        let updates: Vec<Update> = updates.collect();
        graph.observe(updates, at);
        let key = graph.key(&top).unwrap();
        (graph, key)
    }

    #[test]
    fn ten_thousand_members_make_a_small_picture() {
        for failing in [0, 1, 10_000] {
            let (graph, key) = wide(10_000, failing);
            let scene = Scene {
                graph: &graph,
                now: Timestamp::UNIX_EPOCH,
                zone: TimeZone::UTC,
                instance: "x".into(),
                roots: Vec::new(),
            };
            let explanation = graph.explain(key, &ExplainLimits::default());
            let node = graph.get(key).unwrap();
            let picture = Picture::of(&scene, node, explanation.as_ref()).unwrap();
            assert!(
                picture.shapes.len() <= BOXES + BELOW,
                "{}",
                picture.shapes.len()
            );
            let drawn = picture.draw(&Links::default()).into_string();
            assert!(drawn.len() < 20_000, "{}", drawn.len());
            assert_eq!(drawn.contains("the cause"), failing > 0);
        }
    }
}
