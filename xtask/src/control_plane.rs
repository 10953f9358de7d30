//! A real Kubernetes control plane for tests: etcd, the API server and its controllers, and KWOK in place of kubelets, built
//! from their Go modules into a cache outside of the repository.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::cache;
use crate::run::{root, say};

/// Overrides where the programs are kept.
const FOLDER: &str = "ALPACALERT_CONTROL_PLANE";
/// A program, the module that it is built from, and its package.
struct Program {
    name: &'static str,
    module: &'static str,
    package: &'static str,
}

/// Kubernetes, etcd and KWOK are modules of their own, so that the versions of what they share do not have to agree.
const PROGRAMS: &[Program] = &[
    Program {
        name: "etcd",
        module: "etcd",
        package: "go.etcd.io/etcd/server/v3",
    },
    Program {
        name: "kwok",
        module: "kwok",
        package: "sigs.k8s.io/kwok/cmd/kwok",
    },
    Program {
        name: "kube-apiserver",
        module: "kubernetes",
        package: "k8s.io/kubernetes/cmd/kube-apiserver",
    },
    Program {
        name: "kube-controller-manager",
        module: "kubernetes",
        package: "k8s.io/kubernetes/cmd/kube-controller-manager",
    },
    Program {
        name: "kube-scheduler",
        module: "kubernetes",
        package: "k8s.io/kubernetes/cmd/kube-scheduler",
    },
    Program {
        name: "kubectl",
        module: "kubernetes",
        package: "k8s.io/kubernetes/cmd/kubectl",
    },
];

/// Builds what is not up to date. `false` when Go is missing.
pub(crate) fn build() -> Result<bool> {
    if Command::new("go").arg("version").output().is_err() {
        say("skipped: the control plane is built with Go, and there is no `go` on the PATH");
        return Ok(false);
    }
    let folder = cache::folder(FOLDER, "control-plane")?;
    let bin = folder.join("bin");
    fs::create_dir_all(&bin)
        .with_context(|| format!("cannot make the folder {}", bin.display()))?;
    say(&format!(
        "the control plane is kept in {}; set {FOLDER} to keep it elsewhere",
        folder.display()
    ));
    for (number, program) in PROGRAMS.iter().enumerate() {
        let place = format!("{} of {}: {}", number + 1, PROGRAMS.len(), program.name);
        if is_current(&bin, program)? {
            say(&format!("{place} is up to date"));
            continue;
        }
        say(&format!(
            "{place} is being built; the first time takes minutes"
        ));
        let start = Instant::now();
        make(&bin, program)?;
        say(&format!("{place} took {} s", start.elapsed().as_secs()));
    }
    Ok(true)
}

fn module(program: &Program) -> PathBuf {
    root().join("xtask/control-plane").join(program.module)
}

/// What a program is made from: the versions of everything, and of the compiler.
fn recipe(program: &Program) -> Result<String> {
    let module = module(program);
    let mut text = String::new();
    for file in ["go.mod", "go.sum"] {
        let path = module.join(file);
        text += &fs::read_to_string(&path)
            .with_context(|| format!("cannot read {}", path.display()))?;
    }
    let go = Command::new("go")
        .arg("version")
        .output()
        .context("cannot run `go version`")?;
    text += &String::from_utf8_lossy(&go.stdout);
    Ok(text)
}

fn is_current(bin: &Path, program: &Program) -> Result<bool> {
    let made = fs::read_to_string(recipe_path(bin, program)).unwrap_or_default();
    Ok(bin.join(program.name).is_file() && made == recipe(program)?)
}

fn recipe_path(bin: &Path, program: &Program) -> PathBuf {
    bin.join(format!("{}.recipe", program.name))
}

fn make(bin: &Path, program: &Program) -> Result<()> {
    let target = bin.join(program.name);
    let mut command = Command::new("go");
    command
        .current_dir(module(program))
        .env("CGO_ENABLED", "0")
        .env("GOFLAGS", "-mod=readonly");
    command.args(["build", "-trimpath", "-o"]).arg(&target);
    if program.module == "kubernetes" {
        command.args(["-ldflags", &version_flags(&module(program))?]);
    }
    command.arg(program.package);
    let status = command
        .status()
        .with_context(|| format!("cannot run go to build {}", program.name))?;
    if !status.success() {
        bail!(
            "go could not build {} from {}",
            program.package,
            module(program).display()
        );
    }
    fs::write(recipe_path(bin, program), recipe(program)?).context("cannot note what was built")
}

/// Tells the programs which version they are: clients read it from the API server.
fn version_flags(module: &Path) -> Result<String> {
    let text = fs::read_to_string(module.join("go.mod")).context("cannot read go.mod")?;
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
