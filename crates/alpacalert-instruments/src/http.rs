//! `alpacalert.io/Http`: a URL that answers as it should, in time.

mod client;
mod connection;
mod expect;
mod fetch;
mod one;
mod settings;
mod spec;
mod sse;
mod two;

use std::sync::{Arc, Mutex};

use alpacalert_instrument::{
    BoxFuture, Context, InstrumentError, Observation, Params, Registry, Scope, Sensor, SensorError,
    State, Target, Timestamp,
};
use alpacalert_model::{Measurement, Severity, Unit};
use http::header;

use crate::net::{Deadline, Net};
pub(crate) use client::{Client, Opened, Reply};
use expect::{BODY_ENCODING, judge_body, judge_headers, judge_status};
pub(crate) use fetch::BodyBudget;
use fetch::{Answer, Fetch, Kept, Phases};
use settings::Settings;
pub(crate) use sse::{Events, ServerEvent};

/// Adds the kind.
pub(crate) fn register(registry: &mut Registry, net: &Arc<Net>) {
    let net = net.clone();
    registry.register_kind(
        spec::spec(),
        move |target: &Target, scope: &mut Scope<'_, '_>| {
            scope.sensor(Http::new(&target.params, net.clone())?);
            Ok(())
        },
    );
}

struct Http {
    net: Arc<Net>,
    settings: Settings,
    kept: Mutex<Option<Kept>>,
}

impl Http {
    fn new(params: &Params, net: Arc<Net>) -> Result<Http, InstrumentError> {
        Ok(Http {
            net,
            settings: Settings::parse(params)?,
            kept: Mutex::new(None),
        })
    }

    fn judge(&self, answer: Answer, now: Timestamp) -> Observation {
        let settings = &self.settings;
        let mut observation = Observation::passing(now);
        observation = judge_status(answer.status, &settings.status, &answer.body, observation);
        observation = judge_headers(&answer.headers, &settings.response_headers, observation);
        observation = match encoding(&answer) {
            Some(encoding) if !settings.body.is_empty() => observation.worsened(
                State::Failing,
                BODY_ENCODING,
                format!("the body is compressed ({encoding}) although we asked for none, and cannot be looked at"),
            ),
            _ => judge_body(&answer.body, answer.is_whole, &settings.body, observation),
        };
        let total = Measurement::duration("total time", answer.phases.total);
        observation = observation.measured(total.against(settings.slower_than));
        for measurement in phases(&answer.phases) {
            observation = observation.measured(measurement);
        }
        observation = observation.measured(Measurement::new(
            "body size",
            answer.read as f64,
            Unit::Bytes,
        ));
        if let Some(secured) = &answer.secured {
            let chain = &secured.chain;
            for measurement in crate::tls::times_left(chain, now, settings.certificate) {
                observation = observation.measured(measurement);
            }
        }
        self.remark(&answer, observation)
    }

    /// Takes our credentials out of what the server said: error pages like to repeat requests.
    fn conceal(&self, mut observation: Observation) -> Observation {
        for secret in self.settings.credentials() {
            for message in &mut observation.messages {
                if message.text.contains(secret) {
                    message.text = message.text.replace(secret, "[credentials]").into();
                }
            }
        }
        observation
    }

    /// What a reader should know beside the verdict.
    fn remark(&self, answer: &Answer, mut observation: Observation) -> Observation {
        let version = if answer.two { "HTTP/2" } else { "HTTP/1.1" };
        let mut said = format!("{version} {}", answer.status);
        if let Some(last) = answer.redirected.last() {
            let times = match answer.redirected.len() {
                1 => "once".to_owned(),
                count => format!("{count} times"),
            };
            said.push_str(&format!(
                ", redirected {times}, at last to {}",
                fetch::shown(last)
            ));
        }
        observation = observation.message(Severity::Info, said);
        if !answer.is_whole {
            let limit = Unit::Bytes.write(answer.read as f64);
            let text = format!("only the first {limit} of the body were read");
            observation = observation.message(Severity::Info, text);
        }
        if let Some(secured) = &answer.secured
            && self.settings.insecure
        {
            let mut text = "the certificate is not checked: `insecure` is set".to_owned();
            if !secured.ignored.is_empty() {
                text.push_str(&format!(" ({})", secured.ignored.join("; ")));
            }
            observation = observation.message(Severity::Warn, text);
        }
        for note in &answer.notes {
            observation = observation.message(Severity::Info, note.clone());
        }
        observation
    }
}

/// How the body is compressed, if it is.
fn encoding(answer: &Answer) -> Option<String> {
    let value = answer.headers.get(header::CONTENT_ENCODING)?;
    let text = crate::net::excerpt(value.as_bytes());
    (!text.is_empty() && !text.eq_ignore_ascii_case("identity")).then_some(text)
}

fn phases(phases: &Phases) -> impl Iterator<Item = Measurement> {
    let all = [
        ("name time", phases.name),
        ("connect time", phases.connect),
        ("handshake time", phases.tls),
        ("first byte time", phases.first_byte),
    ];
    // A part that did not happen, such as the handshake of plain HTTP, is not shown.
    all.into_iter()
        .filter(|(_, took)| !took.is_zero())
        .map(|(name, took)| Measurement::duration(name, took))
}

impl Sensor for Http {
    fn measure<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Observation, SensorError>> {
        Box::pin(async move {
            let fetch = Fetch {
                settings: &self.settings,
                net: &self.net,
                kept: &self.kept,
                cx,
                deadline: Deadline::of(cx),
                phases: Phases::default(),
                notes: Vec::new(),
                whole: false,
                extra: None,
            };
            let observation = match fetch.run().await {
                Ok(answer) => self.judge(answer, cx.now()),
                Err(trouble) => trouble.observe(cx.now())?,
            };
            Ok(self.conceal(observation))
        })
    }
}
