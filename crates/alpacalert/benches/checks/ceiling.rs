//! What the machine can do at most: the same work with nothing around it.

use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use alpacalert_testkit::require;

use crate::cpu;

const FOR: Duration = Duration::from_secs(5);

/// How wrk connects.
#[derive(Clone, Copy)]
pub(crate) enum Connections {
    /// One for each request.
    Fresh,
    /// The same all the time.
    Kept,
}

/// wrk, as fast as it can.
pub(crate) fn wrk(url: &str, connections: Connections) {
    let Some(wrk) = require("wrk") else { return };
    let before = cpu::seconds();
    let (more, how): (&[&str], _) = match connections {
        Connections::Fresh => (&["-H", "Connection: close"], "a connection per request"),
        Connections::Kept => (&[], "connections kept"),
    };
    let output = Command::new(wrk)
        .args(["-t1", "-c64", "-d5s"])
        .args(more)
        .arg(url)
        .output()
        .expect("run wrk");
    let used = cpu::seconds() - before;
    let text = String::from_utf8_lossy(&output.stdout);
    let rate = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("Requests/sec:"))
        .and_then(|rate| rate.trim().parse::<f64>().ok());
    match rate {
        Some(rate) => println!(
            "ceiling, wrk, {how}: {rate:.0}/s, {:.2} cores, {:.0}/s/core",
            used / FOR.as_secs_f64(),
            rate * FOR.as_secs_f64() / used
        ),
        None => println!("skipped: wrk said {text}"),
    }
}

/// Blocking connects, one after the other.
pub(crate) fn connect(address: SocketAddr) {
    repeat("connect and close, one after the other", || {
        drop(TcpStream::connect(address).expect("connect"));
    });
}

/// Spawns of `/bin/true`, one after the other. The standard library uses `posix_spawn` for this.
pub(crate) fn spawn() {
    repeat(
        "posix_spawn /bin/true and wait, one after the other",
        || {
            let status = Command::new("/bin/true")
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .status();
            assert!(status.expect("run /bin/true").success());
        },
    );
}

fn repeat(what: &str, mut once: impl FnMut()) {
    let (begun, before) = (Instant::now(), cpu::seconds());
    let mut n = 0;
    while begun.elapsed() < FOR {
        once();
        n += 1;
    }
    let (passed, used) = (begun.elapsed().as_secs_f64(), cpu::seconds() - before);
    println!(
        "ceiling, {what}: {:.0}/s, {:.2} cores, {:.0}/s/core",
        f64::from(n) / passed,
        used / passed,
        f64::from(n) / used
    );
}
