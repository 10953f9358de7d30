//! Times in which work is planned: once, or on certain days again and again, by the clocks of a place.

use std::sync::Arc;

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, ToSpan as _};

/// A time in which work is planned, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    /// When.
    pub when: When,
    /// Why, for people.
    pub reason: Arc<str>,
}

/// When work is planned.
#[derive(Clone, Debug, PartialEq)]
pub enum When {
    /// Once; the end does not belong to it.
    Once {
        /// The first moment.
        from: Timestamp,
        /// The moment after the last.
        until: Timestamp,
    },
    /// On certain days, by the clocks of a place.
    ///
    /// Where the clocks are put forward over its beginning, it begins as they are put forward. A time that they show twice counts
    /// from the first to the second one.
    Again {
        /// The days on which it begins: all that any of these names.
        days: Vec<Day>,
        /// When it begins.
        from: Time,
        /// When it ends: on the next day, if that is not later than the beginning.
        until: Time,
        /// Whose clocks.
        zone: TimeZone,
    },
}

/// Days of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Day {
    /// All of them.
    Every,
    /// Those of one name.
    Weekly(Weekday),
    /// The n-th of that name in each month, from 1 to 4, or the last one for -1.
    Monthly(i8, Weekday),
}

impl Day {
    fn holds(self, date: Date) -> bool {
        match self {
            Day::Every => true,
            Day::Weekly(weekday) => date.weekday() == weekday,
            Day::Monthly(nth, weekday) => {
                date.nth_weekday_of_month(nth, weekday).ok() == Some(date)
            }
        }
    }
}

/// Each weekday that is named by its number in the month comes within so many days.
const DAYS: i32 = 64;

impl Window {
    /// When it ends, if it is open at a moment.
    pub fn open(&self, at: Timestamp) -> Option<Timestamp> {
        match &self.when {
            When::Once { from, until } => (*from <= at && at < *until).then_some(*until),
            When::Again { zone, .. } => {
                let today = zone.to_datetime(at).date();
                // One that began yesterday may last until today. One of today ends later.
                let days = [Some(today), today.yesterday().ok()];
                let times = days.into_iter().flatten().filter_map(|day| self.on(day));
                let open = times.filter(|(from, until)| *from <= at && at < *until);
                open.map(|(_, until)| until).max()
            }
        }
    }

    /// When it opens the next time after a moment; never for one that is over.
    pub fn opens(&self, after: Timestamp) -> Option<Timestamp> {
        match &self.when {
            When::Once { from, .. } => Some(*from).filter(|from| *from > after),
            When::Again { zone, .. } => {
                let today = zone.to_datetime(after).date();
                let days = (0..DAYS).map_while(|n| today.checked_add(n.days()).ok());
                let mut times = days.filter_map(|day| self.on(day));
                times.find_map(|(from, _)| Some(from).filter(|from| *from > after))
            }
        }
    }

    /// From when until when it is open, if it begins on a day.
    fn on(&self, day: Date) -> Option<(Timestamp, Timestamp)> {
        let When::Again {
            days,
            from,
            until,
            zone,
        } = &self.when
        else {
            return None;
        };
        if !days.iter().any(|days| days.holds(day)) {
            return None;
        }
        let last = match until > from {
            true => day,
            false => day.tomorrow().ok()?,
        };
        let begins = begins(zone, day.to_datetime(*from))?;
        let ends = zone.to_ambiguous_zoned(last.to_datetime(*until));
        let ends = ends.later().ok()?.timestamp();
        (begins < ends).then_some((begins, ends))
    }
}

/// The first moment at which clocks show a time, or have passed it.
fn begins(zone: &TimeZone, time: DateTime) -> Option<Timestamp> {
    let ambiguous = zone.to_ambiguous_timestamp(time);
    let AmbiguousOffset::Gap { .. } = ambiguous.offset() else {
        return ambiguous.earlier().ok();
    };
    // By the offset after the gap this is a moment before it, and the clocks are put forward next.
    let before = ambiguous.earlier().ok()?;
    let forward = zone.following(before).next();
    forward.map(|forward| forward.timestamp())
}

/// Until when one of some windows is open, one after the other without a pause, with the reason of the one that is open now.
pub fn open_window(windows: &[Window], at: Timestamp) -> Option<(Timestamp, &Arc<str>)> {
    /// Whoever joins more windows than this is told the end of one of them.
    const JOINED: usize = 64;
    let open = |at| {
        let open = windows.iter().filter_map(move |window| {
            let until = window.open(at)?;
            Some((until, &window.reason))
        });
        // Of several that end together, the first that was written.
        open.rev().max_by_key(|(until, _)| *until)
    };
    let (mut until, reason) = open(at)?;
    for _ in 0..JOINED {
        match open(until) {
            Some((later, _)) => until = later,
            None => break,
        }
    }
    Some((until, reason))
}

/// When it is next to be asked whether one of some windows is open.
pub fn next_edge(windows: &[Window], after: Timestamp) -> Option<Timestamp> {
    let edges = windows.iter().flat_map(|window| {
        let closes = window.open(after);
        [closes, window.opens(after)]
    });
    edges.flatten().min()
}

#[cfg(test)]
mod tests;
