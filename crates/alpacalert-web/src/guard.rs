//! What every request must be, and what every answer carries.

use std::io;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt as _;
use http_body_util::Limited;
use tokio::time::Instant;
use url::Url;

use crate::WebSettings;
use crate::access::Peer;
use crate::api::problem;

/// Only what this instance serves itself, and nothing inline: text from outside that slipped into a page could still not run.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const HEADERS: [(HeaderName, &str); 8] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    // Nobody else learns where a link stood. Without any, browsers would say of our own forms that they come from nowhere.
    (header::REFERRER_POLICY, "same-origin"),
    // What one caller sees is not for the next one's cache.
    (header::VARY, "authorization, cookie"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=()",
    ),
];

/// Browsers that came once over TLS come back over nothing else for a year.
const HSTS: &str = "max-age=31536000";

/// The longest body of a request: a report with thousands of measurements.
const BODY_MAX: usize = 1024 * 1024;

/// How long a body may take in all.
const BODY_WITHIN: Duration = Duration::from_secs(10);

/// Adds the headers that keep browsers from being used against us. A handler that sets its own keeps it.
pub(crate) async fn headers(
    State(settings): State<WebSettings>,
    request: Request,
    next: Next,
) -> Response {
    let peer = request.extensions().get::<Peer>();
    let is_secure = peer.is_some_and(|peer| peer.secure)
        || settings
            .serving
            .plan()
            .url
            .is_some_and(|url| url.starts_with("https:"));
    let mut response = next.run(request).await;
    for (name, value) in HEADERS {
        let value = HeaderValue::from_static(value);
        response.headers_mut().entry(name).or_insert(value);
    }
    if is_secure {
        let value = HeaderValue::from_static(HSTS);
        let entry = response
            .headers_mut()
            .entry(header::STRICT_TRANSPORT_SECURITY);
        entry.or_insert(value);
    }
    response
}

/// On loopback, refuses requests that name another host: a web page elsewhere could otherwise make its own name point here
/// and read everything (DNS rebinding).
pub(crate) async fn host(
    State(settings): State<WebSettings>,
    request: Request,
    next: Next,
) -> Response {
    let named = authority(&request);
    let is_ours = || {
        let url = settings.serving.plan().url?;
        let ours = Url::parse(&url).ok()?.host_str()?.to_owned();
        Some(named.as_ref()?.host().eq_ignore_ascii_case(&ours))
    };
    if settings.listen.ip().is_loopback()
        && !named.as_ref().is_some_and(is_local)
        && is_ours() != Some(true)
    {
        let text = "this host name is not served here; use localhost or 127.0.0.1, or name it as `serve.url` in the configuration";
        return problem(StatusCode::MISDIRECTED_REQUEST, text).into_response();
    }
    next.run(request).await
}

/// The host that a request is for: in HTTP/2 it stands in its address.
fn authority(request: &Request) -> Option<Authority> {
    let mut named = request.headers().get_all(header::HOST).iter();
    match (named.next(), named.next()) {
        (Some(named), None) => named.to_str().ok()?.parse().ok(),
        (None, _) => request.uri().authority().cloned(),
        // Two hosts are none: a proxy in front may have meant the other one.
        (Some(_), Some(_)) => None,
    }
}

fn is_local(authority: &Authority) -> bool {
    let host = authority.host().trim_matches(['[', ']']);
    let is_address = host
        .parse::<std::net::IpAddr>()
        .is_ok_and(|address| address.is_loopback());
    is_address || host.eq_ignore_ascii_case("localhost")
}

/// Refuses what a page of another site makes a browser ask: it would ask with the credentials of its user.
pub(crate) async fn origin(
    State(settings): State<WebSettings>,
    request: Request,
    next: Next,
) -> Response {
    if is_foreign(&request, settings.serving.plan().url.as_deref()) {
        let text = "pages of other sites may not ask this instance; if this is a page of its own, name its address as `serve.url` in the configuration";
        return problem(StatusCode::FORBIDDEN, text).into_response();
    }
    next.run(request).await
}

fn is_foreign(request: &Request, url: Option<&str>) -> bool {
    let headers = request.headers();
    let is_read = [Method::GET, Method::HEAD].contains(request.method());
    let site = headers.get("sec-fetch-site");
    if !is_read && site.is_some_and(|site| site == "cross-site" || site == "same-site") {
        return true;
    }
    // Browsers send it with all that is not a plain visit, and with every event stream of another site.
    let Some(origin) = headers.get(header::ORIGIN) else {
        return false;
    };
    let origin = origin.to_str().ok().and_then(|text| Url::parse(text).ok());
    let Some(origin) = origin else {
        return true;
    };
    let is_ours = |ours: &str| Url::parse(ours).is_ok_and(|ours| ours.origin() == origin.origin());
    if url.is_some_and(is_ours) {
        return false;
    }
    let here = authority(request);
    !here.is_some_and(|here| is_ours(&format!("{}://{here}", origin.scheme())))
}

/// Bounds the bodies of requests in size and in time.
pub(crate) async fn body(request: Request, next: Next) -> Response {
    let request = request.map(|body| {
        let end = Instant::now() + BODY_WITHIN;
        let chunks = Body::new(Limited::new(body, BODY_MAX)).into_data_stream();
        let chunks = chunks.map(|chunk| chunk.map_err(io::Error::other));
        let timely =
            futures_util::stream::unfold(Some(Box::pin(chunks)), move |chunks| async move {
                let mut chunks = chunks?;
                match tokio::time::timeout_at(end, chunks.next()).await {
                    Ok(chunk) => Some((chunk?, Some(chunks))),
                    Err(_) => Some((Err(io::ErrorKind::TimedOut.into()), None)),
                }
            });
        Body::from_stream(timely)
    });
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_pages_ask_with_an_origin() {
        const OURS: Option<&str> = Some("https://status.example.com");
        for (method, host, headers, url, foreign) in [
            ("GET", "a:1", &[][..], None, false),
            ("POST", "a:1", &[], None, false),
            ("POST", "a:1", &[("origin", "http://a:1")], None, false),
            ("POST", "a:1", &[("origin", "http://a:2")], None, true),
            ("POST", "a:1", &[("origin", "http://b:1")], None, true),
            ("GET", "a:1", &[("origin", "http://b:1")], None, true),
            ("GET", "a", &[("origin", "https://a")], None, false),
            ("GET", "a:443", &[("origin", "https://a")], None, false),
            ("GET", "a", &[("origin", "null")], None, true),
            ("GET", "a", &[("origin", "")], None, true),
            (
                "GET",
                "a",
                &[("origin", "http://a.evil.example")],
                None,
                true,
            ),
            (
                "POST",
                "x",
                &[("origin", "https://status.example.com")],
                OURS,
                false,
            ),
            (
                "POST",
                "x",
                &[("origin", "http://status.example.com")],
                OURS,
                true,
            ),
            ("POST", "a", &[("sec-fetch-site", "cross-site")], None, true),
            (
                "POST",
                "a",
                &[("sec-fetch-site", "same-origin")],
                None,
                false,
            ),
            ("GET", "a", &[("sec-fetch-site", "cross-site")], None, false),
        ] {
            let mut request = axum::http::Request::builder()
                .method(method)
                .header("host", host);
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let request = request.body(Body::empty()).unwrap();
            assert_eq!(
                is_foreign(&request, url),
                foreign,
                "{method} {host} {headers:?}"
            );
        }
    }
}
