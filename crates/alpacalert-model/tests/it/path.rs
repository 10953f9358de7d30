//! Finding nodes by the names on the way to them.

use alpacalert_model::Rule;

use crate::support::{graph, id, key, sensor, system};

fn shop() -> alpacalert_model::Graph {
    graph([
        system("shop", Rule::All, &["frontend", "backend"]),
        system("frontend", Rule::All, &["http", "disk"]),
        system("backend", Rule::All, &["queue", "disk"]),
        sensor("http"),
        sensor("queue"),
        sensor("disk"),
    ])
}

#[test]
fn a_path_leads_from_a_root_down() {
    let graph = shop();
    let found = graph.find_path(&["shop", "frontend", "http"]);
    assert_eq!(found, Ok(vec![key(&graph, "http")]));
    assert_eq!(graph.find_path(&[]), Ok(vec![]));
}

#[test]
fn a_segment_matches_the_title_and_the_reference() {
    let mut cart = sensor("cart-0");
    cart.title = "Shopping cart".into();
    let graph = graph([cart]);
    let key = key(&graph, "cart-0");
    assert_eq!(graph.find_path(&["Shopping cart"]), Ok(vec![key]));
    assert_eq!(graph.find_path(&["cart-0"]), Ok(vec![key]));
}

#[test]
fn a_star_matches_all_and_a_shared_node_is_found_once() {
    let graph = shop();
    let found = graph.find_path(&["*", "*", "disk"]);
    assert_eq!(found, Ok(vec![key(&graph, "disk")]));
    assert_eq!(
        graph.find_path(&["*", "*", "*"]).map(|found| found.len()),
        Ok(3)
    );
}

#[test]
fn a_segment_matches_the_kind_and_the_whole_identity_too() {
    let graph = shop();
    let whole = id("backend").to_string();
    let found = graph.find_path(&["Thing", &whole]);
    assert_eq!(found, Ok(vec![key(&graph, "backend")]));
    let from = graph.find_path_from(key(&graph, "backend"), &["queue"]);
    assert_eq!(from, Ok(vec![key(&graph, "queue")]));
}

#[test]
fn an_error_names_the_segment_and_what_is_there() {
    let graph = shop();
    let error = graph.find_path(&["shop", "fronted", "http"]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no `fronted` below `shop`; did you mean `frontend`?"
    );
    let error = graph.find_path(&["shop", "database"]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no `database` below `shop`; there is `backend`, `frontend`"
    );
    let error = graph
        .find_path(&["shop", "backend", "disk", "x"])
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "no `x` below `shop/backend/disk`; there is nothing"
    );
    let error = graph.find_path(&["sop"]).unwrap_err();
    assert_eq!(error.position, 0);
    assert_eq!(
        error.to_string(),
        "no `sop` at the start of the path; did you mean `shop`?"
    );
}
