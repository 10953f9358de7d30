//! Units and the clock: a bus of our own with somebody on it who answers as systemd does, and systemd itself where it runs.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use alpacalert_instrument::model::State;
use alpacalert_instrument::{Params, Value};
use zbus::{Connection, OwnedObjectPath, fdo};

use super::{assemble, map, measure, measure_all, path, text, value};

type Unit = (
    String,
    String,
    String,
    String,
    String,
    String,
    OwnedObjectPath,
    u32,
    String,
    OwnedObjectPath,
);

fn object(path: &str) -> OwnedObjectPath {
    OwnedObjectPath::try_from(path.to_owned()).unwrap()
}

/// Answers as org.freedesktop.systemd1 does.
struct Manager {
    failed: Vec<&'static str>,
}

#[zbus::interface(name = "org.freedesktop.systemd1.Manager")]
impl Manager {
    fn list_units_filtered(&self, states: Vec<String>) -> fdo::Result<Vec<Unit>> {
        assert_eq!(states, ["failed"]);
        let unit = |name: &&str| {
            let text = |text: &str| text.to_owned();
            let (unit, job) = (object("/unit"), object("/"));
            (
                text(name),
                text("a unit"),
                text("loaded"),
                text("failed"),
                text("failed"),
                text(""),
                unit,
                0,
                text(""),
                job,
            )
        };
        Ok(self.failed.iter().map(unit).collect())
    }

    fn load_unit(&self, name: &str) -> fdo::Result<OwnedObjectPath> {
        Ok(object(if name == "web.service" {
            "/unit"
        } else {
            "/gone"
        }))
    }
}

struct UnitObject {
    load: &'static str,
    active: &'static str,
}

#[zbus::interface(name = "org.freedesktop.systemd1.Unit")]
impl UnitObject {
    #[zbus(property)]
    fn load_state(&self) -> String {
        self.load.to_owned()
    }

    #[zbus(property)]
    fn active_state(&self) -> String {
        self.active.to_owned()
    }
}

struct Service;

#[zbus::interface(name = "org.freedesktop.systemd1.Service")]
impl Service {
    #[zbus(property)]
    fn control_group(&self) -> String {
        "/system.slice/web.service".to_owned()
    }

    #[zbus(property, name = "NRestarts")]
    fn n_restarts(&self) -> u32 {
        3
    }
}

struct TimeDate {
    synchronised: bool,
    wanted: bool,
}

#[zbus::interface(name = "org.freedesktop.timedate1")]
impl TimeDate {
    #[zbus(property, name = "NTPSynchronized")]
    fn ntp_synchronized(&self) -> bool {
        self.synchronised
    }

    #[zbus(property, name = "NTP")]
    fn ntp(&self) -> bool {
        self.wanted
    }
}

/// A machine of files with a bus, ended with the test.
struct Machine {
    root: tempfile::TempDir,
    daemon: Child,
}

impl Machine {
    /// `None` where there is no dbus-daemon.
    async fn start() -> Option<Machine> {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("run/dbus")).unwrap();
        fs::create_dir_all(root.path().join("run/systemd/system")).unwrap();
        let socket = root.path().join("run/dbus/system_bus_socket");
        // Nobody is started who is asked for and not there.
        let config = root.path().join("bus.conf");
        let text = format!(
            r#"<busconfig><type>session</type><listen>unix:path={}</listen><policy context="default">
            <allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/></policy></busconfig>"#,
            socket.display()
        );
        fs::write(&config, text).unwrap();
        let daemon = Command::new("dbus-daemon")
            .args(["--nofork", "--nopidfile"])
            .arg(format!("--config-file={}", config.display()))
            .stderr(Stdio::null())
            .spawn();
        let Ok(daemon) = daemon else {
            alpacalert_testkit::skip("dbus-daemon is not installed");
            return None;
        };
        let machine = Machine { root, daemon };
        for _ in 0..200 {
            if socket.exists() {
                return Some(machine);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("the bus did not start");
    }

    fn write(&self, file: &str, text: &str) {
        let file = self.root.path().join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    async fn connect(&self) -> zbus::connection::Builder<'static> {
        let socket = self.root.path().join("run/dbus/system_bus_socket");
        zbus::connection::Builder::address(format!("unix:path={}", socket.display()).as_str())
    }

    async fn systemd(&self, failed: &[&'static str], active: &'static str) -> Connection {
        let root = "/org/freedesktop/systemd1";
        let builder = self.connect().await.name("org.freedesktop.systemd1");
        builder
            .serve_at(
                root,
                Manager {
                    failed: failed.to_vec(),
                },
            )
            .serve_at(
                "/unit",
                UnitObject {
                    load: "loaded",
                    active,
                },
            )
            .serve_at("/unit", Service)
            .serve_at(
                "/gone",
                UnitObject {
                    load: "not-found",
                    active: "inactive",
                },
            )
            .build()
            .await
            .unwrap()
    }

    async fn clock(&self, synchronised: bool, wanted: bool) -> Connection {
        let clock = TimeDate {
            synchronised,
            wanted,
        };
        let builder = self.connect().await.name("org.freedesktop.timedate1");
        builder
            .serve_at("/org/freedesktop/timedate1", clock)
            .build()
            .await
            .unwrap()
    }

    fn params(&self) -> Params {
        Params::new().with("root", path(self.root.path()))
    }

    /// A part of the host: its state, reason and messages.
    async fn part(&self, part: &str, params: Params) -> (State, String, String) {
        let all = measure_all(&assemble("alpacalert.io/Host", params)).await;
        let seen = &all[part];
        (seen.state, seen.reason.to_string(), text(seen))
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

#[tokio::test]
async fn failed_units_are_counted_and_named() {
    let Some(machine) = Machine::start().await else {
        return;
    };
    let (state, reason, text) = machine.part("units x", machine.params()).await;
    assert_eq!((state, reason.as_str()), (State::Unknown, "no-systemd"));
    assert!(
        text.contains("cannot ask org.freedesktop.systemd1"),
        "{text}"
    );
    let bus = machine
        .systemd(&["web.service", "cron.service"], "active")
        .await;
    let (state, _, text) = machine.part("units x", machine.params()).await;
    assert_eq!(state, State::Degraded, "{text}");
    assert!(
        text.contains("failed units 2 (degraded > 0)") && text.contains("cron.service failed"),
        "{text}"
    );
    let ignore = ["web.service", "cron.service"].map(|unit| Value::Text(unit.to_owned()));
    let ignore = map([("ignore", Value::List(ignore.to_vec()))]);
    assert_eq!(
        machine
            .part("units x", machine.params().with("units", ignore))
            .await
            .0,
        State::Passing
    );
    drop(bus);
}

#[tokio::test]
async fn the_clock_is_judged_by_who_should_set_it() {
    let Some(machine) = Machine::start().await else {
        return;
    };
    machine.write("proc/cpuinfo", "flags\t\t: fpu hypervisor vme\n");
    let clock = machine.clock(true, true).await;
    assert_eq!(
        machine.part("clock x", machine.params()).await.0,
        State::Passing
    );
    clock.close().await.unwrap();
    let clock = machine.clock(false, true).await;
    let (state, reason, _) = machine.part("clock x", machine.params()).await;
    assert_eq!(
        (state, reason.as_str()),
        (State::Degraded, "not-synchronised")
    );
    clock.close().await.unwrap();
    let _clock = machine.clock(false, false).await;
    let (state, _, text) = machine.part("clock x", machine.params()).await;
    assert_eq!(state, State::Passing);
    assert!(
        text.contains("as a virtual machine it follows its host"),
        "{text}"
    );
    machine.write("proc/cpuinfo", "flags\t\t: fpu vme\n");
    assert_eq!(
        machine.part("clock x", machine.params()).await.0,
        State::Degraded
    );
}

#[tokio::test]
async fn a_unit_is_judged_by_systemd_and_its_control_group() {
    let Some(machine) = Machine::start().await else {
        return;
    };
    let process = "10 (x) S 1 1 1 0 -1 0 0 0 0 0 1 2 0 0 20 0 1 0 100 1000 55 1\n";
    machine.write("proc/10/stat", process);
    machine.write("proc/uptime", "5000.0 1.0\n");
    machine.write(
        "sys/fs/cgroup/system.slice/web.service/cgroup.procs",
        "10\n",
    );
    let look = async |unit: &str| {
        let params = machine.params().with_text("unit", unit);
        measure("alpacalert.io/Process", params).await
    };
    let bus = machine.systemd(&[], "active").await;
    let seen = look("web").await;
    assert_eq!(seen.state, State::Passing, "{seen:?}");
    assert_eq!(value(&seen, "processes").value, 1.0);
    assert_eq!(look("gone").await.reason.as_str(), "missing");
    bus.close().await.unwrap();
    let bus = machine.systemd(&[], "failed").await;
    let seen = look("web").await;
    assert_eq!(
        (seen.state, seen.reason.as_str()),
        (State::Failing, "unit-failed")
    );
    bus.close().await.unwrap();
    // Without systemd's word the control group is enough.
    assert_eq!(look("web").await.state, State::Passing);
}

#[tokio::test]
async fn systemd_itself_is_understood() {
    if !Path::new("/run/systemd/system").is_dir() {
        alpacalert_testkit::skip("systemd does not manage this machine");
        return;
    }
    let all = measure_all(&assemble("alpacalert.io/Host", Params::new())).await;
    for part in ["units x", "clock x"] {
        assert_ne!(all[part].state, State::Unknown, "{part}: {:?}", all[part]);
    }
}
