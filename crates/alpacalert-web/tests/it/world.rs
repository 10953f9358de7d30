//! An instance whose one source says what a test says.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use alpacalert::config::{GroupPlan, MemberPlan, MemberTarget, Plan, SourcePlan};
use alpacalert::instrument::{
    BoxFuture, Builder, Context, InstrumentError, Params, Registry, Request, ScheduleOverrides,
    SensorError, Snapshot, Source, SourceProvider, SourceSpec,
};
use alpacalert::model::{Edge, Kind, NodeId, Observation, Reason, Rule, State, Timestamp};
use alpacalert::{Monitor, Running, Settings};
use alpacalert_store::{Store, StoreSettings};
use alpacalert_web::{Access, ConfigStatus, Live, Parts, Remember, Serving, WebSettings};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub(crate) type Things = Arc<Mutex<Vec<(String, State, String)>>>;

pub(crate) struct World {
    pub(crate) store: Store,
    _folder: alpacalert_testkit::TempDir,
    pub(crate) live: Live,
    pub(crate) access: Access,
    pub(crate) serving: Serving,
    pub(crate) address: SocketAddr,
    pub(crate) things: Things,
    stop: CancellationToken,
    running: Option<Running>,
    _config: watch::Sender<ConfigStatus>,
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.cancel();
        self.store.close();
    }
}

struct Thing(Things);

impl SourceProvider for Thing {
    fn spec(&self) -> SourceSpec {
        SourceSpec {
            name: "test",
            summary: "",
            doc: "",
            fields: Vec::new(),
            constraints: Vec::new(),
            example: "",
        }
    }

    fn source(&self, _: &Arc<str>, _: &Params) -> Result<Arc<dyn Source>, InstrumentError> {
        Ok(Arc::new(Thing(self.0.clone())))
    }
}

impl Source for Thing {
    fn fetch<'a>(&'a self, _: &'a Context) -> BoxFuture<'a, Result<Snapshot, SensorError>> {
        Box::pin(async { Ok(Snapshot::new(self.0.lock().unwrap().clone())) })
    }

    fn assemble(
        &self,
        snapshot: &Snapshot,
        builder: &mut Builder<'_>,
    ) -> Result<(), InstrumentError> {
        let things = snapshot.get::<Vec<(String, State, String)>>().unwrap();
        for (name, state, said) in things {
            let kind = Kind::of("example.org/Thing");
            let request = Request::from_source("things", kind, name.as_str());
            let now = builder.now();
            builder.object(request, |_, scope| {
                let seen = Observation::new(*state, Reason::fixed("said"), now);
                scope.observed(seen.message((*state).into(), said.clone()));
                Ok(())
            })?;
        }
        Ok(())
    }

    fn interval(&self) -> Duration {
        Duration::from_millis(20)
    }
}

/// One service, `shop`, that needs all things.
pub(crate) async fn world(things: &[(&str, State, &str)]) -> World {
    let shop = service("shop", "The <b>shop</b>", true, "*");
    world_of(things, vec![shop], Access::default(), Serving::default()).await
}

/// A service that needs the things of a path.
pub(crate) fn service(name: &str, title: &str, public: bool, path: &str) -> GroupPlan {
    GroupPlan {
        id: NodeId::new("local", Kind::of("alpacalert.io/Service"), name),
        title: Some(title.into()),
        owner: None,
        service: Some(public),
        rule: Rule::All,
        maintenance: Vec::new(),
        degraded_below: None,
        members: vec![MemberPlan {
            edge: Edge::default(),
            target: MemberTarget::Found {
                source: "things".into(),
                path: vec![path.into()],
            },
        }],
    }
}

/// These services, seen by these rules.
pub(crate) async fn world_of(
    things: &[(&str, State, &str)],
    services: Vec<GroupPlan>,
    access: Access,
    serving: Serving,
) -> World {
    let things = things
        .iter()
        .map(|(name, state, said)| ((*name).to_owned(), *state, (*said).to_owned()));
    let things: Things = Arc::new(Mutex::new(things.collect()));
    let mut plan = Plan::new("here");
    plan.owner = Some("us".into());
    plan.sources.push(SourcePlan {
        name: "things".into(),
        provider: "test".into(),
        params: Params::new(),
        schedule: ScheduleOverrides::default(),
        owner: None,
    });
    plan.groups = services;
    let mut registry = Registry::new();
    registry.register_source(Thing(things.clone()));
    let folder = alpacalert_testkit::temp_dir();
    let store = Store::open(StoreSettings::new(folder.path())).unwrap();
    let engine = Settings {
        observer: Some(Arc::new(Remember(store.clone()))),
        ..Settings::default()
    };
    let running = Monitor::build(&plan, registry, engine).unwrap().start();
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
        history: Some(store.clone()),
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let settings = WebSettings {
        listen: address,
        access: access.clone(),
        serving: serving.clone(),
    };
    let router = alpacalert_web::router(live.clone(), settings.clone());
    let stop = CancellationToken::new();
    tokio::spawn(alpacalert_web::serve(
        listener,
        router,
        settings,
        stop.clone(),
    ));
    World {
        store,
        _folder: folder,
        live,
        access,
        serving,
        address,
        things,
        stop,
        running: Some(running),
        _config: config,
    }
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.body);
        serde_json::from_str(&self.body).unwrap()
    }
}

/// Asks over a connection of its own.
pub(crate) async fn ask(address: SocketAddr, method: &str, path: &str, headers: &str) -> Answer {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{headers}\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    Answer {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        head: head.to_lowercase(),
        body: body.to_owned(),
    }
}

impl World {
    /// Ends the engine, while somebody still listens.
    pub(crate) async fn end(&mut self) {
        if let Some(running) = self.running.take() {
            running.shutdown().await;
        }
    }

    /// Changes how a thing is.
    pub(crate) fn set(&self, name: &str, state: State, said: &str) {
        let mut things = self.things.lock().unwrap();
        for thing in things.iter_mut().filter(|thing| thing.0 == name) {
            (thing.1, thing.2) = (state, said.to_owned());
        }
    }

    pub(crate) async fn get_with(&self, path: &str, headers: &str) -> Answer {
        self.ask("GET", path, headers).await
    }

    /// The head of an answer whose body may never end.
    pub(crate) async fn head_with(&self, path: &str, headers: &str) -> Answer {
        self.ask("HEAD", path, headers).await
    }

    pub(crate) async fn ask(&self, method: &str, path: &str, headers: &str) -> Answer {
        ask(self.address, method, path, headers).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.get_with(path, "").await
    }

    pub(crate) async fn json(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        serde_json::from_str(&answer.body).unwrap()
    }

    /// Waits until the shop is in a state.
    pub(crate) async fn shop(&self, state: &str) -> Value {
        for _ in 0..500 {
            let shop = self.json("/api/v1/services/shop").await;
            if shop["state"] == state {
                return shop;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the shop never became {state}");
    }

    /// Begins to read events.
    pub(crate) async fn events(&self, path: &str, last: Option<&str>) -> Events {
        let last = last.map_or(String::new(), |id| format!("Last-Event-ID: {id}\r\n"));
        self.events_with(path, &last).await
    }

    /// Begins to read events, with these headers.
    pub(crate) async fn events_with(&self, path: &str, headers: &str) -> Events {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        Events(BufReader::new(stream))
    }
}

/// A stream of events.
pub(crate) struct Events(BufReader<TcpStream>);

/// One event.
#[derive(Debug, Default)]
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) data: Value,
}

impl Events {
    /// Waits until the server ends it, and gives how long that took.
    pub(crate) async fn ended(&mut self) -> Duration {
        let start = std::time::Instant::now();
        let mut rest = String::new();
        let reading = self.0.read_to_string(&mut rest);
        let read = tokio::time::timeout(Duration::from_secs(10), reading).await;
        read.expect("the stream ends").expect("it can be read");
        start.elapsed()
    }

    /// The next event, within a few seconds.
    pub(crate) async fn next(&mut self) -> Event {
        let reading = async {
            let mut event = Event::default();
            let mut line = String::new();
            loop {
                line.clear();
                assert!(self.0.read_line(&mut line).await.unwrap() > 0, "it ended");
                let line = line.trim_end();
                if let Some(name) = line.strip_prefix("event: ") {
                    event.name = name.to_owned();
                } else if let Some(id) = line.strip_prefix("id: ") {
                    event.id = id.to_owned();
                } else if let Some(data) = line.strip_prefix("data: ") {
                    event.data = serde_json::from_str(data).unwrap();
                } else if line.is_empty() && !event.name.is_empty() {
                    return event;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(10), reading)
            .await
            .expect("an event")
    }
}
