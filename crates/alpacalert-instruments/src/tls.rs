//! `alpacalert.io/Tls`: the certificates that a server shows.

mod starttls;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use alpacalert_instrument::{
    BoxFuture, Context, Field, InstrumentError, Kind, KindSpec, Observation, Params, Registry,
    Scope, Sensor, SensorError, Shape, State, Target, Timestamp,
};
use alpacalert_model::{Limits, Measurement, Severity, Unit};

use crate::net::tls::{Certificate, Handshaken, TlsSettings, counted};
use crate::net::{Deadline, Endpoint, Host, Net, Trouble};
use starttls::Starttls;

const DAY: f64 = 86_400.0;

/// Certificates of 90 days are renewed with 30 left (Let's Encrypt, "Integration Guide"): three weeks left means that the
/// renewal has failed for more than a week, one week that somebody must act now.
const DEGRADED_DAYS: f64 = 21.0;
const FAILING_DAYS: f64 = 7.0;

const DOC: &str = "\
Connects, speaks TLS 1.2 or 1.3, and judges the certificates that the server shows: whether they lead to one that is trusted,
are for this host, are within their time, and have keys and signatures that cannot be forged. Nothing else is sent.

A bad certificate does not end the look: everything that is wrong is told, with subject, issuer and dates. The time left
counts for every certificate of the chain but a root. A certificate that stands in the file `ca` itself is trusted as it is.
Revocation is not looked at.

| state | reason | when |
|---|---|---|
| Degraded, Failing | `limit` | the time left of a certificate is below `time_left` |
| Failing | `tls-expired` | a certificate of the chain has expired |
| Failing | `tls-not-yet-valid` | a certificate of the chain is not valid yet |
| Failing | `tls-wrong-host` | the certificate is for other hosts |
| Failing | `tls-self-signed` | the certificate is signed by itself, and not trusted |
| Failing | `tls-unknown-issuer` | nobody who is trusted vouches for it, or a certificate in between is not sent |
| Failing | `tls-weak-key` | RSA below 2048 bits, EC below 224 bits, DSA |
| Failing | `tls-weak-signature` | MD2, MD5 or SHA-1 in the chain, but for the root |
| Failing | `tls-invalid` | the certificate is broken, or not for servers |
| Failing | `tls-protocol-version` | no version or cipher in common |
| Failing | `tls-not-spoken` | what answers does not speak TLS |
| Failing | `tls-client-certificate` | the server asks for a client certificate |
| Failing | `tls-handshake` | the server ends the handshake for another reason |
| Failing | `starttls` | the server does not start TLS when asked |
| Failing | `timeout` | no answer within the time-out |
| Failing | `connection-refused`, `connection-closed`, `host-unreachable`, `name-not-found` | as for `tcp` |
| Unknown | `cannot-read` | the file `ca`, or the certificates that this machine trusts, cannot be read |
| Unknown | `network-unreachable`, `out-of-resources`, `not-permitted`, `name-not-resolved` | as for `tcp` |
";

/// Adds the kind.
pub(crate) fn register(registry: &mut Registry, net: &Arc<Net>) {
    let net = net.clone();
    registry.register_kind(spec(), move |target: &Target, scope: &mut Scope<'_, '_>| {
        scope.sensor(Tls::new(&target.params, net.clone())?);
        Ok(())
    });
}

fn spec() -> KindSpec {
    KindSpec {
        alias: Some("tls"),
        doc: DOC,
        reference: &["address"],
        shorthand: Some("address"),
        example: "address: mail.example.com:25\nstarttls: smtp\ntime_left: { degraded: 21d, failing: 7d }",
        fields: vec![
            Field::required(
                "address",
                Shape::Address,
                "Where to connect: `host:port`, with brackets around an IPv6 address.",
            ),
            Field::optional(
                "server_name",
                Shape::Text,
                "The name to ask for, and to find in the certificate.",
            )
            .default("the host of `address`"),
            Field::optional(
                "starttls",
                Shape::OneOf(Starttls::WORDS.to_vec()),
                "The protocol in which to ask for TLS first.",
            )
            .default("TLS from the first byte"),
            Field::optional(
                "ca",
                Shape::Path,
                "A PEM file of the certificates to trust, in place of those that this machine trusts.",
            )
            .default("what this machine trusts"),
            Field::optional(
                "time_left",
                Shape::limits_below(Unit::Seconds),
                "Limits for how long each certificate of the chain must still be valid.",
            )
            .default("degraded: 21d, failing: 7d"),
        ],
        ..KindSpec::new(
            Kind::of("alpacalert.io/Tls"),
            "A TLS server shows certificates that are trusted, for this host, and not about to expire",
        )
    }
}

struct Tls {
    net: Arc<Net>,
    endpoint: Endpoint,
    server: Host,
    starttls: Option<Starttls>,
    settings: TlsSettings,
    time_left: Limits,
}

impl Tls {
    fn new(params: &Params, net: Arc<Net>) -> Result<Tls, InstrumentError> {
        let endpoint = Endpoint::parse(params.required_text("address")?, None)?;
        let server = params.text("server_name").map(Host::parse).transpose()?;
        let usual = Limits::below(DEGRADED_DAYS * DAY, FAILING_DAYS * DAY);
        Ok(Tls {
            net,
            server: server.unwrap_or_else(|| endpoint.host.clone()),
            endpoint,
            starttls: params.text("starttls").and_then(Starttls::parse),
            settings: TlsSettings {
                ca: params.text("ca").map(PathBuf::from),
                ..TlsSettings::default()
            },
            time_left: params.limits("time_left", usual),
        })
    }

    async fn look(&self, deadline: &Deadline, now: Timestamp) -> Result<Seen, Trouble> {
        let mut connected = self.net.connect(&self.endpoint, deadline).await?;
        if let Some(starttls) = self.starttls {
            let asking = starttls.ask(&mut connected.stream);
            deadline.phase("asking for STARTTLS", asking).await?;
        }
        let shaken = self
            .net
            .tls
            .handshake(
                connected.stream,
                &self.settings,
                &self.server,
                deadline,
                now,
            )
            .await?;
        Ok(Seen {
            connecting: connected.connecting,
            notes: connected.notes,
            shaken,
        })
    }

    fn judge(&self, seen: Seen, now: Timestamp) -> Observation {
        let Handshaken {
            chain,
            defects,
            version,
            took,
            ..
        } = seen.shaken;
        let mut observation = Observation::passing(now);
        for defect in defects {
            observation = observation.worsened(State::Failing, defect.reason, defect.text);
        }
        for measurement in times_left(&chain, now, self.time_left) {
            observation = observation.measured(measurement);
        }
        observation = observation
            .measured(Measurement::duration("connect time", seen.connecting))
            .measured(Measurement::duration("handshake time", took));
        if let Some(leaf) = chain.first() {
            observation = observation.message(Severity::Info, evidence(leaf, version));
        }
        for note in seen.notes {
            observation = observation.message(Severity::Info, note);
        }
        observation
    }
}

/// What was seen.
struct Seen {
    connecting: Duration,
    notes: Vec<String>,
    shaken: Handshaken<tokio::net::TcpStream>,
}

/// The time left of each certificate that counts, against limits: the server's own under `time left`.
pub(crate) fn times_left(
    chain: &[Certificate],
    now: Timestamp,
    limits: Limits,
) -> impl Iterator<Item = Measurement> {
    counted(chain)
        .enumerate()
        .filter_map(move |(position, certificate)| {
            let name = match position {
                0 => "time left".into(),
                _ => format!("time left of {}", certificate.subject),
            };
            let left = certificate.left(now)?;
            Some(Measurement::new(name, left, Unit::Seconds).against(limits))
        })
}

/// Whose the certificate is, from whom, and until when.
fn evidence(leaf: &Certificate, version: &str) -> String {
    let until = leaf
        .until
        .map(|until| until.to_string())
        .unwrap_or_default();
    format!(
        "{version}; certificate {}, issued by {}, valid until {until}",
        leaf.subject, leaf.issuer
    )
}

impl Sensor for Tls {
    fn measure<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Observation, SensorError>> {
        Box::pin(async move {
            match self.look(&Deadline::of(cx), cx.now()).await {
                Ok(seen) => Ok(self.judge(seen, cx.now())),
                Err(trouble) => trouble.observe(cx.now()),
            }
        })
    }
}
