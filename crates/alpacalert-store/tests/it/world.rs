//! A graph that changes, and the store that is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use alpacalert_model::{
    Blueprint, Effect, Graph, Kind, Measurement, Node, NodeId, NodeKey, Observation, Reason, Role,
    ServiceInfo, State, Timestamp, Transition, Update,
};
use alpacalert_store::{Clock, Store, StoreSettings};

/// How often to do something: the short form, or what the environment asks for.
pub(crate) fn count(variable: &str, short: u64) -> u64 {
    let asked = std::env::var(variable).ok();
    asked.map_or(short, |asked| asked.parse().expect("a number"))
}

/// A graph whose every change is recorded.
pub(crate) struct World {
    pub(crate) graph: Graph,
    pub(crate) store: Store,
}

pub(crate) fn id(name: &str) -> NodeId {
    NodeId::new("local", Kind::of("example.org/Thing"), name)
}

pub(crate) fn sensor(name: &str) -> Node {
    Node::sensor(id(name), format!("the {name}"))
}

pub(crate) fn service(name: &str, members: &[&str]) -> Node {
    let mut node = Node {
        role: Role::ALL,
        service: Some(ServiceInfo { public: true }),
        owner: Some("us".into()),
        ..Node::sensor(id(name), format!("the {name}"))
    };
    for member in members {
        node = node.member(id(member), Effect::Required);
    }
    node
}

impl World {
    pub(crate) fn open(folder: &std::path::Path) -> World {
        World::of(Store::open(StoreSettings::new(folder)).expect("the store opens"))
    }

    /// A store whose clock is set by the test.
    pub(crate) fn with_clock(folder: &std::path::Path, clock: &Arc<AtomicI64>) -> World {
        let clock = clock.clone();
        let clock = Clock::new(move || {
            Timestamp::from_millisecond(clock.load(Ordering::Relaxed)).expect("a time")
        });
        let settings = StoreSettings {
            clock,
            // The test's clock jumps, and nothing stands still.
            stood_still: Duration::MAX,
            ..StoreSettings::new(folder)
        };
        World::of(Store::open(settings).expect("the store opens"))
    }

    /// A store that was opened at a moment, and has been open for an hour.
    pub(crate) fn later(folder: &std::path::Path, begun: Timestamp) -> World {
        let first = AtomicBool::new(true);
        let clock = Clock::new(move || match first.swap(false, Ordering::Relaxed) {
            true => begun,
            false => begun + Duration::from_secs(3600),
        });
        let settings = StoreSettings {
            clock,
            stood_still: Duration::MAX,
            ..StoreSettings::new(folder)
        };
        World::of(Store::open(settings).expect("the store opens"))
    }

    pub(crate) fn of(store: Store) -> World {
        World {
            graph: Graph::new(),
            store,
        }
    }

    /// What the configuration wants from now on.
    pub(crate) fn apply(&mut self, nodes: Vec<Node>, now: Timestamp) {
        let applied = self.graph.apply("configuration", Blueprint { nodes }, now);
        let keys = applied.added.iter().chain(&applied.changed);
        let mut touched: Vec<NodeId> = keys
            .filter_map(|key| self.graph.get(*key))
            .map(|node| node.id().clone())
            .collect();
        touched.extend(applied.removed);
        self.store
            .record(&self.graph, &applied.transitions, &touched, now);
    }

    pub(crate) fn key(&self, name: &str) -> NodeKey {
        self.graph.key(&id(name)).expect("the node is there")
    }

    /// A sensor sees something.
    pub(crate) fn see(&mut self, name: &str, observation: Observation) -> Vec<Transition> {
        let at = observation.at;
        let update = Update {
            node: self.key(name),
            confirmed: observation.state,
            observation,
        };
        let transitions = self.graph.observe([update], at);
        self.store.record(&self.graph, &transitions, &[], at);
        transitions
    }

    pub(crate) fn set(&mut self, name: &str, state: State, said: &str, at: Timestamp) {
        let reason = match state {
            State::Passing => Reason::OK,
            _ => Reason::fixed("said"),
        };
        let seen = Observation::new(state, reason, at);
        self.see(name, seen.message(state.into(), said.to_owned()));
    }

    pub(crate) fn measure(&mut self, name: &str, measurement: Measurement, at: Timestamp) {
        self.see(name, Observation::passing(at).measured(measurement));
        for skip in (0..).step_by(2) {
            if !self.store.sample(&self.graph, skip, 2, at) {
                break;
            }
        }
    }
}
