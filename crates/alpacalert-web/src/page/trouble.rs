//! What is wrong with a request, on a page that looks like the others.

use alpacalert_api::ErrorBody;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};

use super::layout;
use super::who::LOGIN;
use crate::access::SignIn;

/// Why there is no such page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    status: StatusCode,
    title: &'static str,
    text: String,
    /// Where to go from here.
    way: (&'static str, &'static str),
}

const PUBLIC: (&str, &str) = ("/public", "To what is for everybody");

impl Trouble {
    /// The request cannot be understood.
    pub(crate) fn wrong(text: impl Into<String>) -> Self {
        Trouble {
            status: StatusCode::BAD_REQUEST,
            title: "That cannot be shown",
            text: text.into(),
            way: PUBLIC,
        }
    }

    /// There is nothing of this name.
    pub(crate) fn missing(text: impl Into<String>) -> Self {
        Trouble {
            status: StatusCode::NOT_FOUND,
            title: "There is nothing here",
            text: text.into(),
            way: PUBLIC,
        }
    }

    /// The engine has ended, or is about to.
    pub(crate) fn ended() -> Self {
        Trouble {
            status: StatusCode::SERVICE_UNAVAILABLE,
            title: "Shutting down",
            text: "the instance is shutting down".to_owned(),
            way: PUBLIC,
        }
    }

    /// The past cannot be told.
    pub(crate) fn forgotten(text: impl Into<String>) -> Self {
        Trouble {
            status: StatusCode::NOT_FOUND,
            title: "That is not remembered",
            text: text.into(),
            way: PUBLIC,
        }
    }

    fn page(&self) -> Markup {
        layout::bare(
            self.title,
            html! {
                section.trouble {
                    p.code { (self.status.as_u16()) }
                    h1 { (self.title) }
                    p { (self.text) }
                    p { a href=(self.way.0) { (self.way.1) } }
                }
            },
        )
    }
}

/// Shows people, who ask for a page, what was refused as one; programs get it as it is.
pub(crate) async fn dressed(request: Request, next: Next) -> Response {
    let accepted = request.headers().get(header::ACCEPT);
    let person = accepted
        .and_then(|accepted| accepted.to_str().ok())
        .is_some_and(|accepted| accepted.contains("text/html"));
    let page = !request.uri().path().starts_with("/api/");
    let sign_in = request.extensions().get::<SignIn>().copied();
    let response = next.run(request).await;
    let title = match response.status() {
        StatusCode::UNAUTHORIZED => "Who are you?",
        StatusCode::FORBIDDEN => "Not for you",
        _ => return response,
    };
    if !(person && page) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let said = axum::body::to_bytes(body, SAID).await.unwrap_or_default();
    let said = serde_json::from_slice::<ErrorBody>(&said).map(|said| said.error);
    let trouble = Trouble {
        status: parts.status,
        title,
        text: said.unwrap_or_default(),
        way: match (parts.status, sign_in) {
            (StatusCode::UNAUTHORIZED, Some(SignIn::Oidc | SignIn::Password)) => (LOGIN, "Sign in"),
            _ => PUBLIC,
        },
    };
    parts.headers.remove(header::CONTENT_LENGTH);
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    parts.headers.insert(header::CONTENT_TYPE, html);
    Response::from_parts(parts, trouble.page().into_string().into())
}

/// The most bytes of what a refusal says.
const SAID: usize = 4096;

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        let headers = [
            (header::CONTENT_TYPE, "text/html; charset=utf-8"),
            // What is wrong now may be right a moment later.
            (header::CACHE_CONTROL, "no-store"),
        ];
        let mut response = (self.status, headers, self.page().into_string()).into_response();
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            let soon = HeaderValue::from_static("5");
            response.headers_mut().insert(header::RETRY_AFTER, soon);
        }
        response
    }
}
