//! Changes that a running instance tells, a line each.

use std::time::Duration;

use alpacalert_api::ChangeEvent;
use alpacalert_api::client::{Client, ClientError, StreamEvent};
use alpacalert_model::State;
use alpacalert_visualise::{Look, one_line, shape};
use jiff::tz::TimeZone;
use tokio_util::sync::CancellationToken;

use crate::commands::status::state;
use crate::exit::{self, Failure, Outcome};
use crate::measuring::runtime;
use crate::signals;
use crate::terminal::Terminal;

/// From one attempt to reach the instance to the next.
const AGAIN: Duration = Duration::from_secs(1);

/// Prints changes until it is stopped, or the reader is gone; begins anew where it ended when the stream breaks.
pub(super) fn watch(client: &Client, services: bool, terminal: &Terminal) -> Outcome {
    runtime()?.block_on(async {
        let stop = CancellationToken::new();
        signals::cancel_first_end_second(stop.clone(), || {});
        let watching = lines(client, services, terminal);
        if let Some(ended) = stop.run_until_cancelled(watching).await {
            ended?;
        }
        let list = client.services().await?;
        let worst = list
            .services
            .iter()
            .map(|service| state(service.state))
            .max();
        Ok(exit::of(worst.unwrap_or(State::Unknown)))
    })
}

async fn lines(client: &Client, services: bool, terminal: &Terminal) -> Result<(), Failure> {
    let mut last: Option<String> = None;
    let mut was_lost = false;
    loop {
        let begun = client.events(services, last.as_deref()).await;
        let mut stream = match begun {
            Ok(stream) => stream,
            // What was reached once comes back; what never was is told at once.
            Err(error @ (ClientError::Unreachable(..) | ClientError::TimedOut(_)))
                if last.is_some() =>
            {
                if !was_lost {
                    terminal.warn(&format!("{error}; trying again"));
                    was_lost = true;
                }
                tokio::time::sleep(AGAIN).await;
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        if std::mem::take(&mut was_lost) {
            terminal.note("the instance answers again");
        }
        loop {
            match stream.next().await {
                Ok(StreamEvent::Hello) => {}
                Ok(StreamEvent::Missed) => terminal.warn("some changes were missed"),
                Ok(StreamEvent::Change(change)) => {
                    if !terminal.print_live(&line(&change, terminal.look()))? {
                        return Ok(());
                    }
                }
                Err(_) => break,
            }
        }
        // Without a name for its place it begins anew, which is better than not at all.
        tokio::time::sleep(AGAIN).await;
        last = Some(stream.last().unwrap_or_default().to_owned());
    }
}

fn line(change: &ChangeEvent, look: Look) -> String {
    let time = change.at.to_zoned(TimeZone::system());
    let (from, to) = (state(change.from), state(change.to));
    let owner = change
        .owner
        .as_deref()
        .map(|owner| format!(", {}", one_line(owner)));
    let reason = match change.reason.is_empty() || to == State::Passing {
        true => String::new(),
        false => format!(": {}", one_line(&change.reason)),
    };
    format!(
        "{} {} {}  {from} → {to}{}{reason}\n",
        time.strftime("%Y-%m-%d %H:%M:%S"),
        shape(to, look.ascii),
        one_line(&change.title),
        owner.unwrap_or_default()
    )
}
