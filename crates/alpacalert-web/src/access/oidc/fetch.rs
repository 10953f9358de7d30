//! Asking a provider: bounded in time and size, without following redirects.

use std::sync::OnceLock;
use std::time::Duration;

use axum::http::{HeaderValue, Request, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use url::form_urlencoded::{Serializer, byte_serialize};

/// How long one question may take in all.
const PATIENCE: Duration = Duration::from_secs(10);

/// The longest answer: keys of a provider are some KiB.
const BODY_MAX: usize = 1024 * 1024;

type Inner = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// Asks, with connections that are kept.
#[derive(Default)]
pub(super) struct Fetch(OnceLock<Inner>);

/// The header of a client that says who it is, as OAuth 2.0 wants it: both parts are encoded as in a form first.
pub(super) fn basic(client: &str, secret: &str) -> String {
    let part = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!("{}:{}", part(client), part(secret));
    format!("Basic {}", STANDARD.encode(pair))
}

impl Fetch {
    /// The JSON at a URL.
    pub(super) async fn json(
        &self,
        url: &str,
        authorization: Option<String>,
    ) -> Result<Value, String> {
        self.ask(url, Request::get(url), Bytes::new(), authorization)
            .await
    }

    /// What is answered to a form.
    pub(super) async fn post(
        &self,
        url: &str,
        form: &[(&str, &str)],
        authorization: Option<String>,
    ) -> Result<Value, String> {
        let body = Serializer::new(String::new()).extend_pairs(form).finish();
        let request =
            Request::post(url).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.ask(url, request, body.into(), authorization).await
    }

    async fn ask(
        &self,
        url: &str,
        request: axum::http::request::Builder,
        body: Bytes,
        authorization: Option<String>,
    ) -> Result<Value, String> {
        let failed = |why: &dyn std::fmt::Display| format!("{url}: {why}");
        let mut request = request
            .header(header::ACCEPT, "application/json")
            .body(Full::new(body))
            .map_err(|error| failed(&error))?;
        if let Some(text) = authorization {
            let mut value = HeaderValue::from_str(&text).map_err(|error| failed(&error))?;
            value.set_sensitive(true);
            request.headers_mut().insert(header::AUTHORIZATION, value);
        }
        let asking = async {
            let answer = self.client().request(request).await;
            let answer = answer.map_err(|error| failed(&chain(&error)))?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), BODY_MAX).collect().await;
            let body = body.map_err(|error| failed(&error))?.to_bytes();
            let value: Option<Value> = serde_json::from_slice(&body).ok();
            if !status.is_success() {
                // The code of an OAuth error says what is wrong; what else is said may hold what we sent.
                let code = value.as_ref().and_then(|value| value["error"].as_str());
                let code: String = code.unwrap_or_default().chars().take(60).collect();
                return Err(failed(&format!("it answers {status} {code}")));
            }
            value.ok_or_else(|| failed(&"it answers no JSON"))
        };
        match tokio::time::timeout(PATIENCE, asking).await {
            Ok(answer) => answer,
            Err(_) => Err(failed(&format!(
                "it has not answered within {} s",
                PATIENCE.as_secs()
            ))),
        }
    }

    fn client(&self) -> &Inner {
        self.0.get_or_init(|| {
            let mut roots = rustls::RootCertStore::empty();
            for certificate in rustls_native_certs::load_native_certs().certs {
                // One that cannot be read vouches for nobody.
                let _ = roots.add(certificate);
            }
            let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
            let config = rustls::ClientConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()
                .map(|config| config.with_root_certificates(roots).with_no_client_auth())
                .expect("ring speaks TLS 1.2 and 1.3");
            let connector = HttpsConnectorBuilder::new()
                .with_tls_config(config)
                .https_or_http()
                .enable_http1()
                .build();
            Client::builder(TokioExecutor::new()).build(connector)
        })
    }
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text += &format!(": {cause}");
        source = cause.source();
    }
    text
}
