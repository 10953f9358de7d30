//! `alpacalert.io/Icmp`: a host that answers echo requests.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use alpacalert_instrument::{
    BoxFuture, Context, Field, InstrumentError, Kind, KindSpec, Observation, Params, Reason,
    Registry, Scope, Sensor, SensorError, Shape, Target, Timestamp,
};
use alpacalert_model::{Limits, Measurement, Severity, Unit};
use futures_util::future::join_all;
use surge_ping::{Client, Config, ICMP, IcmpPacket, PingIdentifier, PingSequence, SurgeError};

use crate::net::{Deadline, Host, Net, Trouble, reason};

/// Between two requests: what `ping` allows users at the least.
const PAUSE: Duration = Duration::from_millis(200);

/// How long to wait for one answer: round the world twice, and a slow link.
const WAIT: Duration = Duration::from_secs(2);

/// As much as `ping` sends.
const PAYLOAD: [u8; 56] = [0; 56];

/// The types of an echo reply: RFC 792 and RFC 4443.
const ECHO_REPLY: u8 = 0;
const ECHO_REPLY_V6: u8 = 129;

const DOC: &str = "\
Sends echo requests, 200 ms apart, and counts the answers that come within 2 s each. Of a name that has several addresses the
first is asked, IPv4 before IPv6.

Needs no privileges where the system lets the user's group send echo requests, and `CAP_NET_RAW` elsewhere.

| state | reason | when |
|---|---|---|
| Failing | `timeout` | no request was answered |
| Failing | `host-unreachable` | a router on the way says that the host cannot be reached |
| Failing | `name-not-found` | the name does not exist, or has no address |
| Degraded, Failing | `limit` | the share of requests without an answer is above `loss`, or the mean round trip above `slower_than` |
| Unknown | `not-permitted` | this user may not send echo requests; the message says what to do |
| Unknown | `network-unreachable`, `out-of-resources`, `name-not-resolved` | as for `tcp` |
";

/// Adds the kind.
pub(crate) fn register(registry: &mut Registry, net: &Arc<Net>) {
    let net = net.clone();
    registry.register_kind(spec(), move |target: &Target, scope: &mut Scope<'_, '_>| {
        scope.sensor(Icmp::new(&target.params, net.clone())?);
        Ok(())
    });
}

fn spec() -> KindSpec {
    KindSpec {
        alias: Some("icmp"),
        doc: DOC,
        reference: &["host"],
        shorthand: Some("host"),
        example: "host: gateway.example.com\nloss: { degraded: 20%, failing: 60% }\nslower_than: { degraded: 50ms }",
        fields: vec![
            Field::required("host", Shape::Text, "The host: a name or an address."),
            Field::optional(
                "count",
                Shape::Int { min: 1, max: 20 },
                "How many requests to send.",
            )
            .default("5"),
            Field::optional(
                "loss",
                Shape::limits_above(Unit::Percent),
                "Limits for the share of requests without an answer.",
            )
            .default("degraded: 20%, failing: 60%"),
            Field::optional(
                "slower_than",
                Shape::limits_above(Unit::Seconds),
                "Limits for the mean time from a request to its answer.",
            )
            .default("off"),
        ],
        ..KindSpec::new(
            Kind::of("alpacalert.io/Icmp"),
            "A host answers echo requests, nearly all of them and in time",
        )
    }
}

struct Icmp {
    net: Arc<Net>,
    host: Host,
    count: u16,
    loss: Limits,
    slower_than: Limits,
}

/// What was seen: the round trip of each request, `None` for those without an answer.
struct Seen {
    address: IpAddr,
    trips: Vec<Option<Duration>>,
}

impl Icmp {
    fn new(params: &Params, net: Arc<Net>) -> Result<Icmp, InstrumentError> {
        let count = params
            .int("count")
            .and_then(|count| u16::try_from(count).ok());
        Ok(Icmp {
            net,
            host: Host::parse(params.required_text("host")?)?,
            count: count.unwrap_or(5).clamp(1, 20),
            loss: params.limits("loss", Limits::above(20.0, 60.0)),
            slower_than: params.limits("slower_than", Limits::above(None, None)),
        })
    }

    async fn look(&self, deadline: &Deadline) -> Result<Seen, Trouble> {
        let addresses = self.net.resolver.addresses(&self.host, deadline).await?;
        let Some(address) = addresses.first().copied() else {
            let text = format!("{} has no address", self.host);
            return Err(Trouble::target(reason::NAME_NOT_FOUND, text));
        };
        let kind = match address {
            IpAddr::V4(_) => ICMP::V4,
            IpAddr::V6(_) => ICMP::V6,
        };
        let config = Config::builder().kind(kind).build();
        let client = Client::new(&config).map_err(not_opened)?;
        // Told from those of other sensors by their number: a raw socket hears the answers to all.
        static NEXT: AtomicU16 = AtomicU16::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let identifier = PingIdentifier((std::process::id() as u16).wrapping_add(number));
        let echoes = (0..self.count).map(|sequence| {
            let client = &client;
            async move {
                tokio::time::sleep(PAUSE * u32::from(sequence)).await;
                let mut pinger = client.pinger(address, identifier).await;
                pinger.timeout(WAIT.min(deadline.left()));
                echoed(pinger.ping(PingSequence(sequence), &PAYLOAD).await)
            }
        });
        let trips: Result<Vec<_>, Trouble> = join_all(echoes).await.into_iter().collect();
        let trips = trips?;
        Ok(Seen { address, trips })
    }

    fn judge(&self, seen: Seen, at: Timestamp) -> Observation {
        let answered: Vec<Duration> = seen.trips.iter().flatten().copied().collect();
        let sent = seen.trips.len();
        let lost = 100.0 * (sent - answered.len()) as f64 / sent as f64;
        let mut observation = Observation::passing(at);
        if answered.is_empty() {
            let text = format!("{} answered none of {sent} echo requests", seen.address);
            observation = Observation::failing(Reason::TIMEOUT, text, at);
        }
        let loss = Measurement::new("loss", lost, Unit::Percent);
        observation = observation.measured(loss.against(self.loss));
        if let Some(most) = answered.iter().max() {
            let mean = answered.iter().sum::<Duration>() / answered.len() as u32;
            let mean = Measurement::duration("mean round trip", mean);
            observation = observation
                .measured(mean.against(self.slower_than))
                .measured(Measurement::duration("longest round trip", *most));
            if matches!(self.host, Host::Name(_)) {
                let text = format!("asked {}", seen.address);
                observation = observation.message(Severity::Info, text);
            }
        }
        observation
    }
}

/// What became of one request.
fn echoed(result: Result<(IcmpPacket, Duration), SurgeError>) -> Result<Option<Duration>, Trouble> {
    match result {
        Ok((packet, took)) => {
            let is_reply = match &packet {
                IcmpPacket::V4(packet) => packet.get_icmp_type().0 == ECHO_REPLY,
                IcmpPacket::V6(packet) => packet.get_icmpv6_type().0 == ECHO_REPLY_V6,
            };
            match is_reply {
                true => Ok(Some(took)),
                false => Err(Trouble::target(
                    reason::HOST_UNREACHABLE,
                    "a router on the way says that the host cannot be reached",
                )),
            }
        }
        Err(SurgeError::IOError(error)) => Err(Trouble::of_io(error, "sending an echo request")),
        // Lost, or answered with what cannot be read.
        Err(_) => Ok(None),
    }
}

fn not_opened(error: std::io::Error) -> Trouble {
    if error.kind() != std::io::ErrorKind::PermissionDenied {
        return Trouble::of_io(error, "opening a socket for ICMP");
    }
    Trouble::ours(
        reason::NOT_PERMITTED,
        "this user may not send echo requests; set the sysctl net.ipv4.ping_group_range to a range with the user's group, such as `0 2147483647`, or give the program CAP_NET_RAW",
    )
}

impl Sensor for Icmp {
    fn measure<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Observation, SensorError>> {
        Box::pin(async move {
            let deadline = Deadline::of(cx);
            let looking = self.look(&deadline);
            match deadline.phase("waiting for echo replies", looking).await {
                Ok(seen) => Ok(self.judge(seen, cx.now())),
                Err(trouble) => trouble.observe(cx.now()),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alpacalert_instrument::State;

    #[test]
    fn the_share_that_is_lost_is_held_against_its_limits() {
        let params = Params::new().with_text("host", "192.0.2.1");
        let icmp = Icmp::new(&params, Net::shared()).unwrap();
        let answered = Some(Duration::from_millis(3));
        // Of five; up to a fifth passes, up to three fifths degrade.
        let cases = [
            (0, State::Passing),
            (1, State::Passing),
            (2, State::Degraded),
            (3, State::Degraded),
            (4, State::Failing),
            (5, State::Failing),
        ];
        for (lost, state) in cases {
            let mut trips = vec![answered; 5 - lost];
            trips.resize(5, None);
            let address = IpAddr::from([192, 0, 2, 1]);
            let seen = icmp.judge(Seen { address, trips }, Timestamp::UNIX_EPOCH);
            assert_eq!(seen.state, state, "{lost}");
        }
    }
}
