//! Remembers the colours that a reader chose, for readers without a script.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::asked::{Asked, Theme};

pub(crate) async fn choose(asked: Asked) -> Response {
    let theme = Theme::parse(asked.get("to").unwrap_or_default()).as_str();
    // Only back to a page of ours: two slashes would begin another host, and so would a backslash in some browsers.
    let back = asked.get("back").filter(|back| {
        back.starts_with('/')
            && !back.starts_with("//")
            && back
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && byte != b'\\')
    });
    let cookie = format!(
        "{}={theme}; Path=/; Max-Age=31536000; SameSite=Strict",
        Theme::COOKIE
    );
    let headers = [
        (header::LOCATION, back.unwrap_or("/").to_owned()),
        (header::SET_COOKIE, cookie),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    (StatusCode::SEE_OTHER, headers).into_response()
}
