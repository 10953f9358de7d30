//! The feed of changes of a running program, as a reader of feeds sees it.

use std::time::{Duration, Instant};

use roxmltree::{Document, Node};

use crate::program::{alpacalert, folder};
use crate::serve::serve_by;

const ATOM: &str = "http://www.w3.org/2005/Atom";

fn text<'a>(node: Node<'a, '_>, name: &str) -> &'a str {
    let found = node
        .children()
        .find(|child| child.has_tag_name((ATOM, name)));
    let found = found.unwrap_or_else(|| panic!("{name} is missing"));
    found.text().unwrap_or_default()
}

#[test]
fn a_reader_of_feeds_is_told_what_changed() {
    let folder = folder(
        "\
instance: lab
defaults: { interval: 100ms }
services:
  paper:
    title: 'paper & <b>ink</b>'
    requires:
      - file: { path: paper }
",
    );
    let mut command = alpacalert(&["serve", "--listen", "127.0.0.1:0"]);
    let daemon = serve_by(command.current_dir(folder.path()));
    let end = Instant::now() + Duration::from_secs(20);
    let wait = |entries: usize| {
        loop {
            let (status, head, body) = daemon.ask("GET", "/feed.atom", &[], b"");
            assert_eq!(status, 200, "{body}");
            let head = head.to_lowercase();
            assert!(
                head.contains("content-type: application/atom+xml"),
                "{head}"
            );
            // The service and what the program thinks of itself.
            if body.matches("is failing</title>").count() >= entries {
                return body;
            }
            assert!(Instant::now() < end, "{entries} are not told: {body}");
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    wait(1);
    std::fs::write(folder.path().join("paper"), "").expect("a file");
    daemon.until(
        "/api/v1/services/paper",
        Duration::from_secs(20),
        |service| service["state"] == "passing",
    );
    std::fs::remove_file(folder.path().join("paper")).expect("it was there");
    let body = wait(2);

    let document = Document::parse(&body).unwrap_or_else(|error| panic!("{error}: {body}"));
    let feed = document.root_element();
    assert!(feed.has_tag_name((ATOM, "feed")), "{body}");
    assert_eq!(text(feed, "title"), "lab");
    assert_eq!(text(feed, "id"), "urn:alpacalert:lab");
    let entries = feed
        .children()
        .filter(|child| child.has_tag_name((ATOM, "entry")));
    let entries: Vec<Node<'_, '_>> = entries.collect();
    assert_eq!(text(feed, "updated"), text(entries[0], "updated"), "{body}");
    let titles: Vec<&str> = entries.iter().map(|entry| text(*entry, "title")).collect();
    let failing = "paper & <b>ink</b> is failing";
    assert_eq!(titles[0], failing, "the newest comes first: {body}");
    assert!(
        titles.contains(&"paper & <b>ink</b> is passing"),
        "{titles:?}"
    );
    let mut ids: Vec<&str> = entries.iter().map(|entry| text(*entry, "id")).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(
        ids.len(),
        entries.len(),
        "each change has an id of its own: {body}"
    );
    for entry in &entries {
        let updated = text(*entry, "updated");
        assert!(updated.parse::<jiff::Timestamp>().is_ok(), "{updated}");
    }
    let (status, _, one) = daemon.ask("GET", "/feed.atom?limit=1", &[], b"");
    assert_eq!((status, one.matches("<entry>").count()), (200, 1), "{one}");
}
