//! 10,000 sensors every 10 s, of which a tenth ask a server that accepts and stays silent.

use std::fmt::Write as _;
use std::net::TcpListener;
use std::time::Duration;

use alpacalert_testkit::Nginx;

use crate::instance::Instance;

const SENSORS: usize = 10_000;
const EVERY: Duration = Duration::from_secs(10);

/// How long it is measured, after it has settled.
const FOR: Duration = Duration::from_secs(30);

pub(crate) fn bench() {
    let Some(nginx) = Nginx::start("location / { return 200 ok; }") else {
        return;
    };
    // The kernel accepts for it; nobody ever answers.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let silent_port = silent.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        let mut held = Vec::new();
        while let Ok((stream, _)) = silent.accept() {
            held.push(stream);
            if held.len() > 4000 {
                held.drain(..2000);
            }
        }
    });
    let mut text =
        String::from("instance: bench\ndefaults: { interval: 10s, timeout: 5s }\nsystems:\n");
    for part in 0..100 {
        let _ = writeln!(text, "  part-{part}:\n    all:");
        for number in 0..SENSORS / 100 {
            let port = match number % 10 {
                0 => silent_port,
                _ => nginx.address().port(),
            };
            let _ = writeln!(
                text,
                "      - http: 'http://127.0.0.1:{port}/{part}/{number}'"
            );
        }
    }
    let instance = Instance::start(&text, |_| {});
    instance.until_nodes(SENSORS);
    std::thread::sleep(3 * EVERY);
    let before = instance.seconds();
    std::thread::sleep(FOR);
    let cores = (instance.seconds() - before) / FOR.as_secs_f64();
    let report = instance.json("/api/v1/instance");
    println!(
        "{SENSORS} http sensors every {EVERY:?}, a tenth of the targets silent: lateness p99 {:.1} ms (target 250), {cores:.2} cores (target 0.5), \
         {:.0} MiB resident (target 200), {} waiting",
        report["lateness_p99"].as_f64().unwrap_or(f64::NAN) * 1e3,
        instance.resident_mib(),
        report["waiting"]
    );
}
