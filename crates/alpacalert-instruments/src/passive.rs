//! The kinds `heartbeat` and `push`: things that can only report, over HTTP, to a running instance.

mod heartbeat;
mod push;

use alpacalert_instrument::{Expected, InstrumentError, Registry, Scope, Secret, Target, Value};

/// Adds `heartbeat` and `push`.
pub(crate) fn register(registry: &mut Registry) {
    registry.register_kind(heartbeat::spec(), heartbeat::instrument);
    registry.register_kind(push::spec(), push::instrument);
}

/// The least characters of a token: it is all that keeps others from reporting.
const TOKEN_MIN: usize = 8;

/// What `name` and `token` of a target say: what it waits for.
fn expect(target: &Target, scope: &Scope<'_, '_>) -> Result<Expected, InstrumentError> {
    let name = target.params.required_text("name")?;
    if let Some(wrong) = name.chars().find(|c| !is_plain(*c)) {
        return Err(InstrumentError::new(format!(
            "`name` becomes part of a URL, so `{}` cannot be in it; use letters, digits, `-`, `_` and `.`",
            wrong.escape_default()
        )));
    }
    let token = match target.params.get("token") {
        Some(Value::Secret(secret)) => secret.clone(),
        Some(Value::Text(text)) => Secret::unresolved(text.as_str()),
        _ => return Err(InstrumentError::new("there is no `token`")),
    };
    if token.expose().len() < TOKEN_MIN {
        return Err(InstrumentError::new(format!(
            "the token is shorter than {TOKEN_MIN} characters: anybody could guess it; `openssl rand -hex 20` makes a good one"
        )));
    }
    Ok(scope.inbox().expect(scope.id(), name, token))
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_.".contains(c)
}
