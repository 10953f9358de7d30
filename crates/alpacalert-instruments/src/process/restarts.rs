//! Restarts, from one look to the next.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// How long a restart is remembered.
const REMEMBERED: Duration = Duration::from_secs(3600);

/// More restarts than this between two looks are not told apart.
const MOST: u32 = 1000;

/// The restarts of one program.
#[derive(Debug, Default)]
pub(super) struct Restarts {
    /// The oldest process at the look before: its number, and when it was started.
    oldest: Option<(i32, u64)>,
    /// What systemd had counted at the look before.
    counted: Option<u32>,
    seen: VecDeque<Instant>,
}

impl Restarts {
    /// Notes the oldest process of now and what systemd counts; gives the restarts of the last hour. `lives` tells whether
    /// the process of a look before still runs.
    pub(super) fn note(
        &mut self,
        oldest: Option<(i32, u64)>,
        lives: impl Fn((i32, u64)) -> bool,
        counted: Option<u32>,
    ) -> usize {
        let now = Instant::now();
        // One that ended is only a restart when another runs in its place.
        let replaced = match (self.oldest, oldest) {
            (Some(before), Some(now)) => before != now && !lives(before),
            _ => false,
        };
        let counted_more = match (self.counted, counted) {
            (Some(before), Some(now)) => now.saturating_sub(before),
            _ => 0,
        };
        for _ in 0..counted_more.max(u32::from(replaced)).min(MOST) {
            self.seen.push_back(now);
        }
        // The oldest that is known stays while nothing runs, so that a slow restart is one too.
        self.oldest = oldest.or(self.oldest);
        self.counted = counted.or(self.counted);
        self.seen.retain(|at| now.duration_since(*at) < REMEMBERED);
        self.seen.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn another_oldest_process_is_a_restart_for_an_hour() {
        let mut restarts = Restarts::default();
        let dead = |_| false;
        assert_eq!(restarts.note(Some((1, 10)), dead, None), 0);
        assert_eq!(restarts.note(Some((1, 10)), dead, None), 0);
        assert_eq!(restarts.note(None, dead, None), 0);
        assert_eq!(restarts.note(Some((2, 20)), dead, None), 1);
        // A worker of the same program that is older by the clock, while the one before still runs.
        assert_eq!(restarts.note(Some((3, 15)), |_| true, None), 1);
        tokio::time::advance(REMEMBERED).await;
        assert_eq!(restarts.note(Some((3, 15)), dead, None), 0);
    }

    #[tokio::test]
    async fn what_systemd_counts_is_not_counted_twice() {
        let mut restarts = Restarts::default();
        let dead = |_| false;
        assert_eq!(restarts.note(Some((1, 10)), dead, Some(7)), 0);
        assert_eq!(restarts.note(Some((2, 20)), dead, Some(10)), 3);
        assert_eq!(restarts.note(Some((3, 30)), dead, Some(10)), 4);
    }
}
