//! The top of a configuration: files into one.

use std::collections::HashMap;
use std::sync::Arc;

use alpacalert_instrument::{Field, Params, ScheduleOverrides, Value};
use alpacalert_model::{Kind, NodeId};

use super::shape::{Owner, expected_what};
use super::{Cx, Named, group, item, shape, source, structure};
use crate::diagnostic::Diagnostic;
use crate::plan::{Concurrency, ExtensionPlan, HistoryPlan, Plan};
use crate::text::Span;
use crate::tree::{Data, Key, Node};
use crate::vocabulary::{self, LOCAL, is_name};

/// The name of an instance that gives itself none.
const INSTANCE: &str = "alpacalert";

/// What all files say together, section by section.
#[derive(Default)]
struct Sections<'t> {
    sources: Vec<&'t (Key, Node)>,
    /// With whether it is a service.
    groups: Vec<(&'t (Key, Node), bool)>,
    extend: Vec<&'t (Key, Node)>,
    /// Keys that can be said once: what they say and where.
    said: HashMap<String, (Value, Span)>,
    /// Whether there are access rules, be it empty ones.
    access: bool,
}

/// The plan that the trees make. What is wrong is reported; then the plan is not complete.
pub(super) fn plan(cx: &mut Cx<'_>, trees: &[Node]) -> Plan {
    let mut sections = Sections::default();
    for tree in trees {
        match &tree.data {
            Data::Map(entries) => {
                for entry in entries {
                    section(cx, &mut sections, entry);
                }
            }
            Data::Null => {}
            _ => {
                expected_what::<()>(
                    cx,
                    tree,
                    "a map of sections such as `systems`",
                    "a configuration",
                );
            }
        }
    }
    name_sources(cx, &sections);
    name_groups(cx, &sections);

    let text = |value: Option<&(Value, Span)>| -> Option<Arc<str>> {
        value.and_then(|(value, _)| value.as_text()).map(Arc::from)
    };
    let mut plan =
        Plan::new(text(sections.said.get("instance")).unwrap_or_else(|| INSTANCE.into()));
    plan.owner = text(sections.said.get("owner"));
    plan.defaults = schedule(&section_params(&sections, "defaults"));
    plan.serve = section_params(&sections, "serve");
    plan.access = sections.access.then(|| section_params(&sections, "access"));
    plan.history = history(&section_params(&sections, "history"));
    plan.concurrency = concurrency(&section_params(&sections, "concurrency"));
    for (key, node) in &sections.sources {
        plan.sources.extend(source::source(cx, key, node));
    }
    let mut edges = Vec::new();
    for ((key, node), service) in &sections.groups {
        if let Some(group) = group::group(cx, key, node, *service) {
            edges.extend(group.edges);
            plan.groups.push(group.plan);
        }
    }
    for (key, node) in &sections.extend {
        extension(cx, &mut plan.extensions, key, node);
    }
    structure::check(cx, &sections.groups, &edges);
    // Some sources bring systems and services of their own.
    if plan.groups.is_empty() && plan.sources.is_empty() && cx.found.is_empty() {
        let problem = Diagnostic::warning(
            "there is nothing to observe: no sources, no systems and no services",
        );
        cx.report(match trees.first() {
            Some(tree) => problem.at(tree.span, ""),
            None => problem,
        });
    }
    plan
}

fn section<'t>(cx: &mut Cx<'_>, sections: &mut Sections<'t>, entry: &'t (Key, Node)) {
    let (key, node) = entry;
    // A section that is empty, perhaps because all of it is commented out, says nothing.
    let is_empty = matches!(node.data, Data::Null);
    match &*key.text {
        "instance" => {
            if let Some(name) = name(cx, node, "instance") {
                say(cx, sections, "instance", Value::Text(name), node.span);
            }
        }
        "owner" => {
            if let Some(owner) = label(cx, node, "owner") {
                say(
                    cx,
                    sections,
                    "owner",
                    Value::Text(owner.to_string()),
                    node.span,
                );
            }
        }
        "defaults" if !is_empty => said_once(cx, sections, key, node, &vocabulary::schedule()),
        "concurrency" if !is_empty => {
            said_once(cx, sections, key, node, &vocabulary::concurrency())
        }
        "history" if !is_empty => said_once(cx, sections, key, node, &vocabulary::history()),
        "serve" if !is_empty => said_once(cx, sections, key, node, &vocabulary::serve()),
        "access" => {
            // Whoever writes the word wants rules, be it none but the usual ones.
            sections.access = true;
            if !is_empty {
                said_once(cx, sections, key, node, &vocabulary::access());
            }
        }
        "sources" | "systems" | "services" | "extend" | "defaults" | "concurrency" | "history"
        | "serve"
            if is_empty => {}
        "sources" => sections
            .sources
            .extend(map(cx, node, key, "names, each with a source")),
        "systems" | "services" => {
            let service = &*key.text == "services";
            let groups = map(cx, node, key, "names, each with its rule and its members");
            sections
                .groups
                .extend(groups.iter().map(|group| (group, service)));
        }
        "extend" => sections
            .extend
            .extend(map(cx, node, key, "kinds, each with a list of items")),
        _ => cx.unknown_key(
            key,
            "the configuration",
            vocabulary::top().iter().map(|word| word.name),
        ),
    }
}

fn map<'t>(cx: &mut Cx<'_>, node: &'t Node, key: &Key, of: &str) -> &'t [(Key, Node)] {
    match &node.data {
        Data::Map(entries) => entries,
        _ => {
            expected_what::<()>(cx, node, &format!("a map of {of}"), &key.text);
            &[]
        }
    }
}

/// Reads a section whose every key can be said once in all files together.
fn said_once(
    cx: &mut Cx<'_>,
    sections: &mut Sections<'_>,
    key: &Key,
    node: &Node,
    fields: &[Field],
) {
    let Data::Map(entries) = &node.data else {
        let names: Vec<_> = fields.iter().map(|field| field.name).collect();
        let what = format!("a map of the keys {}", names.join(", "));
        expected_what::<()>(cx, node, &what, &key.text);
        return;
    };
    let name = format!("`{}`", key.text);
    let owner = Owner {
        name: &name,
        span: key.span,
    };
    let borrowed: Vec<_> = entries.iter().collect();
    for entry in &borrowed {
        let values = shape::record(cx, &owner, std::slice::from_ref(entry), fields, &[], &[]);
        for (name, value) in values.into_iter().flatten() {
            if long_enough(cx, &name, &value, entry.1.span) {
                say(
                    cx,
                    sections,
                    &format!("{}.{name}", key.text),
                    value,
                    entry.1.span,
                );
            }
        }
    }
    patience(cx, &borrowed);
}

fn say(cx: &mut Cx<'_>, sections: &mut Sections<'_>, key: &str, value: Value, span: Span) {
    match sections.said.get(key) {
        Some((other, first)) if *other != value => cx.report(
            Diagnostic::error(format!(
                "`{}` is said twice, and differently",
                key.replace('.', ": ")
            ))
            .at(span, "again")
            .at(*first, "first"),
        ),
        Some(_) => {}
        None => {
            sections.said.insert(key.to_owned(), (value, span));
        }
    }
}

fn section_params(sections: &Sections<'_>, section: &str) -> Params {
    let mut entries: Vec<_> = sections
        .said
        .iter()
        .filter_map(|(key, (value, _))| {
            let name = key.strip_prefix(section)?.strip_prefix('.')?;
            Some((name.to_owned(), value.clone()))
        })
        .collect();
    entries.sort_by(|one, other| one.0.cmp(&other.0));
    Params::from(entries)
}

/// The schedule that checked values say.
pub(super) fn schedule(params: &Params) -> ScheduleOverrides {
    let count = |key| params.int(key).and_then(|value| u32::try_from(value).ok());
    ScheduleOverrides {
        interval: params.duration("interval"),
        timeout: params.duration("timeout"),
        retries: count("retries"),
        retry_interval: params.duration("retry_interval"),
        recoveries: count("recoveries"),
        time_to_live: params.duration("time_to_live"),
    }
}

fn history(params: &Params) -> HistoryPlan {
    HistoryPlan {
        transitions: params.duration("transitions"),
        measurements: params.duration("measurements"),
        hours: params.duration("hours"),
        days: params.duration("days"),
    }
}

fn concurrency(params: &Params) -> Concurrency {
    let default = Concurrency::default();
    let count = |key, default| {
        params
            .int(key)
            .and_then(|value| usize::try_from(value).ok())
            .unwrap_or(default)
    };
    Concurrency {
        network: count("network", default.network),
        processes: count("processes", default.processes),
        per_source: count("per_source", default.per_source),
    }
}

/// Whether a length of time is long enough not to be a mistake: one that keeps a processor busy, or that forgets at once.
pub(super) fn long_enough(cx: &mut Cx<'_>, key: &str, value: &Value, span: Span) -> bool {
    let Value::Duration(duration) = value else {
        return true;
    };
    let (least, written) = match key {
        "interval" | "retry_interval" => (100, "100ms"),
        "transitions" | "measurements" | "hours" | "days" => (3_600_000, "1h"),
        _ => (1, "1ms"),
    };
    if duration.as_millis() >= least {
        return true;
    }
    let problem = Diagnostic::error(format!("`{key}` is at least {written}"));
    cx.report(problem.at(span, "too short"));
    false
}

/// Warns where a sensor would be Unknown between one measurement and the next.
pub(super) fn patience(cx: &mut Cx<'_>, entries: &[&(Key, Node)]) {
    let find = |key: &str| {
        let (_, node) = entries.iter().find(|(k, _)| *k.text == *key)?;
        match &node.data {
            Data::Text(text) => Some((crate::quantity::duration(text)?, node.span)),
            _ => None,
        }
    };
    if let (Some((interval, interval_at)), Some((alive, alive_at))) =
        (find("interval"), find("time_to_live"))
        && alive < interval
    {
        cx.report(
            Diagnostic::warning("`time_to_live` is shorter than `interval`")
                .at(alive_at, "Unknown after this")
                .at(interval_at, "measured again after this"),
        );
    }
}

fn name_sources(cx: &mut Cx<'_>, sections: &Sections<'_>) {
    for (key, _) in &sections.sources {
        if !good_name(cx, key, "a source") {
            continue;
        }
        if *key.text == *LOCAL {
            let problem = Diagnostic::error(format!("a source cannot be called `{LOCAL}`"));
            cx.report(problem.at(key.span, "this is what the instance measures itself"));
            continue;
        }
        match cx.sources.get(&key.text) {
            Some(first) => {
                let problem =
                    Diagnostic::error(format!("the source `{}` is there twice", key.text));
                let problem = problem.at(key.span, "again").at(*first, "first");
                cx.report(problem);
            }
            None => {
                cx.sources.insert(Arc::clone(&key.text), key.span);
            }
        }
    }
}

fn name_groups(cx: &mut Cx<'_>, sections: &Sections<'_>) {
    for (index, ((key, _), service)) in sections.groups.iter().enumerate() {
        let word = if *service { "a service" } else { "a system" };
        if !good_name(cx, key, word) {
            continue;
        }
        if let Some(first) = cx.groups.get(&key.text).map(|named| named.span) {
            let problem = Diagnostic::error(format!(
                "there are two systems or services with the name `{}`",
                key.text
            ));
            cx.report(
                problem
                    .at(key.span, "again")
                    .at(first, "first")
                    .help("systems and services share one set of names, over all files"),
            );
            continue;
        }
        let named = Named {
            index,
            id: group_id(&key.text, *service),
            span: key.span,
        };
        cx.groups.insert(Arc::clone(&key.text), named);
    }
}

/// The identity of a system or a service.
pub(super) fn group_id(name: &Arc<str>, service: bool) -> NodeId {
    let kind = if service {
        Kind::of("alpacalert.io/Service")
    } else {
        Kind::of("alpacalert.io/System")
    };
    NodeId::new(LOCAL, kind, Arc::clone(name))
}

fn good_name(cx: &mut Cx<'_>, key: &Key, word: &str) -> bool {
    if is_name(&key.text) {
        return true;
    }
    report_name(cx, key.span, word);
    false
}

fn report_name(cx: &mut Cx<'_>, span: Span, word: &str) {
    cx.report(
        Diagnostic::error(format!("this cannot be the name of {word}"))
            .at(
                span,
                "begin with a letter or digit; go on with these and `.`, `_`, `-`; at most 100",
            )
            .help("names are for machines and addresses; what people read is the `title`"),
    );
}

/// A name that the user makes.
fn name(cx: &mut Cx<'_>, node: &Node, key: &str) -> Option<String> {
    match &node.data {
        Data::Text(text) if is_name(text) => Some(text.to_string()),
        Data::Text(_) => {
            report_name(cx, node.span, "an instance");
            None
        }
        _ => expected_what(cx, node, "a text", key),
    }
}

/// Text for people, without secrets.
pub(super) fn label(cx: &mut Cx<'_>, node: &Node, key: &str) -> Option<Arc<str>> {
    const MAX: usize = 200;
    let Some(text) = node.as_text() else {
        return expected_what(cx, node, "a text", key);
    };
    let problem = if text.is_empty() {
        "is empty".to_owned()
    } else if text.chars().count() > MAX {
        format!("is longer than {MAX} characters")
    } else if text.contains("${") {
        "takes no secrets: it is shown to everybody".to_owned()
    } else {
        return Some(Arc::clone(text));
    };
    cx.report(Diagnostic::error(format!("`{key}` {problem}")).at(node.span, ""));
    None
}

fn extension(cx: &mut Cx<'_>, extensions: &mut Vec<ExtensionPlan>, key: &Key, node: &Node) {
    let kind = item::registered(cx, key);
    cx.in_extension = true;
    let members = item::items(cx, node, &key.text, true);
    cx.in_extension = false;
    let (Some(kind), Some(members)) = (kind, members) else {
        return;
    };
    let members = members.into_iter().map(|member| member.plan);
    match extensions
        .iter_mut()
        .find(|extension| extension.kind == kind)
    {
        Some(extension) => extension.members.extend(members),
        None => extensions.push(ExtensionPlan {
            kind,
            members: members.collect(),
        }),
    }
}
