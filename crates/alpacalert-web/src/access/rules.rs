//! The rules, as requests are held against them.

use std::sync::Arc;

use alpacalert::config::{AccessPlan, Anonymous};
use alpacalert_model::Timestamp;

use super::Caller;
use super::credentials::Credentials;
use super::scope::Extent;
use super::token;
use crate::Viewer;

/// Access rules, or that there are none.
#[derive(Debug)]
pub(crate) struct Rules(Option<Inner>);

#[derive(Debug)]
struct Inner {
    anonymous: Anonymous,
    tokens: Vec<([u8; 32], Token)>,
}

#[derive(Debug)]
struct Token {
    name: Arc<str>,
    read: Extent,
    push: Extent,
    expires: Option<Timestamp>,
}

/// What became of credentials.
#[derive(Debug)]
pub(super) enum Verdict {
    /// Whose they are, and until when.
    Is(Caller, Option<Timestamp>),
    /// They are worth nothing, and why.
    Refused(&'static str),
}

impl Rules {
    pub(super) fn new(plan: Option<&AccessPlan>) -> Self {
        Rules(plan.map(|plan| {
            Inner {
                anonymous: plan.anonymous,
                tokens: plan
                    .tokens
                    .iter()
                    .filter_map(|token| {
                        let kept = Token {
                            name: token.name.as_str().into(),
                            read: Extent::of(&token.read),
                            push: Extent::of(&token.push),
                            expires: token.expires,
                        };
                        Some((token::parse_hash(&token.hash)?, kept))
                    })
                    .collect(),
            }
        }))
    }

    /// Whose credentials these are.
    pub(super) async fn whose(&self, credentials: &Credentials, now: Timestamp) -> Verdict {
        let Some(rules) = &self.0 else {
            return Verdict::Is(Caller::owner(), None);
        };
        match credentials {
            Credentials::None => Verdict::Is(Caller::anybody(rules.anonymous), None),
            Credentials::Bearer(text) => rules.token(text, now),
            Credentials::Garbled => {
                Verdict::Refused("the header Authorization is not understood: it is `Bearer TOKEN`")
            }
        }
    }
}

impl Inner {
    fn token(&self, text: &str, now: Timestamp) -> Verdict {
        let known = self.tokens.iter().map(|(digest, token)| (digest, token));
        // The same words for all: whoever tries tokens learns nothing of those that once were.
        const REFUSED: Verdict =
            Verdict::Refused("the token is not known here, or its time is over");
        let Some(token) = token::find(text, known) else {
            return REFUSED;
        };
        if token.expires.is_some_and(|end| end <= now) {
            tracing::debug!(token = %token.name, "a token was used whose time is over");
            return REFUSED;
        }
        let caller = self.caller(token.name.clone(), token.read.clone(), token.push.clone());
        Verdict::Is(caller, token.expires)
    }

    fn caller(&self, name: Arc<str>, read: Extent, push: Extent) -> Caller {
        Caller {
            name: Some(name),
            viewer: match read {
                Extent::Everything => Viewer::Operator,
                Extent::Some(scope) => Viewer::Scoped(scope),
            },
            anonymous: self.anonymous,
            push,
        }
    }
}
