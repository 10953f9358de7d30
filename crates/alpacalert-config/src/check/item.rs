//! Members: names, things of a kind, nodes of a source, and how they count.

use std::sync::Arc;

use alpacalert_instrument::{KindSpec, Params, Registry, Request, ScheduleOverrides, Value};
use alpacalert_model::{Edge, Effect, Kind, NodeId};

use super::shape::{self, Owner, expected_what};
use super::{Cx, list, maintenance, near, top};
use crate::diagnostic::Diagnostic;
use crate::plan::{MemberPlan, MemberTarget};
use crate::text::Span;
use crate::tree::{Data, Key, Node};
use crate::vocabulary::{self, LOCAL};

/// A member with its place.
pub(super) struct Member {
    pub(super) plan: MemberPlan,
    pub(super) span: Span,
    /// The group that it names, by its place in the plan.
    pub(super) group: Option<usize>,
}

impl Member {
    /// Whether it is one node for certain; what a source finds may be none or many.
    pub(super) fn is_one(&self) -> bool {
        match &self.plan.target {
            MemberTarget::Node(_) => true,
            MemberTarget::Request(request) => *request.source == *LOCAL,
            MemberTarget::Found { .. } => false,
        }
    }

    pub(super) fn is_counted(&self) -> bool {
        self.plan.edge.effect != Effect::Optional
    }

    /// The node it is, where that is known.
    pub(super) fn id(&self) -> Option<NodeId> {
        match &self.plan.target {
            MemberTarget::Node(id) => Some(id.clone()),
            MemberTarget::Request(request) => Some(request.id()),
            MemberTarget::Found { .. } => None,
        }
    }
}

/// The words that say how one member counts.
const EDGES: [(&str, Effect); 3] = [
    ("degrades", Effect::Degrades),
    ("optional", Effect::Optional),
    ("inverted", Effect::Inverted),
];

/// A list of at least one item. `wrapped` says whether items may say how they count.
pub(super) fn items(cx: &mut Cx<'_>, node: &Node, key: &str, wrapped: bool) -> Option<Vec<Member>> {
    let Data::List(items) = &node.data else {
        return expected_what(
            cx,
            node,
            "a list of items: names, or kinds with their keys",
            key,
        );
    };
    if items.is_empty() {
        let problem = Diagnostic::error(format!("`{key}` is empty"));
        cx.report(problem.at(node.span, "needs at least one item"));
        return None;
    }
    let members: Vec<_> = items
        .iter()
        .map(|node| item(cx, node, key, wrapped))
        .collect();
    members.into_iter().collect()
}

fn item(cx: &mut Cx<'_>, node: &Node, list: &str, wrapped: bool) -> Option<Member> {
    match &node.data {
        Data::Text(name) => named(cx, node.span, name),
        Data::Map(entries) => {
            let (key, inner) = only_entry(cx, node, entries)?;
            if let Some((_, effect)) = EDGES.iter().find(|(word, _)| *word == &*key.text) {
                if !wrapped {
                    let problem = Diagnostic::error(format!(
                        "`{}` inside of what says already how its members count",
                        key.text
                    ));
                    cx.report(problem.at(key.span, format!("this is inside of `{list}`")));
                    return None;
                }
                let mut member = item(cx, inner, &key.text, false)?;
                member.plan.edge = Edge::from(*effect);
                return Some(member);
            }
            match &*key.text {
                "find" => found(cx, key, inner),
                _ => thing(cx, key, inner),
            }
        }
        _ => expected_what(
            cx,
            node,
            "the name of a system or service, or a kind with its keys",
            "an item",
        ),
    }
}

/// The one key of an item.
fn only_entry<'n>(
    cx: &mut Cx<'_>,
    node: &Node,
    entries: &'n [(Key, Node)],
) -> Option<(&'n Key, &'n Node)> {
    match entries {
        [(key, node)] => Some((key, node)),
        [] => {
            let problem = Diagnostic::error("an item without anything in it");
            cx.report(problem.at(node.span, "write a name, or a kind with its keys"));
            None
        }
        [(first, value), (second, _), ..] => {
            let problem = Diagnostic::error("an item with several keys")
                .at(second.span, "one too many")
                .at(first.span, "the first");
            cx.report(match value.data {
                Data::Null => problem.help(format!(
                    "if these are keys of `{}`, indent them further than it",
                    first.text
                )),
                _ => problem.help("write one item per `-`"),
            });
            None
        }
    }
}

/// A member that is a system or service.
pub(super) fn named(cx: &mut Cx<'_>, span: Span, name: &Arc<str>) -> Option<Member> {
    if let Some(named) = cx.groups.get(name) {
        return Some(Member {
            plan: MemberPlan {
                edge: Edge::default(),
                target: MemberTarget::Node(named.id.clone()),
            },
            span,
            group: Some(named.index),
        });
    }
    if cx.is_full() {
        cx.more += 1;
        return None;
    }
    let problem = Diagnostic::error(format!(
        "there is no system or service with the name `{}`",
        crate::tree::shorten(name)
    ));
    let problem = if cx.registry.spec_by_word(name).is_some() {
        problem.at(span, format!("`{name}` is a kind: write `{name}: {{}}`"))
    } else {
        let names = cx.groups.keys().map(|name| &**name);
        match near(name, names) {
            Some(word) => problem.at(span, format!("did you mean `{word}`?")),
            None => problem.at(span, "unknown"),
        }
    };
    cx.report(problem);
    None
}

fn found(cx: &mut Cx<'_>, key: &Key, node: &Node) -> Option<Member> {
    let Data::Map(entries) = &node.data else {
        return expected_what(cx, node, "a map of the keys `source` and `path`", "find");
    };
    let owner = Owner {
        name: "`find`",
        span: key.span,
    };
    let entries: Vec<_> = entries.iter().collect();
    // Placeholders are filled in where a kind has its keys, and nowhere else.
    let in_extension = std::mem::replace(&mut cx.in_extension, false);
    let values = shape::record(cx, &owner, &entries, &vocabulary::find(), &[], &[]);
    cx.in_extension = in_extension;
    let params = Params::from(values?);
    let source = source_named(cx, node, &params)?;
    let path = match params.get("path") {
        Some(Value::List(_)) => params
            .texts("path")
            .into_iter()
            .map(str::to_owned)
            .collect(),
        _ => params
            .text("path")
            .unwrap_or_default()
            .split('/')
            .map(str::to_owned)
            .collect::<Vec<_>>(),
    };
    if path.iter().any(String::is_empty) {
        let span = node.get("path").map_or(node.span, |node| node.span);
        let problem = Diagnostic::error("a path with an empty part");
        cx.report(
            problem
                .at(
                    span,
                    "write titles with one `/` between them, and none before or after",
                )
                .help("where a title holds a `/`, write the path as a list"),
        );
        return None;
    }
    Some(Member {
        plan: MemberPlan {
            edge: Edge::default(),
            target: MemberTarget::Found { source, path },
        },
        span: key.span,
        group: None,
    })
}

/// The configured source that the key `source` names.
fn source_named(cx: &mut Cx<'_>, node: &Node, params: &Params) -> Option<Arc<str>> {
    let name = params.text("source").unwrap_or_default();
    if let Some((name, _)) = cx.sources.get_key_value(name) {
        return Some(Arc::clone(name));
    }
    let span = node.get("source").map_or(node.span, |node| node.span);
    let problem = Diagnostic::error(format!(
        "there is no source with the name `{}`",
        crate::tree::shorten(name)
    ));
    let mut names: Vec<_> = cx.sources.keys().map(|name| &**name).collect();
    names.sort_unstable();
    let problem = match near(name, names.iter().copied()) {
        Some(word) => problem.at(span, format!("did you mean `{word}`?")),
        None => problem.at(span, "unknown"),
    };
    let problem = if names.is_empty() {
        problem.help("configure it under `sources`")
    } else {
        problem.help(list("the sources are", &names))
    };
    cx.report(problem);
    None
}

/// A member that is a thing of a kind.
pub(super) fn thing(cx: &mut Cx<'_>, word: &Key, node: &Node) -> Option<Member> {
    let spec = spec(cx, word)?;
    let request = request(cx, word, node, &spec)?;
    Some(Member {
        plan: MemberPlan {
            edge: Edge::default(),
            target: MemberTarget::Request(Box::new(request)),
        },
        span: word.span,
        group: None,
    })
}

/// The kind that can be written in a configuration as this word.
fn spec(cx: &mut Cx<'_>, word: &Key) -> Option<Arc<KindSpec>> {
    if let Some(spec) = cx.registry.spec_by_word(&word.text) {
        return Some(Arc::clone(spec));
    }
    let problem = Diagnostic::error(format!(
        "there is no kind `{}`",
        crate::tree::shorten(&word.text)
    ));
    let words: Vec<&str> = cx
        .registry
        .specs()
        .flat_map(|spec| spec.alias.into_iter().chain([spec.kind.as_str()]))
        .chain(EDGES.map(|(word, _)| word))
        .chain(["find"])
        .collect();
    let problem = if cx.groups.contains_key(&word.text) {
        problem.at(
            word.span,
            format!("`{}` is a name: write it without `:`", word.text),
        )
    } else if cx.registry.kinds().any(|kind| kind.as_str() == &*word.text) {
        problem.at(
            word.span,
            "things of this kind are found, and cannot be written",
        )
    } else {
        match near(&word.text, words.iter().copied()) {
            Some(word_) => problem.at(word.span, format!("did you mean `{word_}`?")),
            None => problem.at(word.span, "unknown"),
        }
    };
    let aliases: Vec<&str> = cx
        .registry
        .specs()
        .map(|spec| spec.alias.unwrap_or(spec.kind.as_str()))
        .collect();
    cx.report(problem.help(list("the kinds are", &aliases)));
    None
}

/// A kind that somebody registered, written or not.
pub(super) fn registered(cx: &mut Cx<'_>, word: &Key) -> Option<Kind> {
    if let Some(spec) = cx.registry.spec_by_word(&word.text) {
        return Some(spec.kind.clone());
    }
    if let Some(kind) = cx
        .registry
        .kinds()
        .find(|kind| kind.as_str() == &*word.text)
    {
        return Some(kind.clone());
    }
    let problem = Diagnostic::error(format!(
        "nobody provides the kind `{}`",
        crate::tree::shorten(&word.text)
    ));
    let words = cx
        .registry
        .kinds()
        .map(Kind::as_str)
        .chain(cx.registry.specs().filter_map(|spec| spec.alias));
    let problem = match near(&word.text, words) {
        Some(near) => problem.at(word.span, format!("did you mean `{near}`?")),
        None => match brought(cx.registry, &word.text) {
            Some(kind) => return Some(kind),
            None => problem.at(word.span, "unknown"),
        },
    };
    let kinds: Vec<&str> = cx.registry.kinds().map(Kind::as_str).collect();
    cx.report(problem.help(list("the kinds are", &kinds)));
    None
}

/// A kind that a source may bring: one of a namespace in which nothing is registered.
fn brought(registry: &Registry, word: &str) -> Option<Kind> {
    let kind: Kind = word.parse().ok()?;
    let is_known = registry
        .kinds()
        .any(|known| known.namespace() == kind.namespace());
    let mut sources = registry.sources();
    (!is_known && sources.any(|source| source.brings_kinds())).then_some(kind)
}

fn request(cx: &mut Cx<'_>, word: &Key, node: &Node, spec: &KindSpec) -> Option<Request> {
    let label = format!("`{}`", word.text);
    let owner = Owner {
        name: &label,
        span: word.span,
    };
    let is_own = |key: &str| spec.fields.iter().any(|field| field.name == key);
    let common: Vec<&str> = vocabulary::common()
        .iter()
        .map(|word| word.name)
        .filter(|name| !is_own(name))
        .collect();
    let (shorthand, qualified);
    let entries: &[(Key, Node)] = match (&node.data, spec.shorthand) {
        (Data::Map(entries), _) => entries,
        (Data::Null, _) => &[],
        (Data::Text(text), Some(key)) if is_own("source") && text.contains('/') => {
            qualified = from_source(node, key, text);
            &qualified
        }
        (_, Some(key)) => {
            let key = Key {
                text: key.into(),
                span: node.span,
            };
            shorthand = [(key, node.clone())];
            &shorthand
        }
        (_, None) => {
            let what = match spec.fields.as_slice() {
                [] => "no keys: write `{}`".to_owned(),
                fields => {
                    let some = fields
                        .iter()
                        .take(5)
                        .map(|field| format!("`{}`", field.name));
                    format!(
                        "a map of its keys, such as {}",
                        some.collect::<Vec<_>>().join(", ")
                    )
                }
            };
            return expected_what(cx, node, &what, &word.text);
        }
    };
    let (shared, own): (Vec<_>, Vec<_>) = entries
        .iter()
        .partition(|(key, _)| common.contains(&&*key.text));
    let mut title = None;
    let mut whose = None;
    let mut schedule = ScheduleOverrides::default();
    let mut windows = Vec::new();
    let mut good = true;
    for (key, node) in &shared {
        let slot = match &*key.text {
            "title" => &mut title,
            "owner" => &mut whose,
            "maintenance" => {
                match maintenance::windows(cx, node) {
                    Some(read) => windows = read,
                    None => good = false,
                }
                continue;
            }
            _ => {
                good &= schedule_key(cx, &mut schedule, key, node);
                continue;
            }
        };
        *slot = top::label(cx, node, &key.text);
        good &= slot.is_some();
    }
    top::patience(cx, &shared);
    let values = shape::record(cx, &owner, &own, &spec.fields, &spec.constraints, &common)?;
    let mut params = Params::from(values);
    let mut source: Arc<str> = LOCAL.into();
    if is_own("source") && params.has("source") {
        source = source_named(cx, node, &params)?;
        // It is part of the identity already.
        params = params
            .iter()
            .filter(|(key, _)| *key != "source")
            .map(|(key, value)| (key.to_owned(), value.clone()))
            .collect::<Vec<_>>()
            .into();
    }
    if !good {
        return None;
    }
    let mut request = Request::from_source(source, spec.kind.clone(), spec.reference_of(&params));
    request.params = params;
    request.title = title;
    request.owner = whose;
    request.schedule = schedule;
    request.maintenance = windows;
    Some(request)
}

/// `infra/message-queue`: what is shared by all that come from a source, and the rest.
fn from_source(node: &Node, key: &str, text: &str) -> [(Key, Node); 2] {
    let (source, rest) = text.split_once('/').unwrap_or((text, ""));
    [("source", source), (key, rest)].map(|(key, text)| {
        let key = Key {
            text: key.into(),
            span: node.span,
        };
        let mut node = node.clone();
        node.data = Data::Text(text.into());
        (key, node)
    })
}

/// Reads one key of a schedule.
pub(super) fn schedule_key(
    cx: &mut Cx<'_>,
    schedule: &mut ScheduleOverrides,
    key: &Key,
    node: &Node,
) -> bool {
    let fields = vocabulary::schedule();
    let Some(field) = fields.iter().find(|field| *field.name == *key.text) else {
        return true;
    };
    let Some(value) = shape::value(cx, node, &field.shape, field.name) else {
        return false;
    };
    if !top::long_enough(cx, field.name, &value, node.span) {
        return false;
    }
    *schedule = top::schedule(&Params::new().with(field.name, value)).or(schedule);
    true
}
