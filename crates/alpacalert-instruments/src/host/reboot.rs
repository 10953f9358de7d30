//! Whether the machine should be started again to use what was installed.

use std::cmp::Ordering;
use std::fs;

use alpacalert_instrument::{
    BoxFuture, Class, Context, Observation, Reason, Sensor, SensorError, State,
};

use super::root::{Root, read_bounded};

/// Looks for a reboot that is due.
pub(crate) struct Reboot {
    root: Root,
}

impl Reboot {
    pub(crate) fn new(root: Root) -> Self {
        Reboot { root }
    }

    fn look(&self, cx: &Context) -> Result<Observation, SensorError> {
        let reason = Reason::fixed("reboot-required");
        let mut observation = Observation::passing(cx.now());
        if self.root.at("run/reboot-required").exists() {
            let text = match self.packages() {
                Some(packages) => format!("a reboot is required by {packages}"),
                None => "a reboot is required".to_owned(),
            };
            observation = observation.worsened(State::Degraded, reason.clone(), text);
        }
        let running = self.root.read("proc/sys/kernel/osrelease")?;
        let running = running.trim();
        if let Some(newer) = newest_of_flavour(running, &self.installed_kernels()) {
            let text = format!("kernel {newer} is installed, and {running} runs");
            observation = observation.worsened(State::Degraded, reason, text);
        }
        Ok(observation)
    }

    /// Debian's list of the packages that ask for it.
    fn packages(&self) -> Option<String> {
        let text = read_bounded(&self.root.at("run/reboot-required.pkgs")).ok()?;
        let mut packages: Vec<&str> = text.lines().collect();
        packages.sort_unstable();
        packages.dedup();
        (!packages.is_empty()).then(|| packages.join(", "))
    }

    fn installed_kernels(&self) -> Vec<String> {
        fs::read_dir(self.root.at("lib/modules"))
            .map(|entries| {
                entries
                    .flatten()
                    .filter(|entry| entry.path().join("modules.dep").exists())
                    .filter_map(|entry| entry.file_name().into_string().ok())
                    .collect()
            })
            .unwrap_or_default()
    }
}

impl Sensor for Reboot {
    fn measure<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<Observation, SensorError>> {
        Box::pin(async { self.look(cx) })
    }

    fn class(&self) -> Class {
        Class::Local
    }
}

/// The newest installed kernel of the running one's flavour, if it is newer. A machine whose running kernel is not
/// installed got it from elsewhere (a hypervisor, a network boot), and what is installed says nothing.
fn newest_of_flavour<'a>(running: &str, installed: &'a [String]) -> Option<&'a str> {
    if !installed.iter().any(|kernel| kernel == running) {
        return None;
    }
    let (version, flavour) = split(running);
    installed
        .iter()
        .map(|kernel| (split(kernel), kernel))
        .filter(|((other, f), _)| *f == flavour && compare(other, version) == Ordering::Greater)
        .max_by(|((a, _), _), ((b, _), _)| compare(a, b))
        .map(|(_, kernel)| kernel.as_str())
}

/// `6.1.0-25-amd64` is version `6.1.0-25` of the flavour `amd64`.
fn split(release: &str) -> (&str, &str) {
    let end = release
        .find(|c: char| c.is_ascii_alphabetic())
        .unwrap_or(release.len());
    let (version, flavour) = release.split_at(end);
    (version.trim_end_matches(['-', '.', '+', '_']), flavour)
}

/// Numbers count as numbers: 6.10 is newer than 6.9.
fn compare(a: &str, b: &str) -> Ordering {
    let numbers = |text: &str| -> Vec<u64> {
        text.split(|c: char| !c.is_ascii_digit())
            .filter_map(|part| part.parse().ok())
            .collect()
    };
    numbers(a).cmp(&numbers(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_newer_kernel_of_the_same_flavour_counts() {
        let installed: Vec<String> = ["6.1.0-9-amd64", "6.1.0-25-amd64", "6.1.0-30-rt-amd64"]
            .map(str::to_owned)
            .into();
        let newer = |running| newest_of_flavour(running, &installed);
        assert_eq!(newer("6.1.0-9-amd64"), Some("6.1.0-25-amd64"));
        assert_eq!(newer("6.1.0-25-amd64"), None);
        assert_eq!(newer("6.1.0-30-rt-amd64"), None);
        assert_eq!(newer("5.10.0-cloud"), None);
    }
}
