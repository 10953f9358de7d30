//! The kind `heartbeat`: whether a job still runs that says so each time.

use std::time::Duration;

use alpacalert_instrument::model::{Measurement, Unit};
use alpacalert_instrument::{
    BoxFuture, Class, Context, Expected, Field, InstrumentError, Kind, KindSpec, Observation,
    Reason, Scope, Sensor, SensorError, Shape, State, Target,
};

const DOC: &str = "\
Waits for signs of life of something that cannot be asked: a nightly backup, a job of cron, a machine behind a router. Each sign is a request to the \
running instance, with the token: `POST /api/v1/heartbeat/NAME`, or `GET` where only that can be had. See [how to report](../how-to/push.md).

| state | reason | when |
|---|---|---|
| Passing | `ok` | the last sign is younger than `every` |
| Degraded | `late` | it is older than `every` |
| Failing | `late` | it is older than `every` and `grace` together |
| Failing | `exit` | the last sign came with `?exit=` and another number than 0: the job ran, and failed |
| Unknown | `never-seen` | there has been no sign yet |

How old a sign is, is measured by a clock that nobody sets. What was heard outlives a restart of the instance.";

pub(super) fn spec() -> KindSpec {
    KindSpec {
        alias: Some("heartbeat"),
        doc: DOC,
        fields: vec![
            Field::required(
                "name",
                Shape::Text,
                "Its name, as it stands in the URL: letters, digits, `-`, `_` and `.`.",
            ),
            Field::required(
                "every",
                Shape::Duration,
                "How long it takes from one sign of life to the next at most.",
            ),
            Field::optional(
                "grace",
                Shape::Duration,
                "How much later than that it may be until it is Failing and not only Degraded.",
            )
            .default("half of `every`"),
            Field::required(
                "token",
                Shape::Text,
                "What the sign must come with, at least 8 characters: `${env:…}` or `${file:…}`.",
            ),
        ],
        reference: &["name"],
        example: "name: nightly-backup\nevery: 24h\ngrace: 2h\ntoken: ${env:BACKUP_TOKEN}",
        ..KindSpec::new(
            Kind::of("alpacalert.io/Heartbeat"),
            "a job that says each time that it ran",
        )
    }
}

pub(super) fn instrument(
    target: &Target,
    scope: &mut Scope<'_, '_>,
) -> Result<(), InstrumentError> {
    let expected = super::expect(target, scope)?;
    let every = target.params.duration("every").unwrap_or_default();
    if every < Duration::from_secs(1) {
        return Err(InstrumentError::new("`every` must be a second or longer"));
    }
    let grace = target.params.duration("grace").unwrap_or(every / 2);
    scope.sensor(Heartbeat {
        expected,
        every,
        grace,
    });
    Ok(())
}

struct Heartbeat {
    expected: Expected,
    every: Duration,
    grace: Duration,
}

impl Sensor for Heartbeat {
    fn measure<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Observation, SensorError>> {
        Box::pin(async { Ok(self.judge(cx)) })
    }

    fn class(&self) -> Class {
        Class::Local
    }
}

impl Heartbeat {
    fn judge(&self, cx: &Context) -> Observation {
        let Some(word) = self.expected.newest() else {
            let text = "there has been no sign of life yet";
            return Observation::unknown(Reason::fixed("never-seen"), text, cx.now());
        };
        let age = word.age();
        let write = |time: Duration| Unit::Seconds.write(time.as_secs_f64());
        let (age_s, last) = (age.as_secs_f64(), self.every.saturating_add(self.grace));
        let late = match age {
            age if age > last => Some(State::Failing),
            age if age > self.every => Some(State::Degraded),
            _ => None,
        };
        // What it said is true of the moment at which it said it; that nothing came since is true now.
        let mut seen = word.observation;
        seen.at = cx.now();
        if let Some(state) = late {
            let text = format!(
                "the last sign of life came {} ago, and one is expected every {}",
                write(age),
                write(self.every)
            );
            seen = seen.worsened(state, Reason::fixed("late"), text);
        }
        seen.measurements.insert(
            0,
            Measurement::new("age", age_s, Unit::Seconds).against(
                alpacalert_instrument::model::Limits::above(
                    Some(self.every.as_secs_f64()),
                    Some(last.as_secs_f64()),
                ),
            ),
        );
        seen
    }
}
