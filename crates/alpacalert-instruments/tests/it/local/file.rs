//! The kind `file`, on real files and on what only looks like one.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use alpacalert_instrument::model::{Limits, State};
use alpacalert_instrument::{Params, Value};

use super::{measure, path, text};

const FILE: &str = "alpacalert.io/File";

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, content: &str) -> Params {
        let file = self.0.path().join(name);
        fs::write(&file, content).unwrap();
        Params::new().with("path", path(file))
    }
}

async fn seen(params: Params) -> (State, String, String) {
    let observation = measure(FILE, params).await;
    let reason = observation.reason.to_string();
    (observation.state, reason, text(&observation))
}

#[tokio::test]
async fn a_file_is_there_or_not() {
    let folder = Folder::new();
    let there = folder.file("there", "");
    let gone = Params::new().with("path", path(folder.0.path().join("gone")));
    let no = Value::Bool(false);
    assert_eq!(seen(there.clone()).await.0, State::Passing);
    assert_eq!(seen(there.with("exists", no.clone())).await.1, "present");
    assert_eq!(seen(gone.clone()).await.1, "missing");
    assert_eq!(seen(gone.with("exists", no)).await.0, State::Passing);
    let folder = Params::new().with("path", path(folder.0.path()));
    assert_eq!(seen(folder).await.0, State::Passing);
}

#[tokio::test]
async fn age_and_size_have_limits() {
    let folder = Folder::new();
    let params = folder.file("backup", "12345");
    let file = fs::File::options()
        .append(true)
        .open(params.text("path").unwrap())
        .unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(7200))
        .unwrap();
    let age = Value::Limits(Limits::above(3600.0, 86400.0));
    let (state, reason, text) = seen(params.clone().with("age", age)).await;
    assert_eq!((state, reason.as_str()), (State::Degraded, "limit"));
    assert!(text.starts_with("age 2 h (degraded > 60 min)"), "{text}");
    let small = Value::Limits(Limits::below(None, 6.0));
    assert_eq!(
        seen(params.clone().with("min_size", small)).await.0,
        State::Failing
    );
    let large = Value::Limits(Limits::above(4.0, None));
    assert_eq!(seen(params.with("size", large)).await.0, State::Degraded);
}

#[tokio::test]
async fn content_is_searched_in_the_last_mebibyte() {
    let folder = Folder::new();
    let log = folder.file("log", "start\nERROR broke at 3\nend\n");
    let (state, reason, text) = seen(log.clone().with_text("lacks", "ERR.R")).await;
    assert_eq!((state, reason.as_str()), (State::Failing, "content"));
    assert!(
        text.ends_with("contains `ERR.R`: ERROR broke at 3"),
        "{text}"
    );
    assert_eq!(
        seen(log.clone().with_text("contains", "(?m)^end$")).await.0,
        State::Passing
    );
    assert_eq!(
        seen(log.with_text("contains", "finished")).await.1,
        "content"
    );
    let long = "ERROR\n".to_owned() + &"x".repeat(2 * 1024 * 1024) + "\nlast";
    let long = folder.file("long", &long);
    let both = long
        .with_text("lacks", "ERROR")
        .with_text("contains", "last$");
    assert_eq!(seen(both).await.0, State::Passing);
}

#[tokio::test]
async fn owner_and_mode_are_judged() {
    let folder = Folder::new();
    let key = folder.file("key", "");
    fs::set_permissions(key.text("path").unwrap(), fs::Permissions::from_mode(0o644)).unwrap();
    let (_, reason, text) = seen(key.clone().with_text("mode", "0600")).await;
    assert_eq!(reason, "mode");
    assert!(
        text.contains("has the mode 0644, which permits more than 0600"),
        "{text}"
    );
    assert_eq!(
        seen(key.clone().with_text("mode", "0644")).await.0,
        State::Passing
    );
    assert_eq!(
        seen(key.clone().with_text("owner", "nobody")).await.1,
        "owner"
    );
    let me = rustix::process::geteuid().as_raw().to_string();
    assert_eq!(seen(key.with_text("owner", me)).await.0, State::Passing);
}

#[tokio::test]
async fn pipes_and_devices_never_make_us_wait() {
    let folder = Folder::new();
    let pipe = folder.0.path().join("pipe");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let start = Instant::now();
    for (file, what) in [
        (pipe.as_path(), "a pipe"),
        ("/dev/zero".as_ref(), "a device"),
        (folder.0.path(), "a folder"),
    ] {
        let params = Params::new()
            .with("path", path(file))
            .with_text("contains", "x");
        let (state, reason, text) = seen(params).await;
        assert_eq!((state, reason.as_str()), (State::Failing, "not-a-file"));
        assert!(text.contains(what), "{text}");
    }
    assert!(start.elapsed() < Duration::from_secs(2));
}
