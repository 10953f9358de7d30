//! A real Kubernetes control plane for tests: etcd, the API server and its controllers, and KWOK in place of kubelets, built
//! from their Go modules into a cache outside of the repository.

use anyhow::{Context, Result};

use crate::go::Program;
use crate::run::say;
use crate::{cache, go};

/// Overrides where the programs are kept.
const FOLDER: &str = "ALPACALERT_CONTROL_PLANE";

/// Kubernetes, etcd and KWOK are modules of their own, so that the versions of what they share do not have to agree.
const PROGRAMS: &[Program] = &[
    Program {
        name: "etcd",
        module: "control-plane/etcd",
        package: "go.etcd.io/etcd/server/v3",
        flags: None,
    },
    Program {
        name: "kwok",
        module: "control-plane/kwok",
        package: "sigs.k8s.io/kwok/cmd/kwok",
        flags: None,
    },
    Program {
        name: "kube-apiserver",
        module: "control-plane/kubernetes",
        package: "k8s.io/kubernetes/cmd/kube-apiserver",
        flags: Some(version_flags),
    },
    Program {
        name: "kube-controller-manager",
        module: "control-plane/kubernetes",
        package: "k8s.io/kubernetes/cmd/kube-controller-manager",
        flags: Some(version_flags),
    },
    Program {
        name: "kube-scheduler",
        module: "control-plane/kubernetes",
        package: "k8s.io/kubernetes/cmd/kube-scheduler",
        flags: Some(version_flags),
    },
    Program {
        name: "kubectl",
        module: "control-plane/kubernetes",
        package: "k8s.io/kubernetes/cmd/kubectl",
        flags: Some(version_flags),
    },
];

/// Builds what is not up to date. `false` when Go is missing.
pub(crate) fn build() -> Result<bool> {
    if !go::is_there() {
        say("skipped: the control plane is built with Go, and there is no `go` on the PATH");
        return Ok(false);
    }
    let folder = cache::folder(FOLDER, "control-plane")?;
    say(&format!(
        "the control plane is kept in {}; set {FOLDER} to keep it elsewhere",
        folder.display()
    ));
    go::build(&folder, PROGRAMS)?;
    Ok(true)
}

/// Tells the programs which version they are: clients read it from the API server.
fn version_flags(text: &str) -> Result<String> {
    let line = text
        .lines()
        .map(|line| line.trim().trim_start_matches("require "));
    let version = line
        .filter_map(|line| line.strip_prefix("k8s.io/kubernetes v"))
        .next();
    let version = version.and_then(|rest| rest.split_whitespace().next());
    let version = version.context("go.mod does not require k8s.io/kubernetes")?;
    let mut numbers = version.split('.');
    let (major, minor) = (
        numbers.next().unwrap_or_default(),
        numbers.next().unwrap_or_default(),
    );
    let package = "k8s.io/component-base/version";
    Ok(format!(
        "-s -w -X {package}.gitVersion=v{version} -X {package}.gitMajor={major} -X {package}.gitMinor={minor}"
    ))
}
