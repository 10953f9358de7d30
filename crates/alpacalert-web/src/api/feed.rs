//! Changes of services, for readers of feeds: Atom (RFC 4287).

use std::fmt::Write as _;

use alpacalert_api::TransitionRecord;
use alpacalert_model::Timestamp;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::badge::escaped;
use super::nodes::asked;
use super::reports::{Past, remembered};
use super::{Api, Problem};
use crate::Caller;
use crate::page::links::encoded;

pub(super) const MEDIA_TYPE: &str = "application/atom+xml";

/// The query of a feed.
#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    node: Option<String>,
    limit: Option<usize>,
}

pub(super) async fn feed(
    State(api): State<Api>,
    caller: Caller,
    query: Result<Query<Wanted>, QueryRejection>,
) -> Result<Response, Problem> {
    let wanted = asked(query)?;
    let past = Past {
        node: wanted.node,
        services: Some(true),
        from: None,
        to: None,
        limit: wanted.limit,
    };
    let transitions = remembered(&api, &caller, past).await?;
    let headers = [
        (header::CONTENT_TYPE, MEDIA_TYPE),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    let began = api.live.started_at();
    Ok((headers, atom(&api.live.instance(), began, &transitions)).into_response())
}

fn atom(instance: &str, began: Timestamp, transitions: &[TransitionRecord]) -> String {
    // An id is an IRI: neither blanks nor markup.
    let (id, instance) = (encoded(instance), escaped(instance));
    let updated = transitions.first().map_or(began, |newest| newest.at);
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\">\n\
         <id>urn:alpacalert:{id}</id>\n<title>{instance}</title>\n<updated>{updated}</updated>\n\
         <author><name>{instance}</name></author>\n"
    );
    for transition in transitions {
        // Nothing can go wrong with a text that grows.
        let _ = entry(&mut out, &id, transition);
    }
    out.push_str("</feed>\n");
    out
}

fn entry(out: &mut String, instance: &str, change: &TransitionRecord) -> std::fmt::Result {
    let (node, title) = (encoded(&change.node), escaped(&change.title));
    let (at, to) = (change.at, change.to.as_str());
    // A node changes its state once at a moment.
    let id = format!("urn:alpacalert:{instance}:{node}:{}", at.as_nanosecond());
    let from = change.from.map_or("unseen", |from| from.as_str());
    let owner = change.owner.as_deref().map(escaped).unwrap_or_default();
    write!(
        out,
        "<entry><id>{id}</id><title>{title} is {to}</title><updated>{at}</updated>\
         <category term=\"{to}\"/><content type=\"text\">{from} → {to}"
    )?;
    for said in [&owner, &escaped(&change.message)] {
        if !said.is_empty() {
            write!(out, "; {said}")?;
        }
    }
    out.write_str("</content></entry>\n")
}

#[cfg(test)]
mod tests {
    use alpacalert_api::Health;

    use super::*;

    #[test]
    fn hostile_words_stay_words() {
        let change = TransitionRecord {
            node: "local/alpacalert.io/Service/a".to_owned(),
            title: "</title><script>".to_owned(),
            owner: Some("R&D".to_owned()),
            from: Some(Health::Passing),
            to: Health::Failing,
            reason: "limit".to_owned(),
            message: "]]> \u{1} \"full\"".to_owned(),
            at: Timestamp::UNIX_EPOCH,
        };
        let feed = atom("here", Timestamp::UNIX_EPOCH, &[change]);
        assert!(!feed.contains("<script>"), "{feed}");
        assert!(
            feed.contains("&lt;/title&gt;&lt;script&gt; is failing"),
            "{feed}"
        );
        assert!(
            feed.contains("passing → failing; R&amp;D; ]]&gt;"),
            "{feed}"
        );
        assert!(!feed.contains('\u{1}'), "{feed}");
    }
}
