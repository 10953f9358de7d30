//! Times as people read them.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// How long ago `then` was: `12 s`, `4 min`, `3 h`, `12 d`. A moment in the future is `0 s` ago: clocks differ.
pub fn ago(now: Timestamp, then: Timestamp) -> String {
    let seconds = now.as_second().saturating_sub(then.as_second()).max(0);
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min", seconds / 60),
        7_200..=172_799 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// The time of day of `then`, with as much of the date as it takes to tell: `10:02`, `21 Nov 23:14`, `2025-11-21 23:14`.
pub fn clock(now: Timestamp, then: Timestamp, zone: &TimeZone) -> String {
    let (here, there) = (
        now.to_zoned(zone.clone()).datetime(),
        then.to_zoned(zone.clone()).datetime(),
    );
    let format = if here.date() == there.date() {
        "%H:%M"
    } else if here.year() == there.year() {
        "%-d %b %H:%M"
    } else {
        "%Y-%m-%d %H:%M"
    };
    there.strftime(format).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn ago_uses_one_unit() {
        let now = at("2026-11-22T10:06:00Z");
        for (then, words) in [
            ("2026-11-22T10:06:05Z", "0 s"),
            ("2026-11-22T10:04:01Z", "119 s"),
            ("2026-11-22T10:02:00Z", "4 min"),
            ("2026-11-22T07:06:00Z", "3 h"),
            ("2026-11-10T10:06:00Z", "12 d"),
        ] {
            assert_eq!(ago(now, at(then)), words, "{then}");
        }
    }

    #[test]
    fn clock_gives_as_much_of_the_date_as_needed() {
        let now = at("2026-11-22T10:06:00Z");
        for (then, words) in [
            ("2026-11-22T10:02:59Z", "10:02"),
            ("2026-11-21T23:14:00Z", "21 Nov 23:14"),
            ("2025-11-21T23:14:00Z", "2025-11-21 23:14"),
        ] {
            assert_eq!(clock(now, at(then), &TimeZone::UTC), words);
        }
    }
}
