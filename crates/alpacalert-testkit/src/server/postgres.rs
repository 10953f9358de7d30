//! PostgreSQL.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::is_root;
use crate::{Issued, Process, free_port, require, skip, temp_dir};

/// A PostgreSQL server whose user is `postgres`, without a password on loopback.
#[derive(Debug)]
pub struct Postgres {
    _process: Process,
    _folder: TempDir,
    port: u16,
}

impl Postgres {
    /// Starts one; without a certificate it refuses TLS.
    pub fn start(certificate: Option<&Issued>) -> Option<Postgres> {
        let programs = programs()?;
        let folder = temp_dir();
        let data = folder.path().join("data");
        if is_root() {
            require("runuser")?;
            run(Command::new("chown").arg("postgres").arg(folder.path()));
        }
        let mut initdb = as_postgres(&programs.join("initdb"), folder.path());
        run(initdb
            .arg("-D")
            .arg(&data)
            .args(["-U", "postgres", "-A", "trust", "-N"]));
        let port = free_port();
        let mut command = as_postgres(&programs.join("postgres"), folder.path());
        command.arg("-D").arg(&data);
        let mut set = |text: String| {
            command.arg("-c").arg(text);
        };
        set(format!("port={port}"));
        set("listen_addresses=127.0.0.1".to_owned());
        set("unix_socket_directories=".to_owned());
        set("fsync=off".to_owned());
        if let Some(certificate) = certificate {
            let files = own_copy(certificate, folder.path());
            set("ssl=on".to_owned());
            set(format!("ssl_cert_file={}/chain.pem", files.display()));
            set(format!("ssl_key_file={}/key.pem", files.display()));
        }
        let mut process = Process::start(&mut command, &folder.path().join("log"));
        process.wait_for_port(port);
        Some(Postgres {
            _process: process,
            _folder: folder,
            port,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }
}

/// The folder of the newest version's programs, which Debian keeps out of the search path.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok();
    let newest = versions
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin"))
        .filter(|folder| folder.join("initdb").is_file())
        .max();
    if newest.is_none() {
        skip("postgresql is not installed");
    }
    newest
}

/// PostgreSQL refuses to run as root.
fn as_postgres(program: &Path, folder: &Path) -> Command {
    let mut command = if is_root() {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    command.current_dir(folder);
    command
}

/// The server must own its key.
fn own_copy(certificate: &Issued, folder: &Path) -> PathBuf {
    let files = folder.join("tls");
    run(Command::new("cp")
        .arg("-r")
        .arg(certificate.folder())
        .arg(&files));
    run(Command::new("chmod").arg("-R").arg("u=rwX,go=").arg(&files));
    if is_root() {
        run(Command::new("chown").arg("-R").arg("postgres").arg(&files));
    }
    files
}

fn run(command: &mut Command) {
    let output = command.output();
    let output = output.unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {output:?}");
}
