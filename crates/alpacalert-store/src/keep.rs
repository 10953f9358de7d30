//! What becomes of the past: measurements are packed and rolled up, and what is old enough is let go. A little at a time, between
//! groups of changes.

mod expire;
mod merge;
mod pack;

use alpacalert_model::Timestamp;
use rusqlite::Connection;

use crate::Retention;
use crate::time::millis;
pub(crate) use expire::meta;
pub(crate) use merge::{MANY, unmerged};
pub(crate) use pack::{DAY, HOUR, LATE, WINDOW};

/// What is still to be done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tended {
    /// There is more.
    pub(crate) more: bool,
    /// Nodes were forgotten, so that their numbers mean nothing any more.
    pub(crate) forgot: bool,
}

/// Does some of what there is to do; lets nothing go without a `retention`.
pub(crate) fn tend(
    connection: &mut Connection,
    retention: Option<&Retention>,
    now: Timestamp,
) -> Result<Tended, rusqlite::Error> {
    let now = millis(now);
    let change = connection.transaction()?;
    merge::merge(&change)?;
    let mut tended = Tended {
        more: pack::pack(&change, now)?,
        forgot: false,
    };
    if let (false, Some(retention)) = (tended.more, retention) {
        tended.more = expire::expire(&change, retention, now, &mut tended.forgot)?;
    }
    change.commit()?;
    Ok(tended)
}
