//! What every request passes: it finds out who asks, and ends streams of those who may not see them any more.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt as _;
use jiff::Timestamp;

use super::{Access, Caller, Credentials, Peer, Verdict, policy};
use crate::api::problem;

/// Credentials were brought that are worth nothing. Who is wrong is told so: going on as anybody would hide that a token
/// has ended.
#[derive(Clone, Debug)]
pub(super) enum Refused {
    /// For this reason.
    Wrong(&'static str),
    /// They were not looked at; after this long they may be.
    Later(Duration),
}

impl Refused {
    pub(super) fn answer(&self, request: &Request) -> Response {
        match self {
            Refused::Wrong(why) => policy::unknown(why, request),
            Refused::Later(wait) => later(*wait, "there were too many attempts to sign in"),
        }
    }
}

/// Too many requests.
pub(super) fn later(wait: Duration, text: &str) -> Response {
    let seconds = wait.as_secs() + 1;
    let text = format!("{text}; try again in {seconds} s");
    let mut response = problem(StatusCode::TOO_MANY_REQUESTS, text).into_response();
    if let Ok(seconds) = HeaderValue::from_str(&seconds.to_string()) {
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    response
}

/// The address at the other end; of requests that came over no connection, that of this machine.
pub(super) fn peer(request: &Request) -> IpAddr {
    let peer = request.extensions().get::<Peer>();
    peer.map_or(Ipv4Addr::LOCALHOST.into(), |peer| peer.address.ip())
}

/// Finds out who asks.
pub(crate) async fn gate(
    State(access): State<Access>,
    mut request: Request,
    next: Next,
) -> Response {
    let rules = access.rules();
    let peer = peer(&request);
    let credentials = rules.credentials(peer, request.headers());
    let from = rules.client(peer, request.headers());
    request.extensions_mut().insert(rules.sign_in());
    let proven = access.prove(&rules, from, credentials).await;
    let verdict = proven.map(|credentials| (access.whose(&rules, &credentials), credentials));
    let (caller, end, credentials) = match verdict {
        Ok((Verdict::Is(caller, end), credentials)) => (caller, end, credentials),
        Ok((Verdict::Refused(why), _)) => {
            request.extensions_mut().insert(Refused::Wrong(why));
            return next.run(request).await;
        }
        Err(refused) => {
            request.extensions_mut().insert(refused);
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
                    tokio::time::sleep(left.try_into().unwrap_or(Duration::ZERO)).await;
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            changed = changes.changed() => if changed.is_err() { return },
            () = ended => {}
        }
        let rules = changes.borrow_and_update().clone();
        match access.whose(&rules, &credentials) {
            Verdict::Is(same, later) if same == caller => end = later,
            _ => return,
        }
    }
}
