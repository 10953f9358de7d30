//! Waiting for a value, not for a moment.

use std::fmt::Debug;
use std::time::{Duration, Instant};

/// Between two looks: short, because tests wait for it, and long enough to leave the processor to what is waited for.
const PAUSE: Duration = Duration::from_millis(20);

/// Looks again and again until `look` gives a value.
///
/// # Panics
///
/// When it has given none `within` that time; the message tells the last error.
#[track_caller]
pub fn wait_until<T, E: Debug>(within: Duration, mut look: impl FnMut() -> Result<T, E>) -> T {
    let end = Instant::now() + within;
    loop {
        match look() {
            Ok(value) => return value,
            Err(error) if Instant::now() >= end => {
                panic!("not within {within:?}; at last: {error:?}")
            }
            Err(_) => std::thread::sleep(PAUSE),
        }
    }
}

/// Looks again and again until `look` gives a value, without blocking the thread.
///
/// # Panics
///
/// When it has given none `within` that time; the message tells the last error.
pub async fn wait_for<T, E: Debug>(
    within: Duration,
    mut look: impl AsyncFnMut() -> Result<T, E>,
) -> T {
    let end = tokio::time::Instant::now() + within;
    loop {
        match look().await {
            Ok(value) => return value,
            Err(error) if tokio::time::Instant::now() >= end => {
                panic!("not within {within:?}; at last: {error:?}")
            }
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "at last: \"still red\"")]
    fn what_was_seen_last_is_told_when_the_time_is_up() {
        wait_until(Duration::from_millis(30), || Err::<(), _>("still red"));
    }

    #[test]
    fn it_is_looked_at_again_until_there_is_a_value() {
        let mut looks = 0;
        let value = wait_until(Duration::from_secs(5), || {
            looks += 1;
            if looks < 3 { Err("not yet") } else { Ok(looks) }
        });
        assert_eq!(value, 3);
    }
}
