//! What readings before a plan have found.

use rdb_scan::Magic;
use serde::{Deserialize, Serialize};

use crate::Repeated;

/// What has to be known before a range is planned.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Survey {
    /// The magic of the new files: [`Magic::Valkey`] if the target reads it and fields have expiries.
    /// [`crate::Plan::magic`] says whether that was right.
    pub magic: Magic,
    /// Keys that occur more than once, found by a [`crate::Comparison`].
    pub repeated: Repeated,
}
