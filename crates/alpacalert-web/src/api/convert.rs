//! From the model to the wire.

use alpacalert_api::Health;
use alpacalert_model::{Graph, Kind, NodeId, NodeRef, State, sanitize};

pub(super) fn health(state: State) -> Health {
    match state {
        State::Passing => Health::Passing,
        State::Degraded => Health::Degraded,
        State::Unknown => Health::Unknown,
        State::Failing => Health::Failing,
    }
}

/// Text from outside as it may be shown.
pub(super) fn clean(text: &str) -> String {
    sanitize(text).into_owned()
}

/// The kind of the services that a configuration names.
pub(super) const SERVICE: &str = "alpacalert.io/Service";

/// The name of a service in this API: its name in the configuration, or the whole identity of one that is not in it.
pub(crate) fn service_name(id: &NodeId) -> String {
    match **id.source() == *"local" && id.kind().as_str() == SERVICE {
        true => id.reference().to_string(),
        false => id.to_string(),
    }
}

/// The node of an identity, or the service of a name.
pub(crate) fn find<'g>(graph: &'g Graph, text: &str) -> Option<NodeRef<'g>> {
    let service = NodeId::new("local", Kind::of(SERVICE), text);
    let candidates = std::iter::once(service).chain(readings(text));
    candidates
        .filter_map(|id| graph.key(&id))
        .find_map(|key| graph.get(key))
}

/// What a text may be the identity of. Only the fragment of a kind may hold slashes, so there is mostly one reading.
fn readings(text: &str) -> impl Iterator<Item = NodeId> {
    /// Parts of parts of parts: deeper than anything is.
    const FRAGMENTS_MAX: usize = 16;
    let (source, rest) = text.split_once('/').unwrap_or(("", ""));
    let ends = rest.match_indices('/').map(|(at, _)| at);
    ends.skip(1).take(FRAGMENTS_MAX).filter_map(move |at| {
        let kind = rest[..at].parse::<Kind>().ok()?;
        Some(NodeId::new(source, kind, &rest[at + 1..]))
    })
}

/// The first thing that a node says; empty when it says nothing.
pub(super) fn message(node: NodeRef<'_>) -> String {
    let messages = node.messages();
    messages
        .first()
        .map_or_else(String::new, |message| clean(&message.text))
}

/// From the wire to the model.
pub(super) fn state(health: Health) -> State {
    match health {
        Health::Passing => State::Passing,
        Health::Degraded => State::Degraded,
        Health::Unknown => State::Unknown,
        Health::Failing => State::Failing,
    }
}
