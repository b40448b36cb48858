//! Whether a backup that the engine does not read is converted, and what a conversion may lose.

use rdb_convert::Policies;
use serde::{Deserialize, Serialize};

use crate::request::ConvertRequest;

/// When a backup is converted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum When {
    /// If the engine does not read it as it is.
    #[default]
    Needed,
    /// Never: such a backup is refused.
    Never,
}

/// The conversion of backups, with every default filled in.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Convert {
    /// When a backup is converted.
    pub when: When,
    /// What a conversion may lose.
    #[serde(flatten)]
    pub policies: Policies,
}

impl Convert {
    /// Fills in the defaults: convert if needed, lose nothing.
    pub(crate) fn resolve(request: &ConvertRequest) -> Self {
        let policy = Option::unwrap_or_default;
        Self {
            when: request.when.unwrap_or_default(),
            policies: Policies {
                field_expiries: policy(request.field_expiries),
                stream_state: policy(request.stream_state),
                modules: policy(request.modules),
                unsupported_types: policy(request.unsupported_types),
                functions: policy(request.functions),
            },
        }
    }
}
