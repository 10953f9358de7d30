//! The kind `push`: a state that something else judged and reports.

use std::time::Duration;

use alpacalert_instrument::model::{Measurement, Unit};
use alpacalert_instrument::{
    BoxFuture, Class, Context, Expected, Field, InstrumentError, Kind, KindSpec, Observation,
    Reason, Scope, Sensor, SensorError, Shape, Target,
};

const DOC: &str = "\
Takes over a state with messages and measured values that something reports to the running instance, with the token: \
`POST /api/v1/push/NAME`. See [how to report](../how-to/push.md).

| state | reason | when |
|---|---|---|
| as reported | as reported, or `pushed` | the last report may still be believed |
| Unknown | `stale` | it is older than its `ttl`, or than `expires` if it has none |
| Unknown | `never-seen` | nothing was reported yet |

Values with limits are held against them here, as those of any sensor. How old a report is, is measured by a clock that nobody sets. What was reported \
outlives a restart of the instance.";

/// Longer than a report every five minutes needs to fail twice.
const EXPIRES: Duration = Duration::from_secs(15 * 60);

pub(super) fn spec() -> KindSpec {
    KindSpec {
        alias: Some("push"),
        doc: DOC,
        fields: vec![
            Field::required(
                "name",
                Shape::Text,
                "Its name, as it stands in the URL: letters, digits, `-`, `_` and `.`.",
            ),
            Field::optional(
                "expires",
                Shape::Duration,
                "How long a report may be believed that does not say so itself.",
            )
            .default("15m"),
            Field::required(
                "token",
                Shape::Text,
                "What the report must come with, at least 8 characters: `${env:…}` or `${file:…}`.",
            ),
        ],
        reference: &["name"],
        example: "name: import\nexpires: 2h\ntoken: ${env:IMPORT_TOKEN}",
        ..KindSpec::new(
            Kind::of("alpacalert.io/Push"),
            "a state that something else judged and reports",
        )
    }
}

pub(super) fn instrument(
    target: &Target,
    scope: &mut Scope<'_, '_>,
) -> Result<(), InstrumentError> {
    let expected = super::expect(target, scope)?;
    let expires = target.params.duration("expires").unwrap_or(EXPIRES);
    scope.sensor(Push { expected, expires });
    Ok(())
}

struct Push {
    expected: Expected,
    expires: Duration,
}

impl Sensor for Push {
    fn measure<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Observation, SensorError>> {
        Box::pin(async { Ok(self.judge(cx)) })
    }

    fn class(&self) -> Class {
        Class::Local
    }
}

impl Push {
    fn judge(&self, cx: &Context) -> Observation {
        let Some(word) = self.expected.newest() else {
            let text = "nothing has been reported yet";
            return Observation::unknown(Reason::fixed("never-seen"), text, cx.now());
        };
        let age = word.age();
        if age > word.time_to_live.unwrap_or(self.expires) {
            let write = |time: Duration| Unit::Seconds.write(time.as_secs_f64());
            let text = format!(
                "the last report came {} ago, and said {}",
                write(age),
                word.observation.state
            );
            return Observation::unknown(Reason::STALE, text, cx.now()).measured(Measurement::new(
                "age",
                age.as_secs_f64(),
                Unit::Seconds,
            ));
        }
        word.observation
    }
}
