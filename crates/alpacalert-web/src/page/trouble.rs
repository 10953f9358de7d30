//! What is wrong with a request, on a page that looks like the others.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};

use super::layout;

/// Why there is no such page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    status: StatusCode,
    title: &'static str,
    text: String,
}

impl Trouble {
    /// The request cannot be understood.
    pub(crate) fn wrong(text: impl Into<String>) -> Self {
        Trouble {
            status: StatusCode::BAD_REQUEST,
            title: "That cannot be shown",
            text: text.into(),
        }
    }

    /// There is nothing of this name.
    pub(crate) fn missing(text: impl Into<String>) -> Self {
        Trouble {
            status: StatusCode::NOT_FOUND,
            title: "There is nothing here",
            text: text.into(),
        }
    }

    /// For those who run the instance only.
    pub(crate) fn not_yours() -> Self {
        Trouble {
            status: StatusCode::FORBIDDEN,
            title: "Not for everybody",
            text: "this page is for those who run this instance".to_owned(),
        }
    }

    /// The engine has ended, or is about to.
    pub(crate) fn ended() -> Self {
        Trouble {
            status: StatusCode::SERVICE_UNAVAILABLE,
            title: "Shutting down",
            text: "the instance is shutting down".to_owned(),
        }
    }

    /// The past cannot be told.
    pub(crate) fn forgotten(text: impl Into<String>) -> Self {
        Trouble {
            status: StatusCode::NOT_FOUND,
            title: "That is not remembered",
            text: text.into(),
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
                    p { a href="/" { "To the first page" } }
                }
            },
        )
    }
}

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
