//! What is on this machine: its tables, processes, files and programs.

mod disk;
mod exec;
mod exec_source;
mod file;
mod host;
mod process;
mod systemd;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use alpacalert_instrument::model::{Measurement, Observation};
use alpacalert_instrument::{
    Assembly, Builder, Context, Kind, Params, Request, Snapshots, Timestamp, Value, measure_guarded,
};
use futures_util::future::join_all;

/// What a configuration would make of one thing.
fn assemble(kind: &'static str, params: Params) -> Assembly {
    let registry = alpacalert_instruments::registry();
    let snapshots = Snapshots::new();
    let mut builder = Builder::new(
        &registry,
        &snapshots,
        Default::default(),
        Timestamp::UNIX_EPOCH,
    );
    let request = Request::local(Kind::of(kind), "x").with_params(params);
    builder.instrument(request).unwrap();
    builder.finish()
}

/// Everything that is measured of one thing, by `fragment reference`: `disk x/`, `memory x`.
async fn measure_all(assembly: &Assembly) -> BTreeMap<String, Observation> {
    let cx = Context::default().with_timeout(Duration::from_secs(10));
    let looks = assembly.sensors.iter().map(async |(id, measured)| {
        let name = format!("{} {}", id.kind().fragment().unwrap_or(""), id.reference());
        let observation = measure_guarded(&*measured.sensor, &cx).await;
        (name.trim().to_owned(), observation)
    });
    join_all(looks).await.into_iter().collect()
}

/// The observation of the one sensor that a thing is.
async fn measure(kind: &'static str, params: Params) -> Observation {
    let assembly = assemble(kind, params);
    assert_eq!(assembly.sensors.len(), 1, "{assembly:?}");
    let mut all = measure_all(&assembly).await;
    all.pop_first().unwrap().1
}

/// A measurement by its name.
#[track_caller]
fn value<'a>(observation: &'a Observation, name: &str) -> &'a Measurement {
    observation
        .measurements
        .iter()
        .find(|measurement| measurement.name == name)
        .unwrap_or_else(|| panic!("no `{name}` in {observation:#?}"))
}

/// The messages, a line each.
fn text(observation: &Observation) -> String {
    let lines: Vec<&str> = observation
        .messages
        .iter()
        .map(|message| &*message.text)
        .collect();
    lines.join("\n")
}

fn path(path: impl AsRef<Path>) -> Value {
    Value::Text(path.as_ref().to_str().unwrap().to_owned())
}

/// A nested map of parameters.
fn map<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::Map(
        entries
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value))
            .collect(),
    )
}

/// Whether this process may mount.
fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
