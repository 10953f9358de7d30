//! `alpacalert status`: how the services of a running instance are.

use std::fmt::Write as _;

use alpacalert_api::{Health, ServiceList};
use alpacalert_model::State;
use alpacalert_visualise::{Look, one_line, shape};
use clap::{Args, ValueEnum};

use crate::exit::{self, Outcome};
use crate::output::{json, yaml};
use crate::remote::{Token, ask};
use crate::terminal::Terminal;

const EXAMPLES: &str = "\
Examples:
  alpacalert status                                    the services of the instance on this machine
  alpacalert status --url https://alpacalert.example   of another one; its token in ALPACALERT_TOKEN
  alpacalert status queue -o nagios                    one of them, as a plugin of Nagios or Icinga";

/// Show how the services of a running instance are, without measuring anything
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\nThe exit code is that of the worst service.\n\n{}", exit::HELP))]
pub(crate) struct Status {
    /// Only these services, by their names; all by default
    #[arg(value_name = "SERVICE")]
    services: Vec<String>,
    /// Where the instance is
    #[arg(
        long,
        value_name = "URL",
        env = "ALPACALERT_URL",
        default_value = "http://127.0.0.1:8420",
        hide_env_values = true
    )]
    url: String,
    #[command(flatten)]
    token: Token,
    /// The form of what is shown
    #[arg(short, long, value_name = "FORM", default_value = "text")]
    output: Form,
    /// Ask only whether the program works, whatever state services are in: for those who start it again if not
    #[arg(long, conflicts_with_all = ["services", "output"])]
    live: bool,
}

/// The form of what is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// A line for each service, for people: the worst first
    Text,
    /// What the instance publishes, for programs
    Json,
    /// The same in YAML
    Yaml,
    /// One line as Nagios plugins print it
    Nagios,
}

pub(crate) fn run(command: &Status, terminal: &Terminal) -> Outcome {
    let client = command.token.client(&command.url)?;
    if command.live {
        ask(&command.url, client.live())?;
        return Ok(exit::PASSING);
    }
    let mut list = ask(&command.url, client.services())?;
    for name in &command.services {
        if !list.services.iter().any(|service| service.service == *name) {
            // The instance says it best, with where to look.
            ask(&command.url, client.service(name))?;
        }
    }
    if !command.services.is_empty() {
        list.services
            .retain(|service| command.services.contains(&service.service));
    }
    let worst = list
        .services
        .iter()
        .map(|service| state(service.state))
        .max();
    let worst = worst.unwrap_or(State::Unknown);
    terminal.print(&match command.output {
        Form::Text => text(list, terminal.look()),
        Form::Json => json(&list)?,
        Form::Yaml => yaml(&list)?,
        Form::Nagios => nagios(&list, worst),
    })?;
    Ok(exit::of(worst))
}

/// From the wire to the model.
pub(crate) fn state(health: Health) -> State {
    match health {
        Health::Passing => State::Passing,
        Health::Degraded => State::Degraded,
        Health::Unknown => State::Unknown,
        Health::Failing => State::Failing,
    }
}

fn text(mut list: ServiceList, look: Look) -> String {
    if list.services.is_empty() {
        return format!(
            "{} publishes no service that we may see\n",
            one_line(&list.instance)
        );
    }
    list.services
        .sort_by_key(|service| std::cmp::Reverse(state(service.state)));
    let mut out = String::new();
    for service in &list.services {
        let shape = shape(state(service.state), look.ascii);
        // Nothing can be done about a reader that does not take it.
        let _ = writeln!(out, "{shape} {}", one_line(&service.sentence));
    }
    out
}

fn nagios(list: &ServiceList, worst: State) -> String {
    let word = match worst {
        State::Passing => "OK",
        State::Degraded => "WARNING",
        State::Failing => "CRITICAL",
        State::Unknown => "UNKNOWN",
    };
    let unwell = list
        .services
        .iter()
        .filter(|service| state(service.state) == worst);
    let said: Vec<String> = match (worst, list.services.len()) {
        (_, 0) => vec!["no services".to_owned()],
        (State::Passing, count) => vec![format!("{count} services work")],
        _ => unwell.map(|service| one_line(&service.sentence)).collect(),
    };
    // What follows `|` is performance data.
    format!("{word} - {}\n", said.join("; ").replace('|', "/"))
}
