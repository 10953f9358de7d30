//! Who may use a route.

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::MethodRouter;

use alpacalert::config::Anonymous;

use super::gate::Refused;
use super::{Caller, SignIn};
use crate::Viewer;
use crate::api::problem;

/// Who may use a route. What it then shows is for the [`Viewer`] to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Anybody at all, also with credentials that are worth nothing: it tells nothing that matters.
    Open,
    /// Anybody, as long as anybody may see anything.
    Everybody,
    /// Somebody who is known.
    Known,
    /// Somebody who may see everything.
    Operator,
    /// Somebody who may report to what is reported, or who comes with its own token. The handler asks: only it knows that
    /// token, which is none of those that `access` names.
    Push,
}

/// Routes, each with its policy: one without cannot be added.
#[derive(Debug)]
pub struct Guarded<S = ()> {
    router: Router<S>,
    routes: Vec<(String, Policy)>,
}

impl<S: Clone + Send + Sync + 'static> Default for Guarded<S> {
    fn default() -> Self {
        Guarded {
            router: Router::new(),
            routes: Vec::new(),
        }
    }
}

impl<S: Clone + Send + Sync + 'static> Guarded<S> {
    /// No routes.
    pub fn new() -> Self {
        Guarded::default()
    }

    /// Adds a route. The policy counts for every method, known or not.
    #[must_use]
    pub fn route(mut self, path: &str, policy: Policy, handler: MethodRouter<S>) -> Self {
        let guard = from_fn(move |request, next| enforce(policy, request, next));
        self.routes.push((path.to_owned(), policy));
        self.router = self.router.route(path, handler.layer(guard));
        self
    }

    /// Adds the routes of another.
    #[must_use]
    pub fn merge(mut self, other: Guarded<S>) -> Self {
        self.routes.extend(other.routes);
        self.router = self.router.merge(other.router);
        self
    }

    /// Every path with its policy, for those who check that all of them keep to it.
    pub fn routes(&self) -> &[(String, Policy)] {
        &self.routes
    }

    /// Gives handlers what they share.
    pub fn with_state<T>(self, state: S) -> Guarded<T> {
        Guarded {
            router: self.router.with_state(state),
            routes: self.routes,
        }
    }
}

impl Guarded {
    pub(crate) fn into_router(self) -> Router {
        self.router
    }
}

async fn enforce(policy: Policy, request: Request, next: Next) -> Response {
    match refusal(policy, &request) {
        None => next.run(request).await,
        Some(response) => response,
    }
}

fn refusal(policy: Policy, request: &Request) -> Option<Response> {
    if matches!(policy, Policy::Open | Policy::Push) {
        return None;
    }
    if let Some(refused) = request.extensions().get::<Refused>() {
        return Some(refused.answer(request));
    }
    let Some(caller) = request.extensions().get::<Caller>() else {
        // A router that was put together without the gate shows nothing.
        return Some(unknown("who asks is not known", request));
    };
    let nobody = caller.name.is_none() && caller.viewer == Viewer::Public;
    let fits = match policy {
        Policy::Open | Policy::Push => true,
        Policy::Everybody => !nobody || caller.anonymous != Anonymous::Nothing,
        Policy::Known => !nobody,
        Policy::Operator => caller.viewer.is_operator(),
    };
    match (fits, nobody) {
        (true, _) => None,
        (false, true) => Some(unknown(
            "this is not for everybody: send a token as `Authorization: Bearer TOKEN`, or sign in",
            request,
        )),
        (false, false) => {
            let text = "what you may see does not include this; see `access` in the configuration of this instance";
            Some(problem(StatusCode::FORBIDDEN, text).into_response())
        }
    }
}

/// Asks who it is: a browser is led to where its user signs in, or asks them for a name and a password.
pub(super) fn unknown(text: &str, request: &Request) -> Response {
    let sign_in = request.extensions().get::<SignIn>();
    let sign_in = sign_in.copied().unwrap_or(SignIn::Not);
    if sign_in == SignIn::Oidc && is_page(request) {
        return sign_in_and_come_back(request).into_response();
    }
    let mut response = problem(StatusCode::UNAUTHORIZED, text).into_response();
    let asks = ["Bearer realm=\"alpacalert\""].into_iter();
    let password =
        (sign_in == SignIn::Password).then_some("Basic realm=\"alpacalert\", charset=\"UTF-8\"");
    for ask in asks.chain(password) {
        let ask = HeaderValue::from_static(ask);
        response.headers_mut().append(header::WWW_AUTHENTICATE, ask);
    }
    response
}

/// Whether somebody's browser asks for a page.
fn is_page(request: &Request) -> bool {
    let accepts = request.headers().get(header::ACCEPT);
    let accepts = accepts.and_then(|accepts| accepts.to_str().ok());
    request.method() == Method::GET && accepts.is_some_and(|accepts| accepts.contains("text/html"))
}

fn sign_in_and_come_back(request: &Request) -> Redirect {
    let here = request.uri().path_and_query();
    let here = here.map_or("/", |here| here.as_str());
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("next", here)
        .finish();
    Redirect::to(&format!("/login?{query}"))
}
