//! What stands around every page.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use alpacalert_model::Timestamp;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::asked::{Asked, Theme, ZONE};
use super::assets;
use super::parts::{exact, shapes};
use super::who::who;

/// Who a page is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Face {
    Public,
    Operator,
}

/// The places that the operator's pages lead to.
const TABS: [(&str, &str); 5] = [
    ("/", "Board"),
    ("/tree", "Tree"),
    ("/nodes", "All"),
    ("/past", "Past"),
    ("/itself", "Itself"),
];

/// A page without what stands around it.
pub(crate) struct Page {
    pub(crate) face: Face,
    /// What it is about; the name of the instance follows.
    pub(crate) title: String,
    /// The tab that it belongs to.
    pub(crate) tab: &'static str,
    /// The same for programs.
    pub(crate) twin: String,
    /// Its values change without a change of state: ask again this often, in seconds.
    pub(crate) every: u32,
    pub(crate) body: Markup,
}

/// The page as an answer; or that the asker has it already.
pub(crate) fn answer(asked: &Asked, instance: &str, page: &Page) -> Response {
    let text = whole(asked, instance, page).into_string();
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    let etag = format!("\"{:016x}\"", hasher.finish());
    let mut headers = HeaderMap::new();
    let mut set = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    set(header::ETAG, &etag);
    set(header::CACHE_CONTROL, "private, no-cache");
    // The colours are part of it, and so is who asks.
    set(header::VARY, "Cookie, Authorization");
    if asked.knows(&etag) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    (headers, text).into_response()
}

fn whole(asked: &Asked, instance: &str, page: &Page) -> Markup {
    let operator = page.face == Face::Operator;
    let events = match (asked.at, page.face) {
        (Some(_), _) => None,
        (None, Face::Operator) => Some("/api/v1/events"),
        (None, Face::Public) => Some("/api/v1/events?services=true"),
    };
    let theme = (asked.theme != Theme::System).then_some(asked.theme.as_str());
    html! {
        (DOCTYPE)
        html lang="en" data-theme=[theme] data-events=[events] data-every=(page.every)
            class=(if asked.links.wall { "wall" } else { "" }) {
            (head(&format!("{} · {instance}", page.title), Some(&page.twin), asked.at.is_none()))
            body {
                (shapes())
                a.skip href="#main" { "Skip to what is shown" }
                header.top {
                    div.bar {
                        a.brand href=(asked.links.to(if operator { "/" } else { "/public" }, &[])) {
                            (icon()) span { (instance) }
                        }
                        @if operator {
                            (tabs(asked, page.tab))
                            (search(asked))
                        }
                        div.tools {
                            (state_of_connection(asked))
                            (themes(asked))
                            @if operator {
                                button.plain.script-only type="button" id="keys" aria-haspopup="dialog" title="Keys (?)" aria-label="Keys" hidden { "?" }
                            }
                            (who(asked))
                        }
                    }
                    div.stale id="stale" role="alert" hidden {}
                    @if let Some(at) = asked.at { (banner(asked, at)) }
                }
                main id="main" tabindex="-1" { (page.body) }
                (footer(page, operator))
                p.vh id="said" role="status" aria-live="polite" {}
                @if operator { (help()) }
            }
        }
    }
}

/// A page that needs nothing of the instance, which may be gone.
pub(crate) fn bare(title: &str, body: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            (head(title, None, false))
            body {
                (shapes())
                header.top { div.bar { a.brand href="/" { (icon()) span { "Alpacalert" } } } }
                main id="main" { (body) }
            }
        }
    }
}

fn head(title: &str, twin: Option<&str>, reload: bool) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            title { (title) }
            link rel="stylesheet" href=(assets::address("page.css"));
            link rel="icon" type="image/svg+xml" href=(assets::address("icon.svg"));
            @if let Some(twin) = twin {
                link rel="alternate" type="application/json" href=(twin);
            }
            script src=(assets::address("page.js")) defer {}
            @if reload {
                noscript { meta http-equiv="refresh" content="60"; }
            }
        }
    }
}

fn icon() -> Markup {
    html! {
        svg.icon viewBox="0 0 32 32" aria-hidden="true" focusable="false" {
            path d="M10 26V13.5a6 6 0 0 1 6-6h.5L15.500 4l4 3.200C22.600 8.400 24 10.500 24 13l-1.500 2.500H19V26" {}
            circle cx="19.500" cy="11.500" r="1.500" {}
        }
    }
}

fn tabs(asked: &Asked, here: &str) -> Markup {
    html! {
        nav.tabs aria-label="Views" {
            @for (path, word) in TABS {
                a href=(asked.links.to(path, &[])) aria-current=[(path == here).then_some("page")] { (word) }
            }
        }
    }
}

fn search(asked: &Asked) -> Markup {
    html! {
        form.search role="search" action="/nodes" method="get" {
            input id="q" type="search" name="q" value=(asked.get("q").unwrap_or_default()) maxlength="200"
                placeholder="Search" aria-label="Search by name, kind, owner or message" autocomplete="off" spellcheck="false";
            @if let Some(at) = &asked.links.at { input type="hidden" name="at" value=(at); }
            kbd aria-hidden="true" { "/" }
        }
    }
}

/// Says nothing without a script: then the page is as old as it looks, and the link asks again.
fn state_of_connection(asked: &Asked) -> Markup {
    html! {
        @if asked.at.is_none() {
            span.live id="live" data-live="no" {
                noscript { a href=(asked.with("", "")) { "Reload" } }
            }
        }
    }
}

/// Without a script the buttons go to the server, which remembers the choice; with one, nothing is fetched.
fn themes(asked: &Asked) -> Markup {
    let (to, word) = match asked.theme {
        Theme::Dark => ("light", "Light"),
        _ => ("dark", "Dark"),
    };
    html! {
        form.theme action="/theme" method="get" {
            input type="hidden" name="back" value=(asked.with("", ""));
            button.plain type="submit" name="to" value=(to) id="theme" title="Light or dark" aria-label=(format!("{word} colours")) {
                svg viewBox="0 0 16 16" aria-hidden="true" focusable="false" {
                    circle cx="8" cy="8" r="6.200" fill="none" stroke="currentColor" stroke-width="1.600" {}
                    path d="M8 1.800a6.200 6.200 0 0 1 0 12.400z" fill="currentColor" {}
                }
            }
        }
    }
}

/// Says that this is the past, and goes elsewhere in it.
fn banner(asked: &Asked, at: Timestamp) -> Markup {
    html! {
        div.past-banner {
            p { strong { "As it was" } " at " time datetime=(at.to_string()) { (exact(at, &ZONE)) } }
            (moment_form(asked, Some(at)))
            a.button href=(now_address(asked)) { "Back to now" }
        }
    }
}

fn now_address(asked: &Asked) -> String {
    let mut asked = asked.clone();
    asked.links.at = None;
    asked.with("", "")
}

/// A field for a moment, and with a script a slider over the day before the present.
pub(crate) fn moment_form(asked: &Asked, at: Option<Timestamp>) -> Markup {
    let shown = at.unwrap_or_else(Timestamp::now).to_zoned(ZONE.clone());
    let path = match asked.path.as_str() {
        "/past" => "/",
        path => path,
    };
    html! {
        form.moment action=(path) method="get" {
            @for (key, value) in asked.rest(&["at", "page"]) {
                input type="hidden" name=(key) value=(value);
            }
            label { span.vh { "Moment" }
                input type="datetime-local" name="at" value=(shown.strftime("%Y-%m-%dT%H:%M").to_string()) required;
            }
            button type="submit" { "Show" }
            label.slider hidden {
                span.vh { "Minutes back from now" }
                input type="range" min="0" max="1440" step="1" value="0" data-slider;
                output {}
            }
        }
    }
}

fn footer(page: &Page, operator: bool) -> Markup {
    html! {
        footer.foot {
            p {
                "Times in " (zone_name()) " · "
                a href=(page.twin) { "JSON" }
                @if operator {
                    " · " a href="/public" { "Public face" }
                    " · " a href="/api/v1/openapi.json" { "API" }
                }
            }
        }
    }
}

fn zone_name() -> String {
    let name = ZONE.iana_name().map(str::to_owned);
    name.unwrap_or_else(|| {
        Timestamp::now()
            .to_zoned(ZONE.clone())
            .strftime("%Z")
            .to_string()
    })
}

fn help() -> Markup {
    let keys = [
        ("/", "search"),
        ("g then b, t, a, p, i", "board, tree, all, past, itself"),
        ("↑ ↓", "in the tree: the row before, the next one"),
        ("→ ←", "in the tree: unfold, fold or go up"),
        ("Enter", "in the tree: the page of the row"),
        ("?", "this list"),
    ];
    html! {
        dialog id="help" aria-labelledby="help-title" {
            h2 id="help-title" { "Keys" }
            dl { @for (key, what) in keys { dt { kbd { (key) } } dd { (what) } } }
            form method="dialog" { button { "Close" } }
        }
    }
}

/// Nothing: for optional parts.
pub(crate) fn nothing() -> Markup {
    PreEscaped(String::new())
}
