//! Exim, a mail server.

use std::net::SocketAddr;
use std::process::Command;

use tempfile::TempDir;

use super::{is_root, open_to_all, write};
use crate::{Issued, Process, free_port, require, temp_dir};

/// A mail server that offers STARTTLS and takes no mail.
#[derive(Debug)]
pub struct Exim {
    _process: Process,
    _folder: TempDir,
    _certificate: Option<Issued>,
    port: u16,
}

impl Exim {
    /// Starts one; without a certificate it does not offer STARTTLS.
    pub fn start(certificate: Option<&Issued>) -> Option<Exim> {
        let program = require("exim4")?;
        let folder = temp_dir();
        let port = free_port();
        let path = folder.path().display();
        let tls = match certificate {
            Some(certificate) => format!(
                "tls_advertise_hosts = *\ntls_certificate = {0}/chain.pem\ntls_privatekey = {0}/key.pem\n",
                certificate.folder().display()
            ),
            None => "tls_advertise_hosts =\n".to_owned(),
        };
        // Exim gives up root unless told whom to run as; the folder is ours.
        let user = if is_root() {
            "exim_user = Debian-exim\nexim_group = Debian-exim\ndeliver_drop_privilege = true\n"
        } else {
            ""
        };
        let config = format!(
            "{user}{tls}primary_hostname = mail.test
spool_directory = {path}/spool
log_file_path = {path}/exim_%s.log
pid_file_path = {path}/pid
daemon_smtp_ports = {port}
local_interfaces = 127.0.0.1
acl_smtp_rcpt = deny
host_lookup =
rfc1413_hosts =
begin acl
deny:
  deny
begin routers
begin transports
"
        );
        write(&folder.path().join("exim.conf"), &config);
        let mut command = Command::new(program);
        command.arg("-C").arg(folder.path().join("exim.conf"));
        command.arg("-bdf");
        if is_root() {
            // It reads its own files as its own user.
            std::fs::create_dir(folder.path().join("spool")).expect("make the spool");
            for name in [".", "spool"] {
                open_to_all(&folder.path().join(name));
            }
        }
        let mut process = Process::start(&mut command, &folder.path().join("log"));
        process.wait_for_port(port);
        Some(Exim {
            _process: process,
            _folder: folder,
            _certificate: certificate.cloned(),
            port,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }
}
