//! The network sensors against real servers, and against hostile ones.

mod alpacalert;
mod dns;
mod http;
mod icmp;
mod status_page;
mod tcp;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use alpacalert_instrument::{
    Builder, Context, Kind, Observation, Params, Registry, Request, ScheduleOverrides, Sensor,
    Snapshots, State, Value, measure_guarded,
};
use alpacalert_model::{Limits, Measurement};

/// One sensor, built the way the program builds it.
pub(crate) struct Probe {
    sensor: Arc<dyn Sensor>,
    cx: Context,
}

impl Probe {
    /// A sensor of a kind with these parameters.
    pub(crate) fn new(kind: &'static str, params: Params) -> Probe {
        Probe::of(&alpacalert_instruments::registry(), kind, params)
    }

    /// A sensor that shares what those of one registry share.
    pub(crate) fn of(registry: &Registry, kind: &'static str, params: Params) -> Probe {
        match build(registry, kind, params) {
            Ok(sensor) => Probe {
                sensor,
                cx: Context::default(),
            },
            Err(observation) => panic!("not instrumented: {observation:?}"),
        }
    }

    /// The same with another time-out than ten seconds.
    pub(crate) fn within(mut self, timeout: Duration) -> Probe {
        self.cx = self.cx.with_timeout(timeout);
        self
    }

    /// Measures once.
    pub(crate) async fn look(&self) -> Observation {
        measure_guarded(&*self.sensor, &self.cx).await
    }
}

/// Why a kind with these parameters cannot be instrumented.
pub(crate) fn refusal(kind: &'static str, params: Params) -> String {
    match build(&alpacalert_instruments::registry(), kind, params) {
        Ok(_) => panic!("was instrumented"),
        Err(observation) => text(&observation),
    }
}

fn build(
    registry: &Registry,
    kind: &'static str,
    params: Params,
) -> Result<Arc<dyn Sensor>, Observation> {
    let snapshots = Snapshots::new();
    let now = alpacalert_model::Timestamp::now();
    let mut builder = Builder::new(registry, &snapshots, ScheduleOverrides::default(), now);
    let request = Request::local(Kind::of(kind), "it").with_params(params);
    builder.instrument(request).expect("a registered kind");
    let mut assembly = builder.finish();
    match assembly.sensors.drain().next() {
        Some((_, measured)) => Ok(measured.sensor),
        None => Err(assembly.observations.remove(0).1),
    }
}

/// All messages, in one text.
pub(crate) fn text(observation: &Observation) -> String {
    let texts: Vec<&str> = observation.messages.iter().map(|m| &*m.text).collect();
    texts.join("\n")
}

/// Fails the test unless the observation has this state and reason.
#[track_caller]
pub(crate) fn expect(observation: &Observation, state: State, reason: &str) {
    assert_eq!(
        (observation.state, observation.reason.as_str()),
        (state, reason),
        "{observation:#?}"
    );
}

/// Fails the test unless a message contains this.
#[track_caller]
pub(crate) fn says(observation: &Observation, part: &str) {
    assert!(text(observation).contains(part), "{observation:#?}");
}

/// A measurement by its name.
#[track_caller]
pub(crate) fn measured<'a>(observation: &'a Observation, name: &str) -> &'a Measurement {
    let mut found = observation.measurements.iter().filter(|m| m.name == name);
    found
        .next()
        .unwrap_or_else(|| panic!("no measurement {name} in {observation:#?}"))
}

/// A map.
pub(crate) fn map(entries: &[(&str, Value)]) -> Value {
    Value::Map(
        entries
            .iter()
            .map(|(key, value)| ((*key).to_owned(), value.clone()))
            .collect(),
    )
}

/// A text.
pub(crate) fn txt(text: impl Into<String>) -> Value {
    Value::Text(text.into())
}

/// A list of texts.
pub(crate) fn list(texts: &[&str]) -> Value {
    Value::List(texts.iter().map(|text| txt(*text)).collect())
}

/// Limits that are worse when greater.
pub(crate) fn above(degraded: impl Into<Option<f64>>, failing: impl Into<Option<f64>>) -> Value {
    Value::Limits(Limits::above(degraded, failing))
}
