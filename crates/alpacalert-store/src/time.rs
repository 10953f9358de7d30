//! Times as they are kept: whole milliseconds since 1970.

use alpacalert_model::Timestamp;

pub(crate) fn stamp(milliseconds: i64) -> Timestamp {
    let end = match milliseconds < 0 {
        true => Timestamp::MIN,
        false => Timestamp::MAX,
    };
    // A damaged file may hold any number.
    Timestamp::from_millisecond(milliseconds).unwrap_or(end)
}

pub(crate) fn millis(at: Timestamp) -> i64 {
    at.as_millisecond()
}
