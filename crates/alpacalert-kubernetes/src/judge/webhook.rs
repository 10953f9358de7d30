//! Admission webhooks: WH-1. One that does not answer and may not be ignored stops every change that it is asked about.

use alpacalert_model::{Effect, State};

use super::{Judge, words};
use crate::cluster::Lookup;
use crate::kinds;
use crate::object::control::{CaBundle, ServiceReference, Webhook, Webhooks};
use crate::object::{Body, Object};

pub(super) fn webhooks(judge: &mut Judge<'_>, webhooks: &Webhooks) {
    judge.passing(
        "WH-1",
        "exists",
        format!("{} webhooks", webhooks.webhooks.len()),
    );
    for webhook in &webhooks.webhooks {
        judge.link_part("webhook", &webhook.name, Effect::Required);
    }
}

/// Judges the webhook of a name; `None` when there is none.
pub(super) fn webhook(judge: &mut Judge<'_>, webhooks: &Webhooks, name: &str) -> Option<()> {
    let webhook = webhooks
        .webhooks
        .iter()
        .find(|webhook| &*webhook.name == name)?;
    // The API's default is Fail.
    let ignored = &*webhook.failure_policy == "Ignore";
    let broken = if ignored {
        State::Degraded
    } else {
        State::Failing
    };
    authorities(judge, webhook, broken);
    match (&webhook.client_config.url, &webhook.client_config.service) {
        (Some(url), _) => judge.passing(
            "WH-1",
            "External",
            format!("asks {url}, which is not asked here"),
        ),
        (None, Some(service)) => service_of(judge, service, ignored, broken),
        (None, None) => judge.find("WH-1", broken, "NoTarget", "names nobody to ask"),
    }
    Some(())
}

fn authorities(judge: &mut Judge<'_>, webhook: &Webhook, broken: State) {
    let bundle = webhook.client_config.ca_bundle.unwrap_or(CaBundle {
        present: false,
        not_after: None,
    });
    if !bundle.present && webhook.client_config.service.is_some() {
        judge.unknown(
            "WH-1",
            "NoAuthorities",
            "has no caBundle to check its Service's certificate with",
        );
    }
    if let Some(end) = bundle.not_after
        && !judge.within(end, jiff::SignedDuration::ZERO)
    {
        judge.find(
            "WH-1",
            broken,
            "Expired",
            format!(
                "the certificate in its caBundle ended {} ago",
                words(judge.age(end))
            ),
        );
    }
}

fn service_of(judge: &mut Judge<'_>, service: &ServiceReference, ignored: bool, broken: State) {
    let effect = if ignored {
        Effect::Degrades
    } else {
        Effect::Required
    };
    super::control::service_edge(judge, service, effect);
    if !judge.looks_around() {
        return judge.passing("WH-1", "exists", "exists");
    }
    // The API's default is 443.
    let port = service.port.unwrap_or(443);
    if let Lookup::Found(Object {
        body: Body::Service(body),
        ..
    }) = judge
        .cluster
        .look(kinds::SERVICE, &service.namespace, &service.name)
    {
        if body.spec.ports.iter().any(|known| known.port == port) {
            judge.passing(
                "WH-1",
                "ok",
                format!("asks the port {port} of Service {}", service.name),
            );
        } else {
            judge.find(
                "WH-1",
                broken,
                "missing-port",
                format!("Service {} has no port {port}", service.name),
            );
        }
    }
}
