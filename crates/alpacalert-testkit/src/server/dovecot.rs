//! Dovecot, an IMAP server.

use std::net::SocketAddr;
use std::process::Command;

use tempfile::TempDir;

use super::{is_root, open_to_all, write};
use crate::{Issued, Process, free_port, require, temp_dir};

/// An IMAP server that offers STARTTLS; nobody can log in.
#[derive(Debug)]
pub struct Dovecot {
    _process: Process,
    _folder: TempDir,
    _certificate: Issued,
    port: u16,
}

impl Dovecot {
    /// Starts one.
    pub fn start(certificate: &Issued) -> Option<Dovecot> {
        let program = require("dovecot")?;
        let folder = temp_dir();
        let port = free_port();
        let path = folder.path().display();
        // As root it insists on its own users, which Debian's package makes.
        let (user, login) = if is_root() {
            open_to_all(folder.path());
            ("dovecot".to_owned(), "dovenull".to_owned())
        } else {
            let user = std::env::var("USER").unwrap_or_default();
            (user.clone(), user)
        };
        let config = format!(
            "protocols = imap
listen = 127.0.0.1
base_dir = {path}/run
state_dir = {path}/state
log_path = /dev/stderr
default_internal_user = {user}
default_login_user = {login}
default_internal_group = {user}
ssl = yes
ssl_cert = <{0}/chain.pem
ssl_key = <{0}/key.pem
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service anvil {{
  chroot =
}}
passdb {{
  driver = static
  args = nologin=yes nopassword=yes
}}
userdb {{
  driver = static
  args = uid={user} gid={user} home={path}
}}
",
            certificate.folder().display()
        );
        write(&folder.path().join("dovecot.conf"), &config);
        let mut command = Command::new(program);
        command
            .arg("-F")
            .arg("-c")
            .arg(folder.path().join("dovecot.conf"));
        let mut process = Process::start(&mut command, &folder.path().join("log"));
        process.wait_for_port(port);
        Some(Dovecot {
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
