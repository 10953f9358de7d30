//! An OpenID provider: the npm package oidc-provider, as `cargo xtask npm` installs it.

use std::process::Command;

use tempfile::TempDir;

use crate::{Process, free_port, npm_package, require, temp_dir};

/// An OpenID provider that signs in anybody, whatever the password. `anna` is in the group `sre`, everybody else in `shop`.
#[derive(Debug)]
pub struct OidcProvider {
    _process: Process,
    _folder: TempDir,
    port: u16,
}

impl OidcProvider {
    /// The identity of its one client.
    pub const CLIENT: &'static str = "alpacalert";

    /// Starts one for a client with this redirect URI and this secret.
    pub fn start(redirect_uri: &str, secret: &str) -> Option<OidcProvider> {
        let node = require("node")?;
        let installed = npm_package("oidc-provider")?;
        let port = free_port();
        let folder = temp_dir();
        let mut command = Command::new(node);
        command
            .current_dir(installed)
            .env("NODE_ENV", "test")
            .arg("provider.mjs")
            .args([port.to_string().as_str(), redirect_uri, secret]);
        let mut process = Process::start(&mut command, &folder.path().join("log"));
        process.wait_for_port(port);
        Some(OidcProvider {
            _process: process,
            _folder: folder,
            port,
        })
    }

    /// What it calls itself.
    pub fn issuer(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}
