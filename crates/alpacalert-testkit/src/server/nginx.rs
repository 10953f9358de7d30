//! nginx.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::{is_root, write};
use crate::{Issued, Process, free_port, require, temp_dir};

/// An nginx with one server on a free port.
#[derive(Debug)]
pub struct Nginx {
    process: Option<Process>,
    program: PathBuf,
    folder: TempDir,
    _certificate: Option<Issued>,
    port: u16,
}

impl Nginx {
    /// Starts one that serves plain HTTP; `server` is what stands inside its `server { … }`, beside the port.
    pub fn start(server: &str) -> Option<Nginx> {
        Self::start_with(None, "", "", server)
    }

    /// Starts one that serves HTTPS, HTTP/2 included, with a certificate.
    pub fn start_tls(certificate: &Issued, server: &str) -> Option<Nginx> {
        let folder = certificate.folder();
        let tls = format!(
            "ssl_certificate {0}/chain.pem; ssl_certificate_key {0}/key.pem; ssl_protocols TLSv1.2 TLSv1.3;",
            folder.display()
        );
        Self::start_with(Some(certificate), " ssl http2", &tls, server)
    }

    fn start_with(
        certificate: Option<&Issued>,
        listen: &str,
        before: &str,
        server: &str,
    ) -> Option<Nginx> {
        let program = require("nginx")?;
        let folder = temp_dir();
        let port = free_port();
        let mut nginx = Nginx {
            process: None,
            program,
            folder,
            _certificate: certificate.cloned(),
            port,
        };
        let server = format!("listen 127.0.0.1:{port}{listen};\n{before}\n{server}");
        write(&nginx.config(), &config(nginx.folder.path(), &server));
        fs::create_dir(nginx.root()).expect("make the folder of pages");
        nginx.resume();
        Some(nginx)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// The URL of a path, with plain HTTP.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address())
    }

    /// The URL of a path on `localhost`, with HTTPS.
    pub fn url_tls(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.port)
    }

    /// The folder of the files that it serves.
    pub fn root(&self) -> PathBuf {
        self.folder.path().join("pages")
    }

    /// Ends it; the port stays its own.
    pub fn stop(&mut self) {
        self.process = None;
    }

    /// Starts it again on the same port.
    pub fn resume(&mut self) {
        let mut command = Command::new(&self.program);
        command.arg("-c").arg(self.config());
        command.arg("-p").arg(self.folder.path());
        let mut process = Process::start(&mut command, &self.folder.path().join("log"));
        process.wait_for_port(self.port);
        self.process = Some(process);
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("nginx.conf")
    }
}

fn config(folder: &Path, server: &str) -> String {
    let folder = folder.display();
    let user = if is_root() { "user root;" } else { "" };
    format!(
        "daemon off; master_process on; worker_processes 1; pid {folder}/pid; error_log stderr warn; {user}
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    server {{
        root {folder}/pages;
        {server}
    }}
}}
"
    )
}
