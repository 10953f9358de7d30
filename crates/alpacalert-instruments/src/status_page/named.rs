//! The parts of a page, by the names that they are asked for.

use std::collections::BTreeMap;
use std::sync::Arc;

use alpacalert_api::{CauseSummary, Health, ServiceSummary, VERSION};
use alpacalert_instrument::{Reason, Timestamp};
use serde_json::Value;

use crate::alpacalert::read::{MALFORMED, Problem, Services};

/// Something on a page.
pub(super) struct Part {
    /// What it is called by itself.
    pub(super) name: String,
    /// What it is part of.
    pub(super) groups: Vec<String>,
    /// What the page itself calls it: of this there is one.
    pub(super) id: String,
    pub(super) said: Result<Standing, Problem>,
}

/// How a part is.
pub(super) struct Standing {
    pub(super) state: Health,
    pub(super) since: Option<Timestamp>,
    /// Why, in the words of the page.
    pub(super) why: Vec<Why>,
}

/// A cause.
pub(super) struct Why {
    pub(super) name: String,
    pub(super) message: String,
    pub(super) since: Option<Timestamp>,
}

impl Part {
    /// Something that has a name and cannot be read; `None` without even that.
    pub(super) fn unreadable(value: &Value, id: &str, problem: impl Into<String>) -> Option<Part> {
        let text = |key: &str| match value.get(key)? {
            Value::String(text) => Some(short(text)),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let name = text("name").or_else(|| text(id))?;
        Some(Part {
            id: text(id).unwrap_or_else(|| name.clone()),
            groups: Vec::new(),
            name,
            said: Err(Problem::new(MALFORMED, problem)),
        })
    }

    /// `GROUP/NAME`, or the name alone.
    fn full_name(&self) -> String {
        let group = self.groups.first();
        group.map_or_else(|| self.name.clone(), |group| self.name_in(group))
    }

    fn name_in(&self, group: &str) -> String {
        format!("{group}/{}", self.name)
    }

    /// Everything that it may be asked for by.
    fn names(&self) -> Vec<String> {
        let full = self.groups.iter().map(|group| self.name_in(group));
        let mut names: Vec<String> = full.collect();
        names.extend([self.name.clone(), self.id.clone()]);
        names
    }
}

/// The most characters of a name or a sentence. Some are repeated for every part of a page.
const LONG: usize = 200;

/// Text of a page, of a bounded length.
pub(super) fn short(text: &str) -> String {
    text.trim().chars().take(LONG).collect()
}

/// Every part under its name, its name with its group, and what the page itself calls it. What several parts are called is
/// the name of none.
pub(super) fn services(parts: Vec<Part>, instance: &str, owner: &str, now: Timestamp) -> Services {
    let mut called: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (at, part) in parts.iter().enumerate() {
        for name in part.names() {
            let by = called.entry(name).or_default();
            if by.last() != Some(&at) {
                by.push(at);
            }
        }
    }
    let titles: Vec<String> = parts
        .iter()
        .map(|part| format!("`{}` (`{}`)", part.full_name(), part.id))
        .collect();
    let told: Vec<_> = parts
        .into_iter()
        .map(|part| Arc::new(summary(part, instance, owner, now)))
        .collect();
    let services = called.into_iter().map(|(name, by)| {
        let said = match &*by {
            [one] => told[*one].clone(),
            several => Arc::new(Err(ambiguous(&name, several, &titles, owner))),
        };
        (name, said)
    });
    services.collect()
}

/// How many of those that share a name are told.
const TOLD: usize = 3;

fn ambiguous(name: &str, several: &[usize], titles: &[String], owner: &str) -> Problem {
    let some: Vec<&str> = several.iter().take(TOLD).map(|at| &*titles[*at]).collect();
    let rest = match several.len().saturating_sub(TOLD) {
        0 => String::new(),
        rest => format!(" and {rest} more"),
    };
    let text = format!(
        "{} parts are called `{name}`: {}{rest}; name one with its group, or by its id",
        several.len(),
        some.join(", "),
    );
    Problem {
        owner: Some(owner.to_owned()),
        ..Problem::new(Reason::fixed("ambiguous"), text)
    }
}

fn summary(
    part: Part,
    instance: &str,
    owner: &str,
    now: Timestamp,
) -> Result<ServiceSummary, Problem> {
    let title = part.full_name();
    let standing = part.said.map_err(|problem| Problem {
        owner: Some(owner.to_owned()),
        ..problem
    })?;
    let causes = standing.why.into_iter().map(|why| CauseSummary {
        owner: Some(owner.to_owned()),
        name: why.name,
        message: why.message,
        since: why.since,
        origins: Vec::new(),
    });
    Ok(ServiceSummary {
        version: VERSION,
        instance: instance.to_owned(),
        service: part.id,
        sentence: format!("{title} is {}", standing.state.as_str()),
        title,
        state: standing.state,
        since: standing.since,
        owner: Some(owner.to_owned()),
        public: false,
        causes: causes.collect(),
        generated_at: now,
        ttl: 60,
        via: Vec::new(),
    })
}
