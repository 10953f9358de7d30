//! What the tests do to a control plane, with the `kubectl` that was built with it.

use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use super::ControlPlane;
use crate::wait_until;

/// How long the controllers may take.
const PATIENCE: Duration = Duration::from_secs(40);

impl ControlPlane {
    /// What `kubectl` prints, or what it complains about.
    pub fn try_kubectl(&self, args: &[&str]) -> Result<String, String> {
        let output = Command::new(self.bin.join("kubectl"))
            .arg(format!("--kubeconfig={}", self.path("admin.kubeconfig")))
            .args(args)
            .env("HOME", self.folder.path())
            .output()
            .map_err(|error| error.to_string())?;
        match output.status.success() {
            true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        }
    }

    /// What `kubectl` prints.
    ///
    /// # Panics
    ///
    /// When it complains.
    pub fn kubectl(&self, args: &[&str]) -> String {
        self.try_kubectl(args)
            .unwrap_or_else(|error| panic!("kubectl {}: {error}", args.join(" ")))
    }

    /// An object, or a list of them, as JSON.
    ///
    /// # Panics
    ///
    /// When it is not there.
    pub fn get(&self, args: &[&str]) -> Value {
        let mut all = vec!["get", "-o", "json"];
        all.extend(args);
        serde_json::from_str(&self.kubectl(&all)).expect("kubectl prints JSON")
    }

    /// Creates or changes what a text of YAML describes; again while the accounts of a new namespace are not there yet.
    ///
    /// # Panics
    ///
    /// When the API server goes on refusing it.
    pub fn apply(&self, yaml: &str) {
        self.write("apply.yaml", yaml);
        let path = self.path("apply.yaml");
        wait_until(PATIENCE, || {
            self.try_kubectl(&["apply", "--server-side", "--force-conflicts", "-f", &path])
        });
    }

    /// Gives an object a status, as its controller or its kubelet would.
    ///
    /// # Panics
    ///
    /// When the API server refuses it.
    pub fn status(&self, kind: &str, namespace: &str, name: &str, status: &Value) {
        let patch = json!({ "status": status }).to_string();
        let mut args = vec![
            "patch",
            kind,
            name,
            "--subresource=status",
            "--type=merge",
            "-p",
            &patch,
        ];
        if !namespace.is_empty() {
            args.extend(["-n", namespace]);
        }
        self.kubectl(&args);
    }

    /// The names of the pods that a selector selects, and that are not being deleted.
    pub fn pods(&self, namespace: &str, selector: &str) -> Vec<String> {
        let list = self.get(&["pods", "-n", namespace, "-l", selector]);
        let items = list["items"].as_array().cloned().unwrap_or_default();
        let live = items
            .iter()
            .filter(|pod| pod["metadata"]["deletionTimestamp"].is_null());
        live.filter_map(|pod| Some(pod["metadata"]["name"].as_str()?.to_owned()))
            .collect()
    }

    /// Waits until a selector selects so many pods.
    ///
    /// # Panics
    ///
    /// When it does not.
    pub fn wait_for_pods(&self, namespace: &str, selector: &str, count: usize) -> Vec<String> {
        wait_until(PATIENCE, || {
            let pods = self.pods(namespace, selector);
            if pods.len() == count {
                return Ok(pods);
            }
            Err((pods, self.log("kube-controller-manager")))
        })
    }
}
