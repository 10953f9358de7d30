use base64::Engine as _;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::json;

use super::*;

struct Signer {
    key: EcdsaKeyPair,
    keys: Value,
}

fn signer() -> Signer {
    let random = SystemRandom::new();
    let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
    let key = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).unwrap();
    let point = key.public_key().as_ref();
    let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let keys = json!({ "keys": [
        { "kty": "oct", "kid": "secret", "k": "c2VjcmV0" },
        { "kty": "EC", "crv": "P-256", "kid": "one", "use": "sig", "x": part(&point[1..33]), "y": part(&point[33..]) },
    ] });
    Signer { key, keys }
}

impl Signer {
    fn sign(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        let signature = self.key.sign(&SystemRandom::new(), signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.unwrap()))
    }
}

const EXPECTED: Expected<'static> = Expected {
    issuer: "https://id.example.com",
    audience: "alpacalert",
    nonce: "n",
    now: 1_000_000,
};

fn claims() -> Value {
    json!({
        "iss": "https://id.example.com", "aud": "alpacalert", "sub": "anna", "nonce": "n",
        "iat": 999_990, "exp": 1_000_300,
    })
}

fn header() -> Value {
    json!({ "alg": "ES256", "kid": "one" })
}

#[test]
fn a_token_of_this_sign_in_is_believed() {
    let signer = signer();
    let token = signer.sign(&header(), &claims());
    assert_eq!(verify(&token, &signer.keys, &EXPECTED), Ok(claims()));
    let without_kid = signer.sign(&json!({ "alg": "ES256" }), &claims());
    assert!(verify(&without_kid, &signer.keys, &EXPECTED).is_ok());
    let mut two = claims();
    two["aud"] = json!(["alpacalert", "other"]);
    two["azp"] = "alpacalert".into();
    assert!(verify(&signer.sign(&header(), &two), &signer.keys, &EXPECTED).is_ok());
}

#[test]
fn claims_about_something_else_are_refused() {
    let signer = signer();
    for (claim, value) in [
        ("iss", json!("https://evil.example")),
        ("iss", Value::Null),
        ("aud", json!("other")),
        ("aud", json!(["alpacalert", "other"])),
        ("azp", json!("other")),
        ("nonce", json!("m")),
        ("nonce", Value::Null),
        ("exp", json!(999_900)),
        ("exp", Value::Null),
        ("exp", json!("1000300")),
        ("iat", json!(1_000_100)),
        ("nbf", json!(1_000_100)),
        ("sub", json!("")),
        ("sub", Value::Null),
    ] {
        let mut claims = claims();
        claims[claim] = value.clone();
        let token = signer.sign(&header(), &claims);
        let verified = verify(&token, &signer.keys, &EXPECTED);
        assert!(verified.is_err(), "{claim}: {value}");
    }
}

#[test]
fn what_the_provider_did_not_sign_is_refused() {
    let (signer, other) = (signer(), signer_of_others());
    let good = signer.sign(&header(), &claims());
    let (signed, _) = good.rsplit_once('.').unwrap();
    let mut changed = claims();
    changed["sub"] = "root".into();
    let changed = URL_SAFE_NO_PAD.encode(changed.to_string());
    let [head, _, signature] = good.split('.').collect::<Vec<_>>()[..] else {
        panic!("{good}");
    };
    let none = URL_SAFE_NO_PAD.encode(json!({ "alg": "none" }).to_string());
    let body = URL_SAFE_NO_PAD.encode(claims().to_string());
    for token in [
        other.sign(&header(), &claims()),
        format!("{head}.{changed}.{signature}"),
        format!("{signed}."),
        signed.to_owned(),
        format!("{good}.x"),
        format!("{none}.{body}."),
        signer.sign(&json!({ "alg": "HS256", "kid": "secret" }), &claims()),
        signer.sign(&json!({ "alg": "RS256", "kid": "one" }), &claims()),
        signer.sign(&json!({ "alg": "ES256", "kid": "two" }), &claims()),
        signer.sign(
            &json!({ "alg": "ES256", "kid": "one", "crit": ["x"] }),
            &claims(),
        ),
        String::new(),
        "a.b.c".to_owned(),
        "x".repeat(LENGTH_MAX + 1),
    ] {
        let verified = verify(&token, &signer.keys, &EXPECTED);
        assert!(verified.is_err(), "{token:.100}");
    }
    for keys in [json!({}), json!({ "keys": [] }), json!([]), Value::Null] {
        assert!(verify(&good, &keys, &EXPECTED).is_err());
    }
}

fn signer_of_others() -> Signer {
    signer()
}
