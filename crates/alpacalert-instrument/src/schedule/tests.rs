use super::*;

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn the_defaults_are_those_of_the_documentation() {
    assert_eq!(
        Schedule::default(),
        Schedule {
            interval: s(30),
            timeout: s(10),
            retries: 0,
            retry_interval: s(10),
            recoveries: 1,
            time_to_live: s(100),
        }
    );
}

#[test]
fn what_is_said_closer_counts_and_the_rest_comes_from_below() {
    let closer = ScheduleOverrides {
        interval: Some(s(5)),
        retries: Some(2),
        ..Default::default()
    };
    let below = ScheduleOverrides {
        interval: Some(s(60)),
        timeout: Some(s(1)),
        recoveries: Some(3),
        ..Default::default()
    };
    assert_eq!(
        closer.over(&below),
        Schedule {
            interval: s(5),
            timeout: s(1),
            retries: 2,
            retry_interval: s(5),
            recoveries: 3,
            time_to_live: s(16),
        }
    );
}

#[test]
fn intervals_without_end_do_not_overflow() {
    let endless = ScheduleOverrides {
        interval: Some(Duration::MAX),
        ..Default::default()
    };
    assert_eq!(
        endless.over(&Default::default()).time_to_live,
        Duration::MAX
    );
}

#[test]
fn a_recovery_takes_at_least_one_good_result() {
    let none = ScheduleOverrides {
        recoveries: Some(0),
        ..Default::default()
    };
    assert_eq!(none.over(&Default::default()).recoveries, 1);
}
