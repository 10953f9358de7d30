//! What a published service means here.

use alpacalert_api::{CauseSummary, Health, ServiceSummary};
use alpacalert_instrument::{
    InstrumentError, Observation, Reason, Scope, State, Target, nearest, sanitize,
};
use alpacalert_model::{Effect, Kind, Node, NodeId, Origin, Rule, Severity, Timestamp};

use super::Told;
use super::read::{MALFORMED, Published};

/// The most causes that are told: the first ones tell whom to ask.
const CAUSES: usize = 3;

/// The most bytes of a publisher's name for a thing.
const NAME_BYTES: usize = 200;

/// Describes a service of another instance: what it publishes, and the instances that it comes through, which others that
/// consume our services are told of.
pub(super) fn describe(target: &Target, scope: &mut Scope<'_, '_>) -> Result<(), InstrumentError> {
    let name = target.params.required_text("name")?;
    scope.rule(Rule::All, None);
    let Some(told) = scope.snapshot::<Told>() else {
        let unseen = Observation::unknown(Reason::NOT_MEASURED, "not fetched yet", scope.now());
        publish(scope, name, unseen);
        return Ok(());
    };
    let published = &*told.published;
    let summary = match published.services.get(name).map(AsRef::as_ref) {
        Some(Ok(summary)) => summary,
        Some(Err(problem)) => {
            if let Some(owner) = &problem.owner {
                scope.owner(cut(owner));
            }
            let mut text = problem.text.clone();
            if problem.reason == MALFORMED {
                let who = &published.instance;
                text = format!("what `{who}` tells of it cannot be read: {text}");
            }
            let unknown = Observation::unknown(problem.reason.clone(), cut(&text), told.at);
            publish(scope, name, unknown);
            return Ok(());
        }
        None => {
            publish(scope, name, missing(name, published, told.at));
            return Ok(());
        }
    };
    scope.title(cut(&summary.title));
    if let Some(owner) = &summary.owner {
        scope.owner(cut(owner));
    }
    let us = scope.instance().unwrap_or_default();
    let lap = published.is_instance.then(|| lap(us, summary)).flatten();
    let observation = match lap {
        Some(text) => Observation::unknown(Reason::fixed("loop"), text, told.at),
        None => observation(summary, told.at),
    };
    publish_for(scope, &summary.title, blamed(summary), observation);
    if !published.is_instance {
        return Ok(());
    }
    let way = std::iter::once(&summary.instance).chain(&summary.via);
    for instance in way.filter(|instance| **instance != us) {
        through(scope, instance, told.at);
    }
    Ok(())
}

fn publish(scope: &mut Scope<'_, '_>, title: &str, observation: Observation) {
    publish_for(scope, title, None, observation);
}

/// `owner`: whose fault it is, where that is not the owner of the service.
fn publish_for(
    scope: &mut Scope<'_, '_>,
    title: &str,
    owner: Option<&str>,
    observation: Observation,
) {
    let id = scope.part_id("published", None);
    let mut node = Node::sensor(id.clone(), cut(title));
    node.owner = owner.map(|owner| cut(owner).into());
    scope.observed_node(node, observation);
    scope.member(id, Effect::Required);
}

/// The one owner of all causes, if the publisher names one: a team whose service fails for another team's sake is not to blame.
fn blamed(summary: &ServiceSummary) -> Option<&str> {
    let mut owners = summary.causes.iter().map(|cause| cause.owner.as_deref());
    let first = owners.next()??;
    owners.all(|owner| owner == Some(first)).then_some(first)
}

/// An instance that the service comes through: its word arrives.
fn through(scope: &mut Scope<'_, '_>, instance: &str, at: Timestamp) {
    let name = cut(instance);
    let source = scope.id().source().clone();
    let id = NodeId::new(source, Kind::of("alpacalert.io/Instance"), name.as_str());
    let heard = Observation::passing(at).message(Severity::Info, "what it tells arrives");
    scope.observed_node(Node::sensor(id.clone(), format!("instance {name}")), heard);
    scope.member(id, Effect::Optional);
}

fn missing(name: &str, published: &Published, at: Timestamp) -> Observation {
    let names: Vec<String> = published.services.keys().cloned().collect();
    let hint = nearest(name, &names, |name| name.as_str())
        .map(|near| format!("; did you mean `{near}`?"))
        .unwrap_or_default();
    let text = format!(
        "`{}` publishes no service `{name}`{hint}",
        published.instance
    );
    Observation::unknown(Reason::fixed("not-published"), cut(&text), at)
}

/// Whether the service depends on ourselves, in words.
fn lap(us: &str, summary: &ServiceSummary) -> Option<String> {
    if summary.instance == us {
        return Some(format!(
            "it is published by an instance with our own name, `{us}`: give each instance its own `instance:` name, and consume \
no service of this one"
        ));
    }
    summary.via.iter().any(|instance| instance == us).then(|| {
        cut(&format!(
            "it depends on services of this instance (`{us}`), so each would wait for the other: `{}` consumes ours, by way of {}",
            summary.instance,
            summary.via.join(", ")
        ))
    })
}

fn observation(summary: &ServiceSummary, at: Timestamp) -> Observation {
    let told = format!("told by {}", cut(&summary.instance));
    let (state, severity) = match summary.state {
        Health::Passing => {
            let passing = Observation::passing(at).message(Severity::Info, told);
            // A page may tell of an incident that is over for this part.
            return match summary.causes.is_empty() {
                true => passing,
                false => passing.message(Severity::Info, why(summary)),
            };
        }
        Health::Degraded => (State::Degraded, Severity::Warn),
        Health::Unknown => (State::Unknown, Severity::Warn),
        Health::Failing => (State::Failing, Severity::Error),
    };
    let mut observation = Observation::new(state, Reason::fixed("published"), at);
    observation.origins = origins(summary);
    observation
        .message(severity, why(summary))
        .message(Severity::Info, told)
}

/// The faults that the publisher tells of; nothing unless it tells which each of them is.
fn origins(summary: &ServiceSummary) -> Vec<Origin> {
    /// With this many causes there may be more that are not told.
    const MANY: usize = 10;
    /// The most faults that one thing stands for.
    const ORIGINS_MAX: usize = 64;
    let causes = &summary.causes;
    let ids = || causes.iter().flat_map(|cause| &cause.origins);
    let is_known = causes.len() < MANY
        && causes.iter().all(|cause| !cause.origins.is_empty())
        && ids().count() <= ORIGINS_MAX
        && ids().all(|id| id.len() <= NAME_BYTES);
    if !is_known {
        return Vec::new();
    }
    let hops = u32::try_from(summary.via.len()).unwrap_or(u32::MAX);
    let origin = |id: &String| Origin {
        id: cut(id).into(),
        hops,
    };
    ids().map(origin).collect()
}

/// The publisher's causes in one line, each with its owner where that is yet another one.
fn why(summary: &ServiceSummary) -> String {
    let mut causes: Vec<String> = summary
        .causes
        .iter()
        .take(CAUSES)
        .map(|cause| words(cause, summary.owner.as_deref()))
        .collect();
    let rest = summary.causes.len().saturating_sub(CAUSES);
    if rest > 0 {
        causes.push(format!("and {rest} more"));
    }
    if causes.is_empty() {
        return cut(&summary.sentence);
    }
    causes.join("; ")
}

/// `queue reports: missing, since 10:02 UTC`
fn words(cause: &CauseSummary, owner: Option<&str>) -> String {
    let mut words = cut(&cause.name);
    if let Some(other) = cause.owner.as_deref().filter(|other| Some(*other) != owner) {
        words.push_str(&format!(" ({})", cut(other)));
    }
    if !cause.message.is_empty() {
        words.push_str(&format!(": {}", cut(&cause.message)));
    }
    // What came through several instances says already since when.
    let is_said = cause.message.contains(", since ");
    if let Some(since) = cause.since.filter(|_| !is_said) {
        words.push_str(&format!(", since {}", since.strftime("%H:%M UTC")));
    }
    words
}

/// Text from another instance, of a bounded length and without what could harm whoever shows it.
fn cut(text: &str) -> String {
    let text = match text
        .char_indices()
        .find(|(at, c)| at + c.len_utf8() > NAME_BYTES)
    {
        Some((at, _)) => &text[..at],
        None => text,
    };
    sanitize(text).into_owned()
}
