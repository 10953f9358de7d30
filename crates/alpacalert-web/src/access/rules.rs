//! The rules, as requests are held against them.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use alpacalert::config::{AccessPlan, Anonymous, OidcPlan, ProxyPlan, ServePlan};
use alpacalert_model::Timestamp;
use axum::http::HeaderMap;

use super::credentials::Credentials;
use super::scope::Extent;
use super::{Caller, Scope, address, token};
use crate::Viewer;

/// Access rules, or that there are none.
#[derive(Debug)]
pub(super) struct Rules(Option<Inner>);

#[derive(Debug)]
struct Inner {
    anonymous: Anonymous,
    tokens: Vec<([u8; 32], Token)>,
    users: HashMap<String, User>,
    groups: HashMap<String, Extent>,
    oidc: Option<Arc<OidcPlan>>,
    proxy: Option<ProxyPlan>,
    /// Where people reach the instance, without a slash at its end.
    url: Option<String>,
}

#[derive(Debug)]
struct Token {
    name: Arc<str>,
    read: Extent,
    push: Extent,
    expires: Option<Timestamp>,
}

#[derive(Debug)]
struct User {
    hash: String,
    read: Extent,
}

/// How people say who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignIn {
    /// With OpenID Connect.
    Oidc,
    /// With a name and a password.
    Password,
    /// Not by themselves.
    Not,
}

/// What became of credentials.
#[derive(Debug)]
pub(super) enum Verdict {
    /// Whose they are, and until when.
    Is(Caller, Option<Timestamp>),
    /// They are worth nothing, and why.
    Refused(&'static str),
}

const UNKNOWN_TOKEN: Verdict = Verdict::Refused("the token is not known here, or its time is over");
const WRONG_PASSWORD: Verdict = Verdict::Refused("the name or the password is wrong");

impl Rules {
    pub(super) fn new(plan: Option<&AccessPlan>, serve: &ServePlan) -> Self {
        let Some(plan) = plan else {
            return Rules(None);
        };
        let tokens = plan.tokens.iter().filter_map(|token| {
            let kept = Token {
                name: token.name.as_str().into(),
                read: Extent::of(&token.read),
                push: Extent::of(&token.push),
                expires: token.expires,
            };
            Some((token::parse_hash(&token.hash)?, kept))
        });
        let users = plan.users.iter().map(|user| {
            let kept = User {
                hash: user.password.clone(),
                read: Extent::of(&user.read),
            };
            (user.name.clone(), kept)
        });
        let groups = plan.groups.iter();
        let groups = groups.map(|group| (group.name.clone(), Extent::of(&group.read)));
        Rules(Some(Inner {
            anonymous: plan.anonymous,
            tokens: tokens.collect(),
            users: users.collect(),
            groups: groups.collect(),
            oidc: plan.oidc.clone().map(Arc::new),
            proxy: plan.proxy.clone(),
            url: serve
                .url
                .as_deref()
                .map(|url| url.trim_end_matches('/').to_owned()),
        }))
    }

    /// What a request brings; a proxy's word is taken from that proxy only.
    pub(super) fn credentials(&self, peer: IpAddr, headers: &HeaderMap) -> Credentials {
        let proxy = self.0.as_ref().and_then(|rules| rules.proxy.as_ref());
        let proxy = proxy.filter(|proxy| proxy.from.iter().any(|from| from.contains(peer)));
        proxy
            .and_then(|proxy| Credentials::named(headers, &proxy.user, &proxy.groups))
            .unwrap_or_else(|| Credentials::of(headers))
    }

    /// Where a request comes from, behind proxies that are trusted.
    pub(super) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        match self.0.as_ref().and_then(|rules| rules.proxy.as_ref()) {
            Some(proxy) => address::client(peer, &proxy.from, headers),
            None => peer,
        }
    }

    /// Whether an address is a proxy's.
    pub(super) fn is_proxy(&self, address: IpAddr) -> bool {
        let proxy = self.0.as_ref().and_then(|rules| rules.proxy.as_ref());
        proxy.is_some_and(|proxy| proxy.from.iter().any(|from| from.contains(address)))
    }

    /// How people say who they are.
    pub(super) fn sign_in(&self) -> SignIn {
        match &self.0 {
            Some(rules) if rules.oidc.is_some() => SignIn::Oidc,
            Some(rules) if !rules.users.is_empty() => SignIn::Password,
            _ => SignIn::Not,
        }
    }

    /// Whether those who are not known see nothing at all.
    pub(super) fn is_closed(&self) -> bool {
        let rules = self.0.as_ref();
        rules.is_some_and(|rules| rules.anonymous == Anonymous::Nothing)
    }

    /// Sign-in with OpenID Connect, and where people reach this instance.
    pub(super) fn oidc(&self) -> Option<(Arc<OidcPlan>, String)> {
        let rules = self.0.as_ref()?;
        Some((rules.oidc.clone()?, rules.url.clone()?))
    }

    /// The hash of a user's password.
    pub(super) fn hash_of(&self, name: &str) -> Option<&str> {
        let user = self.0.as_ref()?.users.get(name)?;
        Some(&user.hash)
    }

    /// Whose credentials these are. Passwords and sessions were looked at before.
    pub(super) fn whose(
        &self,
        credentials: &Credentials,
        session: Option<super::session::Session>,
        now: Timestamp,
    ) -> Verdict {
        let Some(rules) = &self.0 else {
            return Verdict::Is(Caller::owner(), None);
        };
        match (credentials, session) {
            (Credentials::Bearer(text), _) => rules.token(text, now),
            (Credentials::Proven(name, hash), _) => match rules.users.get(&**name) {
                Some(user) if user.hash == *hash => rules.is(name.clone(), user.read.clone(), None),
                _ => WRONG_PASSWORD,
            },
            (Credentials::Session(_), Some(session)) if let Some(oidc) = &rules.oidc => {
                let read = rules.member(Extent::of(&oidc.read), &session.groups);
                let left = session.ends.duration_since(tokio::time::Instant::now());
                let end = now.checked_add(left).ok();
                let caller = Caller {
                    session: true,
                    ..rules.caller(session.name, read)
                };
                Verdict::Is(caller, end)
            }
            (Credentials::Named(name, groups), _) => {
                let all = rules.proxy.as_ref().map(|proxy| Extent::of(&proxy.read));
                let all = all.unwrap_or_else(|| Extent::Some(Scope::default()));
                rules.is(name.clone(), rules.member(all, groups), None)
            }
            (Credentials::Basic(..), _) => WRONG_PASSWORD,
            (Credentials::Garbled, _) => Verdict::Refused(
                "who asks is not understood: the header Authorization is `Bearer TOKEN` or Basic, once; a proxy gives one name",
            ),
            // A session that has ended leaves a browser where it was before: anybody.
            (Credentials::None | Credentials::Session(_), _) => {
                Verdict::Is(Caller::anybody(rules.anonymous), None)
            }
        }
    }
}

impl Inner {
    fn token(&self, text: &str, now: Timestamp) -> Verdict {
        // The same words for all: whoever tries tokens learns nothing of those that once were.
        let known = self.tokens.iter().map(|(digest, token)| (digest, token));
        let Some(token) = token::find(text, known) else {
            return UNKNOWN_TOKEN;
        };
        if token.expires.is_some_and(|end| end <= now) {
            tracing::debug!(token = %token.name, "a token was used whose time is over");
            return UNKNOWN_TOKEN;
        }
        let caller = Caller {
            push: token.push.clone(),
            ..self.caller(token.name.clone(), token.read.clone())
        };
        Verdict::Is(caller, token.expires)
    }

    /// What a member of these groups may see, beside what all may.
    fn member(&self, all: Extent, groups: &[String]) -> Extent {
        let groups = groups.iter().filter_map(|group| self.groups.get(group));
        groups.fold(all, |all, group| all.and(group))
    }

    fn is(&self, name: Arc<str>, read: Extent, end: Option<Timestamp>) -> Verdict {
        Verdict::Is(self.caller(name, read), end)
    }

    fn caller(&self, name: Arc<str>, read: Extent) -> Caller {
        Caller {
            name: Some(name),
            viewer: match read {
                Extent::Everything => Viewer::Operator,
                Extent::Some(scope) => Viewer::Scoped(scope),
            },
            session: false,
            anonymous: self.anonymous,
            push: Extent::Some(Scope::default()),
        }
    }
}
