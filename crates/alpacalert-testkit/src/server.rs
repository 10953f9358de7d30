//! Real servers, each with a configuration of its own in a temporary folder.

pub(crate) mod dovecot;
pub(crate) mod exim;
pub(crate) mod gatus;
pub(crate) mod nginx;
pub(crate) mod nsd;
pub(crate) mod oidc;
pub(crate) mod openssl;
pub(crate) mod postgres;

use std::path::Path;

/// Writes a file of a server's folder.
fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap_or_else(|error| panic!("cannot write {path:?}: {error}"));
}

/// Whether the tests run as root, whom some servers refuse or give up privileges for.
fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Lets every user into a folder, for servers that give up root.
fn open_to_all(folder: &Path) {
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    std::fs::set_permissions(folder, mode).expect("open a folder");
}
