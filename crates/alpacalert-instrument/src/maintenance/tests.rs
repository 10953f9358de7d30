use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn time(text: &str) -> Time {
    text.parse().expect("a time of day")
}

fn again(days: &[Day], from: &str, until: &str, zone: &str) -> Window {
    Window {
        when: When::Again {
            days: days.to_vec(),
            from: time(from),
            until: time(until),
            zone: TimeZone::get(zone).expect("a time zone"),
        },
        reason: "upgrades".into(),
    }
}

/// The times in which a window is open, found by asking each quarter of an hour: nothing here begins between them.
fn open_times(window: &Window, from: &str, hours: i64) -> Vec<(String, String)> {
    let mut times: Vec<(Timestamp, Timestamp)> = Vec::new();
    for quarter in 0..hours * 4 {
        let now = at(from) + jiff::SignedDuration::from_mins(quarter * 15);
        let Some(until) = window.open(now) else {
            continue;
        };
        match times.last_mut() {
            Some((_, last)) if *last == until => {}
            _ => times.push((now, until)),
        }
    }
    let text = |(from, until): (Timestamp, Timestamp)| (from.to_string(), until.to_string());
    times.into_iter().map(text).collect()
}

fn pairs(times: &[(&str, &str)]) -> Vec<(String, String)> {
    let text = |(from, until): &(&str, &str)| ((*from).to_owned(), (*until).to_owned());
    times.iter().map(text).collect()
}

#[test]
fn a_weekly_window_follows_the_clocks_of_its_place() {
    let sunday = again(
        &[Day::Weekly(Weekday::Sunday)],
        "04:00",
        "06:00",
        "Europe/Berlin",
    );
    // Summer time ends on the second of these days.
    assert_eq!(
        open_times(&sunday, "2026-10-17T00:00:00Z", 10 * 24),
        pairs(&[
            ("2026-10-18T02:00:00Z", "2026-10-18T04:00:00Z"),
            ("2026-10-25T03:00:00Z", "2026-10-25T05:00:00Z"),
        ])
    );
}

#[test]
fn a_window_over_midnight_ends_on_the_next_day() {
    let nights = again(&[Day::Weekly(Weekday::Tuesday)], "23:00", "01:00", "UTC");
    let times = pairs(&[("2026-12-01T23:00:00Z", "2026-12-02T01:00:00Z")]);
    assert_eq!(open_times(&nights, "2026-11-30T00:00:00Z", 6 * 24), times);
    let whole = again(&[Day::Weekly(Weekday::Tuesday)], "00:00", "00:00", "UTC");
    let times = pairs(&[("2026-12-01T00:00:00Z", "2026-12-02T00:00:00Z")]);
    assert_eq!(open_times(&whole, "2026-11-30T00:00:00Z", 6 * 24), times);
}

#[test]
fn a_window_around_a_time_that_clocks_show_twice_holds_both() {
    let nights = again(&[Day::Every], "02:15", "02:45", "Europe/Berlin");
    let times = pairs(&[("2026-10-25T00:15:00Z", "2026-10-25T01:45:00Z")]);
    assert_eq!(open_times(&nights, "2026-10-24T22:00:00Z", 24), times);
}

#[test]
fn a_window_over_which_clocks_are_put_forward_is_held_after_it() {
    // From 02:00 to 03:00 at 01:00 UTC.
    for (from, until, begins, ends) in [
        ("02:15", "02:45", "01:00", "01:45"),
        ("02:30", "03:00", "01:00", "01:00"),
        ("02:30", "04:00", "01:00", "02:00"),
        ("01:30", "02:30", "00:30", "01:30"),
        ("01:30", "04:00", "00:30", "02:00"),
    ] {
        let nights = again(&[Day::Every], from, until, "Europe/Berlin");
        let day = |time: &str| format!("2026-03-29T{time}:00Z");
        let found = open_times(&nights, "2026-03-28T23:00:00Z", 12);
        let wanted = match begins == ends {
            // The clocks never showed it.
            true => vec![],
            false => vec![(day(begins), day(ends))],
        };
        assert_eq!(found, wanted, "{from} to {until}");
    }
}

#[test]
fn days_of_a_month_are_counted_from_either_end() {
    for (nth, days) in [
        (1, ["2026-11-01", "2026-12-06"]),
        (-1, ["2026-11-29", "2026-12-27"]),
    ] {
        let window = again(
            &[Day::Monthly(nth, Weekday::Sunday)],
            "02:00",
            "03:00",
            "UTC",
        );
        let times = days.map(|day| (format!("{day}T02:00:00Z"), format!("{day}T03:00:00Z")));
        assert_eq!(open_times(&window, "2026-10-31T00:00:00Z", 61 * 24), times);
        let first = window.opens(at("2026-10-31T00:00:00Z"));
        assert_eq!(first.map(|at| at.to_string()).as_ref(), Some(&times[0].0));
        let second = window.opens(first.expect("a first time"));
        assert_eq!(second.map(|at| at.to_string()).as_ref(), Some(&times[1].0));
    }
}

#[test]
fn asking_at_each_edge_finds_what_asking_all_the_time_finds() {
    let windows = [
        again(
            &[
                Day::Weekly(Weekday::Sunday),
                Day::Monthly(2, Weekday::Monday),
            ],
            "01:30",
            "02:30",
            "Europe/Berlin",
        ),
        again(&[Day::Every], "22:00", "00:00", "America/Santiago"),
        again(
            &[Day::Monthly(-1, Weekday::Friday)],
            "12:00",
            "12:00",
            "Australia/Lord_Howe",
        ),
    ];
    for window in windows {
        let begun = at("2026-01-01T00:00:00Z");
        let mut found = Vec::new();
        let mut now = begun;
        while let Some(next) = next_edge(std::slice::from_ref(&window), now) {
            if next > at("2027-01-01T00:00:00Z") {
                break;
            }
            assert!(next > now, "{window:?} at {now}");
            if let Some(until) = window.open(next) {
                found.push((next.to_string(), until.to_string()));
            }
            now = next;
        }
        let each_quarter = open_times(&window, "2026-01-01T00:00:00Z", 365 * 24);
        // One that is open at the beginning has no edge there.
        let skip = usize::from(window.open(begun).is_some());
        assert!(found.len() >= 12);
        assert_eq!(found, each_quarter[skip..], "{window:?}");
    }
}

#[test]
fn windows_without_a_pause_between_them_are_one() {
    let reason = |reason: &str, window: Window| Window {
        reason: reason.into(),
        ..window
    };
    let windows = [
        reason(
            "saturday",
            again(&[Day::Weekly(Weekday::Saturday)], "22:00", "00:00", "UTC"),
        ),
        reason(
            "sunday",
            again(&[Day::Weekly(Weekday::Sunday)], "00:00", "06:00", "UTC"),
        ),
        reason(
            "once",
            Window {
                when: When::Once {
                    from: at("2026-11-29T06:00:00Z"),
                    until: at("2026-11-29T07:00:00Z"),
                },
                reason: "".into(),
            },
        ),
    ];
    let open = |time: &str| {
        let open = open_window(&windows, at(time));
        open.map(|(until, reason)| (until.to_string(), reason.to_string()))
    };
    let until = "2026-11-29T07:00:00Z".to_owned();
    assert_eq!(open("2026-11-28T21:59:59Z"), None);
    assert_eq!(
        open("2026-11-28T22:00:00Z"),
        Some((until.clone(), "saturday".to_owned()))
    );
    assert_eq!(
        open("2026-11-29T00:00:00Z"),
        Some((until.clone(), "sunday".to_owned()))
    );
    assert_eq!(
        open("2026-11-29T06:59:59Z"),
        Some((until, "once".to_owned()))
    );
    assert_eq!(open("2026-11-29T07:00:00Z"), None);
}
