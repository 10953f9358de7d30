//! How an instance is reached: limits and TLS, both of which a reload may change.

pub(crate) mod tls;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use alpacalert::config::{LimitsPlan, ServePlan, TlsPlan};
use alpacalert_model::Timestamp;
use arc_swap::{ArcSwap, ArcSwapOption};
use rustls::ServerConfig;

use crate::access::Rates;
use tls::Tls;

/// How often certificates are looked at. Renewal comes days before the end, so seconds do not matter; looking costs
/// microseconds.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// How an instance is reached. Cheap to clone; what is replaced counts for every clone.
#[derive(Clone)]
pub struct Serving(Arc<Inner>);

struct Inner {
    state: ArcSwap<State>,
    rates: Rates,
    /// Why the newest certificate is not in use; `None` when it is.
    trouble: ArcSwapOption<String>,
}

struct State {
    plan: ServePlan,
    tls: Option<Tls>,
}

/// How it stands with the certificate of an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CertificateStatus {
    /// The file that it was read from.
    pub(crate) file: PathBuf,
    /// When the first certificate of its chain expires; `None` when none says.
    pub(crate) until: Option<Timestamp>,
    /// Why the newest one is not in use; `None` when it is.
    pub(crate) trouble: Option<Arc<String>>,
}

impl std::fmt::Debug for Serving {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Serving").field(&self.plan()).finish()
    }
}

impl Default for Serving {
    /// Without TLS, with the usual limits.
    fn default() -> Self {
        let state = State {
            plan: ServePlan::default(),
            tls: None,
        };
        Serving(Arc::new(Inner {
            state: ArcSwap::from_pointee(state),
            rates: Rates::default(),
            trouble: ArcSwapOption::empty(),
        }))
    }
}

impl Serving {
    /// As a plan says.
    ///
    /// # Errors
    ///
    /// When its certificate or its key cannot be used, in words.
    pub fn new(plan: &ServePlan) -> Result<Self, String> {
        let serving = Serving::default();
        serving.replace(plan)?;
        Ok(serving)
    }

    /// Does as another plan says from the next connection on, and reads certificates again.
    ///
    /// # Errors
    ///
    /// When the certificate or the key cannot be used, in words; then nothing changes.
    pub fn replace(&self, plan: &ServePlan) -> Result<(), String> {
        let read = plan.tls.as_ref().map(tls::read).transpose();
        let trouble = read.as_ref().err().cloned().map(Arc::new);
        self.0.trouble.store(trouble);
        let tls = read?;
        self.0.state.store(Arc::new(State {
            plan: plan.clone(),
            tls,
        }));
        Ok(())
    }

    /// What clients may use up.
    pub(crate) fn limits(&self) -> LimitsPlan {
        self.0.state.load().plan.limits
    }

    /// What TLS is spoken with, if it is.
    pub(crate) fn tls(&self) -> Option<Arc<ServerConfig>> {
        let state = self.0.state.load();
        state.tls.as_ref().map(|tls| tls.config.clone())
    }

    /// Whether connections are encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.0.state.load().tls.is_some()
    }

    /// How it stands with the certificate, if TLS is spoken.
    pub(crate) fn certificate(&self) -> Option<CertificateStatus> {
        let state = self.0.state.load();
        let (tls, plan) = (state.tls.as_ref()?, state.plan.tls.as_ref()?);
        Some(CertificateStatus {
            file: plan.certificate.clone(),
            until: tls.until,
            trouble: self.0.trouble.load_full(),
        })
    }

    pub(crate) fn rates(&self) -> &Rates {
        &self.0.rates
    }

    pub(crate) fn plan(&self) -> ServePlan {
        self.0.state.load().plan.clone()
    }

    /// Takes up certificates that change, for ever.
    pub(crate) async fn keep_certificates(&self) {
        let mut before = looks(self.plan().tls.as_ref());
        // Files that are being written are left until they stay the same for one look.
        let mut seen = before.clone();
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let plan = self.plan();
            let now = looks(plan.tls.as_ref());
            if now != before && now == seen {
                before.clone_from(&now);
                self.take_up(&plan);
            }
            seen = now;
        }
    }

    fn take_up(&self, plan: &ServePlan) {
        match self.replace(plan) {
            Ok(()) => tracing::info!("the certificate has changed, and the new one is in use"),
            Err(problem) => {
                tracing::error!("{problem}; the former certificate stays in use");
            }
        }
    }
}

type Look = Vec<Option<(SystemTime, u64)>>;

/// What the files look like, without reading them.
fn looks(tls: Option<&TlsPlan>) -> Look {
    let files = tls.map(|tls| {
        [
            Some(&tls.certificate),
            Some(&tls.key),
            tls.client_ca.as_ref(),
        ]
    });
    let look = |file| {
        let seen = std::fs::metadata(file).ok()?;
        Some((seen.modified().ok()?, seen.len()))
    };
    files.into_iter().flatten().flatten().map(look).collect()
}
