//! The source `alpacalert` and the kind `alpacalert.io/Service`: services that other instances publish.

mod judge;
pub(crate) mod read;
mod spec;
mod stream;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use alpacalert_instrument::{
    BoxFuture, Builder, Context, InstrumentError, Params, Reason, Registry, Scope, SensorError,
    Snapshot, Source, SourceProvider, SourceSpec, Target, Timestamp,
};
use http::{HeaderValue, StatusCode, header};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::http::{Client, Reply};
use crate::net::{Net, Trouble};
use read::Published;

/// Adds the source and the kind.
pub(crate) fn register(registry: &mut Registry, net: &Arc<Net>) {
    registry.register_source(Provider(net.clone()));
    registry.register_kind(
        spec::kind(),
        |target: &Target, scope: &mut Scope<'_, '_>| judge::describe(target, scope),
    );
}

/// The most bytes of an answer: ten thousand services have room.
pub(crate) const ANSWER_MAX: usize = 8 * 1024 * 1024;

struct Provider(Arc<Net>);

impl SourceProvider for Provider {
    fn spec(&self) -> SourceSpec {
        spec::source()
    }

    fn source(&self, name: &Arc<str>, params: &Params) -> Result<Arc<dyn Source>, InstrumentError> {
        let url = params.required_text("url")?.trim_end_matches('/');
        let mut keys = Params::new();
        if let Some(token) = params.text("token") {
            keys = keys.with_text("bearer", token);
        }
        if let Some(ca) = params.text("ca") {
            keys = keys.with_text("ca", ca);
        }
        let client = |path: &str| {
            let url = format!("{url}/api/v1/{path}");
            Client::new(&url, keys.clone(), ANSWER_MAX, self.0.clone())
        };
        Ok(Arc::new(Publisher {
            name: name.clone(),
            client: client("services")?,
            stream: client("stream")?,
            known: Mutex::new(None),
        }))
    }
}

/// Another instance.
struct Publisher {
    name: Arc<str>,
    client: Client,
    stream: Client,
    known: Mutex<Option<Known>>,
}

/// A publisher that tells of an earlier moment than before for this long has had its clock set back, and is believed again.
const SET_BACK: Duration = Duration::from_secs(600);

/// What it told last.
struct Known {
    etag: Option<HeaderValue>,
    published: Arc<Published>,
    /// When something newer than before came last, by our own clock, which nobody sets.
    advanced: Instant,
}

/// What a source knows: what was published, and when we were told.
pub(crate) struct Told {
    pub(crate) published: Arc<Published>,
    pub(crate) at: Timestamp,
}

impl Source for Publisher {
    fn fetch<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Snapshot, SensorError>> {
        Box::pin(async move {
            let etag = self.lock().as_ref().and_then(|known| known.etag.clone());
            let extra = etag.map(|etag| (header::IF_NONE_MATCH, etag));
            let reply = self.client.get(extra, cx).await.map_err(unreachable)?;
            let published = self.take(reply)?;
            Ok(Snapshot::new(Told {
                published,
                at: cx.now(),
            }))
        })
    }

    /// What is consumed is asked for by those who depend on it; what nobody depends on is not shown.
    fn assemble(&self, _: &Snapshot, _: &mut Builder<'_>) -> Result<(), InstrumentError> {
        Ok(())
    }

    /// A question whose answer has not changed costs both sides next to nothing.
    fn interval(&self) -> Duration {
        Duration::from_secs(1)
    }

    /// Is told of changes where that is offered, and asks otherwise.
    fn watch<'a>(
        &'a self,
        cx: &'a Context,
        deliver: mpsc::Sender<Result<Snapshot, SensorError>>,
    ) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let watching = stream::watch(self, cx, &deliver);
            cx.cancel().run_until_cancelled(watching).await;
        })
    }
}

impl Publisher {
    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Known>> {
        self.known.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// What an answer amounts to.
    fn take(&self, reply: Reply) -> Result<Arc<Published>, SensorError> {
        let mut known = self.lock();
        if let (StatusCode::NOT_MODIFIED, Some(known)) = (reply.status, known.as_mut()) {
            // Said just now that nothing is different.
            known.advanced = Instant::now();
            return Ok(known.published.clone());
        }
        if reply.status != StatusCode::OK {
            return Err(refused(&self.name, reply.status));
        }
        if !reply.is_whole {
            let text = format!("the answer is larger than {} MiB", ANSWER_MAX / 1024 / 1024);
            return Err(SensorError::new(Reason::fixed("too-much-output"), text));
        }
        let published = Arc::new(read::read(&reply.body)?);
        let etag = reply.headers.get(header::ETAG).cloned();
        learn(&mut known, etag, published)
    }

    /// Takes what was told over a stream.
    fn told(&self, published: Arc<Published>) -> Result<Arc<Published>, SensorError> {
        learn(&mut self.lock(), None, published)
    }
}

/// Believes what was told, unless it has been the same old thing for too long.
fn learn(
    known: &mut Option<Known>,
    etag: Option<HeaderValue>,
    published: Arc<Published>,
) -> Result<Arc<Published>, SensorError> {
    let before = known.take();
    let is_past = |before: &Known| {
        before.published.is_after(&published) && before.advanced.elapsed() < SET_BACK
    };
    let now = match before {
        // Somebody in between plays back, or remembers for too long: what was true once is not true again.
        Some(before) if is_past(&before) => before,
        // A program that hangs behind a proxy that remembers says the same old thing for ever.
        Some(before) if before.published.is_same_moment(&published) => Known {
            etag,
            published,
            ..before
        },
        _ => Known {
            etag,
            published,
            advanced: Instant::now(),
        },
    };
    let (published, age) = (now.published.clone(), now.advanced.elapsed());
    *known = Some(now);
    match age > published.ttl {
        true => Err(stale(&published, age)),
        false => Ok(published),
    }
}

fn stale(published: &Published, age: Duration) -> SensorError {
    let text = format!(
        "`{}` tells nothing new: for {} s the answer has been what was made at {}",
        published.instance,
        age.as_secs(),
        published.generated_at,
    );
    SensorError::new(Reason::STALE, text)
}

/// What keeps us from hearing a publisher is no fault of its services.
pub(crate) fn unreachable(trouble: Trouble) -> SensorError {
    match trouble {
        Trouble::Target { reason, text } => SensorError::new(reason, text),
        Trouble::Ours(error) => error,
    }
}

fn refused(name: &str, status: StatusCode) -> SensorError {
    let (reason, text) = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => (
            Reason::fixed("token-refused"),
            format!("`{name}` refuses our token ({status}); see `token` of the source"),
        ),
        StatusCode::NOT_FOUND => (
            Reason::fixed("not-alpacalert"),
            "nothing is published there (404 Not Found); `url` must be that of another instance"
                .to_owned(),
        ),
        _ => (
            Reason::fixed("unexpected-status"),
            format!("it answers {status}"),
        ),
    };
    SensorError::new(reason, text)
}
