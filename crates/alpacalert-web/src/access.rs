//! Who may see what: from a request to a [`Caller`], and from a route's [`Policy`] to a refusal.
//!
//! Every route has a policy, since a [`Guarded`] takes none without one, and everything that is shown is made for a
//! [`Viewer`](crate::Viewer).

mod caller;
mod credentials;
mod gate;
mod policy;
mod rules;
mod scope;
pub mod token;

use std::sync::Arc;

use alpacalert::config::AccessPlan;
use tokio::sync::watch;

pub use caller::Caller;
pub(crate) use gate::gate;
pub use policy::{Guarded, Policy};
pub(crate) use rules::Rules;
pub use scope::Scope;

/// The access rules in force. Cheap to clone; what is replaced counts for every clone, and for streams that are open.
#[derive(Clone, Debug)]
pub struct Access(watch::Sender<Arc<Rules>>);

impl Access {
    /// These rules, or that everybody sees everything.
    pub fn new(plan: Option<&AccessPlan>) -> Self {
        Access(watch::Sender::new(Arc::new(Rules::new(plan))))
    }

    /// Puts other rules in force.
    pub fn replace(&self, plan: Option<&AccessPlan>) {
        self.0.send_replace(Arc::new(Rules::new(plan)));
    }

    fn rules(&self) -> Arc<Rules> {
        self.0.borrow().clone()
    }

    fn changes(&self) -> watch::Receiver<Arc<Rules>> {
        self.0.subscribe()
    }
}

impl Default for Access {
    /// Everybody sees everything.
    fn default() -> Self {
        Access::new(None)
    }
}
