//! What a plan's shapes cannot say: whether its parts go together, and whether its files can be used.

use alpacalert::config::{AccessPlan, ServePlan};
use url::{Host, Url};

/// Whether rules can be put in force: what they need of each other is there, and certificates can be read.
///
/// # Errors
///
/// What is wrong and what to write instead, in words.
pub fn check(access: Option<&AccessPlan>, serve: &ServePlan) -> Result<(), String> {
    if let Some(url) = &serve.url {
        let url = Url::parse(url).map_err(|error| format!("`serve.url` is no URL: {error}"))?;
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            let text = "`serve.url` names a host and no path: https://status.example.com";
            return Err(text.to_owned());
        }
    }
    if let Some(oidc) = access.and_then(|access| access.oidc.as_ref()) {
        let Some(url) = &serve.url else {
            return Err(
                "`access.oidc` needs `serve.url`: the address that the provider sends people back to, such as https://status.example.com"
                    .to_owned(),
            );
        };
        for (key, url) in [("serve.url", url), ("access.oidc.issuer", &oidc.issuer)] {
            if !is_safe(url) {
                return Err(format!(
                    "`{key}` must begin with https:// for sign-in with OpenID Connect, unless it is on the loopback interface"
                ));
            }
        }
    }
    if let Some(tls) = &serve.tls {
        crate::serving::tls::read(tls)?;
    }
    Ok(())
}

/// Whether nobody can read or change what goes there: it is encrypted, or stays on this machine.
pub(super) fn is_safe(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else {
        return false;
    };
    url.scheme() == "https"
        || url.scheme() == "http"
            && match url.host() {
                Some(Host::Domain(name)) => name == "localhost",
                Some(Host::Ipv4(address)) => address.is_loopback(),
                Some(Host::Ipv6(address)) => address.is_loopback(),
                None => false,
            }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_sent_encrypted_or_not_at_all() {
        for (url, safe) in [
            ("https://id.example.com", true),
            ("http://id.example.com", false),
            ("http://localhost:8080", true),
            ("http://127.0.0.1:8080/x", true),
            ("http://[::1]/x", true),
            ("http://localhost.example.com", false),
            ("http://127.0.0.1@evil.example/", false),
            ("ftp://localhost", false),
            ("x", false),
        ] {
            assert_eq!(is_safe(url), safe, "{url}");
        }
    }
}
