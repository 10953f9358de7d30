//! What is served: a configuration, or this machine.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use alpacalert_config::{AccessPlan, Plan, ServePlan};
use alpacalert_instrument::{Kind, NodeId, Redactor, Registry};

use crate::commands::host::this_machine;
use crate::exit::Failure;

/// A plan that was read, with the secrets in it.
pub(super) struct Planned {
    pub(super) plan: Plan,
    pub(super) redactor: Arc<Redactor>,
    /// Where it was read; `None` for this machine.
    pub(super) path: Option<PathBuf>,
}

impl Planned {
    pub(super) fn of_file(path: PathBuf, plan: Plan, redactor: Redactor) -> Self {
        Planned {
            plan,
            redactor: Arc::new(redactor),
            path: Some(path),
        }
    }

    /// This machine, as a service.
    pub(super) fn of_this_machine(registry: &Registry) -> Result<Self, Failure> {
        let (mut plan, _) = this_machine(registry)?;
        for group in &mut plan.groups {
            let kind = Kind::of("alpacalert.io/Service");
            group.id = NodeId::new(group.id.source().clone(), kind, "this-machine");
            group.title = Some("this machine".into());
            group.service = Some(false);
        }
        Ok(Planned {
            plan,
            redactor: Arc::default(),
            path: None,
        })
    }

    /// The access rules, if there are any.
    pub(super) fn access(&self) -> Option<AccessPlan> {
        self.plan.access.as_ref().map(AccessPlan::of)
    }

    /// How it is reached.
    pub(super) fn serve(&self) -> ServePlan {
        ServePlan::of(&self.plan.serve)
    }

    /// Whether the rules go together, and the certificates can be read.
    pub(super) fn may_be_served(&self) -> Result<(), String> {
        alpacalert_web::access::check(self.access().as_ref(), &self.serve())
    }

    /// Whether it may listen there: anywhere but on loopback, only those may see everything whom the rules name.
    pub(super) fn may_listen_on(&self, listen: SocketAddr) -> Result<(), String> {
        if listen.ip().is_loopback() || self.plan.access.is_some() {
            return Ok(());
        }
        let place = match &self.path {
            Some(path) => format!("to {}", path.display()),
            None => "to a configuration, such as alpacalert.yaml".to_owned(),
        };
        Err(format!(
            "cannot listen on {listen}: everything would be visible to everybody who can reach this machine, since there are no \
access rules

  so that everybody sees public services and nothing else, add {place}:

    access:
      anonymous: services

  so that a program sees more, run `alpacalert token new NAME`, and add what it says
  without rules it listens on the loopback interface only: --listen 127.0.0.1:{}",
            listen.port()
        ))
    }

    /// Reads a file or a folder again. The error is every problem with its place.
    pub(super) fn read(path: &Path, registry: &Registry) -> Result<Self, String> {
        // It goes to the log and to whoever operates the instance, not only to whoever wrote the file.
        let wrong = |problems: alpacalert_config::Diagnostics| problems.render_for_others(false);
        let loaded = alpacalert_config::load(path, registry).map_err(wrong)?;
        for warning in &loaded.warnings {
            tracing::warn!("{}", warning.render_for_others(false));
        }
        let variable = |name: &str| std::env::var(name).ok();
        let (plan, redactor) = loaded.resolve(&variable).map_err(wrong)?;
        Ok(Planned::of_file(path.to_owned(), plan, redactor))
    }
}
