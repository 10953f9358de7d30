//! The kind `exec`: real plugins, and programs that nobody would want to run.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

use alpacalert_instrument::model::{Bound, Observation, Reason, State, Unit};
use alpacalert_instrument::{Context, Params, Value, measure_guarded};
use tokio_util::sync::CancellationToken;

use super::{assemble, map, text, value};

const EXEC: &str = "alpacalert.io/Exec";
const PLUGINS: &str = "/usr/lib/nagios/plugins";

fn command(words: &[&str]) -> Params {
    let words = words.iter().map(|word| Value::Text((*word).to_owned()));
    Params::new().with("command", Value::List(words.collect()))
}

fn shell(script: &str) -> Params {
    command(&["/bin/sh", "-c", script])
}

async fn run_in(params: Params, cx: &Context) -> Observation {
    let assembly = assemble(EXEC, params);
    let measured = assembly.sensors.values().next().unwrap();
    measure_guarded(&*measured.sensor, cx).await
}

async fn run(params: Params) -> Observation {
    run_in(
        params,
        &Context::default().with_timeout(Duration::from_secs(10)),
    )
    .await
}

/// A plugin of Debian's packages.
async fn plugin(words: &[&str]) -> Option<Observation> {
    let program = format!("{PLUGINS}/{}", words[0]);
    if !Path::new(&program).exists() {
        alpacalert_testkit::skip(&format!("{program} is not installed"));
        return None;
    }
    let mut all = vec![program.as_str()];
    all.extend(&words[1..]);
    Some(run(command(&all)).await)
}

/// Marks what a test starts, so that it can find what is left of it.
struct Marked(String);

impl Marked {
    fn new(name: &str) -> Marked {
        Marked(format!("{name}-{}", std::process::id()))
    }

    fn params(&self, script: &str) -> Params {
        shell(script).with(
            "env",
            map([("ALPACALERT_TEST", Value::Text(self.0.clone()))]),
        )
    }

    /// The processes that are left.
    fn alive(&self) -> Vec<String> {
        let entries = fs::read_dir("/proc").unwrap().flatten();
        let is_mine = |path: &Path| {
            fs::read(path.join("environ"))
                .is_ok_and(|env| String::from_utf8_lossy(&env).contains(&self.0))
        };
        entries
            .map(|entry| entry.path())
            .filter(|path| is_mine(path))
            .map(|path| fs::read_to_string(path.join("stat")).unwrap_or_default())
            .collect()
    }

    /// Waits until nothing is left.
    async fn gone(&self) {
        for _ in 0..100 {
            if self.alive().is_empty() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("still there: {:?}", self.alive());
    }

    async fn started(&self) {
        for _ in 0..100 {
            if !self.alive().is_empty() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("it never started");
    }
}

#[tokio::test]
async fn the_exit_code_is_the_state() {
    let cases = [
        ("exit 0", State::Passing, "ok"),
        ("exit 1", State::Degraded, "plugin-warning"),
        ("exit 2", State::Failing, "plugin-critical"),
        ("exit 3", State::Unknown, "plugin-unknown"),
        ("exit 4", State::Unknown, "exit-code"),
        ("exit 127", State::Unknown, "exit-code"),
        ("kill -9 $$", State::Unknown, "signal"),
    ];
    for (script, state, reason) in cases {
        let seen = run(shell(&format!("echo words; {script}"))).await;
        assert_eq!(
            (seen.state, seen.reason.as_str()),
            (state, reason),
            "{script}"
        );
        assert!(text(&seen).contains("words"), "{seen:?}");
    }
}

#[tokio::test]
async fn debians_plugins_are_understood() {
    for (code, state) in [
        ("0", State::Passing),
        ("1", State::Degraded),
        ("2", State::Failing),
        ("3", State::Unknown),
    ] {
        let Some(seen) = plugin(&["check_dummy", code, "words"]).await else {
            return;
        };
        assert_eq!(seen.state, state);
        assert!(text(&seen).contains("words"));
    }
    let load = plugin(&["check_load", "-w", "500,400,300", "-c", "600,500,400"])
        .await
        .unwrap();
    assert_eq!(load.state, State::Passing, "{load:?}");
    let load1 = value(&load, "load1");
    assert_eq!(load1.limits.degraded, Some(Bound::Above(500.0)));
    assert_eq!(load1.limits.failing, Some(Bound::Above(600.0)));

    let disk = plugin(&["check_disk", "-w", "100%", "-c", "1%", "-p", "/"])
        .await
        .unwrap();
    assert_eq!(disk.state, State::Degraded, "{disk:?}");
    let used = value(&disk, "/");
    assert_eq!(used.unit, Unit::Bytes);
    assert!(used.value > 1e8, "{used:?}");

    let procs = plugin(&["check_procs", "-c", "1:100000"]).await.unwrap();
    assert_eq!(procs.state, State::Passing, "{procs:?}");
    assert_eq!(
        value(&procs, "procs").limits.failing,
        Some(Bound::Outside(1.0, 100_000.0))
    );
}

#[tokio::test]
async fn debians_plugins_see_a_port_open_and_closed() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let words = [
        "check_tcp",
        "-H",
        "127.0.0.1",
        "-p",
        &port,
        "-w",
        "5",
        "-c",
        "9",
    ];
    let Some(open) = plugin(&words).await else {
        return;
    };
    assert_eq!(open.state, State::Passing, "{open:?}");
    let time = value(&open, "time");
    assert_eq!(
        (time.unit, time.limits.failing),
        (Unit::Seconds, Some(Bound::Above(9.0)))
    );
    // Bound and not listening: closed, and nobody else can have it meanwhile.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let port = socket.local_addr().unwrap().port().to_string();
    let words = ["check_tcp", "-H", "127.0.0.1", "-p", &port];
    let closed = plugin(&words).await.unwrap();
    assert_eq!(closed.state, State::Failing);
    assert!(text(&closed).contains("onnection refused"), "{closed:?}");
}

#[tokio::test]
async fn measured_values_never_change_the_plugins_verdict() {
    let seen = run(shell("echo 'fine | x=99;10;20'")).await;
    assert_eq!(seen.state, State::Passing);
    assert_eq!(value(&seen, "x").state(), State::Failing);
}

#[tokio::test]
async fn output_without_end_is_killed() {
    let mark = Marked::new("endless");
    let start = Instant::now();
    let seen = run(mark.params("yes")).await;
    assert_eq!(
        (seen.state, seen.reason.as_str()),
        (State::Unknown, "too-much-output")
    );
    assert!(
        start.elapsed() < Duration::from_secs(8),
        "{:?}",
        start.elapsed()
    );
    mark.gone().await;
}

#[tokio::test]
async fn a_program_that_ignores_sigterm_is_killed_with_its_children_within_the_time_out() {
    let mark = Marked::new("stubborn");
    let script = "trap '' TERM; (trap '' TERM; while :; do sleep 1; done) & echo waiting; while :; do sleep 1; done";
    let cx = Context::default().with_timeout(Duration::from_secs(2));
    let start = Instant::now();
    let seen = run_in(mark.params(script), &cx).await;
    assert!(
        start.elapsed() < Duration::from_millis(2200),
        "{:?}",
        start.elapsed()
    );
    assert_eq!((seen.state, seen.reason), (State::Unknown, Reason::TIMEOUT));
    let said: Vec<_> = seen.messages.iter().map(|m| &*m.text).collect();
    assert_eq!(
        said,
        [
            "the program was killed because it did not end within 2 s",
            "waiting"
        ]
    );
    mark.gone().await;
}

#[tokio::test]
async fn a_program_that_heeds_sigterm_may_clean_up() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("clean");
    let script = format!(
        "trap 'echo done > {}; exit' TERM; sleep 60 & wait",
        file.display()
    );
    let cx = Context::default().with_timeout(Duration::from_secs(2));
    let seen = run_in(shell(&script), &cx).await;
    assert_eq!(seen.reason, Reason::TIMEOUT);
    assert_eq!(fs::read_to_string(file).unwrap(), "done\n");
}

#[tokio::test]
async fn a_child_that_holds_the_output_open_is_not_waited_for_and_not_left() {
    let mark = Marked::new("holder");
    let start = Instant::now();
    let seen = run(mark.params("sleep 60 & echo OK")).await;
    assert_eq!((seen.state, text(&seen).as_str()), (State::Passing, "OK"));
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
    mark.gone().await;
}

#[tokio::test]
async fn a_daemon_that_left_the_group_is_not_waited_for() {
    let start = Instant::now();
    let seen = run(shell("setsid sleep 6 & echo OK")).await;
    assert_eq!(seen.state, State::Passing);
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test]
async fn a_dropped_measurement_leaves_nothing_behind() {
    let mark = Marked::new("dropped");
    let params = mark.params("trap '' TERM; sleep 60 & sleep 60 & wait; sleep 60");
    let task = tokio::spawn(run(params));
    mark.started().await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    mark.gone().await;
    // Nor a zombie: zombies have no environment, so look at our own children.
    for _ in 0..100 {
        let zombies = fs::read_dir("/proc/self/task")
            .unwrap()
            .flatten()
            .any(|task| {
                let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
                children.split_whitespace().any(|pid| {
                    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
                    stat.contains("(sh) Z")
                })
            });
        if !zombies {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("a zombie is left");
}

#[tokio::test]
async fn a_cancelled_measurement_ends_its_program() {
    let mark = Marked::new("cancelled");
    let cancel = CancellationToken::new();
    let cx = Context::default()
        .with_timeout(Duration::from_secs(20))
        .with_cancel(cancel.clone());
    let params = mark.params("sleep 60");
    let task = tokio::spawn(async move { run_in(params, &cx).await });
    mark.started().await;
    cancel.cancel();
    let seen = task.await.unwrap();
    assert_eq!(
        (seen.state, seen.reason.as_str()),
        (State::Unknown, "cancelled")
    );
    mark.gone().await;
}

#[tokio::test]
async fn what_is_printed_cannot_fool_a_terminal() {
    let seen = run(shell(
        r"printf '\033[31mred\000\377\342\200\256end | a=1\n'",
    ))
    .await;
    assert_eq!(seen.state, State::Passing);
    let text = text(&seen);
    assert!(
        text.contains("red") && !text.chars().any(char::is_control),
        "{text:?}"
    );
    assert!(!text.contains('\u{202e}'));
    assert_eq!(value(&seen, "a").value, 1.0);
}

#[tokio::test]
async fn huge_performance_data_and_long_output_are_cut() {
    let seen = run(shell("printf 'OK |'; seq -f ' v%g=1' 90000 | tr '\\n' ' '")).await;
    assert_eq!(seen.state, State::Passing);
    assert_eq!(seen.measurements.len(), 200);
    assert!(
        text(&seen).contains("more measured values are not shown"),
        "{}",
        text(&seen)
    );
    let seen = run(shell("seq 5000")).await;
    assert!(seen.messages.len() <= 20, "{}", seen.messages.len());
    assert!(
        text(&seen).contains("4989 more lines are not shown"),
        "{}",
        text(&seen)
    );
}

#[tokio::test]
async fn the_environment_is_small_and_what_was_asked_for() {
    let params = command(&["env"]).with("env", map([("TOKEN", Value::Text("abc".into()))]));
    let seen = text(&run(params).await);
    let mut names: Vec<&str> = seen
        .lines()
        .filter_map(|line| line.split('=').next())
        .collect();
    names.sort_unstable();
    names.retain(|name| *name != "HOME");
    assert_eq!(names, ["LANG", "LC_ALL", "PATH", "TOKEN"]);
    assert!(seen.contains("TOKEN=abc"));
    let params = command(&["pwd"]).with("dir", Value::Text("/usr".into()));
    assert_eq!(text(&run(params).await), "/usr");
}

#[tokio::test]
async fn nothing_of_ours_is_open_in_the_program_and_its_input_is_empty() {
    let ours = tempfile::NamedTempFile::new().unwrap();
    let seen = run(shell("cat; ulimit -c; ulimit -n; ls -l /proc/self/fd")).await;
    let seen = text(&seen);
    assert!(seen.starts_with("0\n1024\n"), "{seen}");
    let name = ours.path().file_name().unwrap().to_str().unwrap();
    assert!(seen.contains("/dev/null") && !seen.contains(name), "{seen}");
}

#[tokio::test]
async fn arguments_are_inert() {
    let dir = tempfile::tempdir().unwrap();
    let touched = dir.path().join("touched");
    let nasty = [
        format!("; touch {}", touched.display()),
        format!("$(touch {})", touched.display()),
        format!("`touch {}`", touched.display()),
        format!("a\ntouch {}\n", touched.display()),
        "--help".to_owned(),
        "*".to_owned(),
        format!("| touch {}", touched.display()),
    ];
    let mut words = vec!["/usr/bin/printf", "[%s]"];
    words.extend(nasty.iter().map(String::as_str));
    let seen = run(command(&words)).await;
    assert_eq!(seen.state, State::Passing);
    assert!(
        text(&seen).contains("[*]") && text(&seen).contains("--help"),
        "{}",
        text(&seen)
    );
    assert!(!touched.exists());
}

#[tokio::test]
async fn what_cannot_be_started_is_unknown_and_says_why() {
    let cases = [
        (
            command(&["/no/such/plugin"]),
            "cannot start `/no/such/plugin`: No such file",
        ),
        (
            command(&["no-such-plugin"]),
            "cannot find the program `no-such-plugin` in",
        ),
        (
            command(&["check_load -w 5"]),
            "a command is a list with one item for each argument",
        ),
        (
            command(&["/etc/passwd"]),
            "cannot start `/etc/passwd`: Permission denied",
        ),
        (command(&["/bin/echo", "a\0b"]), "nul byte found"),
        (
            shell("exit 0").with("dir", Value::Text("/no/such/folder".into())),
            "cannot start `/bin/sh`",
        ),
    ];
    for (params, expected) in cases {
        let seen = run(params).await;
        assert_eq!(
            (seen.state, seen.reason.as_str()),
            (State::Unknown, "cannot-start")
        );
        assert!(
            text(&seen).contains(expected),
            "{} lacks {expected}",
            text(&seen)
        );
    }
}
