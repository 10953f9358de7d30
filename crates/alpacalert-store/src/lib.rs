//! What an instance remembers: changes of state with their reasons, measurements, and the graph as it was.
//!
//! [`Store::record`] takes what happens and never waits; one thread writes it in groups. Everything else reads. An embedded
//! SQLite database holds it, and whatever befalls the disk is told by [`Store::status`] and stops nothing else.
//!
//! | question | answer |
//! |---|---|
//! | what changed | [`Store::transitions`] |
//! | how much of the time was it well | [`Store::uptime`] |
//! | when was it not | [`Store::incidents`] |
//! | what was measured | [`Store::measurements`] |
//! | how was everything at that moment | [`Store::graph_at`] |

mod entry;
mod error;
mod form;
mod keep;
mod lock;
mod past;
mod queue;
mod read;
mod repair;
mod salvage;
mod schema;
mod settings;
mod status;
mod store;
mod time;
mod timeline;
mod writer;

pub use error::StoreError;
pub use past::{Incident, Past, PastTransition, Point, Series, Uptime, Wanted};
pub use settings::{Clock, Retention, StoreSettings};
pub use status::StoreStatus;
pub use store::Store;

use alpacalert_model::Reason;

/// The program did not run, or stood still.
pub const MONITOR_DOWN: Reason = Reason::fixed("monitor-down");

/// The program ran, and what it saw could not be kept.
pub const HISTORY_LOST: Reason = Reason::fixed("history-lost");

/// Work on it was planned.
pub const MAINTENANCE: Reason = Reason::fixed("maintenance");
