//! The kind `disk`, on real file systems.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use alpacalert_instrument::model::{State, Unit};
use alpacalert_instrument::{Params, Quantity, Value};

use super::{assemble, is_root, map, measure, measure_all, path, text, value};

const DISK: &str = "alpacalert.io/Disk";

/// A small file system in memory, unmounted at the end.
struct Tmpfs {
    point: PathBuf,
    _dir: tempfile::TempDir,
}

impl Tmpfs {
    fn new(options: &str) -> Option<Tmpfs> {
        if !is_root() {
            alpacalert_testkit::skip("mounting needs root");
            return None;
        }
        let dir = tempfile::tempdir().unwrap();
        let point = dir.path().join("disk");
        fs::create_dir(&point).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "alpacalert-test"])
            .arg(&point)
            .status();
        if !mounted.is_ok_and(|status| status.success()) {
            alpacalert_testkit::skip("this machine does not let us mount");
            return None;
        }
        Some(Tmpfs { point, _dir: dir })
    }

    fn params(&self) -> Params {
        Params::new().with("path", path(&self.point))
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.point).status();
    }
}

fn percent(value: f64) -> Value {
    Value::Quantity(Quantity {
        value,
        unit: Unit::Percent,
    })
}

fn fill(folder: &Path, bytes: usize) {
    fs::write(folder.join(format!("fill{bytes}")), vec![0_u8; bytes]).unwrap();
}

#[tokio::test]
async fn a_disk_that_fills_degrades_and_fails() {
    let Some(disk) = Tmpfs::new("size=1m") else {
        return;
    };
    let free = map([("degraded", percent(50.0)), ("failing", percent(20.0))]);
    let assembly = assemble(DISK, disk.params().with("free", free));
    let look = async || measure_all(&assembly).await.remove("x").unwrap();
    let empty = look().await;
    assert_eq!(empty.state, State::Passing, "{empty:?}");
    assert_eq!(value(&empty, "free space").value, 1048576.0);
    fill(&disk.point, 600 * 1024);
    let half = look().await;
    assert_eq!(half.state, State::Degraded, "{half:?}");
    assert!(
        text(&half).contains("free space share 41.4 % (degraded < 50 %)"),
        "{half:?}"
    );
    fill(&disk.point, 300 * 1024);
    assert_eq!(look().await.state, State::Failing);
}

#[tokio::test]
async fn the_defaults_judge_shares_of_a_small_disk_and_off_switches_them_off() {
    let Some(disk) = Tmpfs::new("size=1m") else {
        return;
    };
    fill(&disk.point, 1020 * 1024);
    let full = measure(DISK, disk.params()).await;
    assert_eq!(full.state, State::Failing);
    assert!(
        text(&full).contains("free space 4 KiB (failing < 30.7 KiB)"),
        "{full:?}"
    );
    let off = map([("degraded", Value::Null), ("failing", Value::Null)]);
    assert_eq!(
        measure(DISK, disk.params().with("free", off)).await.state,
        State::Passing
    );
}

#[tokio::test]
async fn inodes_run_out_too() {
    let Some(disk) = Tmpfs::new("size=1m,nr_inodes=40") else {
        return;
    };
    assert_eq!(measure(DISK, disk.params()).await.state, State::Passing);
    for n in 0..38 {
        fs::write(disk.point.join(n.to_string()), "").unwrap();
    }
    let full = measure(DISK, disk.params()).await;
    assert_eq!(full.state, State::Failing);
    assert!(text(&full).contains("free inodes share"), "{full:?}");
}

#[tokio::test]
async fn a_disk_that_becomes_read_only_fails() {
    let Some(disk) = Tmpfs::new("size=1m") else {
        return;
    };
    let assembly = assemble(DISK, disk.params());
    let look = async || measure_all(&assembly).await.remove("x").unwrap();
    assert_eq!(look().await.state, State::Passing);
    let status = Command::new("mount")
        .args(["-o", "remount,ro"])
        .arg(&disk.point)
        .status();
    assert!(status.unwrap().success());
    let seen = look().await;
    assert_eq!(
        (seen.state, seen.reason.as_str()),
        (State::Failing, "read-only")
    );
    // Somebody who looks for the first time cannot know that it was otherwise.
    assert_eq!(measure(DISK, disk.params()).await.state, State::Passing);
    let writable = disk.params().with("writable", Value::Bool(true));
    assert_eq!(measure(DISK, writable).await.state, State::Failing);
}

#[tokio::test]
async fn a_path_that_is_not_there_fails_and_a_link_is_followed() {
    let seen = measure(DISK, Params::new().with("path", path("/no/such/path"))).await;
    assert_eq!(
        (seen.state, seen.reason.as_str()),
        (State::Failing, "missing")
    );
    let Some(disk) = Tmpfs::new("size=1m") else {
        return;
    };
    let link = disk.point.parent().unwrap().join("link");
    std::os::unix::fs::symlink("disk", &link).unwrap();
    let seen = measure(DISK, Params::new().with("path", path(&link))).await;
    assert_eq!(value(&seen, "free space").value, 1048576.0);
}
