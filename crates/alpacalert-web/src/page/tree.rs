//! The tree: what is not well is unfolded down to its causes, what is healthy is folded. What a reader unfolds and folds is part
//! of the address, so that it can be pasted into a chat, and needs no script.

use std::collections::{HashMap, HashSet};

use alpacalert_model::{Effect, NodeKey, NodeRef, State};
use axum::extract::State as Shared;
use axum::response::Response;
use maud::{Markup, html};

use super::Pages;
use super::asked::{Asked, ZONE};
use super::detail::said;
use super::layout::{Face, Page};
use super::links::{Links, encoded, token};
use super::parts::{Tags, class, mark, tags, thousands};
use super::scene::{Name, Scene, worst_first};
use super::trouble::Trouble;
use crate::api::find;

/// The most rows of a page, and the most members of one node in it. More are a link away.
const ROWS: usize = 180;
const BRANCH: usize = 50;

/// What is not well is unfolded by itself down to this depth.
const DEEP: usize = 12;

/// The most that a reader can unfold or fold: an address has an end.
const TOGGLED: usize = 60;

/// What a reader unfolded and folded, as [`token`]s.
#[derive(Clone, Debug, Default)]
struct Folds {
    open: Vec<String>,
    shut: Vec<String>,
}

impl Folds {
    fn of(asked: &Asked) -> Self {
        let list = |key| {
            let text = asked.get(key).unwrap_or_default();
            let tokens = text.split('.').filter(|token| token.len() == 8);
            tokens.take(TOGGLED).map(str::to_owned).collect()
        };
        Folds {
            open: list("open"),
            shut: list("fold"),
        }
    }

    /// The other way round for one node.
    fn toggled(&self, token: &str, is_open: bool) -> Folds {
        let mut folds = self.clone();
        folds.open.retain(|known| known != token);
        folds.shut.retain(|known| known != token);
        let list = match is_open {
            true => &mut folds.shut,
            false => &mut folds.open,
        };
        if list.len() >= TOGGLED {
            list.remove(0);
        }
        list.push(token.to_owned());
        folds
    }
}

/// One row of a tree.
#[derive(Debug)]
struct Row {
    name: Name,
    depth: usize,
    /// How many members it has, and whether they are shown below it.
    members: u32,
    open: bool,
    /// It stands, unfolded, further up.
    again: bool,
    effect: Option<&'static str>,
    owner: Option<String>,
    marks: Tags,
    said: String,
    /// Where it is among its siblings, from 1 on, and how many there are.
    place: (usize, usize),
}

/// The end of a branch that is cut off.
#[derive(Debug)]
struct Cut {
    /// After this row.
    after: usize,
    depth: usize,
    parent: Option<Name>,
    from: usize,
    rest: usize,
}

/// A tree.
#[derive(Debug)]
struct Tree {
    top: Option<Name>,
    rows: Vec<Row>,
    cuts: Vec<Cut>,
    /// There are more rows than a page takes.
    full: bool,
}

struct Growing<'g, 'f> {
    folds: &'f Folds,
    unfolded: HashSet<NodeKey>,
    tree: Tree,
    effects: HashMap<(NodeKey, NodeKey), Effect>,
    _scene: &'f Scene<'g>,
}

impl Tree {
    /// The tree of a node, or of everything, from the `from`th member on.
    fn of(scene: &Scene<'_>, top: Option<NodeRef<'_>>, from: usize, folds: &Folds) -> Tree {
        let mut growing = Growing {
            folds,
            unfolded: HashSet::new(),
            tree: Tree {
                top: top.map(Name::of),
                rows: Vec::new(),
                cuts: Vec::new(),
                full: false,
            },
            effects: HashMap::new(),
            _scene: scene,
        };
        match top {
            Some(node) => {
                growing.row(node, 0, (1, 1), Some(true), None);
                growing.members(node, 1, from);
            }
            None => {
                let roots: Vec<NodeRef<'_>> = scene.roots().collect();
                let total = roots.len();
                let shown = worst_first(|| roots.iter().copied(), from, BRANCH);
                let count = shown.len();
                growing.siblings(shown, 0, from, total, None);
                growing.cut(0, None, from + count, total);
            }
        }
        growing.tree
    }
}

impl<'g> Growing<'g, '_> {
    fn siblings(
        &mut self,
        nodes: Vec<NodeRef<'g>>,
        depth: usize,
        from: usize,
        total: usize,
        parent: Option<NodeRef<'g>>,
    ) {
        for (nth, node) in nodes.into_iter().enumerate() {
            if self.tree.rows.len() >= ROWS {
                self.tree.full = true;
                return;
            }
            let open = self.row(node, depth, (from + nth + 1, total), None, parent);
            if open {
                self.members(node, depth + 1, 0);
            }
        }
    }

    fn members(&mut self, node: NodeRef<'g>, depth: usize, from: usize) {
        self.unfolded.insert(node.key());
        let total = node.sums().members as usize;
        let members = || node.children().map(|(child, _)| child);
        let shown = worst_first(members, from, BRANCH);
        let wanted: HashSet<NodeKey> = shown.iter().map(|child| child.key()).collect();
        for (child, edge) in node.children() {
            if edge.effect != Effect::Required && wanted.contains(&child.key()) {
                self.effects.insert((node.key(), child.key()), edge.effect);
            }
        }
        let count = shown.len();
        self.siblings(shown, depth, from, total, Some(node));
        self.cut(depth, Some(node), from + count, total);
    }

    fn cut(&mut self, depth: usize, parent: Option<NodeRef<'g>>, from: usize, total: usize) {
        if from < total {
            self.tree.cuts.push(Cut {
                after: self.tree.rows.len(),
                depth,
                parent: parent.map(Name::of),
                from,
                rest: total - from,
            });
        }
    }

    /// Adds a row; tells whether its members are to follow.
    fn row(
        &mut self,
        node: NodeRef<'g>,
        depth: usize,
        place: (usize, usize),
        open: Option<bool>,
        parent: Option<NodeRef<'g>>,
    ) -> bool {
        let members = node.sums().members;
        let again = self.unfolded.contains(&node.key());
        let token = token(&node.id().to_string());
        let by_itself = node.state() != State::Passing && depth < DEEP;
        let wanted = match (
            self.folds.open.contains(&token),
            self.folds.shut.contains(&token),
        ) {
            (true, _) => true,
            (_, true) => false,
            _ => open.unwrap_or(by_itself),
        };
        let open = members > 0 && !again && wanted;
        let effect = parent.and_then(|parent| self.effects.get(&(parent.key(), node.key())));
        self.tree.rows.push(Row {
            name: Name::of(node),
            depth,
            members,
            open,
            again: again && members > 0,
            effect: effect.map(|effect| effect.as_str()),
            owner: node.own_owner().map(|owner| super::parts::short(owner, 80)),
            marks: Tags::of(node),
            said: said(node),
            place,
        });
        open
    }
}

pub(crate) async fn page(Shared(pages): Shared<Pages>, asked: Asked) -> Result<Response, Trouble> {
    let folds = Folds::of(&asked);
    let from = asked
        .get("from")
        .and_then(|from| from.parse().ok())
        .unwrap_or(0);
    let wanted = asked.get("node").map(str::to_owned);
    let grow = folds.clone();
    let tree = pages.look(&asked, move |scene| {
        let top = match &wanted {
            None => None,
            Some(id) => Some(find(scene.graph, id).ok_or_else(|| no_node(id))?),
        };
        Ok(Tree::of(scene, top, from, &grow))
    });
    let tree = tree.await??;
    let twin = match &tree.top {
        Some(top) => format!("/api/v1/explain?node={}", encoded(&top.id)),
        None => "/api/v1/nodes".to_owned(),
    };
    let page = Page {
        face: Face::Operator,
        title: tree
            .top
            .as_ref()
            .map_or("Tree".to_owned(), |top| format!("Tree of {}", top.title)),
        tab: "/tree",
        twin,
        every: 30,
        body: draw(&tree, &asked.links, &folds),
    };
    Ok(pages.answer(&asked, &page))
}

pub(crate) fn no_node(id: &str) -> Trouble {
    let id: String = id.chars().take(200).collect();
    Trouble::missing(format!(
        "there is no node “{id}”; it may have gone, or the address is incomplete"
    ))
}

fn draw(tree: &Tree, links: &Links, folds: &Folds) -> Markup {
    let mut cuts = tree.cuts.iter().peekable();
    let mut seen: HashMap<&str, usize> = HashMap::new();
    let names: Vec<String> = tree
        .rows
        .iter()
        .map(|row| {
            let nth = seen.entry(&row.name.id).or_default();
            *nth += 1;
            match nth {
                1 => token(&row.name.id),
                nth => format!("{}-{nth}", token(&row.name.id)),
            }
        })
        .collect();
    html! {
        div.heading {
            h1 { @match &tree.top {
                Some(top) => { "Tree of " a href=(links.node(&top.id)) { (top.title) } }
                None => "Tree",
            } }
            @if tree.top.is_some() { p { a href=(links.to("/tree", &[])) { "The whole tree" } } }
        }
        @if tree.rows.is_empty() {
            p.empty { "There is nothing to observe yet." }
        } @else {
            ul.tree #tree role="tree" aria-label="What depends on what" data-keyed data-swap {
                @for (nth, row) in tree.rows.iter().enumerate() {
                    @while let Some(cut) = cuts.next_if(|cut| cut.after <= nth) { (draw_cut(cut, tree, links)) }
                    (draw_row(row, &names[nth], tree, links, folds))
                }
                @for cut in cuts { (draw_cut(cut, tree, links)) }
            }
            @if tree.full { p.more { "This page is full: fold something, or look at one node alone." } }
        }
    }
}

fn draw_row(row: &Row, name: &str, tree: &Tree, links: &Links, folds: &Folds) -> Markup {
    let expanded = (row.members > 0 && !row.again).then(|| row.open.to_string());
    html! {
        li id=(format!("t-{name}")) role="treeitem" tabindex="-1" class=(format!("branch d{} {}", row.depth.min(16), class(row.name.state)))
            aria-level=(row.depth + 1) aria-posinset=(row.place.0) aria-setsize=(row.place.1) aria-expanded=[expanded] {
            @if row.members > 0 && !row.again {
                a.fold href=(fold_address(row, tree, links, folds)) data-fold aria-label=(format!("{} {}", if row.open { "Fold" } else { "Unfold" }, row.name.title)) {
                    svg viewBox="0 0 16 16" aria-hidden="true" focusable="false" { path d=(if row.open { "M3 6l5 5 5-5" } else { "M6 3l5 5-5 5" }) {} }
                }
            } @else { span.fold {} }
            (mark(row.name.state))
            span.words {
                a.name href=(links.node(&row.name.id)) { (row.name.title) }
                (tags(&row.marks, &ZONE))
                @if let Some(effect) = row.effect { " " span.tag { (effect) } }
                @if let Some(owner) = &row.owner { " " span.quiet { (owner) } }
                @if row.members > 0 && !row.open { " " span.quiet { "· " (thousands(row.members as usize)) @if row.again { " (shown above)" } } }
                @if !row.said.is_empty() { " " span.said { (row.said) } }
            }
        }
    }
}

fn fold_address(row: &Row, tree: &Tree, links: &Links, folds: &Folds) -> String {
    let folds = folds.toggled(&token(&row.name.id), row.open);
    let top = tree.top.as_ref().map_or("", |top| top.id.as_str());
    let (open, shut) = (folds.open.join("."), folds.shut.join("."));
    links.to("/tree", &[("node", top), ("open", &open), ("fold", &shut)])
}

fn draw_cut(cut: &Cut, tree: &Tree, links: &Links) -> Markup {
    let _ = tree;
    let parent = cut.parent.as_ref().map_or("", |parent| parent.id.as_str());
    let from = cut.from.to_string();
    html! {
        li id=(format!("cut-{}-{}", token(parent), cut.from)) role="none" class=(format!("branch d{}", cut.depth.min(16))) {
            span.fold {}
            a.more href=(links.to("/tree", &[("node", parent), ("from", &from)])) { "and " (thousands(cut.rest)) " more" }
        }
    }
}
