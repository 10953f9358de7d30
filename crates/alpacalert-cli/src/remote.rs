//! Asking a running instance instead of measuring.

use std::future::Future;

use alpacalert_api::client::{Client, ClientError};
use clap::Args;

use crate::exit::Failure;
use crate::measuring::runtime;
use crate::progress::Waiting;

/// Which instance to ask.
#[derive(Args, Debug)]
pub(crate) struct Remote {
    /// Ask the running instance at this URL, such as http://127.0.0.1:8420, instead of measuring
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    #[command(flatten)]
    pub(crate) token: Token,
}

/// What the instance knows us by.
#[derive(Args, Debug)]
pub(crate) struct Token {
    /// What the instance knows us by; better given by the variable, which other users cannot see
    #[arg(
        long,
        value_name = "TOKEN",
        env = "ALPACALERT_TOKEN",
        hide_env_values = true
    )]
    token: Option<String>,
}

impl Token {
    /// A client of the instance at this URL.
    pub(crate) fn client(&self, url: &str) -> Result<Client, Failure> {
        let token = self.token.as_deref().map(str::trim);
        Client::new(url, token.filter(|token| !token.is_empty())).map_err(Failure::from)
    }
}

/// Asks, and says so on a terminal while it takes.
pub(crate) fn ask<T>(
    url: &str,
    asking: impl Future<Output = Result<T, ClientError>>,
) -> Result<T, Failure> {
    runtime()?.block_on(async {
        let waiting = Waiting::new(format!("asking {url}"));
        let answer = waiting.until(asking).await;
        answer.map_err(Failure::from)
    })
}

impl From<ClientError> for Failure {
    /// Wrong usage where the user gave something wrong, and otherwise that it could not be read.
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Url(_) | ClientError::NotFound(_) => Failure::usage(error.to_string()),
            error => Failure::io(format!("{:#}", anyhow::Error::from(error))),
        }
    }
}
