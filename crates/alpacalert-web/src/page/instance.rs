//! How the instance itself is doing.

use alpacalert::{SourceStatus, Stats};
use alpacalert_model::{State, Timestamp, Unit};
use alpacalert_store::StoreStatus;
use alpacalert_visualise::one_line;
use axum::extract::State as Shared;
use axum::response::Response;
use maud::{Markup, html};

use super::Pages;
use super::asked::{Asked, ZONE};
use super::detail::said;
use super::layout::{Face, Page};
use super::parts::{class, exact, mark, shape, short, since, thousands};
use super::scene::Name;
use super::trouble::Trouble;
use crate::live::ConfigStatus;

/// The most characters of what is wrong with a configuration.
const PROBLEM: usize = 8_000;

/// What the instance says about itself as a service like any other.
struct Health {
    name: Name,
    parts: Vec<(Name, String)>,
}

pub(crate) async fn page(Shared(pages): Shared<Pages>, asked: Asked) -> Result<Response, Trouble> {
    let itself = pages.live.itself();
    let health = pages.look(&asked, move |scene| {
        let node = scene
            .graph
            .key(&itself)
            .and_then(|key| scene.graph.get(key))?;
        Some(Health {
            name: Name::of(node),
            parts: node
                .children()
                .map(|(part, _)| (Name::of(part), said(part)))
                .collect(),
        })
    });
    let health = health.await?;
    let now = Timestamp::now();
    let (stats, sources, config) = (
        pages.live.stats().await,
        pages.live.sources().await,
        pages.live.config(),
    );
    let page = Page {
        face: Face::Operator,
        title: "Itself".to_owned(),
        tab: "/itself",
        twin: "/api/v1/instance".to_owned(),
        every: 5,
        body: html! {
            (verdict(&asked, health.as_ref()))
            @if config.rejected.is_some() { (rejected(&config, now)) }
            div.columns {
                (figures(&stats))
                (configuration(&pages, &config, now))
                (store(pages.memory.status().as_ref(), now))
            }
            (sources_table(&sources, now))
            @if let Some(health) = &health { (parts(&asked, health)) }
        },
    };
    Ok(pages.answer(&asked, &page))
}

fn verdict(asked: &Asked, health: Option<&Health>) -> Markup {
    let state = health.map_or(State::Unknown, |health| health.name.state);
    html! {
        section class=(format!("verdict {}", class(state))) id="verdict" {
            (shape(state))
            div {
                h1 { "This instance is " (state.as_str()) }
                @match health {
                    Some(health) => p.quiet { "As a service like any other: " a href=(asked.links.node(&health.name.id)) { (health.name.title) } },
                    None => p.quiet { "It has not judged itself yet." },
                }
            }
        }
    }
}

fn rejected(config: &ConfigStatus, now: Timestamp) -> Markup {
    html! {
        @if let Some(rejected) = &config.rejected {
            section.panel.s-degraded #rejected aria-labelledby="rejected-title" {
                h2 #rejected-title { "The newest configuration is wrong" }
                p { "The former one is still in force. Refused " (since(now, rejected.at, &ZONE)) " ago:" }
                pre tabindex="0" { (alpacalert_model::sanitize(&rejected.problem.chars().take(PROBLEM).collect::<String>())) }
            }
        }
    }
}

fn figures(stats: &Stats) -> Markup {
    let ms = |time: std::time::Duration| format!("{:.1} ms", time.as_secs_f64() * 1000.0);
    let figures = [
        ("Lateness, half of them under", ms(stats.lateness_p50)),
        ("Lateness, 99 of 100 under", ms(stats.lateness_p99)),
        ("Measurements that wait", thousands(stats.waiting)),
        ("Measurements under way", thousands(stats.running)),
        ("Sensors measured", thousands(stats.sensors)),
        ("Nodes", thousands(stats.nodes)),
        ("Measured since the start", number(stats.measured)),
        (
            "Changes of state since the start",
            number(stats.transitions),
        ),
        ("Results that came too late", number(stats.stale)),
    ];
    html! {
        section.panel #scheduler aria-labelledby="scheduler-title" {
            h2 #scheduler-title { "Scheduler and queues" }
            dl.facts-list { @for (word, value) in figures { dt { (word) } dd.number { (value) } } }
        }
    }
}

fn configuration(pages: &Pages, config: &ConfigStatus, now: Timestamp) -> Markup {
    html! {
        section.panel #configuration aria-labelledby="configuration-title" {
            h2 #configuration-title { "Configuration" }
            dl.facts-list {
                dt { "Instance" } dd { (one_line(&config.instance)) }
                dt { "File" } dd { @match &config.path { Some(path) => (one_line(&path.display().to_string())), None => "none: this machine is monitored" } }
                dt { "In force" } dd { "for " (since(now, config.loaded_at, &ZONE)) }
                dt { "Version" } dd { (config.reloads + 1) @if config.reloads == 0 { ", that of the start" } }
                dt { "Last refused" } dd { @match &config.rejected { Some(rejected) => (exact(rejected.at, &ZONE)), None => "none since the one in force" } }
                dt { "Started" } dd { (exact(pages.live.started_at(), &ZONE)) }
                dt { "Program" } dd { "alpacalert " (env!("CARGO_PKG_VERSION")) }
            }
        }
    }
}

fn store(status: Option<&StoreStatus>, now: Timestamp) -> Markup {
    html! {
        section.panel #store aria-labelledby="store-title" {
            h2 #store-title { "History" }
            @match status {
                None => p.quiet { "Nothing is remembered: this instance keeps no history." },
                Some(status) => {
                    @if status.state != State::Passing { p.why { (mark(status.state)) " " (short(&status.message, 600)) } }
                    dl.facts-list {
                        dt { "Waiting to be written" } dd.number { (thousands(status.queued)) ", " (Unit::Bytes.write(status.queued_bytes as f64)) }
                        dt { "Newest group written" } dd.number { @match status.committed_at { Some(at) => { (since(now, at, &ZONE)) " ago" }, None => "none yet" } }
                        dt { "Could not be remembered" } dd.number { (number(status.lost)) }
                        dt { "Rows written" } dd.number { (number(status.rows)) }
                        dt { "Size" } dd.number { (Unit::Bytes.write(status.file_bytes as f64)) }
                    }
                    p.quiet.path { (one_line(&status.path.display().to_string())) }
                }
            }
        }
    }
}

fn number(n: u64) -> String {
    thousands(usize::try_from(n).unwrap_or(usize::MAX))
}

fn sources_table(sources: &[SourceStatus], now: Timestamp) -> Markup {
    html! {
        section.panel #sources aria-labelledby="sources-title" {
            h2 #sources-title { "Sources" }
            @if sources.is_empty() { p.quiet { "No sources: everything is measured here." } }
            ul.plain {
                @for source in sources {
                    li { (mark(source.state)) span {
                        b { (short(&source.name, 100)) }
                        @if let Some(at) = source.fetched_at { span.quiet { " answered " (since(now, at, &ZONE)) " ago" } }
                        @else { span.quiet { " has not answered yet" } }
                        @if !source.message.is_empty() { " " span.said { (short(&source.message, 400)) } }
                    } }
                }
            }
        }
    }
}

fn parts(asked: &Asked, health: &Health) -> Markup {
    html! {
        section.panel #parts aria-labelledby="parts-title" {
            h2 #parts-title { "As it judges itself" }
            ul.plain { @for (name, said) in &health.parts {
                li { (mark(name.state)) span { a href=(asked.links.node(&name.id)) { (name.title) } @if !said.is_empty() { " " span.said { (said) } } } }
            } }
        }
    }
}
