//! Asking one URL again and again, for sources that are told things over HTTP.

use std::sync::{Arc, Mutex};

use alpacalert_instrument::{Context, InstrumentError, Params, Value};
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

    /// Asks once, within the time of the context.
    pub(crate) async fn get(
        &self,
        extra: Option<(HeaderName, HeaderValue)>,
        cx: &Context,
    ) -> Result<Reply, Trouble> {
        let fetch = Fetch {
            settings: &self.settings,
            net: &self.net,
            kept: &self.kept,
            cx,
            deadline: Deadline::of(cx),
            phases: Phases::default(),
            notes: Vec::new(),
            whole: true,
            extra,
        };
        let answer = fetch.run().await?;
        Ok(Reply {
            status: answer.status,
            headers: answer.headers,
            body: answer.body,
            is_whole: answer.is_whole,
        })
    }
}
