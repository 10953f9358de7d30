//! ID tokens: a JSON Web Signature by one of the provider's keys, over claims that must be about this sign-in.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm};
use serde_json::Value;

/// How far the provider's clock may be from ours, in seconds.
const SKEW: i64 = 60;

/// The longest token that is looked at.
const LENGTH_MAX: usize = 64 * 1024;

/// What a token must be about.
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) audience: &'a str,
    pub(super) nonce: &'a str,
    /// In seconds since 1970.
    pub(super) now: i64,
}

/// The claims of a token that one of the keys signed and that is about what is expected; or what is wrong with it.
pub(super) fn verify(token: &str, keys: &Value, expected: &Expected<'_>) -> Result<Value, String> {
    if token.len() > LENGTH_MAX {
        return Err("it is too long".to_owned());
    }
    let mut parts = token.split('.');
    let (Some(head), Some(body), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err("it does not have three parts".to_owned());
    };
    let header = decoded(head)?;
    let signed = &token[..head.len() + 1 + body.len()];
    let bytes = URL_SAFE_NO_PAD.decode(signature);
    let bytes = bytes.map_err(|_| "its signature is not encoded as it should be".to_owned())?;
    is_signed(&header, keys, signed.as_bytes(), &bytes)?;
    let claims = decoded(body)?;
    is_expected(&claims, expected)?;
    Ok(claims)
}

fn decoded(part: &str) -> Result<Value, String> {
    let bytes = URL_SAFE_NO_PAD.decode(part).ok();
    let value = bytes.and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    let value = value.filter(Value::is_object);
    value.ok_or_else(|| "it is not encoded as it should be".to_owned())
}

fn is_signed(header: &Value, keys: &Value, signed: &[u8], bytes: &[u8]) -> Result<(), String> {
    let algorithm = header["alg"].as_str().unwrap_or_default();
    // What a header calls critical must be understood, and nothing is here.
    if header.get("crit").is_some() {
        return Err("it has a header that is not understood".to_owned());
    }
    let named = header["kid"].as_str();
    let keys = keys["keys"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let fits = |key: &&Value| {
        let (kid, usage) = (key["kid"].as_str(), key["use"].as_str());
        named.is_none_or(|named| kid == Some(named))
            && usage.is_none_or(|usage| usage == "sig")
            && key["alg"].as_str().is_none_or(|alg| alg == algorithm)
    };
    let mut tried = false;
    for key in keys.iter().filter(fits) {
        if let Some(good) = check(algorithm, key, signed, bytes) {
            tried = true;
            if good {
                return Ok(());
            }
        }
    }
    Err(match tried {
        true => "its signature is wrong".to_owned(),
        false => {
            let algorithm: String = algorithm.chars().take(20).collect();
            format!("none of the provider's keys is for it, signed with {algorithm:?}")
        }
    })
}

/// Whether a key made a signature; `None` when the key is not for the algorithm. Only algorithms with a public key: with a
/// shared secret, or with none, anybody could sign who knows what we know.
fn check(algorithm: &str, key: &Value, signed: &[u8], bytes: &[u8]) -> Option<bool> {
    let part = |name: &str| URL_SAFE_NO_PAD.decode(key[name].as_str()?).ok();
    let rsa = |parameters| {
        if key["kty"] != "RSA" {
            return None;
        }
        let (n, e) = (part("n")?, part("e")?);
        let key = RsaPublicKeyComponents { n: &n, e: &e };
        Some(key.verify(parameters, signed, bytes).is_ok())
    };
    let curve = |name: &str, algorithm: &'static dyn VerificationAlgorithm| {
        if key["kty"] != "EC" || key["crv"] != name {
            return None;
        }
        let point = [vec![4], part("x")?, part("y")?].concat();
        let key = UnparsedPublicKey::new(algorithm, point);
        Some(key.verify(signed, bytes).is_ok())
    };
    match algorithm {
        "RS256" => rsa(&signature::RSA_PKCS1_2048_8192_SHA256),
        "RS384" => rsa(&signature::RSA_PKCS1_2048_8192_SHA384),
        "RS512" => rsa(&signature::RSA_PKCS1_2048_8192_SHA512),
        "PS256" => rsa(&signature::RSA_PSS_2048_8192_SHA256),
        "PS384" => rsa(&signature::RSA_PSS_2048_8192_SHA384),
        "PS512" => rsa(&signature::RSA_PSS_2048_8192_SHA512),
        "ES256" => curve("P-256", &signature::ECDSA_P256_SHA256_FIXED),
        "ES384" => curve("P-384", &signature::ECDSA_P384_SHA384_FIXED),
        "EdDSA" if key["kty"] == "OKP" && key["crv"] == "Ed25519" => {
            let key = UnparsedPublicKey::new(&signature::ED25519, part("x")?);
            Some(key.verify(signed, bytes).is_ok())
        }
        _ => None,
    }
}

fn is_expected(claims: &Value, expected: &Expected<'_>) -> Result<(), String> {
    let wrong = |what: &str| Err(what.to_owned());
    if claims["iss"] != expected.issuer {
        return wrong("it is from another issuer");
    }
    let audience = match &claims["aud"] {
        Value::String(one) => vec![one.as_str()],
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if !audience.contains(&expected.audience) {
        return wrong("it is for another client");
    }
    let party = claims.get("azp");
    let is_ours = party.is_some_and(|party| party == expected.audience);
    if !is_ours && (party.is_some() || audience.len() > 1) {
        return wrong("it was given to another client");
    }
    if claims["nonce"] != expected.nonce {
        return wrong("it is of another sign-in");
    }
    let time = |name: &str| claims[name].as_f64();
    let now = expected.now as f64;
    let skew = SKEW as f64;
    match time("exp") {
        Some(end) if end + skew > now => {}
        Some(_) => return wrong("its time is over; do the clocks differ?"),
        None => return wrong("it does not say when it ends"),
    }
    for begin in ["iat", "nbf"] {
        if time(begin).is_some_and(|begin| begin - skew > now) {
            return wrong("its time has not come; do the clocks differ?");
        }
    }
    match claims["sub"].as_str() {
        Some(sub) if !sub.is_empty() => Ok(()),
        _ => wrong("it does not say who it is about"),
    }
}

#[cfg(test)]
mod tests;
