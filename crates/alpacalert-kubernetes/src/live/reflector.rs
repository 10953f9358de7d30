//! Keeps up with the objects of one kind: lists them, watches them, and takes the watch up again when it ends.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::mpsc;

use super::Watched;
use super::client::{Api, ApiError, Lines, WATCH_SECONDS};
use super::list::{decode, list, paths, refused};
use crate::cluster::{Access, Event};
use crate::decode::Decoder;
use crate::kinds;
use crate::object::Object;

/// The shortest and the longest pause after something went wrong, doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LAST_PAUSE: Duration = Duration::from_secs(30);
/// A watch that expires sooner than this after it was opened is a trouble, and not the course of things.
const SHORT: Duration = Duration::from_secs(10);
/// From here on an outage is so long that everything is listed anew.
const LONG_PAUSE: Duration = Duration::from_secs(16);
/// How often we ask again for a kind that we may not see, or that is not there: somebody may have changed that.
const ASK_AGAIN: Duration = Duration::from_secs(60);
/// How often the leases of nodes are read: every node renews its own each ten seconds, and nobody needs to know that at once.
const LEASE_INTERVAL: Duration = Duration::from_secs(30);

#[derive(Deserialize)]
struct WatchEvent<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(borrow)]
    object: &'a RawValue,
}

/// Of an object only what a watch needs beside it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Marker {
    metadata: MarkerMeta,
    code: u16,
    message: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct MarkerMeta {
    resource_version: String,
    annotations: Option<std::collections::BTreeMap<String, String>>,
}

/// How a watch ended.
enum Ended {
    /// As watches do: to be taken up again where it was.
    Well,
    /// What we knew is too old to be taken up again.
    Expired,
}

/// Keeps up with a kind until nobody listens any more.
pub(super) async fn run(api: Api, watched: Watched, events: mpsc::Sender<Event>) {
    let paths = paths(&api, &watched);
    let shared = paths.len() > 1;
    let mut tasks = tokio::task::JoinSet::new();
    for path in paths {
        let reflector = Reflector {
            api: api.clone(),
            watched: watched.clone(),
            scope: shared.then(|| namespace_of(&path)),
            path,
            events: events.clone(),
            decoder: Decoder::default(),
            known: HashSet::new(),
            streams: true,
            version: String::new(),
            pause: FIRST_PAUSE,
            opened: None,
            steady: None,
        };
        tasks.spawn(reflector.run());
    }
    while tasks.join_next().await.is_some() {}
}

fn namespace_of(path: &str) -> String {
    let after = path.split_once("/namespaces/").map_or("", |(_, rest)| rest);
    after.split('/').next().unwrap_or_default().to_owned()
}

struct Reflector {
    api: Api,
    watched: Watched,
    path: String,
    /// The one namespace that it looks at, when there are several reflectors of its kind.
    scope: Option<String>,
    events: mpsc::Sender<Event>,
    decoder: Decoder,
    /// The references of what was told, so that a new list can tell what is gone.
    known: HashSet<Arc<str>>,
    /// Whether the API server may send the first list as a part of the watch.
    streams: bool,
    /// Up to where everything is known; empty when everything is to be listed anew. Kept over outages, so that a server
    /// that comes back is not asked for everything again.
    version: String,
    pause: Duration,
    /// When the last watch was opened; `None` when it could not be.
    opened: Option<tokio::time::Instant>,
    /// Since when nothing was refused: a watch that breaks and is taken up at once is no trouble.
    steady: Option<tokio::time::Instant>,
}

/// Nobody listens any more.
struct Over;

impl Reflector {
    async fn run(mut self) {
        loop {
            let result = if &*self.watched.kind == kinds::LEASE {
                self.poll().await
            } else {
                self.round().await
            };
            let Ok(result) = result else { return };
            let held = self.steady.take().map(|since| since.elapsed());
            // What held for a while has nothing to do with troubles before.
            let broke = matches!(result, Err(ApiError::Transport(_))) && self.resumes();
            if broke || held.is_some_and(|held| held > SHORT) {
                self.pause = FIRST_PAUSE;
            }
            // Nobody answered: whichever kind hears of the server first tells the others.
            let silent = matches!(result, Err(ApiError::Transport(_)));
            let pause = match result {
                // A server that lets go of what it has just told shall not be asked for everything without end.
                Ok(()) if held.is_some_and(|held| held < SHORT) => {
                    let pause = self.pause;
                    self.pause = (self.pause * 2).min(LAST_PAUSE);
                    pause
                }
                Ok(()) => FIRST_PAUSE,
                Err(error) => {
                    let event = refused(&self.watched, &error);
                    // A definition is served a moment after it says so.
                    let soon =
                        matches!(event, Event::Access(_, Access::NotServed)) && self.is_custom();
                    let rare =
                        matches!(event, Event::Access(..)) && !(soon && self.pause < LAST_PAUSE);
                    if self.tell(event).await.is_err() {
                        return;
                    }
                    self.pause = (self.pause * 2).min(LAST_PAUSE);
                    if rare { ASK_AGAIN } else { self.pause }
                }
            };
            // Not all at once: a server that comes back has enough to do.
            let jitter = pause.mul_f64(fastrand::f64() * 0.2);
            tokio::select! {
                () = tokio::time::sleep(pause + jitter) => {}
                () = self.api.answers_again(), if silent => {
                    tokio::time::sleep(FIRST_PAUSE.mul_f64(fastrand::f64())).await;
                }
            }
        }
    }

    /// Whether a watch that broke can be taken up where it was: that costs the server little.
    fn resumes(&self) -> bool {
        self.opened.is_some() && !self.version.is_empty()
    }

    /// Whether the kind comes from a definition in the cluster.
    fn is_custom(&self) -> bool {
        kinds::resource(&self.watched.kind).is_none()
    }

    /// Reads the leases of nodes, now and then.
    async fn poll(&mut self) -> Result<Result<(), ApiError>, Over> {
        // A short list, and the one request that is made again and again: it tells whether anybody is there.
        let api = self.api.clone();
        let listed = tokio::time::timeout(LEASE_INTERVAL, self.list()).await;
        let result = listed.unwrap_or_else(|_| Ok(Err(api.doubt())))?;
        if result.is_ok() {
            tokio::time::sleep(LEASE_INTERVAL).await;
        }
        Ok(result.map(|_| ()))
    }

    /// A first list, and watches one after another until what we know is too old.
    async fn round(&mut self) -> Result<Result<(), ApiError>, Over> {
        let mut version = std::mem::take(&mut self.version);
        if !self.streams && version.is_empty() {
            match self.list().await? {
                Ok(listed) => version = listed,
                Err(error) => return Ok(Err(error)),
            }
        }
        loop {
            let started = tokio::time::Instant::now();
            let ended = self.watch(&mut version).await?;
            // One that could not be opened at all is none that broke, however long that took.
            let held = self
                .opened
                .is_some_and(|opened| opened.elapsed() > FIRST_PAUSE);
            match ended {
                Ok(Ended::Well) => {}
                Ok(Ended::Expired) => return Ok(Ok(())),
                // Servers before 1.32 do not stream lists.
                Err(ApiError::Refused(
                    StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY,
                    _,
                )) if self.streams && version.is_empty() => {
                    self.streams = false;
                    return Ok(Ok(()));
                }
                Err(ApiError::Refused(StatusCode::GONE, _)) => return Ok(Ok(())),
                // A connection that broke is taken up where it was; only when that fails too is the watch broken.
                Err(ApiError::Transport(_))
                    if !version.is_empty() && held && !self.api.is_silent() => {}
                Err(error) => {
                    // What was refused may have changed unseen, and a server that was restored from a copy may never
                    // come to where we were: only a short outage is taken up. What follows a line that makes no sense is
                    // told again from the last one that did.
                    let outage = match &error {
                        ApiError::Transport(_) | ApiError::Nonsense(_) => true,
                        ApiError::Refused(status, _) => status.is_server_error(),
                    };
                    if outage && self.pause < LONG_PAUSE {
                        self.version = version;
                    }
                    return Ok(Err(error));
                }
            }
            if started.elapsed() < FIRST_PAUSE {
                tokio::time::sleep(FIRST_PAUSE).await;
            }
        }
    }

    async fn list(&mut self) -> Result<Result<String, ApiError>, Over> {
        let mut events = Vec::new();
        // From the server's cache: everything that follows comes with the watch.
        let listed = list(
            &self.api,
            &self.watched,
            &self.path,
            "?resourceVersion=0",
            &mut self.decoder,
            &mut events,
        )
        .await;
        for event in events {
            self.tell(event).await?;
        }
        match listed {
            Ok((objects, version)) => {
                self.replace(objects).await?;
                Ok(Ok(version))
            }
            Err(error) => Ok(Err(error)),
        }
    }

    /// Tells that these are all the objects there are.
    async fn replace(&mut self, objects: Vec<Object>) -> Result<(), Over> {
        let references: HashSet<Arc<str>> = objects
            .iter()
            .map(|object| object.reference.clone())
            .collect();
        if self.scope.is_none() {
            self.tell(Event::Listed(self.watched.kind.clone(), objects))
                .await?;
        } else {
            for gone in self
                .known
                .difference(&references)
                .cloned()
                .collect::<Vec<_>>()
            {
                self.tell(Event::Deleted(self.watched.kind.clone(), gone))
                    .await?;
            }
            for object in objects {
                self.tell(Event::Applied(Box::new(object))).await?;
            }
        }
        self.known = if self.scope.is_some() {
            references
        } else {
            HashSet::new()
        };
        self.tell(Event::Access(self.watched.kind.clone(), Access::Ok))
            .await
    }

    /// Watches from `version` on; from the beginning, with everything there is, when that is empty.
    async fn watch(&mut self, version: &mut String) -> Result<Result<Ended, ApiError>, Over> {
        let mut query =
            format!("?watch=true&allowWatchBookmarks=true&timeoutSeconds={WATCH_SECONDS}");
        let mut initial = None;
        if version.is_empty() {
            query.push_str(
                "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&resourceVersion=",
            );
            initial = Some(Vec::new());
        } else {
            query.push_str(&format!("&resourceVersion={version}"));
        }
        self.opened = None;
        let mut lines = match self.api.lines(&format!("{}{query}", self.path)).await {
            Ok(lines) => lines,
            Err(error) => return Ok(Err(error)),
        };
        let now = tokio::time::Instant::now();
        self.opened = Some(now);
        self.steady.get_or_insert(now);
        if initial.is_none() {
            self.tell(Event::Works(self.watched.kind.clone())).await?;
        }
        self.follow(&mut lines, version, initial).await
    }

    async fn follow(
        &mut self,
        lines: &mut Lines,
        version: &mut String,
        mut initial: Option<Vec<Object>>,
    ) -> Result<Result<Ended, ApiError>, Over> {
        let api_version = self.watched.api_version();
        loop {
            let line = match lines.next().await {
                Ok(Some(line)) => line,
                // A list that is not whole counts for nothing.
                Ok(None) if initial.is_some() => {
                    return Ok(Err(ApiError::Transport(
                        "the first list ended too early".to_owned(),
                    )));
                }
                Ok(None) => return Ok(Ok(Ended::Well)),
                Err(error) => return Ok(Err(error)),
            };
            if line.is_empty() {
                continue;
            }
            let event: WatchEvent<'_> = match serde_json::from_slice(&line) {
                Ok(event) => event,
                Err(error) => return Ok(Err(ApiError::Nonsense(error.to_string()))),
            };
            let marker: Marker = serde_json::from_str(event.object.get()).unwrap_or_default();
            match event.kind {
                "BOOKMARK" => {
                    version.clone_from(&marker.metadata.resource_version);
                    let annotations = marker.metadata.annotations.unwrap_or_default();
                    if annotations.contains_key("k8s.io/initial-events-end")
                        && let Some(objects) = initial.take()
                    {
                        self.replace(objects).await?;
                    }
                    continue;
                }
                "ERROR" if marker.code == 410 => {
                    version.clear();
                    return Ok(Ok(Ended::Expired));
                }
                "ERROR" => {
                    let code = StatusCode::from_u16(marker.code)
                        .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                    return Ok(Err(ApiError::Refused(code, marker.message)));
                }
                _ => {}
            }
            if !marker.metadata.resource_version.is_empty() && initial.is_none() {
                *version = marker.metadata.resource_version;
            }
            let read = decode(&mut self.decoder, &self.watched, &api_version, event.object);
            let object = match read {
                Ok(object) => object,
                Err(unreadable) => {
                    self.tell(unreadable).await?;
                    continue;
                }
            };
            match (event.kind, &mut initial) {
                ("DELETED", Some(objects)) => {
                    objects.retain(|known| known.reference != object.reference)
                }
                (_, Some(objects)) => objects.push(object),
                ("DELETED", None) => {
                    self.known.remove(&object.reference);
                    // The last state tells how a Job ended that was collected at once.
                    let gone = Event::Deleted(object.kind.clone(), object.reference.clone());
                    self.tell(Event::Applied(Box::new(object))).await?;
                    self.tell(gone).await?;
                }
                (_, None) => {
                    if self.scope.is_some() {
                        self.known.insert(object.reference.clone());
                    }
                    self.tell(Event::Applied(Box::new(object))).await?;
                }
            }
        }
    }

    async fn tell(&self, event: Event) -> Result<(), Over> {
        self.events.send(event).await.map_err(|_| Over)
    }
}
