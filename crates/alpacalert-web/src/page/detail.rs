//! All that is shown of one node, copied out of the graph.

use alpacalert_model::{
    Explanation, Margin, Measurement, NodeId, NodeKey, NodeRef, Role, Rule, State, Timestamp,
};
use alpacalert_visualise::{Headline, Whose, cause_evidence, rule_sentence};

use super::parts::{SENTENCE, TITLE, Tags, count, short};
use super::picture::Picture;
use super::scene::{FULL, Name, Scene, worst_first};

/// The most members, parents and services that are listed, and the most causes.
const LISTED: usize = 25;

/// The most values of one cause, the most telling first.
const VALUES: usize = 4;

/// The most characters of one message.
const MESSAGE: usize = 4_000;

/// The way to one cause.
#[derive(Debug)]
pub(crate) struct Chain {
    /// From the node down to the cause, both included.
    pub(crate) steps: Vec<Name>,
    /// What the cause says.
    pub(crate) said: Vec<String>,
    /// What it measures.
    pub(crate) values: Vec<Measurement>,
    pub(crate) observed_at: Option<Timestamp>,
    pub(crate) owner: Option<String>,
    pub(crate) since: Option<Timestamp>,
}

/// How much more a node can bear.
#[derive(Debug)]
pub(crate) enum Bears {
    Nothing,
    /// These failing together would take it down.
    Until(Vec<Name>),
    AtLeast(usize),
    Everything,
}

/// A service that changes with the node.
#[derive(Debug)]
pub(crate) struct Hit {
    pub(crate) service: Name,
    pub(crate) from: State,
    pub(crate) to: State,
    pub(crate) owner: Option<String>,
}

/// A member, and how it counts.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) name: Name,
    pub(crate) effect: &'static str,
    pub(crate) said: String,
}

/// One node.
#[derive(Debug)]
pub(crate) struct Detail {
    pub(crate) node: NodeId,
    pub(crate) name: Name,
    pub(crate) what: &'static str,
    pub(crate) public: Option<bool>,
    pub(crate) rule: Option<String>,
    pub(crate) confirmed: State,
    pub(crate) since: Option<Timestamp>,
    pub(crate) observed_at: Option<Timestamp>,
    pub(crate) owner: Option<String>,
    pub(crate) marks: Tags,
    pub(crate) reason: String,
    pub(crate) whose: Option<Whose>,
    pub(crate) why: String,
    pub(crate) messages: Vec<String>,
    pub(crate) values: Vec<Measurement>,
    pub(crate) chains: Vec<Chain>,
    pub(crate) chains_cut: bool,
    pub(crate) repairs: Vec<Vec<Name>>,
    pub(crate) bears: Bears,
    pub(crate) hits: Vec<Hit>,
    pub(crate) hits_more: usize,
    pub(crate) parents: Vec<Name>,
    pub(crate) parents_more: usize,
    pub(crate) members: Vec<Member>,
    pub(crate) members_more: usize,
    pub(crate) picture: Option<Picture>,
}

impl Detail {
    /// What is known of a node.
    pub(crate) fn of(scene: &Scene<'_>, node: NodeRef<'_>) -> Detail {
        let explanation = scene.graph.explain(node.key(), &FULL);
        let headline = Headline::from_explanation(&scene.view(), node, explanation.as_ref());
        let name = |key: &NodeKey| scene.graph.get(*key).map(Name::of);
        let impacts = scene.graph.impact(node.key());
        let others = impacts.iter().filter(|impact| impact.service != node.key());
        let hits: Vec<Hit> = others
            .filter_map(|impact| {
                let service = scene.graph.get(impact.service)?;
                Some(Hit {
                    service: Name::of(service),
                    from: impact.from,
                    to: impact.to,
                    owner: service.owner().map(|owner| short(owner, TITLE)),
                })
            })
            .collect();
        let hits_more = hits.len().saturating_sub(LISTED);
        let parents = node.parents().count();
        let members = node.children().count();
        let listed = worst_first(|| node.children().map(|(child, _)| child), 0, LISTED);
        let effects: Vec<_> = match listed.is_empty() {
            true => Vec::new(),
            false => node
                .children()
                .map(|(child, edge)| (child.key(), edge.effect))
                .collect(),
        };
        let effect = |key| {
            let found = effects.iter().find(|(child, _)| *child == key);
            found.map_or("required", |(_, effect)| effect.as_str())
        };
        let picture = Picture::of(scene, node, explanation.as_ref());
        let found = explanation.as_ref();
        Detail {
            node: node.id().clone(),
            name: Name::of(node),
            what: what(node),
            public: node.service().map(|info| info.public),
            rule: rule(node),
            confirmed: node.confirmed(),
            since: node.since(),
            observed_at: node.observed_at(),
            owner: node.owner().map(|owner| short(owner, TITLE)),
            marks: Tags::of(node),
            reason: short(node.reason().as_str(), TITLE),
            whose: headline.whose,
            why: short(&headline.why, SENTENCE * 2),
            messages: node
                .messages()
                .iter()
                .map(|message| cut(&message.text))
                .collect(),
            values: node.measurements().to_vec(),
            chains: found.map_or_else(Vec::new, |found| chains(scene, found)),
            chains_cut: found.is_some_and(|found| found.causes_cut || found.causes.len() > LISTED),
            repairs: found.map_or_else(Vec::new, |found| {
                let sets = found.repair_sets.iter();
                sets.map(|set| set.iter().filter_map(name).collect())
                    .collect()
            }),
            bears: match found.map(|found| &found.margin) {
                Some(Margin::Failures(leaves)) => {
                    Bears::Until(leaves.iter().filter_map(name).collect())
                }
                Some(Margin::AtLeast(n)) => Bears::AtLeast(*n),
                Some(Margin::Unlimited) => Bears::Everything,
                Some(Margin::None) | None => Bears::Nothing,
            },
            hits: hits.into_iter().take(LISTED).collect(),
            hits_more,
            parents: node.parents().take(LISTED).map(Name::of).collect(),
            parents_more: parents.saturating_sub(LISTED),
            members: listed
                .into_iter()
                .map(|child| Member {
                    name: Name::of(child),
                    effect: effect(child.key()),
                    said: said(child),
                })
                .collect(),
            members_more: members.saturating_sub(LISTED),
            picture,
        }
    }
}

/// What a node says in one line: why it is not Passing, or its first value.
pub(crate) fn said(node: NodeRef<'_>) -> String {
    if node.state() != State::Passing {
        let said = cause_evidence(node).into_iter().next();
        return short(&said.unwrap_or_default(), SENTENCE);
    }
    let value = node.measurements().first().map(|value| value.sentence());
    let message = || {
        node.messages()
            .first()
            .map(|message| message.text.to_string())
    };
    short(&value.or_else(message).unwrap_or_default(), SENTENCE)
}

fn chains(scene: &Scene<'_>, explanation: &Explanation) -> Vec<Chain> {
    let causes = explanation.causes.iter().take(LISTED);
    let chains = causes.filter_map(|cause| {
        let leaf = scene.graph.get(cause.node)?;
        let steps = cause.path.iter();
        Some(Chain {
            steps: steps
                .filter_map(|key| scene.graph.get(*key))
                .map(Name::of)
                .collect(),
            said: cause_evidence(leaf)
                .iter()
                .map(|said| short(said, SENTENCE * 2))
                .collect(),
            values: leaf.measurements().iter().take(VALUES).cloned().collect(),
            observed_at: leaf.observed_at(),
            owner: cause.owner.as_ref().map(|owner| short(owner, TITLE)),
            since: leaf.since(),
        })
    });
    chains.collect()
}

fn what(node: NodeRef<'_>) -> &'static str {
    match (node.service().is_some(), node.role()) {
        (true, _) => "service",
        (_, Some(Role::Sensor)) => "sensor",
        (_, Some(Role::System { .. })) => "system",
        (_, None) => "named by others, provided by nobody",
    }
}

/// What a system asks of its members.
fn rule(node: NodeRef<'_>) -> Option<String> {
    let counted = node.sums().counted as usize;
    match node.role() {
        Some(Role::System {
            rule: Rule::All, ..
        }) if counted > 0 => Some(format!(
            "needs all of {}",
            count(counted, "member", "members")
        )),
        _ => rule_sentence(node),
    }
}

/// A message as it came, lines and all, but no longer than this.
fn cut(text: &str) -> String {
    let text = alpacalert_model::sanitize(text.trim());
    match text.char_indices().nth(MESSAGE) {
        None => text.into_owned(),
        Some((at, _)) => format!("{}…", &text[..at]),
    }
}
