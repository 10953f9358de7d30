//! Asking a running instance from a terminal.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use crate::program::{Started, alpacalert, folder, run};
use crate::serve::{Daemon, serve, serve_on};

const SECONDS: Duration = Duration::from_secs(20);

fn shop(broken: &std::path::Path) -> String {
    format!(
        "instance: here\nowner: shop\ndefaults: {{ interval: 200ms }}\nservices:\n\
         \x20 buying: {{ title: Buying, requires: [ stock ] }}\n  looking: {{ requires: [ {{ file: {{ path: / }} }} ] }}\n\
         systems:\n  stock: {{ owner: warehouse, all: [ {{ file: {{ path: {}, exists: false }} }} ] }}\n",
        broken.display()
    )
}

struct Shop {
    folder: alpacalert_testkit::TempDir,
    daemon: Daemon,
    url: String,
}

impl Shop {
    fn start() -> Shop {
        let folder = folder("");
        let file = folder.path().join("alpacalert.yaml");
        std::fs::write(&file, shop(&folder.path().join("broken"))).expect("a file");
        let daemon = serve(&["-c", file.to_str().expect("UTF-8")]);
        for service in ["buying", "looking"] {
            let path = format!("/api/v1/services/{service}");
            daemon.until(&path, SECONDS, |value| value["state"] == "passing");
        }
        let url = format!("http://{}", daemon.address);
        Shop {
            folder,
            daemon,
            url,
        }
    }

    fn breaks(&self) {
        std::fs::write(self.folder.path().join("broken"), "").expect("a file");
        self.daemon
            .until("/api/v1/services/buying", SECONDS, |value| {
                value["state"] == "failing"
            });
    }
}

#[test]
fn status_tells_how_services_are_in_every_form_and_by_the_exit_code() {
    let shop = Shop::start();
    let status = |more: &[&str]| {
        let mut all = vec!["status", "--ascii", "--url", &*shop.url];
        all.extend(more);
        run(&all)
    };
    let said = status(&["looking", "buying"]);
    assert_eq!(said.code, 0, "{said:?}");
    shop.breaks();
    let said = status(&[]);
    assert_eq!(said.code, 2, "{said:?}");
    let first = said.out.lines().next().expect("a line");
    assert!(first.contains("Buying is failing"), "{first}");
    assert!(first.contains("not ours"), "{first}");
    assert_eq!(status(&["looking"]).code, 0);
    let said = status(&["-o", "nagios", "buying"]);
    assert!(
        said.out.starts_with("CRITICAL - Buying is failing"),
        "{said:?}"
    );
    let said = status(&["-o", "json", "buying"]);
    let list: Value = serde_json::from_str(&said.out).expect("JSON");
    assert_eq!(list["services"][0]["state"], "failing");
    let said = status(&["selling"]);
    assert_eq!(said.code, 64, "{said:?}");
    assert!(said.err.contains("no service `selling`"), "{said:?}");
    assert_eq!(status(&["--live"]).code, 0, "the program works");
}

#[test]
fn explain_tells_what_the_instance_knows() {
    let shop = Shop::start();
    shop.breaks();
    let said = run(&["explain", "buying", "--url", &shop.url]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.out.contains("not ours"), "{said:?}");
    assert!(said.out.contains("  because of "), "{said:?}");
    assert!(said.out.contains("  mended by "), "{said:?}");
    let said = run(&["explain", "buying", "--url", &shop.url, "-o", "json"]);
    let record: Value = serde_json::from_str(&said.out).expect("JSON");
    assert_eq!(record["blame"], "not ours");
    let said = run(&["explain", "nothing", "--url", &shop.url]);
    assert_eq!(said.code, 64, "{said:?}");
}

#[test]
fn watch_tells_of_changes_and_goes_on_when_the_instance_was_started_again() {
    let shop = Shop::start();
    let started = Started::new(&mut alpacalert(&["watch", "--url", &shop.url]));
    // It is connected once a change is told; until then they are made again and again.
    let broken = shop.folder.path().join("broken");
    let flip = || {
        std::fs::write(&broken, "").expect("a file");
        std::thread::sleep(Duration::from_millis(600));
        std::fs::remove_file(&broken).expect("it is there");
        std::thread::sleep(Duration::from_millis(600));
    };
    flip();
    flip();
    started.line_with("Buying  passing → failing, shop");
    let Shop { folder, daemon, .. } = shop;
    let address = daemon.address.clone();
    daemon.started.signal(Signal::KILL);
    daemon.started.ended(SECONDS);
    let file = folder.path().join("alpacalert.yaml");
    let daemon = serve_on(&address, &["-c", file.to_str().expect("UTF-8")]);
    daemon.until("/api/v1/services/buying", SECONDS, |value| {
        value["state"] == "passing"
    });
    std::thread::sleep(Duration::from_millis(1500));
    started.rest();
    flip();
    started.line_with("Buying  passing → failing, shop");
    started.signal(Signal::INT);
    let (status, said) = started.ended(SECONDS);
    assert_eq!(status.code(), Some(0), "{said}");
    // What another run of the program told cannot be caught up with, and that is said.
    assert!(said.contains("some changes were missed"), "{said}");
}

/// Says the same to everybody.
fn says(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("its address"));
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    url
}

#[test]
fn what_keeps_it_from_asking_is_told_with_what_to_do() {
    let nobody = format!("http://127.0.0.1:{}", alpacalert_testkit::free_port());
    let html = says("HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\n<html>");
    let newer =
        says("HTTP/1.1 200 OK\r\nContent-Length: 13\r\nConnection: close\r\n\r\n{\"version\":2}");
    let other = says("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    let refuses = says(
        "HTTP/1.1 401 Unauthorized\r\nContent-Length: 14\r\nConnection: close\r\n\r\n{\"error\":\"no\"}",
    );
    for (url, code, said) in [
        (&*nobody, 74, "cannot reach the instance at"),
        (&*html, 74, "is not Alpacalert: it does not answer JSON"),
        (&*newer, 74, "speaks version 2 of the API"),
        (&*other, 74, "the URL is what comes before /api/v1"),
        (
            &*refuses,
            74,
            "give a token with --token or ALPACALERT_TOKEN",
        ),
        ("127.0.0.1:8420", 64, "is not the URL of an instance"),
        ("ftp://a.example", 64, "is not the URL of an instance"),
    ] {
        for command in [&["status"][..], &["explain", "x"], &["watch"]] {
            let mut all = command.to_vec();
            all.extend(["--url", url]);
            let got = run(&all);
            assert_eq!(got.code, code, "{all:?}: {got:?}");
            // The text of a stream that is none is the server's own.
            if command != ["watch"] {
                assert!(got.err.contains(said), "{said:?} is not in {got:?}");
            }
        }
    }
    let got = run(&["status", "--url", &nobody]);
    assert!(got.err.contains("onnection refused"), "{got:?}");
}
