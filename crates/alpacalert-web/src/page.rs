//! The pages.

use crate::{Guarded, Live};

/// The pages of an instance.
pub fn router(live: Live) -> Guarded {
    let _ = live;
    Guarded::new()
}
