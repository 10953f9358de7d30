//! The kind `host`, on this machine and on machines that this one cannot be.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use alpacalert_instrument::model::{Bound, Limits, State};
use alpacalert_instrument::{Context, Params, Value, measure_guarded};

use super::{assemble, map, measure_all, path, text, value};

const HOST: &str = "alpacalert.io/Host";

#[tokio::test]
async fn this_machine_is_measured_with_every_part_it_has() {
    let assembly = assemble(HOST, Params::new());
    let observations = measure_all(&assembly).await;
    for part in [
        "processors x",
        "memory x",
        "files x",
        "processes x",
        "reboot x",
    ] {
        let observation = &observations[part];
        assert_ne!(observation.state, State::Unknown, "{part}: {observation:?}");
    }
    let root = &observations["disk x//"];
    assert!(value(root, "free space").value > 0.0);
    assert!(value(&observations["memory x"], "available memory").value > 1e6);
    let busy = value(&observations["processors x"], "busy").value;
    assert!((0.0..=100.0).contains(&busy), "{busy}");
    assert!(value(&observations["processes x"], "processes").value >= 2.0);
    let host = &assembly.blueprint.nodes.last().unwrap();
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    assert_eq!(&*host.title, name.trim());
    assert!(
        host.members
            .iter()
            .all(|m| !m.id.reference().contains("/dev"))
    );
}

#[tokio::test]
async fn parts_can_be_left_out() {
    let without = Value::List(vec![
        Value::Text("disks".into()),
        Value::Text("memory".into()),
    ]);
    let assembly = assemble(HOST, Params::new().with("without", without));
    let kinds: Vec<_> = assembly
        .sensors
        .keys()
        .map(|id| id.kind().fragment())
        .collect();
    assert!(!kinds.contains(&Some("disk")) && !kinds.contains(&Some("memory")));
    assert!(kinds.contains(&Some("processors")));
}

/// A child that ended and is not asked about.
struct Zombie(Child);

impl Zombie {
    fn new() -> Zombie {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        drop(child.stdin.take());
        Zombie(child)
    }
}

impl Drop for Zombie {
    fn drop(&mut self) {
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn zombies_are_counted() {
    let limits = |failing| {
        let zombies = Limits {
            degraded: None,
            failing: Some(Bound::Above(failing)),
        };
        let params = Params::new().with("processes", map([("zombies", Value::Limits(zombies))]));
        assemble(HOST, params)
    };
    let zombies: Vec<Zombie> = (0..5).map(|_| Zombie::new()).collect();
    // Until every one of them has ended.
    let mut seen = 0.0;
    for _ in 0..50 {
        let all = measure_all(&limits(4.0)).await;
        let processes = &all["processes x"];
        seen = value(processes, "zombies").value;
        if seen >= 5.0 {
            assert_eq!(processes.state, State::Failing);
            drop(zombies);
            return;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("{seen} zombies were seen");
}

/// A machine made of files: what the kernel would show.
struct Machine(tempfile::TempDir);

impl Machine {
    /// A machine on which nothing is wrong.
    fn healthy() -> Machine {
        let machine = Machine(tempfile::tempdir().unwrap());
        machine
            .write("proc/stat", &stat(1000, 8000, 0))
            .write("proc/loadavg", "9.00 8.00 7.00 1/300 4242\n")
            .write("proc/vmstat", "pswpin 5\npswpout 6\noom_kill 3\n")
            .write(
                "proc/meminfo",
                "MemTotal:       268435456 kB\nMemFree:  1 kB\nMemAvailable:   13421772 kB\n",
            )
            .write("proc/sys/fs/file-nr", "4000\t0\t100000\n")
            .write("proc/sys/kernel/hostname", "db1\n")
            .write("proc/sys/kernel/osrelease", "6.1.0-9-amd64\n")
            .write("proc/sys/kernel/pid_max", "32768\n")
            .write("proc/sys/kernel/threads-max", "200000\n")
            .write("proc/pressure/cpu", &pressure("some", 40.0))
            .write("proc/pressure/memory", &pressure("full", 0.5))
            .write("proc/pressure/io", &pressure("full", 30.0))
            .write("proc/1/mountinfo", "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n")
            .write("proc/1/net/dev", &interface(1000, 0))
            .write("sys/class/net/eth0/device/vendor", "")
            .write("sys/class/net/docker0/mtu", "")
            .write("proc/1/stat", &process(1, "init", 'S'))
            .write("etc/fstab", "/dev/sda1 / ext4 errors=remount-ro 0 1\n");
        machine
    }

    fn write(&self, file: &str, text: &str) -> &Machine {
        let file = self.0.path().join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
        self
    }

    fn root(&self) -> &Path {
        self.0.path()
    }

    fn params(&self) -> Params {
        Params::new().with("root", path(self.root()))
    }

    /// The state and messages of one part.
    async fn part(&self, part: &str) -> (State, String) {
        let all = measure_all(&assemble(HOST, self.params())).await;
        let observation = &all[part];
        (observation.state, text(observation))
    }
}

fn stat(user: u64, idle: u64, steal: u64) -> String {
    format!("cpu  {user} 0 0 {idle} 0 0 0 {steal} 0 0\ncpu0 1 0 0 1\ncpu1 1 0 0 1\nintr 5\n")
}

fn pressure(line: &str, share: f64) -> String {
    format!("{line} avg10={share} avg60={share} avg300={share} total=1\n")
}

fn interface(packets: u64, errors: u64) -> String {
    format!("Inter-|\n face |bytes\n  eth0: 9 {packets} {errors} 0 0 0 0 0 9 0 0 0 0 0 0 0\n")
}

fn process(pid: u32, name: &str, state: char) -> String {
    format!("{pid} ({name}) {state} 1 1 1 0 -1 0 0 0 0 0 1 2 0 0 20 0 1 0 {pid}00 1000 55 1\n")
}

#[tokio::test]
async fn a_busy_database_server_on_which_nothing_is_wrong_passes() {
    let machine = Machine::healthy();
    for (part, observation) in measure_all(&assemble(HOST, machine.params())).await {
        // The disk of the fixture is this machine's own: its free space is not the fixture's.
        if !part.starts_with("disk") {
            assert_eq!(
                observation.state,
                State::Passing,
                "{part}: {}",
                text(&observation)
            );
        }
    }
}

#[tokio::test]
async fn only_hardware_interfaces_and_real_disks_are_parts() {
    let machine = Machine::healthy();
    let assembly = assemble(HOST, machine.params());
    let mut parts: Vec<String> = assembly.sensors.keys().map(|id| id.to_string()).collect();
    parts.sort();
    let part =
        |name: &str, reference: &str| format!("local/alpacalert.io/Host#{name}/x{reference}");
    assert!(parts.contains(&part("disk", "//")), "{parts:?}");
    assert!(parts.contains(&part("interface", "/eth0")), "{parts:?}");
    assert!(
        !parts
            .iter()
            .any(|p| p.contains("docker0") || p.contains("units")),
        "{parts:?}"
    );
}

#[tokio::test]
async fn pressure_of_memory_and_its_absence() {
    let machine = Machine::healthy();
    machine.write("proc/pressure/memory", &pressure("full", 35.0));
    let (state, text) = machine.part("memory x").await;
    assert_eq!(state, State::Degraded);
    assert!(
        text.contains("all tasks waiting for memory (1 min) 35 % (degraded > 20 %)"),
        "{text}"
    );
    machine.write(
        "proc/meminfo",
        "MemTotal: 4000000 kB\nMemAvailable: 30000 kB\n",
    );
    assert_eq!(machine.part("memory x").await.0, State::Failing);
    fs::remove_dir_all(machine.root().join("proc/pressure")).unwrap();
    machine.write(
        "proc/meminfo",
        "MemTotal: 4000000 kB\nMemAvailable: 3000000 kB\n",
    );
    assert_eq!(machine.part("memory x").await.0, State::Passing);
}

#[tokio::test]
async fn stolen_time_kills_and_errors_are_counted_between_two_looks() {
    let machine = Machine::healthy();
    let assembly = assemble(HOST, machine.params());
    let all = measure_all(&assembly).await;
    assert_eq!(all["processors x"].state, State::Passing);
    machine
        .write("proc/stat", &stat(1500, 8500, 500))
        .write("proc/vmstat", "pswpin 5\npswpout 6\noom_kill 5\n")
        .write("proc/1/net/dev", &interface(2000, 50));
    let all = measure_all(&assembly).await;
    let processors = &all["processors x"];
    let steal = value(processors, "stolen by the hypervisor").value;
    assert!((steal - 100.0 / 3.0).abs() < 0.1, "{steal}");
    assert_eq!(processors.state, State::Degraded);
    let memory = &all["memory x"];
    assert_eq!(value(memory, "out-of-memory kills (15 min)").value, 2.0);
    assert_eq!(memory.state, State::Degraded);
    let eth0 = &all["interface x/eth0"];
    assert!(
        text(eth0).contains("packets with errors 4.76 % (degraded > 1 %)"),
        "{eth0:?}"
    );
    // The counters stand still now: the errors are over, the kills are remembered.
    let all = measure_all(&assembly).await;
    assert_eq!(all["interface x/eth0"].state, State::Passing);
    assert_eq!(all["memory x"].state, State::Degraded);
}

#[tokio::test]
async fn an_interface_that_vanishes_is_unknown() {
    let machine = Machine::healthy();
    let assembly = assemble(HOST, machine.params());
    machine.write("proc/1/net/dev", "Inter-|\n face |bytes\n");
    let eth0 = &measure_all(&assembly).await["interface x/eth0"];
    assert_eq!(
        (eth0.state, eth0.reason.as_str()),
        (State::Unknown, "missing")
    );
}

#[tokio::test]
async fn a_flood_of_zombies_and_a_full_table_show() {
    let machine = Machine::healthy();
    for pid in 100..180 {
        machine.write(&format!("proc/{pid}/stat"), &process(pid, "sh", 'Z'));
    }
    let (state, text) = machine.part("processes x").await;
    assert_eq!(state, State::Degraded);
    assert!(text.contains("zombies 80 (degraded > 50)"), "{text}");
    let machine = Machine::healthy();
    machine.write("proc/sys/kernel/pid_max", "1\n");
    assert_eq!(machine.part("processes x").await.0, State::Failing);
}

#[tokio::test(start_paused = true)]
async fn a_process_is_stuck_when_it_waits_without_running() {
    let machine = Machine::healthy();
    let switches =
        |n: u32| format!("voluntary_ctxt_switches:\t{n}\nnonvoluntary_ctxt_switches:\t0\n");
    machine
        .write("proc/7/stat", &process(7, "nfsd", 'D'))
        .write("proc/7/status", &switches(5))
        .write("proc/8/stat", &process(8, "jbd2", 'D'))
        .write("proc/8/status", &switches(1));
    let assembly = assemble(HOST, machine.params());
    let (_, measured) = assembly
        .sensors
        .iter()
        .find(|(id, _)| id.kind().fragment() == Some("processes"))
        .unwrap();
    let cx = Context::default();
    let mut states = Vec::new();
    for look in 0..3 {
        machine.write("proc/8/status", &switches(10 + look));
        let seen = measure_guarded(&*measured.sensor, &cx).await;
        states.push(seen.state);
        if seen.state == State::Degraded {
            assert!(
                text(&seen).contains("process 7 (nfsd) waits in the kernel"),
                "{seen:?}"
            );
        }
        tokio::time::sleep(Duration::from_secs(70)).await;
    }
    assert_eq!(states, [State::Passing, State::Passing, State::Degraded]);
}

#[tokio::test]
async fn a_reboot_that_is_due_degrades() {
    let machine = Machine::healthy();
    assert_eq!(machine.part("reboot x").await.0, State::Passing);
    machine
        .write("lib/modules/6.1.0-9-amd64/modules.dep", "")
        .write("lib/modules/6.1.0-25-amd64/modules.dep", "")
        .write("run/reboot-required", "")
        .write("run/reboot-required.pkgs", "linux-image\nlibc6\n");
    let (state, text) = machine.part("reboot x").await;
    assert_eq!(state, State::Degraded);
    assert!(
        text.contains("a reboot is required by libc6, linux-image"),
        "{text}"
    );
    assert!(
        text.contains("kernel 6.1.0-25-amd64 is installed, and 6.1.0-9-amd64 runs"),
        "{text}"
    );
}

#[tokio::test]
async fn a_file_table_that_runs_full_fails_and_a_broken_one_is_unknown() {
    let machine = Machine::healthy();
    machine.write("proc/sys/fs/file-nr", "95000\t0\t100000\n");
    assert_eq!(machine.part("files x").await.0, State::Failing);
    machine.write("proc/sys/fs/file-nr", "what\n");
    let (state, text) = machine.part("files x").await;
    assert_eq!(state, State::Unknown);
    assert!(
        text.contains("cannot make sense of /proc/sys/fs/file-nr"),
        "{text}"
    );
}

#[tokio::test]
async fn disks_that_are_read_only_or_not_mounted_fail() {
    let machine = Machine::healthy();
    machine
        .write(
            "proc/1/mountinfo",
            "1 0 8:1 / / rw - ext4 /dev/sda1 ro\n2 1 8:2 / /var ro - ext4 /dev/sda2 ro\n3 1 8:3 / /cd ro - ext4 /dev/sr0 ro\n",
        )
        .write("var/x", "")
        .write(
            "etc/fstab",
            "/dev/sda1 / ext4 defaults 0 1\n/dev/sda2 /var ext4 defaults 0 2\n/dev/sda4 /srv ext4 defaults 0 2\n",
        );
    let all = measure_all(&assemble(HOST, machine.params())).await;
    let reason = |part: &str| (all[part].state, all[part].reason.as_str());
    assert_eq!(reason("disk x//"), (State::Failing, "read-only"));
    assert_eq!(reason("disk x//var"), (State::Failing, "read-only"));
    assert_eq!(reason("disk x//srv"), (State::Failing, "missing"));
    assert!(!all.contains_key("disk x//cd"));
    assert!(text(&all["disk x//"]).contains("the kernel made the file system read-only"));
}
