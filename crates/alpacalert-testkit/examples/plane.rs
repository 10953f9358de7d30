//! A control plane to try things on: prints where its kubeconfig is, and ends with the standard input.

#![allow(clippy::print_stdout, reason = "tells where it is")]

use alpacalert_testkit::ControlPlane;

fn main() {
    let Some(mut plane) = ControlPlane::start() else {
        return;
    };
    plane.start_kwok(ControlPlane::STAGES);
    println!("export KUBECONFIG={}", plane.kubeconfig("admin").display());
    println!("kubectl is {}", plane.program("kubectl").display());
    println!("It ends when this program is told that there is no more input: Ctrl-D.");
    // Nothing is expected but the end.
    let _ = std::io::read_to_string(std::io::stdin());
}
