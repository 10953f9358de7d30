//! Keeps a broken sensor from doing more harm than being Unknown.

use std::any::Any;
use std::borrow::Cow;
use std::panic::AssertUnwindSafe;

use alpacalert_model::{Message, Observation, Reason, Severity, Timestamp, Unit, sanitize};
use futures_util::FutureExt;

use crate::{Context, OutputLimits, Redactor, Sensor, SensorError, Snapshot, Source};

/// Measures once, whatever the sensor does: an error, a panic, a time-out, or output without end becomes Unknown, or a
/// bounded observation, of this sensor alone. Secrets and control characters are taken out of what it says.
pub async fn measure_guarded(sensor: &dyn Sensor, cx: &Context) -> Observation {
    // The call itself may panic before it gives a future, and so may dropping the future and writing the error.
    let measuring = async {
        match tokio::time::timeout(cx.timeout, sensor.measure(cx)).await {
            Ok(Ok(observation)) => observation,
            Ok(Err(error)) => error.unknown(cx),
            Err(_) => Observation::unknown(Reason::TIMEOUT, no_answer("sensor", cx), cx.now()),
        }
    };
    let observation = match AssertUnwindSafe(measuring).catch_unwind().await {
        Ok(observation) => observation,
        Err(panic) => Observation::unknown(
            Reason::SENSOR_BROKEN,
            format!("the sensor panicked: {}", panic_text(&*panic)),
            cx.now(),
        ),
    };
    bounded(observation, cx.redactor(), &cx.limits, cx.now())
}

/// Fetches once, whatever the source does: a panic or a time-out becomes an error. The error has no secrets and control
/// characters in it, and a bounded length.
pub async fn fetch_guarded<S: Source + ?Sized>(
    source: &S,
    cx: &Context,
) -> Result<Snapshot, SensorError> {
    let fetching = async {
        match tokio::time::timeout(cx.timeout, source.fetch(cx)).await {
            Ok(Ok(snapshot)) => Ok(snapshot),
            Ok(Err(error)) => Err((error.reason().clone(), error.chain())),
            Err(_) => Err((Reason::TIMEOUT, no_answer("source", cx))),
        }
    };
    let (reason, text) = match AssertUnwindSafe(fetching).catch_unwind().await {
        Ok(Ok(snapshot)) => return Ok(snapshot),
        Ok(Err(problem)) => problem,
        Err(panic) => (
            Reason::SENSOR_BROKEN,
            format!("the source panicked: {}", panic_text(&*panic)),
        ),
    };
    let text = clean(&text, cx.redactor(), cx.limits.message_bytes).into_owned();
    Err(SensorError::new(clean_reason(reason, cx.redactor()), text))
}

fn no_answer(who: &str, cx: &Context) -> String {
    let limit = Unit::Seconds.write(cx.timeout.as_secs_f64());
    format!("the {who} gave no answer within {limit}")
}

pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message")
}

/// Cuts an observation to the limits, and takes out what must not be shown.
pub(crate) fn bounded(
    mut observation: Observation,
    redactor: &Redactor,
    limits: &OutputLimits,
    now: Timestamp,
) -> Observation {
    let too_many = [
        (observation.messages.len(), limits.messages, "messages"),
        (
            observation.measurements.len(),
            limits.measurements,
            "measurements",
        ),
    ];
    observation.messages.truncate(limits.messages);
    observation.measurements.truncate(limits.measurements);
    for message in &mut observation.messages {
        if let Cow::Owned(text) = clean(&message.text, redactor, limits.message_bytes) {
            message.text = Cow::Owned(text);
        }
    }
    for measurement in &mut observation.measurements {
        if let Cow::Owned(name) = clean(&measurement.name, redactor, NAME_BYTES) {
            measurement.name = Cow::Owned(name);
        }
    }
    for (said, kept, what) in too_many {
        if said > kept {
            let text = format!("{} more {what} are not shown", said - kept);
            observation
                .messages
                .push(Message::new(Severity::Info, text));
        }
    }
    observation.reason = clean_reason(observation.reason, redactor);
    // An observation from the future would never grow stale.
    observation.at = observation.at.min(now);
    observation
}

/// The most bytes of a measurement's name or a reason's code: they are a few words.
const NAME_BYTES: usize = 100;

fn clean_reason(reason: Reason, redactor: &Redactor) -> Reason {
    match clean(reason.as_str(), redactor, NAME_BYTES) {
        Cow::Borrowed(_) => reason,
        Cow::Owned(code) => Reason::new(code),
    }
}

/// The text without secrets and control characters, cut to a length.
///
/// In this order: a secret may hold control characters, or lie across the cut; and what replaces a character may be
/// longer than it. Borrowed when nothing changed.
fn clean<'a>(text: &'a str, redactor: &Redactor, bytes: usize) -> Cow<'a, str> {
    let scrubbed = redactor.scrub(text);
    let safe = sanitize(&scrubbed);
    match cut(&safe, bytes) {
        Cow::Owned(text) => Cow::Owned(text),
        Cow::Borrowed(_) => match safe {
            Cow::Owned(text) => Cow::Owned(text),
            Cow::Borrowed(_) => scrubbed,
        },
    }
}

/// The text on one line, without control characters, cut to a length. Borrowed when nothing changed.
pub(crate) fn one_line(text: &str, bytes: usize) -> Cow<'_, str> {
    let safe = sanitize(text);
    if safe.contains(char::is_control) {
        // What `sanitize` leaves: line feeds and tabs.
        let line = safe.replace(char::is_control, " ");
        return Cow::Owned(cut(&line, bytes).into_owned());
    }
    match cut(&safe, bytes) {
        Cow::Owned(text) => Cow::Owned(text),
        Cow::Borrowed(_) => safe,
    }
}

fn cut(text: &str, bytes: usize) -> Cow<'_, str> {
    if text.len() <= bytes {
        return Cow::Borrowed(text);
    }
    let end = text.floor_char_boundary(bytes);
    Cow::Owned(format!(
        "{}… ({} bytes more)",
        &text[..end],
        text.len() - end
    ))
}

#[cfg(test)]
mod tests;
