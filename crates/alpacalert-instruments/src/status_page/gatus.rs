//! Reads what Gatus publishes.

use alpacalert_api::Health;
use alpacalert_instrument::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::checked::since;
use super::named::{Part, Standing, Why, short};
use super::{Reading, Said};
use crate::alpacalert::read::Problem;

/// A page of results is enough to see how often something is checked.
pub(super) const PATH: &str = "/api/v1/endpoints/statuses?page=1&pageSize=20";

#[derive(Deserialize)]
struct Endpoint {
    key: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    group: String,
    results: Option<Vec<Outcome>>,
}

#[derive(Deserialize)]
struct Outcome {
    success: bool,
    timestamp: Timestamp,
    #[serde(default, rename = "conditionResults")]
    conditions: Option<Vec<Condition>>,
    #[serde(default)]
    errors: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Condition {
    condition: String,
    success: bool,
}

/// Reads all statuses.
pub(super) fn read(body: &[u8], mut reading: Reading<'_>) -> Result<Said, String> {
    let all: Vec<Value> = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let parts: Vec<Part> = all
        .into_iter()
        .filter_map(|value| match Endpoint::deserialize(&value) {
            Ok(endpoint) => Some(part(endpoint, &mut reading)),
            Err(problem) => Part::unreadable(&value, "key", problem.to_string()),
        })
        .collect();
    reading
        .checked
        .only(parts.iter().map(|part| part.id.clone()));
    Ok(Said { title: None, parts })
}

fn part(endpoint: Endpoint, reading: &mut Reading<'_>) -> Part {
    let name = match endpoint.name.is_empty() {
        true => endpoint.key.clone(),
        false => short(&endpoint.name),
    };
    let results = endpoint.results.unwrap_or_default();
    Part {
        said: standing(&endpoint.key, results, reading),
        id: endpoint.key,
        groups: Some(short(&endpoint.group))
            .filter(|group| !group.is_empty())
            .into_iter()
            .collect(),
        name,
    }
}

fn standing(
    key: &str,
    mut results: Vec<Outcome>,
    reading: &mut Reading<'_>,
) -> Result<Standing, Problem> {
    results.sort_by_key(|result| result.timestamp);
    let checks: Vec<Timestamp> = results.iter().map(|result| result.timestamp).collect();
    reading.fresh(key, &checks)?;
    let states: Vec<(Timestamp, bool)> = results
        .iter()
        .map(|result| (result.timestamp, result.success))
        .collect();
    let since = since(&states);
    // There is one: it was found to be fresh.
    let failed = results.pop().filter(|result| !result.success);
    let Some(failed) = failed else {
        return Ok(Standing {
            state: Health::Passing,
            since,
            why: Vec::new(),
        });
    };
    let conditions = failed.conditions.unwrap_or_default().into_iter();
    let conditions = conditions
        .filter(|condition| !condition.success)
        .map(|condition| condition.condition);
    let errors = failed.errors.unwrap_or_default();
    let message: Vec<String> = errors.into_iter().chain(conditions).collect();
    Ok(Standing {
        state: Health::Failing,
        since,
        why: vec![Why {
            name: match message.is_empty() {
                true => "its check failed".to_owned(),
                false => message.join(", "),
            },
            message: String::new(),
            since,
        }],
    })
}
