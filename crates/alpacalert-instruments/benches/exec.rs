//! How many Nagios plugins a second one core starts, reads and ends: `/bin/true` through the whole sensor, beside the
//! ceiling of the standard library's bare spawn and wait in the same run.
//!
//! Run it on one core: `taskset -c 0 cargo bench -p alpacalert-instruments --bench exec`.

#![expect(clippy::print_stdout, reason = "it prints what it measured")]

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use alpacalert_instrument::{
    Builder, Context, Kind, Params, Request, Snapshots, State, Timestamp, measure_guarded,
};
use futures_util::StreamExt;
use futures_util::stream;

const RUNS: usize = 3000;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    for _ in 0..3 {
        report("bare spawn and wait, one at a time", bare());
        report("exec sensor, one at a time", runtime.block_on(sensors(1)));
        report("exec sensor, 16 at a time", runtime.block_on(sensors(16)));
    }
}

fn report(what: &str, took: Duration) {
    let rate = RUNS as f64 / took.as_secs_f64();
    println!("{what}: {rate:.0}/s");
}

fn bare() -> Duration {
    let start = Instant::now();
    for _ in 0..RUNS {
        let status = Command::new("/bin/true").stdin(Stdio::null()).status();
        assert!(status.is_ok_and(|status| status.success()));
    }
    start.elapsed()
}

async fn sensors(at_a_time: usize) -> Duration {
    let registry = alpacalert_instruments::registry();
    let snapshots = Snapshots::new();
    let now = Timestamp::UNIX_EPOCH;
    let mut builder = Builder::new(&registry, &snapshots, Default::default(), now);
    let params = Params::new().with_text("command", "/bin/true");
    let request = Request::local(Kind::of("alpacalert.io/Exec"), "true").with_params(params);
    builder.instrument(request).expect("exec is registered");
    let assembly = builder.finish();
    let measured = assembly.sensors.values().next().expect("a sensor");
    let cx = Context::default();
    let start = Instant::now();
    stream::iter(0..RUNS)
        .map(|_| measure_guarded(&*measured.sensor, &cx))
        .buffer_unordered(at_a_time)
        .for_each(async |seen| assert_eq!(seen.state, State::Passing))
        .await;
    start.elapsed()
}
