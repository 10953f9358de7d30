//! Reads what Atlassian's Statuspage publishes.

use std::collections::{BTreeSet, HashMap};

use alpacalert_api::Health;
use alpacalert_instrument::{Reason, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use super::Said;
use super::named::{Part, Standing, Why, short};
use crate::alpacalert::read::{MALFORMED, Problem};

pub(super) const PATH: &str = "/api/v2/summary.json";

#[derive(Deserialize)]
struct Summary {
    page: About,
    components: Vec<Value>,
    #[serde(default)]
    incidents: Vec<Value>,
    #[serde(default)]
    scheduled_maintenances: Vec<Value>,
}

#[derive(Deserialize)]
struct About {
    name: String,
}

#[derive(Deserialize)]
struct Component {
    id: String,
    name: String,
    status: String,
    #[serde(default)]
    group_id: Option<String>,
    #[serde(default)]
    updated_at: Option<Timestamp>,
}

/// An incident, or work that is announced.
#[derive(Deserialize)]
struct Incident {
    name: String,
    status: String,
    #[serde(default)]
    started_at: Option<Timestamp>,
    #[serde(default)]
    created_at: Option<Timestamp>,
    #[serde(default)]
    scheduled_until: Option<Timestamp>,
    /// The newest first.
    #[serde(default)]
    incident_updates: Vec<Update>,
    #[serde(default)]
    components: Option<Vec<Affected>>,
}

#[derive(Deserialize)]
struct Update {
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    affected_components: Option<Vec<Affected>>,
}

/// A component that an incident has to do with.
#[derive(Deserialize)]
struct Affected {
    #[serde(alias = "code")]
    id: String,
}

impl Incident {
    fn is_over(&self) -> bool {
        matches!(&*self.status, "resolved" | "postmortem" | "completed")
    }

    /// The components that it has to do with.
    fn affected(&self) -> BTreeSet<&str> {
        let updates = self.incident_updates.iter();
        let updated = updates.filter_map(|update| update.affected_components.as_deref());
        let all = self.components.as_deref().into_iter().chain(updated);
        all.flatten().map(|affected| &*affected.id).collect()
    }

    fn why(&self) -> Why {
        let newest = self.incident_updates.first();
        let body = newest.and_then(|update| update.body.as_deref());
        Why {
            name: short(&self.name),
            // It ends a part of a longer sentence here.
            message: short(body.unwrap_or(&self.status))
                .trim_end_matches('.')
                .to_owned(),
            since: self.started_at.or(self.created_at),
        }
    }
}

/// The most incidents that are told of one component.
const INCIDENTS: usize = 10;

/// The incidents that each component has to do with.
type ByComponent<'a> = HashMap<&'a str, Vec<&'a Incident>>;

fn by_component(incidents: &[Incident]) -> ByComponent<'_> {
    let mut by = ByComponent::new();
    for incident in incidents {
        for id in incident.affected() {
            let of = by.entry(id).or_default();
            if of.len() < INCIDENTS {
                of.push(incident);
            }
        }
    }
    by
}

/// Reads a page.
pub(super) fn read(body: &[u8]) -> Result<Said, String> {
    let summary: Summary = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let notes = |values: Vec<Value>| -> Vec<Incident> {
        // They only say more: what cannot be read of them leaves the states alone.
        let read = values
            .into_iter()
            .filter_map(|value| serde_json::from_value(value).ok());
        read.filter(|incident: &Incident| !incident.is_over())
            .collect()
    };
    let (incidents, works) = (
        notes(summary.incidents),
        notes(summary.scheduled_maintenances),
    );
    let (incidents, works) = (by_component(&incidents), by_component(&works));
    let text = |value: &Value, key: &str| Some(short(value.get(key)?.as_str()?));
    let names: HashMap<String, String> = summary
        .components
        .iter()
        .filter_map(|value| Some((text(value, "id")?, text(value, "name")?)))
        .collect();
    let parts = summary.components.into_iter().filter_map(|value| {
        let component = match Component::deserialize(&value) {
            Ok(component) => component,
            Err(problem) => return Part::unreadable(&value, "id", problem.to_string()),
        };
        let group = component.group_id.as_ref();
        Some(Part {
            name: short(&component.name),
            groups: group
                .and_then(|id| names.get(id))
                .cloned()
                .into_iter()
                .collect(),
            said: standing(&component, &incidents, &works),
            id: component.id,
        })
    });
    Ok(Said {
        title: Some(short(&summary.page.name)),
        parts: parts.collect(),
    })
}

fn standing(
    component: &Component,
    incidents: &ByComponent<'_>,
    works: &ByComponent<'_>,
) -> Result<Standing, Problem> {
    let (state, word) = match &*component.status {
        "operational" => (Health::Passing, "operational"),
        "degraded_performance" => (Health::Degraded, "degraded performance"),
        // Somebody is without it, and nobody says who.
        "partial_outage" => (Health::Failing, "partial outage"),
        "major_outage" => (Health::Failing, "major outage"),
        "under_maintenance" => return Err(maintenance(component, works)),
        other => {
            let text = format!("its status is `{other}`");
            return Err(Problem::new(MALFORMED, text));
        }
    };
    let concerns = incidents.get(&*component.id).into_iter().flatten();
    let mut why: Vec<Why> = concerns.map(|incident| incident.why()).collect();
    if state != Health::Passing {
        let said = Why {
            name: word.to_owned(),
            message: String::new(),
            since: component.updated_at,
        };
        why.insert(0, said);
    }
    Ok(Standing {
        state,
        since: component.updated_at,
        why,
    })
}

fn maintenance(component: &Component, works: &ByComponent<'_>) -> Problem {
    let mut works = works.get(&*component.id).into_iter().flatten();
    let work = works.find(|work| matches!(&*work.status, "in_progress" | "verifying"));
    let mut text = "it is under maintenance".to_owned();
    if let Some(work) = work {
        text.push_str(&format!(": {}", short(&work.name)));
        if let Some(until) = work.scheduled_until {
            text.push_str(&format!(", until {}", until.strftime("%F %H:%M UTC")));
        }
    }
    Problem::new(Reason::fixed("maintenance"), text)
}
