//! What others are told of our services, made at most a few times a second however many ask.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::{BuildHasher as _, DefaultHasher, Hash as _, Hasher as _, RandomState};
use std::sync::Arc;
use std::time::Duration;

use alpacalert::config::Anonymous;
use alpacalert_api::{CauseSummary, ServiceList, ServiceSummary, VERSION};
use alpacalert_model::{ExplainLimits, Explanation, Graph, NodeKey, NodeRef, State, Timestamp};
use alpacalert_visualise::{Headline, View};
use axum::body::Bytes;
use jiff::tz::TimeZone;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::convert::{clean, health, message, service_name};
use crate::{Caller, Live, Viewer};

/// How long a summary may be believed, in seconds: a consumer that asks every second may miss a minute of a busy network's
/// answers and no more.
const TTL: u32 = 30;

/// Summaries are not made anew before this is over: an answer is no older than that.
const FRESH: Duration = Duration::from_millis(100);

/// The most causes that others are told of: the first ones tell whom to ask.
const CAUSES: usize = 10;

/// What an explanation for a summary may cost.
const BRIEF: ExplainLimits = ExplainLimits {
    causes: 100,
    repair_sets: 0,
    repair_size: 0,
    edges: 100_000,
    work: 20_000,
};

/// Making summaries holds up the engine: it may take at most one part in this many of the time.
const SHARE: u32 = 20;

/// But however many services share a fault, nobody has to believe anything older than this.
const OLDEST: Duration = Duration::from_secs(2);

/// The newest summaries.
#[derive(Default)]
pub(super) struct Summaries {
    kept: Mutex<Kept>,
    /// Makes names of nodes that say nothing to others, and that nobody can guess.
    names: RandomState,
}

#[derive(Default)]
struct Kept {
    newest: Option<Newest>,
    explained: Explained,
}

/// Whose a thing is may change without a system being judged; no explanation is kept for longer than this.
const EXPLAINED: Duration = Duration::from_secs(10);

/// Explanations of services, which cost more than all else. They stay true until a system is judged again.
#[derive(Default)]
struct Explained {
    /// When they were begun to be made.
    since: Option<Instant>,
    /// How many systems had been judged, and how many nodes there were.
    at: (u64, usize),
    by_service: HashMap<NodeKey, Explanation>,
}

impl Explained {
    /// Forgets what may not be true any more.
    fn renew(&mut self, graph: &Graph) {
        let now = (graph.evaluations(), graph.len());
        let is_old = self.since.is_none_or(|since| since.elapsed() > EXPLAINED);
        if self.at != now || is_old {
            self.at = now;
            self.since = Some(Instant::now());
            self.by_service.clear();
        }
    }

    /// Why a service is as it is; `None` when it is well.
    fn of(&mut self, graph: &Graph, node: NodeRef<'_>) -> Option<&Explanation> {
        if node.state() == State::Passing {
            return None;
        }
        match self.by_service.entry(node.key()) {
            Entry::Occupied(known) => Some(known.into_mut()),
            Entry::Vacant(place) => Some(place.insert(graph.explain(node.key(), &BRIEF)?)),
        }
    }
}

/// Summaries as they are sent to one sort of reader.
pub(super) struct Published {
    pub(super) list: ServiceList,
    pub(super) body: Bytes,
    /// Of everything but the time at which it was made.
    pub(super) etag: String,
}

/// What is made at one moment: everything, and what anybody may see.
struct Newest {
    made: Instant,
    /// For how long nothing newer is made.
    fresh: Duration,
    all: Arc<Published>,
    /// Public services with what is said about their causes.
    causes: Arc<Published>,
    /// Public services and no more.
    services: Arc<Published>,
}

impl Summaries {
    /// Summaries that are a moment old at most, as the caller may see them. `None` when the engine has ended.
    pub(super) async fn newest(&self, live: &Live, caller: &Caller) -> Option<Arc<Published>> {
        // Whoever comes while they are made waits for the same.
        let mut kept = self.kept.lock().await;
        let newest = kept.newest.take();
        let fresh = newest.filter(|newest| newest.made.elapsed() < newest.fresh);
        let made = match fresh {
            Some(fresh) => fresh,
            None => {
                let explained = std::mem::take(&mut kept.explained);
                let (made, explained) = Newest::make(live, explained, self.names.clone()).await?;
                kept.explained = explained;
                made
            }
        };
        let made = kept.newest.insert(made);
        let public = match caller.anonymous {
            Anonymous::Causes => &made.causes,
            Anonymous::Services | Anonymous::Nothing => &made.services,
        };
        let scope = match &caller.viewer {
            Viewer::Operator => return Some(made.all.clone()),
            Viewer::Public => return Some(public.clone()),
            Viewer::Scoped(scope) => scope.clone(),
        };
        // Who is known sees what is public, also where those who are not see nothing.
        let (all, public) = (made.all.clone(), public.clone());
        drop(kept);
        let seen = all.list.services.iter().filter_map(|summary| {
            let name = summary.service.as_str();
            match scope.holds(name) {
                true => Some(summary),
                false => public.one(name),
            }
        });
        let seen = all.with(seen.cloned().collect());
        Published::new(seen).map(Arc::new)
    }
}

impl Newest {
    async fn make(
        live: &Live,
        mut explained: Explained,
        names: RandomState,
    ) -> Option<(Newest, Explained)> {
        let instance = live.instance();
        let (list, explained, took) = live
            .query(move |graph| {
                let begun = std::time::Instant::now();
                let list = list(graph, &instance, &mut explained, &names);
                (list, explained, begun.elapsed())
            })
            .await?;
        let all = Published::new(list)?;
        let public = all.list.services.iter().filter(|summary| summary.public);
        let causes: Vec<ServiceSummary> = public.cloned().collect();
        let services = causes.iter().cloned().map(without_causes).collect();
        let newest = Newest {
            made: Instant::now(),
            fresh: FRESH.max((took * SHARE).min(OLDEST)),
            causes: Arc::new(Published::new(all.with(causes))?),
            services: Arc::new(Published::new(all.with(services))?),
            all: Arc::new(all),
        };
        Some((newest, explained))
    }
}

/// What is said of a public service to anybody: how it is and since when, not what is inside of it. The instances that it
/// came through stay, since those who consume each other find out by them, and nothing but their names is told.
fn without_causes(summary: ServiceSummary) -> ServiceSummary {
    ServiceSummary {
        sentence: format!("{} is {}", summary.title, summary.state.as_str()),
        causes: Vec::new(),
        ..summary
    }
}

impl Published {
    fn new(list: ServiceList) -> Option<Self> {
        Some(Published {
            etag: format!("\"{:016x}\"", digest(&list)),
            body: serde_json::to_vec(&list).ok()?.into(),
            list,
        })
    }

    /// A list of other services, made at the same moment.
    fn with(&self, services: Vec<ServiceSummary>) -> ServiceList {
        ServiceList {
            version: self.list.version,
            instance: self.list.instance.clone(),
            generated_at: self.list.generated_at,
            services,
        }
    }

    pub(super) fn one(&self, name: &str) -> Option<&ServiceSummary> {
        let services = &self.list.services;
        let at = services.binary_search_by(|summary| summary.service.as_str().cmp(name));
        at.ok().map(|at| &services[at])
    }
}

fn list(
    graph: &Graph,
    instance: &str,
    explained: &mut Explained,
    names: &RandomState,
) -> ServiceList {
    explained.renew(graph);
    let now = Timestamp::now();
    let view = View {
        graph,
        roots: Vec::new(),
        instance: instance.to_owned(),
        now,
        zone: TimeZone::UTC,
        began: None,
    };
    let via = via(graph);
    let mut services: Vec<ServiceSummary> = graph
        .services()
        .map(|node| {
            let why = explained.of(graph, node);
            summary(&view, node, why, via.get(&node.key()), names)
        })
        .collect();
    services.sort_by(|one, other| one.service.cmp(&other.service));
    ServiceList {
        version: VERSION,
        instance: instance.to_owned(),
        generated_at: now,
        services,
    }
}

fn summary(
    view: &View<'_>,
    node: NodeRef<'_>,
    why: Option<&Explanation>,
    via: Option<&BTreeSet<String>>,
    names: &RandomState,
) -> ServiceSummary {
    ServiceSummary {
        version: VERSION,
        instance: view.instance.clone(),
        service: service_name(node.id()),
        title: clean(node.title()),
        state: health(node.state()),
        since: node.since(),
        owner: node.owner().map(|owner| clean(owner)),
        public: node.service().is_some_and(|info| info.public),
        sentence: Headline::from_explanation(view, node, why).to_string(),
        causes: why.map(|why| causes(view, why, names)).unwrap_or_default(),
        generated_at: view.now,
        ttl: TTL,
        via: via
            .map(|via| via.iter().cloned().collect())
            .unwrap_or_default(),
    }
}

fn causes(view: &View<'_>, explanation: &Explanation, names: &RandomState) -> Vec<CauseSummary> {
    let graph = view.graph;
    let causes = explanation.causes.iter().take(CAUSES).filter_map(|cause| {
        let leaf = graph.get(cause.node)?;
        Some(CauseSummary {
            owner: cause.owner.as_ref().map(|owner| clean(owner)),
            name: clean(leaf.title()),
            message: message(leaf),
            since: leaf.since(),
            origins: origins(view, leaf, names),
        })
    });
    causes.collect()
}

/// Which faults a leaf is: those that others told of, or itself.
fn origins(view: &View<'_>, leaf: NodeRef<'_>, names: &RandomState) -> Vec<String> {
    let told = leaf.origins().iter();
    let told: Vec<String> = told.map(|origin| origin.id.to_string()).collect();
    if !told.is_empty() {
        return told;
    }
    let name = names.hash_one(leaf.id());
    vec![format!("{}#{name:016x}", view.instance)]
}

/// The instances that each service depends on: those whose services it consumes, and those that these came through.
fn via(graph: &Graph) -> HashMap<NodeKey, BTreeSet<String>> {
    let mut via: HashMap<NodeKey, BTreeSet<String>> = HashMap::new();
    let instances = graph.nodes().filter(|node| {
        node.id().kind().as_str() == "alpacalert.io/Instance"
            && **node.id().source() != *alpacalert::ITSELF
    });
    for instance in instances {
        let name = instance.id().reference().to_string();
        let mut seen = HashSet::new();
        let mut above: Vec<NodeRef<'_>> = instance.parents().collect();
        while let Some(node) = above.pop() {
            if !seen.insert(node.key()) {
                continue;
            }
            if node.service().is_some() {
                via.entry(node.key()).or_default().insert(name.clone());
            }
            above.extend(node.parents());
        }
    }
    via
}

/// The same for lists that differ only in when they were made.
fn digest(list: &ServiceList) -> u64 {
    let mut hasher = DefaultHasher::new();
    list.instance.hash(&mut hasher);
    for summary in &list.services {
        let ServiceSummary {
            version,
            instance: _,
            service,
            title,
            state,
            since,
            owner,
            public,
            sentence,
            causes,
            generated_at: _,
            ttl,
            via,
        } = summary;
        (version, service, title, state, since, owner, public).hash(&mut hasher);
        (sentence, ttl, via).hash(&mut hasher);
        for cause in causes {
            (&cause.owner, &cause.name, &cause.message, cause.since).hash(&mut hasher);
            cause.origins.hash(&mut hasher);
        }
    }
    hasher.finish()
}
