//! The objects of a kind at one moment, and what an answer that holds none means.

use http::StatusCode;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Watched;
use super::client::{Api, ApiError};
use super::heard::UNAUTHORIZED;
use crate::cluster::{Access, Event};
use crate::decode::Decoder;
use crate::kinds;
use crate::object::Object;

/// The most threads that read one list.
const MAX_THREADS: usize = 4;
/// The most pieces of one list: of 500 objects, as servers cut them, five million objects.
const MAX_PIECES: usize = 10_000;
/// A list of fewer objects than this for each thread is read sooner than a thread has started.
const FEW: usize = 1000;

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
    /// By what the rest of a list is asked for that came in pieces.
    #[serde(rename = "continue")]
    rest: String,
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
    let mut objects = Vec::new();
    let mut query = query.to_owned();
    // We ask for all of it; a server may give less all the same.
    for _ in 0..MAX_PIECES {
        let bytes = api.get(&format!("{path}{query}")).await?;
        let watched = watched.clone();
        // A large list is seconds of work: not for the threads on which everything else waits.
        let mut own = std::mem::take(decoder);
        let task = tokio::task::spawn_blocking(move || {
            let read = read(&bytes, &watched, &mut own);
            (own, read)
        });
        let (own, read) = task
            .await
            .map_err(|error| ApiError::Nonsense(error.to_string()))?;
        *decoder = own;
        let (read, meta) = read?;
        objects.reserve(read.len());
        for one in read {
            match one {
                Ok(object) => objects.push(object),
                Err(event) => events.push(event),
            }
        }
        if meta.rest.is_empty() {
            return Ok((objects, meta.resource_version));
        }
        let rest: String = url::form_urlencoded::byte_serialize(meta.rest.as_bytes()).collect();
        query = format!("?continue={rest}");
    }
    Err(ApiError::Nonsense(format!(
        "the list does not end after {MAX_PIECES} pieces"
    )))
}

/// Reads the items of a list; of a large one on all processors.
fn read(
    bytes: &[u8],
    watched: &Watched,
    decoder: &mut Decoder,
) -> Result<(Vec<Result<Object, Event>>, ListMeta), ApiError> {
    let list: List<'_> =
        serde_json::from_slice(bytes).map_err(|error| ApiError::Nonsense(error.to_string()))?;
    let items = list.items.unwrap_or_default();
    let api_version = watched.api_version();
    let each = |decoder: &mut Decoder, items: &[&RawValue]| -> Vec<Result<Object, Event>> {
        let decoded = items
            .iter()
            .map(|raw| decode(decoder, watched, &api_version, raw));
        decoded.collect()
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = threads.min(MAX_THREADS).min(items.len() / FEW);
    if threads < 2 {
        let read = each(decoder, &items);
        return Ok((read, list.metadata));
    }
    let mut read = Vec::with_capacity(items.len());
    std::thread::scope(|scope| {
        let mut chunks = items.chunks(items.len().div_ceil(threads));
        let first = chunks.next().unwrap_or_default();
        // What the pods of one workload share is shared within a chunk.
        let each = &each;
        let others: Vec<_> = chunks
            .map(|chunk| scope.spawn(move || each(&mut Decoder::default(), chunk)))
            .collect();
        read.extend(each(decoder, first));
        for other in others {
            match other.join() {
                Ok(more) => read.extend(more),
                Err(_) => read.push(Err(Event::Unreadable(
                    watched.kind.clone(),
                    "a part of the list could not be read".to_owned(),
                ))),
            }
        }
    });
    Ok((read, list.metadata))
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
