//! Lists of nodes are made once and told to many, and never tell what is over or what somebody else may see.

use std::time::Duration;

use alpacalert::config::{AccessPlan, ScopePlan, TokenPlan};
use alpacalert::model::State;
use alpacalert_web::access::token;
use serde_json::Value;

use crate::access::{bearer, rules, shop_and_vault};
use crate::world::{Answer, World, world};

const PROBLEMS: &str = "/api/v1/nodes?state=failing&limit=1000";

fn etag(answer: &Answer) -> String {
    let etag = answer
        .head
        .lines()
        .find_map(|line| line.strip_prefix("etag: "));
    etag.unwrap_or_else(|| panic!("no ETag in {}", answer.head))
        .to_owned()
}

fn titles(list: &Value) -> Vec<&str> {
    let nodes = list["nodes"].as_array().unwrap();
    let titles = nodes.iter().map(|node| node["title"].as_str().unwrap());
    titles.collect()
}

/// Waits until the graph itself says so, which is before anybody is told.
async fn until(world: &World, name: &'static str, state: State, said: &'static str) {
    for _ in 0..2000 {
        let is_so = world.live.query(move |graph| {
            graph.nodes().any(|node| {
                let message = node.messages().first().map(|m| m.text.to_string());
                node.title() == name
                    && node.state() == state
                    && message.is_some_and(|text| text == said)
            })
        });
        if is_so.await.unwrap() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("{name} never became {state:?} and said {said}");
}

async fn shop() -> World {
    let world = world(&[
        ("till", State::Failing, "jammed"),
        ("scale", State::Passing, "level"),
    ])
    .await;
    world.shop("failing").await;
    world
}

#[tokio::test]
async fn a_list_is_made_once_while_nothing_is_different() {
    let world = shop().await;
    let mut same = 0;
    let mut before = world.json(PROBLEMS).await["generated_at"].clone();
    for _ in 0..20 {
        let again = world.json(PROBLEMS).await["generated_at"].clone();
        same += u32::from(again == before);
        before = again;
    }
    // A list is good for a second, and the second may end among the twenty.
    assert!(same >= 15, "only {same} of 20 were told again");
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let later = world.json(PROBLEMS).await["generated_at"].clone();
    assert_ne!(later, before, "it says when it was made, a second at most");
}

#[tokio::test]
async fn a_change_is_told_at_once() {
    let world = shop().await;
    for round in 0..20 {
        let (state, said) = match round % 4 {
            0 => (State::Failing, "unplugged"),
            1 => (State::Passing, "level"),
            // Of a node that fails only what it says is different.
            2 => (State::Failing, "bent"),
            _ => (State::Failing, "broken"),
        };
        world.set("scale", state, said);
        until(&world, "scale", state, said).await;
        let list = world.json(PROBLEMS).await;
        let scale = list["nodes"].as_array().unwrap().iter();
        let scale = scale.clone().find(|node| node["title"] == "scale");
        let told = scale.map(|scale| scale["message"].as_str().unwrap());
        let is_told = (state == State::Failing).then_some(said);
        assert_eq!(told, is_told, "round {round}");
    }
}

#[tokio::test]
async fn who_has_a_list_is_told_so_until_it_is_different() {
    let world = shop().await;
    let first = world.get(PROBLEMS).await;
    let known = format!("If-None-Match: {}\r\n", etag(&first));
    // Also once it was made anew: only the time in it is different.
    for _ in 0..2 {
        let again = world.get_with(PROBLEMS, &known).await;
        assert_eq!((again.status, again.body.as_str()), (304, ""));
        tokio::time::sleep(Duration::from_millis(1100)).await;
    }
    world.set("scale", State::Failing, "bent");
    until(&world, "scale", State::Failing, "bent").await;
    let changed = world.get_with(PROBLEMS, &known).await;
    assert_eq!(
        titles(&changed.json()),
        ["The <b>shop</b>", "scale", "till"]
    );
    let then = world
        .get(&format!(
            "{PROBLEMS}&at={}",
            first.json()["generated_at"].as_str().unwrap()
        ))
        .await;
    assert_eq!(then.status, 200, "the past is looked up each time");
    assert!(!then.head.contains("etag"), "{}", then.head);
}

#[tokio::test]
async fn nobody_is_told_what_was_made_for_another() {
    let some = |name: &str, services: &[&str]| TokenPlan {
        name: name.to_owned(),
        hash: token::hash(name),
        read: ScopePlan::Services(services.iter().map(|name| (*name).to_owned()).collect()),
        push: ScopePlan::Nothing,
        expires: None,
    };
    let mut rules: AccessPlan = rules();
    rules.tokens.push(some("both", &["shop", "vault"]));
    let world = shop_and_vault(&rules).await;
    let everything = "/api/v1/nodes?limit=1000";
    let expected: [(&str, &[&str]); 4] = [
        ("all", &["The Vault", "The shop", "till", "vault-door"]),
        ("vault-only", &["The Vault", "vault-door"]),
        ("shop-only", &["The shop", "till"]),
        ("both", &["The Vault", "The shop", "till", "vault-door"]),
    ];
    // Each of them first, and right after each of the others.
    for from in 0..expected.len() {
        for after in 0..expected.len() {
            let (first, then) = (expected[from], expected[(from + after) % expected.len()]);
            let had = world.get_with(everything, &bearer(first.0)).await;
            let list = world.get_with(everything, &bearer(then.0)).await.json();
            let mut told = titles(&list);
            told.retain(|title| !title.starts_with("here"));
            told.sort_unstable();
            assert_eq!(told, then.1, "{} after {}", then.0, first.0);
            assert_eq!(
                list["total"].as_u64(),
                Some(list["nodes"].as_array().unwrap().len() as u64)
            );
            if then.1 != first.1 {
                let theirs = format!("{}If-None-Match: {}\r\n", bearer(then.0), etag(&had));
                let answer = world.get_with(everything, &theirs).await;
                assert_eq!(answer.status, 200, "{} with what {} has", then.0, first.0);
            }
        }
    }
    assert_eq!(world.get(everything).await.status, 401);
}

#[tokio::test]
async fn many_who_ask_at_once_are_told_the_same() {
    let world = shop().await;
    for round in 0..5 {
        let said = ["bent", "broken"][round % 2];
        world.set("scale", State::Failing, said);
        until(&world, "scale", State::Failing, said).await;
        let asked = (0..50).map(|_| world.json(PROBLEMS));
        for list in futures_util::future::join_all(asked).await {
            let nodes = list["nodes"].as_array().unwrap();
            let scale = nodes.iter().find(|node| node["title"] == "scale").unwrap();
            assert_eq!(scale["message"], said);
        }
    }
}
