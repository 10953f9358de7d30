//! OpenID Connect: the authorisation-code flow with PKCE, as a client of one provider.

mod fetch;
mod id_token;
mod seal;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use alpacalert::config::OidcPlan;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use subtle::ConstantTimeEq as _;
use tokio::time::Instant;
use url::Url;

use super::check::is_safe;
use super::session::random;
use super::token::sha256;
use fetch::Fetch;
use id_token::Expected;
use seal::Seal;

/// How long somebody may take to sign in at the provider.
const PATIENCE: Duration = Duration::from_secs(600);

/// How long what the provider says about itself is believed.
const KNOWN_FOR: Duration = Duration::from_secs(600);

/// What must be known of a sign-in when the browser comes back from the provider. The browser keeps it itself, sealed, in a
/// cookie: anybody can begin, and nobody can fill our memory, or take another one's place.
#[derive(Debug, Deserialize, Serialize)]
struct Pending {
    state: String,
    nonce: String,
    verifier: String,
    next: String,
    /// In seconds since 1970.
    began: i64,
}

/// Signs people in, as a client of one provider.
#[derive(Default)]
pub(super) struct Client {
    seal: Seal,
    provider: Mutex<Option<(Instant, Arc<Provider>)>>,
    fetch: Fetch,
}

/// What a provider says about itself.
#[derive(Debug, Deserialize)]
struct Provider {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    userinfo_endpoint: Option<String>,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

/// Where to send a browser, and the value of a cookie that it must come back with.
pub(super) struct Begun {
    pub(super) location: String,
    pub(super) cookie: String,
}

/// What a browser comes back with.
#[derive(Debug, Deserialize)]
pub(super) struct Returned {
    state: Option<String>,
    code: Option<String>,
    iss: Option<String>,
    error: Option<String>,
}

/// Somebody whom the provider vouches for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Person {
    pub(super) name: String,
    pub(super) groups: Vec<String>,
    /// Where they wanted to go.
    pub(super) next: String,
}

/// Why nobody could sign in: a sentence for them, and the detail for the log.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) told: &'static str,
    pub(super) logged: String,
}

fn failed(told: &'static str, logged: impl Into<String>) -> Failed {
    Failed {
        told,
        logged: logged.into(),
    }
}

const UNREACHABLE: &str = "the provider that you sign in with does not answer as it should; try again, and look into the log of this instance";
const AGAIN: &str = "this sign-in has ended or was begun in another browser; begin again";
const REFUSED: &str = "the provider did not sign you in";

impl Client {
    /// Begins to sign somebody in. `url` is where people reach this instance.
    pub(super) async fn begin(
        &self,
        plan: &OidcPlan,
        url: &str,
        next: String,
    ) -> Result<Begun, Failed> {
        let provider = self.provider(plan).await?;
        let random =
            || random().ok_or_else(|| failed(REFUSED, "the system gave no random numbers"));
        let (state, nonce, verifier) = (random()?, random()?, random()?);
        let challenge = URL_SAFE_NO_PAD.encode(sha256(verifier.as_bytes()));
        let mut location = Url::parse(&provider.authorization_endpoint)
            .map_err(|error| failed(UNREACHABLE, format!("its endpoint is no URL: {error}")))?;
        let mut scopes = vec!["openid"];
        scopes.extend(
            plan.scopes
                .iter()
                .map(String::as_str)
                .filter(|s| *s != "openid"),
        );
        location
            .query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &plan.client_id)
            .append_pair("redirect_uri", &redirect_uri(url))
            .append_pair("scope", &scopes.join(" "))
            .append_pair("state", &state)
            .append_pair("nonce", &nonce)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        let pending = Pending {
            state,
            nonce,
            verifier,
            next,
            began: Timestamp::now().as_second(),
        };
        let sealed = serde_json::to_vec(&pending).ok();
        let sealed = sealed.and_then(|pending| self.seal.close(pending));
        Ok(Begun {
            location: location.into(),
            cookie: sealed.ok_or_else(|| failed(REFUSED, "it cannot be sealed"))?,
        })
    }

    /// Ends what was begun. `cookie` is that of the browser.
    pub(super) async fn finish(
        &self,
        plan: &OidcPlan,
        url: &str,
        returned: Returned,
        cookie: Option<&str>,
    ) -> Result<Person, Failed> {
        let opened = cookie.and_then(|cookie| self.seal.open(cookie));
        let pending = opened.and_then(|opened| serde_json::from_slice::<Pending>(&opened).ok());
        let is_timely = |pending: &Pending| {
            let took = Timestamp::now().as_second() - pending.began;
            (0..PATIENCE.as_secs() as i64).contains(&took)
        };
        let pending = pending.filter(is_timely);
        let pending = pending.ok_or_else(|| failed(AGAIN, "this browser did not begin it"))?;
        let state = returned.state.as_deref().unwrap_or_default().as_bytes();
        if !bool::from(state.ct_eq(pending.state.as_bytes())) {
            return Err(failed(AGAIN, "its state is not that of this browser"));
        }
        if let Some(error) = returned.error {
            let error: String = error.chars().take(100).collect();
            return Err(failed(REFUSED, format!("the provider says {error:?}")));
        }
        let provider = self.provider(plan).await?;
        let iss = returned.iss.as_deref();
        let is_missing = iss.is_none() && provider.authorization_response_iss_parameter_supported;
        if is_missing || iss.is_some_and(|iss| iss != provider.issuer) {
            return Err(failed(REFUSED, "it came back from another issuer"));
        }
        let code = returned
            .code
            .ok_or_else(|| failed(REFUSED, "it came back without a code"))?;
        let tokens = self
            .exchange(plan, &provider, url, &code, &pending.verifier)
            .await?;
        let keys = self.fetch.json(&provider.jwks_uri, None).await;
        let keys = keys.map_err(|why| failed(UNREACHABLE, why))?;
        let expected = Expected {
            issuer: &provider.issuer,
            audience: &plan.client_id,
            nonce: &pending.nonce,
            now: Timestamp::now().as_second(),
        };
        let claims = id_token::verify(&tokens.id_token, &keys, &expected);
        let claims = claims.map_err(|why| failed(REFUSED, format!("its ID token: {why}")))?;
        let more = self.userinfo(plan, &provider, &tokens, &claims).await?;
        person(plan, &claims, more.as_ref(), pending.next)
    }

    /// What the provider says about itself, asked now and then.
    async fn provider(&self, plan: &OidcPlan) -> Result<Arc<Provider>, Failed> {
        let known = {
            let known = self.provider.lock().unwrap_or_else(PoisonError::into_inner);
            known.clone()
        };
        if let Some((at, provider)) = known
            && at.elapsed() < KNOWN_FOR
            && provider.issuer == plan.issuer
        {
            return Ok(provider);
        }
        let issuer = plan.issuer.trim_end_matches('/');
        let url = format!("{issuer}/.well-known/openid-configuration");
        let told = self.fetch.json(&url, None).await;
        let told = told.map_err(|why| failed(UNREACHABLE, why))?;
        let provider: Provider = serde_json::from_value(told)
            .map_err(|error| failed(UNREACHABLE, format!("{url}: {error}")))?;
        if provider.issuer != plan.issuer {
            let text = format!(
                "it names itself {:?}, and `access.oidc.issuer` is {:?}",
                provider.issuer, plan.issuer
            );
            return Err(failed(UNREACHABLE, text));
        }
        let endpoints = [
            &provider.authorization_endpoint,
            &provider.token_endpoint,
            &provider.jwks_uri,
        ];
        let all = endpoints.into_iter().chain(&provider.userinfo_endpoint);
        if let Some(unsafe_one) = all.into_iter().find(|endpoint| !is_safe(endpoint)) {
            let text = format!("it wants {unsafe_one:?} to be asked without encryption");
            return Err(failed(UNREACHABLE, text));
        }
        let provider = Arc::new(provider);
        let mut known = self.provider.lock().unwrap_or_else(PoisonError::into_inner);
        *known = Some((Instant::now(), provider.clone()));
        Ok(provider)
    }

    async fn exchange(
        &self,
        plan: &OidcPlan,
        provider: &Provider,
        url: &str,
        code: &str,
        verifier: &str,
    ) -> Result<Tokens, Failed> {
        let redirect_uri = redirect_uri(url);
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &redirect_uri),
            ("code_verifier", verifier),
        ];
        let secret = plan.client_secret.as_ref().map(|secret| secret.expose());
        let methods = &provider.token_endpoint_auth_methods_supported;
        // What a provider takes that does not say so is Basic.
        let basic = methods.is_empty() || methods.iter().any(|m| m == "client_secret_basic");
        let mut authorization = None;
        match secret {
            Some(secret) if basic => {
                authorization = Some(fetch::basic(&plan.client_id, secret));
            }
            Some(secret) => {
                form.push(("client_id", &plan.client_id));
                form.push(("client_secret", secret));
            }
            None => form.push(("client_id", &plan.client_id)),
        }
        let answer = self
            .fetch
            .post(&provider.token_endpoint, &form, authorization)
            .await;
        let answer = answer.map_err(|why| failed(REFUSED, why))?;
        serde_json::from_value(answer)
            .map_err(|_| failed(UNREACHABLE, "its answer to the code holds no ID token"))
    }

    /// What the provider tells beside the ID token, if that lacks something.
    async fn userinfo(
        &self,
        plan: &OidcPlan,
        provider: &Provider,
        tokens: &Tokens,
        claims: &Value,
    ) -> Result<Option<Value>, Failed> {
        let has = |claim: &str| claims.get(claim).is_some();
        if has(&plan.groups_claim) && has(&plan.name_claim) {
            return Ok(None);
        }
        let (Some(url), Some(token)) = (&provider.userinfo_endpoint, &tokens.access_token) else {
            return Ok(None);
        };
        let told = self.fetch.json(url, Some(format!("Bearer {token}"))).await;
        let told = told.map_err(|why| failed(UNREACHABLE, why))?;
        match told.get("sub") == claims.get("sub") {
            true => Ok(Some(told)),
            false => Err(failed(REFUSED, "its user info is about somebody else")),
        }
    }
}

#[derive(Deserialize)]
struct Tokens {
    id_token: String,
    access_token: Option<String>,
}

fn redirect_uri(url: &str) -> String {
    format!("{url}/oidc/callback")
}

/// Who it is, of verified claims.
fn person(
    plan: &OidcPlan,
    claims: &Value,
    more: Option<&Value>,
    next: String,
) -> Result<Person, Failed> {
    let claim = |name: &str| claims.get(name).or_else(|| more?.get(name));
    let text = |name: &str| claim(name).and_then(Value::as_str);
    let name = text(&plan.name_claim).or_else(|| text("sub"));
    let name = name.ok_or_else(|| failed(REFUSED, "its ID token does not say who it is"))?;
    let groups = match claim(&plan.groups_claim) {
        Some(Value::Array(groups)) => groups.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(group)) => vec![group.as_str()],
        _ => Vec::new(),
    };
    Ok(Person {
        name: alpacalert_model::sanitize(name).chars().take(200).collect(),
        groups: groups.into_iter().map(str::to_owned).collect(),
        next,
    })
}
