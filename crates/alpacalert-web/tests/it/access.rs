//! Who sees what: every route of the router's own list, for everybody who may ask.

use std::time::Duration;

use alpacalert::config::{
    AccessPlan, Anonymous, GroupAccess, Network, ProxyPlan, ScopePlan, ServePlan, TokenPlan,
    UserPlan,
};
use alpacalert::model::State;
use alpacalert_web::access::{password, token};
use alpacalert_web::{Access, Policy, Serving};
use base64::Engine as _;

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
    shop_and_vault_served(rules, &ServePlan::default()).await
}

pub(crate) async fn shop_and_vault_served(rules: &AccessPlan, serve: &ServePlan) -> World {
    let services = vec![
        service("shop", "The shop", true, "till"),
        service("vault", "The Vault", false, "vault-door"),
    ];
    let things = [
        ("till", State::Passing, "open"),
        ("vault-door", State::Failing, "combination 1234"),
    ];
    let access = Access::new(Some(rules), serve);
    let serving = Serving::new(serve).unwrap();
    let world = world_of(&things, services, access, serving).await;
    let bearer = bearer("all");
    for _ in 0..500 {
        let vault = world.get_with("/api/v1/services/vault", &bearer).await;
        if vault.body.contains("\"failing\"") {
            world.store.flush().await.unwrap();
            return world;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the vault never failed");
}

pub(crate) fn bearer(token: &str) -> String {
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

pub(crate) fn is_stream(route: &str) -> bool {
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
        "/api/v1/explain" | "/api/v1/impact" | "/node" | "/past" => {
            format!("{path}?node={name}")
        }
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
    let routes = alpacalert_web::routes(world.live.clone(), world.access.clone())
        .routes()
        .to_vec();
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
        world.access.replace(Some(&rules), &ServePlan::default());
        let seen = world.get(shop).await;
        assert_eq!(seen.status, status);
        assert_eq!(seen.body.contains("jammed"), jammed, "{}", seen.body);
        assert_eq!(world.get("/livez").await.status, 200);
        // Who is known sees what is public all the same.
        let inside = bearer("vault-only");
        let scoped = world.get_with("/api/v1/services", &inside).await;
        assert!(scoped.body.contains("shop"), "{}", scoped.body);
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
    world.access.replace(Some(&fewer), &ServePlan::default());
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

fn basic(name: &str, password: &str) -> String {
    let pair = base64::engine::general_purpose::STANDARD.encode(format!("{name}:{password}"));
    format!("Authorization: Basic {pair}\r\n")
}

fn user(name: &str, password: &str, read: ScopePlan) -> UserPlan {
    UserPlan {
        name: name.to_owned(),
        password: password::hash(password).unwrap(),
        read,
    }
}

#[tokio::test]
async fn people_sign_in_with_a_password() {
    let mut rules = rules();
    rules.users = vec![
        user("anna", "correct horse", ScopePlan::Everything),
        user("bert", "battery: staple", some("vault")),
    ];
    let world = shop_and_vault(&rules).await;
    let nodes = "/api/v1/nodes";
    let asked = world.get(nodes).await;
    assert_eq!(asked.status, 401);
    assert!(
        asked.head.contains("www-authenticate: basic realm="),
        "{}",
        asked.head
    );
    let anna = basic("anna", "correct horse");
    assert_eq!(world.get_with("/metrics", &anna).await.status, 200);
    let bert = world
        .get_with(nodes, &basic("bert", "battery: staple"))
        .await;
    assert_eq!(bert.json()["total"], 2);
    for wrong in [
        basic("anna", "correct"),
        basic("anna", ""),
        basic("Anna", "correct horse"),
        basic("", ""),
        basic("bert", "correct horse"),
        "Authorization: Basic x\r\n".to_owned(),
        format!("{anna}{anna}"),
    ] {
        let refused = world.get_with(nodes, &wrong).await;
        assert_eq!(refused.status, 401, "{wrong}");
        assert_eq!(world.get_with("/livez", &wrong).await.status, 200);
    }
    // The same words for a name that there is and one that there is not.
    let [one, other] = [basic("anna", "x"), basic("nobody", "x")];
    let (one, other) = (
        world.get_with(nodes, &one).await,
        world.get_with(nodes, &other).await,
    );
    assert_eq!(told(&one, "\0"), told(&other, "\0"));
    // A browser that was sent to sign in goes on to where it wanted to be.
    let login = "/login?next=/x%3Fy";
    assert_eq!(world.get(login).await.status, 401);
    let signed_in = world.get_with(login, &anna).await;
    assert_eq!(signed_in.status, 303);
    assert!(
        signed_in.head.contains("location: /x?y"),
        "{}",
        signed_in.head
    );
}

#[tokio::test]
async fn passwords_are_tried_ten_times_a_minute() {
    let mut rules = rules();
    rules.users = vec![user("anna", "correct horse", ScopePlan::Everything)];
    let world = shop_and_vault(&rules).await;
    let path = "/api/v1/nodes";
    let mut open = world
        .events_with("/api/v1/events", &basic("anna", "correct horse"))
        .await;
    open.next().await;
    for _ in 0..9 {
        let answer = world.get_with(path, &basic("anna", "guess")).await;
        assert_eq!(answer.status, 401);
    }
    let limited = world.get_with(path, &basic("anna", "guess")).await;
    assert_eq!(limited.status, 429);
    assert!(limited.head.contains("retry-after: "), "{}", limited.head);
    // Who is signed in stays so: what was right is remembered.
    let anna = basic("anna", "correct horse");
    assert_eq!(world.get_with(path, &anna).await.status, 200);
    // Until the password is changed.
    rules.users = vec![user("anna", "another one", ScopePlan::Everything)];
    world.access.replace(Some(&rules), &ServePlan::default());
    assert!(open.ended().await < Duration::from_secs(1));
    assert_eq!(world.get_with(path, &anna).await.status, 429);
}

#[tokio::test]
async fn a_proxy_is_believed_and_nobody_else() {
    let mut rules = rules();
    rules.groups = vec![
        GroupAccess {
            name: "sre".to_owned(),
            read: ScopePlan::Everything,
        },
        GroupAccess {
            name: "vault keepers".to_owned(),
            read: some("vault"),
        },
    ];
    let proxy = |from: &str| {
        Some(ProxyPlan {
            from: vec![Network::parse(from).unwrap()],
            user: "X-Forwarded-User".to_owned(),
            groups: "X-Forwarded-Groups".to_owned(),
            read: ScopePlan::Nothing,
        })
    };
    rules.proxy = proxy("127.0.0.0/8");
    let world = shop_and_vault(&rules).await;
    let metrics = "/metrics";
    let nodes = "/api/v1/nodes";
    let sre = "X-Forwarded-User: anna\r\nX-Forwarded-Groups: staff, sre\r\n";
    let keeper = "X-Forwarded-User: bert\r\nX-Forwarded-Groups: vault keepers\r\n";
    let known = "X-Forwarded-User: cora\r\n";
    assert_eq!(world.get_with(metrics, sre).await.status, 200);
    assert_eq!(world.get_with(nodes, keeper).await.json()["total"], 2);
    assert_eq!(world.get_with(metrics, keeper).await.status, 403);
    assert_eq!(world.get_with(nodes, known).await.json()["total"], 0);
    assert_eq!(
        world
            .get_with(nodes, "X-Forwarded-Groups: sre\r\n")
            .await
            .status,
        401
    );
    // The proxy's word counts, not that of what it passes on.
    let both = format!("{known}{}", bearer("all"));
    assert_eq!(world.get_with(metrics, &both).await.status, 403);
    for wrong in [
        "X-Forwarded-User: root\r\nX-Forwarded-User: anna\r\n",
        "X-Forwarded-User: \r\n",
    ] {
        assert_eq!(world.get_with(nodes, wrong).await.status, 401, "{wrong}");
    }
    rules.proxy = proxy("192.0.2.0/24");
    world.access.replace(Some(&rules), &ServePlan::default());
    assert_eq!(world.get_with(metrics, sre).await.status, 401);
}

#[tokio::test]
async fn the_past_is_told_to_those_who_may_see_it() {
    let world = shop_and_vault(&rules()).await;
    let past = "/api/v1/transitions";
    for (headers, path, nodes) in [
        ("", past.to_owned(), &["shop"][..]),
        ("", format!("{past}?node=shop"), &["shop"]),
        (&bearer("shop-only"), past.to_owned(), &["shop"]),
        (&bearer("vault-only"), past.to_owned(), &["shop", "vault"]),
        (
            &bearer("all"),
            format!("{past}?services=true"),
            &["shop", "vault"],
        ),
    ] {
        let told = world.get_with(&path, headers).await.json();
        let told = told["transitions"].as_array().unwrap();
        let mut seen: Vec<_> = told
            .iter()
            .map(|past| past["node"].as_str().unwrap().rsplit_once('/').unwrap().1)
            .filter(|name| *name != "here")
            .collect();
        seen.sort();
        seen.dedup();
        assert_eq!(seen, nodes, "{headers} {path}: {told:?}");
        if headers.is_empty() {
            assert!(told.iter().all(|past| past["reason"] == ""), "{told:?}");
        }
    }
    for private in ["vault", "things/example.org/Thing/vault-door", "nothing"] {
        let path = format!("{past}?node={private}");
        assert_eq!(world.get(&path).await.status, 404, "{private}");
    }
}
