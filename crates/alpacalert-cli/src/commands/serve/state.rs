//! Where an instance remembers.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use alpacalert_config::HistoryPlan;
use alpacalert_store::{Retention, Store, StoreSettings};

use crate::exit::Failure;

/// The folder to remember in: what was asked for, or the usual one.
pub(super) fn folder(asked: Option<PathBuf>) -> Result<PathBuf, Failure> {
    asked.or_else(|| usual(|name| env::var_os(name))).ok_or_else(|| {
        Failure::usage(
            "cannot tell where to remember: neither STATE_DIRECTORY, XDG_STATE_HOME nor HOME is set; give a folder with --state",
        )
    })
}

/// Opens the history in a folder.
///
/// Another instance in the same folder is refused, before anything is measured. Whatever else is wrong with the folder is told by
/// the instance's own health.
pub(super) fn open(folder: &Path) -> Result<Store, Failure> {
    Store::open(StoreSettings::new(folder.to_owned()))
        .map_err(|error| Failure::usage(error.chain()))
}

/// For how long to remember: what the configuration says, else as usual.
pub(super) fn retention(plan: &HistoryPlan) -> Retention {
    let usual = Retention::default();
    Retention {
        transitions: plan.transitions.unwrap_or(usual.transitions),
        measurements: plan.measurements.unwrap_or(usual.measurements),
        hours: plan.hours.unwrap_or(usual.hours),
        days: plan.days.unwrap_or(usual.days),
    }
}

/// What systemd made for us, then what the XDG base directory specification says.
fn usual(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let folder = |name| {
        let folder = variable(name).map(PathBuf::from)?;
        // The specification says that other paths are to be ignored.
        folder.is_absolute().then_some(folder)
    };
    // Of several, the first is the one that is ours.
    let given = variable("STATE_DIRECTORY").and_then(|all| env::split_paths(&all).next());
    given
        .filter(|folder| folder.is_absolute())
        .or_else(|| Some(folder("XDG_STATE_HOME")?.join("alpacalert")))
        .or_else(|| Some(folder("HOME")?.join(".local/state/alpacalert")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, &str)]) -> Option<PathBuf> {
        usual(|name| {
            let found = pairs.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn systemd_comes_first_then_xdg_then_home() {
        let home = ("HOME", "/home/a");
        let xdg = ("XDG_STATE_HOME", "/xdg");
        let systemd = ("STATE_DIRECTORY", "/var/lib/alpacalert:/var/lib/other");
        let path = |text| Some(PathBuf::from(text));
        assert_eq!(of(&[home]), path("/home/a/.local/state/alpacalert"));
        assert_eq!(of(&[home, xdg]), path("/xdg/alpacalert"));
        assert_eq!(of(&[home, xdg, systemd]), path("/var/lib/alpacalert"));
        assert_eq!(of(&[("HOME", "relative")]), None);
        assert_eq!(of(&[]), None);
    }
}
