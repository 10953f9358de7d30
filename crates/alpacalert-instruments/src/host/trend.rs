//! How fast something grows, from what was seen of it.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// What was seen, thinned out.
#[derive(Debug, Default)]
pub(crate) struct Trend {
    seen: VecDeque<(Instant, f64)>,
}

impl Trend {
    /// The least time between two values that are kept.
    const SPACING: Duration = Duration::from_secs(60);
    /// How far back the line is fitted: long enough that a nightly job's hour does not make the day's trend.
    const WINDOW: Duration = Duration::from_secs(6 * 3600);
    /// How long to have looked before a trend is believed.
    const LEAST: Duration = Duration::from_secs(30 * 60);

    /// Notes a value.
    pub(crate) fn note(&mut self, at: Instant, value: f64) {
        if let Some((last, _)) = self.seen.back()
            && at.duration_since(*last) < Self::SPACING
        {
            return;
        }
        self.seen.push_back((at, value));
        while let Some((first, _)) = self.seen.front()
            && at.duration_since(*first) > Self::WINDOW
        {
            self.seen.pop_front();
        }
    }

    /// Growth per second: the slope of the least-squares line. `None` until there is enough to tell.
    pub(crate) fn growth(&self) -> Option<f64> {
        let (first, last) = (self.seen.front()?, self.seen.back()?);
        if last.0.duration_since(first.0) < Self::LEAST {
            return None;
        }
        let count = self.seen.len() as f64;
        let points = || {
            self.seen
                .iter()
                .map(|(at, value)| (at.duration_since(first.0).as_secs_f64(), *value))
        };
        let (sum_x, sum_y) = points().fold((0.0, 0.0), |(x, y), p| (x + p.0, y + p.1));
        let (mean_x, mean_y) = (sum_x / count, sum_y / count);
        let (covariance, variance) = points().fold((0.0, 0.0), |(c, v), (x, y)| {
            (
                c + (x - mean_x) * (y - mean_y),
                v + (x - mean_x) * (x - mean_x),
            )
        });
        (variance > 0.0).then(|| covariance / variance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_growth_is_found_after_half_an_hour_and_an_old_one_forgotten() {
        let start = Instant::now();
        let mut trend = Trend::default();
        let minutes = |n: u64| Duration::from_secs(60 * n);
        for n in 0..29 {
            trend.note(start + minutes(n), 1000.0 * n as f64);
        }
        assert_eq!(trend.growth(), None);
        trend.note(start + minutes(30), 30_000.0);
        let growth = trend.growth().unwrap();
        assert!((growth - 1000.0 / 60.0).abs() < 0.01, "{growth}");
        for n in 31..(31 + 7 * 60) {
            trend.note(start + minutes(n), 30_000.0);
        }
        assert!(trend.growth().unwrap().abs() < 1e-9);
        assert!(trend.seen.len() <= 361);
    }
}
