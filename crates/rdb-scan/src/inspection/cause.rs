//! What was done to a file, as seen once all of it has been read.

use super::{Inspection, Part};
use crate::{
    fault::{Cause, FaultCode, Hazard, HazardCode},
    reading::looks_like::{Beginning, in_words},
};

/// Fewer zeros at the end of a truncated file may be its own.
const LEAST_ZEROS: u64 = 512;

impl Inspection {
    /// Gives the first fault its cause, if it is known.
    pub(super) fn name_cause(&mut self) {
        let Part { beginning, suspect, zeros_from, .. } = &mut self.part;
        let Beginning { cause, has_plain_line_feed } = beginning.take().unwrap_or_default();
        // A file with a plain LF has not been through a terminal, whatever one of its values looks like.
        let suspect = suspect.take().filter(|_| !has_plain_line_feed);
        if let Some(zeros_from) = zeros_from.take() {
            self.name_zeros(zeros_from);
        }
        let Some(fault) = self.faults.first_mut() else { return };
        match (fault.code, cause.or(suspect)) {
            (FaultCode::EmptyFile | FaultCode::RdbVersionUnknown, _) | (_, None) => {}
            // The message already names the cause.
            (FaultCode::NotAnRdb, cause) => fault.cause = cause,
            (_, Some(cause)) => {
                fault.cause = Some(cause);
                if let Some(words) = in_words(cause) {
                    fault.message = format!("{}; {words}", fault.message);
                }
            }
        }
    }

    /// Recognizes a file that is truncated among zeros: zeros read like empty strings under empty keys.
    fn name_zeros(&mut self, zeros_from: u64) {
        let Some(fault) = self.faults.last_mut() else { return };
        let zeros = self.end.saturating_sub(zeros_from);
        if fault.code == FaultCode::Truncated && zeros >= LEAST_ZEROS {
            fault.cause = Some(Cause::Zeros);
            fault.message = format!(
                "{}; from offset {zeros_from} on there are only zeros: a copy that was not filled, such as a sparse or \
                 preallocated one",
                fault.message
            );
        }
    }

    /// Reports that the file is the base of an append-only file, if its AUX fields say so. BGSAVE writes 0 into them.
    ///
    /// Source: `rdbSaveInfoAuxFields`: `aof-preamble` up to Redis 6.2, `aof-base` since Redis 7.0.
    pub(super) fn look_for_aof_base(&mut self) {
        let is_set = |name: &str| self.aux.get(name).is_some_and(|value| value == "1");
        let message = if is_set("aof-base") {
            "the file is the base of an append-only file (aof-base 1): what was written since is in \
             appendonly.aof.N.incr.aof, and a restore loses it"
        } else if is_set("aof-preamble") {
            "the file is the beginning of an append-only file (aof-preamble 1): what was written since \
             follows it, and a restore loses it"
        } else {
            return;
        };
        let code = HazardCode::AofBase;
        // A hazard for commands after the end already says the same.
        if [code, HazardCode::AofTail].iter().all(|code| !self.hazard_counts.contains_key(code)) {
            self.add_hazard(Hazard { code, offset: 0, database: 0, key: None, message: message.to_owned() });
        }
    }
}
