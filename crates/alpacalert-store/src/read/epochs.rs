//! Which of two changes came first, where the clock was set back between them.
//!
//! Within an epoch time only goes on, so that the order of time is the order in which things happened. Where a run began before an
//! earlier one was over, another epoch begins. There is one, unless somebody set the clock back.

use rusqlite::Connection;

use crate::timeline::Run;

/// The changes of an epoch: their numbers, from the one after `after` to `last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Numbers {
    pub(crate) after: i64,
    pub(crate) last: i64,
}

impl Numbers {
    pub(crate) const ALL: Numbers = Numbers {
        after: i64::MIN,
        last: i64::MAX,
    };

    pub(crate) fn contains(self, number: i64) -> bool {
        self.after < number && number <= self.last
    }
}

/// Gives each run, in the order in which they were, the numbers of its changes.
pub(super) fn number(runs: &mut [Run]) {
    let mut last = i64::MAX;
    for run in runs.iter_mut().rev() {
        run.numbers.last = last;
        match run.numbers.after {
            // Not noted then, and the clock was not set back either, as far as anybody knows.
            0 => run.numbers.after = i64::MIN,
            after => last = after,
        }
    }
}

/// The numbers of each epoch, the newest first.
pub(crate) fn epochs(connection: &Connection) -> Result<Vec<Numbers>, rusqlite::Error> {
    let mut found = connection.prepare_cached("SELECT began, alive, seq FROM run ORDER BY id")?;
    let mut rows = found.query([])?;
    let (mut epochs, mut until) = (vec![Numbers::ALL], i64::MIN);
    while let Some(row) = rows.next()? {
        let (began, alive, seq): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        if began < until && seq > 0 {
            if let Some(before) = epochs.last_mut() {
                before.last = seq;
            }
            epochs.push(Numbers {
                after: seq,
                last: i64::MAX,
            });
            until = i64::MIN;
        }
        until = until.max(alive);
    }
    epochs.reverse();
    Ok(epochs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(all: &[(i64, i64)]) -> Vec<Run> {
        let run = |&(began, after)| Run {
            began,
            until: began + 10,
            numbers: Numbers {
                after,
                ..Numbers::ALL
            },
        };
        all.iter().map(run).collect()
    }

    #[test]
    fn each_run_has_what_was_written_in_it() {
        let mut known = runs(&[(0, 0), (20, 7), (5, 9)]);
        number(&mut known);
        let numbers: Vec<(i64, i64)> = known
            .iter()
            .map(|run| (run.numbers.after, run.numbers.last))
            .collect();
        assert_eq!(numbers, [(i64::MIN, 7), (7, 9), (9, i64::MAX)]);
    }

    #[test]
    fn an_epoch_ends_where_the_clock_was_set_back() {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch(
                "CREATE TABLE run (id INTEGER PRIMARY KEY, began INTEGER, alive INTEGER, seq INTEGER);
                 INSERT INTO run (began, alive, seq) VALUES (0, 10, 0), (20, 100, 7), (50, 90, 12), (91, 99, 20), (3, 4, 30);",
            )
            .unwrap();
        let told: Vec<(i64, i64)> = epochs(&connection)
            .unwrap()
            .into_iter()
            .map(|numbers| (numbers.after, numbers.last))
            .collect();
        assert_eq!(told, [(30, i64::MAX), (12, 30), (i64::MIN, 12)]);
    }
}
