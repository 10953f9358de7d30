//! `alpacalert.io/Tcp`: a port that accepts connections, and what it says.

use std::sync::Arc;
use std::time::Duration;

use alpacalert_instrument::{
    BoxFuture, Context, Field, InstrumentError, Kind, KindSpec, Observation, Params, Reason,
    Registry, Scope, Sensor, SensorError, Shape, Target, Timestamp,
};
use alpacalert_model::{Limits, Measurement, Severity, Unit};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::net::{self, Connected, Deadline, Endpoint, Net, Pattern, Trouble, excerpt};

const ANSWER: Reason = Reason::fixed("answer");

/// How much of an answer is looked at. Banners and one-line protocols fit many times over.
const ANSWER_BYTES: usize = 16 * 1024;

const DOC: &str = "\
Connects to a port, closes the connection again, and, where asked to, sends something and reads the answer.

The name is looked up for each measurement. Every address of it is tried in turn, with an equal share of the time, until
one accepts; addresses that did not are mentioned in a message.

| state | reason | when |
|---|---|---|
| Failing | `connection-refused` | nothing listens on the port |
| Failing | `timeout` | no address accepted, or the answer did not come, within the time-out |
| Failing | `host-unreachable` | a router on the way says that the host cannot be reached |
| Failing | `name-not-found` | the name does not exist, or has no address |
| Failing | `connection-closed` | the connection ended before the answer was complete |
| Failing | `answer` | the answer, up to 16 KiB of it, does not match `expect` |
| Degraded, Failing | `limit` | the connection took longer than `slower_than` |
| Unknown | `network-unreachable` | this machine has no route there |
| Unknown | `out-of-resources` | this machine has no file handle or local port left |
| Unknown | `not-permitted` | this machine does not allow the connection |
| Unknown | `name-not-resolved` | the resolver of this machine does not answer, or cannot tell |
";

/// Adds the kind.
pub(crate) fn register(registry: &mut Registry, net: &Arc<Net>) {
    let net = net.clone();
    registry.register_kind(spec(), move |target: &Target, scope: &mut Scope<'_, '_>| {
        scope.sensor(Tcp::new(&target.params, net.clone())?);
        Ok(())
    });
}

fn spec() -> KindSpec {
    KindSpec {
        alias: Some("tcp"),
        doc: DOC,
        reference: &["address"],
        shorthand: Some("address"),
        example: "address: mail.example.com:25\nexpect: ^220 \nslower_than: { degraded: 200ms, failing: 2s }",
        fields: vec![
            Field::required(
                "address",
                Shape::Address,
                "Where to connect: `host:port`, with brackets around an IPv6 address.",
            ),
            Field::optional(
                "send",
                Shape::Text,
                "Text to send once connected, in UTF-8. Nothing is added: write the line end as `\\r\\n` in double quotes.",
            ),
            Field::optional(
                "expect",
                Shape::Regex,
                "What must be found in the answer, of which up to 16 KiB are read.",
            ),
            Field::optional(
                "slower_than",
                Shape::limits_above(Unit::Seconds),
                "Limits for the time that the connection takes, without looking up the name.",
            )
            .default("off"),
        ],
        ..KindSpec::new(
            Kind::of("alpacalert.io/Tcp"),
            "A TCP port accepts connections and says what it should",
        )
    }
}

struct Tcp {
    net: Arc<Net>,
    endpoint: Endpoint,
    send: Option<Box<str>>,
    expect: Option<Pattern>,
    slower_than: Limits,
}

/// What was seen.
struct Seen {
    resolving: Duration,
    connecting: Duration,
    notes: Vec<String>,
    answer: Option<Answer>,
}

struct Answer {
    bytes: Vec<u8>,
    matches: bool,
    took: Duration,
}

impl Tcp {
    fn new(params: &Params, net: Arc<Net>) -> Result<Tcp, InstrumentError> {
        Ok(Tcp {
            net,
            endpoint: Endpoint::parse(params.required_text("address")?, None)?,
            send: params.text("send").map(Into::into),
            expect: params.text("expect").map(Pattern::parse).transpose()?,
            slower_than: params.limits("slower_than", Limits::above(None, None)),
        })
    }

    async fn look(&self, deadline: &Deadline) -> Result<Seen, Trouble> {
        let Connected {
            mut stream,
            resolving,
            connecting,
            notes,
        } = self.net.connect(&self.endpoint, deadline).await?;
        let begun = Instant::now();
        if let Some(send) = &self.send {
            let sending = async {
                let sent = stream.write_all(send.as_bytes()).await;
                sent.map_err(|error| net::broken(error, "sending"))
            };
            deadline.phase("sending", sending).await?;
        }
        let answer = match &self.expect {
            Some(pattern) => {
                let reading = read_until(&mut stream, pattern);
                let (bytes, matches) = deadline
                    .phase("waiting for the expected answer", reading)
                    .await?;
                let took = begun.elapsed();
                Some(Answer {
                    bytes,
                    matches,
                    took,
                })
            }
            None => None,
        };
        Ok(Seen {
            resolving,
            connecting,
            notes,
            answer,
        })
    }

    fn judge(&self, seen: Seen, at: Timestamp) -> Observation {
        let mut observation = Observation::passing(at);
        if let (Some(answer), Some(pattern)) = (&seen.answer, &self.expect)
            && !answer.matches
        {
            let text = format!(
                "the answer `{}` does not match `{}`",
                excerpt(&answer.bytes),
                pattern.as_str()
            );
            observation = Observation::failing(ANSWER, text, at);
        }
        observation = observation.measured(
            Measurement::duration("connect time", seen.connecting).against(self.slower_than),
        );
        if !seen.resolving.is_zero() {
            observation = observation.measured(Measurement::duration("name time", seen.resolving));
        }
        if let Some(answer) = &seen.answer {
            observation = observation.measured(Measurement::duration("answer time", answer.took));
        }
        for note in seen.notes {
            observation = observation.message(Severity::Info, note);
        }
        observation
    }
}

/// Reads until the pattern is found, the connection ends, or there is more than we look at.
async fn read_until(stream: &mut TcpStream, pattern: &Pattern) -> Result<(Vec<u8>, bool), Trouble> {
    let mut bytes = Vec::new();
    loop {
        let room = (ANSWER_BYTES - bytes.len()) as u64;
        let read = (&mut *stream).take(room).read_buf(&mut bytes).await;
        let read = read.map_err(|error| net::broken(error, "waiting for the expected answer"))?;
        if pattern.is_match(&bytes) {
            return Ok((bytes, true));
        }
        if read == 0 && bytes.is_empty() {
            return Err(Trouble::target(
                net::reason::CONNECTION_CLOSED,
                "the connection was closed without an answer",
            ));
        }
        if read == 0 || bytes.len() >= ANSWER_BYTES {
            return Ok((bytes, false));
        }
    }
}

impl Sensor for Tcp {
    fn measure<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Observation, SensorError>> {
        Box::pin(async move {
            match self.look(&Deadline::of(cx)).await {
                Ok(seen) => Ok(self.judge(seen, cx.now())),
                Err(trouble) => trouble.observe(cx.now()),
            }
        })
    }
}
