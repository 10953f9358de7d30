//! Sources of the sorts `statuspage`, `gatus` and `uptime-kuma`: what other programs publish, consumed like the services of
//! another instance.

mod checked;
mod gatus;
mod named;
mod spec;
mod statuspage;
mod uptime_kuma;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use alpacalert_instrument::{
    BoxFuture, Builder, Context, InstrumentError, Params, Reason, Registry, SensorError, Snapshot,
    Source, SourceProvider, SourceSpec, Timestamp, Value,
};
use http::{StatusCode, header};

use crate::alpacalert::read::{MALFORMED, Published, SERVICES_MAX};
use crate::alpacalert::{ANSWER_MAX, Told, unreachable};
use crate::http::{Client, Reply};
use crate::net::Net;
use checked::Checked;
use named::Part;

/// Adds the sources.
pub(crate) fn register(registry: &mut Registry, net: &Arc<Net>) {
    for sort in [Sort::Statuspage, Sort::Gatus, Sort::UptimeKuma] {
        let net = net.clone();
        registry.register_source(Provider { sort, net });
    }
}

/// What makes the page.
#[derive(Clone, Copy)]
enum Sort {
    Statuspage,
    Gatus,
    UptimeKuma,
}

struct Provider {
    sort: Sort,
    net: Arc<Net>,
}

impl SourceProvider for Provider {
    fn spec(&self) -> SourceSpec {
        match self.sort {
            Sort::Statuspage => spec::statuspage(),
            Sort::Gatus => spec::gatus(),
            Sort::UptimeKuma => spec::uptime_kuma(),
        }
    }

    fn source(&self, name: &Arc<str>, params: &Params) -> Result<Arc<dyn Source>, InstrumentError> {
        let url = params.required_text("url")?.trim_end_matches('/');
        let paths = match self.sort {
            Sort::Statuspage => vec![statuspage::PATH.to_owned()],
            Sort::Gatus => vec![gatus::PATH.to_owned()],
            Sort::UptimeKuma => uptime_kuma::paths(params.text("page"))?.to_vec(),
        };
        let mut keys = Params::new();
        for (ours, theirs) in [("token", "bearer"), ("ca", "ca")] {
            if let Some(text) = params.text(ours) {
                keys = keys.with_text(theirs, text);
            }
        }
        if let Some(basic) = params.get("basic") {
            keys = keys.with("basic", Value::clone(basic));
        }
        let client = |path: &String| {
            let url = format!("{url}{path}");
            Client::new(&url, keys.clone(), ANSWER_MAX, self.net.clone())
        };
        Ok(Arc::new(Page {
            name: name.clone(),
            sort: self.sort,
            owner: params.text("owner").map(str::to_owned),
            max_age: params.duration("max_age"),
            documents: paths.iter().map(client).collect::<Result<_, _>>()?,
            checked: Mutex::default(),
        }))
    }
}

/// A status page.
struct Page {
    name: Arc<str>,
    sort: Sort,
    owner: Option<String>,
    max_age: Option<Duration>,
    documents: Vec<Client>,
    checked: Mutex<Checked>,
}

/// What a page tells.
struct Said {
    /// What it calls itself.
    title: Option<String>,
    parts: Vec<Part>,
}

/// What is known where a page is read.
struct Reading<'a> {
    checked: &'a mut Checked,
    max_age: Option<Duration>,
    /// The time of day where the page is made.
    now: Timestamp,
}

impl Source for Page {
    fn fetch<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Snapshot, SensorError>> {
        Box::pin(async move {
            let mut replies = Vec::new();
            for document in &self.documents {
                let reply = document.get(None, cx).await.map_err(unreachable)?;
                replies.push(self.whole(reply)?);
            }
            let at = cx.now();
            let published = Arc::new(self.read(&replies, at)?);
            Ok(Snapshot::new(Told { published, at }))
        })
    }

    /// What is consumed is asked for by those who depend on it; what nobody depends on is not shown.
    fn assemble(&self, _: &Snapshot, _: &mut Builder<'_>) -> Result<(), InstrumentError> {
        Ok(())
    }

    /// No more often than anything new can be there: these pages are made from time to time, and remembered in between.
    fn interval(&self) -> Duration {
        Duration::from_secs(match self.sort {
            Sort::Gatus => 10,
            Sort::Statuspage | Sort::UptimeKuma => 60,
        })
    }
}

impl Page {
    fn whole(&self, reply: Reply) -> Result<Reply, SensorError> {
        if reply.status != StatusCode::OK {
            return Err(self.refused(reply.status));
        }
        if !reply.is_whole {
            let text = format!("the answer is larger than {} MiB", ANSWER_MAX / 1024 / 1024);
            return Err(SensorError::new(Reason::fixed("too-much-output"), text));
        }
        Ok(reply)
    }

    fn refused(&self, status: StatusCode) -> SensorError {
        let name = &self.name;
        let (reason, text) = match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => (
                Reason::fixed("token-refused"),
                format!("`{name}` does not let us in ({status}); see the keys of the source"),
            ),
            StatusCode::NOT_FOUND => (
                Reason::fixed("no-status-page"),
                format!("there is no such page (404 Not Found); see `url` of the source `{name}`"),
            ),
            _ => (
                Reason::fixed("unexpected-status"),
                format!("it answers {status}"),
            ),
        };
        SensorError::new(reason, text)
    }

    /// What the answers amount to. What is wrong with one part is told of that one; what is wrong with the whole is an error.
    fn read(&self, replies: &[Reply], now: Timestamp) -> Result<Published, SensorError> {
        let mut checked = self.checked.lock().unwrap_or_else(|e| e.into_inner());
        let reading = Reading {
            checked: &mut checked,
            max_age: self.max_age,
            now: replies.iter().filter_map(date).next_back().unwrap_or(now),
        };
        let bodies: Vec<&[u8]> = replies.iter().map(|reply| &*reply.body).collect();
        let said = match (self.sort, &*bodies) {
            (Sort::Statuspage, [summary]) => {
                self.fresh(&replies[0])?;
                statuspage::read(summary)
            }
            (Sort::Gatus, [statuses]) => gatus::read(statuses, reading),
            (Sort::UptimeKuma, [page, beats]) => uptime_kuma::read(page, beats, reading),
            _ => return Err(malformed("a document is missing")),
        };
        let said = said.map_err(|problem| malformed(&problem))?;
        if said.parts.len() > SERVICES_MAX {
            let count = said.parts.len();
            let text = format!("it has {count} parts, more than {SERVICES_MAX}");
            return Err(malformed(&text));
        }
        let instance = said.title.unwrap_or_else(|| self.name.to_string());
        let owner = self.owner.clone().unwrap_or_else(|| instance.clone());
        Ok(Published {
            services: named::services(said.parts, &instance, &owner, now).into(),
            instance,
            is_instance: false,
            generated_at: now,
            ttl: self.interval() * 3,
        })
    }

    /// Says when something in between has remembered the page for too long: the page itself says when it was changed, and a page that
    /// nobody has had to change for a month is a good one.
    fn fresh(&self, reply: &Reply) -> Result<(), SensorError> {
        let age = reply
            .headers
            .get(header::AGE)
            .and_then(|age| age.to_str().ok());
        let age = age
            .and_then(|age| age.trim().parse().ok())
            .map(Duration::from_secs);
        let most = self.max_age.unwrap_or(checked::LEAST);
        match age.filter(|age| *age > most) {
            None => Ok(()),
            Some(age) => Err(SensorError::new(
                Reason::STALE,
                format!("what we are told was made {} s ago", age.as_secs()),
            )),
        }
    }
}

/// What time it is where the page is made.
fn date(reply: &Reply) -> Option<Timestamp> {
    let date = reply.headers.get(header::DATE)?.to_str().ok()?;
    let date = jiff::fmt::rfc2822::parse(date).ok()?;
    Some(date.timestamp())
}

fn malformed(problem: &str) -> SensorError {
    SensorError::new(MALFORMED, format!("the page cannot be read: {problem}"))
}
