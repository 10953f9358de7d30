//! An instance whose graph is what a test paints.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use alpacalert::config::{Plan, SourcePlan};
use alpacalert::instrument::{
    BoxFuture, Builder, Context, InstrumentError, Params, Registry, ScheduleOverrides, SensorError,
    Snapshot, Source, SourceProvider, SourceSpec,
};
use alpacalert::model::{
    Effect, Kind, Node, NodeId, Observation, Reason, Rule, ServiceInfo, State, Timestamp,
};
use alpacalert::{Monitor, Running, Settings};
use alpacalert_store::{Store, StoreSettings};
use alpacalert_web::{Access, ConfigStatus, Live, Parts, Remember, WebSettings};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::world::{Answer, ask};

/// A node, and what is seen of it.
pub(crate) type Painted = (Node, Option<Observation>);

type Shared = Arc<Mutex<Vec<Painted>>>;

pub(crate) struct Canvas {
    pub(crate) address: SocketAddr,
    nodes: Shared,
    pub(crate) live: Live,
    access: Access,
    stop: CancellationToken,
    server: Option<JoinHandle<()>>,
    pub(crate) config: watch::Sender<ConfigStatus>,
    pub(crate) store: Option<Store>,
    running: Option<Running>,
}

impl Drop for Canvas {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(store) = &self.store {
            store.close();
        }
    }
}

struct Paint(Shared);

impl SourceProvider for Paint {
    fn spec(&self) -> SourceSpec {
        SourceSpec {
            name: "paint",
            summary: "",
            doc: "",
            fields: Vec::new(),
            constraints: Vec::new(),
            example: "",
        }
    }

    fn source(&self, _: &Arc<str>, _: &Params) -> Result<Arc<dyn Source>, InstrumentError> {
        Ok(Arc::new(Paint(self.0.clone())))
    }
}

impl Source for Paint {
    fn fetch<'a>(&'a self, _: &'a Context) -> BoxFuture<'a, Result<Snapshot, SensorError>> {
        Box::pin(async { Ok(Snapshot::new(self.0.lock().unwrap().clone())) })
    }

    fn assemble(
        &self,
        snapshot: &Snapshot,
        builder: &mut Builder<'_>,
    ) -> Result<(), InstrumentError> {
        for (node, seen) in snapshot.get::<Vec<Painted>>().unwrap() {
            match seen {
                None => {
                    builder.node(node.clone());
                }
                Some(seen) => {
                    let mut seen = seen.clone();
                    seen.at = builder.now();
                    builder.observed(node.clone(), seen);
                }
            }
        }
        Ok(())
    }

    fn interval(&self) -> Duration {
        // A graph of thousands costs more to look at.
        match self.0.lock().unwrap().len() {
            0..500 => Duration::from_millis(50),
            _ => Duration::from_secs(5),
        }
    }
}

pub(crate) fn id(kind: &'static str, name: &str) -> NodeId {
    NodeId::new("painted", Kind::of(kind), name)
}

/// A sensor that saw something.
pub(crate) fn sensor(name: &str, state: State, said: &str) -> Painted {
    let node = Node::sensor(id("example.org/Thing", name), name);
    let reason = match state {
        State::Passing => Reason::OK,
        _ => Reason::fixed("said"),
    };
    let mut seen = Observation::new(state, reason, Timestamp::UNIX_EPOCH);
    if !said.is_empty() {
        seen = seen.message(state.into(), said.to_owned());
    }
    (node, Some(seen))
}

/// A system of what is called so.
pub(crate) fn system(name: &str, rule: Rule, members: &[&str]) -> Painted {
    let mut node = Node::system(id("example.org/Thing", name), name, rule);
    for member in members {
        node = node.member(id("example.org/Thing", member), Effect::Required);
    }
    (node, None)
}

/// A service of what is called so, under its own title.
pub(crate) fn service(
    name: &str,
    title: &str,
    public: bool,
    owner: &str,
    members: &[&str],
) -> Painted {
    let (node, _) = system(name, Rule::All, members);
    let node = Node {
        title: title.into(),
        owner: (!owner.is_empty()).then(|| owner.into()),
        service: Some(ServiceInfo { public }),
        ..node
    };
    (node, None)
}

/// A shop: a queue that others answer for, two databases of which one is enough, and a shelf of many things.
pub(crate) fn shop(queue: State) -> Vec<Painted> {
    let shelf: Vec<String> = (0..120).map(|n| format!("shelf-{n}")).collect();
    let shelf_names: Vec<&str> = shelf.iter().map(String::as_str).collect();
    let mut nodes = vec![
        service(
            "checkout",
            "Checkout",
            true,
            "shop team",
            &["queue", "database"],
        ),
        service("browse", "Browsing", true, "shop team", &["shelf"]),
        service(
            "queue",
            "Message queue",
            false,
            "infrastructure team",
            &["queue-port", "queue-orders"],
        ),
        service("books", "Bookkeeping", false, "office", &["queue"]),
        system("database", Rule::Any, &["db-1", "db-2"]),
        system("shelf", Rule::All, &shelf_names),
        sensor("queue-port", State::Passing, "open at 10.1.2.3:5672"),
        sensor(
            "queue-orders",
            queue,
            match queue {
                State::Passing => "",
                _ => "queue orders is missing on rabbit-7.internal",
            },
        ),
        sensor("db-1", State::Passing, ""),
        sensor("db-2", State::Passing, ""),
    ];
    nodes.extend(shelf.iter().map(|name| sensor(name, State::Passing, "")));
    nodes
}

impl Canvas {
    pub(crate) async fn new(nodes: Vec<Painted>) -> Canvas {
        Canvas::with(nodes, Access::default(), None).await
    }

    /// One that remembers in a folder.
    pub(crate) async fn remembering(nodes: Vec<Painted>, folder: &Path) -> Canvas {
        let store = Store::open(StoreSettings::new(folder)).unwrap();
        Canvas::with(nodes, Access::default(), Some(store)).await
    }

    pub(crate) async fn with(nodes: Vec<Painted>, access: Access, store: Option<Store>) -> Canvas {
        let nodes: Shared = Arc::new(Mutex::new(nodes));
        let mut plan = Plan::new("corner-shop");
        plan.owner = Some("shop team".into());
        plan.sources.push(SourcePlan {
            name: "painted".into(),
            provider: "paint".into(),
            params: Params::new(),
            schedule: ScheduleOverrides::default(),
            owner: None,
        });
        let mut registry = Registry::new();
        registry.register_source(Paint(nodes.clone()));
        let mut settings = Settings::default();
        if let Some(store) = &store {
            settings.observer = Some(Arc::new(Remember(store.clone())));
            settings.remembered = store.take_remembered();
        }
        let running = Monitor::build(&plan, registry, settings).unwrap().start();
        let (config, watched) = watch::channel(ConfigStatus {
            instance: plan.instance.clone(),
            owner: plan.owner.clone(),
            path: None,
            loaded_at: Timestamp::now(),
            reloads: 0,
            rejected: None,
        });
        let live = Live::new(Parts {
            engine: running.handle(),
            config: watched,
            history: store.clone(),
        });
        let mut canvas = Canvas {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            nodes,
            live,
            access,
            stop: CancellationToken::new(),
            server: None,
            config,
            store,
            running: Some(running),
        };
        canvas.serve().await;
        canvas.until_there().await;
        canvas
    }

    /// Begins to listen, at the same address as before if there was one.
    pub(crate) async fn serve(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.address = listener.local_addr().unwrap();
        let settings = WebSettings {
            listen: self.address,
            access: self.access.clone(),
            ..WebSettings::default()
        };
        let router = alpacalert_web::router(self.live.clone(), settings.clone());
        self.stop = CancellationToken::new();
        self.server = Some(tokio::spawn(alpacalert_web::serve(
            listener,
            router,
            settings,
            self.stop.clone(),
        )));
    }

    /// Ends to listen, while the engine goes on.
    pub(crate) async fn hang_up(&mut self) {
        self.stop.cancel();
        if let Some(server) = self.server.take() {
            server.await.unwrap();
        }
    }

    /// Ends the engine, while somebody still listens.
    pub(crate) async fn end(&mut self) {
        if let Some(running) = self.running.take() {
            running.shutdown().await;
        }
    }

    async fn until_there(&self) {
        let wanted = self.nodes.lock().unwrap().len();
        for _ in 0..3000 {
            let there = self.live.query(move |graph| graph.len() >= wanted).await;
            if there == Some(true) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the graph was never painted");
    }

    /// Paints something else.
    pub(crate) fn paint(&self, nodes: Vec<Painted>) {
        *self.nodes.lock().unwrap() = nodes;
    }

    /// Waits until a page holds a text.
    pub(crate) async fn until(&self, path: &str, text: &str) -> Answer {
        for _ in 0..500 {
            let answer = self.get(path).await;
            if answer.body.contains(text) {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{path} never said {text}: {}", self.get(path).await.body);
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.get_with(path, "").await
    }

    pub(crate) async fn get_with(&self, path: &str, headers: &str) -> Answer {
        ask(self.address, "GET", path, headers).await
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

/// The address of the page of a thing.
pub(crate) fn page_of(name: &str) -> String {
    format!("/node?id=painted/example.org/Thing/{name}")
}

/// Many sensors below a hundred services, of which every second has one that fails.
pub(crate) fn crowd(sensors: usize) -> Vec<Painted> {
    const SERVICES: usize = 100;
    let mut nodes = Vec::new();
    for group in 0..SERVICES {
        let names = (0..sensors / SERVICES).map(|n| format!("sensor-{group}-{n}"));
        let names: Vec<String> = names.collect();
        for (nth, name) in names.iter().enumerate() {
            nodes.push(match nth == 7 && group % 2 == 0 {
                true => sensor(name, State::Failing, "no answer within 5 s"),
                false => sensor(name, State::Passing, ""),
            });
        }
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let (name, title) = (format!("service-{group}"), format!("Service {group}"));
        nodes.push(service(&name, &title, group % 3 == 0, "some team", &names));
    }
    nodes
}
