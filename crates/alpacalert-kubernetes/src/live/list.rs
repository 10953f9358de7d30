//! The objects of a kind at one moment, and what an answer that holds none means.

use http::StatusCode;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Watched;
use super::client::{Api, ApiError};
use super::reflector::Event;
use super::store::UNAUTHORIZED;
use crate::cluster::Access;
use crate::decode::Decoder;
use crate::kinds;
use crate::object::Object;

#[derive(Deserialize)]
struct List<'a> {
    #[serde(default)]
    metadata: ListMeta,
    #[serde(borrow, default)]
    items: Option<Vec<&'a RawValue>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ListMeta {
    resource_version: String,
}

/// Lists a kind once.
pub(super) async fn list_once(api: &Api, watched: Watched) -> Vec<Event> {
    let mut decoder = Decoder::default();
    let mut objects = Vec::new();
    let mut events = Vec::new();
    for path in paths(api, &watched) {
        match list(api, &watched, &path, "", &mut decoder, &mut events).await {
            Ok((found, _)) => objects.extend(found),
            Err(error) => return vec![refused(&watched, &error)],
        }
    }
    events.push(Event::Listed(watched.kind.clone(), objects));
    events.push(Event::Access(watched.kind, Access::Ok));
    events
}

/// Where the objects are. Of leases only those of nodes are read.
pub(super) fn paths(api: &Api, watched: &Watched) -> Vec<String> {
    if &*watched.kind == kinds::LEASE {
        return vec!["/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases".to_owned()];
    }
    api.paths(watched)
}

pub(super) async fn list(
    api: &Api,
    watched: &Watched,
    path: &str,
    query: &str,
    decoder: &mut Decoder,
    events: &mut Vec<Event>,
) -> Result<(Vec<Object>, String), ApiError> {
    let bytes = api.get(&format!("{path}{query}")).await?;
    let list: List<'_> =
        serde_json::from_slice(&bytes).map_err(|error| ApiError::Nonsense(error.to_string()))?;
    let items = list.items.unwrap_or_default();
    let mut objects = Vec::with_capacity(items.len());
    let api_version = watched.api_version();
    for raw in items {
        match decode(decoder, watched, &api_version, raw) {
            Ok(object) => objects.push(object),
            Err(event) => events.push(event),
        }
    }
    Ok((objects, list.metadata.resource_version))
}

/// Reads an object of a kind; the error is what there is to tell when it is none.
pub(super) fn decode(
    decoder: &mut Decoder,
    watched: &Watched,
    api_version: &str,
    raw: &RawValue,
) -> Result<Object, Event> {
    let unreadable = |text: String| Event::Unreadable(watched.kind.clone(), text);
    let object = decoder
        .json(raw, Some((api_version, &watched.name)))
        .map_err(|error| unreadable(format!("{}: {error}", watched.name)))?;
    if object.kind == watched.kind {
        return Ok(object);
    }
    // Objects of one kind are told of by the reflector of that kind, and by nobody else.
    Err(unreadable(format!(
        "{} {} came as a {}",
        object.kind_name(),
        object.reference,
        watched.name
    )))
}

/// What an error means for the kind.
pub(super) fn refused(watched: &Watched, error: &ApiError) -> Event {
    match error {
        ApiError::Refused(StatusCode::FORBIDDEN, text) => {
            Event::Access(watched.kind.clone(), Access::Forbidden(text.clone()))
        }
        ApiError::Refused(StatusCode::UNAUTHORIZED, text) => {
            let text = format!("{UNAUTHORIZED} {text}");
            Event::Access(watched.kind.clone(), Access::Forbidden(text))
        }
        ApiError::Refused(StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED, _) => {
            Event::Access(watched.kind.clone(), Access::NotServed)
        }
        error => Event::Broken(
            watched.kind.clone(),
            error.to_string(),
            matches!(error, ApiError::Transport(_)),
        ),
    }
}
