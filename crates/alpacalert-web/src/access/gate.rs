//! What every request passes: it finds out who asks, and ends streams of those who may not see them any more.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::Response;
use futures_util::StreamExt as _;
use jiff::Timestamp;

use super::credentials::Credentials;
use super::rules::Verdict;
use super::{Access, Caller, policy};

/// Credentials were brought that are worth nothing. Who is wrong is told so: going on as anybody would hide that a token
/// has ended.
#[derive(Clone, Debug)]
pub(super) struct Refused(&'static str);

impl Refused {
    pub(super) fn answer(&self) -> Response {
        policy::unknown(self.0)
    }
}

/// Finds out who asks.
pub(crate) async fn gate(
    State(access): State<Access>,
    mut request: Request,
    next: Next,
) -> Response {
    let credentials = Credentials::of(request.headers());
    let verdict = access.rules().whose(&credentials, Timestamp::now()).await;
    let (caller, end) = match verdict {
        Verdict::Is(caller, end) => (caller, end),
        Verdict::Refused(why) => {
            request.extensions_mut().insert(Refused(why));
            return next.run(request).await;
        }
    };
    request.extensions_mut().insert(caller.clone());
    let response = next.run(request).await;
    match is_stream(&response) {
        true => until_revoked(response, access, credentials, caller, end),
        false => response,
    }
}

fn is_stream(response: &Response) -> bool {
    let sort = response.headers().get(header::CONTENT_TYPE);
    sort.and_then(|sort| sort.to_str().ok())
        .is_some_and(|sort| sort.starts_with("text/event-stream"))
}

/// The same stream, until whoever reads it may see something else than when it began.
fn until_revoked(
    response: Response,
    access: Access,
    credentials: Credentials,
    caller: Caller,
    end: Option<Timestamp>,
) -> Response {
    let revoked = revoked(access, credentials, caller, end);
    response.map(|body| {
        let revoked = Box::pin(revoked);
        Body::from_stream(body.into_data_stream().take_until(revoked))
    })
}

async fn revoked(
    access: Access,
    credentials: Credentials,
    caller: Caller,
    mut end: Option<Timestamp>,
) {
    let mut changes = access.changes();
    // What changed since it began counts too.
    changes.mark_changed();
    loop {
        let ended = async {
            match end {
                Some(end) => {
                    let left = end.duration_since(Timestamp::now());
                    tokio::time::sleep(left.unsigned_abs()).await;
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            changed = changes.changed() => if changed.is_err() { return },
            () = ended => {}
        }
        let rules = changes.borrow_and_update().clone();
        match rules.whose(&credentials, Timestamp::now()).await {
            Verdict::Is(same, later) if same == caller => end = later,
            _ => return,
        }
    }
}
