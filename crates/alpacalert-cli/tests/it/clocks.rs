//! Somebody sets the clock of a running instance: an hour, ten years, to 1970, over the end of summer time, through a leap second.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use alpacalert_testkit::skip;
use serde_json::Value;

use crate::program::{alpacalert, folder};
use crate::serve::{Daemon, serve_by};

const PATIENCE: Duration = Duration::from_secs(20);

/// A check each 200 ms, and a slow machine.
const SEEN: Duration = Duration::from_secs(5);

/// Where the instance is: the clock of the wall shows an hour twice.
const ZONE: &str = "Europe/Berlin";

const HOUR: i64 = 3600;
const YEAR: i64 = 365 * 24 * HOUR;

/// What gives a process another time of day, and leaves its steady clock alone.
fn library() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").ok()?.flatten();
    let found = folders
        .map(|folder| folder.path().join("faketime/libfaketime.so.1"))
        .find(|file| file.is_file());
    if found.is_none() {
        skip("libfaketime is not installed");
    }
    found
}

/// An instance with its own clock, which runs in a zone with summer time.
struct Wall {
    daemon: Daemon,
    file: PathBuf,
    there: PathBuf,
    /// What the service was turned to, the oldest first.
    turned: Vec<&'static str>,
}

impl Wall {
    fn start(home: &Path) -> Option<Wall> {
        let library = library()?;
        let (file, there) = (home.join("offset"), home.join("there"));
        std::fs::write(&file, "+0").expect("a file");
        std::fs::write(&there, "").expect("a file");
        let mut command = alpacalert(&["serve", "--listen", "127.0.0.1:0"]);
        command
            .current_dir(home)
            .env("LD_PRELOAD", library)
            .env("FAKETIME_TIMESTAMP_FILE", &file)
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .env("TZ", ZONE);
        Some(Wall {
            daemon: serve_by(&mut command),
            file,
            there,
            turned: Vec::new(),
        })
    }

    /// Sets the clock so many seconds beside the right time.
    fn set(&self, offset: i64) {
        // Never seen half written.
        let new = self.file.with_extension("new");
        std::fs::write(&new, format!("{offset:+}")).expect("a file");
        std::fs::rename(new, &self.file).expect("it is put in place");
    }

    /// What is looked at changes, and is seen to as soon as ever.
    fn turn(&mut self, when: &str) {
        let state = match self.there.exists() {
            true => "failing",
            false => "passing",
        };
        match state {
            "failing" => std::fs::remove_file(&self.there).expect("it was there"),
            _ => std::fs::write(&self.there, "").expect("a file"),
        }
        let begun = Instant::now();
        self.daemon
            .until("/api/v1/services/well", SEEN, |well| well["state"] == state);
        println!("{when}: seen after {:?}", begun.elapsed());
        self.turned.push(state);
    }

    fn history(&self, of: &str) -> Vec<Value> {
        let path = format!("/api/v1/transitions?{of}&limit=200");
        let told = self.daemon.json(&path);
        told["transitions"].as_array().expect("a list").clone()
    }
}

#[test]
fn whatever_the_clock_of_a_running_instance_is_set_to_nothing_is_late_or_out_of_order() {
    let home = folder(
        "instance: here\ndefaults: { interval: 200ms }\nservices:\n  well: { requires: [ { file: { path: there } } ] }\n",
    );
    let Some(mut wall) = Wall::start(home.path()) else {
        return;
    };
    wall.daemon
        .until("/api/v1/services/well", PATIENCE, |well| {
            well["state"] == "passing"
        });
    wall.turned.push("passing");
    let now = alpacalert::model::Timestamp::now().as_second();
    // Three seconds before three o'clock becomes two o'clock.
    let summer_ends: alpacalert::model::Timestamp = "2027-10-31T00:59:57Z".parse().expect("a time");
    let summer_ends = summer_ends.as_second() - now;
    wall.turn("as it is");
    wall.set(summer_ends);
    wall.turn("before summer time ends");
    std::thread::sleep(Duration::from_secs(3));
    wall.turn("after summer time ended");
    for (when, offset) in [
        ("a leap second", summer_ends - 1),
        ("an hour ahead", HOUR),
        ("an hour behind", -HOUR),
        ("ten years ahead", 10 * YEAR),
        ("in 1970", HOUR - now),
        ("right again", 0),
        ("still right", 0),
    ] {
        wall.set(offset);
        wall.turn(when);
    }
    // What is remembered is in the order in which it was.
    wall.daemon.until(
        "/api/v1/transitions?node=well&limit=1000",
        PATIENCE,
        |told| {
            told["transitions"]
                .as_array()
                .is_some_and(|told| told.len() >= wall.turned.len())
        },
    );
    let history = wall.history("node=well");
    let told: Vec<&str> = history
        .iter()
        .filter_map(|change| change["to"].as_str())
        .collect();
    let expected: Vec<&str> = wall.turned.iter().rev().copied().collect();
    assert_eq!(told, expected, "{history:#?}");
    // The page tells the same of all services, the instance's own among them, as far as it is not of a time to come.
    let history = wall.history("services=true");
    let (status, page) = wall.daemon.get("/past?span=24h");
    assert_eq!(status, 200);
    let now = alpacalert::model::Timestamp::now();
    let shown: Vec<&str> = page
        .split("As it was at ")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    let is_shown = |change: &&Value| {
        let at = change["at"].as_str().expect("a time");
        let at: alpacalert::model::Timestamp = at.parse().expect("a time");
        at <= now && now.duration_since(at).as_secs() < 24 * HOUR
    };
    let same: Vec<String> = history
        .iter()
        .filter(is_shown)
        .map(|change| {
            let at = change["at"].as_str().expect("a time");
            let at: alpacalert::model::Timestamp = at.parse().expect("a time");
            let at = at.in_tz(ZONE).expect("a zone");
            at.strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
        })
        .collect();
    assert!(same.len() >= 5, "{history:#?}");
    assert_eq!(shown, same);
    // An uptime is a share, of whatever time.
    for from in ["1970-01-01T00:00:00Z", "2026-01-01T00:00:00Z"] {
        let path = format!("/api/v1/history/uptime?node=well&from={from}&parts=30");
        let told = wall.daemon.json(&path);
        for part in told["parts"].as_array().expect("parts") {
            for share in [&part["lower"], &part["upper"]] {
                let is_sane =
                    share.is_null() || (0.0..=1.0).contains(&share.as_f64().unwrap_or(-1.0));
                assert!(is_sane, "{part:#}");
            }
        }
    }
}
