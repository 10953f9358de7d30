//! Work that is planned, and what it makes of uptime.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use alpacalert_model::{Maintenance, Mark, NodeKey, State, Timestamp};
use alpacalert_store::{MAINTENANCE, MONITOR_DOWN, Uptime, Wanted};

use crate::world::{World, id, sensor, service};

/// Seconds after a round time in the past.
fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_750_000_000 + second).expect("a time")
}

struct Told {
    clock: Arc<AtomicI64>,
    world: World,
}

impl Told {
    fn open(folder: &std::path::Path, second: i64) -> Told {
        let clock = Arc::new(AtomicI64::new(at(second).as_millisecond()));
        let world = World::with_clock(folder, &clock);
        let mut told = Told { clock, world };
        told.world.apply(
            vec![sensor("queue"), service("shop", &["queue"])],
            at(second),
        );
        told
    }

    /// The time comes; what was told before is written.
    async fn wait(&mut self, second: i64) -> Timestamp {
        self.world.store.flush().await.expect("it is written");
        self.clock
            .store(at(second).as_millisecond(), Ordering::Relaxed);
        at(second)
    }

    async fn set(&mut self, second: i64, state: State) {
        let now = self.wait(second).await;
        self.world.set("queue", state, "said", now);
    }

    async fn maintain(&mut self, second: i64, planned: &[&str]) {
        let now = self.wait(second).await;
        let maintenance = || Maintenance {
            until: at(1_000_000),
            reason: "upgrade".into(),
        };
        let keys: Vec<NodeKey> = planned.iter().map(|name| self.world.key(name)).collect();
        let planned = keys.into_iter().map(|key| (key, maintenance()));
        let changed = self.world.graph.maintain(planned);
        let say = |_: alpacalert_model::NodeRef<'_>| Some("the queue is upgraded".to_owned());
        self.world
            .store
            .record_maintained(&self.world.graph, &changed, now, say);
    }

    /// Runs until then.
    async fn close(mut self, second: i64) {
        let now = self.wait(second).await;
        self.world.store.record_everything(&self.world.graph, now);
        self.world.store.close();
    }

    async fn uptime(&mut self, name: &str, from: i64, to: i64) -> Uptime {
        self.world.store.flush().await.expect("it is written");
        let told = self.world.store.uptime(id(name), at(from), at(to), 1).await;
        told.expect("it is read").remove(0)
    }
}

#[tokio::test]
async fn time_in_maintenance_that_is_not_well_is_unknown_and_no_change_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut told = Told::open(folder.path(), 0);
    told.set(0, State::Passing).await;
    // The work begins before it is down, goes on after it works again, and ends.
    told.maintain(100, &["shop", "queue"]).await;
    told.set(110, State::Failing).await;
    told.set(150, State::Passing).await;
    told.maintain(200, &[]).await;
    told.set(300, State::Failing).await;
    // Down already when the work begins, and still when it ends.
    told.maintain(320, &["shop"]).await;
    told.maintain(380, &[]).await;
    told.set(400, State::Passing).await;
    told.wait(500).await;

    let shop = told.uptime("shop", 0, 500).await;
    assert_eq!(shop.seconds, [360.0, 0.0, 0.0, 40.0]);
    assert_eq!((shop.unobserved, shop.absent), (100.0, 0.0));
    assert_eq!(shop.unsure, [(MAINTENANCE, 100.0)]);
    // What only the service is made of is in maintenance with it.
    let queue = told.uptime("queue", 300, 400).await;
    assert_eq!(queue.seconds, [0.0, 0.0, 0.0, 40.0]);

    let told_of = Wanted {
        node: Some(id("shop")),
        ..Wanted::default()
    };
    let changes = told.world.store.transitions(told_of).await.unwrap();
    let changes: Vec<_> = changes
        .iter()
        .map(|change| (change.at.duration_since(at(0)).as_secs(), change.to))
        .collect();
    let (up, down) = (State::Passing, State::Failing);
    assert_eq!(
        changes,
        [(400, up), (300, down), (150, up), (110, down), (0, up)]
    );

    // What was planned is no incident, and what was not is.
    let incidents = told
        .world
        .store
        .incidents(at(0), at(500), None, 10)
        .await
        .unwrap();
    let times: Vec<_> = incidents
        .iter()
        .map(|incident| {
            let second = |at_: Timestamp| at_.duration_since(at(0)).as_secs();
            (second(incident.from), incident.to.map(second))
        })
        .collect();
    assert_eq!(times, [(300, Some(400))]);

    let past = told.world.store.graph_at(at(160)).await.unwrap().unwrap();
    let node = |name: &str| past.graph.get(past.graph.key(&id(name)).unwrap()).unwrap();
    assert!(node("shop").marks().has(Mark::Maintenance));
    assert_eq!(node("shop").since(), Some(at(150)));
    let past = told.world.store.graph_at(at(390)).await.unwrap().unwrap();
    let shop = past
        .graph
        .get(past.graph.key(&id("shop")).unwrap())
        .unwrap();
    assert!(!shop.marks().has(Mark::Maintenance));
    assert_eq!(
        (shop.state(), shop.since()),
        (State::Failing, Some(at(300)))
    );
}

#[tokio::test]
async fn over_restarts_work_that_began_and_ended_meanwhile_is_right() {
    let folder = tempfile::tempdir().unwrap();
    let mut told = Told::open(folder.path(), 0);
    told.set(0, State::Failing).await;
    told.maintain(100, &["shop"]).await;
    told.close(150).await;

    // In maintenance still when it is started again: the first look tells so.
    let mut told = Told::open(folder.path(), 200);
    told.maintain(200, &["shop"]).await;
    told.set(200, State::Failing).await;
    told.close(250).await;

    // Not any more.
    let mut told = Told::open(folder.path(), 300);
    told.set(300, State::Failing).await;
    told.wait(400).await;

    let shop = told.uptime("shop", 0, 400).await;
    assert_eq!(shop.seconds, [0.0, 0.0, 0.0, 200.0], "{shop:?}");
    assert_eq!(shop.unobserved, 200.0);
    let mut why = shop.unsure.clone();
    why.sort_by(|a, b| a.0.as_str().cmp(b.0.as_str()));
    assert_eq!(why, [(MAINTENANCE, 100.0), (MONITOR_DOWN, 100.0)]);
    let remembered = told.world.store.graph_at(at(390)).await.unwrap().unwrap();
    let shop = remembered.graph.key(&id("shop")).unwrap();
    // As far as anybody knows it was down all the while.
    assert_eq!(remembered.graph.get(shop).unwrap().since(), Some(at(0)));
}
