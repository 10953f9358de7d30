//! Connections to external systems.

use std::sync::Arc;

use alpacalert_instrument::Params;

use super::shape::{self, Owner, expected_what};
use super::{Cx, list, near, top};
use crate::diagnostic::Diagnostic;
use crate::plan::SourcePlan;
use crate::tree::{Data, Key, Node};
use crate::vocabulary;

/// One source, by its name.
pub(super) fn source(cx: &mut Cx<'_>, name: &Key, node: &Node) -> Option<SourcePlan> {
    let sorts: Vec<&str> = cx
        .registry
        .sources()
        .map(|provider| provider.spec().name)
        .collect();
    let Data::Map(entries) = &node.data else {
        let what = "a sort of source with its keys, such as `{ exec: { … } }`";
        return expected_what(cx, node, what, &name.text);
    };
    let common: Vec<&str> = vocabulary::source().iter().map(|word| word.name).collect();
    let (own, rest): (Vec<_>, Vec<_>) = entries
        .iter()
        .partition(|(key, _)| common.contains(&&*key.text));
    let mut plan = SourcePlan {
        name: Arc::clone(&name.text),
        provider: String::new(),
        params: Params::new(),
        schedule: Default::default(),
        owner: None,
    };
    let mut good = true;
    for (key, node) in &own {
        good &= match &*key.text {
            "owner" => {
                plan.owner = top::label(cx, node, "owner");
                plan.owner.is_some()
            }
            _ => super::item::schedule_key(cx, &mut plan.schedule, key, node),
        };
    }
    top::patience(cx, &own);
    let mut provider = None;
    for (key, node) in &rest {
        match cx.registry.source(&key.text) {
            None => {
                good = false;
                let known = sorts.iter().chain(&common).copied();
                let problem = Diagnostic::error(format!(
                    "`{}` is neither a sort of source nor a key of sources",
                    crate::tree::shorten(&key.text)
                ));
                let problem = match near(&key.text, known) {
                    Some(word) => problem.at(key.span, format!("did you mean `{word}`?")),
                    None => problem.at(key.span, "unknown"),
                };
                cx.report(
                    problem
                        .help(list("the sorts of source are", &sorts))
                        .help(list("the keys beside it are", &common)),
                );
            }
            Some(found) => match provider {
                None => provider = Some((found.spec(), key, node)),
                Some((_, first, _)) => {
                    good = false;
                    let problem = Diagnostic::error("a source of two sorts");
                    cx.report(
                        problem
                            .at(key.span, "make this one a source with a name of its own")
                            .at(first.span, "the other"),
                    );
                }
            },
        }
    }
    let Some((spec, key, node)) = provider else {
        if good {
            let problem = Diagnostic::error(format!("the source `{}` has no sort", name.text));
            cx.report(
                problem
                    .at(name.span, "of which sort is it?")
                    .help(list("the sorts of source are", &sorts)),
            );
        }
        return None;
    };
    let label = format!("`{}`", key.text);
    let owner = Owner {
        name: &label,
        span: key.span,
    };
    let empty = Vec::new();
    let entries = match &node.data {
        Data::Map(entries) => entries,
        Data::Null => &empty,
        _ => return expected_what(cx, node, "a map of its keys", &key.text),
    };
    let entries: Vec<_> = entries.iter().collect();
    let values = shape::record(cx, &owner, &entries, &spec.fields, &spec.constraints, &[])?;
    plan.provider = spec.name.to_owned();
    plan.params = Params::from(values);
    good.then_some(plan)
}
