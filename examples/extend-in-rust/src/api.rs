//! What Grafana says about its alerts, and how to ask it.
//!
//! Grafana answers at `/api/prometheus/grafana/api/v1/rules` in the form of Prometheus' own `/api/v1/rules`, so that
//! everything here works with both. An alert's dashboard is its annotation `__dashboardUid__` in Grafana; Prometheus has
//! no dashboards, so there it is the label `dashboard`.

use std::collections::{BTreeMap, BTreeSet};

use alpacalert_instrument::{Context, Observation, Reason, SensorError, State, Timestamp};
use alpacalert_model::{Message, Severity};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::{Request, StatusCode, Uri, header};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::net::TcpStream;

/// Where alerts are asked for, and with what.
#[derive(Clone)]
pub struct Api {
    url: Uri,
    token: Option<String>,
}

impl Api {
    /// An API at a URL such as `http://grafana:3000/api/prometheus/grafana/api/v1/rules`, with a service account's token.
    pub fn new(url: Uri, token: Option<String>) -> Self {
        Api { url, token }
    }

    /// Asks once for all alerts.
    pub async fn alerts(&self, cx: &Context) -> Result<Alerts, SensorError> {
        let refused = |error: BoxError| {
            let doing = format!("cannot get alerts from {}", self.url);
            SensorError::new(Reason::fixed("no-answer"), doing).because(error)
        };
        let body = self.get(cx).await.map_err(refused)?;
        Alerts::parse(&body, cx.now()).map_err(|error| {
            let doing = format!("cannot read the alerts from {}", self.url);
            SensorError::new(Reason::fixed("bad-answer"), doing).because(error)
        })
    }

    async fn get(&self, cx: &Context) -> Result<Bytes, BoxError> {
        let authority = self.url.authority().ok_or("the URL names no host")?;
        let port = authority.port_u16().unwrap_or(80);
        let stream = TcpStream::connect((authority.host(), port)).await?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let path = self.url.path_and_query().map_or("/", |path| path.as_str());
        let mut request = Request::get(path).header(header::HOST, authority.as_str());
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let asking = async {
            let response = sender
                .send_request(request.body(Empty::<Bytes>::new())?)
                .await?;
            if response.status() != StatusCode::OK {
                return Err(format!("the server said {}", response.status()).into());
            }
            // Whoever answers must not be able to fill our memory.
            let body = Limited::new(response.into_body(), cx.limits.body_bytes);
            Ok(body.collect().await?.to_bytes())
        };
        // The connection only makes progress while it is polled, and ends with what it was opened for. Why it ended early
        // is what `asking` says.
        let driving = async {
            let _ = connection.await;
            std::future::pending().await
        };
        tokio::select! {
            answer = asking => answer,
            never = driving => never,
        }
    }
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Every alert, as it was at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Alerts {
    by_reference: BTreeMap<String, Alert>,
}

/// One alert.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// What people call it. Not unique.
    pub name: String,
    /// The dashboard it belongs to.
    pub dashboard: String,
    /// How it is, and since when that is known.
    pub observation: Observation,
}

impl Alerts {
    /// The dashboard of alerts that are on none.
    pub const NO_DASHBOARD: &str = "without a dashboard";

    /// Reads an answer that arrived at `now`.
    pub fn parse(body: &[u8], now: Timestamp) -> Result<Alerts, serde_json::Error> {
        let answer: Answer = serde_json::from_slice(body)?;
        let mut by_reference = BTreeMap::new();
        for group in answer.data.groups {
            for rule in group
                .rules
                .into_iter()
                .filter(|rule| rule.kind == "alerting")
            {
                let first = format!("{}/{}/{}", group.file, group.name, rule.name);
                // A group may hold several rules of one name; none of them may hide another.
                let reference = (2..).map(|n| format!("{first} ({n})"));
                let reference = std::iter::once(first.clone())
                    .chain(reference)
                    .find(|reference| !by_reference.contains_key(reference))
                    .unwrap_or(first);
                by_reference.insert(reference, rule.into_alert(now));
            }
        }
        Ok(Alerts { by_reference })
    }

    /// Every alert with what tells it from the others.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Alert)> {
        self.by_reference
            .iter()
            .map(|(r, alert)| (r.as_str(), alert))
    }

    /// One alert.
    pub fn get(&self, reference: &str) -> Option<&Alert> {
        self.by_reference.get(reference)
    }

    /// The names of the dashboards that have alerts, in order.
    pub fn dashboards(&self) -> BTreeSet<&str> {
        self.iter()
            .map(|(_, alert)| alert.dashboard.as_str())
            .collect()
    }

    /// The alerts of a dashboard.
    pub fn of<'a>(&'a self, dashboard: &'a str) -> impl Iterator<Item = (&'a str, &'a Alert)> {
        self.iter()
            .filter(move |(_, alert)| alert.dashboard == dashboard)
    }
}

#[derive(Deserialize)]
struct Answer {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    name: String,
    #[serde(default)]
    file: String,
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    health: String,
    #[serde(default)]
    last_error: String,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
    #[serde(default)]
    last_evaluation: Option<String>,
}

impl Rule {
    fn into_alert(mut self, now: Timestamp) -> Alert {
        let observation = self.observation(now);
        let dashboard = self
            .annotations
            .remove("__dashboardUid__")
            .or_else(|| self.labels.remove("dashboard"))
            .unwrap_or_else(|| Alerts::NO_DASHBOARD.to_owned());
        Alert {
            name: self.name,
            dashboard,
            observation,
        }
    }

    /// An alert that fires is a fault of the target. An alert that could not be evaluated is no news about the target.
    fn observation(&self, now: Timestamp) -> Observation {
        let evaluated = self.last_evaluation.as_deref();
        let at = evaluated.and_then(|text| text.parse().ok()).unwrap_or(now);
        let (state, reason) = match (self.health.as_str(), self.state.as_str()) {
            ("ok", "inactive") => (State::Passing, Reason::OK),
            ("ok", "pending") => (State::Degraded, Reason::fixed("alert-pending")),
            ("ok", "firing") => (State::Failing, Reason::fixed("alert-firing")),
            ("unknown", _) => (State::Unknown, Reason::fixed("alert-not-evaluated")),
            _ => (State::Unknown, Reason::fixed("alert-broken")),
        };
        let mut observation = Observation::new(state, reason, at);
        let summary = self
            .annotations
            .get("summary")
            .filter(|_| state != State::Passing);
        let texts = summary.into_iter().chain(Some(&self.last_error));
        for text in texts.filter(|text| !text.is_empty()) {
            let message = Message::new(Severity::from(state), text.clone());
            observation.messages.push(message);
        }
        observation
    }
}
