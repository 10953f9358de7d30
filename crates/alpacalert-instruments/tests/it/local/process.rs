//! The kind `process`, on processes that the tests start.

use std::fs;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::time::{Duration, SystemTime};

use alpacalert_instrument::model::{Limits, State};
use alpacalert_instrument::{Assembly, Context, Params, Value, measure_guarded};

use super::{assemble, map, path, text, value};

const PROCESS: &str = "alpacalert.io/Process";

/// A sleeping process under a name of its own, ended with the test.
struct Sleeper(Child);

impl Sleeper {
    fn named(folder: &tempfile::TempDir, name: &str) -> Sleeper {
        let program = folder.path().join(name);
        if !program.exists() {
            fs::copy("/bin/sleep", &program).unwrap();
        }
        // Another test's fork may hold the copy open for writing for a moment.
        for _ in 0..50 {
            match Command::new(&program).arg("600").arg0(&program).spawn() {
                Ok(child) => return Sleeper(child),
                Err(_) => std::thread::sleep(Duration::from_millis(20)),
            }
        }
        panic!("cannot start {}", program.display());
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn name(tag: &str) -> String {
    format!("aa{tag}{}", std::process::id())
}

async fn look(assembly: &Assembly) -> (State, String, super::Observation) {
    // Older than the table that all sensors share.
    tokio::time::sleep(Duration::from_millis(1050)).await;
    let measured = assembly.sensors.values().next().unwrap();
    let seen = measure_guarded(&*measured.sensor, &Context::default()).await;
    (seen.state, seen.reason.to_string(), seen)
}

fn count(min: i64, max: i64) -> Value {
    map([("min", Value::Int(min)), ("max", Value::Int(max))])
}

#[tokio::test]
async fn processes_are_counted_by_name_and_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let name = name("cnt");
    let by_name = assemble(PROCESS, Params::new().with_text("name", &name));
    let line = format!("{name} 6.0$");
    let two = Params::new()
        .with_text("command", &line)
        .with("count", count(2, 2));
    let two = assemble(PROCESS, two);
    let (state, reason, seen) = look(&by_name).await;
    assert_eq!((state, reason.as_str()), (State::Failing, "not-running"));
    assert!(
        text(&seen).contains(&format!("no process of the name {name} runs")),
        "{seen:?}"
    );
    let first = Sleeper::named(&folder, &name);
    let (state, _, seen) = look(&by_name).await;
    assert_eq!(state, State::Passing, "{seen:?}");
    assert!(value(&seen, "resident memory").value > 10_000.0);
    assert!(value(&seen, "age of the oldest").value < 60.0);
    let (state, reason, seen) = look(&two).await;
    assert_eq!((state, reason.as_str()), (State::Failing, "limit"));
    assert!(
        text(&seen).contains("processes 1 (failing outside 2 to 2)"),
        "{seen:?}"
    );
    let second = Sleeper::named(&folder, &name);
    assert_eq!(look(&two).await.0, State::Passing);
    let third = Sleeper::named(&folder, &name);
    assert_eq!(look(&two).await.0, State::Failing);
    drop((first, second, third));
    assert_eq!(look(&by_name).await.0, State::Failing);
}

#[tokio::test]
async fn long_names_are_found_and_memory_and_age_have_limits() {
    let folder = tempfile::tempdir().unwrap();
    let name = format!("{}-with-a-long-name", name("len"));
    let _sleeper = Sleeper::named(&folder, &name);
    let params = || Params::new().with_text("name", &name);
    let small = Value::Limits(Limits::above(None, 4096.0));
    let (state, reason, _) = look(&assemble(PROCESS, params().with("memory", small))).await;
    assert_eq!((state, reason.as_str()), (State::Failing, "limit"));
    let old = Value::Limits(Limits::below(3600.0, None));
    let (state, _, seen) = look(&assemble(PROCESS, params().with("age", old))).await;
    assert_eq!(state, State::Degraded);
    assert!(text(&seen).contains("age of the oldest"), "{seen:?}");
    let other = Params::new().with_text("name", &name[..16]);
    assert_eq!(look(&assemble(PROCESS, other)).await.0, State::Failing);
}

#[tokio::test]
async fn restarts_are_seen() {
    let folder = tempfile::tempdir().unwrap();
    let name = name("rst");
    let none = Value::Limits(Limits::above(0.0, None));
    let assembly = assemble(
        PROCESS,
        Params::new()
            .with_text("name", &name)
            .with("restarts", none),
    );
    let first = Sleeper::named(&folder, &name);
    assert_eq!(look(&assembly).await.0, State::Passing);
    drop(first);
    let _second = Sleeper::named(&folder, &name);
    let (state, _, seen) = look(&assembly).await;
    assert_eq!(state, State::Degraded);
    assert!(
        text(&seen).contains("restarts (1 h) 1 (degraded > 0)"),
        "{seen:?}"
    );
}

#[tokio::test]
async fn pid_files_are_followed_and_stale_ones_fail() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.pid");
    let assembly = assemble(PROCESS, Params::new().with("pid_file", path(&file)));
    assert_eq!(look(&assembly).await.1, "missing");
    fs::write(&file, "what\n").unwrap();
    assert_eq!(look(&assembly).await.1, "bad-pid-file");
    let sleeper = Sleeper::named(&folder, &name("pid"));
    fs::write(&file, format!("{}\n", sleeper.pid())).unwrap();
    let (state, _, seen) = look(&assembly).await;
    assert_eq!(state, State::Passing, "{seen:?}");
    // Written long before the process was started: the number is somebody else's now.
    let old = SystemTime::now() - Duration::from_secs(3600);
    fs::File::options()
        .append(true)
        .open(&file)
        .unwrap()
        .set_modified(old)
        .unwrap();
    let (state, reason, seen) = look(&assembly).await;
    assert_eq!((state, reason.as_str()), (State::Failing, "stale-pid-file"));
    assert!(text(&seen).contains("is another one"), "{seen:?}");
    fs::write(&file, format!("{}\n", sleeper.pid())).unwrap();
    drop(sleeper);
    let (_, reason, seen) = look(&assembly).await;
    assert_eq!(reason, "stale-pid-file");
    assert!(text(&seen).contains("which does not exist"), "{seen:?}");
}

#[tokio::test]
async fn the_processes_of_a_unit_are_those_of_its_control_group() {
    let machine = tempfile::tempdir().unwrap();
    let write = |file: &str, text: &str| {
        let file = machine.path().join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    };
    let process = |pid: u32, state: char| {
        let line =
            format!("{pid} (x) {state} 1 1 1 0 -1 0 0 0 0 0 1 2 0 0 20 0 1 0 100 1000 55 1\n");
        write(&format!("proc/{pid}/stat"), &line);
    };
    let params = Params::new()
        .with_text("unit", "web")
        .with("root", path(machine.path()));
    let assembly = assemble(PROCESS, params);
    write("proc/uptime", "5000.0 1.0\n");
    assert_eq!(look(&assembly).await.1, "no-systemd");
    process(10, 'S');
    process(11, 'S');
    process(12, 'Z');
    process(13, 'S');
    write(
        "sys/fs/cgroup/system.slice/web.service/cgroup.procs",
        "10\n12\n",
    );
    write(
        "sys/fs/cgroup/system.slice/web.service/workers/cgroup.procs",
        "11\n",
    );
    let (state, _, seen) = look(&assembly).await;
    assert_eq!(state, State::Passing, "{seen:?}");
    assert_eq!(value(&seen, "processes").value, 2.0);
}
