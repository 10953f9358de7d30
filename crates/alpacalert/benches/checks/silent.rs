//! A server that accepts and says nothing, in a process of its own, since both ends of its connections need descriptors.

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};

/// Accepts until the process is ended.
pub(crate) fn serve() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
        println!("{}", listener.local_addr().expect("an address"));
        listener.set_nonblocking(true).expect("non-blocking");
        let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
        while let Ok((mut connection, _)) = listener.accept().await {
            tokio::spawn(async move {
                // Until the other end closes: what it sends is read, and not answered.
                let _ = tokio::io::copy(&mut connection, &mut tokio::io::sink()).await;
            });
        }
    });
}

/// The server as a child; ended when it is dropped.
pub(crate) struct Silent {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Silent {
    pub(crate) fn start() -> Self {
        let program = std::env::current_exe().expect("this program's path");
        let mut child = Command::new(program)
            .arg("silent")
            .stdout(Stdio::piped())
            .spawn()
            .expect("start the silent server");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("a pipe");
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("the address");
        let address = line.trim().parse().expect("an address");
        Silent { child, address }
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
