//! `openssl s_server`: a TLS server that also takes keys and versions that better ones refuse.

use std::net::SocketAddr;
use std::process::Command;

use tempfile::TempDir;

use crate::{Issued, Process, free_port, require, temp_dir};

/// A TLS server.
#[derive(Debug)]
pub struct TlsServer {
    _process: Process,
    _folder: TempDir,
    _certificate: Issued,
    port: u16,
}

impl TlsServer {
    /// Starts one with a certificate; `arguments` are added to those of `openssl s_server`.
    pub fn start(certificate: &Issued, arguments: &[&str]) -> Option<TlsServer> {
        let program = require("openssl")?;
        let port = free_port();
        let folder = temp_dir();
        let files = certificate.folder();
        let mut command = Command::new(program);
        command.arg("s_server").arg("-www").arg("-quiet");
        command.arg("-accept").arg(format!("127.0.0.1:{port}"));
        command.arg("-cert").arg(files.join("cert.pem"));
        command.arg("-cert_chain").arg(files.join("chain.pem"));
        command.arg("-key").arg(files.join("key.pem"));
        command.args(arguments);
        let mut process = Process::start(&mut command, &folder.path().join("log"));
        process.wait_for_port(port);
        Some(TlsServer {
            _process: process,
            _folder: folder,
            _certificate: certificate.clone(),
            port,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }
}
