//! Sensors measure one thing.

use std::borrow::Cow;
use std::fmt;

use alpacalert_model::{Observation, Reason};
use futures_util::future::BoxFuture;

use crate::Context;

/// Measures one thing, again and again.
///
/// The scheduler calls [`measure`](Sensor::measure) once per interval, never twice at a time for one sensor. It ends a
/// call that takes longer than its time-out by dropping the future, catches panics, bounds what is said, and turns each
/// of these into Unknown with the reason, for this sensor alone. Nothing here may block the thread.
pub trait Sensor: Send + Sync + 'static {
    /// Looks, and tells what it saw.
    ///
    /// A target that does not do what it should is an `Ok` observation that is Failing. An `Err` is a fault of ours (a
    /// file that we may not read, a program that we cannot start) and becomes Unknown.
    fn measure<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Observation, SensorError>>;

    /// What it uses up while it measures, so that hung targets of one sort cannot take all slots.
    fn class(&self) -> Class {
        Class::Network
    }
}

/// What a measurement uses up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Nothing that can hang: reads this machine's own tables.
    Local,
    /// A connection.
    Network,
    /// A process.
    Process,
}

/// A sensor could not do its work, for a fault that is not the target's. Its node becomes Unknown with this reason.
#[derive(Debug)]
pub struct SensorError {
    reason: Reason,
    doing: Cow<'static, str>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl SensorError {
    /// An error; `doing` says what failed and to what, in lower case: `cannot read /proc/stat`.
    pub fn new(reason: Reason, doing: impl Into<Cow<'static, str>>) -> Self {
        SensorError {
            reason,
            doing: doing.into(),
            source: None,
        }
    }

    /// The same with its cause.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Why, for machines.
    pub fn reason(&self) -> &Reason {
        &self.reason
    }

    /// What a node is whose measurement or fetch ended in this error: Unknown, for this reason, with the whole chain,
    /// without secrets and control characters, and of a bounded length.
    pub fn unknown(&self, cx: &Context) -> Observation {
        let observation = Observation::unknown(self.reason.clone(), self.chain(), cx.now());
        crate::guard::bounded(observation, cx.redactor(), &cx.limits, cx.now())
    }

    /// The error and its causes, separated by colons. For people who may see everything: secrets are not taken out.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut source = std::error::Error::source(self);
        // An error that names itself as its cause must not keep us here for ever; real chains have under ten links.
        for _ in 0..32 {
            let Some(error) = source else { break };
            let next = error.to_string();
            // Some libraries repeat the cause in their own text.
            if !text.ends_with(&next) {
                text.push_str(": ");
                text.push_str(&next);
            }
            source = error.source();
        }
        text
    }
}

impl fmt::Display for SensorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.doing)
    }
}

impl std::error::Error for SensorError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn std::error::Error + 'static))
    }
}

#[cfg(test)]
mod tests;
