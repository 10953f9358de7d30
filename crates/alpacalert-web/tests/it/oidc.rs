//! Sign-in with a real OpenID provider, by something like a browser.

use std::collections::HashMap;
use std::time::Duration;

use alpacalert::config::{AccessPlan, GroupAccess, OidcPlan, ScopePlan, ServePlan};
use alpacalert::instrument::Secret;
use alpacalert_testkit::OidcProvider;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use url::Url;

use crate::access::{rules, shop_and_vault};
use crate::world::World;

/// What a browser does: it follows where it is sent, and keeps cookies for each host.
#[derive(Default)]
struct Browser {
    cookies: HashMap<String, HashMap<String, String>>,
}

struct Page {
    url: Url,
    status: u16,
    body: String,
}

impl Browser {
    /// One request, without following.
    async fn ask(&mut self, url: &Url, form: Option<&str>) -> (Page, Option<Url>) {
        let authority = url.authority().to_owned();
        let target = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap());
        let mut stream = TcpStream::connect(target.replace("localhost", "127.0.0.1"))
            .await
            .unwrap();
        let jar = self.cookies.entry(authority.clone()).or_default();
        let cookies: Vec<String> = jar.iter().map(|(k, v)| format!("{k}={v}")).collect();
        let path = &url[url::Position::BeforePath..url::Position::AfterQuery];
        let head = match form {
            None => format!("GET {path} HTTP/1.0\r\n"),
            Some(form) => format!(
                "POST {path} HTTP/1.0\r\nOrigin: {}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n",
                url.origin().ascii_serialization(),
                form.len()
            ),
        };
        let request = format!(
            "{head}Host: {authority}\r\nAccept: text/html\r\nCookie: {}\r\n\r\n{}",
            cookies.join("; "),
            form.unwrap_or_default()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let mut location = None;
        for line in head.lines() {
            let Some((name, value)) = line.split_once(": ") else {
                continue;
            };
            match name.to_ascii_lowercase().as_str() {
                "location" => location = Some(url.join(value).unwrap()),
                "set-cookie" => {
                    let (pair, rest) = value.split_once(';').unwrap();
                    let (key, value) = pair.split_once('=').unwrap();
                    let gone = rest.contains("Max-Age=0") || rest.contains("1970");
                    if authority.starts_with("localhost") {
                        for attribute in ["HttpOnly", "Secure", "SameSite=Lax", "Path=/"] {
                            assert!(rest.contains(attribute), "{line}");
                        }
                    }
                    match gone {
                        true => jar.remove(key),
                        false => jar.insert(key.to_owned(), value.to_owned()),
                    };
                }
                _ => {}
            }
        }
        let page = Page {
            url: url.clone(),
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            body: body.to_owned(),
        };
        (page, location)
    }

    /// Goes where it is sent, until there is a page, or it would go to a place that begins with `until`.
    async fn go(&mut self, url: Url, form: Option<&str>, until: &str) -> Page {
        let (mut page, mut location) = self.ask(&url, form).await;
        for _ in 0..20 {
            let Some(next) = location else {
                return page;
            };
            if next.as_str().starts_with(until) {
                page.url = next;
                return page;
            }
            (page, location) = self.ask(&next, None).await;
        }
        panic!("it is sent around in circles");
    }

    /// Fills in the provider's forms, until it sends back to us; gives that URL, not yet visited.
    async fn sign_in_at_the_provider(&mut self, start: Url, name: &str, callback: &str) -> Url {
        let mut page = self.go(start, None, callback).await;
        for _ in 0..5 {
            if page.url.as_str().starts_with(callback) {
                return page.url;
            }
            assert_eq!(page.status, 200, "{}: {}", page.url, page.body);
            let action = page.body.split("action=\"").nth(1).expect("a form");
            let action = page.url.join(action.split('"').next().unwrap()).unwrap();
            let prompt = page.body.split("name=\"prompt\" value=\"").nth(1);
            let prompt = prompt.expect("a prompt").split('"').next().unwrap();
            let form = format!("prompt={prompt}&login={name}&password=x");
            page = self.go(action, Some(&form), callback).await;
        }
        panic!("the provider never comes to an end");
    }
}

pub(crate) struct Scene {
    pub(crate) world: World,
    here: String,
    _provider: OidcProvider,
}

async fn scene(issuer: Option<&str>) -> Option<Scene> {
    scene_with(issuer, rules()).await
}

/// A shop and a vault that people sign in to.
pub(crate) async fn scene_with(issuer: Option<&str>, mut rules: AccessPlan) -> Option<Scene> {
    let world = shop_and_vault(&rules).await;
    let here = format!("http://localhost:{}", world.address.port());
    let provider = OidcProvider::start(&format!("{here}/oidc/callback"), "for tests")?;
    rules.groups = vec![GroupAccess {
        name: "sre".to_owned(),
        read: ScopePlan::Everything,
    }];
    rules.oidc = Some(OidcPlan {
        issuer: issuer.map_or_else(|| provider.issuer(), str::to_owned),
        client_id: OidcProvider::CLIENT.to_owned(),
        client_secret: Some(Secret::unresolved("for tests")),
        scopes: vec!["profile".to_owned(), "groups".to_owned()],
        name_claim: "preferred_username".to_owned(),
        groups_claim: "groups".to_owned(),
        read: ScopePlan::Nothing,
        session: Duration::from_secs(3600),
    });
    let serve = ServePlan {
        url: Some(here.clone()),
        ..ServePlan::default()
    };
    alpacalert_web::access::check(Some(&rules), &serve).unwrap();
    world.access.replace(Some(&rules), &serve);
    Some(Scene {
        world,
        here,
        _provider: provider,
    })
}

impl Scene {
    pub(crate) fn url(&self, path: &str) -> Url {
        Url::parse(&format!("{}{path}", self.here)).unwrap()
    }

    fn callback(&self) -> String {
        format!("{}/oidc/callback", self.here)
    }
}

#[tokio::test]
async fn people_sign_in_and_out_and_see_what_their_groups_may() {
    let Some(scene) = scene(None).await else {
        return;
    };
    let callback = scene.callback();
    let (mut anna, mut bert) = (Browser::default(), Browser::default());
    // A page that is not for everybody leads to the provider and back to itself.
    let page = scene.url("/metrics?x=1");
    let back = anna
        .sign_in_at_the_provider(page.clone(), "anna", &callback)
        .await;
    let (_, location) = anna.ask(&back, None).await;
    assert_eq!(location, Some(page.clone()));
    assert_eq!(anna.ask(&page, None).await.0.status, 200);
    let back = bert
        .sign_in_at_the_provider(scene.url("/login?next=//evil.example"), "bert", &callback)
        .await;
    let (_, location) = bert.ask(&back, None).await;
    assert_eq!(location, Some(scene.url("/")));
    assert_eq!(bert.ask(&page, None).await.0.status, 403);
    assert_eq!(
        bert.ask(&scene.url("/api/v1/nodes"), None).await.0.status,
        200
    );

    // What came back once is worth nothing more.
    assert_eq!(anna.ask(&back, None).await.0.status, 502);
    assert_eq!(bert.ask(&back, None).await.0.status, 502);

    // Signing out ends the session, and the streams that it opened.
    let cookie = &anna.cookies[&format!("localhost:{}", scene.world.address.port())];
    let cookie = format!(
        "Cookie: __Host-alpacalert={}\r\n",
        cookie["__Host-alpacalert"]
    );
    let mut events = scene.world.events_with("/api/v1/events", &cookie).await;
    events.next().await;
    let before = scene.world.get_with("/metrics", &cookie).await;
    assert_eq!(before.status, 200);
    let (page, _) = anna.ask(&scene.url("/logout"), Some("")).await;
    assert_eq!(page.status, 303);
    assert!(events.ended().await < Duration::from_secs(1));
    assert_eq!(scene.world.get_with("/metrics", &cookie).await.status, 401);
    let (page, _) = anna.ask(&scene.url("/api/v1/services"), None).await;
    assert_eq!(page.status, 200, "who has signed out is anybody");
}

#[tokio::test]
async fn a_sign_in_that_another_browser_began_is_refused() {
    let Some(scene) = scene(None).await else {
        return;
    };
    let callback = scene.callback();
    let (mut thief, mut victim) = (Browser::default(), Browser::default());
    let back = thief
        .sign_in_at_the_provider(scene.url("/login"), "mallory", &callback)
        .await;
    victim.ask(&scene.url("/login"), None).await;
    let (page, location) = victim.ask(&back, None).await;
    assert_eq!((page.status, location), (502, None), "{}", page.body);
    for wrong in [
        "/oidc/callback",
        "/oidc/callback?code=x&state=y",
        "/oidc/callback?error=access_denied&state=y",
    ] {
        let (page, location) = victim.ask(&scene.url(wrong), None).await;
        assert_eq!((page.status, location), (502, None), "{wrong}");
    }
    // With a code that the provider did not give, the right browser gets no further either.
    let back = victim
        .sign_in_at_the_provider(scene.url("/login"), "bert", &callback)
        .await;
    let state = back
        .query_pairs()
        .find(|(key, _)| key == "state")
        .unwrap()
        .1
        .into_owned();
    let iss = back
        .query_pairs()
        .find(|(key, _)| key == "iss")
        .unwrap()
        .1
        .into_owned();
    let mut forged = scene.url("/oidc/callback");
    forged
        .query_pairs_mut()
        .append_pair("state", &state)
        .append_pair("iss", &iss)
        .append_pair("code", "x");
    assert_eq!(victim.ask(&forged, None).await.0.status, 502);
}

#[tokio::test]
async fn a_provider_that_does_not_answer_is_told_and_nobody_comes_in() {
    let Some(scene) = scene(Some("http://127.0.0.1:9")).await else {
        return;
    };
    let (page, _) = Browser::default().ask(&scene.url("/login"), None).await;
    assert_eq!(page.status, 502);
    assert!(page.body.contains("does not answer"), "{}", page.body);
    assert!(!page.body.contains("127.0.0.1:9"), "{}", page.body);
}
