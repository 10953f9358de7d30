//! Real servers on free loopback ports, and waiting, for the tests of Alpacalert.
//!
//! Servers are processes of their own, in a process group of their own, that end when their handle is dropped. When the
//! test fails, the end of what they logged is printed. A server whose program is not installed is not started: the
//! test says `skipped: …` and returns.
//!
//! ```no_run
//! # use alpacalert_testkit::Nginx;
//! let Some(nginx) = Nginx::start("location / { return 200 hello; }") else { return };
//! assert!(std::net::TcpStream::connect(nginx.address()).is_ok());
//! ```

mod browser;
mod certificates;
mod hostile;
mod kubernetes;
mod npm;
mod port;
mod process;
mod python;
mod require;
mod server;
mod wait;

pub use browser::{Browser, SharedBrowser, Window};
pub use certificates::{Authority, Issued, Lifetime};
pub use hostile::{Hostile, Trick};
pub use kubernetes::{ControlPlane, FakeApiServer};
pub use npm::npm_package;
pub use port::free_port;
pub use process::Process;
pub use python::python_program;
pub use require::{require, skip};
pub use server::dovecot::Dovecot;
pub use server::exim::Exim;
pub use server::gatus::Gatus;
pub use server::nginx::Nginx;
pub use server::nsd::{Nsd, silent_udp};
pub use server::oidc::OidcProvider;
pub use server::openssl::TlsServer;
pub use server::postgres::Postgres;
pub use tempfile::TempDir;
pub use wait::{wait_for, wait_until};

/// An empty folder that is removed when it is dropped.
///
/// # Panics
///
/// When the system cannot make one.
pub fn temp_dir() -> TempDir {
    tempfile::Builder::new()
        .prefix("alpacalert-")
        .tempdir()
        .expect("make a temporary folder")
}
