//! Who sees what: every route of the router's own list, for everybody who may ask.

use std::time::Duration;

use alpacalert::config::{AccessPlan, Anonymous, ScopePlan, TokenPlan};
use alpacalert::model::State;
use alpacalert_web::access::token;
use alpacalert_web::{Access, Policy};

use crate::world::{Answer, World, service, world_of};

/// What only those may read who see the vault.
const SECRET: [&str; 3] = ["vault", "Vault", "combination"];

fn token_of(name: &str, read: ScopePlan, push: ScopePlan) -> TokenPlan {
    TokenPlan {
        name: name.to_owned(),
        // Nothing but a test has tokens that are their names.
        hash: token::hash(name),
        read,
        push,
        expires: None,
    }
}

fn some(name: &str) -> ScopePlan {
    ScopePlan::Services(vec![name.to_owned()])
}

pub(crate) fn rules() -> AccessPlan {
    let nothing = || ScopePlan::Nothing;
    AccessPlan {
        tokens: vec![
            token_of("all", ScopePlan::Everything, nothing()),
            token_of("vault-only", some("vau*"), nothing()),
            token_of("shop-only", some("shop"), nothing()),
            token_of("pushes", nothing(), some("backup")),
            TokenPlan {
                expires: Some("2020-01-01T00:00:00Z".parse().unwrap()),
                ..token_of("expired", ScopePlan::Everything, nothing())
            },
        ],
        ..AccessPlan::default()
    }
}

/// A public shop and a vault that is not.
pub(crate) async fn shop_and_vault(rules: &AccessPlan) -> World {
    let services = vec![
        service("shop", "The shop", true, "till"),
        service("vault", "The Vault", false, "vault-door"),
    ];
    let things = [
        ("till", State::Passing, "open"),
        ("vault-door", State::Failing, "combination 1234"),
    ];
    let world = world_of(&things, services, Access::new(Some(rules))).await;
    let bearer = bearer("all");
    for _ in 0..500 {
        let vault = world.get_with("/api/v1/services/vault", &bearer).await;
        if vault.body.contains("\"failing\"") {
            return world;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the vault never failed");
}

fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}\r\n")
}

/// Those who ask: what they are called, and what they send.
const CALLERS: [(&str, &str); 8] = [
    ("nobody", ""),
    ("unknown", "Authorization: Bearer alpaca_x\r\n"),
    ("garbled", "Authorization: Negotiate x\r\n"),
    ("expired", "Authorization: Bearer expired\r\n"),
    ("pushes", "Authorization: Bearer pushes\r\n"),
    ("other scope", "Authorization: Bearer shop-only\r\n"),
    ("its scope", "Authorization: Bearer vault-only\r\n"),
    ("operator", "Authorization: Bearer all\r\n"),
];

/// What a policy answers a caller whom it refuses.
fn refusal(policy: Policy, caller: &str) -> Option<u16> {
    let worthless = ["unknown", "garbled", "expired"].contains(&caller);
    match policy {
        Policy::Open => None,
        // Nothing is expected of anybody here, whatever they may report to.
        Policy::Push if ["nobody", "garbled"].contains(&caller) => Some(401),
        Policy::Push => Some(403),
        _ if worthless => Some(401),
        Policy::Everybody => None,
        _ if caller == "nobody" => Some(401),
        Policy::Known => None,
        Policy::Operator => (caller != "operator").then_some(403),
    }
}

fn is_stream(route: &str) -> bool {
    route.ends_with("/events") || route.ends_with("/stream")
}

/// The path of a route about something of this name.
fn about(route: &str, name: &str) -> String {
    let thing = format!("things/example.org/Thing/{name}-door");
    let path = route
        .replace("{name}", name)
        .replace("{*id}", &thing)
        .replace("{*rest}", "x");
    match route {
        "/api/v1/explain" | "/api/v1/impact" => format!("{path}?node={name}"),
        _ => path,
    }
}

/// Everything of an answer that tells something; times and the name that was asked for do not.
fn told(answer: &Answer, asked: &str) -> String {
    let head = answer
        .head
        .lines()
        .filter(|line| !line.starts_with("date:"));
    let head: Vec<&str> = head.collect();
    format!("{}\n{}", head.join("\n"), answer.body).replace(asked, "NAME")
}

#[tokio::test]
async fn every_route_keeps_to_its_policy_and_nothing_private_leaks() {
    let world = shop_and_vault(&rules()).await;
    let routes = alpacalert_web::routes(world.live.clone()).routes().to_vec();
    assert!(routes.len() >= 15, "{routes:?}");
    for (route, policy) in &routes {
        for (caller, headers) in CALLERS {
            let case = format!("{route} for {caller}");
            let path = about(route, "vault");
            // A stream has a test of its own; here it is only asked whether it begins.
            let answer = match is_stream(route) {
                true => world.head_with(&path, headers).await,
                false => world.get_with(&path, headers).await,
            };
            let refusal = match route.contains("/push/") {
                // It is only ever posted to.
                true => Some(405),
                false => refusal(*policy, caller),
            };
            if let Some(status) = refusal {
                assert_eq!(answer.status, status, "{case}: {}", answer.body);
                let asks = answer.head.contains("www-authenticate: bearer");
                assert_eq!(asks, status == 401, "{case}: {}", answer.head);
            } else {
                assert!(![401, 403].contains(&answer.status), "{case}");
            }
            if ["its scope", "operator"].contains(&caller) || is_stream(route) {
                continue;
            }
            // What may not be seen is answered as what does not exist.
            if path.contains("vault") {
                let nothing = world.get_with(&about(route, "xault"), headers).await;
                assert_eq!(told(&answer, "vault"), told(&nothing, "xault"), "{case}");
            } else {
                let told = told(&answer, "\0");
                for secret in SECRET {
                    assert!(!told.contains(secret), "{case} tells {secret}: {told}");
                }
            }
        }
    }
}

#[tokio::test]
async fn methods_that_are_not_known_are_guarded_too() {
    let world = shop_and_vault(&rules()).await;
    for (method, headers, status) in [
        ("POST", "", 401),
        ("POST", "Authorization: Bearer shop-only\r\n", 403),
        ("POST", "Authorization: Bearer all\r\n", 405),
        ("OPTIONS", "", 401),
    ] {
        let answer = world.ask(method, "/metrics", headers).await;
        assert_eq!(answer.status, status, "{method} {headers}");
    }
}

#[tokio::test]
async fn those_who_may_see_it_do() {
    let world = shop_and_vault(&rules()).await;
    let inside = bearer("vault-only");
    let vault = world.get_with("/api/v1/services/vault", &inside).await;
    assert!(vault.body.contains("combination 1234"), "{}", vault.body);
    let explained = world.get_with("/api/v1/explain?node=vault", &inside).await;
    assert!(explained.body.contains("vault-door"), "{}", explained.body);
    // Of what is not theirs they see what is public, and no more.
    let list = world.get_with("/api/v1/services", &inside).await.json();
    let names: Vec<_> = list["services"].as_array().unwrap().iter().collect();
    assert_eq!(names.len(), 2, "{list:#}");
    assert_eq!(names[0]["sentence"], "The shop is passing");
    let nodes = world.get_with("/api/v1/nodes", &inside).await.json();
    assert_eq!(nodes["total"], 2, "{nodes:#}");
    let till = "/api/v1/nodes/things/example.org/Thing/till";
    assert_eq!(world.get_with(till, &inside).await.status, 404);
    assert_eq!(world.get_with(till, &bearer("all")).await.status, 200);
}

#[tokio::test]
async fn what_anybody_sees_is_for_the_configuration_to_say() {
    let world = shop_and_vault(&rules()).await;
    world.set("till", State::Failing, "jammed");
    let shop = "/api/v1/services/shop";
    let until = async |text: &str| {
        for _ in 0..200 {
            let answer = world.get_with(shop, &bearer("all")).await;
            if answer.body.contains(text) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("never {text}");
    };
    until("jammed").await;
    let seen = world.get(shop).await;
    assert_eq!(seen.json()["state"], "failing");
    assert!(!seen.body.contains("jammed") && !seen.body.contains("till"));
    for (anonymous, status, jammed) in [
        (Anonymous::Causes, 200, true),
        (Anonymous::Nothing, 401, false),
    ] {
        let rules = AccessPlan {
            anonymous,
            ..rules()
        };
        world.access.replace(Some(&rules));
        let seen = world.get(shop).await;
        assert_eq!(seen.status, status);
        assert_eq!(seen.body.contains("jammed"), jammed, "{}", seen.body);
        assert_eq!(world.get("/livez").await.status, 200);
        let scoped = world
            .get_with("/api/v1/services", &bearer("vault-only"))
            .await;
        assert_eq!(
            scoped.body.contains("shop"),
            anonymous != Anonymous::Nothing
        );
    }
}

#[tokio::test]
async fn events_are_told_to_those_who_may_see_them() {
    let world = shop_and_vault(&rules()).await;
    let path = "/api/v1/events";
    let mut anybody = world.events_with(path, "").await;
    let mut inside = world.events_with(path, &bearer("vault-only")).await;
    let hello = anybody.next().await;
    inside.next().await;
    world.set("vault-door", State::Passing, "shut");
    let mut titles = Vec::new();
    for _ in 0..2 {
        titles.push(inside.next().await.data["title"].to_string());
    }
    titles.sort();
    assert_eq!(titles, ["\"The Vault\"", "\"vault-door\""]);
    world.set("till", State::Failing, "jammed");
    let event = anybody.next().await;
    assert_eq!(event.data["node"], "local/alpacalert.io/Service/shop");
    assert_eq!(event.data["reason"], "");
    // Numbers without a gap: they do not tell how much happens that is not public.
    let number = |id: &str| id.rsplit_once('-').unwrap().1.parse::<u64>().unwrap();
    assert_eq!(number(&event.id), number(&hello.id) + 1);
    let event = inside.next().await;
    assert_eq!(event.data["title"], "The shop");
    assert_eq!(event.data["reason"], "");
}

#[tokio::test]
async fn a_token_that_is_taken_away_is_worth_nothing_at_once() {
    let world = shop_and_vault(&rules()).await;
    let path = "/api/v1/events";
    let mut open = world.events_with(path, &bearer("vault-only")).await;
    let mut other = world.events_with(path, &bearer("shop-only")).await;
    open.next().await;
    other.next().await;
    let mut fewer = rules();
    fewer.tokens.retain(|token| token.name != "vault-only");
    world.access.replace(Some(&fewer));
    let took = open.ended().await;
    assert!(took < Duration::from_secs(1), "{took:?}");
    let answer = world.get_with("/api/v1/nodes", &bearer("vault-only")).await;
    assert_eq!(answer.status, 401);
    // What did not change goes on.
    world.set("till", State::Failing, "jammed");
    assert_eq!(other.next().await.name, "change");
}

#[tokio::test]
async fn a_stream_ends_when_the_time_of_its_token_is_over() {
    let mut rules = rules();
    let end = jiff::Timestamp::now() + Duration::from_millis(1500);
    rules.tokens[0].expires = Some(end);
    let world = shop_and_vault(&rules).await;
    let mut open = world.events_with("/api/v1/events", &bearer("all")).await;
    open.next().await;
    open.ended().await;
    let late = jiff::Timestamp::now().duration_since(end);
    assert!(late.is_positive() && late.as_millis() < 1000, "{late}");
    assert_eq!(world.get_with("/metrics", &bearer("all")).await.status, 401);
}
