//! The pages: HTML made here, kept up to date by a script where there is one.
//!
//! Every view is made in two steps. A pure function copies what it needs out of a `Scene`, a graph as of a
//! moment, so that the engine waits for no more than that; another one draws it. The past is drawn by the same code.

mod asked;
mod assets;
mod bars;
mod board;
mod detail;
mod evidence;
mod instance;
mod layout;
pub(crate) mod links;
mod list;
mod memory;
mod newest;
mod node;
mod parts;
mod past;
mod picture;
mod public;
mod scene;
mod theme;
mod time;
mod tree;
mod trouble;
mod who;

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use alpacalert_model::{Graph, NodeKey, Timestamp};
use axum::extract::{Path, Query, State};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use tokio::time::Instant;

use crate::{Guarded, Live, Policy};
use asked::{Asked, ZONE};
use board::Board;
use layout::{Face, Page};
use memory::Memory;
use newest::Newest;
use scene::Scene;
use trouble::Trouble;
pub(crate) use trouble::dressed;

/// What the handlers of pages share.
#[derive(Clone)]
struct Pages {
    live: Live,
    memory: Arc<Memory>,
    services: Arc<Services>,
    board: Newest<Board>,
    /// What everybody may see, without and with what the causes say.
    public: [Newest<Vec<public::Row>>; 2],
}

/// The pages of an instance.
pub fn router(live: Live) -> Guarded {
    let pages = Pages {
        memory: Arc::new(Memory::new(live.clone())),
        services: Arc::default(),
        live,
        board: Newest::default(),
        public: Default::default(),
    };
    Guarded::new()
        .route("/", Policy::Everybody, get(first))
        .route("/public", Policy::Everybody, get(public::page))
        .route("/tree", Policy::Operator, get(tree::page))
        .route("/nodes", Policy::Operator, get(list::page))
        .route("/node", Policy::Operator, get(node::page))
        .route("/past", Policy::Operator, get(past::page))
        .route("/itself", Policy::Operator, get(instance::page))
        // These are the same for all, and tell nothing of the instance.
        .route("/theme", Policy::Open, get(theme::choose))
        .route("/assets/{name}", Policy::Open, get(assets::serve))
        .route("/signed-out", Policy::Open, get(signed_out))
        .route("/favicon.ico", Policy::Open, get(icon))
        .with_state(pages)
}

/// The operator's board, or what is for everybody.
async fn first(State(pages): State<Pages>, asked: Asked) -> Result<Response, Trouble> {
    match asked.caller.viewer.is_operator() {
        true => board_page(&pages, &asked).await,
        false => public::page(State(pages), asked).await,
    }
}

async fn board_page(pages: &Pages, asked: &Asked) -> Result<Response, Trouble> {
    let board = match asked.at {
        Some(_) => Arc::new(pages.look(asked, Board::of).await?),
        None => {
            let make = || pages.look(asked, Board::of);
            pages.board.get(&pages.live, make).await?
        }
    };
    let strips = pages.memory.strips(asked.at, board.shown()).await;
    let page = Page {
        face: Face::Operator,
        title: board.title(),
        tab: "/",
        twin: "/api/v1/services".to_owned(),
        every: 60,
        body: board.draw(&asked.links, &strips),
    };
    Ok(pages.answer(asked, &page))
}

async fn signed_out() -> Html<String> {
    Html(who::signed_out().into_string())
}

async fn icon() -> Response {
    assets::serve(Path("icon.svg".to_owned()), Ok(Query(Default::default()))).await
}

pub(crate) async fn no_such_page() -> Trouble {
    Trouble::missing("there is no such page")
}

/// Every service by title, put in order at most twice a second, however many look.
#[derive(Default)]
struct Services(std::sync::Mutex<Option<(Instant, Arc<[NodeKey]>)>>);

impl Services {
    /// One that has just come may be missing for a moment.
    const FRESH: Duration = Duration::from_millis(500);

    fn newest(&self, graph: &Graph) -> Arc<[NodeKey]> {
        let mut newest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((made, services)) = &*newest
            && made.elapsed() < Services::FRESH
        {
            return services.clone();
        }
        let mut services: Vec<_> = graph.services().collect();
        services.sort_by_key(|node| (node.title(), node.id()));
        let services: Arc<[NodeKey]> = services.into_iter().map(|node| node.key()).collect();
        *newest = Some((Instant::now(), services.clone()));
        services
    }
}

impl Pages {
    /// Looks at the graph as of the moment that is asked about.
    async fn look<R: Send + 'static>(
        &self,
        asked: &Asked,
        f: impl FnOnce(&Scene<'_>) -> R + Send + 'static,
    ) -> Result<R, Trouble> {
        let instance = self.live.instance();
        if let Some(at) = asked.at {
            let past = self.memory.graph(at).await?;
            // A past graph is nobody else's, and may be large: nothing else waits for it.
            let looked = tokio::task::spawn_blocking(move || {
                let scene = Scene::new(&past.graph, &past.roots, at, instance, ZONE.clone());
                f(&scene)
            });
            return looked.await.map_err(|_| Trouble::ended());
        }
        let roots = self.live.roots();
        let services = self.services.clone();
        let look = move |graph: &Graph| {
            let now = Timestamp::now();
            let mut scene = Scene::new(graph, &roots, now, instance, ZONE.clone());
            scene.add_services(&services.newest(graph));
            f(&scene)
        };
        self.live.query(look).await.ok_or_else(Trouble::ended)
    }

    fn answer(&self, asked: &Asked, page: &Page) -> Response {
        layout::answer(asked, &self.live.instance(), page).into_response()
    }
}
