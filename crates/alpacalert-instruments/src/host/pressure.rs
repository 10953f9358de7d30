//! Pressure stall information: how much time work spent waiting for a resource.

use alpacalert_instrument::SensorError;

use super::root::{Root, malformed};

/// The share of time in which work waited, in percent, averaged over a minute and over five.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Stall {
    pub(crate) minute: f64,
    pub(crate) five_minutes: f64,
}

/// Which line of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waiting {
    /// At least one task waited.
    Some,
    /// All tasks that had something to do waited.
    Full,
}

/// Reads `/proc/pressure/<resource>`. `None` where the kernel does not account for pressure.
pub(crate) fn read(
    root: &Root,
    resource: &str,
    waiting: Waiting,
) -> Result<Option<Stall>, SensorError> {
    let table = format!("proc/pressure/{resource}");
    // Kernels before 4.20, kernels without CONFIG_PSI, and those started with psi=0 have no readable table.
    let Ok(text) = super::root::read_bounded(&root.at(&table)) else {
        return Ok(None);
    };
    parse(&text, waiting)
        .map(Some)
        .ok_or_else(|| malformed(&format!("/{table}")))
}

fn parse(text: &str, waiting: Waiting) -> Option<Stall> {
    let word = match waiting {
        Waiting::Some => "some",
        Waiting::Full => "full",
    };
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(word)?.strip_prefix(' '))?;
    let number = |key: &str| {
        line.split(' ')
            .find_map(|part| part.strip_prefix(key)?.parse::<f64>().ok())
    };
    Some(Stall {
        minute: number("avg60=")?,
        five_minutes: number("avg300=")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_line_that_was_asked_for() {
        let text = "some avg10=1.00 avg60=2.50 avg300=3.75 total=1\nfull avg10=4.00 avg60=5.00 avg300=6.00 total=2\n";
        let some = parse(text, Waiting::Some).unwrap();
        assert_eq!((some.minute, some.five_minutes), (2.5, 3.75));
        assert_eq!(parse(text, Waiting::Full).unwrap().minute, 5.0);
        assert_eq!(parse("some avg10=1.00\n", Waiting::Some), None);
    }
}
