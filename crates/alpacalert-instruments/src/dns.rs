//! `alpacalert.io/Dns`: what a DNS server answers.

mod answer;
mod query;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use alpacalert_instrument::{
    BoxFuture, Context, Field, InstrumentError, Kind, KindSpec, Observation, Params, Registry,
    Scope, Sensor, SensorError, Shape, Target, Timestamp,
};
use alpacalert_model::{Limits, Measurement, Severity, Unit};
use hickory_resolver::proto::op::Message;
use hickory_resolver::proto::rr::{Name, RecordType};
use hickory_resolver::system_conf::read_system_conf;
use tokio::time::Instant;

use crate::net::{Deadline, Endpoint, Net, Trouble, reason};
use answer::{Match, comparable, judge_code, judge_records, records, shown};

const RECORDS: [&str; 10] = [
    "A", "AAAA", "CNAME", "MX", "TXT", "NS", "SOA", "SRV", "PTR", "CAA",
];

const DOC: &str = "\
Asks a DNS server for the records of a name and holds the answer against what is expected. The question goes over UDP, again
when it may have been lost, and over TCP when the answer does not fit. The name is taken as it is: search domains do not apply.

Without `resolver` the resolvers of this machine are asked, in order, until one answers: then their silence is our fault and not
the name's. With `resolver` the server is what is measured.

Answers are compared without regard to their order, to the case of names and to final dots: an MX record is written
`10 mail.example.com`, an SRV record `0 5 443 www.example.com`, a CAA record `0 issue \"ca.example\"`. A `PTR` question
takes an address as its name.

| state | reason | when |
|---|---|---|
| Failing | `nxdomain` | the name does not exist |
| Failing | `no-record` | the name exists, and has no such record |
| Failing | `answer` | the records are not those in `expect`; the message says which are missing or not expected |
| Failing | `servfail` | the server says that it failed: SERVFAIL |
| Failing | `query-refused` | the server does not want to answer: REFUSED |
| Failing | `response-code` | the server answers with another error |
| Failing | `protocol` | the answer is not DNS |
| Failing | `timeout` | `resolver` does not answer within the time-out |
| Failing | `connection-refused` | nothing listens at `resolver` |
| Degraded, Failing | `limit` | the answer took longer than `slower_than` |
| Unknown | `name-not-resolved` | no resolver of this machine answers |
| Unknown | `cannot-read` | the list of resolvers of this machine cannot be read |
| Unknown | `network-unreachable`, `out-of-resources`, `not-permitted` | as for `tcp` |
";

/// Adds the kind.
pub(crate) fn register(registry: &mut Registry, net: &Arc<Net>) {
    let net = net.clone();
    registry.register_kind(spec(), move |target: &Target, scope: &mut Scope<'_, '_>| {
        scope.sensor(Dns::new(&target.params, net.clone())?);
        Ok(())
    });
}

fn spec() -> KindSpec {
    KindSpec {
        alias: Some("dns"),
        doc: DOC,
        reference: &["name", "record"],
        shorthand: Some("name"),
        example: "name: example.com\nrecord: MX\nexpect: [10 mail.example.com]\nresolver: 192.0.2.53",
        fields: vec![
            Field::required("name", Shape::Text, "The name to ask for; for `PTR` an address will do."),
            Field::optional("record", Shape::OneOf(RECORDS.to_vec()), "The type of record.")
                .default("A"),
            Field::optional(
                "resolver",
                Shape::Text,
                "The server to ask: an address or a name, with or without a port.",
            )
            .default("the resolvers of this machine"),
            Field::optional(
                "expect",
                Shape::OneOrMany(Box::new(Shape::Text)),
                "The answers that should come.",
            )
            .default("any answer"),
            Field::optional(
                "match",
                Shape::OneOf(Match::WORDS.to_vec()),
                "`all`: every expected answer comes; `any`: at least one does; `exact`: these come and no others.",
            )
            .default("all"),
            Field::optional(
                "slower_than",
                Shape::limits_above(Unit::Seconds),
                "Limits for how long the answer takes.",
            )
            .default("off"),
        ],
        ..KindSpec::new(
            Kind::of("alpacalert.io/Dns"),
            "A DNS server gives the records that it should",
        )
    }
}

struct Dns {
    net: Arc<Net>,
    name: Name,
    record: RecordType,
    resolver: Option<Endpoint>,
    expect: Box<[String]>,
    how: Match,
    slower_than: Limits,
}

/// What was seen.
struct Seen {
    answer: Message,
    server: SocketAddr,
    took: Duration,
    notes: Vec<String>,
}

impl Dns {
    fn new(params: &Params, net: Arc<Net>) -> Result<Dns, InstrumentError> {
        let record = params.text("record").unwrap_or("A");
        let record: RecordType = record
            .parse()
            .map_err(|_| InstrumentError::new(format!("`{record}` is not a type of record")))?;
        let resolver = params.text("resolver");
        let expect = params.texts("expect");
        Ok(Dns {
            net,
            name: name(params.required_text("name")?, record)?,
            record,
            resolver: resolver
                .map(|text| Endpoint::parse(text, Some(53)))
                .transpose()?,
            expect: expect.iter().map(|e| comparable(record, e)).collect(),
            how: params
                .text("match")
                .and_then(Match::parse)
                .unwrap_or(Match::All),
            slower_than: params.limits("slower_than", Limits::above(None, None)),
        })
    }

    async fn look(&self, deadline: &Deadline) -> Result<Seen, Trouble> {
        let servers = self.servers(deadline).await?;
        let mut notes = Vec::new();
        let mut last = None;
        for (tried, server) in servers.iter().enumerate() {
            let share = deadline.left() / u32::try_from(servers.len() - tried).unwrap_or(1);
            let begun = Instant::now();
            match query::ask(*server, &self.name, self.record, share, deadline).await {
                Ok(answer) => {
                    return Ok(Seen {
                        answer,
                        server: *server,
                        took: begun.elapsed(),
                        notes,
                    });
                }
                Err(trouble) => {
                    if let Trouble::Target { text, .. } = &trouble {
                        notes.push(text.clone());
                    }
                    last = Some(trouble);
                }
            }
        }
        match (last, &self.resolver) {
            (Some(trouble), Some(_)) => Err(trouble),
            (Some(Trouble::Ours(error)), None) => Err(Trouble::Ours(error)),
            _ => Err(Trouble::ours(
                reason::NAME_NOT_RESOLVED,
                format!("no resolver of this machine answers: {}", notes.join("; ")),
            )),
        }
    }

    async fn servers(&self, deadline: &Deadline) -> Result<Vec<SocketAddr>, Trouble> {
        if let Some(resolver) = &self.resolver {
            let addresses = self
                .net
                .resolver
                .addresses(&resolver.host, deadline)
                .await?;
            let port = resolver.port;
            return Ok(addresses.into_iter().map(|ip| (ip, port).into()).collect());
        }
        let (config, _) = read_system_conf().map_err(|error| {
            let text =
                format!("cannot read the resolvers of this machine from /etc/resolv.conf: {error}");
            Trouble::ours(reason::CANNOT_READ, text)
        })?;
        let servers = config.name_servers().iter();
        Ok(servers
            .map(|server| SocketAddr::new(server.ip, 53))
            .collect())
    }

    fn judge(&self, seen: Seen, at: Timestamp) -> Observation {
        let what = format!("{} record of {}", self.record, self.name);
        let (came, keep) = records(&seen.answer, self.record);
        let code = seen.answer.metadata.response_code;
        let mut observation = judge_code(code, &what, Observation::passing(at));
        if observation.state == alpacalert_instrument::State::Passing {
            observation = judge_records(&came, &self.expect, self.how, &what, observation);
        }
        observation = observation
            .measured(Measurement::duration("answer time", seen.took).against(self.slower_than))
            .measured(Measurement::new("answers", came.len() as f64, Unit::Count));
        if let Some(keep) = keep {
            let measurement = Measurement::new("time to live", f64::from(keep), Unit::Seconds);
            observation = observation.measured(measurement);
        }
        let server = seen.server;
        if !came.is_empty() {
            let text = format!("{server} answers {}", shown(came.iter()));
            observation = observation.message(Severity::Info, text);
        }
        for note in seen.notes {
            observation = observation.message(Severity::Info, note);
        }
        observation
    }
}

fn name(text: &str, record: RecordType) -> Result<Name, InstrumentError> {
    if let (RecordType::PTR, Ok(ip)) = (record, text.parse::<IpAddr>()) {
        return Ok(Name::from(ip));
    }
    let mut name = Name::from_str_relaxed(text)
        .map_err(|error| InstrumentError::new(format!("`{text}` is not a name of DNS: {error}")))?;
    name.set_fqdn(true);
    Ok(name)
}

impl Sensor for Dns {
    fn measure<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Observation, SensorError>> {
        Box::pin(async move {
            match self.look(&Deadline::of(cx)).await {
                Ok(seen) => Ok(self.judge(seen, cx.now())),
                Err(trouble) => trouble.observe(cx.now()),
            }
        })
    }
}
