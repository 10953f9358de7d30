//! From a plan to everything that is needed to carry it out, or to every problem at once.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use alpacalert_config::{MemberPlan, MemberTarget, Plan, SourcePlan};
use alpacalert_instrument::{InstrumentError, Registry, ScheduleOverrides, Source, nearest};
use alpacalert_model::NodeId;

use crate::Settings;
use crate::running::{ITSELF, Running};
use crate::world::{Assembler, CONFIGURATION, Extension};

/// Everything that a plan asks for, built, and nothing of it started.
pub struct Monitor {
    pub(crate) assembler: Assembler,
    pub(crate) settings: Settings,
}

impl fmt::Debug for Monitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Monitor")
            .field("plan", &self.assembler.plan)
            .finish_non_exhaustive()
    }
}

/// Everything that is wrong with a plan, given what is registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildErrors(pub Vec<BuildError>);

/// One thing that is wrong with a plan, given what is registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildError {
    /// Where in the plan: `source cluster`, `system queue`.
    pub at: String,
    /// What is wrong there.
    pub problem: String,
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.problem)
    }
}

impl fmt::Display for BuildErrors {
    /// One line for each.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, error) in self.0.iter().enumerate() {
            if n > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for BuildErrors {}

/// What a source is known by for as long as it is watched; no other source ever gets it.
pub(crate) type Slot = u32;

/// A source that was made.
#[derive(Clone)]
pub(crate) struct SourceEntry {
    pub(crate) name: Arc<str>,
    pub(crate) owner: Option<Arc<str>>,
    pub(crate) source: Arc<dyn Source>,
    /// The interval that the configuration asks for; then the source is polled, whatever else it could do.
    pub(crate) interval: Option<Duration>,
    pub(crate) timeout: Duration,
    pub(crate) slot: Slot,
    /// What it was made from; `None` for one that is no part of the plan.
    pub(crate) plan: Option<SourcePlan>,
}

impl Monitor {
    /// Makes sources, and checks that somebody is registered for whatever the plan names. Opens nothing on the network.
    ///
    /// The error holds every problem, not only the first.
    pub fn build(
        plan: &Plan,
        mut registry: Registry,
        settings: Settings,
    ) -> Result<Monitor, BuildErrors> {
        let mut problems = Problems(Vec::new());
        let sources = plan
            .sources
            .iter()
            .filter_map(|source| problems.source(source, plan, &registry))
            .collect();
        problems.names(plan);
        problems.members(plan, &registry);
        if !problems.0.is_empty() {
            return Err(BuildErrors(problems.0));
        }
        // Extensions see the registry as it is without them: what they add is described by it.
        let extensions: Vec<_> = plan
            .extensions
            .iter()
            .map(|extension| (extension.kind.clone(), Extension::new(extension, &registry)))
            .collect();
        for (kind, extension) in extensions {
            registry.register(kind, extension);
        }
        Ok(Monitor {
            assembler: Assembler {
                plan: plan.clone(),
                registry,
                sources,
                redactor: settings.redactor.clone(),
                inbox: settings.inbox.clone(),
            },
            settings,
        })
    }

    /// Adds a source that is no part of the plan. One that is given again at a reload stays as it is.
    #[must_use]
    pub fn with_source(mut self, name: &str, source: Arc<dyn Source>) -> Monitor {
        self.assembler.sources.push(SourceEntry {
            name: name.into(),
            owner: None,
            source,
            interval: None,
            timeout: ScheduleOverrides::default()
                .over(&ScheduleOverrides::default())
                .timeout,
            slot: 0,
            plan: None,
        });
        self
    }

    /// Starts measuring continuously. Must be called inside a runtime.
    pub fn start(self) -> Running {
        crate::running::start(self)
    }
}

impl SourceEntry {
    /// Whether the other one was made from the same: then it need not be watched anew.
    pub(crate) fn is_like(&self, other: &SourceEntry) -> bool {
        self.name == other.name
            && self.timeout == other.timeout
            && match (&self.plan, &other.plan) {
                (Some(one), Some(other)) => one == other,
                (None, None) => Arc::ptr_eq(&self.source, &other.source),
                _ => false,
            }
    }
}

/// What members may name.
struct Known<'a> {
    plan: &'a Plan,
    groups: HashSet<&'a NodeId>,
    registry: &'a Registry,
}

struct Problems(Vec<BuildError>);

impl Problems {
    fn add(&mut self, at: &dyn fmt::Display, problem: impl fmt::Display) {
        self.0.push(BuildError {
            at: at.to_string(),
            problem: problem.to_string(),
        });
    }

    fn source(
        &mut self,
        plan: &SourcePlan,
        whole: &Plan,
        registry: &Registry,
    ) -> Option<SourceEntry> {
        let at = format!("source {}", plan.name);
        let Some(provider) = registry.source(&plan.provider) else {
            let known: Vec<&str> = registry.sources().map(|p| p.spec().name).collect();
            let hint = nearest(&plan.provider, &known, |name| name)
                .map(|name| format!("; did you mean `{name}`?"))
                .unwrap_or_default();
            let provider = &plan.provider;
            self.add(&at, format!("nobody provides `{provider}`{hint}"));
            return None;
        };
        match provider.source(&plan.name, &plan.params) {
            Ok(source) => Some(SourceEntry {
                name: plan.name.clone(),
                owner: plan.owner.clone(),
                source,
                interval: plan.schedule.interval,
                timeout: plan.schedule.over(&whole.defaults).timeout,
                slot: 0,
                plan: Some(plan.clone()),
            }),
            Err(error) => {
                self.add(&at, error);
                None
            }
        }
    }

    /// Two sources, or two systems, of one name would take each other's nodes away.
    fn names(&mut self, plan: &Plan) {
        let mut seen = HashSet::from(["local", CONFIGURATION, ITSELF]);
        for source in &plan.sources {
            if !seen.insert(&source.name) {
                self.add(
                    &format!("source {}", source.name),
                    "this name is taken already; give it another one",
                );
            }
        }
        let mut seen = HashSet::new();
        for group in &plan.groups {
            if !seen.insert(&group.id) {
                self.add(&group.id, "there are two of this name");
            }
        }
    }

    fn members(&mut self, plan: &Plan, registry: &Registry) {
        let groups: HashSet<&NodeId> = plan.groups.iter().map(|group| &group.id).collect();
        let known = Known {
            plan,
            groups,
            registry,
        };
        for group in &plan.groups {
            for member in &group.members {
                self.member(&group.id, member, &known);
            }
        }
        for extension in &plan.extensions {
            let at = format!("extend {}", extension.kind);
            for member in &extension.members {
                match &member.target {
                    MemberTarget::Found { .. } => {
                        self.add(&at, "a path into a source cannot be added to a kind");
                    }
                    MemberTarget::Request(request) if registry.spec(&request.kind).is_none() => {
                        self.add(
                            &at,
                            format!(
                                "things of the kind `{}` cannot be added, since it is not described",
                                request.kind
                            ),
                        );
                    }
                    _ => self.member(&at, member, &known),
                }
            }
        }
    }

    fn member(&mut self, at: &dyn fmt::Display, member: &MemberPlan, known: &Known<'_>) {
        match &member.target {
            MemberTarget::Node(id) => {
                if !known.groups.contains(id) {
                    self.add(at, format!("there is no `{}`", id.reference()));
                }
            }
            MemberTarget::Request(request) => {
                if request.source.as_ref() != "local" {
                    self.known_source(at, &request.source, known.plan);
                }
                // A kind that only a source describes has no instrumentor; whether the source knows the thing shows later.
                if let Err(error @ InstrumentError::NoProvider { .. }) =
                    known.registry.instrumentors(&request.kind)
                {
                    self.add(at, error);
                }
            }
            MemberTarget::Found { source, .. } => self.known_source(at, source, known.plan),
        }
    }

    fn known_source(&mut self, at: &dyn fmt::Display, name: &Arc<str>, plan: &Plan) {
        if !plan.sources.iter().any(|source| source.name == *name) {
            self.add(at, format!("there is no source `{name}`"));
        }
    }
}
