//! Who may see what: from a request to a [`Caller`], and from a route's [`Policy`] to a refusal.
//!
//! Every route has a policy, since a [`Guarded`] takes none without one, and everything that is shown is made for a
//! [`Viewer`](crate::Viewer).

mod address;
mod caller;
mod check;
mod credentials;
mod gate;
mod oidc;
pub mod password;
mod policy;
mod rate;
mod rules;
mod scope;
mod session;
mod sign_in;
pub mod token;

use std::net::IpAddr;
use std::sync::Arc;

use alpacalert::config::{AccessPlan, ServePlan};
use alpacalert_model::Timestamp;
use tokio::sync::watch;

pub(crate) use address::{Peer, neighbourhood};
pub use caller::Caller;
pub use check::check;
use credentials::Credentials;
use gate::Refused;
pub(crate) use gate::gate;
use password::{Login, Logins};
pub use policy::{Guarded, Policy};
pub(crate) use rate::{Rates, limit};
pub(crate) use rules::SignIn;
use rules::{Rules, Verdict};
pub use scope::Scope;
use session::Sessions;
pub(crate) use sign_in::router;

/// The access rules in force, and who has signed in. Cheap to clone; what is replaced counts for every clone, and for
/// streams that are open.
#[derive(Clone)]
pub struct Access(Arc<Inner>);

struct Inner {
    rules: watch::Sender<Arc<Rules>>,
    logins: Logins,
    sessions: Sessions,
    /// Sign-ins with OpenID Connect that are under way.
    oidc: oidc::Client,
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Access")
    }
}

impl Access {
    /// These rules, or that everybody sees everything.
    pub fn new(plan: Option<&AccessPlan>, serve: &ServePlan) -> Self {
        Access(Arc::new(Inner {
            rules: watch::Sender::new(Arc::new(Rules::new(plan, serve))),
            logins: Logins::new(),
            sessions: Sessions::default(),
            oidc: oidc::Client::default(),
        }))
    }

    /// Puts other rules in force. Who has signed in stays so, as far as the new ones let them.
    pub fn replace(&self, plan: Option<&AccessPlan>, serve: &ServePlan) {
        let rules = Rules::new(plan, serve);
        self.0.rules.send_replace(Arc::new(rules));
    }

    fn rules(&self) -> Arc<Rules> {
        self.0.rules.borrow().clone()
    }

    fn changes(&self) -> watch::Receiver<Arc<Rules>> {
        self.0.rules.subscribe()
    }

    /// Whether an address is that of a proxy that says who people are.
    pub(crate) fn is_proxy(&self, address: IpAddr) -> bool {
        self.rules().is_proxy(address)
    }

    /// Checks a password, if these are one. What is given back need not be checked again.
    async fn prove(
        &self,
        rules: &Rules,
        from: IpAddr,
        credentials: Credentials,
    ) -> Result<Credentials, Refused> {
        let Credentials::Basic(name, password) = &credentials else {
            return Ok(credentials);
        };
        let hash = rules.hash_of(name);
        match self.0.logins.attempt(from, name, password, hash).await {
            Login::Right => {
                let hash = hash.unwrap_or_default().to_owned();
                Ok(Credentials::Proven(name.as_str().into(), hash))
            }
            Login::Wrong => Ok(credentials),
            Login::Later(wait) => Err(Refused::Later(wait)),
        }
    }

    /// Whose credentials these are now.
    fn whose(&self, rules: &Rules, credentials: &Credentials) -> Verdict {
        let session = match credentials {
            Credentials::Session(key) => self.0.sessions.find(key),
            _ => None,
        };
        rules.whose(credentials, session, Timestamp::now())
    }

    /// Ends a session, and the streams that it opened.
    fn sign_out(&self, key: &[u8; 32]) {
        self.0.sessions.end(key);
        self.0.rules.send_modify(|_| {});
    }
}

impl Default for Access {
    /// Everybody sees everything.
    fn default() -> Self {
        Access::new(None, &ServePlan::default())
    }
}
