//! How long ago things were checked, whatever the clocks say.

use std::collections::HashMap;
use std::time::Duration;

use alpacalert_instrument::{Reason, Timestamp};
use tokio::time::Instant;

use super::Reading;
use crate::alpacalert::read::Problem;

/// What was checked no longer ago than this is never too old: pages are remembered for minutes on the way.
pub(super) const LEAST: Duration = Duration::from_secs(5 * 60);

/// How many checks may be missing.
const MISSING: u32 = 3;

/// When each part was checked last.
#[derive(Default)]
pub(super) struct Checked(HashMap<String, Seen>);

struct Seen {
    /// By the clock of the page.
    at: Timestamp,
    /// When we were told, by a clock that nobody sets.
    told: Instant,
    /// How old it was then.
    age: Duration,
}

impl Checked {
    /// Forgets what is not there any more.
    pub(super) fn only(&mut self, ids: impl Iterator<Item = String>) {
        let ids: std::collections::HashSet<String> = ids.collect();
        self.0.retain(|id, _| ids.contains(id));
    }

    /// How long ago a part was checked.
    fn age(&mut self, id: &str, at: Timestamp, now: Timestamp) -> Duration {
        let is_news = self.0.get(id).is_none_or(|seen| at > seen.at);
        if is_news {
            let age = Duration::try_from(now.duration_since(at)).unwrap_or_default();
            let told = Instant::now();
            self.0.insert(id.to_owned(), Seen { at, told, age });
        }
        let seen = self.0.get(id);
        seen.map_or(Duration::ZERO, |seen| seen.age + seen.told.elapsed())
    }
}

impl Reading<'_> {
    /// Says when a part was checked too long ago to be believed. `checks`: when it was checked, the newest last.
    pub(super) fn fresh(&mut self, id: &str, checks: &[Timestamp]) -> Result<(), Problem> {
        let Some(last) = checks.last() else {
            let text = "it has not been checked yet";
            return Err(Problem::new(Reason::NOT_MEASURED, text));
        };
        let age = self.checked.age(id, *last, self.now);
        let usual = usual_gap(checks);
        let most = self.max_age.unwrap_or_else(|| {
            let wait = usual.unwrap_or_default() * MISSING;
            wait.max(LEAST)
        });
        if age <= most {
            return Ok(());
        }
        let every = match usual {
            Some(gap) => format!("every {} s", gap.as_secs()),
            None => "how often, is not known yet; `max_age` of the source says for how long to believe it".to_owned(),
        };
        let text = format!("it was checked {} s ago ({every})", age.as_secs());
        Err(Problem::new(Reason::STALE, text))
    }
}

/// The usual time from one check to the next: the middle one of all, so that neither a night without the program nor a series of
/// quick repetitions counts.
fn usual_gap(checks: &[Timestamp]) -> Option<Duration> {
    let mut gaps: Vec<Duration> = checks
        .windows(2)
        .filter_map(|pair| Duration::try_from(pair[1].duration_since(pair[0])).ok())
        .collect();
    gaps.sort_unstable();
    gaps.get(gaps.len() / 2).copied()
}

/// When the newest of a row of states began, if the row shows it. `states`: with their times, the newest last.
pub(super) fn since<S: PartialEq>(states: &[(Timestamp, S)]) -> Option<Timestamp> {
    let (_, newest) = states.last()?;
    let before = states.iter().rposition(|(_, state)| state != newest)?;
    states.get(before + 1).map(|(at, _)| *at)
}
