//! How to reach an API server: what the kubeconfig says, and in words for people what is wrong with it.

use std::path::PathBuf;

use alpacalert_instrument::nearest;
use kube::Config;
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};

use super::Connection;
use super::client::innermost;

/// Why nobody can be asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigurationError {
    /// There is nothing that says where the cluster is.
    #[error(
        "there is no kubeconfig: neither in $KUBECONFIG nor at ~/.kube/config, and this is no pod with a service account; name one with --kubeconfig, or with the key `kubeconfig` of the source"
    )]
    Nothing,
    /// A file that was named.
    #[error("cannot read the kubeconfig {}: {why}", path.display())]
    Unreadable { path: PathBuf, why: String },
    /// Nobody says which context.
    #[error(
        "the kubeconfig names no current context; choose one of {0} with --context, or with the key `context` of the source"
    )]
    NoCurrent(String),
    /// A context that is not there.
    #[error("the kubeconfig has no context `{name}`{hint}")]
    NoContext { name: String, hint: String },
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

/// What a connection asks for, as kube understands it.
pub(super) async fn configuration(connection: &Connection) -> Result<Config, ConfigurationError> {
    let Some(file) = kubeconfig(connection)? else {
        return Config::incluster().map_err(|_| ConfigurationError::Nothing);
    };
    let contexts: Vec<String> = file
        .contexts
        .iter()
        .map(|known| known.name.clone())
        .collect();
    let wanted = connection
        .context
        .as_ref()
        .or(file.current_context.as_ref());
    let Some(wanted) = wanted.filter(|name| !name.is_empty()) else {
        let known: Vec<String> = contexts.iter().map(|name| format!("`{name}`")).collect();
        return Err(match known.is_empty() {
            true => ConfigurationError::Other(
                "the kubeconfig has no contexts; is it the right file?".to_owned(),
            ),
            false => ConfigurationError::NoCurrent(known.join(", ")),
        });
    };
    if !contexts.contains(wanted) {
        let near = nearest(wanted, &contexts, String::as_str);
        return Err(ConfigurationError::NoContext {
            name: wanted.clone(),
            hint: match (near, contexts.as_slice()) {
                (Some(near), _) => format!("; did you mean `{near}`?"),
                (None, []) => String::new(),
                (None, known) => format!("; it has {}", known.join(", ")),
            },
        });
    }
    let options = KubeConfigOptions {
        context: Some(wanted.clone()),
        ..KubeConfigOptions::default()
    };
    Config::from_custom_kubeconfig(file, &options)
        .await
        .map_err(|error| {
            ConfigurationError::Other(format!(
                "the kubeconfig cannot be used: {}",
                innermost(&error)
            ))
        })
}

/// The file that was named, or the usual ones put together; `None` when there is none and none was asked for.
fn kubeconfig(connection: &Connection) -> Result<Option<Kubeconfig>, ConfigurationError> {
    let asked = connection.context.is_some()
        || std::env::var_os("KUBECONFIG").is_some_and(|v| !v.is_empty());
    let read = match &connection.kubeconfig {
        Some(path) => Kubeconfig::read_from(path),
        None => Kubeconfig::read(),
    };
    match read {
        Ok(file) => Ok(Some(file)),
        Err(KubeconfigError::ReadConfig(error, path)) => {
            let missing = error.kind() == std::io::ErrorKind::NotFound;
            if missing && connection.kubeconfig.is_none() && !asked {
                return Ok(None);
            }
            let why = error.to_string();
            Err(ConfigurationError::Unreadable { path, why })
        }
        Err(KubeconfigError::FindPath) if !asked => Ok(None),
        Err(error) => {
            let path = connection.kubeconfig.clone();
            let path = path.unwrap_or_else(|| PathBuf::from("~/.kube/config"));
            let why = innermost(&error);
            Err(ConfigurationError::Unreadable { path, why })
        }
    }
}
