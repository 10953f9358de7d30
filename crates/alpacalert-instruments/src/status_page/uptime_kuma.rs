//! Reads a status page of Uptime Kuma.

use std::collections::HashMap;

use alpacalert_api::Health;
use alpacalert_instrument::{InstrumentError, Reason, Timestamp};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::Value;

use super::checked::since;
use super::named::{Part, Standing, Why, short};
use super::{Reading, Said};
use crate::alpacalert::read::{MALFORMED, Problem};

/// Where the page is told of, and where its heartbeats are.
pub(super) fn paths(page: Option<&str>) -> Result<[String; 2], InstrumentError> {
    let page = page.unwrap_or("default");
    let is_slug = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if page.is_empty() || !page.chars().all(is_slug) {
        return Err(InstrumentError::new(format!(
            "`{page}` is not the name of a status page: it is what comes after `/status/` in the address of the page"
        )));
    }
    Ok([
        format!("/api/status-page/{page}"),
        format!("/api/status-page/heartbeat/{page}"),
    ])
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    config: Config,
    public_group_list: Vec<Group>,
}

#[derive(Deserialize)]
struct Config {
    title: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    name: String,
    monitor_list: Vec<Value>,
}

#[derive(Deserialize)]
struct Monitor {
    id: u64,
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Beats {
    heartbeat_list: HashMap<String, Value>,
}

#[derive(Deserialize)]
struct Beat {
    status: u64,
    time: String,
    #[serde(default)]
    msg: Option<String>,
}

/// Reads a page and its heartbeats.
pub(super) fn read(page: &[u8], beats: &[u8], mut reading: Reading<'_>) -> Result<Said, String> {
    let page: Page = serde_json::from_slice(page).map_err(|error| error.to_string())?;
    let beats: Beats = serde_json::from_slice(beats)
        .map_err(|error| format!("its heartbeats cannot be read: {error}"))?;
    let (mut parts, mut places) = (Vec::new(), HashMap::new());
    for group in page.public_group_list {
        for value in group.monitor_list {
            let monitor = match Monitor::deserialize(&value) {
                Ok(monitor) => monitor,
                Err(problem) => {
                    parts.extend(Part::unreadable(&value, "id", problem.to_string()));
                    continue;
                }
            };
            let id = monitor.id.to_string();
            if let Some(known) = places.get(&id) {
                // It is in several groups.
                let known: &mut Part = &mut parts[*known];
                known.groups.push(short(&group.name));
                continue;
            }
            let name = short(&monitor.name);
            places.insert(id.clone(), parts.len());
            parts.push(Part {
                said: standing(&id, beats.heartbeat_list.get(&id), &mut reading),
                name,
                groups: vec![short(&group.name)],
                id,
            });
        }
    }
    reading
        .checked
        .only(parts.iter().map(|part| part.id.clone()));
    Ok(Said {
        title: Some(short(&page.config.title)),
        parts,
    })
}

fn standing(
    id: &str,
    beats: Option<&Value>,
    reading: &mut Reading<'_>,
) -> Result<Standing, Problem> {
    let malformed = |text: String| Problem::new(MALFORMED, text);
    let values = match beats {
        None => &Vec::new(),
        Some(Value::Array(values)) => values,
        Some(_) => return Err(malformed("its heartbeats are not a list".to_owned())),
    };
    // In place of checks there are spans of time, whose state is the worst in each, and 0 for none.
    let is_span = |value: &Value| {
        let time = value.get("time").and_then(Value::as_str);
        value.as_u64() == Some(0) || time.is_some_and(|time| time.contains('T'))
    };
    if values.iter().any(is_span) {
        let text = "the page tells of spans of time and not of single checks: set the range of its heartbeat bar to automatic";
        return Err(Problem::new(Reason::fixed("summarised"), text));
    }
    let mut seen = Vec::new();
    for value in values {
        let beat = Beat::deserialize(value).map_err(|error| malformed(error.to_string()))?;
        let at =
            time(&beat.time).ok_or_else(|| malformed(format!("`{}` is not a time", beat.time)))?;
        seen.push((at, beat));
    }
    seen.sort_by_key(|(at, _)| *at);
    let checks: Vec<Timestamp> = seen.iter().map(|(at, _)| *at).collect();
    reading.fresh(id, &checks)?;
    let states: Vec<(Timestamp, u64)> = seen.iter().map(|(at, beat)| (*at, beat.status)).collect();
    let since = since(&states);
    let Some((_, last)) = seen.pop() else {
        return Err(malformed("it has no heartbeats".to_owned()));
    };
    let (state, why) = match last.status {
        1 => (Health::Passing, Vec::new()),
        0 => {
            // Kuma keeps what is wrong to itself on public pages.
            let said = last.msg.filter(|text| !text.is_empty());
            let why = Why {
                name: said.unwrap_or_else(|| "down".to_owned()),
                message: String::new(),
                since,
            };
            (Health::Failing, vec![why])
        }
        2 => {
            let text = "its check failed and is being repeated, or has not come yet";
            return Err(Problem::new(Reason::fixed("pending"), text));
        }
        3 => {
            let text = "it is under maintenance";
            return Err(Problem::new(Reason::fixed("maintenance"), text));
        }
        other => return Err(malformed(format!("its status is {other}"))),
    };
    Ok(Standing { state, since, why })
}

/// Kuma writes times of its heartbeats in UTC without saying so: `2026-11-22 10:02:00.123`.
fn time(text: &str) -> Option<Timestamp> {
    let time: DateTime = text.parse().ok()?;
    Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp())
}
