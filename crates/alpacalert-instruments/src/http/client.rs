//! Asking one URL again and again, for sources that are told things over HTTP.

use std::sync::{Arc, Mutex};

use alpacalert_instrument::{Context, InstrumentError, Params, Value};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::fetch::{Fetch, Kept, Phases};
use super::settings::Settings;
use crate::net::{Deadline, Net, Trouble};

/// Asks one URL again and again, over one connection that is kept.
pub(crate) struct Client {
    settings: Settings,
    net: Arc<Net>,
    kept: Mutex<Option<Kept>>,
}

/// What was answered.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    /// Whether `body` is all of it.
    pub(crate) is_whole: bool,
}

/// An answer whose body is read as it comes.
pub(crate) struct Opened {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    kept: Kept,
}

impl Opened {
    /// Waits for a part of the body; `None` after its end.
    pub(crate) async fn part(&mut self) -> Result<Option<Bytes>, Trouble> {
        self.kept.part().await
    }
}

impl Client {
    /// A client of `url`, with the keys `bearer` and `ca` of the kind `http`. Reads at most `limit` bytes of an answer. Redirects
    /// are answers like any other, so that no credentials go elsewhere.
    pub(crate) fn new(
        url: &str,
        keys: Params,
        limit: usize,
        net: Arc<Net>,
    ) -> Result<Client, InstrumentError> {
        let params = keys
            .with_text("url", url)
            .with("keep_alive", Value::Bool(true))
            .with("follow", Value::Bool(false));
        let mut settings = Settings::parse(&params)?;
        settings.body_limit = Some(limit);
        Ok(Client {
            settings,
            net,
            kept: Mutex::new(None),
        })
    }

    fn fetch<'a>(&'a self, extra: Option<(HeaderName, HeaderValue)>, cx: &'a Context) -> Fetch<'a> {
        Fetch {
            settings: &self.settings,
            net: &self.net,
            kept: &self.kept,
            cx,
            deadline: Deadline::of(cx),
            phases: Phases::default(),
            notes: Vec::new(),
            whole: true,
            extra,
        }
    }

    /// Asks for something that has no end, and waits for its head within the time of the context.
    pub(crate) async fn open(
        &self,
        extra: Option<(HeaderName, HeaderValue)>,
        cx: &Context,
    ) -> Result<Opened, Trouble> {
        let (kept, head) = self.fetch(extra, cx).open().await?;
        Ok(Opened {
            status: head.status,
            headers: head.headers,
            kept,
        })
    }

    /// Asks once, within the time of the context.
    pub(crate) async fn get(
        &self,
        extra: Option<(HeaderName, HeaderValue)>,
        cx: &Context,
    ) -> Result<Reply, Trouble> {
        let answer = self.fetch(extra, cx).run().await?;
        Ok(Reply {
            status: answer.status,
            headers: answer.headers,
            body: answer.body,
            is_whole: answer.is_whole,
        })
    }
}
