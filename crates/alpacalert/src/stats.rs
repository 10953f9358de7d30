//! What the engine knows about itself.

use std::time::Duration;

use tokio::time::Instant;

/// How the engine is doing: counts since it was started, and lateness over the last seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// How many nodes the graph has.
    pub nodes: usize,
    /// How many sensors are measured.
    pub sensors: usize,
    /// How many measurements have ended.
    pub measured: u64,
    /// How many measurements are under way.
    pub running: usize,
    /// How many measurements wait for a slot.
    pub waiting: usize,
    /// How many questions wait for the one who owns the graph.
    pub questions: usize,
    /// How many snapshots of sources wait for it.
    pub snapshots: usize,
    /// How many batches of changes the slowest reader of changes has not taken yet.
    pub unread: usize,
    /// How many batches of results the graph took.
    pub batches: u64,
    /// How often a system was judged.
    pub evaluations: u64,
    /// How many changes of state followed.
    pub transitions: u64,
    /// How many times a sensor had no result within its time to live.
    pub stale: u64,
    /// From when measurements should have started to when they did, over the last five to ten seconds: half of them were no
    /// later than this.
    pub lateness_p50: Duration,
    /// 99 of 100 measurements were no later than this, over the same time.
    pub lateness_p99: Duration,
}

/// How late the measurements of the last seconds were.
pub(crate) struct Lateness {
    newest: Histogram,
    before: Histogram,
    since: Instant,
}

/// After this long the newest counts become those before.
const WINDOW: Duration = Duration::from_secs(5);

impl Lateness {
    pub(crate) fn new(now: Instant) -> Self {
        Lateness {
            newest: Histogram::default(),
            before: Histogram::default(),
            since: now,
        }
    }

    pub(crate) fn add(&mut self, late: Duration, now: Instant) {
        if now - self.since >= WINDOW {
            self.before = std::mem::take(&mut self.newest);
            self.since = now;
        }
        self.newest.add(late);
    }

    /// No more than this late was this share of the measurements, 0 to 1.
    pub(crate) fn quantile(&self, share: f64) -> Duration {
        self.newest.and(&self.before).quantile(share)
    }
}

/// Counts of durations in buckets that are 1/8 to 1/16 of their value wide.
struct Histogram {
    counts: Vec<u64>,
    total: u64,
}

/// 64 powers of two, eight buckets each.
const BUCKETS: usize = 64 * 8;

impl Default for Histogram {
    fn default() -> Self {
        Histogram {
            counts: vec![0; BUCKETS],
            total: 0,
        }
    }
}

impl Histogram {
    fn add(&mut self, duration: Duration) {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.counts[bucket(nanos)] += 1;
        self.total += 1;
    }

    /// Both together.
    fn and(&self, other: &Histogram) -> Histogram {
        let counts = self.counts.iter().zip(&other.counts);
        Histogram {
            counts: counts.map(|(a, b)| a + b).collect(),
            total: self.total + other.total,
        }
    }

    /// The upper end of the bucket that holds this share of all durations, 0 to 1.
    fn quantile(&self, share: f64) -> Duration {
        let wanted = (self.total as f64 * share).ceil() as u64;
        let mut reached = 0;
        for (index, count) in self.counts.iter().enumerate() {
            reached += count;
            if reached >= wanted && reached > 0 {
                return Duration::from_nanos(upper(index));
            }
        }
        Duration::ZERO
    }
}

/// The values below 8 have a bucket each; above, three bits after the highest one tell the bucket.
fn bucket(nanos: u64) -> usize {
    if nanos < 8 {
        return nanos as usize;
    }
    let power = 63 - nanos.leading_zeros() as usize;
    let eighth = (nanos >> (power - 3)) as usize & 7;
    (power - 2) * 8 + eighth
}

fn upper(bucket: usize) -> u64 {
    if bucket < 8 {
        return bucket as u64;
    }
    let (power, eighth) = (bucket / 8 + 2, bucket % 8);
    let next = (8 + eighth as u128 + 1) << (power - 3);
    u64::try_from(next - 1).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_its_values_and_is_narrow() {
        for nanos in (0..100_000).chain([u64::MAX, 1 << 40, (1 << 40) - 1]) {
            let top = upper(bucket(nanos));
            assert!(top >= nanos, "{nanos} is above its bucket's end {top}");
            assert!(top - nanos <= nanos / 8, "{nanos} is far below {top}");
        }
    }

    #[test]
    fn quantiles_are_those_of_the_durations() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.quantile(0.5), Duration::ZERO);
        for ms in 1..=100 {
            histogram.add(Duration::from_millis(ms));
        }
        for (share, ms) in [(0.5, 50), (0.99, 99)] {
            let got = histogram.quantile(share).as_secs_f64() * 1000.0;
            assert!(
                (f64::from(ms)..f64::from(ms) * 1.13).contains(&got),
                "{got}"
            );
        }
    }

    #[test]
    fn what_was_late_long_ago_is_forgotten() {
        let begun = Instant::now();
        let mut lateness = Lateness::new(begun);
        lateness.add(Duration::from_secs(1), begun);
        lateness.add(Duration::ZERO, begun + WINDOW);
        assert!(lateness.quantile(1.0) >= Duration::from_secs(1));
        lateness.add(Duration::ZERO, begun + 2 * WINDOW);
        assert_eq!(lateness.quantile(1.0), Duration::ZERO);
    }
}
