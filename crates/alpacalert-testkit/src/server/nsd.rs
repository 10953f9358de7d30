//! NSD, an authoritative DNS server.

use std::net::{SocketAddr, UdpSocket};
use std::process::Command;

use tempfile::TempDir;

use super::write;
use crate::{Process, free_port, require, temp_dir};

/// A DNS server with one zone, `test.`, and a zone `broken.` that it cannot load: names in it give SERVFAIL; names in no zone
/// give REFUSED.
#[derive(Debug)]
pub struct Nsd {
    _process: Process,
    _folder: TempDir,
    port: u16,
}

impl Nsd {
    /// Starts one; `records` are lines of the zone file of `test.`, beside the SOA and NS records.
    pub fn start(records: &str) -> Option<Nsd> {
        let program = require("nsd")?;
        let folder = temp_dir();
        let port = free_port();
        let path = folder.path().display();
        let zone = format!(
            "$ORIGIN test.\n$TTL 60\n@ IN SOA ns.test. admin.test. 7 3600 600 86400 60\n@ IN NS ns.test.\nns IN A 127.0.0.1\n{records}\n"
        );
        write(&folder.path().join("test.zone"), &zone);
        let config = format!(
            "server:
    ip-address: 127.0.0.1@{port}
    username: \"\"
    chroot: \"\"
    zonesdir: \"{path}\"
    zonelistfile: \"{path}/zone.list\"
    database: \"\"
    pidfile: \"{path}/pid\"
    xfrdfile: \"{path}/xfrd.state\"
    xfrdir: \"{path}\"
    server-count: 1
    # Without it answers to the many same questions of a test are dropped.
    rrl-ratelimit: 0
remote-control:
    control-enable: no
zone:
    name: test.
    zonefile: test.zone
zone:
    name: broken.
    zonefile: missing.zone
"
        );
        write(&folder.path().join("nsd.conf"), &config);
        let mut command = Command::new(program);
        command
            .arg("-d")
            .arg("-c")
            .arg(folder.path().join("nsd.conf"));
        let mut process = Process::start(&mut command, &folder.path().join("log"));
        process.wait_for_port(port);
        Some(Nsd {
            _process: process,
            _folder: folder,
            port,
        })
    }

    /// Where it listens, for UDP and TCP.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }
}

/// A UDP socket that takes everything and answers nothing.
///
/// # Panics
///
/// When the system has none.
pub fn silent_udp() -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("bind a UDP socket");
    let address = socket.local_addr().expect("the address of a bound socket");
    (socket, address)
}
