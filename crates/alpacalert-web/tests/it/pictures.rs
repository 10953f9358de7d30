//! Pictures for the documentation: real pages of a real instance in a real browser. `cargo xtask pictures` runs this.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use alpacalert::model::{
    Blueprint, Effect, Graph, Kind, Limits, Measurement, Node, NodeId, Observation, Reason, Role,
    Rule, ServiceInfo, State, Timestamp, Unit, Update,
};
use alpacalert_store::{Clock, Store, StoreSettings};
use alpacalert_testkit::{Browser, SharedBrowser, temp_dir};

use crate::canvas::{Canvas, Painted};

const DAY: i64 = 86_400;

/// A web shop.
#[derive(Default)]
struct Shop {
    nodes: Vec<Painted>,
    /// Whether it is in trouble.
    trouble: bool,
    /// Moves what is measured.
    time: f64,
}

fn id(kind: &str, name: &str) -> NodeId {
    NodeId::new(
        "painted",
        format!("shop.example.com/{kind}").parse::<Kind>().unwrap(),
        name,
    )
}

impl Shop {
    fn sensor(
        &mut self,
        kind: &str,
        name: &str,
        values: Vec<Measurement>,
        bad: Option<(State, &'static str)>,
    ) -> NodeId {
        let at = Timestamp::UNIX_EPOCH;
        let worst = values.iter().map(Measurement::state).max();
        let mut seen = match (bad, worst) {
            (Some((state, said)), _) => Observation::new(state, Reason::fixed("as-reported"), at)
                .message(state.into(), said),
            (None, Some(state)) if state != State::Passing => {
                Observation::new(state, Reason::fixed("limit"), at)
            }
            _ => Observation::passing(at),
        };
        for value in values {
            seen = seen.measured(value);
        }
        let id = id(kind, name);
        self.nodes
            .push((Node::sensor(id.clone(), name), Some(seen)));
        id
    }

    fn system(
        &mut self,
        kind: &str,
        title: &str,
        owner: &str,
        rule: (Rule, Option<u32>),
        members: &[NodeId],
    ) -> NodeId {
        let id = id(kind, title);
        let mut node = Node::sensor(id.clone(), title);
        node.role = Role::System {
            rule: rule.0,
            degraded_below: rule.1,
        };
        node.owner = (!owner.is_empty()).then(|| owner.into());
        for member in members {
            node = node.member(member.clone(), Effect::Required);
        }
        self.nodes.push((node, None));
        id
    }

    fn service(&mut self, title: &str, owner: &str, public: bool, members: &[NodeId]) -> NodeId {
        let id = self.system("Service", title, owner, (Rule::All, None), members);
        let (node, _) = self.nodes.last_mut().unwrap();
        node.service = Some(ServiceInfo { public });
        id
    }

    /// A value that moves, each in its own way.
    fn wave(&self, name: &str, base: f64, swing: f64) -> f64 {
        let phase = f64::from(name.bytes().map(u32::from).sum::<u32>() % 97);
        base + swing
            * ((self.time / 9_000.0 + phase).sin()
                + 0.4 * (self.time / 1_700.0 + phase * 3.0).sin())
    }

    fn web(&mut self, host: &str, slow: f64) -> NodeId {
        let wait = self.wave(host, 0.12 + slow, 0.035 + slow / 10.0).abs();
        let values = vec![
            Measurement::new("time to first byte", wait, Unit::Seconds)
                .against(Limits::above(0.5, 2.0)),
            Measurement::new("certificate expires in", 61.0 * 86_400.0, Unit::Seconds)
                .against(Limits::below(14.0 * 86_400.0, 2.0 * 86_400.0)),
        ];
        self.sensor(
            "Endpoint",
            &format!("https://{host}.example.com/"),
            values,
            None,
        )
    }

    fn pods(&mut self, name: &str, count: usize, down: usize) -> NodeId {
        let pods: Vec<NodeId> = (0..count)
            .map(|n| {
                let bad = (n < down).then_some((
                    State::Failing,
                    "CrashLoopBackOff: container app ended with exit code 137 (out of memory)",
                ));
                self.sensor("Pod", &format!("pod {name}-{n}"), Vec::new(), bad)
            })
            .collect();
        let rule = (
            Rule::AtLeast(alpacalert::model::Threshold::Percent(60)),
            Some(count as u32),
        );
        self.system("Deployment", &format!("deployment {name}"), "", rule, &pods)
    }

    fn of(trouble: bool, time: f64) -> Vec<Painted> {
        let mut shop = Shop {
            trouble,
            time,
            ..Shop::default()
        };
        shop.paint();
        shop.nodes
    }

    fn paint(&mut self) {
        let bad = |said| self.trouble.then_some((State::Failing, said));
        let (queue_bad, db_bad) = (
            bad("queue orders is missing: the broker answers NOT_FOUND"),
            bad("connection refused"),
        );
        let port = self.sensor("Port", "amqp port", Vec::new(), None);
        let orders = self.sensor("Queue", "queue orders", Vec::new(), queue_bad);
        let queue = self.service(
            "Message queue",
            "infrastructure team",
            true,
            &[port, orders],
        );
        let db_1 = self.sensor("Postgres", "db-1", Vec::new(), db_bad);
        let lag = self.wave("lag", 0.4, 0.2).abs();
        let lag = Measurement::new("replication lag", lag, Unit::Seconds)
            .against(Limits::above(5.0, 60.0));
        let db_2 = self.sensor("Postgres", "db-2", vec![lag], None);
        let database = self.system(
            "Database",
            "Main database",
            "data team",
            (Rule::Any, Some(2)),
            &[db_1, db_2],
        );
        let payments = self.web("pay", 0.05);
        let (www, web_pods) = (
            self.web("www", 0.0),
            self.pods("shop-web", 6, usize::from(self.trouble)),
        );
        let front = self.system(
            "Frontend",
            "Frontend",
            "web team",
            (Rule::All, None),
            &[www, web_pods],
        );
        let cache: Vec<NodeId> = (1..4)
            .map(|n| {
                let name = format!("redis-{n}");
                let used =
                    Measurement::new("memory in use", self.wave(&name, 52.0, 4.0), Unit::Percent)
                        .against(Limits::above(80.0, 95.0));
                self.sensor("Redis", &name, vec![used], None)
            })
            .collect();
        let rule = (Rule::AtLeast(alpacalert::model::Threshold::Count(2)), None);
        let cache = self.system("Cache", "Cache", "infrastructure team", rule, &cache);
        let (search, index) = (
            self.web("search", if self.trouble { 0.55 } else { 0.06 }),
            self.pods("search", 3, 0),
        );
        let runners = self.pods("runners", 8, 0);
        let order_pods = self.pods("orders", 4, 0);
        let (images, accounts, warehouse) = (
            self.web("img", 0.0),
            self.web("id", 0.02),
            self.web("wms", 0.1),
        );
        self.service(
            "Browsing the shop",
            "web team",
            true,
            &[front.clone(), cache.clone()],
        );
        self.service(
            "Checkout",
            "web team",
            true,
            &[front, queue.clone(), database.clone(), payments],
        );
        self.service("Search", "search team", true, &[search, index, cache]);
        self.service("Product images", "web team", true, &[images]);
        self.service(
            "Customer accounts",
            "web team",
            true,
            &[database.clone(), accounts],
        );
        self.service(
            "Order processing",
            "orders team",
            false,
            &[queue.clone(), order_pods, database.clone()],
        );
        self.service("Invoices", "payments team", false, &[queue, database]);
        self.service("Warehouse", "orders team", false, &[warehouse]);
        self.service("Builds", "infrastructure team", false, &[runners]);
    }
}

/// Ninety days of a shop that was mostly well, with a night in which nobody looked.
async fn remember(folder: &Path) {
    let now = Timestamp::now().as_second();
    let begin = now - 90 * DAY;
    let blind = (now - 34 * DAY, now - 34 * DAY + 9 * 3_600);
    let mut graph = Graph::new();
    let mut random = Random(7);
    for (from, to) in [(begin, blind.0), (blind.1, now - 60)] {
        // It was opened at the beginning, and has been open until the end.
        let first = AtomicBool::new(true);
        let clock = Clock::new(move || match first.swap(false, Ordering::Relaxed) {
            true => stamp(from),
            false => stamp(to),
        });
        let settings = StoreSettings {
            clock,
            ..StoreSettings::new(folder)
        };
        let store = Store::open(settings).unwrap();
        let blueprint = Blueprint {
            nodes: Shop::of(false, 0.0)
                .into_iter()
                .map(|(node, _)| node)
                .collect(),
        };
        let applied = graph.apply("painted", blueprint, stamp(from));
        let touched: Vec<NodeId> = graph.nodes().map(|node| node.id().clone()).collect();
        store.record(&graph, &applied.transitions, &touched, stamp(from));
        see(&mut graph, &store, &Shop::of(false, from as f64), from);
        store.record_everything(&graph, stamp(from + 1));
        // What is shown of the last day is measured often.
        let mut at = from;
        while at < to {
            let trouble = random.next().is_multiple_of(23) && to - at > DAY / 2;
            if trouble {
                some_trouble(&mut graph, &store, &mut random, at);
            }
            let step = if to == now - 60 && to - at < DAY + 9_000 {
                300
            } else {
                8_640
            };
            at += step;
            let nodes = Shop::of(at > now - 700, at as f64);
            see(&mut graph, &store, &nodes, at.min(to));
            store.sample(&graph, 0, 1_000, stamp(at.min(to)));
            store.flush().await.unwrap();
        }
        store.close();
    }
}

/// One thing fails or is slow for a while.
fn some_trouble(graph: &mut Graph, store: &Store, random: &mut Random, at: i64) {
    let things = [
        ("Queue", "queue orders"),
        ("Postgres", "db-2"),
        ("Endpoint", "https://search.example.com/"),
        ("Endpoint", "https://img.example.com/"),
        ("Endpoint", "https://id.example.com/"),
    ];
    let (kind, name) = things[random.next() as usize % things.len()];
    let state = [
        State::Degraded,
        State::Degraded,
        State::Failing,
        State::Unknown,
    ][random.next() as usize % 4];
    let long = 300 + (random.next() % 6_000) as i64;
    let seen = Observation::new(state, Reason::fixed("as-reported"), stamp(at + 1))
        .message(state.into(), "no answer within 5 s");
    for (observation, at) in [
        (seen, at + 1),
        (Observation::passing(stamp(at + long)), at + long),
    ] {
        let node = graph.key(&id(kind, name)).unwrap();
        let confirmed = observation.state;
        let transitions = graph.observe(
            [Update {
                node,
                observation,
                confirmed,
            }],
            stamp(at),
        );
        store.record(graph, &transitions, &[], stamp(at));
    }
}

fn see(graph: &mut Graph, store: &Store, nodes: &[Painted], at: i64) {
    let updates = nodes.iter().filter_map(|(node, seen)| {
        let mut observation = seen.clone()?;
        observation.at = stamp(at);
        let confirmed = observation.state;
        Some(Update {
            node: graph.key(&node.id)?,
            observation,
            confirmed,
        })
    });
    let updates: Vec<Update> = updates.collect();
    let transitions = graph.observe(updates, stamp(at));
    store.record(graph, &transitions, &[], stamp(at));
}

fn stamp(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// The same numbers each time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }
}

struct Camera<'a> {
    browser: &'a Browser,
    folder: PathBuf,
}

impl Camera<'_> {
    /// The page at a phone's and a desktop's width, in light and in dark.
    fn take(&self, name: &str, url: &str, most: u32) {
        for (device, width) in [("phone", 390), ("desktop", 1280)] {
            for scheme in ["light", "dark"] {
                self.browser.prefer(scheme);
                self.browser.size(width, 860);
                self.browser.go(url);
                self.browser.wait("!document.querySelector('#live') || document.querySelector('#live').dataset.live === 'yes'");
                let picture = self.browser.picture(width, most);
                std::fs::write(
                    self.folder.join(format!("{name}-{device}-{scheme}.png")),
                    picture,
                )
                .unwrap();
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by `cargo xtask pictures`"]
async fn take_pictures() {
    let folder = std::env::var_os("ALPACALERT_PICTURES").expect("where to put them");
    let Some(shared) = SharedBrowser::get() else {
        return;
    };
    let browser = shared.window();
    let camera = Camera {
        browser: &browser,
        folder: folder.into(),
    };
    // An instance that somebody else started.
    if let Ok(url) = std::env::var("ALPACALERT_PICTURES_OF") {
        camera.take("reports-board", &format!("{url}/"), 900);
        camera.take("reports-public", &format!("{url}/public"), 900);
    }
    let memory = temp_dir();
    remember(memory.path()).await;
    let canvas = Canvas::remembering(
        Shop::of(true, Timestamp::now().as_second() as f64),
        memory.path(),
    )
    .await;
    canvas.until("/", "are failing").await;
    let node = |kind: &str, name: &str| {
        let id = id(kind, name).to_string().replace(' ', "%20");
        canvas.url(&format!("/node?id={id}"))
    };
    camera.take("board", &canvas.url("/"), 1_200);
    camera.take("public", &canvas.url("/public"), 1_200);
    camera.take("service", &node("Service", "Checkout"), 1_500);
    camera.take(
        "sensor",
        &node("Endpoint", "https://search.example.com/"),
        1_300,
    );
    camera.take("tree", &canvas.url("/tree"), 1_100);
}
