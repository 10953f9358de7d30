//! From what a program printed to nodes: everything is checked, nothing is believed.

use std::collections::{BTreeMap, HashMap};

use alpacalert_instrument::model::{
    Bound, Edge, Effect, Limits, Measurement, Message, Rule, ServiceInfo, Severity, Threshold, Unit,
};
use alpacalert_instrument::{
    Context, Kind, Observation, Reason, SensorError, State, Timestamp, sanitize,
};
use serde::Deserialize;
use serde_json::Value;

use super::wire;

/// The most nodes of one program. More come from something that went wrong, or want a source of their own in Rust.
pub(super) const MOST_NODES: usize = 10_000;

/// The most members of one node.
const MOST_MEMBERS: usize = 10_000;

/// The longest reference, title or name, in bytes.
const LONGEST_NAME: usize = 1024;

/// The most placeholders of one node.
const MOST_FIELDS: usize = 100;

/// A kind and a reference.
pub(super) type Name = (Kind, String);

/// What a program said, checked.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The nodes, each of them once, in the order printed.
    pub(super) nodes: Vec<(Name, Result<Node, Problem>)>,
    /// What is wrong with nodes that have no name to be shown under.
    pub(super) nameless: Vec<String>,
}

/// What is wrong with a node: a reason and a sentence.
pub(super) type Problem = (&'static str, String);

/// A node as its program wants it.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) title: Option<String>,
    pub(super) owner: Option<String>,
    pub(super) service: Option<ServiceInfo>,
    pub(super) rule: Option<Rule>,
    pub(super) degraded_below: Option<u32>,
    pub(super) members: Vec<(Name, Edge)>,
    pub(super) observation: Option<Observation>,
    pub(super) fields: BTreeMap<String, String>,
}

/// Reads the document. The error is that it is none at all.
pub(super) fn read(bytes: &[u8], cx: &Context) -> Result<Found, SensorError> {
    let document: wire::Document = serde_json::from_slice(bytes).map_err(|error| {
        SensorError::new(
            Reason::fixed("bad-blueprint"),
            "the program's output is not a blueprint",
        )
        .because(error)
    })?;
    if document.version != wire::VERSION {
        return Err(SensorError::new(
            Reason::fixed("unsupported-version"),
            format!(
                "the program prints version {} of the blueprint; version {} is understood",
                document.version,
                wire::VERSION
            ),
        ));
    }
    if document.nodes.len() > MOST_NODES {
        return Err(SensorError::new(
            Reason::fixed("too-many-nodes"),
            format!(
                "the program prints {} nodes; {MOST_NODES} are the most",
                document.nodes.len()
            ),
        ));
    }
    let mut found = Found::default();
    let mut places: HashMap<Name, usize> = HashMap::new();
    for (index, value) in document.nodes.into_iter().enumerate() {
        let name = match name_of(&value) {
            Ok(name) => name,
            Err(problem) => {
                let text = format!("node {} of the blueprint: {problem}", index + 1);
                found.nameless.push(sanitize(&text).into_owned());
                continue;
            }
        };
        if let Some(place) = places.get(&name) {
            let text = "the program prints this node more than once".to_owned();
            found.nodes[*place].1 = Err(("duplicate-node", text));
            continue;
        }
        places.insert(name.clone(), found.nodes.len());
        let node = node(value, cx).map_err(|problem| ("bad-node", problem));
        found.nodes.push((name, node));
    }
    Ok(found)
}

fn name_of(value: &Value) -> Result<Name, String> {
    let name = wire::Name::deserialize(value).map_err(|error| error.to_string())?;
    checked_name(&name.kind, name.reference)
}

fn checked_name(kind: &str, reference: String) -> Result<Name, String> {
    let kind: Kind = kind.parse().map_err(|error| format!("{error}"))?;
    // A program must not borrow what this program's own kinds do.
    if kind.namespace() == "alpacalert.io" {
        return Err(format!(
            "the kind `{kind}` is ours; use a domain of your own"
        ));
    }
    if reference.is_empty() || reference.len() > LONGEST_NAME {
        return Err(format!(
            "a reference has 1 to {LONGEST_NAME} bytes, and this one {}",
            reference.len()
        ));
    }
    if sanitize(&reference) != reference || reference.contains(['\n', '\t']) {
        return Err("a reference holds no control characters".to_owned());
    }
    Ok((kind, reference))
}

fn node(value: Value, cx: &Context) -> Result<Node, String> {
    let node = wire::Node::deserialize(value).map_err(|error| error.to_string())?;
    if node.members.len() > MOST_MEMBERS {
        return Err(format!(
            "{} members; {MOST_MEMBERS} are the most",
            node.members.len()
        ));
    }
    if node.fields.len() > MOST_FIELDS {
        return Err(format!(
            "{} fields; {MOST_FIELDS} are the most",
            node.fields.len()
        ));
    }
    let members: Result<Vec<_>, String> = node.members.into_iter().map(member).collect();
    let observation = node
        .observation
        .map(|observation| self::observation(observation, cx));
    let label = |text: Option<String>| text.map(|text| label(&text, cx));
    Ok(Node {
        title: label(node.title),
        owner: label(node.owner),
        service: node.service.map(|service| ServiceInfo {
            public: service.public,
        }),
        rule: node.rule.map(rule).transpose()?,
        degraded_below: node.degraded_below,
        members: members?,
        observation: observation.transpose()?,
        fields: node.fields,
    })
}

fn member(member: wire::Member) -> Result<(Name, Edge), String> {
    let name = checked_name(&member.kind, member.reference)
        .map_err(|problem| format!("a member: {problem}"))?;
    let effect = match member.effect {
        None | Some(wire::Effect::Required) => Effect::Required,
        Some(wire::Effect::Degrades) => Effect::Degrades,
        Some(wire::Effect::Optional) => Effect::Optional,
        Some(wire::Effect::Inverted) => Effect::Inverted,
    };
    let weight = member.weight.unwrap_or(1);
    if weight == 0 {
        return Err("the weight of a member is at least 1".to_owned());
    }
    Ok((name, Edge { effect, weight }))
}

fn rule(rule: wire::Rule) -> Result<Rule, String> {
    Ok(match rule {
        wire::Rule::All => Rule::All,
        wire::Rule::Any => Rule::Any,
        wire::Rule::AtLeast(count) => Rule::AtLeast(Threshold::Count(count)),
        wire::Rule::Percent(percent) if percent <= 100 => {
            Rule::AtLeast(Threshold::Percent(percent))
        }
        wire::Rule::Percent(percent) => return Err(format!("{percent} percent of the members")),
        wire::Rule::Exactly(count) => Rule::Exactly(count),
        wire::Rule::Weight(weight) => Rule::Weight(weight),
    })
}

fn observation(said: wire::Observation, cx: &Context) -> Result<Observation, String> {
    let at = match &said.observed_at {
        Some(text) => text
            .parse::<Timestamp>()
            .map_err(|error| format!("observed_at: {error}"))?,
        None => cx.now(),
    };
    let state = said.state.map(state);
    // The future would never become stale.
    let at = at.min(cx.now());
    let mut observation = Observation::passing(at);
    let limits = cx.limits;
    for measurement in said.measurements.into_iter().take(limits.measurements) {
        let measurement = self::measurement(measurement, cx)?;
        // Where the program says no state, its limits do.
        match state {
            Some(_) => observation.measurements.push(measurement),
            None => observation = observation.measured(measurement),
        }
    }
    if let Some(state) = state {
        observation.state = state;
        observation.reason = match state {
            State::Passing => Reason::OK,
            _ => Reason::fixed("as-reported"),
        };
    }
    if let Some(code) = said.reason {
        observation.reason = Reason::new(reason(code)?);
    }
    let more = said.messages.len().saturating_sub(limits.messages);
    for message in said.messages.into_iter().take(limits.messages) {
        let severity = message.severity.map_or(observation.state.into(), severity);
        let text = cut(&cx.redactor().scrub(&message.text), limits.message_bytes);
        observation.messages.push(Message::new(severity, text));
    }
    if more > 0 {
        let text = format!("{more} more messages are not shown");
        observation = observation.message(Severity::Info, text);
    }
    Ok(observation)
}

fn measurement(said: wire::Measurement, cx: &Context) -> Result<Measurement, String> {
    let unit = match said.unit {
        None | Some(wire::Unit::None) => Unit::None,
        Some(wire::Unit::Count) => Unit::Count,
        Some(wire::Unit::Seconds) => Unit::Seconds,
        Some(wire::Unit::Bytes) => Unit::Bytes,
        Some(wire::Unit::Percent) => Unit::Percent,
        Some(wire::Unit::PerSecond) => Unit::PerSecond,
        Some(wire::Unit::BytesPerSecond) => Unit::BytesPerSecond,
        Some(wire::Unit::Celsius) => Unit::Celsius,
    };
    let limits = Limits {
        degraded: said.degraded.map(bound).transpose()?,
        failing: said.failing.map(bound).transpose()?,
    };
    Ok(Measurement::new(label(&said.name, cx), said.value, unit).against(limits))
}

fn bound(bound: wire::Bound) -> Result<Bound, String> {
    Ok(match bound {
        wire::Bound::Above(value) => Bound::Above(value),
        wire::Bound::Below(value) => Bound::Below(value),
        wire::Bound::Outside([low, high]) | wire::Bound::Inside([low, high]) if low > high => {
            return Err(format!("a bound from {low} to {high}"));
        }
        wire::Bound::Outside([low, high]) => Bound::Outside(low, high),
        wire::Bound::Inside([low, high]) => Bound::Inside(low, high),
    })
}

fn state(state: wire::State) -> State {
    match state {
        wire::State::Passing => State::Passing,
        wire::State::Degraded => State::Degraded,
        wire::State::Unknown => State::Unknown,
        wire::State::Failing => State::Failing,
    }
}

fn severity(severity: wire::Severity) -> Severity {
    match severity {
        wire::Severity::Trace => Severity::Trace,
        wire::Severity::Debug => Severity::Debug,
        wire::Severity::Info => Severity::Info,
        wire::Severity::Warn => Severity::Warn,
        wire::Severity::Error => Severity::Error,
        wire::Severity::Fatal => Severity::Fatal,
    }
}

/// A reason code is for machines: kebab case.
fn reason(code: String) -> Result<String, String> {
    let is_code = (1..=64).contains(&code.len())
        && code
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    is_code.then_some(code).ok_or_else(|| {
        "a reason is 1 to 64 lower-case letters, digits and hyphens, such as `queue-full`"
            .to_owned()
    })
}

/// One line without secrets.
fn label(text: &str, cx: &Context) -> String {
    cut(&cx.redactor().scrub(text), LONGEST_NAME).replace(['\n', '\t'], " ")
}

fn cut(text: &str, bytes: usize) -> String {
    if text.len() <= bytes {
        return sanitize(text).into_owned();
    }
    let end = text.floor_char_boundary(bytes);
    format!("{}…", sanitize(&text[..end]))
}
