//! What becomes of the past.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use alpacalert_model::{Measurement, State, Timestamp, Unit};
use alpacalert_store::{Retention, Series, Wanted};

use crate::world::{World, id, sensor, service};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

fn at(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap()
}

fn rows(folder: &Path, sql: &str) -> i64 {
    let connection = rusqlite::Connection::open(folder.join("history.db")).unwrap();
    connection.busy_timeout(Duration::from_secs(5)).unwrap();
    connection.query_row(sql, [], |row| row.get(0)).unwrap()
}

/// Has the store tend to the past until a table is as empty as it should be.
async fn until(world: &World, folder: &Path, sql: &str, expected: i64) {
    for _ in 0..500 {
        world.store.keep(Retention::default());
        if rows(folder, sql) == expected {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{sql}: {} and not {expected}", rows(folder, sql));
}

#[tokio::test]
async fn measurements_are_packed_then_known_by_the_hour_then_by_the_day() {
    let folder = tempfile::tempdir().unwrap();
    // The beginning of a day.
    let begun = 20_000 * DAY;
    let clock = Arc::new(AtomicI64::new(begun));
    let mut world = World::with_clock(folder.path(), &clock);
    world.apply(vec![sensor("disk")], at(begun));
    // Two hours, a pause of one, and another hour; a value each minute.
    let minutes = || (0..120).chain(180..240);
    for minute in minutes() {
        let free = Measurement::new("free", minute as f64, Unit::Percent);
        world.measure("disk", free, at(begun + minute * MINUTE));
    }
    world.store.flush().await.unwrap();
    let ask = |points| {
        let store = world.store.clone();
        async move {
            let asked = store.measurements(id("disk"), at(begun), at(begun + 4 * HOUR), points);
            asked.await.unwrap()
        }
    };
    let picture = |series: &[Series]| -> Vec<(i64, f64, f64, f64)> {
        let points = series[0].points.iter();
        points
            .map(|point| {
                (
                    point.at.as_millisecond() - begun,
                    point.min,
                    point.mean,
                    point.max,
                )
            })
            .collect()
    };
    let fine = ask(240).await;
    assert_eq!(fine[0].points.len(), 180);
    let coarse = picture(&ask(4).await);
    let hours = [
        (0, 0.0, 29.5, 59.0),
        (HOUR, 60.0, 89.5, 119.0),
        (3 * HOUR, 180.0, 209.5, 239.0),
    ];
    assert_eq!(coarse, hours);

    clock.store(begun + 5 * HOUR, Ordering::Relaxed);
    until(&world, folder.path(), "SELECT count(*) FROM sweep", 0).await;
    assert_eq!(ask(240).await, fine);
    let past = world
        .store
        .graph_at(at(begun + 90 * MINUTE))
        .await
        .unwrap()
        .unwrap();
    let disk = past
        .graph
        .get(past.graph.key(&id("disk")).unwrap())
        .unwrap();
    assert_eq!(disk.measurements()[0].value, 90.0);

    clock.store(begun + 10 * DAY, Ordering::Relaxed);
    until(&world, folder.path(), "SELECT count(*) FROM packed", 0).await;
    assert_eq!(picture(&ask(240).await), hours);

    clock.store(begun + 200 * DAY, Ordering::Relaxed);
    until(
        &world,
        folder.path(),
        "SELECT count(*) FROM rolled WHERE level = 1",
        0,
    )
    .await;
    let (from, to) = (at(begun - DAY), at(begun + 2 * DAY));
    let days = world
        .store
        .measurements(id("disk"), from, to, 3)
        .await
        .unwrap();
    let days = picture(&days);
    let mean = (29.5 + 89.5 + 209.5) / 3.0;
    assert_eq!(days.len(), 1);
    assert_eq!((days[0].0, days[0].1, days[0].3), (0, 0.0, 239.0));
    assert!((days[0].2 - mean).abs() < 1e-3, "{days:?}");
}

#[tokio::test]
async fn of_days_whose_changes_are_let_go_the_uptime_of_services_stays() {
    let folder = tempfile::tempdir().unwrap();
    let begun = 20_000 * DAY;
    let clock = Arc::new(AtomicI64::new(begun));
    let mut world = World::with_clock(folder.path(), &clock);
    let nodes = || vec![sensor("queue"), service("shop", &["queue"])];
    let mut with_more = nodes();
    with_more.push(sensor("temporary"));
    world.apply(with_more, at(begun));
    world.set("queue", State::Passing, "", at(begun));
    world.set("temporary", State::Failing, "soon gone", at(begun + 1));
    world.set("queue", State::Failing, "it is away", at(begun + 6 * HOUR));
    world.set("queue", State::Passing, "", at(begun + 12 * HOUR));
    world.apply(nodes(), at(begun + 13 * HOUR));
    world.set("queue", State::Failing, "away again", at(begun + 600 * DAY));
    // So long it ran.
    clock.store(begun + 601 * DAY, Ordering::Relaxed);
    world.store.flush().await.unwrap();
    let ask = |from, to| {
        let store = world.store.clone();
        async move { store.uptime(id("shop"), at(from), at(to), 2).await.unwrap() }
    };
    let before = ask(begun, begun + 2 * DAY).await;
    assert_eq!(before[0].seconds, [18.0 * 3600.0, 0.0, 0.0, 6.0 * 3600.0]);

    let done = format!(
        "SELECT count(*) FROM meta WHERE key = 'expired' AND value = {}",
        begun + 201 * DAY
    );
    until(&world, folder.path(), &done, 1).await;
    assert_eq!(ask(begun, begun + 2 * DAY).await, before);
    let whole = ask(begun - 100 * DAY, begun + 601 * DAY).await;
    let sum: f64 = whole.iter().flat_map(|part| part.seconds).sum();
    assert!((sum - 601.0 * 86_400.0).abs() < 1.0, "{whole:?}");
    let absent: f64 = whole.iter().map(|part| part.absent).sum();
    assert!((absent - 100.0 * 86_400.0).abs() < 1.0, "{whole:?}");

    // What was last is known still, and what went is forgotten.
    let transitions = world.store.transitions(Wanted::default()).await.unwrap();
    let told: Vec<_> = transitions.iter().map(|past| past.to).collect();
    assert_eq!(
        told,
        [
            State::Failing,
            State::Failing,
            State::Passing,
            State::Passing
        ]
    );
    let past = world
        .store
        .graph_at(at(begun + 500 * DAY))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(past.graph.len(), 2);
    assert_eq!(rows(folder.path(), "SELECT count(*) FROM node"), 2);
    world.apply(vec![sensor("temporary")], at(begun + 601 * DAY));
    world.store.flush().await.unwrap();
    assert_eq!(
        rows(
            folder.path(),
            "SELECT count(*) FROM node WHERE gone IS NULL"
        ),
        1
    );
}
