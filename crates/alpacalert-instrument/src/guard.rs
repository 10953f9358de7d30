//! Keeps a broken sensor from doing more harm than being Unknown.

use std::any::Any;
use std::borrow::Cow;
use std::panic::AssertUnwindSafe;

use alpacalert_model::{Message, Observation, Reason, Severity, Unit, sanitize};
use futures_util::FutureExt;

use crate::{Context, OutputLimits, Sensor};

/// Measures once, whatever the sensor does: an error, a panic, a time-out, or output without end becomes Unknown, or a
/// bounded observation, of this sensor alone. Secrets and control characters are taken out of what it says.
pub async fn measure_guarded(sensor: &dyn Sensor, cx: &Context) -> Observation {
    // The call itself may panic before it gives a future.
    let measuring = async { sensor.measure(cx).await };
    let guarded = AssertUnwindSafe(measuring).catch_unwind();
    let observation = match tokio::time::timeout(cx.timeout, guarded).await {
        Ok(Ok(Ok(observation))) => observation,
        Ok(Ok(Err(error))) => Observation::unknown(error.reason().clone(), error.chain(), cx.now()),
        Ok(Err(panic)) => Observation::unknown(
            Reason::SENSOR_BROKEN,
            format!("the sensor panicked: {}", panic_text(&*panic)),
            cx.now(),
        ),
        Err(_) => Observation::unknown(
            Reason::TIMEOUT,
            format!(
                "the sensor gave no answer within {}",
                Unit::Seconds.write(cx.timeout.as_secs_f64())
            ),
            cx.now(),
        ),
    };
    bounded(observation, cx)
}

pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message")
}

/// Cuts an observation to the limits, and takes out what must not be shown.
fn bounded(mut observation: Observation, cx: &Context) -> Observation {
    let OutputLimits {
        messages,
        message_bytes,
        measurements,
        ..
    } = cx.limits;
    let said = observation.messages.len();
    observation.messages.truncate(messages);
    for message in &mut observation.messages {
        let text = cx.redactor().scrub(&message.text);
        let text = cut(&text, message_bytes);
        let text = sanitize(&text);
        if text != message.text {
            message.text = Cow::Owned(text.into_owned());
        }
    }
    if said > messages {
        observation.messages.push(Message::new(
            Severity::Info,
            format!("{} more messages are not shown", said - messages),
        ));
    }
    observation.measurements.truncate(measurements);
    for measurement in &mut observation.measurements {
        if let Cow::Owned(name) = &measurement.name {
            let clean = cx.redactor().scrub(name);
            let clean = sanitize(cut(&clean, 100).as_ref()).into_owned();
            measurement.name = Cow::Owned(clean);
        }
    }
    observation
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

/// Fetches once, whatever the source does: a panic or a time-out becomes an error.
pub async fn fetch_guarded<S: crate::Source + ?Sized>(
    source: &S,
    cx: &Context,
) -> Result<crate::Snapshot, crate::SensorError> {
    let fetching = async { source.fetch(cx).await };
    match tokio::time::timeout(cx.timeout, AssertUnwindSafe(fetching).catch_unwind()).await {
        Ok(Ok(result)) => result,
        Ok(Err(panic)) => Err(crate::SensorError::new(
            Reason::SENSOR_BROKEN,
            format!("the source panicked: {}", panic_text(&*panic)),
        )),
        Err(_) => Err(crate::SensorError::new(
            Reason::TIMEOUT,
            format!(
                "the source gave no answer within {}",
                Unit::Seconds.write(cx.timeout.as_secs_f64())
            ),
        )),
    }
}
