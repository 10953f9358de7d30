//! When a CronJob is due: the schedules of Kubernetes, which are those of cron and a few words more.

use std::str::FromStr;

use alpacalert_model::Timestamp;
use croner::Cron;
use jiff::SignedDuration;
use jiff::tz::TimeZone;

/// Times in a time zone, or one after another at a distance.
#[derive(Debug)]
pub(crate) enum Schedule {
    Times(Box<Cron>, TimeZone),
    Every(SignedDuration),
}

/// Why a schedule cannot be understood.
#[derive(Debug, PartialEq)]
pub(crate) enum ScheduleError {
    /// It means nothing.
    Invalid(String),
    /// This machine does not know the time zone.
    UnknownZone(String),
}

impl Schedule {
    /// A schedule in a time zone; the controller's, in the absence of a better guess UTC, if none is given.
    pub(crate) fn parse(text: &str, zone: Option<&str>) -> Result<Schedule, ScheduleError> {
        let text = text.trim();
        let (zone, times) = match text
            .strip_prefix("TZ=")
            .or_else(|| text.strip_prefix("CRON_TZ="))
        {
            Some(rest) => {
                let (zone, times) = rest.split_once(' ').unwrap_or((rest, ""));
                (Some(zone), times.trim())
            }
            None => (zone, text),
        };
        if let Some(length) = times.strip_prefix("@every ") {
            let every = super::judge::parse_duration(length).filter(|every| every.is_positive());
            return every.map(Schedule::Every).ok_or_else(|| {
                ScheduleError::Invalid(format!(
                    "the schedule `{text}` has no length of time after `@every`"
                ))
            });
        }
        let fields = times.split_whitespace().count();
        if !times.starts_with('@') && fields != 5 {
            return Err(ScheduleError::Invalid(format!(
                "the schedule `{text}` has {fields} fields, not 5"
            )));
        }
        let cron = Cron::from_str(times).map_err(|error| {
            ScheduleError::Invalid(format!("the schedule `{text}` cannot be read: {error}"))
        })?;
        let zone = match zone {
            None | Some("" | "UTC" | "Etc/UTC") => TimeZone::UTC,
            Some(name) => TimeZone::get(name).map_err(|_| {
                ScheduleError::UnknownZone(format!(
                    "this machine does not know the time zone `{name}`"
                ))
            })?,
        };
        Ok(Schedule::Times(Box::new(cron), zone))
    }

    /// The first time after `after`; `None` when there never is one.
    pub(crate) fn next(&self, after: Timestamp) -> Option<Timestamp> {
        match self {
            Schedule::Every(every) => after.checked_add(*every).ok(),
            Schedule::Times(cron, zone) => {
                let after = after.to_zoned(zone.clone());
                cron.find_next_occurrence(&after, false)
                    .ok()
                    .map(|next| next.timestamp())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(schedule: &str, zone: Option<&str>, after: &str) -> String {
        let schedule = Schedule::parse(schedule, zone).expect(schedule);
        let after = after.parse().expect("a time");
        schedule
            .next(after)
            .map_or("never".to_owned(), |next| next.to_string())
    }

    #[test]
    fn times_follow_cron() {
        let monday = "2026-03-02T00:30:00Z";
        for (schedule, zone, expected) in [
            ("*/5 * * * *", None, "2026-03-02T00:35:00Z"),
            ("0 3 * * *", None, "2026-03-02T03:00:00Z"),
            ("@daily", None, "2026-03-03T00:00:00Z"),
            ("@every 1h30m", None, "2026-03-02T02:00:00Z"),
            ("0 3 * * *", Some("Asia/Tokyo"), "2026-03-02T18:00:00Z"),
            ("TZ=Asia/Tokyo 0 3 * * *", None, "2026-03-02T18:00:00Z"),
            // The first of the month or a Friday, whichever comes first.
            ("0 0 1 * 5", None, "2026-03-06T00:00:00Z"),
            ("0 0 30 2 *", None, "never"),
        ] {
            assert_eq!(next(schedule, zone, monday), expected, "{schedule}");
        }
    }

    #[test]
    fn nonsense_is_invalid_and_an_unknown_zone_is_not() {
        for text in [
            "",
            "* * * *",
            "* * * * * *",
            "61 * * * *",
            "@every",
            "@every x",
            "@sometimes",
        ] {
            let error = Schedule::parse(text, None).expect_err(text);
            assert!(
                matches!(error, ScheduleError::Invalid(_)),
                "{text}: {error:?}"
            );
        }
        let error = Schedule::parse("0 0 * * *", Some("Moon/Sea"));
        assert!(matches!(error, Err(ScheduleError::UnknownZone(_))));
    }
}
