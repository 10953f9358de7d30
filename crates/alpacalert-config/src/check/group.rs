//! Systems and services.

use std::collections::HashMap;

use alpacalert_model::{Effect, Rule, Threshold};

use super::item::{self, Member};
use super::shape::{self, expected_what};
use super::structure::Step;
use super::{Cx, list, maintenance, near, top};
use crate::diagnostic::Diagnostic;
use crate::plan::GroupPlan;
use crate::text::Span;
use crate::tree::{Data, Key, Node};
use crate::vocabulary::{self, MAX_COUNT, Takes};

/// A checked group, with the groups that it names.
pub(super) struct Group {
    pub(super) plan: GroupPlan,
    pub(super) edges: Vec<Step>,
}

/// What the keys of a group said so far.
struct Draft<'n> {
    name: &'n Key,
    rule: Option<(&'n Key, RuleWord)>,
    /// The value of `at_least`, `exactly`.
    threshold: Option<(Span, Ask)>,
    members: Vec<Member>,
    degraded_below: Option<(Span, u32)>,
    /// Whether all that was read was right.
    good: bool,
}

/// Which sort of rule a key begins.
#[derive(Clone, Copy, PartialEq)]
enum RuleWord {
    All,
    Any,
    AtLeast,
    Exactly,
}

/// How much a rule asks for.
#[derive(Clone, Copy)]
enum Ask {
    Count(u32),
    Percent(u8),
}

/// One system or service, by its name.
pub(super) fn group(cx: &mut Cx<'_>, name: &Key, node: &Node, service: bool) -> Option<Group> {
    let Data::Map(entries) = &node.data else {
        let what = "a map with a rule such as `all: […]`";
        return expected_what(cx, node, what, &name.text);
    };
    let mut draft = Draft {
        name,
        rule: None,
        threshold: None,
        members: Vec::new(),
        degraded_below: None,
        good: true,
    };
    let mut plan = GroupPlan {
        id: top::group_id(&name.text, service),
        title: None,
        owner: None,
        service: service.then_some(false),
        rule: Rule::All,
        degraded_below: None,
        members: Vec::new(),
        maintenance: Vec::new(),
    };
    let words = vocabulary::group(service);
    for (key, node) in entries {
        let read = match words.iter().find(|word| word.name == &*key.text) {
            Some(word) => match &word.takes {
                Takes::Label => {
                    let label = top::label(cx, node, &key.text);
                    let read = label.is_some();
                    match word.name {
                        "title" => plan.title = label,
                        _ => plan.owner = label,
                    }
                    read
                }
                Takes::Shape(shape) if word.name == "public" => {
                    let value = shape::value(cx, node, shape, "public");
                    let public = value.as_ref().and_then(|value| match value {
                        alpacalert_instrument::Value::Bool(public) => Some(*public),
                        _ => None,
                    });
                    plan.service = public;
                    public.is_some()
                }
                Takes::Windows => match maintenance::windows(cx, node) {
                    Some(windows) => {
                        plan.maintenance = windows;
                        true
                    }
                    None => false,
                },
                _ => draft.key(cx, key, node),
            },
            None => draft.kind(cx, key, node, service),
        };
        draft.good &= read;
    }
    draft.finish(cx, plan, node, entries)
}

impl<'n> Draft<'n> {
    /// Reads a key that says something about members.
    fn key(&mut self, cx: &mut Cx<'_>, key: &'n Key, node: &'n Node) -> bool {
        match &*key.text {
            "all" | "requires" => {
                self.begin(cx, key, RuleWord::All) & self.items(cx, key, node, None)
            }
            "any" => self.begin(cx, key, RuleWord::Any) & self.items(cx, key, node, None),
            "of" => self.items(cx, key, node, None),
            "degrades" => self.items(cx, key, node, Some(Effect::Degrades)),
            "optional" => self.items(cx, key, node, Some(Effect::Optional)),
            "inverted" => self.items(cx, key, node, Some(Effect::Inverted)),
            "weights" => self.weights(cx, node),
            "at_least" => {
                let begun = self.begin(cx, key, RuleWord::AtLeast);
                self.threshold = threshold(cx, node).map(|ask| (node.span, ask));
                begun & self.threshold.is_some()
            }
            "exactly" => {
                let begun = self.begin(cx, key, RuleWord::Exactly);
                let count = count(cx, node, 0, "exactly");
                self.threshold = count.map(|n| (node.span, Ask::Count(n)));
                begun & count.is_some()
            }
            _ => {
                self.degraded_below = count(cx, node, 1, "degraded_below").map(|n| (node.span, n));
                self.degraded_below.is_some()
            }
        }
    }

    /// Reads a kind that stands for a rule with all of one thing.
    fn kind(&mut self, cx: &mut Cx<'_>, key: &'n Key, node: &'n Node, service: bool) -> bool {
        if cx.registry.spec_by_word(&key.text).is_none() {
            if cx.is_full() {
                cx.more += 1;
                return false;
            }
            let words = vocabulary::group(service);
            let keys: Vec<&str> = words.iter().map(|word| word.name).collect();
            let kinds = cx.registry.specs();
            let kinds = kinds.flat_map(|spec| spec.alias.into_iter().chain([spec.kind.as_str()]));
            let problem = Diagnostic::error(format!(
                "`{}` is neither a key of a {} nor a kind",
                crate::tree::shorten(&key.text),
                if service { "service" } else { "system" }
            ));
            let word = near(&key.text, keys.iter().copied().chain(kinds));
            let problem = match word {
                Some(word) => problem.at(key.span, format!("did you mean `{word}`?")),
                None if !service && ["requires", "public"].contains(&&*key.text) => {
                    problem.at(key.span, "this is a key of services")
                }
                None => problem.at(key.span, "unknown"),
            };
            cx.report(problem.help(list("the keys here are", &keys)));
            return false;
        }
        let begun = self.begin(cx, key, RuleWord::All);
        match item::thing(cx, key, node) {
            Some(member) => {
                self.members.push(member);
                begun
            }
            None => false,
        }
    }

    /// Notes the rule; a second one is a mistake.
    fn begin(&mut self, cx: &mut Cx<'_>, key: &'n Key, word: RuleWord) -> bool {
        match self.rule {
            None => {
                self.rule = Some((key, word));
                true
            }
            Some((first, _)) => {
                let problem = Diagnostic::error(format!("`{}` has two rules", self.name.text));
                cx.report(
                    problem
                        .at(key.span, "the second")
                        .at(first.span, "the first")
                        .help("give one of them to a system of its own, and name that here"),
                );
                false
            }
        }
    }

    fn items(&mut self, cx: &mut Cx<'_>, key: &Key, node: &Node, effect: Option<Effect>) -> bool {
        let Some(members) = item::items(cx, node, &key.text, effect.is_none()) else {
            return false;
        };
        self.members.extend(members.into_iter().map(|mut member| {
            if let Some(effect) = effect {
                member.plan.edge.effect = effect;
            }
            member
        }));
        true
    }

    fn weights(&mut self, cx: &mut Cx<'_>, node: &Node) -> bool {
        let entries = match &node.data {
            Data::Map(entries) if !entries.is_empty() => entries,
            _ => {
                let what = "a map of names of systems and services with whole numbers";
                return expected_what::<()>(cx, node, what, "weights").is_some();
            }
        };
        let mut good = true;
        for (key, node) in entries {
            let weight = count(cx, node, 1, &key.text);
            let member = item::named(cx, key.span, &key.text);
            match (member, weight) {
                (Some(mut member), Some(weight)) => {
                    member.plan.edge.weight = weight;
                    self.members.push(member);
                }
                _ => good = false,
            }
        }
        good
    }

    fn finish(
        mut self,
        cx: &mut Cx<'_>,
        mut plan: GroupPlan,
        node: &Node,
        entries: &[(Key, Node)],
    ) -> Option<Group> {
        let has = |key: &str| {
            entries
                .iter()
                .find(|(k, _)| *k.text == *key)
                .map(|(k, _)| k)
        };
        let weights = has("weights");
        self.check_companions(cx, has("of"), weights);
        if self.good && self.members.is_empty() {
            let problem = Diagnostic::error(format!("`{}` has no members", self.name.text));
            cx.report(
                problem
                    .at(self.name.span, "what is it made of?")
                    .help("name them: `all: […]`, `any: […]`, or `at_least: 2` with `of: […]`"),
            );
            return None;
        }
        self.good &= unlike(cx, &self.members);
        if !self.good {
            return None;
        }
        let ask = self.threshold.map(|(_, ask)| ask);
        plan.rule = match (self.rule.map(|(_, word)| word), ask) {
            (Some(RuleWord::Any), _) => Rule::Any,
            (Some(RuleWord::Exactly), Some(Ask::Count(n))) => Rule::Exactly(n),
            (Some(RuleWord::AtLeast), Some(Ask::Count(n))) if weights.is_some() => Rule::Weight(n),
            (Some(RuleWord::AtLeast), Some(Ask::Count(n))) => Rule::AtLeast(Threshold::Count(n)),
            (Some(RuleWord::AtLeast), Some(Ask::Percent(p))) => {
                Rule::AtLeast(Threshold::Percent(p))
            }
            _ => Rule::All,
        };
        plan.degraded_below = self.degraded_below.map(|(_, n)| n);
        self.check_enough(cx, node, plan.rule)?;
        let from = cx.groups.get(&self.name.text).map(|named| named.index);
        let edges = self
            .members
            .iter()
            .filter_map(|member| {
                Some(Step {
                    from: from?,
                    to: member.group?,
                    span: member.span,
                })
            })
            .collect();
        plan.members = self.members.into_iter().map(|member| member.plan).collect();
        Some(Group { plan, edges })
    }

    /// `of` and `weights` beside the rules that they belong to.
    fn check_companions(&mut self, cx: &mut Cx<'_>, of: Option<&Key>, weights: Option<&Key>) {
        let rule = self.rule;
        let counts = |word: RuleWord| word == RuleWord::AtLeast || word == RuleWord::Exactly;
        let problem = match (rule, of, weights) {
            (_, Some(of), Some(weights)) => Some(
                Diagnostic::error("`of` and `weights` exclude each other")
                    .at(of.span, "leave one of them out")
                    .at(weights.span, "the other"),
            ),
            (Some((key, word)), None, None) if counts(word) => Some(
                Diagnostic::error(format!("`{}` without members", key.text)).at(
                    key.span,
                    match word {
                        RuleWord::AtLeast => "needs `of: […]`, or `weights: {…}`",
                        _ => "needs `of: […]`",
                    },
                ),
            ),
            (rule, Some(of), None) if !rule.is_some_and(|(_, word)| counts(word)) => Some(
                Diagnostic::error("`of` belongs to `at_least` or `exactly`")
                    .at(of.span, "how many of these?")
                    .help("for all of them write `all:`"),
            ),
            (rule, None, Some(weights))
                if rule.is_none_or(|(_, word)| word != RuleWord::AtLeast) =>
            {
                Some(
                    Diagnostic::error("`weights` belong to `at_least`")
                        .at(weights.span, "how much weight is enough?"),
                )
            }
            (Some(_), None, Some(_)) if matches!(self.threshold, Some((_, Ask::Percent(_)))) => {
                self.threshold.map(|(span, _)| {
                    Diagnostic::error("a share of weights")
                        .at(span, "beside `weights` this is a weight: a whole number")
                })
            }
            _ => None,
        };
        if let Some(problem) = problem {
            // A rule that was not read may have been meant for them.
            if self.good {
                cx.report(problem);
            }
            self.good = false;
        }
    }

    /// A rule that asks for more than the members can ever give is a mistake, unless a source may find more.
    fn check_enough(&self, cx: &mut Cx<'_>, node: &Node, rule: Rule) -> Option<()> {
        if !self.members.iter().all(Member::is_one) {
            return Some(());
        }
        let counted = self.members.iter().filter(|member| member.is_counted());
        let weight: u64 = counted.clone().map(|m| u64::from(m.plan.edge.weight)).sum();
        let count = counted.count();
        let span = self.threshold.map_or(node.span, |(span, _)| span);
        let asked = match rule {
            Rule::AtLeast(Threshold::Count(n)) | Rule::Exactly(n) if n as usize > count => {
                Some(members(count))
            }
            Rule::Weight(w) if u64::from(w) > weight => {
                Some(format!("all members together weigh {weight}"))
            }
            _ => None,
        };
        let low = match self.degraded_below {
            Some((span, n)) if n as usize > count => Some((span, count)),
            _ => None,
        };
        if let Some(words) = &asked {
            let problem = Diagnostic::error(format!(
                "`{}` asks for more than its members can ever give",
                self.name.text
            ));
            cx.report(problem.at(span, words));
        }
        if let Some((span, count)) = low {
            let problem =
                Diagnostic::error(format!("`{}` would always be Degraded", self.name.text));
            cx.report(problem.at(span, members(count)));
        }
        (asked.is_none() && low.is_none()).then_some(())
    }
}

fn members(count: usize) -> String {
    match count {
        1 => "one member counts".to_owned(),
        n => format!("{n} members count"),
    }
}

/// Whether no node is a member twice.
fn unlike(cx: &mut Cx<'_>, members: &[Member]) -> bool {
    let mut seen: HashMap<_, Span> = HashMap::new();
    let mut good = true;
    for member in members {
        let Some(id) = member.id() else { continue };
        if let Some(first) = seen.insert(id, member.span) {
            let problem = Diagnostic::error("the same member twice");
            cx.report(problem.at(member.span, "again").at(first, "first"));
            good = false;
        }
    }
    good
}

fn count(cx: &mut Cx<'_>, node: &Node, min: i64, key: &str) -> Option<u32> {
    match shape::value(cx, node, &vocabulary::count_from(min), key)? {
        alpacalert_instrument::Value::Int(n) => u32::try_from(n).ok(),
        _ => None,
    }
}

fn threshold(cx: &mut Cx<'_>, node: &Node) -> Option<Ask> {
    match &node.data {
        Data::Number(number, _) => match number.as_int() {
            Some(n) if (1..=MAX_COUNT).contains(&n) => return Some(Ask::Count(n as u32)),
            _ => {}
        },
        Data::Text(text) => {
            let digits = text
                .strip_suffix('%')
                .map(|text| text.strip_suffix(' ').unwrap_or(text));
            if let Some(digits) = digits
                && !digits.starts_with(['0', '+'])
                && let Ok(percent @ 1..=100) = digits.parse()
            {
                return Some(Ask::Percent(percent));
            }
        }
        _ => {}
    }
    expected_what(
        cx,
        node,
        "a whole number from 1, or a share from `1%` to `100%`",
        "at_least",
    )
}
