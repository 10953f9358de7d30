//! From an answer to what it publishes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use alpacalert_api::{ServiceSummary, VERSION};
use alpacalert_instrument::{Reason, SensorError, Timestamp};
use serde::Deserialize;
use serde_json::Value;

/// The most services of one publisher.
pub(crate) const SERVICES_MAX: usize = 10_000;
/// The most instances on the way to a service: longer ways are loops that nobody noticed.
const VIA_MAX: usize = 64;
/// What is believed of a time to live, in seconds.
const TTL: std::ops::RangeInclusive<u32> = 1..=86_400;

/// What a publisher told.
#[derive(Clone, Debug)]
pub(crate) struct Published {
    pub(crate) instance: String,
    /// Whether it is an instance of this program, and not a page of some other one.
    pub(crate) is_instance: bool,
    pub(crate) generated_at: Timestamp,
    /// The shortest time to live.
    pub(crate) ttl: Duration,
    /// Each service by its name, or why nothing is known of it.
    pub(crate) services: Arc<Services>,
}

impl Published {
    /// Whether both were made at the same moment, or one before the other although it came later.
    pub(super) fn is_same_moment(&self, newer: &Published) -> bool {
        self.instance == newer.instance && self.generated_at == newer.generated_at
    }

    /// Whether this was made after another one of the same instance.
    pub(super) fn is_after(&self, other: &Published) -> bool {
        self.instance == other.instance && self.generated_at > other.generated_at
    }
}

#[derive(Deserialize)]
struct Changes {
    generated_at: Timestamp,
    services: Vec<Value>,
    removed: Vec<String>,
}

/// What was published, after what is different since. The same rules hold as for a whole answer.
pub(super) fn changed(before: &Published, data: &str) -> Result<Published, SensorError> {
    let malformed = |what: &dyn std::fmt::Display| {
        let text = format!("a change cannot be read: {what}");
        SensorError::new(Reason::fixed("malformed"), text)
    };
    let changes: Changes = serde_json::from_str(data).map_err(|error| malformed(&error))?;
    let mut services = Services::clone(&before.services);
    for name in &changes.removed {
        services.remove(name);
    }
    for value in changes.services {
        services.extend(named(value));
    }
    if services.len() > SERVICES_MAX {
        return Err(malformed(&format!(
            "there would be {} services, more than {SERVICES_MAX}",
            services.len()
        )));
    }
    Ok(Published {
        instance: before.instance.clone(),
        is_instance: true,
        generated_at: changes.generated_at,
        ttl: shortest(&services),
        services: services.into(),
    })
}

pub(crate) type Services = BTreeMap<String, Arc<Result<ServiceSummary, Problem>>>;

/// What was told and cannot be read.
pub(crate) const MALFORMED: Reason = Reason::fixed("malformed");

/// Why nothing is known of something that is published.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    pub(crate) reason: Reason,
    pub(crate) text: String,
    /// Whose it is all the same.
    pub(crate) owner: Option<String>,
}

impl Problem {
    pub(crate) fn new(reason: Reason, text: impl Into<String>) -> Self {
        Problem {
            reason,
            text: text.into(),
            owner: None,
        }
    }
}

/// A service by its name, or why it cannot be read; `None` for what does not even have a name.
fn named(value: Value) -> Option<(String, Arc<Result<ServiceSummary, Problem>>)> {
    let name = value.get("service").and_then(Value::as_str)?.to_owned();
    let read = one(value).map_err(|problem| Problem::new(MALFORMED, problem));
    Some((name, Arc::new(read)))
}

/// The shortest time to live.
fn shortest(services: &Services) -> Duration {
    let good = services
        .values()
        .filter_map(|service| service.as_ref().as_ref().ok());
    let ttl = good.map(|summary| summary.ttl).min();
    Duration::from_secs(ttl.unwrap_or(*TTL.end()).into())
}

#[derive(Deserialize)]
struct Version {
    version: u64,
}

#[derive(Deserialize)]
struct List {
    instance: String,
    generated_at: Timestamp,
    services: Vec<Value>,
}

/// Reads an answer. What is wrong with one service is told of that one; what is wrong with the whole is an error.
pub(super) fn read(body: &[u8]) -> Result<Published, SensorError> {
    let malformed = |what: &dyn std::fmt::Display| {
        let text = format!("the answer is not a list of services: {what}");
        SensorError::new(Reason::fixed("malformed"), text)
    };
    let Version { version } = serde_json::from_slice(body).map_err(|error| malformed(&error))?;
    if version != u64::from(VERSION) {
        return Err(SensorError::new(
            Reason::fixed("unsupported-version"),
            format!("the answer has version {version}, and only {VERSION} is understood here"),
        ));
    }
    let list: List = serde_json::from_slice(body).map_err(|error| malformed(&error))?;
    if list.services.len() > SERVICES_MAX {
        let count = list.services.len();
        return Err(malformed(&format!(
            "it holds {count} services, more than {SERVICES_MAX}"
        )));
    }
    let services: Services = list.services.into_iter().filter_map(named).collect();
    Ok(Published {
        instance: list.instance,
        is_instance: true,
        generated_at: list.generated_at,
        ttl: shortest(&services),
        services: services.into(),
    })
}

fn one(value: Value) -> Result<ServiceSummary, String> {
    let version = value.get("version").and_then(Value::as_u64);
    if version != Some(u64::from(VERSION)) {
        return Err(format!("only version {VERSION} is understood here"));
    }
    let summary: ServiceSummary =
        serde_json::from_value(value).map_err(|error| error.to_string())?;
    if !TTL.contains(&summary.ttl) {
        return Err(format!("its time to live is {} s", summary.ttl));
    }
    if summary.via.len() > VIA_MAX {
        return Err(format!(
            "it comes by way of {} instances",
            summary.via.len()
        ));
    }
    Ok(summary)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(service: &str) -> String {
        format!(
            r#"{{"version":1,"instance":"infra","generated_at":"2026-11-22T10:00:00Z","services":[{service}]}}"#
        )
    }

    const GOOD: &str = r#"{"version":1,"instance":"infra","service":"queue","title":"Message queue","state":"failing",
        "since":"2026-11-22T09:00:00Z","owner":"infrastructure","sentence":"it is down","causes":[],
        "generated_at":"2026-11-22T10:00:00Z","ttl":30,"via":["hosting"],"later":"ignored"}"#;

    fn reason(body: &str) -> String {
        read(body.as_bytes())
            .unwrap_err()
            .reason()
            .as_str()
            .to_owned()
    }

    #[test]
    fn what_is_wrong_with_the_whole_has_a_reason() {
        for (body, code) in [
            ("", "malformed"),
            ("<html>", "malformed"),
            (r#"{"version":2}"#, "unsupported-version"),
            (r#"{"version":1,"services":[]}"#, "malformed"),
            (&"[".repeat(100_000), "malformed"),
        ] {
            assert_eq!(reason(body), code, "{:.40}", body);
        }
        let many = vec![r#"{"service":"a"}"#; SERVICES_MAX + 1].join(",");
        assert_eq!(reason(&list(&many)), "malformed");
    }

    #[test]
    fn what_is_wrong_with_one_service_leaves_the_others_alone() {
        let body = list(&format!(
            r#"{GOOD},{{"version":1,"service":"half"}},{{"version":9,"service":"new"}},{},7"#,
            GOOD.replace("\"queue\"", "\"eternal\"")
                .replace("\"ttl\":30", "\"ttl\":0")
        ));
        let published = read(body.as_bytes()).unwrap();
        assert_eq!(published.ttl, Duration::from_secs(30));
        let good: Vec<&str> = published
            .services
            .iter()
            .filter(|(_, summary)| summary.is_ok())
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(good, ["queue"]);
        assert_eq!(published.services.len(), 4);
    }
}
