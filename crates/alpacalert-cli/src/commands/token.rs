//! `alpacalert token`: tokens for programs that ask `alpacalert serve`.

use alpacalert_web::access::token;
use anyhow::Context as _;
use clap::{Args, Subcommand};

use crate::exit::{self, Outcome};
use crate::terminal::Terminal;

const EXAMPLES: &str = "\
Examples:
  alpacalert token new reports-team                     may see everything
  alpacalert token new reports-team --read queue        may see the service `queue` and what it depends on
  alpacalert token new nightly --push backup            may report to the heartbeat `backup`, and sees nothing
  alpacalert token new grafana --expires 2027-06-01T00:00:00Z";

/// Make tokens for programs that ask `alpacalert serve`
#[derive(Args, Debug)]
pub(crate) struct Token {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    New(New),
}

/// Print a new token, once, and the lines for the configuration, which keeps its hash and nothing else
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
struct New {
    /// What people call it: whose it is, or what for
    name: String,
    /// A service that it may see, with all that it depends on; `*` stands for any characters. May be given several times
    #[arg(long, value_name = "SERVICE")]
    read: Vec<String>,
    /// A heartbeat or pushed sensor that it may report to. May be given several times
    #[arg(long, value_name = "NAME")]
    push: Vec<String>,
    /// When it ends
    #[arg(long, value_name = "TIME")]
    expires: Option<jiff::Timestamp>,
}

pub(crate) fn run(command: &Token, terminal: &Terminal) -> Outcome {
    let Command::New(new) = &command.command;
    let token = token::generate().context("the system gave no random numbers for a token")?;
    terminal.print(&format!(
        "{token}\n\nIt is shown this once. Whoever uses it sends `Authorization: Bearer TOKEN`; another instance has it in its source as\n\
`token: ${{file:PATH}}`. Add to the configuration of the instance that is asked:\n\n{}",
        new.lines(&token::hash(&token))
    ))?;
    Ok(exit::PASSING)
}

impl New {
    /// The lines of the configuration.
    fn lines(&self, hash: &str) -> String {
        // A JSON text is a YAML text too, whatever is in it.
        let quoted = |text: &String| serde_json::Value::from(text.as_str()).to_string();
        let list = |names: &[String]| {
            let names: Vec<String> = names.iter().map(quoted).collect();
            format!("[{}]", names.join(", "))
        };
        let mut lines = format!(
            "access:\n  tokens:\n    {}:\n      hash: {hash}\n",
            quoted(&self.name)
        );
        match (self.read.as_slice(), self.push.as_slice()) {
            ([], []) => lines += "      read: everything\n",
            ([], _) => {}
            (read, _) => lines += &format!("      read: {}\n", list(read)),
        }
        if !self.push.is_empty() {
            lines += &format!("      push: {}\n", list(&self.push));
        }
        if let Some(end) = &self.expires {
            lines += &format!("      expires: {end}\n");
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builtin;

    #[test]
    fn what_it_says_to_add_is_a_configuration() {
        for (read, push) in [
            (vec![], vec![]),
            (vec!["queue", "shop-*"], vec![]),
            (vec![], vec!["backup: \"x\"\n"]),
        ] {
            let names = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect();
            let new = New {
                name: "it's #1: \"mine\"".to_owned(),
                read: names(read),
                push: names(push),
                expires: Some("2027-06-01T00:00:00Z".parse().expect("a time")),
            };
            let text = new.lines(&token::hash("x"));
            let file = [("a.yaml".to_owned(), text.clone())];
            let loaded = alpacalert_config::parse(&file, &builtin::registry());
            let loaded = loaded.unwrap_or_else(|wrong| panic!("{wrong}\n{text}"));
            let access = alpacalert_config::AccessPlan::of(&loaded.plan.access.expect("rules"));
            assert_eq!(access.tokens[0].name, new.name);
            assert_eq!(access.tokens[0].expires, new.expires);
            let read = match access.tokens[0].read.clone() {
                alpacalert_config::ScopePlan::Services(names) => names,
                _ => Vec::new(),
            };
            assert_eq!(read, new.read);
        }
    }
}
