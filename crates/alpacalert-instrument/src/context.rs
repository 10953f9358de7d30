//! What a sensor or a source is given to work with: the time, its end, and its limits.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use alpacalert_model::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::Secret;

/// Tells the time of day. Replaced in tests, and in simulations.
pub trait Clock: Send + Sync + 'static {
    /// The time of day now.
    fn now(&self) -> Timestamp;
}

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// A time of day that advances with the runtime's clock, and stands still with it when a test pauses that.
#[derive(Clone, Copy, Debug)]
pub struct TokioClock {
    start: tokio::time::Instant,
    at: Timestamp,
}

impl TokioClock {
    /// A clock that shows `at` now. Must be made inside a runtime.
    pub fn starting(at: Timestamp) -> Self {
        TokioClock {
            start: tokio::time::Instant::now(),
            at,
        }
    }
}

impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        let passed = self.start.elapsed();
        self.at.checked_add(passed).unwrap_or(Timestamp::MAX)
    }
}

/// How much of what a sensor says is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputLimits {
    /// The most messages of one observation.
    pub messages: usize,
    /// The most bytes of one message.
    pub message_bytes: usize,
    /// The most measurements of one observation.
    pub measurements: usize,
    /// The most bytes read from one target: a body, a file, the output of a program.
    pub body_bytes: usize,
}

impl Default for OutputLimits {
    /// Enough for people to read, and small enough that ten thousand hostile targets do no harm.
    fn default() -> Self {
        OutputLimits {
            messages: 20,
            message_bytes: 1024,
            measurements: 200,
            body_bytes: 1024 * 1024,
        }
    }
}

/// What a measurement is given: the time, a token that ends it, and limits.
#[derive(Clone)]
pub struct Context {
    clock: Arc<dyn Clock>,
    cancel: CancellationToken,
    redactor: Arc<Redactor>,
    /// How long the measurement may take in all; whoever runs it enforces it too.
    pub timeout: Duration,
    /// How much of what is said is kept.
    pub limits: OutputLimits,
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("timeout", &self.timeout)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl Default for Context {
    fn default() -> Self {
        Context::new(Arc::new(SystemClock))
    }
}

impl Context {
    /// A context with a clock, the default limits, and nothing to hide.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Context {
            clock,
            cancel: CancellationToken::new(),
            redactor: Arc::default(),
            timeout: Duration::from_secs(10),
            limits: OutputLimits::default(),
        }
    }

    /// The same with a time-out.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The same, ended by `cancel`.
    #[must_use]
    pub fn with_cancel(mut self, cancel: CancellationToken) -> Self {
        self.cancel = cancel;
        self
    }

    /// The same, with secrets to hide.
    #[must_use]
    pub fn with_redactor(mut self, redactor: Arc<Redactor>) -> Self {
        self.redactor = redactor;
        self
    }

    /// The time of day.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The clock.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Fires when the program wants the work to end.
    pub fn cancel(&self) -> &CancellationToken {
        &self.cancel
    }

    /// Hides secrets.
    pub fn redactor(&self) -> &Redactor {
        &self.redactor
    }
}

/// Replaces secrets in text by the references that stand for them.
#[derive(Default)]
pub struct Redactor {
    /// Longest first, so that a secret that contains another one is hidden whole.
    secrets: Vec<(String, String)>,
}

impl Redactor {
    /// Shorter values are not looked for: hiding every `1` or `on` would make messages unreadable and betray the value.
    pub const MIN_LEN: usize = 4;

    /// A redactor of these secrets.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        let mut all: Vec<(String, String)> = Vec::new();
        for secret in secrets {
            for (reference, value) in secret.parts() {
                if value.len() >= Self::MIN_LEN && !all.iter().any(|(v, _)| v == value) {
                    all.push((value.to_owned(), reference.to_owned()));
                }
            }
        }
        all.sort_by(|a, b| b.0.len().cmp(&a.0.len()).then_with(|| a.cmp(b)));
        Redactor { secrets: all }
    }

    /// The text without secrets. Borrowed when there are none in it.
    pub fn scrub<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut found: Vec<(Range<usize>, &str)> = Vec::new();
        for (value, reference) in &self.secrets {
            for (at, _) in text.match_indices(value.as_str()) {
                found.push((at..at + value.len(), reference));
            }
        }
        if found.is_empty() {
            return Cow::Borrowed(text);
        }
        // All are looked for in the text as it came: neither inside the references that replace them, nor with the end of
        // one secret gone because another one overlaps it. The sort is stable, so the longest stays first.
        found.sort_by_key(|(range, _)| range.start);
        let mut out = String::with_capacity(text.len());
        let mut done = 0;
        for (range, reference) in found {
            if range.start >= done {
                out.push_str(&text[done..range.start]);
                out.push_str(reference);
            }
            done = done.max(range.end);
        }
        out.push_str(&text[done..]);
        Cow::Owned(out)
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redactor({} secrets)", self.secrets.len())
    }
}

#[cfg(test)]
mod tests;
