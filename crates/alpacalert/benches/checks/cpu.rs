//! What this process uses, as the kernel counts it.

use std::fs;

/// Ticks per second of `/proc/PID/stat`: `USER_HZ`, 100 on every architecture that Linux has.
const TICKS: f64 = 100.0;

/// Processor seconds of this process, its threads, and its children that have been waited for.
pub(crate) fn seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").expect("read /proc/self/stat");
    // The name in parentheses may hold spaces; after it come fields 3 onward of proc_pid_stat(5).
    let rest = stat.rsplit_once(')').expect("a name in parentheses").1;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks: f64 = (14..=17)
        .map(|field| fields[field - 3].parse::<f64>().expect("a number"))
        .sum();
    ticks / TICKS
}

/// Resident memory of this process.
pub(crate) fn resident_mib() -> f64 {
    let status = fs::read_to_string("/proc/self/status").expect("read /proc/self/status");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .expect("a line VmRSS");
    let kib: f64 = line
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .expect("a number");
    kib / 1024.0
}
