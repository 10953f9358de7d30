//! How reports are written into a file.

use std::time::Duration;

use alpacalert_instrument::{Kept, Kind, Observation, Reason, State, Timestamp, Word};
use alpacalert_model::{Bound, Limits, Measurement, Severity, Unit};
use serde::{Deserialize, Serialize};

/// The version of the form.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Reports {
    version: u32,
    reports: Vec<Report>,
}

#[derive(Serialize, Deserialize)]
struct Report {
    kind: String,
    name: String,
    at: Timestamp,
    state: String,
    reason: String,
    messages: Vec<(u8, String)>,
    measurements: Vec<Measured>,
    /// In seconds.
    ttl: Option<u64>,
}

#[derive(Serialize, Deserialize)]
struct Measured {
    name: String,
    /// Bits, so that a value that is no number can be written.
    value: u64,
    unit: u8,
    degraded: Option<Limit>,
    failing: Option<Limit>,
}

#[derive(Serialize, Deserialize)]
enum Limit {
    Above(f64),
    Below(f64),
    Outside(f64, f64),
    Inside(f64, f64),
}

const UNITS: [Unit; 8] = [
    Unit::None,
    Unit::Count,
    Unit::Seconds,
    Unit::Bytes,
    Unit::Percent,
    Unit::PerSecond,
    Unit::BytesPerSecond,
    Unit::Celsius,
];

const SEVERITIES: [Severity; 6] = [
    Severity::Trace,
    Severity::Debug,
    Severity::Info,
    Severity::Warn,
    Severity::Error,
    Severity::Fatal,
];

/// What is kept, as text.
pub(super) fn write(kept: Vec<Kept>) -> String {
    let reports = Reports {
        version: VERSION,
        reports: kept.into_iter().map(report).collect(),
    };
    // Of strings and numbers only: there is nothing that could not be written.
    serde_json::to_string(&reports).unwrap_or_default()
}

fn report(kept: Kept) -> Report {
    let seen = kept.word.observation;
    let messages = seen.messages.into_iter();
    let messages = messages.map(|message| (message.severity.number(), message.text.into_owned()));
    Report {
        kind: kept.kind.as_str().to_owned(),
        name: kept.name.to_string(),
        at: seen.at,
        state: seen.state.as_str().to_owned(),
        reason: seen.reason.as_str().to_owned(),
        messages: messages.collect(),
        measurements: seen.measurements.into_iter().map(measured).collect(),
        ttl: kept.word.time_to_live.map(|ttl| ttl.as_secs()),
    }
}

fn measured(measurement: Measurement) -> Measured {
    let unit = UNITS.iter().position(|unit| *unit == measurement.unit);
    let limit = |bound: Option<Bound>| {
        bound.map(|bound| match bound {
            Bound::Above(value) => Limit::Above(value),
            Bound::Below(value) => Limit::Below(value),
            Bound::Outside(from, to) => Limit::Outside(from, to),
            Bound::Inside(from, to) => Limit::Inside(from, to),
        })
    };
    Measured {
        name: measurement.name.into_owned(),
        value: measurement.value.to_bits(),
        unit: unit.unwrap_or_default() as u8,
        degraded: limit(measurement.limits.degraded),
        failing: limit(measurement.limits.failing),
    }
}

/// What was kept. Must be called inside a runtime.
pub(super) fn read(text: &str) -> Result<Vec<Kept>, String> {
    let reports: Reports = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if reports.version != VERSION {
        return Err(format!(
            "it has version {}, and only {VERSION} is understood here",
            reports.version
        ));
    }
    reports.reports.into_iter().map(kept).collect()
}

fn kept(report: Report) -> Result<Kept, String> {
    let kind: Kind = report
        .kind
        .parse()
        .map_err(|_| format!("`{}` is not a kind", report.kind))?;
    let state =
        State::parse(&report.state).ok_or_else(|| format!("`{}` is not a state", report.state))?;
    let mut seen = Observation::new(state, Reason::new(report.reason), report.at);
    for (severity, text) in report.messages {
        let severity = SEVERITIES.iter().find(|one| one.number() == severity);
        seen = seen.message(severity.copied().unwrap_or(Severity::Info), text);
    }
    for measured in report.measurements {
        seen = seen.measured(measurement(measured));
    }
    let ttl = report.ttl.map(Duration::from_secs);
    Ok(Kept {
        kind,
        name: report.name.into(),
        word: Word::new(seen, ttl),
    })
}

fn measurement(measured: Measured) -> Measurement {
    let bound = |limit: Option<Limit>| {
        limit.map(|limit| match limit {
            Limit::Above(value) => Bound::Above(value),
            Limit::Below(value) => Bound::Below(value),
            Limit::Outside(from, to) => Bound::Outside(from, to),
            Limit::Inside(from, to) => Bound::Inside(from, to),
        })
    };
    let limits = Limits {
        degraded: bound(measured.degraded),
        failing: bound(measured.failing),
    };
    let unit = UNITS.get(usize::from(measured.unit));
    let unit = unit.copied().unwrap_or_default();
    Measurement::new(measured.name, f64::from_bits(measured.value), unit).against(limits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_written_is_read_as_it_was() {
        let limits = Limits {
            degraded: Some(Bound::Above(1.5)),
            failing: Some(Bound::Below(-2.0)),
        };
        let seen = Observation::new(
            State::Degraded,
            Reason::fixed("pushed"),
            "2026-11-22T10:02:00.123456789Z".parse().unwrap(),
        )
        .message(Severity::Warn, "slow \"very\"\nslow")
        .measured(Measurement::new("rows", 0.1, Unit::Celsius).against(limits))
        .measured(Measurement::new("odd", f64::INFINITY, Unit::PerSecond));
        let before = Kept {
            kind: Kind::of("alpacalert.io/Push"),
            name: "import".into(),
            word: Word::new(seen, Some(Duration::from_secs(60))),
        };
        let after = read(&write(vec![before.clone()])).unwrap();
        let [after] = &*after else {
            panic!("{after:?}")
        };
        assert_eq!((&after.kind, &after.name), (&before.kind, &before.name));
        assert_eq!(after.word.observation, before.word.observation);
        assert_eq!(after.word.time_to_live, before.word.time_to_live);
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        for (text, says) in [
            ("", "EOF"),
            ("{\"version\":2,\"reports\":[]}", "version 2"),
            ("{\"version\":1,\"reports\":[7]}", "invalid type"),
        ] {
            let problem = read(text).unwrap_err();
            assert!(problem.contains(says), "{problem}");
        }
    }
}
