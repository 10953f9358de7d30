//! Signing in and out.

use std::time::Duration;

use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use tokio::time::Instant;
use url::Url;

use super::oidc::{Failed, Returned};
use super::session::{SESSION, Session, cookie, set_cookie};
use super::token::sha256;
use super::{Access, Caller, Guarded, Policy, SignIn, policy};

/// The cookie of a browser that is signing in.
const BEGUN: &str = "__Host-alpacalert-login";

/// The pages of signing in and out.
pub(crate) fn router(access: Access) -> Guarded {
    Guarded::new()
        .route("/login", Policy::Open, get(login))
        .route("/oidc/callback", Policy::Open, get(callback))
        .route("/logout", Policy::Open, post(logout))
        .with_state(access)
}

/// The query of the page to sign in.
#[derive(Debug, Deserialize)]
struct Wanted {
    next: Option<String>,
}

async fn login(State(access): State<Access>, caller: Caller, request: Request) -> Response {
    let wanted = Query::<Wanted>::try_from_uri(request.uri());
    let next = wanted.ok().and_then(|Query(wanted)| wanted.next);
    let next = here(next.as_deref().unwrap_or("/"));
    let rules = access.rules();
    match (rules.sign_in(), rules.oidc()) {
        (SignIn::Oidc, Some((plan, url))) => match access.0.oidc.begin(&plan, &url, next).await {
            Ok(begun) => {
                let lives = Duration::from_secs(600);
                let cookie = set_cookie(BEGUN, &begun.cookie, lives);
                with_cookies(Redirect::to(&begun.location).into_response(), [cookie])
            }
            Err(failed) => wrong(failed),
        },
        (SignIn::Password, _) if caller.name.is_none() => {
            policy::unknown("sign in with your name and your password", &request)
        }
        _ => Redirect::to(&next).into_response(),
    }
}

async fn callback(
    State(access): State<Access>,
    headers: HeaderMap,
    Query(returned): Query<Returned>,
) -> Response {
    let Some((plan, url)) = access.rules().oidc() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let begun = cookie(&headers, BEGUN);
    let person = access.0.oidc.finish(&plan, &url, returned, begun).await;
    let person = match person {
        Ok(person) => person,
        Err(failed) => {
            // It cannot be used again, whatever was wrong.
            let gone = set_cookie(BEGUN, "", Duration::ZERO);
            return with_cookies(wrong(failed), [gone]);
        }
    };
    // Who was signed in here before is so no longer.
    if let Some(id) = cookie(&headers, SESSION) {
        access.sign_out(&sha256(id.as_bytes()));
    }
    let session = Session {
        name: person.name.as_str().into(),
        groups: person.groups.into(),
        ends: Instant::now() + plan.session,
    };
    let Some(id) = access.0.sessions.begin(session) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    tracing::info!(name = %person.name, "somebody signed in");
    let cookies = [
        set_cookie(SESSION, &id, plan.session),
        set_cookie(BEGUN, "", Duration::ZERO),
    ];
    with_cookies(Redirect::to(&person.next).into_response(), cookies)
}

async fn logout(State(access): State<Access>, headers: HeaderMap) -> Response {
    if let Some(id) = cookie(&headers, SESSION) {
        access.sign_out(&sha256(id.as_bytes()));
    }
    let gone = set_cookie(SESSION, "", Duration::ZERO);
    // Where nobody sees anything, every page would lead to where they may still be signed in, and from there back.
    let next = match access.rules().is_closed() {
        true => "/signed-out",
        false => "/",
    };
    with_cookies(Redirect::to(next).into_response(), [gone])
}

fn with_cookies<const N: usize>(
    mut response: Response,
    cookies: [Option<HeaderValue>; N],
) -> Response {
    for cookie in cookies.into_iter().flatten() {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

fn wrong(failed: Failed) -> Response {
    tracing::warn!("somebody could not sign in: {}", failed.logged);
    let text = format!("{}\n", failed.told);
    (StatusCode::BAD_GATEWAY, text).into_response()
}

/// A place of this instance: what leads anywhere else becomes its first page, so that nobody is sent away by a link to us.
fn here(next: &str) -> String {
    const FIRST: &str = "/";
    const LENGTH_MAX: usize = 2000;
    // Read as browsers do, which take `/\evil.example` for another host.
    let Ok(base) = Url::parse("https://self.invalid") else {
        return FIRST.to_owned();
    };
    let joined = match next.starts_with('/') && next.len() <= LENGTH_MAX {
        true => base.join(next).ok(),
        false => None,
    };
    let Some(joined) = joined.filter(|joined| joined.origin() == base.origin()) else {
        return FIRST.to_owned();
    };
    let path = joined.path();
    // A path such as `/.//evil.example` is this host's, and would be another's when written alone.
    if path.starts_with("//") {
        return FIRST.to_owned();
    }
    match joined.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_to_another_host() {
        for (next, expected) in [
            ("/", "/"),
            ("/services/shop?at=1&x=%2F", "/services/shop?at=1&x=%2F"),
            ("https://evil.example", "/"),
            ("//evil.example", "/"),
            ("/\\evil.example", "/"),
            ("\\\\evil.example", "/"),
            ("/\t/evil.example", "/"),
            ("/\n/evil.example", "/"),
            ("/.//evil.example", "/"),
            ("/..//evil.example", "/"),
            ("/a/..//evil.example", "/"),
            ("///evil.example", "/"),
            ("/%2F/evil.example", "/%2F/evil.example"),
            ("javascript:alert(1)", "/"),
            ("services", "/"),
            ("", "/"),
            ("/@evil.example", "/@evil.example"),
            ("/x\r\nSet-Cookie: a=b", "/xSet-Cookie:%20a=b"),
        ] {
            assert_eq!(here(next), expected, "{next:?}");
        }
        assert_eq!(here(&format!("/{}", "x".repeat(3000))), "/");
    }
}
